"""A training keeps to its time: plans follow how long updates take, and how far it is can be watched."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from penjing.core.events import Event, Progress
from penjing.core.recipe import Training
from penjing.training import _clock, _loop
from penjing.training._loader import Loader
from penjing.training._loop import Course, Pace, State, _Stride
from penjing.training._plan import total_steps
from penjing.training._step import Supervised


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time that passes only where a test says so."""
    found = SimpleNamespace(now=0.0)
    monkeypatch.setattr(time, "monotonic", lambda: found.now)
    return found


class Idle(Supervised):
    """An update that learns nothing and takes `seconds(step)`."""

    def __init__(self, clock: Any, seconds: Callable[[int], float]) -> None:
        self.clock, self.seconds_of = clock, seconds

    def update(self, batch: Any, step: int, factor: float) -> torch.Tensor:
        self.clock.now += self.seconds_of(step)
        return torch.tensor(1.0)

    def look(self) -> None:
        pass

    def pulse(self) -> dict[str, float]:
        return {}

    def is_sound(self) -> bool:
        return True

    def weights(self) -> dict[str, torch.Tensor]:
        return {}


class Same(Loader):
    """One batch, again and again."""

    def __init__(self) -> None:
        pass

    @contextlib.contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Any]]:
        yield itertools.repeat(SimpleNamespace(item=torch.zeros(1, dtype=torch.long)))


def trained(
    clock: Any,
    steps: int,
    seconds: Callable[[int], float],
    pace: Pace | None = None,
    watch: Any = None,
    evaluations: int = 1,
) -> State:
    """A training that learns nothing; its n-th update takes `seconds(n)`."""
    course = Course(Idle(clock, seconds), Same(), lambda _: 1.0, lambda *_: {"value": 0.0}, lambda told: told["value"])
    state = State(Training(steps=steps, evaluations=evaluations, batch_size=4))
    return _loop.train(course, state, pace=pace, watch=watch)


def test_one_slow_first_update_shortens_no_plan(clock: Any) -> None:
    state = trained(clock, 100, lambda step: 5.0 if step == 0 else 0.1, Pace(20.0, 100))
    assert state.training.replans == ()
    assert state.step == 100


def test_slow_updates_shorten_the_plan_as_soon_as_a_second_one_is_slow(clock: Any) -> None:
    state = trained(clock, 100, lambda _: 2.0, Pace(50.0, 100))
    at, total = state.training.replans[0]
    assert at == 2
    assert total < 30
    assert state.step == total_steps(state.training)
    assert clock.now <= 50.0


def test_a_stride_is_the_mean_of_updates_since_the_first(clock: Any) -> None:
    stride = _Stride()
    clock.now = 30.0
    stride.count()
    assert not stride.is_known
    for _ in range(_Stride.ENOUGH):
        clock.now += 0.05
        stride.count()
    assert stride.is_fresh
    assert stride.seconds == pytest.approx(0.05)


@pytest.mark.parametrize(("seconds", "told"), [(0.001, [10, 20, 30]), (0.6, [2, 4, 6, 8, 10]), (3.0, [1, 2, 3])])
def test_how_far_it_is_is_told_every_few_updates_and_at_least_about_every_second(
    clock: Any, seconds: float, told: list[int]
) -> None:
    events: list[Event] = []
    trained(clock, 30, lambda _: seconds, watch=events.append)
    steps = [event.done for event in events if isinstance(event, Progress)]
    assert steps[: len(told)] == told


def test_the_last_updates_are_cut_too_where_each_takes_long(clock: Any) -> None:
    state = trained(clock, 4, lambda step: 1.0 if step == 0 else 20.0, Pace(23.0, 4))
    assert state.step == 3  # what an update takes is known after the second one
    assert clock.now == 41.0


def test_a_plan_that_a_busy_moment_made_shorter_is_made_longer_again(clock: Any) -> None:
    state = trained(clock, 400, lambda step: 0.12 if 110 <= step < 190 else 0.05, Pace(27.0, 400), evaluations=8)
    totals = [total for _, total in state.training.replans]
    assert min(totals) < 360
    assert totals[-1] == state.step == 400  # there was time for all


def test_a_plan_that_is_too_short_is_made_longer_though_quarters_end_with_evaluations(clock: Any) -> None:
    assert trained(clock, 100, lambda _: 0.1, Pace(60.0, 500), evaluations=4).step == 500


@pytest.mark.parametrize(("step", "wanted"), [(79, 1_000), (81, None)])
def test_a_plan_is_made_no_longer_near_its_end(clock: Any, step: int, wanted: int | None) -> None:
    stride = _Stride()
    stride.seconds = 0.001
    assert Pace(20.0, 1_000).wanted(Training(steps=100, evaluations=1, batch_size=4), step, stride) == wanted


def test_few_updates_that_take_no_time_are_not_planned_anew(clock: Any) -> None:
    state = trained(clock, 20, lambda _: 0.1, Pace(1.85, 20))
    assert state.training.replans == ()


def test_a_training_whose_weights_are_no_numbers_any_more_ends(clock: Any) -> None:
    values = iter([0.5, math.nan, 0.25, math.nan, 0.5])
    sound = iter([True, False])

    class Lost(Idle):
        def is_sound(self) -> bool:
            return next(sound)

    course = Course(
        Lost(clock, lambda _: 0.1),
        Same(),
        lambda _: 1.0,
        lambda *_: {"value": next(values)},
        lambda told: told["value"],
    )
    state = _loop.train(course, State(Training(steps=50, evaluations=5, batch_size=4)))
    assert (state.step, state.best, state.is_lost) == (40, 0.5, True)  # one bad evaluation alone ends nothing
    again = State(state.training)
    again.restore(state.facts(), {}, torch.device("cpu"))
    assert again.is_lost  # a training that has ended stays ended


@pytest.fixture
def late(clock: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A device that does what it was told only when it is waited for: `owed` seconds of work, and how often it was."""
    found = SimpleNamespace(owed=0.0, waits=0)

    def synchronise(device: torch.device) -> None:
        assert device.type == "meta"
        clock.now, found.owed, found.waits = clock.now + found.owed, 0.0, found.waits + 1

    monkeypatch.setattr(_clock, "synchronise", synchronise)
    return found


def test_a_stride_waits_for_its_device_before_it_reads_the_clock_and_seldom(clock: Any, late: Any) -> None:
    stride = _Stride(torch.device("meta"))
    for update in range(1 + 4 * _Stride.ENOUGH):
        late.owed += 30.0 if update == 0 else 0.05
        stride.count()
    assert stride.seconds == pytest.approx(0.05)
    assert late.waits == 2 + 4  # when it begins, after the first update, and after each stretch


def test_updates_that_a_device_still_owes_are_no_part_of_an_evaluation(clock: Any, late: Any) -> None:
    stride = _Stride(torch.device("meta"))
    for _ in range(4):
        late.owed += 0.1
        stride.count()
    with stride.evaluating():
        late.owed += 7.0
    assert stride.evaluation_seconds == pytest.approx(7.0)
    for _ in range(5):
        late.owed += 0.1
        stride.count()
    assert stride.seconds == pytest.approx(0.1)


def test_the_processor_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "synchronize", None)
    assert _clock.now(torch.device("cpu")) <= time.monotonic()
