"""Fit that looks after itself: a short training, what is wrong with it, what helps, and then the training that is kept.

data → short run → findings → treatment → assignments → run

All of it shares one deadline. The first training is short, so that a healthy one loses little; reading the data is done
once for all and does not count in its time. Remedies are judged on trainings as short as that, and what helped is taken
over into the one that is kept, which has all the time left.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penjing.core.budget import DEFAULT_SECONDS, GOOD_TRAINING_SECONDS, Clock, most_folds
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.events import Decided, Event, Said, Warned, Watch, tell
from penjing.core.recipe import Choice, Recipe, to_dict
from penjing.core.report.text import many
from penjing.core.run import Run, check_free, reserve
from penjing.core.split import FOLDS_WITHOUT_TEST
from penjing.core.units import show_seconds
from penjing.core.usual import LINEAR, USUAL_OF_MANY
from penjing.training import _checkpoint
from penjing.training._plan import planned_anew, total_steps
from penjing.workflows._choose import RecipeWish
from penjing.workflows._corrections import Corrections
from penjing.workflows._pretrained import AUTO, NO
from penjing.workflows._together import DRIFT, REMEDY
from penjing.workflows._treatable import TreatWish, base_of, check
from penjing.workflows._wish import FitWish
from penjing.workflows.diagnose import diagnose
from penjing.workflows.fit import Origin, fit
from penjing.workflows.treat import Trial

# Of the whole time: the first training, and of what is left then the treatment at most.
FIRST_SHARE, LEAST_FIRST_SECONDS = 1 / 25, 8.0
TREATING_SHARE = 0.5
LEAST_SECONDS = 30.0  # with less there is no time to treat anything
# What a short training is found ill of, for being short, and what mends only that.
OF_SHORTNESS = frozenset({"stopped_early"})
NOT_TRIED = frozenset({"more_steps", "fewer_steps", "early_stop"})
_OF_MANY = frozenset(one.model for one in USUAL_OF_MANY.values())


def heal(data: object, wish: FitWish, command: Sequence[str] = (), watch: Watch = None) -> Run:
    """Fit, with what helps against what a short first training shows.

    Args:
        data: as `fit` takes them.
        wish: what the person asked.
        command: the words that repeat this run.
        watch: is told what happens.

    Raises:
        UsageError: the wish cannot be healed, or there is too little time.
        DataError, RunError: as `fit`.
        KeyboardInterrupt: a person stopped it; the best so far is in the run folder.
    """
    _check(wish)
    seconds = wish.seconds or DEFAULT_SECONDS
    clock = Clock(seconds)
    with tempfile.TemporaryDirectory(prefix="penjing-") as folder:
        first = Run(Path(folder) / "first")
        tell(watch, Said("heal: a short training first, to see what is wrong with it"))
        with _kept(first, wish.out, "it was not treated to its end"):
            healed = _looked_at(data, wish, first, clock, watch)
        with _kept(first, wish.out, "the one after it has no weights"):
            left = clock.left
            ledger = [_timed(line, seconds - left) for line in healed.ledger]
            final = replace(_with(wish, healed), seconds=left)
            run = fit(data, final, command, watch, Origin(None, Clock(left), ledger))
        if healed.untold:
            tell(watch, Said(healed.untold))
        return run


def _timed(line: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
    """A line of the ledger; the one that tells of the first training also says what all before the kept one took."""
    return {**line, "seconds": round(seconds, 3)} if line["what"] == "heal" else line


@dataclass(frozen=True)
class Healed:
    """What came of looking and treating.

    Attributes:
        ledger: its lines.
        base: the recipe of the short training.
        recipe: with what helped; None where nothing did.
        untold: a sentence that is told only if the training that is kept does not end for the same reason.
    """

    ledger: Sequence[Mapping[str, Any]]
    base: Recipe | None = None
    recipe: Recipe | None = None
    untold: str = ""


def _check(wish: FitWish) -> None:
    """Refuse what cannot be healed.

    Raises:
        UsageError: it goes on from a run, or has too little time.
    """
    if wish.parent is not None:
        raise UsageError("--heal begins anew, --from and --final go on with a run; to treat that: penjing treat RUN")
    seconds = wish.seconds or DEFAULT_SECONDS
    if seconds < LEAST_SECONDS:
        raise UsageError(f"--heal trains several times; give --time {LEAST_SECONDS:.0f}s or more")
    least = seconds - max(LEAST_FIRST_SECONDS, FIRST_SHARE * seconds)
    most, recipe = most_folds((1 - TREATING_SHARE) * least), wish.recipe.recipe
    folds = wish.data.folds or (recipe.split.folds if recipe else 0)
    if folds > most:
        fewer = f"{most:,} folds at most, or " if most >= 2 else ""
        raise UsageError(
            f"--folds {folds} is too many for what --heal leaves of {show_seconds(seconds)}; give {fewer}more --time"
        )
    if wish.out is not None:
        check_free(wish.out)


def _looked_at(data: object, wish: FitWish, first: Run, clock: Clock, watch: Watch) -> Healed:
    """A short training, and what came of looking at it. Data of which a part is no use may be of use when there is time
    for all of them, so where they are refused, the training that is kept is tried all the same."""
    try:
        _first(data, wish, first, clock, watch)
    except DataError as problem:
        why = f"not treated: {problem}"
        looked = {"what": "heal", "choice": "nothing trained", "why": str(problem)}
        return Healed([looked, _nothing(why)], untold=why)
    return _healed(first, data, wish, clock, watch)


def _nothing(why: str) -> dict[str, str]:
    """The line of the ledger where nothing was treated."""
    return {"what": "treated", "choice": "nothing", "why": why}


def _first(data: object, wish: FitWish, first: Run, clock: Clock, watch: Watch) -> None:
    """The short training, without folds; one that fails is ill, too. Reading the data counts in all of the time."""
    seconds = max(LEAST_FIRST_SECONDS, FIRST_SHARE * clock.limit_seconds)
    recipe = wish.recipe.recipe
    if recipe is not None:
        recipe = replace(recipe, split=replace(recipe.split, folds=0, fold=-1))
    short = replace(
        wish,
        recipe=replace(wish.recipe, recipe=recipe),
        seconds=seconds,
        out=first.path,
        pictures=False,
        data=replace(wish.data, folds=0),
        given=wish.given | {"folds"},
    )
    try:
        # As part of a whole it is not refused where its own short time is not enough for an encoder.
        fit(data, short, (), _in_silence(watch), Origin(None, Clock(seconds), whole=clock))
    except RunError:
        if not (first.path / "recipe.toml").exists():
            raise


def _in_silence(watch: Watch) -> Watch:
    """Bars, but no sentences: the training that is kept will say them again."""
    if watch is None:
        return None

    def told(event: Event) -> None:
        if not isinstance(event, Said | Decided | Warned):
            watch(event)

    return told


def _healed(first: Run, data: object, wish: FitWish, clock: Clock, watch: Watch) -> Healed:
    """Look at the short training, and treat what is wrong with it."""
    diagnosis = diagnose(first)
    findings = tuple(one for one in diagnosis.findings if one.name not in OF_SHORTNESS)
    named = ", ".join(one.name for one in findings if one.is_trouble) or "nothing wrong"
    steps = base_of(first).training.steps
    why = f"in a first training of {many(steps, 'step')}"
    looked = {"what": "heal", "choice": named, "why": why}
    tell(watch, Decided("heal", named, why))
    seconds = TREATING_SHARE * clock.left
    may_take_folds = any(one.name == DRIFT for one in findings) and _may_take_folds(wish, clock)
    without, own = NOT_TRIED if may_take_folds else NOT_TRIED | {REMEDY}, wish.recipe.own
    trial = Trial(
        first,
        TreatWish(seconds=seconds, without=without, healthy=False),
        Clock(seconds),
        watch,
        replace(diagnosis, findings=findings),
        has_growing=False,  # what is kept has the time that is left
        model=None if own is None else own.module,
    )
    try:
        check(first, trial.wish, data)
        found = trial.carry_out(data)
    except (RunError, DataError) as problem:
        why = f"not treated: {problem}"
        tell(watch, Said(why))
        return Healed([looked, _nothing(why)])
    lines = [{key: value for key, value in line.items() if key != "origin"} for line in found.ledger]
    return Healed([looked, *lines], trial.base, found.recipe)


def _may_take_folds(wish: FitWish, clock: Clock) -> bool:
    """Whether what is kept may learn in folds, each in a share of its time: nothing that the person gave speaks of
    them, and there is time."""
    is_open = "folds" not in wish.given and (wish.recipe.recipe is None or not wish.recipe.recipe.split.folds)
    return is_open and most_folds((1 - TREATING_SHARE) * clock.left, GOOD_TRAINING_SECONDS) >= FOLDS_WITHOUT_TEST


def _with(wish: FitWish, healed: Healed) -> FitWish:
    """The wish with what helped: as choices by hand, or as a recipe where one was given or pretrained features won."""
    if healed.recipe is None or healed.base is None:
        return wish
    before, after = healed.base, healed.recipe
    corrected = Corrections(after.data.drop, after.data.relabel)
    data = replace(wish.data, corrected=corrected) if corrected else wish.data
    if after.split.folds != before.split.folds:
        wish, data = replace(wish, given=wish.given | {"folds"}), replace(data, folds=after.split.folds)
    if after.data.inputs != before.data.inputs:
        data = replace(data, columns=after.data.inputs)
    wish = replace(wish, data=data)
    if wish.recipe.recipe is not None or after.pretrained:
        recipe = _as_long(wish.recipe.recipe, before, after)
        return replace(wish, recipe=replace(wish.recipe, recipe=recipe, assignments={}, model=""))
    return replace(wish, recipe=_by_hand(wish.recipe, before, after))


def _by_hand(wish: RecipeWish, before: Recipe, after: Recipe) -> RecipeWish:
    """The wish with what helped as choices by hand. Settings of a network name it; a size that grew is the least."""
    moved = assigned(before, after)
    anew = [place for place in ("task", "model", "optimiser", "schedule", *_places(after)) if place in moved]
    kept = {key: value for key, value in wish.assignments.items() if not _is_of(key, anew)}
    given = {**kept, **moved}
    is_moved = any(_is_of(key, ("model", "encoders")) for key in moved)
    model = "" if "model" in anew else wish.model
    # Of many items the default is another network, whose course is lost where it is named.
    if is_moved and not (model or "model" in given or after.encoders or after.model.name in _OF_MANY):
        model = after.model.name
    # What helped is the network from scratch; no head on features has its settings, and every encoder sees a border.
    is_beside = (is_moved and wish.pretrained != AUTO) or bool(after.training.border)
    pretrained = NO if before.pretrained or is_beside else wish.pretrained
    least = tuple(key for key in _grown(before, after) if key in moved and key not in kept)
    return replace(wish, assignments=given, model=model, pretrained=pretrained, least=least)


def _places(recipe: Recipe) -> dict[str, Choice]:
    """Where a recipe has its networks, as dotted keys."""
    if not recipe.encoders:
        return {"model": recipe.model}
    return {f"encoders.{column}": choice for column, choice in recipe.encoders.items()}


def _is_of(key: str, places: Iterable[str]) -> bool:
    """Whether a dotted key is that of a choice, or of a setting of it."""
    return any(key == place or key.startswith(f"{place}.") for place in places)


def _grown(before: Recipe, after: Recipe) -> list[str]:
    """Settings of networks that are numbers and became larger, or are those of another network, as dotted keys."""
    old = _places(before)
    found = []
    for place, choice in _places(after).items():
        same = old[place].settings if place in old and old[place].name == choice.name else {}
        found += [
            f"{place}.{name}"
            for name, value in choice.settings.items()
            if isinstance(value, int | float) and value > same.get(name, -math.inf)
        ]
    return found


def _as_long(given: Recipe | None, before: Recipe, after: Recipe) -> Recipe:
    """What helped, with as many updates and folds as the given recipe has (as many times as many updates as what helped
    takes). Without one, with as many updates as fit into all of the time, and a canvas that is chosen anew: the short
    training had few of them, and a canvas for its time."""
    if given is None:
        after = replace(after, data=replace(after.data, decode={}))
    else:
        after = replace(after, split=given.split)
    if after.optimiser.name == LINEAR.name:  # which solves its problem in a few
        return after
    short, helped = total_steps(before.training), total_steps(after.training)
    steps = helped / FIRST_SHARE if given is None else total_steps(given.training) * helped / short
    return replace(after, training=planned_anew(after.training, max(1, round(steps))))


def assigned(before: Recipe, after: Recipe) -> dict[str, Any]:
    """What makes the one recipe the other, as dotted keys: the data and the number of updates aside."""
    old, new = to_dict(before), to_dict(after)
    found: dict[str, Any] = {}
    for head, value in new.items():
        if head in ("data", "split", "seed", "format") or value == old[head]:
            continue
        if not isinstance(value, dict):
            found[head] = value
        elif head == "encoders":
            for column, choice in value.items():
                found |= _moved(f"{head}.{column}", old[head].get(column, {}), choice)
        else:
            found |= _moved(head, old[head], value)
    return found


def _moved(place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What makes one choice the other: its name, where that changed, which resets its settings, and then these."""
    is_other = new.get("name") != old.get("name")
    known = {key: one for key, one in new.items() if key not in ("name", "steps", "replans")}
    moved = {f"{place}.{key}": one for key, one in known.items() if is_other or one != old.get(key)}
    return {place: new["name"], **moved} if is_other else moved


@contextmanager
def _kept(first: Run, out: Path | None, lacks: str) -> Iterator[None]:
    """Where the work is stopped or fails and nothing better is there yet, the first training is what a person gets.

    Args:
        first: that training, in a folder that will be gone.
        out: where a person wants the run; None takes the next free folder.
        lacks: what it is not, as the end of a sentence.
    """
    try:
        yield
    except KeyboardInterrupt as stopped:
        folder, has_weights = stopped.args[:2] if len(stopped.args) >= 2 else (None, False)
        if folder is not None and folder != first.path:
            if has_weights or not first.has_weights or any(folder.rglob(_checkpoint.NAME)):
                raise  # `--resume` goes on from there
            shutil.rmtree(folder, ignore_errors=True)
        if not (first.path / "run.json").exists():
            raise
        is_finished, has_weights = first.status == "finished", first.has_weights
        place = _moved_out(first, out)
        if is_finished:
            raise KeyboardInterrupt(f"the first, short training is kept in {place}; {lacks}") from None
        raise KeyboardInterrupt(place, has_weights) from None
    except Exception as problem:
        if first.has_weights and not (out is not None and Run(out).has_weights):
            with contextlib.suppress(OSError, RunError):  # of a full disk, the first trouble is the one to tell
                problem.add_note(f"the first, short training is kept in {_moved_out(first, out)}")
        raise


def _moved_out(first: Run, out: Path | None) -> Path:
    """Move the first training to where a person wants the run or, where another one is, beside it."""
    wished = [] if out is None else [out, out.with_name(f"{out.name}-first")]
    free = (one for one in wished if not one.exists() or (one.is_dir() and not any(one.iterdir())))
    place = next(free, None) or reserve(first.info["title"])
    shutil.copytree(first.path, place, dirs_exist_ok=True)
    shutil.rmtree(first.path, ignore_errors=True)
    return place
