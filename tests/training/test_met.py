"""What the record says of inputs, target and outputs is what scipy and a calculation by hand say."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from penjing.core import plugins
from penjing.core.files import write_json
from penjing.core.recipe import Choice, Machine, Recipe, Training
from penjing.core.run import open_run
from penjing.training import engine
from penjing.training._loader import Items
from penjing.training._met import Column, _group_classes, batch_told, distances, outputs_told, told, variation

ALONE = (None, None)


class Pictures:
    """Uint8 pictures in memory, as the cache hands them out."""

    def __init__(self, values):
        self.values = values

    def take(self, index):
        return self.values[index]


def problem():
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 160)
    pictures = (np.where(truth == 1, 160, 60)[:, None, None, None] + draw.integers(0, 90, (160, 8, 8, 1))).astype(
        np.uint8
    )
    learned = {"image": {"mean": [0.6], "std": [0.25]}}
    items = Items({"image": Pictures(pictures)}, {"label": truth})
    rows = np.arange(160)
    shape = {"image": (1, 8, 8)}
    return engine.Problem(items, {"image": "image"}, learned, shape, "label", ("dark", "light"), rows[:120], rows[120:])


def recipe(**training):
    plan = Training(**{"batch_size": 16, **training})
    return Recipe(model=Choice("cnn", {"width": 8}), training=plan, machine=Machine(threads=1)).filled()


def column(values, classes=False):
    values = np.asarray(values, dtype=np.float64)
    return Column(values[:, None], {"values": values}, classes)


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [(80, 60), (400, 400)])
def test_the_distance_of_two_samples_is_that_of_scipy(shift, size):
    draw = np.random.default_rng(1)
    one, other = draw.normal(size=size[0]), draw.normal(size=size[1]) + shift
    distance, chance = distances(one, other)
    theirs = stats.ks_2samp(one, other)
    assert distance == pytest.approx(theirs.statistic)
    assert chance == pytest.approx(theirs.pvalue, rel=0.25, abs=0.02)


def test_the_chance_of_other_shares_of_classes_is_that_of_scipy():
    draw = np.random.default_rng(1)
    one, other = (
        draw.integers(0, 5, 400).astype(float),
        draw.choice(5, 300, p=[0.24, 0.2, 0.2, 0.2, 0.16]).astype(float),
    )
    distance, chance = variation(one, other)
    counts = np.stack([np.bincount(part.astype(int), minlength=5) for part in (one, other)])
    assert chance == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue, rel=0.1)
    assert distance == pytest.approx(np.abs(counts[0] / 400 - counts[1] / 300).sum() / 2)


def test_samples_of_one_kind_are_told_apart_as_often_as_chance_says():
    draw = np.random.default_rng(2)
    chances = [distances(draw.normal(size=100), draw.normal(size=60))[1] for _ in range(200)]
    assert 2 <= sum(chance < 0.05 for chance in chances) <= 20


def test_a_column_is_summed_up():
    row = told(column([1.0, 2.0, 3.0, np.nan]), column([2.0, 2.0]), ALONE)
    assert row["centre"] == 2.0
    assert row["scale"] == pytest.approx(np.std([1, 2, 3]))
    assert (row["least"], row["most"], row["missing"], row["valid_missing"]) == (1.0, 3.0, 0.25, 0.0)
    assert row["varies"]


def test_what_is_the_same_for_all_does_not_vary():
    assert not told(column([7.0, 7.0, 7.0]), column([7.0]), ALONE)["varies"]
    assert told(column([7.0, np.nan, 7.0]), column([7.0]), ALONE)["varies"]
    picture = np.tile(np.arange(16.0), (5, 1))
    assert not told(Column(picture, {"level": picture.mean(1)}), Column(picture[:0], {}), ALONE)["varies"]


def test_a_column_that_drifts_is_told_from_one_that_does_not():
    draw = np.random.default_rng(0)
    same = told(column(draw.normal(size=300)), column(draw.normal(size=200)), ALONE)
    other = told(column(draw.normal(size=300)), column(draw.normal(size=200) + 1), ALONE)
    assert same["drift"] < 0.2
    assert same["drift_p"] > 0.01
    assert other["drift"] > 0.3
    assert other["drift_p"] < 1e-9


def test_few_groups_that_differ_are_chance():
    """Two speakers to learn from and two to validate with always differ."""
    draw = np.random.default_rng(0)
    groups = (np.repeat([0, 1], 150), np.repeat([2, 3], 100))
    row = told(column(draw.normal(size=300)), column(draw.normal(size=200) + 1), groups)
    assert row["drift"] > 0.3
    assert row["drift_p"] > 0.05


def test_few_groups_of_other_classes_are_chance():
    """Four patients of one sex to learn from and three of the other to validate with are what chance deals."""
    sex = {"train": np.repeat([0.0, 0.0, 1.0, 0.0], 50), "valid": np.repeat([1.0, 1.0, 0.0], 50)}
    sides = [column(values, classes=True) for values in sex.values()]
    groups = (np.repeat(np.arange(4), 50), np.repeat(np.arange(4, 7), 50))
    assert told(*sides, ALONE)["drift_p"] < 1e-9
    row = told(*sides, groups)
    assert row["drift"] == pytest.approx(5 / 12)
    assert row["drift_p"] > 0.05


def test_many_groups_of_other_classes_drift_as_one_item_of_each_would():
    draw = np.random.default_rng(0)
    each = [(draw.random(60) < share).astype(float) for share in (0.2, 0.8)]
    groups = [np.repeat(np.arange(60) + at, 5) for at in (0, 60)]
    mostly = []
    for classes in each:  # a photo of five shows something else
        photos = np.repeat(classes[:, None], 5, axis=1)
        photos[:, 0] = 1 - photos[:, 0]
        mostly.append(column(photos.ravel(), classes=True))
    found = told(*mostly, tuple(groups))["drift_p"]
    assert found == pytest.approx(variation(*each)[1])
    assert found < 1e-6


def test_groups_of_one_item_each_are_items_of_classes():
    draw = np.random.default_rng(0)
    sides = [column(draw.integers(0, 3, 80).astype(float), classes=True) for _ in range(2)]
    assert told(*sides, (np.arange(80), np.arange(80, 160))) == told(*sides, ALONE)


def test_groups_without_a_category_are_of_the_missing_one():
    values = np.array([np.nan, np.nan, 1.0, 1.0, 0.0, 1.0])
    found = _group_classes(values, np.array([0, 0, 0, 4, 2, 4]))
    np.testing.assert_array_equal(found, [np.nan, 0.0, 1.0])


def test_outputs_that_are_probabilities_are_told_from_logits():
    logits = np.random.default_rng(0).normal(size=(50, 4)) * 3
    powers = np.exp(logits)
    found = outputs_told(powers / powers.sum(1, keepdims=True))
    assert found["output/sum_error"] < 1e-9
    assert 0 <= found["output/least"] < found["output/most"] <= 1
    assert outputs_told(logits)["output/sum_error"] > 1
    assert outputs_told(np.log(powers / powers.sum(1, keepdims=True)))["output/log_sum"] < 1e-9
    assert outputs_told(np.array([[0.0], [0.0], [0.0], [1.0]]))["output/at_bounds"] == 1.0
    assert outputs_told(np.full((3, 2), np.nan)) == {}
    assert outputs_told(np.array([[-1e30, 1e30]], dtype=np.float32))["output/std"] == pytest.approx(1e30)


def test_a_training_keeps_what_its_network_met(tmp_path):
    wanted = recipe(steps=6, evaluations=2)
    engine.carry_out(wanted, problem(), folder=tmp_path)
    rows = json.loads((tmp_path / "inputs.json").read_text())
    assert [row["role"] for row in rows] == ["input", "target"]
    assert rows[0]["train_items"] == 120
    assert rows[0]["varies"]
    assert rows[0]["drift_p"] > 0.01
    last = json.loads((tmp_path / "record.jsonl").read_text().splitlines()[-1])
    assert last["entering/encoder.image/std"] == pytest.approx(rows[0]["scale"], rel=0.1)
    assert last["output/sum_error"] > 1e-3


def test_without_validation_there_is_no_drift_to_tell(tmp_path):
    """As in the last training of folds, and in a final one."""
    posed = problem()
    engine.carry_out(recipe(steps=2, evaluations=1), replace(posed, valid=posed.valid[:0]), folder=tmp_path)
    rows = json.loads((tmp_path / "inputs.json").read_text())
    assert [row["drift"] for row in rows] == [None, None]
    assert [row["valid_items"] for row in rows] == [0, 0]


def test_a_run_gives_its_checks_inputs_and_choices(tmp_path):
    write_json(tmp_path / "inputs.json", [{"role": "input", "input": "image", "column": "image", "modality": "image"}])
    write_json(tmp_path / "run.json", {"format": 1, "status": "finished"})
    write_json(tmp_path / "results.json", {"contributions": [{"input": "image", "column": None, "drop": 0.25}]})
    (tmp_path / "recipe.toml").write_text(recipe(steps=6).to_toml(), encoding="utf-8")
    record = open_run(tmp_path).record
    assert record.inputs["drop"].to_list() == [0.25]
    assert record.choices["training.steps"] == 6
    assert record.trials is None


def test_a_batch_of_one_class_is_told_from_one_that_was_dealt_at_random():
    truth = np.repeat(np.arange(4), 50)
    dealt = np.random.default_rng(0).permutation(truth)[:32]
    alike, unlike = batch_told(dealt, truth), batch_told(truth[:32], truth)
    assert unlike["batch/apart"] == pytest.approx(0.75)
    assert unlike["batch/chance"] < 1e-6 < 0.01 < alike["batch/chance"]
    assert batch_told(truth[:4], truth) == {}
    numbers = np.linspace(0, 1, 200, dtype=np.float32)
    assert batch_told(numbers[:32], numbers)["batch/apart"] == pytest.approx(1 - 32 / 200)


def test_the_record_tells_how_batches_were_dealt_and_what_the_first_update_was(tmp_path):
    trained = engine.carry_out(recipe(steps=20, evaluations=4), problem(), folder=tmp_path)
    lines = trained.history
    assert all(line["first/loss"] == lines[0]["first/loss"] > 0 for line in lines)
    assert 0 < lines[0]["first/update_ratio"] < 0.3
    assert all(0 <= line["batch/apart"] <= 0.5 for line in lines)
    assert all(line["train/largest_loss"] >= line["train/running_loss"] for line in lines)


def test_a_column_that_numbers_the_items_is_seen():
    from penjing.training._met import _is_numbered

    assert _is_numbered(np.arange(40.0, 80.0)[:, None], 60)
    assert not _is_numbered(np.arange(40.0, 80.0)[:, None] * 7, 60)  # such as prices
    assert not _is_numbered(np.random.default_rng(0).integers(0, 50, 40).astype(float)[:, None], 60)
    assert not _is_numbered(np.linspace(0, 1, 40)[:, None], 60)


def test_it_is_told_how_numbers_are_learned_once_the_data_have_chosen(tmp_path):
    draw, task = np.random.default_rng(0), plugins.load("tasks", "regress")
    steady = draw.normal(100.0, 20.0, 160)
    slipped = np.exp(draw.normal(4.0, 0.8, 160)) * np.where(np.arange(160) == 7, 1000.0, 1.0)

    def told_of(numbers, wanted="auto", name="run"):
        asked = problem()
        asked = replace(
            asked,
            items=Items(asked.items.inputs, {"price": numbers.astype(np.float32)}),
            target="price",
            classes=("price",),
            learned_target=task.learn(numbers[:120], ("price",)),
        )
        settings = Choice("regress", {"target_transform": wanted})
        folder = tmp_path / f"{name} {wanted}"
        folder.mkdir()
        engine.carry_out(replace(recipe(steps=1), task=settings).filled(), asked, folder=folder)
        return json.loads((folder / "inputs.json").read_text())[-1]

    told = told_of(steady, name="steady")
    assert (told["transform"], told["far"]) == ("none", None)
    assert told_of(slipped, "none")["transform"] == "none"
    told = told_of(slipped)
    logs = np.log(slipped[:120])
    assert told["transform"] == "log"
    assert told["far"] == pytest.approx((logs.max() - np.median(logs)) / stats.iqr(logs), rel=1e-4)
