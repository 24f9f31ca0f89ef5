"""What is wrong with the data of a run that its record does not tell: seen by who reads them again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from penjing import checks
from penjing.core.budget import Clock
from penjing.core.finding import Finding
from penjing.core.record import Record
from penjing.core.run import Run
from penjing.training._loader import spread
from penjing.workflows._columns import columns_of
from penjing.workflows._experiments import looked_at
from penjing.workflows._hidden import hidden
from penjing.workflows._laboratory import Laboratory
from penjing.workflows._prepare import Prepared
from penjing.workflows._pretrained import seen_through
from penjing.workflows._problem import pose

SHORTCUT = "shortcut"  # the finding under which no score of whole pictures is believed
MOST_LOOKED_AT = 1_000  # validation pictures of which parts are hidden


def of_columns(prepared: Prepared) -> list[Finding]:
    """What is wrong with the columns of a table."""
    return _trouble(Record(columns=columns_of(prepared)), checks.names_for("columns"))


def of_pictures(run: Run, prepared: Prepared, rows: np.ndarray, clock: Clock) -> list[Finding]:
    """Whether the border of pictures tells the answer: what hiding it costs the run's own network, and what a linear
    model reads off it. [] where the run has no such network, or it sees no pictures.

    Args:
        rows: that are looked at, at most `MOST_LOOKED_AT` of them; none of them was learned from.
    """
    if not run.has_weights or run.status != "finished" or prepared.split.folds or not len(rows):
        return []
    seen = seen_through(prepared, run.recipe.pretrained)
    problem = pose(seen, prepared.rows("train"), spread(rows, MOST_LOOKED_AT))
    if not any(hidden(problem)):
        return []
    found = looked_at(Laboratory(run, seen, run.recipe, problem, clock, None, 0.0))
    return _trouble(Record(trials=pl.DataFrame(found, infer_schema_length=None)), [SHORTCUT])


def _trouble(record: Record, names: Sequence[str]) -> list[Finding]:
    """The trouble that these checks see in a record."""
    return [one for one in checks.examine(record, names) if isinstance(one, Finding) and one.is_trouble]
