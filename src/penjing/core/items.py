"""What one item of an input column is: its reference, its content, and the hash that identifies it everywhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from penjing.core.table import Column, Store, Table

_PAGE = re.compile(r"#page=(\d+)$")


def split_page(reference: str) -> tuple[str, int | None]:
    """A reference and its page: "stack.tif#page=2" → ("stack.tif", 2); without a page, None. Pages count from 1."""
    match = _PAGE.search(reference)
    return (reference[: match.start()], int(match.group(1))) if match else (reference, None)


def read_item(store: Store, reference: str) -> tuple[bytes | np.ndarray, int | None]:
    """The content behind a reference, and its page.

    Raises:
        DataError: it cannot be read.
    """
    path, page = split_page(reference)
    return store.read(path), page


def item_name(store: Store, reference: str) -> str:
    """What to call the item before a person, its page included."""
    path, page = split_page(reference)
    return store.name(path) if page is None else f"{store.name(path)}#page={page}"


def item_hash(content: bytes | np.ndarray, page: int | None = None) -> str:
    """The identity of an item's content: 32 hexadecimal digits. Of an array, type, shape and values count."""
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(content, np.ndarray):
        digest.update(f"{content.dtype.str} {content.shape} ".encode())
        content = np.ascontiguousarray(content).tobytes()
    digest.update(content)
    if page is not None:
        digest.update(f"#page={page}".encode())
    return digest.hexdigest()


def reason(problem: Exception, name: str) -> str:
    """Why an item cannot be used, without its name in front, so that lists of items do not say every name twice."""
    text = problem.strerror or str(problem) if isinstance(problem, OSError) else str(problem)
    return text.removeprefix(name).lstrip(" :") or type(problem).__name__


def one_row_per_page(table: Table, column: str, pages: Sequence[int | None]) -> Table:
    """The table with every item of several pages replaced by one item a page, "stack.tif#page=1" and so on.

    Pages of one file are alike, so a table without groups gets its files as groups: they stay in one part.

    Args:
        table: the data set.
        column: the input column whose items have pages.
        pages: how many pages each item has, as `scan` found; None (unreadable) and 1 leave the row as it is.
    """
    if all((count or 1) == 1 for count in pages):
        return table
    references = [
        [reference] if (count or 1) == 1 else [f"{reference}#page={page + 1}" for page in range(count or 1)]
        for reference, count in zip(table.frame[column], pages, strict=True)
    ]
    frame, columns, group = table.frame, table.columns, f"{column} file"
    if table.group is None:
        frame = frame.with_columns(pl.col(column).alias(group))
        columns = (*columns, Column(group, "group", "category"))
    return replace(table, frame=frame.with_columns(pl.Series(column, references)).explode(column), columns=columns)
