"""What a report shows of a treatment: verdicts with a drawing of their intervals, and what else was tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_run import Shape, write_run

from penjing.core.report import _read, _sections, _tables, _treatments, save_figures, text, write_report
from penjing.core.units import show_seconds


def line(remedy: str, outcome: str, effect: tuple[float, float, float] | None = None, **more: Any) -> dict[str, Any]:
    """A line of a ledger about a remedy, of the second treatment."""
    names = ("effect", "low", "high")
    difference = (
        {**dict(zip(names, effect, strict=True)), "p_value": 0.001, "seeds": 3, "units": 90} if effect else None
    )
    told = {"remedy": remedy, "finding": "overfit", "outcome": outcome, "difference": difference, "times": 1.0}
    told |= {"changed": {}, "doses": {}, "began": "second", "why": "with 3 seeds"}
    return {"time": "", "what": "treatment", "choice": f"{remedy}: {outcome}", **told, **more}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A made-up run that was treated twice."""
    folder = write_run(tmp_path / "run", Shape(items=120))
    kept = {"what": "treated", "choice": "augment", "why": "kept augment: accuracy +5.0 points [+2.0 to +8.0]"}
    lines = [
        line("smooth_labels", "helped", (0.9, 0.8, 1.0), began="first"),
        line("augment", "looked good", doses={"augment": 2}),
        line("clip_gradient", "not applicable", why="it clips already"),
        line("more_steps", "no clear effect", (-0.01, -0.03, 0.02), times=3.04, doses={"more_steps": 1}),
        line(
            "augment",
            "helped",
            (0.05, 0.02, 0.08),
            doses={"augment": 2},
            changed={"augment": [None, "crop"], "optimiser.rate": [1e-5, 1 / 3]},
        ),
        {**kept, "time": "", "began": "second", "metric": "accuracy", "origin": "runs/<sick>"},
    ]
    with (folder / "ledger.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in lines)
    return folder


def test_the_last_line_about_a_remedy_counts_and_earlier_treatments_do_not(run: Path) -> None:
    rows = _tables.treatments(_read.read_run(run))
    assert rows["remedy"].to_list() == ["more_steps", "augment (2 times)", "clip_gradient"]
    assert rows["outcome"].to_list() == ["no clear effect", "helped", "not applicable"]
    assert rows["changed"].to_list()[1] == "augment: none → crop; optimiser.rate: 1e-05 → 0.3333"


def test_an_interval_is_drawn_to_scale_beside_zero(run: Path) -> None:
    found = _treatments.treatments(_read.read_run(run))
    assert found is not None
    steps, augment = found["judged"]
    # From −0.03 to 0.08 in 92 of 100 parts, 4 being left free at either end.
    assert found["zero"] == pytest.approx(4 + 92 * 3 / 11, abs=0.01)
    assert augment["low"] == pytest.approx(4 + 92 * 5 / 11, abs=0.01)
    assert augment["low"] + augment["span"] == pytest.approx(96)
    assert steps["at"] == pytest.approx(4 + 92 * 2 / 11, abs=0.01)
    assert steps["cost"] == "3.0 × the time"
    assert augment["effect"] == "+5.0 points [+2.0 to +8.0]"


def test_the_page_tells_what_came_of_it_and_where_the_run_is_from(run: Path, tmp_path: Path) -> None:
    html = write_report(run).read_text(encoding="utf-8")
    assert "Kept augment: accuracy +5.0 points" in html
    assert "runs/&lt;sick&gt;" in html
    assert "1 remedy without a verdict" in html
    names = {path.name for path in save_figures(run, tmp_path / "figures")}
    assert {"treatments.svg", "treatments.png", "treatments.csv"} <= names


def test_a_run_that_was_not_treated_has_no_such_section(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=120))
    assert _treatments.treatments(_read.read_run(run)) is None
    assert "Treatments" not in write_report(run).read_text(encoding="utf-8")


def test_an_effect_in_units_has_no_points() -> None:
    assert text.show_effect(1234.5, -12.0, 2000.0, "mae") == "+1,234 [−12 to +2,000]"
    assert text.show_effect(0.0124, 0.004, 0.02, "macro_f1") == "+0.012 [+0.004 to +0.020]"
    assert text.show_effect(0.0, -0.01, 0.02, "accuracy") == "0.0 points [−1.0 to +2.0]"


def test_what_was_told_of_remedies_is_folded_in_what_was_decided(run: Path) -> None:
    html = write_report(run).read_text(encoding="utf-8")
    decided = html[html.index('id="decisions"') :]
    assert "<details><summary>5 lines about remedies</summary>" in decided
    assert "clip_gradient: not applicable" in decided


def test_the_cost_of_a_healed_run_holds_what_went_before_it(run: Path) -> None:
    about = json.loads((run / "run.json").read_text(encoding="utf-8")) | {"deadline_seconds": 44.0}
    about["seconds"] = {"training": 40.0}
    (run / "run.json").write_text(json.dumps(about), encoding="utf-8")
    with (run / "ledger.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": "", "what": "heal", "choice": "crawling", "why": "", "seconds": 46.0}) + "\n")
    cost = _sections.cost(_read.read_run(run))
    assert (cost["total"], cost["deadline"]) == (show_seconds(86.0), show_seconds(90.0))
    assert cost["stages"][0]["name"] == "first training and treatment"
