"""Where numbers are cut into bins that hold about as many values each."""

from __future__ import annotations

import numpy as np


def edges(values: np.ndarray, bins: int) -> list[float]:
    """Ascending, distinct borders of at most `bins` bins that hold about as many values each.

    Where few values are distinct, each of them is a border. Borders are distinct as float32, since values are.
    """
    values = values.astype(np.float32)
    distinct = np.unique(values)
    if len(distinct) <= bins + 1:
        return distinct.astype(float).tolist()
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1), method="nearest")).astype(float).tolist()


def with_gaps(found: list[float]) -> list[float]:
    """The borders of a column in which cells are missing: of one value alone a bin of its own, so that the column has a
    line, for whether its cell is there may tell everything."""
    return [found[0], found[0] + max(1.0, abs(found[0]))] if len(found) == 1 else found
