"""A run's answers for new items, from whatever a person hands over, without holding more than a few in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from penjing.core.errors import DataError, UsageError
from penjing.core.events import Finished, Progress, Said, Started, Warned, Watch, tell
from penjing.core.files import disk_error
from penjing.core.process import usable_cores
from penjing.core.run import Run, open_run
from penjing.workflows._explain import look
from penjing.workflows._inputs import Item, Reader, decoded, gather
from penjing.workflows._load import Answers, Loaded, load
from penjing.workflows._overlay import file_name, write_overlay
from penjing.workflows._predictions import Prediction, Predictions, Unreadable, check_output, tabulate

__all__ = ["Prediction", "Predictions", "Unreadable", "check_output", "predict"]

BATCH = 256  # items answered at once
MOST_EXPLAINED = 200  # each costs as many answers as `_explain` hides places
LISTED = 10  # unreadable items named in a message


def predict(
    run: str | Path | Run,
    inputs: object,
    *,
    explain: str | Path | None = None,
    column: str = "",
    ignore: Sequence[str] = (),
    device: str = "cpu",
    watch: Watch = None,
) -> Predictions:
    """What a run says of new items.

    Args:
        run: its folder.
        inputs: a file, a folder (with all below it), a pattern such as "new/*.jpg", a table with a path column, a .zip,
            or a list of these; or in memory one picture, arrays, a data frame or a Dataset.
        explain: a folder that receives a picture of where the network looked, for the first `MOST_EXPLAINED` items.
        column: the column of a table that holds the paths; "" recognises it.
        ignore: patterns of files to pass over.
        device: "cpu", "cuda" or "mps".
        watch: is told how far it is.

    Raises:
        RunError: the run has no trained network, or is damaged.
        DataError: there is nothing to predict, or nothing of it can be read.
        UsageError: `explain` is a file, or a table's path column is not clear.
    """
    loaded = load(open_run(run), device)
    folder = None if explain is None else _folder(Path(explain).expanduser())
    sources = gather(inputs, column, ignore, watch)
    total = sum(len(source.references) for source in sources)
    stage, started = "predicting", time.monotonic()
    tell(watch, Started(stage, total, "items"))
    found = _Found(loaded, MOST_EXPLAINED if folder else 0)
    only = loaded.only_file
    assert only is not None
    reader = Reader(only.plugin, only.settings, loaded.takes_every_page)
    for items in _batches(decoded(sources, reader, usable_cores())):
        found.add(items)
        tell(watch, Progress(stage, found.done))
    tell(watch, Finished(stage, time.monotonic() - started))
    predictions = found.predictions()
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

    def add(self, items: Sequence[Item]) -> None:
        """Answer some items; of the bad ones, keep the reason."""
        self.done += len(items)
        self._unreadable += [Unreadable(item.name, item.error) for item in items if item.value is None]
        values = [item.value for item in items if item.value is not None]
        if not values:
            return
        self._names += [item.name for item in items if item.value is not None]
        self._answers.append(self.loaded.answer({self.loaded.inputs[0].name: np.stack(values)}))
        self.kept += values[: self.most_kept - len(self.kept)]

    def predictions(self) -> Predictions:
        """Everything as one table.

        Raises:
            DataError: not one item could be read.
        """
        if not self._names:
            raise DataError(_unreadable(self._unreadable, self.done))
        answer, unsure, unlike = (
            np.concatenate([getattr(answers, name) for answers in self._answers])
            for name in ("answer", "unsure", "unlike")
        )
        taken = self.loaded.task.predict(answer, self.loaded.threshold)
        frame = tabulate(self._names, self.loaded.classes, answer, taken, unsure, unlike)
        return Predictions(frame, self.loaded.classes, tuple(self._unreadable))


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, BATCH)):
        yield batch


def _unreadable(bad: Sequence[Unreadable], total: int) -> str:
    lines = [f"  {one.path}: {one.reason}" for one in bad[:LISTED]]
    more = [f"  … and {len(bad) - LISTED:,} more"] if len(bad) > LISTED else []
    which = "none" if len(bad) == total else f"{total - len(bad):,}"
    return "\n".join([f"{which} of {total:,} items could be read; these cannot be predicted:", *lines, *more])


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
        (heat,) = look(loaded.network, loaded.inputs[0].name, picture[None], answer)
        name = file_name(number + 1, one.path, one.label, one.probability)
        try:
            write_overlay(folder, name, picture, heat)
        except OSError as problem:
            raise disk_error(problem, folder / name) from problem
        tell(watch, Progress(stage, number + 1))
    tell(watch, Finished(stage, time.monotonic() - started))
    if len(pictures) < len(predictions):
        tell(watch, Said(f"the first {len(pictures)} of {len(predictions):,} items are explained in {folder}"))
