"""Every modality keeps the promises that the cache, the scan and the split rely on, whatever it decodes."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.core import cache, plugins
from penjing.core.errors import DataError
from penjing.core.items import item_hash
from penjing.core.scan import scan
from penjing.core.table import Column, Table

ALL = plugins.names("modalities")
NAMES = [name for name in ALL if getattr(plugins.load("modalities", name), "KIND", "cell") == "file"]
SURFACE = ("recognise", "probe", "plan", "why", "decode", "form", "features", "samples", "shape")
GIVES = ("maps", "tokens", "vector", "frames")
BUDGET = 64 * 64


class Samples:
    """A store over the samples of a modality; its last item is garbage."""

    def __init__(self, modality: ModuleType) -> None:
        self.contents = [*modality.samples(), b"garbage"]

    def read(self, reference: str) -> bytes | np.ndarray:
        return self.contents[int(reference)]

    def stamp(self, reference: str) -> None:
        return None

    def name(self, reference: str) -> str:
        return f"sample {reference}"


@pytest.fixture(params=NAMES)
def modality(request: pytest.FixtureRequest) -> ModuleType:
    return plugins.load("modalities", request.param)


def planned(modality: ModuleType) -> Any:
    return modality.plan([modality.probe(content) for content in modality.samples()], BUDGET)


def decoded(modality: ModuleType) -> np.ndarray:
    chosen = planned(modality)
    return np.stack([modality.decode(content, chosen) for content in modality.samples()])


def changed(value: Any) -> Any:
    return {int: lambda: value + 2, str: lambda: value + "?", float: lambda: value + 1, bool: lambda: not value}[
        type(value)
    ]()


def test_the_modalities_are_found() -> None:
    assert {"audio", "image", "video"} <= set(NAMES)
    assert set(NAMES) < set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_it_says_what_it_gives_and_networks_take_that(name: str) -> None:
    modality = plugins.load("modalities", name)
    assert plugins.find("modalities", name).summary
    if not hasattr(modality, "GIVES"):
        assert modality.FORM in ("number", "category", "date")  # one column of the table's slot
        return
    assert modality.GIVES in GIVES
    assert modality.MODELS
    assert set(modality.MODELS) <= set(plugins.names("models"))
    assert all(modality.GIVES in plugins.load("models", model).TAKES for model in modality.MODELS)


def test_it_has_every_function_with_a_docstring(modality: ModuleType) -> None:
    for name in SURFACE:
        assert (getattr(modality, name).__doc__ or "").strip(), name
    assert plugins.find("modalities", modality.__name__.split(".")[-1]).summary


def test_its_settings_are_frozen_and_their_defaults_are_read_without_importing(modality: ModuleType) -> None:
    default = modality.Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(default, dataclasses.fields(default)[0].name, 1)
    assert plugins.find("modalities", modality.__name__.split(".")[-1]).defaults == dataclasses.asdict(default)


def test_every_setting_is_part_of_the_forms_identity(modality: ModuleType) -> None:
    default = modality.Settings()
    ids = {modality.form(default).id} | {
        modality.form(dataclasses.replace(default, **{name: changed(value)})).id
        for name, value in dataclasses.asdict(default).items()
    }
    assert len(ids) == 1 + len(dataclasses.fields(default))


def test_it_recognises_its_own_endings_and_not_others(modality: ModuleType) -> None:
    own = [f"folder/一{ending.upper()}" for ending in modality.EXTENSIONS]
    assert modality.recognise(own) == 1.0
    assert modality.recognise(["a.zzz", "b"]) == 0.0
    assert 0 < modality.recognise([*own[:1], "a.zzz"]) < 1
    assert isinstance(modality.REFUSED, Mapping)


def test_it_scans_and_caches_its_samples_and_names_the_garbage(modality: ModuleType) -> None:
    store = Samples(modality)
    references = [str(row) for row in range(len(store.contents))]
    table = Table(pl.DataFrame({"x": references}), (Column("x", "input", "any"),), {"x": store}, "samples", "test")
    seen = scan(table, "x", modality.probe, threads=2)
    assert seen["error"].is_null().to_list() == [True] * (len(references) - 1) + [False]
    chosen, good = planned(modality), seen["hash"].drop_nulls().to_list()
    form = modality.form(chosen)
    wanted = dict(zip(good, references, strict=False)) | {item_hash(b"garbage"): references[-1]}
    thumbnail = getattr(modality, "thumbnail", None)  # only where looking alike means something
    filled = cache.fill(
        form, wanted, store, lambda content, page: modality.decode(content, chosen, page), thumbnail, threads=2
    )
    assert set(filled.failed) == {item_hash(b"garbage")}
    column = cache.open_column(form.id, good)
    np.testing.assert_array_equal(column.take(np.arange(len(good))), decoded(modality))
    if thumbnail is not None:
        assert column.thumbnails().shape == (len(good), 32, 32)


def test_decoding_is_a_pure_function_also_under_threads(modality: ModuleType) -> None:
    chosen, contents = planned(modality), modality.samples()
    before = [item_hash(content) for content in contents]
    once = decoded(modality)
    form = modality.form(chosen)
    assert (once.shape[1:], once.dtype) == (form.shape, np.dtype(form.dtype))
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: decoded(modality), range(8)):
            np.testing.assert_array_equal(once, again)
    assert [item_hash(content) for content in contents] == before


@settings(max_examples=50)
@given(content=st.binary(max_size=64), name=st.sampled_from(NAMES))
def test_garbage_is_refused_with_a_sentence_and_nothing_else(content: bytes, name: str) -> None:
    modality = plugins.load("modalities", name)
    for read in (modality.probe, lambda content: modality.decode(content, modality.Settings())):
        with pytest.raises(DataError, match=r"\w+ \w+"):
            read(content)


def test_a_plan_without_items_is_refused(modality: ModuleType) -> None:
    with pytest.raises(DataError, match=r"none of the \w+ could be read, .* check the listed files"):
        modality.plan([], BUDGET)


def test_the_plan_is_explained_in_one_sentence(modality: ModuleType) -> None:
    said = modality.why(planned(modality), [modality.probe(content) for content in modality.samples()])
    assert said
    assert "\n" not in said


def test_the_plan_does_not_depend_on_the_order_of_items(modality: ModuleType) -> None:
    headers = [modality.probe(content) for content in modality.samples()]
    assert modality.plan(headers, BUDGET) == modality.plan(headers[::-1], BUDGET)


def test_features_are_of_each_item_alone(modality: ModuleType) -> None:
    items = decoded(modality)
    features = modality.features(items)
    assert features.dtype == np.float32
    assert features.shape[0] == len(items)
    assert np.isfinite(features).all()
    np.testing.assert_allclose(modality.features(items[::-1])[::-1], features, atol=1e-5)


def test_its_front_end_gives_an_encoder_what_it_promises(modality: ModuleType) -> None:
    torch = pytest.importorskip("torch")
    front_end = importlib.import_module(f"{modality.__name__}.front_end")
    items = decoded(modality)
    learned = front_end.learn(iter([items[:2], items[2:]]), planned(modality))
    assert json.loads(json.dumps(learned)) == learned
    with torch.no_grad():
        found = front_end.FrontEnd(learned)(torch.from_numpy(items))
    assert tuple(found.shape) == (len(items), *modality.shape(learned, items.shape[1:]))
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()


def test_importing_it_does_not_import_torch(modality: ModuleType) -> None:
    code = f"import sys, {modality.__name__}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
