"""From whatever a person handed over to decoded, dealt and encoded items.

    source → table → scan (hash and header of every item) → cache → duplicates → split → classes

Nothing here needs torch, so `inspect` does not wait for it. Of test items
nothing is used here but hashes, headers, readability and target counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from penjing.core import cache, duplicates, plugins, scan, split
from penjing.core.budget import Clock
from penjing.core.errors import DataError, UsageError
from penjing.core.events import Said, Warned, Watch, tell
from penjing.core.files import state_folder
from penjing.core.process import usable_cores
from penjing.core.randomness import stream
from penjing.core.record import Survey
from penjing.core.table import Column, Table
from penjing.sources import Options, open_data
from penjing.workflows import _corrections
from penjing.workflows._corrections import Corrections

# A canvas has at most the pixels that this many passes over the data can be paid for within the time.
PASSES, PIXELS_PER_SECOND = 20, 2_000_000
SMALLEST_BUDGET, LARGEST_BUDGET = 32**2, 160**2
# Decoding may take this share of the time; what is not decoded by then waits for the next run.
DECODE_SHARE = 0.4
LISTED = 10  # unreadable items named in a message
OTHERWISE = "Not what you meant? --target, --input, --side, --group-from"


@dataclass(frozen=True)
class DataWish:
    """What a person asked of the data; everything may be left out.

    Attributes:
        options: how the source is read.
        side: of the canvas in pixels; 0 chooses.
        channels: 1 or 3; 0 chooses.
        fit: how a picture is put on its canvas: "letterbox", "crop" or "squash".
        page: of TIFFs with several pages: "first", "max" or "each".
        folds: cross-validation folds; 0 for one validation part.
        split_seed: of the split.
        corrections: a CSV with a path column and a label column ("drop" leaves the item out).
        corrected: corrections from a recipe or an earlier run; the file goes on top of them.
        most_unreadable: share of items that may be unreadable before everything stops, 0 to 1.
    """

    options: Options = field(default_factory=Options)
    side: int = 0
    channels: int = 0
    fit: str = "letterbox"
    page: str = "first"
    folds: int = 0
    split_seed: int = 0
    corrections: str = ""
    corrected: Corrections = field(default_factory=Corrections)
    most_unreadable: float = 0.05


@dataclass(frozen=True)
class Prepared:
    """A data set that can be learned from.

    Attributes:
        table: the usable rows, in the source's order.
        column: the input column.
        modality: its plug-in.
        decode: the settings its items were decoded with.
        hashes: of the usable rows.
        names: what the usable rows are called: their references, which are relative to the data.
        values: their decoded items.
        classes: names, in the order of the network's outputs; empty without a target.
        truth: Int[rows], the index of each row's class; −1 where unknown.
        groups: Int[rows]; rows of one group never straddle parts.
        split: which row is in which part.
        survey: what reading the data found, for checks.
        said: sentences for people.
        corrections: what a person corrected, in the labels and rows above already.
    """

    table: Table
    column: Column
    modality: Any
    decode: Any
    hashes: list[str]
    names: list[str]
    values: cache.CachedColumn
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
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) at the encoder."""
        height, width, channels = self.values.shape
        return channels, height, width


def prepare(
    data: object,
    wish: DataWish,
    clock: Clock,
    watch: Watch = None,
    previous: split.Split | None = None,
    only: frozenset[str] | None = None,
) -> Prepared:
    """Everything up to the first network.

    Args:
        data: a path, arrays, a data frame or a Dataset.
        wish: what the person asked.
        clock: decoding keeps to its share of the time.
        previous: a split whose assignments are kept.
        only: hashes of the items to use; None uses all.

    Raises:
        DataError: the data cannot be used.
        UsageError: an option does not fit the data.
    """
    with clock.stage("reading"):
        surveyed = survey(data, wish, clock.limit_seconds, watch)
    with clock.stage("decoding"):
        decoded = _decode(surveyed, wish.most_unreadable, clock, watch, only)
    with clock.stage("duplicates and split"):
        return _deal(surveyed, decoded, wish, watch, previous)


@dataclass(frozen=True)
class Surveyed:
    """A table whose items have been looked at but not decoded.

    Attributes:
        table: all rows, the unreadable ones too.
        column: the input column.
        modality: its plug-in.
        items: one row per row of the table: hash, error and header fields.
        settings: how items will be decoded.
        corrections: items left out or taken for another class.
    """

    table: Table
    column: Column
    modality: Any
    items: pl.DataFrame
    settings: Any
    corrections: Corrections


def survey(data: object, wish: DataWish, seconds: float, watch: Watch = None) -> Surveyed:
    """Open the data and look at every item once.

    Raises:
        DataError: as `prepare`.
    """
    table = open_data(data, wish.options)
    for sentence in (*table.said, *table.doubts):
        tell(watch, Said(sentence))
    column = table.inputs[0]
    modality = plugins.load("modalities", column.modality)
    items = scan.scan(table, column.name, modality.probe, usable_cores(), watch)
    if wish.page == "each":
        table, items = _one_row_a_page(table, column, items, modality, watch)
    _check_readable(table, column, items, wish.most_unreadable, watch)
    settings = _settings(table, items, modality, wish, seconds, watch)
    hashes = items["hash"].to_list()
    corrections = _corrections.settle(wish.corrections, wish.corrected, table, column, hashes, _is_sealed(table))
    if corrections:
        tell(watch, Said(str(corrections)))
    return Surveyed(table, column, modality, items, settings, corrections)


def _one_row_a_page(
    table: Table, column: Column, items: pl.DataFrame, modality: Any, watch: Watch
) -> tuple[Table, pl.DataFrame]:
    pages = items["pages"].fill_null(1).to_list()
    if max(pages, default=1) == 1:
        return table, items
    # Pages of one file are pictures of one thing: they are a group unless the data name one.
    frame = table.frame.with_columns(pages=pl.Series([list(range(1, count + 1)) for count in pages]))
    group = frame[column.name]
    frame = frame.explode("pages")
    paged = pl.when(pl.Series(np.repeat(pages, pages)) > 1)
    reference = paged.then(pl.format("{}#page={}", column.name, "pages")).otherwise(pl.col(column.name))
    columns = table.columns
    if table.group is None:
        frame = frame.with_columns(file=pl.Series(np.repeat(group.to_numpy(), pages)))
        columns = (*columns, Column("file", "group", "category"))
    expanded = replace(table, frame=frame.with_columns(reference.alias(column.name)).drop("pages"), columns=columns)
    return expanded, scan.scan(expanded, column.name, modality.probe, usable_cores(), watch)


def _check_readable(table: Table, column: Column, items: pl.DataFrame, most: float, watch: Watch) -> None:
    bad = np.flatnonzero(items["error"].is_not_null().to_numpy())
    if not len(bad):
        return
    store, references, errors = table.stores[column.name], table.frame[column.name], items["error"]
    lines = [f"  {store.name(references[int(row)])}: {errors[int(row)]}" for row in bad[:LISTED]]
    more = f"\n  … and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
    listed = "\n".join(lines) + more
    if len(bad) > most * len(items):
        raise DataError(
            f"{len(bad)} of {len(items)} items cannot be read, more than {most:.0%}; repair or remove them, "
            f"pass over them with --ignore, or allow more with --most-unreadable:\n{listed}"
        )
    tell(watch, Warned(f"{len(bad)} of {len(items)} items cannot be read and are left out:\n{listed}"))


def _settings(table: Table, items: pl.DataFrame, modality: Any, wish: DataWish, seconds: float, watch: Watch) -> Any:
    """How items are decoded: as asked, else as the sizes of the items outside a given test part suggest."""
    seen = items["error"].is_null().to_numpy()
    if table.part is not None:
        outside = (table.frame[table.part.name] != "test").fill_null(True).to_numpy()
        seen = seen & outside if (seen & outside).any() else seen
    known = modality.Header.__dataclass_fields__
    headers = [modality.Header(**row) for row in items.filter(pl.Series(seen)).select(*known).iter_rows(named=True)]
    affordable = int(seconds * PIXELS_PER_SECOND / (PASSES * max(1, len(headers))))
    settings = modality.plan(headers, min(LARGEST_BUDGET, max(SMALLEST_BUDGET, affordable)))
    chosen = {"side": wish.side, "channels": wish.channels}
    asked = {name: value for name, value in chosen.items() if value}
    page = "first" if wish.page == "each" else wish.page
    settings = replace(settings, **asked, fit=wish.fit, page=page)
    _check_settings(settings)
    tell(watch, Said(modality.why(settings, headers)))
    tell(watch, Said(OTHERWISE))
    return settings


def _check_settings(settings: Any) -> None:
    allowed = {"fit": ("letterbox", "crop", "squash"), "page": ("first", "max"), "channels": (1, 3)}
    options = {"fit": "canvas"}
    for name, values in allowed.items():
        if getattr(settings, name) not in values:
            listed = ", ".join(str(value) for value in values)
            raise UsageError(f"--{options.get(name, name)} {getattr(settings, name)} is not one of {listed}")
    if not 8 <= settings.side <= 1024:
        raise UsageError(f"--side {settings.side} is out of range; give 8 to 1024 pixels")


@dataclass(frozen=True)
class _Decoded:
    """Which rows are usable, their decoded items, and hash → why an item could not be decoded."""

    rows: np.ndarray
    values: cache.CachedColumn
    failed: Mapping[str, str]


def _decode(
    surveyed: Surveyed, most_unreadable: float, clock: Clock, watch: Watch, only: frozenset[str] | None
) -> _Decoded:
    """Fill the cache, a stratified share first, so that whatever is done when time runs out is fair to all classes."""
    table, items = surveyed.table, surveyed.items
    rows = np.flatnonzero(items["error"].is_null().to_numpy())
    hashes, references = items["hash"].to_list(), table.frame[surveyed.column.name].to_list()
    if only is not None:
        rows = rows[[hashes[row] in only for row in rows]]
    settings, modality = surveyed.settings, surveyed.modality
    form = modality.form(settings)
    filled = cache.fill(
        form,
        {hashes[row]: references[row] for row in _fair_order(table, rows)},
        table.stores[surveyed.column.name],
        lambda content, page: modality.decode(content, settings, page),
        modality.thumbnail,
        threads=usable_cores(),
        watch=watch,
        stop_at=clock.started + DECODE_SHARE * clock.limit_seconds if clock.is_binding else None,
    )
    late = filled.missing
    if filled.failed or late:
        there = cache.present(form, [hashes[row] for row in rows])
        rows = rows[there]
    damaged = items.with_columns(
        error=pl.col("hash").replace_strict(filled.failed, default=None, return_dtype=pl.String)
    )
    _check_readable(table, surveyed.column, damaged, most_unreadable, watch)
    if not len(rows):
        raise DataError("none of the items could be decoded within the time; give more --time, or a smaller --side")
    if late:
        tell(
            watch,
            Warned(
                f"{late} of {len(items)} items were not decoded within {DECODE_SHARE:.0%} of the time; this run uses "
                f"a fair share of {len(rows)}. The next run continues from there: give more --time"
            ),
        )
    return _Decoded(rows, cache.open_column(form.id, [hashes[row] for row in rows]), filled.failed)


def _fair_order(table: Table, rows: np.ndarray) -> np.ndarray:
    """Rows shuffled, then dealt class by class in turn."""
    shuffled = rows[stream(0, "decode order").permutation(len(rows))]
    if table.target is None:
        return shuffled
    labels = table.frame[table.target.name].cast(pl.String).fill_null("").to_numpy()[shuffled]
    _, code = np.unique(labels.astype(str), return_inverse=True)
    turn = np.zeros(len(rows), dtype=np.int64)
    by_class = np.argsort(code, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(code[by_class])) + 1]
    turn[by_class] = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    return shuffled[np.lexsort((code, turn))]


def _deal(
    surveyed: Surveyed, decoded: _Decoded, wish: DataWish, watch: Watch, previous: split.Split | None
) -> Prepared:
    """Find duplicates, deal the parts, encode the classes."""
    table = surveyed.table.rows(decoded.rows)
    hashes = surveyed.items["hash"].gather(decoded.rows).to_list()
    corrected = surveyed.corrections.rows(surveyed.items["hash"].to_list(), _is_sealed(surveyed.table))
    labels, kept = _labels(table, decoded.rows, corrected)
    classes, truth = _encode([label if is_kept else None for label, is_kept in zip(labels, kept, strict=True)])
    pairs = duplicates.find_pairs(hashes, decoded.values.thumbnails(), truth, watch, is_sealed=_is_sealed(table))
    groups = _groups(table, len(hashes), pairs)
    names = table.frame[surveyed.column.name].to_list()
    given = _given(table, kept)
    # A split that was asked for keeps its seal; one that is merely remembered lets newcomers into the test part.
    keep_seal = previous is not None
    if previous is None and table.part is None:
        previous = split.recall(hashes, wish.split_seed, state_folder() / "splits")
    dealt = split.deal(
        hashes,
        groups,
        truth,
        given,
        wish.split_seed,
        names=names,
        previous=previous,
        folds=wish.folds,
        keep_seal=keep_seal,
    )
    if table.part is None:
        split.remember(dealt, state_folder() / "splits")
    for sentence in dealt.said:
        tell(watch, Said(sentence))
    return Prepared(
        table,
        surveyed.column,
        surveyed.modality,
        surveyed.settings,
        hashes,
        names,
        decoded.values,
        classes,
        truth,
        groups,
        dealt,
        _survey(surveyed, decoded, dealt, pairs, labels),
        (*table.said, *pairs.said, *dealt.said),
        surveyed.corrections,
    )


def _is_sealed(table: Table) -> np.ndarray | None:
    """Bool[rows]: the items of a given test part, or None where no split is given."""
    if table.part is None:
        return None
    return (table.frame[table.part.name] == "test").fill_null(False).to_numpy()


def _labels(table: Table, rows: np.ndarray, corrected: Mapping[int, str | None]) -> tuple[list[str | None], np.ndarray]:
    """Each row's label after corrections, and which rows are kept."""
    target = table.target
    labels: list[str | None] = [None] * len(table)
    if target is not None:
        labels = table.frame[target.name].cast(pl.String).to_list()
    kept = np.ones(len(table), dtype=bool)
    for row, original in enumerate(rows.tolist()):
        if original in corrected:
            labels[row], kept[row] = corrected[original] or labels[row], corrected[original] is not None
    if target is not None:
        kept &= np.array([label is not None for label in labels])
    return labels, kept


def _encode(labels: Sequence[str | None]) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes in natural order, and each row's class as an index (−1 where unknown)."""
    from penjing.sources import natural_key

    classes = tuple(sorted({label for label in labels if label is not None}, key=natural_key))
    index = {name: number for number, name in enumerate(classes)}
    return classes, np.array([-1 if label is None else index[label] for label in labels], dtype=np.int64)


def _groups(table: Table, count: int, pairs: duplicates.Pairs) -> np.ndarray:
    """Int[rows]: duplicates share a group, and so do rows that the data put into one."""
    alike = duplicates.groups(count, pairs)
    if table.group is None:
        return alike
    _, named = np.unique(
        table.frame[table.group.name].cast(pl.String).fill_null("").to_numpy().astype(str), return_inverse=True
    )
    return duplicates.joined(alike, named)


def _given(table: Table, kept: np.ndarray) -> list[str | None] | None:
    """The part that each row must be in, or None where the split decides."""
    if table.part is None and kept.all():
        return None
    parts = table.frame[table.part.name].to_list() if table.part is not None else [None] * len(table)
    return [part if is_kept else "excluded" for part, is_kept in zip(parts, kept, strict=True)]


def _survey(
    surveyed: Surveyed,
    decoded: _Decoded,
    dealt: split.Split,
    pairs: duplicates.Pairs,
    labels: Sequence[str | None],
) -> Survey:
    """The reading that checks look at: every row of the data, the unreadable ones too."""
    whole, rows = surveyed.table, decoded.rows
    store = whole.stores[surveyed.column.name]
    parts, targets = np.full(len(whole), "excluded", dtype=object), np.full(len(whole), None, dtype=object)
    parts[rows], targets[rows] = dealt.frame["part"].to_list(), list(labels)
    group = (
        whole.frame[whole.group.name].cast(pl.String)
        if whole.group
        else pl.Series([None] * len(whole), dtype=pl.String)
    )
    items = surveyed.items.with_columns(
        pl.Series("name", [store.name(reference) for reference in whole.frame[surveyed.column.name]]),
        pl.Series("target", targets.tolist(), dtype=pl.String),
        pl.Series("part", parts.tolist(), dtype=pl.String),
        pl.coalesce("error", pl.col("hash").replace_strict(decoded.failed, default=None, return_dtype=pl.String)),
        group.alias("group"),
    )
    found = pl.DataFrame(
        {"a": rows[pairs.a], "b": rows[pairs.b], "kind": pairs.kind}, schema_overrides={"kind": pl.String}
    )
    return Survey(items, found, whole.part is not None, whole.title, whole.hints, whole.doubts)


def facts(prepared: Prepared) -> dict[str, Any]:
    """What `run.json` says of the data."""
    counts = np.bincount(prepared.truth[prepared.truth >= 0], minlength=len(prepared.classes))
    return {
        "source": prepared.table.kind,
        "items": len(prepared.hashes),
        "unreadable": prepared.survey.items["error"].len() - prepared.survey.items["error"].null_count(),
        "classes": {name: int(count) for name, count in zip(prepared.classes, counts, strict=True)},
        "column": prepared.column.name,
        "modality": prepared.column.modality,
        "decode": asdict(prepared.decode),
    }


def seal_facts(prepared: Prepared) -> dict[str, Any]:
    """The seal of the test part: its id and its size."""
    return {"id": prepared.split.seal_id, "items": len(prepared.rows("test"))}
