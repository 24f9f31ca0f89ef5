"""Cases in which a check spoke, or was silent, wrongly when it was tried on trainings made sick on purpose."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import polars as pl

from penjing import checks
from penjing.checks import (
    NotExamined,
    crawling,
    drift,
    exploding_gradient,
    guessed_groups,
    imbalance,
    label_errors,
    leak,
    leaking_columns,
    not_learning,
    oscillating,
    overfit,
    shortcut,
    stopped_early,
    underfit,
    vanishing_gradient,
    wrong_output,
)
from penjing.checks._examples import (
    Example,
    example_answers,
    example_classes,
    example_inputs,
    example_steps,
    example_trials,
)
from penjing.core import plugins
from penjing.core.finding import Finding
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
    chance, knowing = (example_answers([loss] * 50, [0.69] * 50).items for loss in (0.69, 0.1))
    assert crawling.look(Record(steps=steps, items=chance)) is not None
    assert crawling.look(Record(steps=steps, items=knowing)) is None
    assert crawling.look(Record(steps=steps)) is None


def test_an_output_that_is_nothing_every_time_stands_behind_a_relu() -> None:
    """In the units of the target nothing is the middle: what stands behind the last layer lets nothing through."""
    zero = {"output__least": 0.0, "output__most": 0.0, "output__std": 0.0, "output__at_bounds": 1.0}
    found = wrong_output.look(example_steps(**zero).also(choices={"task.name": "classify"}))
    assert found is not None
    assert "exactly 0" in found.message
    middle = {**zero, "output__least": 40.0, "output__most": 40.0}
    numbers = example_inputs(of=example_steps(**middle)).also(choices={"task.name": "regress"})
    assert wrong_output.look(numbers) is not None
    biased = {**zero, "output__least": 40.1, "output__most": 40.1}  # what an untrained bias leads to
    assert wrong_output.look(example_inputs(of=example_steps(**biased)).also(choices={"task.name": "regress"})) is None


def test_a_sigmoid_at_the_end_is_seen_though_it_presses_against_nothing() -> None:
    steps = {"output__most": 0.8, "output__sum_error": 0.5, "output__at_bounds": 0.02}
    sigmoid = example_steps(**steps, output__least=0.2).also(choices={"task.name": "classify"})
    found = wrong_output.look(sigmoid)
    assert found is not None
    assert "0.2 to 0.8" in found.message
    logits = example_steps(**steps, output__least=-0.2).also(choices={"task.name": "classify"})
    assert wrong_output.look(logits) is None


def test_first_updates_that_leap_are_seen_though_the_loss_settles_later() -> None:
    ratios = {f"layer__{layer}__update_ratio": 0.5 for layer in ("first", "second", "third", "last")}
    high = [9.0, 3.0, 1.1, 1.0, 0.95, 0.9, 0.9, 0.9, 0.9, 0.9]
    leapt = example_steps(train__running_loss=high, first__loss=1.3, first__update_ratio=8.0, **ratios)
    found = oscillating.look(leapt)
    assert found is not None
    assert "6.9 times that of the untrained network" in found.message
    steady = example_steps(first__loss=1.3, first__update_ratio=0.05)
    assert oscillating.look(steady) is None
    solved = leapt.also(choices={"optimiser.name": "lbfgs"})
    assert oscillating.look(solved) is None
    far = example_steps(first__loss=1.3, first__update_ratio=3.8)  # the loss forgets, and units are silent from then on
    assert oscillating.look(far) is not None
    assert far.steps is not None
    only_head = far.steps.select(pl.exclude("^layer/(first|second|third)/.*$"))
    assert oscillating.look(Record(steps=only_head)) is None
    # A bad start by itself is no leap: weights were drawn too large, and updates are small beside them.
    assert oscillating.look(example_steps(train__running_loss=high, first__loss=1.3, first__update_ratio=0.01)) is None


def test_batches_in_the_order_of_the_classes_pull_to_and_fro() -> None:
    found = oscillating.look(example_steps(batch__apart=0.6, batch__chance=1e-9))
    assert found is not None
    assert "not dealt at random" in found.message
    assert oscillating.look(example_steps(batch__apart=0.2, batch__chance=0.3)) is None
    assert oscillating.look(example_steps(batch__apart=0.6, batch__chance=0.05)) is None  # few items, many classes


def test_a_loss_of_almost_nothing_does_not_oscillate() -> None:
    losses = [1e-3, 7e-6, 2e-4, 9e-6, 2.5e-4, 8e-6, 2.4e-4, 7e-6, 2.5e-4, 7e-6]
    steps = example_steps(train__loss=losses)
    assert oscillating.look(steps) is not None
    answers = example_answers(network=[0.1] * 20, constant=[2.3] * 20)
    assert oscillating.look(Record(steps=steps.steps, items=answers.items)) is None


def test_the_first_gradient_of_weights_that_are_too_large_is_seen() -> None:
    found = exploding_gradient.look(example_steps(first__gradient_ratio=250.0))
    assert found is not None
    assert "250 times as large as the weights" in found.message
    assert exploding_gradient.look(example_steps(first__gradient_ratio=1.4)) is None


def test_targets_with_a_slipped_decimal_point_are_seen() -> None:
    def of(most: float) -> Record:
        target = {"role": "target", "column": "price", "least": 10.0, "most": most, "centre": 60.0, "half": 20.0}
        inputs = example_inputs({**target}).inputs
        assert inputs is not None
        only = inputs.filter((pl.col("role") == "input") | (pl.col("column") == "price"))
        return Record(inputs=only, steps=example_steps().steps, choices={"task.name": "regress"})

    found = exploding_gradient.look(of(90_000.0))
    assert found is not None
    assert found.evidence["most"] == 90_000.0
    assert exploding_gradient.look(of(900.0)) is None  # incomes are spread like this


def test_a_network_that_knows_its_items_by_heart_is_good_to_know() -> None:
    falling = [1.2, 0.8, 0.5, 0.3, 0.1, 0.05, 0.03, 0.02, 0.01, 0.01]
    steps = example_steps(train__loss=falling, valid__loss=[max(0.6, one) for one in falling])
    answers = example_answers(network=[0.6] * 20, constant=[1.6] * 20)
    found = overfit.look(Record(steps=steps.steps, items=answers.items))
    assert found is not None
    assert found.level == "info"
    assert "by heart" in found.message
    low = example_steps(train__loss=falling, valid__loss=[max(0.1, one) for one in falling])
    assert overfit.look(Record(steps=low.steps, items=answers.items)) is None


def test_what_came_after_the_best_moment_is_good_to_know_where_its_weights_are_kept() -> None:
    rising = [1.3, 1.0, 0.85, 0.8, 0.84, 0.9, 0.97, 1.05, 1.1, 1.12]
    answers = example_answers(network=[0.5] * 200, constant=[1.6] * 200)
    values = {"value": [0.7, 0.75, 0.8, 0.88, 0.88, 0.87, 0.87, 0.87, 0.87, 0.78]}
    knew = {**values, "train__loss": [0.3, 0.2, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02]}
    levels = []
    for columns in ({}, values, knew):  # another tool's log; a training of penjing's; one that knew its items even then
        found = overfit.look(Record(steps=example_steps(valid__loss=rising, **columns).steps, items=answers.items))
        assert found is not None
        levels.append(found.level)
    assert levels == ["warning", "info", "warning"]


def test_a_network_that_knows_its_items_by_heart_is_in_trouble_where_a_simple_model_is_better() -> None:
    other = {"cat": "dog", "dog": "cat"}
    truth = [("cat", "dog")[row % 2] for row in range(200)]
    said = {
        model: [(name, name if row < right else other[name], 0.8) for row, name in enumerate(truth)]
        for model, right in (("network", 140), ("linear", 180), ("majority", 100))
    }
    steps = example_steps(train__loss=[0.5] * 5 + [0.02] * 5, valid__loss=[0.9] * 5 + [0.8] * 5)
    found = overfit.look(Record(steps=steps.steps, items=example_classes(said).items))
    assert found is not None
    assert found.level == "warning"
    assert "where a simple model has more right" in found.message


def test_columns_that_number_the_items_do_not_drift() -> None:
    moved = {"drift": 1.0, "drift_p": 1e-30, "numbered": True}
    ordinary = example_inputs(moved).inputs
    assert ordinary is not None
    assert drift.look(Record(inputs=ordinary)) is None
    found = drift.look(example_inputs({**moved, "numbered": False}))
    assert found is not None
    assert found.remedies == ("--split none",)  # another seed changes nothing where the parts came with the data


def test_pictures_of_one_colour_do_not_leak() -> None:
    pairs = [(0, 3, "exact"), (5, 8, "exact")]
    black = [0 if row in {0, 3, 5, 8} else 200 for row in range(800)]
    assert leak.look(Example(pairs=pairs, given_split=True, columns={"spread": black}).record) is None
    assert leak.look(Example(pairs=pairs, given_split=True).record) is not None


def test_numbers_are_under_fitted_where_a_simple_model_is_better_on_items_it_never_saw() -> None:
    """The network's loss on what it learned from is above what trees have on validation items."""
    losses = {"network": 4.0, "boosted_trees": 2.0, "mean": 9.0}
    rows = [
        {"model": model, "hash": f"{row:032x}", "target": 1.0, "predicted": 1.0, "loss": loss + 0.1 * (row % 2)}
        for model, loss in losses.items()
        for row in range(60)
    ]
    items = pl.DataFrame(rows).with_columns(probability=pl.lit(None, pl.List(pl.Float64)))
    on_validation = [6.0, 4.0] + [2.6] * 8
    steps = example_steps(train__loss=[5.0, 3.0, 2.5] + [2.0] * 7, valid__loss=on_validation)
    found = underfit.look(Record(steps=steps.steps, items=items))
    assert found is not None
    assert "a loss of 2.05" in found.message
    learned = example_steps(train__loss=[5.0, 3.0, 1.0] + [0.1] * 7, valid__loss=on_validation)
    assert underfit.look(Record(steps=learned.steps, items=items)) is None


def test_a_border_that_matters_more_than_the_centre_is_a_shortcut_though_both_matter() -> None:
    def of(centre: float, border: float) -> Record:
        hidden = [
            {"experiment": "hidden", "setting": where, "gain": gain, "gain_low": gain - 0.05, "gain_high": gain + 0.05}
            for where, gain in (("centre", centre), ("border", border))
        ]
        return example_trials(*hidden)

    assert shortcut.look(of(centre=-0.25, border=-0.4)) is not None
    assert shortcut.look(of(centre=-0.25, border=-0.28)) is None  # no clear difference
    assert shortcut.look(of(centre=-0.6, border=-0.05)) is None


def test_classes_that_no_class_outweighs_are_uneven_and_mislead_nobody() -> None:
    found = imbalance.look(Example({"a": 300, "b": 280, "c": 260, "d": 24}).record)
    assert found is not None
    assert found.level == "info"
    large = imbalance.look(Example({"a": 600, "d": 24}).record)
    assert large is not None
    assert large.level == "warning"


def test_exchanged_classes_are_seen_by_simple_models_where_the_network_was_chosen_by_wrong_labels() -> None:
    other = {"cat": "dog", "dog": "cat"}
    names = [("cat", "dog")[row % 2] for row in range(100)]
    network = [(name, "cat", 0.52) for name in names]  # the weights that knew least were best on exchanged labels
    linear = [(name, other[name], 0.9) for name in names]
    found = label_errors.look(example_classes({"network": network, "linear": linear}))
    assert found is not None
    assert found.evidence["taken_for"] == other


def test_labels_without_a_model_that_knows_more_than_the_largest_class_are_not_judged() -> None:
    names = ["cat"] * 140 + ["dog"] * 60
    always = [(name, "cat", 0.6 + 0.001 * (row % 40)) for row, name in enumerate(names)]
    assert label_errors.look(example_classes({"network": always, "linear": always})) is None


def test_what_is_left_of_numbers_is_uncertain_by_how_their_losses_scatter() -> None:
    rows = [{"model": "network", "hash": f"{row}", "loss": 1.0 + (row % 2)} for row in range(100)]
    record = Record(items=pl.DataFrame(rows))
    squares = [1.0, 4.0] * 50
    expected = (1 - 0.8) * 1.5 / (sum(squares) / 100) / 10
    numbers = record.also(items=record.items.with_columns(probability=pl.lit(None, pl.List(pl.Float64))))  # type: ignore[union-attr]
    assert abs(checks.chance_of(numbers, 0.8) - expected) < 1e-9
    assert abs(checks.chance_of(example_classes({"network": [("cat", "cat", 0.9)] * 100}), 0.9) - 0.03) < 1e-9


def test_what_a_run_tells_of_numbers_is_no_share_and_what_it_tells_of_one_label_is() -> None:
    """A run tells a number as a list of one entry, where classes and labels have probabilities."""
    rows = [
        {
            "model": "network",
            "hash": f"{row}",
            "target": 1.0,
            "predicted": 0.5,
            "probability": [0.5],
            "loss": 1.0 + row % 2,
        }
        for row in range(100)
    ]
    numbers = Record(items=pl.DataFrame(rows))
    assert abs(checks.chance_of(numbers, 0.8) - 0.2 * 1.5 / 2.5 / 10) < 1e-9
    labels = pl.DataFrame([{**row, "target": ["red"], "predicted": ["red"]} for row in rows])
    assert abs(checks.chance_of(Record(items=labels), 0.9) - 0.03) < 1e-9


def test_numbers_are_learned_where_a_small_gain_is_sure_though_none_is_right_to_the_last_digit() -> None:
    """An R² of 0.08, whose mean absolute error is four hundredths less than that of the mean."""
    draw = np.random.default_rng(1)
    seen, rest = draw.normal(size=(2, 1000)) * [[0.08**0.5], [0.92**0.5]]
    rows = [
        {
            "model": model,
            "hash": f"{row:032x}",
            "target": target,
            "predicted": said,
            "probability": [said],
            "loss": abs(target - said),
        }
        for row, (target, answer) in enumerate(zip((seen + rest).tolist(), seen.tolist(), strict=True))
        for model, said in (("network", answer), ("mean", 0.0))
    ]
    record = Record(items=pl.DataFrame(rows))
    found = checks.gain(record, "loss", checks.CONSTANT)
    assert found is not None
    assert found.low > 0
    assert 0.01 < found.mean / found.over < 0.05
    assert not_learning.look(record) is None


def test_a_training_of_few_updates_is_stopped_early_unless_it_has_learned_nearly_all() -> None:
    """Its validation loss is made by statistics that lag behind; what its batches say is what is known."""

    def of(last: float) -> Record:
        falling = [1.5 * (last / 1.5) ** (row / 9) for row in range(10)]
        lagging = [1.7 + 0.3 * row for row in range(10)]
        steps = example_steps(
            step=list(range(1, 11)),
            train__running_loss=falling,
            train__loss=lagging,
            valid__loss=lagging,
            first__loss=1.5,
        )
        inputs = example_inputs(of=steps)
        return inputs.also(choices={"training.batch_size": 40})

    found = stopped_early.look(of(0.7))
    assert found is not None
    assert "it took 10 updates, in which it saw each training item 1.0 times" in found.message
    assert stopped_early.look(of(0.05)) is None


def test_groups_that_a_column_with_the_answer_suggests_are_good_to_know() -> None:
    sick = replace(guessed_groups.sick(), columns=leaking_columns.sick().columns)
    assert levels_of(sick, guessed_groups, leaking_columns) == {"leaking_columns": "error", "guessed_groups": "info"}
    assert levels_of(guessed_groups.sick(), guessed_groups) == {"guessed_groups": "warning"}


def test_learned_by_heart_is_over_fitting_though_nothing_of_it_holds() -> None:
    """No better than the constant answer on validation, while training items are all known."""
    sick = replace(not_learning.sick(), steps=overfit.sick().steps)
    assert levels_of(sick, overfit, not_learning) == {"overfit": "error", "not_learning": "info"}


def test_over_fitting_whose_best_moment_is_no_better_than_the_constant_answer_is_a_warning() -> None:
    """The weights of the best moment are kept, but they are worth nothing either."""
    rising = overfit.sick().steps
    assert rising is not None
    kept = rising.with_columns(value=-pl.col("valid/loss"))
    answers = not_learning.healthy().items
    assert answers is not None
    worthless = answers.with_columns(loss=pl.when(model="majority").then(0.3).otherwise("loss"))
    useful = answers.with_columns(loss=pl.when(model="majority").then(2.0).otherwise("loss"))
    levels = [overfit.look(Record(steps=kept, items=items)).level for items in (worthless, useful)]  # type: ignore[union-attr]
    assert levels == ["warning", "info"]


def levels_of(record: Record, *asked: ModuleType) -> dict[str, str]:
    """What some checks find, and how grave it is."""
    names = [check.__name__.rpartition(".")[2] for check in asked]
    return {one.name: one.level for one in checks.examine(record, names) if isinstance(one, Finding)}
