"""From whatever a person handed over to decoded, dealt and encoded items.

    source → table → survey (hash and header of every item) → cache → duplicates → split → target

Nothing here needs torch, so `inspect` does not wait for it. Of test items
nothing is used here but hashes, headers, readability and target counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from penjing.core import cache, duplicates, plugins, split
from penjing.core.budget import Clock
from penjing.core.errors import DataError, RunError
from penjing.core.events import Said, Warned, Watch, tell
from penjing.core.files import state_folder
from penjing.core.record import Survey
from penjing.core.report.text import many
from penjing.core.table import Table
from penjing.workflows._corrections import Corrections, as_cell
from penjing.workflows._decode import Decoded, decode, decoded_until
from penjing.workflows._slots import FileSlot, Slot, narrowed
from penjing.workflows._survey import (
    IMAGE,
    DataWish,
    Look,
    Surveyed,
    full_names,
    is_sealed,
    survey,
    target_name,
)
from penjing.workflows._time import parts_by_time

__all__ = ["DataWish", "Prepared", "Surveyed", "facts", "prepare", "seal_facts", "survey"]

# Items that share a file stay together, unless that would tie more than this share of all items into one knot.
LARGEST_KNOT = 0.1


@dataclass(frozen=True)
class Prepared:
    """A data set that can be learned from.

    Attributes:
        table: the usable rows, in the source's order.
        task: the name of what is asked of them.
        slots: what a network sees of them, input by input.
        hashes: of the usable rows.
        names: what the usable rows are called: their references, which are relative to the data.
        classes: names, in the order of the network's outputs; empty without a target.
        truth: the encoded target of each row, as the task encodes it.
        groups: Int[rows]; rows of one group never straddle parts.
        split: which row is in which part.
        survey: what reading the data found, for checks.
        said: sentences for people.
        corrections: what a person corrected, in the labels and rows above already.
    """

    table: Table
    task: str
    slots: tuple[Slot, ...]
    hashes: list[str]
    names: list[str]
    classes: tuple[str, ...]
    truth: np.ndarray
    groups: np.ndarray
    split: split.Split
    survey: Survey
    said: tuple[str, ...]
    corrections: Corrections

    def rows(self, *parts: str) -> np.ndarray:
        """The rows of some parts, in order."""
        return np.flatnonzero(np.isin(self.split.frame["part"].to_numpy(), parts))

    @property
    def pictures(self) -> FileSlot | None:
        """The first input that is a picture, or None."""
        return next((slot for slot in self.slots if isinstance(slot, FileSlot) and slot.modality == IMAGE), None)

    def strata(self, rows: np.ndarray) -> np.ndarray:
        """Int[rows]: what parts of these rows should hold in the same shares, told from their targets alone; −1 where
        unknown."""
        strata: np.ndarray = plugins.load("tasks", self.task).stratify(self.truth[rows])
        return strata


def prepare(
    data: object,
    wish: DataWish,
    clock: Clock,
    watch: Watch = None,
    previous: split.Split | None = None,
    only: frozenset[str] | None = None,
    whole: Clock | None = None,
) -> Prepared:
    """Everything up to the first network.

    Args:
        data: a path, arrays, a data frame or a Dataset.
        wish: what the person asked.
        clock: decoding keeps to its share of the time.
        previous: the split of a run, whose assignments are kept.
        only: hashes of the items to use; None uses all.
        whole: the time of all that this is a first look for: reading and decoding count in that, and `clock` begins
            after them.

    Raises:
        DataError: the data cannot be used, or the split that they bring moves items across the seal of `previous`.
        UsageError: an option does not fit the data.
    """
    with clock.stage("reading"):
        surveyed = survey(data, wish, clock.limit_seconds, watch)
    with clock.stage("decoding"):
        decoded = decode(surveyed, wish.most_unreadable, decoded_until(clock, whole), watch, only)
    if whole is not None:
        clock.restart()
    with clock.stage("duplicates and split"):
        prepared = _deal(surveyed, decoded, wish, watch, previous)
    if previous is not None and prepared.split.is_given and (count := prepared.split.crossed(previous)):
        raise DataError(
            f"the split that comes with {prepared.table.title} holds other test items than when the run was made: "
            f"{many(count, 'item')} would be learned from and scored. Give the data as they were, or train anew"
        )
    return prepared


def _deal(surveyed: Surveyed, decoded: Decoded, wish: DataWish, watch: Watch, previous: split.Split | None) -> Prepared:
    """Find duplicates, deal the parts, encode the target."""
    table = surveyed.table.rows(decoded.rows)
    hashes = surveyed.items["hash"].gather(decoded.rows).to_list()
    target = read_target(surveyed, decoded.rows)
    labels, kept, classes, truth = target.labels, target.kept, target.classes, target.truth
    strata = _strata(surveyed.task, truth, is_sealed(table))
    pairs = _pairs(surveyed, decoded, hashes, strata, table, watch)
    groups, knots = _groups(table, surveyed, decoded, pairs, watch)
    names = [surveyed.names[row] for row in decoded.rows.tolist()]
    given, by_time = _given(table, kept, groups, watch)
    # A split that was asked for keeps its seal; one that is merely remembered lets newcomers into the test part.
    keep_seal = previous is not None
    is_given = table.part is not None or by_time
    if previous is None and not is_given:
        previous = split.recall(hashes, wish.split_seed, state_folder() / "splits")
    anew: tuple[str, ...] = ()
    if previous is not None and not keep_seal and split.is_torn(previous, hashes, groups):
        previous, anew = None, ("These items were dealt by other groups before; they are dealt anew",)
    deal = partial(
        split.deal,
        hashes,
        groups,
        strata,
        given,
        wish.split_seed,
        names=names,
        previous=previous,
        keep_seal=keep_seal,
        given_by="Split by time" if by_time else split.OWN,
    )
    dealt = deal(folds=wish.folds)
    if not by_time and _chooses_by_few(dealt, given, wish.fewest_to_choose):
        dealt = deal(folds=split.FOLDS_WITHOUT_TEST)
        dealt = replace(dealt, said=(*dealt.said, split.why_folds(dealt)))
    if not is_given:
        _remember(dealt, watch)
    slots = narrowed(decoded.slots, wish.columns)
    said = (*knots, *anew, *dealt.said, *_left_out(decoded.slots, slots))
    for sentence in said:
        tell(watch, Said(sentence))
    return Prepared(
        table,
        surveyed.task,
        slots,
        hashes,
        names,
        classes,
        truth,
        groups,
        dealt,
        _survey(surveyed, decoded, dealt, pairs, labels),
        (*table.said, *pairs.said, *said),
        surveyed.corrections,
    )


def _left_out(before: Sequence[Slot], after: Sequence[Slot]) -> list[str]:
    """A sentence about the columns of a table that are not learned from; none where there are none."""
    kept = {column.name for slot in after for column in slot.columns}
    names = [column.name for slot in before for column in slot.columns if column.name not in kept]
    return [f"Not learned from, as the recipe has it: {', '.join(names)}"] if names else []


def _strata(task: str, truth: np.ndarray, sealed: np.ndarray | None) -> np.ndarray:
    """Int[rows]: what every part should hold in the same shares; items of a given test part say nothing of others."""
    stratify = plugins.load("tasks", task).stratify
    if sealed is None:
        return np.asarray(stratify(truth))
    found = np.empty(len(truth), dtype=np.int64)
    for side in (sealed, ~sealed):
        found[side] = stratify(truth[side])
    return found


def _chooses_by_few(dealt: split.Split, given: Sequence[str | None] | None, fewest: int) -> bool:
    """Whether validation items that were cut here are fewer than a choice needs."""
    is_own = given is not None and not {"valid", "confirm"}.isdisjoint(given)
    return not dealt.folds and not is_own and dealt.counts["valid"] + dealt.counts["confirm"] < fewest


@dataclass(frozen=True)
class Target:
    """What is to be told of each row, after corrections.

    Attributes:
        labels: as the data have them.
        kept: Bool[rows]: whether the row has a target, and is not left out.
        classes: names, in the order of the network's outputs.
        truth: the target of each row, as the task encodes it.
    """

    labels: pl.Series
    kept: np.ndarray
    classes: tuple[str, ...]
    truth: np.ndarray


def read_target(surveyed: Surveyed, rows: np.ndarray) -> Target:
    """The target of some rows of the data.

    Raises:
        DataError: the task cannot be learned from it.
    """
    table, task = surveyed.table.rows(rows), plugins.load("tasks", surveyed.task)
    corrected = surveyed.corrections.rows(surveyed.items["hash"].to_list(), is_sealed(surveyed.table))
    labels, kept = _labels(table, rows, corrected)
    classes, truth = task.encode(_kept_only(labels, kept).alias(target_name(table)), None)
    if table.target is not None:
        kept &= task.is_known(truth)  # what cannot be read as a target is none
    return Target(labels, kept, classes, truth)


def check_target(table: Table, task: str, classes: Sequence[str]) -> None:
    """Refuse what nothing can be learned from.

    Raises:
        DataError: there is no target, or only one class.
    """
    if table.target is None:
        raise DataError(
            f"{table.title} has no labels: expected one folder per class, or a table with a label column; "
            "name the column with --target"
        )
    if task == "classify" and len(classes) < 2:
        raise DataError(f'{table.title} holds one class only ("{classes[0]}"); expected at least two')


def notices(prepared: Prepared) -> list[str]:
    """What a person should know of the target, told from the training part."""
    if prepared.table.target is None:
        return []
    task = plugins.load("tasks", prepared.task)
    found: list[str] = task.notices(prepared.truth[prepared.rows("train")], prepared.classes)
    return found


def _labels(table: Table, rows: np.ndarray, corrected: Mapping[int, str | None]) -> tuple[pl.Series, np.ndarray]:
    """Each row's target after corrections, and which rows are kept."""
    if table.target is None:
        return pl.Series([None] * len(table), dtype=pl.String), np.ones(len(table), dtype=bool)
    found = table.frame[table.target.name]
    kept = found.is_not_null().to_numpy().copy()
    places = [(row, corrected[original]) for row, original in enumerate(rows.tolist()) if original in corrected]
    for row, label in places:
        kept[row] &= label is not None
    changed = {row: as_cell(found, label) for row, label in places if label is not None}
    if changed:
        cells = [changed.get(row, now) for row, now in enumerate(found.to_list())]
        found = pl.Series(found.name, cells, dtype=found.dtype)
        kept[list(changed)] = True
    return found, kept


def _kept_only(labels: pl.Series, kept: np.ndarray) -> pl.Series:
    """The targets of the rows that are kept, null elsewhere."""
    frame = pl.DataFrame({"label": labels, "kept": kept})
    return frame.select(pl.when("kept").then("label").otherwise(None)).to_series()


def _pairs(
    surveyed: Surveyed, decoded: Decoded, hashes: list[str], strata: np.ndarray, table: Table, watch: Watch
) -> duplicates.Pairs:
    """Items that are the same: near ones too, where an item is a picture."""
    if surveyed.is_one_file_an_item and surveyed.looks[0].column.modality == IMAGE:
        (slot,) = decoded.slots
        assert isinstance(slot, FileSlot), "pictures are files"
        assert isinstance(slot.cached, cache.CachedColumn), "an item that is one file has that file"
        thumbnails = slot.cached.thumbnails()
        return duplicates.find_pairs(hashes, thumbnails, strata, watch, is_sealed=is_sealed(table))
    return duplicates.find_copies(hashes)


def _groups(
    table: Table, surveyed: Surveyed, decoded: Decoded, pairs: duplicates.Pairs, watch: Watch
) -> tuple[np.ndarray, list[str]]:
    """Int[rows]: duplicates share a group, so do rows that the data put into one, and rows that share a file or a
    picture; and what to say of it."""
    together = duplicates.groups(len(decoded.rows), pairs)
    if table.group is not None:
        cells = table.frame[table.group.name].cast(pl.String).fill_null("").to_numpy().astype(str)
        together = duplicates.joined(together, np.unique(cells, return_inverse=True)[1])
    said = []
    for look in surveyed.looks if not surveyed.is_one_file_an_item else ():
        for shared, what in _sharing(table, look, decoded, watch):
            joined = duplicates.joined(together, duplicates.groups(len(decoded.rows), shared))
            if np.bincount(np.unique(joined, return_inverse=True)[1]).max() > max(2, LARGEST_KNOT * len(decoded.rows)):
                said.append(f'many items {what} of "{look.column.name}", so such items may be in different parts')
                break
            together = joined
    return together, said


def _sharing(table: Table, look: Look, decoded: Decoded, watch: Watch) -> Iterator[tuple[duplicates.Pairs, str]]:
    """Rows that share a file of one column of several; then, of pictures, nearly equal ones, whose class is no witness
    of that, since it may come of the other columns. With what they do, in words."""
    hashes = look.items["hash"].gather(decoded.rows)
    slot = next((one for one in decoded.slots if one.name == look.column.name), None)
    yield duplicates.find_copies(hashes), "share the files"
    if look.column.modality != IMAGE or not isinstance(slot, FileSlot):
        return
    there = np.arange(len(hashes)) if slot.present is None else np.flatnonzero(slot.present)
    sealed = is_sealed(table)
    found = duplicates.find_pairs(
        hashes.gather(there),
        slot.cached.thumbnails(),
        watch=watch,
        is_sealed=None if sealed is None else sealed[there],
    )
    yield replace(found, a=there[found.a], b=there[found.b]), "show nearly the same pictures"


def _remember(dealt: split.Split, watch: Watch) -> None:
    """Keep the parts for data that grow; where nothing can be written, that is said and no more."""
    try:
        split.remember(dealt, state_folder() / "splits")
    except RunError as problem:
        tell(watch, Warned(f"the parts are not remembered for later items: {problem}, or name one with PENJING_STATE"))


def _given(table: Table, kept: np.ndarray, groups: np.ndarray, watch: Watch) -> tuple[list[str | None] | None, bool]:
    """The part that each row must be in, or None where the split decides; and whether time decided."""
    times = table.role("time")
    parts: Sequence[str | None] = [None] * len(table)
    by_time = bool(times) and table.part is None
    if table.part is not None:
        parts = table.frame[table.part.name].to_list()
    elif by_time:
        moments = table.frame[times[0].name].alias(str(table.hints.get("time_name", times[0].name)))
        parts, sentence = parts_by_time(moments, groups)
        tell(watch, Said(sentence))
    elif kept.all():
        return None, False
    return [part if is_kept else "excluded" for part, is_kept in zip(parts, kept, strict=True)], by_time


def _survey(
    surveyed: Surveyed, decoded: Decoded, dealt: split.Split, pairs: duplicates.Pairs, labels: pl.Series
) -> Survey:
    """The reading that checks look at: every row of the data, the unreadable ones too."""
    whole, rows = surveyed.table, decoded.rows
    parts, targets = np.full(len(whole), "excluded", dtype=object), np.full(len(whole), None, dtype=object)
    parts[rows] = dealt.frame["part"].to_list()
    if surveyed.task == "classify":
        targets[rows] = labels.cast(pl.String).to_list()
    group = (
        whole.frame[whole.group.name].cast(pl.String)
        if whole.group
        else pl.Series([None] * len(whole), dtype=pl.String)
    )
    items = surveyed.items.with_columns(
        pl.Series("name", full_names(whole, whole.inputs if surveyed.is_one_file_an_item else (), surveyed.names)),
        pl.Series("target", targets.tolist(), dtype=pl.String),
        pl.Series("part", parts.tolist(), dtype=pl.String),
        _errors(surveyed, decoded.failed),
        group.alias("group"),
    )
    found = pl.DataFrame(
        {"a": rows[pairs.a], "b": rows[pairs.b], "kind": pairs.kind}, schema_overrides={"kind": pl.String}
    )
    return Survey(items, found, whole.part is not None, whole.title, whole.hints, whole.doubts)


def _errors(surveyed: Surveyed, failed: Mapping[str, str]) -> pl.Series:
    """Why each item cannot be used, null where it can: it was not read, or one of its files could not be decoded."""
    errors = surveyed.items["error"]
    for hashes in [surveyed.items["hash"], *(look.items["hash"] for look in surveyed.looks)]:
        named = hashes.replace_strict(dict(failed), default=None, return_dtype=pl.String)
        errors = errors.zip_with(errors.is_not_null(), named)
    return errors.alias("error")


def facts(prepared: Prepared) -> dict[str, Any]:
    """What `run.json` says of the data."""
    about: dict[str, Any] = {
        "source": prepared.table.kind,
        "task": prepared.task,
        "items": len(prepared.hashes),
        "unreadable": prepared.survey.items["error"].len() - prepared.survey.items["error"].null_count(),
        "classes": {},
        "inputs": {
            slot.name: {
                "modality": slot.modality,
                "columns": {column.name: column.modality for column in slot.columns},
                "decode": slot.settings,
            }
            for slot in prepared.slots
        },
    }
    if prepared.task == "classify":
        counts = np.bincount(prepared.truth[prepared.truth >= 0], minlength=len(prepared.classes))
        about["classes"] = {name: int(count) for name, count in zip(prepared.classes, counts, strict=True)}
    return about


def seal_facts(prepared: Prepared) -> dict[str, Any]:
    """The seal of the test part: its id, its size, and whether the data brought their parts themselves."""
    test, is_given = len(prepared.rows("test")), prepared.split.is_given
    return {"id": prepared.split.seal_id, "items": test, "is_given": is_given}
