"""Texts as everything after works on them: one form for each character, one space between words, bounded."""

from __future__ import annotations

import polars as pl

# What a person can hardly read at one sitting; a longer text is cut here, before any token is counted.
MOST_CHARACTERS = 20_000

# Controls, and marks without width that are no part of a word. The joiners of emoji and Persian (U+200C, U+200D) stay.
_INVISIBLE = "[\\p{Cc}\\x{00AD}\\x{200B}\\x{200E}\\x{200F}\\x{202A}-\\x{202E}\\x{2060}-\\x{2069}\\x{FEFF}\\x{FFFE}]"


def clean(cells: pl.Series) -> pl.Series:
    """Texts in composed form (NFC), white space collapsed, controls taken out, cut after `MOST_CHARACTERS`.

    Args:
        cells: strings; whatever else is there is taken as it would be written.

    Returns:
        String; null where nothing readable is left.
    """
    texts = cells if cells.dtype == pl.String else cells.cast(pl.String)
    # Twice the bound is looked at, so that a file of blanks costs little and a text with some loses nothing.
    texts = texts.str.slice(0, 2 * MOST_CHARACTERS).str.normalize("NFC")
    texts = texts.str.replace_all(r"\s+", " ").str.replace_all(_INVISIBLE, "")
    texts = texts.str.replace_all(" +", " ").str.strip_chars().str.slice(0, MOST_CHARACTERS).str.strip_chars()
    return texts.set(texts == "", None)
