"""A person's own network with other activations, or with first weights that its layers draw themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from penjing.core.errors import UsageError
from penjing.models import own
from penjing.models.own import Inside
from penjing.training._own_layers import draw_anew, exchange_activations


class Two(nn.Module):
    """One activation module at two places, and one that is built behind all layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.act, self.end = nn.Tanh(), nn.Sigmoid()

    def forward(self, values: Tensor) -> Tensor:
        return self.end(self.last(self.act(self.second(self.act(self.first(values))))))  # type: ignore[no-any-return]


class Functions(nn.Module):
    """Activations that are code."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, values: Tensor) -> Tensor:
        return self.last(self.first(values).relu()).sigmoid()  # type: ignore[no-any-return]


def exchanged(module: nn.Module, name: str = "leaky_relu") -> Any:
    inside = Inside(module, ["table"])
    exchange_activations(inside, [torch.zeros(2, 4)], name)
    return inside.module


def test_activations_between_layers_are_exchanged_and_what_makes_the_answer_stays() -> None:
    found = exchanged(Two())
    assert type(found.act) is nn.LeakyReLU
    assert type(found.end) is nn.Sigmoid
    shared = nn.ReLU()
    found = exchanged(nn.Sequential(nn.Linear(4, 8), shared, nn.Linear(8, 8), shared, nn.Linear(8, 2)), "gelu")
    assert [type(one).__name__ for one in found] == ["Linear", "GELU", "Linear", "GELU", "Linear"]
    assert found.training


@pytest.mark.parametrize(
    ("module", "name", "says"),
    [
        (Functions, "gelu", "has no activation module between its layers that could be exchanged"),
        (lambda: nn.Sequential(nn.Linear(4, 2), nn.Tanh()), "gelu", "has no activation module between its layers"),
        (Two, "leaky", 'there is no activation "leaky"'),
    ],
)
def test_what_cannot_be_exchanged_is_said(module: Callable[[], nn.Module], name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        exchanged(module(), name)


def test_weights_are_drawn_by_the_layers_and_the_seed() -> None:
    found = []
    for seed in (0, 0, 1):
        module = Two()
        with torch.no_grad():
            module.first.weight.fill_(100.0)
        draw_anew(module, "drawn", seed)
        assert float(module.first.weight.detach().abs().max()) <= 0.5  # one over the root of what comes in
        found.append(own.hash_of(module.state_dict()))
    assert found[0] == found[1] != found[2]


def test_what_draws_no_weights_is_said() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 2))

    with pytest.raises(UsageError, match="no layer of your network draws its weights itself"):
        draw_anew(Bare(), "drawn", 0)
    with pytest.raises(UsageError, match='begins = "new" is none of given, drawn'):
        draw_anew(Two(), "new", 0)
