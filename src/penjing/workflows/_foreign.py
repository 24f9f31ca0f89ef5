"""The log of another tool as a record: a table of Keras, Lightning, Weights & Biases or anything with losses."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeGuard

import polars as pl

from penjing.core.errors import DataError
from penjing.core.record import Record
from penjing.sources._tables import decode_text

# What other tools call the columns of a record. Keras: `loss`, `val_loss`; Lightning: what the person logged, with
# `_epoch` and `_step` behind it; Weights & Biases, and the logs of our own watchers: part and name with "/" between
# them. The loss of Keras is the mean over the batches of an epoch, as they were augmented.
_TRAIN = (
    "loss",
    *("train_loss", "training_loss", "train_loss_epoch", "train_loss_step"),
    *("train/loss", "train/loss_epoch", "train/loss_step"),
)
_VALID = (
    *("val_loss", "valid_loss", "validation_loss", "eval_loss", "val_loss_epoch"),
    *("valid/loss", "val/loss", "validation/loss", "eval/loss", "val/loss_epoch"),
)
_MEANT: Mapping[str, tuple[str, ...]] = {
    "train/running_loss": ("train/running_loss", *_TRAIN),
    "train/loss": _TRAIN,
    "valid/loss": _VALID,
    "gradient/norm": ("gradient/norm", "grad_norm", "train/grad_norm", "gradient_norm", "grad_2.0_norm_total"),
    "rate": ("rate", "lr", "learning_rate", "train/learning_rate"),
    "seconds": ("seconds", "time", "elapsed"),
}
_EPOCHS = ("epoch", "train/epoch")  # what numbers the rows
_STEPS = ("step", "iteration", "_step", "global_step", "train/global_step", "trainer/global_step")
_TRAINING = "training"  # what tells trainings apart in the logs of our own watchers
TITLE = "history"  # what a log is called that is no file
_LOSSES = ("train/running_loss", "train/loss", "valid/loss")
MOST_NAMED, LONGEST_NAME = 12, 40  # columns that a refusal names, and letters of a name in it


def foreign(file: Path) -> Record:
    """The record in a log of Keras (`CSVLogger`, or a `History` as a table), of Lightning (`CSVLogger`) or in any CSV
    with a column of losses. Rows of one epoch become one, or of one step where no column numbers whole epochs; rows
    without a number there are left out. Where nothing numbers the rows, each is an epoch; where their epochs begin
    again, or a column `training` counts several, the last training is read.

    Raises:
        DataError: it is not such a table, or holds no losses.
    """
    try:
        text, _ = decode_text(file.read_bytes(), str(file))
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (OSError, csv.Error) as problem:
        raise DataError(f"{file} is not readable as a CSV log: {problem}") from problem
    return _record(rows, str(file))


def of_history(given: object) -> Record | None:
    """The record in what Keras calls a `History`, or in what that holds: a mapping from a name to its values, one an
    epoch; None where it is neither.

    Raises:
        DataError: it holds no losses, or values that belong to no epoch.
    """
    values = getattr(given, "history", given)
    if not isinstance(values, Mapping) or not all(_is_series(one) for one in values.values()):
        return None
    columns = {str(name): list(one) for name, one in values.items()}
    epochs = max((len(one) for one in columns.values()), default=0)
    numbers = getattr(given, "epoch", None)
    if _is_series(numbers) and len(numbers) == epochs and not {name.lower() for name in columns} & set(_EPOCHS):
        columns["epoch"] = list(numbers)
    placed = {name: _placed(one, epochs, name) for name, one in columns.items()}
    rows = [{name: _cell(one[epoch]) for name, one in placed.items()} for epoch in range(epochs)]
    return _record(rows, TITLE)


def _is_series(values: object) -> TypeGuard[Collection[Any]]:
    """Whether there may be one value an epoch in it."""
    return isinstance(values, Collection) and not isinstance(values, str | bytes | Mapping)


def _placed(values: list[Any], epochs: int, name: str) -> list[Any]:
    """The values with None for the epochs without one: Keras validates after every so many of them, if it is asked to,
    and keeps what it then has in a shorter list."""
    fitting = [every for every in range(1, epochs + 2) if epochs // every == len(values)]
    if not fitting:
        raise DataError(f"{name} has {len(values)} values, which do not fit {epochs} epochs; give one an epoch")
    every = fitting[-1]
    if len(fitting) > 1 and values:
        told = f"{name} has {len(values)} values of {epochs} epochs, of every {fitting[0]} or of every {every}"
        raise DataError(f"{told}; give one an epoch, None where there is none")
    found: list[Any] = [None] * epochs
    found[every - 1 : every * len(values) : every] = values
    return found


def _cell(value: Any) -> str:
    """A value as a table holds it."""
    if value is None:
        return ""
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        return str(value)


def _record(rows: list[dict[str, str]], file: str) -> Record:
    """The record in the rows of a table.

    Args:
        file: what the table is called.
    """
    given = {str(name).strip().lower(): name for name in (rows[0] if rows else {}) if name}
    columns = {
        ours: given[theirs]
        for ours, names in _MEANT.items()
        if (theirs := next((name for name in names if name in given), None)) is not None
    }
    if not any(name in columns for name in _LOSSES):
        names = f"its columns are {_named(tuple(given))}" if given else "it has no rows"
        raise DataError(f"{file} holds no losses: {names}; a log has a column loss, train_loss or val_loss")
    rows = _of_last_counted(rows, columns, given.get(_TRAINING))
    epoch, step = (next((given[name] for name in names if name in given), None) for names in (_EPOCHS, _STEPS))
    are_steps = step is not None and _are_whole(rows, step) and _are_rising(rows, step)
    if are_steps and (epoch is None or not _are_whole(rows, epoch)):
        lines, counted = list(_numbered(rows, columns, step, file)), "step"
    else:
        lasts = rows if epoch is None else _of_last_training(rows, columns, epoch)
        lines, counted = list(_numbered(lasts, columns, epoch, file)), "epoch"
        lines = [{**line, "step": place} for place, line in enumerate(lines, 1)]
    return Record(steps=pl.DataFrame(lines, infer_schema_length=None), counted=counted)


def _cells(rows: list[dict[str, str]], column: str) -> list[str]:
    return [(row.get(column) or "").strip() for row in rows]


def _numbers(rows: list[dict[str, str]], column: str) -> list[float]:
    """The numbers in a column; a row such as a summary at the end has none."""
    return [number for cell in _cells(rows, column) if (number := _number(cell)) is not None]


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _are_whole(rows: list[dict[str, str]], column: str) -> bool:
    """Whether a column numbers whole epochs or steps, and not parts of them."""
    numbers = _numbers(rows, column)
    return bool(numbers) and all(number.is_integer() for number in numbers)


def _are_rising(rows: list[dict[str, str]], column: str) -> bool:
    """Whether the numbers of a column, each once, rise."""
    numbers = list(dict.fromkeys(_numbers(rows, column)))
    return numbers == sorted(numbers)


def _of_last_counted(
    rows: list[dict[str, str]], columns: Mapping[str, str], counting: str | None
) -> list[dict[str, str]]:
    """The rows of the last training that has losses, where a column counts trainings; else all rows."""
    if counting is None:
        return rows
    losses = [columns[name] for name in _LOSSES if name in columns]
    known = {
        _number(cell)
        for row in rows
        if any(_cells([row], name) != [""] for name in losses)
        for cell in _cells([row], counting)
    }
    last = max((number for number in known if number is not None), default=None)
    return rows if last is None else [row for row in rows if _number((row.get(counting) or "").strip()) == last]


def _of_last_training(rows: list[dict[str, str]], columns: Mapping[str, str], epoch: str) -> list[dict[str, str]]:
    """The rows of the last training in a log that several were appended to: its epochs begin again there. Rows without
    any loss, such as those of a test, are no training."""
    numbers = [_number(cell) for cell in _cells(rows, epoch)]
    known = [(place, number) for place, number in enumerate(numbers) if number is not None]
    losses = [columns[name] for name in _LOSSES if name in columns]
    for (_, before), (place, number) in reversed(list(pairwise(known))):
        begins_again = number < before and number == known[0][1]
        if begins_again and any(any(_cells(rows[place:], name)) for name in losses):
            return rows[place:]
    return rows


def _numbered(
    rows: list[dict[str, str]], columns: Mapping[str, str], numbering: str | None, file: str
) -> Iterator[dict[str, Any]]:
    """One line of a record for each epoch or step: the last value of each column in it, and what was not a number."""
    members: dict[float, list[dict[str, str]]] = {}
    is_numbered = numbering is not None and bool(_numbers(rows, numbering))
    for place, row in enumerate(rows, 1):
        number = _number((row.get(numbering or "") or "").strip()) if is_numbered else place
        if number is not None:
            members.setdefault(number, []).append(row)
    # Only a loss has to be a number: a column "time" may hold the time of day.
    known = {ours: theirs for ours, theirs in columns.items() if ours in _LOSSES or _is_number(_cells(rows, theirs))}
    for number, some in members.items():
        values = {ours: _last(some, theirs, file) for ours, theirs in known.items()}
        lost = [name for name, value in values.items() if value is not None and not math.isfinite(value)]
        plain = {name: None if name in lost else value for name, value in values.items()}
        yield {"step": int(number), **plain, "non_finite": lost or None}


def _is_number(cells: list[str]) -> bool:
    """Whether all cells that hold something hold a number."""
    try:
        for cell in filter(None, cells):
            float(cell)
    except ValueError:
        return False
    return True


def _last(rows: list[dict[str, str]], column: str, file: str) -> float | None:
    cells = [cell for cell in _cells(rows, column) if cell]
    if not cells:
        return None
    try:
        return float(cells[-1])
    except ValueError as problem:
        raise DataError(f'{file}: "{cells[-1]}" in the column {column} is not a number') from problem


def _named(columns: Sequence[str]) -> str:
    """The first names of a table, as far as they fit into a sentence: it may have hundreds."""
    shown = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in columns[:MOST_NAMED]]
    more = len(columns) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
