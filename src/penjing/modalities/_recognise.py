"""Which modality a column of a table is, told from its cells and never from what they predict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from penjing.core import plugins
from penjing.core.errors import UsageError, did_you_mean
from penjing.modalities import boolean, date, number
from penjing.modalities._missing import told

IGNORE = "ignore"

# A column is what this share of its cells is; the others are then missing values or slips.
_SHARE = 0.95
_PATHS_SHARE = 0.8  # of paths: some files may have other extensions
_CLEAR = 0.8  # below this confidence a person is asked
_LOOK = 5000  # cells that file names and sentences are looked for in; evenly spread
_TASTE = 100  # cells among which a column of dates has one
_FEW_ROWS = 20  # among fewer, all cells are easily distinct
_FEW_CODES = 10  # so few distinct whole numbers may be codes
_FEW_WORDS, _HALF = 2, 0.5  # so few words among numbers, in at most half of the cells, stand for missing values
_SURPRISE = 3.0  # distinct numbers are none by chance when that has probability exp(−3)
_MOST_DISTINCT = 0.5  # distinct cells among all: above this they are no categories
_LONG, _HARDLY_TWICE = 40, 0.1  # characters on average from which cells are texts even where some repeat
_WORDS = 3  # words on average from which cells are texts
_CHINESE_WORDS = 6  # characters of a script without spaces that are as much
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f"
_ID_NAME = re.compile(r"(?:^|[_\s-])(?:id|uuid|guid|index|key|nr|no)$|编号$|序号$|学号$|号码$|^unnamed", re.IGNORECASE)
_TIME_NAME = re.compile(r"time|date|stamp|epoch|_at$|_ts$|^ts$|时间|日期", re.IGNORECASE)
# What every date has: two signs or blanks between its parts, or eight digits and more.
_LIKE_DATE = r"\w\s*[-/.,年\s－／．]\s*\w+\s*[-/.,月\s－／．]|\d{8}"
_ENDING = r"^[^\n]*[^\n/\\](\.[^\W_]*[A-Za-z][^\W_]*)$"  # of a path's last name
_CODE = r"^\S*\d\S*$"  # one word with a digit, such as cust-001


@dataclass(frozen=True)
class Recognised:
    """What a column seems to be.

    Attributes:
        modality: the name of a plug-in in `modalities/`, or `IGNORE`.
        confidence: 0 to 1; a person's word is 1.
        reason: why, as half a sentence.
        settings: how the modality should read the cells, where that was told from them.
        doubt: what a person should look at, or "".
    """

    modality: str
    confidence: float
    reason: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    doubt: str = ""

    @property
    def is_clear(self) -> bool:
        return self.confidence >= _CLEAR


def recognise_all(frame: pl.DataFrame, given: Mapping[str, str] | None = None) -> dict[str, Recognised]:
    """What each column is, by name.

    Args:
        frame: columns as read from a file: texts, or typed.
        given: column → modality or `IGNORE`, which goes before what is recognised.

    Raises:
        UsageError: `given` names a column or a modality that does not exist.
    """
    given = dict(given or {})
    for column, modality in given.items():
        if column not in frame.columns:
            raise UsageError(f'there is no column "{column}"; {did_you_mean(column, frame.columns)}')
        if modality != IGNORE and modality not in plugins.names("modalities"):
            known = [*plugins.names("modalities"), IGNORE]
            raise UsageError(f'column "{column}": there is no modality "{modality}"; {did_you_mean(modality, known)}')
    return {name: recognise(frame[name], given.get(name)) for name in frame.columns}


def recognise(cells: pl.Series, given: str | None = None) -> Recognised:
    """What a column is.

    Args:
        cells: text as read from a file, or typed; the name helps to tell identifiers and Unix time.
        given: the modality that a person said; only its settings are told from the cells.
    """
    if given is not None:
        return Recognised(given, 1.0, "as you said", _settings(given, cells))
    if cells.dtype == pl.List(pl.String):
        return Recognised(IGNORE, 1.0, "it holds lists of words")
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object):
        return Recognised("image", 0.9, "its cells hold files or arrays")
    texts = told(cells)
    return next(found for found in _guesses(cells, texts) if found)


def _guesses(cells: pl.Series, texts: pl.Series) -> Iterator[Recognised | None]:
    """One guess after the other, the narrower first; the last always gives something."""
    yield _empty_or_constant(cells, texts)
    yield _fractions(texts)
    yield _files(texts)
    yield _boolean(cells, texts)
    yield _date(cells, texts)
    yield _identifier(cells, texts)
    yield _number(cells, texts)
    yield _words(texts)


def _empty_or_constant(cells: pl.Series, texts: pl.Series) -> Recognised | None:
    if len(texts) == 0:
        return Recognised(IGNORE, 1.0, "it has no values")
    if texts.n_unique() == 1 and len(texts) == len(cells):
        return Recognised(IGNORE, 1.0, f'all its cells are "{_short(texts[0])}"')
    return None


def _fractions(texts: pl.Series) -> Recognised | None:
    """Plain numbers with fractions, which nothing else looks like: in wide tables most columns are settled here."""
    values = texts.cast(pl.Float64, strict=False)
    if values.null_count() or not (values % 1 != 0).any() or texts.str.contains(r"^0\d").any():
        return None
    return Recognised("number", 1.0, f"its cells are numbers like {_short(texts[0])}", {"decimal": "point"})


def _files(texts: pl.Series) -> Recognised | None:
    """Paths of files, by their extensions."""
    looked = _sample(texts)
    endings = looked.str.extract(_ENDING).drop_nulls().str.to_lowercase()
    if len(endings) < _PATHS_SHARE * len(looked):
        return None
    for name, module in _file_modalities():
        known = [*module.EXTENSIONS, *module.REFUSED]
        share = int(endings.is_in(known).sum()) / len(looked)
        if share >= _PATHS_SHARE:
            return Recognised(name, share, f"its cells name files like {_short(texts[0])}")
    return None


def _file_modalities() -> Iterable[tuple[str, ModuleType]]:
    for name in plugins.names("modalities"):
        module = plugins.load("modalities", name)
        if hasattr(module, "EXTENSIONS"):
            yield name, module


def _boolean(cells: pl.Series, texts: pl.Series) -> Recognised | None:
    if cells.dtype == pl.Boolean:
        return Recognised("boolean", 1.0, "it is true or false")
    values = texts.unique().sort().to_list()
    if len(values) != 2 or boolean.recognise(texts) < 1:
        return None
    return Recognised("boolean", 0.95, f"its cells are {values[0]} or {values[1]}")


def _date(cells: pl.Series, texts: pl.Series) -> Recognised | None:
    if cells.dtype.is_temporal() and cells.dtype not in (pl.Time, pl.Duration):
        return Recognised("date", 1.0, "it holds dates")
    taste = texts.head(_TASTE)
    if not taste.str.contains(_LIKE_DATE).any() or date.clean(taste).is_null().all():
        return None
    share = date.recognise(texts)
    if share >= _SHARE:
        first, other = date.order(texts)
        doubt = f"its dates are read with the {first} first; they may have the {other} first" if other else ""
        reason = f"its cells are dates like {_short(texts[0])}"
        return Recognised("date", 0.7 if doubt else share, reason, {"first": first}, doubt)
    if _TIME_NAME.search(cells.name) and date.clean(texts).is_not_null().sum() >= _SHARE * len(texts):
        return Recognised("date", 0.85, f"its name speaks of time, its cells are Unix time like {_short(texts[0])}")
    return None


def _identifier(cells: pl.Series, texts: pl.Series) -> Recognised | None:
    """Every row its own: nothing can be learned from it, only remembered."""
    is_named_so = bool(_ID_NAME.search(cells.name))
    if len(texts) < 2 or texts.n_unique() < len(texts) or (len(texts) < _FEW_ROWS and not is_named_so):
        return None
    whole = texts.str.contains(r"^\d+$").all()
    if whole and (is_named_so or _would_repeat(texts)):
        return Recognised(IGNORE, 0.95, f"every row has its own number, such as {_short(texts[0])}")
    is_number = number.recognise(texts) >= _SHARE
    if not is_number and texts.str.contains(_CODE).all() and not texts.str.contains(rf"[{_UNSPACED}]").any():
        return Recognised(IGNORE, 0.9, f"every row has its own code, such as {_short(texts[0])}")
    return None


def _would_repeat(texts: pl.Series) -> bool:
    """Whether so many whole numbers of this range would hardly all be distinct if they measured something.

    By the birthday paradox n draws from a range r are all distinct with probability exp(−n² / 2r).
    """
    values = number.clean(texts).to_numpy()
    return bool(len(values) ** 2 / (2 * (values.max() - values.min() + 1)) > _SURPRISE)


def _number(cells: pl.Series, texts: pl.Series) -> Recognised | None:
    settings: dict[str, Any] = {"decimal": number.decimal_sign(texts)}
    is_odd = number.clean(texts, number.Settings(**settings)).is_null()
    share, odd = 1 - int(is_odd.sum()) / len(texts), texts.filter(is_odd).unique().sort()
    are_words_for_missing = share >= _HALF and len(odd) <= _FEW_WORDS
    if not cells.dtype.is_numeric() and share < _SHARE and not are_words_for_missing:
        return None
    if texts.filter(~is_odd).str.contains(r"^0\d").any():
        return _words(texts)  # 0712 is the number of a telephone or a town: nothing is counted
    reason = f"its cells are numbers like {_short(texts.filter(~is_odd)[0])}"
    doubt = ""
    if len(odd):
        such = f'such as "{_short(odd[0])}", and count as missing'
        reason += f"; a few are not, {such}"
        doubt = f"{int(is_odd.sum()):,} of its {len(texts):,} cells are none, {such}"
    elif _look_like_codes(texts):
        doubt = f"its {texts.n_unique()} whole numbers may be codes of categories"
    return Recognised("number", share if len(odd) or not doubt else min(share, 0.85), reason, settings, doubt)


def _look_like_codes(texts: pl.Series) -> bool:
    """Whether few whole numbers with gaps between them come again and again: counts and years have none."""
    values = texts.unique()
    if len(values) > _FEW_CODES or len(texts) < _FEW_ROWS or not values.str.contains(r"^\d+$").all():
        return False
    numbers = number.clean(values).to_numpy()
    return bool(len(values) > 2 and numbers.max() - numbers.min() + 1 > 2 * len(values))


def _words(texts: pl.Series) -> Recognised:
    """Categories repeat themselves; texts are long, or each is its own."""
    count = texts.n_unique()
    distinct = count / len(texts)
    length = float(np.mean(texts.str.len_chars().to_numpy()))
    if (_words_each(texts) >= _WORDS and distinct > _MOST_DISTINCT) or (length >= _LONG and distinct > _HARDLY_TWICE):
        return Recognised("text", min(1.0, 0.6 + distinct / 2), f'its cells are texts like "{_short(texts[0])}"')
    if distinct <= _MOST_DISTINCT or len(texts) < _FEW_ROWS:
        values = "one value" if count == 1 else f"{count} values"
        return Recognised("category", min(1.0, 1.1 - distinct), f'it has {values}, such as "{_short(texts[0])}"')
    doubt = "it may be a name that tells nothing: leave it out then"
    return Recognised("text", 0.5, f'nearly every row has its own word, such as "{_short(texts[0])}"', {}, doubt)


def _words_each(texts: pl.Series) -> float:
    """Words in a cell on average; scripts without spaces count by their characters."""
    words = texts.str.count_matches(r"\S+") + texts.str.count_matches(rf"[{_UNSPACED}]") * (_WORDS / _CHINESE_WORDS)
    return float(np.mean(words.to_numpy()))


def _settings(modality: str, cells: pl.Series) -> dict[str, Any]:
    if modality == "number":
        return {"decimal": number.decimal_sign(cells)}
    return {"first": date.order(cells)[0]} if modality == "date" else {}


def _sample(texts: pl.Series) -> pl.Series:
    return texts.gather_every(max(1, len(texts) // _LOOK))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 30 else text[:29] + "…"
