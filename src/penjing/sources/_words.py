"""Counts and lists as people write them."""

from __future__ import annotations

from collections.abc import Sequence


def many(count: int, word: str) -> str:
    """A count with its noun: "1 image", "3,000 images", "2 classes"."""
    ending = "" if count == 1 else "es" if word.endswith("ss") else "s"
    return f"{count:,} {word}{ending}"


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names: "cat, dog, fox …"."""
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")


def span(names: Sequence[str]) -> str:
    """The first and the last of ordered names: "mouse01…mouse12"."""
    return f"{names[0]}…{names[-1]}" if len(names) > 1 else names[0]


def distinct(names: Sequence[str]) -> list[str]:
    """Names of columns, each another: one that is empty is numbered, one that was there has its place behind it."""
    found: dict[str, None] = {}  # in their order, and found at once
    for index, given in enumerate(names, start=1):
        name = given or f"column_{index}"
        while name in found:
            name += f"_{index}"
        found[name] = None
    return list(found)


def first_line(problem: BaseException) -> str:
    """The first line of what another library says."""
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]
