"""Logistic regression on weighted counts of words: for few texts often better than any network.

Counts become TF-IDF; each class may see them times its naive-Bayes log ratio, so that words which tell it apart are
free to weigh and the others are not. Columns of fewer than `LEAST_TEXTS` training texts are left out.

Source: Wang and Manning, Baselines and Bigrams, 2012; weighted by TF-IDF instead of presence.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.tasks._floor.stopping import look

CHUNK = 20  # iterations between two looks at the clock
MOST_ITERATIONS = 100
TOLERANCE = 1e-5  # unit-length rows make small gradients: scikit-learn's own stops too early
LEAST_TEXTS = 2

# What is tried, the safest first; strength is the C of scikit-learn, smoothing what each word is counted more.
TRIALS: tuple[Mapping[str, Any], ...] = (
    {"weighting": "naive_bayes", "strength": 3.0, "smoothing": 0.3},
    {"weighting": "tfidf", "strength": 20.0, "smoothing": 0.3},
    {"weighting": "naive_bayes", "strength": 3.0, "smoothing": 0.1},
    {"weighting": "tfidf", "strength": 4.0, "smoothing": 0.3},
)


@dataclass(frozen=True)
class TextLinear:
    """A fitted linear model of texts.

    Attributes:
        columns: Int[columns], the counts that it reads.
        idf: Float32[columns], what a word's rarity makes it weigh.
        coefficients: Float32[classes, columns], the naive-Bayes ratios multiplied in.
        intercept: Float32[classes]; −inf for a class that was not there to learn.
    """

    columns: np.ndarray
    idf: np.ndarray
    coefficients: np.ndarray
    intercept: np.ndarray

    def predict(self, features: Any) -> np.ndarray:
        """Float32[items, classes]: the probability of each class for sparse counts [items, all columns]."""
        logits = weighted(features, self.columns, self.idf) @ self.coefficients.T + self.intercept
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: np.ndarray = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return found


def weighted(counts: Any, columns: np.ndarray, idf: np.ndarray) -> Any:
    """Sparse Float32[items, columns]: TF-IDF, (1 + ln count) × idf, each row of length 1; an empty one stays empty."""
    from sklearn.preprocessing import normalize

    found = counts.tocsr()[:, columns].astype(np.float32)
    found.data = (1 + np.log(found.data)) * idf[found.indices]
    return normalize(found, copy=False)


def rarity(counts: Any) -> tuple[np.ndarray, np.ndarray]:
    """The columns of at least `LEAST_TEXTS` texts and their idf, 1 + ln((1 + texts) / (1 + texts with the word))."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    columns = np.flatnonzero(texts >= LEAST_TEXTS)
    if not len(columns):  # a handful of texts without a word in common, or without a word
        columns = np.flatnonzero(texts) if texts.any() else np.arange(1)
    idf = 1 + np.log((1 + counts.shape[0]) / (1 + texts[columns]))
    return columns, idf.astype(np.float32)


def log_ratio(values: Any, is_class: np.ndarray, smoothing: float) -> np.ndarray:
    """Float32[columns]: ln of each column's share of a class's values over its share of all others' values."""
    inside = np.asarray(values[is_class].sum(axis=0)).ravel() + smoothing
    outside = np.asarray(values[~is_class].sum(axis=0)).ravel() + smoothing
    found: np.ndarray = np.log((inside / inside.sum()) / (outside / outside.sum())).astype(np.float32)
    return found


def fit_text(
    counts: Any, y: np.ndarray, classes: int, settings: Mapping[str, Any], deadline: float
) -> tuple[TextLinear, int]:
    """A linear model of texts and the most iterations that a class took.

    Args:
        counts: sparse counts [items, all columns], from the modality's `features`.
        y: Int[items], of at least two classes.
        settings: `weighting` ("naive_bayes" or "tfidf"), `strength`, `smoothing`, `class_weight` ("none" or
            "balanced"), `most_iterations`.
        deadline: on the clock of `time.monotonic`; the first chunk of each class is always finished.
    """
    columns, idf = rarity(counts)
    coefficients, intercept, done = separate(weighted(counts, columns, idf), y, classes, settings, deadline)
    return TextLinear(columns, idf, coefficients, intercept), done


def separate(
    values: Any, y: np.ndarray, classes: int, settings: Mapping[str, Any], deadline: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Each class told from all others: coefficients, intercepts, and the most iterations that a class took.

    Args:
        values: sparse Float32[items, columns], as a model sees them.
        y: Int[items], of at least two classes.
        settings: as in `fit_text`.
        deadline: as in `fit_text`.

    Returns:
        Float32[classes, columns], the naive-Bayes ratios multiplied in; Float32[classes], −inf for a class that was not
        there to learn; the iterations.
    """
    coefficients = np.zeros((classes, values.shape[1]), dtype=np.float32)
    intercept = np.full(classes, -np.inf, dtype=np.float32)
    seen = np.unique(y)
    # Of two classes one says all; a row of zeros for the other leaves the softmax a sigmoid.
    to_fit = seen[1:] if len(seen) == 2 else seen
    if len(seen) == 2:
        intercept[seen[0]] = 0.0
    done = 0
    for number, label in enumerate(to_fit):
        now = time.monotonic()
        share = now + (deadline - now) / (len(to_fit) - number)
        ratio = np.ones(values.shape[1], dtype=np.float32)
        if settings["weighting"] == "naive_bayes":
            ratio = log_ratio(values, y == label, settings["smoothing"])
        model, iterations = _fit_one(_scaled(values, ratio), y == label, settings, share)
        coefficients[label], intercept[label] = model.coef_[0] * ratio, model.intercept_[0]
        done = max(done, iterations)
    return coefficients, intercept, done


def _fit_one(x: Any, is_class: np.ndarray, settings: Mapping[str, Any], deadline: float) -> tuple[Any, int]:
    """One class against all others, in chunks of iterations until it has settled or the clock says stop."""
    from sklearn.linear_model import LogisticRegression

    chunk = min(CHUNK, settings["most_iterations"])
    weight = None if settings["class_weight"] == "none" else settings["class_weight"]
    model = LogisticRegression(
        C=settings["strength"], class_weight=weight, max_iter=chunk, tol=TOLERANCE, warm_start=True
    )
    done = 0
    while done < settings["most_iterations"]:
        look()
        started = time.monotonic()
        model.fit(x, is_class)
        done += chunk
        if model.n_iter_.max() < chunk or 2 * time.monotonic() - started > deadline:
            break
    return model, done


def _scaled(values: Any, ratio: np.ndarray) -> Any:
    """Sparse values, each column times its ratio."""
    found = values.copy()
    found.data = found.data * ratio[found.indices]
    return found
