"""CIFAR-10 on a GPU: the shortest of some times in which the test part reaches 94 % and 96 %, by the engine's clock.

    python bench/gpu.py              times from 5 s on, each twice the one before
    python bench/gpu.py --longest 80

Without a GPU it says so and ends. Where torch comes from elsewhere than here, its version stands in the record.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from _clocked import carried_out, ready
from _command import shared_data
from _record import write

GOALS = (0.94, 0.96)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shortest", type=float, default=5.0, help="seconds")
    parser.add_argument("--longest", type=float, default=160.0, help="seconds")
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        print("there is no GPU that torch can use; nothing was measured")
        return
    runs, reached = [], dict.fromkeys(map(str, GOALS))
    with tempfile.TemporaryDirectory() as folder:
        data = ready(shared_data() / "image" / "cifar10.zip", Path(folder))
        seconds = asked.shortest
        while seconds <= asked.longest and None in reached.values():
            found = carried_out(data, seconds, device="cuda", is_tested=True)
            runs.append(found.record())
            for goal in GOALS:
                if reached[str(goal)] is None and found.accuracy["test"] >= goal:
                    reached[str(goal)] = found.seconds
            print(f"{found.seconds:.1f} s: test {found.accuracy['test']:.4f}", found.decided, flush=True)
            seconds *= 2
    write("gpu", {"device": torch.cuda.get_device_name(0), "seconds_to": reached, "runs": runs})
    for goal, taken in reached.items():
        print(f"{float(goal):.0%}: {'not reached' if taken is None else f'{taken:.1f} s'}")


if __name__ == "__main__":
    main()
