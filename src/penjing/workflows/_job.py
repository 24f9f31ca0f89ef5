"""One run on its way: its data, the recipe that is chosen for it, and the training that the recipe asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.budget import Clock
from penjing.core.errors import UsageError
from penjing.core.events import Said, Watch, tell
from penjing.core.recipe import DataChoices, Recipe, SplitChoices
from penjing.core.run import Run
from penjing.models.own import NAME as OWN
from penjing.training import _checkpoint, engine
from penjing.training._loop import Pace
from penjing.training._plan import planned_anew, total_steps
from penjing.training._whole import check_weights
from penjing.training.engine import Problem, Trained
from penjing.workflows import _close, _own
from penjing.workflows._choose import Chosen, base_recipe, choose
from penjing.workflows._prepare import Prepared
from penjing.workflows._problem import pose
from penjing.workflows._survey import called, target_name
from penjing.workflows._wish import FitWish, is_adopted

FOLDS_FOLDER = "folds"


@dataclass(frozen=True)
class Job:
    """One run on its way.

    Attributes:
        run: its folder.
        prepared: its data.
        wish: what the person asked.
        clock: its time.
        parent: the run that it continues, or None.
        watch: is told what happens.
        folder: where its trainings keep their records and checkpoints.
        share: of the time left for training, what this one may take, 0 to 1.
    """

    run: Run
    prepared: Prepared
    wish: FitWish
    clock: Clock
    parent: Run | None
    watch: Watch
    folder: Path
    share: float = 1.0


@dataclass(frozen=True)
class Deal:
    """Rows trained on and rows that choose: one pair, or one a fold."""

    train: np.ndarray
    valid: np.ndarray


def deals_of(prepared: Prepared, wish: FitWish) -> list[Deal]:
    """What is trained on and what chooses: one pair, or one a fold."""
    if wish.is_final:
        return [Deal(prepared.rows("train", "valid", "confirm"), np.empty(0, np.int64))]
    folds = prepared.split.folds
    if folds:
        fold = prepared.split.frame["fold"].to_numpy()
        outside = np.isin(np.arange(len(fold)), prepared.rows("train", "valid", "confirm"))
        return [
            Deal(np.flatnonzero(outside & (fold != number)), np.flatnonzero(outside & (fold == number)))
            for number in range(folds)
        ]
    return [Deal(prepared.rows("train"), prepared.rows("valid"))]


def choose_recipe(job: Job, problem: Problem) -> Chosen:
    """The recipe: the one that was given, or the one that short trials choose."""
    prepared, wish, clock = job.prepared, job.wish, job.clock
    given = wish.recipe.recipe
    if given is not None:
        if given.model.name == OWN and job.parent is None and not any(job.run.path.rglob(_checkpoint.NAME)):
            check_weights(given, problem)
        _check_asked(given, prepared)
        task, settings = _close.task_of(given)
        task.check_settings(settings, prepared.classes)
        steps = total_steps(given.training)
        if clock.is_binding:  # the deadline makes a plan of its own, from the first step on
            given = replace(given, training=planned_anew(given.training, steps))
        dealt = replace(given.split, seed=wish.data.split_seed, folds=prepared.split.folds)
        return Chosen(replace(given, data=_data_choices(prepared), split=dealt), steps)
    seed = wish.data.split_seed
    base = base_recipe(
        problem, prepared.task, wish.recipe, _data_choices(prepared), SplitChoices(seed, prepared.split.folds)
    )
    task, settings = _close.task_of(base)
    task.check_settings(settings, prepared.classes)
    _own.tell_reading(base, job.watch)
    if is_adopted(wish):
        return Chosen(base, base.training.steps)
    chosen = choose(problem, base, wish.recipe, clock, job.watch, prepared.groups)
    for decided in chosen.decisions:
        job.run.note(decided.what, decided.choice, decided.why, evidence=dict(decided.evidence))
    return chosen


def _check_asked(recipe: Recipe, prepared: Prepared) -> None:
    """Refuse a recipe that was made for something else than is asked of these data.

    Raises:
        UsageError: another task is asked, or another column is the target than the recipe learned, which is there too.
    """
    if recipe.task.name != prepared.task:
        raise UsageError(
            f"the recipe is for the task {recipe.task.name}, and these data are taken for {prepared.task}; "
            "say which with --target or --task"
        )
    learned, found = recipe.data.target, target_name(prepared.table)
    if learned and found and learned != found and learned in called(prepared.table).values():
        raise UsageError(
            f"the recipe learned {learned}, and the target of these data is {found}; say which with --target"
        )


def train_all(
    job: Job, problem: Problem, deals: Sequence[Deal], chosen: Chosen, start: Mapping[str, Any] | None
) -> tuple[Problem, Trained, np.ndarray]:
    """What the network that is kept learned, that network, and logits on the rows that validate (each from a network
    that never saw them)."""
    clock, watch = job.clock, job.watch
    ends = time.monotonic() + job.share * clock.training_left
    # A training that goes on from its checkpoint takes the steps it would have taken; one that has none is cut to the
    # deadline, though others of its run have begun.
    is_paced = clock.is_binding or (job.run.info["deadline_seconds"] is not None and not _has_begun(job.folder))

    def pace(part: float) -> Pace | None:
        now = time.monotonic()
        return Pace(now + part * max(0.0, ends - now), chosen.most_steps) if is_paced else None

    if is_adopted(job.wish):
        network = engine.assemble(chosen.recipe, problem).eval()
        found = [engine.outputs(network, problem.items, deal.valid) for deal in deals]
        return problem, Trained(chosen.recipe, network, None, 0), np.concatenate(found)
    logits: list[np.ndarray] = []
    planned = chosen.recipe
    if len(deals) > 1:
        logits, planned = _train_folds(job, problem, deals, planned, pace)
        every = np.sort(np.concatenate([deal.valid for deal in deals]))
        # What it learns of all items is not what the first fold learned of its share, but what its parent knew stays.
        learned = None if start is None else problem.learned
        problem = pose(job.prepared, every, np.empty(0, np.int64), learned, own=problem.own)
    with clock.stage("training"):
        trained = engine.carry_out(planned, problem, pace=pace(1.0), folder=job.folder, start=start, watch=watch)
    if len(deals) == 1:
        logits.append(engine.outputs(trained.network, problem.items, problem.valid))
    return problem, trained, np.concatenate(logits)


def _train_folds(
    job: Job, problem: Problem, deals: Sequence[Deal], planned: Recipe, pace: Callable[[float], Pace | None]
) -> tuple[list[np.ndarray], Recipe]:
    """Logits of each fold from a network that never saw it, and the recipe for the network that is kept."""
    clock, watch = job.clock, job.watch
    logits: list[np.ndarray] = []
    for number, deal in enumerate(deals):
        tell(watch, Said(f"fold {number + 1} of {len(deals)}"))
        posed = pose(job.prepared, deal.train, deal.valid, own=problem.own)
        recipe = replace(planned, split=replace(planned.split, fold=number))
        folder = job.folder / FOLDS_FOLDER / str(number)
        with clock.stage("training"):
            # The last share is for the network that is kept, which learns from all of them.
            share = pace(1 / (len(deals) - number + 1))
            trained = engine.carry_out(recipe, posed, pace=share, folder=folder, watch=watch)
        if trained.is_interrupted:
            raise KeyboardInterrupt
        if not clock.is_binding:  # what has no deadline of its own takes the steps that the first fold took
            steps = total_steps(trained.recipe.training)
            planned = replace(planned, training=planned_anew(planned.training, steps))
        logits.append(engine.outputs(trained.network, posed.items, deal.valid))
    return logits, planned


def _has_begun(folder: Path) -> bool:
    """Whether a network's training, or one of its folds, has a checkpoint."""
    kept = Path("checkpoint", _checkpoint.NAME)
    return (folder / kept).exists() or any((folder / FOLDS_FOLDER).glob(f"*/{kept}"))


def _data_choices(prepared: Prepared) -> DataChoices:
    target = prepared.table.target
    return DataChoices(
        inputs=tuple(column.name for slot in prepared.slots for column in slot.columns),
        target=target.name if target else "",
        decode={slot.name: slot.settings for slot in prepared.slots},
        classes=prepared.classes,
        drop=prepared.corrections.drop,
        relabel=prepared.corrections.relabel,
    )
