"""Several seeds of one recipe: which is taken, and when another one takes the place of a run's own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penjing.core import plugins
from penjing.core.recipe import Choice, Recipe
from penjing.workflows._limits import TooSlowError
from penjing.workflows._seeds import MOST_SEEDS, Drawn, Seeds

ITEMS = 200  # that validate
SECONDS = 1.0  # of a training
RECIPE = replace(Recipe().filled(), seed=7)


@dataclass
class FakeBench:
    """Trainings whose networks are right on a share of the items that hangs on the seed."""

    right: dict[int, float]
    judged_on: str = "valid"
    folds: int = 0
    slow_from: int = 1_000
    far_out: tuple[int, ...] = ()
    task: Any = field(default_factory=lambda: plugins.load("tasks", "classify"))

    @property
    def prepared(self) -> Any:
        truth, split = np.zeros(ITEMS, dtype=np.int64), SimpleNamespace(folds=self.folds)
        return SimpleNamespace(truth=truth, groups=np.arange(ITEMS), split=split, rows=lambda *_: np.arange(ITEMS))

    def fair(self, rows: np.ndarray) -> np.ndarray:
        return rows[~np.isin(rows, self.far_out)]

    @property
    def learned(self) -> np.ndarray:
        return np.arange(0)

    @property
    def screened(self) -> np.ndarray:
        return np.arange(ITEMS) if self.judged_on == "folds" else np.arange(ITEMS // 2)

    @property
    def judged(self) -> np.ndarray:
        return np.arange(ITEMS // 2, ITEMS)

    def train(self, recipe: Recipe, deal: Any, limits: Any) -> Any:
        if recipe.seed >= self.slow_from:
            raise TooSlowError(2.0)
        is_right = np.random.default_rng(recipe.seed).permutation(len(deal.judged)) < len(deal.judged) * self.right.get(
            recipe.seed, 0.5
        )
        return SimpleNamespace(scored=np.stack([is_right, ~is_right], axis=1).astype(np.float64))


def seeds(bench: FakeBench, left: float = 100.0) -> Seeds:
    metric = bench.task.metric("accuracy")
    time = SimpleNamespace(until_growing=lambda _: left, clock=SimpleNamespace(left=left))
    return Seeds(bench, metric, time)  # type: ignore[arg-type]


def numbers(drawn: list[Drawn]) -> list[int]:
    return [one.recipe.seed for one in drawn]


def test_the_best_seed_on_validation_comes_first_and_no_more_than_there_is_time_for() -> None:
    found = seeds(FakeBench({9: 0.9, 7: 0.8})).best(RECIPE, SECONDS)
    assert len(found) == MOST_SEEDS
    assert numbers(found)[:2] == [9, 7]
    assert found[0].value == pytest.approx(0.9)
    assert sorted(numbers(seeds(FakeBench({}), left=3.5).best(RECIPE, SECONDS))) == [7, 8, 9]


@pytest.mark.parametrize("bench", [FakeBench({}, folds=5), FakeBench({}, slow_from=8)])
def test_no_seed_is_chosen_where_folds_choose_or_trainings_take_too_long(bench: FakeBench) -> None:
    assert seeds(bench).best(RECIPE, SECONDS) == []
    assert seeds(bench).another(RECIPE, SECONDS) is None


def test_a_network_of_ones_own_keeps_its_seed() -> None:
    recipe = replace(RECIPE, model=Choice("own"))
    assert seeds(FakeBench({8: 0.9})).best(recipe, SECONDS) == []
    assert seeds(FakeBench({8: 0.9})).another(recipe, SECONDS) is None


def test_no_seed_is_chosen_without_time_for_two() -> None:
    assert seeds(FakeBench({}), left=1.5).best(RECIPE, SECONDS) == []


@pytest.mark.parametrize("judged_on", ["valid", "folds"])
def test_an_unlucky_seed_is_told_by_items_that_did_not_choose(judged_on: str) -> None:
    told = seeds(FakeBench({8: 0.9}, judged_on=judged_on)).another(RECIPE, SECONDS)
    assert told is not None
    drawn, difference = told
    assert drawn[0].recipe.seed == 8
    assert difference.units == ITEMS // 2
    assert 0.2 < difference.low < difference.effect < 0.6


def test_the_best_seed_has_no_other_beside_it() -> None:
    assert seeds(FakeBench({7: 0.9})).another(RECIPE, SECONDS) is None


def test_too_few_items_choose_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = FakeBench({8: 0.9})
    monkeypatch.setattr(FakeBench, "judged", property(lambda _: np.arange(5)))
    assert seeds(bench).another(RECIPE, SECONDS) is None


def test_a_target_that_lies_far_out_chooses_no_seed() -> None:
    assert {len(one.chosen) for one in seeds(FakeBench({}, far_out=(3,))).best(RECIPE, SECONDS)} == {ITEMS - 1}
