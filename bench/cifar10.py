"""CIFAR-10 as JPEG files inside a zip, given split: test accuracy within five minutes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from _command import Place, fit_and_test, shared_data
from _record import write

TIME = "5m"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = fit_and_test(Place(Path(folder)), shared_data() / "image" / "cifar10.zip", "--time", TIME)
    write("cifar10", {"goal": 0.85, **found})
    print(found["test"][0], f"{found['fit_seconds']:.1f} s", f"{found['anonymous_bytes'] / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
