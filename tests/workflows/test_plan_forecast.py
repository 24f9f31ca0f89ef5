"""What `fit --dry-run` forecasts is measured on the data themselves."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import penjing as pj
from penjing.core import cache
from penjing.modalities import image
from penjing.workflows import plan as planning


def write_photos(folder: Path, each: int = 20) -> Path:
    for kind in range(2):
        (folder / f"class {kind}").mkdir(parents=True)
        for number in range(each):
            values = np.random.default_rng(100 * kind + number).integers(0, 255, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(values).save(folder / f"class {kind}" / f"{number}.png")
    return folder


def slow(seconds: float):
    decode = image.decode

    def decode_slowly(content, settings, page=None):
        time.sleep(seconds)
        return decode(content, settings, page)

    return decode_slowly


def test_the_time_to_decode_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "usable_cores", lambda: 2)
    monkeypatch.setattr(image, "decode", slow(0.05))
    forecast = pj.plan(write_photos(tmp_path / "photos", each=100), time="1m")
    assert forecast.seconds["decoding"] == pytest.approx(200 * 0.05 / 2, rel=0.3)


def test_measuring_takes_a_fraction_of_a_second_and_keeps_nothing(tmp_path, monkeypatch):
    photos = write_photos(tmp_path / "photos", each=100)
    monkeypatch.setattr(planning, "usable_cores", lambda: 1)
    looked = []
    monkeypatch.setattr(image, "decode", lambda *given: (time.sleep(0.05), looked.append(given)))
    assert pj.plan(photos, time="1m").seconds["decoding"] > 5
    assert len(looked) <= planning.SAMPLE_SECONDS / 0.05 + 2
    assert not [one for one in cache.sizes() if one.items and one.id.startswith("image")]


def test_what_is_in_the_cache_takes_no_time(tmp_path):
    photos = write_photos(tmp_path / "photos")
    pj.inspect(photos)
    assert pj.plan(photos).seconds["decoding"] == 0


def test_a_recipe_without_a_deadline_takes_as_long_as_its_steps(tmp_path):
    photos = write_photos(tmp_path / "photos")
    forecast = pj.plan(photos, recipe=pj.Recipe())
    assert "training" not in forecast.seconds
    assert forecast.seconds["trials"] == 0
    assert "as long as the steps of its recipe take" in "\n".join(forecast.lines())
    assert "training" in pj.plan(photos, recipe=pj.Recipe(), time="1m").seconds


def rows(count=120):
    draw = np.random.default_rng(0)
    return {
        "size": draw.normal(size=count),
        "stars": [1.5, 2.0, 3.5, 4.0] * (count // 4),
        "price": draw.normal(size=count),
    }


def test_a_plan_names_task_target_and_metric_as_the_fit_would_have_them():
    forecast = pj.plan(rows(), target="stars", task="classify", watch=None)
    assert 'classify: "stars", 4 classes; validation chooses by accuracy' in str(forecast).splitlines()
    assert (forecast.task, forecast.target, forecast.classes) == ("classify", "stars", 4)
    forecast = pj.plan(rows(), target="price", metric="mae", watch=None)
    assert 'regress: "price"; validation chooses by mae' in str(forecast).splitlines()
    assert "regress" in forecast._repr_html_()


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"target": "size", "metric": "macro_f1"}, 'no metric "macro_f1"; known: mae, r2, rmse'),
        ({"target": "stars", "task": "classify", "types": {"stars": "number"}}, "contradict each other; leave one out"),
        ({"target": "none"}, "has no labels"),
    ],
)
def test_a_plan_refuses_what_does_not_fit_the_target(wishes, message):
    with pytest.raises(pj.PenjingError, match=message):
        pj.plan(rows(), watch=None, **wishes)


def test_a_target_that_is_no_number_is_named_by_its_column():
    words = {"kind": ["red", "blue"] * 40, "size": list(range(40)) * 2}
    with pytest.raises(pj.UsageError, match=r'^--task regress: no cell of column "kind" is a number'):
        pj.plan(words, target="kind", task="regress", watch=None)


def test_a_number_to_predict_is_called_by_its_column():
    assert pj.inspect(rows(), target="price", watch=None).prepared.classes == ("price",)
