"""Texts of the README tables in English and in Chinese, and what all tables say of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Language = Literal["english", "chinese"]
NONE = "–"


@dataclass(frozen=True)
class Both:
    """A text in both languages."""

    english: str
    chinese: str


Text = str | Both
Record = Mapping[str, Any]
NOT_YET = Both("not measured yet", "尚未测量")


def said(text: Text, language: Language) -> str:
    """A text in one language."""
    return text if isinstance(text, str) else getattr(text, language)


def joined(*texts: Text) -> Both:
    """Texts one after the other, in each language."""
    return Both("".join(said(one, "english") for one in texts), "".join(said(one, "chinese") for one in texts))


def judged(text: Text, is_reached: bool) -> Text:
    """A result; where what was asked is not reached, it says so."""
    return text if is_reached else joined(text, Both(" **not reached**", " **未达到**"))


def table(header: Sequence[Text], rows: Sequence[Sequence[Text]], language: Language) -> str:
    """A table in one language, as Markdown has it."""
    cells = [[said(text, language) for text in row] for row in (header, *rows)]
    lines = [cells[0], ["---"] * len(header), *cells[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
