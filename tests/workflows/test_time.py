"""Parts dealt by time: each has items, and no time is in two of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from penjing.core.errors import DataError
from penjing.workflows._time import parts_by_time


def dealt(times: list[float | None], groups: list[int] | None = None) -> list[str | None]:
    return parts_by_time(pl.Series("when", times), np.array(groups or range(len(times))))[0]


def test_the_latest_items_are_the_test_and_the_shares_are_the_usual_ones() -> None:
    parts = dealt([float(one) for one in range(200)])
    assert parts == ["train"] * 140 + ["valid"] * 30 + ["test"] * 30


@pytest.mark.parametrize(
    ("items", "parts"),
    [
        ({2019: 100, 2020: 100, 2021: 100, 2022: 100, 2023: 100}, "train train train valid test"),
        ({1: 10, 2: 10, 3: 80}, "train valid test"),
        ({1: 80, 2: 10, 3: 10}, "train valid test"),
        ({1: 1, 2: 1, 3: 1, 4: 97}, "train train valid test"),
    ],
)
def test_times_that_many_items_share_leave_no_part_empty(items: dict[int, int], parts: str) -> None:
    times = [float(time) for time, count in items.items() for _ in range(count)]
    found = dict(zip(times, dealt(times), strict=True))
    assert [found[time] for time in items] == parts.split()
    assert Counter(zip(times, dealt(times), strict=True)) == Counter(
        {(time, found[time]): count for time, count in items.items()}
    )


def test_fewer_than_three_times_have_no_before_and_after() -> None:
    with pytest.raises(DataError, match='"when" holds fewer than three different times; split'):
        dealt([1.0, 2.0, 2.0, None])
    with pytest.raises(DataError, match="different times, items that stay together taken as one"):
        dealt([1.0, 2.0, 3.0, 4.0], groups=[0, 0, 1, 1])


def test_items_without_a_time_are_learned_from() -> None:
    assert dealt([None, 1.0, 2.0, 3.0])[0] == "train"
