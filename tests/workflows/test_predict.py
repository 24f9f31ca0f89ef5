"""A run answers for new items as it did in validation, whatever they come in."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from made_run import CLASSES, copied, labels, picture, write_run
from PIL import Image

import penjing
from penjing.core import cache
from penjing.core.events import Event, Progress, Said, Started
from penjing.core.items import item_hash
from penjing.core.run import Run
from penjing.modalities import image
from penjing.modalities.image import Settings
from penjing.sources._stores import FolderStore
from penjing.tasks.classify import Threshold, softmax
from penjing.training import engine
from penjing.training._checkpoint import load_weights, save_weights
from penjing.training._loader import Items
from penjing.workflows import _items, predict
from penjing.workflows._load import load
from penjing.workflows._rows import Source

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
    settings = loaded.inputs[0].settings
    form = image.form(settings)
    wanted = dict(zip(hashes, names, strict=True))
    cache.fill(form, wanted, store, lambda content, page: image.decode(content, settings, page), threads=1)
    items = Items({"image": cache.open_column(form.id, hashes)})
    expected = softmax(engine.outputs(loaded.network, items, np.arange(len(names))), loaded.calibrated["temperature"])
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
    settings = loaded.inputs[0].settings
    model = onnx.open_model(onnx.export(loaded.subject, tmp_path / "model.onnx"))
    found = predict.predict(run, photos)
    items = np.stack([image.decode(Path(one.path).read_bytes(), settings) for one in found])
    np.testing.assert_allclose(model.probabilities(items), found.probability, atol=1e-5)
    assert parity(loaded.subject, model, items).difference <= 1e-5
    assert image.Settings(**model.facts["inputs"]["image"]["decode"]) == settings
    assert model.facts["inputs"]["image"]["modality"] == "image"
    assert model.facts["unsure_below"] == loaded.calibrated["unsure_below"]


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
    "series of paths": lambda photos: pd.Series([str(file) for file in photos.rglob("*.png")]),
    "array of paths": lambda photos: np.array([str(file) for file in photos.rglob("*.png")]),
    "list of bytes": lambda photos: [file.read_bytes() for file in photos.rglob("*.png")],
    "list of images": lambda photos: [Image.fromarray(one) for one in arrays(photos)],
    "series of images": lambda photos: pd.Series([Image.fromarray(one) for one in arrays(photos)]),
    "series of arrays": lambda photos: pd.Series(list(arrays(photos))),
    "series of polars": lambda photos: pl.Series([file.read_bytes() for file in photos.rglob("*.png")]),
    "dict of arrays": lambda photos: {"image": arrays(photos)},
    "dict of images": lambda photos: {"image": [Image.fromarray(one) for one in arrays(photos)]},
    "arrays and labels": lambda photos: (arrays(photos), np.arange(6)),
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


@pytest.mark.parametrize("make", [np.asarray, Image.fromarray])
def test_a_tuple_of_two_pictures_is_two_items(make: Any, run: Run) -> None:
    assert labels(predict.predict(run, (make(picture("dog", 101)), make(picture("猫", 100))))) == ["dog", "猫"]


def test_three_grey_pictures_are_three_items_for_a_run_of_grey_ones(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Settings(side=16, channels=1))
    pictures = np.random.default_rng(0).integers(0, 255, (3, 16, 16)).astype(np.uint8)
    assert len(predict.predict(run, pictures)) == 3
    assert len(predict.predict(run, pictures[:2])) == 2


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
    reader = _items.Reader(load(run).inputs)
    seen = 0

    class Counting(FolderStore):
        def read(self, reference: str) -> bytes:
            nonlocal seen
            seen += 1
            return super().read(reference)

    source = Source(pl.DataFrame({"image": [path] * 5000}), {"image": Counting(Path())})
    items = _items.decoded(source, reader, threads=1)
    for _ in range(20):
        next(items)
    items.close()  # type: ignore[attr-defined]
    assert seen < 300
