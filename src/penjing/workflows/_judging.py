"""The trainings of a verdict: what networks of each recipe answer on the items that judge, and what that is worth.

recipes → turns, in which every item that judges does so once → answers of each arm → verdicts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from penjing.core import differences
from penjing.core.differences import Difference, Turn
from penjing.core.events import Finished, Progress, Started, Watch, tell
from penjing.core.recipe import Recipe
from penjing.core.report.text import many
from penjing.core.statistics import Metric
from penjing.workflows._allowance import Allowance
from penjing.workflows._limits import Limits, TooSlowError
from penjing.workflows._trials import TRIAL_ERRORS, Bench, Deal
from penjing.workflows._verdict import TELLING_SHARE, Arm, Judged, affordable, judged

STAGE = "judging"
DEARER = 1.5  # times the seconds of the first one with a remedy, from which on the last one takes long
FEWEST_ARMS = 2  # that a verdict is about
JUDGES = {"confirm": "items kept for verdicts", "valid": "items that validate, which chose nothing", "folds": "items"}


@dataclass
class Judging:
    """The verdicts of one treatment.

    Attributes:
        bench: what trains.
        metric: what is watched.
        time: what it allows.
        seed: the search's, which no verdict has: what looked good in that may have been lucky in its draws.
        seeds: of each side of a pair, at least, and the folds where these judge.
        watch: is told how far it is.
        turns: the deals of each turn that was carried out for the first arms.
        telling_seconds: that it takes to tell one difference, for each turn of it.
        rounds: of verdicts, that which is told next among them.
    """

    bench: Bench
    metric: Metric
    time: Allowance
    seed: int
    seeds: int
    watch: Watch = None
    turns: list[list[Deal]] = field(default_factory=list)
    telling_seconds: float = 0.0
    rounds: int = 1

    def arms(self, recipes: Sequence[Recipe], growing: float, most: int) -> dict[int, Arm]:
        """What each recipe's networks answer on the items that judge, by the recipe's place; one array a turn.

        As many turns as there is time for, what it takes to tell the verdicts included, and what comes later once there
        are as many as were planned. Where it runs short, `_fitting` says which go on, and before each has the least
        that a verdict takes, only the first and the last do. Where a recipe cannot be trained, or not in time, those
        before it; {} where there was not even time for the least verdict.

        Args:
            growing: seconds of one training of the new run.
            most: turns.
        """
        least, fewest = self.time.least_turns, min(FEWEST_ARMS, len(recipes))
        asked = list(range(len(recipes)))
        found: dict[int, list[np.ndarray]] = {place: [] for place in asked}
        dealt: list[list[Deal]] = []
        tell(self.watch, Started(STAGE, None, "trainings"))
        while asked and len(dealt) < most:
            deals, number = self.bench.turn(len(dealt), self.seeds), len(dealt)
            dealt.append(deals)
            try:
                turn = self._turn(number, [recipes[place] for place in asked], deals, growing)
            except TooSlowError:
                break
            asked = asked[: len(turn)]
            for place, (answers, _) in zip(asked, turn, strict=True):
                found[place].append(answers)
            tell(self.watch, Progress(STAGE, len(deals) * sum(len(answers) for answers in found.values())))
            seconds, left = [took for _, took in turn], self.time.until_growing(growing)
            if len(dealt) >= least:
                if not self.telling_seconds and len(asked) > 1:
                    self.telling_seconds = self._timed(dealt, found[asked[0]], found[asked[1]])
                left -= self.verdict_seconds(len(recipes), len(dealt) + 1) + self.time.for_later(len(dealt), growing)
                asked = _fitting(asked, seconds, left, fewest)
            elif sum(seconds) * (least - len(dealt)) > left and len(asked) > 2:
                asked = [asked[0], asked[-1]]
        tell(self.watch, Finished(STAGE))
        arms: dict[int, Arm] = {place: answers for place, answers in found.items() if len(answers) >= least}
        self.turns = max(self.turns, dealt[: max(map(len, arms.values()), default=0)], key=len)
        return arms

    def _turn(
        self, number: int, recipes: Sequence[Recipe], deals: Sequence[Deal], growing: float
    ) -> list[tuple[np.ndarray, float]]:
        """What networks of each recipe answer on the items of one turn, in the order of its deals, and the seconds of
        their trainings; every training has a seed of its own. Where a recipe cannot be trained, of those before it; the
        same where there is no time for one after the first two.

        Raises:
            TooSlowError: there is no time for the first two.
        """
        found: list[list[np.ndarray]] = [[] for _ in recipes]
        seconds = [0.0] * len(recipes)
        for place, deal in enumerate(deals):
            seed = self.seed + 1 + number * len(deals) + place
            for arm, recipe in enumerate(recipes[: len(found)]):
                limits, begun = Limits(self.time.until_growing(growing)), self.time.clock.elapsed
                try:
                    found[arm].append(self.bench.train(replace(recipe, seed=seed), deal, limits).scored)
                except TRIAL_ERRORS:
                    found = found[:arm]
                    break
                except TooSlowError:
                    if arm < FEWEST_ARMS:
                        raise
                    found = found[:arm]
                    break
                seconds[arm] += self.time.clock.elapsed - begun
        return [(np.concatenate(answers), took) for answers, took in zip(found, seconds, strict=False)]

    def _timed(self, dealt: Sequence[Sequence[Deal]], before: Arm, after: Arm) -> float:
        """Seconds that it takes to tell a difference, for each turn of it."""
        begun = self.time.clock.elapsed
        self._difference(dealt, before, after)
        return (self.time.clock.elapsed - begun) / len(dealt)

    def go_on(self) -> None:
        """Tell further verdicts apart from those before, whose level they share: other deals may judge them."""
        self.rounds += bool(self.turns)
        self.turns = []

    def verdict_seconds(self, arms: int, turns: int) -> float:
        """What it takes to tell the verdicts on so many arms that build on each other, after so many turns."""
        return self.telling_seconds * turns * max(1, 2 * arms - 3)

    def verdicts(self, arms: Sequence[Arm], further: Sequence[Arm] = ()) -> Judged:
        """The verdicts on arms that build on each other, and on others beside the first."""
        rows = self._rows_of(self.turns[0])
        before = self.metric(self.bench.prepared.truth[self.bench.judged][rows], arms[0][0])
        difference = partial(self._difference, self.turns)
        return judged(difference, arms, further, differences.least_effect(self.metric, before), self.rounds)

    def _rows_of(self, deals: Sequence[Deal]) -> np.ndarray:
        """The places of what a turn judged among all rows that judge."""
        return np.searchsorted(self.bench.judged, np.concatenate([deal.judged for deal in deals]))

    def _difference(self, dealt: Sequence[Sequence[Deal]], before: Arm, after: Arm) -> Difference:
        """What an arm is worth beside another, on the rows that judged, in the turns that both have."""
        rows = self.bench.judged
        turns = []
        for deals, old, new in zip(dealt, before, after, strict=False):
            part = np.repeat(np.arange(len(deals)), [len(deal.judged) for deal in deals])
            turns.append(Turn(self._rows_of(deals), old, new, part))
        truth, groups = self.bench.prepared.truth[rows], self.bench.prepared.groups[rows]
        first, calls = turns[0], sum(turn.trainings + 2 for turn in turns)
        seconds = TELLING_SHARE * self.time.clock.left
        n = affordable(self.metric, truth[first.rows], first.before, calls, seconds)
        return differences.difference(self.metric, truth, turns, groups, n=n)

    def why(self, difference: Difference) -> str:
        """What a verdict rests on, in words."""
        times, count = difference.seeds // len(self.turns[0]), len(self.bench.judged)
        where = f"on {count:,} {JUDGES[self.bench.judged_on]}"
        if self.bench.judged_on == "folds":
            where += f", each judged {'once' if times == 1 else f'{times} times'}"
        if self.bench.border:
            where += ", shown without their border"
        groups = f" ({many(difference.units, 'group')})" if difference.units < count else ""
        return f"with {difference.seeds} seeds {where}{groups}"


def _fitting(asked: Sequence[int], seconds: Sequence[float], left: float, fewest: int) -> list[int]:
    """The arms that another turn has time for: all; or the first and the last, whose difference matters most, unless
    that is much dearer than the others; or the first ones; or none.

    Args:
        asked: the arms, of which the last is all that looked good.
        seconds: that each takes.
        left: seconds that there are.
        fewest: arms that are of any use.
    """
    if sum(seconds) <= left:
        return list(asked)
    if len(asked) > fewest and seconds[-1] <= DEARER * seconds[1] and seconds[0] + seconds[-1] <= left:
        return [asked[0], asked[-1]]
    counts = range(fewest, len(seconds))
    return list(asked[: max((count for count in counts if sum(seconds[:count]) <= left), default=0)])
