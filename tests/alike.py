"""What two runs of one recipe have in common, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.core.files import read_lines

# What depends on the machine; a gradient is compared with the one before it, which a new process does not have.
OF_THE_MACHINE = {"seconds", "stalled_seconds", "memory/resident", "gradient/square", "gradient/shared"}


def written(folder: Path, file: str) -> Any:
    """The bytes of a file of a run; of its record, the lines without what depends on the machine."""
    path = folder / file
    if file != "record.jsonl":
        return path.read_bytes()
    return [{name: value for name, value in line.items() if name not in OF_THE_MACHINE} for line in read_lines(path)]
