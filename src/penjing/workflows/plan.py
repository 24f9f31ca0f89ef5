"""What `fit` would do, and what it would cost, without training: `fit --dry-run`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.core import cache
from penjing.core.budget import CLOSING_SHARE, DEFAULT_SECONDS, LEAST_CLOSING_SECONDS
from penjing.core.events import Watch
from penjing.core.files import cache_folder, existing_parent
from penjing.core.units import show_bytes, show_seconds
from penjing.workflows._choose import PROBE_SHARE, RACE_SHARE
from penjing.workflows._prepare import Surveyed, survey
from penjing.workflows._simple import SHARE as FLOOR_SHARE
from penjing.workflows.fit import FitWish

# What penjing and torch hold before any item is loaded, as measured by `bench/`.
BASE_MEMORY_BYTES = 450 * 10**6
DECODED_A_SECOND = 1_500  # small pictures, two cores


@dataclass(frozen=True)
class Plan:
    """A forecast.

    Attributes:
        items: readable items.
        canvas: what each item is decoded to.
        seconds: stage → about how long.
        disk_bytes: what the cache would grow to hold.
        free_bytes: on that disk.
        memory_bytes: about the most at one time.
    """

    items: int
    canvas: str
    seconds: dict[str, float]
    disk_bytes: int
    free_bytes: int
    memory_bytes: int

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [f"{self.items} items, decoded to {self.canvas}"]
        found += [f"  {name:<10} about {show_seconds(value)}" for name, value in self.seconds.items()]
        found.append(f"disk    {show_bytes(self.disk_bytes)} of {show_bytes(self.free_bytes)} free in {cache_folder()}")
        found.append(f"memory  about {show_bytes(self.memory_bytes)}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return vars(self)


def plan(data: object, wish: FitWish, watch: Watch = None) -> Plan:
    """Look at the data as `fit` would, and say what it would do with them.

    Raises:
        DataError, UsageError: as `fit`.
    """
    seconds = wish.seconds or DEFAULT_SECONDS
    surveyed = survey(data, wish.data, seconds, watch)
    form = surveyed.modality.form(surveyed.settings)
    items = int(np.sum(surveyed.items["error"].is_null().to_numpy()))
    values = items * form.item_bytes
    return Plan(
        items,
        "×".join(str(size) for size in form.shape),
        _stages(surveyed, seconds, items),
        cache.forecast_bytes(form, items),
        shutil.disk_usage(existing_parent(cache_folder())).free,
        BASE_MEMORY_BYTES + min(values, cache.KEPT_IN_MEMORY_BYTES),
    )


def _stages(surveyed: Surveyed, seconds: float, items: int) -> dict[str, float]:
    there = cache.present(surveyed.modality.form(surveyed.settings), surveyed.items["hash"].drop_nulls().to_list())
    closing = max(LEAST_CLOSING_SECONDS, CLOSING_SHARE * seconds)
    found = {
        "decoding": (items - int(np.sum(there))) / DECODED_A_SECOND,
        "floor": FLOOR_SHARE * seconds,
        "trials": (PROBE_SHARE + 2 * RACE_SHARE) * seconds,
        "closing": closing,
    }
    return {**found, "training": max(0.0, seconds - sum(found.values()))}
