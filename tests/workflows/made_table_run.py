"""Run folders with real networks for any data, trained for a moment, for tests of what answers from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from penjing.core import plugins
from penjing.core.budget import Clock
from penjing.core.files import write_json
from penjing.core.recipe import Choice, Machine, Recipe, Training
from penjing.core.run import Run, create
from penjing.sources import Options
from penjing.training import engine
from penjing.workflows import _close
from penjing.workflows._prepare import DataWish, Prepared, prepare
from penjing.workflows._problem import pose


@dataclass(frozen=True)
class Made:
    """A run, and what its network answered when it was made.

    Attributes:
        run: the folder.
        prepared: what it was trained on.
        answer: Float32[rows, outputs], as validated.
    """

    run: Run
    prepared: Prepared
    answer: np.ndarray


def make_run(folder: Path, data: object, options: Options, **networks: str) -> Made:
    """A finished run on any data.

    Args:
        folder: for the run.
        data: as for `fit`.
        options: as for `fit`.
        networks: input → its network.
    """
    prepared = prepare(data, DataWish(options, split_seed=1), Clock(600.0, is_binding=False))
    task = plugins.load("tasks", prepared.task)
    rows = np.arange(len(prepared.hashes))
    problem = pose(prepared, prepared.rows("train"), prepared.rows("valid"))
    encoders = {name: Choice(network) for name, network in networks.items()}
    recipe = Recipe(
        task=Choice(prepared.task),
        model=next(iter(encoders.values())),
        encoders=encoders if len(encoders) > 1 else {},
        training=Training(steps=20, batch_size=32, evaluations=1),
        machine=Machine(threads=1),
    ).filled()
    network = engine.carry_out(recipe, problem).network
    run = create(folder, "made/", {"wish": {}})
    run.update(status="finished")
    run.write_recipe(recipe)
    _close.write_model(run, network, prepared, problem)
    outputs = engine.outputs(network, problem.items, rows)
    valid = problem.valid
    calibrated = task.calibrate(outputs[valid], prepared.truth[valid])
    answer = task.answer(outputs, calibrated)
    results = {"classes": list(prepared.classes), "scores": [], "threshold": None, "calibrated": list(calibrated)}
    write_json(folder / "results.json", {**results, **calibrated})
    return Made(run, prepared, answer)
