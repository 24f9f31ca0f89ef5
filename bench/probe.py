"""What the kernel probe gains: a training step as it chooses against torch's defaults, network by network.

Both run in turns in one process on the same batch: forward, backward and the optimiser's update, medians of several.
torch's defaults are float32, maps in the order of channels, rows, columns, as many threads as cores, and the allocator
as the system has it; penjing's are what the probe finds, and the allocator as `tune_process` sets it.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from _clocked import posed, ready
from _command import begin_as_penjing_does
from _record import write
from torch import nn

from penjing.batch import Batch
from penjing.core.process import tune_process
from penjing.core.recipe import Choice, Machine, Recipe
from penjing.sources import Options
from penjing.training import engine
from penjing.training._problem import Problem
from penjing.training._step import number_format
from penjing.workflows._choose import RecipeWish
from penjing.workflows._prepare import DataWish

ITEMS, TURNS, SECONDS = 640, 9, 5.0
AS_GLIBC_BEGINS = ((-4, 65_536), (-1, 128 * 1024))  # mallopt's parameters and their values


def pictures(side: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (ITEMS, side, side, channels), dtype=np.uint8), draw.integers(0, 10, ITEMS)


def texts(words: int) -> tuple[list[str], np.ndarray]:
    draw = np.random.default_rng(0)
    known = ["".join(draw.choice(list("abcdefghij"), 5)) for _ in range(2000)]
    return [" ".join(draw.choice(known, words)) for _ in range(ITEMS)], draw.integers(0, 2, ITEMS)


def table(columns: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.normal(size=(ITEMS, columns)).astype(np.float32), draw.integers(0, 2, ITEMS)


def sounds(seconds: float, folder: Path) -> Path:
    """Files of noise, a folder a class."""
    import soundfile

    draw = np.random.default_rng(0)
    for number in range(ITEMS):
        of_class = folder / "sounds" / str(number % 10)
        of_class.mkdir(parents=True, exist_ok=True)
        wave = (draw.normal(size=int(16_000 * seconds)) * 3000).astype(np.int16)
        soundfile.write(of_class / f"{number}.wav", wave, 16_000)
    return folder / "sounds"


# name → (what makes the data in a folder, the network and its settings, items a batch)
NETWORKS: dict[str, tuple[Callable[[Path], Any], Choice, int]] = {
    "cnn 28 px grey": (lambda _: pictures(28, 1), Choice("cnn"), 128),
    "cnn 32 px": (lambda _: pictures(32, 3), Choice("cnn"), 256),
    "cnn 32 px, twice as wide": (lambda _: pictures(32, 3), Choice("cnn", {"width": 64}), 256),
    "cnn 96 px": (lambda _: pictures(96, 3), Choice("cnn"), 64),
    "cnn 32 px, batches of 16": (lambda _: pictures(32, 3), Choice("cnn", {"width": 16}), 16),
    "image_example": (lambda _: pictures(28, 1), Choice("image_example"), 256),
    "mlp": (lambda _: pictures(28, 1), Choice("mlp"), 128),
    "tabular": (lambda _: table(20), Choice("tabular"), 128),
    "bag": (lambda _: texts(30), Choice("bag"), 128),
    "ngrams": (lambda _: texts(30), Choice("ngrams"), 128),
    "text_cnn": (lambda _: texts(30), Choice("text_cnn"), 128),
    "transformer": (lambda _: texts(30), Choice("transformer"), 64),
    "text_example": (lambda _: texts(30), Choice("text_example"), 64),
    "keyword": (lambda folder: sounds(1.0, folder), Choice("keyword"), 64),
    "speech_recurrent": (lambda folder: sounds(1.0, folder), Choice("speech_recurrent"), 64),
}


def allocate(how: str) -> None:
    """Set the allocator of the running process, where it is glibc's."""
    if how == "tuned":
        tune_process({})
    elif sys.platform == "linux":
        for parameter, value in AS_GLIBC_BEGINS:
            ctypes.CDLL(None).mallopt(parameter, value)


def step_of(network: nn.Module, loss: Any, batch: Any, machine: Machine) -> Callable[[], None]:
    """One update of a copy of the network."""
    copied = copy.deepcopy(network).train()
    optimiser = torch.optim.AdamW([one for one in copied.parameters() if one.requires_grad], fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with number_format(machine.number_format, machine.device):
            outputs = copied(batch)
        loss(outputs.float(), batch).backward()
        optimiser.step()

    return step


def timed(step: Callable[[], None], threads: int, how: str) -> float:
    """Seconds of one update, the mean over about half a second, after one that does not count."""
    torch.set_num_threads(threads)
    allocate(how)
    step()
    begun, count = time.perf_counter(), 0
    while count < 3 or time.perf_counter() - begun < SECONDS / TURNS:
        step()
        count += 1
    return (time.perf_counter() - begun) / count


def as_torch_has_it(batch: Batch) -> Batch:
    """The batch with its maps in torch's usual order."""
    inputs = {
        name: value.contiguous() if isinstance(value, torch.Tensor) else value for name, value in batch.inputs.items()
    }
    return batch.with_inputs(inputs, batch.prepared)


def posed_network(name: str, folder: Path) -> tuple[Problem, Recipe]:
    """One of the networks and the data of its kind, made in a folder."""
    make, model, batch_size = NETWORKS[name]
    data = ready(make(folder), folder, DataWish(Options()))
    problem, recipe = posed(data, RecipeWish(model=model.name, assignments={"training.batch_size": batch_size}))
    return problem, replace(recipe, model=model.filled("models"))


def measured(name: str) -> dict[str, Any]:
    """One network: milliseconds both ways and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        problem, recipe = posed_network(name, Path(folder))
        allocate("tuned")
        begun = time.perf_counter()
        machine, found = engine.fastest(recipe, problem, 2.0)
        probing = time.perf_counter() - begun
        batch = engine.loader_of(recipe, problem, engine.assemble(recipe, problem)).batch_at(0)
        loss = engine.loss_of(recipe, problem)
        plain = replace(recipe, machine=Machine(threads=recipe.machine.threads, layout="contiguous"))
        chosen = replace(recipe, machine=machine)
        ways = {
            "default": (step_of(engine.assemble(plain, problem), loss, as_torch_has_it(batch), plain.machine), plain),
            "tuned": (step_of(engine.assemble(chosen, problem), loss, batch, machine), chosen),
        }
        taken: dict[str, list[float]] = {how: [] for how in ways}
        for turn in range(TURNS):
            for how in ways if turn % 2 == 0 else reversed(ways):
                step, as_said = ways[how]
                taken[how].append(timed(step, as_said.machine.threads, how))
    ratio = median(one / other for one, other in zip(taken["default"], taken["tuned"], strict=True))
    return {
        "ratio": ratio,
        "ms": {how: 1000 * median(values) for how, values in taken.items()},
        "chosen": f"{machine.number_format}, {machine.threads} threads, {machine.layout}",
        "probe_seconds": probing,
        "tried": [
            {
                "setting": f"{one.machine.number_format}, {one.machine.threads} threads, {one.machine.layout}",
                "ms": 1000 * one.step_seconds,
                "error": one.agreement.error,
                "cosine": one.agreement.cosine,
            }
            for one in found
        ],
    }


def wanted(what: str | None) -> list[str]:
    """The networks that the command line asks for; `what` the script does stands in its help."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="parts of the names of networks; all when left out")
    asked = parser.parse_args()
    return [name for name in NETWORKS if not asked.networks or any(one in name for one in asked.networks)]


def main() -> None:
    begin_as_penjing_does()
    names = wanted(__doc__)
    result = {}
    for name in names:
        result[name] = measured(name)
        print(f"{name:28} {result[name]['ratio']:.2f}", result[name]["ms"], result[name]["chosen"], flush=True)
    ratios = [one["ratio"] for one in result.values()]
    if len(names) == len(NETWORKS):
        write("probe", {"least": min(ratios), "median": median(ratios), "networks": result})


if __name__ == "__main__":
    main()
