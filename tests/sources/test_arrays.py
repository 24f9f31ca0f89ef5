"""Pictures that are arrays already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from penjing.core.errors import DataError, UsageError
from penjing.modalities import image
from penjing.sources import Options, open_data
from penjing.sources._samples import sample_images

PICTURES = sample_images(4)
LABELS = np.array([1, 0, 1, 0])


def read_all(data: object) -> np.ndarray:
    table = open_data(data)
    return np.stack([np.asarray(table.stores["image"].read(reference)) for reference in table.frame["image"]])


def test_x_and_y_keep_their_order() -> None:
    table = open_data((PICTURES, LABELS))
    assert table.frame.rows() == [("0", "1"), ("1", "0"), ("2", "1"), ("3", "0")]
    assert table.said == ("4 images in 2 classes (y): 2 each",)
    assert table.stores["image"].name("2") == "x[2]"


@pytest.mark.parametrize("data", [PICTURES, (PICTURES, None), torch.from_numpy(PICTURES), list(PICTURES)])
def test_x_alone_has_no_target(data: object) -> None:
    assert open_data(data).target is None
    assert np.array_equal(read_all(data), PICTURES)


@pytest.mark.parametrize(
    "x",
    [
        PICTURES,
        PICTURES / 255.0,
        (PICTURES / 255.0).astype(np.float32),
        PICTURES.astype(np.float64),
        torch.from_numpy(PICTURES).permute(0, 3, 1, 2) / 255,
        torch.from_numpy(PICTURES).permute(0, 3, 1, 2),
        np.moveaxis(PICTURES, 3, 1),
    ],
)
def test_every_layout_and_range_gives_the_same_pictures(x: Any) -> None:
    assert np.array_equal(read_all((x, LABELS)), PICTURES)


def test_a_dark_fraction_stays_dark_beside_bright_ones() -> None:
    x = np.zeros((2, 8, 8), np.float32)
    x[0], x[1] = 200.0, 1.0
    assert read_all(x)[1].max() == 1
    assert image.decode(open_data(x).stores["image"].read("1"), image.Settings(side=8, channels=1)).max() == 1


def test_grey_and_boolean_pictures_are_pictures() -> None:
    assert np.array_equal(read_all(PICTURES[..., 0]), PICTURES[..., 0])
    assert read_all(PICTURES[..., 0] > 127).max() == 255


def test_pictures_of_different_sizes_come_as_a_list() -> None:
    pictures = [PICTURES[0], PICTURES[1, :5], PICTURES[2, :, :3]]
    table = open_data((pictures, ["a", "b", "a"]))
    assert [table.stores["image"].read(str(row)).shape for row in range(3)] == [(8, 8, 3), (5, 8, 3), (8, 3, 3)]


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        (["a", "b", "a", "b"], ["a", "b", "a", "b"]),
        (np.array([1.0, 2.0, 1.0, 2.0]), ["1", "2", "1", "2"]),
        (torch.tensor([3, 4, 3, 4]), ["3", "4", "3", "4"]),
        (np.array([[3], [4], [3], [4]]), ["3", "4", "3", "4"]),
        ([True, False, True, False], ["True", "False", "True", "False"]),
    ],
)
def test_labels_of_every_kind_become_texts(labels: Any, texts: list[str]) -> None:
    assert open_data((PICTURES, labels)).frame["target"].to_list() == texts


def test_a_missing_label_is_left_out_with_a_word() -> None:
    table = open_data((PICTURES, np.array([0.0, 1.0, np.nan, 1.0])))
    assert table.frame["image"].to_list() == ["0", "1", "3"]
    assert table.doubts == ("1 item without a label left out; predict them afterwards",)


def test_what_pandas_has_for_a_missing_label_is_no_label() -> None:
    assert open_data((PICTURES, ["a", pd.NA, "b", pd.NaT])).frame["target"].to_list() == ["a", "b"]
    table = open_data({"x": [1, pd.NA, 2, 2], "label": ["a", "b", pd.NA, "a"]})
    assert table.frame.rows() == [("1", "a"), (None, "b"), ("2", "a")]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ((np.zeros((5, 64, 1, 1, 1)), np.zeros(5)), "x has shape (5, 64, 1, 1, 1); expected [n, height, width]"),
        ((PICTURES, LABELS[:3]), "x holds 4 pictures and y 3 labels"),
        ((PICTURES, np.eye(4)), "y has shape (4, 4); expected one label for each picture (for one-hot: y.argmax(1))"),
        ((PICTURES - 128.0, LABELS), "pixels must lie in 0 to 1 or 0 to 255, not -128"),
        ((PICTURES * np.nan, LABELS), "not nan to nan"),
        ((PICTURES.astype(str), LABELS), "pixels must be numbers"),
        ((PICTURES[:0], LABELS[:0]), "x holds no pictures"),
        (([PICTURES[0], np.zeros(3)], ["a", "b"]), "x[1] has shape (3,)"),
        ((PICTURES, "abcd"), "y is of type str; expected one label for each picture"),
        ((PICTURES, 3), "y is of type int; expected one label for each picture"),
        ((PICTURES, [[1], [1, 2], [1], [2]]), "y holds labels of different lengths"),
    ],
)
def test_arrays_that_are_no_pictures_say_why(data: object, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        open_data(data)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("options", [Options(target="label"), Options(group="g"), Options(split="p")])
def test_options_about_columns_are_refused(options: Options) -> None:
    with pytest.raises(UsageError, match="arrays have no columns; give a data frame instead"):
        open_data((PICTURES, LABELS), options)


def test_groups_from_names_need_names() -> None:
    with pytest.raises(UsageError, match="these items have none; give the groups as a column"):
        open_data((PICTURES, LABELS), Options(group_from=r"\d"))


# ---- rows of numbers, texts and named columns


def test_rows_of_numbers_are_columns_of_numbers() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(50, 3)), generator.normal(size=50)
    table = open_data((x, y))
    assert [(column.name, column.modality) for column in table.inputs] == [(f"x{n}", "number") for n in range(3)]
    assert np.array_equal(table.frame.select("x0", "x1", "x2").cast(float).to_numpy(), x)
    assert np.array_equal(table.frame["target"].to_numpy(), y)
    assert table.said[0].startswith('50 rows with a number to predict (column "y"): -')


@pytest.mark.parametrize("texts", [["good film", "bad film", None, "a dull one"]])
def test_a_list_of_texts_is_a_column_of_texts(texts: list[str | None]) -> None:
    table = open_data((texts, [1, 0, 1, 0]))
    assert table.frame.rows() == list(zip(texts, ["1", "0", "1", "0"], strict=True))
    assert table.inputs[0].modality == "text"


def test_a_dict_of_columns_holds_pictures_texts_and_numbers() -> None:
    texts = [f"a sentence of words {number}" for number in range(4)]
    columns = {"photo": PICTURES, "text": texts, "size": np.array([1.5, np.nan, 2.0, 7.25])}
    table = open_data((columns, LABELS), Options(types={"text": "text"}))
    assert {column.name: column.modality for column in table.inputs} == {
        "photo": "image",
        "text": "text",
        "size": "number",
    }
    assert np.array_equal(table.stores["photo"].read(table.frame["photo"][2]), PICTURES[2])
    assert table.frame["size"].null_count() == 1
    assert table.frame["target"].to_list() == ["1", "0", "1", "0"]
    assert open_data({**columns, "price": [1.5, 2.5, 4.0, 3.25]}, Options(target="price")).target is not None


def test_numbers_of_classes_get_the_names_beside_them() -> None:
    table = open_data({"image": PICTURES, "label": LABELS, "label_names": np.array(["cat", "dog"])})
    assert table.frame["target"].to_list() == ["dog", "cat", "dog", "cat"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"image": PICTURES, "label": LABELS[:3]}, "the columns have different lengths: image 4, label 3"),
        ({"image": PICTURES, "label": 3}, 'the column "label" is one int; expected one value for each item'),
        ({"image": PICTURES - 128.0, "label": LABELS}, 'the column "image": pixels must lie in'),
    ],
)
def test_columns_that_do_not_fit_say_why(data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        open_data(data)
    assert sentence in str(caught.value)


def test_a_file_of_arrays_is_read_as_a_dict_is(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", image=PICTURES, label=LABELS, split=np.array(["train", "train", "test", "test"]))
    table = open_data(tmp_path / "x.npz")
    assert table.frame.select("target", "part").rows() == [("1", "train"), ("0", "train"), ("1", "test"), ("0", "test")]
    np.savez(tmp_path / "y.npz", image=np.array([object()]))
    for content in (b"", b"PK", (tmp_path / "y.npz").read_bytes()):
        (tmp_path / "z.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"z\.npz cannot be read as arrays"):
            open_data(tmp_path / "z.npz")


def test_a_damaged_file_of_arrays_says_so(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez_compressed(file, image=np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npz cannot be read as arrays"):
        open_data(file)
    np.save(tmp_path / "one.npy", PICTURES)
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(DataError, match=r"one\.npz cannot be read as arrays: it is one array without a name"):
        open_data(tmp_path / "one.npz")


def test_a_single_value_beside_arrays_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", image=PICTURES, label=LABELS, label_name=np.array("kind"))
    with pytest.raises(DataError, match='the column "label_name" is one ndarray; expected one value for each item'):
        open_data(tmp_path / "x.npz")


@pytest.mark.parametrize("options", [Options(inputs=("image",)), Options(time_column="t"), Options(files={"x": "y"})])
def test_further_options_about_columns_are_refused(options: Options) -> None:
    with pytest.raises(UsageError, match="arrays have no columns; give a data frame instead"):
        open_data((PICTURES, LABELS), options)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint32])
def test_whole_numbers_of_16_bits_are_pictures_however_they_are_kept(kind: Any) -> None:
    deep = PICTURES.astype(np.uint16) * 16
    stores = [open_data((pixels, LABELS)).stores["image"] for pixels in (deep, deep.astype(kind))]
    settings = image.Settings(side=8, channels=3)
    wide, narrow = (image.decode(store.read("1"), settings) for store in stores)
    assert np.array_equal(wide, narrow)


def test_true_beside_numbers_is_read() -> None:
    found = open_data({"a": [True, 2, 3, True], "label": ["x", "y", "x", "y"]})
    assert len(found.frame) == 4
