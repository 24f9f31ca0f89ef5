"""Classes of the items: merged, left out, kept; and what is doubtful about them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from penjing.core.errors import DataError, UsageError, did_you_mean
from penjing.sources._listing import natural_key
from penjing.sources._media import plural
from penjing.sources._options import Options
from penjing.sources._words import many

# A label with more values than this share of the items is hardly a class.
_MOST_CLASSES = 0.5
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)  # "1,000" may be one or a thousand


def tidy(label: str | None) -> str | None:
    """A class name in one Unicode form, without spaces around it; an empty one is no label.

    macOS takes accents apart in file names, so that one class from two machines would be two.
    """
    if label is None:
        return None
    return (label if label.isascii() else unicodedata.normalize("NFC", label)).strip() or None


def drop_unlabelled(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Items without a label are left out of labelled data."""
    if "target" not in frame.columns:
        return frame, []
    unlabelled = frame["target"].null_count()
    if unlabelled == len(frame):
        return frame.drop("target"), ["No item has a label"]
    if not unlabelled:
        return frame, []
    left_out = f"{many(unlabelled, 'item')} without a label left out; predict them afterwards"
    if isinstance(frame["target"].dtype, pl.List):  # here an item may well have none
        left_out = f'{many(unlabelled, "item")} without labels left out; of one that is known to have none write "|"'
    return frame.drop_nulls("target"), [left_out]


def choose_classes(frame: pl.DataFrame, options: Options) -> tuple[pl.DataFrame, list[str]]:
    """Merge, then leave out, then keep.

    Raises:
        UsageError: an option names a class that does not exist, or there are none.
    """
    wanted = {"--merge": options.merge, "--exclude": options.exclude, "--classes": options.classes}
    if "target" not in frame.columns or frame["target"].dtype != pl.String:
        for option, value in wanted.items():
            if value:
                raise UsageError(f"{option} needs classes, and these data have none")
        return frame, []
    doubts: list[str] = []
    frame = _merge(frame, options.merge)
    if options.exclude:
        frame = frame.filter(~pl.col("target").is_in(_known(frame, options.exclude, "--exclude")))
    if options.classes:
        frame = frame.filter(pl.col("target").is_in(_known(frame, options.classes, "--classes")))
    elif not options.merge:
        known = frame["target"].unique().to_list()
        doubts += [*_case_doubts(known), *_number_doubts(known)]
    return frame, doubts


def _merge(frame: pl.DataFrame, merge: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    rename: dict[str, str] = {}
    for new, old_names in merge.items():
        for old in _known(frame, old_names, "--merge"):
            if rename.get(old, new) != new:
                raise UsageError(f'--merge puts "{old}" into both "{rename[old]}" and "{new}"; choose one')
            rename[old] = new
    return frame.with_columns(pl.col("target").replace(rename)) if rename else frame


def _known(frame: pl.DataFrame, names: Sequence[str], option: str) -> list[str]:
    classes = set(frame["target"].unique().to_list())
    tidied = [tidy(name) or "" for name in names]
    for name in tidied:
        if name not in classes:
            raise UsageError(f'{option} names a class "{name}" that does not exist; {did_you_mean(name, classes)}')
    return tidied


def _case_doubts(classes: Sequence[str]) -> list[str]:
    first: dict[str, str] = {}
    doubts = []
    for name in sorted(classes):
        other = first.setdefault(name.casefold(), name)
        if other != name:
            doubts.append(f'Classes "{other}" and "{name}" differ only in case; join them with --merge')
    return doubts


def _number_doubts(classes: Sequence[str]) -> list[str]:
    """Doubts about classes that are one number in two writings, as where one program wrote 1 and another 1.0."""
    first: dict[Decimal, str] = {}
    doubts = []
    for name in sorted(filter(_NUMBER.fullmatch, classes)):
        other = first.setdefault(Decimal(name), name)
        if other != name:
            doubts.append(f'Classes "{other}" and "{name}" are the same number; join them with --merge')
    return doubts


def check_two(classes: Sequence[str], items: int, label_from: str, title: str, modality: str, hint: str) -> None:
    """Raises:
    DataError: there is only one class; `hint` says where others may be.
    """
    if len(classes) == 1:
        advice = "Another column is told with --target"
        if modality:  # items are files, and may have no labels at all
            advice = f"{plural(modality).capitalize()} without labels cannot be learned from"
        raise DataError(
            f'only one class: "{classes[0]}" ({many(items, "item")}, from {label_from or "labels"}) '
            f"in {title}; classifying needs two or more.{hint} {advice}; "
            "to look at them: penjing inspect DATA --target none"
        )


def strays(frame: pl.DataFrame) -> list[str]:
    """Doubts about classes that are tested and never learned."""
    if "part" not in frame.columns:
        return []
    tested = set(frame.filter(pl.col("part") == "test")["target"].to_list())
    learned = set(frame.filter(pl.col("part").ne_missing("test"))["target"].to_list())
    return [
        f'Class "{name}" is only in the test part and cannot be learned; leave it out with --exclude'
        for name in sorted(tested - learned, key=natural_key)
    ]


def many_values(labels: Sequence[str | None], label_from: str) -> list[str]:
    """A doubt where a label has so many different values that it is hardly a class."""
    known = [label for label in labels if label is not None]
    distinct = len(set(known))
    if distinct > max(20, _MOST_CLASSES * len(known)):
        return [
            f"{label_from} has {distinct:,} different values in {many(len(known), 'row')}; is it a class? See --target"
        ]
    return []
