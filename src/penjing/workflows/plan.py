"""What `fit` would do, and what it would cost, without training: `fit --dry-run`."""

from __future__ import annotations

import contextlib
import html
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.core import cache
from penjing.core.budget import CLOSING_SHARE, DEFAULT_SECONDS, LEAST_CLOSING_SECONDS
from penjing.core.errors import DataError
from penjing.core.events import Watch
from penjing.core.files import cache_folder, existing_parent
from penjing.core.items import read_item
from penjing.core.process import usable_cores
from penjing.core.randomness import stream
from penjing.core.recipe import Choice, Recipe, change
from penjing.core.report.text import many
from penjing.core.units import show_bytes, show_seconds
from penjing.core.usual import usual
from penjing.workflows._arithmetic import probe_seconds
from penjing.workflows._choose import RACE_SHARE
from penjing.workflows._close import task_of
from penjing.workflows._prepare import check_target, read_target
from penjing.workflows._survey import Look, Surveyed, survey, target_name
from penjing.workflows._wish import FitWish, has_deadline, settled

# What penjing and torch hold before any item is loaded, as measured by `bench/`.
BASE_MEMORY_BYTES = 450 * 10**6
# How fast items are decoded is measured on at most so many of them, for at most so long.
SAMPLE, SAMPLE_SECONDS = 256, 0.4


@dataclass(frozen=True)
class Plan:
    """A forecast.

    Attributes:
        items: readable items.
        task: what is asked of them: "classify", "regress" or "tag".
        target: what the data call the target; "" where it has no name, as with folders.
        classes: how many classes or labels there are; 1 for a number.
        metric: what validation would choose by.
        canvas: what each item's files are decoded to; "" where it has none.
        seconds: stage → about how long; without "training" where a recipe is carried out without a deadline.
        disk_bytes: what the cache would grow to hold.
        free_bytes: on that disk.
        memory_bytes: about the most at one time.
    """

    items: int
    task: str
    target: str
    classes: int
    metric: str
    canvas: str
    seconds: dict[str, float]
    disk_bytes: int
    free_bytes: int
    memory_bytes: int

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [many(self.items, "item") + (f", decoded to {self.canvas}" if self.canvas else "")]
        found.append(self._asked())
        found += [f"  {name:<10} about {show_seconds(value)}" for name, value in self.seconds.items()]
        if "training" not in self.seconds:
            found.append("  training   as long as the steps of its recipe take; with --recipe, --time sets a deadline")
        found.append(f"disk    {show_bytes(self.disk_bytes)} of {show_bytes(self.free_bytes)} free in {cache_folder()}")
        found.append(f"memory  about {show_bytes(self.memory_bytes)}")
        return found

    def _asked(self) -> str:
        """The task in words: 'classify: "stars", 5 classes; validation chooses by accuracy'."""
        named = [f'"{self.target}"'] if self.target else []
        kinds = {"classify": "class", "tag": "label"}
        named += [many(self.classes, kinds[self.task])] if self.task in kinds else []
        return f"{self.task}: {', '.join(named)}; validation chooses by {self.metric}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return vars(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def plan(data: object, wish: FitWish, watch: Watch = None) -> Plan:
    """Look at the data as `fit` would, and say what it would do with them.

    Raises:
        DataError, UsageError, RunError: as `fit`.
    """
    is_bound = has_deadline(wish)
    wish, _ = settled(wish, watch)
    seconds = wish.seconds or DEFAULT_SECONDS
    surveyed = survey(data, wish.data, seconds, watch)
    rows = np.flatnonzero(surveyed.items["error"].is_null().to_numpy())
    classes = read_target(surveyed, rows).classes
    check_target(surveyed.table, surveyed.task, classes)
    forms = [look.modality.form(look.settings) for look in surveyed.looks]
    items = len(rows)
    kept = sum(min(items * form.item_bytes, cache.KEPT_IN_MEMORY_BYTES) for form in forms)
    return Plan(
        items,
        surveyed.task,
        target_name(surveyed.table),
        len(classes),
        _metric(surveyed, wish, classes),
        " and ".join("×".join(str(size) for size in form.shape) for form in forms),
        _stages(surveyed, wish, seconds, is_bound),
        sum(cache.forecast_bytes(form, items) for form in forms),
        shutil.disk_usage(existing_parent(cache_folder())).free,
        BASE_MEMORY_BYTES + kept + int(surveyed.cells.estimated_size()),
    )


def _metric(surveyed: Surveyed, wish: FitWish, classes: Sequence[str]) -> str:
    """What validation would choose by, of settings that fit the target.

    Raises:
        UsageError: they do not.
    """
    recipe = wish.recipe.recipe
    if recipe is None:
        by_hand = {key: value for key, value in wish.recipe.assignments.items() if key.split(".")[0] == "task"}
        recipe = change(Recipe(task=Choice(surveyed.task, wish.recipe.task)).filled(), by_hand)
    task, settings = task_of(recipe)
    task.check_settings(settings, classes)
    return str(settings.metric)


def _stages(surveyed: Surveyed, wish: FitWish, seconds: float, is_bound: bool) -> dict[str, float]:
    """Stage → about how long. What a finished recipe takes without a deadline only its steps know."""
    has_recipe = wish.recipe.recipe is not None
    found = {
        "decoding": sum(_decoding_seconds(surveyed, look) for look in surveyed.looks),
        "floor": usual([column.modality for column in surveyed.table.inputs]).floor_share * seconds,
        "trials": 0.0 if has_recipe else probe_seconds(seconds) + 2 * RACE_SHARE * seconds,
        "closing": max(LEAST_CLOSING_SECONDS, CLOSING_SHARE * seconds),
    }
    if not is_bound:
        return found
    return {**found, "training": max(0.0, seconds - sum(found.values()))}


def _decoding_seconds(surveyed: Surveyed, look: Look) -> float:
    """About how long a column's files that the cache lacks take to decode, measured on some of them."""
    rows = np.flatnonzero(look.is_there)
    hashes = look.items["hash"].gather(rows).to_list()
    waiting = rows[~cache.present(look.modality.form(look.settings), hashes)]
    if not len(waiting):
        return 0.0
    sample = waiting[np.linspace(0, len(waiting) - 1, min(SAMPLE, len(waiting))).astype(np.int64)]
    # In any order, so that those which the time allows are spread over all the data.
    sample = sample[stream(0, "forecast").permutation(len(sample))]
    return len(waiting) * _item_seconds(surveyed, look, sample)


def _item_seconds(surveyed: Surveyed, look: Look, sample: np.ndarray) -> float:
    """Seconds an item, decoded by as many threads as `fit` uses and thrown away."""
    store, column = surveyed.table.stores[look.column.name], surveyed.table.frame[look.column.name]
    started = time.monotonic()

    def is_decoded(row: int) -> bool:
        if time.monotonic() - started > SAMPLE_SECONDS:
            return False
        with contextlib.suppress(DataError):  # what cannot be decoded takes its time too
            content, page = read_item(store, column[row])
            look.modality.decode(content, look.settings, page)
        return True

    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="penjing-forecast") as pool:
        count = sum(pool.map(is_decoded, sample.tolist()))
    return (time.monotonic() - started) / count
