"""Compiled code learns what the network itself would, and leaves it and its weights as they are."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest
import torch
from test_engine import problem, recipe

from penjing.core.errors import RunError
from penjing.core.recipe import Machine, Recipe
from penjing.training import engine


def compiling() -> Recipe:
    return replace(recipe(steps=4), machine=Machine(compile=True)).filled()


def test_no_recipe_compiles_by_itself() -> None:
    assert not Recipe().machine.compile


def test_only_updates_run_as_compiled_code_and_weights_have_their_usual_names(monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[bool] = []

    def compiled(network: torch.nn.Module) -> Any:
        def fast(batch: Any) -> Any:
            modes.append(network.training)
            return network(batch)

        return fast

    monkeypatch.setattr(torch, "compile", compiled)
    found = engine.carry_out(compiling(), problem()).network.state_dict()
    plain = engine.carry_out(recipe(steps=4), problem()).network.state_dict()
    assert modes == [True] * 4  # evaluations are not among them
    assert list(found) == list(plain)
    assert all(torch.equal(found[name], plain[name]) for name in plain)


def test_what_cannot_be_compiled_here_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._dynamo.exc

    def fails(batch: Any) -> Any:
        raise torch._dynamo.exc.TorchDynamoException("\nNo working C++ compiler found\nand a long story")

    monkeypatch.setattr(torch, "compile", lambda network: fails)
    with pytest.raises(RunError, match=r"cannot compile this network here \(No working C\+\+ compiler found\); leave"):
        engine.carry_out(compiling(), problem())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch's own parts, which differ from version to version
def test_compiled_code_learns_as_the_network_does(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--jaxtyping-packages", None):
        pytest.skip("torch does not compile what checks each argument as it is called")
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("there is no C++ compiler")
    import torch._inductor.config

    monkeypatch.setattr(torch._inductor.config, "compile_threads", 1)
    found, plain = (engine.carry_out(one, problem()) for one in (compiling(), recipe(steps=4)))
    assert list(found.network.state_dict()) == list(plain.network.state_dict())
    for line, other in zip(found.history, plain.history, strict=True):
        assert line["train/running_loss"] == pytest.approx(other["train/running_loss"], rel=1e-3)
    for name, value in plain.network.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[name], value, rtol=1e-2, atol=1e-3)
