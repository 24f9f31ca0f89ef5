"""A .npz file of named arrays: pictures, videos, numbers and labels, one value each for every item."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from penjing.core.errors import DataError
from penjing.core.table import Table
from penjing.sources._arrays import open_columns
from penjing.sources._options import Options
from penjing.sources._samples import sample_images, sample_labels

# What numpy and zipfile raise where an archive is cut off, its members are damaged, locked or packed in an unknown way.
_DAMAGED = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)


def looks_like(data: object) -> bool:
    """Whether it is a file named .npz."""
    return isinstance(data, Path) and data.suffix.lower() == ".npz" and data.is_file()


def open(data: Path, options: Options) -> Table:
    """The table of the file's arrays, in their order; `label_names` beside `label` names the classes.

    Raises:
        DataError: it is not such a file, holds objects (which could run code), or lengths differ.
        UsageError: as for a table.
    """
    try:
        found = np.load(data, allow_pickle=False)
        if isinstance(found, np.ndarray):
            raise ValueError("it is one array without a name, as in a .npy file")
        with found as archive:
            columns = {name: archive[name] for name in archive.files}
    except _DAMAGED as problem:
        raise DataError(f"{data} cannot be read as arrays: {problem}; save it again with numpy.savez") from problem
    if not columns:
        raise DataError(f"{data} holds no arrays; expected one for each column, such as image and label")
    return open_columns(columns, None, options, data.name, "array_file", {"path": str(data)})


def sample(folder: Path) -> Path:
    """Six pictures with their labels."""
    np.savez(folder / "photos.npz", image=sample_images(), label=np.array(sample_labels()))
    return folder / "photos.npz"
