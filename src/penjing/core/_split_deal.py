"""How groups are dealt: a keyed draw per group, quotas per class, folds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

GROUPED = 2  # items a unit, from which on units are groups and not single items with a copy here and there


@dataclass(frozen=True)
class Units:
    """What is dealt as a whole: one row per group.

    Attributes:
        of_item: the unit of every item.
        draw: a number from 0 to 1 per unit that depends on the split seed and the unit's smallest item hash only.
        size: number of items.
        stratum: the most frequent class of its items; −1 where no class is known.
    """

    of_item: Int[np.ndarray, " items"]
    draw: Float[np.ndarray, " units"]
    size: Int[np.ndarray, " units"]
    stratum: Int[np.ndarray, " units"]


def units(
    hashes: Sequence[str], groups: Int[np.ndarray, " items"], classes: Int[np.ndarray, " items"] | None, seed: int
) -> Units:
    """The groups in the order of their smallest hashes, so that the order of the items does not matter."""
    texts = np.array(hashes, dtype=str)
    order = np.argsort(texts, kind="stable")
    _, first, of_sorted = np.unique(groups[order], return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    of_item = np.empty(len(texts), np.int64)
    of_item[order] = rank[of_sorted]
    draw = np.array([_draw(seed, text) for text in texts[order][np.sort(first)].tolist()])
    return Units(of_item, draw, np.bincount(of_item, minlength=len(first)), _strata(of_item, len(first), classes))


def _draw(seed: int, text: str) -> float:
    digest = hashlib.blake2b(text.encode(), key=f"split {seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def _strata(
    of_item: Int[np.ndarray, " items"], count: int, classes: Int[np.ndarray, " items"] | None
) -> Int[np.ndarray, " units"]:
    """The most frequent class per unit, the smaller number where two are as frequent."""
    strata = np.full(count, -1)
    if classes is None:
        return strata
    known = classes >= 0
    pair, votes = np.unique(np.stack([of_item[known], classes[known]]), axis=1, return_counts=True)
    order = np.lexsort((-pair[1], votes))  # the last write wins: most votes, then the smaller class
    strata[pair[0][order]] = pair[1][order]
    return strata


def deal_parts(
    part: np.ndarray, dealt: Units, free: np.ndarray, shares: Mapping[str, float], rest: str = "train"
) -> np.ndarray:
    """The part of every unit after the free ones were dealt, class by class.

    Args:
        part: the part of every unit, "" where it has none yet; what is not free stays.
        free: Bool[units]: which may be dealt.
        shares: the wanted share of items per part; what is left over goes to `rest`.

    Every class keeps at least one unit in `rest`. Quotas are rounded so that their sum over the classes is right, too,
    however small the classes are. A unit that is larger than what is left of a quota, such as a cluster of
    near-duplicates, is passed over for those behind it where less than half of the quota is filled. Where units are
    groups it always is, and what a class is short of or over by is made up for however large groups are: classes that
    have no group to spare come first, and what is short of most takes first.
    """
    part = part.copy()
    are_groups = dealt.size.sum() >= GROUPED * len(dealt.size)
    longest = float(dealt.size.max(initial=1)) if are_groups else 1.0
    carried = dict.fromkeys(shares, 0.5)
    strata, counts = np.unique(dealt.stratum[free], return_counts=True)
    members = _members(dealt.stratum)
    for stratum in (strata[np.argsort(counts, kind="stable")] if are_groups else strata).tolist():
        inside = members[stratum]
        is_free, size = free[inside], dealt.size[inside]
        queue = inside[is_free]
        queue = queue[np.argsort(dealt.draw[queue], kind="stable")]
        counted = size[is_free | (part[inside] != "")].sum()
        spare = len(queue) - (0 if (~is_free & (part[inside] == rest)).any() else 1)
        for name in sorted(shares, key=lambda one: -carried[one]) if are_groups else shares:
            exact = shares[name] * counted + carried[name]
            quota = int(np.floor(exact))
            filled = int(size[~is_free & (part[inside] == name)].sum())
            for unit in queue[part[queue] == ""].tolist():
                if spare <= 0 or filled >= quota:
                    break
                if filled + dealt.size[unit] / 2 > quota:
                    if are_groups or 2 * filled < quota:
                        continue
                    break
                part[unit] = name
                filled += int(dealt.size[unit])
                spare -= 1
            # What was short or too much here is made up for in the next class.
            carried[name] = min(max(exact - filled, -longest), max(2.0, longest))
        part[queue[part[queue] == ""]] = rest
    return part


def _members(stratum: Int[np.ndarray, " units"]) -> dict[int, Int[np.ndarray, " members"]]:
    """The units of every stratum, in their order: to look through all of them for each takes minutes of thousands."""
    order = np.argsort(stratum, kind="stable")
    strata, first = np.unique(stratum[order], return_index=True)
    return dict(zip(strata.tolist(), np.split(order, first)[1:], strict=True))


def deal_folds(dealt: Units, used: np.ndarray, folds: int) -> Int[np.ndarray, " units"]:
    """The fold of every used unit, −1 elsewhere: classes spread evenly, no unit in two folds."""
    fold = np.full(len(dealt.draw), -1)
    totals = np.zeros(folds, np.int64)
    members = _members(dealt.stratum)
    for stratum in np.unique(dealt.stratum[used]).tolist():
        held = np.zeros(folds, np.int64)
        queue = members[stratum][used[members[stratum]]]
        for unit in queue[np.lexsort((dealt.draw[queue], -dealt.size[queue]))].tolist():
            chosen = int(np.lexsort((totals, held))[0])
            fold[unit] = chosen
            held[chosen] += dealt.size[unit]
            totals[chosen] += dealt.size[unit]
    return fold
