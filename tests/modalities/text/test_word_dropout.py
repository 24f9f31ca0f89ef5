"""Covered words become the unknown token; padding, and texts at rate zero, stay."""

from __future__ import annotations

import torch

from penjing.modalities import text
from penjing.modalities.text.augmentations import word_dropout
from penjing.modalities.text.front_end import FrontEnd

TOKENS = torch.cat([torch.randint(2, 50, (200, 20)), torch.zeros(200, 5, dtype=torch.int64)], 1)


def applied(rate: float, seed: int = 0) -> torch.Tensor:
    settings = word_dropout.Settings(rate=rate)
    return word_dropout.apply(TOKENS, torch.Generator().manual_seed(seed), settings)


def test_the_share_asked_for_is_covered_and_padding_is_not() -> None:
    found = applied(0.3)
    is_covered = found[:, :20] == text.UNKNOWN
    assert abs(is_covered.float().mean() - 0.3) < 0.03
    assert torch.equal(found[:, :20][~is_covered], TOKENS[:, :20][~is_covered])
    assert (found[:, 20:] == text.PADDING).all()


def test_it_knows_padding_and_unknown_as_the_tokeniser_numbers_them() -> None:
    assert (word_dropout.PADDING, word_dropout.UNKNOWN) == (text.PADDING, text.UNKNOWN)


def test_rate_zero_changes_nothing_and_the_generator_decides_alone() -> None:
    assert torch.equal(applied(0.0), TOKENS)
    assert torch.equal(applied(0.3, 5), applied(0.3, 5))
    assert not torch.equal(applied(0.3, 5), applied(0.3, 6))


def test_the_front_end_widens_what_is_kept_and_changes_no_token() -> None:
    front_end = FrontEnd({"vocabulary": 60_000, "length": 3})
    for kind in (torch.uint16, torch.int32):
        kept = torch.tensor([[0, 1, 59_999, 7, 8]]).to(kind)
        pieces, words = front_end(kept), front_end.words(kept)
        assert pieces.dtype == words.dtype == torch.int64
        assert pieces.tolist() == [[0, 1, 59_999]]
        assert words.tolist() == [[7, 8]]
