"""The image example network on Fashion-MNIST by penjing, Keras, PyTorch, Lightning and skorch, side by side in one go.

    python bench/peers.py                  all peers, three rounds in alternating order
    python bench/peers.py keras --rounds 1 some peers, one round more
    python bench/peers.py --anew           forget the rounds that the record holds

A round is kept as soon as it is done, and medians are over all rounds that a peer took part in; Keras on TensorFlow,
beside which the others stand, takes part in each.

Every peer trains the published network as its documentation shows: Adam at 0.001, batches of 32, ten epochs over all
60,000 training pictures, scored on the 10,000 of the test part after every epoch with the clock standing still.
penjing trains the same network on its training part alone (validation chooses), once in a fifth and once in a tenth
of the seconds that Keras on TensorFlow took in the same round, probe included: the accuracy then is compared.

Each peer has an environment of its own in PENJING_PEERS (else ~/.cache/penjing-peers), made on the first run with pip.
Needs the Debian package dataset-fashion-mnist.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _record import RESULTS, circumstances, write
from records import fashion

from penjing.core.process import tune_process

NAME = "peers"
HERE = Path(__file__).parent
CONSTRAINTS = HERE.parent / "constraints.txt"
EPOCHS = 10
REFERENCE = "keras, tensorflow"
SHARES = (1 / 5, 1 / 10)  # of the reference's seconds


@dataclass(frozen=True)
class Peer:
    """A library, and how to run the example network with it.

    Attributes:
        script: in bench/peers/.
        packages: what pip installs; torch comes first, from the constraints, where one of them needs it.
        environment: variables of its process.
    """

    script: str
    packages: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def has_torch(self) -> bool:
        return "tensorflow-cpu" not in self.packages


PEERS = {
    REFERENCE: Peer("keras_example.py", ("keras==3.15.0", "tensorflow-cpu"), {"KERAS_BACKEND": "tensorflow"}),
    "keras, torch": Peer("keras_example.py", ("keras==3.15.0",), {"KERAS_BACKEND": "torch"}),
    "pytorch": Peer("torch_example.py", ()),
    "lightning": Peer("lightning_example.py", ("lightning",)),
    "skorch": Peer("skorch_example.py", ("skorch",)),
}


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment, which is made where it is missing."""
    home = Path(os.environ.get("PENJING_PEERS", Path.home() / ".cache" / "penjing-peers"))
    folder = home / name.replace(", ", "-")
    python, peer = folder / "bin" / "python", PEERS[name]
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        if peer.has_torch:
            subprocess.run([*install, "-c", str(CONSTRAINTS), "torch", "numpy"], check=True)
            if peer.packages:
                subprocess.run([*install, "-c", str(CONSTRAINTS), *peer.packages], check=True)
        else:
            subprocess.run([*install, *peer.packages], check=True)
        (folder / "ready").touch()
    return python


def said_by(python: Path, script: str, *words: object, **environment: str) -> dict[str, Any]:
    """What a script in bench/peers/ says in its last line, in a process of its own."""
    variables = {**os.environ, **environment, "TF_CPP_MIN_LOG_LEVEL": "3"}
    variables.pop("OMP_NUM_THREADS", None)
    command = [str(python), str(HERE / "peers" / script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        raise SystemExit(f"{script} exited with {done.returncode}:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def trained_by(name: str, data: Path) -> dict[str, Any]:
    """One peer's ten epochs: seconds and test accuracy after each."""
    peer = PEERS[name]
    return said_by(python_of(name), peer.script, data, EPOCHS, **peer.environment)


def trained_by_penjing(seconds: float, seed: int) -> dict[str, Any]:
    """The same network by penjing in so many seconds, in a process of its own."""
    environment = dict(os.environ)
    tune_process(environment)  # as the command line does
    return said_by(Path(sys.executable), "penjing_example.py", seconds, seed, **environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="*", help="parts of the names of peers; all when left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--anew", action="store_true", help="forget the rounds that were kept")
    asked = parser.parse_args()
    names = [name for name in PEERS if name == REFERENCE or not asked.peers or any(one in name for one in asked.peers)]
    for name in names:
        python_of(name)
    file = RESULTS / f"{NAME}.json"
    is_going_on = file.exists() and not asked.anew
    rounds: list[dict[str, Any]] = (
        json.loads(file.read_text(encoding="utf-8"))["result"]["rounds"] if is_going_on else []
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "fashion.npz"
        columns = fashion(Path(folder))
        parts = {part: columns["split"] == part for part in ("train", "test")}
        np.savez(
            data,
            **{f"x_{part}": columns["image"][rows] for part, rows in parts.items()},
            **{f"y_{part}": columns["label"][rows] for part, rows in parts.items()},
        )
        for number in range(len(rounds), len(rounds) + asked.rounds):
            order = names if number % 2 == 0 else names[::-1]
            found = {name: trained_by(name, data) for name in order}
            whole = found[REFERENCE]["epochs"][-1]["seconds"]
            ours = {f"1/{round(1 / share)}": trained_by_penjing(share * whole, number) for share in SHARES}
            rounds.append({"peers": found, "penjing": ours, **circumstances()})
            write(NAME, summary(rounds))
            print(number, {name: one["epochs"][-1] for name, one in found.items()}, ours, flush=True)


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds beside the rounds themselves."""
    names = [name for name in PEERS if any(name in one["peers"] for one in rounds)]

    def last(one: dict[str, Any], name: str, what: str) -> float:
        return float(one["peers"][name]["epochs"][-1][what])

    def middle(name: str, what: str) -> float:
        return median(last(one, name, what) for one in rounds if name in one["peers"])

    return {
        "seconds": {name: middle(name, "seconds") for name in names},
        "accuracy": {name: middle(name, "accuracy") for name in names},
        "times": {name: sum(name in one["peers"] for one in rounds) for name in names},
        "penjing": {
            share: {
                "accuracy": median(one["penjing"][share]["accuracy"]["test"] for one in rounds),
                "seconds_ratio": median(
                    one["penjing"][share]["clock_seconds"] / last(one, REFERENCE, "seconds") for one in rounds
                ),
            }
            for share in rounds[0]["penjing"]
        },
        "rounds": rounds,
    }


if __name__ == "__main__":
    main()
