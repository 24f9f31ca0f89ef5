"""What each task's answers look like to a person: a class, a number or several labels an item."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.workflows._predictions import Predictions, Unreadable, remarks

CLASS_PREFIX = "p_"
BETWEEN = "|"  # the labels of an item in one cell
_DIGITS = 6  # significant ones of a number before a person


@dataclass(frozen=True)
class Prediction:
    """One item's class; as text "new/1.png: cat 0.93, unsure".

    Attributes:
        path: the item, as it was given: a file, a row, or the beginning of a text.
        label: the class it is taken for.
        probability: of that class, 0 to 1.
        is_unsure: whether the network is too unsure to be relied upon, by a bound that validation set.
        is_unlike: whether the item is far from everything the network was trained on.
    """

    path: str
    label: str
    probability: float
    is_unsure: bool
    is_unlike: bool

    @property
    def remarks(self) -> list[str]:
        """What speaks against relying on it: "unsure", "unlike the training data", both or nothing."""
        return remarks(self.is_unsure, self.is_unlike)

    def __str__(self) -> str:
        return ", ".join([f"{self.path}: {self.label} {self.probability:.2f}", *self.remarks])

    def _repr_html_(self) -> str:
        return html.escape(str(self))


@dataclass(frozen=True)
class NumberPrediction:
    """One item's number; as text "row 7: 183500 (150200 to 221000)".

    Attributes:
        path: the item, as it was given.
        value: the number, in the target's own units.
        low, high: between which the truth lies as often as `NumberPredictions.coverage` says; None where that is not
            known.
        is_unlike: whether the item is far from everything the network was trained on.
    """

    path: str
    value: float
    low: float | None
    high: float | None
    is_unlike: bool

    @property
    def remarks(self) -> list[str]:
        """What speaks against relying on it: "unlike the training data", or nothing."""
        return remarks(False, self.is_unlike)

    def __str__(self) -> str:
        between = "" if self.low is None else f" ({_shown(self.low)} to {_shown(self.high)})"
        return ", ".join([f"{self.path}: {_shown(self.value)}{between}", *self.remarks])

    def _repr_html_(self) -> str:
        return html.escape(str(self))


@dataclass(frozen=True)
class LabelsPrediction:
    """One item's labels; as text "new/1.png: cat 0.93, indoors 0.71", or "none".

    Attributes:
        path: the item, as it was given.
        labels: those it is taken to have, maybe none.
        probabilities: of every label, 0 to 1 each by itself.
        is_unlike: whether the item is far from everything the network was trained on.
    """

    path: str
    labels: tuple[str, ...]
    probabilities: Mapping[str, float]
    is_unlike: bool

    @property
    def remarks(self) -> list[str]:
        """What speaks against relying on it: "unlike the training data", or nothing."""
        return remarks(False, self.is_unlike)

    def __str__(self) -> str:
        told = [f"{name} {self.probabilities[name]:.2f}" for name in self.labels] or ["none"]
        return ", ".join([f"{self.path}: {told[0]}", *told[1:], *self.remarks])

    def _repr_html_(self) -> str:
        return html.escape(str(self))


@dataclass(frozen=True)
class ClassPredictions(Predictions):
    """A class an item. The frame's columns: `path`, `prediction`, `unsure`, `unlike`, and a probability `p_<class>` for
    each class."""

    CELLS = ("path", "prediction", "probability")

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the probabilities."""
        return self.names

    @property
    def probability(self) -> np.ndarray:
        """Float32[items, classes]."""
        return self.frame.select(f"{CLASS_PREFIX}{name}" for name in self.names).to_numpy()

    @property
    def counts(self) -> dict[str, int]:
        """Class → how many items were taken for it, in the order of the classes."""
        found = dict(self.frame["prediction"].value_counts().iter_rows())
        return {name: int(found.get(name, 0)) for name in self.names}

    def _one(self, row: dict[str, Any]) -> Prediction:
        label = row["prediction"]
        return Prediction(row["path"], label, row[f"{CLASS_PREFIX}{label}"], row["unsure"], row["unlike"])

    def _cells(self, row: dict[str, Any]) -> Sequence[str]:
        label = row["prediction"]
        return row["path"], label, f"{row[f'{CLASS_PREFIX}{label}']:.3f}"

    def _about(self) -> dict[str, Any]:
        return {"classes": list(self.names), "counts": self.counts}

    def _answer(self, row: dict[str, Any]) -> dict[str, Any]:
        said = {name: row[name] for name in ("path", "prediction", "unsure", "unlike")}
        return {**said, "probability": {name: row[f"{CLASS_PREFIX}{name}"] for name in self.names}}

    def summary(self) -> list[str]:
        return [f"{name}: {count}" for name, count in self.counts.items()]

    @property
    def _in_short(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.counts.items())


@dataclass(frozen=True)
class NumberPredictions(Predictions):
    """A number an item. The frame's columns: `path`, `prediction`, `low` and `high` where the run knows how far off its
    answers are, `unlike`.

    Attributes:
        coverage: the share of new items whose truth lies from `low` to `high`; None where there are none.
    """

    coverage: float | None = None

    CELLS = ("path", "prediction", "low", "high")
    DECIMALS = None  # a number may be tiny

    @property
    def target(self) -> str:
        """What the number is called."""
        return self.names[0]

    def _one(self, row: dict[str, Any]) -> NumberPrediction:
        return NumberPrediction(row["path"], row["prediction"], row.get("low"), row.get("high"), row["unlike"])

    def _cells(self, row: dict[str, Any]) -> Sequence[str]:
        bounds = ["" if row.get(name) is None else _shown(row[name]) for name in ("low", "high")]
        return row["path"], _shown(row["prediction"]), *bounds

    def _about(self) -> dict[str, Any]:
        values = self.frame["prediction"]
        span = {"mean": float(values.mean()), "lowest": float(values.min()), "highest": float(values.max())}  # type: ignore[arg-type]
        return {"target": self.target, "coverage": self.coverage, **span}

    def _answer(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: row.get(name) for name in ("path", "prediction", "low", "high", "unlike")}

    def summary(self) -> list[str]:
        told = [self._in_short]
        if self.coverage is not None:
            told.append(f"of items like the training data, {self.coverage:.0%} lie between their two bounds")
        return told

    @property
    def _in_short(self) -> str:
        about = self._about()
        low, high = _shown(about["lowest"]), _shown(about["highest"])
        return f"mean {_shown(about['mean'])}, from {low} to {high}"


@dataclass(frozen=True)
class LabelsPredictions(Predictions):
    """Several labels an item. The frame's columns: `path`, `prediction` (its labels, with `BETWEEN` between them),
    `unlike`, and a probability `p_<label>` for each label."""

    CELLS = ("path", "prediction")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names, in the order of the probabilities."""
        return self.names

    @property
    def probability(self) -> np.ndarray:
        """Float32[items, labels]."""
        return self.frame.select(f"{CLASS_PREFIX}{name}" for name in self.names).to_numpy()

    @property
    def counts(self) -> dict[str, int]:
        """Label → how many items are taken to have it, in the order of the labels."""
        found = dict(self.frame["prediction"].str.split(BETWEEN).explode().value_counts().iter_rows())
        return {name: int(found.get(name, 0)) for name in self.names}

    def _one(self, row: dict[str, Any]) -> LabelsPrediction:
        probabilities = {name: row[f"{CLASS_PREFIX}{name}"] for name in self.names}
        return LabelsPrediction(row["path"], tuple(_split(row["prediction"])), probabilities, row["unlike"])

    def _cells(self, row: dict[str, Any]) -> Sequence[str]:
        return row["path"], ", ".join(_split(row["prediction"]))

    def _about(self) -> dict[str, Any]:
        return {"labels": list(self.names), "counts": self.counts}

    def _answer(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "path": row["path"],
            "prediction": _split(row["prediction"]),
            "unlike": row["unlike"],
            "probability": {name: row[f"{CLASS_PREFIX}{name}"] for name in self.names},
        }

    def summary(self) -> list[str]:
        without = int((self.frame["prediction"] == "").sum())
        told = [f"{name}: {count}" for name, count in self.counts.items()]
        return [*told, f"without a label: {without}"] if without else told

    @property
    def _in_short(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.counts.items())


def _split(cell: str) -> list[str]:
    return cell.split(BETWEEN) if cell else []


def _shown(value: float | None) -> str:
    return f"{value:.{_DIGITS}g}"


# ---- from a network's answers


@dataclass(frozen=True)
class Answered:
    """What a run said of all items, in their order.

    Attributes:
        paths: what items are called.
        answer: Float32[items, outputs].
        taken: what each is taken for, as the task says it.
        interval: Float32[items, 2], or None: between which numbers the truth lies.
        unsure: Bool[items].
        unlike: Bool[items].
    """

    paths: Sequence[str]
    answer: np.ndarray
    taken: Sequence[Any]
    interval: np.ndarray | None
    unsure: np.ndarray
    unlike: np.ndarray


def tabulate(
    modality: str,
    answered: Answered,
    names: tuple[str, ...],
    unreadable: tuple[Unreadable, ...] = (),
    coverage: float | None = None,
) -> Predictions:
    """The predictions of a task.

    Args:
        modality: of the task's target: "category", "number" or "labels".
        answered: for all items.
        names: of the network's outputs.
        unreadable: items without an answer.
        coverage: of the interval.
    """
    return _MADE[modality](answered, names, unreadable, coverage)


def _classes(answered: Answered, names: tuple[str, ...], unreadable: tuple[Unreadable, ...], _: Any) -> Predictions:
    said = {
        "path": pl.Series(answered.paths, dtype=pl.String),
        "prediction": pl.Series(answered.taken, dtype=pl.String),
        "unsure": pl.Series(answered.unsure, dtype=pl.Boolean),
        "unlike": pl.Series(answered.unlike, dtype=pl.Boolean),
    }
    return ClassPredictions(pl.DataFrame({**said, **_probabilities(answered, names)}), names, unreadable)


def _numbers(
    answered: Answered, names: tuple[str, ...], unreadable: tuple[Unreadable, ...], coverage: float | None
) -> Predictions:
    said = {
        "path": pl.Series(answered.paths, dtype=pl.String),
        "prediction": pl.Series(answered.taken, dtype=pl.Float64),
    }
    if answered.interval is not None:
        bounds = answered.interval.astype(np.float64)
        said |= {"low": pl.Series(bounds[:, 0]), "high": pl.Series(bounds[:, 1])}
    said["unlike"] = pl.Series(answered.unlike, dtype=pl.Boolean)
    return NumberPredictions(pl.DataFrame(said), names, unreadable, None if answered.interval is None else coverage)


def _labels(answered: Answered, names: tuple[str, ...], unreadable: tuple[Unreadable, ...], _: Any) -> Predictions:
    said = {
        "path": pl.Series(answered.paths, dtype=pl.String),
        "prediction": pl.Series([BETWEEN.join(labels) for labels in answered.taken], dtype=pl.String),
        "unlike": pl.Series(answered.unlike, dtype=pl.Boolean),
    }
    return LabelsPredictions(pl.DataFrame({**said, **_probabilities(answered, names)}), names, unreadable)


def _probabilities(answered: Answered, names: Sequence[str]) -> dict[str, np.ndarray]:
    return {f"{CLASS_PREFIX}{name}": answered.answer[:, index] for index, name in enumerate(names)}


# The modality of a task's target → what its answers become.
_MADE: dict[str, Callable[[Answered, tuple[str, ...], tuple[Unreadable, ...], float | None], Predictions]] = {
    "category": _classes,
    "number": _numbers,
    "labels": _labels,
}
