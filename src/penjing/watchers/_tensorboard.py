"""Curves in TensorBoard: `tensorboard --logdir FOLDER` shows them while the training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.core.errors import MissingExtra
from penjing.watchers._writer import Writer


class TensorBoardWriter(Writer):
    """Writes each value of an evaluation as a scalar, and each decision as a text.

    The scalars of a second training in one fit are named `training_2/…`, and so on.

    Args:
        folder: TensorBoard's log folder of this run.

    Raises:
        MissingExtra: tensorboard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as problem:
            raise MissingExtra("tensorboard", "track", "write curves for TensorBoard") from problem
        self._make = SummaryWriter
        self._writer: Any = None

    def write(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._opened().add_scalar(self.prefix + name, value, step)

    def note(self, what: str, choice: str) -> None:
        self._opened().add_text(what, choice)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _opened(self) -> Any:
        if self._writer is None:
            self._writer = self._make(str(self.folder))
        return self._writer
