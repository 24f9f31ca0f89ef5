"""What is in the data and what is wrong with them, before anything is learned.

    data → survey (hash, header, duplicates, parts) → checks → Inspection → suspects, contact sheet

Nothing here needs torch. Of the test part only readability, shapes, target counts and content hashes are used, and
its items are never shown.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing import checks
from penjing.checks import NotExamined
from penjing.core import finding as findings
from penjing.core.budget import DEFAULT_SECONDS, Clock
from penjing.core.cache import CachedColumn
from penjing.core.events import Said, Watch, tell
from penjing.core.files import at_home, write_atomically
from penjing.core.finding import Finding, Level
from penjing.core.record import Record, Survey
from penjing.core.report import NOUNS
from penjing.core.table import PARTS
from penjing.workflows._columns import columns_of
from penjing.workflows._contact_sheet import check_sheet, contact_sheet
from penjing.workflows._prepare import DataWish, Prepared, notices, prepare
from penjing.workflows._slots import FileSlot

__all__ = ["Inspection", "check_sheet", "contact_sheet", "inspect", "write_suspects"]

# What the class of an item without a label is called in `counts`.
NO_LABEL = "(no label)"
_BLOCK = 8192  # thumbnails held at once
_LISTED = 30  # classes counted, and columns told, on a terminal
_WIDEST = 24  # letters of a column's name on a terminal
_OF_PICTURES = ("height", "width", "channels", "pages", "format")


@dataclass(frozen=True)
class Inspection:
    """What `inspect` saw.

    Attributes:
        title: what the data are called.
        findings: what is wrong or good to know, the gravest first.
        not_examined: the checks that could not look, without those of what such data never have.
        counts: one row per class (or label, or number to predict): `class`, the number of its items in `train`,
            `valid`, `confirm`, `test`, and `total`.
        columns: of a table, outside the test part: one row per column that holds its values itself, as
            `core.record.Record.columns` says; None where there are none.
        sizes: of the pictures outside the test part: least, median and largest height and width, formats, canvas.
        survey: what the checks looked at.
        said: what was understood, in plain sentences.
        prepared: the data, decoded and dealt.
    """

    title: str
    findings: tuple[Finding, ...]
    not_examined: tuple[NotExamined, ...]
    counts: pl.DataFrame
    sizes: Mapping[str, Any]
    columns: pl.DataFrame | None = field(repr=False)
    survey: Survey = field(repr=False)
    said: tuple[str, ...]
    prepared: Prepared = field(repr=False)

    @property
    def worst(self) -> Level | None:
        """The gravest level found, or None when nothing was."""
        return findings.worst(list(self.findings))

    @cached_property
    def suspects(self) -> pl.DataFrame:
        """Items that are likely to have a wrong label, as `write_suspects` writes them."""
        return _suspects(self.survey)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values, format 1."""
        return {
            "format": 1,
            "title": self.title,
            "items": len(self.survey.items),
            "unreadable": self.survey.items["error"].drop_nulls().len(),
            "classes": {row.pop("class"): row for row in self.counts.iter_rows(named=True)},
            "sizes": dict(self.sizes),
            "columns": [] if self.columns is None else self.columns.to_dicts(),
            "said": list(self.said),
            "worst": self.worst,
            "findings": [_plain(finding) for finding in self.findings],
            "not_examined": [_plain(check) for check in self.not_examined],
            "suspects": len(self.suspects),
        }

    def lines(self) -> list[str]:
        """The counts, the columns and the findings in plain words, for a terminal."""
        columns = [] if self.columns is None else ["", *_columns_told(self.columns)]
        return [*_counted(self.counts), *columns, "", *self._found()]

    def __str__(self) -> str:
        return "\n".join([*self.said, "", *self.lines()])

    def _found(self) -> list[str]:
        lines = [f"{finding.level}: {finding.message}" for finding in self.findings]
        blind: dict[str, list[str]] = {}
        for check in self.not_examined:
            blind.setdefault(check.message, []).append(check.name)
        lines += [f"{', '.join(names)}: {message}" for message, names in blind.items()]
        return lines or ["nothing was found to be wrong"]

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.said)
        found = "".join(f"<li>{html.escape(line)}</li>" for line in self._found())
        return f"<h3>{html.escape(self.title)}</h3>{said}<ul>{found}</ul>{_tables(self)}"


def inspect(data: object, wish: DataWish, watch: Watch = None, seconds: float = DEFAULT_SECONDS) -> Inspection:
    """Look at data without learning from them.

    Args:
        data: a path, arrays, a data frame or a Dataset.
        wish: what the person asked of the data. Unreadable items are reported, however many they are.
        watch: is told what happens.
        seconds: the time that `fit` will have. It settles the canvas, so that `fit` finds everything decoded; how long
            inspecting takes it does not.

    Raises:
        DataError: the data cannot be opened, or no item can be read.
        UsageError: an option does not fit the data.
    """
    prepared = prepare(data, replace(wish, most_unreadable=1.0), Clock(seconds, is_binding=False), watch)
    survey = _named(_with_pixels(prepared), prepared)
    noticed = notices(prepared)
    for sentence in noticed:
        tell(watch, Said(sentence))
    columns = columns_of(prepared)
    found = checks.examine(Record(survey, columns=columns), checks.names_for("survey", "columns"))
    return Inspection(
        title=survey.title,
        findings=tuple(item for item in found if isinstance(item, Finding)),
        not_examined=tuple(item for item in found if isinstance(item, NotExamined) and _could_look(item, prepared)),
        counts=_counts(survey, prepared.classes) if prepared.task == "classify" else _counts_of_task(prepared),
        columns=columns,
        sizes=_sizes(survey, None if prepared.pictures is None else prepared.pictures.decode.side),
        survey=survey,
        said=(*prepared.said, *noticed),
        prepared=prepared,
    )


def told_by_survey(prepared: Prepared) -> list[Finding]:
    """What reading the data alone finds in them, without a look at pixels and columns: it takes next to no time."""
    record = Record(_named(prepared.survey, prepared))
    return [one for one in checks.examine(record, checks.names_for("survey")) if isinstance(one, Finding)]


def _could_look(check: NotExamined, prepared: Prepared) -> bool:
    """Whether a check that did not look is about something that such data could have: pictures, columns, classes."""
    absent = {"columns"} if all(isinstance(slot, FileSlot) for slot in prepared.slots) else set()
    if prepared.pictures is None:
        absent |= {"survey.spread", "survey.height", "survey.width"}
    if prepared.table.target is not None and prepared.task != "classify":
        absent.add("survey.target")
    return not absent & set(check.missing)


def _with_pixels(prepared: Prepared) -> Survey:
    """The survey with what only decoding tells: each open item's `spread` of grey levels, and the canvas."""
    rows, slot = prepared.rows(*checks.OPEN_PARTS), prepared.pictures
    if slot is None:
        # What a video's header says of its frames is no size of a picture.
        return replace(prepared.survey, items=prepared.survey.items.drop(_OF_PICTURES, strict=False))
    if not isinstance(slot.cached, CachedColumn):
        return prepared.survey
    thumbnails = slot.cached.thumbnails()
    spread = [np.ptp(thumbnails[rows[start : start + _BLOCK]], axis=(1, 2)) for start in range(0, len(rows), _BLOCK)]
    known = pl.DataFrame(
        {"hash": [prepared.hashes[row] for row in rows], "spread": np.concatenate([np.empty(0, np.uint8), *spread])},
        schema={"hash": pl.String, "spread": pl.UInt8},
    )
    # Content decides, so copies of one item have one spread.
    items = prepared.survey.items.join(known.unique("hash"), on="hash", how="left", maintain_order="left")
    return replace(prepared.survey, items=items, hints={**prepared.survey.hints, "side": slot.decode.side})


def _named(survey: Survey, prepared: Prepared) -> Survey:
    """The survey that knows what one item is called."""
    kinds = [slot.modality for slot in prepared.slots]
    noun = NOUNS.get(kinds[0], "item") if len(kinds) == 1 else "item"
    return replace(survey, hints={**survey.hints, "noun": noun})


def _counts_of_task(prepared: Prepared) -> pl.DataFrame:
    """Items with each label, or with a known number, in each part."""
    dealt, parts = PARTS[:-1], prepared.split.frame["part"].to_numpy()
    truth = prepared.truth
    known = (truth > 0) if truth.ndim == 2 else np.isfinite(truth)[:, None]
    rows = []
    for place, name in enumerate(prepared.classes):
        counts = [int(known[parts == part, place].sum()) for part in dealt]
        rows.append((name, *counts, sum(counts)))
    columns = ("class", *dealt, "total")
    return pl.DataFrame(rows, {name: pl.String if name == "class" else pl.Int64 for name in columns}, orient="row")


def _counts(survey: Survey, classes: tuple[str, ...]) -> pl.DataFrame:
    """Items of each class in each part."""
    dealt = PARTS[:-1]
    used = survey.items.filter(pl.col("part").is_in(dealt)).with_columns(pl.col("target").fill_null(NO_LABEL))
    names = [*classes, *([NO_LABEL] if (used["target"] == NO_LABEL).any() and NO_LABEL not in classes else [])]
    counted = used.group_by(pl.col("target").alias("class")).agg(
        *((pl.col("part") == part).sum().cast(pl.Int64).alias(part) for part in dealt),
        pl.len().cast(pl.Int64).alias("total"),
    )
    ordered = pl.DataFrame({"class": names}, schema={"class": pl.String})
    return ordered.join(counted, on="class", how="left", maintain_order="left").fill_null(0)


def _sizes(survey: Survey, side: int | None) -> dict[str, Any]:
    items = checks.open_items(survey)
    found: dict[str, Any] = {
        name: [items[name].min(), items[name].median(), items[name].max()]
        for name in ("height", "width")
        if name in items.columns
    }
    if "format" in items.columns:
        found["formats"] = checks.counted(items["format"])
    return found if side is None else {**found, "canvas": side}


# ---- suspects


def write_suspects(inspection: Inspection, path: Path) -> int:
    """Write the items that are likely to have a wrong label as a table for a person to correct.

    In `label` stands the label as it is. Corrected there, or set to "drop", the file is given back with
    `fit --corrections`; rows left as they are change nothing. It begins with a byte order mark, so that Excel reads
    names in any script.

    Returns:
        The number of rows; a file with none has its header only.

    Raises:
        RunError: the file cannot be written.
    """
    text = inspection.suspects.write_csv(include_bom=True).encode("utf-8")
    write_atomically(at_home(path), lambda temporary: temporary.write_bytes(text))
    return len(inspection.suspects)


def _suspects(survey: Survey) -> pl.DataFrame:
    """Items outside the test part whose copy has another label, the surest first; one row an item."""
    pairs = checks.open_pairs(survey).filter(pl.col("target_a") != pl.col("target_b"))
    turned = pairs.select("kind", name_a="name_b", target_a="target_b", name_b="name_a", target_b="target_a")
    both = pl.concat([pairs.select(turned.columns), turned])
    is_exact = pl.col("kind") == "exact"
    thing = checks.noun(survey)
    same = pl.when(is_exact).then(pl.lit(f"the same {thing} as")).otherwise(pl.lit(f"nearly the same {thing} as"))
    rows = both.sort("kind", "name_a", "name_b").group_by("name_a", maintain_order=True).first()
    return rows.select(
        path="name_a",
        label="target_a",
        why=pl.format("{} {}, which is labelled {}", same, "name_b", "target_b"),
        suggestion=pl.format("{}, or drop", "target_b"),
    )


# ---- for people and for JSON


def _plain(thing: Finding | NotExamined) -> dict[str, Any]:
    """Its attributes as JSON has them: lists, not tuples."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(thing).items()}


def _shown(counts: pl.DataFrame) -> tuple[list[str], list[list[str]], str]:
    """Head, rows and a last line: the first classes, without the parts that have no item, the class at the end."""
    used = counts.select(*(name for name in counts.columns[1:] if counts[name].sum()), "class")
    rows = [[*(f"{number:,}" for number in row[:-1]), row[-1]] for row in used.head(_LISTED).iter_rows()]
    more = len(used) - _LISTED
    return used.columns, rows, f"… and {more:,} more classes" if more > 0 else ""


def _counted(counts: pl.DataFrame) -> list[str]:
    """One line a class, the numbers in front, where names of any script cannot push them out of line."""
    head, rows, more = _shown(counts)
    widths = [max(7, len(name) + 2) for name in head[:-1]]
    lines = [
        "".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False)) + f"  {row[-1]}"
        for row in [head, *rows]
    ]
    return [*lines, more] if more else lines


def _table(counts: pl.DataFrame) -> str:
    """The counts as an HTML table."""
    head, rows, more = _shown(counts)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{body}</table><p>{more}</p>"


def _columns_told(columns: pl.DataFrame) -> list[str]:
    """One line a column: type, share missing, how many different values, range; the name last, as in the counts."""
    head = f"{'type':<10}{'missing':>8}{'distinct':>10}  column"
    lines = []
    for row in columns.head(_LISTED).iter_rows(named=True):
        reach = f"  {row['least']} … {row['most']}" if row["least"] is not None else ""
        name = row["name"] if len(row["name"]) <= _WIDEST else row["name"][: _WIDEST - 1] + "…"
        lines.append(f"{row['type']:<10}{row['missing']:>8.1%}{row['distinct']:>10,}  {name}{reach}")
    more = len(columns) - _LISTED
    return [head, *lines, *([f"… and {more:,} more columns"] if more > 0 else [])]


def _tables(inspection: Inspection) -> str:
    return _table(inspection.counts) + _columns_table(inspection.columns)


def _columns_table(columns: pl.DataFrame | None) -> str:
    """The columns as an HTML table."""
    if columns is None:
        return ""
    shown = columns.select("name", "type", "missing", "distinct", "least", "most")
    cells = [
        [name, kind, f"{missing:.1%}", f"{distinct:,}", least or "", most or ""]
        for name, kind, missing, distinct, least, most in shown.iter_rows()
    ]
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells)
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in shown.columns)}</tr>{body}</table>"
