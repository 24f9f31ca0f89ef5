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
    if len(np.unique(values[known])) < 3:
        raise DataError(
            f'the column "{times.name}" holds fewer than three different times; split without --time-column'
        )
    _, of_row = np.unique(groups, return_inverse=True)
    last = np.full(of_row.max() + 1, -np.inf)
    np.maximum.at(last, of_row[known], values[known])
    row_time = last[of_row]
    train_share, valid_share, _ = SHARES
    bounds = np.quantile(row_time[np.isfinite(row_time)], [train_share, train_share + valid_share], method="lower")
    part = np.select([row_time <= bounds[0], row_time <= bounds[1]], ["train", "valid"], "test")
    sentence = "dealt by time: the earliest items are learned from, later ones choose, the latest are the sealed test"
    return part.tolist(), sentence
