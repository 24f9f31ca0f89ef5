"""The threads, the layout and the number format that were fastest on this machine, with the same result."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"slow_kernels": 1.0}
CHOICES = ("threads", "layout", "number_format")


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe that does its arithmetic as the finding says."""
    faster = finding.evidence.get("machine", {})
    wanted = {f"machine.{name}": faster[name] for name in CHOICES if name in faster}
    if not wanted:
        return NotApplicable("the finding names no faster way")
    return moved(recipe, wanted, "it is done that way already")
