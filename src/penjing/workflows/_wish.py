"""What a person asked of `fit`, completed by what a recipe or an earlier run settles, and kept in `run.json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from penjing.core.budget import (
    DEFAULT_SECONDS,
    GOOD_TRAINING_SECONDS,
    LEAST_TRAINING_SECONDS,
    TRAINING_SHARE,
    most_folds,
)
from penjing.core.errors import RunError, UsageError
from penjing.core.events import Said, Watch, tell
from penjing.core.files import at_home
from penjing.core.recipe import Recipe
from penjing.core.report.text import many
from penjing.core.run import Run, check_free, open_run
from penjing.core.split import FEWEST_TO_CHOOSE, FOLDS_WITHOUT_TEST
from penjing.core.units import show_seconds
from penjing.sources import Options
from penjing.training._plan import planned_anew, total_steps
from penjing.workflows._choose import RecipeWish, check_wish
from penjing.workflows._corrections import Corrections
from penjing.workflows._prepare import DataWish
from penjing.workflows._repeatable import goes_on

# What the canvas and the options are called on the command line, where that differs.
_SPOKEN = {"fit": "canvas", "inputs": "input", "types": "type"}
_CANVAS = ("side", "channels", "fit")
# What a run leaves open for those that go on from it; weights fit one canvas, and a seal belongs to one split.
_OPEN = ("page", "most_unreadable")
_OPTIONS = tuple(item.name for item in fields(Options))


@dataclass(frozen=True)
class FitWish:
    """What a person asked of `fit`.

    Attributes:
        data: of the data.
        given: which of the wishes about data were said, even if they said what is usual.
        recipe: of the training.
        seconds: the deadline; None takes the default, or with a finished recipe no deadline at all.
        out: the run folder; None takes the next free one.
        pictures: whether thumbnails are kept in the run folder and shown in the report.
        parent: the run that this one continues, or None.
        is_final: whether validation items are trained on too, with the parent's recipe.
    """

    data: DataWish = field(default_factory=DataWish)
    given: frozenset[str] = frozenset()
    recipe: RecipeWish = field(default_factory=RecipeWish)
    seconds: float | None = None
    out: Path | None = None
    pictures: bool = True
    parent: Path | None = None
    is_final: bool = False


def is_adopted(wish: FitWish) -> bool:
    """Whether the network is one that was trained elsewhere, and is not trained here."""
    return wish.recipe.own is not None and wish.recipe.own.is_trained


def has_deadline(wish: FitWish) -> bool:
    """Whether a wish, as a person gave it, has a deadline. Without a time that was said, a given recipe, a final
    training and an adopted network take as long as they take; everything else has the usual time."""
    return wish.seconds is not None or not (wish.recipe.recipe or wish.is_final or is_adopted(wish))


def settled(wish: FitWish, watch: Watch = None) -> tuple[FitWish, Run | None]:
    """The wish with what its recipe or its parent run settles, and that run; checked before any data are read.

    Raises:
        UsageError: a plug-in, a setting or a metric does not exist, an option would change nothing, or there are more
            folds than the time is enough for.
        RunError: the parent is no run or has no weights, or the run folder is not free.
    """
    parent = open_run(wish.parent) if wish.parent else None
    wish = _as_in_recipe(wish) if parent is None else _inherited(wish, parent, watch)
    check_wish(wish.recipe)
    _check_folds(wish)
    if parent is None and _may_take_folds(wish):
        wish = replace(wish, data=replace(wish.data, fewest_to_choose=FEWEST_TO_CHOOSE))
    if wish.out is not None:
        check_free(wish.out)
    if replanned(wish):
        tell(watch, Said(replanned(wish)))
    return wish, parent


def replanned(wish: FitWish) -> str:
    """What a deadline does to a finished recipe, in a sentence; "" where one of the two is missing."""
    recipe, seconds = wish.recipe.recipe, wish.seconds
    if recipe is None or seconds is None:
        return ""
    return (
        f"--time: the {many(total_steps(recipe.training), 'step')} of the recipe are planned anew, as many of them as "
        f"fit into {show_seconds(seconds)}; its own weights come only without --time"
    )


def _check_folds(wish: FitWish) -> None:
    """Refuse more trainings than the deadline has time for: each would end before it learned anything."""
    if wish.data.folds == 0 or (wish.seconds is None and wish.recipe.recipe is not None):
        return  # a finished recipe without a deadline takes as long as it takes
    limit, folds = wish.seconds or DEFAULT_SECONDS, wish.data.folds
    most = most_folds(limit)
    if folds <= most:
        return
    fewer = f"{most:,} folds at most, or " if most >= 2 else ""
    needed = math.ceil((folds + 1) * LEAST_TRAINING_SECONDS / TRAINING_SHARE)
    raise UsageError(
        f"--folds {folds} is too many for {show_seconds(limit)}: each of {folds + 1:,} trainings would have less than "
        f"{show_seconds(LEAST_TRAINING_SECONDS)}; give {fewer}--time {needed}s or more"
    )


def _may_take_folds(wish: FitWish) -> bool:
    """Whether folds may choose where validation items are few: nothing said speaks of it, and there is time for all."""
    fixed = wish.recipe.recipe is not None or wish.recipe.own is not None or "training.steps" in wish.recipe.assignments
    has_time = most_folds(wish.seconds or DEFAULT_SECONDS, GOOD_TRAINING_SECONDS) >= FOLDS_WITHOUT_TEST
    return has_time and not fixed and "folds" not in wish.given


def _as_in_recipe(wish: FitWish) -> FitWish:
    """A wish with what a given recipe settles: its canvas, its columns, its corrections and its split."""
    recipe = wish.recipe.recipe
    if recipe is None:
        return wish
    decode: dict[str, Any] = next((found for found in recipe.data.decode.values() if "side" in found), {})
    same = {name: decode[name] for name in _CANVAS if name in decode}
    _refuse_other(wish, same, "--recipe carries out a recipe as it stands")
    if "page" in decode and "page" not in wish.given:
        same["page"] = decode["page"]
    folds = wish.data.folds or recipe.split.folds
    seed = wish.data.split_seed or recipe.split.seed
    corrected = Corrections(recipe.data.drop, recipe.data.relabel)
    if "inputs" not in wish.given:
        same["columns"] = recipe.data.inputs
    return replace(wish, data=replace(wish.data, **same, folds=folds, split_seed=seed, corrected=corrected))


def _inherited(wish: FitWish, parent: Run, watch: Watch) -> FitWish:
    """A wish with what a parent run settles: its recipe, how its data are read, its canvas, its split."""
    if not parent.has_weights:
        raise RunError(f"{parent.path} has no weights to go on from; its status is {parent.status}")
    recipe = parent.recipe
    if not wish.is_final and (recipe.split.final or recipe.split.folds):
        raise UsageError(
            f"{parent.path} was trained on its validation items too, so nothing is left to choose by; "
            "go on from one with --folds 0 and without --final, or start anew"
        )
    if wish.is_final and goes_on(parent.info):
        raise UsageError(
            f"{parent.path} goes on from {parent.info['parent']}, and --final repeats a training from its beginning; "
            "give that run, or fit anew"
        )
    if wish.is_final and parent.info.get("kind") == "adopted":
        raise UsageError(f"{parent.path} was not trained here, so there is no training for --final to repeat")
    data = _inherited_data(wish, parent, watch)
    steps = total_steps(recipe.training)
    if wish.is_final:
        items = int(parent.info["data"]["trained_items"])
        total = int(parent.info["data"]["items_outside_test"])
        grown = 1.0 if recipe.split.folds else total / max(1, items)  # with folds, all items were trained on already
        steps = max(1, round(steps * grown))
        recipe = replace(recipe, split=replace(recipe.split, final=True))
    recipe = replace(recipe, training=planned_anew(recipe.training, steps))
    return replace(wish, data=data, recipe=replace(wish.recipe, recipe=recipe))


def _inherited_data(wish: FitWish, parent: Run, watch: Watch) -> DataWish:
    """How the parent read its data, except for what the person says otherwise."""
    before = stored_wish(parent)
    fixed = {name: getattr(before, name) for name in (*_CANVAS, "split_seed")} | {"folds": 0}
    _refuse_other(wish, fixed, f"a run that goes on from {parent.path} keeps its canvas and its parts")
    given = set(wish.given)
    if given & {"group", "group_from"}:  # two ways to say one thing
        given |= {"group", "group_from"}
    options = {name: getattr(wish.data.options, name) for name in _OPTIONS if name in given}
    others = {name: getattr(wish.data, name) for name in _OPEN if name in given}
    data = replace(before, folds=0, fewest_to_choose=0, options=replace(before.options, **options), **others)
    _tell_inherited(data, given, parent, watch)
    return replace(data, corrections=wish.data.corrections or before.corrections)


def _tell_inherited(data: DataWish, given: set[str], parent: Run, watch: Watch) -> None:
    """Say what of the parent's options holds here too, so that nothing is read differently in silence."""
    usual = DataWish()
    pairs = [(name, getattr(data.options, name), getattr(usual.options, name)) for name in _OPTIONS]
    pairs += [(name, getattr(data, name), getattr(usual, name)) for name in _OPEN]
    kept = [f"{_spoken(name)} {_shown(now)}" for name, now, then in pairs if name not in given and now != then]
    kept += [str(data.corrected)] if data.corrected else []
    if kept:
        tell(watch, Said(f"as in {parent.path}: {', '.join(kept)}"))


def _refuse_other(wish: FitWish, fixed: Mapping[str, Any], why: str) -> None:
    """Refuse what was said about something that is settled already, unless it says the same: it would be ignored."""
    for name, value in fixed.items():
        spoken = _SPOKEN.get(name, name)
        if spoken in wish.given and getattr(wish.data, name) not in (value, 0):  # 0 lets penjing choose
            raise UsageError(f"{why}, so {_spoken(name)} {getattr(wish.data, name)} would change nothing; leave it out")


def _spoken(name: str) -> str:
    """The option as typed on a command line."""
    return "--" + _SPOKEN.get(name, name).replace("_", "-")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{new}={','.join(old)}" for new, old in value.items())
    return str(value) if isinstance(value, str | float) else " ".join(value)


# ---- as JSON


def plain_wish(wish: FitWish) -> dict[str, Any]:
    """The wish as JSON values, enough to resume the run."""
    recipe = wish.recipe
    return {
        "data": asdict(wish.data),
        "recipe": {
            "seed": recipe.seed,
            "model": recipe.own.source or recipe.model if recipe.own else recipe.model,
            "assignments": dict(recipe.assignments),
            "device": recipe.device,
            "task": dict(recipe.task),
            "pretrained": recipe.pretrained,
            "least": list(recipe.least),
        },
        "own": {"preprocess": recipe.own.preprocess, "names": list(recipe.own.names)} if recipe.own else {},
        "pictures": wish.pictures,
        "is_final": wish.is_final,
    }


def wish_of(info: Mapping[str, Any]) -> FitWish:
    """The wish that `run.json` holds."""
    found = info["wish"]
    corrected = found["data"].get("corrected", {"drop": (), "relabel": {}})  # older runs kept the file's path only
    data = DataWish(
        **{
            **found["data"],
            "options": Options(**found["data"]["options"]),
            "corrected": Corrections(tuple(corrected["drop"]), dict(corrected["relabel"])),
        }
    )
    return FitWish(
        data=data,
        recipe=RecipeWish(**found["recipe"]),
        pictures=found["pictures"],
        parent=Path(info["parent"]) if goes_on(info) else None,
        is_final=found["is_final"],
    )


def stored_wish(run: Run) -> DataWish:
    """What a person asked of the data of a run, its canvas as it was chosen then."""
    pictures = [found["decode"] for found in run.prepare["inputs"].values() if found["modality"] == "image"]
    canvas = {name: pictures[0][name] for name in _CANVAS} if pictures else {}
    return replace(wish_of(run.info).data, **canvas)


def data_wish_of(run: Run) -> DataWish:
    """What a person asked of the data of a run, its canvas as it was chosen then, even where its training failed."""
    if (run.path / "prepare.json").exists():
        return stored_wish(run)
    decode: dict[str, Any] = next((found for found in run.recipe.data.decode.values() if "side" in found), {})
    return replace(wish_of(run.info).data, **{name: decode[name] for name in _CANVAS if name in decode})


def recipe_from(path: str | Path) -> Recipe:
    """The recipe in a TOML file or in a run folder.

    Raises:
        UsageError: there is none.
    """
    found = at_home(path)
    if found.is_dir():
        found = found / "recipe.toml"
    if not found.is_file():
        raise UsageError(f"there is no recipe at {path}; give a .toml file or a run folder")
    return Recipe.read(found)
