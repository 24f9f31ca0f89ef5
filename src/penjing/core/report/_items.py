"""Single items on the page: galleries of them, and the confusion matrix whose cells open them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.core.report import _tables
from penjing.core.report._pictures import Album, overlay
from penjing.core.report._read import RunFiles
from penjing.core.report.text import show_percent

# Up to this many classes the confusion matrix is shown whole, beyond it as a list of pairs.
WHOLE_MATRIX = 25
PAIRS_BESIDE_MATRIX = 8
CONFUSED_PAIRS = 30
PICTURES_PER_CELL = 12
# Longer class names stand on their side above the matrix.
UPRIGHT_LETTERS = 3
MOST_CELLS = 6


@dataclass(frozen=True)
class Item:
    """One item as the page shows it.

    Attributes:
        name: the file's name, with its path.
        short_name: the end of it, folder and file.
        picture: a data URI, or "".
        heat: a data URI of where the network looked, or "".
        cells: column and what stands there, the telling ones first; one column needs no name.
        given: the given class.
        predicted: the predicted class.
        stated: the probability of the answer, "97%".
        believed: the probability of the given class, "1%".
    """

    name: str
    short_name: str
    picture: str
    given: str
    predicted: str
    stated: str
    believed: str
    heat: str = ""
    cells: tuple[tuple[str, str], ...] = ()


def show_item(row: Mapping[str, Any], files: RunFiles, album: Album, heat: Mapping[str, Any] | None = None) -> Item:
    return Item(
        name=str(row["name"]),
        short_name=short(str(row["name"])),
        picture=album.show(row["hash"]),
        given=str(row["target"]),
        predicted=str(row["predicted"]),
        stated=show_percent(row["stated"]),
        believed=show_percent(row["given"]),
        heat=album.show_heat(row["hash"], heat[row["hash"]]) if heat else "",
        cells=cells_of(files, row["hash"]),
    )


def short(name: str) -> str:
    """The end of a name: folder and file."""
    return "/".join(name.replace("\\", "/").split("/")[-2:])


def cells_of(files: RunFiles, item: str) -> tuple[tuple[str, str], ...]:
    """What an item holds: its texts first, then the columns that contribute most; at most `MOST_CELLS`."""
    cells = files.cells.get(item) or {}
    rank = {str(one.get("column")): place for place, one in enumerate(files.results.get("contributions") or [])}
    kinds = files.columns
    ordered = sorted(cells, key=lambda name: (kinds.get(name) != "text", rank.get(name, len(rank))))
    return tuple((name if len(ordered) > 1 else "", cells[name]) for name in ordered[:MOST_CELLS])


def gallery(
    files: RunFiles, rows: pl.DataFrame, with_heat: bool = False
) -> tuple[list[np.ndarray], list[tuple[str, ...]]]:
    """The pictures of some items with their captions, those with a picture only.

    Args:
        with_heat: whether to show where the network looked instead of the bare picture.
    """
    shown = [row for row in rows.iter_rows(named=True) if row["hash"] in files.pictures]
    pictures = [files.pictures[row["hash"]] for row in shown]
    if with_heat:
        pictures = [overlay(files.pictures[row["hash"]], files.heat[row["hash"]]) for row in shown]
    return pictures, [(f"{show_percent(row['stated'])} {row['predicted']}", f"given {row['target']}") for row in shown]


def confusion(files: RunFiles, album: Album) -> dict[str, Any] | None:
    """The matrix for few classes, the most confused pairs for many; the cells know their items."""
    pairs = _tables.confusion(files)
    if pairs.is_empty():
        return None
    names = files.classes or sorted(set(pairs["given"]))
    wrong = pairs.filter(pl.col("given") != pl.col("predicted"))
    is_whole = len(names) <= WHOLE_MATRIX
    shown = pairs if is_whole else wrong.head(CONFUSED_PAIRS)
    pictures = _items_by_cell(files, album, shown)
    cells = {
        (given, predicted): {
            "id": f"cell-{number}",
            "given": given,
            "predicted": predicted,
            "items": items,
            "share": show_percent(share),
            # The root makes rare confusions visible beside the frequent right answers.
            "heat": round(min(90 * math.sqrt(share), 60)),
            "pictures": pictures.get((given, predicted), []),
        }
        for number, (given, predicted, items, share) in enumerate(shown.iter_rows())
    }
    matrix = [(given, [cells.get((given, predicted)) for predicted in names]) for given in names]
    listed = wrong.head(PAIRS_BESIDE_MATRIX if is_whole else CONFUSED_PAIRS)
    return {
        "names": names,
        "is_turned": max(map(len, names), default=0) > UPRIGHT_LETTERS,
        "rows": matrix if is_whole else [],
        "pairs": [cells[pair] for pair in listed.select("given", "predicted").iter_rows()],
        "popovers": [cell for cell in cells.values() if cell["pictures"]],
        "items": int(pairs["items"].sum()),
    }


def _items_by_cell(files: RunFiles, album: Album, cells: pl.DataFrame) -> dict[tuple[str, str], list[Item]]:
    """The items of some cells, the surest answers first; mistakes take the album's budget before right answers."""
    rows = _tables.with_probability(files)
    if rows.is_empty():
        return {}
    wanted = rows.join(cells, left_on=["target", "predicted"], right_on=["given", "predicted"], how="semi")
    is_right = pl.col("target") == pl.col("predicted")
    ordered = wanted.with_columns(is_right.alias("right")).sort(
        ["right", "stated", "hash"], descending=[False, True, False]
    )
    kept = ordered.filter(pl.int_range(pl.len()).over("target", "predicted") < PICTURES_PER_CELL)
    found: dict[tuple[str, str], list[Item]] = {}
    for row in kept.iter_rows(named=True):
        found.setdefault((row["target"], row["predicted"]), []).append(show_item(row, files, album))
    return found


def show_items(rows: pl.DataFrame, files: RunFiles, album: Album, heat: Mapping[str, Any] | None = None) -> list[Item]:
    """Items as the page shows them, with where the network looked if `heat` is given."""
    return [show_item(row, files, album, heat) for row in rows.iter_rows(named=True)]
