"""The data of a run, the training that experiments are held against, and what one experiment gives beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from penjing.checks._trials import EDGE, error_behind
from penjing.core import differences, statistics
from penjing.core.budget import Clock
from penjing.core.events import Event, Watch
from penjing.core.recipe import Recipe
from penjing.core.run import Run
from penjing.core.spread import standard_error, unit_of_item
from penjing.core.statistics import Metric
from penjing.tasks._floor.constant import Majority
from penjing.training import engine
from penjing.training._assemble import count_parameters
from penjing.training._loader import Items, spread
from penjing.training._plan import total_steps
from penjing.training.engine import Problem
from penjing.workflows import _close
from penjing.workflows._at_half import at_half
from penjing.workflows._prepare import Prepared
from penjing.workflows._problem import pose

# What a training may take of its forecast before it is given up: some learn of their items before the first step.
PATIENCE = 2.0
LEAST_PATIENCE = 5.0  # seconds: what a training of a moment takes depends on what else the machine does
RULE_OF_THREE = 3.0
COST_SECONDS = 0.6  # that measuring an update of another network may take; of a small one it takes far less
# Of what the rows mean: one more wherever an experiment of the same name and setting is made another way.
VERSION = 3
MOST_LEARNED = 1_000  # training items whose loss is measured


class TooLongError(Exception):
    """A training that would not end within the time."""


@dataclass(frozen=True)
class Plan:
    """One experiment.

    Attributes:
        experiment: its kind, as `core.record.Record` lists them.
        setting: which of that kind.
        recipe: carried out.
        rows: learned from.
        cost: in trainings of the run.
        is_priced: whether that is known; else it is the least it may be, and is measured when its turn comes.
    """

    experiment: str
    setting: str
    recipe: Recipe
    rows: np.ndarray
    cost: float
    is_priced: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.experiment, self.setting


@dataclass
class Laboratory:
    """The data of a run, and the training that everything is held against.

    Attributes:
        run: stays as it is, but for `trials.jsonl`.
        prepared: its data.
        recipe: of the training itself, with as many updates as there is time for.
        problem: its training and validation items.
        clock: the time for all experiments.
        watch: is told what happens.
        seconds: that one such training takes.
        answer: of the training itself on the validation items.
        network: that it gave.
        answers: experiment and setting → what it answered with each seed, of those made just now.
        costs: experiment and setting → what one such training costs, of those that were measured.
    """

    run: Run
    prepared: Prepared
    recipe: Recipe
    problem: Problem
    clock: Clock
    watch: Watch
    seconds: float
    answer: np.ndarray = field(default_factory=lambda: np.empty(0))
    network: Any = None
    answers: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    costs: dict[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.task, self._settings = _close.task_of(self.recipe)
        self.metric: Metric = self.task.metric(self._settings.metric)

    @property
    def truth(self) -> np.ndarray:
        """Of the validation items."""
        return self.prepared.truth[self.problem.valid]

    @property
    def steps(self) -> int:
        """Updates of one training."""
        return total_steps(self.recipe.training)

    def carry_out(self, plan: Plan) -> dict[str, Any]:
        """A row of the record: the training with that change.

        Raises:
            TooLongError: it would not end within the time.
        """
        problem = self.problem
        if len(plan.rows) != len(problem.train):
            problem = pose(self.prepared, plan.rows, problem.valid, own=problem.own)
        try:
            trained = engine.carry_out(plan.recipe, problem, watch=self.guard(plan.cost), is_recorded=False)
        except engine.NOTHING_LEARNED:  # it diverged: nobody would use anything else of it than the constant answer
            return self.row(plan, self._constant(), None)
        answer = self.answered(trained.network, problem.items)
        row = self.row(plan, answer, count_parameters(trained.network), self.learned(trained.network, problem))
        return {**row, **self._noise(plan, answer)}

    def learned(self, network: Any, problem: Problem) -> float:
        """The mean loss on the items that were learned from, as they are, calibrated on these."""
        rows = spread(problem.train, MOST_LEARNED)
        truth, outputs = self.prepared.truth[rows], engine.outputs(network, problem.items, rows)
        answer = self.task.answer(outputs, self.task.calibrate(outputs, truth))
        return float(np.mean(self.task.item_losses(truth, answer)))

    def priced(self, plan: Plan) -> Plan:
        """The same with its cost, measured once for all seeds it is made with."""
        if plan.is_priced:
            return plan
        if plan.key not in self.costs:
            self.costs[plan.key] = self.cost_of(plan.recipe)
        return replace(plan, cost=self.costs[plan.key], is_priced=True)

    def cost_of(self, recipe: Recipe) -> float:
        """What a training by another recipe costs, in trainings of the run, by what an update takes; 1 at the least,
        for networks of less work take about as long to feed and to judge."""
        machine = self.recipe.machine
        taken = [
            engine.fastest(replace(one, machine=machine), self.problem, COST_SECONDS, among=[machine])[1][
                0
            ].step_seconds
            for one in (self.recipe, recipe)
        ]
        return max(1.0, taken[1] / max(taken[0], 1e-9))

    def answered(self, network: Any, items: Items) -> np.ndarray:
        """What a network answers on the validation items, calibrated on these."""
        logits = engine.outputs(network, items, self.problem.valid)
        answer: np.ndarray = self.task.answer(logits, self.task.calibrate(logits, self.truth))
        return answer

    def scored(self, answer: np.ndarray) -> np.ndarray:
        """What the metric is told of an answer on the validation items: with thresholds, those of the run's score are
        chosen on these items too; its loss is that of the answer as it is."""
        moved, _ = at_half(answer, answer, self.truth, self.task, self._settings, self.prepared.classes)
        return answer if moved is None else moved

    def guard(self, cost: float) -> Callable[[Event], None]:
        """A watcher that ends a training of that cost, in trainings of the run, where it is far too late."""
        return guard(min(max(PATIENCE * cost * self.seconds, LEAST_PATIENCE), self.clock.left))

    def row(
        self,
        plan: Plan,
        answer: np.ndarray,
        parameters: int | None,
        learned: float | None = None,
    ) -> dict[str, Any]:
        """What a change gave, in pairs with the training itself.

        Args:
            learned: the loss on the items that were learned from.
        """
        truth, groups = self.truth, self.prepared.groups[self.problem.valid]
        score = statistics.score(self.metric, truth, self.scored(answer), part="valid", groups=groups)
        beside = answer if plan.experiment == "itself" else self.answer
        constant = self._constant()
        floor = self.metric(truth, self.scored(constant))
        return {
            "version": VERSION,
            "experiment": plan.experiment,
            "setting": plan.setting,
            "seed": plan.recipe.seed,
            "steps": self.steps,
            "share": self.steps / total_steps(self.run.recipe.training),
            "metric": self.metric.name,
            "is_higher_better": self.metric.is_higher_better,
            "unit": self.metric.unit(score.value, floor),
            "span": span if math.isfinite(span := self.metric.bounds[1] - self.metric.bounds[0]) else None,
            "value": score.value,
            "low": score.low,
            "high": score.high,
            **self._gains(beside, answer),
            "floor": floor,
            "simple": _simple(self.run, self.metric),
            "loss": float(np.mean(self.task.item_losses(truth, answer))),
            "floor_loss": float(np.mean(self.task.item_losses(truth, constant))),
            "train_loss": learned,
            "noise": None,
            "loss_noise": None,
            "items": len(truth),
            "parameters": parameters,
            "seconds": None,
            "is_own": None,
            "is_right": None,
            "option": None,
        }

    def _noise(self, plan: Plan, answer: np.ndarray) -> dict[str, float | None]:
        """What the items alone let two trainings that differ in the seed differ by, as the variance of one of them:
        told from the differences of this one and those made before it."""
        is_seed = plan.experiment == "seed"
        earlier = self.answers.setdefault(("seed", "") if is_seed else plan.key, [self.answer] if is_seed else [])
        gains = [self._gains(one, answer) for one in earlier]
        earlier.append(answer)

        def variance(name: str) -> float | None:
            found = [error_behind(one[f"{name}_low"], one[f"{name}_high"]) ** 2 / 2 for one in gains]
            return float(np.mean(found)) if found else None

        return {"noise": variance("gain"), "loss_noise": variance("loss_gain")}

    def _gains(self, before: np.ndarray, after: np.ndarray) -> dict[str, float]:
        """What the one gained over the other on the validation items, of the metric and of the mean loss, each with a
        95% interval of the luck of the items; that of seeds is told apart."""
        truth, groups = self.truth, self.prepared.groups[self.problem.valid]
        gain = low = high = of_loss = half = 0.0
        if before is not after:
            first, second = (self.scored(one) for one in (before, after))
            found = differences.network_difference(
                self.metric, truth, first, second, groups, n=statistics.FEWEST_RESAMPLES
            )
            gain, low, high = found.effect, found.low, found.high
            if low == high:  # no item is answered otherwise, which of so many says three in so many at most
                low, high = gain - RULE_OF_THREE / found.units, gain + RULE_OF_THREE / found.units
            unit = unit_of_item(groups, len(truth))
            losses = [self.task.item_losses(truth, one).astype(np.float64) for one in (before, after)]
            of_loss = float((losses[0] - losses[1]).mean())
            error = standard_error(losses[0] - losses[1], unit)
            half = EDGE * error if math.isfinite(error) else abs(of_loss)
        named = {"gain": gain, "gain_low": low, "gain_high": high}
        return {**named, "loss_gain": of_loss, "loss_gain_low": of_loss - half, "loss_gain_high": of_loss + half}

    def _constant(self) -> np.ndarray:
        """The answer that does not look at the items, for each of them."""
        train = self.prepared.truth[self.problem.train]
        return Majority.learn(self.recipe.task.name, train, len(self.problem.classes)).answer(len(self.truth))


def guard(seconds: float) -> Callable[[Event], None]:
    """A watcher that ends a training which takes longer."""
    last = time.monotonic() + seconds

    def watch(_: Event) -> None:
        if time.monotonic() > last:
            raise TooLongError

    return watch


def _simple(run: Run, metric: Metric) -> float | None:
    """What the best simple model has on the validation items; None where that is not known."""
    known = [one.value for one in run.floor.values() if one.metric == metric.name and one.part == "valid"]
    return (max if metric.is_higher_better else min)(known, default=None)
