"""How long a person waits for `import penjing`, `penjing --help` and `penjing list models`; the median of several."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from _record import write

REPEATS = 7
GOALS = {"import": 0.1, "help": 0.3, "list": 0.3}
IMPORT = "import time; begun = time.perf_counter(); import penjing; print(time.perf_counter() - begun)"
COMMANDS = {"help": ("--help",), "list": ("list", "models")}


def one_import() -> float:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    return float(done.stdout)


def one_command(words: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "penjing", *words], capture_output=True, check=True)
    return time.perf_counter() - begun


def main() -> None:
    seconds = {"import": median(one_import() for _ in range(REPEATS))}
    seconds |= {name: median(one_command(words) for _ in range(REPEATS)) for name, words in COMMANDS.items()}
    write("startup", {"goal_seconds": GOALS, "seconds": seconds, "repeats": REPEATS})
    print({name: f"{value:.3f} s" for name, value in seconds.items()})


if __name__ == "__main__":
    main()
