"""What one item of an input column is: its reference, its content, and the hash that identifies it everywhere."""

from __future__ import annotations

import hashlib
import re

import numpy as np

from penjing.core.table import Store

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
