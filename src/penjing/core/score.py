"""A result with its uncertainty: the only form in which penjing states how good something is."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# The metrics of which less is better in results written before each score said so itself.
_LESS_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "mae", "rmse"})

# The parts that chose the network they score, if only its best moment: in folds, each its own.
CHOSEN_ON = ("valid", "folds")


@dataclass(frozen=True)
class Score:
    """A metric with its 95% interval.

    Attributes:
        value: the metric on the items.
        low: lower end of the interval.
        high: upper end of the interval.
        n: number of items.
        part: "train", "valid", "confirm", "test" or "folds".
        metric: the metric's name, such as "accuracy".
        units: number of independent units behind the interval: groups, where the data have them, else items.
        is_higher_better: whether more of the metric is better.
    """

    value: float
    low: float
    high: float
    n: int
    part: str
    metric: str = "accuracy"
    units: int = 0
    is_higher_better: bool = True

    def __str__(self) -> str:
        chosen = " (chosen on)" if self.part in CHOSEN_ON else ""
        return f"{self.value:.3f} [{self.low:.3f}–{self.high:.3f}]{chosen}"

    def _repr_html_(self) -> str:
        return f"{self.part} {html.escape(self.metric)} <b>{self}</b>"

    def to_dict(self) -> dict[str, Any]:
        """The score as `results.json` and `--json` hold it."""
        return asdict(self)


def is_higher_better(found: Mapping[str, Any]) -> bool:
    """Whether more is better in a score as `results.json` holds it; a run from before it said so is known by name."""
    metric = found.get("metric", "accuracy")
    return bool(found.get("is_higher_better", metric not in _LESS_IS_BETTER))
