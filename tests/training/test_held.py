"""Batches that are cut on a device are those that are cut on the processor, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_engine import Pictures, problem, recipe, same

from penjing.batch import Batch
from penjing.core.recipe import Choice, Machine, Recipe, Training
from penjing.modalities.text.front_end import MARGIN
from penjing.training import _feed, _held, _step, engine
from penjing.training._held import OnDevice, Shelf, filled, on_device
from penjing.training._loader import Items

CPU, META = torch.device("cpu"), torch.device("meta")
ROWS = np.arange(5, 90)  # of the hundred that there are


def items() -> Items:
    """Pictures, tokens, numbers that have gone through a costly front end, gaps and weights."""
    draw = np.random.default_rng(0)
    return Items(
        {
            "image": Pictures(draw.integers(0, 256, (100, 6, 5, 3)).astype(np.uint8)),
            "text": Pictures(draw.integers(0, 60_000, (100, 7)).astype(np.uint16)),
            "seen": Pictures(draw.normal(size=(100, 4)).astype(np.float32)),
        },
        {"label": draw.integers(0, 3, 100), "price": draw.normal(size=100).astype(np.float32)},
        draw.random(100),
        {"text": draw.random(100) < 0.5},
        frozenset({"seen"}),
    )


def held(most_bytes: int = 10**6) -> OnDevice:
    """The same on the device "cpu", as far as they fit into so many bytes."""
    whole = items()
    raw = {name: values for name, values in whole.inputs.items() if name != "seen"}
    known: dict[str, Any] = dict(vars(whole))
    return OnDevice(**known, device=CPU, shelf=filled(raw, ROWS, CPU, most_bytes))


def are_alike(one: Batch, other: Batch) -> bool:
    """Whether two batches hold the same bits of the same kinds."""
    pairs = [(one.item, other.item), (one.weight, other.weight)]
    for kind in ("inputs", "targets", "present"):
        first, second = getattr(one, kind), getattr(other, kind)
        assert list(first) == list(second)
        pairs += [(first[name], second[name]) for name in first]
    assert one.prepared == other.prepared
    return all(a.dtype == b.dtype and a.is_contiguous() and torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("most_bytes", "there"), [(10**6, ["image", "text"]), (1300, ["text"]), (100, [])])
def test_a_batch_cut_on_a_device_is_the_one_cut_on_the_processor(most_bytes: int, there: list[str]) -> None:
    found = held(most_bytes)
    assert list(found.shelf.tensors) == there
    for rows in (np.array([5, 89, 7, 7]), ROWS[::-1], np.array([0, 50, 99])):  # the last ones are partly elsewhere
        assert are_alike(found.batch(rows), items().batch(rows))


def test_what_lies_on_a_device_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = held()
    asked: list[int] = []
    monkeypatch.setattr(Pictures, "take", lambda self, index: asked.append(len(index)) or self.values[index])
    found.batch(np.array([6, 8]))
    assert asked == [2]  # of what its front end gives, which is made when it is needed


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A device other than the processor with so many bytes free."""
    return lambda size: monkeypatch.setattr(_held, "free_bytes", lambda device: size)


def test_a_share_of_a_devices_free_memory_is_taken(roomy: Callable[[int], None]) -> None:
    size = len(ROWS) * (6 * 5 * 3 + 7 * 2)
    for free, there in ((size / _held.HELD_SHARE + 8, ["image", "text"]), (4000, []), (0, [])):
        roomy(int(free))
        found = on_device(items(), META, ROWS, {})
        assert isinstance(found, OnDevice)
        assert list(found.shelf.tensors) == there
        batch = found.batch(np.array([6, 7]))
        assert {one.device for one in (*batch.inputs.values(), *batch.targets.values(), batch.item)} == {META}


def test_memory_that_torch_keeps_for_what_comes_next_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 8000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 6000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 2500)
    assert _held.free_bytes(torch.device("cuda")) == 4500
    assert _held.free_bytes(torch.device("mps")) == _held.free_bytes(CPU) == 0


def test_items_stay_where_they_are_for_the_processor() -> None:
    whole, shelves = items(), dict[str, Shelf]()
    assert on_device(whole, CPU, ROWS, shelves) is whole
    assert shelves == {}


def test_the_next_training_finds_what_lies_there(roomy: Callable[[int], None]) -> None:
    roomy(10**6)
    whole, shelves = items(), dict[str, Shelf]()
    on_device(whole, META, ROWS, shelves)
    (first,) = shelves.values()
    on_device(replace(whole, targets={}), META, ROWS[3:10], shelves)
    assert list(shelves.values()) == [first]
    on_device(whole, META, np.arange(100), shelves)  # more rows
    (second,) = shelves.values()
    assert second is not first
    on_device(items(), META, ROWS, shelves)  # other pictures
    assert list(shelves.values()) != [second]


def test_a_gpu_fetches_from_memory_that_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: told.append("pinned") or self)
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device, **how: told.append((device.type, how)) or self)
    _held.sent(torch.zeros(1), torch.device("cuda"))
    assert told == ["pinned", ("cuda", {"non_blocking": True})]
    told.clear()
    _held.sent(torch.zeros(1), torch.device("mps"))
    assert told == [("mps", {})]


@pytest.mark.parametrize("training", [{}, {"mixup": 0.4, "cutmix": 0.5}])
def test_a_training_on_items_of_a_device_gives_the_same_weights(
    monkeypatch: pytest.MonkeyPatch, training: dict[str, float]
) -> None:
    wanted = replace(recipe(**training), augment=(Choice("crop"), Choice("flip"))).filled()
    usual = engine.carry_out(wanted, problem()).network.state_dict()

    def moved(whole: Items, device: torch.device, rows: np.ndarray, shelves: dict[str, Shelf]) -> Items:
        known: dict[str, Any] = dict(vars(whole))
        return OnDevice(**known, device=device, shelf=filled(whole.inputs, rows, device, 10**9))

    monkeypatch.setattr(_feed, "on_device", moved)
    assert same(usual, engine.carry_out(wanted, problem()).network.state_dict())


@pytest.mark.parametrize("free", [0, 10**9])
@pytest.mark.parametrize("optimiser", ["muon", "rmsprop", "schedule_free"])
def test_an_update_on_another_device_meets_no_tensor_of_the_processor(
    monkeypatch: pytest.MonkeyPatch, roomy: Callable[[int], None], optimiser: str, free: int
) -> None:
    """The device "meta" computes shapes only, and refuses tensors of other devices as a GPU does."""
    roomy(free)
    monkeypatch.setattr(_step, "seed_draws", lambda seed, device: None)  # "meta" draws nothing
    monkeypatch.setattr(engine, "is_usable", lambda name: name == "meta")
    wanted = replace(
        recipe(mixup=0.4, clip_norm=1.0, teacher=0.1),
        augment=tuple(map(Choice, ("crop", "flip", "colour"))),
        optimiser=Choice(optimiser),
    ).filled()
    wanted = replace(wanted, machine=Machine(device="meta", threads=1))
    network = engine.assemble(wanted, problem())
    step, loader = engine._supervised(wanted, problem(), network), engine.loader_of(wanted, problem(), network)
    for update in range(3):
        assert step.update(loader.batch_at(update), update, 1.0).device == META
    assert {value.device for value in step.weights().values()} == {META}


def test_batches_of_texts_wait_for_no_device_to_tell_how_long_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device "meta" has no number to tell, where a GPU would first do all that it was told before."""
    monkeypatch.setattr(engine, "is_usable", lambda name: True)
    lengths = np.random.default_rng(0).integers(1, 30, 100)
    tokens = np.where(np.arange(40) < lengths[:, None], 7, 0).astype(np.uint16)
    items = Items({"text": Pictures(tokens)}, {"label": np.arange(100) % 2})
    known, shape = {"text": {"vocabulary": 10, "length": 40}}, {"text": (40, 10)}
    rows = np.arange(15, 100)
    posed = engine.Problem(items, {"text": "text"}, known, shape, "label", ("a", "b"), rows, np.arange(15))
    plan = Training(steps=9, batch_size=8)
    wanted = Recipe(model=Choice("text_cnn"), augment=(Choice("word_dropout"),), training=plan).filled()
    here, there = (
        engine.loader_of(asked, posed, engine.assemble(asked, posed))
        for asked in (replace(wanted, machine=Machine(device=device)) for device in ("cpu", "meta"))
    )
    for step in range(12):
        longest = int(lengths[here.rows_at(step)].max()) + MARGIN
        assert here.batch_at(step).only().shape == there.batch_at(step).only().shape == (8, longest)
        assert there.batch_at(step).only().device == META
    assert [one.only().shape for one in there._stack(3, 7)] == [there.batch_at(3 + n).only().shape for n in range(7)]
