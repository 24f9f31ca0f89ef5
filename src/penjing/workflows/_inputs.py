"""Whatever a person wants predicted, as references; then decoded, a few ahead, so that memory stays flat.

Paths are asked through `os.path`, which answers no where pathlib raises: a name that is too long, an unknown home.
"""

# ruff: noqa: PTH111, PTH112, PTH113, PTH207

from __future__ import annotations

import glob
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError, UsageError
from penjing.core.events import Said, Watch, tell
from penjing.core.items import item_name, read_item, reason
from penjing.core.table import Store
from penjing.core.units import show_bytes
from penjing.sources import Options, open_data
from penjing.sources._listing import is_picture, natural_key, readable
from penjing.sources._pixels import picture
from penjing.sources._stores import ArrayStore, BytesStore, FolderStore
from penjing.sources._tables import TABLE_SUFFIXES

# A file of this size holds more pixels than any picture that is decoded; reading it would only fill the memory.
LARGEST_FILE_BYTES = 2 * 10**9
_CHUNK = 16  # items handed to a thread at once
_AHEAD = 4  # chunks a thread that wait for the network


@dataclass(frozen=True)
class Source:
    """Items that are read from one place."""

    store: Store
    references: Sequence[str]


@dataclass(frozen=True)
class Item:
    """One item after its turn: decoded, or with the reason why it cannot be.

    Attributes:
        name: what to call it before a person: the path as they would type it.
        value: uint8 [height, width, channels], or None.
        error: why there is no value.
    """

    name: str
    value: np.ndarray | None = None
    error: str = ""


def gather(inputs: object, column: str = "", ignore: Sequence[str] = (), watch: Watch = None) -> list[Source]:
    """Everything to be predicted, nothing of it decoded yet.

    Args:
        inputs: a file, a folder, a pattern such as "new/*.jpg", a table with a path column, a .zip, or several of these
            in a list; or in memory one picture, arrays, a data frame or a Dataset.
        column: the column of a table that holds the paths; "" recognises it.
        ignore: patterns of files to pass over.
        watch: hears what is left out.

    Raises:
        DataError: there is nothing there, or it is no picture.
        UsageError: nothing was given, or it is not clear which column of a table holds the paths.
    """
    options = Options(target="none", split="none", inputs=(column,) if column else (), ignore=tuple(ignore))
    if isinstance(inputs, str | Path):
        return _of_paths([inputs], options, watch)
    if isinstance(inputs, list | tuple) and all(isinstance(item, str | Path) for item in inputs):
        return _of_paths(inputs, options, watch)
    alone = _one_picture(inputs)
    return [alone] if alone is not None else [_of_data(inputs, options, watch)]


def _of_paths(paths: Sequence[str | Path], options: Options, watch: Watch) -> list[Source]:
    """The sources of paths, in their order; pictures that stand alone share one source."""
    found: list[Source] = []
    files: list[str] = []
    here = FolderStore(Path())
    expanded = [path for given in paths for path in _expanded(given)]
    for path in expanded:
        if _is_one_picture(path, is_alone=len(expanded) == 1):
            files.append(str(path))
            continue
        if files:
            found.append(Source(here, files))
            files = []
        found.append(_of_data(path, options, watch))
    if files:
        found.append(Source(here, files))
    if not found:
        raise UsageError("there is nothing to predict; give a file, a folder, a pattern such as 'new/*.jpg' or a table")
    return found


def _expanded(given: str | Path) -> list[Path]:
    """What a path means: itself, or the files that match it as a pattern, in natural order.

    Raises:
        DataError: it is a pattern, and nothing matches.
        UsageError: it is empty.
    """
    text = os.path.expanduser(given)
    if not text.strip():
        raise UsageError("an empty path was given; give a file, a folder, a pattern such as 'new/*.jpg' or a table")
    if os.path.lexists(text) or not glob.has_magic(text):
        return [Path(text)]
    matched = sorted(glob.glob(text, recursive=True), key=natural_key)
    # "new/**" names folders and what is in them; counting both would predict every picture twice.
    files = [Path(name) for name in matched if os.path.isfile(name)]
    kept = [path for path in files if is_picture(path.name)] or files or [Path(name) for name in matched]
    if not kept:
        raise DataError(f"no file matches {text}; check the pattern, and put it in quotes")
    return kept


def _is_one_picture(path: Path, is_alone: bool) -> bool:
    """Whether a path is read as one picture.

    Alone, a path must say so by its name, or an error explains what it is instead. Among others, whatever is neither
    a folder nor a table nor an archive is tried, and named among the unreadable if it fails.
    """
    suffix = path.suffix.lower()
    if os.path.isdir(path) or suffix in TABLE_SUFFIXES or suffix == ".zip":
        return False
    return not is_alone or (os.path.isfile(path) and (is_picture(path.name) or not suffix))


def _of_data(data: object, options: Options, watch: Watch) -> Source:
    table = open_data(data, options)
    for doubt in table.doubts:
        if "--group" not in doubt:  # groups matter to a split, and here is none
            tell(watch, Said(doubt))
    column = table.inputs[0].name
    return Source(table.stores[column], table.frame[column].to_list())


def _one_picture(value: Any) -> Source | None:
    """A source of one item where the value is one picture: encoded bytes, a Pillow image, an array of one."""
    if isinstance(value, bytes | bytearray):
        return Source(BytesStore([bytes(value)], "bytes"), ["0"])
    if not _is_one(value):
        return None
    found = picture(value)
    assert isinstance(found, np.ndarray), "only bytes stay bytes"
    return Source(ArrayStore([found], "picture"), ["0"])


def _is_one(value: Any) -> bool:
    """Whether it is a Pillow image, or an array of the shape of one picture.

    Pictures three pixels wide are rarer than a single picture in colour.
    """
    if hasattr(value, "convert") and hasattr(value, "mode"):
        return True
    shape = tuple(getattr(value, "shape", ()))
    if not hasattr(value, "__array__") or hasattr(value, "columns"):
        return False
    return len(shape) == 2 or (len(shape) == 3 and (shape[2] in (1, 3, 4) or shape[0] == 3))


@dataclass(frozen=True)
class Reader:
    """Reads and decodes single items, never raising for a bad one. Called from several threads at once.

    Attributes:
        modality: the plug-in that decodes.
        settings: as in training.
        takes_every_page: whether each page of a TIFF is an item of its own.
    """

    modality: Any
    settings: Any
    takes_every_page: bool = False

    def read(self, store: Store, reference: str) -> list[Item]:
        """The item behind a reference; several where a file's pages are items."""
        name = readable(item_name(store, reference))
        try:
            self._refuse(store, reference)
            content, page = read_item(store, reference)
            if self.takes_every_page and page is None and (pages := self.modality.probe(content).pages) > 1:
                return [self._page(name, content, number) for number in range(1, pages + 1)]
            return [Item(name, self.modality.decode(content, self.settings, page))]
        except (DataError, OSError, MemoryError) as problem:
            return [Item(name, error=reason(problem, name))]

    def _page(self, name: str, content: Any, number: int) -> Item:
        name = f"{name}#page={number}"
        try:
            return Item(name, self.modality.decode(content, self.settings, number))
        except DataError as problem:
            return Item(name, error=reason(problem, name))

    def _refuse(self, store: Store, reference: str) -> None:
        """Raises:
        DataError: the file is in a format that must be converted first, or is too large to be read.
        """
        suffix = Path(reference).suffix.lower()
        if suffix in self.modality.REFUSED:
            raise DataError(self.modality.REFUSED[suffix])
        stamp = store.stamp(reference)
        if stamp is not None and stamp[0] > LARGEST_FILE_BYTES:
            most = show_bytes(LARGEST_FILE_BYTES)
            raise DataError(f"the file has {show_bytes(stamp[0])}, more than the {most} that are read; make it smaller")


def decoded(sources: Sequence[Source], reader: Reader, threads: int) -> Iterator[Item]:
    """Every item in order, decoded in parallel threads, only a few ahead of who asks."""

    def work(store: Store, references: Sequence[str]) -> list[Item]:
        return [item for reference in references for item in reader.read(store, reference)]

    chunks = (
        (source.store, source.references[start : start + _CHUNK])
        for source in sources
        for start in range(0, len(source.references), _CHUNK)
    )
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="penjing-decode")
    try:
        running: deque[Future[list[Item]]] = deque(
            pool.submit(work, *chunk) for chunk in islice(chunks, _AHEAD * threads)
        )
        while running:
            finished = running.popleft().result()
            running.extend(pool.submit(work, *chunk) for chunk in islice(chunks, 1))
            yield from finished
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C waits for a few items only
