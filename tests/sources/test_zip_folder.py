"""Archives as people and their programs make them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.sources import Options, open_data, zip_folder
from penjing.sources._samples import png, sample_images
from penjing.sources._stores import member_names

PNG = png(sample_images(1)[0])


def pack(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def pack_without_flag(path: Path, names: list[str], encoding: str) -> Path:
    """An archive whose names are bytes of another encoding, as older programs write them."""
    stand_ins = {}
    for number, name in enumerate(names):
        raw = name.encode(encoding)
        stand_ins[bytes([ord("A") + number]) * len(raw)] = raw  # of the same length, so that every offset holds
    pack(path, {stand_in.decode(): PNG for stand_in in stand_ins})
    content = path.read_bytes()
    for stand_in, raw in stand_ins.items():
        assert content.count(stand_in) == 2, "once before the content, once in the directory"
        content = content.replace(stand_in, raw)
    path.write_bytes(content)
    return path


def test_a_wrapping_folder_and_litter_of_a_mac_are_passed_over(tmp_path: Path) -> None:
    members = {
        "photos/cat/1.png": PNG,
        "photos/dog/1.png": PNG,
        "__MACOSX/photos/cat/._1.png": b"",
        "photos/.DS_Store": b"",
    }
    table = open_data(pack(tmp_path / "photos.ZIP", members))
    assert table.frame.rows() == [("photos/cat/1.png", "cat"), ("photos/dog/1.png", "dog")]
    assert table.said == ("2 images in 2 classes (folder names): 1 each",)
    store = table.stores["image"]
    assert store.read("photos/cat/1.png") == PNG
    assert store.name("photos/cat/1.png") == f"{tmp_path / 'photos.ZIP'}!photos/cat/1.png"


def test_members_below_a_dot_are_found(tmp_path: Path) -> None:
    table = open_data(pack(tmp_path / "dots.zip", {"./cat/1.png": PNG, "./dog/./1.png": PNG}))
    assert table.frame.rows() == [("cat/1.png", "cat"), ("dog/1.png", "dog")]
    assert table.stores["image"].read("dog/1.png") == PNG


def test_a_table_that_is_ignored_or_cannot_be_opened_does_not_block_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = {"cat/1.png": PNG, "dog/1.png": PNG}
    listed = {**pictures, "labels.csv": b"path,label\ncat/1.png,x\ndog/1.png,y\n"}
    archive = pack(tmp_path / "listed.zip", listed)
    assert open_data(archive).hints["classes"] == ["x", "y"]
    assert open_data(archive, Options(ignore=("labels.csv",))).hints["classes"] == ["cat", "dog"]

    def lacking(*_: object) -> None:
        raise MissingExtra("fastexcel", "excel", "read it")

    monkeypatch.setattr(zip_folder, "read_table", lacking)
    with_prices = pack(tmp_path / "prices.zip", {**pictures, "prices.xlsx": b"PK"})
    assert open_data(with_prices).hints["classes"] == ["cat", "dog"]


@pytest.mark.parametrize("beside", [{}, {"readme.txt": b"measured in May"}], ids=["alone", "with a note"])
def test_what_is_wrong_with_the_only_table_of_an_archive_is_told(beside: dict[str, bytes], tmp_path: Path) -> None:
    lines = "a,b\n" + "".join(f"{row / 4},{row % 7}\n" for row in range(30))
    archive = pack(tmp_path / "x.zip", {**beside, "data/train.csv": lines.encode()})
    with pytest.raises(UsageError, match=r"not clear which column of data/train\.csv holds the label"):
        open_data(archive)
    broken = pack(tmp_path / "y.zip", {**beside, "train.csv": b"a,label\n1,x\n2\n"})
    with pytest.raises(DataError, match=r"train\.csv, row 3 has 1 cells and not 2"):
        open_data(broken)


def test_a_name_that_python_has_decoded_already_stays_as_it_is() -> None:
    info = zipfile.ZipInfo("a.png")
    info.filename = "猫/1.png"  # of a field beside the name, without the flag
    assert member_names([info]) == ["猫/1.png"]


def test_the_stamp_changes_with_the_content_and_not_with_the_archive(tmp_path: Path) -> None:
    other = png(sample_images(2)[1])
    first = open_data(pack(tmp_path / "1.zip", {"a/1.png": PNG, "b/1.png": other})).stores["image"]
    second = open_data(pack(tmp_path / "2.zip", {"a/1.png": PNG, "b/1.png": PNG})).stores["image"]
    assert first.stamp("a/1.png") == second.stamp("a/1.png")
    assert first.stamp("b/1.png") != second.stamp("b/1.png")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_names_without_the_flag_are_read_in_one_encoding(encoding: str, tmp_path: Path) -> None:
    # The bytes of 猫/一 in GB18030 are letters in UTF-8 as well; those of 狗 are not, and decide for all.
    names = ["训练/猫/一.png", "训练/狗/二.png", "测试/猫/三.png", "测试/狗/四十.png"]
    table = open_data(pack_without_flag(tmp_path / "数据.zip", names, encoding))
    assert sorted(table.frame["image"]) == sorted(names)
    assert set(table.frame["part"]) == {"train", "test"}
    assert all(table.stores["image"].read(name) == PNG for name in names)


def test_backslashes_of_a_windows_program_are_folders(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"cat?1.png": PNG, "dog?1.png": PNG})
    path.write_bytes(path.read_bytes().replace(b"?", b"\\"))
    assert open_data(path).frame["target"].to_list() == ["cat", "dog"]


@pytest.mark.parametrize("place", ["", "data/"])
def test_a_table_inside_goes_before_the_folders(place: str, tmp_path: Path) -> None:
    table_file = "文件,标签,划分\nimages/1.png,猫,训练\nimages/2.png,狗,训练\nimages/3.png,猫,测试\n".encode("gb18030")
    pictures = {f"{place}images/{number}.png": PNG for number in (1, 2, 3)}
    prices = b"item,price\na,1\n"
    members = {f"{place}table.csv": table_file, f"{place}a.csv": prices, **pictures}
    table = open_data(pack(tmp_path / "x.zip", members))
    assert table.frame.select("target", "part").rows() == [("猫", "train"), ("狗", "train"), ("猫", "test")]
    assert f"{place}table.csv in the archive describes the pictures" in table.said
    assert all(table.stores["image"].read(reference) == PNG for reference in table.frame["image"])
    assert open_data(tmp_path / "x.zip", Options(target="none")).target is None


def test_a_table_inside_that_lists_bare_names_finds_their_folder(tmp_path: Path) -> None:
    members = {"labels.csv": b"name,label\n1.png,cat\n2.png,dog\n", "pictures/1.png": PNG, "pictures/2.png": PNG}
    table = open_data(pack(tmp_path / "x.zip", members))
    assert table.frame["image"].to_list() == ["pictures/1.png", "pictures/2.png"]
    assert 'Paths are read from the folder "pictures"' in table.said


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(DataError, match=r"x\.zip cannot be opened as a zip archive .*; pack it again"):
        open_data(tmp_path / "x.zip")
    (tmp_path / "y.zip").write_bytes(pack(tmp_path / "z.zip", {"a/1.png": PNG}).read_bytes()[:-30])
    with pytest.raises(DataError, match=r"y\.zip cannot be opened"):
        open_data(tmp_path / "y.zip")
    with pytest.raises(DataError, match=r"e\.zip holds no files"):
        open_data(pack(tmp_path / "e.zip", {}))


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:  # stored, so that the pixels can be found
        archive.writestr("a/1.png", PNG)
        archive.writestr("b/1.png", png(sample_images(2)[1]))
    content = bytearray(path.read_bytes())
    content[content.index(PNG) + 40] ^= 255
    path.write_bytes(content)
    table = open_data(path)
    with pytest.raises(DataError, match=r"x\.zip!a/1\.png cannot be read: Bad CRC-32"):
        table.stores["image"].read("a/1.png")
    assert table.stores["image"].read("b/1.png")


def test_an_archive_with_a_password_says_so(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"a/1.png": PNG, "b/1.png": PNG})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of encryption, before and after
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="the archive has a password; unpack it"):
        open_data(path).stores["image"].read("a/1.png")
