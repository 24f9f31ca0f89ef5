"""All numbers, categories, dates and booleans of an item, side by side as one input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from penjing.modalities.table._layout import Layout, layout, season, weekday

__all__ = ["GIVES", "KIND", "MODELS", "Layout", "features", "layout", "recognise", "shape"]

KIND: Literal["cell"] = "cell"
GIVES: Literal["vector"] = "vector"
MODELS: tuple[str, ...] = ("tabular",)


def recognise(cells: Sequence[Any]) -> float:  # noqa: ARG001 - every modality is asked
    """0: it is several columns, never one."""
    return 0.0


def shape(learned: Mapping[str, Any], item_shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: ARG001 - one signature
    """(features,): how many numbers the front end makes of an item."""
    return (layout(learned).width,)


def features(values: np.ndarray, learned: Mapping[str, Any] | None = None) -> np.ndarray:
    """Float32[items, features]: what linear models and trees see of items; no missing values among them.

    Args:
        values: Float32[items, columns], encoded columns side by side.
        learned: as the front end takes it, from training rows only. With it categories become one column a value,
            and dates show their season, weekday and hour; without it codes and days stay as they are.
    """
    if learned is None:
        missing = np.isnan(values)
        return np.concatenate([np.where(missing, 0, values), missing], axis=1).astype(np.float32)
    plan = layout(learned)
    parts = []
    if plan.lines:
        numbers = values[:, plan.line_columns]
        missing = np.isnan(numbers)
        parts += [np.where(missing, plan.centres, numbers), missing[:, plan.lines_with_missing]]
    if len(plan.flag_columns):
        parts.append(values[:, plan.flag_columns] == plan.flag_codes)
    if len(plan.date_columns):
        days = values[:, plan.date_columns].astype(np.float64)
        parts += [np.nan_to_num(part) for part in (np.sin(season(days)), np.cos(season(days)), weekday(days), days % 1)]
    return np.concatenate(parts or [np.zeros((len(values), 1))], axis=1).astype(np.float32)
