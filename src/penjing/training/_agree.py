"""Whether a setting of the machine gives the results of float32: outputs, and the gradient of every weight.

Honest bfloat16 on seventeen networks at their first update, up to six seeds each, batches of 32 and 64: outputs off by
0.004 to 0.06 of their spread, cosine of all gradients 0.96 to 1, of a single weight's 0.84 to 1, its norm 0.87 to 1.2
times float32's. Of 4 to 16 items networks with normalisations of few channels go down to 0.87, 0.74 and 0.6.
Gradients that are nothing but rounding (a scale before another normalisation) differ by 0.0001 of the whole gradient,
and those that cancel out by chance (the offsets of two classes) by under 0.005.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

# What a right setting may differ by; see above for what rounding alone does.
LARGEST_ERROR = 0.15  # of the outputs, as a share of their spread over the batch
SMALLEST_COSINE = 0.85  # of all gradients side by side
SMALLEST_SINGLE = 0.70  # cosine of one weight's gradient
LARGEST_RATIO = 1.8  # of the norms of one weight's gradient, either way
NEGLIGIBLE = 5e-3  # of the whole gradient's norm: a weight whose gradient differs by less is not looked into
# Outputs that hardly differ over the batch: an error of rounding, as a share of the outputs, is none where the loss
# asks the same of them, which it does of classes and does not of years.
ROUNDING, ASKED = 0.02, 0.05


@dataclass(frozen=True)
class Told:
    """What one update gave.

    Attributes:
        outputs: of the network, Float[batch, …].
        asked: what the loss asks of them, its gradient; None where it does not depend on them.
        gradients: weight → its gradient.
    """

    outputs: Tensor
    asked: Tensor | None
    gradients: Mapping[str, Tensor]


@dataclass(frozen=True)
class Agreement:
    """How far two updates are from each other.

    Attributes:
        error: of the outputs, as a share of their spread over the batch.
        cosine: between all gradients.
        fault: what of it is more than rounding, as a clause; "" where nothing is.
    """

    error: float
    cosine: float
    fault: str = ""


SAME = Agreement(0.0, 1.0)


def agreement(given: Told, exact: Told) -> Agreement:
    """How far what a setting gave is from what float32 gave on the same items."""
    error = _error(given, exact)
    if list(given.gradients) != list(exact.gradients):
        return Agreement(error, math.nan, "other weights have gradients")
    cosine = _cosine(
        *(torch.cat([one.flatten().float() for one in told.gradients.values()]) for told in (given, exact))
    )
    if not error <= LARGEST_ERROR:  # nor is what is not a number
        return Agreement(error, cosine, _off(error))
    single = _single(given.gradients, exact.gradients)
    if not single and not cosine >= SMALLEST_COSINE:
        single = f"its gradients point elsewhere (cosine {cosine:.2f})"
    return Agreement(error, cosine, single)


def _error(given: Told, exact: Told) -> float:
    """Of the outputs, as a share of their spread; of their size where it is rounding that the loss does not see."""
    off = _norm(given.outputs - exact.outputs)
    by_spread = off / max(_norm(exact.outputs - exact.outputs.mean(0)), 1e-12)
    by_size = off / max(_norm(exact.outputs), 1e-12)
    if by_spread <= LARGEST_ERROR or not by_size <= ROUNDING or given.asked is None or exact.asked is None:
        return by_spread
    is_asked_alike = _norm(given.asked - exact.asked) <= ASKED * _norm(exact.asked)
    return by_size if is_asked_alike else by_spread


def _single(given: Mapping[str, Tensor], exact: Mapping[str, Tensor]) -> str:
    """What is wrong with the gradient of the first weight that has a wrong one; "" where none has."""
    names = list(exact)
    offs = torch._foreach_norm([given[name].float() - exact[name].float() for name in names])
    sizes = torch._foreach_norm([exact[name].float() for name in names])
    alike = torch.stack(offs) <= NEGLIGIBLE * torch.stack(sizes).norm()
    for name, is_alike in zip(names, alike.tolist(), strict=True):
        if is_alike:
            continue
        one, other = given[name].flatten().float(), exact[name].flatten().float()
        cosine, ratio = _cosine(one, other), _norm(one) / max(_norm(other), 1e-20)
        if not cosine >= SMALLEST_SINGLE:
            return f"the gradient of {name} points elsewhere (cosine {cosine:.2f})"
        if not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
            return f"the gradient of {name} is {ratio:.2g} times as large"
    return ""


def _side_by_side(gradients: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([one.flatten().float() for one in gradients.values()])


def _norm(values: Tensor) -> float:
    return float(values.float().norm())


def _cosine(one: Tensor, other: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0, eps=1e-20))


def _off(error: float) -> str:
    if not math.isfinite(error):
        return "its outputs are no numbers"
    return f"its outputs are off by {100 * error:.0f}% of their spread"
