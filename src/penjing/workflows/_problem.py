"""From prepared data to what a recipe is carried out on: preprocessing is learned, on training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penjing.training._loader import Items
from penjing.training.engine import Problem, torch_half
from penjing.workflows._prepare import Prepared

CHUNK = 4096  # items in memory at once while preprocessing is learned
NO_TARGET = "target"


def learn_preprocessing(prepared: Prepared, rows: np.ndarray) -> dict[str, Any]:
    """What the modality's front end learns from some rows, which must be training rows."""
    front_end = torch_half(prepared.modality, "front_end")
    chunks = (prepared.values.take(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))
    learned: dict[str, Any] = front_end.learn(chunks)
    return learned


def pose(prepared: Prepared, train: np.ndarray, valid: np.ndarray, learned: Mapping[str, Any] | None = None) -> Problem:
    """The problem of learning from `train` and choosing on `valid`.

    Args:
        train: rows trained on.
        valid: rows that choose; may be empty.
        learned: preprocessing to use; None learns it from `train`.
    """
    column = prepared.column.name
    target = prepared.table.target.name if prepared.table.target else NO_TARGET
    return Problem(
        Items({column: prepared.values}, {target: prepared.truth}),
        {column: prepared.column.modality},
        {column: learn_preprocessing(prepared, train) if learned is None else learned},
        {column: prepared.shape},
        target,
        prepared.classes,
        train,
        valid,
    )
