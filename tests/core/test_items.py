"""An item's identity, name and pages."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from penjing.core.items import item_hash, item_name, read_item, reason, split_page


class Named:
    """A store whose every item is its own name."""

    def read(self, reference: str) -> bytes:
        return reference.encode()

    def stamp(self, reference: str) -> None:
        return None

    def name(self, reference: str) -> str:
        return f"data/{reference}"


@pytest.mark.parametrize(
    ("reference", "path", "page"),
    [
        ("stack.tif#page=2", "stack.tif", 2),
        ("a.png", "a.png", None),
        ("a#page=1.png", "a#page=1.png", None),
        ("堆栈.tif#page=12", "堆栈.tif", 12),
    ],
)
def test_a_page_is_split_off_the_end_of_a_reference(reference: str, path: str, page: int | None) -> None:
    assert split_page(reference) == (path, page)


def test_the_store_is_asked_for_the_file_and_the_name_keeps_the_page() -> None:
    assert read_item(Named(), "a.tif#page=3") == (b"a.tif", 3)
    assert item_name(Named(), "a.tif#page=3") == "data/a.tif#page=3"
    assert item_name(Named(), "a.tif") == "data/a.tif"


def test_a_files_hash_is_blake2b_of_its_bytes() -> None:
    assert item_hash(b"abc") == hashlib.blake2b(b"abc", digest_size=16).hexdigest()


def test_type_shape_values_and_page_all_count_in_a_hash() -> None:
    values = np.arange(6, dtype=np.uint8)
    hashes = [
        item_hash(values),
        item_hash(values.reshape(2, 3)),
        item_hash(values.reshape(3, 2)),
        item_hash(values.view(np.int8)),
        item_hash(values[::-1]),
        item_hash(values.tobytes()),
        item_hash(values.tobytes(), 1),
        item_hash(values.tobytes(), 2),
    ]
    assert len(set(hashes)) == len(hashes)
    assert item_hash(values[::2]) == item_hash(values[::2].copy())


def test_a_reason_does_not_say_the_name_again() -> None:
    assert reason(ValueError("data/a.png: it is empty"), "data/a.png") == "it is empty"
    assert reason(PermissionError(13, "Permission denied"), "data/a.png") == "Permission denied"
    assert reason(ValueError(), "data/a.png") == "ValueError"
