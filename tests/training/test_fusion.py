"""Several inputs become one vector, and a missing one is survived."""

from __future__ import annotations

import torch

from penjing.core.recipe import Fusion as Settings
from penjing.training._fusion import Fusion, _hidden

WIDTHS = {"image": 6, "text": 4}


def built(**settings: float) -> Fusion:
    torch.manual_seed(0)
    return Fusion(WIDTHS, Settings(width=8, **settings))


def features(items: int = 5) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return [torch.randn(items, width, generator=draw) for width in WIDTHS.values()]


def test_an_input_that_is_missing_changes_nothing_by_its_values() -> None:
    fusion = built().eval()
    image, text = features()
    there = {"text": torch.tensor([True, True, False, False, True])}
    changed = text.clone()
    changed[2:4] = 99.0
    assert torch.equal(fusion([image, text], there), fusion([image, changed], there))
    assert not torch.equal(fusion([image, text], there)[2:4], fusion([image, text], {})[2:4])


def test_training_hides_one_input_of_a_share_of_the_items_and_never_all() -> None:
    torch.manual_seed(0)
    image, text = _hidden([None, None], 4000, 0.25, torch.device("cpu"))
    assert image is not None
    assert text is not None
    assert (image | text).all()
    assert abs(float((~(image & text)).float().mean()) - 0.25) < 0.03


def test_an_input_that_is_the_only_one_left_is_not_hidden() -> None:
    torch.manual_seed(0)
    gone = torch.zeros(200, dtype=torch.bool)
    image, text = _hidden([None, gone], 200, 0.9, torch.device("cpu"))
    assert image is not None
    assert text is not None
    assert image.all()
    assert not text.any()


def test_answers_do_not_depend_on_chance_when_predicting() -> None:
    fusion = built(modality_dropout=0.9, dropout=0.9).eval()
    assert torch.equal(fusion(features(), {}), fusion(features(), {}))


def test_what_only_both_inputs_together_tell_is_learned() -> None:
    """The sign of a product: each input alone is at chance."""
    draw = torch.Generator().manual_seed(2)
    image, text = torch.randn(600, 6, generator=draw), torch.randn(600, 4, generator=draw)
    truth = (image[:, 0] * text[:, 0] > 0).float()
    torch.manual_seed(0)
    fusion, head = Fusion(WIDTHS, Settings(width=16, dropout=0.0, modality_dropout=0.0)), torch.nn.Linear(16, 1)
    optimiser = torch.optim.Adam([*fusion.parameters(), *head.parameters()], 1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        outputs = head(fusion([image[:500], text[:500]], {}))[:, 0]
        torch.nn.functional.binary_cross_entropy_with_logits(outputs, truth[:500]).backward()
        optimiser.step()
    with torch.no_grad():
        right = (head(fusion([image[500:], text[500:]], {}))[:, 0] > 0) == truth[500:].bool()
    assert right.float().mean() > 0.85
