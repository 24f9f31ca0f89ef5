"""Whether mistakes become fewer with sureness down to none, as those on hard items do, or stay as many, as wrong labels
do. Where inputs leave the answer open they become fewer, but not down to none. Used by `label_errors`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from penjing.checks import LISTED, SIMPLE, of_classes, units_of
from penjing.checks._stated import stated
from penjing.core.spread import unit_of_item

JUDGES = ("network", *SIMPLE)
ITEM = ["hash", "name"]  # copies of one content under other classes are items of their own
WORSE = 2.0  # standard errors, by which a judge may be behind the best of them and still be heard
# The courses that are tried: how fast mistakes become fewer, how many there are at the least sure item, and always.
SLOPES = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0])
HARDEST = np.geomspace(0.002, 0.95, 40)
ALWAYS = np.concatenate([[0.0], np.geomspace(0.005, 0.5, 25)])
# Courses where the answer is left open: how fast the log-odds of a mistake fall with the sureness, in its standard
# deviations, and what they are at the least sure item.
STEEPNESS, AT_LEAST_SURE = np.geomspace(0.3, 8.0, 25), np.array([0.0, 0.5, 1.0])
MOST = 2000  # items, of more every so many'th tells as much


@dataclass(frozen=True)
class Judged:
    """The items on which all judges agree, the surest first.

    Attributes:
        wrong: whether the label is another one.
        names: of the items.
        unit: the number of each one's group.
    """

    wrong: Bool[np.ndarray, " items"]
    names: list[str]
    unit: Int[np.ndarray, " items"]

    @property
    def surest_half(self) -> int:
        """How many items the surest half has."""
        return len(self.wrong) // 2


def judged(items: pl.DataFrame) -> Judged | None:
    """What the network and the simple models say together, or None where there is one judge alone, or where the best of
    them is hardly better than always naming the largest class.

    Args:
        items: answers on items that no judge learned from; see `Record.items`.
    """
    answers = of_classes(items.filter(pl.col("model").is_in(JUDGES)))
    by_model = {str(name): part.unique(ITEM).sort(ITEM) for (name,), part in answers.group_by("model")}
    if len(by_model) < 2:
        return None
    right = {name: float((part["target"] == part["predicted"]).mean()) for name, part in by_model.items()}  # type: ignore[arg-type]
    best, count = max(right.values()), min(map(len, by_model.values()))
    error = WORSE * math.sqrt(best * (1 - best) / max(1, count))
    targets = next(iter(by_model.values()))["target"]
    if best - error <= targets.value_counts()["count"].max() / len(targets):  # type: ignore[operator]
        return None
    least = best - error
    heard = [name for name in JUDGES if right.get(name, 0.0) >= least]
    if len(heard) < 2:
        return None
    first = by_model[heard[0]]
    said = first.select(*ITEM, "target", pl.col("predicted").alias("said"))
    said = said.with_columns(pl.Series("unit", units_of(first)), agreed=pl.lit(value=True), rank=pl.lit(0.0))
    for name in heard:
        other = by_model[name].select(*ITEM, "predicted", sure=pl.Series(stated(by_model[name])).rank())
        said = said.join(other, on=ITEM).with_columns(
            agreed=pl.col("agreed") & (pl.col("predicted") == pl.col("said")), rank=pl.col("rank") + pl.col("sure")
        )
        said = said.drop("predicted", "sure")
    agreed = said.filter("agreed").sort("rank", *ITEM, descending=[True, False, False])
    wrong, names = (agreed["target"] != agreed["said"]).to_numpy(), [str(name) for name in agreed["name"]]
    return Judged(wrong, names, unit_of_item(agreed["unit"].to_numpy(), len(agreed)))


@dataclass(frozen=True)
class Plateau:
    """What the mistakes are like that do not become fewer with sureness.

    Attributes:
        share: of the items, wrong however sure the judges are.
        evidence: how much likelier the mistakes are with such a share than with none, as a logarithm.
        over_open: the same, than where nothing is wrong and the inputs leave the answer open.
    """

    share: float
    evidence: float
    over_open: float


def plateau(wrong: Bool[np.ndarray, " items"]) -> Plateau:
    """The share of mistakes that sureness does not thin out, by the greatest likelihood.

    Mistakes happen at the share `always + (1 - always) × hardest × place ^ slope`, the place counted from 0, the surest
    item, to 1.
    """
    wrong = wrong[:: max(1, len(wrong) // MOST)]
    place = (np.arange(len(wrong)) + 0.5) / len(wrong)
    likeliest = np.full(len(ALWAYS), -np.inf)
    for slope in SLOPES:
        thinned = HARDEST[None, :, None] * place**slope
        share = np.clip(ALWAYS[:, None, None] + (1 - ALWAYS[:, None, None]) * thinned, 1e-6, 0.98)
        likelihood: Float[np.ndarray, "always hardest"] = np.log(np.where(wrong, share, 1 - share)).sum(-1)
        likeliest = np.maximum(likeliest, likelihood.max(1))
    best = int(likeliest.argmax())
    return Plateau(
        float(ALWAYS[best]), float(likeliest[best] - likeliest[0]), float(likeliest[best] - _left_open(wrong, place))
    )


def _left_open(wrong: Bool[np.ndarray, " items"], place: Float[np.ndarray, " items"]) -> float:
    """The log-likelihood of mistakes whose log-odds fall in a line with a score that is normal over the items, as where
    a class is drawn by a logistic model of the inputs: then the surest items are still mistaken now and then."""
    score = np.array([NormalDist().inv_cdf(1 - one / 2) for one in place])
    odds = AT_LEAST_SURE[None, :, None] - STEEPNESS[:, None, None] * score
    share = np.clip(1 / (1 + np.exp(-odds)), 1e-6, 0.98)
    return float(np.log(np.where(wrong, share, 1 - share)).sum(-1).max())


def names_of(found: Judged) -> tuple[str, ...]:
    """The items of the surest half whose labels are doubted, the surest first."""
    half = found.surest_half
    return tuple(name for name, wrong in zip(found.names[:half], found.wrong[:half], strict=True) if wrong)[:LISTED]
