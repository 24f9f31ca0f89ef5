"""Where references are read: a folder, a zip, an array, cells of a frame, a Dataset. All are safe under threads."""

from __future__ import annotations

import os
import threading
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError
from penjing.core.table import Store
from penjing.sources._pixels import picture


class FolderStore(Store):
    """Files below a folder; a reference is a path relative to it, with forward slashes (or an absolute path).

    Args:
        root: the folder.
        actual: reference → name on the disk, for names that are not valid text there.
    """

    def __init__(self, root: Path, actual: Mapping[str, str] | None = None) -> None:
        self.root, self._actual = root, actual or {}
        self._base = root.absolute()  # the current folder may change before an item is read

    def _path(self, reference: str) -> str:
        return os.path.join(self._base, self._actual.get(reference, reference))  # noqa: PTH118 - called for each item

    def read(self, reference: str) -> bytes:
        try:
            with open(self._path(reference), "rb") as file:  # noqa: PTH123 - as above
                return file.read()
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or problem
            raise DataError(f"{self.name(reference)} cannot be read: {why}") from problem

    def stamp(self, reference: str) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path(reference))  # noqa: PTH116 - as above
        except (OSError, ValueError):
            return None
        return found.st_size, found.st_mtime_ns

    def name(self, reference: str) -> str:
        return str(self.root / reference)


class ZipStore(Store):
    """Members of a zip archive; a reference is the member's path, read as UTF-8 or GB18030 where the flag is missing.

    Raises:
        DataError: the file is not a zip archive, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
            why = getattr(problem, "strerror", None) or problem
            raise DataError(f"{path} cannot be opened as a zip archive ({why}); pack it again") from problem
        infos = [info for info in self._archive.infolist() if not info.is_dir()]
        self.members = dict(zip(member_names(infos), infos, strict=True))
        self._lock = threading.Lock()  # one handle: reading a picture is short beside decoding it

    def read(self, reference: str) -> bytes:
        if reference not in self.members:
            raise DataError(f"{self.name(reference)} cannot be read: there is no such member in the archive")
        try:
            with self._lock:
                return self._archive.read(self.members[reference])
        except RuntimeError as problem:  # zipfile's word for "encrypted"
            raise DataError(
                f"{self.name(reference)} cannot be read: the archive has a password; unpack it"
            ) from problem
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError) as problem:
            raise DataError(f"{self.name(reference)} cannot be read: {problem or 'damaged'}") from problem

    def stamp(self, reference: str) -> tuple[int, int] | None:
        # The archive's own checksum says more about a change than a time would.
        info = self.members.get(reference)
        return (info.file_size, info.CRC) if info else None

    def name(self, reference: str) -> str:
        return f"{self.path}!{reference}"

    def __del__(self) -> None:
        archive = getattr(self, "_archive", None)
        if archive is not None:
            archive.close()


def member_names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The members' paths with forward slashes; where the UTF-8 flag is missing their bytes are UTF-8 or else GB18030.

    One answer for the whole archive: two bytes of Chinese are often a letter in UTF-8 as well.
    """
    raw = [_raw(info) for info in infos]
    known = [one for one in raw if one is not None]
    encoding = next((name for name in ("utf-8", "gb18030") if all(_decodes(one, name) for one in known)), "cp437")
    names = [info.filename if one is None else one.decode(encoding) for info, one in zip(infos, raw, strict=True)]
    return ["/".join(part for part in name.replace("\\", "/").split("/") if part != ".") for name in names]


def _raw(info: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a name whose encoding is not told, undoing what zipfile assumed of it; None where it is known."""
    if info.filename.isascii() or info.flag_bits & 0x800:
        return None
    try:
        return info.filename.encode("cp437")
    except UnicodeEncodeError:  # newer versions of Python take the name that a field beside it holds in UTF-8
        return None


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class RowStore(Store):
    """Pictures in memory; a reference is a row's number.

    Args:
        title: what to call the whole, such as "x".
        count: the number of rows.
    """

    def __init__(self, title: str, count: int) -> None:
        self._title, self._count = title, count

    def row(self, reference: str) -> int:
        """The number in a reference.

        Raises:
            DataError: it is not the number of a row.
        """
        if not (reference.isascii() and reference.isdigit() and int(reference) < self._count):
            raise DataError(f"{self.name(reference)} cannot be read: the rows are numbered 0 to {self._count - 1}")
        return int(reference)

    def stamp(self, reference: str) -> tuple[int, int] | None:  # noqa: ARG002 - a value in memory has no past
        return None

    def name(self, reference: str) -> str:
        return f"{self._title}[{reference}]"


class ArrayStore(RowStore):
    """Rows of an array, or a list of arrays of different sizes.

    Args:
        rows: what is indexed, each row one picture [height, width] or [height, width, channels].
        title: what to call the array.
        scale: what the values are multiplied with to lie in 0 to 255; one for all rows, or a dark picture turns bright.
            None leaves them as they are.
    """

    def __init__(self, rows: Sequence[np.ndarray] | np.ndarray, title: str = "x", scale: float | None = None) -> None:
        super().__init__(title, len(rows))
        self._rows, self._scale = rows, scale

    def read(self, reference: str) -> np.ndarray:
        row = np.ascontiguousarray(self._rows[self.row(reference)])
        if self._scale is None or (self._scale == 1.0 and row.dtype.kind != "f"):
            return row
        return np.rint(row.astype(np.float32) * self._scale).astype(np.uint8)


class BytesStore(RowStore):
    """Encoded pictures in the cells of a column."""

    def __init__(self, cells: Sequence[bytes | None], title: str) -> None:
        super().__init__(title, len(cells))
        self._cells = cells

    def read(self, reference: str) -> bytes:
        cell = self._cells[self.row(reference)]
        if cell is None:
            raise DataError(f"{self.name(reference)} cannot be read: the cell is empty")
        return cell


class DatasetStore(RowStore):
    """Items (picture, label) of a map-style Dataset, one at a time."""

    def __init__(self, dataset: Any, title: str) -> None:
        super().__init__(title, len(dataset))
        self._dataset = dataset
        self._lock = threading.Lock()  # a person's Dataset need not be thread-safe

    def read(self, reference: str) -> bytes | np.ndarray:
        index = self.row(reference)
        try:
            with self._lock:
                item = self._dataset[index]
            return picture(item[0] if isinstance(item, tuple | list) else item)
        except Exception as problem:  # whatever a person's code raises
            why = problem if isinstance(problem, DataError) else f"{type(problem).__name__}: {problem}"
            raise DataError(f"{self.name(reference)} cannot be read: {why}") from problem
