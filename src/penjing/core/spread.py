"""How far a mean of some values may be off: units that err alone, the standard error over them, Student's t.

A unit is the group where the data have groups, else the item: a mouse photographed forty times is one witness, not
forty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np

from penjing.core.errors import UsageError

MOST_FREEDOM = 1000  # degrees; with more, Student's t is as good as normal
ROUGH_RESAMPLES = 200  # that tell how much of a difference may be luck, where nothing is claimed


def standard_error(values: np.ndarray, unit: np.ndarray | None = None) -> float:
    """Of the mean of some values; infinite where there are fewer than two units.

    Args:
        values: Float[items].
        unit: Int[items], of `unit_of_item`; items of one unit may err alike. None has each item stand alone.

    Example:
        >>> standard_error(np.array([1.0, 2.0, 3.0, 4.0])).__round__(3)
        0.645
    """
    sums = np.bincount(np.arange(len(values)) if unit is None else unit, values - values.mean())
    units = len(sums)
    return math.sqrt(float((sums**2).sum()) * units / (units - 1)) / len(values) if units > 1 else math.inf


def deviation(
    value: Callable[[np.ndarray], float], unit: np.ndarray, draws: np.random.Generator, n: int = ROUGH_RESAMPLES
) -> float:
    """How far a number moves when the units are drawn anew: a rough standard error, 0 where none can be told.

    Args:
        value: Float[items], how often each item counts → the number.
        unit: Int[items], of `unit_of_item`.
        draws: where the units are drawn from.
        n: resamples.
    """
    values = np.array([value(weight[unit]) for weight in drawn(int(unit.max()) + 1, draws, n)])
    values = values[np.isfinite(values)]
    return float(values.std()) if len(values) else 0.0


def unit_of_item(groups: Sequence[object] | np.ndarray | None, n: int) -> np.ndarray:
    """Int[items]: the number of each item's unit. An item without a group (None) stands alone.

    Raises:
        UsageError: there is not one group an item.
    """
    if groups is None:
        return np.arange(n)
    if len(groups) != n:
        raise UsageError(f"there are {len(groups)} groups for {n} items; give one group an item")
    if (
        isinstance(groups, np.ndarray) and groups.dtype.kind in "iu"
    ):  # the same numbers, without a Python object an item
        _, first, which = np.unique(groups, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[which]
    names = [("item", row) if group is None else ("group", str(group)) for row, group in enumerate(groups)]
    number = {name: index for index, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], dtype=np.int64)


def units_that_tell(groups: Sequence[object] | np.ndarray | None, n: int) -> np.ndarray:
    """As `unit_of_item`, but each item where all are of one group: nothing tells how groups differ, but items do."""
    unit = unit_of_item(groups, n)
    return unit if unit.any() else np.arange(n)


def drawn(units: int, draws: np.random.Generator, n: int) -> Iterator[np.ndarray]:
    """n times Float[units]: how often each unit was drawn when `units` are drawn with replacement."""
    for _ in range(n):
        yield np.bincount(draws.integers(units, size=units), minlength=units).astype(np.float64)


def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t: exact for one and two degrees of freedom, else the series of Abramowitz & Stegun
    (1964), 26.7.5, within 1% of the exact value."""
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:
        a = 4 * probability * (1 - probability)
        return 2 * (probability - 0.5) * math.sqrt(2 / a)
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def two_sided(t: float, freedom: int) -> float:
    """How often Student's t lies as far from zero or further, by the integral of its density over the angle
    θ = atan(t / √freedom), in which it is cos θ to the power of freedom − 1.

    Example:
        >>> round(two_sided(2.228, 10), 3)
        0.05
    """
    freedom = min(freedom, MOST_FREEDOM)
    theta = np.linspace(math.atan(t / math.sqrt(freedom)), math.pi / 2, 2001)
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return min(1.0, 2 * constant * float(np.trapezoid(np.cos(theta) ** (freedom - 1), theta)))
