"""Little data: what that means for the score, and what would help.

**What it sees.** No test part because there are too few items (or groups) for one, or few items per class.

**Why it is bad.** A score from few items is uncertain: its interval is wide, and small improvements cannot be
seen. A network that starts from nothing also learns less from few items than from many, whatever its
settings.

**Known false alarms.** Classes that differ plainly, such as digits printed in one font, need few items.

**What to do.** More items, of the smallest classes first. Without a test part, `fit --folds` uses every item
for validation once. For pictures, sounds and texts, features learned elsewhere help too: `fit` tries them where
an encoder is installed (`pip install 'penjing[embed]'`).
"""

from __future__ import annotations

from penjing.checks import noun, open_items, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record

NEEDS = ("survey", "survey.target")
# Below this number per class more pictures help more than any setting: on Fashion-MNIST a small residual network had
# .69 of the answers right with 10 pictures per class, .85 with 100 and .90 with 1,000.
PER_CLASS = 200
HAS_ENCODERS = ("picture", "sound", "text")


def look(record: Record) -> Finding | None:
    """What little data there is, or None when there is enough."""
    survey = survey_of(record)
    items = open_items(survey).drop_nulls("target")
    classes = items["target"].n_unique()
    if not classes:
        return None
    per_class = len(items) / classes
    has_test = bool((survey.items["part"] == "test").any())
    if has_test and per_class >= PER_CLASS:
        return None
    said = (
        []
        if has_test
        else ["There is no test part: the score comes from validation items alone, or from folds (see --folds)."]
    )
    if per_class < PER_CLASS:
        thing = noun(survey)
        elsewhere = ", and so may features learned elsewhere (see fit --pretrained)" if thing in HAS_ENCODERS else ""
        said.append(
            f"Items per class to learn and validate with: {per_class:,.0f}. More {thing}s would help more than any "
            f"setting{elsewhere}."
        )
    return Finding(
        name="few_items",
        level="info" if has_test else "warning",
        message=" ".join(said),
        evidence={"items": len(items), "classes": classes, "per_class": per_class, "has_test_part": has_test},
        remedies=() if has_test else ("--folds",),
    )


def sick() -> Record:
    """Thirty items, and no test part."""
    return Example({"cat": 15, "dog": 15}, parts=("train", "train", "valid")).record


def healthy() -> Record:
    """Hundreds of items per class, and a test part."""
    return Example().record
