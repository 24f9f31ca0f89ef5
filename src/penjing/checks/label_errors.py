"""Labels that a network which never saw the items is sure are wrong.

**What it sees.** Confident learning, on validation items and, where experiments held them out, training items: an item
is doubted where the network gives another class at least the probability that it gives that class on average over the
items that carry it, and its own class less than it usually gets. Whether there are more of them than mistakes alone
would bring is judged by how sure they are: an answer that is wrong in spite of a probability of 0.9 happens once in
ten times to a network whose probabilities hold. And classes that are taken for other ones, each for one of its own, as
where labels were numbered in two ways. And mistakes that network and simple models make together, and that are as many
among the surest items as among less sure ones.

**Why it is bad.** Wrong labels in training teach the wrong thing; wrong labels in validation make the score too low.

**Known false alarms.** Classes that look alike to the network are confused with great certainty. Only a person can
tell: look at the items named. A network that is clearly worse than a simple model, or whose loss is not clearly better
than that of the constant answer, is not heard by itself; nor is what one group alone brings. Where an experiment left
doubted items out and the network was no better for it, they are good to know and no more. Inputs may leave the answer
open (who survives, who pays back), and one column that tells most of what can be told looks just like labels that are
wrong now and then. So mistakes that stay as many are good to know and no more where only a table is looked at, or where
such a chance explains them, unless the network was better without doubted items.

**What to do.** Look at them in the report, and write what is wrong into a file for `--corrections`.

Source: C. G. Northcutt, L. Jiang, I. L. Chuang, Confident learning, JAIR 2021.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from penjing.checks import CONSTANT, LISTED, clustering, gain, of_classes, over_simple, shown, spoken, units_of
from penjing.checks._examples import example_classes
from penjing.checks._plateau import JUDGES, judged, names_of, plateau
from penjing.checks._stated import places
from penjing.checks._trials import trials_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("items.target", "items.probability", "items.model", "items.loss")
FOLLOWS = ("drift", "diverged", "oscillating", "exploding_gradient", "dead_units", "unscaled_input", "wrong_output")
PICTURE = "doubt"
FEWEST = 50  # items
HELD_OUT = "held_out"  # what judges training items: networks that learned from the others
LEARNED = ("folds", "train")  # parts that are learned from
SURE = 0.9  # of another class
SHARE = 0.01  # of the items, from which on they matter
TIMES = 2.0  # as many as the network's own probabilities lead one to expect
SURELY = 3.0  # standard deviations more than those
JUDGE = 0.5  # of its sure answers: a network most of which are doubted is itself what is wrong
# Exchanged classes: the share of items that are given just the class that theirs would be under another name, and how
# much more than the share that is right.
EXCHANGED, MORE = 0.5, 0.3
COMMON = 0.05  # of the items, that a class must have to be looked at: rare ones are taken for anything
# Mistakes that do not become fewer with sureness: how many items there must be on which judges agree, how many mistakes
# in their surest half, how much likelier they are with such mistakes than without (a logarithm), the part of all
# mistakes that they must be, and the share of the surest half beyond which the judges themselves know nothing.
FEWEST_AGREED, FEWEST_WRONG, LIKELIER, MOSTLY, MOST_WRONG = 60, 5, 1.5, 0.5, 0.4
NOT_OPEN = 2.5  # a logarithm: how much likelier than where the inputs leave the answer open


def look(record: Record) -> Finding | None:
    """The items whose labels are doubted, the most doubted first, or None."""
    assert record.items is not None
    for name in JUDGES:  # weights are chosen by validation, so where its labels are others the network may know little
        exchanged = _exchanged(record.items.filter(model=name))
        if exchanged is not None:
            return exchanged
    if not _is_heard(record):
        return _steady(record)
    judges = pl.col("model").is_in(["network", HELD_OUT])
    items = of_classes(record.items.filter(judges))
    place = places(items) if len(items) else {}
    # Of a class that is never answered, where there are more than two, the record does not say which of the
    # probabilities is its own.
    items = items.filter(pl.col("target").is_in(list(place)))
    if len(items) < FEWEST:
        return _steady(record)
    probability = np.array(items["probability"].to_list(), dtype=np.float64)
    truth = np.array([place[name] for name in items["target"]])
    own, sure = probability[np.arange(len(truth)), truth], probability.max(1)
    doubted = doubts(probability, truth)
    surprise = np.where(sure >= SURE, 1 - sure, 0.0)
    expected, found = float(surprise.sum()), int(doubted.sum())
    if found > JUDGE * (sure >= SURE).sum():
        return _steady(record)
    wider = clustering(doubted - surprise, units_of(items))
    if found < max(3.0, SHARE * len(truth), TIMES * expected, expected + SURELY * wider * math.sqrt(expected)):
        return _steady(record)
    order = np.flatnonzero(doubted)[np.argsort(own[doubted], kind="stable")]
    names = [str(items["name"][int(row)]) for row in order[:LISTED]]
    evidence: dict[str, Any] = {
        "doubted": found,
        "items": len(truth),
        "expected": expected,
        "share": found / len(truth),
    }
    if "part" in items.columns:  # what is learned from, and can be left out
        learned = items["part"].is_in(LEARNED).to_numpy()
        taken = [int(row) for row in order if learned[row]]
        if taken:
            evidence["hashes"] = [str(items["hash"][row]) for row in taken]
            # Not what is answered, which a threshold may part otherwise: then a doubted label may be just that.
            surest = {index: name for name, index in place.items()}
            evidence["taken_for"] = [
                str(surest.get(int(probability[row].argmax()), items["predicted"][row])) for row in taken
            ]
    lost = _lost_without(record)
    without = "" if lost is None else f" Without them in training it was no better ({shown(lost, is_signed=True)})."
    return Finding(
        name="label_errors",
        level="warning" if lost is None else "info",
        message=f"{found:,} of {len(truth):,} labels look wrong to a network that never saw the items and is sure of "
        f"another class; {expected:.0f} such mistakes were to be expected.{without} Look at {spoken(names)}, and "
        "write what is wrong into a file for --corrections.",
        evidence=evidence,
        items=tuple(names),
        remedies=("--corrections",),
    )


def doubts(probability: Float[np.ndarray, "items classes"], truth: Int[np.ndarray, " items"]) -> np.ndarray:
    """Bool[items]: whose label is doubted, by probabilities from networks that never saw the item."""
    own = probability[np.arange(len(truth)), truth]
    usual = np.array(
        [own[truth == index].mean() if (truth == index).any() else 1.0 for index in range(probability.shape[1])]
    )
    best, sure = probability.argmax(1), probability.max(1)
    found: np.ndarray = (best != truth) & (sure >= np.maximum(usual[best], SURE)) & (own < usual[truth])
    return found


def _is_heard(record: Record) -> bool:
    """Whether the network knows enough to doubt labels by itself: clearly more than the constant answer, for otherwise
    being sure is what is wrong with it, and not clearly less than a simple model."""
    over_constant = gain(record, "loss", CONSTANT, FEWEST)
    if over_constant is not None and over_constant.low <= 0:
        return False
    return all(one.high >= 0 for one in over_simple(record, "right", FEWEST).values())


def _lost_without(record: Record) -> float | None:
    """What the metric lost where doubted training items were left out; None where none were, or it gained."""
    rows = [] if record.trials is None else trials_of(record, "cleaned").to_dicts()
    return float(rows[-1]["gain"]) if rows and rows[-1]["setting"] != "0" and rows[-1]["gain"] <= 0 else None


def _exchanged(items: pl.DataFrame) -> Finding | None:
    """The classes that are taken for others one by one, or None."""
    items = of_classes(items)
    if len(items) < FEWEST:
        return None
    said = items.group_by("target", "predicted").len().sort("len", "predicted", descending=[True, False])
    most = said.unique("target", keep="first", maintain_order=True)
    sizes = items["target"].value_counts(name="size")
    most = most.join(sizes, on="target").filter(pl.col("size") >= COMMON * len(items))
    taken = dict(most.select("target", "predicted").iter_rows())
    fitting, right = int(most["len"].sum()), int((items["target"] == items["predicted"]).sum())
    others = {name: other for name, other in taken.items() if name != other}
    is_one_to_one = len(set(taken.values())) == len(taken)
    if not (is_one_to_one and len(others) > 1 and fitting >= EXCHANGED * len(items)):
        return None
    if fitting - right < MORE * len(items):
        return None
    told = spoken(f"{name} for {other}" for name, other in sorted(others.items()))
    return Finding(
        name="label_errors",
        level="warning",
        message=f"Labels of validation items seem to mean other classes than those that were learned: it takes {told}, "
        f"which fits {fitting:,} of {len(items):,} items where {right:,} are right. Look how the labels of either part "
        "were numbered.",
        evidence={"taken_for": others, "fitting": fitting, "right": right, "items": len(items)},
        remedies=("--corrections",),
    )


def _steady(record: Record) -> Finding | None:
    """Mistakes that network and simple models make together, and that do not become fewer with sureness; or None.

    The temperature is learned from the same items, so where labels are wrong the network is never sure enough to be
    surprised; how mistakes are spread over its sureness, no temperature changes.
    """
    assert record.items is not None
    found = judged(record.items)
    if found is None or len(found.wrong) < FEWEST_AGREED:
        return None
    half = found.surest_half
    doubted = int(found.wrong[:half].sum())
    if doubted < FEWEST_WRONG or doubted > MOST_WRONG * half:
        return None
    level = plateau(found.wrong)
    # Items of one group err together: they are evidence of as many as scatter as far.
    fewer = clustering(found.wrong.astype(np.float64), found.unit) ** 2
    evidence, over_open = level.evidence / fewer, level.over_open / fewer
    if evidence < LIKELIER or level.share < MOSTLY * float(found.wrong.mean()):
        return None
    names, is_surely = names_of(found), _is_surely_wrong(record, over_open)
    told = (
        f"do: about {level.share:.0%} of all labels would be wrong."
        if is_surely
        else f"do: either about {level.share:.0%} of all labels are wrong, or the inputs leave the answer open."
    )
    return Finding(
        name="label_errors",
        level="warning" if is_surely else "info",
        message=f"Of the {half:,} validation items of which the network and simple models are surest together, "
        f"{doubted:,} have another label, and they do not become fewer the surer they are, as mistakes on hard items "
        f"{told} Look at {spoken(names)}, and write what is wrong into a file for --corrections.",
        evidence={
            "doubted": doubted,
            "items": half,
            "share": level.share,
            "likelier": evidence,
            "likelier_than_open": over_open,
        },
        items=names,
        remedies=("--corrections",),
    )


def _is_surely_wrong(record: Record, over_open: float) -> bool:
    """Whether mistakes that stay as many are labels rather than answers that the inputs leave open: an experiment
    tells, else the course of the mistakes, but not of tables, whose columns seldom tell all."""
    cleaned = [] if record.trials is None else trials_of(record, "cleaned").to_dicts()
    if cleaned and cleaned[-1]["setting"] != "0" and cleaned[-1]["gain_low"] > 0:
        return True
    return over_open >= NOT_OPEN and not _are_tables(record)


def _are_tables(record: Record) -> bool:
    """Whether all that is looked at are numbers and categories."""
    if record.inputs is None or "modality" not in record.inputs.columns:
        return False
    return bool((record.inputs.filter(role="input")["modality"] == "table").all())


def sick() -> Record:
    """Eight of a hundred labels are swapped, and the network is sure of the others."""
    truth = [("cat", "dog")[row % 2] for row in range(100)]
    swapped = {"cat": "dog", "dog": "cat"}
    return example_classes(
        {"network": [(swapped[name] if row < 8 else name, name, 0.98) for row, name in enumerate(truth)]}
    )


def healthy() -> Record:
    """Five of a hundred answers are wrong, and unsure."""
    truth = [("cat", "dog")[row % 2] for row in range(100)]
    other = {"cat": "dog", "dog": "cat"}
    answers = [(name, other[name], 0.6) if row < 5 else (name, name, 0.95) for row, name in enumerate(truth)]
    return example_classes({"network": answers})
