"""The script that writes Fashion-MNIST for the benchmarks, on IDX files of our own."""

from __future__ import annotations

import gzip
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from penjing.sources import open_data

SCRIPT = Path(__file__).parents[1] / "bench" / "make_fashion_mnist.py"


def write_idx(path: Path, values: np.ndarray) -> None:
    """An IDX file as LeCun describes it: two zeros, the type, the number of axes, their lengths, the values."""
    header = bytes([0, 0, 8, values.ndim]) + b"".join(length.to_bytes(4, "big") for length in values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))


def test_pictures_come_out_as_they_went_in_under_their_class(tmp_path: Path) -> None:
    script = runpy.run_path(str(SCRIPT))
    pictures = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = np.arange(20, dtype=np.uint8) % 10
    for prefix in ("train", "t10k"):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", pictures)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", labels)
    assert script["write"](tmp_path / "fashion", tmp_path) == 40
    assert np.array_equal(np.asarray(Image.open(tmp_path / "fashion/test/Ankle-boot/00019.png")), pictures[19])
    table = open_data(tmp_path / "fashion")
    assert table.said[0] == "40 images in 10 classes (folder names): 4 each"
    assert "Given split: train 20, test 20; validation is cut from the rest" in table.said


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"not idx"))
    with pytest.raises(SystemExit, match="is not an IDX file of bytes"):
        runpy.run_path(str(SCRIPT))["read_idx"](tmp_path / "x.gz")
