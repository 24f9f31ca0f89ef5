"""Keras 3 on its torch backend, under the names that published programs import: `Sequential`, `layers`, `models` …

A program that says `from keras.models import Sequential` says `from penjing.keras.models import Sequential` instead,
and its model is ready for `pj.fit(data, model=model)`. Layers are Keras' own; `input_shape` and `input_length`, which
newer versions warn of, are accepted, and `pj.fit` says what became of them.
"""

from __future__ import annotations

import copy
import importlib
import os
import sys
from typing import Any

from penjing.core.errors import MissingExtra, UsageError

BACKEND = "torch"
OLDER = "_penjing_older"  # attribute of a layer: the arguments of older Keras that it was made with


def __getattr__(name: str) -> Any:
    if name == "Wrapped":
        from penjing.keras._wrapped import Wrapped

        return Wrapped
    if name.startswith("__"):
        raise AttributeError(name)
    if name in importlib.import_module("penjing.keras._names").MODULES:
        return importlib.import_module(f"penjing.keras.{name}")
    return getattr(library(), name)


def library() -> Any:
    """The `keras` package, on its torch backend.

    Raises:
        MissingExtra: it is not installed.
        UsageError: it runs on another backend already.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", BACKEND)
    try:
        keras = importlib.import_module("keras")
    except ImportError as problem:
        raise MissingExtra("keras", "keras", "train a Keras model") from problem
    if keras.backend.backend() != BACKEND:
        raise UsageError(
            f"Keras runs on {keras.backend.backend()}, and only networks on its torch backend can be trained; "
            "set KERAS_BACKEND=torch before Keras is imported, or import from penjing.keras"
        )
    return keras


def is_keras(module: object) -> bool:
    """Whether it is a Keras model; Keras is not imported for the answer."""
    if not any(kind.__module__.split(".")[0] == "keras" for kind in type(module).__mro__):
        return False
    return isinstance(module, library().Model)


def unused_arguments(model: Any) -> list[str]:
    """What the layers of a model ask of a training that only Keras' own `fit` does: ["kernel_regularizer"]."""
    return sorted(
        {
            name
            for layer in getattr(model, "layers", ())
            for name in dir(layer)
            if name.endswith(("_regularizer", "_constraint")) and not name.startswith("_")
            if getattr(layer, name) is not None
        }
    )


def older_arguments(model: Any) -> dict[str, Any]:
    """What of older Keras the layers of a model were made with: {"input_length": 80}."""
    found: dict[str, Any] = {}
    for layer in getattr(model, "layers", ()):
        found |= getattr(layer, OLDER, {})
    return found


def canvas(model: Any) -> tuple[int, int] | None:
    """(side, channels) of the pictures that a Keras model was made for, where it says and they are square."""
    shape = copy.copy(getattr(model, "input_shape", None)) if getattr(model, "built", False) else None
    if not isinstance(shape, tuple) or len(shape) != 4 or not all(isinstance(one, int) for one in shape[1:]):
        return None
    _, height, width, channels = shape
    return (height, channels) if height == width and channels in (1, 3) else None
