"""The promise of bit-identity: two fits of one recipe, and twenty fits killed at random moments and resumed."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import tempfile
import time
from pathlib import Path

from _command import Place
from _record import write

from penjing.core.randomness import stream

KILLS = 20
RECIPE = """
format = 1
seed = 3
augment = [{ name = "crop" }, { name = "erase" }]
model = { name = "cnn", width = 8, dropout = 0.1 }
[training]
steps = 500
batch_size = 64
evaluations = 12
ema = 0.99
[machine]
threads = 2
number_format = "bfloat16"
"""


def weights(run: Path) -> str:
    return hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()


def kill_at(place: Place, words: tuple[str | Path, ...], run: Path, moment: float) -> None:
    """Start a fit and kill it after so many seconds."""
    process = place.start(*words, run)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def is_finished(run: Path) -> bool:
    file = run / "run.json"
    return file.exists() and json.loads(file.read_text(encoding="utf-8"))["status"] == "finished"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        place = Place(root)
        place.run("dataset", "digits", root / "digits")
        (root / "recipe.toml").write_text(RECIPE, encoding="utf-8")
        words = ("fit", root / "digits", "--recipe", root / "recipe.toml", "--out")
        whole = [place.run(*words, root / name) for name in ("first", "second")]
        assert all(one.code == 0 for one in whole), whole[0].error
        expected = weights(root / "first")
        is_repeated = weights(root / "second") == expected
        seconds = whole[1].seconds
        rows = []
        for number in range(KILLS):
            run = root / f"killed-{number}"
            moment = float(stream(0, "kill", number).uniform(0.05, 0.95)) * seconds
            kill_at(place, words, run, moment)
            while is_finished(run):  # the machine got faster meanwhile, and the kill came too late to be one
                shutil.rmtree(run)
                moment *= 0.7
                kill_at(place, words, run, moment)
            began = (run / "run.json").exists()
            again = place.run("fit", "--resume", run) if began else place.run(*words, run)
            is_same = again.code == 0 and weights(run) == expected
            rows.append({"killed_after_seconds": moment, "had_begun": began, "is_bit_identical": is_same})
            print(number, f"{moment:.1f} s", "identical" if is_same else f"DIFFERENT {again.error[-500:]}", flush=True)
            shutil.rmtree(run, ignore_errors=True)
    same = sum(row["is_bit_identical"] for row in rows)
    write(
        "resume",
        {"two_fits_identical": is_repeated, "kills": KILLS, "identical": same, "rows": rows, "whole_seconds": seconds},
    )
    print(f"two fits identical: {is_repeated}; {same} of {KILLS} identical after kill -9 and --resume")


if __name__ == "__main__":
    main()
