"""Options that several commands share, and how the words of a command line become values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from cyclopts import Group, Parameter

from penjing.core.errors import UsageError
from penjing.core.files import is_there

_DATA = Group("What the data are", sort_key=2)
_OUTPUT = Group("Output", sort_key=3)


@Parameter(name="*", group=_DATA)
@dataclass
class DataOptions:
    """How the data are read; each overrides what is recognised. None was not said, which a default could not tell."""

    target: str | None = None
    "The label: a column's name (several with commas are labels of 0 and 1), folder:N, or none."
    input: list[str] | None = None
    "The only input columns of a table."
    type: list[str] | None = None
    "What a column is: COLUMN=MODALITY, or COLUMN=ignore."
    files: list[str] | None = None
    "Where the paths in a column start: COLUMN=FOLDER or a .zip."
    time_column: str | None = None
    "A column of times; the latest items are the test."
    task: Literal["classify", "regress", "tag"] | None = None
    "What is asked; the target decides when left out."
    group: str | None = None
    "A column; rows with the same value stay in one part."
    group_from: str | None = None
    "How the path tells the group: a regular expression, or folder:N."
    split: str | None = None
    "A given split: a column, a table's path, folder, or none to deal anew."
    classes: list[str] | None = None
    "The only classes to keep."
    exclude: list[str] | None = None
    "Classes to leave out."
    merge: list[str] | None = None
    "Classes that become one: new=old1,old2."
    ignore: list[str] | None = None
    "Files to pass over, as a pattern like '*.txt'."
    side: int | None = None
    "Of pictures: height and width of the canvas in pixels; 0 chooses."
    channels: Literal[0, 1, 3] | None = None
    "Of pictures: 1 for grey, 3 for colour; 0 chooses."
    canvas: Literal["letterbox", "crop", "squash"] | None = None
    "How a picture is put on its canvas."
    page: Literal["first", "max", "each"] | None = None
    "Of pictures: which page of a TIFF that has several."
    folds: int | None = None
    "Cross-validation folds; 0 for one validation part."
    split_seed: int | None = None
    "Deals other parts; the test part is then another one."
    corrections: str | None = None
    "A file from inspect --suspects that you edited."
    most_unreadable: float | None = None
    "Share of items that may be unreadable before everything stops."

    def wishes(self) -> dict[str, Any]:
        """What was given, under the names that the Python side has."""
        names = {"input": "inputs", "type": "types"}
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        found = {names.get(name, name): value for name, value in given.items() if value is not None}
        if "merge" in found:
            found["merge"] = dict(_merge(text) for text in found["merge"])
        if "types" in found:
            found["types"] = dict(_pair(text, "--type", "age=number") for text in found["types"])
        if "files" in found:
            found["files"] = dict(_place(text) for text in found["files"])
        return found


@Parameter(name="*", group=_OUTPUT)
@dataclass
class OutputOptions:
    """What is shown."""

    json: bool = False
    "Print one JSON document instead of text."
    quiet: bool = False
    "Show warnings and the result only."


NO_DATA_OPTIONS = DataOptions()
NO_OUTPUT_OPTIONS = OutputOptions()


def assignments(texts: Sequence[str]) -> dict[str, Any]:
    """Dotted key → value, from words like model.width=64.

    Raises:
        UsageError: one of them has no equals sign.
    """
    from penjing.core.recipe import parse_value

    found = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise UsageError(f'--set "{text}" is not like model.width=64')
        found[key.strip()] = parse_value(value.strip())
    return found


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    """The column, whose name may hold an equals sign, and what is said of it."""
    column, sign, value = text.rpartition("=")
    if not sign or not column or not value:
        raise UsageError(f'{option} "{text}" is not like {example}')
    return column, value


def _place(text: str) -> tuple[str, str]:
    """The column and where its paths start; either may hold an equals sign, and what exists tells which parts them."""
    parts = text.split("=")
    pairs = [("=".join(parts[:place]), "=".join(parts[place:])) for place in range(1, len(parts))]
    known = [pair for pair in pairs if all(pair)]
    if not known:
        raise UsageError(f'--files "{text}" is not like image=photos.zip')
    return next((pair for pair in known if is_there(pair[1])), known[0])


def _merge(text: str) -> tuple[str, list[str]]:
    new, sign, old = text.partition("=")
    if not sign or not new or not old:
        raise UsageError(f'--merge "{text}" is not like new=old1,old2')
    return new, [name for name in old.split(",") if name]
