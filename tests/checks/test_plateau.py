"""Mistakes on hard items thin out with sureness, wrong labels do not; which of both it is, is told by their course."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import optimize

from penjing.checks import _plateau, label_errors
from penjing.checks._examples import example_inputs, example_trials
from penjing.core.record import Record


def drawn(always: float, hardest: float, slope: float, seed: int, items: int = 400) -> np.ndarray:
    """Mistakes of a course, the surest item first."""
    place = (np.arange(items) + 0.5) / items
    return np.random.default_rng(seed).random(items) < always + (1 - always) * hardest * place**slope


@pytest.mark.parametrize("seed", range(5))
def test_wrong_labels_are_told_from_hard_items(seed: int) -> None:
    wrong, hard = (_plateau.plateau(drawn(*course, seed)) for course in ((0.15, 0.2, 2.0), (0.0, 0.6, 2.0)))
    assert wrong.evidence > 4
    assert wrong.share == pytest.approx(0.15, abs=0.07)
    assert hard.evidence < 1.5
    assert hard.share < 0.05


def test_the_likelihood_is_the_greatest_there_is() -> None:
    wrong = drawn(0.15, 0.3, 2.0, seed=1)
    place = (np.arange(len(wrong)) + 0.5) / len(wrong)

    def unlikely(course: np.ndarray, always: float | None = None) -> float:
        e = always if always is not None else course[0]
        share = np.clip(e + (1 - e) * course[1] * place ** course[2], 1e-6, 0.98)
        return -float(np.log(np.where(wrong, share, 1 - share)).sum())

    bounds = [(0.0, 0.5), (0.002, 0.95), (1.0, 8.0)]
    least = [
        min(
            optimize.minimize(unlikely, start, (always,), bounds=bounds).fun
            for start in ([0.1, 0.3, 2.0], [0.2, 0.1, 6.0], [0.05, 0.5, 1.2])
        )
        for always in (None, 0.0)
    ]
    assert _plateau.plateau(wrong).evidence == pytest.approx(least[1] - least[0], abs=0.3)


def test_many_items_are_judged_by_some_of_them() -> None:
    wrong = drawn(0.1, 0.2, 2.0, seed=0, items=50_000)
    found = _plateau.plateau(wrong)
    assert found.share == pytest.approx(0.1, abs=0.04)
    assert found.evidence > 4


def answers(model: str, said: list[str], sure: list[float]) -> pl.DataFrame:
    truth = ["a", "b"] * (len(said) // 2)
    return pl.DataFrame(
        {
            "model": model,
            "hash": [f"{row:04}" for row in range(len(said))],
            "name": [f"{row}.png" for row in range(len(said))],
            "target": truth,
            "predicted": said,
            "probability": [[one, 1 - one] for one in sure],
        }
    )


def test_only_what_all_judges_say_counts_in_the_order_of_their_common_sureness() -> None:
    truth = ["a", "b"] * 50
    network = ["b" if row == 0 else one for row, one in enumerate(truth)]  # wrong, and its surest answer
    linear = ["b" if row in {0, 4} else one for row, one in enumerate(truth)]
    sure = [0.99 - 0.004 * row for row in range(100)]
    found = _plateau.judged(pl.concat([answers("network", network, sure), answers("linear", linear, sure)]))
    assert found is not None
    assert len(found.wrong) == 99
    assert found.wrong.tolist() == [True, *[False] * 98]
    assert _plateau.names_of(found) == ("0.png",)
    assert _plateau.judged(answers("network", network, sure)) is None


def test_a_judge_that_is_clearly_worse_is_not_heard() -> None:
    truth = ["a", "b"] * 50
    sure = [0.99 - 0.004 * row for row in range(100)]
    poor = ["a"] * 100
    assert _plateau.judged(pl.concat([answers("network", poor, sure), answers("linear", truth, sure)])) is None


def drawn_with_chances(seed: int, slope: float, wrong: float = 0.0, items: int = 1000) -> Record:
    """Two judges that know how the class depends on the inputs, and labels of which some are wrong."""
    draw = np.random.default_rng(seed)
    odds = slope * draw.normal(size=items)
    is_b = draw.random(items) < 1 / (1 + np.exp(-odds))
    is_b ^= draw.random(items) < wrong
    frames = []
    for model, off in (("network", 0.1), ("linear", 0.1), ("majority", 0.0)):
        told = odds + draw.normal(0, off, items) if off else np.zeros(items)
        chance = np.clip((1 - wrong) / (1 + np.exp(-told)) + wrong / (1 + np.exp(told)), 1e-4, 1 - 1e-4)
        columns = {"model": [model] * items, "hash": [f"{row:05}" for row in range(items)]}
        columns |= {"name": columns["hash"], "target": np.where(is_b, "b", "a").tolist()}
        columns |= {"predicted": np.where(chance >= 0.5, "b", "a").tolist()}
        columns |= {"probability": np.stack([1 - chance, chance], axis=1).tolist()}
        columns |= {"loss": (-np.log(np.where(is_b, chance, 1 - chance))).tolist()}
        frames.append(pl.DataFrame(columns))
    return Record(items=pl.concat(frames))


@pytest.mark.parametrize("slope", [0.6, 0.8])
def test_classes_that_the_inputs_leave_open_are_no_wrong_labels(slope: float) -> None:
    found = [label_errors.look(drawn_with_chances(seed, slope)) for seed in range(12)]
    levels = [one.level for one in found if one is not None]
    assert levels.count("warning") <= 1
    told = next(one for one in found if one is not None and one.level == "info")
    assert "or the inputs leave the answer open" in told.message


@pytest.mark.parametrize("seed", range(4))
def test_wrong_labels_of_items_that_are_easy_to_tell_are_warned_of(seed: int) -> None:
    record = drawn_with_chances(seed, 8.0, wrong=0.1)
    found = label_errors.look(record)
    assert found is not None
    assert found.level == "warning"
    assert found.evidence["share"] == pytest.approx(0.1, abs=0.04)
    # A column that tells nearly all looks just the same.
    tables = example_inputs(of=record)
    assert label_errors.look(tables).level == "info"
    gain = {"experiment": "cleaned", "setting": "20", "gain": 0.04}
    assert label_errors.look(example_trials(gain, of=tables)).level == "warning"
    assert label_errors.look(example_trials({**gain, "gain": 0.001}, of=tables)).level == "info"
