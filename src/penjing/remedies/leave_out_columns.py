"""Columns that name or number the items, or that the network does as well without, are not learned from.

A column that is the target under another name is not left out here: without it every score is worse, so no measurement
could speak for that, and only a person knows whether it is there when an answer is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penjing.core.finding import Finding
from penjing.core.recipe import Recipe
from penjing.remedies import NotApplicable

TREATS: Mapping[str, float] = {"id_columns": 1.0, "useless_input": 0.6}


def apply(recipe: Recipe, finding: Finding) -> Recipe | NotApplicable:
    """The recipe without the columns of a table that the finding's evidence names."""
    named = {*finding.evidence.get("columns", ()), *finding.evidence.get("inputs", ())}
    left_out = named.intersection(recipe.data.table)
    if not left_out:
        return NotApplicable("the finding names no column of a table")
    if len(left_out) == len(recipe.data.table):
        return NotApplicable("no column of the table would be left")
    kept = tuple(column for column in recipe.data.inputs if column not in left_out)
    return replace(recipe, data=replace(recipe.data, inputs=kept))
