"""The seal of a test part, and the book of its openings.

A seal belongs to the data: its id is made of the test items alone, so every run on the same test part shares one
count. Openings are written beside the runs and in the user's state folder; what either place holds counts.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from penjing.core.errors import RunError
from penjing.core.files import append_line, read_lines, state_folder


def seal_id(test_hashes: Iterable[str]) -> str:
    """The id of a test part: a hash of its items' sorted hashes."""
    text = "\n".join(sorted(test_hashes))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def openings(seal: str, beside: Path) -> list[dict[str, Any]]:
    """Every opening of a seal, the oldest first.

    Args:
        seal: the seal's id.
        beside: the folder that holds the runs.
    """
    found: dict[str, dict[str, Any]] = {}
    for book in _books(seal, beside):
        for line in _lines(book):
            found.setdefault(str(line["id"]), line)
    return sorted(found.values(), key=lambda line: (str(line.get("time")), str(line["id"])))


def record_opening(seal: str, beside: Path, *, run: str, recipe: str) -> dict[str, Any]:
    """Write down that a seal is opened, before anyone sees what is inside.

    Args:
        seal: the seal's id.
        beside: the folder that holds the runs.
        run: the name of the run that opens it.
        recipe: the id of its recipe.

    Raises:
        RunError: neither place could be written; the seal then stays closed.
    """
    line = {"id": uuid.uuid4().hex, "time": datetime.now(UTC).isoformat(), "run": run, "recipe": recipe}
    refused = []
    for book in _books(seal, beside):
        try:
            append_line(book, line)
        except (RunError, OSError) as problem:
            refused.append(f"{book.parent}: {problem}")
    if len(refused) == 2:
        raise RunError(
            "the opening of the test part cannot be written down, so it stays sealed; "
            f"make one of these folders writable: {'; '.join(refused)}"
        )
    return line


def _books(seal: str, beside: Path) -> tuple[Path, Path]:
    return state_folder() / "seals" / f"{seal}.jsonl", beside / ".seals" / f"{seal}.jsonl"


def _lines(book: Path) -> list[dict[str, Any]]:
    """The readable openings of one book; an unreadable book counts as empty."""
    try:
        return [line for line in read_lines(book) if "id" in line]
    except (OSError, UnicodeDecodeError):
        return []
