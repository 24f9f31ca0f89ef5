"""A run answers for new items as it did in validation, whatever they come in, and says what it cannot read."""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_run import CLASSES, picture, write_run
from PIL import Image

import penjing
from penjing.core import cache
from penjing.core.errors import DataError, PenjingError, RunError, UsageError
from penjing.core.events import Event, Progress, Said, Started, Warned
from penjing.core.items import item_hash
from penjing.core.recipe import Choice
from penjing.core.run import Run
from penjing.modalities import image
from penjing.modalities.image import Settings
from penjing.sources._stores import FolderStore
from penjing.tasks.classify import Threshold, softmax
from penjing.training import engine
from penjing.training._checkpoint import load_weights, save_weights
from penjing.training._loader import Items
from penjing.workflows import _inputs, predict
from penjing.workflows._load import load
from penjing.workflows._overlay import file_name, overlay
from penjing.workflows._predictions import Unreadable
from penjing.workflows.predict import Predictions


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("运行") / "run")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six pictures, two of each class, in nested folders with Chinese names."""
    folder = tmp_path / "新照片"
    for number in range(6):
        label = CLASSES[number % 3]
        path = folder / label / f"图 {number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(label, 100 + number)).save(path)
    return folder


def copied(run: Run, folder: Path) -> Run:
    return Run(Path(shutil.copytree(run.path, folder)))


def labels(found: Predictions) -> list[str]:
    return found.frame["prediction"].to_list()


# ---- the answers


def test_predicting_the_validation_files_gives_the_validated_probabilities(run: Run, tmp_path: Path) -> None:
    """Through the cache and the engine, as `fit` does it, and from the files: the same numbers."""
    sizes = [(16, 16), (40, 16), (9, 30), (200, 120)] * 3
    for number, (width, height) in enumerate(sizes):
        values = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / f"{number}.jpg")
    loaded, store = load(run), FolderStore(tmp_path)
    names = [f"{number}.jpg" for number in range(len(sizes))]
    hashes = [item_hash(store.read(name)) for name in names]
    form = image.form(loaded.decode)
    wanted = dict(zip(hashes, names, strict=True))
    cache.fill(form, wanted, store, lambda content, page: image.decode(content, loaded.decode, page), threads=1)
    items = Items({"image": cache.open_column(form.id, hashes)})
    expected = softmax(engine.outputs(loaded.network, items, np.arange(len(names))), loaded.temperature)
    found = predict.predict(run, tmp_path)
    assert [Path(path).name for path in found.frame["path"]] == names
    np.testing.assert_allclose(found.probability, expected, atol=1e-5)


@pytest.mark.slow
def test_a_fitted_run_answers_for_its_validation_files_as_its_folder_says(tmp_path: Path) -> None:
    data = tmp_path / "数据"
    for number in range(240):
        label = CLASSES[number % 3]
        (data / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(label, number, 12 + number % 9)).save(data / label / f"{number}.png")
    run = penjing.fit(data, time="5s", out=tmp_path / "run")
    kept = run.predictions.filter(pl.col("model") == "network")
    found = predict.predict(run, [data / name for name in kept["name"]])
    np.testing.assert_allclose(found.probability, np.array(kept["probability"].to_list()), atol=1e-5)
    assert labels(found) == kept["predicted"].to_list()


def test_colours_that_were_learned_are_known(run: Run, photos: Path) -> None:
    found = predict.predict(run, photos)
    assert [Path(path).parent.name for path in found.frame["path"]] == labels(found)
    assert found.counts == dict.fromkeys(CLASSES, 2)
    assert not found.frame["unsure"].any()
    np.testing.assert_allclose(found.probability.sum(axis=1), 1, atol=1e-5)


def test_the_temperature_of_the_run_is_applied(run: Run, photos: Path, tmp_path: Path) -> None:
    hot = copied(run, tmp_path / "hot")
    results = {**run.results, "temperature": 1000.0, "unsure_below": 0.4}
    (hot.path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    found = predict.predict(hot, photos)
    np.testing.assert_allclose(found.probability, 1 / 3, atol=0.02)
    assert labels(found) == labels(predict.predict(run, photos))
    assert found.frame["unsure"].all()


def test_the_threshold_of_the_run_decides(run: Run, photos: Path, tmp_path: Path) -> None:
    """A threshold of 0 takes everything for the positive class."""
    two = two_classes(run, tmp_path / "two")
    results = {**two.results, "threshold": Threshold(0, 0.0, "cost:5:1").to_dict()}
    (two.path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    found = predict.predict(two, photos)
    assert set(labels(found)) == {CLASSES[0]}
    assert found[2].probability == pytest.approx(found.probability[2, 0])


def two_classes(run: Run, folder: Path) -> Run:
    """The run with the outputs of its first two classes only."""
    two = copied(run, folder)
    weights = load_weights(run.path / "model.safetensors")
    weights.update({name: weights[name][:2] for name in weights if name.startswith("head")})
    save_weights(folder / "model.safetensors", weights)
    prepare = json.loads((folder / "prepare.json").read_text(encoding="utf-8"))
    (folder / "prepare.json").write_text(json.dumps({**prepare, "classes": list(CLASSES[:2])}), encoding="utf-8")
    return two


def test_what_is_far_from_the_training_data_is_called_unlike(run: Run, photos: Path) -> None:
    checks = (np.indices((16, 16)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(checks).save(photos / "猫" / "z.png")
    found = predict.predict(run, photos)
    assert {Path(one.path).name for one in found if one.is_unlike} == {"z.png"}


def test_without_unlike_nothing_is_called_unlike(run: Run, photos: Path, tmp_path: Path) -> None:
    plain = copied(run, tmp_path / "plain")
    (plain.path / "unlike.npz").unlink()
    assert not predict.predict(plain, photos).frame["unlike"].any()


def test_one_item_is_a_prediction(run: Run, photos: Path) -> None:
    (one,) = predict.predict(run, photos / "dog" / "图 1.png")
    assert (one.label, one.is_unsure, one.is_unlike) == ("dog", False, False)
    assert one.path == str(photos / "dog" / "图 1.png")
    assert 0.5 < one.probability <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_any_picture_is_brought_to_the_canvas_of_the_run(channels: int, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Settings(side=16, channels=channels))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    grey, colour = np.full((1, 1), 90, np.uint8), np.full((70, 20, 3), 90, np.uint8)
    for name, values in (("grey", grey), ("colour", colour), ("wide", np.zeros((1, 300, 4), np.uint8))):
        Image.fromarray(values).save(pictures / f"{name}.png")
    found = predict.predict(run, pictures)
    assert len(found) == 3
    assert found.unreadable == ()


def test_each_page_is_an_item_where_the_run_was_trained_so(tmp_path: Path, photos: Path) -> None:
    run = write_run(tmp_path / "run")
    run.update(wish={"data": {"page": "each"}})
    pages = [Image.fromarray(picture(label, 7)) for label in CLASSES]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    found = predict.predict(run, tmp_path / "stack.tif")
    assert [one.path.rpartition("#")[2] for one in found] == ["page=1", "page=2", "page=3"]
    assert labels(found) == list(CLASSES)


def test_the_exported_run_gives_the_probabilities_of_predict(run: Run, photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from penjing.exports import onnx
    from penjing.exports._measure import parity

    loaded = load(run)
    model = onnx.open_model(onnx.export(loaded.subject, tmp_path / "model.onnx"))
    found = predict.predict(run, photos)
    items = np.stack([image.decode(Path(one.path).read_bytes(), loaded.decode) for one in found])
    np.testing.assert_allclose(model.probabilities(items), found.probability, atol=1e-5)
    assert parity(loaded.subject, model, items).difference <= 1e-5
    assert image.Settings(**model.facts["decode"]) == loaded.decode
    assert model.facts["modality"] == "image"
    assert model.facts["unsure_below"] == loaded.unsure_below


# ---- what may be handed over


def zipped(photos: Path) -> Path:
    path = photos.parent / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(photos.rglob("*.png")):
            archive.write(file, file.relative_to(photos))
    return path


def csv(photos: Path) -> Path:
    path = photos.parent / "list.csv"
    names = [str(file.relative_to(photos.parent)) for file in sorted(photos.rglob("*.png"))]
    path.write_text("路径,patient\n" + "".join(f"{name},{row}\n" for row, name in enumerate(names)), encoding="gb18030")
    return path


def parquet(photos: Path) -> Path:
    pl.DataFrame({"path": [str(file) for file in sorted(photos.rglob("*.png"))]}).write_parquet(photos / "l.parquet")
    return photos / "l.parquet"


def excel(photos: Path) -> Path:
    pytest.importorskip("fastexcel")
    pytest.importorskip("xlsxwriter")
    names = [str(file.relative_to(photos)) for file in sorted(photos.rglob("*.png"))]
    pl.DataFrame({"path": names}).write_excel(photos / "l.xlsx")
    return photos / "l.xlsx"


def arrays(photos: Path) -> np.ndarray:
    return np.stack([picture(CLASSES[number % 3], 100 + number) for number in range(6)])


WAYS: dict[str, Callable[[Path], Any]] = {
    "folder": lambda photos: photos,
    "pattern": lambda photos: str(photos / "**" / "*.png"),
    "pattern with folders": lambda photos: f"{photos}/**",
    "pattern of folders": lambda photos: f"{photos}/*",
    "list of files": lambda photos: [str(file) for file in photos.rglob("*.png")],
    "folder and files": lambda photos: [photos / "猫", *photos.glob("dog/*"), str(photos / "bird")],
    "zip": zipped,
    "csv": csv,
    "parquet": parquet,
    "excel": excel,
    "arrays": arrays,
    "floats": lambda photos: arrays(photos) / 255,
    "list of arrays": lambda photos: list(arrays(photos)),
    "frame": lambda photos: pl.read_parquet(parquet(photos)),
}


@pytest.mark.parametrize("way", WAYS)
def test_items_come_in_many_ways(way: str, run: Run, photos: Path) -> None:
    found = predict.predict(run, WAYS[way](photos))
    assert sorted(labels(found)) == sorted(2 * CLASSES)
    assert found.unreadable == ()


@pytest.mark.parametrize("kind", ["bytes", "image", "array", "grey", "channels first"])
def test_one_picture_in_memory_is_one_item(kind: str, run: Run, photos: Path) -> None:
    values = picture("dog", 101)
    ways = {
        "bytes": (photos / "dog" / "图 1.png").read_bytes(),
        "image": Image.fromarray(values),
        "array": values,
        "grey": values[..., 0],
        "channels first": np.moveaxis(values, -1, 0),
    }
    found = predict.predict(run, ways[kind])
    assert len(found) == 1
    assert kind == "grey" or labels(found) == ["dog"]


def test_what_a_training_would_doubt_about_groups_is_not_said(run: Run, photos: Path) -> None:
    heard: list[Event] = []
    predict.predict(run, csv(photos), watch=heard.append)
    assert not [event for event in heard if isinstance(event, Said)]


def test_progress_is_told(run: Run, photos: Path) -> None:
    heard: list[Event] = []
    predict.predict(run, photos, watch=heard.append)
    assert Started("predicting", 6, "items") in heard
    assert [event.done for event in heard if isinstance(event, Progress)] == [6]


def test_patterns_leave_files_out(run: Run, photos: Path) -> None:
    assert len(predict.predict(run, photos, ignore=["dog"])) == 4


def test_only_a_few_items_are_decoded_ahead(run: Run, photos: Path) -> None:
    """However many items wait, the pictures in memory are those of a few chunks."""
    path = str(photos / "dog" / "图 1.png")
    loaded = load(run)
    reader = _inputs.Reader(loaded.modality, loaded.decode)
    seen = 0

    class Counting(FolderStore):
        def read(self, reference: str) -> bytes:
            nonlocal seen
            seen += 1
            return super().read(reference)

    items = _inputs.decoded([_inputs.Source(Counting(Path()), [path] * 5000)], reader, threads=1)
    for _ in range(20):
        next(items)
    items.close()  # type: ignore[attr-defined]
    assert seen < 300


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
    assert [Path(one.path).name for one in found.unreadable] == ["gone.png", "test_predict.py"]
    assert "No such file" in found.unreadable[0].reason


def test_a_format_that_must_be_converted_says_how(run: Run, photos: Path) -> None:
    (photos / "cells.czi").write_bytes(b"ZISRAWFILE")
    found = predict.predict(run, [photos / "cells.czi", photos / "dog" / "图 1.png"])
    assert "export it as TIFF first" in found.unreadable[0].reason


def test_a_huge_file_is_not_read_into_memory(run: Run, photos: Path) -> None:
    with (photos / "huge.png").open("wb") as file:
        file.truncate(_inputs.LARGEST_FILE_BYTES + 1)  # sparse: no disk is used
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


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


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
        ("prepare.json", "{}", "lacks column, modality, decode"),
        ("results.json", '{"temperature": 1}', "lacks threshold, unsure_below"),
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


# ---- files written


def test_excel_opens_the_csv_with_chinese_names(run: Run, photos: Path, tmp_path: Path) -> None:
    found = predict.predict(run, photos)
    path = found.write(tmp_path / "答案" / "预测.csv")
    assert path.read_bytes().startswith("\ufeffpath,prediction,unsure,unlike,p_猫,p_dog,p_bird".encode())
    back = pl.read_csv(path)
    assert back["path"].to_list() == found.frame["path"].to_list()
    np.testing.assert_allclose(back["p_猫"], found.frame["p_猫"], atol=1e-6)


def test_unreadable_items_are_in_the_table_with_their_reason(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "empty.jpg").touch()
    found = predict.predict(run, photos)
    back = pl.read_parquet(found.write(tmp_path / "all.parquet"))
    assert len(back) == 7
    assert back.row(6, named=True)["prediction"] is None
    assert back["unreadable"][6] == "the file is empty (0 bytes)"


def test_the_json_document_holds_everything(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "empty.jpg").touch()
    found = predict.predict(run, photos)
    document = json.loads(found.write(tmp_path / "all.json").read_text(encoding="utf-8"))
    assert document == found.to_dict()
    assert document["classes"] == list(CLASSES)
    assert document["counts"] == {"猫": 2, "dog": 2, "bird": 2}
    assert list(document["predictions"][0]) == ["path", "prediction", "unsure", "unlike", "probability"]
    assert document["unreadable"] == [{"path": str(photos / "empty.jpg"), "reason": "the file is empty (0 bytes)"}]


@pytest.mark.parametrize("name", ["predictions.txt", "predictions", "predictions.xlsx"])
def test_other_suffixes_are_refused(name: str, run: Run, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in .csv, .json or .parquet"):
        predict.predict(run, photos).write(tmp_path / name)


def test_a_folder_is_no_place_for_predictions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder; give the name of a file, such as .*predictions\.csv"):
        predict.check_output(tmp_path)


def test_a_place_that_cannot_be_written_is_a_sentence(run: Run, photos: Path, tmp_path: Path) -> None:
    found = predict.predict(run, photos)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot write .*x\.csv"):
        found.write(tmp_path / "file" / "x.csv")
    if os.access("/proc", os.F_OK):
        with pytest.raises(RunError, match=r"cannot write /proc/x\.csv: No such file or directory; check"):
            found.write("/proc/x.csv")


def test_a_notebook_shows_counts_and_escapes_names(run: Run, photos: Path) -> None:
    shutil.move(photos / "dog" / "图 1.png", photos / "dog" / "a<b>&.png")
    page = predict.predict(run, photos)._repr_html_()
    assert "6 items: 猫 2, dog 2, bird 2" in page
    assert "a&lt;b&gt;&amp;.png" in page
    assert "<b>&" not in page


def test_a_line_tells_the_answer_and_what_speaks_against_it() -> None:
    assert str(predict.Prediction("新/1.png", "dog", 0.934, False, False)) == "新/1.png: dog 0.93"
    doubtful = predict.Prediction("a", "dog", 0.5, True, True)
    assert str(doubtful) == "a: dog 0.50, unsure, unlike the training data"


def test_every_item_has_a_line(run: Run, photos: Path) -> None:
    found = predict.predict(run, photos)
    assert found.lines() == [str(one) for one in found]
    assert len(found.lines()) == 6


# ---- where it looked


def test_explaining_writes_a_picture_for_each_item_named_by_its_answer(run: Run, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "解释"
    found = predict.predict(run, photos, explain=folder)
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 6
    assert names[0] == file_name(1, found[0].path, found[0].label, found[0].probability)
    assert "图" in names[0]
    assert found[0].label in names[0]
    with Image.open(folder / names[0]) as shown:
        assert shown.size[0] > 2 * shown.size[1]


def test_explanations_are_bounded_and_it_is_said(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "MOST_EXPLAINED", 2)
    heard: list[Event] = []
    predict.predict(run, photos, explain=tmp_path / "why", watch=heard.append)
    assert len(list((tmp_path / "why").iterdir())) == 2
    assert Said(f"the first 2 of 6 items are explained in {tmp_path / 'why'}") in heard


def test_explanations_need_a_folder(run: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file; explanations are many pictures"):
        predict.predict(run, photos, explain=tmp_path / "file")
    with pytest.raises(RunError, match="cannot write"):
        predict.predict(run, photos, explain=tmp_path / "file" / "below")


def test_an_overlay_colours_where_it_matters_and_nowhere_else() -> None:
    grey = np.full((28, 28, 1), 100, np.uint8)
    heat = np.zeros((7, 7), np.float16)
    heat[0, 0], heat[6, 6] = 2.0, -3.0
    shown = np.asarray(overlay(grey, heat)).astype(int)
    right = shown[:, -224:]
    assert right[4, 4, 0] > 180
    assert (right[-20:, -20:] == 100).all()
    assert (shown[:, :224] == 100).all()


def test_an_overlay_of_nothing_that_matters_is_the_picture() -> None:
    shown = np.asarray(overlay(np.full((28, 28, 3), 7, np.uint8), np.full((7, 7), -1, np.float16)))
    assert (shown[:, -224:] == 7).all()


def test_the_name_of_an_overlay_is_legal_and_short() -> None:
    name = file_name(3, "a/b:c?" + "长" * 300 + ".png", "is/it?", 0.931)
    assert not set(name) & set('<>:"/\\|?*')
    assert name.endswith("= is_it_ 93%.png")
    assert len(name.encode()) < 255
