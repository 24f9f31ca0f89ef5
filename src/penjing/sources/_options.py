"""What a person may say about data where the layout alone does not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penjing.core.errors import UsageError


@dataclass(frozen=True)
class Options:
    """The options that override what a source recognises; every one may be left out.

    Attributes:
        target: the label: a column's name (or several, with commas between: one 0/1 column for each label), or
            "folder:N" (the N-th folder of the path, 1 the first below the data, −1 the nearest to the file), or
            "none" for data without labels.
        inputs: the input columns, and no others; in a folder of several kinds of files, the kind.
        types: column → modality, or "ignore".
        files: column of paths → the folder or zip that its paths start from.
        time_column: the column by which the parts are dealt, the latest for the test.
        group: the column whose equal values must never be parted by the split.
        group_from: how a group is found in an item's path: a regular expression (its first bracket, else all it
            matches), or "folder:N" counted as in `target`.
        split: where a given split is: a column's name, the path of a table with a path column and a part column,
            "folder" (as recognised), or "none" to deal the items anew.
        classes: the only classes to keep.
        exclude: classes to leave out.
        merge: new class → the old classes that become it.
        ignore: glob patterns of files to pass over, matched with the path, the file's name and each folder's name.
    """

    target: str = ""
    inputs: Sequence[str] = ()
    group: str = ""
    group_from: str = ""
    split: str = ""
    classes: Sequence[str] = ()
    exclude: Sequence[str] = ()
    merge: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignore: Sequence[str] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    time_column: str = ""

    def __post_init__(self) -> None:
        """One name may stand for a list of one; a text taken for a list would be its letters. Lists become tuples."""
        for name in ("inputs", "classes", "exclude", "ignore"):
            object.__setattr__(self, name, _several(getattr(self, name)))
        object.__setattr__(self, "merge", {new: _several(old) for new, old in self.merge.items()})

    def asks_for(self, column: str) -> bool:
        """Whether a column may be learned from, predicted or dealt by: not one that is ignored, or that is no input
        where the inputs are named."""
        if self.types.get(column) == "ignore":
            return False
        others = (*self.target.split(","), self.group, self.split, self.time_column)
        return not self.inputs or column in (*self.inputs, *others)


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def refuse_columns(options: Options, who_has: str, *, types_too: bool = False) -> None:
    """Refuse what speaks of columns where data have none: it would be ignored.

    Args:
        options: as given.
        who_has: how the sentence begins: "arrays have".
        types_too: whether no type may be given either.

    Raises:
        UsageError: an option names a column.
    """
    asked = {
        "--target": options.target,
        "--input": ",".join(options.inputs),
        "--group": options.group,
        "--split": options.split,
        "--time-column": options.time_column,
        "--files": ",".join(options.files),
        "--type": ",".join(options.types) if types_too else "",
    }
    for option, value in asked.items():
        if value not in ("", "none"):
            raise UsageError(f"{option} {value}: {who_has} no columns; give a data frame instead")
