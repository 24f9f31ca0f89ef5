"""Where numbers are cut into bins that hold about as many values each."""

from __future__ import annotations

import numpy as np


def edges(values: np.ndarray, bins: int, has_gaps: bool = False) -> list[float]:
    """Ascending, distinct borders of at most `bins` bins that hold about as many values each.

    Where few values are distinct, each of them is a border. Borders are distinct as float32, since values are.

    Args:
        has_gaps: whether cells are missing beside the values. One value alone then has a bin of its own, so that the
            column has a line: whether its cell is there may tell everything.
    """
    values = values.astype(np.float32)
    distinct = np.unique(values)
    if has_gaps and len(distinct) == 1:
        only = float(distinct[0])
        return [only, only + max(1.0, abs(only))]
    if len(distinct) <= bins + 1:
        return distinct.astype(float).tolist()
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1), method="nearest")).astype(float).tolist()
