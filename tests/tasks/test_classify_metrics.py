"""Metrics held against scikit-learn, thresholds and temperature against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from sklearn.calibration import calibration_curve

from penjing.core.errors import UsageError
from penjing.tasks.classify import (
    METRICS,
    Settings,
    Threshold,
    check_settings,
    choose_threshold,
    confusion,
    decode,
    learn_temperature,
    metric,
    predict,
    reliability,
    score,
    softmax,
    weigh_classes,
)


def some(items: int = 300, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    truth = draws.choice(classes, size=items, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    logits = draws.normal(size=(items, classes)) + 1.5 * np.eye(classes)[truth]
    return truth, softmax(logits)


TRUTH, PROBABILITY = some()
PREDICTED = PROBABILITY.argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", sklearn_metrics.accuracy_score(TRUTH, PREDICTED)),
        ("balanced_accuracy", sklearn_metrics.balanced_accuracy_score(TRUTH, PREDICTED)),
        ("macro_f1", sklearn_metrics.f1_score(TRUTH, PREDICTED, average="macro")),
        ("log_loss", sklearn_metrics.log_loss(TRUTH, PROBABILITY)),
        ("brier", sklearn_metrics.brier_score_loss(TRUTH, PROBABILITY, scale_by_half=False)),
    ],
)
def test_metric_agrees_with_scikit_learn(name: str, expected: float) -> None:
    assert metric(name)(TRUTH, PROBABILITY) == pytest.approx(expected, abs=1e-6)


def test_metrics_of_decisions_agree_with_scikit_learn_where_a_class_is_missing() -> None:
    truth, predicted = np.array([0, 0, 2, 2]), np.array([0, 1, 2, 0])
    probability = np.eye(4)[predicted]
    assert metric("macro_f1")(truth, probability) == pytest.approx(
        sklearn_metrics.f1_score(truth, predicted, average="macro")
    )
    # scikit-learn warns here and leaves the absent class out, as we do.
    assert metric("balanced_accuracy")(truth, probability) == pytest.approx(0.5)


def test_calibration_error_agrees_with_scikit_learns_bins_of_equal_mass() -> None:
    truth, probability = some(items=3000)
    right = probability.argmax(axis=1) == truth
    accuracy, confidence = calibration_curve(right, probability.max(axis=1), n_bins=15, strategy="quantile")
    # 3,000 items in 15 bins hold 200 each, so the mean of the bins is the weighted mean.
    assert metric("calibration_error")(truth, probability) == pytest.approx(
        np.abs(accuracy - confidence).mean(), abs=2e-3
    )


def test_calibration_error_does_not_depend_on_the_order_of_equally_sure_items() -> None:
    truth = np.repeat([0, 1], [70, 30])
    probability = np.tile([0.7, 0.3], (100, 1))
    assert metric("calibration_error")(truth, probability) == pytest.approx(0.0, abs=1e-9)


def test_reliability_bars_hold_every_item_once_and_rise() -> None:
    bars = reliability(TRUTH, PROBABILITY)
    assert sum(bar.items for bar in bars) == len(TRUTH)
    assert [bar.confidence for bar in bars] == sorted(bar.confidence for bar in bars)
    assert len(bars) == 15


@pytest.mark.parametrize("name", sorted(METRICS))
def test_weighing_an_item_twice_is_the_same_as_giving_it_twice(name: str) -> None:
    found = metric(name)
    weight = np.random.default_rng(5).integers(0, 3, size=len(TRUTH))
    rows = np.repeat(np.arange(len(TRUTH)), weight)
    weighed = found.combine(found.prepare(TRUTH, PROBABILITY), weight.astype(float))
    assert weighed == pytest.approx(found(TRUTH[rows], PROBABILITY[rows]), abs=1e-9)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_score_lies_in_its_interval_and_in_the_metrics_bounds(name: str) -> None:
    found = score(name, TRUTH, PROBABILITY, part="valid")
    assert found.low <= found.value <= found.high
    assert found.low >= metric(name).bounds[0]
    assert found.high <= metric(name).bounds[1]
    assert found.high > found.low


def test_a_perfect_balanced_accuracy_is_as_unsure_as_its_rarest_class() -> None:
    truth = np.array([0] * 99 + [1])
    perfect = score("balanced_accuracy", truth, np.eye(2)[truth], part="valid")
    assert perfect.value == 1.0
    assert perfect.low < 0.6


def test_confusion_agrees_with_scikit_learn() -> None:
    assert np.array_equal(confusion(TRUTH, PREDICTED, 4), sklearn_metrics.confusion_matrix(TRUTH, PREDICTED))


def test_an_unknown_metric_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'there is no metric "acuracy"; did you mean "accuracy"\?'):
        metric("acuracy")


def test_an_own_metric_is_measured_and_resampled(tmp_path: Path) -> None:
    file = tmp_path / "我的.py"
    file.write_text(
        "def misses(truth, probability):\n    return (probability.argmax(1) != truth).mean()\n"
        "misses.is_higher_better = False\n",
        encoding="utf-8",
    )
    own = metric(f"{file}:misses")
    assert own(TRUTH, PROBABILITY) == pytest.approx(1 - metric("accuracy")(TRUTH, PROBABILITY))
    assert not own.is_higher_better
    found = score(f"{file}:misses", TRUTH, PROBABILITY, part="valid")
    assert found.low < found.value < found.high
    assert not found.is_higher_better


def test_an_own_metric_that_cannot_work_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(
        "def one(truth):\n    return 1\n\ndef word(truth, probability):\n    return 'good'\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"failed with TypeError: .*it is called with truth Int\[items\]"):
        metric(f"{file}:one")(TRUTH, PROBABILITY)
    with pytest.raises(UsageError, match="must return one number"):
        metric(f"{file}:word")(TRUTH, PROBABILITY)
    with pytest.raises(UsageError, match=r'has no function "wurd"; did you mean "word"\?'):
        metric(f"{file}:wurd")
    with pytest.raises(UsageError, match="cannot be loaded: FileNotFoundError"):
        metric(f"{tmp_path / 'none.py'}:word")
    with pytest.raises(UsageError, match="cannot be loaded: ModuleNotFoundError"):
        metric("no_such_module:word")


def test_softmax_survives_huge_logits_and_agrees_with_the_formula() -> None:
    assert softmax(np.array([[1e4, 0.0], [-1e4, 0.0]])).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    powers = np.exp(np.array([1.0, 2.0, 3.0]) / 2)
    assert softmax(np.array([[1.0, 2.0, 3.0]]), 2.0)[0] == pytest.approx(powers / powers.sum(), rel=1e-6)


def test_temperature_undoes_a_known_exaggeration() -> None:
    draws = np.random.default_rng(0)
    honest = draws.normal(size=(5000, 5)) * 1.5
    truth = np.array([draws.choice(5, p=row / row.sum()) for row in softmax(honest).astype(np.float64)])
    assert learn_temperature(honest * 3, truth) == pytest.approx(3.0, rel=0.08)
    assert learn_temperature(honest, truth) == pytest.approx(1.0, rel=0.08)


def test_temperature_is_the_least_log_loss_on_a_fine_grid() -> None:
    logits = np.log(PROBABILITY) * 2.5
    grid = np.linspace(0.5, 5, 451)
    losses = [metric("log_loss")(TRUTH, softmax(logits, temperature)) for temperature in grid]
    assert learn_temperature(logits, TRUTH) == pytest.approx(grid[np.argmin(losses)], abs=0.03)


def test_temperature_of_ten_perfect_items_claims_no_certainty() -> None:
    truth = np.arange(10) % 2
    assert 0.3 < learn_temperature(np.eye(2)[truth] * 4, truth) <= 1.0
    assert learn_temperature(np.eye(2)[truth] * 1000, truth) == pytest.approx(1.0, abs=0.01)
    assert learn_temperature(np.zeros((0, 2)), truth[:0]) == 1.0


def test_temperature_of_confident_mistakes_stays_in_its_bounds() -> None:
    truth = np.zeros(50, dtype=np.int64)
    assert 5 < learn_temperature(np.tile([0.0, 1e6], (50, 1)), truth) <= 10.0 + 1e-9


def two_classes(items: int = 400) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(7)
    truth = (draws.random(items) < 0.2).astype(np.int64)
    chance = 1 / (1 + np.exp(-(draws.normal(size=items) + 1.5 * truth - 1)))
    return truth, np.stack([1 - chance, chance], axis=1)


def test_threshold_for_f1_is_as_good_as_the_best_of_all() -> None:
    truth, probability = two_classes()
    found = choose_threshold(probability, truth, "f1", ["no", "yes"])
    best = max(sklearn_metrics.f1_score(truth, probability[:, 1] >= at) for at in np.unique(probability[:, 1]))
    assert sklearn_metrics.f1_score(truth, predict(probability, found)) == pytest.approx(best)


def test_threshold_for_costs_is_as_cheap_as_the_cheapest_of_all() -> None:
    truth, probability = two_classes()

    def cost(predicted: np.ndarray) -> float:
        return 5 * ((truth == 1) & (predicted == 0)).sum() + ((truth == 0) & (predicted == 1)).sum()

    found = choose_threshold(probability, truth, "cost:5:1", ["no", "yes"])
    levels = [*np.unique(probability[:, 1]), 1.1]
    assert cost(predict(probability, found)) == min(cost((probability[:, 1] >= at).astype(int)) for at in levels)
    assert found.value < choose_threshold(probability, truth, "cost:1:5", ["no", "yes"]).value


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=32)), min_size=1, max_size=12),
    st.sampled_from([1.0, 5.0, 0.01, 1000.0]),
)
def test_no_threshold_is_cheaper_whatever_the_probabilities(items: list[tuple[bool, float]], miss: float) -> None:
    truth = np.array([is_positive for is_positive, _ in items], dtype=np.int64)
    chance = np.array([value for _, value in items], dtype=np.float32)
    if truth.min() == truth.max():
        return

    def cost(taken: np.ndarray) -> float:
        return miss * ((truth == 1) & ~taken).sum() + ((truth == 0) & taken).sum()

    probability = np.stack([1 - chance, chance], axis=1)
    found = choose_threshold(probability, truth, f"cost:{miss}:1", ["no", "yes"], positive="yes")
    assert cost(predict(probability, found) == 1) == pytest.approx(min(cost(chance >= at) for at in [*chance, 2.0]))


def test_the_rarer_class_is_looked_for_unless_another_is_named() -> None:
    truth, probability = two_classes()
    flipped = probability[:, ::-1]
    assert choose_threshold(flipped, 1 - truth, "f1", ["癌", "正常"]).positive == 0
    assert choose_threshold(probability, truth, "f1", ["癌", "正常"], positive="癌").positive == 0
    assert choose_threshold(probability, truth, "f1", ["a", "b"]).positive == 1


def test_threshold_lies_in_the_middle_of_the_gap_that_parts_the_classes() -> None:
    probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    assert choose_threshold(probability, np.array([0, 0, 1, 1]), "f1", ["a", "b"]).value == pytest.approx(0.4)


def test_a_threshold_from_one_class_alone_is_one_half() -> None:
    probability = np.array([[0.9, 0.1], [0.8, 0.2]])
    assert choose_threshold(probability, np.array([0, 0]), "f1", ["a", "b"]).value == 0.5


def test_threshold_survives_json_and_moves_decisions() -> None:
    threshold = Threshold.from_dict(Threshold(1, 0.3, "f1").to_dict())
    probability = np.array([[0.6, 0.4], [0.9, 0.1]])
    assert decode(probability, ["ja", "nein"], threshold) == ["nein", "ja"]
    assert decode(probability, ["ja", "nein"]) == ["ja", "ja"]
    assert metric("accuracy", threshold)(np.array([1, 0]), probability) == 1.0


@pytest.mark.parametrize("rule", ["cost", "cost:5", "cost:0:1", "cost:a:b", "cost:1:2:3", "cost:inf:1", "f2", ""])
def test_a_rule_that_is_none_is_refused_with_the_two_that_are(rule: str) -> None:
    with pytest.raises(UsageError, match='is not a rule for a threshold; write "f1", or "cost:5:1"'):
        check_settings(Settings(threshold=rule), ["a", "b"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Settings(loss="crossentropy"), 'there is no loss "crossentropy"; did you mean "cross_entropy"'),
        (Settings(class_weights="balance"), 'there are no class weights "balance"; did you mean "balanced"'),
        (Settings(label_smoothing=1.0), "label_smoothing is a share from 0 to below 1, not 1.0"),
        (Settings(metric="f1"), 'there is no metric "f1"'),
        (Settings(threshold="f1"), "a threshold needs two classes; these data have 3"),
    ],
)
def test_settings_that_cannot_be_are_named(wrong: Settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_settings(wrong, ["a", "b", "c"])


def test_a_positive_class_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match='there is no class "sick" to set a threshold for; there are a, b'):
        check_settings(Settings(threshold="f1", positive="sick"), ["a", "b"])
    check_settings(Settings(threshold="cost:5:1", positive="b"), ["a", "b"])


def test_balanced_class_weights_agree_with_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    expected = compute_class_weight("balanced", classes=np.arange(4), y=TRUTH)
    assert weigh_classes(np.bincount(TRUTH), "balanced") == pytest.approx(expected, rel=1e-6)
    assert weigh_classes([3, 0, 3], "balanced").tolist() == [1.0, 0.0, 1.0]


def test_a_resample_that_an_own_metric_cannot_tell_is_left_out() -> None:
    def both(truth: np.ndarray, probability: np.ndarray) -> float:
        if len(set(truth.tolist())) < 2:
            raise ValueError("one class")
        return float((probability.argmax(1) == truth).mean())

    truth = np.array([0, 0, 0, 0, 0, 1])
    probability = np.array([[0.9, 0.1]] * 3 + [[0.2, 0.8]] * 3)
    found = score(both, truth, probability, part="valid")
    assert found.value == pytest.approx(4 / 6)
    assert 0 <= found.low < found.value < found.high <= 1
    with pytest.raises(UsageError, match="failed with ValueError: one class"):
        metric(both)(truth[:5], probability[:5])
