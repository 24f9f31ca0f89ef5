"""Data in, run out: the five steps of the job, each of which is one call below.

preprocess → build → train → validate → (test is another verb, which opens the seal)
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core import plugins, split, statistics
from penjing.core.budget import DEFAULT_SECONDS, Clock
from penjing.core.errors import DataError, PenjingError, RunError
from penjing.core.events import Decided, Said, Watch, tell
from penjing.core.files import write_json, write_text
from penjing.core.recipe import Choice, DataChoices, Recipe, SplitChoices
from penjing.core.report import write_report
from penjing.core.run import Run, create, now, open_run
from penjing.core.statistics import Metric
from penjing.models.own import NAME as OWN
from penjing.training import _checkpoint, engine
from penjing.training._loop import Pace
from penjing.training._plan import planned_anew, total_steps
from penjing.training._whole import check_weights
from penjing.training.engine import Problem, Trained
from penjing.workflows import _close, _own, _simple
from penjing.workflows._choose import Chosen, base_recipe, choose
from penjing.workflows._contribute import contributions
from penjing.workflows._prepare import Prepared, facts, prepare, seal_facts
from penjing.workflows._pretrained import MOST_SHARE, NO, affordable, at_hand, lacking, seen_through
from penjing.workflows._problem import pose
from penjing.workflows._shown import write_shown
from penjing.workflows._wish import FitWish, plain_wish, settled, wish_of

FOLDS_FOLDER = "folds"
SCRATCH, PRETRAINED = "from_scratch", "pretrained"
WORDS = {SCRATCH: "trained from scratch", PRETRAINED: "a head on pretrained features"}
CHANCE = 1e-9  # a difference of rounding
# Of the time left for training, what a head on features from elsewhere may take: it learns fast.
PRETRAINED_SHARE = 0.3


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


def fit(data: object, wish: FitWish, command: Sequence[str] = (), watch: Watch = None) -> Run:
    """Train, within the deadline, and return the run.

    Args:
        data: a path, arrays, a data frame or a Dataset.
        wish: what the person asked.
        command: the words that repeat this run.
        watch: is told what happens.

    Raises:
        DataError: there is nothing to learn from, and the message says what is missing.
        UsageError: an option does not exist or does not fit the data.
        RunError: the run folder cannot be written, or the training diverged.
        KeyboardInterrupt: a person stopped it; the best so far is in the run folder. It carries that folder, and
            whether it has weights.
    """
    is_binding = wish.seconds is not None or wish.recipe.recipe is None
    clock = Clock(wish.seconds or DEFAULT_SECONDS, is_binding)
    wish, parent = settled(_own.as_it_takes(wish, watch), watch)
    previous = split.Split.read(parent.path / "split.parquet") if parent else None
    prepared = prepare(data, wish.data, clock, watch, previous)
    # From here on the run knows its corrections by content: their file may change, move or go.
    wish = replace(wish, data=replace(wish.data, corrections="", corrected=prepared.corrections))
    _check_learnable(prepared, parent)
    for sentence in _notices(prepared):
        tell(watch, Said(sentence))
    run = create(wish.out, prepared.table.title, _facts(prepared, wish, data, command, clock, parent))
    prepared.split.write(run.path / "split.parquet")
    if wish.recipe.recipe is not None:
        run.write_recipe(wish.recipe.recipe)  # from here on the run can be resumed as it was asked for
    return _guarded(run, lambda: _grow(Job(run, prepared, wish, clock, parent, watch, run.path)))


def resume(path: str | Path, data: object | None = None, watch: Watch = None, model: object | None = None) -> Run:
    """Go on with a run that was killed or interrupted, to the weights it would have had.

    Args:
        path: its folder.
        data: where the data are now; None takes the place they had.
        watch: is told what happens.
        model: a person's own network, where the run cannot make it again.

    Raises:
        RunError: the run is finished, or holds too little to go on.
        DataError: the data are not there any more, or have changed.
    """
    run = open_run(path)
    info = run.info
    if info["status"] == "finished":
        raise RunError(f"{run.path} is finished; to train it further: penjing fit DATA --from {run.path}")
    if data is None and info["data"].get("path") is None:
        raise RunError(f"{run.path} was made from data in memory; give them again: pj.resume(run, data=…)")
    wish = _own.recalled(wish_of(info), model)
    # A training that has begun is never planned anew; one that has not is chosen as if it began now.
    has_begun = any(run.path.rglob(f"checkpoint/{_checkpoint.NAME}")) or info["deadline_seconds"] is None
    if (has_begun or info.get("has_own_recipe")) and (run.path / "recipe.toml").exists():
        wish = replace(wish, recipe=replace(wish.recipe, recipe=run.recipe))
    clock = Clock(info["deadline_seconds"] or DEFAULT_SECONDS, not has_begun)
    previous = split.Split.read(run.path / "split.parquet")
    place = info["data"]["path"] if data is None else data
    prepared = prepare(place, wish.data, clock, watch, previous, only=frozenset(previous.frame["hash"]))
    if sorted(prepared.hashes) != sorted(previous.frame["hash"].to_list()):
        raise DataError(f"the data of {run.path} have changed since it began; start anew, or use --from {run.path}")
    run.update(status="running", resumed=now())
    parent = open_run(info["parent"]) if info.get("parent") else None
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
    write_report(run.path, pictures=bool(run.info["wish"]["pictures"]))
    if is_interrupted:
        raise KeyboardInterrupt(run.path, run.has_weights)
    return run


def _note_failure(run: Run, problem: Exception) -> None:
    """Say in `run.json` that it failed; where even that cannot be written, the first trouble is the one to tell."""
    with contextlib.suppress(PenjingError):
        run.update(status="failed", finished=now(), failure=str(problem))


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


def _grow(job: Job) -> bool:
    """Everything between the split and the report. Returns whether a person stopped it."""
    run, wish, clock, parent = job.run, job.wish, job.clock, job.parent
    if wish.recipe.recipe is not None:
        job = replace(job, prepared=seen_through(job.prepared, wish.recipe.recipe.pretrained))
    deals = _deals(job.prepared, wish)
    problem = pose(job.prepared, deals[0].train, deals[0].valid, _learned(parent), own=wish.recipe.own)
    chosen = _choose(job, problem)
    run.write_recipe(chosen.recipe)
    if wish.is_final:
        return _finish_final(job, problem, chosen)
    task, settings = _close.task_of(chosen.recipe)
    metric = task.metric(settings.metric)
    pairs = [(deal.train, deal.valid) for deal in deals]
    floor = _simple.learn_floors(job.prepared, pairs, metric, chosen.recipe.seed, clock, job.watch)
    contenders = _pretrained_contender(job, deals)
    start = _checkpoint.load_weights(parent.path / "model.safetensors") if parent else None
    contenders.append(Contender(SCRATCH, job, problem, *_train_all(job, problem, deals, chosen, start)))
    rows = np.concatenate([deal.valid for deal in deals])
    winner = _best(job, contenders, metric, rows)
    run.write_recipe(winner.trained.recipe)
    with clock.stage("closing"):
        _close_run(winner, [one for one in contenders if one is not winner], floor, rows, len(deals) > 1)
    _note_cost(run, winner.trained, winner.problem, clock)
    return winner.trained.is_interrupted or contenders[-1].trained.is_interrupted


def _pretrained_contender(job: Job, deals: Sequence[Deal]) -> list[Contender]:
    """A head on features that were learned elsewhere, where an encoder is at hand and the time allows it."""
    folder = job.run.path / PRETRAINED
    kept = folder / "recipe.toml"
    wish = job.wish
    if kept.exists():  # a run that goes on
        given = Recipe.read(kept)
        wish = replace(wish, recipe=replace(wish.recipe, recipe=given))
        encoders = dict(given.pretrained)
    elif wish.recipe.recipe is not None or wish.recipe.model:
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
    chosen = _choose(other, problem)
    chosen = replace(chosen, recipe=replace(chosen.recipe, pretrained=encoders))
    folder.mkdir(exist_ok=True)
    write_text(kept, chosen.recipe.to_toml())
    return [Contender(PRETRAINED, other, problem, *_train_all(other, problem, deals, chosen, None))]


def _within_time(job: Job, encoders: Mapping[str, Choice]) -> dict[str, Choice]:
    """The encoders that the time allows; those that it does not are said."""
    share = MOST_SHARE * job.clock.training_left
    found = affordable(job.prepared, encoders, share)
    late = [choice.name for name, choice in encoders.items() if name not in found]
    if late:
        why = f"seeing all items through {' and '.join(late)} would take more than {share:.0f} s"
        job.run.note("pretrained features", "no", why)
        tell(job.watch, Said(f"pretrained features are left out: {why}; give more --time"))
    return found


def _best(job: Job, contenders: Sequence[Contender], metric: Metric, rows: np.ndarray) -> Contender:
    """The contender that validation prefers by the metric, or by the loss where the items are too few for the metric
    to tell."""
    if len(contenders) == 1:
        return contenders[0]
    task = plugins.load("tasks", job.prepared.task)
    truth, groups = job.prepared.truth[rows], job.prepared.groups[rows]
    answers = {one.name: task.answer(one.logits) for one in contenders}
    scores = {
        name: statistics.score(metric, truth, answer, part="valid", groups=groups) for name, answer in answers.items()
    }
    values = {name: score.value for name, score in scores.items()}
    losses = {name: float(np.mean(task.item_losses(truth, answer))) for name, answer in answers.items()}
    sign = 1.0 if metric.is_higher_better else -1.0
    ranked = sorted(contenders, key=lambda one: -sign * values[one.name])
    best, *others = ranked
    # Half of a 95 % interval is about two standard errors; what lies within one of them may be chance.
    doubt = (scores[best.name].high - scores[best.name].low) / 4
    close = [one for one in others if abs(values[best.name] - values[one.name]) <= max(doubt, CHANCE)]
    winner = min([best, *close], key=lambda one: losses[one.name])
    shown = ", ".join(f"{WORDS[name]} {value:.3f}" for name, value in values.items())
    by = f"; the loss decides: {', '.join(f'{losses[one.name]:.3f}' for one in contenders)}" if close else ""
    decided = Decided("network", WORDS[winner.name], f"on validation: {shown}{by}", {**values, "losses": losses})
    job.run.note(decided.what, decided.choice, decided.why, evidence=dict(decided.evidence))
    tell(job.watch, decided)
    if winner.name == PRETRAINED:
        shutil.copyfile(winner.job.folder / "record.jsonl", job.run.path / "record.jsonl")
    return winner


def _close_run(
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
    contributed = contributions(network, problem, prepared, task, task.metric(settings.metric))
    _close.write_results(run, settings, prepared, scores, answers, calibrated, contributed, task)
    _simple.keep_floor(run.path, floor.kept, floor.rows, prepared)
    _close.learn_unlike(run, network, problem, prepared.strata, None if has_folds else recipe.seed)
    if job.wish.pictures:
        if prepared.pictures is not None:
            _close.write_pictures(run, network, prepared, problem.train, rows, answer)
        write_shown(run, prepared)


def _deals(prepared: Prepared, wish: FitWish) -> list[Deal]:
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


def _choose(job: Job, problem: Problem) -> Chosen:
    """The recipe: the one that was given, or the one that short trials choose."""
    prepared, wish, clock = job.prepared, job.wish, job.clock
    given = wish.recipe.recipe
    if given is not None:
        if given.model.name == OWN and job.parent is None and not any(job.run.path.rglob(_checkpoint.NAME)):
            check_weights(given, problem)
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
    if _is_adopted(wish):
        return Chosen(base, base.training.steps)
    chosen = choose(problem, base, wish.recipe, clock, job.watch)
    for decided in chosen.decisions:
        job.run.note(decided.what, decided.choice, decided.why, evidence=dict(decided.evidence))
    return chosen


def _train_all(
    job: Job, problem: Problem, deals: Sequence[Deal], chosen: Chosen, start: Mapping[str, Any] | None
) -> tuple[Trained, np.ndarray]:
    """The trained network, and its logits on the rows that validate (each from a network that never saw them)."""
    prepared, clock, watch = job.prepared, job.clock, job.watch

    def pace(seconds_left: float) -> Pace | None:
        return Pace(time.monotonic() + job.share * seconds_left, chosen.most_steps) if clock.is_binding else None

    if _is_adopted(job.wish):
        network = engine.assemble(chosen.recipe, problem).eval()
        found = [engine.outputs(network, problem.items, deal.valid) for deal in deals]
        return Trained(chosen.recipe, network, None, 0), np.concatenate(found)
    logits, planned = [], chosen.recipe
    if len(deals) > 1:
        for number, deal in enumerate(deals):
            tell(watch, Said(f"fold {number + 1} of {len(deals)}"))
            posed = pose(prepared, deal.train, deal.valid, own=problem.own)
            recipe = replace(planned, split=replace(planned.split, fold=number))
            folder = job.folder / FOLDS_FOLDER / str(number)
            with clock.stage("training"):
                # The last share is for the network that is kept, which learns from all of them.
                share = pace(clock.training_left / (len(deals) - number + 1))
                trained = engine.carry_out(recipe, posed, pace=share, folder=folder, watch=watch)
            if trained.is_interrupted:
                raise KeyboardInterrupt
            if not clock.is_binding:  # what has no deadline of its own takes the steps that the first fold took
                steps = total_steps(trained.recipe.training)
                planned = replace(planned, training=planned_anew(planned.training, steps))
            logits.append(engine.outputs(trained.network, posed.items, deal.valid))
        every = np.sort(np.concatenate([deal.valid for deal in deals]))
        problem = replace(problem, train=every, valid=np.empty(0, np.int64))
    with clock.stage("training"):
        rest = pace(clock.training_left)
        trained = engine.carry_out(planned, problem, pace=rest, folder=job.folder, start=start, watch=watch)
    if len(deals) == 1:
        logits.append(engine.outputs(trained.network, problem.items, problem.valid))
    return trained, np.concatenate(logits)


def _is_adopted(wish: FitWish) -> bool:
    """Whether the network is one that was trained elsewhere, and is not trained here."""
    return wish.recipe.own is not None and wish.recipe.own.is_trained


def _finish_final(job: Job, problem: Problem, chosen: Chosen) -> bool:
    """Train the parent's recipe on training and validation items; nothing is chosen, so nothing is scored anew."""
    run, parent, clock = job.run, job.parent, job.clock
    assert parent is not None, "a final run has a parent"
    with clock.stage("training"):
        trained = engine.carry_out(chosen.recipe, problem, folder=run.path, watch=job.watch)
    _close.write_model(run, trained.network, job.prepared, problem)
    results = {name: value for name, value in parent.results.items() if name != "tested"}
    results["scores"] = [score for score in results["scores"] if score["part"] != "test"]
    write_json(run.path / "results.json", results)
    for name in ("predictions.parquet", "pictures.npz", "shown.parquet", _simple.FILE, _simple.ROWS_FILE):
        if (parent.path / name).exists():
            shutil.copyfile(parent.path / name, run.path / name)
    why = f"trained on validation items too, so the scores on validation are those of {parent.path}"
    run.note("final", str(parent.path), why)
    _note_cost(run, trained, problem, clock)
    return trained.is_interrupted


def _check_learnable(prepared: Prepared, parent: Run | None) -> None:
    title = prepared.table.title
    if prepared.table.target is None:
        raise DataError(
            f"{title} has no labels: expected one folder per class, or a table with a label column; "
            "name the column with --target"
        )
    if prepared.task == "classify" and len(prepared.classes) < 2:
        raise DataError(f'{title} holds one class only ("{prepared.classes[0]}"); expected at least two')
    if len(np.unique(prepared.truth[prepared.rows("train")], axis=0)) < 2:
        kind = "class" if prepared.task == "classify" else "value of the target"
        raise DataError(f"the training part of {title} holds one {kind} only; add items, or check the given split")
    if parent is not None and tuple(parent.prepare["classes"]) != prepared.classes:
        raise DataError(f"{title} has other classes than {parent.path}; going on from a run needs the same ones")


def _notices(prepared: Prepared) -> list[str]:
    """What a person should know of the target, told from the training part."""
    task = plugins.load("tasks", prepared.task)
    found: list[str] = task.notices(prepared.truth[prepared.rows("train")], prepared.classes)
    return found


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
        "kind": "adopted" if _is_adopted(wish) else "supervised",
        "command": list(command),
        "data": about,
        "said": list(prepared.said),
        "doubts": list(prepared.table.doubts),
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
    seconds["stalled"] = round(trained.stalled_seconds, 3)
    cost = _close.cost(run, trained.network, problem)
    run.update(seconds=seconds, cost=cost, elapsed_seconds=round(clock.elapsed, 3))
