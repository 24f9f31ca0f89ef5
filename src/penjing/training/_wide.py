"""The wide part beside a network of texts: a linear model of runs of words, learned before the first step.

It is learned apart, in a moment, and added to the network's outputs when these are asked for, never while the network
learns: trained together, the wide part knows the training texts by heart and leaves the network nothing to learn.
Apart, the two err in different places; what the sum is worth stands in docs/tried.md.

Source: Cheng et al., Wide and Deep Learning, 2016; the linear model is Wang and Manning's, Baselines and Bigrams, 2012.
Departure: Cheng et al. train both parts together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from penjing.core.recipe import Recipe
from penjing.core.recipe import Wide as Settings
from penjing.models._layers import PADDING, run_keys
from penjing.tasks._floor.examples import one_thread, quiet_sklearn
from penjing.tasks._floor.text import LEAST_TEXTS, MOST_ITERATIONS, separate
from penjing.training._assemble import Network
from penjing.training._problem import Problem

NOT_THERE = -10.0  # the output of a class that training did not show
MOST_OUTPUTS = 50  # with more classes, the table of weights would be larger than the network
MOST_PLACES = 20_000_000  # words and runs that are learned from at most; of more texts every n-th is
MOST_LOOKS = 40_000_000  # at places, over all classes
CHUNK = 2048  # texts whose runs are looked up at once


class Wide(nn.Module):
    """Runs of words → outputs, by a table of weights.

    A run has one place in the table, and the place knows which run it holds: any other run says nothing there. Runs
    weigh by their rarity, and a text's runs together have length one, however many they are.

    Args:
        buckets: places of the table.
        outputs: of the network.
        longest: words in a row that are looked at together, 1 to 4.
    """

    held: Tensor
    rarity: Tensor
    weight: Tensor
    offset: Tensor

    def __init__(self, buckets: int, outputs: int, longest: int) -> None:
        super().__init__()
        self.buckets, self.longest = buckets, longest
        self.register_buffer("held", torch.full((buckets,), -1, dtype=torch.int32))
        self.register_buffer("rarity", torch.zeros(buckets))
        self.register_buffer("weight", torch.zeros(buckets, outputs))
        self.register_buffer("offset", torch.zeros(outputs))

    def forward(self, words: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch outputs"]:
        keys = self.keys(words)
        places, numbers = keys % self.buckets, keys // self.buckets
        is_known = (self.held[places] == numbers) & (keys != PADDING)
        rarity = torch.where(is_known, self.rarity[places], 0.0)
        length = rarity.square().sum(1, keepdim=True).sqrt()
        share = rarity / length.clamp(min=torch.finfo(rarity.dtype).tiny)
        outputs = (share[:, None] @ self.weight[places])[:, 0] + self.offset
        return torch.where(length > 0, outputs, 0.0)  # nothing known, nothing said

    def keys(self, words: Int64[Tensor, "batch length"]) -> Int64[Tensor, "batch runs"]:
        """A number for each word and each run, `PADDING` where there is none."""
        return torch.cat([words, *run_keys(words, self.longest)], 1)


def wide_parts(recipe: Recipe, problem: Problem) -> dict[str, Wide]:
    """Input → an empty wide part, for every input that has words where the recipe and the task have use for one."""
    if not recipe.wide.longest or not is_suited(recipe, problem):
        return {}
    found = {name: learned["words"]["buckets"] for name, learned in problem.learned.items() if "words" in learned}
    return {name: Wide(buckets, len(problem.classes), recipe.wide.longest) for name, buckets in found.items()}


def is_suited(recipe: Recipe, problem: Problem) -> bool:
    """Whether outputs are log-odds of a few classes, to which others can be added, and an input has words."""
    has_words = any("words" in learned for learned in problem.learned.values())
    is_odds = recipe.task.name == "classify" and recipe.task.settings.get("loss", "cross_entropy") == "cross_entropy"
    return has_words and is_odds and len(problem.classes) <= MOST_OUTPUTS


def learn_wide(network: Network, recipe: Recipe, problem: Problem) -> None:
    """Fill the network's wide parts from the training rows; the same rows are learned from once only."""
    for column, part in network.columns.items():
        if part not in network.wide:
            continue
        module, words_of = network.wide[part], getattr(network.front_end[part], "words")  # noqa: B009 - what it promises
        assert isinstance(module, Wide)
        weights = str(recipe.task.settings.get("class_weights", "none"))
        key = (column, recipe.wide, weights, problem.train.tobytes())
        if key not in problem.wide:
            values = problem.items.inputs[column]
            places = values.take(problem.train[:1]).shape[1] * recipe.wide.longest
            rows = _affordable(problem.train, places, len(problem.classes))
            words = words_of(torch.from_numpy(values.take(rows)))
            problem.wide[key] = learned(module, words, problem.truth[rows], recipe.wide, weights)
        module.load_state_dict(problem.wide[key])


def _affordable(rows: np.ndarray, places: int, classes: int) -> np.ndarray:
    """Every n-th row, so that they have no more than `MOST_PLACES` places, each looked at `MOST_LOOKS` times in all: of
    more than two classes, each is parted from the rest."""
    looks = 1 if classes < 3 else classes
    return rows[:: max(1, math.ceil(len(rows) * places * max(1 / MOST_PLACES, looks / MOST_LOOKS)))]


def learned(
    empty: Wide,
    words: Int64[Tensor, "texts length"],
    truth: np.ndarray,
    settings: Settings,
    class_weights: str = "none",
) -> dict[str, Tensor]:
    """The tensors of a wide part that has learned from some texts.

    Args:
        empty: says how large it is.
        words: of training texts.
        truth: Int[texts], the class of each.
        settings: of the recipe.
        class_weights: "none" or "balanced".
    """
    from scipy.sparse import csr_matrix

    found = Wide(empty.buckets, len(empty.offset), empty.longest)
    keys = torch.cat([found.keys(chunk) for chunk in words.split(CHUNK)]).numpy()
    row, place = np.nonzero(keys)
    run = keys[row, place]
    known, texts = _repeated(run, row, found.buckets)
    if not len(known) or len(np.unique(truth)) < 2:
        return found.state_dict()
    rarity = (1 + np.log((1 + len(keys)) / (1 + texts))).astype(np.float32)
    column = np.searchsorted(known, run).clip(max=len(known) - 1)
    is_known = known[column] == run
    row, column = row[is_known], column[is_known]
    length = np.sqrt(np.bincount(row, np.square(rarity[column]), len(keys))).astype(np.float32)
    values = csr_matrix((rarity[column] / length[row], (row, column)), (len(keys), len(known)))
    options: Mapping[str, Any] = {
        "weighting": "naive_bayes",
        "strength": settings.strength,
        "smoothing": settings.smoothing,
        "class_weight": class_weights,
        "most_iterations": MOST_ITERATIONS,
    }
    with one_thread(), quiet_sklearn():
        coefficients, offset, _ = separate(values, truth, len(found.offset), options, math.inf)
    places = known % found.buckets
    found.held[places] = torch.from_numpy((known // found.buckets).astype(np.int32))
    found.rarity[places] = torch.from_numpy(rarity)
    found.weight[places] = torch.from_numpy(np.ascontiguousarray(coefficients.T))
    found.offset.copy_(torch.from_numpy(np.where(np.isfinite(offset), offset, NOT_THERE)))
    return found.state_dict()


def _repeated(run: np.ndarray, row: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """The runs that several texts have, in ascending order, and how many have each; of two in one place, the commoner.

    Args:
        run: Int64[places], the key of each place's run.
        row: Int64[places], its text, ascending.
        buckets: places of the table.
    """
    order = np.lexsort((row, run))
    run, row = run[order], row[order]
    is_first = np.ones(len(run), dtype=bool)
    is_first[1:] = (run[1:] != run[:-1]) | (row[1:] != row[:-1])
    known, texts = np.unique(run[is_first], return_counts=True)
    known, texts = known[texts >= LEAST_TEXTS], texts[texts >= LEAST_TEXTS]
    commonest_first = np.lexsort((known, -texts))
    _, firsts = np.unique(known[commonest_first] % buckets, return_index=True)
    kept = np.sort(commonest_first[firsts])
    return known[kept], texts[kept]
