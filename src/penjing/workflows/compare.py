"""Runs side by side: what was chosen differently, and whether the answers on shared items differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.core import statistics
from penjing.core.duplicates import joined
from penjing.core.recipe import Recipe, to_dict
from penjing.core.report.text import many, metric_name, show_effect
from penjing.core.run import Run
from penjing.core.score import Score
from penjing.core.split import Split

NONE_SHARED = "no shared validation items"
ALL_ONE = "the shared validation items are all of one number, so nothing tells"
OF_CLASSES, OF_NUMBERS = "accuracy", "r2"  # what is gained
# Choices that follow from the data or the machine; a different one explains nothing.
_NOT_CHOSEN = ("machine.", "data.", "training.replans")
_NAMED = 10  # columns


@dataclass(frozen=True)
class Against:
    """One run held against the first.

    Attributes:
        run: the run.
        score: its validation score, or None.
        choices: dotted recipe key → (the first run's value, this one's), where they differ.
        shared: validation items that both have answered.
        more_right: share of the shared items that this run gets right beyond the first, or, of numbers, how much
            greater its R² is on them; with its interval over groups (items that either run's split keeps together);
            None where nothing tells.
        why: why nothing tells; "" where `more_right` does.
    """

    run: Run
    score: Score | None
    choices: Mapping[str, tuple[Any, Any]]
    shared: int
    more_right: Score | None
    why: str = ""

    @property
    def verdict(self) -> str:
        """What the paired difference says, in words."""
        if self.more_right is None:
            return self.why or NONE_SHARED
        if self.more_right.units == 1:  # a single group says nothing of others, and its interval is no interval
            return "no clear difference"
        if self.more_right.low > 0:
            return "better"
        return "worse" if self.more_right.high < 0 else "no clear difference"


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, the first being what the others are held against."""

    first: Run
    score: Score | None
    others: tuple[Against, ...]

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [f"{self.first.path}  {_shown(self.score)}"]
        for other in self.others:
            found.append(f"{other.run.path}  {_shown(other.score)}")
            if other.more_right is not None:
                gain = other.more_right
                effect = show_effect(gain.value, gain.low, gain.high, gain.metric)
                name = f"{metric_name(gain.metric)} " if gain.metric == OF_NUMBERS else ""
                found.append(
                    f"  {other.verdict}: {name}{effect} on {other.shared} shared validation items{_in_groups(gain)} "
                    "(one seed each)"
                )
            else:
                found.append(f"  {other.verdict}")
            found += [f"  {key}: {before} → {after}" for key, (before, after) in other.choices.items()]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "first": {"run": str(self.first.path), "score": self.score.to_dict() if self.score else None},
            "others": [
                {
                    "run": str(other.run.path),
                    "score": other.score.to_dict() if other.score else None,
                    "choices": {key: list(pair) for key, pair in other.choices.items()},
                    "shared": other.shared,
                    "more_right": other.more_right.to_dict() if other.more_right else None,
                    "verdict": other.verdict,
                }
                for other in self.others
            ],
        }


def compare(runs: Sequence[Run]) -> Comparison:
    """Hold every run against the first.

    Raises:
        RunError: a run has no recipe or is damaged.
    """
    first = runs[0]
    return Comparison(first, _score(first), tuple(_against(first, run) for run in runs[1:]))


def _against(first: Run, run: Run) -> Against:
    shared, told = _paired(first, run)
    gain, why = (None, told) if isinstance(told, str) else (told, "")
    return Against(run, _score(run), differences(first.recipe, run.recipe), shared, gain, why)


def _paired(first: Run, run: Run) -> tuple[int, Score | str]:
    """On how many validation items both answered, and how much better the second does on them, or why nothing tells."""
    silent = [str(one.path) for one in (first, run) if not one.has_predictions]
    if silent:
        return 0, f"{' and '.join(silent)} {'has' if len(silent) == 1 else 'have'} no predictions to compare"
    answered = [
        one.predictions.filter((pl.col("model") == "network") & pl.col("target").is_not_null()) for one in (first, run)
    ]
    answered = [one.unique(["hash", "target"], maintain_order=True) for one in answered]
    if answered[0]["target"].dtype != answered[1]["target"].dtype:
        return 0, "no shared answers: their targets are of different kinds"
    both = answered[0].join(answered[1], on=["hash", "target"], suffix="_after")
    gain, name = _gained(both)
    if not len(gain):
        return len(both), ALL_ONE if len(both) else NONE_SHARED
    groups = joined(*(_groups(one, both["hash"]) for one in (first, run)))
    metric = statistics.Metric(
        name,
        lambda _, value: value[:, 0],
        lambda value, weight: float(value @ weight / weight.sum()),
        bounds=(-1.0, 1.0) if name == OF_CLASSES else (-math.inf, math.inf),
    )
    truth = np.zeros(len(gain), dtype=np.int64)
    return len(gain), statistics.score(metric, truth, gain[:, None], part="valid", groups=groups)


def _gained(both: pl.DataFrame) -> tuple[np.ndarray, str]:
    """What the second run gains on each item that both answered, the mean being that of the metric, and its name; none
    where the items cannot tell: there is none, or all are of one number. Of labels, an item is right in all or not."""
    if not both.schema["target"].is_numeric():
        before, after = (_right(both["target"], both[name]) for name in ("predicted", "predicted_after"))
        return after - before, OF_CLASSES
    target = both["target"].to_numpy()
    spread = float(target.var()) if len(target) else 0.0
    if not spread:
        return target[:0], OF_NUMBERS
    before, after = (np.square(both[name].to_numpy() - target) for name in ("predicted", "predicted_after"))
    return np.asarray((before - after) / spread), OF_NUMBERS


def _right(target: pl.Series, answer: pl.Series) -> np.ndarray:
    """1.0 where an answer is the target, in whatever order labels stand; else 0.0."""
    sides = (one.list.sort() if isinstance(one.dtype, pl.List) else one for one in (target, answer))
    return np.array([one == other for one, other in zip(*(side.to_list() for side in sides), strict=True)], dtype=float)


def _groups(run: Run, hashes: pl.Series) -> np.ndarray:
    """Int[items]: the group of each item in the run's split; an item that is not there stands alone."""
    alone = -1 - np.arange(len(hashes))
    if not run.has_split:
        return alone
    dealt = Split.read(run.path / "split.parquet").frame
    group_of = dict(zip(dealt["hash"].to_list(), dealt["group"].to_list(), strict=True))
    return np.array([group_of.get(name, own) for name, own in zip(hashes, alone.tolist(), strict=True)])


def differences(first: Recipe, second: Recipe) -> dict[str, tuple[Any, Any]]:
    """The choices in which two recipes differ: dotted key → (the first one's, the second one's)."""
    before, after = _chosen(first), _chosen(second)
    keys = {**before, **after}
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def _chosen(recipe: Recipe) -> dict[str, Any]:
    """A recipe's choices by dotted key; of the data the columns, by name where they are few, and how many items are
    left out or taken for another class."""
    data = recipe.data
    columns = ", ".join(data.inputs) if len(data.inputs) <= _NAMED else many(len(data.inputs), "column")
    items = {"data.inputs": columns, "data.drop": len(data.drop), "data.relabel": len(data.relabel)}
    return {key: value for key, value in _flat(to_dict(recipe)).items() if not key.startswith(_NOT_CHOSEN)} | items


def _flat(found: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in found.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        elif key == "augment":
            flat["augment"] = ", ".join(choice["name"] for choice in value) or "none"
            for choice in value:
                flat.update(_flat({k: v for k, v in choice.items() if k != "name"}, f"augment.{choice['name']}."))
        else:
            flat[prefix + key] = value
    return flat


def _score(run: Run) -> Score | None:
    return run.scores[0] if run.scores else None


def _in_groups(gain: Score) -> str:
    return f" in {gain.units} groups" if gain.units < gain.n else ""


def _shown(score: Score | None) -> str:
    return f"{score.metric} {score}" if score else "no score yet"
