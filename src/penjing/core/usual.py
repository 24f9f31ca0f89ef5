"""Where a recipe begins, by what the inputs are; short trials and validation go on from there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from penjing.core.recipe import Choice


@dataclass(frozen=True)
class Usual:
    """What is usual for a modality.

    Attributes:
        amounts: training items up to → batch size and peak rate. Few items need many small steps; see docs/tried.md.
        augment: augmentations, in order.
        model: the network to begin with; "" takes the modality's first.
        optimiser: its name and settings other than the rate.
        schedule: of the rate.
        ema: of the weights.
        task: settings of the task.
        most_passes: over the training items; more do not help.
        fewest_steps: however few passes these are; few items need some time to be learned at all.
        floor_share: of the whole time, what simple models may take; where networks learn fast, there is more for them.
        encoder_share: of the time left for training, what seeing all items through pretrained encoders may take.
    """

    amounts: tuple[tuple[float, int, float], ...]
    augment: tuple[Choice, ...] = ()
    model: str = ""
    optimiser: Choice = field(default_factory=lambda: Choice("muon"))
    schedule: Choice = field(default_factory=lambda: Choice("one_cycle"))
    ema: float = 0.998
    task: Mapping[str, Any] = field(default_factory=dict)
    most_passes: int = 120
    fewest_steps: int = 1_500
    floor_share: float = 0.06
    encoder_share: float = 0.4

    def optimiser_at(self, rate: float) -> Choice:
        """The optimiser with its settings, at a rate."""
        return replace(self.optimiser, settings={**self.optimiser.settings, "rate": rate})

    def near(self, batch_size: int) -> tuple[int, float]:
        """The usual batch size that is nearest to one, in times, and its rate; the middle one for a batch of all.

        For recipes, which do not know how many items there are.
        """
        if not batch_size:
            return self.amounts[len(self.amounts) // 2][1:]
        return min(self.amounts, key=lambda row: max(row[1] / batch_size, batch_size / row[1]))[1:]


_PICTURES = ((300, 16, 5e-3), (2_000, 32, 5e-3), (8_000, 64, 1e-2), (20_000, 128, 1e-2), (math.inf, 256, 1e-2))
_SMOOTH = {"label_smoothing": 0.1}
_SOUNDS = ((1_000, 32, 1e-2), (math.inf, 64, 1e-2))
# Word vectors move far in few steps; Muon takes three times as long for little.
_TEXTS = ((math.inf, 128, 5e-3),)
# A table is learned by heart soon, and Muon does not suit it; see docs/tried.md.
_TABLE = ((300, 16, 1.5e-3), (8_000, 64, 1.5e-3), (50_000, 128, 1.5e-3), (math.inf, 256, 1.5e-3))
USUAL: Mapping[str, Usual] = {
    "image": Usual(_PICTURES, (Choice("crop", {"shift": 0.0625}),), task=_SMOOTH, fewest_steps=6_000),
    "audio": Usual(
        _SOUNDS,
        (Choice("shift"), Choice("mask"), Choice("warp"), Choice("gain")),
        optimiser=Choice("muon", {"weight_decay": 0.05}),
        task=_SMOOTH,
    ),
    "text": Usual(
        _TEXTS,
        optimiser=Choice("adamw", {"weight_decay": 0.05}),
        task=_SMOOTH,
        most_passes=8,
        fewest_steps=200,
        floor_share=0.12,
        encoder_share=0.75,  # the network from scratch needs seconds
    ),
    "video": Usual(
        ((math.inf, 32, 3e-3),),
        (Choice("pan"), Choice("brightness")),
        optimiser=Choice("adamw", {"weight_decay": 0.05}),
        task={"label_smoothing": 0.05},
        most_passes=60,
    ),
    # Vectors from elsewhere beside other inputs, or under a network of a person's choice; alone they get `LINEAR`.
    "embedding": Usual(
        _TABLE, optimiser=Choice("adamw", {"weight_decay": 0.1}), task=_SMOOTH, most_passes=60, fewest_steps=400
    ),
    "table": Usual(_TABLE, optimiser=Choice("adamw", {"weight_decay": 0.05}), most_passes=40, floor_share=0.15),
}
# Of so many items of one input, a network that learns fast is better than one that is careful, and nothing else races.
MANY = 20_000
USUAL_OF_MANY: Mapping[str, Usual] = {
    "image": replace(
        USUAL["image"],
        amounts=((math.inf, 512, 0.12),),
        model="airbench",
        optimiser=Choice("muon", {"normalise": True, "momentum": 0.6, "rest": 0.05, "weight_decay": 0.0}),
        schedule=Choice("linear"),
        task={"label_smoothing": 0.2},
    )
}
BORDER = 0.1  # of a picture's side, at either end: what is hidden to see whether a network answers by it
LINEAR = Choice("lbfgs")  # of a linear head on vectors from elsewhere; its penalty is chosen by what it tells
WIDE_RUNS = 3  # words in a row that the wide part beside a network of texts looks at
_SCALARS = dict.fromkeys(("number", "category", "date", "boolean"), "table")  # columns, before they are joined
_FALLBACK = Usual(_PICTURES, task=_SMOOTH)


def usual(modalities: Sequence[str], items: int = 0) -> Usual:
    """What is usual for these inputs together: each one's augmentations, and the gentlest of the rates.

    Args:
        modalities: of the inputs.
        items: that are trained on; of many items, another beginning may be better.
    """
    if items > MANY and len(modalities) == 1 and modalities[0] in USUAL_OF_MANY:
        return USUAL_OF_MANY[modalities[0]]
    found = [USUAL.get(_SCALARS.get(modality, modality), _FALLBACK) for modality in dict.fromkeys(modalities)]
    gentlest = min(found, key=lambda one: one.amounts[0][2])
    augment = tuple(choice for one in found for choice in one.augment)
    passes, fewest = min(one.most_passes for one in found), max(one.fewest_steps for one in found)
    if len(found) > 1:  # what few photos alone are worth was seen of photos alone
        fewest = min(fewest, Usual.fewest_steps)
    floor, encoder = max(one.floor_share for one in found), min(one.encoder_share for one in found)
    return replace(
        gentlest,
        augment=augment,
        most_passes=passes,
        fewest_steps=fewest,
        floor_share=floor,
        encoder_share=encoder,
    )
