"""The last steps every source shares: classes chosen and joined, groups, the given split, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from penjing.core.errors import UsageError
from penjing.core.table import Column, Role, Store, Table
from penjing.sources import _groups, _parts
from penjing.sources._classes import check_two, choose_classes, drop_unlabelled, strays
from penjing.sources._listing import natural_key
from penjing.sources._media import is_of_files, noun
from penjing.sources._options import Options
from penjing.sources._target import LABELS, Target, as_labels
from penjing.sources._words import many

# Up to this many classes are counted one by one.
_COUNTED_CLASSES = 8


@dataclass
class Found:
    """What a source read, before the options about classes, groups and parts are applied.

    Attributes:
        inputs: the input columns under the names that they have in the table; references or cells.
        modalities: each input's.
        stores: where the references of each column of files are read.
        title: what to call the data.
        kind: the source's name.
        settings: how the modality should read an input's cells, where that was told from them.
        target: what is to be predicted, or None when the data have no label.
        label_from: what the labels are, in a person's words: "folder names", 'column "label"'.
        target_name: the target's column, or columns with commas between; "" where there is none.
        parts: the given part of each item.
        groups: the group of each item, where a column holds it.
        times: the time of each item, Float64, where a column holds it.
        is_group_asked: whether a column that may hold the groups was named already, so that file names are not asked.
        paths: what `--group-from` and a split file look at, one for each item; row numbers where there are none.
        rows: which rows of a person's table the items are, from 0; () where they are all of them, or no rows.
        tables_beside: tables that lie beside the files and may hold the labels.
        said: what was understood so far.
        doubts: what may have been misunderstood so far.
        hints: machine-readable extras.
    """

    inputs: pl.DataFrame
    modalities: Mapping[str, str]
    stores: Mapping[str, Store]
    title: str
    kind: str
    paths: Sequence[str]
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    target: Target | None = None
    label_from: str = ""
    target_name: str = ""
    parts: Sequence[str | None] | None = None
    groups: Sequence[str | None] | None = None
    times: pl.Series | None = None
    is_group_asked: bool = False
    tables_beside: Sequence[str] = ()
    said: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    hints: dict[str, object] = field(default_factory=dict)
    rows: Sequence[int] = ()

    @property
    def item(self) -> str:
        """The modality that one item is, where there is one input of files or texts; else ""."""
        only = next(iter(self.modalities.values())) if len(self.modalities) == 1 else ""
        return only if only and (only == "text" or is_of_files(only)) else ""

    @property
    def word(self) -> str:
        """What one item is called: "image", "sound"; "item" where it holds several, "row" where it is only cells."""
        if self.item:
            return noun(self.item)
        return "item" if any(kind == "text" or is_of_files(kind) for kind in self.modalities.values()) else "row"


def found_files(references: Sequence[str], store: Store, modality: str, title: str, kind: str) -> Found:
    """Items that are one file each."""
    inputs = pl.DataFrame({modality: references}, schema={modality: pl.String})
    return Found(inputs, {modality: modality}, {modality: store}, title, kind, references)


def classes_of(labels: Sequence[str | None] | None) -> Target | None:
    """Labels that are known to be classes."""
    return None if labels is None else Target(as_labels(pl.Series(labels, dtype=pl.String)), "category")


def finish(found: Found, options: Options) -> Table:
    """The table of what was found, with the options applied and the sentences for people, the most telling first.

    Raises:
        DataError: nothing is left, or there is only one class.
        UsageError: an option names a class that does not exist, or needs what the data do not have.
    """
    frame, unlabelled = drop_unlabelled(_roles(found, options))
    frame, class_doubts = choose_classes(frame, options)
    if frame.is_empty():
        raise UsageError(
            f"no items of {found.title} are left after --classes, --exclude and --ignore; keep more of them"
        )
    frame, part_said, part_doubts = _settle_parts(frame, options)
    frame, group_said, group_doubts, hints = _group(frame, found, options)
    if "group" in frame.columns:
        # An item without a group is a group of its own; a missing value would make all of them one.
        frame = frame.with_columns(pl.col("group").fill_null(pl.format("alone: {}", "path")))
    classes = _classes(frame)
    if "target" in frame.columns:
        if frame["target"].dtype == pl.String:
            hint = _use(found.tables_beside)
            check_two(classes, len(frame), found.label_from, found.title, found.item, hint)
            part_doubts += strays(frame)
    elif found.tables_beside:
        part_doubts.append(f"No labels are known.{_use(found.tables_beside)}".rstrip("."))
    of_target = (*found.target.said,) if found.target and "target" in frame.columns else ()
    whole, columns = _joined(frame, found)
    rows = frame["row"].to_list()
    are_some = bool(found.rows) or len(rows) < len(found.inputs)
    return Table(
        frame=whole,
        columns=columns,
        stores=dict(found.stores),
        title=found.title,
        kind=found.kind,
        said=(_summary(frame, classes, found), *of_target, *part_said, *group_said, *found.said),
        doubts=(*found.doubts, *unlabelled, *class_doubts, *part_doubts, *group_doubts),
        hints={**found.hints, **_names(found, columns), "classes": classes, **hints},
        row_numbers=tuple((found.rows[row] if found.rows else row) + 1 for row in rows) if are_some else (),
    )


def _names(found: Found, columns: Sequence[Column]) -> dict[str, object]:
    """Column of the table → what the data call it, the target too."""
    names = found.hints.get("names")
    known = dict(names) if isinstance(names, Mapping) else {}
    known |= {one.name: found.target_name for one in columns if one.role == "target" and found.target_name}
    return {"names": known} if known else {}


def _roles(found: Found, options: Options) -> pl.DataFrame:
    """One row for each item with what it is for: row, path, and where there are any target, part, group and time."""
    columns = [pl.Series("row", range(len(found.inputs)), dtype=pl.Int64), pl.Series("path", found.paths, pl.String)]
    if found.target is not None and options.target != "none":
        columns.append(found.target.cells.alias("target"))
    if found.parts is not None:
        columns.append(pl.Series("part", found.parts, dtype=pl.String))
    if found.groups is not None:
        columns.append(pl.Series("group", found.groups, dtype=pl.String))
    if found.times is not None:
        columns.append(found.times.alias("time"))
    return pl.DataFrame(columns)


def _joined(frame: pl.DataFrame, found: Found) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """Inputs and roles as one frame, with its typed columns; a role whose name an input has gets an underscore."""
    columns = [Column(name, "input", kind, found.settings.get(name, {})) for name, kind in found.modalities.items()]
    target = found.target.modality if found.target else "category"
    kinds: dict[Role, str] = {"target": target, "group": "category", "part": "category", "time": "number"}
    names: dict[str, str] = {}
    for role, kind in kinds.items():
        if role in frame.columns:
            name: str = role
            while name in found.inputs.columns:
                name += "_"
            names[role] = name
            columns.append(Column(name, role, kind))
    picked = found.inputs if len(frame) == len(found.inputs) else found.inputs[frame["row"].to_list()]
    return picked.hstack(frame.drop("row", "path").rename(names)), tuple(columns)


def _classes(frame: pl.DataFrame) -> list[str]:
    if "target" not in frame.columns or frame["target"].dtype.is_numeric():
        return []
    values = frame["target"].explode(empty_as_null=True) if frame["target"].dtype.is_nested() else frame["target"]
    return sorted(values.drop_nulls().unique().to_list(), key=natural_key)


def _use(tables: Sequence[str]) -> str:
    return f" To take the labels from a table give it instead: {tables[0]}." if tables else ""


# ---- parts and groups


def _settle_parts(frame: pl.DataFrame, options: Options) -> tuple[pl.DataFrame, list[str], list[str]]:
    if "part" not in frame.columns or options.split == "none":
        return frame.drop("part", strict=False), [], []
    parts, said, doubts = _parts.settle(frame["part"].to_list())
    if parts is None:
        return frame.drop("part"), said, doubts
    return frame.with_columns(pl.Series("part", parts, dtype=pl.String)), said, doubts


def _group(
    frame: pl.DataFrame, found: Found, options: Options
) -> tuple[pl.DataFrame, list[str], list[str], dict[str, object]]:
    """The frame with its groups, what is said, what is doubted, and the hints of a guess."""
    paths = frame["path"].to_list()
    if options.group_from:
        if found.groups is not None and options.group:
            raise UsageError("--group and --group-from both name the groups; give one of them")
        if paths and all(path.isdigit() for path in paths):
            raise UsageError("--group-from looks at file names, and these items have none; give the groups as a column")
        groups, sentence = _groups.groups_of(paths, options.group_from)
        frame = frame.with_columns(pl.Series("group", groups, dtype=pl.String))
        return frame, [sentence], _confounded(frame), {}
    if "group" in frame.columns:
        number = frame["group"].drop_nulls().n_unique()
        doubts = _confounded(frame)
        return frame, [f"{many(number, 'group')}, never parted by the split"], doubts, {}
    guessed = None if found.is_group_asked else _groups.guess(paths)
    if guessed is None:
        return frame, [], [], {}
    return frame, [], [guessed.doubt], {"group_pattern": guessed.pattern, "groups": guessed.groups}


def _confounded(frame: pl.DataFrame) -> list[str]:
    """A doubt where each class is one group, so that a part of the split must miss whole classes."""
    if "target" not in frame.columns or frame["target"].dtype != pl.String:
        return []
    known = frame.drop_nulls("group")
    groups = known["group"].n_unique()
    if groups > 1 and groups == known["target"].n_unique() == known.select("target", "group").n_unique():
        return ["Each class is one single group, so that no group can be tested without its class being unknown"]
    return []


# ---- words


def _summary(frame: pl.DataFrame, classes: Sequence[str], found: Found) -> str:
    """The first sentence: "900 images in 3 classes (folder names): healthy 512, early 260, late 128"."""
    items = many(len(frame), found.word)
    if "target" not in frame.columns or found.target is None:
        return f"{items} without labels"
    origin = f" ({found.label_from})" if found.label_from else ""
    # What a sealed target is, no sentence tells.
    shown = frame.filter(pl.col("part").ne_missing("test")) if "part" in frame.columns else frame
    outside = " outside the test part" if 0 < len(shown) < len(frame) else ""
    targets = (shown if len(shown) else frame)["target"]
    if found.target.modality == "number":
        low, middle, high = (f"{value:,.6g}" for value in np.quantile(targets.to_numpy(), [0, 0.5, 1]))
        return f"{items} with a number to predict{origin}: {low} to {high}, median {middle}{outside}"
    if found.target.modality == LABELS:
        mean = targets.list.len().to_numpy().mean()
        return f"{items} with {many(len(classes), 'label')}{origin}, on average {mean:.2g} each{outside}"
    counts = dict(frame["target"].value_counts().iter_rows())
    ordered = sorted(classes, key=lambda name: -counts[name])  # stable: equal counts stay in natural order
    biggest, smallest = ordered[0], ordered[-1]
    if counts[biggest] == counts[smallest]:
        detail = f"{counts[biggest]:,} each"
    elif len(classes) <= _COUNTED_CLASSES:
        detail = ", ".join(f"{name} {counts[name]:,}" for name in ordered)
    else:
        detail = f"from {counts[smallest]:,} ({smallest}) to {counts[biggest]:,} ({biggest})"
    return f"{items} in {many(len(classes), 'class')}{origin}: {detail}"
