"""Where data come from: anything a person may hand over becomes a `Table` of references.

A source is one file here with three functions: `looks_like(data)` says whether it is the one to read these data,
`open(data, options)` gives the table, and `sample(folder)` writes a tiny example and returns what to open, so that
the contract test can try a source it has never heard of.
"""

from __future__ import annotations

from pathlib import Path

from penjing.core import plugins
from penjing.core.errors import DataError
from penjing.core.table import Table
from penjing.sources._digits import write_digits
from penjing.sources._listing import natural_key
from penjing.sources._options import Options

__all__ = ["Options", "missing", "natural_key", "open_data", "write_digits"]

EXPECTED = (
    "a folder of pictures, a .zip of one, a table (.csv, .tsv, .parquet, .xlsx) with a path column, "
    "NumPy arrays (x, y), a data frame or a torch Dataset"
)
_ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_ARRAYS = (".npy", ".npz", ".mat", ".pkl", ".h5", ".hdf5", ".pt")
# A folder with very many entries is not searched for a near miss.
_NEIGHBOURS = 10_000


def open_data(data: object, options: Options = Options()) -> Table:  # noqa: B008 - frozen
    """The table of references behind a path, arrays, a data frame or a Dataset; no picture is decoded.

    Raises:
        DataError: the path does not exist, is not data of a known kind, or holds no picture that can be used.
        UsageError: an option names something that is not there.
        MissingExtra: an .xlsx file, and the package that reads it is not installed.
    """
    if isinstance(data, str | Path):
        if not str(data).strip():
            raise DataError(f"no path is given; expected {EXPECTED}")
        data = Path(data).expanduser()
        if not _exists(data):
            raise DataError(missing(data))
    for name in plugins.names("sources"):
        source = plugins.load("sources", name)
        if source.looks_like(data):
            table: Table = source.open(data, options)
            return table
    raise DataError(_unknown(data))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a null byte, exists nowhere
        return False


def missing(path: Path, expected: str = EXPECTED) -> str:
    """The sentence for a path that does not exist, with its nearest neighbour where there is one, else with what was
    expected."""
    import difflib

    parent = path.parent
    if not _exists(parent) or not parent.is_dir():
        return f"there is no {path}: its folder {parent} does not exist either; check the path"
    try:
        neighbours = [entry.name for _, entry in zip(range(_NEIGHBOURS), parent.iterdir(), strict=False)]
    except OSError:
        neighbours = []
    folded = {name.casefold(): name for name in neighbours}
    close = difflib.get_close_matches(path.name.casefold(), list(folded), n=1, cutoff=0.6)
    hint = f'did you mean "{parent / folded[close[0]]}"?' if close else f"expected {expected}"
    return f"there is no {path}; {hint}"


def _unknown(data: object) -> str:
    if not isinstance(data, Path):
        kind = f"{type(data).__module__}.{type(data).__qualname__}".removeprefix("builtins.")
        return f"data of type {kind} cannot be read; expected {EXPECTED}"
    suffix = data.suffix.lower()
    if suffix in _ARCHIVES:
        return f"{data} is an archive that penjing does not open; unpack it and give the folder, or pack it as .zip"
    if suffix in _ARRAYS:
        return f"{data} holds arrays; load it in Python and give them: pj.fit((x, y))"
    if suffix in plugins.load("modalities", "image").EXTENSIONS:
        return f"{data} is one picture; data are many: give the folder it is in"
    return f"{data} is not data of a known kind; expected {EXPECTED}"
