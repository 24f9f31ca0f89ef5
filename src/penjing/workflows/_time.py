"""Parts dealt by time: what comes last is the test, so that the score is that of predicting the future."""

from __future__ import annotations

import numpy as np
import polars as pl

from penjing.core.errors import DataError
from penjing.core.split import SHARES


def parts_by_time(times: pl.Series, groups: np.ndarray) -> tuple[list[str | None], str]:
    """The part of each row, and one sentence on it.

    A group is where its last item is. Rows without a time are learned from: they could be from any.

    Args:
        times: a number per row, later ones larger; null where unknown.
        groups: rows with one number stay together.

    Raises:
        DataError: fewer than three different times are known, so there is no before and after.
    """
    values = times.cast(pl.Float64).to_numpy()
    known = np.isfinite(values)
    _, of_row = np.unique(groups, return_inverse=True)
    last = np.full(of_row.max() + 1, -np.inf)
    np.maximum.at(last, of_row[known], values[known])
    row_time = last[of_row]
    moments, items = np.unique(row_time[np.isfinite(row_time)], return_counts=True)
    if len(moments) < 3:
        together = "" if len(np.unique(values[known])) < 3 else ", items that stay together taken as one"
        raise DataError(
            f'the column "{times.name}" holds fewer than three different times{together}; split without --time-column'
        )
    # Items of one time are in one part, and each part has some.
    done = np.cumsum(items) / items.sum()
    train_share, valid_share, _ = SHARES
    first = int(np.abs(done[:-2] - train_share).argmin())
    second = first + 1 + int(np.abs(done[first + 1 : -1] - train_share - valid_share).argmin())
    part = np.select([row_time <= moments[first], row_time <= moments[second]], ["train", "valid"], "test")
    sentence = "dealt by time: the earliest items are learned from, later ones choose, the latest are the sealed test"
    return part.tolist(), sentence
