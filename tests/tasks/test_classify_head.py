"""Losses held against formulas written out by hand, and against torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from penjing.batch import Batch
from penjing.tasks.classify import Settings, head, weigh_classes
from penjing.tasks.classify.head import Head, cross_entropy, half_squared_error, item_losses, loss, smooth_labels

LOGITS = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [2.0, 2.0, 2.0]])
TARGET = torch.tensor([1, 0, 2])


def batch(target: torch.Tensor = TARGET, weight: torch.Tensor | None = None) -> Batch:
    return Batch({}, {"class": target}, torch.arange(len(target)), weight=weight)


def test_head_gives_one_logit_a_class() -> None:
    assert Head(5, 3)(torch.zeros(2, 5)).shape == (2, 3)


def test_cross_entropy_is_minus_the_logarithm_of_the_true_class() -> None:
    by_hand = -math.log(math.exp(2) / (math.exp(1) + math.exp(2) + math.exp(0.5)))
    found = item_losses(LOGITS, TARGET, Settings())
    assert found[0].item() == pytest.approx(by_hand, rel=1e-6)
    assert found[2].item() == pytest.approx(math.log(3), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_classes_is_the_published_formula_with_smoothed_labels(smoothing: float) -> None:
    found = item_losses(LOGITS, TARGET, Settings(label_smoothing=smoothing))
    torch.testing.assert_close(found, cross_entropy(LOGITS, smooth_labels(TARGET, 3, smoothing)))


def test_label_smoothing_agrees_with_torch() -> None:
    found = loss(LOGITS, batch(), Settings(label_smoothing=0.1), {"counts": [1, 1, 1]})
    assert found.item() == pytest.approx(functional.cross_entropy(LOGITS, TARGET, label_smoothing=0.1).item(), rel=1e-6)
    assert smooth_labels(torch.tensor([1]), 4, 0.2)[0].tolist() == pytest.approx([0.05, 0.85, 0.05, 0.05])


def test_binary_cross_entropy_of_two_classes_is_the_published_formula() -> None:
    logits, target = torch.tensor([[0.3, 1.1], [0.3, 1.1]]), torch.tensor([1, 0])
    chance = 1 / (1 + math.exp(-(1.1 - 0.3)))
    found = item_losses(logits, target, Settings(loss="binary_cross_entropy"))
    assert found.tolist() == pytest.approx([-math.log(chance), -math.log(1 - chance)], rel=1e-6)


def test_binary_cross_entropy_of_more_classes_asks_one_question_each() -> None:
    def sigmoid(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    by_hand = -math.log(1 - sigmoid(1.0)) - math.log(sigmoid(2.0)) - math.log(1 - sigmoid(0.5))
    found = item_losses(LOGITS, TARGET, Settings(loss="binary_cross_entropy"))
    assert found[0].item() == pytest.approx(by_hand, rel=1e-6)


def test_mean_squared_error_is_half_the_mean_over_items_of_the_squares() -> None:
    probability = LOGITS.softmax(dim=1).numpy()
    by_hand = ((probability - np.eye(3)[TARGET.numpy()]) ** 2).sum() / (2 * 3)
    assert loss(LOGITS, batch(), Settings(loss="mean_squared_error"), {"counts": [1, 1, 1]}).item() == pytest.approx(
        by_hand
    )


def test_half_squared_error_has_the_difference_as_its_gradient() -> None:
    predicted = torch.tensor([[1.0, 3.0]], requires_grad=True)
    found = half_squared_error(predicted, torch.tensor([[0.0, 1.0]]))
    assert found.tolist() == [2.5]
    found.sum().backward()
    assert predicted.grad is not None
    assert predicted.grad.tolist() == [[1.0, 2.0]]


def test_balanced_class_weights_agree_with_torch() -> None:
    counts = [6, 3, 1]
    weights = torch.tensor([10 / (3 * count) for count in counts])
    found = loss(LOGITS, batch(), Settings(class_weights="balanced"), {"counts": counts})
    assert found.item() == pytest.approx(functional.cross_entropy(LOGITS, TARGET, weight=weights).item(), rel=1e-6)


def test_class_weights_move_to_a_device_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is given something from the processor in the usual way is waited for."""
    made: list[str] = []
    monkeypatch.setattr(head, "weigh_classes", lambda *given: made.append(given[1]) or weigh_classes(*given))
    head._class_weight.cache_clear()
    learned, settings = {"counts": [7, 5, 3]}, Settings(class_weights="balanced")
    for place in ("cpu", "meta") * 2:
        device = torch.device(place)
        assert loss(LOGITS.to(device), batch().to(device), settings, learned).device == device
    assert made == ["balanced"] * 2
    weighed = batch(weight=torch.ones(3))
    loss(LOGITS, weighed, Settings(), learned)
    assert made == ["balanced", "balanced", "none"]
    assert loss(LOGITS, weighed, settings, learned).item() == loss(LOGITS, batch(), settings, learned).item()


def test_an_item_of_weight_two_counts_as_two_items() -> None:
    weighed = loss(LOGITS, batch(weight=torch.tensor([2.0, 1.0, 0.0])), Settings(), {"counts": [1, 1, 1]})
    rows = torch.tensor([0, 0, 1])
    assert weighed.item() == pytest.approx(
        loss(LOGITS[rows], batch(TARGET[rows]), Settings(), {"counts": [1, 1, 1]}).item()
    )


def test_a_batch_of_weight_nothing_teaches_nothing() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss(logits, batch(weight=torch.zeros(3)), Settings(), {"counts": [1, 1, 1]}).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max().item() == 0.0


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "mean_squared_error"])
def test_losses_stay_finite_for_huge_and_half_precision_logits(name: str) -> None:
    logits = torch.tensor([[300.0, -300.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    found = item_losses(logits, torch.tensor([1]), Settings(loss=name)).sum()
    found.backward()
    assert found.dtype == torch.float32
    assert torch.isfinite(found)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
