"""What may be wrong with data or with a run, one trouble a file.

A check is a file here with `NEEDS` (the readings of the record it looks at, and their columns: "survey",
"survey.height", or any of a kind: "steps.layer/*/grad_norm"), `look(record)`, which gives a Finding or None (or
NotExamined, where what there is does not suffice), and two example records, `sick()` and `healthy()`, by which the
contract test tries a check it has never heard of. Its docstring says what the check sees, why that is bad, when it is a
false alarm and what to do. `FOLLOWS`, where it has one, names the checks whose trouble brings this one about: where one
of them speaks, this one is good to know and no trouble of its own. A check of a training also has a `PICTURE`, the kind
of drawing in which a report shows what it found (see `core.report._doctor`).

A check reads the record and nothing else. Before the test part is opened no check may name a test item or say
anything that depends on its content or label; `open_items` and `open_pairs` leave those items out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from penjing.checks._answers import (
    CONSTANT,
    SIMPLE,
    Gain,
    ahead,
    chance_of,
    class_answers,
    clustering,
    constant_loss,
    gain,
    have_shares,
    of_classes,
    over_simple,
    units_of,
)
from penjing.core import plugins
from penjing.core.finding import FOLLOWS_FROM, Finding, Level
from penjing.core.record import Record, Survey

__all__ = [
    "CONSTANT",
    "FEWEST_GRADIENTS",
    "FLAT",
    "HAMPERS",
    "LEAKY",
    "LEAP",
    "LISTED",
    "LOSSES",
    "OPEN_PARTS",
    "SIMPLE",
    "Gain",
    "NotExamined",
    "ahead",
    "by_layer",
    "can_set",
    "chance_of",
    "choices_of",
    "class_answers",
    "clustering",
    "constant_loss",
    "counted",
    "early_noise",
    "exact_class",
    "examine",
    "first",
    "first_of",
    "gain",
    "have_shares",
    "inputs_of",
    "lacks_all",
    "lost_rows",
    "names_for",
    "noun",
    "of_classes",
    "open_items",
    "open_pairs",
    "over_simple",
    "series",
    "shown",
    "sound_steps",
    "spoken",
    "steps_of",
    "survey_of",
    "target_of",
    "units_of",
    "untrained_loss",
]

# Parts whose items may be named and whose content and label may be spoken of.
OPEN_PARTS = ("train", "valid", "confirm")
# Grey levels between the darkest and the brightest place of a picture of one colour; JPEG alone makes one or two.
FLAT = 3
# Most items named in one finding; the evidence holds their number.
LISTED = 100
# Most names written out in one sentence.
_SPOKEN = 3

# Troubles that keep any training from learning: what is seen of its answers follows from them.
HAMPERS = (
    "crawling",
    "oscillating",
    "dead_units",
    "saturated_units",
    "vanishing_gradient",
    "exploding_gradient",
    "unscaled_input",
    "wrong_output",
    "wrong_loss",
    "small_batch",
    "large_batch",
)

_GRAVEST_FIRST: Sequence[Level] = ("error", "warning", "info")


# What is said where a reading is missing.
_LACKING = {
    "trials": "are no experiments",
    "trials.whole seed": "are too few whole trainings with other seeds",
    "trials.longer training": "are only trainings of a small share of the updates",
    "inputs": "is no look at what the network met",
    "survey.spread": "are no pictures",
    "survey.height": "are no pictures",
    "survey.width": "are no pictures",
    "survey.target": "are no classes",
    "steps.layer/*/update_ratio": "are no updates of layers",
    "steps.layer/*/grad_norm": "are no gradients of layers",
    "steps.activation/*": "are no activations",
    "steps.entering/*": "is no look at what enters the first layer",
    "inputs.drop_all": "is no measure of what all inputs give together",
    "columns": "are no columns of numbers, categories, dates or texts",
}


@dataclass(frozen=True)
class NotExamined:
    """A check that could not look, which is not the same as healthy.

    Attributes:
        name: the check's name.
        missing: the readings it needs and the record does not have, such as "steps" or "survey.height".
        why: why no experiment with the training would let it look, as the end of a sentence; "" where one may.
    """

    name: str
    missing: tuple[str, ...]
    why: str = ""

    @property
    def needs_experiments(self) -> bool:
        """Whether experiments with the training would let it look."""
        return not self.why and any(need.startswith("trials.") for need in self.missing)

    @property
    def message(self) -> str:
        """Why it could not look, in plain words."""
        if self.why:
            return f"not examined, because {self.why}"
        lacking = dict.fromkeys(
            _LACKING.get(need) or _LACKING.get(need.partition(".")[0]) or f"is no {need.partition('.')[2] or need}"
            for need in (need.partition("|")[0] for need in self.missing)
        )
        return f"not examined, because there {' and '.join(lacking)}"


def names_for(*readings: str) -> list[str]:
    """The checks that need no other readings than these ("survey", "columns", "steps", "items", "trials")."""
    return [
        name
        for name in plugins.names("checks")
        if all(need.partition(".")[0] in readings for need in plugins.load("checks", name).NEEDS)
    ]


def examine(record: Record, names: Sequence[str] | None = None) -> list[Finding | NotExamined]:
    """Let the checks look at a record.

    Args:
        record: what there is to read.
        names: which checks; None for all.

    Returns:
        What they found, the gravest first, then the checks that could not look. A healthy check adds nothing.

    Raises:
        UsageError: there is no check of such a name.
    """
    found: list[Finding] = []
    blind: list[NotExamined] = []
    for name in plugins.names("checks") if names is None else names:
        check = plugins.load("checks", name)
        missing = tuple(need for need in check.NEEDS if not _has(record, need))
        if missing:
            blind.append(NotExamined(name, missing))
            continue
        seen = check.look(record)
        if seen is not None:
            (blind if isinstance(seen, NotExamined) else found).append(seen)
    return [*sorted(_explained(found), key=lambda finding: _GRAVEST_FIRST.index(finding.level)), *blind]


def _explained(found: Sequence[Finding]) -> list[Finding]:
    """Findings that follow from others become good to know, and those are as grave as what follows from them."""
    grave = {finding.name: finding for finding in found if finding.level != "info"}
    causes = {
        name: [cause for cause in getattr(plugins.load("checks", name), "FOLLOWS", ()) if cause in grave]
        for name in grave
    }
    explained = []
    for finding in found:
        if causes.get(finding.name):
            *others, last = causes[finding.name]
            told = " and ".join([*filter(None, [", ".join(others)]), last])
            evidence = {**finding.evidence, FOLLOWS_FROM: causes[finding.name]}
            finding = replace(
                finding, level="info", message=f"{finding.message} It follows from {told}.", evidence=evidence
            )
        elif finding.name in grave:
            levels = [finding.level, *(grave[name].level for name in causes if finding.name in causes[name])]
            finding = replace(finding, level=min(levels, key=_GRAVEST_FIRST.index))
        explained.append(finding)
    return explained


def _has(record: Record, need: str) -> bool:
    """Whether the record has a reading, and the column after the dot (or one of several, with "|" between them, or of
    those that a "*" stands for), with a value in it."""
    reading, _, column = need.partition(".")
    held = getattr(record, reading)
    frame = held.items if isinstance(held, Survey) else held
    if frame is None or not column:
        return held is not None
    if isinstance(frame, Mapping):
        return column in frame
    if reading == "trials":  # after the dot stands which experiment
        return bool((frame["experiment"] == column).any())
    wanted = column.split("|")
    there = [name for name in frame.columns if any(fnmatchcase(name, one) for one in wanted)]
    return any(frame[name].null_count() < len(frame) for name in there)


# ---- what checks of a survey share


def survey_of(record: Record) -> Survey:
    """The survey of a record; a check that names it in `NEEDS` is only asked when there is one."""
    assert record.survey is not None
    return record.survey


def open_items(survey: Survey) -> pl.DataFrame:
    """The items that may be named: usable ones outside the test part, with their row number in `row`."""
    return survey.items.with_row_index("row").filter(pl.col("part").is_in(OPEN_PARTS))


def noun(survey: Survey) -> str:
    """What one item is called: "picture", "sound", "video", "text", "row" or "item"."""
    return str(survey.hints.get("noun") or "item")


def exact_class(survey: Survey) -> Int[np.ndarray, " items"]:
    """The row number of one item of those that are exact copies of each other, the same for all of them."""
    leader = np.arange(len(survey.items))
    exact = survey.pairs.filter(kind="exact")
    leader[exact["b"].to_numpy()] = exact["a"].to_numpy()
    return leader


def open_pairs(survey: Survey) -> pl.DataFrame:
    """The duplicates among the items that may be named.

    A copy in the test part neither hides nor makes a pair here: of exact copies the first one that may be named stands
    for all.

    Returns:
        `kind`, and for either item `name_a`, `target_a`, `name_b`, `target_b`.
    """
    is_open = survey.items["part"].is_in(OPEN_PARTS).to_numpy()
    leader, rows = exact_class(survey), np.flatnonzero(is_open)
    first = np.arange(len(leader))
    first[leader[rows][::-1]] = rows[::-1]
    first = first[leader]
    copies = rows[first[rows] != rows]
    near = survey.pairs.filter(kind="near")
    near_a, near_b = first[near["a"].to_numpy()], first[near["b"].to_numpy()]
    shown = is_open[near_a] & is_open[near_b]
    sides = {"a": np.r_[first[copies], near_a[shown]], "b": np.r_[copies, near_b[shown]]}
    kinds = pl.Series("kind", ["exact"] * len(copies) + ["near"] * int(shown.sum()), dtype=pl.String)
    named = [
        survey.items[name].gather(index).alias(f"{name}_{side}")
        for side, index in sides.items()
        for name in ("name", "target")
    ]
    return pl.DataFrame([kinds, *named])


def counted(values: pl.Series) -> dict[str, int]:
    """How often each value occurs, the most frequent first and equals in alphabetical order; null is not counted."""
    counts = values.drop_nulls().value_counts(name="times")
    return dict(counts.sort(["times", values.name], descending=[True, False]).iter_rows())


def first(counts: Mapping[str, int]) -> dict[str, int]:
    """As many of the counts as one finding lists."""
    return dict(islice(counts.items(), LISTED))


def spoken(names: Iterable[Any]) -> str:
    """A few names for a sentence: "a, b, c and 4 more"."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - _SPOKEN:,} more" if len(listed) > _SPOKEN else ""
    return ", ".join(listed[:_SPOKEN]) + more


# ---- what checks of a training share


def steps_of(record: Record) -> pl.DataFrame:
    """The evaluations of a record; a check that names them in `NEEDS` is only asked when there are some."""
    assert record.steps is not None
    return record.steps


FEWEST_GRADIENTS = 3  # pairs, to tell noise from direction
LOSSES = ("train/running_loss", "train/loss", "valid/loss")


def lost_rows(steps: pl.DataFrame) -> list[bool]:
    """Which evaluations have a loss that is not a number. A null alone is what a log left out; what was not a number
    is named in `non_finite`."""
    if "non_finite" not in steps.columns:
        return [False] * len(steps)
    return [not set(LOSSES).isdisjoint(names or ()) for names in steps["non_finite"].to_list()]


def sound_steps(record: Record) -> pl.DataFrame:
    """The evaluations whose losses are all numbers: what is seen in the others follows from those that are not."""
    steps = steps_of(record)
    return steps.filter([not is_lost for is_lost in lost_rows(steps)])


def series(steps: pl.DataFrame, name: str) -> Float[np.ndarray, " rows"]:
    """A column of the evaluations as numbers, without the rows that lack it."""
    return steps[name].drop_nulls().to_numpy().astype(np.float64)


def by_layer(steps: pl.DataFrame, kind: str, measure: str) -> dict[str, Float[np.ndarray, " rows"]]:
    """Layer → one measure of it over the evaluations, in the order in which the layers were built.

    Args:
        kind: "layer" or "activation".
        measure: such as "grad_norm" or "dead".
    """
    names = [name for name in steps.columns if name.startswith(f"{kind}/") and name.endswith(f"/{measure}")]
    found = {name[len(kind) + 1 : -len(measure) - 1]: series(steps, name) for name in names}
    return {layer: values for layer, values in found.items() if len(values)}


LEAP = 0.3  # of a layer's weights: an update as large as this leaps over what it looks for


def first_of(record: Record, name: str) -> float | None:
    """What the very first update was: "loss", "gradient_ratio" or "update_ratio"; None where it is not known."""
    steps = steps_of(record)
    values = series(steps, f"first/{name}") if f"first/{name}" in steps.columns else np.empty(0)
    return float(values[0]) if len(values) else None


def untrained_loss(record: Record) -> float:
    """The loss of a network that knows nothing, as training measures it: that of the constant answer where the
    cross-entropy is learned, or that of giving every class the same where that is more, for of a rare class the
    constant answer knows very much; the most that the mean of standardised numbers can have where those are; 0 where it
    is not known."""
    choices = record.choices or {}
    if choices.get("task.loss") == "cross_entropy":
        constant = constant_loss(record)
        return 0.0 if constant is None else max(constant, math.log(_class_count(record)))
    if choices.get("task.name") != "regress":
        return 0.0
    # Of errors whose mean square is one: half of it, the mean error that is at most its root, or the lesser of both.
    half, delta = 0.5, float(choices.get("task.delta", 1.0))
    return {"huber": min(half, delta), "absolute": 1.0}.get(str(choices.get("task.loss")), half)


def _class_count(record: Record) -> int:
    """How many classes the network tells apart; 1 where that is not known."""
    if record.items is None or not {"model", "probability"} <= set(record.items.columns):
        return 1
    lengths = record.items.filter(model="network")["probability"].list.len().drop_nulls().to_list()
    return max(lengths, default=1)


def choices_of(record: Record) -> Mapping[str, Any]:
    """The recipe of a record, dotted key → value."""
    assert record.choices is not None
    return record.choices


LEAKY = "--set model.activation=leaky_relu"  # what lets gradients through on either side


def can_set(record: Record, name: str) -> bool:
    """Whether the recipe of a record has a choice of that dotted name, so that advice may name it."""
    return name in (record.choices or {})


def inputs_of(record: Record) -> pl.DataFrame:
    """The input columns of a record, as the network met them."""
    assert record.inputs is not None
    return record.inputs.filter(role="input")


def lacks_all(inputs: pl.DataFrame) -> bool:
    """Whether it is known what single inputs contribute and not what all do, as in older runs: what each has of that
    cannot be told then."""
    if "drop" not in inputs.columns or inputs["drop"].null_count() == len(inputs):
        return False
    return "drop_all" not in inputs.columns or inputs["drop_all"].null_count() == len(inputs)


def target_of(record: Record) -> Mapping[str, Any]:
    """What training met as its target; a check asks where there are inputs."""
    assert record.inputs is not None
    return record.inputs.filter(role="target").row(0, named=True)


def early_noise(record: Record) -> float | None:
    """The gradient noise scale as a multiple of the batch, over the first half of the evaluations; infinite where
    gradients have nothing in common, None where too few were seen.

    Source: S. McCandlish, J. Kaplan, D. Amodei, An empirical model of large-batch training, 2018; here from two
    gradients of one size in a row instead of from two sizes.
    """
    steps = sound_steps(record).drop_nulls(["gradient/square", "gradient/shared"])
    early = steps.head(max(FEWEST_GRADIENTS, len(steps) // 2))
    if len(early) < FEWEST_GRADIENTS:
        return None
    # By size, or the few large gradients of the beginning would be all that counts.
    square = series(early, "gradient/square")
    shared = float(np.mean(series(early, "gradient/shared") / np.maximum(square, 1e-30)))
    return math.inf if shared <= 0 else max(0.0, (1 - shared) / shared)


def shown(value: float, is_signed: bool = False) -> str:
    """A difference of a metric for a sentence: points for shares."""
    sign = "+" if is_signed else ""
    return f"{100 * value:{sign}.1f} points" if abs(value) <= 1 else f"{value:{sign}.3g}"
