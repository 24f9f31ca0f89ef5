"""Texts in any language: cleaned, cut into learned tokens, counted for the floor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from penjing.modalities.text._clean import MOST_CHARACTERS, clean
from penjing.modalities.text._features import features
from penjing.modalities.text._scripts import UNSPACED
from penjing.modalities.text._tokens import PADDING, UNKNOWN, Settings, encode, encode_words, learn, learn_words

__all__ = [
    "GIVES",
    "KIND",
    "MODELS",
    "MOST_CHARACTERS",
    "PADDING",
    "UNKNOWN",
    "Settings",
    "clean",
    "encode",
    "encode_words",
    "features",
    "learn",
    "learn_words",
    "recognise",
    "shape",
]

KIND: Literal["cell"] = "cell"
GIVES: Literal["tokens"] = "tokens"
MODELS: tuple[str, ...] = ("ngrams", "bag", "text_cnn", "transformer", "text_example")
# Augmentations that leave nearly every such item what it is.
SAFE_AUGMENTATIONS = ("word_dropout",)

# Categories repeat themselves; from so many distinct cells among a hundred on, a column does not.
_DISTINCT = 0.3
_PROSE = re.compile(rf"\S+\s+\S+\s+\S|[{UNSPACED}](?:.*?[{UNSPACED}]){{4}}", re.DOTALL)
_PATH = re.compile(r"[\\/][^\\/]*\.\w{2,5}$|^[a-z]+://\S+$|^[^\s]+\.\w{2,4}$", re.IGNORECASE)
_SEEN = 300  # characters of a cell that are looked at


def recognise(cells: Sequence[Any]) -> float:
    """How much a column's cells read like sentences, 0 to 1: several words or characters each, and hardly one twice."""
    texts = [cell.strip()[:_SEEN] for cell in cells if isinstance(cell, str) and cell.strip()]
    present = sum(cell is not None and cell != "" for cell in cells)
    if not texts:
        return 0.0
    prose = sum(bool(_PROSE.search(text)) and not _PATH.search(text) for text in texts)
    distinct = len(set(texts)) / len(texts)
    return prose / present * min(1.0, distinct / _DISTINCT)


def shape(learned: Mapping[str, Any], item_shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: ARG001 - one signature
    """(length, vocabulary): what a network of tokens is built for."""
    return learned["length"], learned["vocabulary"]
