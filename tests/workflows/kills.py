"""Fits in processes of their own that kill themselves at a step, as `kill -9` would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

DYING = """
import os, signal, sys
from penjing.cli import run_command
from penjing.training import _loop, engine

_loop.CHECKPOINT_SECONDS = 0.0
keep, moment, where = engine._keep, int(sys.argv[1]), sys.argv[2]

def keep_and_die(folder, step, recipe, state):
    keep(folder, step, recipe, state)
    if state.step >= moment and folder.match(where):
        os.kill(os.getpid(), signal.SIGKILL)

engine._keep = keep_and_die
run_command(sys.argv[3:])
"""


def killed_fit(moment: int, where: str, *words: Any) -> None:
    """Carry out a fit in a process of its own until it has kept a checkpoint at that step in that folder."""
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(moment), where, "fit", *map(str, words), "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
