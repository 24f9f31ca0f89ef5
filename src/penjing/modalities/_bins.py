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
