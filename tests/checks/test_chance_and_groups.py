"""What chance or one group gives is no finding; what is beyond it is one, whatever bins or classes hide."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from penjing.checks import (
    NotExamined,
    clustering,
    dead_units,
    label_errors,
    leaking_input,
    miscalibrated,
    missed_class,
    slow_input,
    useless_input,
)
from penjing.checks._examples import example_classes, example_inputs, example_steps
from penjing.checks._stated import places, stated
from penjing.core.finding import Finding
from penjing.core.record import Record

LETTERS = "abcdefghij"


def of_many(said: list[tuple[str, str, float]], groups: list[str] | None = None, classes: str = LETTERS) -> Record:
    """A record of (target, predicted, probability of that) for single validation items of several classes."""
    rows = []
    for row, (target, predicted, sure) in enumerate(said):
        probability = [(1 - sure) / (len(classes) - 1)] * len(classes)
        probability[classes.index(predicted)] = sure
        loss = -math.log(max(1e-9, probability[classes.index(target)]))
        one = {"model": "network", "hash": f"{row:032x}", "name": f"{row}.png", "part": "valid", "target": target}
        rows.append({**one, "predicted": predicted, "probability": probability, "loss": loss})
    items = pl.DataFrame(rows)
    return Record(items=items if groups is None else items.with_columns(group=pl.Series(groups)))


# ---- inputs


def test_a_column_of_chance_is_useless_on_either_side_of_zero() -> None:
    for drop in (-0.004, 0.004):
        chance = {"drop": drop, "drop_low": drop - 0.01, "drop_high": drop + 0.01}
        found = useless_input.look(example_inputs(chance, {"column": "city", "valid_items": 300}))
        assert found is not None
        assert found.evidence["inputs"] == ["income"]
        assert f"or {100 * (drop + 0.01):.1f} points at most" in found.message


@pytest.mark.parametrize(
    "changed",
    [
        {"drop": 0.01, "drop_low": 0.002, "drop_high": 0.018},  # it costs something
        {"drop": 0.01, "drop_low": -0.02, "drop_high": 0.04},  # nothing can be told
        {"drop": 0.0, "drop_low": 0.0, "drop_high": 0.0, "varies": False},  # constant, which another check says
        {"drop": 0.0, "drop_low": None, "drop_high": None},  # an older run
        {"drop": 0.0, "drop_low": -0.001, "drop_high": 0.0001, "drop_all": 0.01},  # as little as all of them
    ],
)
def test_what_costs_something_or_is_not_sure_to_cost_nothing_is_not_useless(changed: dict[str, object]) -> None:
    assert useless_input.look(example_inputs(changed, {"column": "city", "valid_items": 300})) is None


def test_columns_that_were_not_tried_are_named() -> None:
    useless = {"drop": 0.0, "drop_low": -0.002, "drop_high": 0.002, "valid_items": 300}
    untried = {"column": "city", "drop": None, "drop_low": None, "drop_high": None, "drop_all": None}
    found = useless_input.look(example_inputs(useless, untried))
    assert found is not None
    assert found.evidence["untried"] == ["city"]
    assert "Not tried: city." in found.message


@pytest.mark.parametrize(("everything", "is_leaking"), [(12.0, True), (60.0, False)])
def test_a_column_that_leaks_is_held_against_all_columns_by_the_same_metric(
    everything: float, is_leaking: bool
) -> None:
    """Such as a loss, of which a column costs more than all answers there are."""
    answers = example_classes({"network": [(name, name, 0.99) for name in ["cat", "dog"] * 50]})
    others = {"column": "city", "drop": 0.1, "drop_all": everything}
    record = example_inputs({"drop": 11.0, "drop_all": everything}, others, of=answers)
    assert (leaking_input.look(record) is not None) == is_leaking


def test_what_inputs_cost_is_told_in_the_unit_of_the_metric() -> None:
    """Errors in euros, of which the constant answer has 50: 0.4 of 20 is nothing, and 0.5 for all inputs is too."""
    for everything, at_most, is_useless in ((20.0, 0.4, True), (0.5, 0.01, False)):
        useless = {"drop": 0.0, "drop_low": -at_most, "drop_high": at_most, "drop_all": everything, "valid_items": 300}
        record = example_inputs(useless)
        assert record.inputs is not None
        found = useless_input.look(record.also(inputs=record.inputs.with_columns(unit=50.0)))
        assert isinstance(found, Finding) == is_useless
        assert not isinstance(found, Finding) or "or 0.4 at most" in found.message


def test_what_an_older_run_does_not_hold_of_all_inputs_is_not_examined() -> None:
    answers = example_classes({"network": [(name, name, 0.99) for name in ["cat", "dog"] * 50]})
    older = example_inputs({"drop": 0.5}, {"column": "city", "drop": 0.01}, of=answers)
    untried = example_inputs({"column": "city"}, of=answers)
    assert older.inputs is not None
    assert untried.inputs is not None
    none = {name: pl.lit(None, pl.Float64) for name in ("drop_low", "drop_high", "drop_all")}
    for inputs in (older.inputs.drop(*none), older.inputs.with_columns(**none)):
        for check in (leaking_input, useless_input):
            found = check.look(older.also(inputs=inputs))
            assert isinstance(found, NotExamined)
            assert found.message == "not examined, because there is no measure of what all inputs give together"
    alone = untried.also(inputs=untried.inputs.with_columns(drop=pl.lit(None, pl.Float64), **none))
    assert leaking_input.look(alone) is None
    assert useless_input.look(alone) is None


# ---- probabilities


def test_opposite_errors_of_two_classes_do_not_cancel_out() -> None:
    said = [("a" if row % 100 < 95 else "b", "a", 0.8) for row in range(200)]
    said += [("b" if row % 100 < 67 else "a", "b", 0.8) for row in range(200)]
    found = miscalibrated.look(of_many(said, classes="ab"))
    assert found is not None
    assert 'off by class: "a" is stated with 80% and right in 95%' in found.message


def of_two(chance: np.ndarray, threshold: float, is_ill: np.ndarray) -> Record:
    """A record of items that are ill with a chance, and are taken to be from a threshold on."""
    said = chance >= threshold
    given = np.where(is_ill, chance, 1 - chance)
    columns = {"model": ["network"] * len(chance), "hash": [f"{row:032x}" for row in range(len(chance))]}
    columns |= {"name": columns["hash"], "part": ["valid"] * len(chance), "loss": (-np.log(given)).tolist()}
    columns |= {
        name: np.where(is_so, "ill", "well").tolist() for name, is_so in (("target", is_ill), ("predicted", said))
    }
    columns["probability"] = np.stack([chance, 1 - chance], axis=1).astype(np.float32).tolist()
    return Record(items=pl.DataFrame(columns))


@pytest.mark.parametrize("threshold", [0.5, 0.25, 0.1, 0.0])
def test_right_probabilities_are_so_wherever_a_threshold_parts_the_classes(threshold: float) -> None:
    draw = np.random.default_rng(0)
    chance = np.clip(draw.beta(0.6, 2.0, 1000), 1e-4, 1 - 1e-4)
    is_ill = draw.random(1000) < chance
    record = of_two(chance, threshold, is_ill)
    assert record.items is not None
    assert places(record.items) == {"ill": 0, "well": 1}
    np.testing.assert_allclose(stated(record.items), np.where(chance >= threshold, chance, 1 - chance), rtol=1e-5)
    assert miscalibrated.look(record) is None
    found = miscalibrated.look(of_two(chance**2, threshold, is_ill))  # too low by far
    assert found is not None


def test_labels_are_doubted_as_ever_where_a_threshold_parts_the_classes() -> None:
    is_ill = np.arange(400) % 2 == 0
    chance = np.where(is_ill, 0.99, 0.01)
    chance[:20] = 1 - chance[:20]
    records = [of_two(chance, threshold, is_ill) for threshold in (0.5, 0.005)]  # the second takes all to be ill
    learned = [replace(one, items=one.items.with_columns(part=pl.lit("train"))) for one in records]
    usual, low = (label_errors.look(one) for one in learned)
    assert usual is not None
    assert low is not None
    assert usual.evidence["doubted"] == low.evidence["doubted"] == 20
    assert usual.evidence["taken_for"] == low.evidence["taken_for"]


def test_where_sureness_is_off_both_ways_it_is_said_what_is_stated_on_average() -> None:
    said = [("a" if row % 2 else "b", "a", 0.9) for row in range(200)]
    said += [("a", "a", 0.55) for _ in range(200)]
    found = miscalibrated.look(of_many(said, classes="ab"))
    assert isinstance(found, Finding)
    assert "too sure in some places and too modest in others: it states 72% on average" in found.message


def test_what_is_drawn_takes_little_room() -> None:
    record = of_many([("a" if row % 10 else "b", "a", 0.99) for row in range(8_000)], classes="ab")
    tracemalloc.start()
    found = miscalibrated.look(record)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found is not None
    assert most < 500 * 8_000  # bytes; a thousand are drawn


def test_what_is_too_sure_by_a_tenth_is_mostly_seen_on_three_hundred_items() -> None:
    draw, seen = np.random.default_rng(0), 0
    for _ in range(20):
        stated = 0.5 + 0.5 * draw.beta(3, 1, 300)
        right = draw.random(300) < stated - 0.1
        said = [("a" if one else "b", "a", float(sure)) for one, sure in zip(right, stated, strict=True)]
        seen += miscalibrated.look(of_many(said, classes="ab")) is not None
    assert seen >= 15


def test_gaps_that_go_with_groups_are_no_more_than_the_groups_tell() -> None:
    """Of ten speakers two are never understood: as many items would tell much, two speakers tell little."""
    groups = [f"speaker {row % 10}" for row in range(300)]
    said = [("b" if row % 10 < 2 else "a", "a", 0.92) for row in range(300)]
    assert miscalibrated.look(of_many(said, classes="ab")) is not None
    assert miscalibrated.look(of_many(said, groups, classes="ab")) is None


def test_groups_whose_items_are_alike_count_as_the_groups() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=40), 25)
    assert clustering(values, np.arange(1000)) == 1
    assert clustering(values, np.repeat(np.arange(40), 25)) == pytest.approx(5, rel=0.02)
    assert clustering(values, np.zeros(1000, dtype=int)) == math.inf


# ---- classes


def test_one_of_ten_even_classes_that_is_never_recognised_is_missed() -> None:
    said = [(name, "b" if name == "a" or row % 10 == 0 else name, 0.9) for name in LETTERS for row in range(30)]
    found = missed_class.look(of_many(said))
    assert found is not None
    assert list(found.evidence["recall"]) == ["a"]


def test_a_missed_frequent_class_does_not_hide_a_rare_one() -> None:
    said = [("a", "a", 0.9)] * 60 + [("b", "a", 0.6)] * 30 + [("c", "a", 0.6)] * 10
    found = missed_class.look(of_many(said, classes="abc"))
    assert found is not None
    assert set(found.evidence["recall"]) == {"b", "c"}


def test_a_network_that_always_says_one_of_ten_classes_misses_none_in_particular() -> None:
    assert missed_class.look(of_many([(name, "a", 0.2) for name in LETTERS for _ in range(30)])) is None


def test_a_class_of_one_speaker_is_not_missed() -> None:
    said = [("a", "a", 0.9)] * 90 + [("b", "a", 0.8)] * 10
    groups = [f"speaker {row}" for row in range(90)] + ["somebody"] * 10
    assert missed_class.look(of_many(said, groups, classes="ab")) is None
    assert missed_class.look(of_many(said, [f"speaker {row}" for row in range(100)], classes="ab")) is not None


# ---- labels


def doubtful(count: int = 12) -> list[tuple[str, str, float]]:
    """Items of three classes, of which so many have another label than what the network is sure of."""
    truth = [LETTERS[row % 3] for row in range(300)]
    return [(LETTERS[(row + 1) % 3] if row < count else name, name, 0.99) for row, name in enumerate(truth)]


def test_a_class_that_is_never_answered_does_not_silence_the_doubts_about_others() -> None:
    found = label_errors.look(of_many([*doubtful(), ("d", "a", 0.5), ("d", "b", 0.5)], classes="abcd"))
    assert found is not None
    assert found.evidence["doubted"] == 12
    assert "300.png" not in found.items


@pytest.mark.parametrize("constant", [0.2, 1.09])
def test_a_network_that_knows_no_more_than_the_constant_answer_doubts_nothing(constant: float) -> None:
    items = of_many(doubtful(), classes="abc").items
    assert items is not None
    columns = {"model": pl.lit("majority"), "loss": pl.lit(constant), "predicted": pl.lit("a")}
    both = Record(items=pl.concat([items, items.with_columns(**columns)]))
    assert (label_errors.look(both) is not None) == (constant > 1)


def test_labels_of_one_group_alone_are_not_doubted() -> None:
    said = doubtful()
    groups = ["somebody" if row < 12 else f"speaker {row % 40}" for row in range(300)]
    assert label_errors.look(of_many(said, groups, classes="abc")) is None
    spread = [f"speaker {row % 40}" for row in range(300)]
    assert label_errors.look(of_many(said, spread, classes="abc")) is not None


# ---- waiting


def waiting(record: Record, modality: str, **choices: object) -> str:
    inputs = example_inputs().inputs
    assert inputs is not None
    shown = inputs.with_columns(modality=pl.lit(modality))
    found = slow_input.look(record.also(inputs=shown, choices=choices))
    assert found is not None
    return f"{found.message} {' '.join(found.remedies)}"


def test_what_helps_against_waiting_is_what_the_inputs_and_choices_leave() -> None:
    sick = slow_input.sick()
    table = waiting(sick, "table", **{"augment": [], "machine.threads": 1})
    assert "--side" not in table
    assert "augment" not in table
    assert "threads" not in table
    assert "faster disk" in table
    pictures = waiting(sick, "image", **{"augment": [{"name": "flip"}], "machine.threads": 2})
    assert "--side" in pictures
    assert "fewer augmentations" in pictures
    assert "--set machine.threads=1" in pictures


def test_ordinary_waiting_is_none() -> None:
    assert slow_input.look(example_steps()) is None


def test_a_network_most_of_whose_sure_answers_are_wrong_doubts_no_labels() -> None:
    unsure = [(LETTERS[row % 3], LETTERS[row % 3], 0.7) for row in range(300)]
    assert label_errors.look(of_many([*doubtful(12)[:12], *unsure], classes="abc")) is None
    assert label_errors.look(of_many([*doubtful(12)[:30], *unsure], classes="abc")) is not None


# ---- units


@pytest.mark.parametrize(("linear", "level"), [(80, "info"), (99, "warning")])
def test_dead_units_of_a_network_that_answers_well_are_good_to_know(linear: int, level: str) -> None:
    def answers(right: int, sure: float) -> list[tuple[str, str, float]]:
        return [("cat", "cat" if row < right else "dog", sure) for row in range(100)]

    said = {"network": answers(85, 0.85), "linear": answers(linear, 0.9), "majority": answers(50, 0.5)}
    sick = dead_units.sick()
    found = dead_units.look(sick.also(items=example_classes(said).items))
    assert found is not None
    assert found.level == level
    alone = dead_units.look(sick)
    assert alone is not None
    assert alone.level == "warning"
