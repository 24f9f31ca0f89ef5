"""Groups of items that belong together (one patient, one mouse): taken from paths on request, guessed as a hint."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from penjing.core.errors import UsageError
from penjing.sources._layout import folder_at, folder_number
from penjing.sources._listing import natural_key
from penjing.sources._words import many, span

# A name such as mouse01_03.png or P07-left.png: a word with a number, then a separator and something more.
_WORD = re.compile(r"([^\W\d_]+[ _-]?)([0-9]+)[ _.\-(].")
_NUMBER = re.compile(r"([0-9]+)[_\-].")
# A guess holds when this share of the names has the pattern, and it makes this many groups of this many items.
_SHARE, _FEWEST, _MEAN_SIZE = 0.8, 3, 2.0
# A column of so few numbered names may as well hold steps or grades.
_FEWEST_OF_COLUMN = 6
# More different words than this before the number, and they are no longer one kind of thing.
_WORDS = 3


@dataclass(frozen=True)
class Guess:
    """A likely grouping: what to give to `--group-from`, the number of groups, the first and the last of them; of a
    column also its name, which is given to `--group`."""

    pattern: str
    groups: int
    first: str
    last: str
    column: str = ""

    @property
    def option(self) -> str:
        """What to type."""
        return f"--group {self.column}" if self.column else f"--group-from '{self.pattern}'"

    @property
    def doubt(self) -> str:
        return (
            f'{f"""The column "{self.column}" suggests""" if self.column else "Names suggest"} {self.groups:,} groups '
            f"({self.first}…{self.last}): use {self.option}, or the score will be too good"
        )


def groups_of(paths: Sequence[str], group_from: str) -> tuple[list[str | None], str]:
    """The group of each path and a sentence about them.

    Args:
        paths: paths relative to the data.
        group_from: a regular expression or "folder:N", as in `Options`.

    Returns:
        The groups, None for an item that stands alone, and what to say.

    Raises:
        UsageError: the expression is not valid, or finds a group in no path.
    """
    number = folder_number(group_from, "--group-from")
    if number is not None:
        groups = [folder_at(tuple(path.split("/")[:-1]), number) for path in paths]
    else:
        groups = _matches(paths, group_from)
    found = Counter(group for group in groups if group is not None)
    if not found:
        example = f"; a path looks like {paths[0]}" if paths else ""
        raise UsageError(f"--group-from '{group_from}' finds a group in no path{example}")
    alone = len(groups) - found.total()
    said = f"{many(len(found), 'group')} ({span(sorted(found, key=natural_key))}), never parted by the split"
    return groups, said + (f"; {many(alone, 'item')} without one, each alone" if alone else "")


def _matches(paths: Sequence[str], expression: str) -> list[str | None]:
    try:
        pattern = re.compile(expression)
    except re.error as problem:
        raise UsageError(f"--group-from '{expression}' is not a regular expression: {problem}") from problem
    found = (pattern.search(path) for path in paths)
    # The first bracket that took part, else the whole match; an empty match is no group.
    return [
        match and (next((part for part in match.groups() if part), None) or match.group() or None) for match in found
    ]


def guess(paths: Sequence[str]) -> Guess | None:
    """The grouping that file names suggest, or None. It is only ever a hint."""
    # Without the extension: cat_1.png is picture 1 of a class, not a group.
    stems = [path.rpartition("/")[2].rpartition(".")[0] for path in paths]
    return _guess_word(stems) or _guess_number(stems)


def guess_of_column(cells: pl.Series, is_named_so: bool) -> Guess | None:
    """The grouping that a column of words suggests: by its name, or by cells such as p01, p02 that come again."""
    known = cells.drop_nulls().cast(pl.String)
    groups = known.unique().to_list()
    if not is_named_so:
        words = known.str.extract(r"^([^\W\d_]+[ _-]?)[0-9]+$")
        is_numbered = words.null_count() == 0 and words.n_unique() <= 1
        if not is_numbered or len(groups) < _FEWEST_OF_COLUMN or len(known) < _MEAN_SIZE * len(groups):
            return None
    if not groups:
        return None
    ordered = sorted(groups, key=natural_key)
    return Guess("", len(groups), ordered[0], ordered[-1], cells.name)


def _guess_word(stems: Sequence[str]) -> Guess | None:
    matches = [match for stem in stems if (match := _WORD.match(stem))]
    words = Counter(match.group(1) for match in matches)
    if len(words) > _WORDS:
        return None
    groups = Counter(match.group(1) + match.group(2) for match in matches)
    return _accept(groups, len(stems), "|".join(rf"{re.escape(word)}\d+" for word in sorted(words)))


def _guess_number(stems: Sequence[str]) -> Guess | None:
    groups = Counter(match.group(1) for stem in stems if (match := _NUMBER.match(stem)))
    return _accept(groups, len(stems), r"([0-9]+)[_-][^/]*$")


def _accept(groups: Counter[str], total: int, pattern: str) -> Guess | None:
    items = groups.total()
    if items < _SHARE * total or len(groups) < _FEWEST or items < _MEAN_SIZE * len(groups):
        return None
    ordered = sorted(groups, key=natural_key)
    return Guess(pattern, len(groups), ordered[0], ordered[-1])
