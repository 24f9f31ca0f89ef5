"""Networks trained side by side on the same rows, and which of them the run keeps."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from penjing.core import plugins, statistics
from penjing.core.events import Decided, Said, tell
from penjing.core.files import write_text
from penjing.core.recipe import Choice, Recipe
from penjing.core.run import MET, Run
from penjing.core.score import Score
from penjing.core.spread import standard_error, unit_of_item
from penjing.core.statistics import Metric
from penjing.core.usual import usual
from penjing.training.engine import Problem, Trained
from penjing.workflows import _close, _simple
from penjing.workflows._choose import RecipeWish
from penjing.workflows._contribute import contributions
from penjing.workflows._job import Deal, Job, choose_recipe, train_all
from penjing.workflows._pretrained import AUTO, affordable, at_hand, seen_through
from penjing.workflows._problem import pose
from penjing.workflows._shown import write_shown

SCRATCH, PRETRAINED = "from_scratch", "pretrained"
ASIDE = f"{PRETRAINED}/aside"  # what the network from scratch wrote, where the other one was kept
_RECORDED = ("record.jsonl", MET)
WORDS = {SCRATCH: "trained from scratch", PRETRAINED: "a head on pretrained features"}
# What changes the items, where it is set to anything; a head on vectors never does, though mixup is of vectors, too.
OF_ITEMS = ("augment", "training.border", "training.cutmix")
CHANCE = 1e-9  # a difference of rounding
CLEAR_ERRORS = 2.0  # standard errors of a difference from which on it is clear
# Of the time left for training, what a head on features from elsewhere may take: it learns fast.
PRETRAINED_SHARE = 0.3
# Of the whole time, what telling the inputs' contributions may take.
CONTRIBUTION_SHARE = 0.02


@dataclass(frozen=True)
class Contender:
    """A network that was trained, and what it says of the rows that validate.

    Attributes:
        name: "network", or what it is called in tables when another one was chosen.
        job: with the data as it saw them.
        problem: what it learned from.
        trained: the outcome.
        logits: its outputs on the validation rows, one fold after the other.
    """

    name: str
    job: Job
    problem: Problem
    trained: Trained
    logits: np.ndarray


def pretrained_contenders(job: Job, deals: Sequence[Deal]) -> list[Contender]:
    """A head on features that were learned elsewhere, where an encoder is at hand and the time allows it."""
    folder = job.run.path / PRETRAINED
    kept = folder / "recipe.toml"
    wish = job.wish
    if kept.exists():  # a run that goes on
        given = Recipe.read(kept)
        wish = replace(wish, recipe=replace(wish.recipe, recipe=given))
        encoders = dict(given.pretrained)
    elif wish.recipe.recipe is not None or wish.recipe.model or _is_set_by_hand(wish.recipe):
        return []
    else:
        encoders = at_hand(job.prepared, wish.recipe.pretrained)
    if not encoders:
        return []
    with job.clock.stage("pretrained features"):
        if job.clock.is_binding and not kept.exists():
            encoders = _within_time(job, encoders)
        if not encoders:
            return []
        prepared = seen_through(job.prepared, encoders)
        problem = pose(prepared, deals[0].train, deals[0].valid)
    other = replace(job, prepared=prepared, wish=wish, folder=folder, share=PRETRAINED_SHARE)
    chosen = choose_recipe(other, problem)
    chosen = replace(chosen, recipe=replace(chosen.recipe, pretrained=encoders))
    folder.mkdir(exist_ok=True)
    write_text(kept, chosen.recipe.to_toml())
    return [Contender(PRETRAINED, other, *train_all(other, problem, deals, chosen, None))]


def _is_set_by_hand(wish: RecipeWish) -> bool:
    """Whether a person chose something of the network and named no encoder: that network is wanted, and no head. So it
    is where the items themselves are to be changed (`OF_ITEMS`): an encoder sees them as they are."""
    heads = {name.split(".")[0] for name in wish.assignments}
    is_chosen = not heads.isdisjoint({"model", "encoders"}) or any(wish.assignments.get(name) for name in OF_ITEMS)
    return wish.pretrained == AUTO and is_chosen


def _within_time(job: Job, encoders: Mapping[str, Choice]) -> dict[str, Choice]:
    """The encoders that the time allows; those that it does not are said."""
    most = usual([slot.modality for slot in job.prepared.slots]).encoder_share
    share = most * job.clock.training_left
    found = affordable(job.prepared, encoders, share)
    late = [choice.name for name, choice in encoders.items() if name not in found]
    if late:
        why = f"seeing all items through {' and '.join(late)} would take more than {share:.0f} s"
        job.run.note("pretrained features", "no", why)
        tell(job.watch, Said(f"pretrained features are left out: {why}; give more --time"))
    return found


def best_of(job: Job, contenders: Sequence[Contender], metric: Metric, rows: np.ndarray) -> Contender:
    """The contender that validation prefers; see `preferred`. What it recorded becomes the run's record."""
    winner = contenders[0] if len(contenders) == 1 else _chosen(job, contenders, metric, rows)
    if winner.name != PRETRAINED:
        return winner
    if len(contenders) == 1:
        _note(job, Decided("network", WORDS[PRETRAINED], f"stopped before one {WORDS[SCRATCH]} was measured"))
    _put_in_place(job.run, winner)
    return winner


def _note(job: Job, decided: Decided) -> None:
    job.run.note(decided.what, decided.choice, decided.why, evidence=dict(decided.evidence))
    tell(job.watch, decided)


def _chosen(job: Job, contenders: Sequence[Contender], metric: Metric, rows: np.ndarray) -> Contender:
    """The one of several that validation prefers."""
    task = plugins.load("tasks", job.prepared.task)
    truth, groups = job.prepared.truth[rows], job.prepared.groups[rows]
    scores, losses = {}, {}
    for one in contenders:
        # Calibrated, or a network that was taught to doubt (label smoothing) would lose by its words alone.
        answer = task.answer(one.logits, task.calibrate(one.logits, truth))
        scores[one.name] = statistics.score(metric, truth, answer, part="valid", groups=groups)
        losses[one.name] = np.asarray(task.item_losses(truth, answer))
    unit = unit_of_item(groups, len(rows))
    name, is_close = preferred(scores, losses, metric.is_higher_better, unit)
    winner = next(one for one in contenders if one.name == name)
    values = {name: score.value for name, score in scores.items()}
    means = {name: float(loss.mean()) for name, loss in losses.items()}
    why = f"on validation: {', '.join(f'{WORDS[name]} {value:.3f}' for name, value in values.items())}"
    if is_close:
        shown = ", ".join(f"{value:.3f}" for value in means.values())
        why += f"; too close to tell, and the loss ({shown}) does not speak against it"
    _note(job, Decided("network", WORDS[winner.name], why, {**values, "losses": means}))
    return winner


def _put_in_place(run: Run, winner: Contender) -> None:
    """Make the record of a head on pretrained features that of its run. What the other network had lies aside, an empty
    file being one that it had not; what lies there already is of a run that was stopped once more before `taken_up`."""
    aside = run.path / ASIDE
    aside.mkdir(parents=True, exist_ok=True)
    for name in ("recipe.toml", *_RECORDED):
        if (aside / name).exists():
            continue
        if (run.path / name).exists():
            shutil.copyfile(run.path / name, aside / name)
        else:
            write_text(aside / name, "")
    for name in _RECORDED:
        shutil.copyfile(winner.job.folder / name, run.path / name)


def taken_up(run: Run) -> None:
    """Give a run that goes on the record of the network from scratch, where a stopped run kept another network until
    then. The recipe of that one stays with its weights, so that the run can predict whatever becomes of the training.
    """
    for name in _RECORDED:
        path = run.path / ASIDE / name
        if not path.exists():
            continue
        if path.stat().st_size:
            shutil.move(path, run.path / name)
        else:
            (run.path / name).unlink(missing_ok=True)
            path.unlink()


def recipe_file(run: Run) -> Path:
    """Where a run that goes on has the recipe of the network from scratch: aside, where a stopped run kept another."""
    aside = run.path / ASIDE / "recipe.toml"
    return aside if aside.exists() else run.path / "recipe.toml"


def preferred(
    scores: Mapping[str, Score],
    losses: Mapping[str, np.ndarray],
    is_higher_better: bool,
    unit: np.ndarray | None = None,
) -> tuple[str, bool]:
    """Which of two contenders to keep, and whether the metric was too close to tell.

    Where the difference is within half of an interval, as it is on few items, what was learned elsewhere is kept unless
    the loss, item by item, is clearly lower without it: the prior of a field, which forty items do not overturn.

    Args:
        scores: contender → its metric on validation.
        losses: contender → each item's loss, the same items in the same order.
        is_higher_better: of the metric.
        unit: Int[items], the group that each item is of; None has each stand alone.
    """
    sign = 1.0 if is_higher_better else -1.0
    best = max(scores, key=lambda name: sign * scores[name].value)
    doubt = max((scores[best].high - scores[best].low) / 2, CHANCE)
    if abs(scores[PRETRAINED].value - scores[SCRATCH].value) > doubt:
        return best, False
    dearer = losses[PRETRAINED] - losses[SCRATCH]
    is_clear = dearer.mean() > CLEAR_ERRORS * standard_error(dearer, unit)
    return (SCRATCH if is_clear else PRETRAINED), True


def close_run(
    winner: Contender, others: Sequence[Contender], floor: _simple.Floor, rows: np.ndarray, has_folds: bool
) -> None:
    """Calibrate, score and write down everything about the network that was chosen."""
    job, recipe, problem = winner.job, winner.trained.recipe, winner.problem
    run, prepared, network = job.run, job.prepared, winner.trained.network
    task, settings = _close.task_of(recipe)
    part = "folds" if has_folds else "valid"
    truth = prepared.truth[rows]
    calibrated = task.calibrate(winner.logits, truth)
    answer = task.answer(winner.logits, calibrated)
    answers = _close.answers_of(answer, floor.answers)
    for other in others:
        answers.append(_close.Answers(other.name, task.answer(other.logits, task.calibrate(other.logits, truth))))
    answers = _close.with_thresholds(answers, task, settings, truth, prepared.classes)
    scores = _close.score_all(task, settings, answers, truth, prepared.groups[rows], part)
    _close.write_model(run, network, prepared, problem)
    _close.write_predictions(run, prepared, rows, answers, part, task)
    seconds = CONTRIBUTION_SHARE * job.clock.limit_seconds if job.clock.is_binding else math.inf
    metric = task.metric(settings.metric, answers[0].threshold)
    # A network that learned from all folds has no items left to tell by.
    contributed = [] if has_folds else contributions(network, problem, prepared, task, metric, seconds, calibrated)
    _close.write_results(run, settings, prepared, scores, answers, calibrated, contributed, task)
    _simple.keep_floor(run.path, floor.kept, floor.rows, prepared)
    _close.learn_unlike(run, network, problem, prepared.strata, None if has_folds else recipe.seed)
    if job.wish.pictures:
        if prepared.pictures is not None:
            _close.write_pictures(run, network, prepared, problem.train, rows, answers[0])
        write_shown(run, prepared)
