"""Exact intervals are those of SciPy, and hold as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from penjing.core.shares import exact_share, shares_apart


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 24), (18, 24), (24, 24), (3, 500), (4_000, 9_000)])
@pytest.mark.parametrize("confidence", [0.95, 0.975])
def test_the_interval_of_a_share_is_that_of_scipy(right: int, n: int, confidence: float) -> None:
    theirs = stats.binomtest(right, n).proportion_ci(confidence, method="exact")
    assert exact_share(right, n, confidence) == pytest.approx(tuple(theirs), abs=1e-9)


@pytest.mark.parametrize("n", [7, 12, 24, 29])
@pytest.mark.parametrize("chances", [(0.2, 0.2), (0.5, 0.5), (0.3, 0.1), (0.02, 0.02), (0.75, 0.0)])
def test_it_holds_the_difference_in_95_of_100_cases(n: int, chances: tuple[float, float]) -> None:
    """Over all that may be drawn, each with its chance."""
    better, worse = chances
    held = 0.0
    for of_one in range(n + 1):
        for of_other in range(n + 1 - of_one):
            low, high = shares_apart(of_one, of_other, n)
            counts = [of_one, of_other, n - of_one - of_other]
            chance = float(stats.multinomial.pmf(counts, n, [better, worse, 1 - better - worse]))
            held += chance * (low - 1e-12 <= better - worse <= high + 1e-12)
    assert held >= 0.95


def test_it_says_more_where_more_is_told() -> None:
    assert shares_apart(7, 0, 24)[0] > 0 > shares_apart(6, 0, 24)[0]
    assert shares_apart(0, 0, 24) == pytest.approx((-shares_apart(0, 0, 24)[1], shares_apart(0, 0, 24)[1]))
    one, other = shares_apart(5, 2, 20), shares_apart(2, 5, 20)
    assert np.array(one) == pytest.approx(-np.array(other[::-1]))
