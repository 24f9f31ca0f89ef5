"""What a network that was trained elsewhere makes of an item: a vector of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

KIND: Literal["cell"] = "cell"
GIVES: Literal["vector"] = "vector"
MODELS: tuple[str, ...] = ("probe", "tabular")


def recognise(cells: Sequence[Any]) -> float:  # noqa: ARG001 - every modality is asked
    """0: it is made of a column, never found in one."""
    return 0.0


def shape(learned: Mapping[str, Any], item_shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: ARG001 - one signature
    """(features,) at the encoder: the vector as it is, without the words that a text's vector may have behind it."""
    return (len(learned["mean"]),)


def features(values: np.ndarray) -> np.ndarray:
    """Float32[items, features]: the vectors themselves."""
    return np.asarray(values, dtype=np.float32)
