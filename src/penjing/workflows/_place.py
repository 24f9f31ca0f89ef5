"""Where the data of a run are: the place that is given, or the one they had, if they are there still."""

from __future__ import annotations

from pathlib import Path

from penjing.core.errors import DataError
from penjing.core.files import is_there
from penjing.core.run import Run


def place_of(run: Run, data: object | None, ask: str = "say where they are with --data") -> object:
    """What is read again for a run.

    Args:
        run: it remembers where its data were; not one whose data were in memory, unless they are given.
        data: where they are now; None takes the place they had.
        ask: what to do where they are gone.

    Raises:
        DataError: nothing is at the place that the run remembers.
    """
    if data is not None:
        return data
    place = run.info["data"]["path"]
    if isinstance(place, str) and not is_there(place):
        folder = "" if Path(place).expanduser().is_absolute() else f", looked for from {Path.cwd()}"
        raise DataError(f"the data of {run.path} were at {place}, and nothing is there now{folder}; {ask}")
    return place
