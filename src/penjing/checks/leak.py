"""Items to learn from that are also among the items of the score.

**What it sees.** In data that come with a split of their own: items to learn from with a copy in the validation
or test part, and groups (one patient, one animal) that are on both sides. Validation items count as learned
from where the test part is concerned.

**Why it is bad.** What the model has seen it can remember, so the score is better than it will ever be on new
data.

**Known false alarms.** Pictures of one colour are alike without being copies, and do not count. Near duplicates that
are different things and look alike, such as one product in two years; rows of a table with few columns. A few such are
in any data, so they are a warning from a share on.

**What to do.** A given split is never changed: `penjing test` gives the score with and without the leaked
items. To have the items dealt anew, copies and groups kept together, say `--split none`.
"""

from __future__ import annotations

import polars as pl

from penjing.checks import FLAT, LISTED, exact_class, spoken, survey_of
from penjing.checks._examples import Example
from penjing.core.finding import Finding
from penjing.core.record import Record, Survey

NEEDS = ("survey",)
# An item may be learned from before any part that comes later here; validation items are when a recipe is refitted.
_IN_ORDER = ("train", "valid", "confirm", "test")
# Of a part's items, the share from which on leaks matter: fewer cannot move a score by more than that.
MANY = 0.01
_WORDS = {"valid": "validation", "confirm": "confirmation", "test": "test"}


def look(record: Record) -> Finding | None:
    """The items and groups that leak across a given split, or None."""
    survey = survey_of(record)
    if not survey.given_split:
        return None
    learned = _leaked(survey)
    if "spread" in survey.items.columns:
        blank = survey.items.filter(pl.col("spread") < FLAT)["name"]
        learned = learned.filter(~pl.col("name").is_in(blank.implode()))
    counts = {part: learned.filter(part=part).height for part in _WORDS}
    groups = _straddling(survey)
    if learned.is_empty() and not groups:
        return None
    names = learned["name"].unique(maintain_order=True)
    sizes = dict(survey.items["part"].value_counts().iter_rows())
    is_many = bool(groups) or any(count >= MANY * sizes.get(part, 0) for part, count in counts.items() if count)
    effect = "The score will be too good" if is_many else "So few can hardly change the score"
    return Finding(
        name="leak",
        level="warning" if is_many else "info",
        message=f"{_words(counts, groups)} ({spoken([*names, *groups])}). {effect}; "
        "`penjing test` gives it without the leaked items too. To deal the items anew say --split none.",
        evidence={"items": len(names), **counts, "groups": len(groups)},
        items=tuple(names.head(LISTED)),
        remedies=("--split none",),
    )


def _leaked(survey: Survey) -> pl.DataFrame:
    """Each item (`name`) that has a copy in a later part, and that `part`."""
    items = survey.items.select("name", "part").with_columns(copied=exact_class(survey))
    items = items.with_columns(order=pl.col("part").replace_strict(list(_IN_ORDER), range(4), default=None))
    near = survey.pairs.filter(kind="near").select(pl.col("a", "b").cast(pl.Int64))
    same = items.select(a="copied", b="copied").unique(maintain_order=True)
    alike = pl.concat([same, near, near.select(a="b", b="a")])
    later = items.select("part", b="copied", later="order").unique(maintain_order=True)
    found = items.select("name", "order", a="copied").join(alike, on="a", maintain_order="left")
    found = found.join(later, on="b", maintain_order="left")
    return found.filter(pl.col("later") > pl.col("order")).select("name", "part").unique(maintain_order=True)


def _straddling(survey: Survey) -> list[str]:
    """The groups that are in more than one part."""
    dealt = survey.items.filter(pl.col("part").is_in(list(_IN_ORDER))).drop_nulls("group")
    parts = dealt.group_by("group", maintain_order=True).agg(pl.col("part").n_unique())
    return parts.filter(pl.col("part") > 1)["group"].to_list()


def _words(counts: dict[str, int], groups: list[str]) -> str:
    said = [f"in the {_WORDS[part]} part {count:,}" for part, count in counts.items() if count]
    said = [f"items to learn from with a copy {', '.join(said)}"] if said else []
    said += [f"groups in more than one part: {len(groups):,}"] if groups else []
    sentence = "; ".join(said)
    return sentence[0].upper() + sentence[1:]


def sick() -> Record:
    """Two training items are in the test part too."""
    return Example(pairs=[(0, 4, "exact"), (404, 400, "near")], given_split=True).record


def healthy() -> Record:
    """Copies are on one side of the given split."""
    return Example(pairs=[(0, 1, "exact"), (4, 9, "near")], given_split=True).record
