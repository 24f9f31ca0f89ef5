"""What was tried to make a training better, as its ledger tells it: the last treatment of a run."""

from __future__ import annotations

from typing import Any

from penjing.core.report import _tables, text
from penjing.core.report._read import RunFiles

MARGIN = 4.0  # percent of the drawing's width left free at either end
LONG = 1.25  # times the seconds, from which on a remedy's cost is said
WORDS = {
    "screened out": "no better on validation",
    "not tried": "not tried",
    "not applicable": "nothing to change",
    "failed": "its training failed",
    "looked good": "looked better, and was not judged",
}


def treatments(files: RunFiles) -> dict[str, Any] | None:
    """Verdicts with a drawing of each effect, what else was tried, and what came of it; None without a treatment."""
    ended: dict[str, Any] = next((line for line in reversed(files.ledger) if line.get("what") == "treated"), {})
    rows = _tables.treatments(files)
    if rows.is_empty() and not ended:
        return None
    told = list(rows.iter_rows(named=True))
    judged = [row for row in told if row["effect"] is not None]
    metric = str(ended.get("metric") or text.main_metric(files.results))
    place = scale([value for row in judged for value in (row["low"], row["high"])])
    return {
        "metric": text.metric_name(metric),
        "verdict": text.capitalised(str(ended.get("why") or "interrupted before it came to an end")),
        "origin": str(ended.get("origin") or "") if str(ended.get("origin") or "") != str(files.folder) else "",
        "run": str(ended.get("run") or ""),
        "zero": place(0.0),
        "judged": [_row(row, metric, place) for row in judged],
        "others": [
            {"name": row["remedy"], "finding": row["finding"], "outcome": WORDS.get(row["outcome"], row["outcome"]),
             "why": row["why"]}
            for row in told
            if row["effect"] is None
        ],
    }  # fmt: skip


def _row(row: dict[str, Any], metric: str, place: Any) -> dict[str, Any]:
    low, high = place(row["low"]), place(row["high"])
    return {
        "name": row["remedy"],
        "finding": row["finding"],
        "outcome": row["outcome"],
        "effect": text.show_effect(row["effect"], row["low"], row["high"], metric),
        "why": row["why"],
        "cost": f"{row['times']:.1f} × the time" if row["times"] is not None and row["times"] > LONG else "",
        "at": place(row["effect"]),
        "low": low,
        "span": round(high - low, 2),
        "changed": row["changed"],
    }


def scale(values: list[float]) -> Any:
    """Value → its place on the drawing in percent, zero always being on it."""
    least, most = min([0.0, *values]), max([0.0, *values])
    span = (most - least) or 1.0
    return lambda value: round(MARGIN + (100 - 2 * MARGIN) * (value - least) / span, 2)
