"""Whatever a folder, a table or an archive looks like: a table of its pictures, or one clear sentence."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penjing.core.errors import PenjingError
from penjing.core.table import PARTS, Table
from penjing.sources import Options, open_data
from penjing.sources._samples import png, sample_images

PNG = png(sample_images(1)[0])
FOLDERS = ["cat", "dog", "Dog", "train", "test", "val", "images", "2021-05", "猫", "测试", ".git", "224x224", "fold1"]
FILES = [
    "1.png",
    "2.PNG",
    "10.jpg",
    "m1_1.png",
    "m2_1.png",
    "labels.csv",
    "notes.txt",
    "x.czi",
    ".hidden.png",
    "图.tif",
]
PATHS = st.tuples(st.lists(st.sampled_from(FOLDERS), max_size=4), st.sampled_from(FILES)).map(
    lambda parts: "/".join([*parts[0], parts[1]])
)
NAMES = st.lists(st.sampled_from(["cat", "dog", "猫", "nothing"]), max_size=2).map(tuple)
# What options are made of; they are made in the tests, because hypothesis draws only plain values.
OPTIONS = st.fixed_dictionaries(
    {
        "target": st.sampled_from(["", "", "none", "folder:1", "folder:-1", "folder:2", "label"]),
        "group_from": st.sampled_from(["", "", r"m\d", "folder:1", "("]),
        "split": st.sampled_from(["", "", "none", "folder", "split"]),
        "classes": NAMES,
        "exclude": NAMES,
        "merge": st.sampled_from([{}, {}, {"pet": ["cat", "dog"]}, {"cat": ["dog"]}]),
        "ignore": st.sampled_from([(), (), ("*.png",), ("cat",), ("[",)]),
    }
)
MANY = settings(max_examples=150, suppress_health_check=list(HealthCheck), derandomize=True)


def opened(data: Path, options: Options = Options()) -> Table | str:  # noqa: B008 - frozen
    """The table, or the sentence that a person would read."""
    try:
        return open_data(data, options)
    except PenjingError as problem:
        return str(problem)


def read(table: Table, reference: str) -> object:
    try:
        return table.stores["image"].read(reference)
    except PenjingError as problem:
        return str(problem)


def check(data: Path, options: Options) -> None:
    """Opening gives a sound table, twice the same, or one sentence without a line break."""
    found = opened(data, options)
    if isinstance(found, str):
        assert found
        assert "\n" not in found
        return
    assert_sound(found)
    assert found.frame.equals(open_data(data, options).frame)


def assert_sound(table: Table) -> None:
    assert len(table) > 0
    (column,) = table.inputs
    assert column.modality in ("image", "text")
    assert column.modality == "text" or table.frame[column.name].null_count() == 0
    assert set(table.frame.columns) == {column.name for column in table.columns}
    if table.target is not None:
        assert table.frame["target"].null_count() == 0
        assert table.frame["target"].n_unique() > 1
    if table.part is not None:
        assert set(table.frame["part"]) - {None} <= set(PARTS)
    if table.group is not None:
        assert table.frame["group"].null_count() == 0
    for reference in table.frame[column.name] if column.name in table.stores else ():
        assert table.stores[column.name].read(reference) is not None


@given(paths=st.lists(PATHS, max_size=12, unique_by=str.casefold), options=st.just({}) | OPTIONS)
@MANY
def test_any_folder_and_any_archive_opens_or_says_why(paths: list[str], options: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "data"
        root.mkdir()
        with zipfile.ZipFile(Path(place) / "data.zip", "w") as archive:
            for path in paths:
                file = root / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(PNG)
                archive.writestr(path, PNG)
        check(root, Options(**options))
        check(Path(place) / "data.zip", Options(**options))


CELLS = st.one_of(
    st.sampled_from(["1.png", "2.png", "p/3.png", "cat", "dog", "train", "test", "", "猫", '"', "a,b"]), st.text()
)


@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6),
    header=st.lists(st.sampled_from(["path", "label", "split", "group", "x", ""]), min_size=1, max_size=4),
    separator=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "gb18030", "utf-8-sig"]),
    options=OPTIONS,
)
@MANY
def test_any_table_opens_or_says_why(
    rows: list[list[str]], header: list[str], separator: str, encoding: str, options: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name in ("1.png", "2.png", "p/3.png"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(PNG)
        text = "\n".join(separator.join(row) for row in [header, *rows])
        (root / "t.csv").write_bytes(text.encode(encoding, "replace"))
        found = opened(root / "t.csv", Options(**options))
        assert len(found) > 0, "items, or a sentence"


@given(
    content=st.binary(max_size=300), name=st.sampled_from(["t.csv", "t.tsv", "t.parquet", "t.xlsx", "t.zip", "t.png"])
)
@MANY
def test_any_bytes_are_refused_in_a_sentence(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / name).write_bytes(content)
        found = opened(Path(place) / name)
        assert isinstance(found, str)
        assert name in found


@given(at=st.integers(0, 10_000), value=st.integers(0, 255))
@MANY
def test_a_damaged_archive_names_itself_or_the_member(at: int, value: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "t.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("cat/1.png", "dog/2.png", "狗/3.png"):
                archive.writestr(name, PNG)
        content = bytearray(path.read_bytes())
        content[at % len(content)] = value
        path.write_bytes(content)
        found = opened(path)
        if isinstance(found, str):
            return
        for reference in found.frame["image"]:
            content_or_sentence = read(found, reference)
            assert content_or_sentence == PNG or reference in str(content_or_sentence)
