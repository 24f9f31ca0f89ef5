"""Which training items the findings of a treatment mean, for the remedies that need their names.

Labels are doubted by networks that learned from the other training items, where there is time; numbers to predict that
lie far from all others need none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import Suited
from penjing.workflows._allowance import SLACK, Allowance
from penjing.workflows._doubted import (
    EXPLODING,
    LABEL_ERRORS,
    NAMED,
    STEADY,
    WHY_UNNAMED,
    Doubts,
    asks_for_items,
    doubting,
    unnamed,
    with_far,
)
from penjing.workflows._limits import Limits, TooSlowError
from penjing.workflows._repeatable import FEWEST_FOLDS
from penjing.workflows._trials import FOLDS, TRIAL_ERRORS, Bench

ASKED = "asked"  # the finding of a remedy that a person named without one
# To look for labels that no finding doubts takes so many trainings more, to try what comes of it, and so much of the
# time that is left at most.
LATE, LATE_SHARE = 2, 0.125
NOT_NAMED = "a remedy takes the items that are doubted, and none is named yet"  # why labels are doubted


@dataclass
class Naming:
    """Names training items in findings.

    Attributes:
        bench: where networks learn that doubt labels; it is told what they doubt.
        base: the recipe of the run, which is theirs too.
        time: of the treatment; it is told what doubting anew for the verdict will take.
        folds: that judge, where folds do.
        say: (choice, why) → tells and writes down what is decided.
    """

    bench: Bench
    base: Recipe
    time: Allowance
    folds: int
    say: Callable[[str, str], None]
    _asked_for: Finding | None = field(default=None, init=False)

    def named(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings, with the training items that they doubt."""
        far = [with_far(one, self.bench.prepared, self.bench.aside) for one in findings]
        is_class = self.base.task.name == "classify"
        is_meant = [is_class and one.name == LABEL_ERRORS and _is_pointed(one) for one in far]
        return [self._with_doubted(one, self.base) if meant else one for one, meant in zip(far, is_meant, strict=True)]

    def asks(self, one: Suited) -> bool:
        """Whether a remedy asks for items that its finding neither names nor says why it does not."""
        told = one.finding.evidence
        is_open = self.base.task.name == "classify" and not any(key in told for key in (*NAMED, WHY_UNNAMED))
        return is_open and asks_for_items(one, self.base)

    def named_late(self, one: Suited, best: Recipe, seconds: float) -> Suited:
        """A remedy that no finding points at, with the items that it asks for: looked for once, when its turn comes, by
        networks of the best recipe so far.

        Args:
            seconds: of one training of that.
        """
        if not self.asks(one):
            return one
        if self._asked_for is None:
            is_dear = (FOLDS + LATE) * seconds > LATE_SHARE * self.time.until_growing(seconds)
            self._asked_for = (
                unnamed(one.finding, "no finding doubts labels, and to look for some takes much of the time")
                if is_dear
                else self._with_doubted(one.finding, best, seconds)
            )
        told = {key: self._asked_for.evidence[key] for key in (*NAMED, WHY_UNNAMED) if key in self._asked_for.evidence}
        return replace(one, finding=replace(one.finding, evidence={**one.finding.evidence, **told}))

    def named_in(self, findings: Sequence[Finding], asked: Suited) -> Finding:
        """The finding of a remedy that was asked for, with what it names; where nothing was found, that is looked for
        now."""
        found = next((one for one in findings if one.name == asked.finding.name), None)
        if found is not None or not asks_for_items(asked, self.base):
            return found or asked.finding
        if self.base.task.name == "classify":
            self._asked_for = self._asked_for or self._with_doubted(asked.finding, self.base)  # once for all remedies
            return self._asked_for
        if self.base.task.name != "regress":
            return unnamed(asked.finding, "only of classes and numbers it is told which labels are doubted")
        far = with_far(replace(asked.finding, name=EXPLODING), self.bench.prepared, self.bench.aside)
        why = "no number to predict of a training item lies far from all others"
        return replace(far, name=ASKED) if "hashes" in far.evidence else unnamed(asked.finding, why)

    def _with_doubted(self, finding: Finding, recipe: Recipe, seconds: float | None = None) -> Finding:
        """The finding with the training items whose labels are doubted; networks that learned from the others judge
        them, where there is time. Where these learned from what judges, others will be doubted for the verdict.

        Args:
            recipe: of these networks.
            seconds: of one training; None where the recipe is the run's own.
        """
        seconds = self.time.base_seconds if seconds is None else seconds
        is_known = "hashes" in finding.evidence
        if self.bench.judged_on == "folds":
            owed = self.folds * (self.folds - 1) // 2
        else:
            owed = FOLDS if is_known else 0
        self.time.owed_seconds = owed * seconds
        if self.time.longest() < SLACK * seconds:
            self.time.owed_seconds = 0.0
            return unnamed(finding, "there was no time to doubt labels for a verdict")
        named = finding if is_known else self._newly_doubted(finding, recipe, seconds)
        if "hashes" not in named.evidence:
            self.time.owed_seconds = 0.0
        elif owed:
            is_steady = STEADY in named.evidence
            self.bench.doubted = Doubts(frozenset(named.evidence["hashes"]), recipe, self.folds, is_steady)
        return named

    def _newly_doubted(self, finding: Finding, recipe: Recipe, seconds: float) -> Finding:
        """The finding with the training items whose labels networks doubt that learned from the others, or why it
        names none."""
        longest = (self.time.longest() - seconds) / FOLDS
        if self.bench.groups < FEWEST_FOLDS:
            return unnamed(finding, "training items of one group cannot be judged by networks that never saw them")
        if longest < SLACK * seconds:
            return unnamed(finding, "there was no time to judge labels of training items")
        self.say("labels of training items are judged by networks that never saw them", NOT_NAMED)
        try:
            answer = self.bench.held_out(recipe, Limits(longest))
        except (TooSlowError, *TRIAL_ERRORS):
            return unnamed(finding, "there was no time or memory to judge labels of training items")
        return doubting(finding, self.bench.prepared, self.bench.learned, answer)


def _is_pointed(finding: Finding) -> bool:
    """Whether a finding of labels is trouble, or names items: of what is good to know, items are named late."""
    return finding.is_trouble or "hashes" in finding.evidence
