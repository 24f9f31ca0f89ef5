"""Real MNIST digits, 5,000 of them: test accuracy over five split seeds with a deadline of 40 s each."""

from __future__ import annotations

import tempfile
from pathlib import Path

from _command import Place, fit_and_test, shown
from _record import write

SPLIT_SEEDS = range(5)
TIME = "40s"


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        Place(root).run("dataset", "digits", root / "digits")
        for seed in SPLIT_SEEDS:
            place = Place(root / str(seed))
            found = fit_and_test(place, root / "digits", "--time", TIME, "--split-seed", str(seed), "--seed", str(seed))
            rows.append({"split_seed": seed, **found})
            print(seed, found["test"][0]["value"], f"{found['fit_seconds']:.1f} s", flush=True)
    values = [row["test"][0]["value"] for row in rows]
    write("digits", {"goal": 0.985, "mean": sum(values) / len(values), "runs": rows})
    print("test accuracy", shown(values))


if __name__ == "__main__":
    main()
