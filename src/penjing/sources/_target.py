"""What a target column is: classes, a number, or several labels an item; and its cells in one type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from penjing.core.errors import DataError, UsageError
from penjing.modalities import boolean, number
from penjing.modalities._missing import MARKERS
from penjing.sources._cells import cells_of
from penjing.sources._classes import many_values, tidy
from penjing.sources._pixels import as_numpy
from penjing.sources._tables import are_whole
from penjing.sources._words import many

LABELS = "labels"
# The modalities that a target can be given with --type.
TARGETS = ("category", "boolean", "number", LABELS)
# So many whole numbers are classes; more are a measurement, unless they count classes from 0 or 1 evenly.
_FEW_NUMBERS = 20
_EVENLY = 0.1
_NUMBERS_SHARE = 0.95
_LABEL_SEPARATORS = r"[|;]"


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    Attributes:
        cells: String for classes, Float64 for a number, List(String) for labels; null where unknown.
        modality: "category", "number" or "labels".
        said: what was understood of it.
        doubts: what may have been misunderstood.
    """

    cells: pl.Series
    modality: str
    said: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read_target(cells: pl.Series, label_from: str, option: str, given: str = "") -> Target:
    """One column as a target. Markers of missing values, such as NA, are no target.

    Args:
        cells: texts, numbers or lists of labels.
        label_from: what to call it: 'column "price"'.
        option: its name as `--type` wants it; "" where there is no such option.
        given: the modality that a person said.

    Raises:
        UsageError: `given` is none that can be predicted, or the cells are not of it.
        DataError: the cells hold what cannot be predicted, such as pictures.
    """
    if given and given not in TARGETS:
        raise UsageError(f"--type {option}={given}: a target is one of {', '.join(TARGETS)}")
    cells, doubts = without_markers(_told(cells, label_from), label_from)
    if given not in ("", LABELS) and cells.dtype.is_nested():
        raise UsageError(f"--type {option}={given}: {label_from} holds lists, which are {LABELS}; take --type away")
    if given == LABELS or cells.dtype.is_nested():
        return replace(_listed(cells, label_from), doubts=doubts)
    if given == "number":
        values = _numbers(cells)
        if not values.len() - values.null_count():
            raise UsageError(f"--type {option}=number: no cell of {label_from} is a number")
        return Target(values, "number", doubts=doubts)
    kind, sentence = ("category", "") if given else _kind(cells)
    said = (f"{label_from[0].upper()}{label_from[1:]} {sentence}",) if sentence else ()
    if kind == "number":
        other = f"; for classes: --type {option}=category" if option and said else ""
        return Target(_numbers(cells), "number", tuple(one + other for one in said), doubts)
    if said and option:
        said = (f"{said[0]}; for a number: --type {option}=number",)
    texts = as_labels(cells)
    return Target(texts, "category", said, (*doubts, *many_values(texts.to_list(), label_from)))


def _told(cells: pl.Series, label_from: str) -> pl.Series:
    """The cells as texts, numbers or lists: bytes are texts in UTF-8, arrays of whole numbers or words are lists.

    Raises:
        DataError: they hold something that cannot be predicted.
    """
    expected = "expected a class, a number or a list of labels for each item"
    if cells.dtype == pl.Binary:
        try:
            return cells.cast(pl.String).str.strip_chars().replace("", None)
        except pl.exceptions.PolarsError as problem:
            raise DataError(f"{label_from} holds bytes that are no text in UTF-8; {expected}") from problem
    if isinstance(cells.dtype, pl.Struct):
        raise DataError(f"{label_from} holds records of {', '.join(cells.struct.fields[:3])}; {expected}")
    if cells.dtype != pl.Object:
        return cells
    values = cells.to_list()
    odd = next((one for one in values if one is not None and not _is_list(one)), None)
    if odd is not None:
        what = (
            f"an array of shape {tuple(odd.shape)}"
            if hasattr(odd, "shape")
            else f"a value of type {type(odd).__name__}"
        )
        raise DataError(f"{label_from} holds {what}; {expected}")
    lists = [None if one is None else [str(part) for part in cells_of(one)] for one in values]
    return pl.Series(cells.name, lists, dtype=pl.List(pl.String))


def _is_list(value: object) -> bool:
    """Whether a cell is a list, or an array of whole numbers, which may be labels."""
    if not hasattr(value, "__array__"):
        return isinstance(value, list)
    array = as_numpy(value)
    return array.ndim == 1 and array.dtype.kind in "biu"


def without_markers(cells: pl.Series, label_from: str) -> tuple[pl.Series, tuple[str, ...]]:
    """The cells, null where they hold a marker of missing values, and a doubt about these.

    A marker beside a single other value is a class itself, as null beside alternative.
    """
    if cells.dtype != pl.String:
        return cells, ()
    is_marker = cells.is_in(MARKERS)
    found = cells.filter(is_marker).value_counts(sort=True).rows()
    if not found:
        return cells, ()
    listed = ", ".join(f'{many(count, "row")} with "{marker}"' for marker, count in found)
    if len(found) == 1 and cells.filter(~is_marker).n_unique() == 1:
        doubt = "taken as a class beside one other; if it is none, leave these rows out"
    else:
        doubt = "taken as without a target; where it is a class, write it otherwise"
        cells = cells.replace(MARKERS, None)
    return cells, (f"{label_from}: {listed} {doubt}",)


def as_labels(cells: pl.Series) -> pl.Series:
    """Class names: text in one form, whole numbers without ".0", null where there is none."""
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
        if are_whole(cells):
            cells = cells.cast(pl.Int64)
    texts = cells.cast(pl.String)
    known = texts.unique().to_list()
    return texts.replace_strict(known, [tidy(label) for label in known], return_dtype=pl.String)


def _kind(cells: pl.Series) -> tuple[str, str]:
    """("number" or "category", what to say where it could be the other)."""
    if cells.dtype == pl.Boolean or (cells.dtype == pl.String and cells.str.contains(r"^0\d").any()):
        return "category", ""
    known = cells.drop_nulls()
    values = _numbers(known)
    count = len(values) - values.null_count()
    if not count or count < _NUMBERS_SHARE * len(known):
        return "category", ""
    values = values.drop_nulls()
    distinct = values.n_unique()
    if (values % 1 != 0).any() and distinct > 2:
        return "number", "" if distinct > _FEW_NUMBERS else f"holds {distinct} different numbers, which are predicted"
    if distinct <= 2:
        return "category", ""
    if distinct <= _FEW_NUMBERS:
        return "category", f"holds {distinct} whole numbers, taken as classes"
    if _are_counted(values):
        return "category", f"holds {distinct} whole numbers, taken as classes"
    return "number", f"holds {distinct:,} different numbers, which are predicted"


def _are_counted(values: pl.Series) -> bool:
    """Whether whole numbers count classes: from 0 or 1 without a gap, each about as often as the others."""
    low, high = values.min(), values.max()
    counts = values.value_counts()["count"]
    is_whole = low in (0, 1) and high - low + 1 == len(counts)  # type: ignore[operator]
    return bool(is_whole and counts.min() >= max(2.0, _EVENLY * counts.mean()))  # type: ignore[operator]


def _numbers(cells: pl.Series) -> pl.Series:
    return number.clean(cells, number.Settings(decimal=number.decimal_sign(cells)))


def _listed(cells: pl.Series, label_from: str) -> Target:
    """Labels that stand in one cell with bars or semicolons between."""
    if cells.dtype.is_nested():
        lists = cells.to_list()
    else:
        parts = cells.cast(pl.String).str.replace_all(_LABEL_SEPARATORS, "|").str.split("|")
        lists = parts.to_list()
    tidied = [
        None if one is None else sorted({name for part in one if part is not None and (name := tidy(str(part)))})
        for one in lists
    ]
    names = {name for one in tidied or () for name in one or ()}
    _check_bars(names)
    if len(names) < 2:
        raise UsageError(f"{label_from} lists fewer than two labels; write them as a|b, or take --type away")
    return Target(pl.Series(tidied, dtype=pl.List(pl.String)), LABELS)


def _check_bars(names: Iterable[str]) -> None:
    """See that no label holds what stands between labels.

    Raises:
        UsageError: one does.
    """
    barred = next((name for name in names if "|" in name), None)
    if barred is not None:
        raise UsageError(f'the label "{barred}" holds "|", which stands between labels; write it in another way')


def read_labels(frame: pl.DataFrame, columns: Sequence[str]) -> Target:
    """Several columns of 0 and 1 as one target: the names of the columns that hold 1.

    Raises:
        UsageError: a cell says neither yes nor no, or a column's name holds a bar; the message names it.
    """
    _check_bars(columns)
    said = {name: boolean.clean(frame[name]) for name in columns}
    for name, values in said.items():
        odd = frame[name].filter(values.is_null() & ~frame[name].cast(pl.String).is_in(MARKERS))
        if len(odd):
            raise UsageError(
                f"--target {','.join(columns)}: several columns are labels that an item has (1) or has not (0), and "
                f'"{name}" holds "{odd[0]}"; name one column'
            )
    unknown = pl.DataFrame(list(said.values())).select(pl.any_horizontal(pl.all().is_null())).to_series()
    rows = zip(*(values.to_list() for values in said.values()), strict=True)
    lists = [
        None if is_unknown else [name for name, value in zip(columns, row, strict=True) if value == "true"]
        for row, is_unknown in zip(rows, unknown.to_list(), strict=True)
    ]
    return Target(pl.Series(lists, dtype=pl.List(pl.String)), LABELS)
