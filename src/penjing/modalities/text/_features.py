"""Counts of words, characters and their neighbours: what the floor's linear model reads."""

from __future__ import annotations

from typing import Any

import polars as pl

from penjing.modalities.text._scripts import UNSPACED

COLUMNS = 2**18
LONGEST = 3  # tokens in a row
# A character of a script without spaces, a word with its apostrophes, or a mark.
TOKEN = rf"[{UNSPACED}]|[^\W{UNSPACED}]+(?:['’][^\W{UNSPACED}]+)*|[^\w\s]"


def features(cells: pl.Series) -> Any:
    """Sparse Float32[n, `COLUMNS`]: how often each run of up to `LONGEST` words (or characters) stands in each text.

    Nothing is learned: a run's column is its hash. A missing text counts nothing.

    Args:
        cells: clean texts.

    Returns:
        A `scipy.sparse.csr_matrix`.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    vectoriser = HashingVectorizer(
        n_features=COLUMNS, ngram_range=(1, LONGEST), token_pattern=TOKEN, norm=None, alternate_sign=False
    )
    counts = vectoriser.transform(cells.fill_null("").to_list())
    return counts.astype("float32")
