"""Which experiments a run's training can be made with, told from its folder alone and without torch, so that `diagnose`
promises nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.core.run import Run
from penjing.core.split import Split
from penjing.remedies import NotApplicable

FEWEST_GROUPS = 2  # that judge: of one group alone nothing tells a gain from chance
FEWEST_FOLDS = 2  # of one group nothing can be held out
FEWEST_TO_CLEAN = 100  # training items
OWN = "own"  # a person's network, as `models.own` calls it
IMAGE = "image"  # the modality of pictures
WIDTHS = {"smaller": "smaller_network", "larger": "larger_network"}  # what takes less time first
NOBODY = Finding("", "info", "")  # remedies are asked for a finding; those of the width do not look at it


def goes_on(info: Mapping[str, Any]) -> bool:
    """Whether the run of this `run.json` began with another one's weights."""
    return bool(info.get("parent")) and not info.get("is_treated")


def refused(run: Run) -> str:
    """Why the training of a run cannot be repeated, as a sentence without its stop; "" where it can."""
    info = run.info
    if info["status"] != "finished":
        return f"{run.path} is not finished (status: {info['status']}); go on with penjing fit --resume first"
    if info.get("kind") != "supervised" or not run.steps or not (run.path / "recipe.toml").exists():
        return f"{run.path} was not trained here, so there is no training to make experiments with"
    if goes_on(info):
        return (
            f"{run.path} goes on from {info['parent']}, and experiments repeat trainings from their beginning only; "
            "diagnose that one"
        )
    if run.recipe.split.final:
        return f"{run.path} learned from its validation items too, so nothing is left to judge by"
    dealt = _learned_and_judging(run)
    if dealt is not None and dealt[1]["group"].n_unique() < FEWEST_GROUPS:
        return of_one_group(run)
    return ""


def of_one_group(run: Run) -> str:
    """Why nothing is told of a run whose validation items are all alike."""
    return (
        f"all validation items of {run.path} are of one group, so nothing tells a gain from chance; experiments "
        f"need {FEWEST_GROUPS} groups there"
    )


def lacks_data(run: Run) -> str:
    """Why the data of a run have to be given again; "" where it says where they are."""
    if (run.info.get("data") or {}).get("path") is not None:
        return ""
    return f"{run.path} was made from data in memory; give them again: pj.diagnose(run, data=…, time=…)"


def lacks_network(run: Run, verb: str = "diagnose") -> str:
    """Why the network of a run has to be given again; "" where it can be made.

    Args:
        verb: what repeats its training.
    """
    model = run.recipe.model
    if model.name != OWN or model.settings.get("source"):
        return ""
    kind = str(model.settings.get("kind", "")).rsplit(".", 1)[-1]
    return (
        f"{run.path} is of a network of your own ({kind}), which only you have: give it again as fit took it, with "
        f"pj.{verb}(run, model=…)"
    )


def untold(run: Run) -> dict[str, str]:
    """Experiment → why it cannot be made with this run, whose training can be repeated."""
    recipe, found = run.recipe, {}
    if not any(_pictures(run, recipe)):
        found["hidden"] = "no input is a picture that the network itself looks at"
    for experiment, remedy in WIDTHS.items():
        other = plugins.load("remedies", remedy).apply(recipe, NOBODY)
        if isinstance(other, NotApplicable):
            found[experiment] = other.reason
    dealt = _learned_and_judging(run)
    if dealt is not None:
        train, classes = dealt[0], len(run.prepare.get("classes") or ())
        if train["group"].n_unique() < 2 or len(train) < classes + 2:
            found["share"] = "there are too few training items to leave some out"
        if not can_clean(recipe, len(train), train["group"].n_unique()):
            found["cleaned"] = _why_not_cleaned(recipe, len(train))
    return found


def can_clean(recipe: Recipe, items: int, groups: int) -> bool:
    """Whether labels of so many training items, of so many groups, can be doubted by networks that never saw them."""
    return recipe.task.name == "classify" and items >= FEWEST_TO_CLEAN and groups >= FEWEST_FOLDS


def _why_not_cleaned(recipe: Recipe, items: int) -> str:
    if recipe.task.name != "classify":
        return "labels are doubted where items have one class each"
    if items < FEWEST_TO_CLEAN:
        return f"labels are doubted from {FEWEST_TO_CLEAN} training items on"
    return "labels of items of one group cannot be doubted by networks that never saw them"


def _pictures(run: Run, recipe: Recipe) -> Iterator[str]:
    """The inputs that are pictures as they were decoded."""
    inputs = run.prepare["inputs"] if (run.path / "prepare.json").exists() else {}
    for name, one in inputs.items():
        if one.get("modality") == IMAGE and name not in recipe.pretrained:
            yield name


def _learned_and_judging(run: Run) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The rows of the split that experiments learn from, and those that judge them; None without a split. Of folds one
    stands for all."""
    if not run.has_split:
        return None
    dealt = Split.read(run.path / "split.parquet")
    frame = dealt.frame
    if not dealt.folds:
        return frame.filter(part="train"), frame.filter(part="valid")
    outside = frame.filter(pl.col("part").is_in(["train", "valid", "confirm"]))
    return outside.filter(pl.col("fold") != 0), outside.filter(pl.col("fold") == 0)
