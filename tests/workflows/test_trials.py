"""Trainings of a treatment end where they are not worth their end; one that diverges answers as a constant would."""

from __future__ import annotations

from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from penjing.core import plugins
from penjing.core.errors import RunError, UsageError
from penjing.core.events import Evaluated, Progress, Started
from penjing.core.recipe import Choice, DataChoices, Machine, Recipe, Training
from penjing.core.split import Split
from penjing.training import engine
from penjing.workflows import _at_half, _limits, _together, _trials
from penjing.workflows._corrections import Corrections
from penjing.workflows._doubted import Doubts
from penjing.workflows._limits import BehindError, Guard, Limits, SeeingTooSlowError, TooSlowError
from penjing.workflows._prepare import Prepared
from penjing.workflows._trials import Bench, Deal, Screened, sees_whole_pictures

WRONG = (1, 3)  # rows whose labels networks doubt
RECIPE = Recipe(training=Training(steps=100))


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    for module in (_limits, _trials):
        monkeypatch.setattr(module, "time", found)
    return found


def guard(clock: Clock, setup: float = 0.0, **limits: Any) -> Guard:
    clock.now = 0.0
    found = Guard(RECIPE, Limits(**limits))
    clock.now = setup
    found(Started("training", 100, "steps"))
    return found


def test_a_training_is_too_slow_when_half_of_its_time_says_so(clock: Clock) -> None:
    watching = guard(clock, setup=2.0, seconds=10.0)
    clock.now = 4.0  # 2 s of setting up and 2 s for 10 steps of 100: a forecast of 22 s
    watching(Progress("training", 10))
    clock.now = 6.0
    with pytest.raises(TooSlowError) as told:
        watching(Progress("training", 20))
    assert told.value.seconds == pytest.approx(2 + 4 * 5)


def test_a_training_that_is_many_times_too_slow_is_told_at_once(clock: Clock) -> None:
    watching = guard(clock, seconds=10.0)
    clock.now = 0.9
    watching(Progress("training", 1))  # the first steps are slow
    clock.now = 1.5
    with pytest.raises(TooSlowError, match="it would take 60 s"):  # 1.5 s, and 98 updates of 0.6 s
        watching(Progress("training", 2))


@pytest.mark.parametrize("told", [Progress("training", 10), Evaluated(10, {"value": 0.1})])
def test_what_comes_once_before_a_training_first_says_how_far_it_is_is_no_part_of_its_rate(
    clock: Clock, told: Progress | Evaluated
) -> None:
    """A GPU loads its kernels for two to six seconds, and then takes 10 ms an update."""
    for loading in (2.0, 6.0):
        watching = guard(clock, seconds=10.0)
        for step in range(10, 101, 10):
            clock.now = loading + 0.01 * step
            watching(Progress("training", step) if step > 10 else told)


def test_a_training_that_is_over_its_time_when_it_first_says_how_far_it_is_is_ended(clock: Clock) -> None:
    watching = guard(clock, seconds=10.0)
    clock.now = 20.0
    with pytest.raises(TooSlowError) as told:
        watching(Progress("training", 10))
    assert told.value.seconds == pytest.approx(200.0)  # all that is known of its rate


def test_a_training_within_its_time_is_left_alone(clock: Clock) -> None:
    watching = guard(clock, seconds=10.0)
    for step in range(10, 101, 10):
        clock.now = 0.09 * step
        watching(Progress("training", step))
        watching(Evaluated(step, {"value": 0.1}))


@pytest.mark.parametrize(("step", "value", "is_given_up"), [(50, 0.1, False), (60, 0.1, True), (60, 0.35, False)])
def test_a_training_far_behind_the_best_one_is_given_up_past_its_middle(
    clock: Clock, step: int, value: float, is_given_up: bool
) -> None:
    watching = guard(clock, curve=((0.3, 0.2), (0.6, 0.4), (1.0, 0.9)), margin=0.1)
    if not is_given_up:
        watching(Evaluated(step, {"value": value}))
        return
    with pytest.raises(BehindError) as told:
        watching(Evaluated(step, {"value": value}))
    assert (told.value.share, told.value.value, told.value.needed) == (0.6, 0.1, 0.4)


def test_the_curve_of_a_training_is_the_best_so_far_by_its_share() -> None:
    history = [{"step": 10, "value": 0.2}, {"step": 20, "value": None}, {"step": 30, "value": 0.1}]
    history.append({"step": 40, "value": 0.5})
    assert Screened(np.zeros(1), history, 1.0).curve == [(0.25, 0.2), (0.75, 0.2), (1.0, 0.5)]
    assert Screened(np.zeros(1), (), 1.0).curve == []


def bench_of(monkeypatch: pytest.MonkeyPatch, **corrections: Any) -> tuple[Bench, list[Any]]:
    """A bench of twelve items of three classes, and what was posed on it; no network is trained."""
    posed: list[Any] = []

    def pose(prepared: Prepared, train: np.ndarray, valid: np.ndarray, own: None = None) -> Any:
        posed.append((train.tolist(), prepared.truth.tolist()))
        return SimpleNamespace(items=None, train=train, valid=valid, truth=prepared.truth, classes=prepared.classes)

    parts = ["train"] * 8 + ["valid"] * 2 + ["confirm"] * 2
    prepared = Prepared(
        **dict.fromkeys([item.name for item in fields(Prepared)]),  # type: ignore[arg-type]
    )
    prepared = replace(
        prepared,
        slots=(),
        table=cast(Any, SimpleNamespace(role=lambda _: [])),
        hashes=[f"h{row}" for row in range(12)],
        classes=("a", "b", "c"),
        truth=np.arange(12) % 3,
        groups=np.arange(12),
        split=Split(pl.DataFrame({"part": parts, "fold": [-1] * 12})),
        corrections=Corrections(**corrections),
    )
    monkeypatch.setattr(_trials, "pose", pose)
    return Bench(prepared, plugins.load("tasks", "classify")), posed


def test_a_training_that_diverges_answers_with_the_shares_of_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverged(*_: Any, **__: Any) -> Any:
        raise RunError("the training diverged")

    monkeypatch.setattr(engine, "carry_out", diverged)
    bench, _ = bench_of(monkeypatch)
    found = bench.screen(RECIPE)
    assert found.answer.tolist() == pytest.approx(np.tile([[3 / 8, 3 / 8, 2 / 8]], (2, 1)))
    assert found.history == ()


def test_trainings_that_only_judge_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Recipe] = []

    def carry_out(recipe: Recipe, *_: Any, **__: Any) -> Any:
        asked.append(recipe)
        raise RunError("the training diverged")

    monkeypatch.setattr(engine, "carry_out", carry_out)
    bench, _ = bench_of(monkeypatch)
    bench.screen(replace(RECIPE, machine=Machine(threads=3, compile=True)))
    assert asked == [replace(RECIPE, machine=Machine(threads=3))]


@pytest.mark.parametrize(("slope", "is_useless"), [(1.0, False), (-20.0, True)])
def test_in_a_verdict_a_network_of_numbers_that_is_worse_than_a_constant_counts_as_that(
    monkeypatch: pytest.MonkeyPatch, slope: float, is_useless: bool
) -> None:
    bench, _ = bench_of(monkeypatch)
    truth = np.arange(12.0)
    bench = replace(bench, task=plugins.load("tasks", "regress"), prepared=replace(bench.prepared, truth=truth))
    bench = replace(bench, prepared=replace(bench.prepared, task="regress"))
    recipe = Recipe(task=Choice("regress")).filled()
    monkeypatch.setattr(engine, "carry_out", lambda *_, **__: SimpleNamespace(network=None, history=[]))
    monkeypatch.setattr(engine, "outputs", lambda _, __, rows: np.float32(slope * truth[rows])[:, None])
    answer = bench.train(recipe, bench.turn(0, 3)[0]).answer[:, 0]
    mean = truth[:8].mean()  # of what is learned from
    assert answer.tolist() == pytest.approx([mean, mean] if is_useless else [10.0, 11.0])
    # What is tried first may be on the right way, however far off.
    assert bench.screen(recipe).answer[:, 0].tolist() == pytest.approx([slope * 8.0, slope * 9.0])


@pytest.mark.parametrize("metric", ["macro_f1", "subset_accuracy", "mean_average_precision", "log_loss"])
def test_labels_are_taken_at_thresholds_that_the_rows_chose_which_choose(
    monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    """A tenth of the items have one label, and a network gives hardly any of them one half."""
    task, draw = plugins.load("tasks", "tag"), np.random.default_rng(0)
    count = 400
    truth = (draw.random((count, 2)) < [0.1, 0.3]).astype(np.int64)
    logit = (2.0 * truth - 2.5 + draw.normal(size=(count, 2))).astype(np.float32)
    bench = dealt(bench_of(monkeypatch)[0], 100, 150, 150)
    bench = Bench(replace(bench.prepared, truth=truth, classes=("a", "b"), task="tag"), task)
    monkeypatch.setattr(engine, "carry_out", lambda *_, **__: SimpleNamespace(network=None, history=[]))
    monkeypatch.setattr(engine, "outputs", lambda _, __, rows: logit[rows])
    monkeypatch.setattr(task, "calibrate", lambda *_: {})
    monkeypatch.setattr(task, "answer", lambda logit, _: (1 / (1 + np.exp(-logit))).astype(np.float32))
    recipe = Recipe(task=Choice("tag", {"metric": metric})).filled()
    (deal,) = bench.turn(0, 3)
    found = bench.train(recipe, deal)
    usual = task.metric(metric)
    chosen = task.choose_threshold(task.answer(logit[deal.valid], {}), truth[deal.valid], "f1", ("a", "b"))
    assert found.threshold == chosen
    cut = task.metric(metric, chosen)(truth[deal.judged], found.answer)
    assert usual(truth[deal.judged], found.scored) == cut
    if metric == "macro_f1":
        assert cut > usual(truth[deal.judged], found.answer) + 0.05
    none = replace(recipe, task=Choice("tag", {**recipe.task.settings, "threshold": "none"}))
    assert bench.train(none, deal).moved is None


@pytest.mark.parametrize(("positive", "value"), [(0, 0.2), (1, 0.2), (1, 0.9), (0, 0.0), (1, 1.000001), (1, 0.5)])
def test_what_was_taken_at_a_threshold_is_taken_at_one_half(positive: int, value: float) -> None:
    two = plugins.load("tasks", "classify")
    chance = np.r_[0.0, np.float32(value), np.linspace(0, 1, 101, dtype=np.float32)].astype(np.float32)
    threshold = two.Threshold(positive, value, "f1")
    answer = np.stack([chance, 1 - chance], axis=1)
    moved = _at_half.moved(answer, threshold)
    assert moved.argmax(1).tolist() == two.predict(answer, threshold).tolist()
    order = np.argsort(answer[:, positive], kind="stable")
    assert (np.diff(moved[order, positive]) >= 0).all()


def test_targets_far_from_all_others_are_learned_from_and_neither_choose_nor_judge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, _ = bench_of(monkeypatch)
    numbers = np.arange(12.0)
    numbers[[3, 10]] *= 1e5  # one that is learned from, and one that is kept for verdicts
    bench = replace(bench, prepared=replace(bench.prepared, task="regress", truth=numbers))
    assert bench.aside.tolist() == [3, 10]
    (deal,) = bench.turn(0, 3)
    assert (deal.train.tolist(), deal.valid.tolist(), deal.judged.tolist()) == ([*range(8)], [8, 9], [11])
    numbers = np.arange(12.0)
    numbers[8] = 1e6
    other = replace(bench, prepared=replace(bench.prepared, truth=numbers))
    assert other.screened.tolist() == [9]
    (deal,) = other.turn(0, 3)
    assert (deal.train.tolist(), deal.valid.tolist(), deal.judged.tolist()) == ([*range(8)], [9], [10, 11])
    assert replace(bench, prepared=replace(bench.prepared, task="classify")).aside.tolist() == []


def test_items_left_out_and_relabelled_are_so_in_learning_only(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, posed = bench_of(monkeypatch, drop=("h0",), relabel={"h1": "b"})
    monkeypatch.setattr(engine, "carry_out", lambda *_, **__: (_ for _ in ()).throw(RunError("")))
    data = DataChoices(drop=("h0", "h2"), relabel={"h1": "b", "h3": "c", "h9": "c"})
    bench.screen(replace(RECIPE, data=data))
    ((train, truth),) = posed
    assert train == [0, 1, 3, 4, 5, 6, 7]  # h0 was left out before the data came here
    assert truth == [0, 1, 2, 2, 1, 2, 0, 1, 2, 0, 1, 2]  # only h3, an item that is learned from, is another class
    bench.screen(replace(RECIPE, data=data))
    assert len(posed) == 1
    bench.screen(RECIPE)
    assert posed[1][1] == (np.arange(12) % 3).tolist()


def test_an_encoder_that_would_take_too_long_for_all_items_is_told_before_it_sees_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, posed = bench_of(monkeypatch)
    monkeypatch.setattr(_trials, "seeing_seconds", lambda *_: {"image": 3.0, "sound": 4.0})
    monkeypatch.setattr(_trials, "seen_through", lambda prepared, _: prepared)
    monkeypatch.setattr(engine, "carry_out", lambda *_, **__: (_ for _ in ()).throw(RunError("")))
    seen = replace(RECIPE, pretrained={"image": Choice("timm"), "sound": Choice("timm")})
    with pytest.raises(TooSlowError) as told:
        bench.screen(seen, Limits(6.0))
    assert told.value.seconds == 7.0
    assert not posed
    bench.screen(seen, Limits(8.0))
    monkeypatch.setattr(_trials, "seeing_seconds", lambda *_: pytest.fail("what was seen is kept"))
    bench.train(seen, bench.turn(0, 3)[0], Limits(6.0))
    assert len(posed) == 2


def test_the_time_in_which_encoders_see_all_items_is_no_time_of_a_training(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen_through(prepared: Prepared, _: Any) -> Prepared:
        clock.now += 60.0
        return prepared

    def carry_out(_: Recipe, __: Any, watch: Guard, **___: Any) -> Any:
        assert watch._limits.seconds == 6.0
        clock.now += 1.0
        raise RunError("the training diverged")

    bench, _ = bench_of(monkeypatch)
    monkeypatch.setattr(_trials, "seeing_seconds", lambda *_: {"image": 50.0})
    monkeypatch.setattr(_trials, "seen_through", seen_through)
    monkeypatch.setattr(engine, "carry_out", carry_out)
    seen = replace(RECIPE, pretrained={"image": Choice("timm")})
    with pytest.raises(SeeingTooSlowError, match="it would take 50 s"):
        bench.screen(seen, Limits(6.0, seeing=40.0))
    assert bench.seeing_of(seen) == 0.0
    assert [bench.screen(seen, Limits(6.0, seeing=100.0)).seconds for _ in range(2)] == [1.0, 1.0]
    assert (bench.seeing_of(seen), bench.seeing_of(RECIPE)) == (60.0, 0.0)


def test_held_out_answers_stand_in_the_order_of_the_training_items(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = bench_of(monkeypatch)

    def train(_: Bench, recipe: Recipe, deal: Any, limits: Limits) -> Screened:
        assert not set(deal.train) & {*deal.judged.tolist(), *deal.valid.tolist()}
        return Screened(np.stack([deal.judged, -deal.judged], axis=1), (), 1.0)

    monkeypatch.setattr(Bench, "train", train)
    assert bench.held_out(RECIPE).tolist() == [[row, -row] for row in range(8)]


def test_a_part_of_few_groups_is_no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = bench_of(monkeypatch)
    assert replace(bench, prepared=replace(bench.prepared, groups=np.r_[np.arange(10), 10, 10])).judged_on == "folds"


def test_the_deals_of_a_verdict_keep_judges_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _ = bench_of(monkeypatch)
    assert bench.judged_on == "confirm"
    (deal,) = bench.turn(0, 3)
    assert (deal.train.tolist(), deal.valid.tolist(), deal.judged.tolist()) == (list(range(8)), [8, 9], [10, 11])
    folded = parted(bench, train=10, valid=2)
    assert folded.judged_on == "folds"
    turns = [folded.turn(number, 3) for number in range(2)]
    for deals in turns:
        assert len(deals) == 3
        judged = np.concatenate([deal.judged for deal in deals])
        assert np.bincount(judged, minlength=12).tolist() == [1] * 10 + [0, 0]
        for one in deals:
            assert np.sort(np.concatenate([one.train, one.valid, one.judged])).tolist() == list(range(12))
            assert one.valid.tolist() == [10, 11]  # they chose the remedies
    assert any(one.judged.tolist() != other.judged.tolist() for one, other in zip(*turns, strict=True))


def test_where_few_items_are_learned_from_half_of_those_that_validate_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = parted(bench_of(monkeypatch)[0], train=4, valid=8)
    assert bench.judged_on == "valid"
    assert len(bench.judged) == 4
    assert sorted([*bench.screened.tolist(), *bench.judged.tolist()]) == list(range(4, 12))
    (deal,) = bench.turn(0, 3)
    assert (deal.train.tolist(), deal.valid.tolist()) == ([0, 1, 2, 3], bench.screened.tolist())
    assert deal.judged.tolist() == bench.judged.tolist()
    assert bench.turn(1, 3)[0].judged.tolist() == deal.judged.tolist()
    assert parted(bench, train=5, valid=7).judged_on == "folds"
    # Items of one group are on one side.
    grouped = parted(bench, train=4, valid=8)
    grouped = replace(grouped, prepared=replace(grouped.prepared, groups=np.array([0, 0, 1, 1, *[2, 3, 4, 5] * 2])))
    assert grouped.judged_on == "valid"
    groups = grouped.prepared.groups
    assert not set(groups[grouped.judged]) & set(groups[grouped.screened])


def test_of_items_with_a_time_none_that_comes_earlier_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trials, "FEWEST_LATER", 2)
    bench = parted(bench_of(monkeypatch)[0], train=8, valid=4)
    assert bench.judged_on == "folds"
    timed = replace(bench, prepared=replace(bench.prepared, table=cast(Any, SimpleNamespace(role=lambda _: ["when"]))))
    assert timed.judged_on == "valid"
    assert len(timed.judged) == 2
    assert timed.judged.min() >= 8  # where the parts are dealt by time, what validates comes after what is learned from
    assert parted(timed, train=9, valid=3).judged_on == "folds"  # too few


def test_of_parts_that_are_taken_together_only_a_recipe_with_folds_learns_from_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taught: list[Any] = []
    learning(monkeypatch, [])

    def carry_out(_: Recipe, problem: Any, **__: Any) -> Any:
        taught.append((set(problem.train.tolist()), set(problem.valid.tolist())))
        return SimpleNamespace(network=0, history=[])

    monkeypatch.setattr(engine, "carry_out", carry_out)
    bench = parted(bench_of(monkeypatch)[0], train=8, valid=4)
    frame = bench.prepared.split.frame.with_columns(
        hash=pl.Series(bench.prepared.hashes), name=pl.Series(bench.prepared.hashes), group=pl.Series(range(12))
    )
    taken = _together.together(replace(bench, prepared=replace(bench.prepared, split=Split(frame), task="classify")))
    assert taken.judged_on == "folds"
    assert taken.prepared.split.counts == bench.prepared.split.counts  # the parts are what they were
    assert sorted([*taken.learned.tolist(), *taken.screened.tolist()]) == list(range(12))
    plain, folded = RECIPE, _together.with_folds(RECIPE)
    for deal in [Deal((), taken.learned, taken.screened, taken.screened), *taken.turn(0, 3)]:
        judged = set(deal.judged.tolist())
        taken.train(plain, deal)
        assert taught.pop() == (set(range(8)) - judged, set(range(8, 12)) - judged)
        taken.train(folded, deal)
        learned, chose = taught.pop()
        assert learned == set(deal.train.tolist())
        assert not learned & judged
        assert chose == (set() if deal.name else set(taken.screened.tolist()))  # the last weights are what is kept


def test_where_nothing_is_left_to_choose_by_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    learning(monkeypatch, [])
    bench = parted(bench_of(monkeypatch)[0], train=8, valid=4)
    frame = bench.prepared.split.frame.with_columns(fold=pl.Series([1, 2] * 4 + [0] * 4))
    bench = replace(bench, prepared=replace(bench.prepared, split=Split(frame)), mixes_parts=True)
    with pytest.raises(UsageError, match="nothing is left"):
        bench.screen(RECIPE)


def test_a_deal_of_other_rows_is_another_problem_whatever_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, posed = bench_of(monkeypatch)
    learning(monkeypatch, [])
    for rows in (np.arange(6), np.arange(6), np.arange(8)):
        bench.train(RECIPE, Deal((), rows, np.array([8, 9]), np.array([8, 9])))
    assert [train for train, _ in posed] == [list(range(6)), list(range(8))]


def learning(monkeypatch: pytest.MonkeyPatch, taught: list[Any]) -> None:
    """Networks that take two items for the class before theirs, and are sure; what each learned from and was chosen by
    is written down."""

    def carry_out(_: Recipe, problem: Any, **__: Any) -> Any:
        taught.append({*problem.train.tolist(), *problem.valid.tolist()})
        return SimpleNamespace(network=len(taught) - 1, history=[])

    def outputs(network: int, _: Any, rows: np.ndarray) -> np.ndarray:
        said = np.where(np.isin(rows, WRONG), rows - 1, rows) % 3
        return np.asarray(20.0 * np.eye(3)[said], np.float32)

    monkeypatch.setattr(engine, "carry_out", carry_out)
    monkeypatch.setattr(engine, "outputs", outputs)


@pytest.mark.parametrize("judged_on", ["folds", "confirm", "valid"])
def test_no_network_that_doubts_what_is_learned_from_saw_anything_of_what_judges(
    monkeypatch: pytest.MonkeyPatch, judged_on: str
) -> None:
    taught: list[set[int]] = []
    bench, posed = bench_of(monkeypatch)
    parts = {"folds": (30, 6, 0), "confirm": (24, 6, 6), "valid": (8, 28, 0)}[judged_on]
    learning(monkeypatch, taught)
    bench = dealt(bench, *parts)
    bench.doubted = Doubts(frozenset({"h0", "h7"}), RECIPE, folds=3)
    assert bench.judged_on == judged_on
    dropping = replace(RECIPE, data=DataChoices(drop=("h0", "h7")))
    deals = bench.turn(0, 3)
    for deal in deals:
        taught.clear()
        doubts = replace(bench, _pairs={}, _doubts={}).doubts_of(deal)
        assert len(taught) >= 2
        assert not set.union(*taught) & set(deal.judged.tolist())
        rows = [row for row in deal.train.tolist() if row in WRONG]
        assert doubts == {f"h{row}": "abc"[(row - 1) % 3] for row in rows}
    # The items that the finding names are left out of what is tried, others of what is judged.
    bench.screen(dropping)
    assert posed[-1][0] == [row for row in bench.learned.tolist() if row not in (0, 7)]
    bench.doubt_anew()
    count = len(taught)
    for deal in deals:
        bench.train(dropping, deal)
        assert posed[-1][0] == [row for row in deal.train.tolist() if row not in WRONG]
    assert len(taught) == count + len(deals)  # doubts are kept
    relabelling = replace(RECIPE, data=DataChoices(relabel={"h0": "b"}))
    bench.train(relabelling, deals[0])
    changed = [row for row, name in enumerate(posed[-1][1]) if name != row % 3]
    assert changed == [row for row in deals[0].train.tolist() if row in WRONG]


def test_folds_that_doubt_labels_anew_are_the_same_in_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = dealt(bench_of(monkeypatch)[0], 30, 6, 0)
    bench.doubted = Doubts(frozenset({"h0"}), RECIPE, folds=3)
    taught: list[set[int]] = []
    learning(monkeypatch, taught)
    first, second = (bench.turn(number, 3) for number in range(2))
    assert [deal.judged.tolist() for deal in first] == [deal.judged.tolist() for deal in second]
    bench.doubt_anew()
    assert len(taught) == 3  # one network for two folds
    bench.doubt_anew()
    assert len(taught) == 3
    bench = replace(bench, _doubts={}, _pairs={})
    learning_slowly(monkeypatch)
    with pytest.raises(TooSlowError):
        bench.doubt_anew(Limits(1.0))


def learning_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    def carry_out(_: Recipe, __: Any, watch: Any, **___: Any) -> Any:
        raise TooSlowError(watch._limits.seconds + 1)

    monkeypatch.setattr(engine, "carry_out", carry_out)


def dealt(bench: Bench, train: int, valid: int, confirm: int) -> Bench:
    """As many items of three classes."""
    parts = ["train"] * train + ["valid"] * valid + ["confirm"] * confirm
    count = len(parts)
    other = replace(
        bench.prepared,
        hashes=[f"h{row}" for row in range(count)],
        truth=np.arange(count) % 3,
        groups=np.arange(count),
        split=Split(pl.DataFrame({"part": parts, "fold": [-1] * count})),
    )
    return Bench(other, bench.task)


def parted(bench: Bench, train: int, valid: int) -> Bench:
    """The same items dealt otherwise, without a part for verdicts."""
    parts = ["train"] * train + ["valid"] * valid
    dealt = Split(pl.DataFrame({"part": parts, "fold": [-1] * len(parts)}))
    return Bench(replace(bench.prepared, split=dealt), bench.task)


def test_an_encoder_of_texts_sees_no_border_of_the_pictures_beside_them() -> None:
    slots = [SimpleNamespace(name="photo", modality="image"), SimpleNamespace(name="text", modality="text")]
    prepared: Any = SimpleNamespace(slots=slots)
    assert not sees_whole_pictures(prepared, Recipe())
    assert not sees_whole_pictures(prepared, Recipe(pretrained={"text": Choice("minilm")}))
    assert sees_whole_pictures(prepared, Recipe(pretrained={"photo": Choice("efficientnet_lite0")}))
