"""Which column of a table is the picture, the label, the part and the group; and the table that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from penjing.core.errors import UsageError, did_you_mean
from penjing.sources._finish import many_values
from penjing.sources._listing import is_picture
from penjing.sources._options import Options
from penjing.sources._parts import part_of

PATH_NAMES = (
    "path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "image_file", "image_name",
    "img", "img_path", "picture", "photo", "name", "路径", "文件", "文件名", "图片", "图像", "图片路径",
)  # fmt: skip
LABEL_NAMES = (
    "label",
    "class",
    "target",
    "category",
    "y",
    "labels",
    "classes",
    "class_name",
    "标签",
    "类别",
    "分类",
    "类",
)
PART_NAMES = ("split", "part", "subset", "partition", "set", "fold", "划分", "数据集", "集合")
GROUP_NAMES = ("group", "groups", "组", "分组")
# Columns that often name what belongs together, but are never taken as groups without being asked.
_LIKELY_GROUPS = ("patient", "patient_id", "subject", "subject_id", "animal", "person", "user", "病人", "患者")
# A column is one of paths when this share of its cells is named like pictures; so many cells are looked at.
_SHARE, _LOOK = 0.8, 200


@dataclass(frozen=True)
class Roles:
    """The columns by what they are for; None where there is none."""

    picture: str
    label: str | None
    part: str | None
    group: str | None


def recognise(frame: pl.DataFrame, options: Options, name: str) -> tuple[Roles, list[str], list[str]]:
    """The role of each column, what to say and what to doubt; the options go before what is recognised.

    Args:
        frame: the cells, text or pictures.
        options: `inputs`, `target`, `group` and `split` may name columns.
        name: what to call the table in messages.

    Raises:
        UsageError: an option names a column that does not exist, or it is not clear which column is the picture or
            the label; the message lists the columns.
    """
    picture = _picture(frame, options, name)
    part = _part(frame, options, picture)
    if options.group:
        _check(frame, options.group, "--group", name)
    group = options.group or _named(frame, GROUP_NAMES, {picture, part})
    label = _label(frame, options, {picture, part, group}, name)
    said = [f'The column "{picture}" holds the pictures']
    if group and not options.group:
        said.append(f'The column "{group}" holds the groups')
    doubts = [
        f'The column "{column}" may hold groups: use --group {column}, or the score will be too good'
        for column in frame.columns
        if not group and not options.group_from and column.casefold() in _LIKELY_GROUPS and column != label
    ]
    if label:
        doubts += many_values(frame[label].to_list(), f'column "{label}"')
    return Roles(picture, label, part, group), said, doubts


def _picture(frame: pl.DataFrame, options: Options, name: str) -> str:
    if len(options.inputs) > 1:
        raise UsageError(f"--input {', '.join(options.inputs)}: one input column can be learned from; name one")
    if options.inputs:
        return _check(frame, options.inputs[0], "--input", name)
    likely = [column for column in frame.columns if _holds_pictures(frame[column])]
    if len(likely) > 1:
        likely = [_named(frame.select(likely), PATH_NAMES, set()) or ""]
    if not likely:
        likely = [_named(frame, PATH_NAMES, set()) or ""]
    if not likely[0]:
        raise UsageError(f"it is not clear which column of {name} holds the pictures; say --input NAME, {_all(frame)}")
    return likely[0]


def _holds_pictures(series: pl.Series) -> bool:
    cells = series.drop_nulls().head(_LOOK)
    if series.dtype != pl.String:
        return series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object)
    return len(cells) > 0 and sum(map(is_picture, cells)) >= _SHARE * len(cells)


def _part(frame: pl.DataFrame, options: Options, picture: str) -> str | None:
    """The column with the given split; one that is only named so must hold nothing but parts."""
    if options.split in frame.columns:
        return options.split
    if options.split not in ("", "folder"):
        return None
    column = _named(frame, PART_NAMES, {picture, options.target})
    if column is None or frame[column].dtype != pl.String:
        return None
    return column if all(part_of(cell) for cell in frame[column].drop_nulls().unique()) else None


def _label(frame: pl.DataFrame, options: Options, taken: set[str | None], name: str) -> str | None:
    if options.target == "none":
        return None
    if options.target:
        return _check(frame, options.target, "--target", name)
    column = _named(frame, LABEL_NAMES, taken)
    if column is not None:
        return column
    left = [column for column in frame.columns if column not in taken and frame[column].dtype == pl.String]
    if len(left) > 1:
        raise UsageError(f"it is not clear which column of {name} holds the label; say --target NAME, {_all(frame)}")
    return left[0] if left else None


def _named(frame: pl.DataFrame, names: Sequence[str], taken: set[str | None]) -> str | None:
    """The column with the first of some names, in any case, or None."""
    folded = {column.strip().casefold().replace(" ", "_"): column for column in frame.columns if column not in taken}
    return next((folded[name] for name in names if name in folded), None)


def _check(frame: pl.DataFrame, column: str, option: str, name: str) -> str:
    if column not in frame.columns:
        raise UsageError(f'{option} {column}: {name} has no column "{column}"; {did_you_mean(column, frame.columns)}')
    return column


def _all(frame: pl.DataFrame) -> str:
    return "one of: " + ", ".join(frame.columns[:20]) + (" …" if len(frame.columns) > 20 else "")


def texts(frame: pl.DataFrame, column: str | None) -> list[str | None] | None:
    """The cells of a column as text, or None where there is no such column."""
    return None if column is None else frame[column].cast(pl.String).to_list()
