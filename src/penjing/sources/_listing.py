"""Which files there are, in an order that depends on nothing but their names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

from penjing.core import plugins
from penjing.core.errors import DataError
from penjing.sources._words import many

_DIGITS = re.compile(r"([0-9]+)")
# What file managers and archivers leave behind; names that begin with a dot are passed over too.
_LITTER = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information", "icon\r"}


@dataclass(frozen=True)
class Listing:
    """The files of a data set.

    Attributes:
        images: the references of the pictures, in natural order.
        others: extension → number of files that are not pictures.
        refused: extension → number of files in a picture format that must be converted first.
        idle_patterns: the ignore patterns that match no file.
    """

    images: list[str]
    others: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    idle_patterns: tuple[str, ...] = ()


def natural_key(path: str) -> tuple[list[str | int], str]:
    """A sort key that puts 2 before 10, a folder's files together, and never depends on the platform's order."""
    # A null sorts below every character of a name, so "cat/2" stays before "cat 1/1".
    parts: list[str | int] = list(_DIGITS.split(path.casefold().replace("/", "\0")))
    parts[1::2] = [int(number) for number in parts[1::2]]
    return parts, path


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name was not put there by a person."""
    return name.startswith(".") or name.casefold() in _LITTER


def walk(root: Path) -> list[str]:
    """Every file below a folder, relative to it with forward slashes; links are followed and loops are left.

    Raises:
        DataError: a folder cannot be read.
    """
    found: list[str] = []
    # Each folder waits with its real path and those of the folders above: a link back to one of them is a loop.
    waiting: list[tuple[str, str, frozenset[str]]] = [("", os.path.realpath(root), frozenset())]
    while waiting:
        relative, real, above = waiting.pop()
        above |= {real}
        try:
            entries = list(os.scandir(real))
        except OSError as problem:
            raise DataError(f"cannot read the folder {root / relative}: {problem.strerror or problem}") from problem
        for entry in entries:
            if is_litter(entry.name):
                continue
            if entry.is_dir():
                below = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if below not in above:
                    waiting.append((f"{relative}{entry.name}/", below, above))
            elif entry.is_file() or entry.is_symlink():  # a broken link is named later; a pipe would wait for ever
                found.append(relative + entry.name)
    return found


def readable(name: str) -> str:
    """A file name as text: bytes that are not UTF-8 are read as GB18030, as archives from China leave them."""
    if name.isascii():
        return name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raw = os.fsencode(name)
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "backslashreplace")
    return name


def sort_out(names: Iterable[str], ignore: Sequence[str] = ()) -> Listing:
    """The pictures among files, by extension, without those that match a pattern."""
    modality = plugins.load("modalities", "image")  # by name: a source imports no modality
    others: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    images = []
    kept, idle_patterns = leave_out(names, ignore)
    for name in kept:
        extension = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 200,000 files takes a second
        if extension in modality.EXTENSIONS:
            images.append(name)
        elif extension in modality.REFUSED:
            refused[extension] += 1
        else:
            others[extension or "without extension"] += 1
    return Listing(sorted(images, key=natural_key), others, refused, idle_patterns)


def leave_out(names: Iterable[str], ignore: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The names that match no pattern, and the patterns that match no name."""
    kept, idle = list(names), []
    for pattern in ignore:
        matches = re.compile(translate(pattern.rstrip("/"))).match
        left = [name for name in kept if not (matches(name) or any(matches(part) for part in name.split("/")))]
        if len(left) == len(kept):
            idle.append(pattern)
        kept = left
    return kept, tuple(idle)


def remarks(listing: Listing) -> tuple[list[str], list[str]]:
    """What to say and what to doubt about the files that are not used."""
    said, doubts = [], []
    if listing.others:
        kinds = ", ".join(f"{extension} {count:,}" for extension, count in listing.others.most_common(5))
        said.append(f"{many(listing.others.total(), 'other file')} passed over: {kinds}")
    for extension, count in sorted(listing.refused.items()):
        doubts.append(f"{many(count, f'{extension} file')} left out: {refusal(extension)}")
    doubts += [f"--ignore '{pattern}' matches no file" for pattern in listing.idle_patterns]
    return said, doubts


def refusal(extension: str) -> str:
    """How to convert a refused format, in the words of the modality."""
    return str(plugins.load("modalities", "image").REFUSED[extension])


def check_not_empty(listing: Listing, what: str) -> None:
    """Raises:
    DataError: there is no picture; the message says what is there instead.
    """
    if listing.images:
        return
    extensions = ", ".join(sorted(plugins.load("modalities", "image").EXTENSIONS))
    if listing.refused:
        extension = min(listing.refused)
        raise DataError(f"{what} holds only pictures that must be converted ({extension}): {refusal(extension)}")
    if listing.others:
        kinds = ", ".join(f"{extension} {count:,}" for extension, count in listing.others.most_common(5))
        raise DataError(f"{what} holds no pictures, only other files ({kinds}); expected {extensions}")
    raise DataError(f"{what} holds no files (hidden and ignored ones aside); expected pictures ({extensions})")


def is_picture(name: str) -> bool:
    """Whether a file name has the extension of a picture, one that must be converted first included."""
    modality = plugins.load("modalities", "image")
    extension = os.path.splitext(name)[1].lower()  # noqa: PTH122 - as above
    return extension in modality.EXTENSIONS or extension in modality.REFUSED
