"""Numbers among the keyword arguments of the verbs, in the types that a run folder can hold."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from penjing.core.errors import UsageError

_WHOLE = ("seed", "side", "channels", "folds", "split_seed")
_FRACTIONS = ("most_unreadable",)


def plain_numbers(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with numbers of NumPy and torch as Python's own, which JSON and TOML can hold.

    Args:
        arguments: those of a verb, by name; None was not said.

    Raises:
        UsageError: one that must be a number, or a whole one, is something else.
    """
    found = {name: _plain(value) for name, value in arguments.items()}
    for name in (*_WHOLE, *_FRACTIONS):
        if found.get(name) is not None:
            found[name] = _number(name, found[name])
    return found


def _plain(value: Any) -> Any:
    """A single value of NumPy or torch as Python has it, in a mapping too; anything else as it is."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _number(name: str, value: Any) -> int | float:
    try:
        return int(operator.index(value)) if name in _WHOLE else float(value)
    except (TypeError, ValueError) as problem:
        what = "a whole number" if name in _WHOLE else "a number"
        raise UsageError(
            f"--{name.replace('_', '-')} {value!r} is of type {type(value).__name__}; give {what}"
        ) from problem
