"""Which of two networks a run keeps: what the metric says, else what was learned elsewhere, unless it clearly harms."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.core.score import Score
from penjing.workflows import _contenders
from penjing.workflows._choose import RecipeWish
from penjing.workflows._contenders import PRETRAINED, SCRATCH, preferred


def score(value: float, half: float) -> Score:
    return Score(value, value - half, value + half, n=40, part="valid")


def losses(pretrained: float, scratch: float, spread: float) -> dict[str, np.ndarray]:
    """Losses of 40 items with these means, their differences spread as said."""
    noise = spread * np.resize([1.0, -1.0], 40)
    return {PRETRAINED: np.full(40, pretrained) + noise, SCRATCH: np.full(40, scratch)}


@pytest.mark.parametrize(("pretrained", "scratch", "best"), [(0.9, 0.7, PRETRAINED), (0.7, 0.9, SCRATCH)])
def test_the_metric_decides_where_it_can_tell(pretrained: float, scratch: float, best: str) -> None:
    scores = {PRETRAINED: score(pretrained, 0.05), SCRATCH: score(scratch, 0.05)}
    # The losses say the opposite, and are not asked.
    assert preferred(scores, losses(scratch, pretrained, 0.0), is_higher_better=True) == (best, False)


def test_what_was_learned_elsewhere_is_kept_where_forty_items_cannot_tell() -> None:
    scores = {PRETRAINED: score(0.55, 0.15), SCRATCH: score(0.65, 0.15)}
    assert preferred(scores, losses(0.66, 0.62, spread=0.5), is_higher_better=True) == (PRETRAINED, True)


def test_a_loss_that_is_clearly_lower_without_it_overturns_that() -> None:
    scores = {PRETRAINED: score(0.55, 0.15), SCRATCH: score(0.65, 0.15)}
    assert preferred(scores, losses(0.9, 0.6, spread=0.5), is_higher_better=True) == (SCRATCH, True)


def test_the_direction_of_a_metric_is_its_own() -> None:
    scores = {PRETRAINED: score(3.0, 0.1), SCRATCH: score(2.0, 0.1)}
    assert preferred(scores, losses(0.5, 0.5, 0.0), is_higher_better=False) == (SCRATCH, False)


def test_one_item_tells_nothing() -> None:
    scores = {PRETRAINED: score(0.0, 0.5), SCRATCH: score(0.0, 0.5)}
    one = {PRETRAINED: np.array([9.0]), SCRATCH: np.array([0.1])}
    assert preferred(scores, one, is_higher_better=True) == (PRETRAINED, True)


@pytest.mark.parametrize(
    ("wish", "is_by_hand"),
    [
        (RecipeWish(), False),
        (RecipeWish(assignments={"optimiser.rate": 0.1}), False),
        (RecipeWish(assignments={"model": "cnn"}), True),
        (RecipeWish(assignments={"model.stages": 1}), True),
        (RecipeWish(assignments={"encoders.image": "cnn"}), True),
        (RecipeWish(assignments={"augment": ["flip"]}), True),
        (RecipeWish(assignments={"augment": []}), False),
        (RecipeWish(assignments={"training.cutmix": 1.0}), True),
        (RecipeWish(assignments={"training.cutmix": 0.0}), False),
        (RecipeWish(assignments={"training.mixup": 0.2}), False),  # vectors are laid over one another as well
        (RecipeWish(assignments={"training.border": 0.1}), True),
        (RecipeWish(assignments={"model.dropout": 0.5}, pretrained="efficientnet_lite0"), False),  # which was asked for
    ],
)
def test_a_network_set_by_hand_has_no_head_on_features_from_elsewhere_beside_it(
    wish: RecipeWish, is_by_hand: bool
) -> None:
    assert _contenders._is_set_by_hand(wish) == is_by_hand
