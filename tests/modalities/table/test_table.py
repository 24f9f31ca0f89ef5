"""Scalar columns side by side: one vector, in torch, in numpy and exported; what is missing teaches nothing."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from penjing.core import plugins
from penjing.modalities.table import features, shape
from penjing.modalities.table.front_end import FAR, FrontEnd

MODALITIES = {"size": "number", "colour": "category", "is_new": "boolean", "sold": "date", "same": "number"}
ROWS = 60


def cells(name: str) -> pl.Series:
    draws = np.random.default_rng(0)
    days = [date(2023, 1, 1) + timedelta(days=int(day)) for day in draws.integers(0, 700, ROWS)]
    columns: dict[str, list[Any]] = {
        "size": [None, *draws.normal(5, 2, ROWS - 1).tolist()],
        "colour": [("red", "green", "蓝")[place] for place in draws.integers(0, 3, ROWS)],
        "is_new": draws.integers(0, 2, ROWS).astype(bool).tolist(),
        "sold": [None, *days[1:]],
        "same": [7.0] * ROWS,
    }
    return pl.Series(name, columns[name])


def learned_and_encoded(names: tuple[str, ...] = tuple(MODALITIES)) -> tuple[dict[str, Any], np.ndarray]:
    learned, encoded = [], []
    for name in names:
        modality = plugins.load("modalities", MODALITIES[name])
        clean = modality.clean(cells(name))
        column = modality.learn(clean, modality.Settings())
        learned.append({"name": name, "modality": MODALITIES[name], "form": modality.FORM, **column})
        encoded.append(modality.encode(clean, column))
    return {"columns": learned}, np.stack(encoded, axis=1)


def test_the_vector_is_as_long_as_said_and_finite() -> None:
    learned, values = learned_and_encoded()
    found = FrontEnd(learned)(torch.from_numpy(values))
    assert found.shape == (ROWS, *shape(learned, values.shape[1:]))
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("name", MODALITIES)
def test_one_column_alone_is_a_table_too(name: str) -> None:
    learned, values = learned_and_encoded((name,))
    assert FrontEnd(learned)(torch.from_numpy(values)).shape == (ROWS, *shape(learned, (1,)))
    assert features(values, learned).shape[0] == ROWS


def test_a_number_is_coded_piecewise_linearly() -> None:
    column = {"form": "number", "edges": [0.0, 1.0, 3.0], "mean": 1.0, "std": 2.0, "has_missing": False}
    values = torch.tensor([[-5.0], [0.5], [2.0], [99.0], [math.nan]])
    expected = [[-3.0, 0, 0], [-0.25, 0.5, 0], [0.5, 1, 0.5], [FAR, 1, 1], [0, 0, 0]]
    torch.testing.assert_close(FrontEnd({"columns": [column]})(values), torch.tensor(expected))


def test_missing_values_have_an_indicator_where_training_cells_were_missing() -> None:
    column = {"form": "number", "edges": [0.0, 1.0], "mean": 0.0, "std": 1.0, "has_missing": True}
    found = FrontEnd({"columns": [column]})(torch.tensor([[0.5], [math.nan]]))
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.5, 0], [0, 0, 1]]))


def test_a_category_has_one_indicator_for_each_code_that_was_learned() -> None:
    column = {"form": "category", "known": ["a", "b"], "has_missing": True, "has_rare": False}
    found = FrontEnd({"columns": [column]})(torch.tensor([[0.0], [1], [2], [-1]]))
    torch.testing.assert_close(found, torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]))


def test_season_weekday_and_hour_are_those_of_the_calendar() -> None:
    column = {"form": "date", "low": 0.0, "high": 40000.0, "edges": [0.0, 40000.0], "has_time": True}
    front_end = FrontEnd({"columns": [{**column, "has_missing": False}]})
    moments = [(date(1970, 1, 1), 0.0), (date(2024, 2, 29), 0.25), (date(2050, 7, 2), 0.75), (date(1950, 12, 31), 0.5)]
    days = torch.tensor([[(day - date(1970, 1, 1)).days + share] for day, share in moments])
    found = front_end(days)
    for row, (day, share) in zip(found, moments, strict=True):
        assert row[-7:].argmax() == day.weekday()
        assert row[-7:].sum() == 1
        year = 2 * math.pi * ((day - date(day.year, 1, 1)).days + share) / 365.25
        assert row[2].item() == pytest.approx(math.sin(year), abs=0.03)
        assert row[3].item() == pytest.approx(math.cos(year), abs=0.03)
        assert row[4].item() == pytest.approx(math.sin(2 * math.pi * share), abs=0.02)
        assert row[5].item() == pytest.approx(math.cos(2 * math.pi * share), abs=0.02)


def test_a_missing_date_gives_zeros() -> None:
    learned, values = learned_and_encoded(("sold",))
    found = FrontEnd(learned)(torch.from_numpy(values))[0]
    assert found.sum() == 1  # the indicator of a missing value
    assert (found != 0).sum() == 1


def test_absurd_numbers_change_nothing_but_their_own_row() -> None:
    learned, values = learned_and_encoded()
    front_end = FrontEnd(learned)
    absurd = values.copy()
    absurd[3] = [1e30, 1e9, -1e9, 1e7, -np.inf]
    absurd[4] = [np.inf, np.inf, -np.inf, np.nan, np.nan]
    found, expected = front_end(torch.from_numpy(absurd)), front_end(torch.from_numpy(values))
    assert torch.isfinite(found).all()
    assert found.abs().max() <= 10
    torch.testing.assert_close(found[5:], expected[5:])


def test_a_table_without_anything_to_learn_is_one_zero() -> None:
    learned, values = learned_and_encoded(("same",))
    assert shape(learned, (1,)) == (1,)
    assert (FrontEnd(learned)(torch.from_numpy(values)) == 0).all()


def test_simple_features_say_what_the_network_is_told() -> None:
    learned, values = learned_and_encoded(("size", "colour"))
    found = features(values, learned)
    known = learned["columns"][1]["known"]
    expected = np.stack([cells("colour").to_numpy() == value for value in known], axis=1)
    assert found[0, 0] == pytest.approx(learned["columns"][0]["mean"])
    np.testing.assert_array_equal(found[1:, 0], values[1:, 0])
    np.testing.assert_array_equal(found[:, 1], np.arange(ROWS) == 0)
    np.testing.assert_array_equal(found[:, 2:], expected)


def test_simple_features_need_nothing_learned() -> None:
    found = features(np.array([[1, np.nan], [2, -1]], np.float32))
    np.testing.assert_array_equal(found, [[1, 0, 0, 1], [2, -1, 0, 0]])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the exporter's own, about its own code
def test_exported_it_gives_the_same(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    learned, values = learned_and_encoded()
    values[4] = [np.inf, 99, -1, np.nan, np.nan]
    front_end = FrontEnd(learned).eval()
    path = tmp_path / "table.onnx"
    dynamic = ({0: torch.export.Dim("batch")},)
    example = (torch.from_numpy(values[:2]),)
    torch.onnx.export(front_end, example, path, dynamo=True, dynamic_shapes=dynamic, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: values})
    np.testing.assert_allclose(found, front_end(torch.from_numpy(values)).numpy(), atol=1e-5)
