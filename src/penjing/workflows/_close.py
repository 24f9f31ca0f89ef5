"""From a trained network to a finished run: calibrate, score with intervals, explain, write everything down."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch

from penjing.core import plugins
from penjing.core.files import write_atomically, write_json
from penjing.core.randomness import stream
from penjing.core.run import Run
from penjing.core.score import Score
from penjing.tasks._doubt import Unlike, unsure_below
from penjing.tasks._floor import FloorResult
from penjing.training import _checkpoint, engine
from penjing.training._assemble import Network, count_parameters
from penjing.training.engine import Problem
from penjing.workflows._explain import look
from penjing.workflows._prepare import Prepared

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "calibration_error")
EXPLAINED = 12  # right ones, and as many wrong ones
MOST_PICTURES, PICTURE_SIDE = 400, 64
MOST_KNOWN = 2_000  # training items that tell what is like the training data


@dataclass(frozen=True)
class Answers:
    """One model's probabilities on the items that validate.

    Attributes:
        model: "network", "majority", "linear" or "boosted_trees".
        probability: Float32[items, classes].
        threshold: for two classes, where this model tells them apart; None takes the more probable one.
    """

    model: str
    probability: np.ndarray
    threshold: Any = None


@dataclass(frozen=True)
class Calibrated:
    """What is learned from validation, after the weights.

    Attributes:
        temperature: divides the logits.
        unsure_below: an answer with a lower probability is called unsure.
    """

    temperature: float
    unsure_below: float


def calibrate(task: Any, logits: np.ndarray, truth: np.ndarray) -> Calibrated:
    """Temperature and the bound of doubt from validation logits."""
    temperature = float(task.learn_temperature(logits, truth))
    return Calibrated(temperature, float(unsure_below(task.softmax(logits, temperature), truth)))


def with_thresholds(
    answers: Sequence[Answers], task: Any, settings: Any, truth: np.ndarray, classes: Sequence[str]
) -> list[Answers]:
    """Every model with the threshold that serves it best on these validation items, if a rule was asked for."""
    if settings.threshold == "none":
        return list(answers)

    def chosen(probability: np.ndarray) -> Any:
        return task.choose_threshold(probability, truth, settings.threshold, classes, settings.positive)

    return [replace(answer, threshold=chosen(answer.probability)) for answer in answers]


def score_all(
    task: Any, settings: Any, answers: Sequence[Answers], truth: np.ndarray, groups: np.ndarray, part: str
) -> list[dict[str, Any]]:
    """Every metric of every model with its interval; the watched metric first, as `results.json` holds them."""
    watched = task.metric(settings.metric).name
    names = [settings.metric, *(name for name in METRICS if name != watched)]
    found = []
    for answer in answers:
        for name in names:
            score: Score = task.score(
                name, truth, answer.probability, part=part, groups=groups, threshold=answer.threshold
            )
            found.append({"model": answer.model, **score.to_dict()})
    return found


def write_model(run: Run, network: Network, prepared: Prepared, problem: Problem) -> None:
    """The weights and what stands before them: `model.safetensors` and `prepare.json`."""
    _checkpoint.save_weights(run.path / "model.safetensors", network.state_dict())
    column = prepared.column.name
    write_json(
        run.path / "prepare.json",
        {
            "column": column,
            "modality": prepared.column.modality,
            "decode": vars(prepared.decode),
            "learned": dict(problem.learned[column]),
            "shape": list(prepared.shape),
            "target": problem.target,
            "classes": list(problem.classes),
        },
    )


def write_predictions(
    run: Run, prepared: Prepared, rows: np.ndarray, answers: Sequence[Answers], part: str, task: Any
) -> None:
    """Every model's answer for every validation item, as `predictions.parquet`."""
    truth, classes = prepared.truth[rows], prepared.classes
    frames = []
    for answer in answers:
        taken = task.predict(answer.probability, answer.threshold)
        frames.append(
            pl.DataFrame(
                {
                    "model": [answer.model] * len(rows),
                    "hash": [prepared.hashes[row] for row in rows],
                    "name": [prepared.names[row] for row in rows],
                    "part": [part] * len(rows),
                    "target": [classes[index] for index in truth],
                    "predicted": [classes[index] for index in taken],
                    "probability": _lists(answer.probability),
                    "loss": task.item_log_losses(truth, answer.probability).astype(np.float32),
                }
            )
        )
    write_atomically(run.path / "predictions.parquet", lambda path: pl.concat(frames).write_parquet(path))


def _lists(probability: np.ndarray) -> pl.Series:
    """One list of probabilities an item, made without a Python number for each."""
    values = np.ascontiguousarray(probability, dtype=np.float32)
    return pl.Series(values, dtype=pl.Array(pl.Float32, values.shape[1])).arr.to_list()


def write_results(
    run: Run,
    settings: Any,
    prepared: Prepared,
    scores: Sequence[Mapping[str, Any]],
    answers: Sequence[Answers],
    calibrated: Calibrated,
    task: Any,
) -> None:
    """Scores, temperature and thresholds, as `results.json`."""
    thresholds = {one.model: one.threshold.to_dict() if one.threshold else None for one in answers}
    write_json(
        run.path / "results.json",
        {
            "classes": list(prepared.classes),
            "chosen_by": task.metric(settings.metric).name,
            "scores": [dict(score) for score in scores],
            "temperature": calibrated.temperature,
            "threshold": thresholds.get("network"),
            "thresholds": thresholds,
            "unsure_below": calibrated.unsure_below,
        },
    )


def write_pictures(
    run: Run, network: Network, prepared: Prepared, train: np.ndarray, valid: np.ndarray, probability: np.ndarray
) -> None:
    """Thumbnails that the report may show, none of them of the test part, and where the network looked."""
    truth = prepared.truth[valid]
    taken = probability.argmax(1)
    surest = np.argsort(-probability.max(1), kind="stable")
    wrong, right = surest[taken[surest] != truth[surest]], surest[taken[surest] == truth[surest]]
    some = stream(0, "pictures").permutation(len(right))
    explained = np.concatenate([right[some[:EXPLAINED]], wrong[:EXPLAINED]]).astype(np.int64)
    column = prepared.column.name
    heat = look(network, column, prepared.values.take(valid[explained]), taken[explained])
    shown = _some_rows(train, valid, np.concatenate([explained, wrong, right[some]]).astype(np.int64))
    arrays = {
        "hash": np.array([prepared.hashes[row] for row in shown]),
        "image": _small(prepared.values.take(shown)),
        "heat_hash": np.array([prepared.hashes[row] for row in valid[explained]]),
        "heat": heat,
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(run.path / "pictures.npz", lambda path: path.write_bytes(buffer.getvalue()))


def _some_rows(train: np.ndarray, valid: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Validation rows in the order wanted, then a few training rows, each picture once."""
    from_valid = list(dict.fromkeys(valid[wanted].tolist()))[: MOST_PICTURES * 3 // 4]
    from_train = stream(0, "training pictures").permutation(train)[: MOST_PICTURES // 4].tolist()
    return np.array([*from_valid, *from_train], dtype=np.int64)


def _small(pictures: np.ndarray) -> np.ndarray:
    """Pictures of at most `PICTURE_SIDE` pixels a side, by averaging whole blocks."""
    block = -(-pictures.shape[1] // PICTURE_SIDE)
    side = pictures.shape[1] // block * block
    cut = pictures[:, :side, :side]
    blocks = cut.reshape(len(cut), side // block, block, side // block, block, cut.shape[-1])
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)


def learn_unlike(run: Run, network: Network, problem: Problem, seed: int | None) -> None:
    """What is far from the training data, as `unlike.npz`.

    Items that the network never saw say what distance is usual; with a seed of None there are none (the network
    learned from all of them), and the file is left out rather than calling ordinary items unlike.
    """
    if seed is None or len(problem.valid) == 0:
        return
    known = stream(seed, "unlike").permutation(problem.train)[:MOST_KNOWN]
    unlike = Unlike.learn(
        engine.features(network, problem.items, known),
        problem.truth[known],
        engine.features(network, problem.items, problem.valid),
    )
    unlike.save(run.path / "unlike.npz")


def cost(run: Run, network: Network, problem: Problem) -> dict[str, Any]:
    """What the network costs: parameters, bytes on disk, operations for one item, and this process's peak memory."""
    return {
        "parameters": count_parameters(network),
        "size_bytes": (run.path / "model.safetensors").stat().st_size,
        "flop": _flop(network, problem),
        "memory_bytes": peak_memory_bytes(),
    }


def _flop(network: Network, problem: Problem) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    batch = problem.items.batch(problem.train[:1]).to(next(network.parameters()).device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(batch)
    return int(counter.get_total_flops())


def peak_memory_bytes() -> int | None:
    """The most memory this process has held so far, or None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def answers_of(network_probability: np.ndarray, floor: Sequence[FloorResult]) -> list[Answers]:
    """The network's answers first, then the floor's."""
    return [Answers("network", network_probability), *(Answers(one.name, one.probability) for one in floor)]


def task_of(recipe: Any) -> tuple[Any, Any]:
    """(task plug-in, its settings) of a recipe."""
    task = plugins.load("tasks", recipe.task.name)
    return task, task.Settings(**recipe.task.settings)
