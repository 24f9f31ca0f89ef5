"""An input that the network does without: exchanging its values between items costs nothing.

**What it sees.** How much of the metric on validation is lost when the values of an input are those of other items, on
average over several exchanges, with a 95% interval by item and group. It holds no loss, and its upper end is little
beside what is lost when all inputs are those of another item.

**Why it is bad.** It is not, but it is good to know: the input costs time to gather, decode and learn from. Among many
useless inputs a network may also learn what holds by chance.

**Known false alarms.** Two inputs that say the same each seem useless, because the other is still there: leave out one
at a time. Of a table with very many columns some are tried, drawn at random; which were not is in the evidence. Columns
that are the same for every item are `constant_input`'s.

**What to do.** Leave it out with --input, and see whether the score stays.

Source: L. Breiman, Random forests, Machine Learning 2001, for what exchanging tells.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import NotExamined, inputs_of, lacks_all, spoken
from penjing.checks._examples import example_inputs
from penjing.checks._trials import measured, unit_of
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("inputs.varies",)
PICTURE = "contributions"
# Of the metric (where it has no upper bound, of what the constant answer has): all inputs together must give that much,
# or none of them says anything.
USEFUL = 0.02
SMALL = 0.05  # of what all inputs together give: what a useless one may cost at most
FEWEST = 200  # validation items, to see that nothing is lost


def look(record: Record) -> Finding | NotExamined | None:
    """The inputs that contribute nothing, or None; nothing can be told where it is not known what all contribute."""
    inputs = inputs_of(record)
    if lacks_all(inputs):
        return NotExamined("useless_input", ("inputs.drop_all",))
    if not {"drop_low", "drop_high", "drop_all"} <= set(inputs.columns):  # one input
        return None
    tried = inputs.drop_nulls(["drop_low", "drop_high", "drop_all"])
    if len(inputs) < 2 or tried.is_empty() or tried["valid_items"].max() < FEWEST:  # type: ignore[operator]
        return None
    unit = unit_of(tried.row(0, named=True))
    most = SMALL * pl.col("drop_all")
    useless = tried.filter(
        pl.col("varies").fill_null(value=True),
        pl.col("drop_all") >= USEFUL * unit,
        pl.col("drop_low") <= 0,
        pl.col("drop_high") <= most,
    )
    if useless.is_empty():
        return None
    names = [str(name) for name in useless["column"]]
    untried = [str(name) for name in inputs.filter(pl.col("drop").is_null())["column"]]
    at_most = max(0.0, float(useless["drop_high"].max()))  # type: ignore[arg-type]
    more = f" Not tried: {spoken(untried)}." if untried else ""
    return Finding(
        name="useless_input",
        level="info",
        message=f"The network does as well without {spoken(names)}: nothing is lost when the values are exchanged "
        f"between items, or {measured(at_most, unit)} at most. Leaving it out with --input may cost nothing.{more}",
        evidence={"inputs": names, "at_most": at_most, "untried": untried},
        remedies=("--input",),
    )


def sick() -> Record:
    """A column that matters, and one that does not."""
    return example_inputs(
        {"drop": 0.001, "drop_low": -0.003, "drop_high": 0.005}, {"column": "city", "valid_items": 300}
    )


def healthy() -> Record:
    """Columns that all matter a little."""
    return example_inputs({"drop": 0.01, "drop_low": 0.004, "drop_high": 0.016}, {"column": "city", "valid_items": 300})
