"""Checks that read losses compare like with like: one unit, and what matters beside what can be told."""

from __future__ import annotations

import pytest

from penjing.checks import (
    crawling,
)
from penjing.checks._examples import example_steps

LAYERS = ("first", "second", "third", "last")


def ratios(value: float) -> dict[str, float]:
    """Updates of that size, beside the weights, in every layer."""
    return {f"layer__{layer}__update_ratio": value for layer in LAYERS}


def test_what_all_updates_together_moved_decides_whether_it_crawled() -> None:
    creeping = [1.2 - 0.01 * row for row in range(10)]
    many = example_steps(step=list(range(10_000, 110_000, 10_000)), train__loss=creeping, **ratios(9e-5))
    assert crawling.look(many) is None  # nine times the weights
    few = example_steps(step=list(range(2, 22, 2)), train__loss=creeping, **ratios(5e-4))
    found = crawling.look(few)
    assert found is not None
    assert "20 updates together moved a layer's weights by 1.0% of their size" in found.message
    assert found.evidence["update_ratio"] == pytest.approx(5e-4)
