"""What cannot be read is listed with its reason, and what cannot be answered is a sentence."""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_run import CLASSES, copied, labels, picture
from PIL import Image

from penjing.core.errors import DataError, PenjingError, RunError, UsageError
from penjing.core.events import Event, Warned
from penjing.core.recipe import Choice
from penjing.core.run import Run
from penjing.workflows import _items, predict
from penjing.workflows._predictions import Unreadable

# ---- what cannot be read


def test_bad_files_are_listed_with_the_reason_and_the_rest_is_answered(run: Run, photos: Path) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    (photos / "empty.jpg").touch()
    heard: list[Event] = []
    found = predict.predict(run, photos, watch=heard.append)
    assert len(found) == 6
    assert {Path(one.path).name for one in found.unreadable} == {"broken.png", "empty.jpg"}
    assert found.unreadable[1] == Unreadable(str(photos / "empty.jpg"), "the file is empty (0 bytes)")
    (warned,) = [event.message for event in heard if isinstance(event, Warned)]
    assert warned.startswith("6 of 8 items could be read; these cannot be predicted:")
    assert str(photos / "broken.png") in warned


def test_nothing_readable_is_an_error_that_lists_ten(run: Run, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"none of 12 items could be read(.|\n)*0.png(.|\n)*… and 2 more"):
        predict.predict(run, tmp_path)


def test_a_missing_file_among_others_is_listed(run: Run, photos: Path) -> None:
    found = predict.predict(run, [photos / "dog" / "图 1.png", photos / "gone.png", __file__])
    assert len(found) == 1
    assert [Path(one.path).name for one in found.unreadable] == ["gone.png", Path(__file__).name]
    assert "No such file" in found.unreadable[0].reason


def test_a_format_that_must_be_converted_says_how(run: Run, photos: Path) -> None:
    (photos / "cells.czi").write_bytes(b"ZISRAWFILE")
    found = predict.predict(run, [photos / "cells.czi", photos / "dog" / "图 1.png"])
    assert "export it as TIFF first" in found.unreadable[0].reason


def test_a_huge_file_is_not_read_into_memory(run: Run, photos: Path) -> None:
    with (photos / "huge.png").open("wb") as file:
        file.truncate(_items.LARGEST_FILE_BYTES + 1)  # sparse: no disk is used
    found = predict.predict(run, photos)
    assert [(Path(one.path).name, one.reason) for one in found.unreadable] == [
        ("huge.png", "the file has 2.0 GB, more than the 2.0 GB that are read; make it smaller")
    ]


@pytest.mark.parametrize(
    ("inputs", "problem", "message"),
    [
        ("", UsageError, "an empty path was given"),
        ([], UsageError, "there is nothing to predict"),
        ("nowhere/photo.png", DataError, "there is no nowhere/photo.png"),
        ("*.nothing", DataError, r"no file matches \*.nothing; check the pattern"),
        ("nowhere.csv", DataError, "there is no nowhere.csv; expected pictures, a folder or .zip of them"),
        ("x" * 5000, DataError, "there is no xxx"),
        ("a\0b.png", DataError, "there is no a"),
        (3, DataError, "data of type int cannot be read"),
        (None, DataError, "data of type NoneType cannot be read"),
        (np.zeros(5), DataError, "x has shape"),
        (__file__, DataError, "is not data of a known kind"),
    ],
)
def test_what_cannot_be_predicted_is_a_sentence(
    inputs: object, problem: type[Exception], message: str, run: Run
) -> None:
    with pytest.raises(problem, match=message):
        predict.predict(run, inputs)


def test_an_empty_folder_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no files"):
        predict.predict(run, tmp_path / "empty")


def damaged() -> st.SearchStrategy[bytes]:
    """A real picture with a piece cut off or overwritten, or no picture at all."""
    whole = [encoded(kind) for kind in ("PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP")]
    cut = st.tuples(st.sampled_from(whole), st.floats(0, 1)).map(lambda two: two[0][: int(two[1] * len(two[0]))])
    mixed = st.tuples(st.sampled_from(whole), st.integers(0, 400), st.binary(min_size=1, max_size=20)).map(
        lambda three: three[0][: three[1]] + three[2] + three[0][three[1] + len(three[2]) :]
    )
    return st.one_of(st.binary(max_size=200), cut, mixed)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture("dog", 1)).save(buffer, format=kind)
    return buffer.getvalue()


FUZZ = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@FUZZ
@given(contents=st.lists(damaged(), min_size=1, max_size=4))
def test_damaged_pictures_are_answered_or_listed(run: Run, contents: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(contents):
            (Path(folder) / f"{number}.{['png', 'jpg', 'tif', 'gif'][number]}").write_bytes(content)
        try:
            found = predict.predict(run, folder)
            assert len(found) + len(found.unreadable) == len(contents)
            assert np.isfinite(found.probability).all()
        except DataError as problem:
            assert str(problem).startswith(f"none of {len(contents)} items could be read")  # noqa: PT017 - either is right


@FUZZ
@given(content=st.one_of(st.binary(max_size=80), st.text("path,\n;\t\"'a.png", max_size=60).map(str.encode)))
def test_damaged_tables_are_a_sentence(run: Run, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.png").write_bytes(encoded("PNG"))
        Path(folder, "list.csv").write_bytes(content)
        try:
            assert labels(predict.predict(run, Path(folder, "list.csv")))[0] in CLASSES
        except PenjingError as problem:
            assert len(str(problem)) > 20  # noqa: PT017 - either is right


# ---- runs that cannot answer


def test_a_folder_that_is_no_run_is_named(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        predict.predict(photos, photos)
    with pytest.raises(RunError, match="there is no run folder"):
        predict.predict(tmp_path / "runs", photos)


def test_a_run_without_weights_says_how_to_finish_it(run: Run, tmp_path: Path, photos: Path) -> None:
    for number, name in enumerate(("model.safetensors", "results.json")):
        cut = copied(run, tmp_path / str(number))
        (cut.path / name).unlink()
        with pytest.raises(RunError, match=r"has no trained network yet.*penjing fit --resume"):
            predict.predict(cut, photos)


def test_weights_that_do_not_fit_the_recipe_are_refused(run: Run, tmp_path: Path, photos: Path) -> None:
    other = copied(run, tmp_path / "other")
    other.write_recipe(replace(run.recipe, model=Choice("cnn", {"width": 24}).filled("models")))
    with pytest.raises(RunError, match=r"model.safetensors does not fit the network of .*recipe.toml"):
        predict.predict(other, photos)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", "broken", "the run has no usable weights"),
        ("prepare.json", "{", "the run folder is damaged"),
        ("prepare.json", "3", "the run folder is damaged"),
        ("prepare.json", "{}", "lacks inputs, target, classes"),
        ("results.json", '{"temperature": 1}', "lacks threshold"),
        ("unlike.npz", "broken", "unlike.npz cannot be read"),
    ],
)
def test_a_damaged_run_is_a_sentence(
    name: str, content: str, message: str, run: Run, tmp_path: Path, photos: Path
) -> None:
    bad = copied(run, tmp_path / "bad")
    (bad.path / name).write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=message):
        predict.predict(bad, photos)


def test_decode_settings_of_a_later_version_are_refused(run: Run, tmp_path: Path, photos: Path) -> None:
    bad = copied(run, tmp_path / "bad")
    prepare = json.loads((bad.path / "prepare.json").read_text(encoding="utf-8"))
    prepare["decode"]["stereo"] = True
    (bad.path / "prepare.json").write_text(json.dumps(prepare), encoding="utf-8")
    with pytest.raises(RunError, match=r"holds what it should not.*stereo"):
        predict.predict(bad, photos)


def test_a_run_of_a_newer_format_is_refused(run: Run, tmp_path: Path, photos: Path) -> None:
    newer = copied(run, tmp_path / "newer")
    newer.update(format=99)
    with pytest.raises(RunError, match="newer penjing"):
        predict.predict(newer.path, photos)
