"""Writers for `watch=`: each is a function of one event that keeps what was measured where other tools read it.

    pj.fit(data, watch=[CsvWriter("curve.csv"), TensorBoardWriter("logs")])

A writer opens its file at the first evaluation and closes it when a stage ends, so that nothing is lost and nothing
stays open; at the next evaluation it goes on.
"""

from __future__ import annotations

from penjing.watchers._csv import CsvWriter
from penjing.watchers._mlflow import MlflowWriter
from penjing.watchers._tensorboard import TensorBoardWriter
from penjing.watchers._writer import Writer

__all__ = ["CsvWriter", "MlflowWriter", "TensorBoardWriter", "Writer"]
