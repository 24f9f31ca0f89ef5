"""What answers state of the class that they name, wherever a threshold parts two classes. Used by checks that hold
probabilities against what is right."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from jaxtyping import Float


def stated(items: pl.DataFrame) -> Float[np.ndarray, " items"]:
    """The probability of the class that each answer names.

    It is the greatest one, but not where a threshold parts two classes: then the other class may have more.

    Args:
        items: answers that name one class each; see `penjing.checks.of_classes`.
    """
    if not _are_of_two(items):
        return items["probability"].list.max().to_numpy().astype(np.float64)
    place = places(items)
    probability = np.array(items["probability"].to_list(), dtype=np.float64)
    return probability[np.arange(len(items)), [place[name] for name in items["predicted"]]]


def places(items: pl.DataFrame) -> dict[str, int]:
    """Class → the place of its probability: of two classes by the losses, else by where the greatest mostly is when
    that class is the answer. Empty where two classes seem to share a place.

    Args:
        items: as in `stated`.
    """
    if _are_of_two(items):
        return _of_two(items)
    votes: dict[str, Counter[int]] = {}
    for name, index in zip(items["predicted"], items["probability"].list.arg_max(), strict=True):
        votes.setdefault(name, Counter())[index] += 1
    found = {name: counts.most_common(1)[0][0] for name, counts in votes.items()}
    return found if len(set(found.values())) == len(found) else {}


def _are_of_two(items: pl.DataFrame) -> bool:
    """Whether there are two classes, and losses to tell their places by: a threshold needs two."""
    if not len(items) or "loss" not in items.columns or (items["probability"].list.len() != 2).any():
        return False
    return len(_names(items)) <= 2


def _names(items: pl.DataFrame) -> list[str]:
    named = pl.concat([items["target"], items["predicted"]])
    return sorted(named.drop_nulls().unique().to_list())


def _of_two(items: pl.DataFrame) -> dict[str, int]:
    """The places that fit the losses best: a loss is −log of what the right class was given."""
    names = _names(items)
    told = items.filter(pl.col("target").is_not_null() & pl.col("loss").is_finite())
    probability = np.array(told["probability"].to_list(), dtype=np.float64).reshape(-1, 2)
    given = np.exp(-told["loss"].to_numpy().astype(np.float64))
    off = np.abs(probability - given[:, None])
    is_first = (told["target"] == names[0]).to_numpy()
    as_told, turned = (float(np.where(is_first, off[:, place], off[:, 1 - place]).sum()) for place in (0, 1))
    first = int(turned < as_told)
    return dict(zip(names, (first, 1 - first), strict=False))
