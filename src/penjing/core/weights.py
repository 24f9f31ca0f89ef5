"""Where the weights of a pretrained encoder are from, as its plug-in says."""

from __future__ import annotations

from penjing.core import plugins
from penjing.core.recipe import Choice

ABOUT = ("package", "source", "licence", "weights")


def about(choice: Choice) -> dict[str, str]:
    """The package of an encoder's weights, their source, licence, and what they were trained on.

    Raises:
        UsageError: there is no such encoder, or it has no such setting.
    """
    encoder = plugins.load("pretrained", choice.name)
    if hasattr(encoder, "about"):
        return dict(encoder.about(encoder.Settings(**choice.filled("pretrained").settings)))
    return {name: getattr(encoder, name.upper(), "") for name in ABOUT}
