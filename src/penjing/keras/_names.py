"""The names of a module of Keras, for the module of the same name here: nothing of Keras is imported before one is
asked for, and then Keras is on its torch backend."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from penjing.keras import library

# The modules that published programs mostly import from, which stand here under the same names.
MODULES = (
    *("activations", "applications", "backend", "callbacks", "constraints", "datasets", "initializers", "layers"),
    *("losses", "metrics", "models", "ops", "optimizers", "preprocessing", "regularizers", "saving", "utils"),
)


def theirs(module: str) -> Any:
    """Keras' own module of that name."""
    library()
    return importlib.import_module(f"keras.{module}")


def public(module: str) -> list[str]:
    """What `from keras.MODULE import *` means: every name without an underscore before it."""
    return [name for name in dir(theirs(module)) if not name.startswith("_")]


def names_of(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module here: the names of Keras' own, modules inside it by its `__path__` among them."""

    def look_up(name: str) -> Any:
        return public(module) if name == "__all__" else getattr(theirs(module), name)

    return look_up
