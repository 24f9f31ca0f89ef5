"""Outputs of one's own network read as what they are: probabilities where it ends with a softmax, else logits."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable, moved

TREATS: Mapping[str, float] = {"wrong_output": 1.0}
OTHER = {"logits": "probabilities", "probabilities": "logits"}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe that reads them the other way."""
    gives = str(recipe.model.settings.get("gives", ""))
    if gives not in OTHER:
        return NotApplicable("its network gives what its loss takes")
    if gives == "logits" and "sum_error" not in finding.evidence:
        return NotApplicable("its outputs are no probabilities; end the network without sigmoid")
    return moved(recipe, {"model.gives": OTHER[gives]}, "")
