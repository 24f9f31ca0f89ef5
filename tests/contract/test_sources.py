"""What every source promises: its own sample opens, in one order, every reference is read or named, and no other
source claims it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from penjing.core import plugins
from penjing.core.errors import DataError, UsageError
from penjing.sources import Options, open_data

NAMES = plugins.names("sources")


def test_all_sources_are_found() -> None:
    sources = ["array_file", "arrays", "class_folder", "frame", "table_file", "torch_dataset", "zip_folder"]
    assert sources == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_summary_of_one_line(name: str) -> None:
    summary = plugins.find("sources", name).summary
    assert summary.endswith(".")
    assert len(summary) < 120


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_its_own_sample(name: str, tmp_path: Path) -> None:
    table = open_data(plugins.load("sources", name).sample(tmp_path))
    assert table.kind == name
    assert len(table) >= 4
    assert [column.name for column in table.inputs] == ["image"]
    assert table.target is not None
    assert table.frame["target"].n_unique() == 2
    assert table.said[0].startswith(f"{len(table)} images in 2 classes")
    assert table.hints["classes"] == ["cat", "dog"]
    assert table.title


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_the_same_order_every_time(name: str, tmp_path: Path) -> None:
    sample = plugins.load("sources", name).sample(tmp_path)
    first, second = open_data(sample), open_data(sample)
    assert first.frame.equals(second.frame)
    assert first.frame["image"].n_unique() == len(first)


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_is_read_by_several_threads_as_by_one(name: str, tmp_path: Path) -> None:
    table = open_data(plugins.load("sources", name).sample(tmp_path))
    store = table.stores["image"]
    references = table.frame["image"].to_list()
    alone = [bytes(store.read(reference)) for reference in references]
    assert len(set(alone)) == len(references)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda reference: bytes(store.read(reference)), references * 8))
    assert together == alone * 8


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_a_picture(name: str, tmp_path: Path) -> None:
    table = open_data(plugins.load("sources", name).sample(tmp_path))
    image = plugins.load("modalities", "image")
    header = image.probe(table.stores["image"].read(table.frame["image"][0]))
    assert (header.height, header.width, header.channels) == (8, 8, 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reference", ["nowhere/no.png", "999999", "-1", "²"])
def test_a_bad_reference_is_named_in_the_error(name: str, reference: str, tmp_path: Path) -> None:
    store = open_data(plugins.load("sources", name).sample(tmp_path)).stores["image"]
    with pytest.raises(DataError, match=reference) as caught:
        store.read(reference)
    assert store.name(reference) in str(caught.value)
    assert store.stamp(reference) is None


@pytest.mark.parametrize("name", NAMES)
def test_no_other_source_claims_its_sample(name: str, tmp_path: Path) -> None:
    sample = plugins.load("sources", name).sample(tmp_path)
    assert [other for other in NAMES if plugins.load("sources", other).looks_like(sample)] == [name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("thing", [None, 3, "text", b"bytes", {}, [], (), object(), np.float64(1)])
def test_it_does_not_claim_what_is_no_data(name: str, thing: object) -> None:
    assert not plugins.load("sources", name).looks_like(thing)


@pytest.mark.parametrize("name", NAMES)
def test_the_options_about_classes_hold(name: str, tmp_path: Path) -> None:
    sample = plugins.load("sources", name).sample(tmp_path)
    count = len(open_data(sample))
    merged = open_data(sample, Options(merge={"tiger": ["cat"]}))
    assert merged.hints["classes"] == ["dog", "tiger"]
    unlabelled = open_data(sample, Options(target="none"))
    assert unlabelled.target is None
    assert len(unlabelled) == count
    with pytest.raises(DataError, match='only one class: "dog"'):
        open_data(sample, Options(exclude=("cat",)))
    with pytest.raises(UsageError, match='--exclude names a class "catt" that does not exist; did you mean "cat"'):
        open_data(sample, Options(exclude=("catt",)))
    with pytest.raises(UsageError, match=r"no items of .* are left"):
        open_data(sample, Options(exclude=("cat", "dog")))
