"""The splits of earlier days, so that a data set that has grown keeps its parts without anyone naming a run.

A remembered split is a table of its items beside a sketch: the smallest of its hashes. Hashes are spread evenly, so
the share of the sketch that is still there is about the share of the data that is still there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from penjing.core.files import write_atomically, write_json

SKETCH = 64
# Share of an earlier split's sketch that must be among the items for the split to be theirs.
LEAST_PRESENT = 0.5
# Fewer hashes must all be there: rows of a small table are known by their cells alone, and half are soon there by
# chance.
FEWEST_TOLD = 8
COLUMNS = ("hash", "name", "group", "part", "fold")


def store(frame: pl.DataFrame, seed: int, folder: Path) -> None:
    """Remember a split: the table first, then the sketch that makes it findable."""
    sketch = sorted(set(frame["hash"].to_list()))[:SKETCH]
    name = hashlib.blake2b("\n".join([str(seed), str(len(frame)), *sketch]).encode(), digest_size=12).hexdigest()
    write_atomically(folder / f"{name}.parquet", frame.write_parquet)
    write_json(folder / f"{name}.json", {"format": 1, "seed": seed, "items": len(frame), "sketch": sketch})


def find(hashes: Sequence[str], seed: int, folder: Path) -> pl.DataFrame | None:
    """The remembered split of which most is here, the larger one of two; None when there is none."""
    here = set(hashes)
    found = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        present, items = _match(path, here, seed)
        if present >= LEAST_PRESENT:
            found.append((present, items, path.stem))
    for _, _, name in sorted(found, reverse=True):
        frame = _read(folder / f"{name}.parquet")
        if frame is not None:
            return frame
    return None


def _match(path: Path, here: set[str], seed: int) -> tuple[float, int]:
    """(share of the sketch that is here, items), or zeros for another seed or a file that is no memory."""
    try:
        memory = json.loads(path.read_text(encoding="utf-8"))
        sketch = [str(text) for text in memory["sketch"]]
        if memory["seed"] != seed or not sketch:
            return 0.0, 0
        share = sum(text in here for text in sketch) / len(sketch)
        return share if share == 1 or len(sketch) >= FEWEST_TOLD else 0.0, int(memory["items"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0, 0


def _read(path: Path) -> pl.DataFrame | None:
    try:
        frame = pl.read_parquet(path)
        return frame if set(COLUMNS) <= set(frame.columns) else None
    except (OSError, pl.exceptions.PolarsError):
        return None
