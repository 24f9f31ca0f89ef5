"""Files that are whole or not there: atomic writes, and the two folders of this user that outlive a run."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from penjing.core.errors import RunError


def cache_folder() -> Path:
    """Where decoded items are kept: $PENJING_CACHE, else the platform's cache folder. May be deleted any time."""
    return Path(os.environ.get("PENJING_CACHE") or platformdirs.user_cache_path("penjing"))


def state_folder() -> Path:
    """Where splits and seal openings are remembered across runs: $PENJING_STATE, else the platform's state folder."""
    return Path(os.environ.get("PENJING_STATE") or platformdirs.user_state_path("penjing"))


def size_bytes(folder: Path) -> int:
    """The room that all files in a folder take; one that goes away meanwhile, as a temporary one does, takes none."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(inside, name).stat().st_size
    return total


def at_home(path: str | Path) -> Path:
    """A path with the person's home folder in place of `~`: a shell does that only where the word begins with it."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # there is no such person
        return Path(path)


def is_there(path: str | Path) -> bool:
    """Whether something is at a path; nothing is at a name that is too long or holds a null byte."""
    try:
        return at_home(path).exists()
    except (OSError, ValueError):
        return False


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path beside `path`, then move the result into place.

    A reader, or a kill at any moment, meets the old file or the new one, never a half.

    Raises:
        RunError: the disk is full or the folder cannot be written; what was at `path` is untouched.
    """
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except Exception as problem:
        if not isinstance(problem, OSError) and not _is_full(problem):
            raise
        raise disk_error(problem, path) from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def disk_error(problem: Exception, path: Path) -> RunError:
    """The sentence for a write that failed."""
    if not _is_full(problem):
        reason = getattr(problem, "strerror", None) or problem
        return RunError(f"cannot write {path}: {reason}; check the folder's permissions")
    free = shutil.disk_usage(existing_parent(path)).free
    run = next((folder for folder in path.parents if (folder / "run.json").is_file()), None)
    further = ""
    if run is not None and _goes_on(run):
        kept = ". The last checkpoint is intact" if has_checkpoint(run) else ""
        further = f" and go on with: penjing fit --resume {run}{kept}"
    return RunError(
        f"no space left on the disk of {path.parent} ({free / 1e6:.0f} MB free) while writing {path.name}; "
        f"free some space{further}"
    )


def _goes_on(run: Path) -> bool:
    """Whether a run folder holds a training that is not finished."""
    try:
        told = json.loads((run / "run.json").read_text(encoding="utf-8"))
        return bool(told["status"] != "finished" and told.get("kind") != "adopted")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def has_checkpoint(run: Path) -> bool:
    """Whether a training in a run folder, or in a part of it such as a fold, has written a checkpoint."""
    return any(run.rglob("checkpoint/*.safetensors"))


def _is_full(problem: Exception) -> bool:
    """Whether a write failed for want of space. polars and NumPy say it in words, without the number."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    in_words = (*(f"os error {number}" for number in full), "requested and", "No space left")
    return getattr(problem, "errno", None) in full or any(words in str(problem) for words in in_words)


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path` that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def check_writable(folder: Path) -> None:
    """See that a file can be written into a folder.

    Raises:
        RunError: it cannot: the folder is another's, or the disk is full.
    """
    probe = folder / ".writable"
    write_text(probe, "")
    probe.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, with Unix line ends on every platform.

    A file name that is no text in this locale is written as escapes, which JSON reads back as they were.
    """
    write_atomically(path, lambda temporary: temporary.write_bytes(text.encode("utf-8", "backslashreplace")))


def write_json(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    """Write JSON atomically: UTF-8, indented, NaN refused (JSON has none)."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def append_line(path: Path, value: Mapping[str, Any]) -> None:
    """Append one JSON line and flush it to the disk. What a full disk cut short before it stays a line of its own.

    Raises:
        RunError: the disk is full or the file cannot be written.
    """
    line = _json_line(value)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(line.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise disk_error(problem, path) from problem


def write_lines(path: Path, values: Sequence[Mapping[str, Any]]) -> None:
    """Write JSON lines in place of those that are there, atomically."""
    write_text(path, "".join(map(_json_line, values)))


def _json_line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file, one a line, oldest first; no file gives none.

    A line that is no object is left out: a kill or a full disk may cut one, in the middle of a letter too.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [line for line in found if isinstance(line, dict)]
