"""The speech network of the article: one plain recurrent layer, whose last state decides. Mended, or as published.

As published it has two faults. Its first state is made for a single item, so that PyTorch refuses a batch ("Expected
hidden size …"). And it reads one number at a time: over the thousands of steps of a waveform the gradient of a plain
recurrent layer vanishes, and it stays at chance. Mended, the state suits the batch, and a step reads a whole frame.
The faults are kept as settings, each by itself: `Settings(reads="values", state="item")` is the published network, an
example to try a diagnosis on.

Source: Bengio, Simard, Frasconi: Learning long-term dependencies with gradient descent is difficult, 1994.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.core.errors import UsageError
from penjing.models._layers import rounded

TAKES: tuple[str, ...] = ("maps",)
READS, STATES = ("frames", "values"), ("batch", "item")


@dataclass(frozen=True)
class Settings:
    """How large the network is, and which faults it has; the width is the published one.

    Attributes:
        width: units of the recurrent layer, hence the features.
        reads: "frames" reads a frame a step (mended), "values" one number a step (as published).
        state: "batch" makes a first state for every item (mended), "item" for one alone (as published).
    """

    width: int = 50
    reads: str = "frames"
    state: str = "batch"


class SpeechExample(nn.Module):
    """A recurrent layer with tanh; its last state is the features.

    Attributes:
        features: how many numbers an item becomes.
    """

    def __init__(self, shape: tuple[int, ...], settings: Settings) -> None:
        super().__init__()
        self.reads, self.state = settings.reads, settings.state
        inputs = math.prod(shape[:-1]) if settings.reads == "frames" else 1
        self.recurrent = nn.RNN(inputs, settings.width, batch_first=True)
        self.features = settings.width

    def forward(self, maps: Float[Tensor, "batch *shape time"]) -> Float[Tensor, "batch features"]:
        """The features of maps, or of raw samples [batch, samples], which only `reads="values"` takes."""
        steps = maps.flatten(1, -2).transpose(1, 2) if maps.ndim > 2 else maps
        if self.reads == "values":
            steps = steps.flatten(1)[..., None]
        # without a first state, torch makes zeros for every item of the batch
        first = torch.zeros(1, 1, self.features, device=steps.device) if self.state == "item" else None
        _, last = self.recurrent(steps, first)
        return last[0]


def build(shape: tuple[int, ...], settings: Settings) -> SpeechExample:
    """The network for maps of `shape` (channels, bands, frames), or for raw samples (samples,).

    Raises:
        UsageError: a setting is not one of its words.
    """
    for name, value, known in (("reads", settings.reads, READS), ("state", settings.state, STATES)):
        if value not in known:
            raise UsageError(f'{name} is "{known[0]}" or "{known[1]}", not "{value}"')
    return SpeechExample(shape, settings)


def sized(dial: float, shape: tuple[int, ...]) -> Settings:  # noqa: ARG001 - every model is asked in the same words
    """Settings for a dial, 1.0 being the published size: weights grow about as the dial does."""
    return Settings(width=Settings.width if dial == 1 else rounded(Settings.width * math.sqrt(dial), 2))
