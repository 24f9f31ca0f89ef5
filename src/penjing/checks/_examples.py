"""Small records by which checks are tried: a training that goes well, items as they should be, and what differs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from penjing.core.record import Record, Survey


def example_steps(**changed: Sequence[Any] | float) -> Record:
    """A record of ten evaluations of a training that goes well, with these columns changed or added.

    Args:
        changed: column, "__" standing for "/" → its values, or one value for all rows.
    """
    falling = [1.2, 0.9, 0.7, 0.55, 0.45, 0.38, 0.33, 0.3, 0.28, 0.27]
    ordinary: dict[str, Any] = {
        "step": list(range(100, 1100, 100)),
        "train/running_loss": [loss + 0.05 for loss in falling],
        "train/loss": falling,
        "valid/loss": [loss + 0.08 for loss in falling],
        "rate": [0.001 * (10 - row) / 10 for row in range(10)],
        "gradient/norm": [2.0, 1.8, 1.5, 1.4, 1.2, 1.3, 1.1, 1.0, 0.9, 0.9],
        "seconds": [6.0 * (row + 1) for row in range(10)],
        "stalled_seconds": [0.1 * (row + 1) for row in range(10)],
    }
    for number, layer in enumerate(("first", "second", "third", "last")):
        ordinary[f"layer/{layer}/grad_norm"] = [0.5 + 0.1 * number] * 10
        ordinary[f"layer/{layer}/weight_norm"] = [4.0] * 10
        ordinary[f"layer/{layer}/update_ratio"] = [1e-3] * 10
        ordinary[f"activation/{layer}/dead"] = [0.02] * 10
    named = {name.replace("__", "/"): values for name, values in changed.items()}
    columns = {
        name: list(values) if isinstance(values, Sequence) else [values] * 10
        for name, values in {**ordinary, **named}.items()
    }
    return Record(steps=pl.DataFrame(columns, strict=False))


def example_trials(*rows: Mapping[str, Any], of: Record | None = None) -> Record:
    """A record with these experiments beside the training itself, which has 90% right of 1,000 items.

    Args:
        rows: what differs from an ordinary row; `gain` is what the metric gains over the training itself.
        of: what else the record holds.
    """
    ordinary: dict[str, Any] = {
        "experiment": "itself",
        "setting": "",
        "seed": 0,
        "metric": "accuracy",
        "is_higher_better": True,
        "value": 0.9,
        "low": 0.88,
        "high": 0.92,
        "gain": 0.0,
        "gain_low": 0.0,
        "gain_high": 0.0,
        "floor": 0.1,
        "share": 1.0,
        "loss": 0.3,
        "items": 1000,
        "parameters": 100_000,
        "seconds": None,
    }
    filled = [{**ordinary, **row} for row in ({}, *rows)]
    for row in filled:
        gain_of = float(row["gain"])
        row["value"] = 0.9 + gain_of if row["value"] == 0.9 else row["value"]
        if row["gain_low"] == row["gain_high"] == 0.0:
            row["gain_low"], row["gain_high"] = gain_of - 0.01, gain_of + 0.01
    return replace(of or Record(), trials=pl.DataFrame(filled, infer_schema_length=None))


def example_inputs(*changed: Mapping[str, Any], of: Record | None = None) -> Record:
    """A record of ordinary inputs and of these, each told by what differs from an ordinary one."""
    ordinary: dict[str, Any] = {
        "role": "input",
        "input": "table",
        "column": "age",
        "modality": "table",
        "train_items": 400,
        "valid_items": 100,
        "centre": 40.0,
        "scale": 12.0,
        "least": 18.0,
        "most": 90.0,
        "missing": 0.0,
        "valid_missing": 0.0,
        "varies": True,
        "drift": 0.05,
        "drift_of": "values",
        "drift_p": 0.6,
        "drop": 0.05,
        "drop_low": 0.03,
        "drop_high": 0.07,
        "drop_all": 0.4,
        "unit": 1.0,
    }
    target = {"role": "target", "input": "target", "column": "target", "modality": None, "drop": None}
    target.update(drop_low=None, drop_high=None, drop_all=None, unit=None)
    rows = [ordinary, {**ordinary, **target}, *({**ordinary, "column": "income", **one} for one in changed)]
    return replace(of or Record(), inputs=pl.DataFrame(rows, infer_schema_length=None))


def example_answers(network: Sequence[float], constant: Sequence[float]) -> Record:
    """A record of the losses of a network and of a constant answer on the same validation items."""
    frames = [
        pl.DataFrame({"hash": [f"{row:032x}" for row in range(len(losses))], "loss": losses, "model": model})
        for model, losses in (("network", network), ("majority", constant))
    ]
    return Record(items=pl.concat(frames))


def example_classes(said: Mapping[str, Sequence[tuple[str, str, float]]]) -> Record:
    """A record of answers of two classes, "cat" and "dog", on validation items.

    Args:
        said: model → (target, the class it predicts, the probability it gives to that class), one for each item.
    """
    rows = [
        {
            "model": model,
            "hash": f"{row:032x}",
            "name": f"{row}.png",
            "part": "valid",
            "target": target,
            "predicted": predicted,
            "probability": [sure, 1 - sure] if predicted == "cat" else [1 - sure, sure],
            "loss": -math.log(sure if target == predicted else 1 - sure),
        }
        for model, answers in said.items()
        for row, (target, predicted, sure) in enumerate(answers)
    ]
    return Record(items=pl.DataFrame(rows))


@dataclass(frozen=True)
class Example:
    """A small survey for the example records of a check: pictures of two classes, all as they should be.

    Attributes:
        classes: class → number of items.
        parts: dealt over the items of each class in turn.
        pairs: duplicates as (a, b, kind).
        columns: columns that replace those of the ordinary example, one value per item or one for all.
        given_split: whether the parts came with the data.
        hints: of the source.
        doubts: of the source.
    """

    classes: Mapping[str, int] = field(default_factory=lambda: {"cat": 400, "dog": 400})
    parts: Sequence[str] = ("train", "train", "train", "valid", "test")
    pairs: Sequence[tuple[int, int, str]] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    given_split: bool = False
    hints: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    @property
    def record(self) -> Record:
        """The record that holds this survey and nothing else."""
        rows = [(name, number) for name, count in self.classes.items() for number in range(count)]
        ordinary = {
            "name": [f"{name}/{number}.png" for name, number in rows],
            "hash": [f"{row:032x}" for row in range(len(rows))],
            "target": [name for name, _ in rows],
            "part": [self.parts[number % len(self.parts)] for _, number in rows],
            "group": None,
            "error": None,
            "height": 64,
            "width": 64,
            "channels": 3,
            "format": "PNG",
            "pages": 1,
            "spread": 200,
        }
        columns = {
            name: values if isinstance(values, list) else [values] * len(rows)
            for name, values in {**ordinary, **self.columns}.items()
        }
        items = pl.DataFrame(columns, schema_overrides={"group": pl.String, "error": pl.String})
        pairs = pl.DataFrame(list(self.pairs), {"a": pl.Int64, "b": pl.Int64, "kind": pl.String}, orient="row")
        hints = {"noun": "picture", **self.hints}
        return Record(Survey(items, pairs, self.given_split, "example", hints, self.doubts))


def example_columns(*changed: Mapping[str, Any]) -> Record:
    """A record of ordinary columns and of these, each told by what differs from an ordinary one."""
    ordinary = {
        "name": "age",
        "type": "number",
        "items": 500,
        "missing": 0.01,
        "distinct": 60,
        "least": "18",
        "most": "93",
        "counts_up": False,
        "tells_target": False,
    }
    return Record(columns=pl.DataFrame([ordinary, *({**ordinary, **one} for one in changed)]))
