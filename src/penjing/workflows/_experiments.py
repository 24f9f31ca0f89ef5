"""What experiments with a run's training tell: other seeds, fewer items, other sizes, more updates, parts hidden.

Each changes one thing, learns from the run's training items (or fewer) and is judged on its validation items, beside
the training itself and in pairs with it. What they give lies in the run's folder, where checks read it; the run itself
stays as it is. Nothing of the test part is touched.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from penjing.core import plugins, split, statistics
from penjing.core.budget import Clock
from penjing.core.errors import DataError, RunError
from penjing.core.events import Event, Said, Watch, tell
from penjing.core.files import append_line, read_lines, write_lines
from penjing.core.finding import Finding
from penjing.core.randomness import stream
from penjing.core.recipe import Recipe
from penjing.core.report.text import many
from penjing.core.run import HELD_OUT_FILE, TRIALS, Run
from penjing.core.statistics import Metric
from penjing.tasks._floor.constant import Majority
from penjing.training import _checkpoint, engine
from penjing.training._assemble import count_parameters
from penjing.training._loader import Items
from penjing.training._plan import planned_anew, total_steps
from penjing.training.engine import Problem
from penjing.workflows import _close
from penjing.workflows._hidden import PARTS, alone, hidden
from penjing.workflows._prepare import Prepared, prepare
from penjing.workflows._pretrained import seen_through
from penjing.workflows._problem import pose
from penjing.workflows._trials import FEWEST_FOLDS
from penjing.workflows._wish import goes_on, stored_wish

SEEDS = 2  # beside the run's own
SHARES = (0.5, 0.25)  # of the training items
LONGER = 2  # times the updates
# Where the time is not enough for whole trainings, all of them take this share of the updates at least.
LEAST_SHARE = 0.2
FOLDS = 3  # of the training items, each doubted by a network that learned from the others
FEWEST_TO_CLEAN = 100  # training items
HELD_OUT = "held_out"
FEWEST_UPDATES = 20
PROBE_SECONDS = 3.0
RULE_OF_THREE = 3.0
# What a training may take of its forecast before it is given up: some learn of their items before the first step.
PATIENCE = 2.0
LEAST_PATIENCE = 5.0  # seconds: what a training of a moment takes depends on what else the machine does
WIDTHS = {"smaller": "smaller_network", "larger": "larger_network"}  # what takes less time first
_NOBODY = Finding("", "info", "")  # remedies are asked for a finding; those of the width do not look at it


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
    """

    experiment: str
    setting: str
    recipe: Recipe
    rows: np.ndarray
    cost: float


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

    def __post_init__(self) -> None:
        self.task, settings = _close.task_of(self.recipe)
        self.metric: Metric = self.task.metric(settings.metric)

    @property
    def truth(self) -> np.ndarray:
        """Of the validation items."""
        return self.prepared.truth[self.problem.valid]

    def carry_out(self, plan: Plan) -> dict[str, Any]:
        """A row of the record: the training with that change.

        Raises:
            TooLongError: it would not end within the time.
        """
        problem = self.problem
        if len(plan.rows) != len(problem.train):
            problem = pose(self.prepared, plan.rows, problem.valid)
        try:
            trained = engine.carry_out(plan.recipe, problem, watch=self.guard(plan.cost))
        except RunError:  # it diverged: nobody would use anything else of it than the constant answer
            return self.row(plan, self._constant(), None)
        return self.row(plan, self.answered(trained.network, problem.items), count_parameters(trained.network))

    def answered(self, network: Any, items: Items) -> np.ndarray:
        """What a network answers on the validation items, calibrated on these."""
        logits = engine.outputs(network, items, self.problem.valid)
        answer: np.ndarray = self.task.answer(logits, self.task.calibrate(logits, self.truth))
        return answer

    def guard(self, cost: float) -> Callable[[Event], None]:
        """A watcher that ends a training of that cost, in trainings of the run, where it is far too late."""
        return _guard(min(max(PATIENCE * cost * self.seconds, LEAST_PATIENCE), self.clock.left))

    def row(self, plan: Plan, answer: np.ndarray, parameters: int | None) -> dict[str, Any]:
        """What a change gave, in pairs with the training itself."""
        truth, groups = self.truth, self.prepared.groups[self.problem.valid]
        score = statistics.score(self.metric, truth, answer, part="valid", groups=groups)
        gain = low = high = 0.0
        if plan.experiment != "itself":
            # One seed, told as often as a difference asks for: the interval is over items, and seeds are apart.
            before, after = ([one] * statistics.LEAST_SEEDS for one in (self.answer, answer))
            found = statistics.paired_difference(self.metric, truth, before, after, groups)
            gain, low, high = found.effect, found.low, found.high
            if low == high:  # no item is answered otherwise, which of so many says three in so many at most
                low, high = gain - RULE_OF_THREE / found.units, gain + RULE_OF_THREE / found.units
        return {
            "experiment": plan.experiment,
            "setting": plan.setting,
            "seed": plan.recipe.seed,
            "steps": total_steps(self.recipe.training),
            "share": total_steps(self.recipe.training) / total_steps(self.run.recipe.training),
            "metric": self.metric.name,
            "is_higher_better": self.metric.is_higher_better,
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "gain": gain,
            "gain_low": low,
            "gain_high": high,
            "floor": self.metric(truth, self._constant()),
            "loss": float(np.mean(self.task.item_losses(truth, answer))),
            "items": len(truth),
            "parameters": parameters,
            "seconds": None,
            "is_own": None,
            "option": None,
        }

    def _constant(self) -> np.ndarray:
        """The answer that does not look at the items, for each of them."""
        train = self.prepared.truth[self.problem.train]
        return Majority.learn(self.recipe.task.name, train, len(self.problem.classes)).answer(len(self.truth))


def experiment(run: Run, seconds: float, data: object | None = None, watch: Watch = None) -> int:
    """Make the experiments that fit into the time, the most telling first, and keep what they give in the run's folder.

    Args:
        run: a finished run.
        data: where the data are now; None takes the place they had.
        watch: is told what happens.

    Returns:
        How many are known now.

    Raises:
        RunError: its training cannot be repeated.
        DataError: the data are gone or have changed.
    """
    clock = Clock(seconds)
    lab = _laboratory(run, clock, data, watch)
    known = [row for row in read_lines(run.path / TRIALS) if row.get("steps") == total_steps(lab.recipe.training)]
    write_lines(run.path / TRIALS, known)
    done = {(row["experiment"], row["setting"]) for row in known}
    _itself(lab, done)
    for row in _quick(lab, done):
        append_line(run.path / TRIALS, row)
    known_of = {name for name, _ in done}
    for plan in _plans(lab):
        is_done = "cleaned" in known_of if plan.experiment == "cleaned" else (plan.experiment, plan.setting) in done
        if is_done or plan.cost * lab.seconds > clock.left:
            continue
        tell(watch, Said(f"experiment: {_spoken(plan)}"))
        try:
            append_line(run.path / TRIALS, _cleaned(lab, plan) if plan.experiment == "cleaned" else lab.carry_out(plan))
        except TooLongError:
            tell(watch, Said(f"{_spoken(plan)}: given up, for it takes too long"))
        except RunError as error:  # one of the folds that doubt the labels diverged
            tell(watch, Said(f"{_spoken(plan)}: given up, for {error}"))
    return len({(row["experiment"], row["setting"]) for row in read_lines(run.path / TRIALS)})


def _laboratory(run: Run, clock: Clock, data: object | None, watch: Watch) -> Laboratory:
    info = run.info
    _check(run, info)
    place = info["data"].get("path") if data is None else data
    if place is None:
        raise DataError(f"{run.path} was made from data in memory; give them again: pj.diagnose(run, data=…, time=…)")
    dealt = split.Split.read(run.path / "split.parquet")
    prepared = prepare(place, stored_wish(run), Clock(is_binding=False), None, dealt, frozenset(dealt.frame["hash"]))
    if set(dealt.frame["hash"]) != set(prepared.hashes):
        raise DataError(f"the data of {run.path} have changed since it began; give them as they were with --data")
    recipe = run.recipe
    prepared = seen_through(prepared, recipe.pretrained)
    train, valid = prepared.rows("train"), prepared.rows("valid")
    if dealt.folds:  # one of its folds stands for all
        outside, fold = prepared.rows("train", "valid", "confirm"), dealt.frame["fold"].to_numpy()
        train, valid = (outside[(fold[outside] == 0) == is_valid] for is_valid in (False, True))
    problem = pose(prepared, train, valid)
    steps = total_steps(recipe.training)
    taken = float(run.steps[-1].get("seconds") or 0.0) * _grown(steps, run.steps[-1])
    share = _share(taken, steps, clock)
    planned = max(1, round(steps * share))
    training = planned_anew(recipe.training, planned) if share < 1 else recipe.training
    recipe = replace(recipe, training=training, split=replace(recipe.split, folds=0, fold=-1))
    return Laboratory(run, prepared, recipe, problem, clock, watch, max(taken * share, 0.05))


def _grown(steps: int, last: Mapping[str, Any]) -> float:
    return steps / max(1, int(last.get("step") or steps))


def _share(taken: float, steps: int, clock: Clock) -> float:
    """The share of the updates that lets all experiments end within the time; 1 where whole trainings do."""
    costs = SEEDS + len(SHARES) + LONGER + 2 + 1 + 1  # twice the width costs about 2, half of it 1, and itself 1
    least = max(LEAST_SHARE, min(1.0, FEWEST_UPDATES / steps))
    return float(np.clip(clock.left / max(costs * taken, 1e-9), least, 1.0))


def _check(run: Run, info: Mapping[str, Any]) -> None:
    """Raises:
    RunError: its training cannot be repeated.
    """
    if info["status"] != "finished":
        raise RunError(f"{run.path} is not finished (status: {info['status']}); go on with penjing fit --resume first")
    if info.get("kind") != "supervised" or not run.steps:
        raise RunError(f"{run.path} was not trained here, so there is no training to make experiments with")
    if run.recipe.model.name == "own":
        raise RunError("the network of the run is your own, and experiments cannot make it again")
    if goes_on(info):
        raise RunError(
            f"{run.path} goes on from {info['parent']}, and experiments repeat trainings from their beginning only; "
            "diagnose that one"
        )
    if run.recipe.split.final:
        raise RunError(f"{run.path} learned from its validation items too, so nothing is left to judge by")


def _itself(lab: Laboratory, done: set[tuple[str, str]]) -> None:
    """The training itself: its own weights where it took as many updates, else trained again with fewer."""
    plan = Plan("itself", "", lab.recipe, lab.problem.train, 1.0)
    is_whole = total_steps(lab.recipe.training) == total_steps(lab.run.recipe.training)
    if is_whole and not lab.prepared.split.folds:
        network = engine.assemble(lab.recipe, lab.problem)
        network.load_state_dict(_checkpoint.load_weights(lab.run.path / "model.safetensors"))
    else:
        tell(lab.watch, Said(f"the training itself, with {many(total_steps(lab.recipe.training), 'update')}"))
        begun = time.monotonic()
        try:
            network = engine.carry_out(lab.recipe, lab.problem, watch=_guard(lab.clock.left)).network
        except TooLongError as late:
            raise RunError(f"the time is not enough for one training of {lab.run.path}; give more --time") from late
        lab.seconds = time.monotonic() - begun
    lab.answer = lab.answered(network.eval(), lab.problem.items)
    if ("itself", "") not in done:
        append_line(lab.run.path / TRIALS, lab.row(plan, lab.answer, count_parameters(network)))
    lab.network = network


def _quick(lab: Laboratory, done: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """What takes no training: parts of pictures hidden, and other ways to do the arithmetic."""
    for where, items in hidden(lab.problem):
        if ("hidden", where) not in done:
            answer = lab.answered(lab.network, items)
            yield lab.row(Plan("hidden", where, lab.recipe, lab.problem.train, 0.0), answer, None)
    if lab.recipe.task.name == "classify" and not {("hidden", f"{where} alone") for where in PARTS} <= done:
        for where, answer in alone(lab.problem):
            if ("hidden", f"{where} alone") not in done:
                yield lab.row(Plan("hidden", f"{where} alone", lab.recipe, lab.problem.train, 0.0), answer, None)
    if any(name == "arithmetic" for name, _ in done) or lab.clock.left < 2 * PROBE_SECONDS:
        return
    own = lab.recipe.machine
    _, measured = engine.fastest(lab.recipe, lab.problem, PROBE_SECONDS)
    for one in measured:
        row = lab.row(Plan("itself", "", lab.recipe, lab.problem.train, 0.0), lab.answer, None)
        setting = f"{one.machine.number_format}, {many(one.machine.threads, 'thread')}"
        option = f"--set machine.number_format={one.machine.number_format} --set machine.threads={one.machine.threads}"
        about = {"seconds": one.step_seconds, "is_own": one.machine == own, "option": option}
        if one.is_right:
            yield {**row, "experiment": "arithmetic", "setting": setting, **about}


def _plans(lab: Laboratory) -> Iterator[Plan]:
    """The experiments that take trainings, the most telling first."""
    recipe, train = lab.recipe, lab.problem.train

    def seed(number: int) -> Plan:
        return Plan("seed", str(recipe.seed + number), replace(recipe, seed=recipe.seed + number), train, 1.0)

    yield seed(1)
    for share in SHARES:
        rows = _fewer(lab, share)
        if len(lab.problem.classes) < len(rows) < len(train):
            yield Plan("share", str(share), recipe, rows, 1.0)
    for experiment, remedy in WIDTHS.items():
        other = plugins.load("remedies", remedy).apply(recipe, _NOBODY)
        if isinstance(other, Recipe):
            yield Plan(experiment, "width", other, train, 2.0 if experiment == "larger" else 1.0)
    longer = planned_anew(recipe.training, LONGER * total_steps(recipe.training))
    yield Plan("longer", str(LONGER), replace(recipe, training=longer), train, float(LONGER))
    for number in range(2, SEEDS + 1):
        yield seed(number)
    groups = len(np.unique(lab.prepared.groups[train]))
    if recipe.task.name == "classify" and len(train) >= FEWEST_TO_CLEAN and groups >= FEWEST_FOLDS:
        yield Plan("cleaned", "", recipe, train, FOLDS + 1.0)


def _cleaned(lab: Laboratory, plan: Plan) -> dict[str, Any]:
    """The training without the items whose labels are doubted by networks that never saw them.

    What those networks say of the items is kept beside the run, for the check of labels.
    """
    rows, truth = plan.rows, lab.prepared.truth[plan.rows]
    fold = split.inner_folds(lab.prepared.groups[rows], lab.prepared.strata(rows), FOLDS)
    answer = np.zeros((len(rows), len(lab.problem.classes)), np.float32)
    for number in np.unique(fold).tolist():
        problem = pose(lab.prepared, rows[fold != number], lab.problem.valid)
        network = engine.carry_out(plan.recipe, problem, watch=lab.guard(1.0)).network
        chosen = engine.outputs(network, problem.items, lab.problem.valid)
        held_out = engine.outputs(network, problem.items, rows[fold == number])
        answer[fold == number] = lab.task.answer(held_out, lab.task.calibrate(chosen, lab.truth))
    answers = [_close.Answers(HELD_OUT, answer)]
    _close.write_predictions(lab.run, lab.prepared, rows, answers, "train", lab.task, file=HELD_OUT_FILE)
    doubted = plugins.load("checks", "label_errors").doubts(answer, truth)
    if not doubted.any():
        return lab.row(replace(plan, setting="0"), lab.answer, None)
    return lab.carry_out(replace(plan, setting=str(int(doubted.sum())), rows=rows[~doubted], cost=1.0))


def _fewer(lab: Laboratory, share: float) -> np.ndarray:
    """A share of the training rows, of every class alike; the smaller shares lie within the larger ones."""
    rows, strata = lab.problem.train, lab.prepared.strata(lab.problem.train)
    draw = stream(0, "share of the training items").permutation(len(rows))
    kept = [draw[strata[draw] == stratum] for stratum in np.unique(strata)]
    found: np.ndarray = np.sort(rows[np.concatenate([part[: max(1, math.ceil(share * len(part)))] for part in kept])])
    return found


def _guard(seconds: float) -> Callable[[Event], None]:
    """A watcher that ends a training which takes longer."""
    last = time.monotonic() + seconds

    def guard(_: Event) -> None:
        if time.monotonic() > last:
            raise TooLongError

    return guard


def _spoken(plan: Plan) -> str:
    words = {
        "seed": "another seed ({})",
        "share": "{} of the training items",
        "larger": "a network of twice the width",
        "smaller": "a network of half the width",
        "longer": "{} times the updates",
        "cleaned": "doubted labels left out",
    }
    setting = f"{float(plan.setting):.0%}" if plan.experiment == "share" else plan.setting
    return words[plan.experiment].format(setting)
