"""How a recipe is fitted to the time that there is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penjing.core.budget import TRAINING_SHARE, Clock
from penjing.core.errors import RunError, UsageError
from penjing.core.events import Decided
from penjing.core.recipe import Choice, Machine, Recipe, Training, change
from penjing.training import engine
from penjing.workflows._choose import (
    FEWEST_UPDATES,
    SMALLEST_BATCH,
    RecipeWish,
    _batched,
    _candidates,
    _dialled,
    _is_clear,
    _race,
    check_network,
    check_wish,
)


def recipe(batch_size: int = 512) -> Recipe:
    optimiser = Choice("muon", {"rate": 0.12})
    return Recipe(model=Choice("cnn"), optimiser=optimiser, training=Training(batch_size=batch_size)).filled()


def batched(updates: float, begin: Recipe, **by_hand: Any) -> tuple[Recipe, list[Decided]]:
    """The recipe where the time allows so many updates of its batch."""
    said: list[Decided] = []
    clock = Clock(1000.0)
    return _batched(begin, TRAINING_SHARE * 1000.0 / updates, RecipeWish(assignments=by_hand), clock, said.append), said


def test_a_time_for_few_updates_gets_smaller_batches_and_the_rate_follows_their_root() -> None:
    found, (decided,) = batched(FEWEST_UPDATES / 3, recipe())
    assert found.training.batch_size == 128  # four times as many updates, the first power of two that is enough
    assert found.optimiser.settings["rate"] == pytest.approx(0.12 / 2)
    assert decided.what == "batch"
    assert "128 items" in decided.choice


def test_batches_do_not_shrink_for_ever() -> None:
    found, _ = batched(1, recipe())
    assert found.training.batch_size == SMALLEST_BATCH
    assert batched(1, recipe(32))[0] == recipe(32)


def test_a_time_for_enough_updates_changes_nothing() -> None:
    assert batched(FEWEST_UPDATES * 1.1, recipe()) == (recipe(), [])


@pytest.mark.parametrize("key", ["training.batch_size", "optimiser", "optimiser.rate"])
def test_what_was_set_by_hand_stays(key: str) -> None:
    assert batched(1, recipe(), **{key: 0}) == (recipe(), [])


@pytest.mark.parametrize(
    ("items", "default", "other", "winner"),
    [
        (40, 0.50, 0.55, "cnn"),  # two items of forty
        (40, 0.30, 0.60, "mlp"),
        (2000, 0.50, 0.55, "mlp"),
        (2000, 0.55, 0.50, "cnn"),
    ],
)
def test_the_default_network_loses_a_race_by_more_than_luck_only(
    monkeypatch: pytest.MonkeyPatch, items: int, default: float, other: float, winner: str
) -> None:
    draw, truth = np.random.default_rng(0), np.arange(items) % 4
    # Each is right about items of its own.
    shares = {"cnn": (draw.permutation(items), default), "mlp": (draw.permutation(items), other)}

    def carried_out(short: Recipe, *_: Any, **__: Any) -> Any:
        order, share = shares[short.model.name]
        said = np.where(order < share * items, truth, (truth + 1) % 4)
        return SimpleNamespace(network=9 * np.eye(4)[said], best=share, recipe=short)

    monkeypatch.setattr(engine, "carry_out", carried_out)
    monkeypatch.setattr(engine, "make_ready", lambda *_: None)
    monkeypatch.setattr(engine, "outputs", lambda network, *_: network)
    every = np.arange(items)
    problem: Any = SimpleNamespace(
        truth=truth, train=every, valid=every, groups=None, items=None, classes=tuple("abcd")
    )
    begin = recipe(16)
    said: list[Decided] = []
    candidates = [begin, Recipe(model=Choice("mlp"), training=begin.training).filled()]
    found, _ = _race(problem, candidates, 100.0, False, Clock(100.0), said.append)
    assert found.model.name == winner
    (decided,) = said
    assert decided.choice == winner
    assert ("do not tell it from the others" in decided.why) == (items == 40 and winner == "cnn")


def test_a_race_in_which_the_metric_is_finite_of_no_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: dict[str, Exception] = {"cnn": engine.NotFiniteError("the metric area"), "mlp": RunError("diverged")}

    def carried_out(short: Recipe, *_: Any, **__: Any) -> Any:
        raise ends[short.model.name]

    monkeypatch.setattr(engine, "carry_out", carried_out)
    monkeypatch.setattr(engine, "make_ready", lambda *_: None)
    problem: Any = SimpleNamespace(train=np.arange(40), valid=np.arange(40), classes=tuple("ab"))
    said: list[Decided] = []
    candidates = [recipe(16), Recipe(model=Choice("mlp"), training=recipe(16).training).filled()]
    with pytest.raises(UsageError, match="the metric area"):
        _race(problem, candidates, 100.0, False, Clock(100.0), said.append)
    assert ["gave no finite number" in one.why for one in said] == [True, False]


@pytest.mark.parametrize(("to_come", "raced"), [(100.0, ["cnn"]), (2.0, ["cnn", "mlp"])])
def test_no_others_race_where_the_default_network_hardly_saw_the_items_and_more_is_to_come(
    monkeypatch: pytest.MonkeyPatch, to_come: float, raced: list[str]
) -> None:
    asked: list[str] = []

    def carried_out(short: Recipe, *_: Any, **__: Any) -> Any:
        asked.append(short.model.name)
        ended = replace(short, training=replace(short.training, steps=10))  # of 40 in a pass
        return SimpleNamespace(network=np.eye(4)[np.arange(64) % 4], best=0.3, recipe=ended)

    monkeypatch.setattr(engine, "carry_out", carried_out)
    monkeypatch.setattr(engine, "make_ready", lambda *_: None)
    every, said = np.arange(640), list[Decided]()
    problem: Any = SimpleNamespace(
        truth=every % 4, train=every, valid=every[:64], groups=None, items=None, classes=("a", "b")
    )
    begin = recipe(16)
    candidates = [begin, Recipe(model=Choice("mlp"), training=begin.training).filled()]
    found, _ = _race(problem, candidates, to_come, False, Clock(10.0), said.append)
    assert found.model.name == "cnn"
    assert asked == raced
    assert [one.choice for one in said] == ["cnn"]
    assert ("too few to hold others against it" in said[0].why) == (raced == ["cnn"])


@pytest.mark.parametrize(("is_free", "met"), [(True, []), (False, ["crop"])])
def test_the_race_meets_no_shifts_where_its_winner_will_be_asked_about_them(
    monkeypatch: pytest.MonkeyPatch, is_free: bool, met: list[str]
) -> None:
    trained: list[Recipe] = []

    def carried_out(short: Recipe, *_: Any, **__: Any) -> Any:
        trained.append(short)
        return SimpleNamespace(network=None, best=0.3, recipe=short)

    monkeypatch.setattr(engine, "carry_out", carried_out)
    every = np.arange(640)
    problem: Any = SimpleNamespace(train=every, valid=every[:64], modality={"image": "image"})
    begin = replace(recipe(16), augment=(Choice("crop"),))
    found, _ = _race(problem, [begin], 8.0, is_free, Clock(10.0), None)
    assert [one.name for one in trained[0].augment] == met
    assert found == begin


def test_a_race_compiles_nothing_and_its_winner_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling takes a minute, and a race seconds."""
    trained: list[Recipe] = []

    def carried_out(short: Recipe, *_: Any, **__: Any) -> Any:
        trained.append(short)
        return SimpleNamespace(network=None, best=0.3, recipe=short)

    monkeypatch.setattr(engine, "carry_out", carried_out)
    problem: Any = SimpleNamespace(train=np.arange(640), valid=np.arange(64), modality={"image": "image"})
    begin = change(recipe(16), {"machine.compile": True})
    for is_free in (True, False):
        assert _race(problem, [begin], 8.0, is_free, Clock(10.0), None)[0] == begin
    assert [one.machine.compile for one in trained] == [False, False]


@pytest.mark.parametrize(
    ("items", "step_seconds", "seconds", "dial"),
    [
        (3_000, 0.05, 3.0, 0.0625),  # a pass or two in a hundred updates
        (3_000, 0.05, 30.0, 0.5),
        (3_000_000, 0.05, 300.0, 0.25),  # hardly a pass, in thousands of updates
    ],
)
def test_the_smallest_network_is_for_a_time_that_is_hardly_enough_for_any(
    items: int, step_seconds: float, seconds: float, dial: float
) -> None:
    problem: Any = SimpleNamespace(
        train=np.arange(items), shape={"image": (1, 28, 28)}, modality={"image": "image"}, classes=("a", "b")
    )
    said: list[Decided] = []
    _dialled(problem, recipe(64), step_seconds, RecipeWish(), Clock(seconds), said.append)
    assert said[0].evidence["dial"] == dial


@pytest.mark.parametrize(
    ("groups", "is_clear"), [(None, True), (np.zeros(200, dtype=int), True), (np.repeat(np.arange(4), 50), False)]
)
def test_a_network_that_is_better_on_one_group_only_is_not_clearly_better(
    monkeypatch: pytest.MonkeyPatch, groups: np.ndarray | None, is_clear: bool
) -> None:
    truth = np.zeros(200, dtype=int)
    better = (np.arange(200) < 50).astype(int)  # a whole group that the other one is wrong about
    answers = iter([better, truth])
    monkeypatch.setattr(engine, "outputs", lambda *_: np.eye(2)[next(answers)])
    problem: Any = SimpleNamespace(truth=truth, valid=np.arange(200), groups=groups, items=None, classes=("a", "b"))
    sides: Any = [SimpleNamespace(network=None, recipe=recipe(16)) for _ in range(2)]
    assert _is_clear(problem, recipe(16), *sides) == is_clear


def pictures(items: int = 3_000) -> Any:
    return SimpleNamespace(
        train=np.arange(items), shape={"image": (1, 28, 28)}, modality={"image": "image"}, classes=("a", "b")
    )


def dialled(assignments: dict[str, Any], seconds: float = 30.0, least: tuple[str, ...] = ()) -> tuple[Recipe, float]:
    """The network that a time chooses, and what an update takes, where one of the network by hand takes 0.05 s."""
    wish = RecipeWish(assignments=assignments, least=least)
    begin = change(recipe(64), assignments)
    return _dialled(pictures(), begin, 0.05, wish, Clock(seconds), lambda _: None)


def test_only_a_size_that_was_set_by_hand_keeps_the_time_from_choosing_one() -> None:
    found, _ = dialled({"model.dropout": 0.25})
    assert found.model.settings["dropout"] == 0.25
    assert found.model.settings["width"] == dialled({})[0].model.settings["width"] < 32
    assert dialled({"model.width": 64}) == (change(recipe(64), {"model.width": 64}), 0.05)


def test_a_size_that_is_the_least_may_be_larger_with_more_time_and_never_smaller() -> None:
    for width, seconds, expected in [(16, 3.0, 16), (16, 300.0, 32), (64, 3.0, 64)]:
        found, step_seconds = dialled({"model.width": width}, seconds, least=("model.width",))
        assert found.model.settings["width"] == expected
        assert step_seconds == pytest.approx(0.05 * (expected / width) ** 1.5)  # the dial is as the width squared


def test_a_setting_by_hand_is_not_lost_in_a_race_with_a_network_that_lacks_it() -> None:
    assert len(_candidates(pictures(), recipe(), RecipeWish())) == 2
    assert _candidates(pictures(), recipe(), RecipeWish(assignments={"model.stages": 1})) == [recipe()]


def test_a_setting_of_a_network_that_nobody_named_is_checked_when_the_inputs_are_known() -> None:
    wish = RecipeWish(assignments={"model.depth": 3})
    check_wish(wish)
    check_network(wish, ["table"], 100)
    with pytest.raises(UsageError, match='cnn has no setting "depth"'):
        check_network(wish, ["image"], 100)
    with pytest.raises(UsageError, match='cnn has no setting "depth"'):
        check_wish(replace(wish, model="cnn"))
    with pytest.raises(UsageError, match='cnn has no setting "widht"; did you mean "width"'):
        check_wish(RecipeWish(assignments={"model.widht": 3}))
    many = RecipeWish(assignments={"model.growth": 1.5})
    check_wish(many)
    check_network(many, ["image"], 30_000)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (RecipeWish(assignments={"machine.device": "gpu"}), 'machine.device = "gpu"'),
        (RecipeWish(assignments={"machine.device": "cuda"}), 'cannot use machine.device = "cuda" on this machine'),
        (RecipeWish(recipe=change(recipe(), {"machine.device": "cuda"})), "give --set machine.device=cpu"),
        (RecipeWish(recipe=replace(recipe(), machine=Machine(device="tpu"))), 'machine.device = "tpu"'),
    ],
)
def test_a_device_that_is_unknown_or_not_there_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, wish: RecipeWish, message: str
) -> None:
    monkeypatch.setattr(engine, "is_usable", lambda name: name == "cpu")
    with pytest.raises(UsageError, match=message):
        check_wish(wish)


def test_a_recipe_of_another_device_is_carried_out_on_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "is_usable", lambda name: name == "cpu")
    elsewhere = change(recipe(), {"machine.device": "cuda"})
    check_wish(RecipeWish(recipe=elsewhere, assignments={"machine.device": "cpu"}))
