"""From a trained network to a finished run: calibrate, score with intervals, explain, write everything down."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch

from penjing.core import plugins, statistics, weights
from penjing.core.files import write_atomically, write_json
from penjing.core.randomness import stream
from penjing.core.run import Run
from penjing.core.score import Score
from penjing.tasks._doubt import Unlike
from penjing.tasks._floor import FloorResult
from penjing.training import _checkpoint, engine
from penjing.training._assemble import Network, count_parameters
from penjing.training.engine import Problem
from penjing.workflows._explain import look
from penjing.workflows._prepare import Prepared
from penjing.workflows._pretrained import EmbeddingSlot
from penjing.workflows._slots import Slot

EXPLAINED = 12  # right ones, and as many wrong ones
MOST_PICTURES, PICTURE_SIDE = 400, 64
MOST_KNOWN = 2_000  # training items that tell what is like the training data


@dataclass(frozen=True)
class Answers:
    """One model's answers on the items that validate.

    Attributes:
        model: "network", "majority", "linear" or "boosted_trees".
        answer: Float32[items, outputs]: probabilities, or the number itself.
        threshold: for two classes, where this model tells them apart; None takes the more probable one.
    """

    model: str
    answer: np.ndarray
    threshold: Any = None


def with_thresholds(
    answers: Sequence[Answers], task: Any, settings: Any, truth: np.ndarray, classes: Sequence[str]
) -> list[Answers]:
    """Every model with the threshold that serves it best on these validation items, if a rule was asked for."""
    if getattr(settings, "threshold", "none") == "none":
        return list(answers)

    def chosen(answer: np.ndarray) -> Any:
        return task.choose_threshold(answer, truth, settings.threshold, classes, getattr(settings, "positive", ""))

    return [replace(one, threshold=chosen(one.answer)) for one in answers]


def score_all(
    task: Any, settings: Any, answers: Sequence[Answers], truth: np.ndarray, groups: np.ndarray, part: str
) -> list[dict[str, Any]]:
    """Every metric of every model with its interval; the watched metric first, as `results.json` holds them."""
    watched = task.metric(settings.metric).name
    names = [settings.metric, *(name for name in task.REPORTED if name != watched)]
    found = []
    for one in answers:
        for name in names:
            metric = task.metric(name, one.threshold)
            score: Score = statistics.score(metric, truth, one.answer, part=part, groups=groups)
            found.append({"model": one.model, **score.to_dict()})
    return found


def write_model(run: Run, network: Network, prepared: Prepared, problem: Problem) -> None:
    """The weights and what stands before them: `model.safetensors` and `prepare.json`."""
    _checkpoint.save_weights(run.path / "model.safetensors", network.state_dict())
    inputs = {}
    for slot in prepared.slots:
        learned = problem.learned[slot.name]
        example = slot.values(learned).take(np.arange(1))
        inputs[slot.name] = {
            "modality": slot.base.modality if isinstance(slot, EmbeddingSlot) else slot.modality,
            "columns": {column.name: column.modality for column in slot.columns},
            "settings": {column.name: dict(column.settings) for column in slot.columns if column.settings},
            "decode": slot.settings,
            **_pretrained(slot),
            "learned": dict(learned),
            "shape": list(problem.shape[slot.name]),
            "item_shape": list(example.shape[1:]),
            "dtype": str(example.dtype),
        }
    write_json(
        run.path / "prepare.json",
        {
            "inputs": inputs,
            "target": problem.target,
            "classes": list(problem.classes),
            "learned_target": dict(problem.learned_target),
        },
    )


def _pretrained(slot: Slot) -> dict[str, Any]:
    """Which encoder an input is seen through, and where its weights are from."""
    if not isinstance(slot, EmbeddingSlot):
        return {}
    chosen = {"name": slot.encoder.name, "settings": dict(slot.encoder.settings)}
    return {"pretrained": {**chosen, **weights.about(slot.encoder)}}


def write_predictions(
    run: Run,
    prepared: Prepared,
    rows: np.ndarray,
    answers: Sequence[Answers],
    part: str,
    task: Any,
    file: str = "predictions.parquet",
) -> None:
    """Every model's answer for every one of the items, which it did not learn from, as a file of the run."""
    found = told_items(prepared, rows, answers, part, task)
    write_atomically(run.path / file, found.write_parquet)


def told_items(prepared: Prepared, rows: np.ndarray, answers: Sequence[Answers], part: str, task: Any) -> pl.DataFrame:
    """Every model's answer for every one of the items, as `core.record.Record` has items."""
    truth, names = prepared.truth[rows], prepared.classes
    target = pl.Series("target", task.told(truth, names))
    item = {
        "hash": pl.Series(prepared.hashes, dtype=pl.String).gather(rows),
        "name": pl.Series(prepared.names, dtype=pl.String).gather(rows),
        "part": pl.Series([part] * len(rows), dtype=pl.String),
        "group": _groups(prepared, rows),
        "target": target,
    }
    frames = [
        pl.DataFrame(
            {
                "model": pl.Series([one.model] * len(rows), dtype=pl.String),
                **item,
                "predicted": pl.Series(task.taken(one.answer, names, one.threshold), dtype=target.dtype),
                "probability": _lists(one.answer),
                "loss": task.item_losses(truth, one.answer).astype(np.float32),
            }
        )
        for one in answers
    ]
    return pl.concat(frames)


def _groups(prepared: Prepared, rows: np.ndarray) -> pl.Series:
    """What the items of one group have in common: the least of their hashes; null of an item that is its own."""
    items = pl.DataFrame(
        {"hash": pl.Series(prepared.hashes, dtype=pl.String).gather(rows), "group": prepared.groups[rows]}
    )
    shared = pl.when(pl.len().over("group") > 1).then(pl.col("hash").min().over("group"))
    return items.select(group=shared).to_series()


def _lists(answer: np.ndarray) -> pl.Series:
    """One list of numbers an item, made without a Python number for each."""
    values = np.ascontiguousarray(answer, dtype=np.float32)
    return pl.Series(values, dtype=pl.Array(pl.Float32, values.shape[1])).arr.to_list()


def write_results(
    run: Run,
    settings: Any,
    prepared: Prepared,
    scores: Sequence[Mapping[str, Any]],
    answers: Sequence[Answers],
    calibrated: Mapping[str, Any],
    contributed: Sequence[Mapping[str, Any]],
    task: Any,
) -> None:
    """Scores, thresholds, what was calibrated and what each input contributes, as `results.json`."""
    thresholds = {one.model: one.threshold.to_dict() if one.threshold else None for one in answers}
    write_json(
        run.path / "results.json",
        {
            "classes": list(prepared.classes),
            "chosen_by": task.metric(settings.metric).name,
            "scores": [dict(score) for score in scores],
            "threshold": thresholds.get("network"),
            "thresholds": thresholds,
            "contributions": [dict(one) for one in contributed],
            "calibrated": list(calibrated),
            **calibrated,
        },
    )


def write_pictures(
    run: Run, network: Network, prepared: Prepared, train: np.ndarray, valid: np.ndarray, answers: Answers
) -> None:
    """Thumbnails that the report may show, none of them of the test part, and where the network looked.

    Args:
        answers: the network's, for each of `valid`.
    """
    slot = prepared.pictures
    assert slot is not None, "there are pictures to show"
    wrong, right = _judged(prepared, valid, answers)
    some = stream(0, "pictures").permutation(len(right))
    explained = np.concatenate([right[some[:EXPLAINED]], wrong[:EXPLAINED]]).astype(np.int64)
    shown = _some_rows(train, valid, np.concatenate([explained, wrong, right[some]]).astype(np.int64))
    if slot.present is not None:
        shown = shown[slot.present[shown]]
    arrays = {
        "hash": np.array([prepared.hashes[row] for row in shown]),
        "image": _small(slot.cached.take(shown)),
    }
    if len(prepared.slots) == 1 and prepared.task == "classify":
        arrays["heat_hash"] = np.array([prepared.hashes[row] for row in valid[explained]])
        task = plugins.load("tasks", prepared.task)
        taken = task.predict(answers.answer[explained], answers.threshold)
        arrays["heat"] = look(network, slot.name, slot.cached.take(valid[explained]), taken)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(run.path / "pictures.npz", lambda path: path.write_bytes(buffer.getvalue()))


def _judged(prepared: Prepared, valid: np.ndarray, answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Places in `valid`: the wrong answers, the surest first, and the right ones; of numbers, the worst half first."""
    truth, answer, task = prepared.truth[valid], answers.answer, plugins.load("tasks", prepared.task)
    if prepared.task == "classify":
        taken = task.predict(answer, answers.threshold)
        surest = np.argsort(-answer[np.arange(len(answer)), taken], kind="stable")
        is_wrong = (taken != truth)[surest]
        return surest[is_wrong], surest[~is_wrong]
    worst = np.argsort(-task.item_losses(truth, answer), kind="stable")
    return worst[: len(worst) // 2], worst[len(worst) // 2 :]


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


def learn_unlike(
    run: Run, network: Network, problem: Problem, strata: Callable[[np.ndarray], np.ndarray], seed: int | None
) -> None:
    """What is far from the training data, as `unlike.npz`.

    Items that the network never saw say what distance is usual; with a seed of None there are none (the network
    learned from all of them), and the file is left out rather than calling ordinary items unlike.

    Args:
        strata: rows → Int[rows], told from their targets alone.
    """
    if seed is None or len(problem.valid) == 0:
        return
    known = stream(seed, "unlike").permutation(problem.train)[:MOST_KNOWN]
    unlike = Unlike.learn(
        engine.features(network, problem.items, known),
        np.maximum(strata(known), 0),
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


def answers_of(network_answer: np.ndarray, floor: Sequence[FloorResult]) -> list[Answers]:
    """The network's answers first, then the floor's."""
    return [Answers("network", network_answer), *(Answers(one.name, one.probability) for one in floor)]


def task_of(recipe: Any) -> tuple[Any, Any]:
    """(task plug-in, its settings) of a recipe."""
    task = plugins.load("tasks", recipe.task.name)
    return task, task.Settings(**recipe.task.settings)
