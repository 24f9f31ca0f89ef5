"""All of Fashion-MNIST as PNG folders with its own test part: accuracy, seconds and memory within three minutes.

Needs the Debian package dataset-fashion-mnist.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import make_fashion_mnist
from _command import Place, fit_and_test
from _record import write

TIME = "3m"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_fashion_mnist.write(root / "fashion")
        found = fit_and_test(Place(root), root / "fashion", "--time", TIME)
    write("fashion", {"goal": 0.920, "goal_anonymous_bytes": 1_500_000_000, **found})
    print(found["test"][0], f"{found['fit_seconds']:.1f} s", f"{found['anonymous_bytes'] / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
