"""Reading a folder layout: which folder names are classes, which are parts, and what is doubtful about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from penjing.core.errors import UsageError
from penjing.sources._listing import natural_key
from penjing.sources._media import thing
from penjing.sources._options import Options
from penjing.sources._parts import part_of
from penjing.sources._words import many, some

Folder = tuple[str, ...]


class Place(NamedTuple):
    """What a folder says about the pictures in it; `left_out` is the reason they are not used, else ""."""

    label: str | None = None
    part: str | None = None
    left_out: str = ""


@dataclass(frozen=True)
class Layout:
    """Pictures with what their folders say, one entry each, in the order given.

    Attributes:
        paths: the pictures that are used.
        labels: their classes, or None when there are none.
        parts: their given parts; all None when there are none.
        said: what was understood.
        doubts: what may have been misunderstood.
    """

    paths: list[str]
    labels: list[str] | None
    parts: list[str | None]
    said: list[str]
    doubts: list[str]


# ---- from paths to a layout


def read_layout(paths: Sequence[str], options: Options, modality: str = "image") -> Layout:
    """The layout of relative paths of a modality; `options.target` overrides what is recognised.

    Raises:
        UsageError: `--target` is not "none" or "folder:N", or a path has too few folders for it.
    """
    folders = [tuple(path.split("/")[:-1]) for path in paths]
    counts = Counter(folders)
    rule, said, doubts = _rule(counts, options)
    places = {folder: rule(folder) for folder in counts}
    if all(place.label is None for place in places.values()):
        # No folder is a class: then no item is out of place either.
        places = {folder: Place(None, place.part) for folder, place in places.items()}
        if options.target not in ("", "none"):
            raise UsageError(f"--target {options.target}: no {thing(modality)} has a folder there; {_example(paths)}")
    for reason, folder_list in _by_reason(places).items():
        total = sum(counts[folder] for folder in folder_list)
        doubts.append(f"{many(total, thing(modality))} left out: {reason}")
    used = [index for index, folder in enumerate(folders) if not places[folder].left_out]
    labels = [places[folders[index]].label for index in used]
    known = [label for label in labels if label is not None]
    parts = [places[folders[index]].part for index in used]
    return Layout([paths[index] for index in used], known or None, parts, said, doubts)


def folder_at(folder: Folder, number: int) -> str | None:
    """The N-th folder of a path: 1 is the first below the data, −1 the nearest to the file; None if missing."""
    index = number - 1 if number > 0 else number
    return folder[index] if -len(folder) <= index < len(folder) else None


def folder_number(text: str, option: str) -> int | None:
    """N of "folder:N", or None when the text is something else.

    Raises:
        UsageError: it begins with "folder:" and no number other than zero follows.
    """
    if not text.startswith("folder:"):
        return None
    number = text.removeprefix("folder:")
    if not re.fullmatch(r"-?[1-9][0-9]*", number):
        raise UsageError(f"{option} {text}: expected folder:N, with 1 the first folder, -1 the nearest to the file")
    return int(number)


def _rule(counts: Counter[Folder], options: Options) -> tuple[Callable[[Folder], Place], list[str], list[str]]:
    """How to read a folder, with what to say and what to doubt about reading it so."""
    top = _steps_over(counts)
    below = _below(counts, top)
    number = folder_number(options.target, "--target")
    if number is not None:
        return _by_number(number, below, top), [], []
    if options.target == "none":
        all_parts = all(rest and part_of(rest[0]) for rest in below.values())
        return (lambda folder: Place(None, part_of(below[folder][0]) if all_parts else None)), [], []
    if options.target:
        raise UsageError(f'--target {options.target}: folders have no columns; expected "folder:N" or "none"')
    if _parts_come_first(below.values()):
        rule = _part_first(below.values())
    elif _parts_come_second(below.values()):
        rule = _class_first_then_part
    else:
        rule = _class_first(below.values())
    said, doubts = _remarks(below.values(), top, rule)
    return (lambda folder: rule(below[folder])), said, doubts


def _steps_over(counts: Iterable[Folder]) -> int:
    """How many single wrapping folders lie above the layout, as in photos.zip!photos/cat/1.png.

    Pictures beside such a folder or directly in it do not matter: with it, there would be one class only.
    """
    folders = list(counts)
    top = 0
    while len({folder[top] for folder in folders if len(folder) > top}) == 1 and max(map(len, folders)) > top + 1:
        top += 1
    return top


def _below(counts: Iterable[Folder], top: int) -> dict[Folder, Folder]:
    """Each folder → its names below the wrapping ones, parts without what stands before all of them."""
    prefix = _prefix_of_parts({folder[top] for folder in counts if len(folder) > top})

    def cut(name: str) -> str:
        return name.removeprefix(prefix) if part_of(name.removeprefix(prefix)) else name

    return {folder: tuple(cut(name) for name in folder[top:]) for folder in counts}


def _prefix_of_parts(names: set[str]) -> str:
    """What stands before the last word of all names where several parts follow it: "seg_" of seg_train and seg_test."""
    prefixes = {re.sub(r"[^\s_.\-]*$", "", name) for name in names}
    prefix = prefixes.pop() if len(prefixes) == 1 else ""
    return prefix if len({part_of(name.removeprefix(prefix)) for name in names} - {None}) > 1 else ""


# ---- the layouts


def _parts_come_first(below: Iterable[Folder]) -> bool:
    """Whether the first folders are parts: all of them, two of them, or one beside classes that it repeats."""
    folders = [folder for folder in below if folder]
    first = {folder[0] for folder in folders}
    named = {name for name in first if part_of(name)}
    repeated = {folder[1] for folder in folders if len(folder) > 1 and folder[0] in named}
    return bool(named) and (
        named == first
        or (len({part_of(name) for name in named}) > 1 and bool(repeated))
        or bool(repeated & (first - named))
    )


def _parts_come_second(below: Iterable[Folder]) -> bool:
    second = {folder[1] for folder in below if len(folder) > 1}
    return len({part_of(name) for name in second}) > 1 and all(part_of(name) for name in second)


def _part_first(below: Iterable[Folder]) -> Callable[[Folder], Place]:
    wrapped = _wrapped_parts(below)

    def label_in(folder: Folder) -> str | None:
        return folder_at(folder, 3 if folder[0] in wrapped else 2)

    classes = {label_in(folder) for folder in below if folder and part_of(folder[0])} - {None}

    def rule(folder: Folder) -> Place:
        if not folder:
            return Place(left_out="they lie beside the part folders and have no class")
        part, label = part_of(folder[0]), label_in(folder)
        if part and label is not None:
            return Place(label, part)
        if part:
            where = "/".join(folder)
            return Place(None, part, f'those directly in "{where}" have no class folder; predict them afterwards')
        if folder[0] in classes:
            return Place(folder[0], None)
        return Place(left_out=f'the folder "{folder[0]}" stands beside the parts and is none of them')

    return rule


def _wrapped_parts(below: Iterable[Folder]) -> set[str]:
    """The part folders with one more folder around their classes, or around pictures without classes, as in
    train/train/cat, train/images/cat or test/images; not one that stands beside others in another part."""
    inside: dict[str, set[str]] = {}
    for folder in below:
        if len(folder) > 1 and part_of(folder[0]):
            inside.setdefault(folder[0], set()).add(folder[1])
    beside = {name for names in inside.values() if len(names) > 1 for name in names}
    return {
        part
        for part, names in inside.items()
        if len(names) == 1 and all(_is_wrapper(name) and name not in beside for name in names)
    }


def _is_wrapper(name: str) -> bool:
    return part_of(name) is not None or name.casefold() in ("images", "image", "img", "data")


def _class_first_then_part(folder: Folder) -> Place:
    if not folder:
        return Place(left_out="they lie beside the class folders and have no class")
    return Place(folder[0], part_of(folder[1]) if len(folder) > 1 else None)


def _class_first(below: Iterable[Folder]) -> Callable[[Folder], Place]:
    first = {folder[0] for folder in below if folder}
    flat_tests = {name for name in first if part_of(name) == "test"} - {
        folder[0] for folder in below if len(folder) > 1
    }
    # "test" beside one other folder may well be a class: an experiment's test and control.
    unlabelled = flat_tests if len(first - flat_tests) > 1 else set()

    def rule(folder: Folder) -> Place:
        if not folder:
            return Place(left_out="they lie beside the class folders and have no class")
        if folder[0] in unlabelled:
            after = "predict them afterwards, or say --target folder:1 if it is a class"
            return Place(left_out=f'"{folder[0]}" has no class folders; {after}')
        return Place(folder[0], None)

    return rule


def _by_number(number: int, below: Mapping[Folder, Folder], top: int) -> Callable[[Folder], Place]:
    def rule(folder: Folder) -> Place:
        label = folder_at(folder, number)
        if label is None:
            return Place(left_out=f"their path has no folder number {number}")
        names = zip(folder, (*folder[:top], *below[folder]), strict=True)  # as they are, and parts without a prefix
        others = [part for name, cut in names if name != label and (part := part_of(cut))]
        return Place(label, others[0] if others else None)

    return rule


# ---- what to say and what to doubt


def _remarks(below: Iterable[Folder], top: int, rule: Callable[[Folder], Place]) -> tuple[list[str], list[str]]:
    """Folders kept within a class, classes of doubtful names, a part's name taken as a class."""
    said, doubts = [], []
    deeper: dict[str, int] = {}
    labels: dict[str, int] = {}
    for folder in below:
        place = rule(folder)
        if place.label is not None:
            level = folder.index(place.label) + 1
            labels[place.label] = top + level
            rest = [name for name in folder[level:] if place.part is None or part_of(name) is None]
            deeper.update(dict.fromkeys(rest, top + level + 1))
    if deeper:
        names = _some(deeper)
        said.append(f"Folders below the classes ({names}) are kept within their class")
    use = f"use --target folder:{max(deeper.values())}" if deeper else "use a table with a label column"
    kind = doubtful_kind(labels)
    if kind:
        doubts.append(f"The folder names {_some(labels)} look like {kind}; if they are not the classes, {use}")
    doubts += [
        f'"{name}" is taken as a class, not as a part of a split; if it is a part, put class folders inside it'
        for name in labels
        if part_of(name)
    ]
    return said, doubts


_KINDS = (
    ("dates", re.compile(r"(19|20)\d\d([-_. 年]?\d\d?月?([-_. ]?\d\d?日?)?)?年?|\d\d?[-_.]\d\d?[-_.]((19|20)?\d\d)")),
    (
        "sizes",
        re.compile(r"\d+ ?[x×*] ?\d+|\d+ ?(px|kb|mb|mp)|16|32|64|128|224|256|299|384|512|1024|2048", re.IGNORECASE),
    ),
    ("parts", re.compile(r"(fold|batch|part|split|set|chunk|shard|cv)[-_ ]?\d+|第?\d+(部分|批|折)", re.IGNORECASE)),
)


def doubtful_kind(names: Iterable[str]) -> str | None:
    """ "dates", "sizes" or "parts" when at least half of the names, and two, look like that, else None."""
    names = list(names)
    for kind, pattern in _KINDS:
        alike = sum(1 for name in names if pattern.fullmatch(name.strip()))
        if alike >= 2 and 2 * alike >= len(names):
            return kind
    return None


def _by_reason(places: dict[Folder, Place]) -> dict[str, list[Folder]]:
    found: dict[str, list[Folder]] = {}
    for folder, place in places.items():
        if place.left_out:
            found.setdefault(place.left_out, []).append(folder)
    return found


def _some(names: Iterable[str]) -> str:
    return some(sorted(names, key=natural_key))


def _example(paths: Sequence[str]) -> str:
    return f"a path looks like {paths[0]}" if paths else "there are no paths"
