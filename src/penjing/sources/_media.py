"""Which files are items: every modality of files says its extensions, so that a new one needs no change here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from penjing.core import plugins

TEXT = "text"
# A text file's content becomes a cell, so that no modality of files owns it.
TEXT_SUFFIXES = frozenset({".txt"})
_NOUNS = {"image": "image", "audio": "sound", "video": "video", "text": "text"}


def noun(modality: str) -> str:
    """What one item is called before a person: "image", "sound"."""
    return _NOUNS.get(modality, f"{modality} item")


def thing(modality: str) -> str:
    """What one item is called where a person speaks of it: "picture", "sound"."""
    return "picture" if modality == "image" else noun(modality)


def plural(modality: str) -> str:
    """What items are called where a person speaks of them: "pictures", "sounds"."""
    return f"{thing(modality)}s"


def suffix(name: str) -> str:
    """The extension in lower case, with its point."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 200,000 files takes a second


@cache
def extensions() -> Mapping[str, str]:
    """Extension → modality, of every file that can be read."""
    found: dict[str, str] = {}
    for name in file_modalities():
        for extension in plugins.load("modalities", name).EXTENSIONS:
            found.setdefault(extension, name)
    return found


@cache
def refused() -> Mapping[str, tuple[str, str]]:
    """Extension → (modality, how to convert), of files that must be converted first."""
    found: dict[str, tuple[str, str]] = {}
    for name in file_modalities():
        for extension, how in plugins.load("modalities", name).REFUSED.items():
            if extension not in extensions():
                found.setdefault(extension, (name, how))
    return found


@cache
def file_modalities() -> tuple[str, ...]:
    """The modalities whose items are files; pictures first, which goes before the others where two are equal."""
    names = [name for name in plugins.names("modalities") if is_of_files(name)]
    return tuple(sorted(names, key=lambda name: (name != "image", name)))


def is_of_files(modality: str) -> bool:
    """Whether a modality's items are files."""
    return getattr(plugins.load("modalities", modality), "KIND", "") == "file"


def modality_of(name: str) -> str | None:
    """The modality of a file, one that must be converted first included; None for any other file."""
    extension = suffix(name)
    return extensions().get(extension) or refused().get(extension, (None, ""))[0]
