"""This machine could do the same arithmetic much faster another way.

**What it sees.** Seconds an update with the recipe's threads, layout and number format, beside the fastest of the
other ways that give the same result on this machine: one thread or as many as there are cores, either layout of
pictures, either number format. And whether the recipe's own way gives the result of float32 at all.

**Why it is bad.** The same time would hold more updates.

**Known false alarms.** On a machine that does other work meanwhile, times scatter: only clear differences count. A
recipe from another machine was right there.

**What to do.** Take the faster way with --set machine.…; its weights differ in their last bits.
"""

from __future__ import annotations

import polars as pl

from penjing.checks._examples import example_trials
from penjing.checks._trials import trials_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.arithmetic",)
PICTURE = "trials"
TIMES = 1.5
MUCH = 3.0  # times: less is good to know, for it changes no answer and depends on what else the machine does
MATTERS = 0.002  # seconds an update: below, nearly nothing is arithmetic


def look(record: Record) -> Finding | None:
    """How much faster it could be, or that the own way is wrong, or None."""
    rows = trials_of(record, "arithmetic").sort("seconds")
    own = rows.filter(is_own=True)
    if own.is_empty() or not own["seconds"][0]:
        return None
    # Older runs kept only what is right, and do not say so.
    right = rows.filter(pl.col("is_right").fill_null(value=True)) if "is_right" in rows.columns else rows
    if right.is_empty():
        return None
    mine, best = own.row(0, named=True), right.row(0, named=True)
    taken, is_wrong = float(mine["seconds"]), mine.get("is_right") is False
    if not is_wrong and (taken < TIMES * best["seconds"] or taken < MATTERS):
        return None
    told = (
        f"The arithmetic of the recipe ({mine['setting']}) does not give the results of float32 on this machine, which "
        f"{best['setting']} does in {1000 * best['seconds']:.3g} ms an update."
        if is_wrong
        else f"An update takes {1000 * taken:.3g} ms with {mine['setting']}, and {1000 * best['seconds']:.3g} ms with "
        f"{best['setting']}."
    )
    return Finding(
        name="slow_kernels",
        level="warning" if is_wrong or taken >= MUCH * best["seconds"] else "info",
        message=f"{told} Take that with {best['option']}.",
        evidence={
            "seconds": taken,
            "best_seconds": float(best["seconds"]),
            "is_wrong": is_wrong,
            "machine": _machine(str(best["option"])),
        },
        remedies=(str(best["option"]),),
    )


def _machine(option: str) -> dict[str, str | int]:
    """The choices behind "--set machine.number_format=float32 --set machine.threads=2"."""
    chosen = [part.partition("=") for part in option.split() if part.startswith("machine.")]
    return {
        name.removeprefix("machine."): int(value) if value.isdigit() else value for name, _, value in chosen if value
    }


def sick() -> Record:
    """Five times as fast with one thread and another format."""
    return _example(0.04)


def healthy() -> Record:
    """As fast either way."""
    return _example(0.009)


def _example(seconds: float) -> Record:
    one = {
        "experiment": "arithmetic",
        "setting": "float32, 2 threads",
        "is_own": True,
        "seconds": seconds,
        "option": "",
    }
    other = {
        "experiment": "arithmetic",
        "setting": "bfloat16, 1 thread",
        "is_own": False,
        "seconds": 0.008,
        "option": "--set machine.number_format=bfloat16 --set machine.threads=1",
    }
    return example_trials({"is_own": None, "option": ""}, one, other)
