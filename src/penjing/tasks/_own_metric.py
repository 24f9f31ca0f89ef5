"""A metric of a person's own, given as a function, as file.py:function or as module:function."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from penjing.core.errors import UsageError, did_you_mean
from penjing.core.statistics import Metric

Own = Callable[[np.ndarray, np.ndarray], float]


def find_metric(
    given: str | Own, known: Mapping[str, Callable[[Any], Metric]], threshold: Any, called_with: str
) -> Metric:
    """A metric by name, or a person's own.

    Args:
        given: a name in `known`, "file.py:function", "module:function", or a function.
        known: name → threshold → metric.
        threshold: what the answers are cut at, where a task knows such a thing.
        called_with: what an own function is called with, for the message when it fails.

    Raises:
        UsageError: there is no such metric, or the own function cannot be loaded.
    """
    if not isinstance(given, str):
        return _own(given, getattr(given, "__name__", type(given).__name__), called_with)
    if ":" in given:
        return _own(_load(given), given, called_with)
    if given not in known:
        hint = did_you_mean(given, known)
        raise UsageError(f'there is no metric "{given}"; {hint}. An own one is given as file.py:function')
    return known[given](threshold)


def _own(function: Any, name: str, called_with: str) -> Metric:
    if not callable(function):
        raise UsageError(f"the metric {name} is not a function of ({_names(called_with)})")

    def measure(prepared: tuple[np.ndarray, np.ndarray], weight: np.ndarray) -> float:
        rows = np.repeat(np.arange(len(weight)), weight.astype(np.int64))
        try:
            return float(function(prepared[0][rows], prepared[1][rows]))
        except Exception as problem:
            if (weight != 1).any():  # a resample may lack a class; what cannot be told of it is left out
                return math.nan
            raise UsageError(
                f"the metric {name} failed with {type(problem).__name__}: {problem}; it is called with "
                f"{called_with} and must return one number"
            ) from problem

    is_higher_better = bool(getattr(function, "is_higher_better", True))
    return Metric(
        name,
        lambda truth, answer: (truth, answer),
        measure,
        is_higher_better,
        (-math.inf, math.inf),
        are_bounds_known=False,
    )


def _names(called_with: str) -> str:
    """ "truth Int[items] and probability Float[…]" → "truth, probability"."""
    return ", ".join(part.split()[0] for part in called_with.split(" and "))


def _load(given: str) -> Any:
    place, _, name = given.rpartition(":")
    try:
        module = _run_file(Path(place).expanduser()) if place.endswith(".py") else importlib.import_module(place)
    except Exception as problem:
        raise UsageError(
            f'the metric "{given}" cannot be loaded: {type(problem).__name__}: {problem}; '
            "give it as file.py:function or module:function"
        ) from problem
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UsageError(f'{place} has no function "{name}"; {did_you_mean(name, known)}')
    return getattr(module, name)


def _run_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    spec = importlib.util.spec_from_file_location(f"penjing_own_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
