"""Cases in which a check spoke, or was silent, wrongly when it was tried on trainings made sick on purpose."""

from __future__ import annotations

import polars as pl

from penjing.checks import Example, example_steps, leak, underfit, vanishing_gradient
from penjing.core.record import Record


def test_copies_of_one_item_in_a_hundred_are_a_warning_and_fewer_are_good_to_know() -> None:
    """Of 400 cats and 400 dogs, 160 are in the validation part; two leak in one record and one in the other."""
    few = leak.look(Example(pairs=[(0, 3, "near")], given_split=True).record)
    many = leak.look(Example(pairs=[(0, 3, "near"), (5, 8, "near")], given_split=True).record)
    assert few is not None
    assert many is not None
    assert (few.level, many.level) == ("info", "warning")
    assert "So few can hardly change the score" in few.message


def test_a_group_on_both_sides_is_a_warning_however_few_items_it_has() -> None:
    groups = ["one"] * 4 + [f"g{row}" for row in range(796)]
    found = leak.look(Example(columns={"group": groups}, given_split=True).record)
    assert found is not None
    assert found.level == "warning"


def test_what_has_learned_nothing_is_not_called_under_fitted() -> None:
    """The same losses as the sick example, where the constant answer is as good as the network."""
    sick = underfit.sick()
    assert underfit.look(sick) is not None
    assert sick.items is not None
    constant = sick.items.filter(model="network").with_columns(model=pl.lit("majority"))
    assert underfit.look(Record(steps=sick.steps, items=pl.concat([sick.items, constant]))) is None


def test_nothing_vanishes_behind_units_that_are_silent() -> None:
    gradients = {"layer__first__grad_norm": 0.0, "layer__second__grad_norm": 0.0}
    assert vanishing_gradient.look(example_steps(**gradients)) is not None
    assert vanishing_gradient.look(example_steps(**gradients, activation__third__dead=0.9)) is None
