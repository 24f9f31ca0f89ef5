"""One case carried out as `fit` does it, and what `diagnose` and `inspect` say of it.

What does not depend on the recipe (decoded items, learned preprocessing, simple models, what `inspect` finds) is made
once for the same data and then kept, or most of the time would be theirs.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from torch import nn

from clinic.data import LABEL, PART, Sample
from penjing.core import plugins, statistics
from penjing.core.budget import Clock
from penjing.core.errors import PenjingError
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.core.run import Run, create
from penjing.models.own import Own
from penjing.sources import Options
from penjing.training._loader import Loader
from penjing.training._whole import described
from penjing.training.engine import Problem
from penjing.workflows import _simple, fit
from penjing.workflows._choose import RecipeWish
from penjing.workflows._job import Job
from penjing.workflows._prepare import DataWish, Prepared, facts, seal_facts
from penjing.workflows._problem import pose
from penjing.workflows._wish import FitWish, plain_wish
from penjing.workflows.diagnose import diagnose
from penjing.workflows.inspect import inspect

FEW_RESAMPLES = 10
FLOOR_SECONDS = 150.0  # of a whole budget, of which the floor takes its share


@dataclass(frozen=True)
class Ward:
    """Data that are ready for any number of trainings.

    Attributes:
        sample: as they were handed over.
        prepared: decoded and dealt.
        problem: preprocessing learned from the training part.
        findings: what `inspect` says of the data.
    """

    sample: Sample
    prepared: Prepared
    problem: Problem
    findings: tuple[Finding, ...]

    @functools.cached_property
    def floor(self) -> _simple.Floor:
        """The simple models, fitted when first asked for."""
        task = plugins.load("tasks", self.prepared.task)
        pair = self.problem.train, self.problem.valid
        metric = task.metric(task.Settings().metric)
        return _simple.learn_floors(self.prepared, [pair], metric, 0, Clock(FLOOR_SECONDS))


@dataclass(frozen=True)
class Outcome:
    """What became of a training.

    Attributes:
        run: its folder.
        value: the watched metric on validation; None where the training failed.
        findings: of `diagnose` and `inspect` together.
        failure: why it failed, "" where it did not.
        seconds: of processor time.
    """

    run: Path
    value: float | None
    findings: tuple[Finding, ...]
    failure: str
    seconds: float


def wish_for(sample: Sample) -> DataWish:
    """What a person would say of the data."""
    return DataWish(options=Options(target=LABEL, split=PART, types=dict(sample.types)))


def ready(sample: Sample) -> Ward:
    """Read, look at and deal the data."""
    wish = wish_for(sample)
    looked = inspect(sample.columns(), wish)
    prepared = looked.prepared
    problem = pose(prepared, prepared.rows("train"), prepared.rows("valid"))
    return Ward(sample, prepared, problem, looked.findings)


def carry_out(
    ward: Ward,
    recipe: Recipe,
    out: Path,
    *,
    module: nn.Module | None = None,
    preprocess: str = "standardised",
    gives: str = "",
    is_shuffled: bool = True,
    experiment_seconds: float | None = None,
) -> Outcome:
    """Train as the recipe says and let the checks look.

    Args:
        module: a person's own network, which the recipe's model then is.
        preprocess: what inputs are to it.
        gives: what the person says its outputs are; "" lets them be seen.
        is_shuffled: whether the batches are dealt anew in every epoch, or always in the order of the rows.
        experiment_seconds: for experiments that checks wait for; None makes none.
    """
    begun = time.process_time()
    shutil.rmtree(out, ignore_errors=True)
    own = None if module is None else Own(module, "", preprocess)
    if own is not None:
        model = described(own, ward.problem, ward.prepared.task, recipe.seed)
        model = replace(model, settings={**model.settings, **({"gives": gives} if gives else {})})
        recipe = replace(recipe, model=model, encoders={}).filled()
    wish = FitWish(recipe=RecipeWish(recipe=recipe, own=own), out=out, pictures=False, data=wish_for(ward.sample))
    clock = Clock(3600.0, is_binding=False)
    run = create(out, ward.prepared.table.title, _facts(ward, wish))
    ward.prepared.split.write(run.path / "split.parquet")
    failure = ""
    with _reused(ward), contextlib.nullcontext() if is_shuffled else _in_order():
        try:
            fit._grow(Job(run, ward.prepared, wish, clock, None, None, run.path))
            run.update(status="finished")
        except PenjingError as problem:
            failure = str(problem)
            run.update(status="failed", failure=failure)
    findings = (*_diagnosed(run, ward, None if failure else experiment_seconds), *ward.findings)
    return Outcome(run.path, _value(run), findings, failure, time.process_time() - begun)


def _diagnosed(run: Run, ward: Ward, seconds: float | None) -> tuple[Finding, ...]:
    """What `diagnose` says, after experiments where there is time for some."""
    if seconds is not None:
        with contextlib.suppress(PenjingError):  # experiments that cannot be made tell nothing
            return diagnose(run.path, seconds, ward.sample.columns()).findings
    return diagnose(run.path).findings


def _facts(ward: Ward, wish: FitWish) -> dict[str, Any]:
    """What `run.json` says from the start, as `fit` writes it."""
    about = {**facts(ward.prepared), "path": None, "trained_items": len(ward.problem.train)}
    about["items_outside_test"] = len(ward.prepared.rows("train", "valid", "confirm"))
    return {
        "kind": "supervised",
        "command": [],
        "data": about,
        "said": list(ward.prepared.said),
        "doubts": list(ward.prepared.table.doubts),
        "seal": seal_facts(ward.prepared),
        "lacking": [],
        "parent": None,
        "deadline_seconds": None,
        "wish": plain_wish(wish),
        "has_own_recipe": True,
    }


@contextlib.contextmanager
def _reused(ward: Ward) -> Iterator[None]:
    """Inside the block `fit` finds the problem posed and the simple models fitted."""

    def posed(*_: object, own: Own | None = None, **__: object) -> Problem:
        return replace(ward.problem, own=own)

    floor = ward.floor  # before anything is replaced
    with (
        patch.object(fit, "pose", posed),
        patch.object(_simple, "learn_floors", lambda *_, **__: floor),
        patch.object(statistics, "resamples", lambda _: FEW_RESAMPLES),  # no check reads the intervals of scores
    ):
        yield


@contextlib.contextmanager
def _in_order() -> Iterator[None]:
    """Inside the block batches are cut from the rows as they stand, sorted by class, in every epoch."""

    def rows_at(loader: Loader, step: int) -> np.ndarray:
        size = min(loader.batch_size or len(loader.rows), len(loader.rows))
        (target,) = loader.items.targets.values()
        rows = loader.rows[np.argsort(target[loader.rows], kind="stable")]
        at = step * size % max(1, len(rows) - size + 1)
        return rows[at : at + size]

    with patch.object(Loader, "rows_at", rows_at):
        yield


def _value(run: Run) -> float | None:
    try:
        scores = run.results.get("scores", [])
    except PenjingError:  # it has none at all
        return None
    return next((float(score["value"]) for score in scores if score["model"] == "network"), None)
