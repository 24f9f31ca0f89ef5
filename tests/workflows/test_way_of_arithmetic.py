"""How the way to do the arithmetic is chosen, looked at again, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from penjing.core.budget import Clock
from penjing.core.events import Decided
from penjing.core.recipe import Choice, Machine, Recipe, Training
from penjing.training import engine
from penjing.training._agree import SAME, Agreement
from penjing.training._probe import MOST_SECONDS, Probed
from penjing.workflows._arithmetic import (
    LEAST_PROBE_SECONDS,
    PROBE_SHARE,
    TOO_SLOW,
    checked,
    decided_of,
    is_another,
    probe_seconds,
    probed,
)

SLOW, FAST = Machine(threads=2), Machine(threads=2, number_format="bfloat16")
ALONE = replace(FAST, threads=1)
WRONG = Agreement(0.8, 0.3, "its outputs are off by 80 % of their spread")
RECIPE = Recipe(model=Choice("cnn"), training=Training(batch_size=64), machine=SLOW).filled()
PROBLEM: Any = None


@pytest.mark.parametrize("seconds", [1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 3600.0])
def test_measuring_takes_three_percent_of_the_time_and_five_seconds_at_most(seconds: float) -> None:
    assert probe_seconds(seconds) <= min(MOST_SECONDS, max(0.03 * seconds, LEAST_PROBE_SECONDS))
    assert MOST_SECONDS == 5.0
    assert LEAST_PROBE_SECONDS <= 0.3


def measuring(monkeypatch: pytest.MonkeyPatch, taken: dict[Machine, float], asked: list[tuple[float, Any]]) -> None:
    """The engine measures what `taken` says, and takes the fastest."""

    def fastest(recipe: Recipe, _: Any, seconds: float, *, among: Sequence[Machine] = ()) -> Any:
        asked.append((seconds, list(among)))
        found = [Probed(one, taken[one]) for one in among or taken]
        return min(found, key=lambda one: one.step_seconds).machine, found

    monkeypatch.setattr(engine, "fastest", fastest)


def test_the_two_best_settings_are_measured_again_on_the_network_that_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, Any]] = []
    said: list[Decided] = []
    clock = Clock(100.0)
    measuring(monkeypatch, {SLOW: 0.03, FAST: 0.02, replace(SLOW, threads=1): 0.04, ALONE: 0.01}, asked)
    begun, step_seconds, measured = probed(PROBLEM, RECIPE, {}, clock, said.append)
    assert (begun.machine, step_seconds) == (ALONE, 0.01)
    measuring(monkeypatch, {replace(SLOW, threads=1): 0.1, ALONE: 0.08, FAST: 0.05}, asked)
    sized = replace(begun, model=Choice("cnn", {**begun.model.settings, "width": 64}))
    assert is_another(begun, sized)
    found = checked(PROBLEM, sized, measured, {}, clock, said.append)
    assert found == replace(sized, machine=FAST)
    assert asked[1][1] == [replace(SLOW, threads=1), ALONE, FAST]  # float32 judges
    assert sum(seconds for seconds, _ in asked) <= 2 * PROBE_SHARE * 100.0  # the first took no time here
    assert said[1].choice == "bfloat16, 2 threads"
    assert said[1].why.startswith("on the network and batch that learn, 50.0 ms an update")


@pytest.mark.parametrize(
    ("spent", "measured"),
    [
        (3.0, [Probed(SLOW, 0.03), Probed(FAST, 0.02)]),  # the time for it is gone
        (0.0, [Probed(SLOW, 0.03)]),
        (0.0, [Probed(SLOW, 0.03), Probed(FAST, 0.02, WRONG)]),
        (0.0, [Probed(SLOW, 0.03), Probed(FAST, 0.9, SAME, is_hopeless=True)]),
    ],
)
def test_nothing_is_measured_again_where_there_is_nothing_to_choose(spent: float, measured: list[Probed]) -> None:
    clock = Clock(100.0, spent={"probe": spent})
    assert checked(PROBLEM, RECIPE, measured, {}, clock, pytest.fail) is RECIPE


def test_one_measurement_of_a_large_network_changes_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "fastest", lambda *_, **__: (SLOW, [Probed(SLOW, 9.0)]))
    begun = replace(RECIPE, machine=FAST)
    measured = [Probed(SLOW, 0.03), Probed(FAST, 0.02)]
    assert checked(PROBLEM, begun, measured, {}, Clock(100.0), pytest.fail) is begun


def test_updates_differ_by_network_and_batch_alone() -> None:
    assert not is_another(RECIPE, replace(RECIPE, machine=FAST, seed=3))
    assert is_another(RECIPE, replace(RECIPE, training=replace(RECIPE.training, batch_size=32)))


@pytest.mark.parametrize(
    ("machine", "by_hand", "words"),
    [
        (
            FAST,
            {"number_format": "bfloat16"},
            "set by hand, and its results are wrong here: its outputs are off by",
        ),
        (ALONE, {"number_format": "bfloat16"}, "set by hand, and whether its results are right was not measured"),
        (SLOW, {"number_format": "float32"}, ""),
        (SLOW, {}, ""),
    ],
)
def test_a_setting_by_hand_that_is_wrong_or_unmeasured_is_told(
    machine: Machine, by_hand: dict[str, Any], words: str
) -> None:
    decided = decided_of(machine, [Probed(SLOW, 0.03), Probed(FAST, 0.02, WRONG)], by_hand)
    assert ("set by hand" in decided.why) == bool(words)
    assert words in decided.why


def test_the_evidence_holds_every_setting_with_its_figures_and_why_it_was_refused() -> None:
    slow = Probed(ALONE, 0.5, Agreement(float("nan"), 1.0), is_hopeless=True)
    decided = decided_of(SLOW, [Probed(SLOW, 0.03), Probed(FAST, 0.02, WRONG), slow], {})
    settings: Any = decided.evidence["settings"]
    assert [one["setting"] for one in settings] == [
        "float32, 2 threads, channels last",
        "bfloat16, 2 threads, channels last",
        "bfloat16, 1 thread, channels last",
    ]
    assert [one["refused"] for one in settings] == ["", WRONG.fault, TOO_SLOW]
    assert [one["is_chosen"] for one in settings] == [True, False, False]
    assert [one["ms"] for one in settings] == pytest.approx([30.0, 20.0, 500.0])
    assert [one["error"] for one in settings] == [0.0, 0.8, None]
