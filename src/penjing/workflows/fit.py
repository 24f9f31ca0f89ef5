"""Data in, run out: the five steps of the job, each of which is one call below.

preprocess → build → train → validate → (test is another verb, which opens the seal)
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core import split
from penjing.core.budget import DEFAULT_SECONDS, GOOD_TRAINING_SECONDS, LEAST_CLOSING_SECONDS, Clock
from penjing.core.errors import DataError, PenjingError, RunError
from penjing.core.events import Said, Warned, Watch, tell
from penjing.core.files import write_json
from penjing.core.hold import held
from penjing.core.recipe import Recipe
from penjing.core.report import write_report
from penjing.core.report.text import many
from penjing.core.run import Run, begun, create, now, open_run
from penjing.places import local
from penjing.training import _checkpoint, engine
from penjing.training.engine import Problem, Trained
from penjing.workflows import _close, _own, _simple
from penjing.workflows._choose import Chosen, check_network
from penjing.workflows._contenders import (
    ASIDE,
    SCRATCH,
    Contender,
    best_of,
    close_run,
    pretrained_contenders,
    recipe_file,
    taken_up,
)
from penjing.workflows._job import Job, choose_recipe, deals_of, train_all
from penjing.workflows._place import place_of
from penjing.workflows._prepare import Prepared, check_target, facts, notices, prepare, seal_facts
from penjing.workflows._pretrained import AUTO, NO, at_hand, check_seeing, doubts, lacking, seen_through
from penjing.workflows._problem import pose
from penjing.workflows._repeatable import goes_on
from penjing.workflows._survey import target_name
from penjing.workflows._wish import FitWish, has_deadline, is_adopted, plain_wish, replanned, settled, wish_of
from penjing.workflows.diagnose import told_of
from penjing.workflows.inspect import told_by_survey


@dataclass(frozen=True)
class Origin:
    """Where a run comes from that was treated before it began.

    Attributes:
        run: the run that was treated, whose parts and seal the new one has; None where only this one is kept.
        clock: the time of the new one, which keeps to the steps of its recipe where they fit.
        ledger: lines of the new one's ledger, each with `what`, `choice`, `why` and more.
        token: what tells the new one from what others grew of the same run.
        whole: the time of all that the new one is a first look for, in which reading the data counts; None where it
            counts in that of the new one.
    """

    run: Run | None
    clock: Clock
    ledger: Sequence[Mapping[str, Any]] = ()
    token: str = ""
    whole: Clock | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What `run.json` of the new one says of it."""
        if self.run is None:
            return {}
        return {"parent": str(self.run.path), "is_treated": True, "token": self.token}


def fit(
    data: object, wish: FitWish, command: Sequence[str] = (), watch: Watch = None, origin: Origin | None = None
) -> Run:
    """Train, within the deadline, and return the run.

    Args:
        data: a path, arrays, a data frame or a Dataset.
        wish: what the person asked.
        command: the words that repeat this run.
        watch: is told what happens.
        origin: where this run comes from, if something was treated before it.

    Raises:
        DataError: there is nothing to learn from, and the message says what is missing.
        UsageError: an option does not exist or does not fit the data.
        RunError: the run folder cannot be written, the training diverged, or the encoder of a given recipe takes longer
            than the deadline allows.
        KeyboardInterrupt: a person stopped it; the best so far is in the run folder. It carries that folder, and
            whether it has weights.
    """
    clock = origin.clock if origin else Clock(wish.seconds or DEFAULT_SECONDS, has_deadline(wish))
    wish, parent = settled(_own.as_it_takes(wish, watch), watch)
    treated = origin.run if origin else None
    before = treated or parent
    previous = split.Split.read(before.path / "split.parquet") if before else None
    only = frozenset(previous.frame["hash"]) if treated and previous else None
    whole = origin.whole if origin else None
    prepared = prepare(data, wish.data, clock, None if treated else watch, previous, only, whole)
    # From here on the run knows its corrections by content: their file may change, move or go.
    wish = replace(wish, data=replace(wish.data, corrections="", corrected=prepared.corrections))
    _check_learnable(prepared, parent)
    check_network(wish.recipe, [slot.modality for slot in prepared.slots], len(prepared.rows("train")))
    if wish.recipe.recipe is not None and origin is None:  # what was treated has kept time for it
        check_seeing(prepared, wish.recipe.recipe.pretrained, clock, GOOD_TRAINING_SECONDS + LEAST_CLOSING_SECONDS)
    if wish.recipe.pretrained != AUTO:
        for sentence in doubts(at_hand(prepared, wish.recipe.pretrained)):  # refuses what reads none of the inputs
            tell(watch, Warned(sentence))
    where = wish.recipe.recipe.machine.device if wish.recipe.recipe else wish.recipe.device
    for sentence in (*notices(prepared), *filter(None, [local.told(where)])):
        tell(watch, Said(sentence))
    about = {**_facts(prepared, wish, data, command, clock, parent), **(origin.facts if origin else {})}
    title = prepared.table.title
    with begun(wish.out, title) as folder:
        run = create(folder, title, about, lambda made: _fill(made, prepared, wish, origin))
        return _guarded(run, lambda: _grow(Job(run, prepared, wish, clock, parent, watch, run.path)))


def _fill(run: Run, prepared: Prepared, wish: FitWish, origin: Origin | None) -> None:
    """Write what a run must have to go on as it was asked for, should it be killed from its first moment on."""
    prepared.split.write(run.path / "split.parquet")
    for line in origin.ledger if origin else ():
        run.note(**line)
    if replanned(wish):
        run.note("steps", "planned anew", replanned(wish))
    if wish.recipe.recipe is not None:
        run.write_recipe(wish.recipe.recipe)


def resume(path: str | Path, data: object | None = None, watch: Watch = None, model: object | None = None) -> Run:
    """Go on with a run that was killed or interrupted, to the weights it would have had.

    Args:
        path: its folder.
        data: where the data are now; None takes the place they had.
        watch: is told what happens.
        model: a person's own network, where the run cannot make it again.

    Raises:
        RunError: the run is finished, holds too little to go on, or is written by another process at this moment.
        DataError: the data are not there any more, or have changed.
    """
    run = open_run(path)
    with held(run.path):
        return _resumed(run, data, watch, model)


def _resumed(run: Run, data: object | None, watch: Watch, model: object | None) -> Run:
    """See `resume`; no other process writes into the folder meanwhile."""
    info = run.info
    if info["status"] == "finished":
        raise RunError(f"{run.path} is finished; to train it further: penjing fit DATA --from {run.path}")
    if info.get("kind") == "adopted":  # to go on would train it
        raise RunError(
            f"{run.path} is of a network that was trained elsewhere, so remove it and give it again with pj.adopt"
        )
    if data is None and info["data"].get("path") is None:
        raise RunError(f"{run.path} was made from data in memory; give them again: pj.resume(run, data=…)")
    if not run.has_split:  # of a version that wrote it after run.json
        raise RunError(f"{run.path} holds too little to go on with, for its parts were not dealt yet; begin anew")
    wish = _own.recalled(wish_of(info), model, info["wish"].get("own", {}))  # older runs do not say
    # A training that has begun is never planned anew; one that has not is chosen as if it began now.
    has_begun = any(run.path.rglob(f"checkpoint/{_checkpoint.NAME}")) or info["deadline_seconds"] is None
    recipe = recipe_file(run)
    if (has_begun or info.get("has_own_recipe")) and recipe.exists():
        wish = replace(wish, recipe=replace(wish.recipe, recipe=Recipe.read(recipe)))
    clock = Clock(info["deadline_seconds"] or DEFAULT_SECONDS, not has_begun)
    previous = split.Split.read(run.path / "split.parquet")
    place = place_of(run, data, f"say where they are: penjing fit DATA --resume {run.path}")
    prepared = prepare(place, wish.data, clock, watch, previous, only=frozenset(previous.frame["hash"]))
    if sorted(prepared.hashes) != sorted(previous.frame["hash"].to_list()):
        raise DataError(f"the data of {run.path} have changed since it began; start anew, or use --from {run.path}")
    parent = open_run(info["parent"]) if goes_on(info) else None
    run.update(status="running", resumed=now())
    return _guarded(run, lambda: _grow(Job(run, prepared, wish, clock, parent, watch, run.path)))


def _guarded(run: Run, grow: Any) -> Run:
    """Carry out `grow`; whatever happens, `run.json` tells how it ended."""
    try:
        is_interrupted = grow()
    except KeyboardInterrupt:
        run.update(status="interrupted", finished=now())
        raise KeyboardInterrupt(run.path, run.has_weights) from None
    except Exception as problem:
        _note_failure(run, problem)
        raise
    run.update(status="interrupted" if is_interrupted else "finished", finished=now())
    try:
        write_report(run.path, pictures=bool(run.info["wish"]["pictures"]), **told_of(run))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(run.path, run.has_weights, not is_interrupted) from None
    if is_interrupted:
        raise KeyboardInterrupt(run.path, run.has_weights)
    return run


def _note_failure(run: Run, problem: Exception) -> None:
    """Say in `run.json` that it failed; where even that cannot be written, the first trouble is the one to tell."""
    with contextlib.suppress(PenjingError):
        run.update(status="failed", finished=now(), failure=str(problem))


def _grow(job: Job) -> bool:
    """Everything between the split and the report. Returns whether a person stopped it."""
    run, wish, clock, parent = job.run, job.wish, job.clock, job.parent
    if wish.recipe.recipe is not None:
        job = replace(job, prepared=seen_through(job.prepared, wish.recipe.recipe.pretrained))
    deals = deals_of(job.prepared, wish)
    problem = pose(job.prepared, deals[0].train, deals[0].valid, _learned(parent), own=wish.recipe.own)
    chosen = choose_recipe(job, problem)
    if not run.has_weights:  # else the recipe of the folder is that of the best so far
        run.write_recipe(chosen.recipe)
    if wish.is_final:
        _finish_final(job, problem, chosen)
        return False
    task, settings = _close.task_of(chosen.recipe)
    metric = task.metric(settings.metric)
    pairs = [(deal.train, deal.valid) for deal in deals]
    shown = _simple.bordered(job.prepared, chosen.recipe.training.border)
    floor = _simple.learn_floors(shown, pairs, metric, chosen.recipe.seed, clock, job.watch)
    contenders = pretrained_contenders(job, deals)
    is_interrupted = any(one.trained.is_interrupted for one in contenders)
    if not is_interrupted:
        taken_up(run)
        start = _checkpoint.load_weights(parent.path / "model.safetensors") if parent else None
        try:
            contenders.append(Contender(SCRATCH, job, *train_all(job, problem, deals, chosen, start)))
        except KeyboardInterrupt:  # before this one was measured once; `--resume` goes on with it
            if not contenders:
                raise
            is_interrupted = True
    rows = np.concatenate([deal.valid for deal in deals])
    winner = best_of(job, contenders, metric, rows)
    run.write_recipe(winner.trained.recipe)
    with clock.stage("closing"):
        close_run(winner, [one for one in contenders if one is not winner], floor, rows, len(deals) > 1)
    _note_cost(run, winner.trained, winner.problem, clock)
    is_interrupted = is_interrupted or contenders[-1].trained.is_interrupted
    if not is_interrupted:
        shutil.rmtree(run.path / ASIDE, ignore_errors=True)
    return is_interrupted


def _finish_final(job: Job, problem: Problem, chosen: Chosen) -> None:
    """Train the parent's recipe on training and validation items; nothing is chosen, so nothing is scored anew."""
    run, parent, clock = job.run, job.parent, job.clock
    assert parent is not None, "a final run has a parent"
    with clock.stage("training"):
        trained = engine.carry_out(chosen.recipe, problem, folder=run.path, watch=job.watch)
    if trained.is_interrupted:  # nothing measured it, so there is no best so far; `--resume` has its checkpoint
        raise KeyboardInterrupt
    _close.write_model(run, trained.network, job.prepared, problem)
    results = {name: value for name, value in parent.results.items() if name != "tested"}
    results["scores"] = [score for score in results["scores"] if score["part"] != "test"]
    write_json(run.path / "results.json", results)
    seen = ("pictures.npz", "shown.parquet") if job.wish.pictures else ()
    for name in ("predictions.parquet", *seen, _simple.FILE, _simple.ROWS_FILE):
        if (parent.path / name).exists():
            shutil.copyfile(parent.path / name, run.path / name)
    why = f"trained on validation items too, so the scores on validation are those of {parent.path}"
    run.note("final", str(parent.path), why)
    _note_cost(run, trained, problem, clock)


def _check_learnable(prepared: Prepared, parent: Run | None) -> None:
    title = prepared.table.title
    check_target(prepared.table, prepared.task, prepared.classes)
    if len(np.unique(prepared.truth[prepared.rows("train")], axis=0)) < 2:
        kind = "class" if prepared.task == "classify" else f'value of "{target_name(prepared.table) or "the target"}"'
        raise DataError(f"the training part of {title} holds one {kind} only; add items, or check the given split")
    if not len(prepared.rows("valid")) and not prepared.split.folds:
        items = len(prepared.rows("train"))
        groups = len(np.unique(prepared.groups[prepared.rows("train")]))
        raise DataError(
            f"the {items:,} items of {title} that can be learned from are {many(groups, 'group')} (copies and "
            "look-alikes of one item are one group), so none can be set aside to choose by; add items that differ"
        )
    if parent is not None and tuple(parent.prepare["classes"]) != prepared.classes:
        raise DataError(f"{title} has other classes than {parent.path}; going on from a run needs the same ones")


def _facts(
    prepared: Prepared, wish: FitWish, data: object, command: Sequence[str], clock: Clock, parent: Run | None
) -> dict[str, Any]:
    """What `run.json` says from the start."""
    is_path = isinstance(data, str | Path)
    about = facts(prepared)
    about["path"] = str(data) if is_path else None
    about["trained_items"] = len(prepared.rows("train"))
    about["items_outside_test"] = len(prepared.rows("train", "valid", "confirm"))
    return {
        "kind": "adopted" if is_adopted(wish) else "supervised",
        "command": list(command),
        "data": about,
        "said": list(prepared.said),
        "doubts": list(prepared.table.doubts),
        "findings": [asdict(one) for one in told_by_survey(prepared)],
        "seal": seal_facts(prepared),
        "lacking": _lacking(prepared, wish),
        "parent": str(parent.path) if parent else None,
        "deadline_seconds": clock.limit_seconds if clock.is_binding else None,
        "wish": plain_wish(wish),
        "has_own_recipe": wish.recipe.recipe is not None,
    }


def _lacking(prepared: Prepared, wish: FitWish) -> list[str]:
    """How to install encoders that would suit the data and are not at hand; nothing where none is wanted."""
    if wish.recipe.recipe is not None or wish.recipe.pretrained == NO:
        return []
    return [one.INSTALL for one in lacking(prepared)]


def _learned(parent: Run | None) -> dict[str, Any] | None:
    if parent is None:
        return None
    return {name: found["learned"] for name, found in parent.prepare["inputs"].items()}


def _note_cost(run: Run, trained: Trained, problem: Problem, clock: Clock) -> None:
    seconds = {name: round(value, 3) for name, value in clock.spent.items()}
    stalled = round(trained.stalled_seconds, 3)  # no stage: it lies inside the training
    cost = _close.cost(run, trained.network, problem)
    run.update(seconds=seconds, stalled_seconds=stalled, cost=cost, elapsed_seconds=round(clock.elapsed, 3))
