"""Checks that read losses compare like with like: one unit, and what matters beside what can be told."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from penjing import checks
from penjing.checks import (
    beaten_by_simple,
    crawling,
    diverged,
    exploding_gradient,
    large_batch,
    not_learning,
    oscillating,
    overfit,
    stopped_early,
    trained_long,
    underfit,
)
from penjing.checks._examples import example_answers, example_classes, example_inputs, example_steps
from penjing.core.finding import Finding
from penjing.core.record import Record

LAYERS = ("first", "second", "third", "last")


def numbers(said: dict[str, np.ndarray], truth: np.ndarray) -> pl.DataFrame:
    """What models answered where numbers are learned: losses are how far off they were."""
    frames = [
        pl.DataFrame(
            {
                "model": model,
                "hash": [f"{row:032x}" for row in range(len(truth))],
                "target": truth,
                "predicted": answer,
                "probability": [[one] for one in answer.tolist()],
                "loss": np.abs(truth - answer),
            }
        )
        for model, answer in said.items()
    ]
    return pl.concat(frames)


def drawn(share: float, items: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """A target, and an answer that explains this share of it."""
    seen, rest = np.random.default_rng(0).normal(size=(2, items))
    return share**0.5 * seen + (1 - share) ** 0.5 * rest, share**0.5 * seen


def level(finding: Finding | None) -> str:
    """How grave it is, "" where nothing was found."""
    return "" if finding is None else finding.level


def ratios(value: float) -> dict[str, float]:
    """Updates of that size, beside the weights, in every layer."""
    return {f"layer__{layer}__update_ratio": value for layer in LAYERS}


def test_the_loss_of_the_mean_is_told_in_the_unit_of_the_curves() -> None:
    """Curves are root mean squares; items have absolute errors, whose mean is a fifth less."""
    truth, _ = drawn(0.3)
    record = Record(items=numbers({"mean": np.full(len(truth), truth.mean())}, truth))
    assert checks.constant_loss(record) == pytest.approx(truth.std())
    assert checks.constant_loss(example_answers([0.5] * 10, [0.6, 0.8] * 5)) == pytest.approx(0.7)


def test_a_small_share_of_a_number_is_better_than_the_constant_answer() -> None:
    """An R² of 0.3: its root mean square is above the mean absolute error of the mean."""
    truth, answer = drawn(0.3)
    rmse = float(np.sqrt(((truth - answer) ** 2).mean()))
    assert rmse > np.abs(truth).mean()
    steps = example_steps(
        train__loss=[0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0.2, 0.15, 0.1, 0.05],
        valid__loss=[1.0, 0.9, rmse, rmse, 0.9, 1.0, 1.0, 1.05, 1.1, 1.15],
        value=[0.0, 0.2, 0.3, 0.3, 0.2, 0.0, 0.0, -0.1, -0.2, -0.3],
    )
    items = numbers({"network": answer, "mean": np.zeros(len(truth))}, truth)
    found = overfit.look(Record(steps=steps.steps, items=items))
    assert level(found) == "info"
    shuffled = numbers({"network": answer[::-1], "mean": np.zeros(len(truth))}, truth)
    assert level(overfit.look(Record(steps=steps.steps, items=shuffled))) == "warning"


def test_a_network_that_is_too_sure_in_its_curves_is_judged_by_its_calibrated_answers() -> None:
    """0.62 right of three classes; while it trained its losses were above that of the constant answer."""
    names = ["a", "b", "c"] * 100
    rows = [
        {
            "model": model,
            "hash": f"{row:032x}",
            "target": name,
            "predicted": name if row % 50 < right else "a",
            "probability": [0.6, 0.2, 0.2],
            "loss": -np.log(sure) if row % 50 < right else -np.log((1 - sure) / 2),
        }
        for model, right, sure in (("network", 31, 0.62), ("majority", 17, 1 / 3))
        for row, name in enumerate(names)
    ]
    steps = example_steps(
        train__loss=[1.0, 0.5, 0.2, 0.1, 0.05, 0.04, 0.03, 0.02, 0.01, 0.01],
        valid__loss=[1.4, 1.3, 1.3, 1.5, 1.6, 1.7, 1.7, 1.8, 1.8, 1.8],
        value=0.62,
    )
    assert level(overfit.look(Record(steps=steps.steps, items=pl.DataFrame(rows)))) == "info"


@pytest.mark.parametrize(
    ("loss", "expected"), [("half_squared", 0.5), ("huber", 0.5), ("absolute", 1.0), ("small huber", 0.2)]
)
def test_the_loss_of_no_training_is_that_of_the_loss_that_is_learned(loss: str, expected: float) -> None:
    choices = {"task.name": "regress", "task.loss": loss.removeprefix("small "), "task.delta": 1.0}
    choices |= {"task.delta": 0.2} if loss.startswith("small") else {}
    record = example_steps().also(choices=choices)
    assert checks.untrained_loss(record) == expected
    normal = stats.norm.expect({"half_squared": lambda z: z**2 / 2, "absolute": abs}.get(loss, lambda _: 0.0))
    assert normal <= expected + 1e-9  # what it is of a normal target


def of_a_rare_class(first_loss: float) -> Record:
    """A hundred items, one of which is a dog: the constant answer has a loss of 0.056, a network that gives both
    classes the same one of 0.69."""
    names = ["cat"] * 99 + ["dog"]
    said = {"majority": [(name, "cat", 0.99) for name in names], "network": [(name, "cat", 0.5) for name in names]}
    choices = {"task.name": "classify", "task.loss": "cross_entropy"}
    return example_steps(first__loss=first_loss).also(items=example_classes(said).items, choices=choices)


def test_of_a_rare_class_a_network_that_gives_all_the_same_knows_nothing() -> None:
    record = of_a_rare_class(0.73)
    assert checks.constant_loss(record) == pytest.approx(0.056, abs=0.001)
    assert checks.untrained_loss(record) == pytest.approx(np.log(2))
    assert exploding_gradient.look(record) is None
    found = exploding_gradient.look(of_a_rare_class(8.0))
    assert found is not None
    assert "the untrained network has a loss of 8, one that knows nothing 0.693" in found.message


def test_numbers_are_learned_by_heart_where_a_simple_model_is_better() -> None:
    truth, answer = drawn(0.6)
    items = numbers({"network": 0.2 * answer, "boosted_trees": answer, "mean": np.zeros(len(truth))}, truth)
    steps = example_steps(train__loss=[0.9] + [0.15] * 9, valid__loss=[1.0] + [0.95] * 9)
    found = overfit.look(Record(steps=steps.steps, items=items))
    assert found is not None
    assert "where a simple model is better" in found.message
    without = items.filter(pl.col("model") != "boosted_trees")
    assert overfit.look(Record(steps=steps.steps, items=without)) is None


@pytest.mark.parametrize(("share", "better", "is_found"), [(0.5, 0.504, False), (0.5, 0.6, True), (0.99, 0.999, False)])
def test_a_simple_model_that_explains_hardly_more_of_a_number_is_no_trouble(
    share: float, better: float, is_found: bool
) -> None:
    """All of these are clear: ten thousand items, each of them a little better."""
    truth, _ = drawn(0.5, 10_000)
    errors = np.random.default_rng(1).normal(size=len(truth))
    said = {name: truth - (1 - r2) ** 0.5 * errors for name, r2 in (("network", share), ("linear", better))}
    items = numbers({**said, "mean": np.zeros(len(truth))}, truth)
    found = checks.gain(Record(items=items), "loss", ["linear"])
    assert found is not None
    assert found.high < 0
    assert (beaten_by_simple.look(Record(items=items)) is not None) == is_found


def test_learning_nothing_is_an_error_only_where_a_gain_is_excluded() -> None:
    few = example_answers(network=[0.2, 1.6] * 6, constant=[0.69] * 12)
    assert level(not_learning.look(few)) == "warning"
    better = example_answers(network=[0.1, 1.2] * 6, constant=[0.69] * 12)
    assert level(not_learning.look(better)) == "info"
    many = example_answers(network=[0.2, 1.6] * 100, constant=[0.69] * 200)
    assert level(not_learning.look(many)) == "error"
    unsure = example_answers(network=[0.0, 1.39] * 60, constant=[0.69] * 120)
    assert level(not_learning.look(unsure)) == "warning"


def test_what_all_updates_together_moved_decides_whether_it_crawled() -> None:
    creeping = [1.2 - 0.01 * row for row in range(10)]
    many = example_steps(step=list(range(10_000, 110_000, 10_000)), train__loss=creeping, **ratios(9e-5))
    assert crawling.look(many) is None  # nine times the weights
    few = example_steps(step=list(range(2, 22, 2)), train__loss=creeping, **ratios(5e-4))
    found = crawling.look(few)
    assert found is not None
    assert "20 updates together moved a layer's weights by 1.0% of their size" in found.message
    assert found.evidence["update_ratio"] == pytest.approx(5e-4)
    assert "the training loss went from 1.2 to 1.11 only" in found.message
    risen = [1.0, *(2.0 - 0.01 * row for row in range(9))]
    found = crawling.look(example_steps(step=list(range(2, 22, 2)), train__loss=risen, **ratios(5e-4)))
    assert found is not None
    assert "the training loss did not fall (from 1 to 1.92)" in found.message


def early(losses: list[float], noise: float, **choices: str) -> Finding | None:
    """Twenty updates of forty items, two passes; the losses of their batches, and how these scatter."""
    steps = example_steps(
        step=list(range(2, 22, 2)),
        train__running_loss=losses,
        train__loss=losses[0],
        valid__loss=losses[0],
        train__loss_noise=noise,
        first__loss=losses[0],
    )
    known = {name.replace("__", "."): value for name, value in choices.items()}
    return stopped_early.look(example_inputs(of=steps).also(choices={"training.batch_size": 40, **known}))


def test_a_small_fall_is_learning_where_it_is_more_than_batches_scatter() -> None:
    """Near the logarithm of the number of classes, and with smoothed labels, losses fall by little."""
    slow = [2.30 - 0.01 * row for row in range(10)]
    assert early(slow, noise=0.01) is not None
    assert early(slow, noise=0.2) is None
    assert early([2.3, 2.29, *[2.28] * 8], noise=0.001) is None


def test_what_is_left_to_learn_of_numbers_is_told_of_errors_and_not_of_their_squares() -> None:
    """A tenth of the squared error is a third of the error; the squares fall by a fifth over the last third."""
    falling = [0.5, 0.4, 0.3, 0.2, 0.1, 0.08, 0.07, 0.06, 0.055, 0.05]
    half = {"task__name": "regress", "task__loss": "half_squared"}
    assert early(falling, noise=0.001, **half) is not None
    assert early(falling, noise=0.001, task__name="classify", task__loss="cross_entropy") is None


def test_a_fall_by_next_to_nothing_is_no_early_stop() -> None:
    falling = [0.02 * 0.85**row for row in range(10)]
    steps = example_steps(train__loss=falling, valid__loss=[loss * 1.02 for loss in falling])
    assert stopped_early.look(steps) is not None  # what there is to learn is not known
    answers = example_answers(network=[0.01] * 20, constant=[2.3] * 20)
    assert stopped_early.look(Record(steps=steps.steps, items=answers.items)) is None


def lost(*rows: int) -> Record:
    """Ten evaluations, of which these have no loss that is a number."""
    names = [["train/running_loss", "train/loss"] if row in rows else None for row in range(10)]
    falling = [None if row in rows else 1.5 * 0.9**row for row in range(10)]
    return example_steps(train__loss=falling, train__running_loss=falling, valid__loss=falling, non_finite=names)


def test_a_training_has_diverged_when_its_last_loss_is_no_number() -> None:
    assert diverged.look(lost(3)) is None
    assert diverged.look(lost(3, 4, 8)) is None
    found = diverged.look(lost(3, 8, 9))
    assert found is not None
    assert found.evidence == {"step": 900, "evaluations_before": 8}
    never = diverged.look(lost(*range(10)))
    assert never is not None
    assert "no weights of before are kept" in never.message


def test_evaluations_after_one_lost_batch_are_read() -> None:
    assert checks.sound_steps(lost(3))["step"].to_list() == [100, 200, 300, *range(500, 1100, 100)]
    assert stopped_early.look(lost(3)) is not None


def test_after_a_divergence_few_updates_are_its_consequence() -> None:
    record = lost(*range(5, 10))
    assert record.steps is not None
    steps = record.steps.with_columns(pl.col("step") // 50, **{"gradient/square": 1.0, "gradient/shared": 0.97})
    whole = Record(steps=steps, choices={"training.batch_size": 0})
    names = ["diverged", "stopped_early", "large_batch"]
    levels = {one.name: one.level for one in checks.examine(whole, names) if isinstance(one, Finding)}
    assert levels == {"diverged": "error", "stopped_early": "info", "large_batch": "info"}
    assert level(large_batch.look(whole)) == "warning"


def test_gradients_explode_beside_those_of_a_network_that_knew_nothing() -> None:
    small = [0.1, 0.02, 0.01, 0.01, 0.01, 5.0, 0.01, 0.01, 0.01, 0.01]
    assert exploding_gradient.look(example_steps(gradient__norm=small)) is not None
    settled = [30.0, 5.0, 0.1, 0.01, 0.01, 20.0, 0.01, 0.01, 0.01, 0.01]
    assert exploding_gradient.look(example_steps(gradient__norm=settled)) is None


def test_a_loss_that_leapt_up_between_evaluations_is_seen() -> None:
    largest = [1.4, 1.0, 0.9, 0.8, 40.0, 0.7, 0.6, 0.5, 0.5, 0.5]
    choices = {"task.name": "classify", "training.batch_size": 32}
    spiked = example_steps(train__largest_loss=largest, first__loss=1.3, first__update_ratio=0.01)
    found = exploding_gradient.look(spiked.also(choices=choices))
    assert found is not None
    assert "a batch had a loss of 40, 31 times that of the untrained network" in found.message
    assert exploding_gradient.look(spiked.also(choices={**choices, "training.batch_size": 2})) is None
    calm = example_steps(train__largest_loss=1.4, first__loss=1.3, first__update_ratio=0.01)
    assert exploding_gradient.look(calm.also(choices=choices)) is None


def test_targets_far_away_are_near_enough_where_their_logarithm_is_learned() -> None:
    sick = example_inputs(
        {"role": "target", "column": "price", "least": 1.0, "most": 9e4, "centre": 60.0, "half": 20.0}
    )
    assert sick.inputs is not None
    only = sick.inputs.filter((pl.col("role") == "input") | (pl.col("column") == "price"))
    record = Record(inputs=only, steps=example_steps().steps, choices={"task.name": "regress"})
    assert exploding_gradient.look(record) is not None
    logs = record.also(choices={"task.name": "regress", "task.target_transform": "log"})
    assert exploding_gradient.look(logs) is None


@pytest.mark.parametrize(
    ("transform", "far", "is_told"), [("none", None, True), ("log", 3.0, False), ("log", 8.4, True)]
)
def test_targets_far_away_are_told_where_the_logarithm_that_is_learned_is_far_too(
    transform: str, far: float | None, is_told: bool
) -> None:
    """By default the data choose, and slips alone make numbers so skewed that their logarithms are learned."""
    price = {"role": "target", "column": "price", "least": 1.0, "most": 9e4, "centre": 60.0, "half": 20.0}
    sick = example_inputs(price)
    assert sick.inputs is not None
    only = sick.inputs.filter((pl.col("role") == "input") | (pl.col("column") == "price"))
    only = only.with_columns(transform=pl.lit(transform), far=pl.lit(far, pl.Float64))
    choices = {"task.name": "regress", "task.target_transform": "auto"}
    found = exploding_gradient.look(Record(inputs=only, steps=example_steps().steps, choices=choices))
    assert (found is not None) == is_told
    if found is not None:
        assert ("even of those it is 8 times as far" in found.message) == (transform == "log")


def test_gradients_and_losses_of_nothing_do_not_explode() -> None:
    choices = {"task.name": "classify", "training.batch_size": 32}
    still = example_steps(gradient__norm=0.0, train__largest_loss=0.0, first__loss=0.0, first__update_ratio=0.0)
    assert exploding_gradient.look(still.also(choices=choices)) is None
    assert exploding_gradient.look(example_steps(gradient__norm=[2.0] + [0.0] * 9)) is None
    assert exploding_gradient.look(example_steps(gradient__norm=[0.0] * 9 + [3.0])) is not None


def test_a_leap_says_of_the_loss_only_what_it_did() -> None:
    running = [0.92, 0.8, 0.7, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    calm = oscillating.look(example_steps(train__running_loss=running, first__loss=2.3, first__update_ratio=3.8))
    assert calm is not None
    assert "380% of their size. Lower" in calm.message
    once = example_steps(
        train__running_loss=running,
        train__largest_loss=[23.0, *[1.0] * 9],
        first__loss=2.3,
        first__update_ratio=0.5,
    )
    found = oscillating.look(once)
    assert found is not None
    assert "the loss was 23 then, 10.0 times that of the untrained network" in found.message
    scatter = example_steps(train__largest_loss=[3.5, *[1.0] * 9], first__loss=2.3, first__update_ratio=0.5)
    assert oscillating.look(scatter) is None


def test_what_was_no_trouble_stays_none() -> None:
    """The healthy classes of the examples, by all checks that were made to compare in one unit."""
    right = [("cat", "cat", 0.9), ("dog", "dog", 0.9)] * 50
    items = example_classes({"network": right, "linear": right, "majority": right[:1] * 50 + right[1:2] * 50}).items
    record = Record(steps=example_steps().steps, items=items)
    for check in (overfit, trained_long, stopped_early, oscillating, underfit, beaten_by_simple, crawling):
        assert check.look(record) is None
