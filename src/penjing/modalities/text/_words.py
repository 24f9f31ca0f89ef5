"""Whole words, or single characters where a script has no spaces: what the wide part beside a network reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penjing.modalities.text._features import TOKEN

PADDING, UNKNOWN = 0, 1
_SPECIAL = ["[PAD]", "[UNK]"]
LEAST_SEEN = 2  # a word seen once cannot be told from a slip
MOST_WORDS = 65_000  # so that words and pieces together stay uint16
# Places of the wide part's table: at least one for every two words of the training part, a power of two between these.
FEWEST_BUCKETS, MOST_BUCKETS = 2**10, 2**18


def learn(texts: Sequence[str], case: str, length: int) -> dict[str, Any]:
    """The words of training texts, as JSON of the `tokenizers` library.

    Args:
        texts: clean training texts.
        case: "fold" reads capitals as small letters, "keep" tells them apart.
        length: the longest text, in tokens; what is beyond is not read.

    Returns:
        {"tokeniser", "vocabulary", "length": words of an item, "buckets": places of the wide part's table}.
    """
    from tokenizers import Tokenizer, models

    cut = _cutter(case)
    lengths: list[int] = []
    counts: Counter[str] = Counter()
    for text in texts:
        words = [word for word, _ in cut.pre_tokenizer.pre_tokenize_str(cut.normalizer.normalize_str(text))]
        counts.update(words)
        lengths.append(len(words))
    known = [
        word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= LEAST_SEEN
    ]
    vocabulary = {word: place for place, word in enumerate([*_SPECIAL, *known[:MOST_WORDS]])}
    cut.model = models.WordLevel(vocabulary, unk_token=_SPECIAL[UNKNOWN])
    assert isinstance(cut, Tokenizer)
    places = int(np.clip(counts.total() // 2, FEWEST_BUCKETS, MOST_BUCKETS))
    return {
        "tokeniser": json.dumps(json.loads(cut.to_str()), ensure_ascii=False, separators=(",", ":")),
        "vocabulary": len(vocabulary),
        "length": min(max(lengths, default=1), length) or 1,
        "buckets": 2 ** (places - 1).bit_length(),
    }


def encode(texts: Sequence[str], learned: Mapping[str, Any]) -> np.ndarray:
    """The words of each text: uint16 [texts, length], `PADDING` after the end, `UNKNOWN` for a word not learned."""
    from tokenizers import Tokenizer

    cut, length = Tokenizer.from_str(learned["tokeniser"]), learned["length"]
    found = np.full((len(texts), length), PADDING, dtype=np.uint16)
    for row, encoding in enumerate(cut.encode_batch_fast(list(texts))):
        words = encoding.ids[:length]
        found[row, : len(words)] = words
    return found


def _cutter(case: str) -> Any:
    """Cuts texts into words; it knows none yet."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    cut = Tokenizer(models.WordLevel({name: place for place, name in enumerate(_SPECIAL)}, unk_token=_SPECIAL[UNKNOWN]))
    cut.normalizer = normalizers.Sequence([normalizers.NFKC(), *([normalizers.Lowercase()] if case == "fold" else [])])
    cut.pre_tokenizer = pre_tokenizers.Split(Regex(TOKEN), "removed", invert=True)
    return cut
