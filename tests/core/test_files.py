import errno
import os

import pytest

from penjing.core.errors import RunError
from penjing.core.files import append_line, disk_error, read_lines, write_atomically, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_no_scraps(tmp_path):
    target = tmp_path / "recipe.toml"
    write_text(target, "old")

    def half(path):
        path.write_text("ha")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match="no space left on the disk"):
        write_atomically(target, half)
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_disk_that_refuses_says_which_file(tmp_path):
    message = str(disk_error(PermissionError(errno.EACCES, "Permission denied"), tmp_path / "run.json"))
    assert "run.json" in message
    assert "permissions" in message


@pytest.mark.parametrize(
    ("about", "has_checkpoint", "is_advised"),
    [
        ({"status": "running"}, True, True),
        ({"status": "failed"}, False, True),
        ({"status": "finished"}, True, False),
        ({"status": "running", "kind": "adopted"}, False, False),
        ({}, True, False),
    ],
)
def test_a_full_disk_asks_to_go_on_where_there_is_something_to_go_on_with(tmp_path, about, has_checkpoint, is_advised):
    write_json(tmp_path / "run.json", about)
    (tmp_path / "checkpoint").mkdir()
    if has_checkpoint:
        (tmp_path / "checkpoint" / "state.safetensors").write_bytes(b"x")
    message = str(disk_error(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "folds" / "record.jsonl"))
    assert "no space left on the disk" in message
    assert ("--resume" in message) is is_advised
    assert ("checkpoint is intact" in message) is (is_advised and has_checkpoint)


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "a.txt", "盆景\n二")
    assert (tmp_path / "a.txt").read_bytes() == "盆景\n二".encode()


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})


def test_a_line_cut_by_a_kill_is_left_out(tmp_path):
    path = tmp_path / "ledger.jsonl"
    append_line(path, {"what": "one"})
    with path.open("a") as file:
        file.write('{"what": "tw')
    assert read_lines(path) == [{"what": "one"}]
    assert read_lines(tmp_path / "none.jsonl") == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of folders are those of POSIX")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(RunError, match="permissions"):
        write_text(folder / "a.txt", "x")


def test_a_line_after_one_that_was_cut_stands_for_itself(tmp_path):
    file = tmp_path / "lines.jsonl"
    append_line(file, {"name": "first"})
    with file.open("ab") as opened:
        opened.write('{"name": "第'.encode()[:-1])  # in the middle of a letter
    append_line(file, {"name": "third"})
    assert [line["name"] for line in read_lines(file)] == ["first", "third"]
