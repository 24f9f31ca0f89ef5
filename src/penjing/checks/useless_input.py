"""An input that the network does without: exchanging its values between items costs nothing.

**What it sees.** How much of the metric on validation is lost when the values of an input are those of other items.

**Why it is bad.** It is not, but it is good to know: the input costs time to gather, decode and learn from. Among many
useless inputs a network may also learn what holds by chance.

**Known false alarms.** Two inputs that say the same each seem useless, because the other is still there: leave out one
at a time. On few items small contributions cannot be seen.

**What to do.** Leave it out with --input, and see whether the score stays.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import inputs_of, spoken
from penjing.checks._examples import example_inputs
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("inputs.varies",)
PICTURE = "contributions"
USEFUL = 0.02  # of the metric: some input must cost that much, or none of them says anything
FEWEST = 200  # validation items, to see that nothing is lost


def look(record: Record) -> Finding | None:
    """The inputs that contribute nothing, or None."""
    if "drop" not in inputs_of(record).columns:  # where there is one input, nothing is exchanged
        return None
    inputs = inputs_of(record).drop_nulls("drop")
    if len(inputs) < 2 or inputs["valid_items"].max() < FEWEST or inputs["drop"].max() < USEFUL:  # type: ignore[operator]
        return None
    useless = inputs.filter(pl.col("drop") <= 0)
    if useless.is_empty():
        return None
    names = [str(name) for name in useless["column"]]
    return Finding(
        name="useless_input",
        level="info",
        message=f"The network does as well without {spoken(names)}: nothing is lost when the values are exchanged "
        "between items. Leaving it out with --input may cost nothing.",
        evidence={"inputs": names},
        remedies=("--input",),
    )


def sick() -> Record:
    """A column that matters, and one that does not."""
    return example_inputs({"drop": 0.0}, {"column": "city", "valid_items": 300})


def healthy() -> Record:
    """Columns that all matter a little."""
    return example_inputs({"drop": 0.01}, {"column": "city", "valid_items": 300})
