"""Probabilities that mean what they say: softmax, and one temperature learned on validation.

Source: C. Guo, G. Pleiss, Y. Sun and K. Weinberger (2017), "On calibration of modern neural networks",
https://arxiv.org/abs/1706.04599. Departure: a weak prior pulls the temperature towards 1, so ten items that are all
right do not make the network claim certainty; with hundreds of items it has no say.
"""

from __future__ import annotations

import math

import numpy as np

from penjing.core.randomness import stream

COLDEST, HOTTEST = 0.01, 10.0  # outputs of a strongly decayed network are all small
ENOUGH_VALUES = 2_000_000  # logits; more would take longer and change the third digit
GRID = 37
REFINEMENTS = 30


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Float32[items, classes]: the probabilities behind some logits; every row sums to 1, however large they are.

    Args:
        logits: Float[items, classes].
        temperature: above 1 makes them less sure, below 1 surer.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def learn_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature under which these items are most likely, `COLDEST` to `HOTTEST`; 1 when there is no item.

    Args:
        logits: Float[items, classes] of validation items.
        truth: Int[items].
    """
    if len(truth) == 0 or logits.shape[1] < 2:
        return 1.0
    enough = max(1, ENOUGH_VALUES // logits.shape[1])
    if len(truth) > enough:
        rows = np.sort(stream(0, "temperature").choice(len(truth), enough, replace=False))
        logits, truth = logits[rows], truth[rows]
    logits = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    given = logits[np.arange(len(truth)), truth]

    def cost(log_temperature: float) -> float:
        scale = math.exp(-log_temperature)
        surprise = np.log(np.exp(logits * scale).sum(axis=1)) - given * scale
        return float(surprise.sum()) + log_temperature**2 / 2

    grid = np.linspace(math.log(COLDEST), math.log(HOTTEST), GRID)
    best = int(np.argmin([cost(point) for point in grid]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, GRID - 1)])
    for _ in range(REFINEMENTS):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if cost(left) < cost(right) else (left, high)
    return math.exp((low + high) / 2)
