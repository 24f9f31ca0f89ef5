"""`keras.layers` on the torch backend, with `input_shape` and `input_length` as published programs give them."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from penjing.keras import OLDER, library
from penjing.keras._names import public

OLDER_NAMES = ("input_shape", "input_length")
# Keras' words for what it accepts and would rather not see.
_OLD_WORDS = (r"(?s).*input_shape.*", r"(?s).*input_length.*")


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return public("layers")
    found = getattr(library().layers, name)
    is_layer = isinstance(found, type) and issubclass(found, library().Layer) and found is not library().Layer
    return _quiet(found) if is_layer else found


@cache
def _quiet(layer: type) -> type:
    """The layer under a class that makes it without a warning about its older arguments."""

    def __new__(cls: type, *arguments: Any, **settings: Any) -> Any:  # noqa: N807
        if cls is not quiet:  # a person's own layer, built on this one
            return layer.__new__(cls, *arguments, **settings)
        with warnings.catch_warnings():
            for words in _OLD_WORDS:
                warnings.filterwarnings("ignore", message=words, category=UserWarning)
            made = layer(*arguments, **settings)
        older = {name: settings[name] for name in OLDER_NAMES if name in settings}
        if older:
            made.__dict__[OLDER] = older  # past Keras, which follows every other attribute
        return made

    def __instancecheck__(cls: Any, one: object) -> bool:  # noqa: N807
        return isinstance(one, layer) if cls is quiet else type.__instancecheck__(cls, one)

    kind: Any = type("Quiet", (type(layer),), {"__instancecheck__": __instancecheck__})  # what is made is Keras' own
    told = {"__new__": __new__, "__module__": layer.__module__, "__doc__": layer.__doc__}
    quiet: type = kind(layer.__name__, (layer,), told)
    return quiet
