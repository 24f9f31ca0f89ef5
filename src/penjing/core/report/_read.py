"""Everything a report may know, read from a run folder. Whatever is missing is empty, never an error."""

from __future__ import annotations

import json
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from penjing.core.errors import RunError
from penjing.core.files import read_lines
from penjing.core.run import HELD_OUT_FILE, MET, TRIALS

# Items of the other parts never reach a report: not their pictures, names or hashes.
SHOWN_PARTS = ("train", "valid", "folds")

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class RunFiles:
    """What a run folder holds.

    Attributes:
        folder: where it is.
        run: `run.json`.
        recipe: the text of `recipe.toml`, or "".
        steps: the lines of `record.jsonl`, one per step, the last one written of each.
        split: `split.parquet`; empty when missing.
        predictions: `predictions.parquet` without items of the test part; empty when missing.
        held_out: `held_out.parquet`, the same form: training items answered by networks that did not learn from them.
        results: `results.json`.
        ledger: the lines of `ledger.jsonl`, oldest first.
        pictures: hash → uint8 [height, width, channels], never of test items.
        heat: hash → float32 [height, width], where the network looked.
        prepare: `prepare.json`.
        met: the rows of `inputs.json`, what the network met before its first step.
        trials: the rows of `trials.jsonl`, what experiments gave.
        cells: hash → column → what stands there, cut short; never of test items.
        pretrained: input → the encoder that the other contender saw it through.
        unreadable: names of files that are there and could not be read.
    """

    folder: Path
    run: Mapping[str, Any]
    recipe: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    split: pl.DataFrame = field(default_factory=pl.DataFrame)
    predictions: pl.DataFrame = field(default_factory=pl.DataFrame)
    held_out: pl.DataFrame = field(default_factory=pl.DataFrame)
    results: Mapping[str, Any] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    heat: Mapping[str, np.ndarray] = field(default_factory=dict)
    prepare: Mapping[str, Any] = field(default_factory=dict)
    met: list[dict[str, Any]] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pretrained: Mapping[str, Any] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    @property
    def classes(self) -> list[str]:
        """The class names, in the order of the probabilities."""
        named = self.results.get("classes") or list((self.run.get("data") or {}).get("classes") or {})
        return [str(name) for name in named]

    @property
    def choices(self) -> Mapping[str, Any]:
        """The recipe's tables; none where it cannot be read."""
        try:
            return tomllib.loads(self.recipe)
        except tomllib.TOMLDecodeError:
            return {}

    @property
    def task(self) -> str:
        """What was asked of the data: "classify", "regress" or "tag"."""
        return str((self.run.get("data") or {}).get("task") or "classify")

    @property
    def inputs(self) -> dict[str, str]:
        """Input → its modality; runs from before there were several have one, of pictures."""
        found = self.prepare.get("inputs") or (self.run.get("data") or {}).get("inputs") or {}
        return {str(name): str(one.get("modality") or "") for name, one in found.items()}

    @property
    def columns(self) -> dict[str, str]:
        """Column of the inputs → its modality."""
        found = (self.run.get("data") or {}).get("inputs") or self.prepare.get("inputs") or {}
        return {str(name): str(kind) for one in found.values() for name, kind in (one.get("columns") or {}).items()}

    def of_task(self, task: str) -> pl.DataFrame:
        """The network's predictions where this was asked of the data, else no rows."""
        return self.network if self.task == task else pl.DataFrame()

    @property
    def network(self) -> pl.DataFrame:
        """The network's predictions, one row per item; empty when there are none."""
        return self.of_model("network")

    def of_model(self, model: str) -> pl.DataFrame:
        """The predictions of one model; empty when there are none."""
        if self.predictions.is_empty():
            return self.predictions
        return self.predictions.filter(pl.col("model") == model)


def read_run(folder: Path, pictures: bool = True) -> RunFiles:
    """What a run folder holds.

    Args:
        pictures: whether to read thumbnails and cells of items too.

    Raises:
        RunError: there is no such folder, or it is not a run's.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"there is no run folder {folder}; penjing runs lists those there are")
    if not (folder / "run.json").is_file():
        raise RunError(f"{folder} is not a run folder: it has no run.json; give the folder that penjing fit wrote")
    failed: list[str] = []
    run = _read(folder / "run.json", _json, None, failed)
    if not isinstance(run, dict):
        raise RunError(f"{folder / 'run.json'} is not readable; the run cannot be shown")
    split = _read(folder / "split.parquet", pl.read_parquet, pl.DataFrame(), failed)
    hidden = _hidden(split)
    predictions = _read(folder / "predictions.parquet", pl.read_parquet, pl.DataFrame(), failed)
    shown: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    cells: dict[str, dict[str, str]] = {}
    if pictures:
        cells = _read(folder / "shown.parquet", lambda path: _cells(pl.read_parquet(path), hidden), {}, failed)
        shown = _read(folder / "pictures.npz", lambda path: _pictures(path, hidden), shown, failed)
    return RunFiles(
        folder=folder,
        run=run,
        recipe=_read(folder / "recipe.toml", lambda path: path.read_text(encoding="utf-8"), "", failed),
        steps=_steps(read_lines(folder / "record.jsonl")),
        split=split,
        predictions=_visible(predictions, hidden),
        held_out=_visible(_read(folder / HELD_OUT_FILE, pl.read_parquet, pl.DataFrame(), failed), hidden),
        results=_read(folder / "results.json", _json, {}, failed),
        ledger=read_lines(folder / "ledger.jsonl"),
        pictures=shown[0],
        heat=shown[1],
        prepare=_read(folder / "prepare.json", _json, {}, failed),
        met=_read(folder / MET, _rows, [], failed),
        trials=read_lines(folder / TRIALS),
        cells=cells,
        pretrained=_read(folder / "pretrained" / "recipe.toml", _encoders, {}, failed),
        unreadable=tuple(failed),
    )


def _read(path: Path, read: Callable[[Path], _Found], default: _Found, failed: list[str]) -> _Found:
    if not path.is_file():
        return default
    try:
        return read(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, pl.exceptions.PolarsError):
        failed.append(path.name)
        return default


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON list."""
    found = _json(path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _hidden(split: pl.DataFrame) -> set[str]:
    """Hashes that must not be shown: those of the test, confirm and excluded parts."""
    if split.is_empty():
        return set()
    return set(split.filter(~pl.col("part").is_in(SHOWN_PARTS))["hash"].to_list())


def _visible(predictions: pl.DataFrame, hidden: set[str]) -> pl.DataFrame:
    if predictions.is_empty():
        return pl.DataFrame()
    rows = predictions.filter(pl.col("part").is_in(SHOWN_PARTS)).drop_nulls(["target", "predicted"])
    return rows.filter(~pl.col("hash").is_in(list(hidden))) if hidden else rows


def _pictures(path: Path, hidden: set[str]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    # Opened here, because numpy leaves a file that is not an archive open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        images = dict(zip(archive["hash"].tolist(), archive["image"], strict=True))
        heat: dict[str, np.ndarray] = {}
        if "heat_hash" in archive:
            heat = dict(zip(archive["heat_hash"].tolist(), archive["heat"].astype(np.float32), strict=True))
    visible = {name: image for name, image in images.items() if name not in hidden}
    return visible, {name: value for name, value in heat.items() if name in visible}


def _cells(shown: pl.DataFrame, hidden: set[str]) -> dict[str, dict[str, str]]:
    """Hash → column → cell of the items that may be shown; empty cells are left out."""
    visible = shown.filter(pl.col("part").is_in(SHOWN_PARTS) & ~pl.col("hash").is_in(list(hidden)))
    return {
        item: {name: str(cell) for name, cell in cells.items() if cell is not None}
        for item, cells in visible.select("hash", "cells").iter_rows()
    }


def _encoders(path: Path) -> dict[str, Any]:
    return dict(tomllib.loads(path.read_text(encoding="utf-8")).get("pretrained") or {})


def _steps(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line per step: after `--resume` a step may stand twice, and the later one counts."""
    by_step = {line["step"]: line for line in lines if "step" in line}
    return [by_step[step] for step in sorted(by_step)]
