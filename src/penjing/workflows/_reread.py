"""Whether the data of a run that were read again are those that it was made from."""

from __future__ import annotations

import polars as pl

from penjing.core import split
from penjing.core.errors import DataError, RunError
from penjing.core.report.text import many
from penjing.core.run import Run
from penjing.workflows._prepare import Prepared


def check_same(run: Run, prepared: Prepared, previous: split.Split) -> None:
    """Refuse other data, and data of which not all could be decoded in the time.

    Args:
        run: that was made from them.
        prepared: as they were read now.
        previous: the parts of the run.

    Raises:
        DataError: they are not those of the run.
        RunError: not all of them could be decoded in the time.
    """
    if sorted(prepared.hashes) == sorted(previous.frame["hash"].to_list()):
        return
    known = previous.frame["hash"].unique()
    sound = prepared.survey.items.filter(pl.col("error").is_null())["hash"]
    if set(prepared.hashes) <= set(known) <= set(sound):
        left = many(len(known) - len(set(prepared.hashes)), "item")
        raise RunError(
            f"{left} of {run.path} could not be decoded in a share of this time; give more --time (what was decoded is "
            "kept for the next try)"
        )
    raise DataError(
        f"the data of {run.path} have changed since it was made; give them as they were with --data, or fit them anew"
    )
