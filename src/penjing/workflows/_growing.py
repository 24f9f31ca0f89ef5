"""A run grown from what a treatment kept."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from penjing.core.budget import Clock
from penjing.core.events import Said, Watch, tell
from penjing.core.files import has_checkpoint
from penjing.core.run import Run, reserve
from penjing.models.own import NAME as OWN
from penjing.models.own import Own
from penjing.workflows._choose import RecipeWish
from penjing.workflows._corrections import Corrections
from penjing.workflows._treatment import Treatment
from penjing.workflows._wish import FitWish, data_wish_of
from penjing.workflows.fit import Origin, fit


def grown(
    found: Treatment,
    out: Path | None,
    clock: Clock,
    data: object | None,
    watch: Watch,
    command: Sequence[str],
    own: Own | None = None,
) -> Run:
    """A run of the recipe with what is kept; where it cannot be grown, nothing of it is left that could not go on.

    Args:
        found: what a treatment kept.
        out: the new run's folder; None takes the next free one.
        clock: the time that is left.
        data: where the data are now; None takes the place they had.
        watch: is told what happens.
        command: the words that repeat the treatment.
        own: the network, where it is a person's and they gave the object.

    Raises:
        KeyboardInterrupt: a person stopped it; where only the report is lacking, it carries the run's folder.
    """
    assert found.recipe is not None, "something is kept"
    origin = found.origin
    place = origin.info["data"]["path"] if data is None else data
    recipe = found.recipe
    corrected = Corrections(recipe.data.drop, recipe.data.relabel)
    fit_wish = FitWish(
        data=replace(data_wish_of(origin), corrected=corrected),
        recipe=RecipeWish(recipe=recipe, model=OWN if own else "", own=own),
        pictures=bool(origin.info["wish"]["pictures"]),
    )
    tell(watch, Said(f"growing a run with {' and '.join(found.kept)}"))
    words = list(command) or ["penjing", "treat", str(origin.path)]
    is_reserved, token = out is None, uuid.uuid4().hex
    out = out or reserve(origin.info["title"])
    treated = Origin(origin, Clock(clock.left), found.ledger, token)
    try:
        run = fit(place, replace(fit_wish, out=out), words, watch, treated)
    except BaseException as problem:
        is_stopped = isinstance(problem, KeyboardInterrupt)
        left = _left(found, out, token, problem)
        if is_reserved:
            with contextlib.suppress(OSError):
                out.rmdir()  # where no run came to be in it
        if is_stopped:
            raise KeyboardInterrupt(*([out] if left else [])) from None
        if left:
            tell(watch, Said(left))
        raise
    _note_grown(found, out)
    return run


def _left(found: Treatment, out: Path, token: str, problem: BaseException) -> str:
    """What is left of the new run, in a sentence: one that was finished, or that failed and can go on; "" where nothing
    is, or where what lies there is of another process."""
    if not (out / "run.json").exists() or Run(out).info.get("token") != token:
        return ""
    if Run(out).status == "finished":
        _note_grown(found, out)
        return f"the run is finished in {out}, but for its report"
    can_go_on = has_checkpoint(out) or f"--resume {out}" in str(problem)
    if can_go_on and not isinstance(problem, KeyboardInterrupt):
        return f"what was done of the new run is kept in {out}"
    shutil.rmtree(out, ignore_errors=True)
    return ""


def _note_grown(found: Treatment, out: Path) -> None:
    """Write down in the ledger of the run that was treated what became of it."""
    found.origin.note(**found.summary, run=str(out))
