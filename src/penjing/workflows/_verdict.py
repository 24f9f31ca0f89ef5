"""What remedies were worth: each beside what was kept before it, and together beside none.

answers of the arms (nothing, the first remedy, the first two …) → paired differences → verdicts → what is kept
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from penjing.core import differences
from penjing.core.differences import Difference, Verdict
from penjing.core.statistics import FEWEST_RESAMPLES, RESAMPLES, Metric

TELLING_SHARE = 0.05  # of the time that is left, which telling one difference by a person's own metric may take
Arm = Sequence[np.ndarray]  # one array of answers for each seed


@dataclass(frozen=True)
class Judged:
    """The verdicts on stages that build on each other, Holm-corrected over all that is told here.

    Attributes:
        stages: for each, its difference beside the stages before it, and the verdict.
        together: for each, the difference of it and all before it beside none, and the verdict; the first is that of
            the first stage.
        further: the same for arms beside the stages.
    """

    stages: tuple[tuple[Difference, Verdict], ...]
    together: tuple[tuple[Difference, Verdict], ...]
    further: tuple[tuple[Difference, Verdict], ...] = ()

    @property
    def helped(self) -> list[int]:
        """The stages that helped."""
        return [number for number, (_, verdict) in enumerate(self.stages) if verdict == "helped"]

    @property
    def kept(self) -> int:
        """How many stages from the first on are kept, as far as they were trained together: those that helped, each
        and together. Where none helped alone and all did together, all of them, if none hurt."""
        count = 0
        while count < len(self.stages) and self.stages[count][1] == "helped":
            count += 1
        if not self.helped:
            count = len(self.stages)
        while count and (self.together[count - 1][1] != "helped" or self._hurts(count)):
            count -= 1
        return count

    @property
    def kept_together(self) -> int:
        """How many stages from the first on are kept where one that helped is not shown to help without those before
        it: as far as the last that helped, if all of them did together and none hurt."""
        count = max(self.helped, default=-1) + 1
        return count if count and not self._hurts(count) and self.together[count - 1][1] == "helped" else 0

    def _hurts(self, count: int) -> bool:
        """Whether one of the first so many stages hurt."""
        return any(verdict == "hurt" for _, verdict in self.stages[:count])

    @property
    def is_in_order(self) -> bool:
        """Whether the stages that helped are the first ones, so that their combination was trained already."""
        return self.helped == list(range(len(self.helped)))


def affordable(metric: Metric, truth: np.ndarray, answer: np.ndarray, calls: int, seconds: float) -> int | None:
    """How often a difference may be resampled by a person's own metric, which may be slow; None as often as there is
    use for.

    Args:
        truth: of the items that are judged at once.
        answer: to these.
        calls: of the metric in one resample.
        seconds: that there are.
    """
    if metric.are_bounds_known:  # one of penjing's own, which are made to be measured often
        return None
    begun = time.monotonic()
    metric(truth, answer)
    found = int(seconds / (calls * max(time.monotonic() - begun, 1e-9)))
    return None if found >= RESAMPLES else max(FEWEST_RESAMPLES, found)


def judged(
    difference: Callable[[Arm, Arm], Difference],
    arms: Sequence[Arm],
    further: Sequence[Arm] = (),
    least_effect: float = differences.LEAST_EFFECT,
    rounds: int = 1,
) -> Judged:
    """The verdicts.

    Args:
        difference: (an arm, another) → what the second is worth beside the first.
        arms: without any stage, with the first, with the first two …
        further: others to hold against the first arm.
        least_effect: that is worth a remedy.
        rounds: of verdicts on the same items; see `differences.judge`.
    """
    count = len(arms) - 1
    pairs = [(arms[number], arms[number + 1]) for number in range(count)]
    pairs += [(arms[0], arms[number + 1]) for number in range(1, count)]
    pairs += [(arms[0], arm) for arm in further]
    found = [difference(*pair) for pair in pairs]
    # Whether all of it together helps is what matters most, and has half of the level.
    weights = [1.0] * len(pairs)
    weights[count - 1 if count == 1 else 2 * count - 2] = max(1.0, len(pairs) - 1)
    told = list(zip(found, differences.judge(found, least_effect, weights, rounds), strict=True))
    return Judged(tuple(told[:count]), (told[0], *told[count : 2 * count - 1]), tuple(told[2 * count - 1 :]))
