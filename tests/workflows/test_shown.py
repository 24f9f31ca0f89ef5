"""What a run keeps of its items for the report: cells cut short, sounds and videos made small, never a test item."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from penjing.core.budget import Clock
from penjing.core.run import Run, create
from penjing.sources import Options
from penjing.workflows import _shown
from penjing.workflows._prepare import DataWish, Prepared, prepare

ROWS = 120


def answered(folder: Path, prepared: Prepared) -> Run:
    """A run whose network gave every validation item some loss, the last one the largest."""
    run = create(folder, "made/", {})
    rows = prepared.rows("valid")
    hashes = [prepared.hashes[row] for row in rows]
    losses = pl.Series(np.arange(len(rows), dtype=np.float32))
    frame = pl.DataFrame({"model": ["network"] * len(rows), "hash": hashes, "loss": losses})
    frame.write_parquet(run.path / "predictions.parquet")
    return run


def ready(data: object, **options: str) -> Prepared:
    return prepare(data, DataWish(Options(**options)), Clock(600.0, is_binding=False))


def test_cells_of_validation_items_are_kept_the_worst_first_and_cut_short(tmp_path: Path) -> None:
    label = ["good", "bad"] * (ROWS // 2)
    data = pl.DataFrame(
        {
            "review": [f"{row} 真好 wonderful and quite long a text as reviews are " * 20 for row in range(ROWS)],
            "stars": [row / 7 for row in range(ROWS)],
            "label": label,
        }
    )
    prepared = ready(data, target="label")
    run = answered(tmp_path / "run", prepared)
    _shown.write_shown(run, prepared)
    shown = pl.read_parquet(run.path / "shown.parquet")
    valid = prepared.rows("valid")
    assert set(shown["hash"]) == {prepared.hashes[row] for row in valid}
    assert shown["hash"][0] == prepared.hashes[valid[-1]]
    cells = shown["cells"].struct.unnest()
    assert set(cells.columns) == {"review", "stars"}
    assert cells["review"].str.len_chars().to_list() == [_shown.MOST_LETTERS + 1] * len(shown)
    assert not (run.path / "pictures.npz").exists()


def test_a_tone_is_drawn_as_one_bright_line_higher_for_a_higher_pitch() -> None:
    from penjing.modalities.audio import Settings

    settings = Settings(rate_hz=8000, seconds=1.0)
    time = np.arange(8000) / 8000
    tones = np.stack([np.sin(2 * np.pi * hertz * time) * 20_000 for hertz in (300, 2000)]).astype(np.int16)
    pictures = _shown._loudness(tones, settings)
    assert pictures.dtype == np.uint8
    assert pictures.shape[0] == 2
    assert pictures.shape[2] <= 2 * _shown.SIDE
    low, high = (picture[..., 0].mean(axis=1).argmax() for picture in pictures)
    assert low > high  # rows are counted from above


def test_of_a_video_the_middle_frame_is_kept_small() -> None:
    frames = np.zeros((2, 5, 160, 160, 3), dtype=np.uint8)
    frames[:, 2] = 200
    pictures = _shown._middle_frames(frames, None)
    assert pictures.shape == (2, 53, 53, 3)
    assert (pictures == 200).all()
