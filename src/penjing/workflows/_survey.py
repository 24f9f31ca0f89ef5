"""The first half of preparing data: open them, look at every item once, and settle how items are decoded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from penjing.core import plugins, scan
from penjing.core.errors import DataError, UsageError
from penjing.core.events import Said, Warned, Watch, tell
from penjing.core.process import usable_cores
from penjing.core.table import Column, Table
from penjing.sources import Options, open_data
from penjing.workflows import _corrections
from penjing.workflows._corrections import Corrections
from penjing.workflows._slots import clean, is_scalar, kind_of

# A canvas has at most the pixels that this many passes over the data can be paid for within the time.
PASSES, PIXELS_PER_SECOND = 20, 2_000_000
SMALLEST_BUDGET, LARGEST_BUDGET = 32**2, 160**2
ALIKE_SHARE = 0.5  # of the rows of a table, from which on equal ones are ordinary
LISTED = 10  # unreadable items named in a message
OTHERWISE = "Not what you meant? --target, --input, --side, --group-from"
IMAGE = "image"
_MISSING, _BETWEEN = "\x00", "\x1f"  # in what a row of several columns is hashed from


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
        fewest_to_choose: with fewer validation items than this, folds choose instead; 0 for never. Validation items
            that the data name themselves are kept, however few.
        split_seed: of the split.
        corrections: a CSV with a path column and a label column ("drop" leaves the item out).
        corrected: corrections from a recipe or an earlier run; the file goes on top of them.
        most_unreadable: share of items that may be unreadable before everything stops, 0 to 1.
        task: the task's name; "" takes the one that fits the target.
        columns: of a table, those that are learned from where there are others beside them; () takes all. Items are
            told apart, and dealt into parts, by all of them.
    """

    options: Options = field(default_factory=Options)
    side: int = 0
    channels: int = 0
    fit: str = "letterbox"
    page: str = "first"
    folds: int = 0
    fewest_to_choose: int = 0
    split_seed: int = 0
    corrections: str = ""
    corrected: Corrections = field(default_factory=Corrections)
    most_unreadable: float = 0.05
    task: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """A column of files after every file has been looked at once.

    Attributes:
        column: which.
        items: one row per row of the table: hash, error and header fields; all null where the cell is empty.
        settings: how its files will be decoded.
    """

    column: Column
    items: pl.DataFrame
    settings: Any

    @property
    def modality(self) -> Any:
        """Its plug-in."""
        return plugins.load("modalities", self.column.modality)

    @property
    def is_there(self) -> np.ndarray:
        """Bool[rows]: whether the cell names a file that can be read."""
        return self.items["hash"].is_not_null().to_numpy()


@dataclass(frozen=True)
class Surveyed:
    """A table whose items have been looked at but not decoded.

    Attributes:
        table: all rows, the unreadable ones too.
        looks: its columns of files.
        cells: its input columns that hold their values themselves, clean.
        items: one row per row of the table: hash, error, and the header fields of the first column of files.
        names: what each row is called: the reference in its first column of files, else its number.
        corrections: items left out or taken for another class.
        task: the name of the task that the target asks for.
    """

    table: Table
    looks: tuple[Look, ...]
    cells: pl.DataFrame
    items: pl.DataFrame
    names: list[str]
    corrections: Corrections
    task: str

    @property
    def is_one_file_an_item(self) -> bool:
        """Whether an item is a file and nothing else."""
        return len(self.looks) == 1 and not self.cells.width


def survey(data: object, wish: DataWish, seconds: float, watch: Watch = None) -> Surveyed:
    """Open the data and look at every item once.

    Raises:
        DataError, UsageError: as `prepare`.
    """
    table = _opened(data, wish)
    for sentence in (*table.said, *table.doubts):
        tell(watch, Said(sentence))
    files = [column for column in table.inputs if kind_of(column) == "file"]
    if wish.page == "each" and len(table.inputs) == 1 and table.inputs[0].modality == IMAGE:
        table = _one_row_a_page(table, files[0], watch)
    looks = tuple(_look(table, column, wish, seconds, watch) for column in files)
    held = [column for column in table.inputs if kind_of(column) == "cell"]
    cells = pl.DataFrame([clean(column, table.frame[column.name]) for column in held])
    items = _items(table, looks, cells)
    if all(is_scalar(column) for column in table.inputs) and _are_mostly_alike(items["hash"]):
        items = items.with_columns(_told_apart(items["hash"]))
        sentence = "Most rows hold what another row holds, so equal rows are items of their own and may be parted"
        table = replace(table, said=(*table.said, sentence))
        tell(watch, Said(sentence))
    names = _names(table, files)
    hashes = items["hash"].to_list()
    full = full_names(table, files if len(table.inputs) == 1 else [], names)
    corrections = _corrections.settle(wish.corrections, wish.corrected, table, (full, names), hashes, is_sealed(table))
    if corrections:
        tell(watch, Said(str(corrections)))
    if looks:
        tell(watch, Said(OTHERWISE))
    return Surveyed(table, looks, cells, items, names, corrections, wish.task or task_for(table))


def _opened(data: object, wish: DataWish) -> Table:
    """The data; where the person says the task, the target is read as that task has it.

    Raises:
        UsageError: the target cannot be read so, or `--type` says otherwise.
    """
    table = open_data(data, wish.options)
    wanted = plugins.load("tasks", wish.task).MODALITY if wish.task else ""
    if table.target is None or wanted in ("", table.target.modality):
        return table
    column = target_name(table)
    if not column:
        return table
    if column in wish.options.types:
        raise UsageError(
            f"--task {wish.task} and --type {column}={wish.options.types[column]} contradict each other; leave one out"
        )
    if wish.task == "tag":  # texts in which labels stand with commas between are read by the task itself
        return table
    try:
        return open_data(data, replace(wish.options, types={**wish.options.types, column: wanted}))
    except UsageError as problem:
        raise UsageError(f"--task {wish.task}: {str(problem).partition(': ')[2] or problem}") from problem


def target_name(table: Table) -> str:
    """The target's column, as the data call it; "" where the target is no column, as with folders."""
    return "" if table.target is None else called(table).get(table.target.name, "")


def called(table: Table) -> Mapping[str, str]:
    """Column of the table → what the data call it, as far as columns are theirs."""
    names = table.hints.get("names")
    return names if isinstance(names, Mapping) else {}


def task_for(table: Table) -> str:
    """The task that the target's modality asks for; "classify" where there is no target."""
    if table.target is None:
        return "classify"
    for name in plugins.names("tasks"):
        if table.target.modality == plugins.load("tasks", name).MODALITY:
            return name
    raise UsageError(f"no task is known for a target of {table.target.modality}; name another column with --target")


def is_sealed(table: Table) -> np.ndarray | None:
    """Bool[rows]: the items of a given test part, or None where no split is given."""
    if table.part is None:
        return None
    return (table.frame[table.part.name] == "test").fill_null(False).to_numpy()


def _look(table: Table, column: Column, wish: DataWish, seconds: float, watch: Watch) -> Look:
    """Every file of a column, looked at."""
    modality = plugins.load("modalities", column.modality)
    filled = table.frame[column.name].is_not_null().to_numpy()
    items = scan.scan(table if filled.all() else table.rows(filled), column.name, modality.probe, usable_cores(), watch)
    if not filled.all():
        place = pl.DataFrame({"row": np.flatnonzero(filled)}).hstack(items)
        every = pl.DataFrame({"row": np.arange(len(table))})
        items = every.join(place, on="row", how="left", maintain_order="left").drop("row")
    check_readable(table, column, items, wish.most_unreadable, watch)
    return Look(column, items, _settings(table, column, items, wish, seconds, watch))


def _one_row_a_page(table: Table, column: Column, watch: Watch) -> Table:
    """The table with a row for every page of its files."""
    items = scan.scan(table, column.name, plugins.load("modalities", column.modality).probe, usable_cores(), watch)
    pages = items["pages"].fill_null(1).to_list()
    if max(pages, default=1) == 1:
        return table
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
    numbers = tuple(np.repeat(table.row_numbers, pages).tolist()) if table.row_numbers else ()
    paged_frame = frame.with_columns(reference.alias(column.name)).drop("pages")
    return replace(table, frame=paged_frame, columns=columns, row_numbers=numbers)


def check_readable(table: Table, column: Column, items: pl.DataFrame, most: float, watch: Watch) -> None:
    """Say which files of a column cannot be read.

    Raises:
        DataError: they are more than the share `most`.
    """
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
    are = "is" if len(bad) == 1 else "are"
    tell(watch, Warned(f"{len(bad)} of {len(items)} items cannot be read and {are} left out:\n{listed}"))


def _settings(table: Table, column: Column, items: pl.DataFrame, wish: DataWish, seconds: float, watch: Watch) -> Any:
    """How a column's files are decoded: as asked, else as those outside a given test part suggest."""
    modality = plugins.load("modalities", column.modality)
    seen = items["hash"].is_not_null().to_numpy()
    sealed = is_sealed(table)
    if sealed is not None:
        seen = seen & ~sealed if (seen & ~sealed).any() else seen
    known = modality.Header.__dataclass_fields__
    headers = [modality.Header(**row) for row in items.filter(pl.Series(seen)).select(*known).iter_rows(named=True)]
    affordable = int(seconds * PIXELS_PER_SECOND / (PASSES * max(1, len(headers))))
    settings = modality.plan(headers, min(LARGEST_BUDGET, max(SMALLEST_BUDGET, affordable)))
    if column.modality == IMAGE:
        settings = _canvas(settings, wish)
    tell(watch, Said(modality.why(settings, headers)))
    return settings


def _canvas(settings: Any, wish: DataWish) -> Any:
    """The canvas with what a person asked of it.

    Raises:
        UsageError: a value does not exist or is out of range.
    """
    chosen = {"side": wish.side, "channels": wish.channels}
    asked: dict[str, Any] = {name: value for name, value in chosen.items() if value}
    page = "first" if wish.page == "each" else wish.page
    settings = replace(settings, **asked, fit=wish.fit, page=page)
    allowed = {"fit": ("letterbox", "crop", "squash"), "page": ("first", "max"), "channels": (1, 3)}
    options = {"fit": "canvas"}
    for name, values in allowed.items():
        if getattr(settings, name) not in values:
            listed = ", ".join(str(value) for value in values)
            raise UsageError(f"--{options.get(name, name)} {getattr(settings, name)} is not one of {listed}")
    if not 8 <= settings.side <= 1024:
        raise UsageError(f"--side {settings.side} is out of range; give 8 to 1024 pixels")
    return settings


def _names(table: Table, files: Sequence[Column]) -> list[str]:
    """What each row is called; rows of one file get their numbers as well, which are those of a person's table."""
    numbers = _numbers(table)
    if not files:
        return numbers
    references = table.frame[files[0].name]
    if not references.null_count() and references.n_unique() == len(references):
        return references.to_list()
    return [
        number if reference is None else f"{reference} ({number})"
        for number, reference in zip(numbers, references.to_list(), strict=True)
    ]


def _numbers(table: Table) -> list[str]:
    return [f"row {number}" for number in table.row_numbers or range(1, len(table) + 1)]


def full_names(table: Table, files: Sequence[Column], names: list[str]) -> list[str]:
    """What rows are called outside of the data's folder: for single files the paths as a person would type them, with
    the row's number where several rows have one file."""
    if not files:
        return names
    store, references = table.stores[files[0].name], table.frame[files[0].name].fill_null("")
    is_alone = references.is_unique().to_list()
    return [
        store.name(reference) if alone else f"{store.name(reference)} ({number})"
        for reference, alone, number in zip(references.to_list(), is_alone, _numbers(table), strict=True)
    ]


def _are_mostly_alike(hashes: pl.Series) -> bool:
    """Whether more than half of the rows are copies of others, as where a few columns have a few values each: copies
    are no accident then, and to keep them together would hold out whole combinations of values."""
    known = hashes.drop_nulls()
    return known.n_unique() < (1 - ALIKE_SHARE) * len(known)


def _told_apart(hashes: pl.Series) -> pl.Series:
    """The hashes, each row after the first of its kind with one of its own."""
    seen: Counter[str] = Counter()
    told = []
    for value in hashes.to_list():
        seen[value] += 1
        again = value is not None and seen[value] > 1
        told.append(hashlib.blake2b(f"{value}#{seen[value]}".encode(), digest_size=16).hexdigest() if again else value)
    return pl.Series("hash", told, dtype=pl.String)


def _items(table: Table, looks: Sequence[Look], cells: pl.DataFrame) -> pl.DataFrame:
    """One row per row of the table: its hash, why it cannot be used, and its first file's header.

    An item that is one file has that file's hash, so that it is the same item whatever table names it. Other items are
    known by all that they hold.
    """
    if len(looks) == 1 and not cells.width:
        only = looks[0].items
        empty = only["hash"].is_null() & only["error"].is_null()
        return only.with_columns(error=pl.when(empty).then(pl.lit("the cell is empty")).otherwise(pl.col("error")))
    held = [pl.Series(look.column.name, look.items["hash"]) for look in looks]
    held += [cells[name].cast(pl.String) for name in cells.columns]
    joined = pl.DataFrame(held).select(
        pl.concat_str([pl.col(one.name).fill_null(_MISSING) for one in held], separator=_BETWEEN)
    )
    hashes = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in joined.to_series()]
    errors = [look.items["error"] for look in looks] or [pl.Series([None] * len(table), dtype=pl.String)]
    empty = pl.DataFrame([one.is_null() for one in held]).select(pl.all_horizontal(pl.all())).to_series()
    error = pl.DataFrame([one.alias(str(number)) for number, one in enumerate(errors)]).select(pl.coalesce(pl.all()))
    found = pl.DataFrame({"hash": hashes, "error": error.to_series().cast(pl.String)})
    found = found.with_columns(
        error=pl.coalesce("error", pl.when(empty).then(pl.lit("all of its cells are empty")).otherwise(None))
    )
    found = found.with_columns(hash=pl.when(pl.col("error").is_null()).then("hash").otherwise(None))
    header = looks[0].items.drop("hash", "error") if looks else pl.DataFrame()
    return found.hstack(header) if header.width else found
