"""A network object is found again by its class only where the class, made anew, is the same network."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from penjing.models import own
from penjing.models._likeness import are_alike

NET = """
from functools import partial

import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, heads=2, pool="max", rate=0.1, shift=0.0, ending=None):
        super().__init__()
        self.maps = nn.Conv2d(3, 8, 3)
        self.attention = nn.MultiheadAttention(8, heads, batch_first=True)
        self.pool, self.drop, self.last = pool, nn.Dropout(rate), nn.Linear(8, 3)
        self.ending = ending or (lambda values: values * 1.0)
        self.register_buffer("shift", torch.tensor(shift), persistent=False)

    def forward(self, pictures):
        found = self.maps(pictures).flatten(2).transpose(1, 2)
        found = self.attention(found, found, found)[0]
        found = found.amax(1) if self.pool == "max" else found.mean(1)
        return self.ending(self.last(self.drop(found)) + self.shift)

class Waiting(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.first, self.last = nn.LazyLinear(width), nn.Linear(width, 3)

    def forward(self, values):
        return self.last(self.first(values.flatten(1)).relu())
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module in a package."""
    (tmp_path / "package_of_nets").mkdir()
    (tmp_path / "package_of_nets" / "nets.py").write_text(NET, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("package_of_nets.nets")
    del sys.modules["package_of_nets.nets"], sys.modules["package_of_nets"]


def test_a_class_in_a_package_is_found_again(nets: Any) -> None:
    source = own.source_of(nets.Net())
    assert source == "package_of_nets.nets:Net"
    assert isinstance(own.make(source, 0), nets.Net)
    assert own.source_of(nets.Net(heads=2, rate=0.1).eval()) == source


@pytest.mark.parametrize(
    "settings",
    [{"heads": 8}, {"pool": "avg"}, {"rate": 0.5}, {"shift": 1.0}, {"ending": torch.tanh}],
    ids=lambda one: next(iter(one)),
)
def test_settings_that_keep_the_shapes_make_another_network(nets: Any, settings: dict[str, Any]) -> None:
    other = nets.Net(**settings)
    shapes = {name: value.shape for name, value in nets.Net().state_dict().items()}
    assert {name: value.shape for name, value in other.state_dict().items()} == shapes
    assert own.source_of(other) == ""


def test_what_was_done_to_an_object_afterwards_makes_another_network(nets: Any) -> None:
    frozen, hooked, patched = nets.Net(), nets.Net(), nets.Net()
    frozen.maps.requires_grad_(False)
    hooked.last.register_forward_hook(lambda layer, given, found: found * 2)
    patched.drop = nn.Identity()
    assert [own.source_of(one) for one in (frozen, hooked, patched)] == ["", "", ""]
    learned = nets.Net()
    with torch.no_grad():
        learned.last.weight.mul_(3)
    assert own.source_of(learned) == "package_of_nets.nets:Net"


def test_a_tensor_without_values_is_like_no_other(nets: Any) -> None:
    strange = nets.Net()
    strange.shift = torch.zeros((), device="meta")
    assert own.source_of(strange) == ""


def test_layers_that_wait_for_a_first_input_are_compared_too(nets: Any) -> None:
    assert own.source_of(nets.Waiting()) == "package_of_nets.nets:Waiting"
    assert own.source_of(nets.Waiting(8)) == ""
    met = nets.Waiting()
    met(torch.zeros(1, 5))
    assert own.source_of(met) == ""


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.LSTM(4, 3),
        lambda: nn.TransformerEncoderLayer(8, 2),
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv1d(2, 2, 3)), nn.BatchNorm1d(2)),
    ],
)
def test_layers_that_keep_more_than_their_settings_are_alike_whatever_their_weights_are(make: Any) -> None:
    one, other = make(), make()
    assert are_alike(one, other)
    assert not are_alike(nn.LSTM(4, 3), nn.LSTM(4, 3, bidirectional=True))


def test_layers_without_a_name_are_alike_where_their_weights_are() -> None:
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    assert not are_alike(Held([one]), Held([other]))
    other.load_state_dict(one.state_dict())
    assert are_alike(Held([one]), Held([other]))
    named, again = Held([]), Held([])
    for each in (named, again):
        each.held = [each.last, each]
    assert are_alike(named, again)


class Held(nn.Module):
    """One layer and whatever else it is given."""

    def __init__(self, held: Any) -> None:
        super().__init__()
        self.last, self.held = nn.Linear(2, 2), held

    def forward(self, values: Tensor) -> Tensor:
        return self.last(values)


class Plain:
    """An object whose class knows no equality."""

    def __init__(self, number: float) -> None:
        self.number, self.me = number, self


@pytest.mark.parametrize(
    ("first", "second", "other"),
    [
        (float("nan"), float("nan"), 1.0),
        (Plain(1), Plain(1), Plain(2)),
        ([1, {"a": torch.ones(2)}], [1, {"a": torch.ones(2)}], [1, {"a": torch.zeros(2)}]),
        (partial(torch.mean, dim=1), partial(torch.mean, dim=1), partial(torch.mean, dim=2)),
        (*((lambda k: lambda x: x * k)(factor) for factor in (2, 2)), (lambda k: lambda x: x * k)(3)),
        (True, True, 1),
    ],
)
def test_attributes_are_compared_by_what_they_hold(first: Any, second: Any, other: Any) -> None:
    assert are_alike(Held(first), Held(second))
    assert not are_alike(Held(first), Held(other))
