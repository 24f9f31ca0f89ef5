"""A split that comes with the data: recognising train, valid and test by name, and what a given pair of them means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from penjing.core.errors import DataError
from penjing.sources._words import many

_NAMES = {
    "train": {"train", "training", "trn", "learn", "训练", "训练集", "訓練"},
    "valid": {"val", "valid", "validation", "validate", "dev", "验证", "验证集", "驗證", "开发集"},
    "test": {"test", "testing", "tst", "holdout", "测试", "测试集", "測試"},
}
_PART_OF = {name: part for part, names in _NAMES.items() for name in names}
# Words that stand beside the part in a name such as "train_set" or "images-test".
_FILLERS = {"set", "data", "images", "image", "img", "imgs", "split", "part"}
_SEPARATOR = re.compile(r"[\s_.\-]+")


def part_of(name: str) -> str | None:
    """The part that a folder or cell is named after, in any case ("Training", "val_set", "测试"), or None."""
    words = [word for word in _SEPARATOR.split(name.strip().casefold()) if word and word not in _FILLERS]
    return _PART_OF.get(words[0]) if len(words) == 1 else None


def parts_of(values: Sequence[str | None], where: str) -> list[str | None]:
    """The part each cell of a column names; None where it is empty.

    Raises:
        DataError: a cell is no part's name; the message has it.
    """
    known: dict[str | None, str | None] = {None: None, "": None}
    for value in values:
        if value not in known:
            known[value] = part_of(str(value))
            if known[value] is None:
                raise DataError(f'{where} holds "{value}", which names no part; expected train, valid or test')
    return [known[value] for value in values]


def settle(parts: Sequence[str | None]) -> tuple[list[str | None] | None, list[str], list[str]]:
    """What given parts mean: the parts to go by (None when there is no split), what to say, what to doubt.

    Where there is a test part, the rest is learned from. Train and valid alone were measured against each other in
    every published use, so that valid is the sealed test and a new validation part is cut from train.
    """
    counts = Counter(parts)
    given = {part for part in counts if part}
    if not given or len(counts) == 1:
        return None, [f"All items are in one part ({part}), which is dealt anew" for part in given], []
    rename: dict[str | None, str] = {}
    said, doubts = [], []
    if "test" not in given and "valid" in given:
        rename = {"valid": "test"}
        said.append(f"Given valid part ({counts['valid']:,}) becomes the sealed test; validation is cut from the rest")
    elif given == {"valid", "test"} and None not in counts:
        rename = {"valid": "train"}
        doubts.append("There is a valid and a test part but nothing to learn from; valid is taken as train")
    else:
        known = ", ".join(f"{part} {counts[part]:,}" for part in ("train", "valid", "test") if part in given)
        cut = "" if "valid" in given or "test" not in given else "; validation is cut from the rest"
        said.append(f"Given split: {known}{cut}")
    if counts[None]:
        copies = "" if given == {"train"} else "; copies of test items are left out"
        said.append(f"{many(counts[None], 'item')} in no given part, learned from{copies}")
    if given == {"train"}:
        doubts.append("Only train is named, so that there is no test part; to have all parts dealt: --split none")
    return [rename.get(part, part) for part in parts], said, doubts
