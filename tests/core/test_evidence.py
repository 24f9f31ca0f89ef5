"""The report shows the numbers that a finding went by, and what experiments say would help most."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fake_run import write_run

import penjing as pj
from penjing.checks import names_for
from penjing.checks._examples import example_trials
from penjing.core import plugins
from penjing.core.files import write_lines
from penjing.core.finding import FOLLOWS_FROM, Finding
from penjing.core.report import write_report
from penjing.core.report._evidence import MOST_NUMBERS, evidence, helps

KNOWN: dict[str, Any] = {
    "what": "a larger network",
    "gain": 0.03,
    "low": 0.02,
    "high": 0.04,
    "metric": "accuracy",
    "share": 1.0,
    "why": "",
}
UNKNOWN = {**KNOWN, "what": "cleaner labels", "gain": None, "low": None, "high": None, "why": "there are no classes"}


@pytest.mark.parametrize("name", names_for("steps", "items", "inputs", "choices", "trials"))
def test_every_finding_of_a_training_shows_what_it_went_by(name: str) -> None:
    check = plugins.load("checks", name)
    shown = evidence(check.look(check.sick()))
    assert 0 < len(shown) <= MOST_NUMBERS
    assert all(value and "_" not in label.partition(", ")[0] for label, value in shown)
    assert all(len(value) < 120 for _, value in shown)


def test_numbers_are_shown_as_people_read_them() -> None:
    told = {
        "doubted": 1234,
        "best_loss": 0.0314159,
        "fell": -0.5,
        "is_wrong": False,
        "layers": {f"layer {number}": number / 10 for number in range(6)},
        "inputs": ["a", "b", "c", "d", "e"],
        "untried": [],
        "model": "linear",
        "machine": {"threads": 2},
        "none": None,
        "hashes": ["5ea1"],
        "taken_for": {"a": "b"},
        FOLLOWS_FROM: ["drift"],
    }
    assert evidence(Finding("odd", "info", "", evidence=told)) == [
        ("doubted", "1,234"),
        ("best loss", "0.0314"),
        ("fell", "−0.5"),
        ("is wrong", "no"),
        ("layers, layer 0", "0"),
        ("layers, layer 1", "0.1"),
        ("layers, layer 2", "0.2"),
        ("layers, layer 3", "0.3"),
        ("layers", "2 more"),
        ("inputs", "a, b, c, d and 1 more"),
        ("model", "linear"),
        ("machine, threads", "2"),
    ]


def test_the_page_shows_the_numbers_beside_the_sentence(tmp_path: Path) -> None:
    told = {"doubted": 8, "share": 0.08, "hashes": ["5ea1c0de5ea1"], "name": "<b>"}
    finding = Finding("label_errors", "warning", "Eight look wrong.", evidence=told)
    page = write_report(write_run(tmp_path / "run"), findings=[finding]).read_text(encoding="utf-8")
    assert "<dt>doubted</dt><dd>8</dd>" in page
    assert "<dt>share</dt><dd>0.08</dd>" in page
    assert "<dt>name</dt><dd>&lt;b&gt;</dd>" in page
    assert "5ea1c0de5ea1" not in page


def test_what_would_help_has_its_gain_its_interval_and_a_drawing_on_one_scale() -> None:
    chance = {**KNOWN, "what": "twice the updates", "gain": 0.004, "low": -0.006, "high": 0.014, "share": 0.5}
    found = helps([KNOWN, chance, UNKNOWN])
    assert found is not None
    best, other = found["known"]
    assert (best["gain"], best["class"], best["note"]) == ("+3.0 points [+2.0 to +4.0]", "helped", "")
    assert (other["gain"], other["class"]) == ("+0.4 points [−0.6 to +1.4]", "unclear")
    assert other["note"] == "may be chance, of trainings with 50% of its updates"
    assert other["low"] < found["zero"] < other["at"] < best["low"] < best["at"]
    assert best["span"] == pytest.approx(other["span"], abs=0.02)
    assert found["unknown"] == ["cleaner labels (there are no classes)"]
    assert helps([UNKNOWN]) is None
    assert helps([]) is None


def test_the_report_of_a_run_with_experiments_says_what_would_help_most(tmp_path: Path) -> None:
    place = write_run(tmp_path / "run")
    assert 'id="helps"' not in pj.report(place).read_text(encoding="utf-8")
    trials = example_trials(
        {"experiment": "share", "setting": "0.5", "gain": -0.05},
        {"experiment": "share", "setting": "0.25", "gain": -0.125},
        {"experiment": "larger", "gain": 0.03},
    ).trials
    assert trials is not None
    write_lines(place / "trials.jsonl", trials.to_dicts())
    page = pj.report(place).read_text(encoding="utf-8")
    section = page[page.index('id="helps"') :].partition("</section>")[0]
    assert re.findall(r'<th scope="row">([^<]*)', section) == ["twice the data", "a larger network"]
    assert "+3.0 points [+2.0 to +4.0]" in section
    assert "Not examined: cleaner labels" in section
    assert page.index('id="findings"') < page.index('id="helps"')
