"""float16: losses are scaled, what overflows is left out, and a training goes on from anywhere to the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_engine import Killed, _cut_at, problem, recipe, same
from torch import Tensor, nn

from alike import written
from penjing.batch import Batch
from penjing.core.errors import UsageError
from penjing.core.recipe import Choice, Machine, Recipe
from penjing.training import _probe, engine
from penjing.training._scaling import FIRST, STEADY
from penjing.training._step import Supervised


def half(optimiser: str = "adamw", **training: float) -> Recipe:
    """The recipe that tells stripes apart, in float16."""
    wanted = replace(recipe(**training), optimiser=Choice(optimiser), machine=Machine(number_format="float16"))
    return wanted.filled()


class Line(nn.Module):
    """One input, one weight: what it says is the product."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1))

    def forward(self, batch: Batch) -> Tensor:
        return nn.functional.linear(batch.only(), self.weight)


def supervised(number_format: str, slope: float, **more: float) -> Supervised:
    """A line whose loss falls by `slope` where what it says grows by one."""
    line = Line()
    optimiser = torch.optim.SGD(line.parameters(), lr=0.5)
    return Supervised(line, lambda outputs, _: outputs.mean() * slope, optimiser, 0, number_format, **more)


def ones() -> Batch:
    return Batch({"x": torch.ones(4, 1)}, {}, torch.arange(4))


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_stripes_are_learned_in_float16(optimiser: str) -> None:
    trained = engine.carry_out(half(optimiser), problem())
    assert trained.best is not None
    assert trained.best > 0.95
    assert trained.history[-1]["scaling/factor"] == FIRST
    assert trained.history[-1]["scaling/left_out"] == 0


def test_a_float16_training_cut_anywhere_continues_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penjing.training._scaling.FIRST", 2.0**40)  # overflows at first, so that it is halved often
    monkeypatch.setattr("penjing.training._scaling.STEADY", 3)  # and doubled again
    wanted = half(clip_norm=1.0)
    whole = engine.carry_out(wanted, problem(), folder=tmp_path / "whole")
    assert whole.history[-1]["scaling/left_out"] > 3
    for cut in (3, 22):
        with monkeypatch.context() as patched:
            _cut_at(patched, cut)
            with pytest.raises(Killed):
                engine.carry_out(wanted, problem(), folder=tmp_path / str(cut))
        resumed = engine.carry_out(wanted, problem(), folder=tmp_path / str(cut))
        assert same(whole.network.state_dict(), resumed.network.state_dict())
        assert written(tmp_path / str(cut), "record.jsonl") == written(tmp_path / "whole", "record.jsonl")


def test_an_update_that_overflows_is_left_out_and_the_next_loss_is_scaled_half_as_much() -> None:
    step = supervised("float16", 1e5, ema=0.5)  # 1e5 times the first scale is more than float16 holds
    step.look()
    step.update(ones(), 0, 1.0)
    assert step.pulse() == {}
    assert step.scaling.told() == {"scaling/factor": FIRST / 2, "scaling/left_out": 1.0}
    assert float(step.network.weight.detach()) == 1.0
    assert {name: float(value) for name, value in step.weights().items()} == {"weight": 1.0}
    for _ in range(20):
        step.update(ones(), 1, 1e-5)
    assert float(step.network.weight.detach()) < 1.0
    assert step.scaling.left_out < 20


def test_after_enough_updates_without_overflow_losses_are_scaled_twice_as_much() -> None:
    step = supervised("float16", 1.0)
    for update in range(STEADY):
        step.update(ones(), update, 1e-6)
    assert step.scaling.told() == {"scaling/factor": 2 * FIRST, "scaling/left_out": 0.0}


def test_a_gradient_is_clipped_at_its_own_size() -> None:
    found = []
    for number_format in ("float32", "float16"):
        step = supervised(number_format, 4.0, clip_norm=0.25)
        step.update(ones(), 0, 1.0)
        found.append(float(step.network.weight.detach()))
    assert found == [1 - 0.5 * 0.25] * 2


def test_gradients_too_small_for_float16_are_not_lost() -> None:
    """1e-8 is less than the smallest number of float16."""
    step = supervised("float16", 1e-8)
    step.update(ones(), 0, 1.0)
    gradient = step.network.weight.grad
    assert gradient is not None
    assert float(gradient) == pytest.approx(1e-8, rel=0.01)


def test_an_optimiser_that_measures_again_is_refused_in_float16() -> None:
    with pytest.raises(UsageError, match="measures the loss several times an update"):
        engine.carry_out(half("lbfgs"), problem())


def test_float32_and_bfloat16_are_not_scaled() -> None:
    for name in ("float32", "bfloat16"):
        assert supervised(name, 1.0).scaling.tensors() == {}
        assert supervised(name, 1.0).scaling.told() == {}


def test_the_probe_measures_float16_where_it_is_asked_for_or_where_a_gpu_has_nothing_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "float16" not in _probe._formats(Machine())
    assert "float16" in _probe._formats(Machine(number_format="float16"))
    for has_bfloat16 in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, said=has_bfloat16: said)
        assert ("float16" in _probe._formats(Machine(device="cuda"))) is not has_bfloat16


def test_the_probe_finds_float16_right_and_refuses_it_where_it_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_probe, "HOPELESS", 1e9)
    for first, expected in ((FIRST, True), (2.0**60, False)):
        monkeypatch.setattr(_probe, "FIRST", first)
        measured = engine.fastest(half(), problem(), 1.0)[1]
        assert [one.is_right for one in measured if one.machine.number_format == "float16"] == [expected]
