"""What a report may show of items that are no pictures: their cells, and sounds and videos as small pictures.

Only of items that validate; of a test item nothing is ever kept.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from penjing.core import plugins
from penjing.core.files import write_atomically
from penjing.core.randomness import stream
from penjing.core.run import Run
from penjing.training import engine
from penjing.workflows._prepare import Prepared
from penjing.workflows._slots import FileSlot, TableSlot, TextSlot

MOST_ITEMS = 400
WORST_SHARE = 0.75  # of them are those with the largest losses, the others are drawn
MOST_LETTERS = 200  # kept of a cell
BLOCK = 64  # sounds drawn together
SIDE = 64  # of a small picture at most, in pixels
# Darker than this share of all values of a sound is silence, brighter than the other a single loud moment.
DARKEST, BRIGHTEST = 0.02, 0.995


def write_shown(run: Run, prepared: Prepared) -> None:
    """What the report shows of the items that validate: `shown.parquet` with their texts and numbers, and, where
    `write_pictures` has nothing to take, `pictures.npz` with their sounds, videos or pictures made small.

    The run must have its `predictions.parquet`. A person who wants no pictures in the run wants none of this.
    """
    rows = _judged(run, prepared)
    inputs = [getattr(slot, "base", slot) for slot in prepared.slots]  # what a pretrained encoder saw, not its vectors
    cells = _cells(prepared, inputs, rows)
    if cells.width:
        shown = pl.DataFrame(
            {
                "hash": [prepared.hashes[row] for row in rows],
                "part": prepared.split.frame["part"].gather(rows),
                "cells": cells.to_struct("cells"),
            }
        )
        write_atomically(run.path / "shown.parquet", shown.write_parquet)
    slot = next((one for one in inputs if isinstance(one, FileSlot) and one.modality in _DRAWN), None)
    if slot is not None and prepared.pictures is None:
        _write_pictures(run, prepared, slot, rows)


def _judged(run: Run, prepared: Prepared) -> list[int]:
    """The rows of items the network was judged by: those with the largest losses first, then some of the others."""
    judged = run.predictions.filter(pl.col("model") == "network").unique("hash", maintain_order=True)
    judged = judged.sort("loss", descending=True, nulls_last=True, maintain_order=True)
    worst = int(WORST_SHARE * MOST_ITEMS)
    others = worst + stream(0, "shown items").permutation(max(0, len(judged) - worst))
    places = [*range(min(worst, len(judged))), *others[: MOST_ITEMS - worst].tolist()]
    allowed = prepared.rows("train", "valid").tolist()
    row_of = {prepared.hashes[row]: row for row in reversed(allowed)}
    return [row_of[item] for item in judged["hash"].gather(places) if item in row_of]


def _cells(prepared: Prepared, inputs: Sequence[object], rows: list[int]) -> pl.DataFrame:
    """The cells of some rows, a text a column, cut short; null where nothing stands."""
    held: list[pl.Series] = []
    for one in inputs:
        if isinstance(one, TextSlot):
            held.append(one.cells.gather(rows).alias(one.name))
        elif isinstance(one, TableSlot):
            held += [prepared.table.frame[column.name].gather(rows) for column in one.columns]
    return pl.DataFrame([_cut(one) for one in held])


def _cut(cells: pl.Series) -> pl.Series:
    texts = cells.cast(pl.String)
    is_long = texts.str.len_chars() > MOST_LETTERS
    frame = pl.DataFrame({"whole": texts, "long": is_long})
    cut = pl.when("long").then(pl.col("whole").str.slice(0, MOST_LETTERS) + "…").otherwise("whole")
    return frame.select(cut.alias(cells.name)).to_series()


# ---- sounds, videos and pictures made small


def _write_pictures(run: Run, prepared: Prepared, slot: FileSlot, rows: list[int]) -> None:
    shown = np.array(rows, dtype=np.int64)
    if slot.present is not None:
        shown = shown[slot.present[shown]]
    if not len(shown):
        return
    pictures = _DRAWN[slot.modality](slot.cached.take(shown), slot.decode)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, hash=np.array([prepared.hashes[row] for row in shown]), image=pictures)
    write_atomically(run.path / "pictures.npz", lambda path: path.write_bytes(buffer.getvalue()))


def _small_pictures(pictures: np.ndarray, settings: Any) -> np.ndarray:  # noqa: ARG001 - one signature
    return _smaller(pictures)


def _middle_frames(frames: np.ndarray, settings: Any) -> np.ndarray:  # noqa: ARG001 - one signature
    """The middle frame of each video: uint8 [videos, height, width, channels]."""
    return _smaller(frames[:, frames.shape[1] // 2])


def _loudness(samples: np.ndarray, settings: Any) -> np.ndarray:
    """How loud each sound is at each moment (from left to right) and pitch (low tones below): uint8 [sounds, height,
    width, 1]."""
    import torch

    front_end = engine.torch_half(plugins.load("modalities", "audio"), "front_end")
    blocks = [samples[start : start + BLOCK] for start in range(0, len(samples), BLOCK)]
    seen = front_end.FrontEnd(front_end.learn(blocks, settings))
    with torch.no_grad():
        maps = np.concatenate([_squeezed(seen.log_mel(torch.from_numpy(block)).numpy()) for block in blocks])
    low, high = np.quantile(maps, [DARKEST, BRIGHTEST], axis=(1, 2), keepdims=True)
    share = np.clip((maps - low) / np.maximum(high - low, 1e-6), 0, 1)
    return np.round(255 * share[:, ::-1, :, None]).astype(np.uint8)


def _squeezed(maps: np.ndarray) -> np.ndarray:
    """Maps with at most twice `SIDE` moments, each the mean of several."""
    count = maps.shape[2]
    starts = np.unique(np.linspace(0, count, min(2 * SIDE, count), endpoint=False).astype(np.int64))
    found: np.ndarray = np.add.reduceat(maps, starts, axis=2) / np.diff(np.r_[starts, count])
    return found


def _smaller(pictures: np.ndarray) -> np.ndarray:
    """Square pictures of at most `SIDE` pixels a side, by averaging whole blocks."""
    block = -(-pictures.shape[1] // SIDE)
    side = pictures.shape[1] // block * block
    cut = pictures[:, :side, :side]
    blocks = cut.reshape(len(cut), side // block, block, side // block, block, cut.shape[-1])
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)


_DRAWN: Mapping[str, Callable[[np.ndarray, Any], np.ndarray]] = {
    "image": _small_pictures,
    "video": _middle_frames,
    "audio": _loudness,
}
