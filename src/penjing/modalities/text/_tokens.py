"""The tokeniser: learned on training texts, kept as JSON, the same bytes each time.

A text is kept twice, side by side: in pieces (byte pairs), which a network reads, and in whole words, which the wide
part beside it reads. Two views err in different places; docs/tried.md has what one alone gave.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from penjing.modalities.text import _words

PADDING, UNKNOWN = 0, 1
_SPECIAL = ["[PAD]", "[UNK]"]

FEWEST_MERGES, MOST_MERGES = 256, 16_384
# Fewer merges than words: a word that training hardly shows is better read by its parts.
CHARACTERS_A_MERGE = 128
LEAST_SEEN = 2  # a character or a pair seen less often teaches nothing
SHARE_UNCUT = 0.98  # of the training texts, so many keep all their tokens
SHORTEST, LONGEST = 8, 512  # tokens of an item
_CHUNK = 4096  # texts that are encoded at once
_SAMPLE = 20_000_000  # characters that the tokeniser is learned from at most

# A word takes the space before it along, so that a word's beginning differs from its middle. Marks stand alone.
_WORD = r"'(?:s|t|re|ve|m|ll|d)\b| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]|\s+"


@dataclass(frozen=True)
class Settings:
    """How texts become tokens.

    Attributes:
        vocabulary: the most tokens that are told apart; 0 lets the amount of training text decide.
        length: tokens of an item: shorter texts are padded, longer ones cut; 0 lets the training texts decide.
        case: "fold" reads capitals as small letters, "keep" tells them apart.
    """

    vocabulary: int = 0
    length: int = 0
    case: str = "fold"


def learn(cells: pl.Series, settings: Settings) -> dict[str, Any]:
    """The tokeniser, byte-pair merges of the training texts, and how many tokens an item has.

    Args:
        cells: clean training texts; all may be missing.

    Returns:
        {"tokeniser": JSON of the `tokenizers` library, "vocabulary": tokens told apart, "length": tokens of an item,
        "words": the same of whole words}.

    Source: Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, 2016.
    """
    texts = _training_texts(cells)
    tokeniser = _untrained(settings.case)
    normal = [tokeniser.normalizer.normalize_str(text) for text in texts]
    counts = Counter(character for text in normal for character in text)
    alphabet = sum(count >= LEAST_SEEN for count in counts.values())
    size = settings.vocabulary or alphabet + _merges(counts.total())
    tokeniser.train_from_iterator(texts, _trainer(size, alphabet))
    lengths = [len(found.ids) for found in tokeniser.encode_batch_fast(texts)]
    return {
        "tokeniser": json.dumps(json.loads(tokeniser.to_str()), ensure_ascii=False, separators=(",", ":")),
        "vocabulary": tokeniser.get_vocab_size(),
        "length": settings.length or _length(lengths),
        "words": learn_words(cells, settings),
    }


def learn_words(cells: pl.Series, settings: Settings) -> dict[str, Any]:
    """What `learn` gives under "words": whole words alone, beside vectors from elsewhere for example."""
    return _words.learn(_training_texts(cells), settings.case, settings.length or LONGEST)


def encode_words(cells: Sequence[str | None], learned: Mapping[str, Any]) -> np.ndarray:
    """The words of clean texts as `learn_words` learned them: uint16 [n, length], `PADDING` where a text is missing."""
    return _words.encode([cell or "" for cell in cells], learned)


def encode(cells: pl.Series, learned: Mapping[str, Any]) -> np.ndarray:
    """The tokens of each text: uint16 or int32 [n, length + length of words], `PADDING` after the end or without one.

    Pieces come first, words behind them. Characters that training did not show become `UNKNOWN`, one each.

    Args:
        cells: clean texts.
        learned: what `learn` gave.
    """
    from tokenizers import Tokenizer

    tokeniser = Tokenizer.from_str(learned["tokeniser"])
    length = learned["length"]
    words = learned.get("words")  # runs of before there were any have none
    kind = np.uint16 if learned["vocabulary"] <= np.iinfo(np.uint16).max else np.int32
    found = np.full((len(cells), length + (words["length"] if words else 0)), PADDING, dtype=kind)
    rows = np.flatnonzero(cells.is_not_null().to_numpy())
    texts = cells.drop_nulls()
    for start in range(0, len(rows), _CHUNK):
        batch = texts[start : start + _CHUNK].to_list()
        places = rows[start : start + _CHUNK]
        for row, encoding in zip(places, tokeniser.encode_batch_fast(batch), strict=True):
            tokens = encoding.ids[:length]
            found[row, : len(tokens)] = tokens
        if words:
            found[places, length:] = _words.encode(batch, words)
    return found


def _untrained(case: str) -> Any:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    steps = [normalizers.NFKC(), *([normalizers.Lowercase()] if case == "fold" else []), normalizers.Prepend(" ")]
    tokeniser = Tokenizer(models.BPE(unk_token=_SPECIAL[UNKNOWN]))
    tokeniser.normalizer = normalizers.Sequence(steps)
    tokeniser.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), "isolated")
    return tokeniser


def _trainer(size: int, alphabet: int) -> Any:
    # No prefix and no suffix of words: the library numbers those in an order that changes from run to run.
    from tokenizers import trainers

    return trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=LEAST_SEEN,
        limit_alphabet=alphabet,
        special_tokens=_SPECIAL,
        show_progress=False,
    )


def _training_texts(cells: pl.Series) -> list[str]:
    """The texts that are there, every n-th so that no more than `_SAMPLE` characters are left."""
    texts: list[str] = cells.drop_nulls().to_list()
    step = math.ceil(sum(map(len, texts)) / _SAMPLE)
    return texts[:: max(1, step)]


def _merges(characters: int) -> int:
    """Tokens beyond single characters, by how much text there is to learn them from."""
    return min(MOST_MERGES, max(FEWEST_MERGES, characters // CHARACTERS_A_MERGE))


def _length(lengths: list[int]) -> int:
    return int(np.clip(np.quantile(lengths, SHARE_UNCUT, method="higher") if lengths else 0, SHORTEST, LONGEST))
