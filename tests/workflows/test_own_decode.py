"""Files decoded for a pretrained encoder alone, and runs from before there was such a choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from PIL import Image

from penjing.core import cache
from penjing.core.errors import DataError
from penjing.core.files import cache_folder
from penjing.core.items import item_hash
from penjing.core.recipe import Choice
from penjing.modalities import image
from penjing.sources._stores import FolderStore
from penjing.workflows import _pretrained
from penjing.workflows._pretrained import Embedded, EmbeddingSlot, OwnFiles, own_decode
from penjing.workflows._slots import FileSlot, Gapped

CANVAS = image.Settings(side=16, channels=1)


def test_the_encoder_may_ask_for_its_own_form():
    asked = own_decode(Choice("efficientnet_lite0", {"side": 64, "fit": "crop"}), CANVAS)
    assert asked == replace(CANVAS, side=64, channels=3, fit="crop")


def test_a_run_from_before_sees_the_canvas_that_it_saw_then():
    assert own_decode(Choice("efficientnet_lite0", {"side": 224}), CANVAS) == CANVAS
    assert own_decode(Choice("speech_embedding"), CANVAS) == CANVAS


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(random.integers(0, 255, (20, 30, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    decode = image.Settings(side=24, fit="crop")
    names = ["0.png", None, "1.png", "2.png"]
    hashes = [name and item_hash((tmp_path / name).read_bytes()) for name in names]
    return OwnFiles("image", decode, names, hashes, FolderStore(tmp_path))


def test_rows_come_in_the_order_asked_and_are_what_decoding_gives(files, tmp_path):
    found = files.take(np.array([3, 0, 1, 3]))
    expected = [image.decode((tmp_path / name).read_bytes(), files.decode) for name in ("2.png", "0.png")]
    assert np.array_equal(found[[0, 1, 3]], np.stack([*expected, expected[0]]))
    assert not found[2].any()


def test_blocks_that_an_encoder_sees_after_one_another_are_decoded_together(files, monkeypatch):
    monkeypatch.setattr(_pretrained, "BLOCK", 1)
    monkeypatch.setattr(_pretrained, "embedded", lambda _, values, __: values.reshape(len(values), -1)[:, :5] / 255)
    replace(files, decode=CANVAS).take(np.arange(4))
    cached = cache.open_column(image.form(CANVAS).id, [one for one in files.hashes if one])
    present = np.array([True, False, True, True])
    base = FileSlot("image", "image", (), CANVAS, Gapped(cached, present), present, files.hashes)
    slot = EmbeddingSlot(base, Choice("efficientnet_lite0"), files)
    values = Embedded(slot.blocks, 4, (5,))
    expected = files.take(np.array([3, 0, 1, 3]))
    form = image.form(files.decode).id
    cache.clear(form)
    found = values.take(np.array([3, 0, 1, 3]))
    assert np.allclose(found, expected.reshape(4, -1)[:, :5] / 255)
    assert not found[2].any()
    (shard,) = (cache_folder() / form).glob("*.parquet")
    assert pl.read_parquet(shard).height == 2
    values.take(np.array([2, 1]))
    assert len(list((cache_folder() / form).glob("*.parquet"))) == 2


def test_only_rows_that_are_asked_for_are_read(files, tmp_path):
    (tmp_path / "1.png").unlink()
    assert len(files.take(np.array([0, 3]))) == 2


def test_a_file_that_was_damaged_meanwhile_is_named(files, tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1\.png cannot be read any more"):
        files.take(np.array([2]))


def test_rows_without_any_file_need_no_cache(files):
    assert files.take(np.array([1])).shape == (1, 24, 24, 3)
