"""The numbers behind a finding, and what would help most: what a check went by and what experiments gave, in small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penjing.core.finding import FOLLOWS_FROM, Finding
from penjing.core.report import text
from penjing.core.report._treatments import scale

MOST_NUMBERS, MOST_OF_ONE = 12, 4  # of a finding, and of one entry of its evidence
LONGEST = 48  # letters of a name
WHOLE = 0.9  # of the updates: a shorter training is told as such
# What names items by their content, or is told by the sentence already.
UNTOLD = (FOLLOWS_FROM, "hashes", "taken_for")


def evidence(finding: Finding) -> list[tuple[str, str]]:
    """(name, value) of what the check went by, as the page shows it; what is no number, name or few of them is left
    out."""
    found = [pair for name, value in finding.evidence.items() if name not in UNTOLD for pair in _pairs(name, value)]
    return found[:MOST_NUMBERS]


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    label = name.replace("_", " ")
    if isinstance(value, Mapping):
        known = [(part, _value(one)) for part, one in value.items() if _value(one)]
        yield from ((f"{label}, {_short(str(part))}", one) for part, one in known[:MOST_OF_ONE])
        if len(known) > MOST_OF_ONE:
            yield label, f"{len(known) - MOST_OF_ONE:,} more"
    elif isinstance(value, list | tuple):
        known_values = [one for one in map(_value, value) if one]
        more = f" and {len(known_values) - MOST_OF_ONE:,} more" if len(known_values) > MOST_OF_ONE else ""
        if known_values:
            yield label, ", ".join(known_values[:MOST_OF_ONE]) + more
    elif shown := _value(value):
        yield label, shown


def _value(value: Any) -> str:
    """A number or a name for people; "" where it is neither."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return text.show_number(value).replace("-", "−")
    return _short(value) if isinstance(value, str) else ""


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def helps(found: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What would help most, each with a drawing of its gain and the interval of that; None where nothing is known.

    Args:
        found: `what`, `gain`, `low`, `high`, `metric`, `share` (of the run's updates) and `why`, the best first; `gain`
            is None where no experiment tells it, and `why` says why none can.
    """
    known = [one for one in found if one["gain"] is not None]
    if not known:
        return None
    place = scale([value for one in known for value in (one["low"], one["high"])])
    unknown = [one["what"] + (f" ({one['why']})" if one["why"] else "") for one in found if one["gain"] is None]
    metric = text.metric_name(str(known[0]["metric"]))
    return {"metric": metric, "zero": place(0.0), "known": [_row(one, place) for one in known], "unknown": unknown}


def _row(one: Mapping[str, Any], place: Any) -> dict[str, Any]:
    low, high = place(one["low"]), place(one["high"])
    is_short = one["share"] < WHOLE
    notes = ["may be chance"] if one["low"] <= 0 <= one["high"] else []
    notes += [f"of trainings with {text.show_percent(one['share'])} of its updates"] if is_short else []
    return {
        "name": one["what"],
        "class": "helped" if one["low"] > 0 else "hurt" if one["high"] < 0 else "unclear",
        "gain": text.show_effect(one["gain"], one["low"], one["high"], str(one["metric"])),
        "note": ", ".join(notes),
        "at": place(one["gain"]),
        "low": low,
        "span": round(high - low, 2),
    }
