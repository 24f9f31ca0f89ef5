"""One column tells the class nearly alone and nearly without fail: too good to be true.

**What it sees.** That nearly every answer on validation items is right, and that exchanging the values of one column
of several between items costs nearly all that exchanging all of them costs, by the same metric, while no other column
costs much.

**Why it is bad.** Such a column most often holds the answer: it was filled in after the fact, or made from the target.
Where the network is to be used it will not be known, and the score is worth nothing.

**Known false alarms.** Some classes are told by one number: a weight limit, a temperature, a rule of the house. Then
no network is needed.

**What to do.** Ask when and from what the column is filled in. Leave it out with --input, and see what is left.
"""

from __future__ import annotations

from penjing.checks import NotExamined, class_answers, inputs_of, lacks_all
from penjing.checks._examples import example_classes, example_inputs
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("inputs.varies", "items.target", "items.predicted", "items.probability", "items.model")
PICTURE = "contributions"
FEWEST, COLUMNS = 30, 3  # validation items, and columns with a contribution
RIGHT = 0.97  # of the answers
ALONE, OTHERS = 0.8, 0.15  # of what all columns give together: of the column, and of any other


def look(record: Record) -> Finding | NotExamined | None:
    """The column that tells all, or None; nothing can be told where it is not known what all columns give together."""
    assert record.items is not None
    inputs = inputs_of(record)
    items = class_answers(record)
    if len(items) < FEWEST:
        return None
    if lacks_all(inputs):
        return NotExamined("leaking_input", ("inputs.drop_all",))
    if "drop_all" not in inputs.columns:  # one input
        return None
    drops = inputs.drop_nulls(["drop", "drop_all"]).sort("drop", descending=True)
    right = float((items["target"] == items["predicted"]).mean())  # type: ignore[arg-type]
    if len(drops) < COLUMNS or right < RIGHT or drops["drop_all"][0] <= 0:
        return None
    first, second = (float(drops["drop"][place] / drops["drop_all"][place]) for place in (0, 1))
    if first < ALONE or second > OTHERS:
        return None
    name = str(drops["column"][0])
    return Finding(
        name="leaking_input",
        level="warning",
        message=f'It is too good to be true: {right:.1%} are right, and nearly all of that rests on "{name}" alone. '
        "Ask when and from what that column is filled in, and leave it out with --input to see what is left.",
        evidence={"column": name, "right": right, "alone": first, "next": second},
        remedies=("--input",),
    )


def sick() -> Record:
    """All right, by one column of three."""
    return _example(0.5, 0.01)


def healthy() -> Record:
    """All right, by three columns together."""
    return _example(0.3, 0.25)


def _example(first: float, others: float) -> Record:
    truth = [("cat", "dog")[row % 2] for row in range(100)]
    answers = example_classes({"network": [(name, name, 0.99) for name in truth]})
    return example_inputs(
        {"drop": first, "drop_all": 0.5}, {"column": "city", "drop": others, "drop_all": 0.5}, of=answers
    )
