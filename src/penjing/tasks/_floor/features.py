"""What the floor sees of items: numbers side by side, counts of words, and raw columns for trees; any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Features:
    """Some items as simple models see them.

    Attributes:
        dense: Float32[items, features]; what is missing is not a number. There may be no column.
        counts: sparse Float32[items, words] (a csr_matrix), or None.
        raw: Float32[items, columns] that trees read in the place of `dense`: missing values not numbers, categories
            as codes; or None.
        categorical: the columns of `raw` that hold codes of categories.
    """

    dense: np.ndarray
    counts: Any = None
    raw: np.ndarray | None = None
    categorical: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.dense)

    def __getitem__(self, rows: Any) -> Features:
        """Some of the items."""
        return Features(
            self.dense[rows],
            None if self.counts is None else self.counts[rows],
            None if self.raw is None else self.raw[rows],
            self.categorical,
        )

    @property
    def for_trees(self) -> np.ndarray:
        """Float32[items, columns]."""
        return self.dense if self.raw is None else self.raw


Given = Any  # Features, Float[items, features], or a scipy sparse matrix of counts


def as_features(given: Given) -> Features:
    """Features of what a modality gives; what is not finite counts as missing."""
    if isinstance(given, Features):
        return given
    if isinstance(given, np.ndarray):
        return Features(clean(given))
    return Features(np.zeros((given.shape[0], 0), dtype=np.float32), given.tocsr())


def side_by_side(parts: Sequence[Given]) -> Features:
    """The features of several inputs of the same items as one."""
    found = [as_features(part) for part in parts]
    counts = [one.counts for one in found if one.counts is not None]
    if len(counts) > 1:
        from scipy import sparse

        counts = [sparse.hstack(counts, format="csr")]
    starts = np.cumsum([0, *(one.for_trees.shape[1] for one in found)]).tolist()
    categorical = tuple(start + column for start, one in zip(starts, found, strict=False) for column in one.categorical)
    has_raw = any(one.raw is not None for one in found)
    return Features(
        _joined([one.dense for one in found]),
        counts[0] if counts else None,
        _joined([one.for_trees for one in found]) if has_raw else None,
        categorical,
    )


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def clean(values: np.ndarray) -> np.ndarray:
    """Float32[items, features] in which what is not finite is not a number."""
    found = np.asarray(values, dtype=np.float32)
    return found if np.isfinite(found).all() else np.where(np.isfinite(found), found, np.float32(np.nan))
