"""A linear head that begins with what the names of the classes mean, and is held to that instead of to nothing.

An encoder of texts can read the names of the classes too. A head that learns from few items then has something to go
by: the penalty pulls it towards the names' vectors, not towards zero. These are kept apart from what is learned, so
that the same penalty as ever does it, and lie in the weights, so that resuming and exporting need nothing new.

Source: the idea is that of M.-W. Chang et al. (2008), "Importance of semantic representation: dataless classification".
What it is worth: docs/tried.md, "Names of classes".
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.core.errors import UsageError
from penjing.core.recipe import Recipe
from penjing.training._assemble import Network
from penjing.training._problem import Problem


class Named(nn.Module):
    """A head, and what stands already: the likeness of a vector to the name of each class.

    Args:
        head: what is learned.
        features: length of a vector.
        classes: how many.
    """

    meaning: Tensor

    def __init__(self, head: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.learned = head
        self.register_buffer("meaning", torch.zeros(classes, features))

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.learned(features) + features @ self.meaning.T
        return logits


def is_suited(recipe: Recipe, problem: Problem) -> bool:
    """Whether the head reads the vectors of one encoder as they are, and gives log-odds of classes."""
    is_linear = recipe.model.name == "probe" and not recipe.model.settings.get("width", 0)
    is_odds = recipe.task.name == "classify" and recipe.task.settings.get("loss", "cross_entropy") == "cross_entropy"
    return is_linear and is_odds and list(problem.modality.values()) == ["embedding"]


def with_names(head: nn.Module, recipe: Recipe, problem: Problem) -> nn.Module:
    """The head with room for the names, where the recipe has them and the network has use for them."""
    if not recipe.names.strength or not is_suited(recipe, problem):
        return head
    ((features,),) = problem.shape.values()
    return Named(head, features, len(problem.classes))


def learn_names(network: Network, recipe: Recipe, problem: Problem) -> None:
    """Fill in what the names of the classes mean.

    Raises:
        UsageError: no encoder at hand can say it.
    """
    if not isinstance(network.head, Named):
        return
    if problem.named is None:
        raise UsageError(
            f"names.strength = {recipe.names.strength:g} needs an encoder that reads names of classes; set it to 0"
        )
    network.head.meaning.copy_(torch.from_numpy(recipe.names.strength * apart(problem.named())))


def apart(meaning: Float[np.ndarray, "classes features"]) -> Float[np.ndarray, "classes features"]:
    """What tells the names from each other: around their mean, and of a typical length of one."""
    centred = meaning - meaning.mean(axis=0)
    length = float(np.sqrt(np.square(centred).sum(axis=1).mean()))
    found: np.ndarray = (centred / length if length else centred).astype(np.float32)
    return found
