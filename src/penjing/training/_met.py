"""What a network meets: its inputs as they enter it, and its target, in training and in validation.

Looked at once, before the first step, on a few items of either part. A doctor reads from it whether an input varies at
all, what is missing, and whether validation items are of the same kind as those that are learned from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from penjing.training._assemble import Network
from penjing.training._loader import chunks, spread
from penjing.training._problem import Problem

LOOKED_AT = 400  # items of either part
AT_ONCE = 64  # items through a front end
MOST_VALUES = 2**14  # of an item, in its column; of more, every n-th
FEWEST_DEALT = 8  # items of a batch
NUMBERED = 1.5  # times as many items as there are, within which their numbers lie
BOUND = 0.01  # of their range: outputs this close to their least or most are at a bound


@torch.no_grad()
def met(network: Network, problem: Problem, transform: str | None = None) -> list[dict[str, Any]]:
    """One row for each input column, and one for the target.

    Args:
        transform: "none" or "log", as numbers to predict are learned; None of other targets.

    Returns:
        Rows of `role` ("input" or "target"), `input`, `column`, `modality`; `train_items` and `valid_items` looked at;
        `centre`, `scale`, `least`, `most` of the training values that are there, and `half`, the range of the middle
        half of them; `numbered`, whether whole numbers count the items; `missing` and `valid_missing`, shares;
        `varies`, whether training items differ; `drift`, how far apart training and validation are at most (the
        Kolmogorov-Smirnov distance of what sums an item up, or the total variation of classes, 0 to 1), `drift_of`,
        in what, and `drift_p`, how often chance alone does that. Of the target, `transform`, and of logarithms that are
        learned `far`, how many times the range of their middle half the greatest lies above their median. None where it
        cannot be told.
    """
    train, valid = spread(problem.train, LOOKED_AT), spread(problem.valid, LOOKED_AT)
    rows = []
    for name, modality in problem.modality.items():
        here, there = (_values(network, problem, name, part) for part in (train, valid))
        groups = (None, None) if problem.groups is None else (problem.groups[train], problem.groups[valid])
        for column, one, other in _columns(problem, name, modality, here, there):
            counts = {"numbered": _is_numbered(one.values, len(problem.truth))}
            rows.append({"role": "input", "input": name, "column": column, **told(one, other, groups), **counts})
            rows[-1]["modality"] = modality
    truth = problem.truth
    groups = (None, None) if problem.groups is None else (problem.groups[problem.train], problem.groups[problem.valid])
    target = told(_target(truth[problem.train]), _target(truth[problem.valid]), groups)
    far = _far(truth[problem.train], problem.learned_target["log"]["offset"]) if transform == "log" else None
    about = {"input": problem.target, "column": problem.target, "modality": None, "transform": transform, "far": far}
    return [*rows, {"role": "target", **about, **target}]


def _far(numbers: np.ndarray, offset: float) -> float | None:
    logs = np.log(np.asarray(numbers, dtype=np.float64) + offset)
    low, middle, high = np.quantile(logs, [0.25, 0.5, 0.75])
    return float((logs.max() - middle) / (high - low)) if high > low else None


def outputs_told(found: Float[np.ndarray, "items outputs"]) -> dict[str, float]:
    """What a network's outputs are like: `output/least`, `most`, `mean`, `std`; `at_bounds`, the share that lies at the
    least or the most of them; and, of several outputs, how far at most those of an item are from probabilities:
    `sum_error`, their sum from one, and `log_sum`, the logarithm of the sum of their powers of e from zero.
    """
    if not found.size or not np.isfinite(found).all():
        return {}
    found = found.astype(np.float64)  # squares of what a training that diverges answers overflow in fewer bits
    least, most = float(found.min()), float(found.max())
    near = BOUND * (most - least)
    told = {
        "output/least": least,
        "output/most": most,
        "output/mean": float(found.mean()),
        "output/std": float(found.std()),
        "output/at_bounds": float(((found <= least + near) | (found >= most - near)).mean()) if near else 1.0,
    }
    if found.ndim > 1 and found.shape[1] > 1:
        told["output/sum_error"] = float(np.abs(found.sum(1) - 1).max())
        powers = np.exp(found - found.max(1, keepdims=True)).sum(1)
        told["output/log_sum"] = float(np.abs(np.log(powers) + found.max(1)).max())
    return told


def batch_told(batch: np.ndarray, train: np.ndarray) -> dict[str, float]:
    """How a batch's targets differ from those of all training items: `batch/apart` (total variation of classes, the
    Kolmogorov-Smirnov distance of numbers, 0 to 1) and `batch/chance`, how often a batch dealt at random is that far
    apart. Nothing of a few items, which any deal sets apart.
    """
    if len(batch) < FEWEST_DEALT:
        return {}
    here, there = _target(batch), _target(train)
    (name,) = here.summaries
    apart, chance = (variation if here.classes else distances)(here.summaries[name], there.summaries[name])
    return {"batch/apart": apart, "batch/chance": chance}


@dataclass(frozen=True)
class Column:
    """What stands in one input column for some items.

    Attributes:
        values: Float[items, values], NaN where one is missing.
        summaries: what sums up an item → Float[items].
        classes: whether the values are numbers of classes, which have no order.
    """

    values: np.ndarray
    summaries: Mapping[str, np.ndarray]
    classes: bool = False


def told(train: Column, valid: Column, groups: tuple[np.ndarray | None, np.ndarray | None]) -> dict[str, Any]:
    """The row of one column; see `met`."""
    values = train.values
    there = values[np.isfinite(values)]
    centre = float(there.mean()) if there.size else None
    deviation = values - np.where(np.isfinite(values).any(0), _mean(values), 0.0)
    return {
        "train_items": len(values),
        "valid_items": len(valid.values),
        "centre": centre,
        "scale": float(there.std()) if there.size else None,
        "least": float(there.min()) if there.size else None,
        "most": float(there.max()) if there.size else None,
        "half": float(np.subtract(*np.quantile(there, [0.75, 0.25]))) if there.size else None,
        "missing": _missing(values),
        "valid_missing": _missing(valid.values) if len(valid.values) else None,
        "varies": bool(len(values) < 2 or _differ(values, deviation)),
        **_drift(train, valid, groups),
    }


def _is_numbered(values: np.ndarray, items: int) -> bool:
    """Whether values number the items: whole, no two alike, and hardly further apart than there are items."""
    if values.shape[1] != 1 or len(values) < FEWEST_DEALT or not np.isfinite(values).all():
        return False
    known = np.unique(values)
    is_whole = len(known) == len(values) and bool((known == np.round(known)).all())
    return is_whole and float(known[-1] - known[0]) < NUMBERED * items


def _mean(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.nan_to_num(values).sum(0) / np.maximum(np.isfinite(values).sum(0), 1)
    return found


def _differ(values: np.ndarray, deviation: np.ndarray) -> bool:
    """Whether items differ, in a value or in whether it is there."""
    is_there = np.isfinite(values)
    known = np.abs(np.where(is_there, deviation, 0.0))
    size = max(float(np.abs(np.where(is_there, values, 0.0)).max(initial=0.0)), 1e-30)
    return bool((known > 1e-6 * size).any() or (is_there != is_there[:1]).any())


def _missing(values: np.ndarray) -> float:
    return float((~np.isfinite(values)).mean()) if values.size else 0.0


def _drift(train: Column, valid: Column, groups: tuple[np.ndarray | None, np.ndarray | None]) -> dict[str, Any]:
    """How far apart the parts are, in what sums up their items most differently."""
    if len(train.values) < 2 or len(valid.values) < 2:
        return {"drift": None, "drift_of": None, "drift_p": None}
    found = []
    for name, here in train.summaries.items():
        there = valid.summaries[name]
        distance, alone = (variation if train.classes else distances)(here, there)
        is_alone = groups[0] is None or groups[1] is None
        chance = math.nan if is_alone else _by_group(here, there, groups, train.classes)
        found.append((distance, alone if math.isnan(chance) else max(chance, alone), name))
    distance, chance, name = min(found, key=lambda one: (one[1], -one[0]))
    # As many looks as there are summaries: the least of their chances is that much likelier.
    return {"drift": distance, "drift_of": name, "drift_p": min(1.0, chance * len(found))}


def _by_group(here: np.ndarray, there: np.ndarray, groups: tuple[Any, Any], classes: bool) -> float:
    """How often chance alone sets whole groups (speakers, patients) that far apart; NaN where each item is its own."""
    summed = _group_classes if classes else _group_means
    rows = [summed(values, group) for values, group in zip((here, there), groups, strict=True)]
    if all(len(row) == len(values) for row, values in zip(rows, (here, there), strict=True)):
        return math.nan
    if min(map(len, rows)) < 2:
        return 1.0
    return (variation if classes else distances)(*rows)[1]


def _group_classes(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The most frequent class of each group, NaN where that is a missing one; of several, the first."""
    names, of_class = np.unique(values, return_inverse=True)
    known, place = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(known), len(names)), dtype=np.int64)
    np.add.at(counts, (place, of_class), 1)
    found: np.ndarray = names[counts.argmax(1)]
    return found


def _group_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    _, place = np.unique(groups, return_inverse=True)
    known = np.isfinite(values)
    count = np.bincount(place, known)
    found: np.ndarray = np.bincount(place, np.where(known, values, 0.0))[count > 0] / count[count > 0]
    return found


def distances(here: Float[np.ndarray, " items"], there: Float[np.ndarray, " others"]) -> tuple[float, float]:
    """The Kolmogorov-Smirnov distance of two samples (0 to 1), and how often two of one kind are that far apart.

    What is missing is left out. Source of the chance: A. Kolmogorov (1933), with M. Stephens' correction (1970).
    """
    one, other = (np.sort(values[np.isfinite(values)]) for values in (here, there))
    if not len(one) or not len(other):
        return 0.0, 1.0
    every = np.concatenate([one, other])
    below = [np.searchsorted(values, every, side="right") / len(values) for values in (one, other)]
    distance = float(np.abs(below[0] - below[1]).max())
    size = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    scaled = (size + 0.12 + 0.11 / size) * distance
    if scaled < 0.2:
        return distance, 1.0
    terms = np.arange(1, 101)
    chance = 2 * float(((-1.0) ** (terms - 1) * np.exp(-2 * terms**2 * scaled**2)).sum())
    return distance, min(1.0, max(0.0, chance))


def variation(here: Float[np.ndarray, " items"], there: Float[np.ndarray, " others"]) -> tuple[float, float]:
    """The total variation of the classes of two samples (0 to 1), and how often two of one kind are that far apart.

    The chance is that of chi-squared over the classes, by the approximation of Wilson and Hilferty (1931).
    """
    one, other = (np.where(np.isfinite(values), values, -1.0) for values in (here, there))
    names, place = np.unique(np.concatenate([one, other]), return_inverse=True)
    counts = np.stack(
        [np.bincount(part, minlength=len(names)) for part in (place[: len(one)], place[len(one) :])]
    ).astype(np.float64)
    share = counts / counts.sum(1, keepdims=True)
    distance = float(np.abs(share[0] - share[1]).sum() / 2)
    free = len(names) - 1
    if not free:
        return 0.0, 1.0
    expected = counts.sum(0) / counts.sum() * counts.sum(1, keepdims=True)
    score = float(((counts - expected) ** 2 / expected).sum())
    normal = ((score / free) ** (1 / 3) - (1 - 2 / (9 * free))) / math.sqrt(2 / (9 * free))
    return distance, math.erfc(normal / math.sqrt(2)) / 2


def _values(network: Network, problem: Problem, name: str, rows: np.ndarray) -> np.ndarray:
    """What the network's encoder gets of some items: the cells of a table, else what the front end makes."""
    raw = problem.items.inputs[name]
    if problem.modality[name] == "table" or name in problem.items.prepared or not len(rows):
        return np.asarray(raw.take(rows))
    device = next(network.parameters()).device
    made = [network.prepare(name, torch.from_numpy(raw.take(part)).to(device)) for part in chunks(rows, AT_ONCE)]
    found: np.ndarray = torch.cat(made).cpu().numpy()
    return found


def _columns(
    problem: Problem, name: str, modality: str, here: np.ndarray, there: np.ndarray
) -> Iterator[tuple[str, Column, Column]]:
    """The columns of an input: each of a table's, or the whole of any other."""
    if modality != "table":
        yield name, _whole(here), _whole(there)
        return
    for place, one in enumerate(problem.learned[name]["columns"]):
        parts = [np.asarray(values[:, place : place + 1], dtype=np.float64) for values in (here, there)]
        classes = one["form"] == "category"
        columns = [Column(part, {"values": part[:, 0]}, classes) for part in parts]
        yield str(one["name"]), columns[0], columns[1]


def _whole(values: np.ndarray) -> Column:
    """An input that is one thing: a picture, a sound, a text of tokens, a vector."""
    if not len(values):
        return Column(np.zeros((0, 1)), {})
    every = values.reshape(len(values), -1)
    flat = every[:, :: max(1, every.shape[1] // MOST_VALUES)].astype(np.float64)
    if np.issubdtype(values.dtype, np.integer):
        # Which tokens they are tells nothing here: the words were learned from one side, which so has other ones.
        return Column(flat, {"length": (every != 0).sum(1).astype(np.float64)})
    contrast = [part.std(1, dtype=np.float64) for part in np.array_split(every, -(-len(every) // AT_ONCE))]
    sums = {"level": every.mean(1, dtype=np.float64), "contrast": np.concatenate(contrast)}
    if values.ndim > 3:
        sums["detail"] = np.abs(np.diff(values, axis=-1)).reshape(len(values), -1).mean(1).astype(np.float64)
        side = values.shape[-1] // 2
        apart = values[..., :side].reshape(len(values), -1).mean(1) - values[..., -side:].reshape(len(values), -1).mean(
            1
        )
        sums["left to right"] = apart.astype(np.float64)
    return Column(flat, sums)


def _target(truth: np.ndarray) -> Column:
    """The target: classes, several labels an item (told by how many it has), or numbers."""
    values = np.asarray(truth, dtype=np.float64).reshape(len(truth), 1 if truth.ndim == 1 else truth.shape[1])
    if truth.ndim == 1 and np.issubdtype(truth.dtype, np.integer):
        return Column(values, {"classes": values[:, 0]}, classes=True)
    return Column(values, {"values": values.sum(1)} if truth.ndim == 1 else {"labels": values.sum(1)})
