"""Broken folders, tables and pictures at inspect, fit and predict: an answer or a sentence, never a traceback."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from penjing.cli import run_command
from tiny_data import RECIPE, draw

CODES = {0, 1, 2, 3, 130}
QUICK = RECIPE.replace("steps = 30", "steps = 3").replace("evaluations = 3", "evaluations = 1")
BOUNDED = settings(
    max_examples=12,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)
endings = st.sampled_from([".png", ".jpg", ".TIFF", ".gif", ".webp", ".csv", ".txt", "", ".zip", ".npy"])


@st.composite
def pictures(draw_one):
    """A picture's bytes: whole, cut off, with changed bytes, or no picture at all."""
    image = draw(
        draw_one(st.integers(0, 2)), draw_one(st.integers(0, 99)), draw_one(st.sampled_from([1, 2, 7, 12, 40]))
    )
    buffer = io.BytesIO()
    mode = draw_one(st.sampled_from(["RGB", "L", "RGBA", "P", "1"]))
    image.convert(mode).save(buffer, draw_one(st.sampled_from(["PNG", "GIF", "BMP", "TIFF"])))
    content = bytearray(buffer.getvalue())
    for place in draw_one(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] ^= draw_one(st.integers(0, 255))
    whole = bytes(content)
    return draw_one(st.sampled_from([whole, whole, whole, whole[: len(whole) // 2], b"", b"no picture"]))


folders = st.dictionaries(names, st.dictionaries(st.tuples(names, endings), pictures(), max_size=6), max_size=4)
cells = st.one_of(st.sampled_from(["good.png", "bad.png", "", "cat", "dog", "path", "label"]), st.text(max_size=6))
tables = st.lists(st.lists(cells, max_size=4), max_size=12)


def write(folder: Path, content: dict[str, dict[tuple[str, str], bytes]]) -> None:
    for name, files in content.items():
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
            for (stem, ending), data in files.items():
                (folder / name / f"{stem}{ending}").write_bytes(data)
        except (OSError, UnicodeError):  # a name that this system does not allow
            continue


def assert_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run_command(words)
    out, err = capsys.readouterr()
    assert code in CODES
    assert "Traceback" not in out + err
    assert "bug in penjing" not in err, err
    assert code != 1 or "penjing: " in err


@given(content=folders)
@BOUNDED
def test_a_folder_of_anything_is_answered(content, inside, capsys):
    with tempfile.TemporaryDirectory() as place:
        data, run, recipe = Path(place, "data"), Path(place, "run"), Path(place, "recipe.toml")
        data.mkdir()
        recipe.write_text(QUICK, encoding="utf-8")
        write(data, content)
        assert_said(["inspect", str(data)], capsys)
        most = ["--most-unreadable", "1"]
        assert_said(["fit", str(data), "--recipe", str(recipe), "--out", str(run), "--no-pictures", *most], capsys)
        assert_said(["predict", "run", str(data)], capsys)


@given(
    rows=tables, separator=st.sampled_from([",", ";", "\t"]), encoding=st.sampled_from(["utf-8", "utf-16", "gb18030"])
)
@BOUNDED
def test_a_table_of_anything_is_answered(rows, separator, encoding, inside, capsys):
    with tempfile.TemporaryDirectory() as place:
        data, run, recipe = Path(place, "data.csv"), Path(place, "run"), Path(place, "recipe.toml")
        recipe.write_text(QUICK, encoding="utf-8")
        draw(0, 1).save(Path(place, "good.png"))
        Path(place, "bad.png").write_bytes(b"no picture")
        text = "\n".join(separator.join(row) for row in [["path", "label"], *rows])
        data.write_bytes(text.encode(encoding, "replace"))
        assert_said(["inspect", str(data)], capsys)
        assert_said(["fit", str(data), "--recipe", str(recipe), "--out", str(run), "--no-pictures"], capsys)
        assert_said(["predict", "run", str(data)], capsys)


@given(
    file=st.sampled_from(["run.json", "recipe.toml", "prepare.json", "results.json", "split.parquet", "record.jsonl"]),
    content=st.one_of(st.sampled_from([b"", b"{}", b"[]", b"null", b"format = 1"]), st.binary(max_size=20)),
)
@settings(BOUNDED, max_examples=20)
def test_a_damaged_run_folder_is_answered(file, content, inside, capsys):
    with tempfile.TemporaryDirectory() as place:
        run = Path(place, "run")
        shutil.copytree(inside / "run", run)
        (run / file).write_bytes(content)
        for words in (["report"], ["compare", "run"], ["predict"], ["fit", "--resume"], ["runs", "--folder", place]):
            extra = ["photos/noise/p001.png"] if words == ["predict"] else []
            assert_said([*words, *([] if words[0] == "runs" else [str(run)]), *extra], capsys)
