"""What documents say must be there: tables, links, commands, names in the code; and both languages say the same."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from penjing.cli import app
from penjing.core import plugins
from penjing.core.recipe import Choice, Recipe, change, parse_value
from script_files import ROOT, script

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PAIRS = [("README.md", "README.zh-CN.md"), ("docs/article.md", "docs/article.zh-CN.md")]
MAPS = ["docs/article.md", "docs/article.zh-CN.md", "docs/formulas.md"]
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
COMMAND = re.compile(r"^ {4}(penjing .*)$|`(penjing [^`]*)`", re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def make_tables() -> ModuleType:
    return script("make_tables")


@pytest.fixture(scope="module")
def make_clinic() -> ModuleType:
    return script("make_clinic")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def links(path: Path) -> Iterator[tuple[str, str, str]]:
    """Text, target and fragment of every link that leads into the repository."""
    for found in LINK.finditer(path.read_text(encoding="utf-8")):
        if "://" not in found["target"]:
            target, _, fragment = found["target"].partition("#")
            yield found["text"], target, fragment


def commands(text: str) -> list[list[str]]:
    """The words of every penjing command that a document names."""
    return [shlex.split(block or inline, comments=True) for block, inline in COMMAND.findall(text)]


def sections(text: str) -> list[str]:
    """A document in parts, each beginning with its heading; what looks like a heading in a code block is none."""
    bare = re.sub(r"^```.*?^```$", lambda block: block[0].replace("\n#", "\n "), text, flags=re.MULTILINE | re.DOTALL)
    return re.split(r"^(?=#+ )", bare, flags=re.MULTILINE)[1:]


def anchor(heading: str) -> str:
    """What a heading is called in a link."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def defined(path: Path) -> set[str]:
    """The functions, classes and constants of a Python file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_the_tables_are_those_of_the_records(make_tables: ModuleType) -> None:
    for name, language in make_tables.DOCUMENTS.items():
        text = read(name)
        assert make_tables.filled(text, language) == text, f"{name} is out of date; run: make docs"


def test_the_tables_of_the_clinic_are_those_of_its_record(make_clinic: ModuleType, tmp_path: Path) -> None:
    text = read(make_clinic.PAGE)
    assert make_clinic.filled(text) == text, f"{make_clinic.PAGE} is out of date; run: make docs"
    empty = make_clinic.filled(text, tmp_path)
    assert empty.count("not measured yet") == 4


def test_the_fresh_part_of_the_clinic_stands_in_its_tables_once_there_is_something_of_it(
    make_clinic: ModuleType, tmp_path: Path
) -> None:
    record = json.loads(read("bench/results/clinic.json"))
    result = {name: told for name, told in record["result"].items() if "fresh" not in name}

    def told(result: dict[str, Any]) -> str:
        (tmp_path / "clinic.json").write_text(json.dumps({**record, "result": result}), encoding="utf-8")
        return str(make_clinic.filled(read(make_clinic.PAGE), tmp_path))

    without = told(result)
    found = told({**result, "fresh": result["development"], "openings_of_the_fresh_part": 1})
    for sign in ("| fresh part", "| fresh: found", "the fresh part opened once."):
        assert sign not in without
        assert sign in found
    row = next(line for line in found.splitlines() if line.startswith("| development part |"))
    assert row.replace("development", "fresh") in found
    cells = next(line for line in found.splitlines() if line.startswith("| rate too high |")).split("|")[3:-1]
    assert len(cells) == 6
    assert cells[:2] == cells[4:]


def test_the_page_of_speed_is_that_of_the_records(make_speed: ModuleType) -> None:
    assert read("docs/speed.md") == make_speed.page(), "docs/speed.md is out of date; run: make docs"


def test_a_section_of_speed_without_a_record_names_the_script_that_makes_it(
    make_speed: ModuleType, tmp_path: Path
) -> None:
    page = make_speed.page(tmp_path)
    named = re.findall(r"Not measured yet: `python (bench/\w+\.py)`", page)
    assert len(named) == len(make_speed.SECTIONS) == 10
    assert all((ROOT / script).exists() for script in named)


def test_every_figure_without_a_record_says_that_it_is_not_measured(make_tables: ModuleType, tmp_path: Path) -> None:
    for language, words in (("english", "| not measured yet |"), ("chinese", "| 尚未测量 |")):
        assert make_tables.table(language, tmp_path).count(words) == len(make_tables.FIGURES) == 11


def score(value: float) -> dict[str, float]:
    """A score as records hold it, with an interval of two points."""
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def fitted(value: float, linear: float, seconds: float) -> dict[str, Any]:
    """What bench/_command.py records of one fit and test, as far as the table reads it."""
    floor = {"majority": score(0.1), "linear": score(linear)}
    return {
        "test": [score(value)],
        "floor": floor,
        "fit_seconds": seconds,
        "deadline_seconds": 40.0,
        "anonymous_bytes": 612_000_000,
    }


def write_record(folder: Path, name: str, result: dict[str, Any]) -> None:
    machine = {"cpu": "Some(R) Chip(TM) CPU @ 2.00GHz", "cores": 2, "load_average": 0.5}
    record = {"result": result, "machine": machine, "versions": {}, "commit": "abc1234", "date": "2026-01-01 00:00 UTC"}
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


def row_of(table: str, name: str) -> str:
    (found,) = [line for line in table.splitlines() if line.startswith(f"| {name}")]
    return found


def test_several_splits_show_their_mean_and_the_outermost_ends(make_tables: ModuleType, tmp_path: Path) -> None:
    runs = [fitted(0.98, 0.95, 38.4), fitted(0.99, 0.97, 39.6)]
    write_record(tmp_path, "digits", {"goal": 0.985, "mean": 0.985, "runs": runs})
    assert row_of(make_tables.table("english", tmp_path), "digits") == (
        "| digits (5,000 of MNIST) | 40 s | ≥ 0.985 | 0.985 [0.970–1.000], 2 splits | linear 0.960 [0.940–0.980] "
        "| 40 | 612 MB | 2 × Some Chip, load 0.5 | [`abc1234`](bench/results/digits.json) |"
    )


def test_a_figure_that_misses_what_was_asked_says_so(make_tables: ModuleType, tmp_path: Path) -> None:
    write_record(tmp_path, "cifar10", {"goal": 0.85, **fitted(0.84, 0.5, 300.0)})
    write_record(
        tmp_path, "resume", {"two_fits_identical": True, "kills": 20, "identical": 19, "rows": [], "whole_seconds": 9.0}
    )
    table = make_tables.table("english", tmp_path)
    assert "0.840 [0.830–0.850] **not reached**" in row_of(table, "CIFAR-10, its own")
    assert "19 of 20 **not reached**" in row_of(table, "fits killed")
    assert "| yes |" in row_of(table, "two fits")


def test_data_at_the_edges_show_how_the_command_ended(make_tables: ModuleType, tmp_path: Path) -> None:
    row = {"seconds": 3.0, "anonymous_bytes": 1_000_000, "has_traceback": False}
    rows = [{"case": "1 a class", "exit": 1, **row}, {"case": "1,000 classes", "exit": 0, **row}]
    write_record(tmp_path, "extremes", {"rows": rows})
    table = make_tables.table("english", tmp_path)
    assert "| ends with a sentence, exit 1 |" in row_of(table, "1 picture a class")
    assert "| ends with a run |" in row_of(table, "1,000 classes")
    assert "每类 1 张图片" in make_tables.table("chinese", tmp_path)


def of_kind(seed: int, value: float, linear: float) -> dict[str, Any]:
    scores = {"test": {"network": score(value), "linear": score(linear)}}
    about = {"seed": seed, "metric": "balanced_accuracy", "scores": scores}
    return {**about, "seconds": 60.4 + seed, "anonymous_bytes": 10**9, "without": {"sound": {"value": value - 0.1}}}


def test_a_kind_of_data_shows_its_seeds_and_rows_of_other_speakers_are_one(
    make_tables: ModuleType, tmp_path: Path
) -> None:
    unseen = {"time": "3m", "wanted": 0.85}
    result = {
        "unseen speakers a+b": {**unseen, "runs": [of_kind(0, 0.9, 0.7), of_kind(1, 0.94, 0.7)]},
        "unseen speakers c+d": {**unseen, "runs": [of_kind(0, 0.8, 0.6), of_kind(1, 0.84, 0.6)]},
        "unseen speakers a+b, pretrained": {**unseen, "wanted": 0.93, "runs": [of_kind(0, 0.9, 0.7)]},
        "pairs": {"time": "2m", "wanted": 0.9, "wanted_without": {"sound": 0.85}, "runs": [of_kind(0, 0.92, 0.7)]},
        "churn": {"time": "1m", "wanted": 0.0, "runs": [of_kind(0, 0.695, 0.7)]},
        "only validated": {"time": "1m", "wanted": 0.9, "runs": [{"seed": 0, "scores": {"valid": {}}}]},
    }
    write_record(tmp_path, "kinds", result)
    table = make_tables.table("english", tmp_path)
    several, one, pairs, churn = [line for line in table.splitlines() if "kinds.json" in line]
    assert several.startswith(
        "| unseen speakers, balanced accuracy | 3m | ≥ 0.850 | 0.870 [0.790–0.950], 2 seeds 0.850 to 0.890 "
        "| linear 0.650 [0.590–0.710] | 61 | 1.0 GB |"
    )
    assert "| unseen speakers, pretrained, balanced accuracy |" in one
    assert "1 seed **not reached**" in one
    assert "| ≥ 0.900, ≥ 0.85 |" in pairs
    assert "without its sound 0.820 **not reached**" in pairs
    assert "| ≥ 0.695 |" in churn
    assert "not reached" not in churn


def test_a_row_whose_runs_say_where_they_were_measured_says_so_itself(make_tables: ModuleType, tmp_path: Path) -> None:
    def at(load: float, commit: str) -> dict[str, Any]:
        machine = {"cpu": "Other(R) Processor", "cores": 4, "load_average": load}
        return {"machine": machine, "commit": commit, "date": "2026-01-02 00:00 UTC"}

    runs = [{**of_kind(0, 0.9, 0.7), **at(0.3, "abc")}, {**of_kind(1, 0.9, 0.7), **at(2.5, "def")}]
    write_record(tmp_path, "kinds", {"pairs": {"time": "2m", "wanted": 0.9, "runs": runs}})
    (row,) = [line for line in make_tables.table("english", tmp_path).splitlines() if "kinds.json" in line]
    assert row.endswith("| 4 × Other, load 2.5 | [`abc`, `def`](bench/results/kinds.json) |")


def test_a_document_without_a_place_for_the_table_is_refused(make_tables: ModuleType) -> None:
    with pytest.raises(ValueError, match="it has 0"):
        make_tables.filled("# nothing", "english")


def test_every_relative_link_leads_somewhere() -> None:
    found = [(path, target, fragment) for path in DOCUMENTS for _, target, fragment in links(path)]
    assert len(found) > 200
    for path, target, fragment in found:
        place = path.parent / target if target else path
        assert place.exists(), f"{path.relative_to(ROOT)} links to {target}, which is not there"
        if fragment:
            anchors = [anchor(part.splitlines()[0]) for part in sections(place.read_text(encoding="utf-8"))]
            assert fragment in anchors, f"{path.relative_to(ROOT)} links to #{fragment}; {target} has {anchors}"


def test_every_name_that_links_to_code_is_defined_there() -> None:
    found = [
        (path, text.strip("`"), path.parent / target)
        for path in DOCUMENTS
        for text, target, _ in links(path)
        if re.fullmatch(r"`\w+`", text) and target.endswith(".py")
    ]
    assert len(found) > 100
    for path, name, target in found:
        assert name in defined(target), f"{path.relative_to(ROOT)} names {name}, which is not in {target.name}"


@pytest.mark.parametrize("name", MAPS)
def test_every_line_shown_as_code_stands_in_a_file_that_the_document_links_to(name: str) -> None:
    shown = 0
    linked = {(ROOT / name).parent / target for _, target, _ in links(ROOT / name) if "/src/" in target}
    source = {line.strip() for path in linked for line in path.read_text(encoding="utf-8").splitlines()}
    for block in BLOCK.findall(read(name)):
        for line in block.splitlines():
            assert line in source, f"{name} shows a line that is in none of its files: {line}"
            shown += 1
    assert shown >= 3


def test_every_command_that_a_document_shows_is_understood() -> None:
    found = [(path, words) for path in DOCUMENTS for words in commands(path.read_text(encoding="utf-8"))]
    assert len(found) > 60
    verbs = set(app)
    for path, (_, *words) in found:
        if len(words) == 1 and words[0] in verbs:
            continue  # only named, not shown
        where = f"{path.relative_to(ROOT)}: penjing {shlex.join(words)}"
        try:
            _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        except Exception as problem:
            pytest.fail(f"{where}: {problem}")
        model = bound.arguments.get("model") or "cnn"
        if "set" in bound.arguments and "/" not in model:
            given = [text.partition("=") for text in bound.arguments["set"]]
            choices = {name: parse_value(value) for name, _, value in given}
            recipe = change(Recipe(model=Choice(model)).filled(), choices)
            for choice in recipe.augment:
                assert choice.name in plugins.names("augmentations"), where


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_sections_with_the_same_links_and_commands(english: str, chinese: str) -> None:
    def outline(name: str) -> list[tuple[int, list[str], list[list[str]]]]:
        found = []
        for part in sections(read(name)):
            targets = [one["target"].replace(".zh-CN", "").partition("#")[0] for one in LINK.finditer(part)]
            found.append((len(part) - len(part.lstrip("#")), targets, commands(part)))
        return found

    ours, theirs = outline(english), outline(chinese)
    assert [level for level, _, _ in ours] == [level for level, _, _ in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one == other


def test_no_document_names_a_place_on_somebodys_computer() -> None:
    absolute = re.compile(r"(?<![\w/.:~>)\]…*])/[A-Za-z]\w*/[\w.]+|\b[A-Z]:\\|file://")
    for path in DOCUMENTS:
        found = absolute.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.relative_to(ROOT)} names {found and found[0]}"
