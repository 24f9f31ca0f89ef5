"""The last steps every source shares: classes chosen and joined, groups, the given split, and what is said of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from penjing.core.errors import DataError, UsageError, did_you_mean
from penjing.core.table import Column, Store, Table
from penjing.sources import _groups, _parts
from penjing.sources._listing import natural_key
from penjing.sources._options import Options
from penjing.sources._words import many

# Up to this many classes are counted one by one.
_COUNTED_CLASSES = 8
# A label with more values than this share of the items is hardly a class.
_MOST_CLASSES = 0.5


@dataclass
class Found:
    """What a source read, before the options about classes, groups and parts are applied.

    Attributes:
        references: one per item, in the order of the data.
        store: where they are read.
        title: what to call the data.
        kind: the source's name.
        labels: the class of each item (None: not known), or None when the data have no label.
        label_from: what the labels are, in a person's words: "folder names", 'column "label"'.
        parts: the given part of each item.
        groups: the group of each item, where a column holds it.
        paths: what `--group-from` and a split file look at; the references unless they are only row numbers.
        tables_beside: tables that lie beside the pictures and may hold the labels.
        said: what was understood so far.
        doubts: what may have been misunderstood so far.
        hints: machine-readable extras.
    """

    references: Sequence[str]
    store: Store
    title: str
    kind: str
    labels: Sequence[str | None] | None = None
    label_from: str = ""
    parts: Sequence[str | None] | None = None
    groups: Sequence[str | None] | None = None
    paths: Sequence[str] | None = None
    tables_beside: Sequence[str] = ()
    said: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    hints: dict[str, object] = field(default_factory=dict)


def finish(found: Found, options: Options) -> Table:
    """The table of what was found, with the options applied and the sentences for people, the most telling first.

    Raises:
        DataError: nothing is left, or there is only one class.
        UsageError: an option names a class that does not exist, or needs what the data do not have.
    """
    frame = _frame(found, options)
    frame, class_doubts = _choose_classes(frame, options)
    if frame.is_empty():
        raise UsageError(
            f"no items of {found.title} are left after --classes, --exclude and --ignore; keep more of them"
        )
    frame, part_said, part_doubts = _settle_parts(frame, options)
    frame, group_said, group_doubts, hints = _group(frame, found, options)
    if "group" in frame.columns:
        # An item without a group is a group of its own; a missing value would make all of them one.
        frame = frame.with_columns(pl.col("group").fill_null(pl.format("alone: {}", "image")))
    classes: list[str] = []
    if "target" in frame.columns:
        classes = sorted(frame["target"].unique().to_list(), key=natural_key)
        _check_two(classes, len(frame), found)
        part_doubts += _strays(frame)
    elif found.tables_beside:
        part_doubts.append(f"No labels are known.{_use(found.tables_beside)}".rstrip("."))
    return Table(
        frame=frame.drop("path"),
        columns=_columns(frame),
        stores={"image": found.store},
        title=found.title,
        kind=found.kind,
        said=(_summary(frame, classes, found.label_from), *part_said, *group_said, *found.said),
        doubts=(*found.doubts, *class_doubts, *part_doubts, *group_doubts),
        hints={**found.hints, "classes": classes, **hints},
    )


def _frame(found: Found, options: Options) -> pl.DataFrame:
    columns: dict[str, Sequence[str | None]] = {"image": found.references, "path": found.paths or found.references}
    if found.labels is not None and options.target != "none":
        columns["target"] = [tidy(label) for label in found.labels]
    if found.parts is not None:
        columns["part"] = found.parts
    if found.groups is not None:
        columns["group"] = found.groups
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def tidy(label: str | None) -> str | None:
    """A class name in one Unicode form, without spaces around it; an empty one is no label.

    macOS takes accents apart in file names, so that one class from two machines would be two.
    """
    if label is None:
        return None
    return (label if label.isascii() else unicodedata.normalize("NFC", label)).strip() or None


# ---- classes


def _choose_classes(frame: pl.DataFrame, options: Options) -> tuple[pl.DataFrame, list[str]]:
    """Merge, then leave out, then keep; items without a label are left out of labelled data."""
    wanted = {"--merge": options.merge, "--exclude": options.exclude, "--classes": options.classes}
    if "target" not in frame.columns:
        for option, value in wanted.items():
            if value:
                raise UsageError(f"{option} needs classes, and these data have none")
        return frame, []
    doubts = []
    unlabelled = frame["target"].null_count()
    if unlabelled == len(frame):
        return frame.drop("target"), ["No item has a label"]
    if unlabelled:
        frame = frame.drop_nulls("target")
        doubts.append(f"{many(unlabelled, 'item')} without a label left out; predict them afterwards")
    frame = _merge(frame, options.merge)
    if options.exclude:
        frame = frame.filter(~pl.col("target").is_in(_known(frame, options.exclude, "--exclude")))
    if options.classes:
        frame = frame.filter(pl.col("target").is_in(_known(frame, options.classes, "--classes")))
    elif not options.merge:
        doubts += _case_doubts(frame["target"].unique().to_list())
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


def _use(tables: Sequence[str]) -> str:
    return f" To take the labels from a table give it instead: {tables[0]}." if tables else ""


def _check_two(classes: Sequence[str], items: int, found: Found) -> None:
    if len(classes) == 1:
        raise DataError(
            f'only one class: "{classes[0]}" ({many(items, "item")}, from {found.label_from or "labels"}) '
            f"in {found.title}; classifying needs two or more.{_use(found.tables_beside)} "
            "Pictures without labels cannot be learned from; to look at them: penjing inspect DATA --target none"
        )


# ---- parts and groups


def _settle_parts(frame: pl.DataFrame, options: Options) -> tuple[pl.DataFrame, list[str], list[str]]:
    if "part" not in frame.columns or options.split == "none":
        return frame.drop("part", strict=False), [], []
    parts, said, doubts = _parts.settle(frame["part"].to_list())
    if parts is None:
        return frame.drop("part"), said, doubts
    return frame.with_columns(pl.Series("part", parts, dtype=pl.String)), said, doubts


def _strays(frame: pl.DataFrame) -> list[str]:
    """Doubts about classes that are tested and never learned."""
    if "part" not in frame.columns:
        return []
    tested = set(frame.filter(pl.col("part") == "test")["target"].to_list())
    learned = set(frame.filter(pl.col("part").ne_missing("test"))["target"].to_list())
    return [
        f'Class "{name}" is only in the test part and cannot be learned; leave it out with --exclude'
        for name in sorted(tested - learned, key=natural_key)
    ]


def _group(
    frame: pl.DataFrame, found: Found, options: Options
) -> tuple[pl.DataFrame, list[str], list[str], dict[str, object]]:
    """The frame with its groups, what is said, what is doubted, and the hints of a guess."""
    paths = frame["path"].to_list()
    if options.group_from:
        if found.groups is not None and options.group:
            raise UsageError("--group and --group-from both name the groups; give one of them")
        if found.paths is None and paths and paths[0].isdigit():
            raise UsageError("--group-from looks at file names, and these items have none; give the groups as a column")
        groups, sentence = _groups.groups_of(paths, options.group_from)
        frame = frame.with_columns(pl.Series("group", groups, dtype=pl.String))
        return frame, [sentence], _confounded(frame), {}
    if "group" in frame.columns:
        number = frame["group"].drop_nulls().n_unique()
        doubts = _confounded(frame)
        return frame, [f"{many(number, 'group')}, never parted by the split"], doubts, {}
    guessed = _groups.guess(paths)
    if guessed is None:
        return frame, [], [], {}
    return frame, [], [guessed.doubt], {"group_pattern": guessed.pattern, "groups": guessed.groups}


def _confounded(frame: pl.DataFrame) -> list[str]:
    """A doubt where each class is one group, so that a part of the split must miss whole classes."""
    if "target" not in frame.columns:
        return []
    known = frame.drop_nulls("group")
    groups = known["group"].n_unique()
    if groups > 1 and groups == known["target"].n_unique() == known.select("target", "group").n_unique():
        return ["Each class is one single group, so that no group can be tested without its class being unknown"]
    return []


# ---- words


def _columns(frame: pl.DataFrame) -> tuple[Column, ...]:
    columns = [Column("image", "input", "image")]
    if "target" in frame.columns:
        columns.append(Column("target", "target", "category"))
    if "group" in frame.columns:
        columns.append(Column("group", "group", "category"))
    if "part" in frame.columns:
        columns.append(Column("part", "part", "category"))
    return tuple(columns)


def _summary(frame: pl.DataFrame, classes: Sequence[str], label_from: str) -> str:
    """The first sentence: "900 images in 3 classes (folder names): healthy 512, early 260, late 128"."""
    if not classes:
        return f"{many(len(frame), 'image')} without labels"
    counts = dict(frame["target"].value_counts().iter_rows())
    ordered = sorted(classes, key=lambda name: -counts[name])  # stable: equal counts stay in natural order
    biggest, smallest = ordered[0], ordered[-1]
    if counts[biggest] == counts[smallest]:
        detail = f"{counts[biggest]:,} each"
    elif len(classes) <= _COUNTED_CLASSES:
        detail = ", ".join(f"{name} {counts[name]:,}" for name in ordered)
    else:
        detail = f"from {counts[smallest]:,} ({smallest}) to {counts[biggest]:,} ({biggest})"
    origin = f" ({label_from})" if label_from else ""
    return f"{many(len(frame), 'image')} in {many(len(classes), 'class')}{origin}: {detail}"


def many_values(labels: Sequence[str | None], label_from: str) -> list[str]:
    """A doubt where a label has so many different values that it is hardly a class."""
    known = [label for label in labels if label is not None]
    distinct = len(set(known))
    if distinct > max(20, _MOST_CLASSES * len(known)):
        return [
            f"{label_from} has {distinct:,} different values in {many(len(known), 'row')}; is it a class? See --target"
        ]
    return []
