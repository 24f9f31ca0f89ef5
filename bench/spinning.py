"""How long idle threads of OpenMP should spin before they sleep: milliseconds an update, alone and beside other work.

A thread that sleeps must be woken for every operation, which takes longer than many operations do where the processor
is a virtual one; a thread that spins takes the core away from the very thread that it waits for, where other work runs.
GOMP_SPINCOUNT says how long: it is read when torch is loaded, so each is measured in a process of its own. They take
turns; medians.

    python bench/spinning.py    about five minutes; writes bench/results/spinning.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from _record import write

NAME = "spinning"
NETWORKS = ("tabular", "cnn 32 px, batches of 16", "cnn 28 px grey", "transformer")
COUNTS = ("torch's own", "0", "300", "1000", "3000", "10000")
TURNS, SECONDS = 2, 1.5


def measured(names: tuple[str, ...]) -> dict[str, float]:
    """Milliseconds an update of each network with as many threads as there are cores. Runs in a process of its own."""
    from probe import posed_network
    from stalls import stepped

    from penjing.core.process import usable_cores
    from penjing.core.recipe import Training

    found = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            problem, recipe = posed_network(name, Path(folder))
            training = Training(steps=10**9, batch_size=recipe.training.batch_size, evaluations=1)
            machine = replace(recipe.machine, threads=usable_cores())
            _, seconds, count = stepped(replace(recipe, training=training, machine=machine), problem, SECONDS)
            found[name] = 1000 * seconds / count
    return found


def in_a_process(count: str) -> dict[str, float]:
    """The same in a fresh process whose threads spin so long."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")
    }
    environment.pop("GOMP_SPINCOUNT", None)
    if count.isdigit():
        environment["GOMP_SPINCOUNT"] = count
    done = subprocess.run(
        [sys.executable, __file__, "--measure"], capture_output=True, text=True, check=True, env=environment
    )
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def busy() -> None:
    """A neighbour that takes one core."""
    while True:
        pass


def beside(is_busy: bool) -> dict[str, dict[str, float]]:
    """Every count in turns: count → network → median milliseconds."""
    neighbour = multiprocessing.get_context("fork").Process(target=busy, daemon=True) if is_busy else None
    if neighbour is not None:
        neighbour.start()
    try:
        turns: list[dict[str, dict[str, float]]] = []
        for turn in range(TURNS):
            order = COUNTS if turn % 2 == 0 else COUNTS[::-1]
            turns.append({count: in_a_process(count) for count in order})
    finally:
        if neighbour is not None:
            neighbour.kill()
    return {count: {name: median(one[count][name] for one in turns) for name in NETWORKS} for count in COUNTS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="one process of the comparison")
    if parser.parse_args().measure:
        print(json.dumps(measured(NETWORKS)))
        return
    found: dict[str, Any] = {}
    for name, is_busy in (("alone", False), ("beside a busy neighbour", True)):
        found[name] = beside(is_busy)
        for count, one in found[name].items():
            print(f"{name:24} {count:12}", {network: round(ms, 2) for network, ms in one.items()}, flush=True)
    write(NAME, {"milliseconds": found})


if __name__ == "__main__":
    main()
