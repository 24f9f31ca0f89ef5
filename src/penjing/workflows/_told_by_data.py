"""What is wrong with the data of a run that its record does not tell: seen by who reads them again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from penjing import checks
from penjing.core.budget import Clock
from penjing.core.errors import PenjingError
from penjing.core.events import Said, Watch, tell
from penjing.core.finding import Finding
from penjing.core.record import Record
from penjing.core.run import Run
from penjing.core.usual import BORDER
from penjing.models.own import Own
from penjing.training._loader import spread
from penjing.workflows._columns import columns_of
from penjing.workflows._experiments import LINEAR_SHARE, looked_at
from penjing.workflows._hidden import LINEAR_SECONDS, telling_border
from penjing.workflows._laboratory import Laboratory
from penjing.workflows._prepare import Prepared
from penjing.workflows._problem import pose
from penjing.workflows._trials import Bench

SHORTCUT = "shortcut"  # the finding under which no score of whole pictures is believed
LEAST_LOOKED_AT, MOST_LOOKED_AT = 30, 1_000  # validation pictures of which parts are hidden; groups at least


def of_columns(prepared: Prepared) -> list[Finding]:
    """What is wrong with the columns of a table."""
    return _trouble(Record(columns=columns_of(prepared)), checks.names_for("columns"))


def of_pictures(
    run: Run, prepared: Prepared, rows: np.ndarray, clock: Clock, watch: Watch, own: Own | None = None
) -> list[Finding]:
    """Whether the border of pictures tells the answer: what hiding it costs the run's own network, and what a linear
    model reads off it. [] where the run has no such network, where it sees no pictures, or there are too few to tell.

    Args:
        rows: that are looked at, at most `MOST_LOOKED_AT` of them; none of them was learned from.
        watch: is told where it cannot be looked at.
        own: the network, where it is a person's and they gave the object.
    """
    recipe, groups = run.recipe, len(np.unique(prepared.groups[rows]))
    has_pictures = any(slot.modality == "image" for slot in prepared.slots) and not recipe.pretrained
    is_whole = run.has_weights and run.status == "finished" and not recipe.split.folds
    if not has_pictures or not is_whole or groups < LEAST_LOOKED_AT or recipe.training.border:
        return []
    learned = {name: one["learned"] for name, one in run.prepare["inputs"].items()}
    problem = pose(prepared, prepared.rows("train"), spread(rows, MOST_LOOKED_AT), learned, own=own)
    try:
        found = looked_at(Laboratory(run, prepared, recipe, problem, clock, None, 0.0))
    except (PenjingError, RuntimeError) as problem_of_weights:  # such as weights of another version
        tell(watch, Said(f"whether the border tells the answer is not looked at: {problem_of_weights}"))
        return []
    return _trouble(Record(trials=pl.DataFrame(found, infer_schema_length=None)), [SHORTCUT])


def border_of(bench: Bench, clock: Clock) -> float:
    """How wide the border of the pictures is that tells the answer, as a share of each side."""
    prepared, rows = bench.prepared, spread(bench.screened, MOST_LOOKED_AT)
    if prepared.task != "classify":
        return BORDER
    problem = pose(prepared, bench.learned, rows, own=bench.own)
    return telling_border(problem, prepared.groups, min(LINEAR_SECONDS, LINEAR_SHARE * clock.left))


def _trouble(record: Record, names: Sequence[str]) -> list[Finding]:
    """The trouble that these checks see in a record."""
    return [one for one in checks.examine(record, names) if isinstance(one, Finding) and one.is_trouble]
