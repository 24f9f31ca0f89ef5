"""Which files there are, in an order that depends on nothing but their names."""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

from penjing.core.errors import DataError
from penjing.sources import _media as media
from penjing.sources._media import (
    TEXT,
    TEXT_SUFFIXES,
    extensions,
    file_modalities,
    modality_of,
    noun,
    plural,
    suffix,
)
from penjing.sources._words import many

_DIGITS = re.compile(r"([0-9]+)")
# What file managers and archivers leave behind; names that begin with a dot are passed over too.
_LITTER = {
    "__macosx",
    "thumbs.db",
    "desktop.ini",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "icon\r",
    "lost+found",
}


@dataclass(frozen=True)
class Listing:
    """The files of a data set.

    Attributes:
        files: the references of the items, in natural order.
        modality: what they are.
        others: extension → number of files that are no items.
        refused: extension → number of files in a format that must be converted first.
        beside: modality → number of files of another kind than the items.
        idle_patterns: the ignore patterns that match no file.
    """

    files: list[str]
    modality: str
    others: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)
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


def walk(root: Path, ignore: Sequence[str] = ()) -> list[str]:
    """Every file below a folder, relative to it with forward slashes; links are followed and loops are left.

    A folder that cannot be read and matches a pattern of `ignore` stands for what is in it, with a slash at its end.

    Raises:
        DataError: another folder cannot be read.
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
            if relative and not leave_out([relative], ignore)[0]:
                found.append(relative)
                continue
            why = problem.strerror or problem
            hint = f"; to pass over it: --ignore {shlex.quote(glob.escape(relative) + '*')}" if relative else ""
            raise DataError(f"cannot read the folder {root / relative}: {why}{hint}") from problem
        for entry in entries:
            if is_litter(entry.name):
                continue
            if is_folder(entry):
                below = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if below not in above:
                    waiting.append((f"{relative}{entry.name}/", below, above))
            elif entry.is_symlink() or entry.is_file():  # a broken link is named later; a pipe would wait for ever
                found.append(relative + entry.name)
    return found


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or leads to one; a link to itself does not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


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


def sort_out(names: Iterable[str], ignore: Sequence[str] = (), wanted: str = "") -> Listing:
    """The items among files, by extension, without those that match a pattern.

    Args:
        names: every file.
        ignore: patterns of files to pass over.
        wanted: the modality to take; "" takes the most frequent. Text files beside others are taken for notes.
    """
    kept, idle_patterns = leave_out(names, ignore)
    by_kind: dict[str, list[str]] = {}
    refused: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for name in kept:
        extension = suffix(name)
        kind = extensions().get(extension) or (TEXT if extension in TEXT_SUFFIXES else "")
        if kind:
            by_kind.setdefault(kind, []).append(name)
        elif extension in media.refused():
            refused[extension] += 1
        else:
            others[extension or "without extension"] += 1
    modality = wanted or _most_frequent(by_kind, refused)
    left = {kind: names for kind, names in by_kind.items() if kind != modality}
    others.update(suffix(name) for names in left.values() for name in names)
    files = sorted(by_kind.get(modality, []), key=natural_key)
    beside = Counter({kind: len(names) for kind, names in left.items() if kind != TEXT})
    return Listing(files, modality, others, refused, beside if files else Counter(), idle_patterns)


def _most_frequent(by_kind: dict[str, list[str]], refused: Counter[str]) -> str:
    kinds = [kind for kind in file_modalities() if kind in by_kind]
    if kinds:
        return max(kinds, key=lambda kind: len(by_kind[kind]))
    return TEXT if TEXT in by_kind and not refused else "image"


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
    for kind, count in sorted(listing.beside.items()):
        doubts.append(
            f"{many(count, noun(kind))} passed over beside {many(len(listing.files), noun(listing.modality))}, "
            f"which are more; to take the others: --input {kind}"
        )
    for extension, count in sorted(listing.refused.items()):
        doubts.append(f"{many(count, f'{extension} file')} left out: {refusal(extension)}")
    doubts += [f"--ignore '{pattern}' matches no file" for pattern in listing.idle_patterns]
    return said, doubts


def refusal(extension: str) -> str:
    """How to convert a refused format, in the words of the modality."""
    return media.refused()[extension][1]


# Named where files of any kind would do.
_COMMON = (".jpg", ".png", ".tif", ".wav", ".flac", ".mp3", ".mp4", ".avi", ".txt")


def check_not_empty(listing: Listing, what: str, wanted: str = "") -> None:
    """Raises:
    DataError: there is no item, of the modality `wanted` where it is named; the message says what is there instead.
    """
    if listing.files:
        return
    kinds_wanted = (wanted,) if wanted else (*file_modalities(), TEXT)
    known = "; ".join(f"{plural(kind)} ({', '.join(_endings(kind, bool(wanted)))})" for kind in kinds_wanted)
    if not wanted:
        known += "; or give a table itself (.csv, .tsv, .parquet, .xlsx)"
    if listing.refused:
        extension = min(listing.refused)
        things = plural(media.refused()[extension][0])
        raise DataError(f"{what} holds only {things} that must be converted ({extension}): {refusal(extension)}")
    if listing.others:
        kinds = ", ".join(f"{extension} {count:,}" for extension, count in listing.others.most_common(5))
        things = plural(wanted) if wanted else "data of a known kind"
        raise DataError(f"{what} holds no {things}, only other files ({kinds}); expected {known}")
    raise DataError(f"{what} holds no files (hidden and ignored ones aside); expected {known}")


def _endings(kind: str, all_of_them: bool) -> list[str]:
    """The extensions of a modality; else of a few, which a person knows."""
    found = sorted(TEXT_SUFFIXES if kind == TEXT else [name for name, of in extensions().items() if of == kind])
    return found if all_of_them else [name for name in _COMMON if name in found]


def is_picture(name: str) -> bool:
    """Whether a file name has the extension of a picture, one that must be converted first included."""
    return modality_of(name) == "image"
