"""A run folder that nobody trained: every file of the format, filled by arithmetic, for tests of what reads one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

SKILL = {"majority": 0.0, "linear": 1.0, "boosted_trees": 1.6, "network": 3.0}
STAGES = {"reading": 1.4, "decoding": 2.2, "floor": 4.1, "probing": 1.9, "training": 38.2, "explaining": 0.8}


SETTINGS: tuple[dict[str, Any], ...] = (
    {"setting": "float32, 2 threads", "ms": 20.0, "error": 0.0, "cosine": 1.0, "refused": "", "is_chosen": True},
    {"setting": "bfloat16, 2 threads", "ms": 8.0, "error": 0.4, "cosine": None, "refused": "wrong", "is_chosen": False},
)


@dataclass(frozen=True)
class Shape:
    """What the made-up run is like.

    Attributes:
        classes: the class names.
        items: the number of items, all parts together.
        evaluations: lines of the record.
        skill: model → how well it does; larger is better.
        folds: number of folds, or 0; with folds every train and valid item has an out-of-fold prediction.
        openings: how often the sealed test part was opened.
        wrong_labels: how many of the given labels are wrong on purpose.
        side: side of the pictures in pixels.
    """

    classes: tuple[str, ...] = ("healthy", "early", "late")
    items: int = 240
    evaluations: int = 12
    skill: tuple[tuple[str, float], ...] = tuple(SKILL.items())
    folds: int = 0
    openings: int = 1
    wrong_labels: int = 3
    side: int = 16


def write_run(
    folder: Path,
    shape: Shape | None = None,
    pictures: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
) -> Path:
    """Write a finished run into `folder` and return it.

    Args:
        shape: what it is like; defaults to three classes of pictures.
        pictures: uint8 [items, side, side, channels], drawn at random when None.
        labels: int [items], drawn at random when None.
    """
    shape = shape or Shape()
    draw = np.random.default_rng(seed)
    count = len(shape.classes)
    truth = draw.integers(0, count, shape.items) if labels is None else np.asarray(labels)
    if pictures is None:
        pictures = draw.integers(0, 256, (len(truth), shape.side, shape.side, 3), dtype=np.uint8)
    given = truth.copy()
    given[: shape.wrong_labels] = (given[: shape.wrong_labels] + 1) % count
    items = _items(shape, given, draw)
    folder.mkdir(parents=True, exist_ok=True)
    items.select("hash", "name", "group", "part", "fold").write_parquet(folder / "split.parquet")
    predictions, scores = _predictions(shape, items, truth, draw)
    predictions.write_parquet(folder / "predictions.parquet")
    _write_results(folder, shape, scores)
    _write_story(folder, shape, items, given)
    _write_record(folder, shape)
    _write_pictures(folder, items, predictions, pictures, draw)
    return folder


def _items(shape: Shape, given: np.ndarray, draw: np.random.Generator) -> pl.DataFrame:
    parts = np.array(["train", "valid", "test"])[np.searchsorted([0.55, 0.85], draw.random(len(given)))]
    parts[: shape.wrong_labels] = "valid"
    return pl.DataFrame(
        {
            "row": range(len(given)),
            "hash": [hashlib.blake2b(str(row).encode(), digest_size=16).hexdigest() for row in range(len(given))],
            "name": [f"{shape.classes[label]}/{row:05d}.png" for row, label in enumerate(given)],
            "group": [f"g{row:05d}" for row in range(len(given))],
            "part": parts.tolist(),
            "fold": [row % shape.folds if shape.folds else -1 for row in range(len(given))],
            "label": given.tolist(),
        }
    )


def _predictions(
    shape: Shape, items: pl.DataFrame, truth: np.ndarray, draw: np.random.Generator
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    shown = items.filter(pl.col("part").is_in(["train", "valid"] if shape.folds else ["valid"]))
    rows, label = shown["row"].to_numpy(), shown["label"].to_numpy()
    names = np.array(shape.classes)
    frames, scores = [], []
    for model, skill in shape.skill:
        logits = draw.normal(0, 1.2, (len(rows), len(names)))
        logits[np.arange(len(rows)), truth[rows]] += skill
        logits *= 1.9
        if model == "majority":
            logits = np.tile(np.log(np.bincount(label, minlength=len(names)) + 1.0), (len(rows), 1))
        probability = np.exp(logits - logits.max(axis=1, keepdims=True))
        probability = (probability / probability.sum(axis=1, keepdims=True)).astype(np.float32)
        predicted = probability.argmax(axis=1)
        loss = -np.log(np.maximum(probability[np.arange(len(rows)), label], 1e-7))
        frames.append(
            shown.select(
                pl.lit(model).alias("model"),
                "hash",
                "name",
                pl.lit("folds").alias("part") if shape.folds else pl.col("part"),
                pl.Series("target", names[label].tolist()),
                pl.Series("predicted", names[predicted].tolist()),
                pl.Series("probability", probability.tolist(), dtype=pl.List(pl.Float32)),
                pl.Series("loss", loss.astype(np.float32)),
            )
        )
        part = "folds" if shape.folds else "valid"
        scores.append(score(model, float((predicted == label).mean()), len(rows), part))
        scores.append(score(model, float(loss.mean()), len(rows), part, "log_loss", spread=0.08))
    return pl.concat(frames), scores


def score(model: str, value: float, n: int, part: str, metric: str = "accuracy", spread: float = 0.0) -> dict[str, Any]:
    """One line of `scores`, with a normal interval."""
    half = spread or 1.96 * float(np.sqrt(max(value * (1 - value), 1e-4) / max(n, 1)))
    low, high = max(value - half, 0.0), value + half if spread else min(value + half, 1.0)
    named = {"value": value, "low": low, "high": high, "n": n, "part": part, "metric": metric, "units": n}
    return {"model": model, **named}


def _write_results(folder: Path, shape: Shape, scores: list[dict[str, Any]]) -> None:
    results = {
        "classes": list(shape.classes),
        "scores": scores,
        "temperature": 1.4,
        "threshold": None,
        "unsure_below": 0.55,
        "chosen_by": "accuracy",
    }
    _write_json(folder / "results.json", results)


def _write_story(folder: Path, shape: Shape, items: pl.DataFrame, given: np.ndarray) -> None:
    counts = np.bincount(given, minlength=len(shape.classes)).tolist()
    test = items.filter(pl.col("part") == "test")
    run = {
        "format": 1,
        "kind": "supervised",
        "status": "finished",
        "created": "2026-11-23T10:00:00+00:00",
        "finished": "2026-11-23T10:00:49+00:00",
        "command": ["penjing", "fit", "my photos/", "--time", "1m"],
        "title": "photos",
        "data": {
            "path": "my photos/",
            "source": "class_folder",
            "items": len(items),
            "classes": dict(zip(shape.classes, counts, strict=True)),
        },
        "said": [
            f"{len(items)} images in {len(shape.classes)} classes (folder names)",
            "4 near-duplicates kept together",
        ],
        "doubts": ["Names suggest 12 groups; use --group-from 'mouse\\d+', or the score will be too good"],
        "seconds": STAGES,
        "stalled_seconds": 3.7,
        "cost": {"parameters": 121_450, "size_bytes": 489_000, "flop": 3_200_000, "memory_bytes": 612_000_000},
        "versions": {"penjing": "0.1.0", "python": "3.11.7", "torch": "2.13.0+cpu", "numpy": "2.3.0"},
        "machine": {"system": "Linux", "processor": "x86_64", "cpu": "AMD EPYC 9R14", "cores": 2},
        "seal": {"id": "5ea1c0de", "items": len(test)},
        "parent": None,
        "deadline_seconds": 60.0,
    }
    _write_json(folder / "run.json", run)
    (folder / "recipe.toml").write_text('format = 1\nseed = 0\n\n[model]\nname = "cnn"\nwidth = 32\n', encoding="utf-8")
    _write_lines(folder / "ledger.jsonl", [*_choices(), *_openings(shape.openings, len(test))])


def _choices() -> list[dict[str, Any]]:
    """What was decided before the training, as lines of a ledger."""
    return [
        {
            "time": "2026-11-23T10:00:05+00:00",
            "what": "model",
            "choice": "cnn",
            "why": "cnn reached 0.81 and mlp 0.66 after the same 5 seconds",
        },
        {
            "time": "2026-11-23T10:00:05+00:00",
            "what": "arithmetic",
            "choice": "float32, 2 threads",
            "why": "20.0 ms an update; the slowest of 2 took 20.0 ms",
            "evidence": {"settings": list(SETTINGS)},
        },
        {
            "time": "2026-11-23T10:00:06+00:00",
            "what": "flip",
            "choice": "left out",
            "why": "validation fell by 1.2 points",
        },
    ]


def _openings(count: int, items: int) -> Iterator[dict[str, Any]]:
    """Openings of the test part, as lines of a ledger."""
    for opening in range(count):
        yield {
            "time": f"2026-11-23T11:0{opening % 10}:00+00:00",
            "what": "opening",
            "choice": "opened",
            "why": f"opening {opening + 1} of this test part",
            "opening": opening + 1,
            "scores": [score("network", 0.86, items, "test"), score("boosted_trees", 0.71, items, "test")],
        }


def _write_record(folder: Path, shape: Shape) -> None:
    lines = []
    for number in range(1, shape.evaluations + 1):
        done = number / shape.evaluations
        train, valid = 1.2 * np.exp(-3 * done) + 0.02, 1.2 * np.exp(-2.6 * done) + 0.16 + 0.08 * done**2
        lines.append(
            {
                "step": number * 100,
                "seconds": 38.2 * done,
                "train/log_loss": float(train),
                "train/accuracy": float(1 - train / 2),
                "valid/log_loss": float(valid),
                "valid/accuracy": float(1 - valid / 2.2),
                "rate": float(0.01 * np.sin(np.pi * min(done + 0.05, 1.0))),
            }
        )
    _write_lines(folder / "record.jsonl", lines)


def _write_pictures(
    folder: Path, items: pl.DataFrame, predictions: pl.DataFrame, pictures: np.ndarray, draw: np.random.Generator
) -> None:
    network = predictions.filter(pl.col("model") == predictions["model"][-1]) if len(predictions) else predictions
    hashes = network["hash"].to_list()
    row_of = dict(zip(items["hash"].to_list(), items["row"].to_list(), strict=True))
    right = network.filter(pl.col("target") == pl.col("predicted")).sort("loss")["hash"].to_list()[:12]
    wrong = network.filter(pl.col("target") != pl.col("predicted")).sort("loss")["hash"].to_list()[-12:]
    grid = np.linspace(-1, 1, 8)
    centres = draw.uniform(-0.5, 0.5, (len(right + wrong), 2))
    heat = [np.exp(-3 * ((grid[:, None] - y) ** 2 + (grid[None, :] - x) ** 2)) for y, x in centres]
    np.savez_compressed(
        folder / "pictures.npz",
        hash=np.array(hashes, dtype=str),
        image=pictures[[row_of[name] for name in hashes]],
        heat_hash=np.array(right + wrong, dtype=str),
        heat=np.array(heat, dtype=np.float16).reshape(-1, 8, 8),
    )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")


def _write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
