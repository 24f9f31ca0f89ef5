"""The sections of the page that only some tasks or data have: numbers, labels, and what each input contributes."""

from __future__ import annotations

from typing import Any

from penjing.core.report import _figures, _items, _sections, _tables, text
from penjing.core.report._pictures import Album
from penjing.core.report._read import RunFiles

LARGEST_ERRORS = 12
MOST_INPUTS = 15  # shown at once; the others open
MOST_LABELS = 1000


def numbers(files: RunFiles, album: Album) -> dict[str, Any] | None:
    """Predicted against true numbers, how errors spread, and the largest of them; None where no number is predicted."""
    errors = _tables.errors(files)
    figure = _figures.predicted_against_true(errors, bounds(files))
    if figure is None:
        return None
    target = files.classes[0] if files.classes else "target"
    spread = _figures.residuals(errors)
    off = errors["error"].abs()
    return {
        "target": target,
        "scatter": _sections.inline(figure, "scatter", f"Predicted against true {target}"),
        "residuals": _sections.inline(spread, "residuals", "How many answers are too low and too high, by how much"),
        "items": len(errors),
        "shown": min(len(errors), _figures.MOST_POINTS),
        "middle": text.show_number(off.median()),  # type: ignore[arg-type]
        "interval": _interval(files),
        "largest": [_largest(row, files, album) for row in errors.head(LARGEST_ERRORS).iter_rows(named=True)],
    }


def bounds(files: RunFiles) -> tuple[float, float] | None:
    """What to add to an answer for the lower and the upper end of its interval."""
    below, above = files.results.get("below"), files.results.get("above")
    return None if below is None or above is None else (float(below), float(above))


def _interval(files: RunFiles) -> dict[str, str] | None:
    ends = bounds(files)
    if ends is None:
        return None
    below, above = (_signed(end) for end in ends)
    return {"coverage": text.show_percent(files.results.get("coverage")), "below": below, "above": above}


def _signed(value: float) -> str:
    return ("−" if value < 0 else "+") + text.show_number(abs(value))


def _largest(row: dict[str, Any], files: RunFiles, album: Album) -> _items.Item:
    return _items.Item(
        name=str(row["name"]),
        short_name=_items.short(str(row["name"])),
        picture=album.show(row["hash"]),
        given=text.show_number(row["target"]),
        predicted=text.show_number(row["predicted"]),
        stated=_signed(row["error"]),
        believed="",
        cells=_items.cells_of(files, row["hash"]),
    )


def labels(files: RunFiles) -> list[dict[str, Any]]:
    """The rows of the table of labels, the hardest first."""
    return _tables.per_label(files).head(MOST_LABELS).rows(named=True)


def contributions(files: RunFiles) -> dict[str, Any] | None:
    """What each input contributes, the most important first; None where it was not measured."""
    found = _tables.contributions(files)
    if found.is_empty():
        return None
    metric = str(found["metric"][0])
    longest = max(float(found["drop"].max() or 0.0), 0.0)  # type: ignore[arg-type]
    rows = [
        {
            "name": row["input"],
            "type": row["type"],
            "value": text.show_value(row["value"], metric),
            "drop": _drop(row["drop"], metric),
            "length": round(100 * max(row["drop"], 0.0) / longest, 1) if longest else 0,
        }
        for row in found.iter_rows(named=True)
    ]
    kept = text.floor_scores(files.results)
    return {
        "metric": text.metric_name(metric),
        "whole": text.show_value(kept[0]["value"], metric) if kept else "",
        "rows": rows[:MOST_INPUTS],
        "rest": rows[MOST_INPUTS:],
        "matters": longest > 0,
    }


def _drop(value: float, metric: str) -> str:
    """By how much the metric is worse: points for shares, else in its own units; nothing where it is not."""
    if value <= 0:
        return "–"
    if metric in text.SHARES:
        return f"{100 * value:.1f} points"
    return text.show_value(value, metric)
