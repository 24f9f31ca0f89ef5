"""What the time of a treatment allows: as many trainings a verdict as there is time for, and no fewer than asked."""

from __future__ import annotations

import time

import pytest

from penjing.core.budget import Clock
from penjing.core.errors import RunError
from penjing.core.units import typed_seconds
from penjing.workflows import _allowance
from penjing.workflows._allowance import MOST_STAGES, MOST_TIMES, MOST_TURNS, USUAL_TURNS, Allowance

SEEDS = 3


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes."""
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)


def allowed(seconds: float, *, has_folds: bool = True, growing: int = 1) -> Allowance:
    return Allowance(Clock(seconds, started=0.0), SEEDS, growing, has_folds)


def test_the_least_verdict_has_as_many_trainings_a_side_as_were_asked_for() -> None:
    assert allowed(100).arm == SEEDS
    assert allowed(100, has_folds=False).arm == SEEDS


def test_folds_judge_several_times_where_there_is_much_time() -> None:
    short, long = allowed(60), allowed(600)
    short.begin(3.0)
    long.begin(3.0)
    assert (short.turns, long.turns) == (1, USUAL_TURNS)
    apart = allowed(600, has_folds=False)
    apart.begin(3.0)
    assert apart.turns == SEEDS
    long.relax()
    assert long.turns == 1


def test_what_is_allowed_for_one_more_training_leaves_time_for_its_verdict_and_the_new_run() -> None:
    one = allowed(300)
    one.begin(2.0)
    longest = one.longest()
    least = longest + one.arm * (2.0 + longest) + longest
    assert 2.0 < longest < least < 300
    one.has_steps = True
    assert one.longest() < longest  # a verdict is owed


def test_trainings_that_are_owed_take_time_from_all_others_until_they_are_made() -> None:
    one = allowed(300)
    one.begin(2.0)
    longest, left = one.longest(), one.until_growing(2.0)
    one.owed_seconds = 3 * 2.0
    assert one.longest() < longest
    assert left - one.until_growing(2.0) == pytest.approx(_allowance.SLACK * 3 * 2.0)
    one.owed_seconds = 0.0
    assert one.longest() == longest
    assert one.until_judging(2.0) == pytest.approx(left - _allowance.SLACK * SEEDS * 4.0)


def test_a_verdict_leaves_time_for_seeds_once_it_is_as_thorough_as_planned() -> None:
    one = allowed(600)
    one.begin(3.0)
    assert one.for_later(USUAL_TURNS, 3.0) == 0.0  # the new run has none to choose
    one.draws_seeds = True
    assert one.for_later(USUAL_TURNS - 1, 3.0) == 0.0
    seeds = one.for_later(USUAL_TURNS, 3.0)
    assert seeds == pytest.approx(_allowance.SLACK * _allowance.DRAWN * 3.0)
    one.is_followed = True  # by two turns of three folds on either side, and a new run of five folds more
    folds = _allowance.SLACK * 2 * 3 * 2 + _allowance.GROWING_SLACK * 5
    assert one.for_later(USUAL_TURNS, 3.0) == pytest.approx(seeds + folds * 3.0)


def test_cheap_trainings_are_looked_at_with_several_seeds() -> None:
    assert allowed(300).screenings(0.5) == _allowance.SCREENINGS
    assert allowed(300).screenings(5.0) == 1
    assert allowed(300).screenings(2.0, _allowance.USUAL_PROMISING) == _allowance.SCREENINGS
    assert allowed(300).screenings(5.0, _allowance.USUAL_PROMISING) == 1
    assert allowed(3000).screenings(5.0) == _allowance.SCREENINGS


def test_a_treatment_that_grows_no_run_keeps_no_time_for_one() -> None:
    one, healed = allowed(300), allowed(300, growing=0)
    one.begin(2.0)
    healed.begin(2.0)
    assert healed.until_growing(2.0) == 300.0
    assert healed.longest() > one.longest()


def test_encoders_have_a_time_of_their_own_and_see_all_items_once_more_in_the_new_run() -> None:
    one = allowed(300)
    assert 100 < one.longest_seeing() < 150
    one.seeing_seconds = 100.0
    one.begin(2.0)
    left = one.until_growing(2.0)
    most = one.longest_seeing()
    one.seeing_seconds = 0.0
    assert one.until_growing(2.0) == left + 100.0
    assert most < one.longest_seeing() < 150
    with pytest.raises(RunError, match=r"the pretrained encoder takes 1 min 40 s to see all items, .* give --time 5m"):
        raise allowed(30).seeing_too_short(100.0)


def test_a_time_in_which_no_verdict_fits_is_refused_with_one_that_would_do() -> None:
    one = allowed(30)
    with pytest.raises(RunError, match=r"one training takes 9\.0 s.*give --time (\d+)([sm])") as told:
        one.begin(9.0)
    count, unit = str(told.value).rpartition("--time ")[2].split()[0][:-1], str(told.value).rpartition("--time ")[2]
    enough = float(count) * (60 if unit.split()[0].endswith("m") else 1)
    allowed(enough).begin(9.0)
    with pytest.raises(RunError, match="--time"):
        allowed(30).check(60.0)
    allowed(30).check(0.1)


@pytest.mark.parametrize(("has_folds", "most"), [(True, MOST_TURNS), (False, MOST_TIMES * SEEDS)])
def test_a_verdict_may_judge_more_often_than_planned(has_folds: bool, most: int) -> None:
    one = allowed(10_000, has_folds=has_folds)
    one.begin(1.0)
    assert one.turns < one.most_turns == most


def test_a_sure_verdict_takes_twice_the_trainings_that_were_asked_for() -> None:
    one = allowed(200)
    one.begin(2.0)
    assert one.is_sure([2.0, 2.0])
    assert one.is_sure([2.0, 12.0])
    assert not one.is_sure([2.0, 25.0])


def test_no_more_stages_are_judged_than_there_is_time_for() -> None:
    one = allowed(200)
    one.begin(2.0)
    assert one.stages([2.0] * 5) == MOST_STAGES
    assert one.stages([2.0]) == 1
    assert one.stages([15.0, 15.0]) == 1
    one.relax()
    assert one.stages([2.0, 2.0, 15.0]) == MOST_STAGES  # the first two are quick, however long the last one takes
    assert one.stages([18.0, 18.0, 18.0]) == 2
    assert one.has_another_arm(2.0)
    assert not one.has_another_arm(50.0)


@pytest.mark.parametrize(("seconds", "typed"), [(41.0, "50s"), (100.0, "2m"), (6001.0, "2h")])
def test_times_are_said_as_they_are_typed(seconds: float, typed: str) -> None:
    assert typed_seconds(seconds) == typed
