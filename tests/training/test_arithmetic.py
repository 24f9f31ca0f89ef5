"""A training decides alone how its products are rounded, and leaves torch as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_engine import problem, recipe

from penjing.batch import Batch
from penjing.core.recipe import Machine
from penjing.modalities.audio.front_end import FrontEnd, learn
from penjing.training import engine
from penjing.training._arithmetic import products
from penjing.training._assemble import Network
from penjing.training._loop import _own_randomness
from penjing.training._step import Supervised, number_format

GPU = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)
PROCESSOR = tuple(getattr(torch.backends.mkldnn, name) for name in ("matmul", "conv", "rnn"))


def told() -> list[str]:
    return [place.fp32_precision for place in (*GPU, *PROCESSOR)]


@pytest.fixture(params=["highest", "high", "medium"])
def asked(request: pytest.FixtureRequest) -> Iterator[str]:
    """What somebody asked of all products in this process."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(
    ("number_format", "expected"), [("float32", "ieee"), ("bfloat16", "tf32"), ("float16", "tf32")]
)
def test_products_are_those_of_the_format_whatever_was_asked_for(asked: str, number_format: str, expected: str) -> None:
    before = told()
    with products(number_format):
        assert told() == [expected] * len(GPU) + ["ieee"] * len(PROCESSOR)
        with products("float32"):
            assert told() == ["ieee"] * 6
        assert told() == [expected] * len(GPU) + ["ieee"] * len(PROCESSOR)
    assert told() == before
    assert torch.get_float32_matmul_precision() == asked
    assert torch.backends.cuda.matmul.allow_tf32 == (asked != "highest")


@pytest.mark.parametrize(("number_format", "expected"), [("float32", "ieee"), ("bfloat16", "tf32")])
def test_a_training_has_the_products_of_its_recipe_from_its_first_update_on(
    monkeypatch: pytest.MonkeyPatch, number_format: str, expected: str
) -> None:
    seen: list[str] = []
    update = Supervised.update

    def noted(self: Supervised, *given: Any) -> Any:
        seen.append(GPU[0].fp32_precision)
        return update(self, *given)

    monkeypatch.setattr(Supervised, "update", noted)
    before = told()
    engine.carry_out(replace(recipe(steps=3), machine=Machine(number_format=number_format)), problem())
    assert seen == [expected] * 3
    assert told() == before


def test_the_generator_of_a_device_stays_as_it_was_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Generator:
        state = torch.tensor([7])

        def get_rng_state(self) -> torch.Tensor:
            return self.state

        def set_rng_state(self, state: torch.Tensor) -> None:
            self.state = state

    maker = Generator()
    monkeypatch.setattr(torch, "meta", maker, raising=False)
    with _own_randomness(torch.device("meta")):
        maker.state = torch.tensor([1])
    assert maker.state.tolist() == [7]


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_sounds_are_the_same_maps_in_training_and_where_the_network_answers(name: str) -> None:
    """The loader makes maps before the update; where they are not kept, a network that answers makes them itself."""
    clips = np.random.default_rng(0).integers(-9_000, 9_000, (4, 2_000)).astype(np.int16)
    sounds, encoder = torch.from_numpy(clips), torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(3))
    network = Network({"sound": FrontEnd(learn(clips))}, {"sound": encoder}, torch.nn.Identity()).eval()
    raw = Batch({"sound": sounds}, {}, torch.arange(4))
    made = raw.with_inputs({"sound": network.prepare("sound", sounds)}, frozenset({"sound"}))
    with torch.no_grad(), number_format(name, "cpu"):
        one, other = network(raw), network(made)
    assert torch.equal(one, other)
    assert one.dtype == getattr(torch, name)  # what is learned is still in that format
