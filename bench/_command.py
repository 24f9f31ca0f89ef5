"""Runs penjing as a person would, in a process of its own with an empty cache, and measures it from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penjing.core.process import tune_process

BEGUN = "PENJING_BENCH_BEGUN"  # in the environment of a bench that was begun so


@dataclass
class Measured:
    """One command: its exit code, what it printed, how long it took, and the most anonymous memory it held."""

    code: int
    out: str
    error: str
    seconds: float
    anonymous_bytes: int

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Place:
    """A folder with a cache, a state folder and runs of its own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        own = {"PENJING_CACHE": str(self.folder / "cache"), "PENJING_STATE": str(self.folder / "state")}
        self.environment = {**os.environ, **own, **self.environment}
        # What a benchmark of one thread sets for itself is not what a person's computer has.
        self.environment.pop("OMP_NUM_THREADS", None)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "penjing", *map(str, words)]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words: str | Path) -> Measured:
        begun = time.monotonic()
        process = self.start(*words)
        peak = _Peak(process.pid)
        out, error = process.communicate()
        seconds = time.monotonic() - begun
        return Measured(process.returncode, out, error, seconds, peak.stop())


class _Peak(threading.Thread):
    """Samples a process's anonymous memory until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.path, self.most, self.is_over = Path(f"/proc/{pid}/status"), 0, False
        self.start()

    def run(self) -> None:
        while not self.is_over:
            try:
                lines = self.path.read_text().splitlines()
            except OSError:
                return
            found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")]
            self.most = max(self.most, *found, 0)
            time.sleep(0.1)

    def stop(self) -> int:
        self.is_over = True
        self.join()
        return self.most


def fit_and_test(place: Place, data: Path, *options: str | Path) -> dict[str, Any]:
    """`penjing fit` then `penjing test`: their scores, seconds and memory, as a record."""
    run = place.folder / "run"
    fitted = place.run("fit", data, "--out", run, "--json", *options)
    if fitted.code:
        raise SystemExit(f"fit exited with {fitted.code}:\n{fitted.error[-3000:]}")
    tested = place.run("test", run, "--json")
    if tested.code:
        raise SystemExit(f"test exited with {tested.code}:\n{tested.error[-3000:]}")
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    scores = tested.json()
    return {
        "test": scores["scores"],
        "floor": scores["floor"],
        "valid": fitted.json()["results"]["scores"],
        "fit_seconds": fitted.seconds,
        "deadline_seconds": info["deadline_seconds"],
        "stages": info["seconds"],
        "cost": info["cost"],
        "anonymous_bytes": fitted.anonymous_bytes,
        "advice": fitted.json()["advice"],
        "options": [str(option) for option in options],
    }


def begin_as_penjing_does() -> None:
    """Begin this process anew with the settings that the command line makes, which torch reads as it is loaded."""
    if BEGUN not in os.environ:
        environment = {**os.environ, BEGUN: "1"}
        tune_process(environment)
        os.execve(sys.executable, sys.orig_argv, environment)


def shared_data() -> Path:
    """The folder of shared data beside the repository, or an exit with the reason."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        raise SystemExit(f"this benchmark needs the shared data in {folder}")
    return folder


def shown(values: Sequence[float]) -> str:
    """Mean and range of some values."""
    return f"{sum(values) / len(values):.4f} ({min(values):.4f} to {max(values):.4f})"
