"""Exponents of growth are those of the power laws they are made from, and the verdict follows from them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from script_files import script


@pytest.fixture(scope="module")
def growth() -> ModuleType:
    return script("speed_growth")


def test_a_power_law_has_its_exponent_and_lies_on_its_line(growth: ModuleType) -> None:
    sizes = [10, 20, 80, 640]
    line = growth.fitted(sizes, [3.0 * size**0.5 for size in sizes])
    assert line.exponent == pytest.approx(0.5)
    assert line.steepest == pytest.approx(0.5)
    assert line.largest_miss == pytest.approx(0, abs=1e-9)


def test_all_points_are_fitted_as_numpy_fits_them(growth: ModuleType) -> None:
    sizes, costs = [1, 10, 100, 1000], [1.0, 1.0, 100.0, 1000.0]
    line = growth.fitted(sizes, costs)
    exponent, height = np.polyfit(np.log(sizes), np.log(costs), 1)
    misses = np.abs(np.log(costs) - height - exponent * np.log(sizes))
    assert line.exponent == pytest.approx(exponent)
    assert line.exponent != pytest.approx(1.0)  # what the end points alone say
    assert line.largest_miss == pytest.approx(np.exp(misses.max()) - 1)
    assert line.steepest == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        ([1.0, 10.0, 100.0], "linear"),
        ([1.0, 2.0, 4.0], "less than linear"),
        ([1.0, 20.0, 400.0], "more than linear **not reached**"),
        ([1.0, 1.0, 20.0], "more than linear **not reached**"),  # though the ends say 0.65
    ],
)
def test_what_grows_faster_than_its_size_anywhere_is_not_reached(
    growth: ModuleType, costs: list[float], said: str
) -> None:
    assert growth.verdict(growth.fitted([1, 10, 100], costs)) == said


def points(size: str, sizes: list[int], **costs: list[float]) -> list[dict[str, Any]]:
    flat = {"processor_seconds": [0.01] * len(sizes), "pass_seconds": [0.1] * len(sizes)}
    columns = {**flat, "anonymous_bytes": [10**8] * len(sizes), **costs}
    return [
        {size: value, **{name: of[place] for name, of in columns.items()}} for place, value in enumerate(sizes)
    ]  # fmt: skip


def test_rows_are_judged_by_a_whole_pass_and_memory_that_stays(growth: ModuleType) -> None:
    rows = points("rows", [1000, 100_000], pass_seconds=[0.5, 50.0])
    assert growth.row("rows", rows)[1:] == [
        "a pass over them: 500.0 ms to 50.0 s", "1.00", "0 %", "1.00", "linear", "100 MB to 100 MB", "0.00, flat",
    ]  # fmt: skip
    full = points("rows", [1000, 100_000], anonymous_bytes=[10**8, 10**10])
    assert growth.row("rows", full)[-1] == "1.00, not flat **not reached**"


def test_a_side_is_judged_by_its_pixels(growth: ModuleType) -> None:
    sides = points("side", [10, 20, 40], processor_seconds=[0.01, 0.04, 0.16])
    name, _, exponent, *_ = growth.row("side", sides)
    assert name == "pixels of a picture, 100 to 1,600"
    assert exponent == "1.00"
