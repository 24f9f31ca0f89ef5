"""Which items are learned from, which choose, and which stay sealed: dealt before anything is learned.

The deal depends on the items' content, their groups and the split seed, and on nothing else: not on the order of
the items, not on the seed of the training. A group (and near-duplicates are a group) is never in two parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from penjing.core import _split_memory as memory
from penjing.core._split_deal import Units, deal_folds, deal_parts, units
from penjing.core.duplicates import joined
from penjing.core.files import write_atomically
from penjing.core.seal import seal_id
from penjing.core.table import PARTS

LEARNED = ("train", "valid", "confirm")
SHARES = (0.70, 0.15, 0.15)
# From this many items on, a part of the validation share is kept for final verdicts.
FEWEST_FOR_CONFIRM, CONFIRM_OF_VALID = 2000, 1 / 3
# Below either of these a test part would say nothing: the score comes from folds instead.
FEWEST_FOR_TEST, FEWEST_GROUPS_FOR_TEST = 40, 10
FOLDS_WITHOUT_TEST = 5
TORN = 0.05  # of the items, in groups of which an earlier deal had parted the items, from which on it is none of theirs
# With fewer validation items, one network is hardly told from another, and every label is worth learning from.
FEWEST_TO_CHOOSE = 20
# The most items cut from a given training part for validation and confirmation together.
MOST_CUT = 7500
OWN = "The data's own split is kept"


@dataclass(frozen=True)
class Split:
    """The part of every item.

    Attributes:
        frame: one row per item in the order of the data: hash, name, group (a number), part (one of `PARTS`),
            fold (−1 for none).
        seed: the split seed it was dealt with.
        is_given: whether the data brought a test part of their own.
        said: what was done, in plain sentences.
    """

    frame: pl.DataFrame
    seed: int = 0
    is_given: bool = False
    said: tuple[str, ...] = ()

    def index(self, part: str) -> Int[np.ndarray, " rows"]:
        """The row numbers of one part."""
        return np.flatnonzero(self.frame["part"].to_numpy() == part)

    @property
    def folds(self) -> int:
        """The number of folds, 0 for none."""
        return int(self.frame["fold"].to_numpy().max(initial=-1)) + 1

    @property
    def seal_id(self) -> str | None:
        """The id of the test part, or None where there is none."""
        hashes = self.frame.filter(pl.col("part") == "test")["hash"].to_list()
        return seal_id(hashes) if hashes else None

    @property
    def counts(self) -> dict[str, int]:
        """Items per part."""
        parts = self.frame["part"].to_list()
        return {part: parts.count(part) for part in PARTS}

    def crossed(self, before: Split) -> int:
        """How many items an earlier split learned from and this one seals, or the other way round."""
        # Copies may lie on both sides of a seal that comes with the data; that is a leak, and told as one.
        (sealed, learned), (sealed_then, learned_then) = self._sides(), before._sides()
        return len(sealed & learned_then - sealed_then) + len(learned & sealed_then - learned_then)

    def _sides(self) -> tuple[set[str], set[str]]:
        """The hashes inside the test part, and of what is learned from."""
        parts = (pl.col("part") == "test", pl.col("part").is_in(LEARNED))
        inside, outside = (set(self.frame.filter(part)["hash"].to_list()) for part in parts)
        return inside, outside

    def leaked(self) -> Int[np.ndarray, " rows"]:
        """The rows of test items that have a copy or a group member outside the test part.

        Only a given split can have any.
        """
        seen = self.frame.filter(pl.col("part").is_in(LEARNED))["group"].to_numpy()
        test = self.index("test")
        return test[np.isin(self.frame["group"].to_numpy()[test], seen)]

    def leaks(self) -> list[tuple[str, str]]:
        """(test item, an item of its group that is learned from), by name, for every leaked test item."""
        seen = self.frame.filter(pl.col("part").is_in(LEARNED))
        partner = dict(zip(reversed(seen["group"].to_list()), reversed(seen["name"].to_list()), strict=True))
        leaked = self.frame[self.leaked().tolist()]
        return [(name, partner[group]) for name, group in zip(leaked["name"], leaked["group"], strict=True)]

    def write(self, path: Path) -> None:
        """Write it as Parquet."""
        write_atomically(path, self.frame.write_parquet)

    @staticmethod
    def read(path: Path) -> Split:
        """The split that `write` wrote; its sentences are not kept."""
        return Split(pl.read_parquet(path))


def deal(
    hashes: Sequence[str],
    groups: Int[np.ndarray, " items"],
    classes: Int[np.ndarray, " items"] | None,
    given: Sequence[str | None] | None,
    seed: int,
    *,
    names: Sequence[str] | None = None,
    shares: tuple[float, float, float] = SHARES,
    previous: Split | None = None,
    folds: int = 0,
    keep_seal: bool = False,
    given_by: str = OWN,
) -> Split:
    """Deal items into parts.

    Args:
        hashes: the content hash of every item.
        groups: items with one number stay together.
        classes: the class of every item, −1 where unknown; None where there are none.
        given: the part that the data themselves name per item, None where they name none; never changed.
        seed: of the split; it has nothing to do with that of the training.
        names: what to call the items; their hashes where left out.
        shares: of train, valid and test.
        previous: an earlier split, whose items keep their parts.
        folds: how many folds to deal all items into that are not sealed or excluded; more than there are groups of
            them are cut to one a group, and `said` tells.
        given_by: where `given` is from, in the words that go before the parts' sizes.
        keep_seal: with `previous`, no newcomer enters the test part; one that belongs to a group there is excluded.
    """
    parts = np.array([part or "" for part in given] if given is not None else [""] * len(hashes), dtype="<U8")
    _, of_content = np.unique(np.array(hashes, dtype=str), return_inverse=True)
    together = joined(np.asarray(groups), of_content)
    is_given = bool(np.isin(parts, ["train", "valid", "confirm", "test"]).any())
    active = np.flatnonzero(parts != "excluded")
    mine = None if classes is None else np.asarray(classes)[active]
    dealt = units([hashes[row] for row in active.tolist()], together[active], mine, seed)
    old = None if previous is None else _old_parts([hashes[row] for row in active.tolist()], previous)
    fold = np.full(len(hashes), -1)
    if is_given:
        parts[active] = _around_given(parts[active], dealt, shares, old)
    else:
        parts[active] = _from_scratch(dealt, shares, old, keep_seal)
    if keep_seal and old is not None:
        parts[active[(parts[active] == "test") & (old == "")]] = "excluded"
    if not (parts == "valid").any():
        if not is_given:  # too few items to choose by are too few to set any aside; what was sealed stays so
            fresh = np.ones(len(active), dtype=bool) if old is None else old != "test"
            parts[active[(parts[active] == "test") & fresh]] = "train"
        open_groups = np.unique(dealt.of_item[parts[active] == "train"])
        folds = folds or min(FOLDS_WITHOUT_TEST, len(open_groups))
    asked = folds
    if folds > 1:
        fold[active], folds = _folds_around(dealt, parts[active] == "test", folds)
    number = _numbers(parts, active, dealt)
    columns = {"hash": list(hashes), "name": list(names or hashes), "group": number, "part": parts.tolist()}
    split = Split(pl.DataFrame({**columns, "fold": fold}), seed, is_given)
    cut = (f"{asked:,} folds are more than the {folds} groups outside the test part, so there are {folds} folds",)
    return replace(split, said=_sentences(split, dealt, old, given_by) + (cut if folds < asked else ()))


def in_folds(split: Split, classes: Int[np.ndarray, " items"] | None, folds: int) -> Split:
    """The same parts, with all items outside the test part dealt into folds.

    Args:
        classes: the class of every item, −1 where unknown; None where there are none.
        folds: how many, or one for each group outside the test part, if there are fewer.
    """
    parts, hashes = split.frame["part"].to_numpy(), split.frame["hash"].to_list()
    active = np.flatnonzero(parts != "excluded")
    mine = None if classes is None else np.asarray(classes)[active]
    groups = split.frame["group"].to_numpy()[active]
    dealt = units([hashes[row] for row in active.tolist()], groups, mine, split.seed)
    fold = np.full(len(parts), -1)
    fold[active], _ = _folds_around(dealt, parts[active] == "test", folds)
    return replace(split, frame=split.frame.with_columns(pl.Series("fold", fold)))


def _folds_around(dealt: Units, is_sealed: np.ndarray, folds: int) -> tuple[np.ndarray, int]:
    """Int[items]: the fold of every item that is dealt, −1 for one that is sealed; and how many folds there are, at
    most one for each group outside the test part."""
    open_units = np.bincount(dealt.of_item, weights=~is_sealed, minlength=len(dealt.draw)) > 0
    folds = min(folds, int(open_units.sum()))
    return np.where(is_sealed, -1, deal_folds(dealt, open_units, folds)[dealt.of_item]), folds


def _numbers(parts: np.ndarray, active: np.ndarray, dealt: Units) -> np.ndarray:
    """Int[items]: the group of every item; each that is excluded has one of its own."""
    number = np.full(len(parts), -1)
    number[active] = dealt.of_item
    is_excluded = parts == "excluded"
    number[is_excluded] = len(dealt.draw) + np.arange(is_excluded.sum())
    return number


def inner_folds(
    groups: Int[np.ndarray, " items"], classes: Int[np.ndarray, " items"] | None, folds: int, seed: int = 0
) -> Int[np.ndarray, " items"]:
    """The fold of every item where items that are learned from are held out in turn; groups stay together.

    Args:
        groups: items with one number stay together.
        classes: the class of every item, spread evenly; None where there are none.
        folds: how many; with fewer groups, one for each.
        seed: another deals them otherwise.
    """
    dealt = units([str(row) for row in range(len(groups))], groups, classes, seed=seed)
    count = len(dealt.draw)
    return deal_folds(dealt, np.ones(count, dtype=bool), min(folds, count))[dealt.of_item]


def is_torn(previous: Split, hashes: Sequence[str], groups: Int[np.ndarray, " items"]) -> bool:
    """Whether an earlier deal parted many of the items that belong together now: it was by other groups, or by none.

    Here and there two old groups turn out to be one; that is no other grouping.
    """
    frame = pl.DataFrame({"group": groups, "part": _old_parts(hashes, previous)}).filter(pl.col("part") != "")
    parted = frame.filter(pl.col("part").n_unique().over("group") > 1)
    return len(parted) > TORN * len(frame)


def _old_parts(hashes: Sequence[str], previous: Split) -> np.ndarray:
    """The part that each item had before, "" for a newcomer."""
    known = previous.frame.filter(pl.col("part") != "excluded")
    before = dict(zip(known["hash"].to_list(), known["part"].to_list(), strict=True))
    return np.array([before.get(text, "") for text in hashes], dtype="<U8")


def _from_scratch(
    dealt: Units, shares: tuple[float, float, float], old: np.ndarray | None, keep_seal: bool
) -> np.ndarray:
    """The part of every item where the data name none."""
    part = np.full(len(dealt.draw), "", dtype="<U8")
    if old is not None:
        # Two old groups that turn out to be one: the more guarded part wins, so nothing sealed is ever learned from.
        for name in ("train", "valid", "confirm", "test"):
            part[dealt.of_item[old == name]] = name
    free = part == ""
    count = len(dealt.of_item)
    wanted = {}
    if (part == "test").any() or (count >= FEWEST_FOR_TEST and len(dealt.draw) >= FEWEST_GROUPS_FOR_TEST):
        confirm = CONFIRM_OF_VALID if count >= FEWEST_FOR_CONFIRM else 0.0
        wanted = {"test": shares[2], "valid": shares[1] * (1 - confirm), "confirm": shares[1] * confirm}
    if keep_seal and old is not None:
        wanted.pop("test", None)
    return deal_parts(part, dealt, free, wanted)[dealt.of_item]


def _around_given(
    parts: np.ndarray, dealt: Units, shares: tuple[float, float, float], old: np.ndarray | None
) -> np.ndarray:
    """The given parts, with validation cut from the training part where the data name none."""
    # What no part was given to is learned from, but for what belongs to an item that is sealed.
    is_sealed = np.isin(dealt.of_item, dealt.of_item[parts == "test"])
    parts = np.where(parts == "", np.where(is_sealed, "excluded", "train"), parts)
    if np.isin(parts, ["valid", "confirm"]).any():
        return parts
    train = parts == "train"
    part = np.full(len(dealt.draw), "", dtype="<U8")
    if old is not None:
        for name in LEARNED:
            part[dealt.of_item[train & (old == name)]] = name
    in_train = np.bincount(dealt.of_item, weights=train, minlength=len(dealt.draw)).astype(np.int64)
    count = int(train.sum())
    cut = min(shares[1], MOST_CUT / max(count, 1))
    confirm = CONFIRM_OF_VALID if count >= FEWEST_FOR_CONFIRM else 0.0
    wanted = {"valid": cut * (1 - confirm), "confirm": cut * confirm}
    found = deal_parts(part, replace(dealt, size=in_train), (part == "") & (in_train > 0), wanted)
    return np.where(train, found[dealt.of_item], parts)


def too_few(items: int, groups: int, by: str = "") -> str:
    """Why a test part cannot be dealt, as a clause, with what would be enough; "" where it can.

    Args:
        by: what makes the groups, such as ' by "speaker"'.
    """
    if items < FEWEST_FOR_TEST:
        return f"{items:,} items are too few to set some aside ({FEWEST_FOR_TEST} are needed)"
    if groups < FEWEST_GROUPS_FOR_TEST:
        are = f"are {groups} group{'s' * (groups != 1)}{by}"
        return f"the {items:,} items {are}, too few to set some aside ({FEWEST_GROUPS_FOR_TEST} groups are needed)"
    return ""


def why_folds(split: Split) -> str:
    """Why folds choose, and not the few validation items beside them, in a sentence."""
    counts = split.counts
    valid = counts["valid"] + counts["confirm"]
    return (
        f"{valid} validation items are too few to choose by, so {split.folds} folds of all {valid + counts['train']} "
        f"items outside the test part do (--folds 0 keeps to the {valid})"
    )


def _sentences(split: Split, dealt: Units, old: np.ndarray | None, given_by: str) -> tuple[str, ...]:
    said = []
    counts = split.counts
    kept = int(dealt.size[dealt.size > 1].sum())
    if old is not None and (old != "").any():
        said.append(f"{int((old != '').sum()):,} items keep the parts they had; {int((old == '').sum()):,} are new")
    if kept and not split.is_given:
        said.append(f"{kept:,} items in {int((dealt.size > 1).sum()):,} groups kept together")
    shown = ", ".join(f"{part} {number:,}" for part, number in counts.items() if number)
    said.append(f"{given_by if split.is_given else 'Split'}: {shown}")
    if not counts["test"] and not split.is_given:
        instead = f"the score comes from {split.folds} folds" if split.folds else "there is nothing to score on"
        why = too_few(len(dealt.of_item), len(dealt.draw)) or "its groups are too unlike in size"
        said.append(f"No test part, because {why}: {instead}")
    leaked = len(split.leaked())
    if leaked:
        said.append(f"{leaked:,} test items have a copy or a group member in the part that is learned from")
    return tuple(said)


def remember(split: Split, folder: Path) -> None:
    """Keep a split in mind for the day its data have grown; a given split is the data's own and is not kept."""
    if not split.is_given:
        memory.store(split.frame.filter(pl.col("part") != "excluded"), split.seed, folder)


def recall(hashes: Sequence[str], seed: int, folder: Path) -> Split | None:
    """The remembered split of an earlier state of these items, or None. Damaged memories are passed over."""
    found = memory.find(hashes, seed, folder)
    return None if found is None else Split(found, seed)
