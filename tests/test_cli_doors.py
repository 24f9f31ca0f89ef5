"""What a person gives to a verb, and what a verb asks: names, places, questions."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import penjing as pj
from penjing import verbs
from penjing._options import DataOptions
from penjing._wishes import fit_wish
from penjing.cli import run_command
from penjing.core.errors import DataError, RunError
from penjing.core.files import size_bytes
from penjing.core.hold import held
from penjing.core.run import Run, remove
from penjing.workflows._place import place_of

Caught = pytest.CaptureFixture[str]


@pytest.fixture
def copied(inside: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(inside / "run", tmp_path / "copy"))


# ---- inspect


def test_the_name_of_a_contact_sheet_is_refused_before_anything_is_read(
    inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught
) -> None:
    monkeypatch.setattr(verbs, "inspect", lambda *_, **__: pytest.fail("it was inspected"))
    assert run_command(["inspect", "photos", "--sheet", str(tmp_path / "sheet.png")]) == 2
    assert "is not named like one; call it sheet.html" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_findings_are_shown_where_there_are_no_pictures_for_a_sheet(
    options: list[str], tmp_path: Path, capsys: Caught
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("size,kind\n" + "".join(f"{row % 20},{'ab'[row % 2]}\n" for row in range(60)), encoding="utf-8")
    assert (
        run_command(["inspect", str(table), "--target", "kind", "--sheet", str(tmp_path / "sheet.html"), *options]) == 1
    )
    out, err = capsys.readouterr()
    assert "holds no pictures, so there is no contact sheet of them" in err
    if options:
        assert json.loads(out)["format"] == 1
        assert "error" not in json.loads(out)
    else:
        assert "0 … 19" in out


# ---- removing


def test_of_a_link_to_a_run_only_the_link_is_removed(copied: Path, tmp_path: Path, capsys: Caught) -> None:
    link = tmp_path / "best"
    link.symlink_to(copied, target_is_directory=True)
    assert run_command(["runs", "remove", str(link), "--yes"]) == 0
    assert not link.is_symlink()
    assert (copied / "run.json").is_file()
    assert "removed" in capsys.readouterr().out


def test_a_run_that_is_named_twice_is_removed_once(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught
) -> None:
    monkeypatch.chdir(copied.parent)
    assert run_command(["runs", "remove", "copy", "./copy", str(copied), "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == ["copy"]


def test_a_run_that_is_trained_at_this_moment_is_not_removed(copied: Path) -> None:
    with held(copied), pytest.raises(RunError, match="another process writes into"):
        remove(Run(copied))
    assert (copied / "run.json").is_file()
    remove(Run(copied))
    assert not copied.exists()


def test_where_one_of_several_runs_is_trained_none_is_removed(copied: Path, inside: Path, capsys: Caught) -> None:
    other = Path(shutil.copytree(copied, copied.with_name("other")))
    with held(other):
        assert run_command(["runs", "remove", str(copied), str(other), "--yes"]) == 1
    assert "another process writes into" in capsys.readouterr().err
    assert copied.exists()
    (other / ".lock").unlink()
    assert run_command(["runs", "remove", str(copied), str(other), "--yes"]) == 0
    assert not copied.exists()
    assert not other.exists()


def test_a_question_is_asked_where_the_person_reads(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt="": asked.append(prompt) or "n")
    assert run_command(["runs", "remove", str(copied), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["removed"] == []
    assert "Remove 1 runs" in err
    assert run_command(["cache", "clear", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["freed_bytes"] == 0
    assert "Remove the whole cache" in err
    assert asked == ["", ""]


# ---- places


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    wish = fit_wish({"seed": 0, "final": False, "pictures": True, "device": "cpu", "out": "~/runs/x"})
    assert wish.out == tmp_path / "runs" / "x"
    (tmp_path / "recipe.toml").write_text('model = { name = "tabular" }\n', encoding="utf-8")
    wish = fit_wish({"seed": 0, "final": False, "pictures": True, "device": "auto", "recipe": "~/recipe.toml"})
    assert wish.recipe.recipe is not None
    (tmp_path / "runs").mkdir()
    assert pj.runs("~/runs") == []
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("place", ["/data/date=2024/photos", "here=2024"])
def test_a_folder_of_files_may_hold_an_equals_sign(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here=2024").mkdir()
    assert DataOptions(files=[f"image={place}"]).wishes()["files"] == {"image": place}
    assert DataOptions(files=["a=b=here=2024"]).wishes()["files"] == {"a=b": "here=2024"}


@pytest.mark.parametrize("again", [pj.test, pj.resume, lambda run, **_: pj.diagnose(run, time="5s", watch=None)])
def test_data_that_moved_are_asked_for(again: Callable[..., object], copied: Path) -> None:
    run = Run(copied)
    status = "running" if again is pj.resume else "finished"
    run.update(status=status, data={**run.info["data"], "path": "photos of then"})
    told = "penjing fit DATA --resume" if again is pj.resume else "with --data"
    with pytest.raises(DataError, match=rf"the data of .*copy were at photos of then, and nothing .*{told}"):
        again(copied, watch=None)


def test_what_is_given_is_taken_before_what_is_remembered(copied: Path) -> None:
    run = Run(copied)
    assert place_of(run, "elsewhere") == "elsewhere"
    assert place_of(run, None) == run.info["data"]["path"]


# ---- what goes wrong


def test_a_file_that_goes_away_while_a_folder_is_measured_takes_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kept", "gone"):
        (tmp_path / name).write_bytes(b"12345")
    known = Path.stat

    def stat(path: Path, **wishes: bool) -> object:
        if path.name == "gone":
            raise FileNotFoundError(path)
        return known(path, **wishes)

    monkeypatch.setattr(Path, "stat", stat)
    assert size_bytes(tmp_path) == 5


def test_an_unforeseen_error_beside_a_very_long_word_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Caught
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(verbs, "predict", lambda *_, **__: [][1])
    assert run_command(["predict", "run", "word " * 2000]) == 1
    assert "this is a bug in penjing (IndexError" in capsys.readouterr().err
