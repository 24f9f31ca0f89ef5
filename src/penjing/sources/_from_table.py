"""A table whose rows describe items: of a file, of a member of an archive, of a frame in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Store, Table
from penjing.modalities import date, number
from penjing.modalities._missing import MARKERS
from penjing.modalities._recognise import recognise
from penjing.sources._columns import Roles, check_inputs, describe, find_roles, texts, told_by
from penjing.sources._finish import Found, finish
from penjing.sources._listing import leave_out, natural_key
from penjing.sources._names import doubt_names
from penjing.sources._options import Options
from penjing.sources._parts import parts_of
from penjing.sources._places import Place, folder_place, given_place
from penjing.sources._references import refer
from penjing.sources._splits import read_split
from penjing.sources._tables import read_table, without_empty_rows
from penjing.sources._target import Target, read_labels, read_target
from penjing.sources._words import many


@dataclass
class Opened:
    """What is known of a table before its columns are looked at.

    Attributes:
        title: what to call the data.
        kind: the source's name.
        name: what to call the table in messages.
        said: what was understood so far.
        hints: machine-readable extras.
        held: column → what its rows are and where they are read, for columns that hold numbers of rows.
    """

    title: str
    kind: str
    name: str
    said: list[str] = field(default_factory=list)
    hints: dict[str, object] = field(default_factory=dict)
    held: Mapping[str, tuple[str, Store]] = field(default_factory=dict)


def open_table_file(path: Path, options: Options, title: str, kind: str, said: Sequence[str] = ()) -> Table:
    """The table of a table file; paths in it are relative to its folder or to a folder beside it.

    Raises:
        DataError, UsageError, MissingExtra: as `open_rows` and `read_table`.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}") from problem
    frame, read = read_table(content, str(path), told_by(options))
    opened = Opened(title, kind, path.name, [*said, *read], {"path": str(path)})
    return open_rows(frame, options, opened, folder_place(path.parent))


def open_rows(frame: pl.DataFrame, options: Options, opened: Opened, place: Place) -> Table:
    """The table of rows.

    Where each row is one file, the input is called after its modality as in class folders, the rows are in the order
    of the paths, and rows without a path are left out. Otherwise the inputs have their own names, the rows their own
    order, and a cell may be empty.

    Args:
        frame: the cells, as `read_table` gives them.
        options: as given.
        opened: what is known of it.
        place: where its files are.

    Raises:
        DataError: no file of a column exists, or a cell of the split names no part.
        UsageError: the columns are not clear; see `find_roles`.
    """
    frame, kept, idle = without_empty_rows(frame)
    held = {column: modality for column, (modality, _) in opened.held.items()}
    roles = find_roles(frame, replace(options, types={**held, **options.types}), opened.name)
    check_inputs(roles, opened.name)
    said, doubts = describe(roles)
    doubts = [*doubt_names(frame), *idle, *doubts]
    inputs = [_read_input(frame, column, roles, options, opened, place) for column in roles.inputs]
    is_one_file = len(inputs) == 1 and bool(roles.files)
    said += [one.said for one in inputs if one.said]
    cells = pl.DataFrame([one.cells for one in inputs])
    rows: Sequence[int] = ()
    if is_one_file or options.ignore:
        rows, more = _settle_files(cells, options) if is_one_file else _ignore(cells, roles, options)
        cells, frame, doubts = cells[rows], frame[rows], [*doubts, *more]
    modality = {column: found.modality for column, found in roles.inputs.items()}
    names = {column: modality[column] if is_one_file else column for column in modality}
    found = Found(
        cells.rename(names),
        {names[column]: kind for column, kind in modality.items()},
        {names[one.cells.name]: one.store for one in inputs if one.store},
        opened.title,
        opened.kind,
        paths=_paths(cells, roles),
        settings={names[column]: one.settings for column, one in roles.inputs.items()},
        said=[*opened.said],
        hints={**opened.hints, **_guessed(roles), "names": {new: column for column, new in names.items()}}
        | ({"time_name": roles.time} if roles.time else {}),
        rows=[kept[row] for row in rows] if kept and rows else rows or kept,
    )
    _fill(found, frame, roles, options, said, doubts)
    return finish(found, options)


# ---- inputs


@dataclass(frozen=True)
class _Input:
    """One input column: its cells, where they are read if they are references, and what to say of it."""

    cells: pl.Series
    store: Store | None = None
    said: str = ""


def _read_input(
    frame: pl.DataFrame, column: str, roles: Roles, options: Options, opened: Opened, place: Place
) -> _Input:
    cells = frame[column]
    if isinstance(cells.dtype, pl.Struct):
        raise UsageError(
            f'the column "{column}" of {opened.name} holds records of {", ".join(cells.struct.fields[:3])}; expected '
            f"one value in each cell: make a column of each part, or leave it out with --type {column}=ignore"
        )
    if column not in roles.files:
        if column in options.files:
            raise UsageError(
                f"--files {column}={options.files[column]}: the column holds no paths ({roles.inputs[column].modality})"
            )
        if cells.dtype.is_nested():
            raise UsageError(
                f"--type {column}={roles.inputs[column].modality}: the column holds lists; join each to one text, or "
                f"leave it out with --type {column}=ignore"
            )
        return _Input(cells)
    if column in opened.held:
        return _Input(cells, opened.held[column][1])
    is_elsewhere = cells.dtype == pl.String and column in options.files
    if is_elsewhere:
        place = given_place(column, options.files[column])
    hint = (
        ""
        if len(roles.inputs) == 1 and not is_elsewhere
        else f"; say where with --files {column}=PATH (a folder or .zip), or leave it out with --type {column}=ignore"
    )
    found = refer(cells, roles.inputs[column].modality, place, opened.title, hint)
    said = ""
    if found.prefix:
        which = "Paths" if len(roles.files) == 1 else f'Paths of "{column}"'
        said = f'{which} are read from the folder "{found.prefix.rstrip("/")}"'
    return _Input(found.cells, found.store, said)


def _settle_files(cells: pl.DataFrame, options: Options) -> tuple[list[int], list[str]]:
    """Rows that are one file each: without those that name none or match `--ignore`, in the order of the paths."""
    doubts = []
    references = cells.to_series()
    if references.null_count():
        doubts.append(f"{many(references.null_count(), 'row')} without a path left out")
    named = [row for row, name in enumerate(references.to_list()) if name is not None]
    paths = references.to_list()
    kept, idle_patterns = leave_out([paths[row] for row in named], options.ignore)
    doubts += [f"--ignore '{pattern}' matches no path" for pattern in idle_patterns]
    repeated = len(kept) - len(set(kept))
    if repeated:
        doubts.append(f"{many(repeated, 'row')} with a path that another row has too")
    # Not the order of the rows: a table that was shuffled describes the same data.
    wanted = set(kept)
    order = sorted((row for row in named if paths[row] in wanted), key=lambda row: natural_key(paths[row]))
    return order, doubts


def _ignore(cells: pl.DataFrame, roles: Roles, options: Options) -> tuple[list[int], list[str]]:
    """The rows of which no path matches `--ignore`."""
    paths = {path for column in roles.files for path in cells[column].drop_nulls().to_list()}
    kept, idle_patterns = leave_out(paths, options.ignore)
    gone = paths - set(kept)
    keep = pl.Series([True] * len(cells))
    for column in roles.files:
        keep &= ~cells[column].is_in(list(gone)).fill_null(False)
    doubts = [f"--ignore '{pattern}' matches no path" for pattern in idle_patterns]
    return keep.arg_true().to_list(), doubts


def _paths(cells: pl.DataFrame, roles: Roles) -> list[str]:
    """What `--group-from` and a split file look at: the first column of files, else row numbers."""
    rows = [str(row) for row in range(len(cells))]
    if not roles.files:
        return rows
    return [path or row for path, row in zip(cells[roles.files[0]].to_list(), rows, strict=True)]


# ---- roles


def _fill(
    found: Found, frame: pl.DataFrame, roles: Roles, options: Options, said: Sequence[str], doubts: Sequence[str]
) -> None:
    """Put target, parts, groups and times of the rows into `found`."""
    if roles.targets:
        found.target, found.label_from = _target(frame, roles, options)
        found.target_name = ", ".join(roles.targets)
        doubts = [*doubts, *found.target.doubts, *_telling(frame, roles, found.target)]
        if found.item and found.target.modality == "category":
            found.target = replace(found.target, said=())  # whole numbers as classes of files surprise nobody
    said = list(said)
    if roles.group and not options.group:
        said.insert(1, f'The column "{roles.group}" holds the groups')
    found.groups, found.is_group_asked = texts(frame, roles.group, MARKERS), bool(roles.questioned)
    parts: Sequence[str | None] = [None] * len(frame)
    if roles.part is not None and options.split != "none":
        parts = parts_of(texts(frame, roles.part) or [], f'the column "{roles.part}" of {found.title}')
    found.parts = parts if options.split in frame.columns else read_split(options.split, found.paths, parts)
    if roles.time:
        found.times = read_times(frame[roles.time], roles.time)
    found.said += said
    found.doubts += doubts


def _guessed(roles: Roles) -> dict[str, object]:
    """What a check says of the first column that may hold groups."""
    first = next(iter(roles.questioned.values()), None)
    return {} if first is None else {"group_column": first.column, "groups": first.groups, "group_doubt": first.doubt}


def _target(frame: pl.DataFrame, roles: Roles, options: Options) -> tuple[Target, str]:
    if len(roles.targets) > 1:
        return read_labels(frame, roles.targets), f"columns {', '.join(roles.targets[:3])}" + (
            " …" if len(roles.targets) > 3 else ""
        )
    (name,) = roles.targets
    label_from = f'column "{name}"'
    return read_target(frame[name], label_from, name, options.types.get(name, "")), label_from


def _telling(frame: pl.DataFrame, roles: Roles, target: Target) -> list[str]:
    """Doubts about categories of which each value goes with one class only: they tell the answer."""
    if target.modality != "category":
        return []
    found = []
    for column, known in roles.inputs.items():
        if known.modality in ("category", "boolean"):
            pair = pl.DataFrame([frame[column].alias("value"), target.cells.alias("class")]).drop_nulls()
            values = pair["value"].n_unique()
            if 1 < values <= len(pair) // 4 and values == pair.n_unique() and pair["class"].n_unique() > 1:
                found.append(
                    f'Each value of "{column}" goes with one class only; '
                    f"if it is not known beforehand: --type {column}=ignore"
                )
    return found


def read_times(cells: pl.Series, name: str) -> pl.Series:
    """A column of dates or numbers as Float64, later ones larger; null where a cell is neither.

    Raises:
        UsageError: no cell is one.
    """
    guess = recognise(cells)
    readers: list[Callable[[pl.Series], pl.Series]] = [
        lambda one: date.clean(one, date.Settings(first=date.order(one)[0])),
        lambda one: number.clean(one, number.Settings(decimal=number.decimal_sign(one))),
    ]
    found = [read(cells).cast(pl.Float64) for read in (reversed(readers) if guess.modality == "number" else readers)]
    best = min(found, key=lambda values: values.null_count())
    if best.null_count() == len(best):
        example = next(iter(cells.drop_nulls()), "")
        raise UsageError(f'--time-column {name}: expected dates or numbers, it holds "{example}"')
    return best
