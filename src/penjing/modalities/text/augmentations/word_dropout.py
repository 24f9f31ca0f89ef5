"""Covers single tokens, so that no word decides alone.

Source: Iyyer et al., Deep Unordered Composition Rivals Syntactic Methods for Text Classification, 2015. There a
dropped word leaves the average; here it becomes the unknown token, which so gets an embedding too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

KEEPS_LABEL = "A short text can lose the one word that decides, such as a “not”: keep the rate low there."

PADDING, UNKNOWN = 0, 1


@dataclass(frozen=True)
class Settings:
    """How much is covered.

    Attributes:
        rate: share of the tokens that are covered, 0 to 1.
    """

    rate: float = 0.1


def apply(
    tokens: Int[Tensor, "batch length"], generator: torch.Generator, settings: Settings
) -> Int[Tensor, "batch length"]:
    """The tokens, some of them replaced by the unknown one; padding stays padding."""
    is_covered = torch.rand(tokens.shape, generator=generator).to(tokens.device, non_blocking=True) < settings.rate
    return tokens.masked_fill(is_covered & (tokens != PADDING), UNKNOWN)
