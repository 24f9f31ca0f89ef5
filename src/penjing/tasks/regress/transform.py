"""The scale on which a number is learned: standardised as it is, or its logarithm standardised."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from penjing.core.errors import DataError

TRANSFORMS = ("auto", "none", "log")
SKEWED = 1.0  # skewness from which "auto" looks at the logarithm
STEADIER = 0.5  # the logarithm is taken where its skewness is at most so much of the values' own
ROOM = 1.0  # standard deviations above the largest training value, from which the way back from a logarithm is a line


def learn_scale(truth: np.ndarray) -> dict[str, Any]:
    """What both scales need to know of some numbers, as JSON values.

    Returns:
        `mean`, `std` (1 where nothing varies), `low`, `high`, `skewness`; and where no number is negative `log`: the
        same of log(number + `offset`) with the `offset` (0 unless there are zeros: then the smallest number above 0),
        and `bend`, the logarithm above which the way back is a line.
    """
    values = np.asarray(truth, dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        values = np.zeros(1)
    found = _moments(values)
    if values.min() < 0 or values.max() <= 0:
        return {**found, "log": None}
    offset = 0.0 if values.min() > 0 else float(values[values > 0].min())
    logs = _moments(np.log(values + offset))
    return {**found, "log": {**logs, "offset": offset, "bend": logs["high"] + ROOM * logs["std"]}}


def choose_transform(wanted: str, learned: Mapping[str, Any]) -> str:
    """ "none" or "log".

    "auto" takes the logarithm where no training value is negative, their skewness is above `SKEWED`, and that of their
    logarithms is, whatever its sign, at most `STEADIER` times as much: prices, durations, counts, sizes.

    Raises:
        DataError: the logarithm was asked for and a training value is negative.
    """
    logs = learned["log"]
    if wanted == "log" and logs is None:
        raise DataError(
            f"target_transform = log needs numbers from 0 on; the smallest training value is {learned['low']:g}: "
            "leave it out, or write target_transform=none"
        )
    if wanted != "auto":
        return wanted
    is_skewed = learned["skewness"] > SKEWED
    is_steadier = logs is not None and abs(logs["skewness"]) <= STEADIER * learned["skewness"]
    return "log" if is_skewed and is_steadier else "none"


def _moments(values: np.ndarray) -> dict[str, float]:
    mean, std = float(values.mean()), float(values.std())
    # Values that differ by rounding alone do not vary.
    is_constant = std <= 1e-9 * max(1e-30, float(np.abs(values).max()))
    skewness = 0.0 if is_constant else float((((values - mean) / std) ** 3).mean())
    return {
        "mean": mean,
        "std": 1.0 if is_constant or not math.isfinite(std) else std,
        "low": float(values.min()),
        "high": float(values.max()),
        "skewness": skewness,
    }
