"""What each schedule multiplies the rate by."""

from __future__ import annotations

import math

import pytest

from penjing.core import plugins
from penjing.training.schedules import one_cycle, step, trapezoid

EVERY = [i / 200 for i in range(201)]


def factors(name: str, **settings: float) -> list[float]:
    module = plugins.load("schedules", name)
    return [module.factor(progress, module.Settings(**settings)) for progress in EVERY]


def test_there_are_six_schedules() -> None:
    assert plugins.names("schedules") == ["constant", "cosine", "linear", "one_cycle", "step", "trapezoid"]


@pytest.mark.parametrize("name", plugins.names("schedules"))
def test_every_schedule_stays_between_zero_and_one_and_reaches_one(name: str) -> None:
    found = factors(name)
    assert all(0 <= factor <= 1 for factor in found)
    assert max(found) == pytest.approx(1)


@pytest.mark.parametrize("name", sorted(set(plugins.names("schedules")) - {"constant"}))
def test_every_schedule_but_constant_ends_at_zero(name: str) -> None:
    assert factors(name)[-1] == 0


def test_constant_stays() -> None:
    assert set(factors("constant")) == {1.0}


def test_linear_falls_in_a_line() -> None:
    assert factors("linear") == pytest.approx([1 - progress for progress in EVERY])


def test_cosine_follows_its_formula() -> None:
    assert factors("cosine") == pytest.approx([(1 + math.cos(math.pi * progress)) / 2 for progress in EVERY])


def test_one_cycle_climbs_to_its_peak_and_falls() -> None:
    settings = one_cycle.Settings(start=0.2, warm_up=0.25)
    found = [one_cycle.factor(progress, settings) for progress in (0, 0.125, 0.25, 0.625, 1)]
    assert found == pytest.approx([0.2, 0.6, 1.0, 0.5, 0.0])


def test_one_cycle_without_warm_up_is_linear() -> None:
    assert factors("one_cycle", warm_up=0.0) == pytest.approx(factors("linear"))


def test_trapezoid_climbs_stays_and_falls() -> None:
    settings = trapezoid.Settings(warm_up=0.2, cool_down=0.5, start=0.0)
    found = [trapezoid.factor(progress, settings) for progress in (0, 0.1, 0.2, 0.4, 0.5, 0.75, 1)]
    assert found == pytest.approx([0, 0.5, 1, 1, 1, 0.5, 0])


def test_step_drops_evenly() -> None:
    settings = step.Settings(drops=2, keep=0.1)
    found = [step.factor(progress, settings) for progress in (0, 0.33, 0.34, 0.66, 0.67, 0.99)]
    assert found == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
