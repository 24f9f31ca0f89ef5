"""The search for remedies: one on top of another, with doses, limits, and findings that are told anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penjing.checks._examples import example_steps
from penjing.core import plugins
from penjing.core.errors import UsageError
from penjing.core.finding import Finding
from penjing.core.recipe import Choice, DataChoices, Recipe, SplitChoices, Training
from penjing.remedies import Suited, suited
from penjing.workflows import _allowance
from penjing.workflows._limits import NO_LIMITS, BehindError, Limits, SeeingTooSlowError, TooSlowError
from penjing.workflows._search import NO_FINDING, Search
from penjing.workflows._steps import Step, Treated
from penjing.workflows._trials import Screened

TASK = plugins.load("tasks", "classify")
ITEMS = 200
TRUTH = np.arange(ITEMS) % 4
SLOW = Finding("crawling", "warning", "It crawls.")
HEALTHY = example_steps().steps.to_dicts()


def answers(right: float, certainty: float = 0.9) -> np.ndarray:
    """So large a share of right answers, always the same items."""
    said = np.where(np.arange(ITEMS) < right * ITEMS, TRUTH, (TRUTH + 1) % 4)
    return np.asarray((certainty - (1 - certainty) / 3) * np.eye(4)[said] + (1 - certainty) / 3, np.float32)


class FakeBench:
    """Trains nothing: a function of the recipe says how good it is, or raises."""

    task = TASK
    screened = np.arange(ITEMS)
    learned = np.arange(10 * ITEMS)
    prepared = SimpleNamespace(truth=TRUTH, groups=np.arange(ITEMS))

    def __init__(self, share_of: Callable[[Recipe], float], history: Sequence[Any] = HEALTHY) -> None:
        self.share_of, self.history = share_of, history
        self.asked: list[Recipe] = []

    def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
        self.asked.append(recipe)
        return Screened(answers(self.share_of(recipe)), self.history, 1.0)


class TimedBench(FakeBench):
    """One whose trainings take a hundredth of a second an update, and a quarter more with large batches."""

    def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
        seconds = recipe.training.steps / 100 * (1 + 0.25 * (recipe.training.batch_size > 128))
        if seconds > limits.seconds:
            raise TooSlowError(seconds)
        return super().screen(recipe, limits)


def searched(bench: Any, *remedies: str, longest: float = 1e9, findings: Sequence[Finding] = (SLOW,)) -> Search:
    told: list[Treated] = []
    base = Recipe(optimiser=Choice("adamw", {"rate": 1e-6})).filled()
    found = Search(bench, TASK.metric("accuracy"), base, findings, lambda: longest, told.append)
    found.begin(1e9)
    found.run([Suited(name, SLOW, 1.0) for name in remedies])
    found.told = told  # type: ignore[attr-defined]
    return found


def outcomes(search: Any) -> list[tuple[str, str]]:
    return [(one.remedy, one.outcome) for one in search.told]


KINDS: Sequence[Callable[[Recipe], bool]] = (
    lambda one: not one.training.mixup and not one.training.clip_norm and not one.task.settings["label_smoothing"],
    lambda one: one.training.clip_norm > 0,
    lambda one: one.task.settings["label_smoothing"] > 0 and not one.training.mixup,
    lambda one: one.training.mixup > 0 and not one.training.clip_norm,
)


def rate(recipe: Recipe) -> float:
    return float(recipe.optimiser.settings["rate"])


def test_a_remedy_is_repeated_while_it_helps_and_its_doses_are_one_step() -> None:
    bench = FakeBench(lambda recipe: 0.3 + 0.2 * round(np.log10(rate(recipe) / 1e-6)))
    found = searched(bench, "raise_rate")
    (step,) = found.steps
    assert [one.name for one in step.remedies] == ["raise_rate"] * 3
    assert rate(step.recipe) == pytest.approx(1e-3)
    assert step.told("helped", "").doses == {"raise_rate": 3}
    assert step.told("helped", "").changed["optimiser.rate"] == (1e-6, pytest.approx(1e-3))


def test_a_remedy_is_tried_on_top_of_those_that_looked_good() -> None:
    bench = FakeBench(lambda recipe: 0.3 + 0.3 * (rate(recipe) > 1e-4) + 0.2 * (recipe.training.clip_norm > 0))
    found = searched(bench, "usual_rate", "smooth_labels", "clip_gradient")
    assert [step.name for step in found.steps] == ["usual_rate", "clip_gradient"]
    assert found.best.optimiser.settings["rate"] == 0.003
    assert found.best.training.clip_norm > 0
    assert ("smooth_labels", "screened out") in outcomes(found)
    assert found.steps[1].before == found.steps[0].recipe


def test_where_nothing_that_suits_the_findings_helps_all_others_are_tried() -> None:
    """Items laid over one another treat nothing that crawls, and are what helps here."""
    bench = FakeBench(lambda recipe: 0.3 + 0.4 * (recipe.training.mixup > 0))
    found = searched(bench)
    assert [step.name for step in found.steps] == ["mixup"]
    place = [name for name, _ in outcomes(found)].index("mixup")
    tried = {name for name, _ in outcomes(found)[:place]}
    assert {"raise_rate", "usual_rate"} <= tried


def test_a_training_on_another_schedule_is_not_given_up_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = FakeBench(lambda _: 0.3, [{"step": 30, "value": 0.3, "train/loss": 1.0, "valid/loss": 1.0}])
    seen: dict[str, Limits] = {}

    def screen(recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
        seen[f"{recipe.optimiser.name} {recipe.schedule.name}"] = limits
        return FakeBench.screen(bench, recipe, limits)

    monkeypatch.setattr(bench, "screen", screen, raising=False)
    found = searched(bench, "clip_gradient")
    assert seen["adamw one_cycle"].curve
    found._screened(replace(found.base, schedule=Choice("constant")), 10.0)
    found._screened(replace(found.base, optimiser=Choice("muon")), 10.0)
    assert seen["adamw constant"].curve == seen["muon one_cycle"].curve == ()
    seen.clear()  # of other items a curve tells nothing
    found._screened(replace(found.base, split=SplitChoices(folds=5)), 10.0)
    assert seen["adamw one_cycle"].curve == ()


@pytest.mark.parametrize("asked", [(), (Suited("augment", SLOW, 1.0),)])
def test_what_goes_before_all_is_tried_first_unless_others_were_asked_for(asked: Sequence[Suited]) -> None:
    told: list[Treated] = []
    base, mixup = Recipe(optimiser=Choice("adamw", {"rate": 1e-6})).filled(), Suited("mixup", SLOW, 1.0)
    bench: Any = FakeBench(lambda _: 0.3)
    search = Search(bench, TASK.metric("accuracy"), base, (SLOW,), lambda: 1e9, told.append, first=(mixup,))
    search.begin(1e9)
    search.run(asked)
    assert told[0].remedy == ("augment" if asked else "mixup")
    assert [one.remedy for one in told].count("mixup") == (not asked)


def test_what_looked_no_better_is_tried_once_more_on_top_of_what_did() -> None:
    """Gradients that are clipped help at the usual rate only, and smoothing never."""

    def share(recipe: Recipe) -> float:
        is_usual = rate(recipe) > 1e-4
        return 0.3 + 0.3 * is_usual + 0.2 * (is_usual and recipe.training.clip_norm > 0)

    bench = FakeBench(share)
    found = searched(bench, "clip_gradient", "smooth_labels", "usual_rate")
    assert [step.name for step in found.steps] == ["usual_rate", "clip_gradient"]
    last = dict(outcomes(found))
    assert (last["clip_gradient"], last["smooth_labels"]) == ("looked good", "screened out")
    assert [name for name, outcome in outcomes(found) if outcome == "screened out"].count("smooth_labels") == 2
    assert len({recipe.id for recipe in bench.asked}) == len(bench.asked)


@pytest.mark.parametrize(("gain", "outcome"), [(0.025, "screened out"), (0.05, "looked good")])
def test_what_no_finding_points_at_must_gain_more_once_others_looked_good(gain: float, outcome: str) -> None:
    """Half a standard error of 200 items of which 60 % are right is 0.017; twice that is asked."""
    found = searched(FakeBench(lambda recipe: 0.3 + 0.3 * (rate(recipe) > 1e-4) + gain * (recipe.training.mixup > 0)))
    assert dict(outcomes(found))["mixup"] == outcome
    pointed = searched(FakeBench(lambda recipe: 0.3 + gain * (rate(recipe) > 1e-4)))
    assert dict(outcomes(pointed))["usual_rate"] == "looked good"


def test_validation_items_of_one_group_leave_luck_room_as_others_do() -> None:
    """Two right answers more of two hundred are nothing, whoever the items come from."""
    bench = FakeBench(lambda recipe: 0.5 + 0.01 * (recipe.training.clip_norm > 0))
    bench.prepared = SimpleNamespace(truth=TRUTH, groups=np.zeros(ITEMS, dtype=np.int64))  # type: ignore[misc]
    assert dict(outcomes(searched(bench, "clip_gradient")))["clip_gradient"] == "screened out"


def test_luck_of_one_seed_is_told_by_others_where_trainings_are_cheap() -> None:
    """Clipping looks good with the run's seed alone, mixup with all of them; smoothing looks worse at once."""

    def share(recipe: Recipe) -> float:
        is_first = recipe.seed == 0
        worse = 0.2 * bool(recipe.task.settings["label_smoothing"])
        return 0.4 + 0.04 * (recipe.training.clip_norm > 0) * is_first + 0.2 * (recipe.training.mixup > 0) - worse

    bench = FakeBench(share)
    told: list[Treated] = []
    metric = TASK.metric("accuracy")
    base = Recipe(optimiser=Choice("adamw", {"rate": 1e-6}), training=Training(clip_norm=0.0)).filled()
    found = Search(bench, metric, base, (SLOW,), lambda: 1e9, told.append, screenings=lambda *_: 3)  # type: ignore[arg-type]
    found.begin(1e9)
    found.run([Suited(name, SLOW, 1.0) for name in ("clip_gradient", "smooth_labels", "mixup")])
    assert [step.name for step in found.steps] == ["mixup"]
    assert "up to 3 trainings each" in told[0].why
    assert [len({one.seed for one in bench.asked if kind(one)}) for kind in KINDS] == [3, 3, 1, 3]
    alone = searched(FakeBench(share), "clip_gradient")
    assert [step.name for step in alone.steps] == ["clip_gradient"]
    assert "one training each" in alone.told[0].why  # type: ignore[attr-defined]


def test_what_looks_better_is_trained_with_other_seeds_where_trainings_are_not_so_cheap() -> None:
    """Clipping looks good with the run's seed alone, mixup with all of them; smoothing is as good as nothing."""

    def share(recipe: Recipe) -> float:
        lucky = 0.04 * (recipe.training.clip_norm > 0) * (recipe.seed == 0)
        return 0.4 + lucky + 0.05 * (recipe.training.mixup > 0)

    bench, told = FakeBench(share), list[Treated]()
    base = Recipe(optimiser=Choice("adamw", {"rate": 1e-6}), training=Training(clip_norm=0.0)).filled()
    found = Search(
        bench,  # type: ignore[arg-type]
        TASK.metric("accuracy"),
        base,
        (SLOW,),
        lambda: 1e9,
        told.append,
        screenings=lambda _, tried: 3 if tried <= _allowance.USUAL_PROMISING else 1,
    )
    found.begin(1e9)
    found.run([Suited(name, SLOW, 1.0) for name in ("smooth_labels", "clip_gradient", "mixup")])
    assert [step.name for step in found.steps] == ["mixup"]  # which luck would have hidden
    assert [len({one.seed for one in bench.asked if kind(one)}) for kind in KINDS] == [3, 3, 1, 3]


def test_further_seeds_are_left_out_where_the_time_is_short() -> None:
    bench: Any = FakeBench(lambda _: 0.4)
    search = Search(bench, TASK.metric("accuracy"), Recipe().filled(), (), lambda: 0.5, print, screenings=lambda *_: 3)
    search.begin(0.5)
    assert len(bench.asked) == 1


def test_a_lower_loss_is_progress_though_the_metric_stands_still() -> None:
    bench = FakeBench(lambda _: 0.5)
    found = searched(bench)
    assert not found.is_better(Screened(answers(0.5), (), 1.0))
    assert found.is_better(
        Screened(answers(0.5, certainty=0.7), (), 1.0)
    )  # half of the answers are wrong: less sure is better
    assert not found.is_better(Screened(answers(0.4, certainty=0.7), (), 1.0))


@pytest.mark.parametrize(
    ("problem", "outcome", "why"),
    [
        (TooSlowError(75.0), "not tried", "one training would take 1 min 15 s, too long to judge it"),
        (BehindError(0.6, 0.1, 0.3), "screened out", "given up after 60% of its training, far behind: 0.1, was 0.3"),
        (UsageError("it cannot be built"), "failed", "it cannot be built"),
        (MemoryError(), "failed", "there was not enough memory"),
    ],
)
def test_a_training_that_does_not_end_is_an_outcome(problem: Exception, outcome: str, why: str) -> None:
    def share(recipe: Recipe) -> float:
        if rate(recipe) > 1e-4:
            raise problem
        return 0.3

    found = searched(FakeBench(share), "usual_rate")
    assert {(one.outcome, one.why) for one in found.told} == {(outcome, why)}
    assert found.steps == []


def test_no_remedy_is_tried_that_there_is_no_time_to_judge() -> None:
    bench = FakeBench(lambda _: 0.3)
    found = searched(bench, "usual_rate", longest=0.5)
    assert set(outcomes(found)) == {("usual_rate", "not tried")}
    assert len(bench.asked) == 1


def test_what_takes_too_long_is_tried_where_nothing_else_helped_and_trainings_may_take_longer() -> None:
    class SlowBench(FakeBench):
        def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
            if limits.seconds < 30 and recipe.training.steps > 1000:
                raise TooSlowError(30.0)
            return super().screen(recipe, limits)

    limit = [10.0]

    def relax() -> None:
        limit[0] = 100.0

    told: list[Treated] = []
    base = Recipe(optimiser=Choice("adamw", {"rate": 1e-6})).filled()
    bench = SlowBench(lambda recipe: 0.3 + 0.4 * (recipe.training.steps > 1000))
    found = Search(bench, TASK.metric("accuracy"), base, (SLOW,), lambda: limit[0], told.append, relax=relax)  # type: ignore[arg-type]
    found.begin(1e9)
    found.run([Suited(name, SLOW, 1.0) for name in ("more_steps", "clip_gradient")])
    assert [(one.remedy, one.outcome) for one in told][:3] == [
        ("more_steps", "not tried"),
        ("clip_gradient", "screened out"),
        ("more_steps", "looked good"),
    ]


def test_what_would_take_too_long_is_tried_with_fewer_updates_at_last() -> None:
    bench = TimedBench(lambda recipe: 0.3 + 0.4 * (recipe.training.steps > 1000))
    found = searched(bench, "more_steps", "clip_gradient", longest=15.0)
    assert outcomes(found)[:3] == [
        ("more_steps", "not tried"),
        ("clip_gradient", "screened out"),
        ("more_steps", "looked good"),
    ]
    assert 1000 < found.best.training.steps <= 1500
    short = searched(TimedBench(lambda _: 0.3), "more_steps", longest=10.5)
    assert outcomes(short) == [("more_steps", "not tried")] * 2  # no room for more than the base has


def test_a_remedy_gets_no_further_dose_once_another_lies_on_top() -> None:
    """Or it would be two stages of one name, and the verdict on the later one would be told of both."""

    def share(recipe: Recipe) -> float:
        return (
            0.3
            + 0.2 * (recipe.training.steps > 1000)
            + 0.1 * (recipe.training.steps > 3100)
            + 0.2 * bool(recipe.training.clip_norm)
        )

    found = searched(TimedBench(share), "more_steps", "clip_gradient", longest=45.0)
    assert [step.name for step in found.steps] == ["more_steps", "clip_gradient"]


def test_another_network_that_would_take_too_long_is_tried_with_as_few_as_half_of_the_updates() -> None:
    bench = TimedBench(lambda recipe: 0.3 + 0.4 * (recipe.training.batch_size > 128))
    found = searched(bench, "larger_batch", longest=10.0)
    assert outcomes(found) == [("larger_batch", "not tried"), ("larger_batch", "looked good")]
    assert 500 < found.best.training.steps < 1000
    tighter = searched(TimedBench(lambda _: 0.3), "larger_batch", longest=5.0)
    assert outcomes(tighter) == [("larger_batch", "not tried")] * 2


def test_one_recipe_is_trained_once_though_two_remedies_give_it() -> None:
    bench = FakeBench(lambda _: 0.3)
    found = searched(bench, "usual_rate", "usual_rate", "more_steps")
    assert len(bench.asked) == 3
    assert [one.outcome for one in found.told] == ["screened out", "not applicable", "screened out"]


def test_nothing_is_tried_once_everything_is_right() -> None:
    class SureBench(FakeBench):
        certainty = 0.999

        def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
            return replace(super().screen(recipe, limits), answer=answers(self.share_of(recipe), self.certainty))

    def share(recipe: Recipe) -> float:
        return 1.0 if rate(recipe) > 1e-4 else 0.3

    found = searched(SureBench(share), "usual_rate", "more_steps")
    assert outcomes(found) == [("usual_rate", "looked good"), ("more_steps", "not tried")]
    SureBench.certainty = 0.9  # right, but not sure: others may be wrong
    found = searched(SureBench(share), "usual_rate", "more_steps")
    assert outcomes(found) == [("usual_rate", "looked good"), ("more_steps", "screened out")]


def test_findings_are_told_anew_after_a_remedy_that_looked_good() -> None:
    turned = example_steps(valid__loss=[1.3, 1.0, 0.85, 0.8, 0.84, 0.9, 0.97, 1.05, 1.1, 1.12]).steps.to_dicts()
    found = searched(FakeBench(lambda recipe: 0.6 if rate(recipe) > 1e-4 else 0.3, turned))
    assert found.steps[0].name in ("usual_rate", "raise_rate")
    after = {one.remedy: one.finding for one in found.told}
    assert after["more_dropout"] == "overfit" or after["more_weight_decay"] == "overfit"


def test_what_was_found_that_is_no_trouble_tells_the_remedies_tried_last_what_to_move() -> None:
    base = Recipe(data=DataChoices(inputs=("age", "city"), decode={"table": {}}), optimiser=Choice("adamw")).filled()
    bench: Any = FakeBench(lambda recipe: 0.3 + 0.4 * ("city" not in recipe.data.inputs))
    useless = Finding("useless_input", "info", "The network does as well without city.", {"inputs": ["city"]})
    told: list[Treated] = []
    found = Search(bench, TASK.metric("accuracy"), base, (), lambda: 1e9, told.append, infos=[useless])
    found.begin(1e9)
    found.run()
    assert [step.name for step in found.steps] == ["leave_out_columns"]
    assert found.best.data.inputs == ("age",)
    assert found.steps[0].finding == "useless_input"


@pytest.mark.parametrize(
    ("better", "kept"),
    [(("row", "noise"), ("age",)), (("noise",), ("age", "row")), (("row",), ("age", "noise"))],
)
def test_a_remedy_is_tried_for_each_finding_that_names_something_else(
    better: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    columns = ("age", "noise", "row")
    base = Recipe(data=DataChoices(inputs=columns, decode={"table": {}}), optimiser=Choice("adamw")).filled()
    bench: Any = FakeBench(lambda recipe: 0.3 + 0.2 * sum(name not in recipe.data.inputs for name in better))
    numbered = Finding("id_columns", "warning", "row numbers the rows.", {"columns": ["row"]})
    useless = Finding("useless_input", "info", "The network does as well without noise.", {"inputs": ["noise"]})
    told: list[Treated] = []
    found = Search(bench, TASK.metric("accuracy"), base, (numbered,), lambda: 1e9, told.append, infos=[useless])
    found.begin(1e9)
    found.run([Suited("leave_out_columns", numbered, 1.0)])
    assert found.best.data.inputs == kept
    assert [step.name for step in found.steps] == ["leave_out_columns"]
    assert told[-1].outcome == "looked good"


def test_a_remedy_that_asks_no_finding_what_to_move_is_not_tried_for_another_one() -> None:
    bench = FakeBench(lambda _: 0.3)
    findings = [SLOW, Finding("not_learning", "critical", "It learns nothing.")]
    searched(bench, "usual_rate", findings=findings)
    assert len(bench.asked) == 2


def test_a_larger_batch_that_would_hold_no_more_items_is_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = FakeBench(lambda _: 0.3)
    monkeypatch.setattr(bench, "learned", np.arange(60), raising=False)
    found = searched(bench, "larger_batch")
    assert [(one.outcome, one.why) for one in found.told] == [("not applicable", "its batches hold all items already")]
    assert len(bench.asked) == 1
    monkeypatch.setattr(bench, "learned", np.arange(1000), raising=False)
    assert outcomes(searched(bench, "larger_batch")) == [("larger_batch", "screened out")]


def test_remedies_that_no_finding_points_at_come_by_what_stands_out_and_what_they_promise() -> None:
    search: Any = Search(FakeBench(lambda _: 0.3), TASK.metric("accuracy"), Recipe().filled(), (), lambda: 1e9, print)
    far_off = replace(search.base, optimiser=Choice("adamw", {"rate": 30.0})).filled()
    search.best = far_off
    search.infos = [Finding("overfit", "info", "Good to know.")]
    found = search._others()
    assert [one.name for one in found[:1]] == ["usual_rate"]  # far from usual
    assert [one.promise for one in found] == sorted((one.promise for one in found), reverse=True)
    assert {one.name for one in suited(search.infos)} <= {one.name for one in found if one.promise}
    most = [max(plugins.load("remedies", one.name).TREATS.values()) for one in found if not one.promise]
    assert len(most) > 5
    assert most == sorted(most, reverse=True)
    assert len(found) == len(plugins.names("remedies"))


def test_items_that_a_finding_named_stay_named_when_it_is_found_again() -> None:
    exploding = Finding("exploding_gradient", "warning", "It explodes.", {"hashes": ["a", "b"]})
    bench = FakeBench(lambda _: 0.3, plugins.load("checks", "exploding_gradient").sick().steps.to_dicts())
    search = Search(bench, TASK.metric("accuracy"), Recipe().filled(), (exploding,), lambda: 1e9, lambda _: None)
    search.begin(1e9)
    ranked = search._ranked_anew([], Suited("clip_gradient", exploding, 1.0))
    (drop,) = [one for one in ranked if one.name == "drop_suspicious"]
    assert drop.finding.evidence["hashes"] == ["a", "b"]


def test_a_training_that_was_too_slow_is_not_tried_at_that_length_again() -> None:
    bench = TimedBench(lambda _: 0.3)
    found = searched(bench, "more_steps", longest=15.0)  # a third of what three times the updates take
    assert [recipe.training.steps for recipe in bench.asked] == [1000, 1200]
    assert outcomes(found)[-1] == ("more_steps", "screened out")


def test_encoders_that_there_is_no_time_for_are_not_tried_with_fewer_updates() -> None:
    class SeeingBench(FakeBench):
        def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
            found = super().screen(recipe, limits)
            if recipe.training.batch_size > 128 and limits.seeing is not None and limits.seeing < 60:
                raise SeeingTooSlowError(60.0)
            return found

    limit = [30.0]
    bench: Any = SeeingBench(lambda recipe: 0.3 + 0.4 * (recipe.training.batch_size > 128))
    told: list[Treated] = []
    base = Recipe(optimiser=Choice("adamw", {"rate": 1e-6})).filled()
    found = Search(
        bench,
        TASK.metric("accuracy"),
        base,
        (SLOW,),
        lambda: 10.0,
        told.append,
        relax=lambda: limit.__setitem__(0, 100.0),
        longest_seeing=lambda: limit[0],
    )
    found.begin(1e9)
    found.run([Suited("larger_batch", SLOW, 1.0)])
    assert [(one.remedy, one.outcome) for one in told[:2]] == [
        ("larger_batch", "not tried"),
        ("larger_batch", "looked good"),
    ]
    assert found.best.training.steps == base.training.steps


@pytest.mark.parametrize(("share", "is_said"), [(0.7, True), (0.5, False)])
def test_what_looks_as_good_in_less_time_is_said(share: float, is_said: bool) -> None:
    class QuickBench(FakeBench):
        def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
            return replace(super().screen(recipe, limits), seconds=recipe.training.steps / 1000)

    long = Finding("trained_long", "info", "It trained long.")
    found = searched(QuickBench(lambda recipe: 0.7 if recipe.training.steps == 1000 else share), findings=[long])
    (one,) = [one for one in found.told if one.remedy == "fewer_steps"]
    assert one.outcome == "screened out"
    assert ("in 0.5 × the time; what is as good is not judged" in one.why) == is_said


def test_a_step_that_was_shortened_is_applied_to_others_as_short_as_it_was() -> None:
    bench = TimedBench(lambda recipe: 0.3 + 0.4 * (recipe.training.steps > 1000))
    (step,) = searched(bench, "more_steps", longest=15.0).steps
    assert step.most_updates == step.recipe.training.steps == 1200
    applied = step.applied(step.before)
    assert applied is not None
    assert applied.training.steps == 1200


def test_where_all_validation_items_are_right_one_of_them_is_the_noise() -> None:
    bench = FakeBench(lambda _: 1.0)
    search = searched(bench)
    assert search._noise == pytest.approx(1 / ITEMS)
    assert not search.is_better(Screened(answers(1 - 1 / ITEMS), (), 1.0))


def test_few_groups_make_no_noise_of_an_item() -> None:
    bench = FakeBench(lambda _: 1.0)
    bench.prepared = SimpleNamespace(truth=TRUTH, groups=np.arange(ITEMS) % 5)
    assert searched(bench)._noise == pytest.approx(1 / ITEMS)


def test_what_stands_out_and_no_finding_points_at_must_look_clearly_better() -> None:
    bench = FakeBench(lambda recipe: 0.3 + 0.03 * (rate(recipe) > 1e-5))
    search: Any = Search(
        bench,
        TASK.metric("accuracy"),
        Recipe(optimiser=Choice("adamw", {"rate": 1e-6})).filled(),
        (),
        lambda: 1e9,
        lambda _: None,
    )
    search.begin(1e9)
    search._noise = 0.02
    (one,) = [one for one in search._others() if one.name == "usual_rate"]
    assert one.promise
    assert not search._try(one)
    search._noise = 0.01
    search._seen.clear()
    assert search._try(one)


def test_a_step_joined_to_a_shortened_one_stays_as_short() -> None:
    recipes = [Recipe(training=Training(steps=steps)).filled() for steps in (1000, 1200)]
    more = Step((Suited("more_steps", SLOW, 1.0),), recipes[0], recipes[1], 1.0, 1.2, True, 1200)
    clipped = Step((Suited("clip_gradient", SLOW, 1.0),), recipes[1], recipes[1], 1.2, 1.2)
    assert more.with_next(clipped).most_updates == 1200
    assert clipped.with_next(clipped).most_updates == 0


def test_what_late_remedies_took_from_verdicts_is_given_back_before_all_others_are_tried() -> None:
    said: list[str] = []
    search = Search(
        FakeBench(lambda _: 0.3),
        TASK.metric("accuracy"),
        Recipe().filled(),
        (),
        lambda: 1e9,
        lambda _: None,
        relax=lambda: said.append("relax"),
        tighten=lambda: said.append("tighten"),
    )
    search._late = [Suited("more_steps", SLOW, 1.0)]
    search._patient()
    search._others()
    assert said == ["relax", "tighten"]


class FakeNaming:
    """Names two items for remedies that ask for some."""

    def __init__(self) -> None:
        self.asked_for: list[str] = []

    def asks(self, one: Suited) -> bool:
        return one.name in ("drop_suspicious", "relabel_suspicious") and "hashes" not in one.finding.evidence

    def named_late(self, one: Suited, best: Recipe, seconds: float) -> Suited:
        if not self.asks(one):
            return one
        self.asked_for.append(one.name)
        self.by = (best, seconds)
        return replace(one, finding=replace(one.finding, evidence={"hashes": ("x", "y"), "taken_for": ("b", "a")}))


def test_items_that_no_finding_names_are_looked_for_last_where_a_remedy_asks_for_some() -> None:
    bench, naming, told = FakeBench(lambda one: 0.3 + 0.4 * bool(one.data.drop)), FakeNaming(), list[Treated]()
    base = Recipe(data=DataChoices(classes=("a", "b"))).filled()
    search: Any = Search(
        bench,
        TASK.metric("accuracy"),
        base,
        (),
        lambda: 1e9,
        told.append,
        naming=naming,  # type: ignore[arg-type]
    )
    search.begin(1e9)
    search.run()
    assert naming.asked_for[0] == "drop_suspicious"
    assert naming.by[1] == 1.0
    (good,) = [one for one in told if one.outcome == "looked good"]
    assert (good.remedy, good.finding) == ("drop_suspicious", "no finding")
    assert search.best.data.drop == ("x", "y")
    tried = [one.remedy for one in told if one.outcome == "screened out"]
    first = [one.data.drop or one.data.relabel for one in bench.asked].index(("x", "y"))
    assert len(tried) > 5
    assert first > 5  # others came before
    search = Search(bench, TASK.metric("accuracy"), base, (), lambda: 1e9, told.append)
    search.begin(1e9)
    told.clear()
    search.run()
    assert {one.remedy: one.outcome for one in told}["drop_suspicious"] == "not applicable"


def test_fewer_seeds_tell_what_looks_better_once_that_takes_longer() -> None:
    """A training of 10 updates takes a hundredth of a second, one of what looks good a second."""

    class Slowed(FakeBench):
        def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
            found = super().screen(recipe, limits, is_read)
            self.read = [*getattr(self, "read", []), is_read]
            return replace(found, seconds=1.0 if recipe.training.clip_norm else 0.01)

    bench = Slowed(lambda one: 0.3 + 0.4 * (one.training.clip_norm > 0))
    search: Any = Search(
        bench,
        TASK.metric("accuracy"),
        Recipe().filled(),
        (),
        lambda: 1e9,
        lambda _: None,
        screenings=lambda seconds, _: 3 if seconds < 0.1 else 1,
    )
    search.begin(1e9)
    assert bench.read == [True, False, False]  # checks read one of them
    search.run([Suited("clip_gradient", SLOW, 1.0)])
    assert bench.read[3:6] == [True, False, False]
    bench.read.clear()
    search.run([Suited("smooth_labels", SLOW, 1.0)])
    assert bench.read[:1] == [True]
    assert False not in bench.read


def test_a_further_seed_is_trained_only_where_there_is_still_time_for_it() -> None:
    left = iter([1e9, 1e9, 0.5])
    bench = FakeBench(lambda _: 0.3)
    search: Any = Search(
        bench,
        TASK.metric("accuracy"),
        Recipe().filled(),
        (),
        lambda: next(left, 0.5),
        lambda _: None,
        screenings=lambda *_: 3,
    )
    search.begin(1e9)
    bench.asked.clear()
    search._try(Suited("clip_gradient", SLOW, 1.0))
    assert len(bench.asked) == 2


def test_what_luck_hid_can_be_tried_from_the_beginning() -> None:
    """Clipping looks good; mixup gains a little on top of it, and much without it."""

    def share(recipe: Recipe) -> float:
        clipped = recipe.training.clip_norm > 0
        return 0.4 + 0.2 * clipped + (0.02 if clipped else 0.1) * (recipe.training.mixup > 0)

    told = list[Treated]()
    base = Recipe(training=Training(clip_norm=0.0)).filled()
    search = Search(FakeBench(share), TASK.metric("accuracy"), base, (SLOW,), lambda: 1e9, told.append)  # type: ignore[arg-type]
    search.begin(1e9)
    clip, mixup = Suited("clip_gradient", SLOW, 1.0), Suited("mixup", NO_FINDING, 0.0)
    search.run([clip, mixup, Suited("smooth_labels", NO_FINDING, 0.0)])
    assert [step.name for step in search.steps] == ["clip_gradient"]
    assert search.promising() == [mixup]  # smoothing gained nothing
    search.begin_anew()
    search.run([mixup])
    assert [step.name for step in search.steps] == ["mixup"]
    assert search.steps[0].before == base
