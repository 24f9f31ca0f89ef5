"""How the keyword arguments of the verbs become wishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from penjing._numbers import plain_numbers
from penjing.core.errors import UsageError
from penjing.core.files import at_home
from penjing.core.recipe import Recipe
from penjing.core.run import Run
from penjing.core.units import seconds
from penjing.sources import Options
from penjing.workflows._prepare import DataWish

if TYPE_CHECKING:
    from penjing.models.own import Own
    from penjing.workflows._wish import FitWish

_OF_SOURCE = frozenset(item.name for item in fields(Options))
# What a wish is called where the person who has it names it otherwise; what is corrected, and the columns that a recipe
# names, are found and not wished.
_RENAMED = {"canvas": "fit"}
_FOUND = {"corrected", "columns"}
_OF_DATA = _OF_SOURCE | {item.name for item in fields(DataWish)} - {"options", "fit"} - _FOUND | {"canvas"}
_OF_TASK = ("metric", "threshold", "positive", "class_weights")
# What is the same as saying nothing.
_USUAL: Mapping[str, Any] = {
    "seed": 0,
    "model": "",
    "set": {},
    "metric": "",
    "pretrained": "auto",
    "threshold": "none",
    "positive": "",
    "class_weights": "none",
    "device": "auto",
}


def data_wish(arguments: Mapping[str, Any]) -> DataWish:
    """The wishes about data, sorted into what the source is told and what the preparation is told.

    Args:
        arguments: those of a verb, by name; None was not said, and what is no wish about data is passed over.

    Raises:
        UsageError: a value is out of range.
    """
    said = {name: value for name, value in arguments.items() if name in _OF_DATA and value is not None}
    said = plain_numbers(said)
    options = Options(**{name: value for name, value in said.items() if name in _OF_SOURCE})
    rest = {_RENAMED.get(name, name): value for name, value in said.items() if name not in _OF_SOURCE}
    if "corrections" in rest:
        rest["corrections"] = str(rest["corrections"])
    wish = DataWish(options=options, **rest)
    _check_ranges(wish)
    return wish


def fit_wish(arguments: Mapping[str, Any]) -> FitWish:
    """The wishes about a training and its data, checked as far as they can be without either.

    Args:
        arguments: those of `penjing.verbs.fit`, by name; None was not said.

    Raises:
        UsageError: a value is out of range, or two of them exclude each other.
    """
    from penjing.places.local import device as device_named
    from penjing.workflows._choose import RecipeWish
    from penjing.workflows._wish import FitWish, recipe_from

    arguments = plain_numbers(arguments)
    said = {name: value for name, value in arguments.items() if value is not None and not _is_usual(name, value)}
    device = device_named(arguments["device"]).type
    _check_together(said)
    recipe, parent = said.get("recipe"), said.get("parent")
    if recipe is not None:
        # The run holds every default as it was today, so that it means the same when a default changes.
        recipe = (recipe if isinstance(recipe, Recipe) else recipe_from(recipe)).filled()
    own = _own(said, recipe)
    wanted = RecipeWish(
        seed=said.get("seed", 0),
        model=said.get("model", "") if own is None else "own",
        own=own,
        recipe=recipe,
        assignments=dict(said.get("set", {})),
        device=device,
        task=_task(said),
        pretrained=said.get("pretrained", "auto"),
    )
    return FitWish(
        data=data_wish(said),
        given=_OF_DATA.intersection(said),
        recipe=wanted,
        seconds=seconds(said["time"]) if "time" in said else None,
        out=at_home(said["out"]) if "out" in said else None,
        pictures=arguments["pictures"],
        parent=None if parent is None else at_home(parent.path if isinstance(parent, Run) else parent),
        is_final=arguments["final"],
    )


def _own(said: Mapping[str, Any], recipe: Recipe | None) -> Own | None:
    """A network of the person's own; with a recipe that was made for one, its choices are the recipe's."""
    from penjing.workflows._own import given

    choices = {name: said[name] for name in ("preprocess", "names") if name in said}
    return given(said.get("model", ""), 0 if recipe else said.get("seed", 0), **choices)


def _is_usual(name: str, value: Any) -> bool:
    return name in _USUAL and bool(value == _USUAL[name])


def _check_together(said: Mapping[str, Any]) -> None:
    """Refuse wishes that exclude each other."""
    is_final = said["final"]
    if is_final and "parent" not in said:
        raise UsageError("a final training needs the run whose recipe it takes: penjing fit DATA --final RUN")
    if "recipe" in said or "parent" in said:
        _refuse_settled(said, "--recipe" if "recipe" in said else "--final" if is_final else "--from")
    if "recipe" in said and "parent" in said:
        raise UsageError("--from and --final take the recipe of their run; leave --recipe out, or start anew with it")
    if is_final and "time" in said:
        raise UsageError("a final training takes the steps of its run, grown with the items; leave --time out")
    if "model" in said and said.get("pretrained", "no") != "no":  # "auto" is the same as saying nothing
        raise UsageError(
            f"--pretrained {said['pretrained']} asks for a head on features from elsewhere and --model for another "
            "network, and only one would be trained; leave one of them out"
        )


def _refuse_settled(said: Mapping[str, Any], by: str) -> None:
    """Refuse choices that a finished recipe has made already: they would be ignored."""
    for name in (*_USUAL, "preprocess", "names"):
        if name == "model" and not isinstance(said.get(name, ""), str):
            continue  # the object that a recipe of a person's own network means
        if name in said:
            raise UsageError(
                f"{by} carries out a recipe as it stands, so --{name.replace('_', '-')} would change nothing; "
                f"leave it out, or write the change into a copy of recipe.toml and give that with --recipe"
            )


def _check_ranges(wish: DataWish) -> None:
    """Refuse what no data could fit, before any are read."""
    if wish.side and not 8 <= wish.side <= 1024:
        raise UsageError(f"--side {wish.side} is out of range; give 8 to 1024 pixels")
    if wish.folds < 0 or wish.folds == 1:
        raise UsageError(f"--folds {wish.folds} is not a number of folds; give 2 or more, such as 5")
    if not 0 <= wish.most_unreadable <= 1:
        raise UsageError(f"--most-unreadable {wish.most_unreadable:g} is not a share; give 0 to 1, such as 0.05")


def _task(said: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the task that were said; the task has the others' defaults."""
    return {name: _named(said[name]) if name == "metric" else said[name] for name in _OF_TASK if name in said}


def _named(metric: str | Callable[..., float]) -> str:
    """A metric by name: a recipe must be able to say where an own function stands."""
    if isinstance(metric, str):
        return metric
    name, module = getattr(metric, "__qualname__", ""), getattr(metric, "__module__", "")
    if not name or module in ("", "__main__") or "<" in name:  # an object that is called has no name
        raise UsageError(
            f"the metric {name or metric!r} cannot be found again from a recipe; "
            'put the function into a file and give "file.py:function"'
        )
    return f"{module}:{name}"
