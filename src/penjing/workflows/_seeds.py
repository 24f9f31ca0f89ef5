"""The seed of a new run: of several trainings of one recipe, the one that validation likes best.

Verdicts are about recipes, whatever the seed. A run is one network, and its seed may be an unlucky one: so where time
is left, several are tried. Where no remedy helped, a run may still be less than its recipe gives; then the network of
another seed takes its place, if items that did not choose it show that it is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from penjing.core import differences, split
from penjing.core.differences import Difference
from penjing.core.events import Finished, Progress, Started, Watch, tell
from penjing.core.recipe import Recipe
from penjing.core.statistics import Metric
from penjing.models.own import NAME as OWN
from penjing.workflows._allowance import SLACK, Allowance
from penjing.workflows._limits import Limits, TooSlowError
from penjing.workflows._prepare import Prepared
from penjing.workflows._trials import TRIAL_ERRORS, Bench, Deal
from penjing.workflows._verdict import TELLING_SHARE, affordable

ANOTHER_SEED = "another_seed"  # what a treatment calls it
MOST_SEEDS = 8
FEWEST_GROUPS = 10  # that choose, and that judge
STAGE = "trying seeds"


@dataclass(frozen=True)
class Drawn:
    """A training with a seed of its own.

    Attributes:
        recipe: with that seed.
        chosen: what its network answers on the rows that choose.
        judged: the same on the rows that judge; of length 0 where none do.
        value: of the metric on the rows that choose.
    """

    recipe: Recipe
    chosen: np.ndarray
    judged: np.ndarray
    value: float


@dataclass(frozen=True)
class Seeds:
    """Trainings that differ by their seed alone.

    Attributes:
        bench: what trains.
        metric: what is watched.
        time: what it allows.
        watch: is told how far it is.
    """

    bench: Bench
    metric: Metric
    time: Allowance
    watch: Watch = None

    def best(self, recipe: Recipe, seconds: float) -> list[Drawn]:
        """The recipe with its own seed and with others, the best on the validation items first; [] where there is no
        time for two trainings, where folds choose, or of a person's own network, whose first weights the recipe names.

        Args:
            seconds: of one training.
        """
        rows = self.bench.fair(self.bench.prepared.rows("valid"))
        if is_settled(recipe, self.bench.prepared) or not len(rows):
            return []
        return self._in_order(self._drawn(recipe, seconds, rows, rows[:0]))

    def another(self, recipe: Recipe, seconds: float) -> tuple[list[Drawn], Difference] | None:
        """The same, chosen by one part of the items, and what the best of them is worth beside the recipe's own seed on
        another part; None where too few items choose or judge, where there is no time, or the own seed is the best.
        """
        choose, judge = self._apart()
        groups = self.bench.prepared.groups
        fewest = min(len(np.unique(groups[rows])) for rows in (choose, judge))
        if is_settled(recipe, self.bench.prepared) or fewest < FEWEST_GROUPS:
            return None
        drawn = self._drawn(recipe, seconds, choose, judge)
        if not drawn or (order := self._in_order(drawn))[0] is drawn[0]:
            return None
        own, best, truth = drawn[0].judged, order[0].judged, self.bench.prepared.truth[judge]
        n = affordable(self.metric, truth, own, 2, TELLING_SHARE * self.time.clock.left)
        return order, differences.network_difference(self.metric, truth, own, best, groups[judge], n=n)

    def _apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows that choose, and rows that judge: two halves of those that validate where folds judge remedies."""
        bench = self.bench
        if bench.judged_on != "folds":
            return bench.screened, bench.judged
        rows = bench.screened
        half = split.inner_folds(bench.prepared.groups[rows], bench.task.stratify(bench.prepared.truth[rows]), 2)
        return rows[half == 0], rows[half == 1]

    def _drawn(self, recipe: Recipe, seconds: float, choose: np.ndarray, judge: np.ndarray) -> list[Drawn]:
        """As many as there is time for, the recipe's own seed first; [] where that is one."""
        most = min(MOST_SEEDS, int(self.time.until_growing(seconds) / (SLACK * max(seconds, 1e-9))))
        if most < 2:
            return []
        deal, found = Deal((), self.bench.learned, choose, np.concatenate([choose, judge])), list[Drawn]()
        tell(self.watch, Started(STAGE, most, "trainings"))
        for number in range(most):
            other = replace(recipe, seed=recipe.seed + number)
            try:
                answer = self.bench.train(other, deal, Limits(self.time.until_growing(seconds))).scored
            except (TooSlowError, *TRIAL_ERRORS):
                break
            chosen, judged = answer[: len(choose)], answer[len(choose) :]
            value = self.metric(self.bench.prepared.truth[choose], chosen)
            found.append(Drawn(other, chosen, judged, float(value)))
            tell(self.watch, Progress(STAGE, number + 1))
        tell(self.watch, Finished(STAGE))
        return found if len(found) > 1 else []

    def _in_order(self, drawn: Sequence[Drawn]) -> list[Drawn]:
        return sorted(drawn, key=lambda one: one.value, reverse=self.metric.is_higher_better)


def is_settled(recipe: Recipe, prepared: Prepared) -> bool:
    """Whether the seed of a run stays as it is, whatever others give."""
    return bool(prepared.split.folds) or recipe.model.name == OWN
