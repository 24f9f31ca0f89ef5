"""A map-style torch.utils.data.Dataset of (picture, label), read item by item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError
from penjing.core.table import Table
from penjing.sources._classes import many_values
from penjing.sources._finish import classes_of, finish, found_files
from penjing.sources._options import Options, refuse_columns
from penjing.sources._samples import sample_images, sample_labels
from penjing.sources._stores import DatasetStore

_MODULE = "torch.utils.data"
# Labels of a list that a Dataset carries which are held against its items, each at its first, before it is trusted.
_COMPARED = 20


def looks_like(data: object) -> bool:
    """Whether it is a Dataset, or something that is used like one: a length and items by number."""
    if any(base.__module__.startswith(_MODULE) for base in type(data).__mro__):
        return True
    is_container = isinstance(data, str | bytes | Path | tuple | list | dict | set)
    is_array_or_frame = hasattr(data, "shape") or hasattr(data, "columns") or hasattr(data, "__array__")
    return not is_container and not is_array_or_frame and hasattr(data, "__getitem__") and hasattr(data, "__len__")


def open(data: Any, options: Options) -> Table:
    """The table of a Dataset, in its order. Its pictures are read when they are needed, its labels now.

    Raises:
        DataError: it has no length, no items, or an item that is not (picture, label) or a picture.
        UsageError: an option that needs columns or paths.
    """
    refuse_columns(options, "a Dataset has", types_too=True)
    title = type(data).__name__
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise DataError(
            f"{title} has no length or no items by number; give a map-style Dataset, or list its items first"
        )
    if not len(data):
        raise DataError(f"{title} has no items; expected (picture, label) pairs")
    store = DatasetStore(data, title)
    first = store.read("0")  # names the trouble of the first item now, not after an hour
    labels = _labels(data, title)
    found = found_files([str(row) for row in range(len(data))], store, "image", title, "torch_dataset")
    found.target = classes_of(labels)
    found.label_from = "the Dataset's labels"
    if labels is not None:
        found.doubts += many_values(labels, "the label")
    if not _same(first, store.read("0")):
        found.doubts.append(
            f"{title} gives another picture each time; take random transforms out, penjing augments itself"
        )
    return finish(found, options)


def _same(first: bytes | np.ndarray, second: bytes | np.ndarray) -> bool:
    return first == second if isinstance(first, bytes) else np.array_equal(first, second)


def _labels(data: Any, title: str) -> list[str | None] | None:
    """The label of each item, by its name where the Dataset has names; None when items are pictures only."""
    if not isinstance(data[0], tuple | list) or len(data[0]) < 2:
        return None
    # A transform of labels makes others of those that the list holds and that the names are of.
    is_changed = getattr(data, "target_transform", None) is not None
    values = None if is_changed else _listed(data)
    if values is None:
        values = [_plain(_item(data, row, title)[1]) for row in range(len(data))]
    names = None if is_changed else getattr(data, "classes", None)
    is_numbered = isinstance(names, list | tuple) and all(isinstance(v, int) and 0 <= v < len(names) for v in values)
    return [str(names[value]) if is_numbered else _text(value, title) for value in values]  # type: ignore[index]


def _listed(data: Any) -> list[Any] | None:
    """The labels that a Dataset lists, which spares decoding every picture; None where its items have others."""
    listed = getattr(data, "targets", None)
    if listed is None or len(listed) != len(data):
        return None
    values = [_plain(value) for value in listed]
    try:
        first = {value: row for row, value in reversed(list(enumerate(values)))}
    except TypeError:  # a list of labels each
        return None
    rows = sorted(first.values())[:_COMPARED]
    return values if all(values[row] == _plain(data[row][1]) for row in rows) else None


def _item(data: Any, row: int, title: str) -> Any:
    try:
        return data[row]
    except Exception as problem:  # whatever a person's code raises
        raise DataError(f"{title}[{row}] cannot be read: {type(problem).__name__}: {problem}") from problem


def _plain(value: Any) -> Any:
    """A label out of its tensor or array."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value


def _text(value: Any, title: str) -> str | None:
    if value is None or isinstance(value, str | int | float):
        return None if value is None or value != value else str(value)
    raise DataError(f"a label of {title} is a {type(value).__name__}; expected a class number or name")


class _Pairs:
    """A Dataset as people write them."""

    def __len__(self) -> int:
        return len(sample_labels())

    def __getitem__(self, index: int) -> tuple[np.ndarray, str]:
        return sample_images()[index], sample_labels()[index]


def sample(folder: Path) -> object:  # noqa: ARG001 - the pictures are in memory
    """Six pairs of a picture and its label."""
    return _Pairs()
