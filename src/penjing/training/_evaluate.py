"""Measures a network while it trains: one line of the record at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from penjing.batch import Batch
from penjing.core import plugins
from penjing.core.files import append_line
from penjing.core.recipe import Recipe
from penjing.core.record import MOST_MEASURED
from penjing.core.run import finite
from penjing.core.statistics import Metric
from penjing.training import _vitals
from penjing.training._assemble import Network
from penjing.training._loader import Clocked, Loader, spread
from penjing.training._loop import State
from penjing.training._met import batch_told, outputs_told
from penjing.training._problem import Problem, outputs
from penjing.training._step import Supervised, number_format

MOST_LOOKED_AT = 2000  # items, before the first step
# Training items, at each evaluation: twice as many as there are classes, within these. They are spread evenly over the
# rows, so that a rare class may have none.
LOOKED_INTO, MOST_LOOKED_INTO = 64, 256
FEWEST_MEASURED = 200  # training items, augmentation off; otherwise as many as validation has


@dataclass
class Inside:
    """What the record holds of a training beside losses and metrics.

    Attributes:
        recipe: carried out.
        problem: learned.
        step: the update.
        loader: the batches.
        earlier: the last line of the record of a training that is continued.
        is_recorded: whether anybody reads more than how good the network is on validation.
    """

    recipe: Recipe
    problem: Problem
    step: Supervised
    loader: Loader
    earlier: Mapping[str, Any]
    is_recorded: bool = True

    def __post_init__(self) -> None:
        self._begun = time.monotonic()
        self.items = Clocked(self.loader.items)  # which keeps what costly front ends gave
        self._flop: int | None = None

    @torch.no_grad()
    def read(self, network: Network, state: State, pulse: Mapping[str, float]) -> dict[str, float]:
        """The line's values: those of `pulse`, which is of the weights that learn and not of their average, and more.

        `seconds` and `stalled_seconds` since the training began, with its evaluations: those wait for their items
        too, and meanwhile batches are made that are not waited for later; `memory/resident` bytes now;
        `flop` so far, backward taken as twice forward; `train/loss_noise`, the scatter of batches' losses, and
        `train/largest_loss`; what the first update was and how the last batch was dealt; what `_vitals` says of
        activations; and, in float16, what `_scaling` says.
        """
        rows = spread(self.problem.train, min(MOST_LOOKED_INTO, max(LOOKED_INTO, 2 * len(self.problem.classes))))
        batch = self.items.batch(rows).to(next(network.parameters()).device)
        if self._flop is None:
            self._flop = _one_view(network, batch) // max(1, len(rows))
        with number_format(self.recipe.machine.number_format, batch.item.device.type):
            units = _vitals.activations(network, batch)
        known = {
            "seconds": self._since("seconds", time.monotonic() - self._begun),
            "stalled_seconds": self._since("stalled_seconds", self.loader.stalled_seconds + self.items.seconds),
            "flop": 3 * self._flop * self.loader.size * state.step,
            "memory/resident": _vitals.resident_bytes(),
            "train/loss_noise": _vitals.noise(state.losses),
            "train/largest_loss": float(torch.stack(state.losses).max()) if state.losses else None,
        }
        there = {name: value for name, value in known.items() if value is not None}
        return {**there, **state.first, **self._dealt(state), **pulse, **units, **self.step.scaling.told()}

    def _dealt(self, state: State) -> dict[str, float]:
        """How unlike the training items the last batch was in its targets; see `_met.batch_told`."""
        if state.rows is None:
            return {}
        usual = spread(self.problem.train, MOST_LOOKED_AT)
        return batch_told(self.problem.truth[state.rows.cpu().numpy()], self.problem.truth[usual])

    def _since(self, name: str, now: float) -> float:
        return float(self.earlier.get(name, 0.0)) + now


def _one_view(network: Network, batch: Batch) -> int:
    """Operations of a forward pass as training makes it: through one view, however many answer."""
    mirrored, network.mirrored = network.mirrored, ()
    try:
        return _vitals.flop(network, batch)
    finally:
        network.mirrored = mirrored


def value_of(values: Mapping[str, Any]) -> float:
    """The number to make large, of what `evaluate` gave."""
    return float(values["value"])


def evaluate(
    recipe: Recipe,
    problem: Problem,
    step: Supervised,
    folder: Path | None,
    history: list[dict[str, Any]],
    inside: Inside,
    state: State,
    loss: float,
) -> dict[str, float]:
    """Measure some training and validation items with the weights that would be kept; write a line of the record.

    They are the same items every time, so that evaluations compare, and at most `MOST_MEASURED` of a part: ten times
    7,500 items through two views took a fifth of a training's time. The score of a run is that of all of validation.
    """
    task = plugins.load("tasks", recipe.task.name)
    metric = task.metric(task.Settings(**recipe.task.settings).metric)
    values: dict[str, float] = {"step": state.step, "train/running_loss": loss, "rate": _rate(step)}
    judged = spread(problem.valid, MOST_MEASURED)
    learned = spread(problem.train, max(len(judged), FEWEST_MEASURED))
    losses: dict[str, float] = {}  # under names that do not depend on the task, for checks
    told: dict[str, float] = {}
    pulse = step.pulse()
    with step.evaluating() as network:
        for part, rows in (("train", learned), ("valid", judged)):
            if len(rows) and (inside.is_recorded or part == "valid"):
                found = outputs(network, inside.items, rows, recipe.machine.number_format)
                values.update(_measures(task, metric, part, found, problem.truth[rows]))
                losses[f"{part}/loss"] = values[f"{part}/{task.LOSS_METRIC}"]
                told = outputs_told(found)
        vitals = inside.read(network, state, pulse) if inside.is_recorded else {}
    # Without validation the last weights are the best: the schedule ends at a rate of zero.
    gain = 1.0 if metric.is_higher_better else -1.0
    values["value"] = gain * values[f"valid/{metric.name}"] if len(problem.valid) else float(state.step)
    if not np.isfinite(loss):
        values["value"] = float("nan")
    values = {**values, **losses, **told, **vitals}
    line = finite(values)
    history.append(line)
    if folder is not None:
        append_line(folder / "record.jsonl", line)
    return values


def _measures(task: Any, metric: Metric, part: str, found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The watched metric and the loss of some outputs, named after their part; not a number where those are not."""
    watched = {metric.name: metric, task.LOSS_METRIC: task.metric(task.LOSS_METRIC)}
    if not np.isfinite(found).all():
        return {f"{part}/{name}": float("nan") for name in watched}
    answer = task.answer(found)
    return {f"{part}/{name}": one(truth, answer) for name, one in watched.items()}


def _rate(step: Supervised) -> float:
    return float(step.optimiser.param_groups[0]["lr"])
