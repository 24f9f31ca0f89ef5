"""Every random draw in penjing comes from a named stream; there is no global generator.

A stream is addressed by a seed, a purpose and a step, so a checkpoint needs only the step number, and two
recipes with the same seed share their initialisation, order and augmentation wherever their shapes agree.
That is what makes trials *paired*.
"""

from __future__ import annotations

import hashlib

import numpy as np


def key(seed: int, purpose: str, step: int = 0) -> int:
    """A 63-bit number that depends on all three arguments and nothing else.

    Args:
        seed: the recipe's seed, or the split's.
        purpose: what is drawn, such as "order", "init:head.weight" or "augment:crop".
        step: the update, epoch or replicate that the draw belongs to.
    """
    text = f"{seed}\0{purpose}\0{step}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def stream(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """A NumPy generator for one purpose at one step.

    Example:
        >>> int(stream(0, "order").integers(100)) == int(stream(0, "order").integers(100))
        True
    """
    return np.random.Generator(np.random.Philox(key=key(seed, purpose, step)))
