"""The trainings of a verdict: what is left of them where time or memory runs out on the way."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penjing.core.recipe import Recipe
from penjing.workflows._judging import Judging
from penjing.workflows._limits import TooSlowError
from penjing.workflows._trials import Deal

FOLDS, ITEMS, LEAST = 3, 12, 1
BASE = Recipe(seed=7)


class Clock:
    """Seconds that pass by what is trained."""

    elapsed = 0.0


def judging(
    seconds: float,
    takes: dict[int, float] | None = None,
    fails: int | None = None,
    telling: float = 0.0,
    seeds_from: tuple[int, float] = (1, 0.0),
) -> tuple[Any, list[Any]]:
    """Verdicts with so much time; a training of the first, second … recipe takes so long. One may fail. To tell a
    difference takes `telling` seconds for each turn. From so many turns on so many seconds are left for seeds."""
    clock, asked = Clock(), []
    takes = takes or {}

    class Bench:
        judged = np.arange(ITEMS)

        def turn(self, number: int, folds: int) -> list[Deal]:
            rows = (np.arange(ITEMS) + number) % ITEMS
            none = rows[:0]
            return [Deal((number, fold), none, none, np.sort(rows[fold::folds])) for fold in range(folds)]

        def train(self, recipe: Any, deal: Deal, limits: Any) -> Any:
            arm = recipe.training.patience
            if arm == fails:
                raise MemoryError("there was not enough memory")
            needed = takes.get(arm, 1.0)
            if needed > limits.seconds:
                raise TooSlowError(needed)
            clock.elapsed += needed
            asked.append((arm, recipe.seed, deal.name))
            return SimpleNamespace(scored=np.stack([deal.judged, np.full(len(deal.judged), arm)], axis=1))

    class Told(Judging):
        def _difference(self, dealt: Any, before: Any, after: Any) -> Any:
            clock.elapsed += telling * len(dealt)

    time = SimpleNamespace(
        until_growing=lambda _: seconds - clock.elapsed,
        least_turns=LEAST,
        clock=clock,
        for_later=lambda turns, _: seeds_from[1] if turns >= seeds_from[0] else 0.0,
    )
    bench: Any = Bench()
    allowed: Any = time
    metric: Any = None
    return Told(bench, metric, allowed, BASE.seed, FOLDS), asked


def recipes(count: int) -> list[Recipe]:
    """Told apart by their patience."""
    return [replace(BASE, training=replace(BASE.training, patience=arm)) for arm in range(count)]


def test_every_training_of_a_side_has_a_seed_of_its_own_and_both_sides_the_same() -> None:
    found, asked = judging(1e9)
    arms = found.arms(recipes(2), 1.0, 2)
    assert sorted(arms) == [0, 1]
    seeds = {arm: [seed for one, seed, _ in asked if one == arm] for arm in arms}
    assert seeds[0] == seeds[1] == [8, 9, 10, 11, 12, 13]  # the search's is 7
    assert len(found.turns) == 2
    for arm, turns in arms.items():
        for deals, answers in zip(found.turns, turns, strict=True):
            assert answers[:, 0].tolist() == np.concatenate([deal.judged for deal in deals]).tolist()
            assert set(answers[:, 1]) == {arm}


def test_a_second_round_is_told_on_its_own_deals() -> None:
    found, _ = judging(1e9)
    found.go_on()
    assert found.rounds == 1  # nothing was told yet
    first = found.arms(recipes(2), 1.0, 3)
    found.go_on()
    assert found.rounds == 2
    turn = found.bench.turn
    found.bench.turn = lambda number, folds: turn(number + 1, folds)
    for arms, count in ((first, 3), (found.arms(recipes(2), 1.0, 2), 2)):
        assert [len(answers) for answers in arms.values()] == [count, count]
    assert [deals[0].name for deals in found.turns] == [(1, 0), (2, 0)]


def test_turns_that_were_done_are_judged_where_the_time_is_over_in_the_next() -> None:
    found, _ = judging(16.5)  # two turns of six trainings, and a part of the third
    arms = found.arms(recipes(2), 1.0, 5)
    assert [len(turns) for turns in arms.values()] == [2, 2]
    assert len(found.turns) == 2


def test_no_verdict_is_told_where_not_even_the_least_is_done() -> None:
    found, _ = judging(4.5)
    assert found.arms(recipes(2), 1.0, 3) == {}


def test_a_recipe_that_cannot_be_trained_takes_those_after_it_along() -> None:
    found, asked = judging(1e9, fails=1)
    assert sorted(found.arms(recipes(3), 1.0, 2)) == [0]
    assert {arm for arm, *_ in asked} == {0}
    found, _ = judging(1e9, fails=0)
    assert found.arms(recipes(3), 1.0, 2) == {}


def test_where_the_least_verdict_takes_longer_than_thought_the_first_and_the_last_are_held_against_each_other() -> None:
    found, asked = judging(24.0, takes={1: 2.0})
    found.time.least_turns = 3
    arms = found.arms(recipes(3), 1.0, 3)
    assert sorted(arms) == [0, 2]
    assert [len(turns) for turns in arms.values()] == [3, 3]
    assert {answers[0, 1] for answers in arms[2]} == {2}
    assert [name[0] for arm, _, name in asked if arm == 1] == [0] * FOLDS  # the first turn only


@pytest.mark.parametrize(("least", "left"), [(LEAST, 1), (2, 2)])
def test_no_turn_is_begun_that_there_is_no_time_for(least: int, left: int) -> None:
    """After a turn of six seconds there are five left."""
    found, asked = judging(11.0)
    found.time.least_turns = least
    found.arms(recipes(2), 1.0, 5)
    assert len({name[0] for _, _, name in asked}) == left


def test_a_recipe_that_takes_long_is_judged_less_often_than_those_before_it() -> None:
    found, asked = judging(33.0, takes={2: 4.0})  # a turn of all takes 18 s, one of the first two takes 6 s
    arms = found.arms(recipes(3), 1.0, 4)
    assert {place: len(answers) for place, answers in arms.items()} == {0: 3, 1: 3, 2: 1}
    assert len(found.turns) == 3
    assert [seed for arm, seed, _ in asked if arm == 2] == [8, 9, 10]


def test_one_recipe_alone_is_judged_as_often_as_there_is_time() -> None:
    found, _ = judging(10.0)
    assert [len(answers) for answers in found.arms(recipes(1), 1.0, 5).values()] == [3]


def test_what_it_takes_to_tell_the_verdicts_is_kept_for_them() -> None:
    found, _ = judging(60.0, telling=1.0)
    arms = found.arms(recipes(3), 1.0, 9)
    assert [len(turns) for turns in arms.values()] == [5, 4, 5]
    assert found.verdict_seconds(3, 5) == pytest.approx(15.0)  # three differences
    assert found.time.until_growing(1.0) >= 15.0


def test_a_third_recipe_that_there_is_no_time_for_takes_nothing_from_those_before_it() -> None:
    found, _ = judging(30.0, takes={2: 29.0})
    arms = found.arms(recipes(3), 1.0, 2)
    assert {place: len(answers) for place, answers in arms.items()} == {0: 2, 1: 2}


@pytest.mark.parametrize(("seeds_from", "turns"), [((1, 0.0), 5), ((2, 7.0), 3), ((2, 40.0), 2), ((9, 40.0), 5)])
def test_a_verdict_that_is_thorough_leaves_time_for_seeds(seeds_from: tuple[int, float], turns: int) -> None:
    found, _ = judging(30.5, seeds_from=seeds_from)  # five turns of six trainings
    assert [len(answers) for answers in found.arms(recipes(2), 1.0, 9).values()] == [turns] * 2
