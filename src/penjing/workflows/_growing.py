"""A run grown from what a treatment kept."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from penjing.core.budget import Clock
from penjing.core.events import Said, Watch, tell
from penjing.core.run import Run, next_free
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
    """A run of the recipe with what is kept; where it cannot be grown, nothing of it is left.

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
    out = out or next_free(origin.info["title"])
    place = origin.info["data"]["path"] if data is None else data
    recipe = found.recipe
    corrected = Corrections(recipe.data.drop, recipe.data.relabel)
    fit_wish = FitWish(
        data=replace(data_wish_of(origin), corrected=corrected),
        recipe=RecipeWish(recipe=recipe, model=OWN if own else "", own=own),
        out=out,
        pictures=bool(origin.info["wish"]["pictures"]),
    )
    tell(watch, Said(f"growing a run with {' and '.join(found.kept)}"))
    words = list(command) or ["penjing", "treat", str(origin.path)]
    try:
        run = fit(place, fit_wish, words, watch, Origin(origin, Clock(clock.left), found.ledger))
    except BaseException as problem:
        is_kept = _is_kept(found, out)
        if isinstance(problem, KeyboardInterrupt):
            raise KeyboardInterrupt(*([out] if is_kept else [])) from None
        if is_kept:
            tell(watch, Said(f"the run is finished in {out}, but for its report"))
        raise
    _note_grown(found, out)
    return run


def _is_kept(found: Treatment, out: Path) -> bool:
    """Whether a new run was finished before something stopped it; of one that was not, nothing is left."""
    if not (out / "run.json").exists() or Run(out).info.get("parent") != str(found.origin.path):  # another's
        return False
    if Run(out).status != "finished":
        shutil.rmtree(out, ignore_errors=True)
        return False
    _note_grown(found, out)
    return True


def _note_grown(found: Treatment, out: Path) -> None:
    """Write down in the ledger of the run that was treated what became of it."""
    found.origin.note(**found.summary, run=str(out))
