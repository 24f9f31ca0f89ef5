"""A person's own network as a verb was given it: an object, or where one stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from penjing.core.errors import RunError, UsageError
from penjing.core.events import Decided, Said, Watch, tell
from penjing.core.recipe import Recipe
from penjing.core.run import Run
from penjing.models import own
from penjing.models.own import Own
from penjing.training._whole import SENTENCES
from penjing.workflows._repeatable import lacks_network

if TYPE_CHECKING:
    from penjing.workflows._wish import FitWish


def given(
    model: object, seed: int = 0, preprocess: str = "", names: Sequence[str] = (), is_trained: bool = False
) -> Own | None:
    """The network behind what a person gave as a model; None where that is a plug-in.

    Args:
        model: a torch module, a Keras model, "file.py:Name" or "package.module:Name", or a plug-in's name.
        seed: with which one that is named is made.
        preprocess: see `models.own.Settings`; "" takes the usual one.
        names: which class each output is; () takes the order of the data's.
        is_trained: whether it is adopted.

    Raises:
        UsageError: it is neither a network nor a name, or cannot be made.
    """
    from torch import nn

    choices = {"preprocess": preprocess or "standardised", "names": tuple(names), "is_trained": is_trained}
    if isinstance(model, nn.Module):
        return Own(model, own.source_of(model), **choices)  # type: ignore[arg-type]
    if not isinstance(model, str):
        raise UsageError(
            f"model is a {type(model).__name__}; give the name of a network, a torch.nn.Module or a Keras model on the "
            "torch backend"
        )
    if not own.is_source(model) or not own.is_network(model):
        if preprocess or names:
            raise UsageError("preprocess= and names= are for a network of your own: give it with model=")
        return None
    return Own(own.make(model, seed), own.placed(model), **choices)  # type: ignore[arg-type]


def as_it_takes(wish: FitWish, watch: Watch) -> FitWish:
    """The wish with the canvas that a Keras model was made for, where the person does not say one."""
    from penjing.keras import canvas, is_keras, older_arguments, unused_arguments

    if wish.recipe.own is None or not is_keras(wish.recipe.own.module):
        return wish
    older = older_arguments(wish.recipe.own.module)
    if "input_length" in older:
        tell(
            watch,
            Said(
                f"the network's input_length={older['input_length']} is of older Keras and changes nothing: texts keep "
                "the length that the training part asks for"
            ),
        )
    unused = unused_arguments(wish.recipe.own.module)
    if unused:
        said = f"the network's {' and '.join(unused)} are what Keras' own fit carries out, and change nothing here"
        tell(watch, Said(f"{said}; weights are kept small with --set optimiser.weight_decay=0.05"))
    found = canvas(wish.recipe.own.module)
    if found is None or {"side", "channels"} & wish.given:
        if "input_shape" in older:
            tell(
                watch, Said(f"the network's input_shape={older['input_shape']} is of older Keras and kept as its input")
            )
        return wish
    side, channels = found
    tell(watch, Said(f"the network's input_shape says {side}×{side}×{channels}, so pictures are put on that canvas"))
    return replace(wish, data=replace(wish.data, side=side, channels=channels))


def tell_reading(recipe: Recipe, watch: Watch) -> None:
    """Say how the outputs of a person's network are read."""
    if recipe.model.name == own.NAME:
        kind = str(recipe.model.settings["kind"]).rsplit(".", 1)[-1]
        tell(watch, Decided("network", f"your own ({kind})", SENTENCES[recipe.model.settings["gives"]]))


def recalled(wish: FitWish, model: object | None, how: Mapping[str, Any]) -> FitWish:
    """The wish of a run that goes on, with the network that it was given: the object again, or made from its source.

    Args:
        how: `preprocess` and `names`, as they were asked for; {} takes the usual ones.
    """
    asked = wish.recipe.model if model is None else model
    if isinstance(asked, str) and not own.is_source(asked):
        return wish
    return replace(wish, recipe=replace(wish.recipe, model=own.NAME, own=given(asked, wish.recipe.seed, **how)))


def given_again(run: Run, model: object | None, verb: str) -> tuple[Recipe, Own | None]:
    """A run's recipe with every default written out, and the network of which each repetition of its training takes a
    copy: the object that is given again; None for penjing's networks, and where each seed makes it from its source.

    Args:
        run: whose training is repeated.
        model: the network as `fit` took it; None takes what the run knows.
        verb: what repeats it, such as "treat", for the sentence that asks for the object.

    Raises:
        UsageError: a network is given and the run has one of penjing's, or it is no network.
        RunError: the network is one that only the person has.
    """
    recipe = run.recipe.filled()  # else a remedy that changes nothing would seem to fill them in
    if recipe.model.name != own.NAME:
        if model is not None:
            raise UsageError(
                f"{run.path} is not of a network of your own, so model= would change nothing; leave it out"
            )
        return recipe, None
    if isinstance(model, str) and own.is_source(model):
        settings = {**recipe.model.settings, "source": own.placed(model)}
        return replace(recipe, model=replace(recipe.model, settings=settings)), None
    if model is not None:
        return recipe, given(model, recipe.seed)
    why = lacks_network(run, verb)
    if why:
        raise RunError(why)
    return recipe, None


def adopted(wish: FitWish) -> FitWish:
    """The wish to take a network as it is.

    Raises:
        UsageError: the model is the name of one that would have to be trained.
    """
    if wish.recipe.own is None:
        raise UsageError(
            f'there is nothing to adopt in "{wish.recipe.model}"; give a torch.nn.Module, a Keras model or '
            '"file.py:Name"'
        )
    return replace(wish, recipe=replace(wish.recipe, own=replace(wish.recipe.own, is_trained=True)))
