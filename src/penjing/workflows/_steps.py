"""What a treatment tries: a remedy on top of those before it, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from penjing.core import plugins
from penjing.core.differences import Difference, Verdict
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, Suited
from penjing.training._plan import planned_anew, total_steps
from penjing.workflows.compare import differences

Outcome = Literal["not applicable", "not tried", "failed", "screened out", "looked good"] | Verdict


@dataclass(frozen=True)
class Treated:
    """What became of one remedy, or of several that were judged together.

    Attributes:
        remedy: its name; several are joined by "and".
        finding: what it was to treat.
        outcome: a verdict, or why there is none.
        why: in plain words.
        difference: what it was worth on the items that judged, beside what was kept before it; None without a verdict.
        doses: how many times each was applied, by its name.
        times: how many times the seconds of a training without it; None where none was carried out to its end.
        changed: the choices that it moves, dotted key → (before, after).
    """

    remedy: str
    finding: str
    outcome: Outcome
    why: str
    difference: Difference | None = None
    doses: dict[str, int] = field(default_factory=dict)
    times: float | None = None
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A remedy that looked good on top of those before it.

    Attributes:
        remedies: with the finding each was to treat, in order; one of several doses stands there as often.
        before: the recipe without it.
        recipe: the recipe with it.
        seconds_before: of one training without it.
        seconds: of one training with it.
        is_clear: whether it looked better by more than luck would bring often.
        most_updates: to which it was shortened for the time that there was; 0 where it was not.
    """

    remedies: tuple[Suited, ...]
    before: Recipe
    recipe: Recipe
    seconds_before: float
    seconds: float
    is_clear: bool = True
    most_updates: int = 0

    @property
    def name(self) -> str:
        """Its remedies in words."""
        return " and ".join(dict.fromkeys(one.name for one in self.remedies))

    @property
    def finding(self) -> str:
        """What it treats, in words."""
        return " and ".join(dict.fromkeys(one.finding.name for one in self.remedies))

    @property
    def times(self) -> float:
        """How many times the seconds of a training without it."""
        return self.seconds / max(self.seconds_before, 1e-9)

    def with_next(self, other: Step) -> Step:
        """This step and the one after it as one."""
        return replace(
            self,
            remedies=(*self.remedies, *other.remedies),
            recipe=other.recipe,
            seconds=other.seconds,
            is_clear=self.is_clear or other.is_clear,
            most_updates=other.most_updates or (total_steps(other.recipe.training) if self.most_updates else 0),
        )

    def applied(self, recipe: Recipe) -> Recipe | None:
        """Another recipe with its remedies; None where one cannot be applied to that."""
        for one in self.remedies:
            outcome = plugins.load("remedies", one.name).apply(recipe, one.finding)
            if isinstance(outcome, NotApplicable):
                return None
            recipe = outcome
        if self.most_updates and total_steps(recipe.training) > self.most_updates:
            recipe = replace(recipe, training=planned_anew(recipe.training, self.most_updates))
        return recipe

    def told(self, outcome: Outcome, why: str, difference: Difference | None = None) -> Treated:
        """What became of it."""
        doses = dict(Counter(one.name for one in self.remedies))
        changed = differences(self.before, self.recipe)
        return Treated(self.name, self.finding, outcome, why, difference, doses, self.times, changed)
