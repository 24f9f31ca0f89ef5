"""Which of the steps that looked good are kept: stages that are judged one on top of the other, and together.

steps → stages, as many as there is time to judge → verdicts → what helped
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from penjing.core.differences import Difference
from penjing.core.recipe import Recipe
from penjing.workflows._allowance import MOST_STAGES, Allowance
from penjing.workflows._judging import Judging
from penjing.workflows._limits import Limits, TooSlowError
from penjing.workflows._steps import Step
from penjing.workflows._trials import TRIAL_ERRORS, Bench
from penjing.workflows._verdict import Arm, Judged

# Why labels are doubted anew, before what a remedy gave is judged.
NOT_BLIND = "what looked good rests on doubts of networks that had seen items which judge"


@dataclass(frozen=True)
class Kept:
    """What a verdict left.

    Attributes:
        stages: that are kept.
        recipe: with all of them; None where none is.
        gain: what they are worth together.
    """

    stages: tuple[Step, ...] = ()
    recipe: Recipe | None = None
    gain: Difference | None = None


NOTHING = Kept()


@dataclass(frozen=True)
class Stages:
    """The verdicts on what looked good in a search.

    Attributes:
        bench: what trains.
        base: the recipe of the run.
        time: of the treatment.
        judging: tells verdicts.
        settle: (stage, outcome, why, difference if there is one) → writes down what became of it.
        say: (choice, why) → tells and writes down what is decided of the judging.
    """

    bench: Bench
    base: Recipe
    time: Allowance
    judging: Judging
    settle: Callable[..., Any]
    say: Callable[[str, str], None]

    def told(self, steps: Sequence[Step]) -> Kept:
        """What is kept of the steps that looked good; what becomes of each is settled."""
        steps = self._doubted_anew(steps)
        if not steps:
            return NOTHING
        stages = self._stages(steps)
        recipes = [self.base, *(stage.recipe for stage in stages)]
        found = self.judging.arms(recipes, stages[-1].seconds, self.time.most_turns)
        places = sorted(found)
        for stage in stages[places[-1] if places else 0 :]:
            self.settle(stage, "not tried", "it looked good, but there was no time or memory left to judge it")
        if len(places) < 2:
            return NOTHING
        stages = [_merged(stages[first:last], 1)[0] for first, last in pairwise(places)]
        arms = [found[place] for place in places]
        told = self.judging.verdicts(arms)
        if told.helped and not told.is_in_order:
            other = self._recombined([stages[number] for number in told.helped], arms)
            if other is not None:
                self._tell_verdicts(stages, told)
                return other
        count = max(told.kept, told.kept_together)
        self._tell_verdicts(stages, told, count)
        if not count:
            return NOTHING
        return Kept(tuple(stages[:count]), stages[count - 1].recipe, told.together[count - 1][0])

    def _doubted_anew(self, steps: Sequence[Step]) -> list[Step]:
        """The steps that can be judged; where one rests on doubts of networks that learned from what judges, others
        doubt labels now, and without the time for them it is those before it."""
        found, doubted, self.time.owed_seconds = list(steps), self.bench.doubted, 0.0
        first = next((place for place, one in enumerate(found) if doubted and doubted.concern(one.recipe.data)), None)
        if first is None:
            self.bench.doubted = None
            return found
        self.say("labels are doubted anew, by networks that saw nothing of what judges", NOT_BLIND)
        try:
            self.bench.doubt_anew(Limits(self.time.until_judging(found[-1].seconds)))
        except (TooSlowError, *TRIAL_ERRORS):
            for step in found[first:]:
                why = "it looked good, but there was no time or memory left to doubt labels for the verdict"
                self.settle(step, "not tried", why)
            self.bench.doubted, found = None, found[:first]
        return found

    def _stages(self, steps: Sequence[Step]) -> list[Step]:
        """As many stages as there is time to judge. Where it is short, a last step that looked better by a hair is left
        out, for it would take trainings from the verdict on those before it; of clear ones the last are judged
        together."""
        found = list(steps)
        while len(found) > 1 and not found[-1].is_clear and not self._is_sure(found):
            self.settle(found.pop(), "not tried", "it looked better by a hair, with no time left for a sure verdict")
        return _merged(found, self.time.stages([one.seconds for one in found]))

    def _is_sure(self, steps: Sequence[Step]) -> bool:
        return self.time.is_sure([stage.seconds for stage in _merged(steps, MOST_STAGES)])

    def _recombined(self, stages: Sequence[Step], arms: Sequence[Arm]) -> Kept | None:
        """The stages that helped without those between them, if together they help too; None where that cannot be
        told."""
        recipe: Recipe | None = self.base
        for stage in stages:
            recipe = stage.applied(recipe) if recipe is not None else None
        seconds = max(stage.seconds for stage in stages)
        telling = self.judging.verdict_seconds(len(arms) + 1, len(self.judging.turns))
        if recipe is None or not self.time.has_another_arm(seconds, telling):
            return None
        found = self.judging.arms([recipe], seconds, len(self.judging.turns))
        if not found:
            return None
        difference, verdict = self.judging.verdicts(arms, [found[0]]).further[0]
        return Kept(tuple(stages), recipe, difference) if verdict == "helped" else None

    def _tell_verdicts(self, stages: Sequence[Step], told: Judged, count: int = 0) -> None:
        """Write down the verdict of each stage, or of the first `count` together where some of them helped only so."""
        if any(verdict != "helped" for _, verdict in told.stages[:count]):
            difference, verdict = told.together[count - 1]
            self.settle(_merged(stages[:count], 1)[0], verdict, self.judging.why(difference), difference)
            stages, told = stages[count:], replace(told, stages=told.stages[count:])
        for stage, (difference, verdict) in zip(stages, told.stages, strict=True):
            self.settle(stage, verdict, self.judging.why(difference), difference)


def _merged(steps: Sequence[Step], count: int) -> list[Step]:
    """At most so many steps, the last of them being all the rest together."""
    found = list(steps[:count])
    for step in steps[count:]:
        found[-1] = found[-1].with_next(step)
    return found
