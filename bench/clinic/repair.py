"""Sick runs, and what becomes of them: treated, left alone, searched at random in the same time, begun anew.

All four are judged on the same held-out items with their true labels, which none of them saw. A run is brought back
when it is within two points of the healthy run: the best recipe that is known, on data without the fault, with the
same seed. Where labels are dealt among the items anew, or all but a few items are gone, no recipe can bring a run back:
it is curable where one of the ways did, or the recipe of the healthy run does on the data with the fault.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from _record import commit

from clinic import carry, data, healthy, rounds
from clinic.cases import Case
from clinic.data import Sample
from clinic.questions import EVERY
from penjing.core import plugins, split
from penjing.core.errors import PenjingError
from penjing.core.finding import Finding
from penjing.core.randomness import stream
from penjing.core.recipe import DataChoices, Recipe, SplitChoices, change
from penjing.core.run import Run
from penjing.remedies import NotApplicable
from penjing.training import engine
from penjing.training.engine import Problem, Trained
from penjing.workflows._choose import RecipeWish, base_recipe
from penjing.workflows._together import TOGETHER, can_follow, few, speaking_for, together
from penjing.workflows._trials import Bench, Deal
from penjing.workflows.compare import differences

POINTS = 0.02
HELD_OUT = 300  # items, where there are as many
CLEAR_ERRORS = 1.96  # standard errors from which on one way is clearly better
MOST_REMEDIES = 3  # that a random composition has
SECONDS = 180.0  # of a treatment, by the clock
WAYS = ("treated", "nothing", "random", "anew")
KNOWN = "known"  # the healthy run's recipe, which nobody has who does not know the fault
LINES = rounds.LINES / "repair.jsonl"


def is_mendable(case: Case) -> bool:
    """Whether the run is of one of penjing's networks, and so can be trained again from its recipe."""
    fault = EVERY.get(case.fault)
    return fault is not None and fault.plan is None and fault.is_shuffled and not fault.stall_seconds


def repaired(case: Case, folder: Path, seconds: float = SECONDS) -> dict[str, Any]:
    """The line of one sick run: its score by each of the four ways, beside the healthy run's.

    A run that is within two points of it as it is needs none of them, and its line ends there.
    """
    clean = carry.ready(data.draw(case.data, case.draw, HELD_OUT))
    fault = EVERY[case.fault]
    sample = clean.sample
    if fault.sample is not None:
        sample = fault.sample(sample, case.strength, stream(case.seed, f"clinic {case.fault}"))
        sample = _with_true_test(sample, clean.sample)
    ward = clean if fault.sample is None else carry.ready(sample)
    recipe = rounds.suited(rounds.recipe_of(case), ward)
    sick = carry.carry_out(ward, recipe, folder / "sick")
    well = replace(healthy.best_recipe(case.data, case.draw), seed=case.seed)
    best = _trained(clean, well)
    line = {
        "id": case.id,
        "fault": case.fault,
        "kind": fault.kind,
        "modality": data.DATA[case.data].modality,
        "data": case.data,
        "strength": case.strength,
        "seed": case.seed,
        "healthy": _mean(_held_out(clean, best)),
        "nothing": _mean(_of_run(ward, sick.run)),
        "commit": commit(),
    }
    if line["healthy"] is not None and not is_brought_back(line, "nothing"):
        begun, clock = time.process_time(), time.monotonic()
        path, told = _treated(ward, sick, folder, seconds)
        taken, waited = time.process_time() - begun, time.monotonic() - clock
        treated = _of_run(ward, path)
        is_together = any(TOGETHER in way for way in told.get("ways", ()))
        search = searched(ward, recipe, sick, taken, case.seed, is_together)
        random = _held_out(ward, search.best)
        line |= {
            "treated": _mean(treated),
            **told,
            "clock_seconds": round(waited, 1),
            "processor_seconds": round(taken, 1),
            "random": _mean(random),
            "search": search.told(),
            "beside_random": beside(treated, random),
            "anew": _mean(_held_out(ward, _trained(ward, default_recipe(ward, case.seed)))),
            KNOWN: _mean(_held_out(ward, _trained(ward, well))),
        }
    shutil.rmtree(folder, ignore_errors=True)
    return line


def _with_true_test(sample: Sample, clean: Sample) -> Sample:
    """The held-out items as they are without the fault, columns that the fault added aside."""
    inputs = dict(sample.inputs)
    there, true = sample.rows("test"), clean.rows("test")
    if len(there) != len(true):  # items are missing: all ways are judged on what the healthy run is judged on
        return _joined(sample.take(np.flatnonzero(np.asarray(sample.part) != "test")), clean.take(true))
    for name, values in clean.inputs.items():
        if isinstance(values, np.ndarray):
            inputs[name] = inputs[name].copy()
            inputs[name][there] = values[true]
        else:
            cells = list(inputs[name])
            for at, place in zip(there.tolist(), true.tolist(), strict=True):
                cells[at] = values[place]
            inputs[name] = cells
    label = list(sample.label)
    for at, place in zip(there.tolist(), true.tolist(), strict=True):
        label[at] = clean.label[place]
    return replace(sample, inputs=inputs, label=label)


def _joined(one: Sample, other: Sample) -> Sample:
    """The items of both, of the same columns."""
    assert set(one.inputs) == set(other.inputs), f"{sorted(one.inputs)} are not {sorted(other.inputs)}"
    inputs = {
        name: np.concatenate([values, other.inputs[name]])
        if isinstance(values, np.ndarray)
        else [*values, *other.inputs[name]]
        for name, values in one.inputs.items()
    }
    return replace(one, inputs=inputs, label=[*one.label, *other.label], part=[*one.part, *other.part])


def _treated(ward: carry.Ward, sick: carry.Outcome, folder: Path, seconds: float) -> tuple[Path, dict[str, Any]]:
    """The run that `treat` made of a run, or that itself; and what it says."""
    from penjing.workflows.treat import TreatWish, treat

    try:
        found = treat(sick.run, TreatWish(seconds=seconds, out=folder / "treated"), data=ward.sample.columns())
    except PenjingError as refused:
        return sick.run, {"kept": [], "tried": [], "refused": str(refused)[:300]}
    tried = [[one.remedy, one.outcome] for one in found.treated]
    told = {
        "kept": list(found.kept),
        "tried": tried,
        "whys": {one.remedy: one.why for one in found.treated if one.outcome not in ("not applicable", "not tried")},
        "ways": [f"{line['what']} {line['choice']}: {line['why']}" for line in found.ways],
        "gain": vars(found.gain) if found.gain else None,
        "findings": [one.name for one in found.diagnosis.findings],
        "refused": "",
    }
    return sick.run if found.run is None else found.run.path, told


@dataclass
class Searched:
    """A random search.

    Attributes:
        best: by validation; None where nothing could be trained.
        begun: the recipe that it began with.
        recipe: of the best.
        trainings: that were carried out in time.
        late_seconds: of processor time that the last one, which does not count, took beyond it.
    """

    best: Found | None
    begun: Recipe
    recipe: Recipe
    trainings: int = 0
    late_seconds: float = 0.0

    def told(self) -> dict[str, Any]:
        """For a line."""
        return {
            "trainings": self.trainings,
            "late_seconds": round(self.late_seconds, 1),
            "valid": self.best.value if self.best else None,
            "changed": {key: list(pair) for key, pair in differences(self.begun, self.recipe).items()},
        }


def searched(
    ward: carry.Ward, recipe: Recipe, sick: carry.Outcome, seconds: float, seed: int, is_together: bool = False
) -> Searched:
    """The best of random compositions of remedies by validation, "no change" among them, in as many seconds of
    processor time; each composition once. A training that ends later is none of them.

    Where `treat` takes training and validation items together from the beginning, one fold of both tells the best here
    too. What is best is then trained on all that its recipe learns from, in time that does not count.

    Args:
        seconds: of processor time.
        is_together: whether `treat` took training and validation items together.
    """
    draw = stream(seed, "clinic random search")
    begun = time.process_time()
    recipe = replace(recipe, data=Run(sick.run).recipe.data)  # with the columns that remedies may leave out
    trials = Bench(ward.prepared, plugins.load("tasks", ward.prepared.task))
    speaks = speaking_for(trials, sick.findings) if is_together else None
    taken = together(trials) if speaks else None
    findings = [*sick.findings, *([speaks or few(trials)] if speaks or can_follow(trials) else [])]
    found, known = Searched(_trained(ward, recipe, taken), recipe, recipe), {recipe.id}
    while time.process_time() - begun < seconds:
        other = _composed(recipe, findings, draw)
        if other.id in known:
            continue
        known.add(other.id)
        trained = _trained(ward, other, taken or trials)
        if (late := time.process_time() - begun - seconds) > 0:
            found.late_seconds = late
        else:
            found.trainings += 1
            if trained is not None and (found.best is None or trained.value > found.best.value):
                found.best, found.recipe = trained, other
    if found.best is not None and (taken is not None or found.recipe.split.folds):
        found.best = replace(_trained(ward, found.recipe, trials, is_last=True) or found.best, told=found.best.value)
    return found


def _composed(recipe: Recipe, findings: Sequence[Finding], draw: np.random.Generator) -> Recipe:
    """One to three remedies drawn at random, each for a finding drawn at random."""
    names = list(plugins.names("remedies"))
    known = list(findings) or [Finding("none", "info", "")]
    for _ in range(int(draw.integers(1, MOST_REMEDIES + 1))):
        remedy = plugins.load("remedies", names[int(draw.integers(len(names)))])
        found = remedy.apply(recipe, known[int(draw.integers(len(known)))])
        recipe = recipe if isinstance(found, NotApplicable) else found
    return recipe


def default_recipe(ward: carry.Ward, seed: int) -> Recipe:
    """The recipe that `fit` begins with, with as many updates as it takes where time does not press."""
    problem = ward.problem
    wish = RecipeWish(seed=seed, assignments={"machine.threads": 1})
    choices = DataChoices(inputs=tuple(problem.modality), target=problem.target, classes=problem.classes)
    recipe = base_recipe(problem, ward.prepared.task, wish, choices, SplitChoices())
    return change(recipe, {"training.steps": 400})


@dataclass(frozen=True)
class Found:
    """A training and what it was of: the items as its recipe sees them.

    Attributes:
        trained: the network and its course.
        problem: what it learned.
        told: the watched metric on items that chose it, larger being better; None where those of its course did.
    """

    trained: Trained
    problem: Problem
    told: float | None = None

    @property
    def value(self) -> float:
        """The watched metric on the items that chose it, larger being better."""
        if self.told is not None:
            return self.told
        return -np.inf if self.trained.best is None else float(self.trained.best)


def _trained(ward: carry.Ward, recipe: Recipe, trials: Bench | None = None, is_last: bool = False) -> Found | None:
    """What a recipe gives on a ward's training part; None where it fails.

    Args:
        trials: show the items as the recipe sees them: without columns and items that it leaves out, through its
            encoders. None shows them as they are.
        is_last: whether this is what is kept: a recipe with folds then learns from all items, and nothing chooses.
    """
    try:
        problem = ward.problem
        if trials is not None:
            deal = trials._as_dealt(recipe, _dealt(ward, recipe, trials, is_last))
            problem = trials._problem(recipe, deal, np.inf)
        trained = engine.carry_out(recipe, problem, is_recorded=False)
        if trials is None or not trials.mixes_parts:
            return Found(trained, problem)
        task, truth = trials.task, ward.prepared.truth[trials.screened]
        metric = task.metric(task.Settings(**recipe.task.settings).metric)
        value = metric(truth, task.answer(engine.outputs(trained.network, problem.items, trials.screened)))
        return Found(trained, problem, float(value if metric.is_higher_better else -value))
    except (PenjingError, RuntimeError):
        return None


def _dealt(ward: carry.Ward, recipe: Recipe, trials: Bench, is_last: bool) -> Deal:
    """The rows that are learned from and that choose; of a recipe with folds, one of these chooses."""
    train, valid = ward.problem.train, ward.problem.valid
    if trials.mixes_parts:
        train, valid = trials.learned, trials.screened
    elif recipe.split.folds:
        rows = np.sort(np.concatenate([train, valid]))
        fold = split.inner_folds(ward.prepared.groups[rows], ward.prepared.strata(rows), recipe.split.folds)
        train, valid = (rows, rows[:0]) if is_last else (rows[fold != 0], rows[fold == 0])
    return Deal((), train, valid, valid)


def _held_out(ward: carry.Ward, found: Found | None) -> np.ndarray | None:
    """What a network earns on each held-out item; see `earnings`."""
    if found is None:
        return None
    rows, task = ward.prepared.rows("test"), plugins.load("tasks", ward.prepared.task)
    answer = task.answer(engine.outputs(found.trained.network, found.problem.items, rows))
    truth = ward.prepared.truth[rows]
    is_classes = ward.prepared.task == "classify"
    return earnings(answer.argmax(1) == truth, None) if is_classes else earnings(answer[:, 0], truth)


def _of_run(ward: carry.Ward, path: Path) -> np.ndarray | None:
    """The same of a run folder's network; None where it has none."""
    import penjing as pj

    rows = ward.sample.rows("test")
    held = ward.sample.take(rows)
    try:
        said = pj.predict(path, dict(held.inputs), watch=None).frame["prediction"].to_list()
    except PenjingError:
        return None
    truth = list(held.label)
    if isinstance(truth[0], str):
        return earnings(np.array([one == other for one, other in zip(said, truth, strict=True)]), None)
    return earnings(np.array(said), np.array(truth))


def earnings(said: np.ndarray, truth: np.ndarray | None) -> np.ndarray:
    """What each item earns, so that the mean is the metric: 1 for a right answer, or its part of R².

    Args:
        said: whether each answer is right, or numbers.
        truth: the numbers; None where classes are told.
    """
    if truth is None:
        return np.asarray(said, dtype=np.float64)
    return np.asarray(1 - np.square(said - truth) / np.square(truth - truth.mean()).mean())


def _mean(earned: np.ndarray | None) -> float | None:
    return None if earned is None else float(earned.mean())


def beside(one: np.ndarray | None, other: np.ndarray | None) -> int:
    """1 where one way earned clearly more than another, item by item, −1 where clearly less, 0 where neither is told:
    the mean difference is within two standard errors."""
    if one is None or other is None:
        return (one is not None) - (other is not None)
    gain = one - other
    error = float(gain.std(ddof=1)) / np.sqrt(len(gain))
    return int(np.sign(gain.mean())) if abs(gain.mean()) > CLEAR_ERRORS * error else 0


def is_brought_back(line: Mapping[str, Any], way: str) -> bool:
    """Whether one of the four ways ended within two points of the healthy run."""
    value = line.get(way)
    return value is not None and value >= line["healthy"] - POINTS


def scored(lines: Sequence[Mapping[str, Any]], share: Callable[[int, int], dict[str, Any]]) -> dict[str, Any]:
    """The share brought back by each way, and how often treating was better than searching at random."""
    # A run that is within two points as it is was not sick enough to be brought back.
    sick = [line for line in lines if line["healthy"] is not None and not is_brought_back(line, "nothing")]
    pairs = [(_score(line, "treated"), _score(line, "random")) for line in sick]

    def brought_back(some: Sequence[Mapping[str, Any]], way: str) -> dict[str, Any]:
        return share(sum(is_brought_back(line, way) for line in some), len(some))

    curable = [line for line in sick if any(is_brought_back(line, way) for way in (*WAYS, KNOWN))]
    kinds = sorted({line["kind"] for line in sick})
    return {
        "runs": len(lines),
        "sick": len(sick),
        "refused": sum(bool(line["refused"]) for line in sick),
        "brought_back": {way: brought_back(sick, way) for way in WAYS},
        "curable_brought_back": {way: brought_back(curable, way) for way in WAYS},
        "by_kind": {kind: brought_back([line for line in sick if line["kind"] == kind], "treated") for kind in kinds},
        "better_than_random": share(sum(one > other for one, other in pairs), len(pairs)),
        "as_good_as_random": share(sum(one >= other for one, other in pairs), len(pairs)),
        "clearly_beside_random": {
            name: share(sum(line["beside_random"] == sign for line in sick), len(sick))
            for name, sign in (("better", 1), ("worse", -1))
        },
        "processor_seconds": round(float(np.mean([line["processor_seconds"] for line in sick])), 1) if sick else None,
    }


def _score(line: Mapping[str, Any], way: str) -> float:
    """What a way reached; one that failed is worse than any."""
    return -np.inf if line[way] is None else float(line[way])


def run(cases: Sequence[Case], folder: Path, until: float) -> None:
    """Repair what is not done yet, until the clock says so."""
    known = rounds.done(LINES)
    for case in cases:
        if case.id in known or not is_mendable(case) or time.monotonic() > until:
            continue
        line = repaired(case, folder / "repair")
        rounds.append(LINES, line)
        told = {way: line[way] and round(line[way], 3) for way in ("healthy", *WAYS, KNOWN) if way in line}
        print(case.id, told, line.get("kept", "not sick enough"), line.get("refused", "")[:80], flush=True)
