"""`make demo` as a stranger meets it: a fresh clone, a fresh virtual environment, real digits.

The clock runs from `make demo` to its end: making the environment, installing, training, testing, reporting.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from _record import write

GOAL_SECONDS, GOAL_TRAINING_SECONDS = 240, 40


def main() -> None:
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "penjing"
        subprocess.run(["git", "clone", "--quiet", str(root), str(clone)], check=True)
        own = {"PENJING_CACHE": f"{folder}/cache", "PENJING_STATE": f"{folder}/state", "VENV": ".venv"}
        environment = {name: value for name, value in {**os.environ, **own}.items() if name != "PYTHONPATH"}
        begun = time.monotonic()
        done = subprocess.run(["make", "demo"], cwd=clone, env=environment, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begun
        if done.returncode:
            raise SystemExit(f"make demo exited with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        installed = sum(file.stat().st_size for file in (clone / ".venv").rglob("*") if file.is_file())
        run = clone / ".demo" / "run"
        info = json.loads((run / "run.json").read_text(encoding="utf-8"))
        scores = json.loads((run / "results.json").read_text(encoding="utf-8"))["scores"]
    tested = [score for score in scores if score["part"] == "test" and score["model"] == "network"]
    write(
        "demo",
        {
            "seconds": seconds,
            "goal_seconds": GOAL_SECONDS,
            "installed_bytes": installed,
            "fit_seconds": info["elapsed_seconds"],
            "training_seconds": info["seconds"]["training"],
            "goal_training_seconds": GOAL_TRAINING_SECONDS,
            "test": tested,
        },
    )
    print(f"make demo: {seconds:.0f} s, training {info['seconds']['training']:.0f} s, test {tested[0]['value']:.4f}")


if __name__ == "__main__":
    main()
