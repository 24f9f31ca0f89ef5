"""Mixed items learn the answers of both, by the share that each has in them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from penjing.batch import Batch, Mixed
from penjing.core.recipe import Choice, Machine, Recipe, Training
from penjing.training import engine
from penjing.training._loader import Items
from penjing.training._mix import mixed, of_both, pasted


def batch(values, targets=(0, 1, 2, 0)):
    count = len(values)
    return Batch({"image": values}, {"label": torch.tensor(targets[:count])}, torch.arange(count))


def loss(outputs, given):
    return functional.cross_entropy(outputs, given.targets["label"])


def test_the_loss_of_mixed_items_is_that_with_mixed_targets():
    """Cross-entropy is linear in the target, so mixing losses is mixing targets, as the paper has it."""
    outputs, share = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), 0.7
    given = batch(torch.zeros(4, 1, 2, 2)).mixed_with(Mixed(torch.tensor([1, 2, 3, 0]), share))
    hot = functional.one_hot(given.targets["label"], 3).float()
    both = share * hot + (1 - share) * hot[given.mixed.other]
    assert float(of_both(loss)(outputs, given)) == pytest.approx(
        float(functional.cross_entropy(outputs, both)), rel=1e-5
    )


def test_mixup_lays_each_item_over_another_by_the_share_it_tells():
    values = torch.arange(4.0)[:, None, None, None].expand(4, 1, 3, 3)
    found = mixed(batch(values), 0.4, 0.0, np.random.default_rng(3))
    share, other = found.mixed.share, found.mixed.other
    assert 0 <= share <= 1
    assert sorted(other.tolist()) == [0, 1, 2, 3]
    expected = share * torch.arange(4.0) + (1 - share) * other
    assert torch.allclose(found.inputs["image"][:, 0, 0, 0], expected)


@pytest.mark.parametrize("seed", range(6))
def test_cutmix_tells_the_share_of_pixels_that_is_their_own(seed):
    values = torch.arange(4.0)[:, None, None, None].expand(4, 2, 9, 7)
    found = mixed(batch(values), 0.0, 1.0, np.random.default_rng(seed))
    other = found.mixed.other
    for place, picture in enumerate(found.inputs["image"]):
        if int(other[place]) != place:
            assert float((picture == place).float().mean()) == pytest.approx(found.mixed.share)
    assert torch.equal(values, torch.arange(4.0)[:, None, None, None].expand(4, 2, 9, 7))


def test_a_box_that_reaches_over_the_edge_is_cut_there():
    found, share = pasted(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4), 0.75, np.array([0.0, 0.0]))
    assert float(found.sum()) == 1  # a box of 2 × 2 around the corner
    assert share == pytest.approx(15 / 16)


def test_texts_single_items_and_gaps_are_left_as_they_are():
    draw = np.random.default_rng(0)
    tokens = batch(torch.ones(4, 5, dtype=torch.int64))
    assert mixed(tokens, 0.2, 0.0, draw) is tokens
    one = batch(torch.zeros(1, 1, 2, 2))
    assert mixed(one, 0.2, 0.0, draw) is one
    gapped = replace(batch(torch.zeros(4, 1, 2, 2)), present={"image": torch.tensor([True, False, True, True])})
    assert mixed(gapped, 0.2, 0.0, draw) is gapped


class Pictures:
    """Uint8 pictures in memory, as the cache hands them out."""

    def __init__(self, values):
        self.values = values

    def take(self, index):
        return self.values[index]


@pytest.mark.parametrize("how", ["mixup", "cutmix"])
def test_a_mixed_training_learns_and_repeats_itself(how):
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 120)
    pattern = np.zeros((2, 8, 8))
    pattern[0, ::2], pattern[1, :, ::2] = 120, 120
    values = (pattern[truth] + draw.integers(0, 130, (120, 8, 8)))[..., None].astype(np.uint8)
    problem = engine.Problem(
        Items({"image": Pictures(values)}, {"label": truth}),
        {"image": "image"},
        {"image": {"mean": [0.4], "std": [0.25]}},
        {"image": (1, 8, 8)},
        "label",
        ("across", "down"),
        np.arange(90),
        np.arange(90, 120),
    )
    plan = Training(steps=24, batch_size=16, evaluations=2, **{how: 0.4})
    recipe = Recipe(model=Choice("cnn", {"width": 8}), training=plan, machine=Machine(threads=1)).filled()
    first, second = engine.carry_out(recipe, problem), engine.carry_out(recipe, problem)
    assert first.best > 0.9
    weights = [trained.network.state_dict() for trained in (first, second)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    plain = engine.carry_out(replace(recipe, training=replace(plan, mixup=0.0, cutmix=0.0)), problem)
    assert any(not torch.equal(value, plain.network.state_dict()[name]) for name, value in weights[0].items())
