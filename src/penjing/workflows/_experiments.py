"""What experiments with a run's training tell: other seeds, fewer items, other sizes, more updates, parts hidden.

Each changes one thing, learns from the run's training items (or fewer) and is judged on its validation items, beside
the training itself and in pairs with it. Where the time is short, other seeds come first and whole, for a training
cut short is unsettled for that reason alone, but where the others would be too short to tell anything then; these are
made with a share of the updates, and held against the training itself with as many. What takes no training is looked
at with the run's own weights. Where it is plentiful, experiments are repeated with other seeds, which tells what is
luck. What they give lies in the run's folder, where checks read it; the run itself stays as it is. Nothing of the test
part is touched.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np

from penjing.checks._trials import SETTLED
from penjing.core import plugins, split
from penjing.core.budget import Clock
from penjing.core.errors import DataError, RunError, is_of_memory
from penjing.core.events import Said, Watch, tell
from penjing.core.files import append_line, read_lines, write_lines
from penjing.core.randomness import stream
from penjing.core.recipe import Machine, Recipe, uncompiled
from penjing.core.report.text import many
from penjing.core.run import HELD_OUT_FILE, TRIALS, Run
from penjing.core.spread import unit_of_item
from penjing.models.own import NAME as OWN
from penjing.training import _checkpoint, engine
from penjing.training._assemble import count_parameters
from penjing.training._plan import planned_anew, total_steps
from penjing.training._whole import check_weights
from penjing.workflows import _close, _own
from penjing.workflows._hidden import LINEAR_SECONDS, PARTS, alone, hidden
from penjing.workflows._laboratory import VERSION, Laboratory, Plan, TooLongError, guard
from penjing.workflows._place import place_of
from penjing.workflows._prepare import prepare
from penjing.workflows._pretrained import check_seeing, seen_through
from penjing.workflows._problem import pose
from penjing.workflows._repeatable import (
    FEWEST_GROUPS,
    NOBODY,
    WIDTHS,
    can_clean,
    lacks_data,
    of_one_group,
    refused,
)
from penjing.workflows._reread import check_same
from penjing.workflows._wish import stored_wish

SEEDS = 2  # beside the run's own
MORE_SEEDS = 4  # the same where there is time
TURNS = 3  # trainings of one experiment, each with a seed of its own, where there is time
# Of the time, that whole trainings with other seeds may take where not all experiments can be whole.
SEEDS_SHARE = 0.5
SHARES = (0.5, 0.25)  # of the training items
LONGER = 2  # times the updates
# Where the time is not enough for whole trainings, all of them take this share of the updates at least: checks say
# nothing of shorter ones, and few experiments that tell something are worth more than many that do not.
LEAST_SHARE = SETTLED
FOLDS = 3  # of the training items, each doubted by a network that learned from the others
HELD_OUT = "held_out"
# What all experiments cost, in trainings: a larger network costs about 2 where updates are small, and is left out where
# it costs more than the time there is; a smaller one costs 1, and itself 1.
COSTS = SEEDS + len(SHARES) + LONGER + 2 + 1 + 1
FEWEST_UPDATES = 20
PROBE_SECONDS = 3.0  # that measuring the arithmetic takes, about; twice as many at most
LINEAR_SHARE = 0.05  # of the time that is left, for each linear model of a part of the pictures
LEAST_SECONDS = 0.05  # of a training, for clocks and machines are not exact
ABOUT = 0.7  # of the updates there is time for: so many at least are as good as another number, where they are made
Known = set[tuple[str, str, int, int]]  # experiment, setting, seed and updates of what is done already


def experiment(
    run: Run, seconds: float, data: object | None = None, watch: Watch = None, model: object | None = None
) -> int:
    """Make the experiments that fit into the time, the most telling first, and keep what they give in the run's folder.

    Args:
        run: a finished run.
        data: where the data are now; None takes the place they had.
        watch: is told what happens.
        model: the person's own network, where the run was given it as an object.

    Returns:
        How many are known now.

    Raises:
        RunError: its training cannot be repeated.
        DataError: the data are gone or have changed.
        UsageError: the network is not the one of the run.
    """
    clock = Clock(seconds)
    whole = _laboratory(run, clock, data, watch, model)
    known = _known(run)
    if not _has_folds(whole) and clock.left:
        _itself(whole, known)
        _look_quickly(whole, known)
    lab = whole
    if _share(whole.seconds, whole.steps, clock) < 1:
        if _has_time_for_seeds(whole):
            _other_seeds(whole, known)
        lab = _shortened(whole, _share(whole.seconds, whole.steps, clock), read_lines(run.path / TRIALS))
    try:
        if lab.network is None:
            _itself(lab, known)
    except RunError as error:
        if all(name == "itself" for name, *_ in _known(run)):
            raise
        tell(watch, Said(str(error)))
        return _count(run)
    known = _known(run)
    if _has_folds(whole):
        _look_quickly(lab, known)
    for plan in _plans(lab):
        _carry_out(lab, plan, known)
    return _count(run)


def _known(run: Run) -> Known:
    """What is done already, with however many updates: those who read it take the longest trainings. What an older
    version of the experiments gave is forgotten, for their names meant something else."""
    found = read_lines(run.path / TRIALS)
    rows = [row for row in found if row.get("version") == VERSION and "steps" in row]
    if len(rows) < len(found):  # else what another process appends meanwhile would be lost
        write_lines(run.path / TRIALS, rows)
    return {_key(row) for row in rows}


def _key(row: Mapping[str, Any]) -> tuple[str, str, int, int]:
    """What tells an experiment apart; see `Known`."""
    return row["experiment"], row["setting"], int(row.get("seed") or 0), int(row["steps"])


def _count(run: Run) -> int:
    """How many experiments are known."""
    return len({(row["experiment"], row["setting"], row.get("seed")) for row in read_lines(run.path / TRIALS)})


def _has_time_for_seeds(whole: Laboratory) -> bool:
    """Whether whole trainings with other seeds leave the time for what comes after them: half of it at the least, and
    enough for trainings of which checks can tell something."""
    seeds = (SEEDS + _has_folds(whole)) * whole.seconds
    left = whole.clock.left
    return seeds <= SEEDS_SHARE * left and left - seeds >= SETTLED * COSTS * whole.seconds


def _other_seeds(whole: Laboratory, known: Known) -> None:
    """Whole trainings with other seeds, which end with their share of the time at the latest."""
    lab = replace(whole, clock=Clock(SEEDS_SHARE * whole.clock.left))
    try:
        if lab.network is None:
            _itself(lab, known)
    except RunError:  # it took far longer than it was forecast to; there is time for shorter ones yet
        return
    for number in range(1, SEEDS + 1):
        _carry_out(lab, _seed(lab, number), known)


def _is_made(plan: Plan, steps: int, known: Known) -> bool:
    """Whether an experiment is known already, or was made with longer trainings, beside which nobody would read it;
    other seeds tell the luck of trainings that are as long as they are."""
    if plan.experiment != "seed" and any(name == plan.experiment and count > steps for name, _, _, count in known):
        return True
    same = {(name, setting) for name, setting, seed, count in known if (seed, count) == (plan.recipe.seed, steps)}
    return plan.experiment in {name for name, _ in same} if plan.experiment == "cleaned" else plan.key in same


def _carry_out(lab: Laboratory, plan: Plan, known: Known) -> None:
    """One experiment, where it is not known yet and the time is enough; what it gives is kept."""
    if _is_made(plan, lab.steps, known) or plan.cost * lab.seconds > lab.clock.left:
        return
    try:
        plan = lab.priced(plan)
        if plan.cost * lab.seconds > lab.clock.left:
            return
        tell(lab.watch, Said(f"experiment: {_spoken(plan)}"))
        row = _cleaned(lab, plan) if plan.experiment == "cleaned" else lab.carry_out(plan)
        append_line(lab.run.path / TRIALS, row)
    except TooLongError:
        tell(lab.watch, Said(f"{_spoken(plan)}: given up, for it takes too long"))
    except engine.NOTHING_LEARNED as error:  # one of the folds that doubt the labels diverged
        tell(lab.watch, Said(f"{_spoken(plan)}: given up, for {error}"))
    except (MemoryError, RuntimeError) as problem:  # such as of a larger network
        if not is_of_memory(problem):
            raise
        tell(lab.watch, Said(f"{_spoken(plan)}: given up, for there was not enough memory"))


def _laboratory(run: Run, clock: Clock, data: object | None, watch: Watch, model: object | None = None) -> Laboratory:
    why = refused(run)
    if why:
        raise RunError(why)
    recipe, own = _own.given_again(run, model, "diagnose")
    if data is None and lacks_data(run):
        raise DataError(lacks_data(run))
    place = place_of(run, data)
    dealt = split.Split.read(run.path / "split.parquet")
    prepared = prepare(place, stored_wish(run), clock, None, dealt, frozenset(dealt.frame["hash"]))
    check_same(run, prepared, dealt)
    train, valid = prepared.rows("train"), prepared.rows("valid")
    if dealt.folds:  # one of its folds stands for all
        outside, fold = prepared.rows("train", "valid", "confirm"), dealt.frame["fold"].to_numpy()
        train, valid = (outside[(fold[outside] == 0) == is_valid] for is_valid in (False, True))
    if len(np.unique(unit_of_item(prepared.groups[valid], len(valid)))) < FEWEST_GROUPS:
        raise RunError(of_one_group(run))
    taken = float(run.steps[-1].get("seconds") or 0.0) * _grown(total_steps(recipe.training), run.steps[-1])
    check_seeing(prepared, recipe.pretrained, clock, COSTS * LEAST_SHARE * taken)
    prepared = seen_through(prepared, recipe.pretrained)
    problem = pose(prepared, train, valid, own=own)
    if recipe.model.name == OWN:
        check_weights(recipe, problem, "give the object itself with model=")
    recipe = uncompiled(replace(recipe, split=replace(recipe.split, folds=0, fold=-1)))
    return Laboratory(run, prepared, recipe, problem, clock, watch, max(taken, LEAST_SECONDS))


def _has_folds(lab: Laboratory) -> bool:
    """Whether the run's own network learned from other items than experiments do, so that itself is trained again."""
    return bool(lab.prepared.split.folds)


def _shortened(whole: Laboratory, share: float, known: Sequence[Mapping[str, Any]]) -> Laboratory:
    """The laboratory with trainings of a share of the updates; or of about as many as some were made with before; or of
    more, where others were made with these and there is time for those that are missing."""
    least = math.ceil(whole.steps * LEAST_SHARE)
    planned = max(least, round(whole.steps * share))
    # The training itself, parts hidden and other seeds are whole where the others are not.
    before = [int(row.get("steps") or 0) for row in known if row["experiment"] in {"share", *WIDTHS}]
    for steps in sorted({one for one in before if one > planned}, reverse=True):
        lab = _of_updates(whole, steps)
        if _missing(lab, {_key(row) for row in known}) * lab.seconds <= whole.clock.left:
            return lab
    alike = [one for one in before if max(least, planned * ABOUT) <= one <= planned / ABOUT]
    return _of_updates(whole, max(alike, default=planned))


def _of_updates(whole: Laboratory, steps: int) -> Laboratory:
    """The laboratory with trainings of so many updates."""
    if steps == whole.steps:
        return whole
    recipe = replace(whole.recipe, training=planned_anew(whole.recipe.training, steps))
    seconds = max(whole.seconds * steps / whole.steps, LEAST_SECONDS)
    return replace(whole, recipe=recipe, seconds=seconds, answer=np.empty(0), network=None, answers={})


def _missing(lab: Laboratory, known: Known) -> float:
    """What the experiments cost that are not known yet, without repeated ones, and the training itself, which they are
    held against; in trainings."""
    costs = [plan.cost for plan in _plans_once(lab) if not _is_made(plan, lab.steps, known)]
    return sum(costs) + (lab.network is None)


def _grown(steps: int, last: Mapping[str, Any]) -> float:
    return steps / max(1, int(last.get("step") or steps))


def _share(taken: float, steps: int, clock: Clock) -> float:
    """The share of the updates that lets all experiments end within the time; 1 where whole trainings do."""
    least = max(LEAST_SHARE, min(1.0, FEWEST_UPDATES / steps))
    return float(np.clip(clock.left / max(COSTS * taken, 1e-9), least, 1.0))


def _itself(lab: Laboratory, known: Known) -> None:
    """The training itself: its own weights where it took as many updates, else trained again with fewer.

    Raises:
        RunError: the time is not enough for that.
    """
    plan = Plan("itself", "", lab.recipe, lab.problem.train, 1.0)
    if lab.steps == total_steps(lab.run.recipe.training) and not _has_folds(lab):
        _take_up(lab)
    else:
        tell(lab.watch, Said(f"the training itself, with {many(lab.steps, 'update')}"))
        begun = time.monotonic()
        try:
            until = guard(lab.clock.left)
            lab.network = engine.carry_out(lab.recipe, lab.problem, watch=until, is_recorded=False).network
        except TooLongError as problem:
            raise RunError(f"the time is not enough for one training of {lab.run.path}; give more --time") from problem
        lab.seconds = time.monotonic() - begun
        lab.answer = lab.answered(lab.network, lab.problem.items)
    if (*plan.key, lab.recipe.seed, lab.steps) not in known:
        row = lab.row(plan, lab.answer, count_parameters(lab.network), lab.learned(lab.network, lab.problem))
        append_line(lab.run.path / TRIALS, row)


def _take_up(lab: Laboratory) -> None:
    """The run's own network, and what it answers."""
    lab.network = engine.assemble(lab.recipe, lab.problem)
    lab.network.load_state_dict(_checkpoint.load_weights(lab.run.path / "model.safetensors"))
    lab.answer = lab.answered(lab.network.eval(), lab.problem.items)


def _look_quickly(lab: Laboratory, known: Known) -> None:
    """What takes no training, kept."""
    for row in _quick(lab, known):
        append_line(lab.run.path / TRIALS, row)


def looked_at(lab: Laboratory) -> list[dict[str, Any]]:
    """What hidden parts of pictures cost a run with weights of its own, beside the training itself; nothing is kept."""
    _take_up(lab)
    itself = lab.row(Plan("itself", "", lab.recipe, lab.problem.train, 1.0), lab.answer, None)
    return [itself, *_hiding(lab, set())]


def _hiding(lab: Laboratory, done: Set[str]) -> Iterator[dict[str, Any]]:
    """The answers of the training itself with parts of pictures hidden, and of a linear model that is shown nothing
    else; not that of a border that the network does not see."""

    def row(setting: str, answer: np.ndarray) -> dict[str, Any]:
        return lab.row(Plan("hidden", setting, lab.recipe, lab.problem.train, 0.0), answer, None)

    for where, items in hidden(lab.problem):
        if where not in done:
            yield row(where, lab.answered(lab.network, items))
    is_told = lab.recipe.task.name == "classify" and not lab.recipe.training.border
    if is_told and not {f"{where} alone" for where in PARTS} <= done:
        for where, answer in alone(lab.problem, min(LINEAR_SECONDS, LINEAR_SHARE * lab.clock.left)):
            if f"{where} alone" not in done:
                yield row(f"{where} alone", answer)


def _quick(lab: Laboratory, known: Known) -> Iterator[dict[str, Any]]:
    """What takes no training: parts of pictures hidden, and other ways to do the arithmetic."""
    done = {(experiment, setting) for experiment, setting, _, steps in known if steps == lab.steps}
    yield from _hiding(lab, {setting for experiment, setting in done if experiment == "hidden"})
    shortest = LEAST_SHARE * lab.seconds  # which tells more than how fast the arithmetic is
    if any(name == "arithmetic" for name, _ in done) or lab.clock.left < 2 * PROBE_SECONDS + shortest:
        return
    _, measured = engine.fastest(lab.recipe, lab.problem, 2 * PROBE_SECONDS, is_thorough=True)
    itself = lab.row(Plan("arithmetic", "", lab.recipe, lab.problem.train, 0.0), lab.answer, None)
    for one in measured:
        is_own = one.machine == lab.recipe.machine
        if one.is_right or is_own:  # what is wrong is told of the own way alone
            about = {"seconds": one.step_seconds, "is_own": is_own, "is_right": one.is_right}
            yield {**itself, "setting": _way(one.machine), "option": _option(one.machine), **about}


def _way(machine: Machine) -> str:
    return f"{machine.number_format}, {machine.layout.replace('_', ' ')}, {many(machine.threads, 'thread')}"


def _option(machine: Machine) -> str:
    return " ".join(f"--set machine.{name}={getattr(machine, name)}" for name in ("number_format", "layout", "threads"))


def _seed(lab: Laboratory, number: int) -> Plan:
    """The training itself with another seed."""
    recipe = replace(lab.recipe, seed=lab.recipe.seed + number)
    return Plan("seed", str(recipe.seed), recipe, lab.problem.train, 1.0)


def _plans(lab: Laboratory) -> Iterator[Plan]:
    """The experiments that take trainings, the most telling first; then some again with other seeds."""
    yield from _plans_once(lab)
    if _is_short(lab):
        return
    seed = lab.recipe.seed
    for turn in range(1, TURNS):
        for plan in (*_sizes(lab), *_shares(lab, turn)):
            yield replace(plan, recipe=replace(plan.recipe, seed=seed + turn))
    yield from (_seed(lab, number) for number in range(SEEDS + 1, MORE_SEEDS + 1))


def _is_short(lab: Laboratory) -> bool:
    """Whether its trainings take fewer updates than the run's."""
    return lab.steps < total_steps(lab.run.recipe.training)


def _plans_once(lab: Laboratory) -> Iterator[Plan]:
    """Each experiment that takes trainings, the most telling first."""
    recipe, train, sizes = lab.recipe, lab.problem.train, _sizes(lab)
    # Where others are whole, one is enough to know the luck of trainings cut short; a smaller network takes least.
    yield from (_seed(lab, number) for number in range(1, 2 if _is_short(lab) else SEEDS + 1))
    yield from (plan for plan in sizes if plan.experiment == "smaller")
    yield from _shares(lab, 0)
    yield from (plan for plan in sizes if plan.experiment != "smaller")
    longer = planned_anew(recipe.training, LONGER * lab.steps)
    yield Plan("longer", str(LONGER), replace(recipe, training=longer), train, float(LONGER))
    groups = len(np.unique(lab.prepared.groups[train]))
    if can_clean(recipe, len(train), groups):
        yield Plan("cleaned", "", recipe, train, FOLDS + 1.0)


def _sizes(lab: Laboratory) -> list[Plan]:
    """Networks of other widths."""
    found = []
    for experiment, remedy in WIDTHS.items():
        other = plugins.load("remedies", remedy).apply(lab.recipe, NOBODY)
        if isinstance(other, Recipe):
            found.append(Plan(experiment, "width", other, lab.problem.train, 1.0, is_priced=experiment != "larger"))
    return found


def _shares(lab: Laboratory, turn: int) -> Iterator[Plan]:
    """Fewer items to learn from, others in each turn."""
    for share in SHARES:
        rows = _fewer(lab, share, turn)
        if len(lab.problem.classes) < len(rows) < len(lab.problem.train):
            yield Plan("share", str(share), lab.recipe, rows, 1.0)


def _cleaned(lab: Laboratory, plan: Plan) -> dict[str, Any]:
    """The training without the items whose labels are doubted by networks that never saw them.

    What those networks say of the items is kept beside the run, for the check of labels.
    """
    rows, truth = plan.rows, lab.prepared.truth[plan.rows]
    fold = split.inner_folds(lab.prepared.groups[rows], lab.prepared.strata(rows), FOLDS)
    answer = np.zeros((len(rows), len(lab.problem.classes)), np.float32)
    for number in np.unique(fold).tolist():
        problem = pose(lab.prepared, rows[fold != number], lab.problem.valid, own=lab.problem.own)
        network = engine.carry_out(plan.recipe, problem, watch=lab.guard(1.0), is_recorded=False).network
        chosen = engine.outputs(network, problem.items, lab.problem.valid)
        held_out = engine.outputs(network, problem.items, rows[fold == number])
        answer[fold == number] = lab.task.answer(held_out, lab.task.calibrate(chosen, lab.truth))
    answers = [_close.Answers(HELD_OUT, answer)]
    _close.write_predictions(lab.run, lab.prepared, rows, answers, "train", lab.task, file=HELD_OUT_FILE)
    doubted = plugins.load("checks", "label_errors").doubts(answer, truth)
    if not doubted.any():
        return lab.row(replace(plan, setting="0"), lab.answer, None)
    return lab.carry_out(replace(plan, setting=str(int(doubted.sum())), rows=rows[~doubted], cost=1.0))


def _fewer(lab: Laboratory, share: float, turn: int = 0) -> np.ndarray:
    """A share of the training rows, of every class alike and in whole groups, for half of the items of every group are
    nearly all of what the groups tell; the smaller shares lie within the larger ones."""
    rows = lab.problem.train
    strata, unit = lab.prepared.strata(rows), unit_of_item(lab.prepared.groups[rows], len(rows))
    draw = stream(turn, "share of the training items").permutation(int(unit.max()) + 1)
    _, first, size = np.unique(unit, return_index=True, return_counts=True)
    of_unit = strata[first]  # a group of several classes counts as its first item does
    kept = np.zeros(len(draw), dtype=bool)
    for stratum in np.unique(of_unit):
        units = draw[of_unit[draw] == stratum]
        before = np.cumsum(size[units]) - size[units]
        kept[units[before < share * size[units].sum()]] = True
    found: np.ndarray = rows[kept[unit]]
    return np.sort(found)


def _spoken(plan: Plan) -> str:
    words = {
        "seed": "another seed ({})",
        "share": "{} of the training items",
        "larger": "a larger network",
        "smaller": "a network of half the width",
        "longer": "{} times the updates",
        "cleaned": "doubted labels left out",
    }
    setting = f"{float(plan.setting):.0%}" if plan.experiment == "share" else plan.setting
    return words[plan.experiment].format(setting)
