"""The probe's time, and what it takes for right."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from penjing.batch import Batch
from penjing.core import plugins
from penjing.core.recipe import Machine
from penjing.training import _probe
from penjing.training._agree import SMALLEST_COSINE, Told, agreement

MACHINE = Machine(threads=2)
YEAR = 2024.0


class Clock:
    """A clock that goes on only where something is said to take time."""

    def __init__(self, monkeypatch, taken):
        """
        Args:
            taken: (machine, items) → seconds of an update.
        """
        self.now, self.asked = 0.0, []

        def once(network, loss, batch, machine):
            self.now += taken(machine, len(batch))
            self.asked.append((machine, len(batch)))
            return told(network, loss, batch, machine)

        told = _probe._once
        monkeypatch.setattr(_probe, "_once", once)
        monkeypatch.setattr(_probe.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(_probe, "_has_bfloat16", lambda _: True)
        monkeypatch.setattr(_probe, "_may_imitate", lambda _: False)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Linear(6, 8), torch.nn.Linear(8, 1)

    def forward(self, batch):
        return self.last(torch.relu(self.first(batch.inputs["x"])))


def batch(items=64):
    draw = torch.Generator().manual_seed(0)
    return Batch({"x": torch.randn(items, 6, generator=draw)}, {}, torch.arange(items))


def loss(outputs, _):
    return ((outputs - 1) ** 2).mean()


def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net()


@pytest.mark.parametrize("seconds", [0.2, 1.0, 5.0, 60.0])
@pytest.mark.parametrize("item_seconds", [1e-6, 1e-4, 1e-3, 1e-2])
def test_the_probe_keeps_to_its_time(monkeypatch, seconds, item_seconds):
    clock = Clock(monkeypatch, lambda _, items: item_seconds * items)
    machine, measured = _probe.probe(net(), loss, batch(512), MACHINE, seconds)
    assert clock.now <= min(seconds, _probe.MOST_SECONDS)
    assert measured[0].step_seconds == pytest.approx(512 * item_seconds, rel=0.01)
    assert machine == MACHINE  # where all take as long


@pytest.mark.parametrize("update", [2.0, 30.0])
def test_a_network_whose_updates_take_seconds_is_measured_once_or_twice(monkeypatch, update):
    clock = Clock(monkeypatch, lambda *_: update)  # however few items
    machine, measured = _probe.probe(net(), loss, batch(), Machine(threads=2, number_format="bfloat16"), 5.0)
    assert (machine.threads, machine.number_format) == (2, "float32")
    assert len(measured) == 1
    assert clock.now <= max(update, 5.0)
    assert {items for _, items in clock.asked} == {_probe.FEWEST_ITEMS}


def test_a_setting_that_is_late_is_not_measured_further(monkeypatch):
    """The reference takes a twentieth of the time, and bfloat16 the whole of it, seven times as long."""
    clock = Clock(monkeypatch, lambda machine, _: 0.7 if machine.number_format == "bfloat16" else 0.1)
    machine, _ = _probe.probe(net(), loss, batch(4), MACHINE, 1.0)
    assert machine.number_format == "float32"
    assert sum(one.number_format == "bfloat16" for one, _ in clock.asked) == 1
    assert clock.now <= 1.0 + 0.7  # that update had begun in time


@pytest.mark.parametrize(("first", "is_hopeless"), [(0.014, False), (0.2, True)])
def test_a_first_update_that_prepares_its_kernels_is_not_hopeless(monkeypatch, first, is_hopeless):
    begun = set()

    def taken(machine, items):
        is_first = machine.number_format == "bfloat16" and machine not in begun
        begun.add(machine)
        return first if is_first else 0.0004

    Clock(monkeypatch, taken)
    one = replace(MACHINE, threads=1)
    _, measured = _probe.probe(net(), loss, batch(), one, 1.0)
    assert [found.is_hopeless for found in measured] == [False, is_hopeless]
    assert measured[1].step_seconds == pytest.approx(first if is_hopeless else 0.0004)


@pytest.fixture
def gpu(monkeypatch):
    """The device "meta" as a GPU that loads its kernels when they are first asked for, and answers before it is done:
    2 s for the very first update, half a second for the first one in bfloat16, 4 ms and 3 ms for all others."""
    owed, known = [0.0], set()

    def once(network, loss, batch, machine):
        is_first = machine.number_format not in known
        known.add(machine.number_format)
        seconds, cold = {"float32": (0.004, 2.0), "bfloat16": (0.003, 0.5)}[machine.number_format]
        owed[0] += cold if is_first else seconds
        return plain(network, loss, batch, replace(machine, device="cpu"))

    def synchronize():
        clock.now, owed[0] = clock.now + owed[0], 0.0

    plain, clock = _probe._once, Clock(monkeypatch, lambda *_: 0.0)
    monkeypatch.setattr(_probe, "_once", once)
    monkeypatch.setattr(torch, "meta", SimpleNamespace(synchronize=synchronize), raising=False)
    return clock


@pytest.mark.parametrize("seconds", [0.3, 1.0, 5.0])
def test_what_a_gpu_loads_for_its_first_updates_is_no_part_of_what_an_update_takes(monkeypatch, gpu, seconds):
    monkeypatch.setattr(_probe, "agreement", lambda given, exact: _probe.SAME)
    machine, measured = _probe.probe(net(), loss, batch(4), Machine(device="meta", threads=1), seconds)
    assert [one.is_hopeless for one in measured] == [False, False]
    assert [one.step_seconds for one in measured] == pytest.approx([0.004, 0.003])
    assert machine.number_format == "bfloat16"


def test_a_setting_alone_is_measured_without_what_a_gpu_loads(gpu):
    asked = Machine(device="meta", threads=1)
    _, (found,) = _probe.probe(net(), loss, batch(4), asked, 0.3, among=[asked])
    assert found.step_seconds == pytest.approx(0.004)


def test_only_the_settings_that_are_named_are_measured(monkeypatch):
    Clock(monkeypatch, lambda machine, items: items * (1e-5 if machine.threads == 1 else 1e-4))
    among = [MACHINE, replace(MACHINE, threads=1)]
    machine, measured = _probe.probe(net(), loss, batch(), MACHINE, 1.0, among=among)
    assert [one.machine for one in measured] == among
    assert machine.threads == 1


def told(change=None):
    """What an update of the small network gives, with a change to it."""
    network = net()
    found = _probe._told(network, loss, batch(), replace(MACHINE, threads=1))
    return found if change is None else change(found)


def with_gradient(name, change):
    return lambda found: replace(found, gradients={**found.gradients, name: change(found.gradients[name])})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (with_gradient("first.bias", torch.zeros_like), "the gradient of first.bias points elsewhere (cosine 0.00)"),
        (with_gradient("first.bias", lambda one: one.flip(0)), "the gradient of first.bias points elsewhere"),
        (with_gradient("last.weight", lambda one: 2 * one), "the gradient of last.weight is 2 times as large"),
        (with_gradient("first.weight", lambda one: 0.5 * one), "the gradient of first.weight is 0.5 times as large"),
        (with_gradient("last.bias", lambda one: one * torch.nan), "the gradient of last.bias points elsewhere"),
        (lambda found: replace(found, outputs=found.outputs * 1.3), "its outputs are off by"),
        (lambda found: replace(found, outputs=found.outputs * torch.nan), "its outputs are no numbers"),
    ],
)
def test_one_wrong_layer_is_seen_whatever_the_others_are(change, fault):
    found = agreement(told(change), told())
    assert found.fault.startswith(fault)


def test_a_small_wrong_layer_is_seen_where_all_gradients_together_look_right():
    exact = told()
    small = {**exact.gradients, "first.bias": exact.gradients["first.bias"] / 20}
    large = replace(exact, gradients=small)
    found = agreement(replace(large, gradients={**small, "first.bias": -small["first.bias"]}), large)
    assert found.cosine > SMALLEST_COSINE
    assert found.fault.startswith("the gradient of first.bias points elsewhere")


def test_gradients_that_are_nothing_but_rounding_are_not_compared():
    exact = told()
    rounding = {**exact.gradients, "first.bias": 1e-9 * exact.gradients["first.bias"]}
    other = {**rounding, "first.bias": -3e3 * rounding["first.bias"]}
    assert agreement(replace(exact, gradients=other), replace(exact, gradients=rounding)).fault == ""


class OfYears(Net):
    """Answers years, and rounds them where bfloat16 is asked for."""

    def forward(self, batch):
        years = YEAR + 5 * super().forward(batch).float()
        return years.bfloat16().float() if torch.is_autocast_enabled("cpu") else years


def of_years(outputs, _):
    return ((outputs - YEAR - torch.linspace(-9, 9, len(outputs))[:, None]) ** 2).mean()


def test_years_that_are_rounded_are_wrong_though_eight_of_two_thousand_are_few():
    network = OfYears()
    network.load_state_dict(net().state_dict())
    exact, rounded = (
        _probe._told(copy.deepcopy(network), of_years, batch(), Machine(number_format=name))
        for name in ("float32", "bfloat16")
    )
    assert (rounded.outputs - exact.outputs).norm() < 0.01 * exact.outputs.norm()
    assert "of their spread" in agreement(rounded, exact).fault


def test_outputs_that_hardly_differ_yet_are_not_called_wrong_for_rounding():
    """As those of a deep network whose last layer's offsets are all that is left at first."""
    outputs = torch.tensor([0.3, -0.2]) + 1e-4 * torch.randn(16, 2, generator=torch.Generator().manual_seed(0))
    asked = outputs.softmax(1) - torch.eye(2)[torch.arange(16) % 2]
    weight = {"weight": torch.ones(3)}
    rounded = outputs.bfloat16().float()
    found = agreement(Told(rounded, asked, weight), Told(outputs, asked, weight))
    assert found.fault == ""
    assert agreement(Told(rounded, 1.2 * asked, weight), Told(outputs, asked, weight)).fault != ""


class Headed(torch.nn.Module):
    """One of penjing's networks with a head."""

    def __init__(self, name, shape, outputs):
        super().__init__()
        model = plugins.load("models", name)
        self.encoder = model.build(shape, model.Settings())
        self.head = torch.nn.Linear(self.encoder.features, outputs)

    def forward(self, batch):
        return self.head(self.encoder(batch.inputs["x"])).float()


def drawn(shape, takes, items=32):
    draw = torch.Generator().manual_seed(0)
    if takes == "tokens":
        return torch.randint(1, shape[1], (items, shape[0]), generator=draw)
    return torch.randn(items, *shape, generator=draw)


@pytest.mark.parametrize("task", ["classify", "regress"])
@pytest.mark.parametrize(
    ("name", "shape", "takes"),
    [
        ("cnn", (3, 16, 16), "maps"),
        ("mlp", (1, 16, 16), "maps"),
        ("airbench", (3, 16, 16), "maps"),
        ("image_example", (1, 28, 28), "maps"),
        ("tabular", (20,), "vector"),
        ("transformer", (24, 300), "tokens"),
        ("text_cnn", (24, 300), "tokens"),
    ],
)
def test_honest_bfloat16_is_no_fault(name, shape, takes, task):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Headed(name, shape, 10 if task == "classify" else 1)
    given = Batch({"x": drawn(shape, takes)}, {}, torch.arange(32))

    def of_task(outputs, _):
        if task == "regress":
            return ((outputs[:, 0] - torch.linspace(-2, 2, 32)) ** 2).mean()
        return torch.nn.functional.cross_entropy(outputs, torch.arange(32) % 10)

    exact, found = (
        _probe._told(copy.deepcopy(network), of_task, given, Machine(number_format=kind))
        for kind in ("float32", "bfloat16")
    )
    assert not torch.equal(exact.outputs, found.outputs)
    assert agreement(found, exact).fault == ""
