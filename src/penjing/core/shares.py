"""Exact 95% intervals of shares and of how far two of them are apart: they hold however few items there are."""

from __future__ import annotations

import math

import numpy as np

from penjing.core.statistics import CONFIDENCE

BISECTIONS = 60  # of the range from 0 to 1: closer than the last bits of a share


def exact_share(right: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of a share that holds the true one at least as often as it says, for any number of items.

    Source: C. J. Clopper, E. S. Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, 1934.

    Args:
        right: how many are right, 0 to n.
        n: how many there are, above 0.
        confidence: how often it holds the true share, 0 to 1.

    Example:
        >>> [round(end, 3) for end in exact_share(10, 10)]
        [0.692, 1.0]
    """
    tail = (1 - confidence) / 2
    return _least_share(right, n, tail), 1 - _least_share(n - right, n, tail)


def _least_share(right: int, n: int, tail: float) -> float:
    """The share of which so many and more right ones come by chance as often as `tail` says."""
    if right == 0:
        return 0.0
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])  # of factorials
    count = np.arange(right, n + 1)
    ways = logs[n] - logs[count] - logs[n - count]
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        share = (low + high) / 2
        chance = np.exp(ways + count * math.log(share) + (n - count) * math.log1p(-share)).sum()
        low, high = (low, share) if chance > tail else (share, high)
    return low


def shares_apart(better: int, worse: int, n: int) -> tuple[float, float]:
    """An interval of how much larger the share of right answers of one model is than that of another on the same
    items, which holds the true difference in 95 of 100 cases at least.

    What makes up the difference is how often just one of both is right, and how often that is the one; each has an
    exact interval with half of the error.

    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
    1947, whose test in its exact form is what the second interval turns round.

    Args:
        better: items that the one has right and the other has not.
        worse: items that the other has right and the one has not.
        n: all items, above 0.

    Example:
        >>> [round(end, 2) for end in shares_apart(18, 0, 24)]
        [0.29, 0.92]
    """
    each, apart = (1 + CONFIDENCE) / 2, better + worse
    rarest, commonest = exact_share(apart, n, each)
    least, most = (2 * end - 1 for end in (exact_share(better, apart, each) if apart else (0.0, 1.0)))
    return least * (rarest if least > 0 else commonest), most * (commonest if most > 0 else rarest)
