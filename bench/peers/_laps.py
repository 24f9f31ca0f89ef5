"""What the scripts of all peers share: the pictures, a clock that stands still while the test part is scored, one line.

Needs numpy alone, so that it runs in the environment of any peer.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

BATCH, RATE, CLASSES = 32, 1e-3, 10  # as the example network was published, with Adam


@dataclass(frozen=True)
class Pictures:
    """Grey pictures from 0 to 1 and their class numbers, in memory.

    Attributes:
        x_train: float32 [items, 28, 28].
        y_train: int64 [items].
        x_test: float32 [items, 28, 28].
        y_test: int64 [items].
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def pictures() -> Pictures:
    """What the .npz file named on the command line holds."""
    with np.load(Path(sys.argv[1])) as file:
        parts = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    found = {name: one.astype(np.int64 if name[0] == "y" else np.float32) for name, one in parts.items()}
    return Pictures(**{name: one / np.float32(255) if name[0] == "x" else one for name, one in found.items()})


def epochs() -> int:
    """How often to pass over the training pictures."""
    return int(sys.argv[2])


@dataclass
class Laps:
    """Seconds of training and the test accuracy then, once an epoch.

    The clock begins with the first use of the peer on data that lie in memory: building the network and compiling it
    are part of it, importing the peer and scoring the test part are not.
    """

    found: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    _since: float = 0.0

    def go(self) -> None:
        """Start the clock, or let it go on."""
        self._since = time.perf_counter()

    def stop(self) -> None:
        """Let the clock stand still."""
        self.seconds += time.perf_counter() - self._since

    def note(self, answers: np.ndarray, truth: np.ndarray) -> None:
        """Keep an epoch: outputs [items, classes] on the test part."""
        accuracy = float((np.asarray(answers).argmax(1) == truth).mean())
        self.found.append({"seconds": self.seconds, "accuracy": accuracy})

    def say(self, **versions: str) -> None:
        """Print all epochs as one line of JSON."""
        print(json.dumps({"epochs": self.found, "versions": versions}))
