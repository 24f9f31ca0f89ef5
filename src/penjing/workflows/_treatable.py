"""What a person asked of a treatment, and whether a run can be treated: told before any time is spent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from penjing.core import plugins
from penjing.core.budget import DEFAULT_SECONDS
from penjing.core.differences import LEAST_SEEDS
from penjing.core.errors import RunError, UsageError
from penjing.core.recipe import Recipe
from penjing.core.run import Run, check_free
from penjing.training._plan import planned_anew, total_steps
from penjing.workflows._repeatable import goes_on


@dataclass(frozen=True)
class TreatWish:
    """What a person asked of `treat`.

    Attributes:
        seconds: the deadline of the whole.
        seeds: of each side of a pair, at least; `LEAST_SEEDS` or more.
        remedies: names of those to try; () takes what suits the findings, then all others.
        out: the new run's folder; None takes the next free one.
        without: remedies that are not tried.
        healthy: whether a run in which nothing wrong was found is treated, too.
    """

    seconds: float = DEFAULT_SECONDS
    seeds: int = LEAST_SEEDS
    remedies: tuple[str, ...] = ()
    out: Path | None = None
    without: frozenset[str] = frozenset()
    healthy: bool = True


def check(run: Run, wish: TreatWish, data: object | None = None) -> None:
    """Whether the run can be trained again at all; said before any time is spent.

    Raises:
        UsageError: there are too few seeds, or there is no such remedy.
        RunError: the run cannot be trained again.
    """
    if wish.seeds < LEAST_SEEDS:
        raise UsageError(f"--seeds {wish.seeds} is too few: luck is told from effect by {LEAST_SEEDS} seeds or more")
    for name in wish.remedies:
        plugins.find("remedies", name)
    if wish.out is not None:
        check_free(wish.out)
    if run.status == "running" or not (run.path / "recipe.toml").exists() or not run.has_split:
        raise RunError(f"{run.path} did not come as far as a training (its status is {run.status}); fit it first")
    recipe = run.recipe
    if run.info.get("kind") == "adopted":
        raise RunError(f"{run.path} was not trained here, so there is no training to repeat; fit the network first")
    if recipe.split.final:
        raise RunError(
            f"{run.path} was trained on its validation items too, so nothing is left to judge by; treat the run that "
            f"it was made from: {run.info.get('parent')}"
        )
    if goes_on(run.info):
        raise RunError(
            f"{run.path} goes on from {run.info['parent']}, and treat repeats trainings from their beginning only; "
            "treat that one"
        )
    if data is None and run.info["data"].get("path") is None:
        raise RunError(f"{run.path} was made from data in memory; give them again: pj.treat(run, data=…)")


def base_of(run: Run) -> Recipe:
    """The recipe of a run as one plan of the steps that were really taken."""
    recipe, steps = run.recipe, run.steps
    total = total_steps(recipe.training)
    if not run.has_weights and steps:  # what failed was never written down as it went
        reached = int(steps[-1]["step"])
        is_lost = bool(steps[-1].get("non_finite"))  # it ended there, and not where it was planned to
        total = min(total, round(reached * recipe.training.evaluations / len(steps))) if is_lost else reached
    return replace(recipe, training=planned_anew(recipe.training, max(1, total)))
