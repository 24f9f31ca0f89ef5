"""A simple model is better than the network on the same items.

**What it sees.** The network's answers on the items that validate beside those of the linear model and of the boosted
trees: the mean paired difference of right answers (of classes) or of losses (of numbers), with a 95% interval. A
difference of less than `checks.AHEAD` is none. Of few classified items the interval is exact, so that it speaks where
even these tell; of numbers and labels there must be `FEWEST`.

**Why it is bad.** A network that a linear model beats costs more and gives less. It learned too little, or from too
few items, or it is badly set.

**Known false alarms.** Two comparisons are made, so one in twenty is low by chance where they are equal.

**What to do.** Give it more time, another rate or the usual network; on few items, ship the simple model.
"""

from __future__ import annotations

from penjing.checks import HAMPERS, ahead
from penjing.checks._examples import example_classes
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("items.loss", "items.model", "items.probability")
FOLLOWS = (*HAMPERS, "diverged", "not_learning", "underfit", "overfit", "stopped_early", "label_errors", "drift")
PICTURE = "floor"
FEWEST = 30  # items, where losses are compared


def look(record: Record) -> Finding | None:
    """The simple model that is clearly better, or None."""
    found = ahead(record, FEWEST)
    if found is None:
        return None
    name, measure, most = found
    told = name.replace("_", " ")
    of, over = (f"{value:.1%}" if measure == "right" else f"a loss of {value:.3g}" for value in (most.of, most.over))
    return Finding(
        name="beaten_by_simple",
        level="warning",
        message=f"A simple model ({told}) is better: on the same {most.items:,} validation items it has {over}"
        f"{' right' * (measure == 'right')}, the network {of} (difference {-most.mean:.3g}, 95% interval "
        f"{-most.high:.3g} to {-most.low:.3g}). Give the network more --time, or use the simple model.",
        evidence={
            "model": name,
            "measure": measure,
            "network": most.of,
            "simple": most.over,
            "low": most.low,
            "high": most.high,
            "items": most.items,
        },
        remedies=("--time", "--model"),
    )


def _answers(right: int, of: int = 100) -> list[tuple[str, str, float]]:
    """As many right answers, the first ones."""
    other = {"cat": "dog", "dog": "cat"}
    truth = [("cat", "dog")[row % 2] for row in range(of)]
    return [(name, name if row < right else other[name], 0.8) for row, name in enumerate(truth)]


def sick() -> Record:
    """A linear model that has twenty answers more."""
    return example_classes({"network": _answers(70), "linear": _answers(90), "majority": _answers(50)})


def healthy() -> Record:
    """A network that is ahead, and one answer behind the trees."""
    return example_classes({"network": _answers(90), "linear": _answers(80), "boosted_trees": _answers(91)})
