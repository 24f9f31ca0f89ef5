"""Lines of a result, cut where a terminal is narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

# How lines that list something begin, and what stands between its parts: commands to type, scores to compare.
_LISTS: Mapping[str, str] = {"next:  ": " · ", "test  ": "   "}


def folded(line: str, width: int) -> list[str]:
    """A sentence cut between words where a terminal would cut within them, and a list between its parts; tables and
    single commands stay as they are.

    Args:
        line: of what is printed.
        width: of the terminal, in letters.

    Example:
        >>> folded("next:  penjing report run · penjing test run", 30)
        ['next:  penjing report run', '       penjing test run']
    """
    if len(line) <= width or "\n" in line or line.startswith("penjing "):
        return [line]
    for label, between in _LISTS.items():
        if line.startswith(label):
            return _between(line.split(between), between, " " * len(label), width)
    if "  " in line:
        return [line]
    return textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _between(parts: Sequence[str], between: str, indent: str, width: int) -> list[str]:
    """As many parts a line as fit."""
    lines = [parts[0]]
    for part in parts[1:]:
        longer = f"{lines[-1]}{between}{part}"
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(indent + part)
    return lines
