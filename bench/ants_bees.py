"""243 photos of ants and bees: what the network and the floor reach, and what the last lines advise."""

from __future__ import annotations

import tempfile
from pathlib import Path

from _command import Place, fit_and_test, shared_data
from _record import write

TIME = "2m"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = fit_and_test(Place(Path(folder)), shared_data() / "image" / "ants_bees.zip", "--time", TIME)
    write("ants_bees", found)
    print(found["test"][0], {name: score["value"] for name, score in found["floor"].items()})
    print("\n".join(found["advice"]))


if __name__ == "__main__":
    main()
