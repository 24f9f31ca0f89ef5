"""What checks of a training calculate is right on made-up data whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from penjing.checks import beaten_by_simple, class_answers, early_noise, gain, label_errors
from penjing.checks._examples import example_classes, example_inputs, example_steps, example_trials
from penjing.checks._trials import twice_the_data, widened
from penjing.checks.label_errors import doubts
from penjing.checks.large_batch import look as look_for_large_batch
from penjing.checks.large_model import look as look_for_large
from penjing.checks.miscalibrated import calibration_error, look
from penjing.checks.shortcut import look as look_for_shortcut
from penjing.checks.small_batch import look as look_for_small
from penjing.checks.useless_input import look as look_for_useless
from penjing.core import plugins
from penjing.core.record import Record


def answers(stated: np.ndarray, right: np.ndarray) -> Record:
    """A record of answers "a" and "b" with that probability each, right or not."""
    said = np.where(np.arange(len(stated)) % 2 == 0, "a", "b")
    other = np.where(said == "a", "b", "a")
    return Record(
        items=pl.DataFrame(
            {
                "model": ["network"] * len(stated),
                "hash": [str(row) for row in range(len(stated))],
                "target": np.where(right, said, other),
                "predicted": said,
                "probability": [[one, 1 - one] for one in stated.tolist()],
            }
        )
    )


def test_probabilities_that_hold_are_hardly_ever_doubted() -> None:
    draw = np.random.default_rng(0)
    wrong = 0
    for _ in range(40):
        stated = 0.5 + 0.5 * draw.beta(3, 1, 300)
        wrong += look(answers(stated, draw.random(300) < stated)) is not None
    assert wrong <= 1


def test_probabilities_that_are_too_sure_are_seen() -> None:
    draw = np.random.default_rng(0)
    stated = 0.5 + 0.5 * draw.beta(3, 1, 600)
    finding = look(answers(stated, draw.random(600) < stated - 0.15))
    assert finding is not None
    assert "too sure" in finding.message
    assert finding.evidence["gap"] == pytest.approx(0.15, abs=0.04)


def test_the_calibration_error_of_equal_statements_is_their_gap() -> None:
    stated, right = np.full(100, 0.8), np.arange(100) < 60
    assert calibration_error(stated, right) == pytest.approx(0.2)
    assert calibration_error(stated, right[::-1]) == pytest.approx(0.2)


def test_the_noise_of_gradients_is_that_which_was_put_in() -> None:
    """Gradients of a direction of length 2 and noise of 100 numbers of variance 0.36: noise is 36 / 4 of the signal."""
    draw = np.random.default_rng(0)
    direction = np.zeros(100)
    direction[0] = 2.0
    pairs = [direction + 0.6 * draw.normal(size=(2, 100)) for _ in range(4000)]
    square = [float((pair**2).sum() / 2) for pair in pairs]
    shared = [float(pair[0] @ pair[1]) for pair in pairs]
    steps = pl.DataFrame({"step": range(4000), "gradient/square": square, "gradient/shared": shared})
    assert early_noise(Record(steps=steps)) == pytest.approx(9, rel=0.25)


def test_without_pairs_of_gradients_no_noise_is_told() -> None:
    steps = pl.DataFrame({"step": [1, 2], "gradient/square": [1.0, None], "gradient/shared": [0.5, None]})
    assert early_noise(Record(steps=steps)) is None


@pytest.mark.parametrize("power", [0.2, 0.5, 1.0])
def test_a_power_law_is_continued(power: float) -> None:
    shares = (0.5, 0.25)
    rows = [
        {"experiment": "share", "setting": str(share), "gain": 0.1 - 0.1 * share**-power, "gain_low": -1.0}
        for share in shares
    ]
    exact = [{**row, "gain_low": row["gain"] - 1e-4, "gain_high": row["gain"] + 1e-4} for row in rows]
    promise = twice_the_data(example_trials({"experiment": "itself", "low": 0.8999, "high": 0.9001}, *exact))
    assert promise is not None
    assert promise.gain == pytest.approx(0.1 * (1 - 2**-power), rel=0.05)
    assert promise.low <= promise.gain <= promise.high


def test_a_gain_no_larger_than_the_luck_of_seeds_is_not_clear() -> None:
    row = {"experiment": "larger", "gain": 0.02, "gain_low": 0.01, "gain_high": 0.03}
    lucky = [{"experiment": "seed", "setting": str(seed), "gain": gain} for seed, gain in ((1, 0.02), (2, -0.02))]
    calm, unsure = example_trials(row), example_trials(row, *lucky)
    assert widened(calm, row)[1] > 0
    assert widened(unsure, row)[1] < 0


def test_a_gain_is_told_over_all_seeds_and_not_over_an_unlucky_one() -> None:
    row = {"experiment": "smaller", "gain": 0.02, "gain_low": 0.01, "gain_high": 0.03}
    others = [{"experiment": "seed", "setting": str(seed), "gain": 0.03} for seed in (1, 2)]
    gain, low, high = widened(example_trials(row, *others), row)
    assert gain == pytest.approx(0.0)
    assert low < -0.01
    assert high > 0.01


@pytest.mark.parametrize(
    ("gain", "low", "is_found"), [(-0.005, -0.025, True), (-0.005, -0.04, False), (-0.02, -0.025, False)]
)
def test_a_network_is_too_large_where_half_of_it_loses_a_point_at_most_and_surely_not_three(
    gain: float, low: float, is_found: bool
) -> None:
    row = {"experiment": "smaller", "gain": gain, "gain_low": low, "gain_high": 0.01, "parameters": 25_000}
    assert (look_for_large(example_trials(row)) is not None) == is_found


def test_doubted_labels_are_good_to_know_where_learning_without_them_was_no_better() -> None:
    sick = label_errors.sick()
    assert levels(sick) == ["warning"]
    cleaned = {"experiment": "cleaned", "setting": "8", "gain": -0.015, "gain_low": -0.03, "gain_high": -0.001}
    assert levels(example_trials(cleaned, of=sick)) == ["info"]
    assert levels(example_trials({**cleaned, "gain": 0.01}, of=sick)) == ["warning"]
    assert levels(example_trials({**cleaned, "setting": "0"}, of=sick)) == ["warning"]  # there was nothing to leave out


def levels(record: Record) -> list[str]:
    """Of what is said about labels."""
    found = label_errors.look(record)
    return [] if found is None else [found.level]


def test_a_network_that_needs_centre_and_border_takes_no_shortcut() -> None:
    both = [{"experiment": "hidden", "setting": where, "gain": -0.5} for where in ("centre", "border")]
    assert look_for_shortcut(example_trials(*both)) is None


def alone(border: float, centre: float) -> Record:
    """Linear models of one part alone, by what they gain over the network's 90 %; the constant answer has 10 %."""
    parts = (("border alone", border), ("centre alone", centre))
    return example_trials(*({"experiment": "hidden", "setting": where, "gain": gain} for where, gain in parts))


def test_a_border_that_tells_the_class_by_itself_is_a_shortcut() -> None:
    found = look_for_shortcut(alone(border=-0.02, centre=-0.3))
    assert found is not None
    assert (
        "reaches 98% of what the best model that sees all has over the constant answer, and 62% where" in found.message
    )


@pytest.mark.parametrize(("border", "centre"), [(-0.2, -0.4), (-0.02, -0.02), (-0.02, 0.01)])
def test_a_border_that_tells_less_or_no_more_than_the_centre_is_none(border: float, centre: float) -> None:
    assert look_for_shortcut(alone(border, centre)) is None


def test_an_input_alone_is_not_useless() -> None:
    record = example_inputs(of=example_steps())
    assert record.inputs is not None
    assert look_for_useless(record.also(inputs=record.inputs.drop("drop"))) is None


def test_swapped_labels_are_the_doubted_ones() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 3, 300)
    given = truth.copy()
    swapped = draw.permutation(300)[:12]
    given[swapped] = (given[swapped] + 1) % 3
    probability = np.full((300, 3), 0.01)
    probability[np.arange(300), truth] = 0.98
    assert sorted(np.flatnonzero(doubts(probability, given))) == sorted(swapped)


def test_labels_of_which_an_item_may_have_several_are_no_classes() -> None:
    tags = [["red"], ["red", "large"], [], ["large"]] * 20
    items = pl.DataFrame(
        {
            "model": ["network"] * 80,
            "hash": [str(row) for row in range(80)],
            "name": [str(row) for row in range(80)],
            "target": tags,
            "predicted": tags[1:] + tags[:1],
            "probability": [[0.9, 0.8]] * 80,
            "loss": [0.1] * 80,
        }
    )
    assert class_answers(Record(items=items)).is_empty()
    assert label_errors.look(Record(items=items)) is None


def test_gradients_that_have_nothing_in_common_are_said_without_a_number() -> None:
    noisy = {"gradient__shared": [-0.1] * 10, "gradient__square": [1.0] * 10, "train__loss_noise": [0.5] * 10}
    record = replace(example_steps(**noisy), choices={"training.batch_size": 4})
    finding = look_for_small(record)
    assert finding is not None
    assert "have nothing in common" in finding.message
    assert "inf" not in finding.message
    assert "noise_scale" not in json.dumps(dict(finding.evidence), allow_nan=False)


def test_a_batch_larger_than_the_data_is_told_as_what_it_takes() -> None:
    steps = example_steps(step=list(range(2, 22, 2)), gradient__square=1.0, gradient__shared=0.5)
    record = example_inputs(of=steps).also(choices={"training.batch_size": 4096})
    finding = look_for_large_batch(record)
    assert finding is not None
    assert "With 400 items an update" in finding.message
    assert finding.remedies == ("--set training.batch_size=100",)


def mice(right: dict[str, list[int]]) -> Record:
    """Forty photos of each mouse, and of each model how many of them it gets right."""
    truth = ["cat", "dog"] * 20
    other = {"cat": "dog", "dog": "cat"}
    said = {
        model: [(name, name if row < count else other[name], 0.8) for count in counts for row, name in enumerate(truth)]
        for model, counts in right.items()
    }
    return example_classes(said)


def of_mice(record: Record) -> Record:
    """The same, saying which photos are of one mouse."""
    assert record.items is not None
    number = pl.col("name").str.strip_suffix(".png").cast(pl.Int64) // 40
    return record.also(items=record.items.with_columns(group=pl.format("mouse {}", number)))


def test_items_of_one_group_tell_of_one_and_the_interval_is_that_of_scipy() -> None:
    counts = [30, 40, 12, 36, 28, 40, 8, 38, 22, 34]
    record = mice({"network": counts, "linear": [36, 30, 30, 30, 40, 30, 30, 40, 30, 40]})
    alone, found = (gain(one, "right", ["linear"]) for one in (record, of_mice(record)))
    assert alone is not None
    assert found is not None
    assert (alone.items, alone.groups, found.items, found.groups) == (400, 400, 400, 10)
    apart = (np.array(counts) - [36, 30, 30, 30, 40, 30, 30, 40, 30, 40]) / 40
    theirs = stats.ttest_1samp(apart, 0).confidence_interval(0.95)
    assert found.mean == pytest.approx(apart.mean())
    assert (found.low, found.high) == pytest.approx(tuple(theirs), rel=0.01)
    assert found.of - found.over == pytest.approx(found.mean)
    assert found.high - found.low > 2 * (alone.high - alone.low)


def test_groups_that_differ_are_no_proof_that_a_simple_model_is_better() -> None:
    record = mice({"network": [40] * 6 + [8] * 4, "linear": [30] * 10})
    assert beaten_by_simple.look(record) is not None
    assert beaten_by_simple.look(of_mice(record)) is None
    always = of_mice(mice({"network": [30, 32] * 5, "linear": [38] * 10}))
    assert beaten_by_simple.look(always) is not None


@pytest.mark.parametrize(
    ("network", "linear", "of", "is_found"),
    [(6, 24, 24, True), (17, 24, 24, True), (18, 24, 24, False), (0, 7, 7, True), (0, 6, 6, False), (26, 30, 30, True)],
)
def test_few_items_tell_that_a_simple_model_is_better_where_an_exact_interval_does(
    network: int, linear: int, of: int, *, is_found: bool
) -> None:
    said = {"network": beaten_by_simple._answers(network, of), "linear": beaten_by_simple._answers(linear, of)}
    found = beaten_by_simple.look(example_classes(said))
    assert (found is not None) == is_found
    if found is not None and of == 24:
        assert f"on the same 24 validation items it has 100.0% right, the network {network / 24:.1%}" in found.message


def test_of_few_items_chance_is_hardly_ever_called_a_better_model() -> None:
    draw = np.random.default_rng(0)
    calls = 0
    for _ in range(200):
        right = {name: draw.random(24) < 0.6 for name in ("network", "linear", "boosted_trees")}
        said = {
            name: [("cat", "cat" if one else "dog", 0.8) for one in answers.tolist()] for name, answers in right.items()
        }
        calls += beaten_by_simple.look(example_classes(said)) is not None
    assert calls <= 5  # of 200: at most one in forty


def test_a_few_groups_that_are_apart_alike_by_chance_prove_nothing() -> None:
    """Each of two mice has one photo more right: their means agree, and two photos of eighty are what there is."""
    record = mice({"network": [30, 30], "linear": [31, 31]})
    found = gain(of_mice(record), "right", ["linear"])
    assert found is not None
    assert found.low < found.mean < 0 < found.high
    assert beaten_by_simple.look(of_mice(record)) is None


def test_a_copy_under_another_class_is_an_item_of_its_own() -> None:
    rows = [
        {
            "model": model,
            "hash": f"{item // 2:032x}",
            "name": f"{item}.png",
            "loss": 0.1,
            "target": target,
            "predicted": "cat",
        }
        for model, order in (("network", range(80)), ("linear", reversed(range(80))))
        for item, target in ((item, ("cat", "dog")[item % 2]) for item in order)
    ]
    found = gain(Record(items=pl.DataFrame(rows)), "right", ["linear"])
    assert found is not None
    assert (found.mean, found.items, found.groups) == (0.0, 80, 40)


def test_one_group_proves_nothing() -> None:
    record = of_mice(mice({"network": [10], "linear": [40]}))
    assert gain(record, "right", ["linear"]) is None


def test_an_item_without_a_group_is_its_own() -> None:
    record = mice({"network": [30, 20], "linear": [35, 25]})
    assert record.items is not None
    named = record.also(items=record.items.with_columns(group=pl.lit(None, pl.String)))
    assert gain(named, "right", ["linear"]) == gain(record, "right", ["linear"])


@pytest.mark.parametrize(
    ("name", "choices", "told", "advised"),
    [
        ("dead_units", {}, "take another network", "--model"),
        (
            "dead_units",
            {"model.activation": "relu"},
            "model.activation=leaky_relu",
            "--set model.activation=leaky_relu",
        ),
        ("saturated_units", {}, "take another network", "--model"),
        ("saturated_units", {"model.activation": ""}, "without bounds with --set", "--set model.activation=leaky_relu"),
        ("vanishing_gradient", {}, "take a network of fewer layers", "--model"),
        (
            "vanishing_gradient",
            {"model.activation": ""},
            "Normalise the layers, or",
            "--set model.activation=leaky_relu",
        ),
        ("vanishing_gradient", {"model.has_norm": False}, "layers with --set", "--set model.has_norm=true"),
    ],
)
def test_advice_names_a_choice_only_where_the_network_has_it(
    name: str, choices: dict[str, object], told: str, advised: str
) -> None:
    check = plugins.load("checks", name)
    found = check.look(check.sick().also(choices=choices))
    assert told in found.message
    assert advised in found.remedies


def test_smaller_first_weights_are_a_choice_of_an_own_network() -> None:
    record = example_steps(first__gradient_ratio=100.0)
    look_for_exploding = plugins.load("checks", "exploding_gradient").look
    assert "Draw smaller weights" in look_for_exploding(record).message
    own = look_for_exploding(record.also(choices={"model.begins": "given"}))
    assert "--set model.begins=drawn" in own.message
