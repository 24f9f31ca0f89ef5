"""Folders and archives of sounds and texts, as of pictures."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from penjing.core.errors import DataError, UsageError
from penjing.sources import Options, open_data


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


SOUNDS = {f"{part}/{name}/{number}.wav": b"s" for part in ("train", "test") for name in "ab" for number in range(2)}
TEXTS = {"好/1.txt": "很 好\n".encode(), "好/2.txt": "不错".encode("gb18030"), "差/1.txt": b"", "差/2.txt": b"bad\n"}


@pytest.mark.parametrize("is_packed", [False, True])
def test_class_folders_of_sounds_are_read_as_those_of_pictures(is_packed: bool, tmp_path: Path) -> None:
    data = pack(tmp_path / "x.zip", SOUNDS) if is_packed else fill(tmp_path / "x", SOUNDS)
    table = open_data(data)
    assert [(column.name, column.modality) for column in table.inputs] == [("audio", "audio")]
    assert table.said[:2] == (
        "8 sounds in 2 classes (folder names): 4 each",
        "Given split: train 4, test 4; validation is cut from the rest",
    )
    assert table.stores["audio"].read(table.frame["audio"][0]) == b"s"


@pytest.mark.parametrize("is_packed", [False, True])
def test_text_files_become_cells(is_packed: bool, tmp_path: Path) -> None:
    data = pack(tmp_path / "x.zip", TEXTS) if is_packed else fill(tmp_path / "x", TEXTS)
    table = open_data(data)
    assert set(table.frame.rows()) == {("很 好", "好"), ("不错", "好"), (None, "差"), ("bad", "差")}
    assert table.stores == {}
    assert table.said[0] == "4 texts in 2 classes (folder names): 2 each"


def test_a_text_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    table = open_data(fill(tmp_path / "x", {"a/1.txt": b"one", "b/1.txt": b"\x00\xff\x00\x81\x00"}))
    assert table.frame["text"].null_count() == 1
    assert any("1 of 2 text files cannot be read" in doubt for doubt in table.doubts)


def test_of_mixed_kinds_the_most_frequent_is_taken_and_said(tmp_path: Path) -> None:
    files = {"a/1.wav": b"s", "b/1.wav": b"s", "b/1.png": b"p", "a/notes.txt": b"t", "b/notes.txt": b"t", "c.txt": b"t"}
    folder = fill(tmp_path / "x", files)
    table = open_data(folder)
    assert table.inputs[0].modality == "audio"
    assert "1 image passed over beside 2 sounds, which are more; to take the others: --input image" in table.doubts
    assert "4 other files passed over: .txt 3, .png 1" in table.said
    with pytest.raises(DataError, match=r'only one class: "b" \(1 item'):
        open_data(folder, Options(inputs=("image",)))
    with pytest.raises(UsageError, match=r"--input x: folders have one input, image, or another kind of files: audio"):
        open_data(folder, Options(inputs=("x",)))


@pytest.mark.parametrize("options", [Options(types={"a": "text"}), Options(files={"a": "."}), Options(time_column="a")])
def test_options_about_columns_are_refused(options: Options, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a: folders have no columns; give a table that names the files"):
        open_data(fill(tmp_path / "x", SOUNDS), options)


@pytest.mark.parametrize(("ending", "called"), [("wav", "2 sounds"), ("mp4", "2 videos"), ("txt", "2 texts")])
def test_files_without_a_class_are_called_what_they_are(ending: str, called: str, tmp_path: Path) -> None:
    for name in ("a/1", "b/1", "x", "y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.{ending}").write_bytes(name.encode())
    assert f"{called} left out: they lie beside the class folders and have no class" in open_data(tmp_path).doubts
    with pytest.raises(UsageError, match=rf"no {called[2:-1]} has a folder there"):
        open_data(tmp_path, Options(target="folder:3"))
