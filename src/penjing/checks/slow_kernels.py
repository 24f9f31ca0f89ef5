"""This machine could do the same arithmetic much faster another way.

**What it sees.** Seconds an update with the recipe's threads, layout and number format, beside the fastest of the
other ways that give the same result on this machine.

**Why it is bad.** The same time would hold more updates.

**Known false alarms.** On a machine that does other work meanwhile, times scatter: only clear differences count. A
recipe from another machine was right there.

**What to do.** Take the faster way with --set machine.…; its weights differ in their last bits.
"""

from __future__ import annotations

from penjing.checks._examples import example_trials
from penjing.checks._trials import trials_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("trials.arithmetic",)
PICTURE = "trials"
TIMES = 1.5
MATTERS = 0.002  # seconds an update: below, nearly nothing is arithmetic


def look(record: Record) -> Finding | None:
    """How much faster it could be, or None."""
    rows = trials_of(record, "arithmetic").sort("seconds")
    own = rows.filter(is_own=True)
    if own.is_empty() or not own["seconds"][0]:
        return None
    taken, best = float(own["seconds"][0]), rows.row(0, named=True)
    if taken < TIMES * best["seconds"] or taken < MATTERS:
        return None
    return Finding(
        name="slow_kernels",
        level="warning",
        message=f"An update takes {1000 * taken:.3g} ms with {own['setting'][0]}, and {1000 * best['seconds']:.3g} ms "
        f"with {best['setting']}. Take that with {best['option']}.",
        evidence={"seconds": taken, "best_seconds": float(best["seconds"]), "machine": _machine(str(best["setting"]))},
        remedies=(str(best["option"]),),
    )


def _machine(setting: str) -> dict[str, str | int]:
    """The choices behind "float32, 2 threads"."""
    name, _, threads = setting.partition(", ")
    return {"number_format": name, "threads": int(threads.split()[0].replace(",", ""))}


def sick() -> Record:
    """More than twice as fast with one thread and another format."""
    return _example(0.02)


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
