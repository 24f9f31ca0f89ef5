"""A run's answers for new items, from whatever a person hands over, without holding more than a few in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from penjing.core.errors import DataError, UsageError
from penjing.core.events import Finished, Progress, Said, Started, Warned, Watch, tell
from penjing.core.files import disk_error
from penjing.core.process import usable_cores
from penjing.core.run import Run, open_run
from penjing.workflows._answered import (
    Answered,
    ClassPredictions,
    LabelsPrediction,
    LabelsPredictions,
    NumberPrediction,
    NumberPredictions,
    Prediction,
    tabulate,
)
from penjing.workflows._explain import look
from penjing.workflows._inputs import as_typed, gather
from penjing.workflows._items import Item, Reader, decoded, encoded
from penjing.workflows._load import Answers, Loaded, load
from penjing.workflows._overlay import file_name, write_overlay
from penjing.workflows._predictions import Predictions, Unreadable, check_output
from penjing.workflows._rows import Source, Wanted
from penjing.workflows._survey import IMAGE

__all__ = [
    "ClassPredictions",
    "LabelsPrediction",
    "LabelsPredictions",
    "NumberPrediction",
    "NumberPredictions",
    "Prediction",
    "Predictions",
    "Unreadable",
    "as_typed",
    "check_output",
    "predict",
]

BATCH = 256  # items with files answered at once
MOST_ROWS = 4096  # items without files answered at once
MOST_EXPLAINED = 200  # each costs as many answers as `_explain` hides places
LISTED = 10  # unreadable items named in a message, and columns with unknown values
_LETTERS = 30  # of a cell in a message


def predict(
    run: str | Path | Run,
    inputs: object,
    *,
    explain: str | Path | None = None,
    column: str = "",
    ignore: Sequence[str] = (),
    device: str = "cpu",
    watch: Watch = None,
    model: object | None = None,
) -> Predictions:
    """What a run says of new items.

    Args:
        run: its folder.
        inputs: a table file, a data frame, a dict of columns or a list of rows with the columns that the run looks at.
            Where an item is one file: a file, a folder (with all below it), a pattern such as "new/*.jpg", a table
            with a path column, a .zip, or a list of these; or in memory one item, arrays, or a Dataset. Where an item
            is one text: texts, or files of them; a folder among several texts is a Path.
        explain: a folder that receives a picture of where the network looked, for the first `MOST_EXPLAINED` items.
        column: the column of a table that holds the only input; "" recognises it.
        ignore: patterns of files to pass over.
        device: "cpu", "cuda" or "mps".
        watch: is told how far it is, and which columns are missing.
        model: a person's own network, where the run cannot make it again.

    Raises:
        RunError: the run has no trained network, or is damaged.
        DataError: there is nothing to predict, or nothing of it can be read.
        UsageError: `explain` is a file or the run does not look at one picture, or it is not clear which column of a
            table is meant.
    """
    loaded = load(open_run(run), device, model)
    if explain is not None:
        _check_explained(loaded)
    folder = None if explain is None else _folder(Path(explain).expanduser())
    sources = gather(inputs, Wanted(loaded.inputs, column, tuple(ignore)), watch)
    stage, started = "predicting", time.monotonic()
    tell(watch, Started(stage, sum(map(len, sources)), "items"))
    found = _Found(loaded, MOST_EXPLAINED if folder else 0)
    # As in training: where pictures are only a part of an item, its first page is the item's.
    by_page = loaded.takes_every_page and loaded.only_file is not None and loaded.only_file.modality == IMAGE
    reader = Reader([one for one in loaded.inputs if one.is_file], by_page)
    for source in sources:
        size = BATCH if source.stores else MOST_ROWS
        for items in _batches(decoded(source, reader, usable_cores()), size):
            found.add(source, items)
            tell(watch, Progress(stage, found.done))
    tell(watch, Finished(stage, time.monotonic() - started))
    predictions = found.predictions()
    for sentence in found.remarks[:LISTED]:
        tell(watch, Warned(sentence))
    if predictions.unreadable:
        tell(watch, Warned(_unreadable(predictions.unreadable, found.done)))
    if folder is not None:
        _explain(loaded, predictions, found.kept, folder, watch)
    return predictions


@dataclass
class _Found:
    """What has been answered so far.

    Attributes:
        loaded: the run that answers.
        most_kept: decoded items to keep for explaining.
        done: items that had their turn.
        kept: the first decoded items that were answered.
    """

    loaded: Loaded
    most_kept: int
    done: int = 0
    kept: list[np.ndarray] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)
    _answers: list[Answers] = field(default_factory=list)
    _unreadable: list[Unreadable] = field(default_factory=list)
    _places: list[int] = field(default_factory=list)
    _unknown: dict[str, list[str]] = field(default_factory=dict)

    def add(self, source: Source, items: Sequence[Item]) -> None:
        """Answer some items of a source; of those without a value, keep the reason."""
        begun, self.done = self.done, self.done + len(items)
        readable = [item for item in items if not item.error]
        found = encoded(self.loaded.inputs, source, readable)
        for column, cells in found.unknown.items():
            self._unknown.setdefault(column, []).extend(cells.to_list())
        empty = {id(item) for item, is_empty in zip(readable, found.is_empty, strict=True) if is_empty}
        why = "the cell is empty" if len(source.cells.columns) == 1 else "all of its cells are empty"
        for place, item in enumerate(items, start=begun):
            if item.error or id(item) in empty:
                self._unreadable.append(Unreadable(item.name, item.error or why))
                self._places.append(place)
        there = np.flatnonzero(~found.is_empty)
        if not len(there):
            return
        values = {name: values[there] for name, values in found.values.items()}
        self._names += [readable[row].name for row in there.tolist()]
        self._answers.append(
            self.loaded.answer(values, {name: present[there] for name, present in found.present.items()})
        )
        if self.most_kept > len(self.kept):
            self.kept += list(values[self.loaded.inputs[0].name][: self.most_kept - len(self.kept)])

    def predictions(self) -> Predictions:
        """Everything as one table.

        Raises:
            DataError: not one item could be read.
        """
        if not self._names:
            raise DataError(_unreadable(self._unreadable, self.done))
        loaded, task = self.loaded, self.loaded.task
        answer, unsure, unlike = (
            np.concatenate([getattr(answers, name) for answers in self._answers])
            for name in ("answer", "unsure", "unlike")
        )
        taken = task.taken(answer, loaded.classes, loaded.threshold)
        interval = task.interval(answer, loaded.calibrated) if hasattr(task, "interval") else None
        answered = Answered(self._names, answer, taken, interval, unsure, unlike)
        bad = tuple(self._unreadable)
        found = tabulate(task.MODALITY, answered, loaded.classes, bad, loaded.calibrated.get("coverage"))
        unknown = {column: len(cells) for column, cells in self._unknown.items()}
        return replace(found, places=tuple(self._places), unknown_cells=unknown)

    @property
    def remarks(self) -> list[str]:
        """What to say of cells whose value training did not know, a sentence a column."""
        return [
            f'"{column}": {len(cells):,} of {self.done:,} cells hold what training did not know, '
            f'such as "{cells[0][:_LETTERS]}"; they are answered as any unknown value'
            for column, cells in self._unknown.items()
        ]


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while batch := list(islice(items, size)):
        yield batch


def _unreadable(bad: Sequence[Unreadable], total: int) -> str:
    lines = [f"  {one.path}: {one.reason}" for one in bad[:LISTED]]
    more = [f"  … and {len(bad) - LISTED:,} more"] if len(bad) > LISTED else []
    which = "none" if len(bad) == total else f"{total - len(bad):,}"
    return "\n".join([f"{which} of {total:,} items could be read; these cannot be predicted:", *lines, *more])


def _check_explained(loaded: Loaded) -> None:
    """Raises:
    UsageError: the run does not tell classes of one picture apart.
    """
    only = loaded.only_file
    if only is None or only.modality != IMAGE:
        looked_at = ", ".join(f"{one.name} ({one.modality})" for one in loaded.inputs)
        raise UsageError(
            f"explanations show where on a picture the network looked, and this run looks at {looked_at}; "
            "leave --explain away"
        )
    if loaded.task.MODALITY != "category":
        raise UsageError(
            "explanations show which places of a picture speak for its class, and this run predicts "
            f"{', '.join(loaded.classes)}; leave --explain away"
        )


def _folder(path: Path) -> Path:
    """The folder for explanations, made where it is missing: asked before the work, not after it.

    Raises:
        UsageError: it is a file.
        RunError: it cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; explanations are many pictures: give a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise disk_error(problem, path) from problem
    return path


def _explain(
    loaded: Loaded, predictions: Predictions, pictures: Sequence[np.ndarray], folder: Path, watch: Watch
) -> None:
    """Write where the network looked, one picture an item.

    Raises:
        RunError: the disk is full, or the folder cannot be written.
    """
    stage, started = "explaining", time.monotonic()
    tell(watch, Started(stage, len(pictures), "items"))
    for number, picture in enumerate(pictures):
        one = predictions[number]
        answer = np.array([loaded.classes.index(one.label)])
        (heat,) = look(loaded.network, loaded.inputs[0].name, picture[None], answer, loaded.inputs[0].see)
        name = file_name(number + 1, one.path, one.label, one.probability)
        try:
            write_overlay(folder, name, picture, heat)
        except OSError as problem:
            raise disk_error(problem, folder / name) from problem
        tell(watch, Progress(stage, number + 1))
    tell(watch, Finished(stage, time.monotonic() - started))
    if len(pictures) < len(predictions):
        tell(watch, Said(f"the first {len(pictures)} of {len(predictions):,} items are explained in {folder}"))
