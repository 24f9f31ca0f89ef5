"""Checks that read losses compare like with like: one unit, and what matters beside what can be told."""

from __future__ import annotations

import polars as pl
import pytest

from penjing import checks
from penjing.checks import (
    crawling,
    diverged,
    large_batch,
)
from penjing.checks._examples import example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

LAYERS = ("first", "second", "third", "last")


def level(finding: Finding | None) -> str:
    """How grave it is, "" where nothing was found."""
    return "" if finding is None else finding.level


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


def lost(*rows: int) -> Record:
    """Ten evaluations, of which these have no loss that is a number."""
    names = [["train/running_loss", "train/loss"] if row in rows else None for row in range(10)]
    falling = [None if row in rows else 1.5 * 0.9**row for row in range(10)]
    return example_steps(train__loss=falling, train__running_loss=falling, valid__loss=falling, non_finite=names)


def test_a_training_has_diverged_when_its_last_loss_is_no_number() -> None:
    assert diverged.look(lost(3)) is None
    assert diverged.look(lost(3, 4, 8)) is None
    found = diverged.look(lost(3, 8, 9))
    assert found is not None
    assert found.evidence == {"step": 900, "evaluations_before": 8}
    never = diverged.look(lost(*range(10)))
    assert never is not None
    assert "no weights of before are kept" in never.message


def test_after_a_divergence_few_updates_are_its_consequence() -> None:
    record = lost(*range(5, 10))
    assert record.steps is not None
    steps = record.steps.with_columns(pl.col("step") // 50, **{"gradient/square": 1.0, "gradient/shared": 0.97})
    whole = Record(steps=steps, choices={"training.batch_size": 0})
    names = ["diverged", "stopped_early", "large_batch"]
    levels = {one.name: one.level for one in checks.examine(whole, names) if isinstance(one, Finding)}
    assert levels == {"diverged": "error", "stopped_early": "info", "large_batch": "info"}
    assert level(large_batch.look(whole)) == "warning"
