"""Several labels an item: metrics against scikit-learn, thresholds by label, labels read from cells."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from sklearn import metrics as sklearn_metrics
from torch.nn import functional

from penjing.batch import Batch
from penjing.core.errors import DataError, UsageError
from penjing.tasks import tag
from penjing.tasks.tag import head
from penjing.tasks.tag.head import Head, loss

DRAWS = np.random.default_rng(0)
TRUTH = (DRAWS.random((400, 4)) < [0.5, 0.3, 0.1, 0.04]).astype(np.int8)
LOGITS = (DRAWS.normal(0, 1.0, TRUTH.shape) + 2.0 * TRUTH - 1.5).astype(np.float32)
ANSWER = np.round(tag.answer(LOGITS), 2)  # with ties


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1", "subset_accuracy", "mean_average_precision", "log_loss"])
def test_a_metric_agrees_with_scikit_learn_weighted_and_not(name: str) -> None:
    weight = np.random.default_rng(1).integers(0, 3, 400).astype(np.float64)
    found = tag.metric(name)
    for given in (np.ones(400), weight):
        expected = _of_scikit_learn(name, given)
        assert found.combine(found.prepare(TRUTH, ANSWER), given) == pytest.approx(expected, rel=1e-5)


def _of_scikit_learn(name: str, weight: np.ndarray) -> float:
    taken = (ANSWER >= 0.5).astype(np.int8)
    if name == "subset_accuracy":
        return float(sklearn_metrics.accuracy_score(TRUTH, taken, sample_weight=weight))
    if name == "mean_average_precision":
        return float(sklearn_metrics.average_precision_score(TRUTH, ANSWER, sample_weight=weight))
    if name == "log_loss":
        each = [
            sklearn_metrics.log_loss(TRUTH[:, k], ANSWER[:, k].astype(float), sample_weight=weight) for k in range(4)
        ]
        return float(np.mean(each))
    return float(sklearn_metrics.f1_score(TRUTH, taken, average=name.split("_")[0], sample_weight=weight))


def test_a_label_that_nobody_has_and_nobody_is_given_does_not_count() -> None:
    truth, answer = np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.1], [0.2, 0.3]])
    assert tag.metric("macro_f1")(truth, answer) == 1.0
    assert tag.metric("mean_average_precision")(truth, answer) == 1.0


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1", "mean_average_precision"])
def test_where_nobody_has_a_label_a_metric_is_nothing_and_a_resample_without_one_is_left_out(name: str) -> None:
    truth, answer = np.zeros((3, 2), dtype=np.int8), np.full((3, 2), 0.1)
    if name != "mean_average_precision":  # of which scikit-learn warns that there is nothing to find
        taken, average = (answer >= 0.5).astype(np.int8), name.split("_")[0]
        assert sklearn_metrics.f1_score(truth, taken, average=average, zero_division=0.0) == 0.0
    found = tag.metric(name)
    assert found(truth, answer) == 0.0
    truth[0, 0], answer[0, 0] = 1, 0.9
    prepared = found.prepare(truth, answer)
    assert found.combine(prepared, np.ones(3)) == 1.0
    assert np.isnan(found.combine(prepared, np.array([0.0, 2.0, 1.0])))


def test_scores_have_intervals() -> None:
    for name in tag.REPORTED:
        found = tag.score(name, TRUTH, ANSWER, part="valid", groups=np.arange(400) // 8)
        assert found.low < found.value < found.high
        assert found.units == 50


def test_each_label_gets_the_threshold_of_its_best_f1() -> None:
    found = tag.choose_threshold(ANSWER, TRUTH, "f1", ["a", "b", "c", "d"])
    for label in range(4):
        has, probability = TRUTH[:, label], ANSWER[:, label]
        reached = sklearn_metrics.f1_score(has, probability >= found.values[label])
        best = max(sklearn_metrics.f1_score(has, probability >= level) for level in np.unique(probability))
        assert reached == pytest.approx(best)
    better = tag.metric("macro_f1", found)(TRUTH, ANSWER)
    assert better > tag.metric("macro_f1")(TRUTH, ANSWER)
    assert tag.Threshold.from_dict(found.to_dict()) == found


def test_a_handful_of_items_chooses_no_threshold() -> None:
    assert tag.choose_threshold(ANSWER[:12], TRUTH[:12], "f1", ["a", "b", "c", "d"]).values == (0.5,) * 4
    assert tag.choose_threshold(ANSWER, TRUTH, "none", ["a", "b", "c", "d"]).values == (0.5,) * 4
    with pytest.raises(UsageError, match='there is no rule for thresholds "f2"; known: f1, none'):
        tag.choose_threshold(ANSWER, TRUTH, "f2", ["a", "b", "c", "d"])


@pytest.mark.parametrize(
    "cells",
    [
        [["红", "b10"], ["b2"], [], None],
        ["红|b10", "b2", "", None],
        ["红; b10", " b2 ", "", None],
        ["红, b10", "b2", "", None],
    ],
)
def test_labels_are_read_from_lists_and_texts(cells: list[object]) -> None:
    names, truth = tag.encode(pl.Series("labels", cells))
    assert names == ("b2", "b10", "红")
    assert truth.dtype == np.int8
    assert truth.tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0], [-1, -1, -1]]
    assert tag.told(truth, names) == [["b10", "红"], ["b2"], [], None]


def test_a_label_that_is_not_known_is_passed_over() -> None:
    _, truth = tag.encode(pl.Series(["a;z", "z"]), ["a", "b"])
    assert truth.tolist() == [[1, 0], [0, 0]]
    assert tag.encode(pl.Series(["z"]), ["a"])[1].tolist() == [[0]]


def test_no_label_at_all_is_refused() -> None:
    with pytest.raises(DataError, match='no item has a label in "y"'):
        tag.encode(pl.Series("y", ["", None]))


def test_parts_are_dealt_by_combination_and_rare_labels_by_themselves() -> None:
    truth = np.array([[1, 0, 0]] * 20 + [[1, 1, 0]] * 20 + [[1, 0, 1]] * 2 + [[0, 1, 1]] * 2 + [[-1, -1, -1]])
    found = tag.stratify(truth)
    assert found[-1] == -1
    assert len(set(found[:20])) == len(set(found[20:40])) == 1
    assert len(set(found[40:44])) == 1  # two combinations, one rare label
    assert len(set(found)) == 4


def test_unbalanced_labels_are_noticed() -> None:
    truth = np.zeros((1000, 4), dtype=np.int8)
    truth[:, 0], truth[:400, 1], truth[:30, 2], truth[:3, 3] = 1, 1, 1, 1
    few, rare, always = tag.notices(truth, ["all", "many", "rare", "few"])
    assert few == "fewer than 10 items have the label few (3): too few to learn it or to measure it by"
    assert rare.startswith("few items have the label rare (3.0%); task.label_weights=balanced")
    assert always == "every item has the label all: it tells nothing"


def test_the_loss_is_binary_cross_entropy_and_weights_follow_the_counts() -> None:
    target, logits = torch.from_numpy(TRUTH), torch.from_numpy(LOGITS)
    batch, learned = Batch({}, {"y": target}, torch.arange(400)), tag.learn(TRUTH, ["a", "b", "c", "d"])
    plain = functional.binary_cross_entropy_with_logits(logits, target.float())
    torch.testing.assert_close(loss(logits, batch, tag.Settings(), learned), plain)
    counts = TRUTH.sum(axis=0)
    weight = np.clip((400 - counts) / counts, 1, 20).astype(np.float32)
    assert tag.weigh_labels(learned, "balanced") == pytest.approx(weight)
    heavier = functional.binary_cross_entropy_with_logits(logits, target.float(), pos_weight=torch.from_numpy(weight))
    torch.testing.assert_close(loss(logits, batch, tag.Settings(label_weights="balanced"), learned), heavier)


def test_label_weights_move_to_a_device_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is given something from the processor in the usual way is waited for."""
    made: list[str] = []
    monkeypatch.setattr(head, "weigh_labels", lambda *given: made.append(given[1]) or tag.weigh_labels(*given))
    head._label_weight.cache_clear()
    learned, settings = {"items": 90, "counts": [3, 60]}, tag.Settings(label_weights="balanced")
    batch = Batch({}, {"y": torch.tensor([[1, 0], [0, 1]])}, torch.arange(2))
    for place in ("cpu", "meta") * 2:
        device = torch.device(place)
        assert loss(torch.zeros(2, 2).to(device), batch.to(device), settings, learned).device == device
    assert made == ["balanced"] * 2
    assert loss(torch.zeros(2, 2), batch, settings, {**learned, "items": 61}) != loss(
        torch.zeros(2, 2), batch, settings, learned
    )


def test_one_temperature_calms_overconfident_labels() -> None:
    calm, loud = tag.calibrate(LOGITS, TRUTH)["temperature"], tag.calibrate(4 * LOGITS, TRUTH)["temperature"]
    assert loud == pytest.approx(4 * calm, rel=0.05)
    assert tag.answer(4 * LOGITS, {"temperature": loud}) == pytest.approx(
        tag.answer(LOGITS, {"temperature": calm}), abs=0.02
    )
    assert tag.answer(np.array([[-1e4, 1e4]])).tolist() == [[0.0, 1.0]]


def test_settings_that_cannot_be_are_named() -> None:
    with pytest.raises(UsageError, match='there is no setting label_weights "balance"; did you mean "balanced"'):
        tag.check_settings(tag.Settings(label_weights="balance"), ["a"])
    with pytest.raises(UsageError, match="there is no label to learn"):
        tag.check_settings(tag.Settings(), [])


def test_head_gives_one_logit_a_label() -> None:
    assert Head(5, 3)(torch.zeros(2, 5)).shape == (2, 3)
