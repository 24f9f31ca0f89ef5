from __future__ import annotations

import pytest

from penjing.core import seal
from penjing.core.errors import RunError


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("PENJING_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_id_depends_on_the_items_and_not_on_their_order():
    assert seal.seal_id(["a", "b"]) == seal.seal_id(["b", "a"])
    assert seal.seal_id(["a", "b"]) != seal.seal_id(["a", "c"])


def test_openings_are_counted_once_across_runs_and_places(tmp_path):
    seal.record_opening("s", tmp_path / "runs", run="one", recipe="r")
    seal.record_opening("s", tmp_path / "elsewhere", run="two", recipe="r")
    assert [line["run"] for line in seal.openings("s", tmp_path / "runs")] == ["one", "two"]
    assert seal.openings("other", tmp_path / "runs") == []


def test_openings_survive_the_loss_of_either_place(tmp_path, state):
    seal.record_opening("s", tmp_path / "runs", run="one", recipe="r")
    (state / "seals" / "s.jsonl").unlink()
    assert len(seal.openings("s", tmp_path / "runs")) == 1
    seal.record_opening("s", tmp_path / "runs", run="two", recipe="r")
    (tmp_path / "runs" / ".seals" / "s.jsonl").unlink()
    assert [line["run"] for line in seal.openings("s", tmp_path / "runs")] == ["two"]


def test_one_writable_place_is_enough(tmp_path, state):
    state.write_text("a file where a folder should be")
    seal.record_opening("s", tmp_path / "runs", run="one", recipe="r")
    assert len(seal.openings("s", tmp_path / "runs")) == 1


def test_an_opening_that_cannot_be_written_down_is_refused(tmp_path, state):
    state.write_text("a file where a folder should be")
    (tmp_path / "runs").write_text("another")
    with pytest.raises(
        RunError, match="cannot be written down, so it stays sealed; make one of these folders writable"
    ):
        seal.record_opening("s", tmp_path / "runs", run="one", recipe="r")


def test_a_damaged_line_does_not_hide_the_others(tmp_path):
    seal.record_opening("s", tmp_path / "runs", run="one", recipe="r")
    book = tmp_path / "runs" / ".seals" / "s.jsonl"
    book.write_text("[1]\n{torn\n" + book.read_text())
    assert len(seal.openings("s", tmp_path / "runs")) == 1
