"""What is given in Python stays what it is: pictures, lists, vectors and times become no texts in silence."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image

from penjing.core.errors import DataError, UsageError
from penjing.sources import Options, open_data
from penjing.sources._cells import as_column, cells_of
from penjing.sources._samples import png, sample_images

PICTURES = sample_images(4)
PNGS = [png(image) for image in PICTURES]
IMAGES = [Image.fromarray(image) for image in PICTURES]
LABELS = ["a", "b", "a", "b"]
VECTORS = np.array([[0.1, 2.0], [0.3, 4.0], [0.5, 6.5], [0.7, 8.0]])


def of_modality(table: Any) -> dict[str, str]:
    return {column.name: column.modality for column in table.inputs}


def first_picture(table: Any) -> np.ndarray:
    (column,) = table.inputs
    held = table.stores[column.name].read(table.frame[column.name][0])
    return np.asarray(Image.open(io.BytesIO(held))) if isinstance(held, bytes) else held


# ---- pictures


@pytest.mark.parametrize(
    "cells",
    [
        IMAGES,
        PNGS,
        [bytearray(one) for one in PNGS],
        [{"bytes": one, "path": None} for one in PNGS],
        pd.Series(PNGS),
        pd.Series(IMAGES),
        pd.Series(list(PICTURES)),
        tuple(PICTURES),
        torch.from_numpy(PICTURES),
    ],
    ids=["pillow", "bytes", "bytearray", "hugging face", "series", "series of pillow", "of arrays", "tuple", "tensor"],
)
def test_pictures_in_a_dict_are_pictures(cells: Any) -> None:
    table = open_data({"photo": cells, "label": LABELS})
    assert list(of_modality(table).values()) == ["image"]
    assert np.array_equal(first_picture(table), PICTURES[0])


@pytest.mark.parametrize("x", [IMAGES, PNGS, pd.Series(PNGS), pd.Series(list(PICTURES)), pl.Series(PNGS)])
def test_pictures_beside_their_labels_are_pictures(x: Any) -> None:
    table = open_data((x, LABELS))
    assert list(of_modality(table).values()) == ["image"]
    assert table.frame["target"].to_list() == LABELS
    assert np.array_equal(first_picture(table), PICTURES[0])
    assert open_data(x, Options(target="none")).target is None


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_bytes_and_path_in_one_cell_are_a_file(make: Any, plant) -> None:
    held = make({"image": [{"bytes": one, "path": "gone.png"} for one in PNGS], "label": LABELS})
    assert np.array_equal(first_picture(open_data(held)), PICTURES[0])
    folder = plant("1.png", "2.png", "3.png", "4.png")
    paths = [{"bytes": None, "path": str(folder / f"{number}.png")} for number in (1, 2, 3, 4)]
    assert first_picture(open_data(make({"image": paths, "label": LABELS}))).shape == (8, 8, 3)


@pytest.mark.parametrize("make", [pd.DataFrame, dict])
@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([object()] * 4, 'the column "x" holds a value of type object; texts, numbers, dates'),
        ([{"array": [1], "rate": 3}] * 4, 'the column "x" holds a dict of "array", "rate", without "bytes" or "path"'),
        ([b"1", "2", b"3", b"4"], 'the column "x" holds bytes and "2"; give all cells in one form'),
        ([["a"], "b", ["c"], ["d"]], 'the column "x" holds lists and "b"; give all cells in one form'),
        ([[["a"]], [["b"]], [["c"]], [["d"]]], 'the column "x" holds lists of lists'),
    ],
)
def test_what_is_no_value_is_refused_by_its_type(make: Any, cells: list[Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        open_data(make({"x": cells, "label": LABELS}))
    assert sentence in str(caught.value)


def test_a_label_that_is_no_label_is_refused() -> None:
    with pytest.raises(DataError, match='the column "y" holds a value of type object'):
        open_data((PICTURES, [object()] * 4))


# ---- targets


@pytest.mark.parametrize("make", [pd.DataFrame, dict])
@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ([[3, 7], [1], [], [3, 1]], [["3", "7"], ["1"], [], ["1", "3"]]),
        ([[3, 7], [1, 2], [3, 1], [7, 2]], [["3", "7"], ["1", "2"], ["1", "3"], ["2", "7"]]),
        ([("a", "b"), ("b",), (), None], [["a", "b"], ["b"], []]),
        ([{"b", "a"}, {"b"}, frozenset("a"), {"a"}], [["a", "b"], ["b"], ["a"], ["a"]]),
        ([np.array(["a", "b"]), np.array(["b"]), np.array([]), None], [["a", "b"], ["b"], []]),
        ([np.array([3, 7]), np.array([3]), np.array([7]), None], [["3", "7"], ["3"], ["7"]]),
        ([np.array([3, 7]), np.array([3, 1]), np.array([7, 1]), None], [["3", "7"], ["1", "3"], ["1", "7"]]),
    ],
    ids=["whole", "of one length", "tuples", "sets", "arrays of words", "arrays", "arrays of one length"],
)
def test_lists_of_every_kind_are_labels(make: Any, cells: list[Any], labels: list[list[str]]) -> None:
    table = open_data(make({"x": [1, 2, 1, 3], "label": cells}))
    assert table.target is not None
    assert table.target.modality == "labels"
    assert table.frame["target"].to_list() == labels


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_bytes_that_are_a_target_are_texts(make: Any) -> None:
    labels = ["猫", "dog", "猫", "dog"]
    table = open_data(make({"x": [1, 2, 1, 3], "label": [one.encode() for one in labels]}))
    assert table.frame["target"].to_list() == labels


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([b"\xff\xfe"] * 4, 'column "label" holds bytes that are no text in UTF-8'),
        (list(PICTURES), r'column "label" holds an array of shape \(8, 8, 3\); expected a class'),
        (list(VECTORS), r'column "label" holds an array of shape \(2,\)'),
        (IMAGES, 'column "label" holds a value of type Image; expected a class'),
    ],
)
def test_a_target_that_cannot_be_predicted_says_why(cells: list[Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_data(pd.DataFrame({"x": [1, 2, 1, 3], "label": cells}))


def test_records_are_no_target() -> None:
    with pytest.raises(DataError, match='column "label" holds records of a, b; expected a class'):
        open_data(pl.DataFrame({"x": [1, 2, 1, 3], "label": [{"a": 1, "b": 2}] * 4}))


def test_labels_that_numpy_keeps_as_bytes_are_words(tmp_path: Path) -> None:
    labels = np.array(LABELS, dtype="S")
    assert open_data((PICTURES, labels)).frame["target"].to_list() == LABELS
    assert open_data({"image": PICTURES, "label": labels}).frame["target"].to_list() == LABELS
    np.savez(tmp_path / "x.npz", image=PICTURES, label=labels)
    assert open_data(tmp_path / "x.npz").frame["target"].to_list() == LABELS
    with pytest.raises(DataError, match="an array of bytes is no text in UTF-8"):
        open_data((PICTURES, np.array([b"\xff"] * 4)))


# ---- rows of numbers


@pytest.mark.parametrize(
    "cells",
    [
        VECTORS,
        torch.from_numpy(VECTORS),
        list(VECTORS),
        VECTORS.tolist(),
        [torch.from_numpy(row) for row in VECTORS],
        pd.Series(list(VECTORS)),
        pl.Series(VECTORS.tolist()),
        [tuple(row) for row in VECTORS.tolist()],
    ],
)
def test_rows_of_numbers_become_a_column_for_each_place(cells: Any) -> None:
    table = open_data({"emb": cells, "label": LABELS})
    assert list(of_modality(table)) == ["emb_0", "emb_1"]
    assert np.allclose(table.frame.select("emb_0", "emb_1").cast(float).to_numpy(), VECTORS)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_data_frame_of_vectors_is_read_as_a_dict_is(make: Any) -> None:
    for cells in (list(VECTORS), VECTORS.tolist()):
        table = open_data(make({"emb": cells, "label": LABELS}))
        assert list(of_modality(table)) == ["emb_0", "emb_1"]


def test_arrays_and_lists_of_numbers_of_polars_are_what_they_are_in_pandas() -> None:
    vectors = pl.Series("emb", VECTORS.tolist(), dtype=pl.Array(pl.Float32, 2))
    assert list(of_modality(open_data(pl.DataFrame({"emb": vectors, "label": LABELS})))) == ["emb_0", "emb_1"]
    table = open_data(pl.DataFrame({"x": [1, 2, 1, 3], "label": [[3, 7], [1], [], None]}))
    assert table.frame["target"].to_list() == [["3", "7"], ["1"], []]
    sounds = [[0.1] * (40 + row) for row in range(4)]
    table = open_data(pl.DataFrame({"clip": sounds, "label": LABELS}), Options(types={"clip": "audio"}))
    (column,) = table.inputs
    assert table.stores[column.name].read("2").shape == (42,)


def test_a_missing_row_of_numbers_is_missing_in_each_place() -> None:
    table = open_data({"emb": [*VECTORS[:3], None], "label": LABELS})
    assert table.frame["emb_1"].to_list() == [2, 4, 6.5, None]


def test_columns_of_one_name_are_told_apart_in_a_dict() -> None:
    table = open_data({"emb": VECTORS, "emb_0": [5, 6, 5, 6], "label": LABELS})
    assert list(of_modality(table)) == ["emb_0", "emb_1", "emb_0_3"]


# ---- times


@pytest.mark.parametrize("unit", ["ns", "us", "s", "D"])
def test_times_of_numpy_are_dates(unit: str) -> None:
    days = np.datetime64("2024-01-01") + 9 * np.arange(30).astype("timedelta64[D]")
    when = days.astype(f"datetime64[{unit}]")
    when[3] = np.datetime64("NaT")
    for cells in (when, list(when), pd.Series(when)):
        table = open_data({"when": cells, "label": ["a", "b"] * 15})
        assert of_modality(table) == {"when": "date"}
        assert table.frame["when"].null_count() == 1
        assert table.frame["when"][1].startswith("2024-01-10")


def test_spans_of_numpy_are_seconds() -> None:
    spans = np.array([1_000, 90_000, 90_000, 2_500], dtype="timedelta64[ms]").astype("timedelta64[ns]")
    for cells in (spans, list(spans), [timedelta(seconds=one) for one in (1, 90, 90, 2.5)]):
        assert open_data({"span": cells, "label": LABELS}).frame["span"].to_list() == [1, 90, 90, 2.5]


def test_single_values_of_numpy_and_torch_are_plain() -> None:
    assert as_column("x", [np.bool_(True), np.int64(3), np.str_("a")]).to_list() == ["True", "3", "a"]
    assert as_column("x", [torch.tensor(3), torch.tensor(4)]).to_list() == ["3", "4"]
    assert as_column("x", [np.float32("nan"), pd.NaT, pd.NA, np.datetime64("NaT")]).null_count() == 4
    assert cells_of(np.array([[1, 2]]))[0].tolist() == [1, 2]


# ---- one column


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pl.Series, lambda one: np.array(one, dtype=object)])
def test_texts_of_one_column_are_texts(make: Any) -> None:
    texts = ["good film", "bad film", "a fine one", "a dull one"]
    table = open_data((make(texts), pd.Series([1, 0, 1, 0])))
    assert table.inputs[0].modality == "text"
    assert table.frame.rows() == list(zip(texts, ["1", "0", "1", "0"], strict=True))


@pytest.mark.parametrize("make", [list, pd.Series, lambda paths: [Path(path) for path in paths]])
def test_paths_of_one_column_are_files(make: Any, plant) -> None:
    folder = plant("1.png", "2.png")
    table = open_data((make([str(folder / "1.png"), str(folder / "2.png")]), ["a", "b"]))
    assert of_modality(table) == {"image": "image"}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    ("y", "name"),
    [
        (LABELS, "label"),
        (np.array(LABELS), "label"),
        (pd.Series(LABELS), "label"),
        (pd.Series(LABELS, name="kind"), "kind"),
        (pl.Series("kind", LABELS), "kind"),
        (pd.Series(LABELS, name="size"), "label"),
        (pd.DataFrame({"kind": LABELS}), "label"),
    ],
)
def test_a_frame_and_what_is_to_be_predicted_are_a_pair(make: Any, y: Any, name: str) -> None:
    table = open_data((make({"size": [1.5, 2, 1.5, 3], "hue": [5, 6, 5, 6]}), y))
    assert of_modality(table).keys() == {"size", "hue"}
    assert table.frame["target"].to_list() == LABELS
    assert any(name in sentence for sentence in table.said)


def test_a_frame_with_a_pair_that_does_not_fit_says_why() -> None:
    frame = pd.DataFrame({"size": [1.5, 2, 1.5, 3]})
    with pytest.raises(DataError, match="x holds 4 rows and y 3 labels"):
        open_data((frame, LABELS[:3]))
    with pytest.raises(DataError, match="y has 2 columns; give one"):
        open_data((frame, pd.DataFrame({"a": LABELS, "b": LABELS})))
    with pytest.raises(DataError, match="y is of type int; expected one label for each row"):
        open_data((frame, 3))
    with pytest.raises(UsageError, match="--target size: y holds what is to be predicted"):
        open_data((frame, LABELS), Options(target="size"))


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (["good film", "bad film"], "x holds 2 texts and y 3 labels"),
        (np.zeros((2, 3)), "x holds 2 rows and y 3 labels"),
        ({"size": [1, 2]}, "x holds 2 rows and y 3 labels"),
        (IMAGES[:2], "x holds 2 pictures and y 3 labels"),
        (["1.png", "2.png"], "x holds 2 files and y 3 labels"),
    ],
)
def test_items_are_called_what_they_are(x: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_data((x, LABELS[:3]))


# ---- columns that nobody asks for

RECORDS = [{"lat": 1.0}, {"lat": 2.0}, {"lat": 3.0}, {"lat": 4.0}]


@pytest.mark.parametrize("make", [dict, pd.DataFrame])
@pytest.mark.parametrize(
    "options",
    [Options(target="label", types={"place": "ignore"}), Options(target="label", inputs=["number"])],
)
def test_a_column_that_nobody_asks_for_may_hold_anything(make: Any, options: Options) -> None:
    data = {"number": [1.5, 2.5, 3.5, 4.5], "place": RECORDS, "label": LABELS}
    table = open_data(make(data), options)
    assert of_modality(table) == {"number": "number"}
    with pytest.raises(DataError, match=r'"place" holds a dict of "lat".* or pass over it with types='):
        open_data(make(data), Options(target="label"))


def test_one_hot_answers_beside_a_frame_are_refused_as_beside_an_array() -> None:
    one_hot = np.eye(2, dtype=np.int64)[[0, 1, 0, 1]]
    with pytest.raises(DataError, match=r"y has 2 columns; expected one label .*argmax"):
        open_data((pd.DataFrame({"number": [1.5, 2.5, 3.5, 4.5]}), one_hot), Options())


@pytest.mark.parametrize("values", [range(4), {"a": 0, "b": 1, "c": 2, "d": 3}.values()])
def test_what_can_be_counted_through_is_a_column(values: Any) -> None:
    assert cells_of(values) == [0, 1, 2, 3]
