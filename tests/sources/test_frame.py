"""Data frames of polars and pandas."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from penjing.core.errors import DataError, UsageError
from penjing.sources import Options, open_data
from penjing.sources._cells import as_column
from penjing.sources._samples import png, sample_images

PICTURES = sample_images(4)
LABELS = ["a", "b", "a", "b"]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_a_column_of_paths_is_read(make: Any, plant) -> None:
    folder = plant("1.png", "2.png")
    table = open_data(make({"photo": [str(folder / "1.png"), str(folder / "2.png")], "kind": ["a", "b"]}))
    assert table.frame["target"].to_list() == ["a", "b"]
    assert all(table.stores["image"].read(reference) for reference in table.frame["image"])


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_paths_are_relative_to_the_current_folder(make: Any, plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plant("1.png", "2.png"))
    table = open_data(make({"path": ["2.png", "1.png"], "y": [5, 6]}))
    assert table.frame.rows() == [("1.png", "6"), ("2.png", "5")]


def test_pandas_paths_may_be_path_objects_and_labels_categories(plant) -> None:
    folder = plant("1.png", "2.png", "3.png")
    data = pd.DataFrame({"path": [folder / f"{number}.png" for number in (1, 2, 3)]})
    data["label"] = pd.Categorical(["x", "y", None])
    table = open_data(data)
    assert table.frame["target"].to_list() == ["x", "y"]
    assert len(table.doubts) == 1


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_a_column_of_bytes_is_read(make: Any) -> None:
    pictures = [png(image) for image in PICTURES]
    table = open_data(make({"image": pictures, "label": LABELS}))
    assert [table.stores["image"].read(str(row)) for row in range(4)] == pictures
    assert table.frame["target"].to_list() == LABELS


def test_a_column_of_arrays_is_read() -> None:
    for data in (
        pd.DataFrame({"image": list(PICTURES), "label": LABELS}),
        pl.DataFrame({"image": PICTURES[..., 0], "label": LABELS}),
        pl.DataFrame({"image": pl.Series("image", list(PICTURES), dtype=pl.Object), "label": LABELS}),
    ):
        table = open_data(data)
        assert np.asarray(table.stores["image"].read("2")).shape[:2] == (8, 8)
        assert table.frame["target"].to_list() == LABELS


def test_many_arrays_beside_a_column_of_words_are_read() -> None:
    pictures = [picture for _ in range(20) for picture in PICTURES]
    words = [f"words {row}" for row in range(len(pictures))]
    frame = pd.DataFrame({"image": pictures, "hint": words, "label": LABELS * 20})
    assert len(open_data(frame).frame) == len(pictures)


def test_a_column_of_sounds_is_read_in_pandas_too() -> None:
    sounds = [np.linspace(-1, 1, 40 + row, dtype=np.float32) for row in range(4)]
    frame = pd.DataFrame({"clip": sounds, "label": ["a", "b", "a", "b"]})
    table = open_data(frame, Options(types={"clip": "audio"}))
    (column,) = table.inputs
    assert column.modality == "audio"
    assert np.array_equal(table.stores[column.name].read("2"), sounds[2])


def test_a_column_of_pillow_images_is_read() -> None:
    images = sample_images()[:4]
    frame = pd.DataFrame({"image": [Image.fromarray(image) for image in images], "label": ["a", "b", "a", "b"]})
    table = open_data(frame)
    assert np.array_equal(table.stores["image"].read("2"), images[2])


def test_labels_that_are_numbers_are_classes(plant) -> None:
    folder = plant("1.png", "2.png")
    paths = [str(folder / "1.png"), str(folder / "2.png")]
    assert open_data(pd.DataFrame({"path": paths, "y": [1.0, 2.0]})).hints["classes"] == ["1", "2"]
    assert open_data(pl.DataFrame({"path": paths, "y": [True, False]})).hints["classes"] == ["false", "true"]


def test_a_frame_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the data frame has no rows"):
        open_data(pl.DataFrame({"path": [], "label": []}))
    with pytest.raises(DataError, match=r"frame names no/1.png, and there is no such file"):
        open_data(pl.DataFrame({"path": ["no/1.png"], "label": ["a"]}))
    with pytest.raises(UsageError, match="not clear which column of the data frame holds the label"):
        open_data(pl.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(UsageError, match='did you mean "label"'):
        open_data(pl.DataFrame({"path": ["1.png"], "label": ["a"]}), Options(target="lable"))


def half_missing(values: list[Any], dtype: str) -> pd.DataFrame:
    cells = [cell for value in values for cell in (value, None)]
    return pd.DataFrame({"x": [row % 7 for row in range(len(cells))], "label": pd.array(cells, dtype=dtype)})


@pytest.mark.parametrize(
    ("values", "dtype", "modality"),
    [(["a", "b"] * 10, "string", "category"), ([row + 0.5 for row in range(30)], "Float64", "number")],
)
def test_what_pandas_has_for_a_missing_target_is_missing(values: list[Any], dtype: str, modality: str) -> None:
    table = open_data(half_missing(values, dtype))
    assert table.target is not None
    assert table.target.modality == modality
    assert table.frame["target"].to_list() == values


def test_not_a_number_is_no_target() -> None:
    values = [row + 0.5 for row in range(30)]
    table = open_data(pl.DataFrame({"x": [1, 2, 3, 2] * 10, "label": [*values, *[float("nan")] * 10]}))
    assert table.frame["target"].to_list() == values
    assert table.doubts == ("10 items without a label left out; predict them afterwards",)


def test_dates_of_pandas_stay_dates_where_some_are_missing() -> None:
    days = [pd.Timestamp("2024-01-01") + pd.Timedelta(days=row) for row in range(30)]
    table = open_data(pd.DataFrame({"when": [*days, *[pd.NaT] * 10], "label": ["a", "b"] * 20}))
    assert [column.modality for column in table.inputs] == ["date"]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame])
def test_spans_of_time_are_seconds(make: Any) -> None:
    spans = [timedelta(seconds=seconds) for seconds in (1, 90, 90, 2.5)]
    table = open_data(make({"span": spans, "label": LABELS}))
    assert table.frame["span"].to_list() == [1, 90, 90, 2.5]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, dict])
def test_a_column_of_lists_is_a_target_of_labels(make: Any) -> None:
    data = make({"x": [1, 2, 1, 3], "label": [["b", "a"], ["a"], [], None]})
    table = open_data(data)
    assert table.target is not None
    assert table.target.modality == "labels"
    assert table.frame["target"].to_list() == [["a", "b"], ["a"], []]
    with pytest.raises(UsageError, match=r'--type label=category: column "label" holds lists, which are labels'):
        open_data(data, Options(types={"label": "category"}))


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, dict])
def test_lists_of_words_are_no_input(make: Any) -> None:
    data = make({"x": [1, 2, 1, 3], "tags": [["b", "a"], ["a"], [], None], "label": LABELS})
    table = open_data(data)
    assert [column.name for column in table.inputs] == ["x"]
    assert any("tags: it holds lists of words" in sentence for sentence in table.said)
    with pytest.raises(UsageError, match="--type tags=text: the column holds lists; join each to one text"):
        open_data(data, Options(types={"tags": "text"}))


def test_columns_of_one_name_are_told_apart() -> None:
    data = pd.DataFrame([[1, 4, "a"], [2, 4, "b"], [2, 5, "a"]], columns=["x", "x", "label"])
    table = open_data(data)
    assert table.frame.drop("target").to_dict(as_series=False) == {"x": ["1", "2", "2"], "x_2": ["4", "4", "5"]}


def test_numbers_some_of_which_are_whole_are_not_texts() -> None:
    assert as_column("x", [1, 4.321, None, Decimal("1.5")]).to_list() == [1, 4.321, None, 1.5]
    assert as_column("x", [1, True, 10**30]).dtype == pl.String
