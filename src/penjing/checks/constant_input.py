"""An input is the same for every item, so nothing can be learned from it.

**What it sees.** Whether what the network gets of an input differs between training items at all.

**Why it is bad.** It costs time and weights and tells nothing. Where it is the only input, the network can only learn
the most frequent answer; most often something went wrong on the way from the data to the network.

**Known false alarms.** None: a column that is constant in the training part is no use to this network, even where
later data vary in it.

**What to do.** Look at the data with penjing inspect, and at your own preprocessing; leave the column out with
--input.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import inputs_of, spoken
from penjing.checks._examples import example_inputs
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("inputs.varies",)
PICTURE = "contributions"


def look(record: Record) -> Finding | None:
    """The constant inputs, or None."""
    inputs = inputs_of(record)
    constant = inputs.filter(pl.col("varies").not_())
    if constant.is_empty():
        return None
    names = [str(name) for name in constant["column"]]
    is_all = len(constant) == len(inputs)
    # The front end of a table leaves its constant columns out; any other input is looked at all the same.
    is_grave = is_all or bool((constant["modality"] != "table").any())
    return Finding(
        name="constant_input",
        level="error" if is_all else "warning" if is_grave else "info",
        message=f"The same for every training item, so that nothing can be learned from it: {spoken(names)}. Look at "
        "the data with penjing inspect, or leave it out with --input.",
        evidence={"inputs": names},
        remedies=("--input",),
    )


def sick() -> Record:
    """A picture that is black for everyone."""
    black = {"input": "scan", "column": "scan", "modality": "image", "varies": False, "scale": 0.0, "drop": 0.0}
    return example_inputs(black)


def healthy() -> Record:
    """Two columns that vary."""
    return example_inputs({})
