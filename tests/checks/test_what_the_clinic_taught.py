"""Cases in which a check spoke, or was silent, wrongly when it was tried on trainings made sick on purpose."""

from __future__ import annotations

import polars as pl

from penjing import checks
from penjing.checks import (
    Example,
    NotExamined,
    crawling,
    example_classes,
    example_steps,
    label_errors,
    leak,
    underfit,
    vanishing_gradient,
    wrong_output,
)
from penjing.core import plugins
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


def test_under_fitting_is_good_to_know_where_nothing_was_learned() -> None:
    """The same losses as the sick example, where the constant answer is as good as the network."""
    sick = underfit.sick()
    assert sick.items is not None
    constant = sick.items.filter(model="network").with_columns(model=pl.lit("majority"))
    record = Record(steps=sick.steps, items=pl.concat([sick.items, constant]))
    levels = {one.name: one.level for one in checks.examine(record, ["underfit", "not_learning"]) if one.name}  # type: ignore[union-attr]
    assert levels == {"not_learning": "error", "underfit": "info"}


def test_nothing_vanishes_behind_units_that_are_silent() -> None:
    gradients = {"layer__first__grad_norm": 0.0, "layer__second__grad_norm": 0.0}
    assert vanishing_gradient.look(example_steps(**gradients)) is not None
    assert vanishing_gradient.look(example_steps(**gradients, activation__third__dead=0.9)) is None


def test_classes_that_are_exchanged_are_label_errors_though_the_network_is_sure_of_nothing() -> None:
    """Temperature is learned from the same validation items, so where they are all wrong no answer is sure."""
    other = {"cat": "dog", "dog": "cat"}
    names = [("cat", "dog")[row % 2] for row in range(100)]
    exchanged = [(name, other[name] if row < 90 else name, 0.52) for row, name in enumerate(names)]
    found = label_errors.look(example_classes({"network": exchanged}))
    assert found is not None
    assert found.evidence["taken_for"] == {"cat": "dog", "dog": "cat"}
    assert "fits 90 of 100 items where 10 are right" in found.message
    always = [(name, "cat", 0.52) for name in names]  # not one for one: nothing was learned
    assert label_errors.look(example_classes({"network": always})) is None


def test_what_follows_from_another_finding_is_good_to_know_and_lends_it_its_gravity() -> None:
    """A network that crawls has learned nothing, which is an error by itself; so crawling is one."""
    slow = plugins.load("checks", "crawling").sick()
    nothing = plugins.load("checks", "not_learning").sick()
    assert nothing.items is not None
    worse = nothing.items.with_columns(loss=pl.when(model="network").then(0.8).otherwise("loss"))
    alone = checks.examine(Record(items=worse), ["not_learning"])
    assert [one.level for one in alone if not isinstance(one, NotExamined)] == ["error"]
    both = checks.examine(Record(steps=slow.steps, items=worse), ["not_learning", "crawling"])
    found = {one.name: one for one in both if not isinstance(one, NotExamined)}
    assert (found["crawling"].level, found["not_learning"].level) == ("error", "info")
    assert found["not_learning"].evidence["follows_from"] == ["crawling"]
    assert found["not_learning"].message.endswith(" It follows from crawling.")
    assert found["not_learning"].is_trouble
    assert list(found) == ["crawling", "not_learning"]


def test_no_trouble_follows_from_itself_by_any_way() -> None:
    causes = {name: set(getattr(plugins.load("checks", name), "FOLLOWS", ())) for name in plugins.names("checks")}
    assert set().union(*causes.values()) <= set(causes)
    reached = {name: set(found) for name, found in causes.items()}
    for _ in causes:
        reached = {name: found.union(*(reached[one] for one in found)) for name, found in reached.items()}
    assert not [name for name, found in reached.items() if name in found]
    assert sum(bool(found) for found in causes.values()) >= 5


def test_a_relu_behind_the_last_layer_is_seen_by_its_zeros() -> None:
    steps = {"output__least": 0.0, "output__most": 7.0, "output__sum_error": 9.0}
    relu = example_steps(**steps, output__at_bounds=0.6).also(choices={"task.name": "classify"})
    found = wrong_output.look(relu)
    assert found is not None
    assert "60% of them" in found.message
    same = example_steps(**steps, output__at_bounds=1.0, output__std=0.0).also(choices={"task.name": "classify"})
    assert wrong_output.look(same) is None  # one answer for all
    few = example_steps(**steps, output__at_bounds=0.05).also(choices={"task.name": "classify"})
    assert wrong_output.look(few) is not None  # outputs without a bound sum up to what they began with, below zero too
    free = example_steps(**{**steps, "output__least": -0.4}, output__at_bounds=0.05).also(
        choices={"task.name": "classify"}
    )
    assert wrong_output.look(free) is None


def test_mistakes_that_sureness_does_not_thin_out_and_simple_models_share_are_label_errors() -> None:
    """Of 200 items the network grows less sure from one to the next; ten labels are wrong, or ten items are hard."""
    other = {"cat": "dog", "dog": "cat"}
    names = [("cat", "dog")[row % 2] for row in range(200)]

    def answers(wrong: list[int]) -> list[tuple[str, str, float]]:
        return [
            (name, other[name] if row in wrong else name, 0.89 - row / 1000)  # never as sure as the other rule wants
            for row, name in enumerate(names)
        ]

    spread, hard = list(range(5, 200, 20)), [*range(185, 195), 90, 95]
    labels = example_classes({"network": answers(spread), "linear": answers(spread)})
    found = label_errors.look(labels)
    assert found is not None
    assert found.items == ("5.png", "25.png", "45.png", "65.png", "85.png")
    assert label_errors.look(example_classes({"network": answers(hard), "linear": answers(hard)})) is None
    alone = example_classes({"network": answers(spread), "linear": answers([])})
    assert label_errors.look(alone) is None  # a simple model takes them for what their label says
    assert label_errors.look(example_classes({"network": answers(spread)})) is None


def test_a_loss_that_stands_still_crawls_where_nothing_is_known_and_rests_where_much_is() -> None:
    """Updates of a hundred-thousandth, and a loss that does not move: a tiny rate, or weights that are good already."""
    tiny = {f"layer__{layer}__update_ratio": 1e-5 for layer in ("first", "second", "third", "last")}
    steps = example_steps(train__loss=[1.2] * 10, **tiny).steps
    chance, knowing = (checks.example_answers([loss] * 50, [0.69] * 50).items for loss in (0.69, 0.1))
    assert crawling.look(Record(steps=steps, items=chance)) is not None
    assert crawling.look(Record(steps=steps, items=knowing)) is None
    assert crawling.look(Record(steps=steps)) is None
