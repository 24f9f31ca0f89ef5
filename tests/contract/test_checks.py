"""What every check promises: it fires on its sick record, is silent on its healthy one, in plain words."""

from __future__ import annotations

import ast
import json
import re
import shlex
from dataclasses import replace

import pytest
from cyclopts import CycloptsError

from penjing.checks import NotExamined, examine, names_for
from penjing.checks._examples import Example
from penjing.cli import app
from penjing.core import plugins
from penjing.core.errors import UsageError
from penjing.core.finding import Finding
from penjing.core.recipe import Choice, Recipe, change, parse_value, to_dict
from penjing.core.record import Record
from penjing.core.report._doctor import CAPTIONS, PICTURES
from penjing.core.run import flat

NAMES = plugins.names("checks")
OF_A_SURVEY = [
    "constant_items",
    "cross_class_duplicates",
    "duplicates",
    "few_items",
    "guessed_groups",
    "imbalance",
    "layout_doubts",
    "leak",
    "odd_sizes",
    "one_class",
    "tiny_classes",
    "undivided_class",
    "unreadable",
]
SECTIONS = ("**What it sees.**", "**Why it is bad.**", "**Known false alarms.**", "**What to do.**")


def seen(name: str, record: Record) -> Finding | None:
    finding: Finding | None = plugins.load("checks", name).look(record)
    return finding


def is_worth_typing(remedy: str) -> bool:
    """Whether it names a remedy, or is options of `fit` or `inspect` as people type them: each there, with a value that
    it takes where it has one, and a choice that some recipe has after --set."""
    if remedy in plugins.names("remedies"):
        return True
    given = re.split(r" (?=--)", remedy)
    return all(any(_takes(command, *one.partition(" ")[::2]) for command in ("fit", "inspect")) for one in given)


def _takes(command: str, option: str, value: str) -> bool:
    options = {name for one in app[command].assemble_argument_collection() for name in one.names}
    if not option.startswith("--") or option not in options:
        return False
    if option == "--set":
        return _is_choice(*value.partition("=")[::2])
    if not value:
        return True
    try:
        app.parse_args([command, "photos", option, *shlex.split(value)], exit_on_error=False, print_error=False)
    except CycloptsError:
        return False
    return True


def _is_choice(key: str, value: str) -> bool:
    """Whether a recipe of some network has this choice, and takes the value where there is one."""
    for model in plugins.names("models"):
        recipe = Recipe(model=Choice(model)).filled()
        known = flat(to_dict(recipe)).get(key)
        if known is None and not value:
            continue
        try:
            change(recipe, {key: parse_value(value) if value else known})
        except UsageError:
            continue
        return True
    return False


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("more_dropout", True),
        ("more_dropouts", False),
        ("", False),
        ("--time", True),
        ("time", False),
        ("--tine", False),
        ("--canvas crop", True),
        ("--canvas round", False),
        ("--set training.patience=3", True),
        ("--set training.patients=3", False),
        ("--set training.patience=-3", False),
        ("--set optimiser.rate", True),
        ("--set optimiser.rat", False),
        ("--set machine.threads=1 --set model.width", True),
        ("--set machine.threads=1 --wide", False),
    ],
)
def test_what_is_worth_typing_is_told_from_what_is_not(remedy: str, expected: bool) -> None:
    assert is_worth_typing(remedy) is expected


def test_all_checks_are_found() -> None:
    assert names_for("survey") == OF_A_SURVEY
    assert set(OF_A_SURVEY) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_fires_on_its_sick_record(name: str) -> None:
    finding = seen(name, plugins.load("checks", name).sick())
    assert finding is not None
    assert finding.name == name
    assert finding.level in ("info", "warning", "error")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_silent_on_its_healthy_record(name: str) -> None:
    assert seen(name, plugins.load("checks", name).healthy()) is None


@pytest.mark.parametrize("name", OF_A_SURVEY)
def test_it_is_silent_on_ordinary_data(name: str) -> None:
    assert seen(name, Example().record) is None


@pytest.mark.parametrize("name", NAMES)
def test_its_finding_is_plain(name: str) -> None:
    finding = seen(name, plugins.load("checks", name).sick())
    assert finding is not None
    assert finding.message.endswith(".")
    assert "\n" not in finding.message
    assert finding.message[0] == finding.message[0].upper()
    assert [remedy for remedy in finding.remedies if not is_worth_typing(remedy)] == []
    assert all(isinstance(item, str) for item in finding.items)
    assert json.loads(json.dumps(dict(finding.evidence), allow_nan=False)) == finding.evidence
    assert finding.evidence


@pytest.mark.parametrize("name", NAMES)
def test_its_page_has_a_summary_and_all_four_sections(name: str) -> None:
    plugin = plugins.find("checks", name)
    assert plugin.summary.endswith(".")
    assert len(plugin.summary) < 100
    page = ast.get_docstring(ast.parse(plugin.file.read_text(encoding="utf-8"))) or ""
    places = [page.find(section) for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_not_examined_without_its_readings(name: str) -> None:
    assert examine(Record(), [name]) == [NotExamined(name, tuple(plugins.load("checks", name).NEEDS))]


@pytest.mark.parametrize("name", OF_A_SURVEY)
def test_it_never_names_a_test_item_nor_depends_on_its_label(name: str) -> None:
    """Every test item of the sick record gets another label; nothing that is said may change."""
    record = plugins.load("checks", name).sick()
    assert record.survey is not None
    items = record.survey.items
    is_test = items["part"] == "test"
    swapped = items["target"].reverse().zip_with(is_test, items["target"])
    other = replace(record, survey=replace(record.survey, items=items.with_columns(target=swapped)))
    finding = seen(name, record)
    assert finding is not None
    assert seen(name, other) == finding
    readable = items.filter(is_test & items["error"].is_null())["name"]
    assert not set(finding.items) & set(readable)


@pytest.mark.parametrize("name", names_for("steps", "items", "inputs", "choices", "trials"))
def test_what_it_finds_in_a_training_has_a_picture(name: str) -> None:
    check = plugins.load("checks", name)
    assert check.PICTURE in PICTURES
    assert CAPTIONS[check.PICTURE]


def test_the_gravest_comes_first_and_what_was_not_examined_last() -> None:
    record = Example({"cat": 300}, columns={"spread": None}, doubts=("odd",), parts=("train", "test")).record
    found = examine(record, OF_A_SURVEY)
    assert [item.name for item in found] == ["one_class", "few_items", "layout_doubts", "constant_items"]
    assert isinstance(found[-1], NotExamined)
    assert found[-1].message == "not examined, because there are no pictures"


def test_an_unknown_check_is_named() -> None:
    with pytest.raises(UsageError, match='there is no check "leek"; did you mean "leak"'):
        examine(Record(), ["leek"])
