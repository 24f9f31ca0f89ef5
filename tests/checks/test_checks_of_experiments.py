"""What checks say of experiments: the luck of seeds, trainings cut short, metrics of any scale, lost networks."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from penjing.checks import (
    NotExamined,
    examine,
    few_examples,
    large_model,
    shortcut,
    slow_kernels,
    small_model,
    unstable,
)
from penjing.checks._examples import example_classes, example_trials
from penjing.checks._trials import beyond_chance, luck_of, measured, twice_the_data, widened
from penjing.core.finding import Finding
from penjing.core.record import Record

ANSWERS = [("cat", "dog")[row % 2] for row in range(200)]


def seeds(*gains: float, **changed: object) -> list[dict[str, object]]:
    """Trainings with other seeds, by what they gain over the first."""
    return [{"experiment": "seed", "setting": str(at), "gain": gain, **changed} for at, gain in enumerate(gains, 1)]


def level(found: Finding | NotExamined | None) -> str:
    return found.level if isinstance(found, Finding) else "" if found is None else "not examined"


def scaled(record: Record, times: float, *, floor: float) -> Record:
    """The same experiments told by an error that has no upper bound, such as one in euros."""
    assert record.trials is not None
    errors = {name: times * pl.col(name) for name in ("gain", "gain_low", "gain_high")}
    values = {name: times * (1 - pl.col(name)) for name in ("value", "low", "high")}
    known = record.trials.with_columns(is_higher_better=False, unit=pl.lit(floor), floor=pl.lit(floor))
    return replace(record, trials=known.with_columns(metric=pl.lit("mae"), **errors, **values))


# ---- the luck of seeds


def test_few_seeds_say_little_of_their_luck() -> None:
    """Two other seeds half a point to either side have a standard deviation of half a point: 1.96 of it, and of that of
    the items, would call a gain of two points clear; Student's t does not, and with many such seeds it does."""
    row = {"experiment": "larger", "gain": 0.016, "gain_low": 0.016, "gain_high": 0.016}
    few = widened(example_trials(row, *seeds(0.005, -0.005)), row)
    many = widened(example_trials(row, *seeds(*[0.005, -0.005] * 10)), row)
    assert few[0] == many[0] == pytest.approx(0.016)
    assert few[1] < 0 < many[1]


def test_no_interval_goes_further_than_the_metric_can() -> None:
    row = {"experiment": "larger", "gain": 0.3, "gain_low": -0.9, "gain_high": 0.9, "items": 3, "span": 1.0}
    told = widened(example_trials(row), row)
    assert told == pytest.approx((0.3, -1.0, 1.0))
    free = widened(example_trials({**row, "span": None}), {**row, "span": None})
    assert free[1] < -1
    assert free[2] > 1


def test_an_experiment_that_is_repeated_is_told_by_its_mean_and_says_more_of_luck() -> None:
    rows = [{"experiment": "larger", "seed": seed, "gain": gain} for seed, gain in ((0, 0.05), (1, 0.02), (2, 0.02))]
    record = example_trials(*rows, *seeds(0.0))
    assert widened(record, rows[0])[0] == pytest.approx(0.03)


def test_the_luck_of_seeds_is_pooled_over_what_was_repeated() -> None:
    variance, freedom = luck_of(np.array([0.0, 0.02]), np.array([0.1, 0.1, 0.1]))
    assert variance == pytest.approx(0.0002 / 3)
    assert freedom == 3
    assert luck_of(np.array([0.0]), np.array([0.1])) == (0.0, 0)


@pytest.mark.parametrize(("freedom", "table"), [(2, 5.991), (4, 9.488)])
def test_chance_is_as_in_the_tables_of_chi_square(freedom: int, table: float) -> None:
    assert freedom * beyond_chance(freedom) == pytest.approx(table, rel=0.01)


# ---- unstable


@pytest.mark.parametrize(
    "rows", [seeds(0.1), seeds(0.1, -0.1, share=0.5), [*seeds(0.1), *seeds(-0.1, share=0.5)]], ids=len
)
def test_too_few_whole_trainings_with_other_seeds_are_not_called_healthy(rows: list[dict[str, object]]) -> None:
    (found,) = examine(example_trials(*rows), ["unstable"])
    assert isinstance(found, NotExamined)
    assert found.needs_experiments
    assert found.message == "not examined, because there are too few whole trainings with other seeds"


def test_seeds_are_looked_at_whole_beside_experiments_cut_short() -> None:
    short = {"experiment": "larger", "share": 0.4, "gain": 0.0}
    record = example_trials(*seeds(-0.1, 0.02), {"experiment": "itself", "share": 0.4, "value": 0.5}, short)
    found = unstable.look(record)
    assert isinstance(found, Finding)
    assert found.evidence["values"] == pytest.approx([0.9, 0.8, 0.92])


@pytest.mark.parametrize(("half", "expected"), [(0.01, "warning"), (0.12, "")])
def test_seeds_that_are_no_further_apart_than_the_items_scatter_are_not_unstable(half: float, expected: str) -> None:
    gains = (-0.05, 0.03, 0.0)
    rows = [{**row, "gain_low": row["gain"] - half, "gain_high": row["gain"] + half} for row in seeds(*gains)]  # type: ignore[operator]
    assert level(unstable.look(example_trials(*rows))) == expected


# ---- small_model, large_model


def losses(network: float, larger: float) -> list[dict[str, object]]:
    """A larger network with three points more, and the losses on training items."""
    own = {"experiment": "itself", "train_loss": network, "floor_loss": 1.0}
    seed = {"train_loss": network, "floor_loss": 1.0}
    return [
        own,
        *seeds(0.001, -0.001, **seed),
        {"experiment": "larger", "gain": 0.03, "train_loss": larger, "floor_loss": 1.0},
    ]


def test_a_network_that_knows_its_training_items_is_not_small() -> None:
    assert level(small_model.look(example_trials(*losses(0.6, 0.1)))) == "warning"
    assert level(small_model.look(example_trials(*losses(0.01, 0.001)))) == ""


def test_a_network_whose_seeds_scatter_is_small_where_a_larger_one_fits_clearly_better_than_each_of_them() -> None:
    """As words spoken: 0.45, 0.945 and 0.9 of a tiny network, 0.985 of an ordinary one."""
    own = {"experiment": "itself", "train_loss": 1.3, "floor_loss": 2.3}
    tiny = [
        {**one, "train_loss": loss, "floor_loss": 2.3} for one, loss in zip(seeds(0.49, 0.45), (1.0, 1.1), strict=True)
    ]
    larger = [
        {"experiment": "larger", "seed": seed, "gain": 0.52, "train_loss": 0.02, "floor_loss": 2.3} for seed in (0, 1)
    ]
    record = example_trials({"value": 0.45}, own, *tiny, *larger)
    assert widened(record, larger[0])[1] < 0
    assert level(small_model.look(record)) == "warning"
    found = {one.name: one.level for one in examine(record, ["small_model", "unstable"]) if isinstance(one, Finding)}
    assert found == {"small_model": "warning", "unstable": "info"}
    lucky = [{**one, "train_loss": 1.0} for one in larger]  # just another seed that was lucky
    assert level(small_model.look(example_trials({"value": 0.45}, own, *tiny, *lucky))) == ""


def test_a_network_is_small_where_the_larger_one_is_better_with_every_seed() -> None:
    """Their luck is so unlike that no common spread tells: eight trainings in this order are one in fifty-six."""
    own = {"experiment": "itself", "train_loss": 0.4, "floor_loss": 1.8}
    tiny = [{**one, "train_loss": 0.002, "floor_loss": 1.8} for one in seeds(0.495, 0.445, 0.375, 0.435)]
    larger = [
        {"experiment": "larger", "seed": seed, "gain": gain, "train_loss": 0.001, "floor_loss": 1.8}
        for seed, gain in enumerate((0.525, 0.53, 0.51))
    ]
    assert widened(example_trials(own, *tiny, *larger), larger[0])[1] < 0
    assert level(small_model.look(example_trials(own, *tiny, *larger))) == "warning"
    assert small_model.look(example_trials(own, *tiny, *larger[:2], {**larger[2], "gain": 0.48})) is None
    assert small_model.look(example_trials(own, *tiny, *larger[:1])) is None


def test_without_another_seed_a_gain_is_good_to_know_only() -> None:
    assert level(small_model.look(example_trials({"experiment": "larger", "gain": 0.03}))) == "info"
    rows = shares(("0.5", -0.15), ("0.25", -0.4))
    assert level(few_examples.look(example_trials(*rows))) == "info"
    assert level(few_examples.look(example_trials(*rows, *seeds(0.002, -0.002)))) == "warning"


def test_a_training_that_diverged_has_no_size_to_compare() -> None:
    row = {"experiment": "smaller", "gain": 0.0, "parameters": None}
    assert large_model.look(example_trials(row)) is None
    assert small_model.look(example_trials({"experiment": "larger", "gain": 0.03, "parameters": None})) is None


def test_a_network_that_knows_no_more_than_the_constant_answer_is_not_too_large() -> None:
    row = {"experiment": "smaller", "gain": 0.0, "parameters": 25_000}
    assert level(large_model.look(example_trials(row))) == "info"
    assert large_model.look(example_trials({"experiment": "itself", "floor": 0.89}, {**row, "floor": 0.89})) is None


def test_a_loss_that_does_not_grow_tells_on_fewer_items_that_half_the_network_is_enough() -> None:
    row = {"experiment": "smaller", "gain": -0.005, "gain_low": -0.05, "gain_high": 0.04, "parameters": 25_000}
    kept = {"loss_gain": 0.0, "loss_gain_low": -0.02, "loss_gain_high": 0.02, "floor_loss": 2.3}
    assert large_model.look(example_trials(row)) is None
    assert level(large_model.look(example_trials({**row, **kept}))) == "info"
    assert large_model.look(example_trials({**row, **kept, "loss_gain_low": -0.2})) is None


# ---- trainings cut short


@pytest.mark.parametrize(
    ("check", "row"),
    [
        (small_model, {"experiment": "larger", "gain": 0.03}),
        (large_model, {"experiment": "smaller", "gain": 0.0, "parameters": 25_000}),
        (few_examples, {"experiment": "share", "setting": "0.5", "gain": -0.1}),
    ],
)
def test_trainings_cut_short_are_told_as_such_or_not_looked_at(check, row: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    def of(share: float) -> Record:
        return example_trials({"experiment": "itself", "share": share}, {**row, "share": share})

    half = check.look(of(0.5))
    assert half.message.endswith(" All of that is of trainings with 50% of its updates.")
    assert "updates" not in check.look(of(1.0)).message
    assert check.look(of(0.2)).message == (
        "not examined, because there are only trainings of a small share of the updates"
    )


# ---- more data


def shares(*gains: tuple[str, float]) -> list[dict[str, object]]:
    return [{"experiment": "share", "setting": setting, "gain": gain} for setting, gain in gains]


def test_a_lucky_seed_is_not_what_all_items_give() -> None:
    """The run's own seed is five points better than others, so half of the items lose nothing but its luck."""
    rows = shares(("0.5", -0.05), ("0.25", -0.05))
    alone = twice_the_data(example_trials(*rows))
    among = twice_the_data(example_trials(*rows, *seeds(-0.07, -0.08)))
    assert alone is not None
    assert among is not None
    assert alone.gain > 0.01
    assert among.gain == pytest.approx(0.0, abs=0.01)
    assert among.high - among.low > 0


def test_seeds_that_scatter_make_more_data_uncertain() -> None:
    rows = shares(("0.5", -0.05), ("0.25", -0.12))
    calm, wild = (twice_the_data(example_trials(*rows, *seeds(one, -one))) for one in (0.001, 0.03))
    assert calm is not None
    assert wild is not None
    assert wild.low < calm.low


def test_more_items_are_no_warning_where_a_simple_model_makes_more_of_the_same() -> None:
    other = {"cat": "dog", "dog": "cat"}
    said = {
        model: [(name, name if row < right else other[name], 0.8) for row, name in enumerate(ANSWERS)]
        for model, right in (("network", 120), ("linear", 190))
    }
    items = example_classes(said)
    rows = [*shares(("0.5", -0.15), ("0.25", -0.4)), *seeds(0.002, -0.002)]
    found = few_examples.look(example_trials(*rows, of=items))
    assert level(found) == "info"
    assert "A simple model makes more of those that there are." in getattr(found, "message", "")


# ---- metrics of any scale


@pytest.mark.parametrize("times", [5e4, 5e-4])
def test_a_difference_is_measured_by_what_the_constant_answer_has(times: float) -> None:
    """An error of 0.1, where the constant answer has 1, times something: three hundredths of that count, a fifth of a
    hundredth does not, in euros as in shares."""
    for check, sick, healthy in (
        (small_model, small_model.sick(), small_model.healthy()),
        (large_model, large_model.sick(), large_model.healthy()),
        (unstable, unstable.sick(), unstable.healthy()),
    ):
        found = check.look(scaled(sick, times, floor=times))
        assert isinstance(found, Finding)
        assert "points" not in found.message
        assert check.look(scaled(healthy, times, floor=times)) is None


def test_points_are_told_of_shares_only() -> None:
    assert measured(0.5, 1.0, is_signed=True) == "+50.0 points"
    assert measured(0.5, 3.2, is_signed=True) == "+0.5"


# ---- shortcut


def hidden(value: float, **gains: float) -> Record:
    rows = [
        {"experiment": "hidden", "setting": where.replace("_", " "), "gain": gain, "simple": 0.9}
        for where, gain in gains.items()
    ]
    return example_trials({"experiment": "itself", "value": value, "simple": 0.9}, *rows)


def test_a_network_below_the_constant_answer_has_no_shortcut() -> None:
    record = hidden(0.0001, centre=0.0, border=0.5)
    assert record.trials is not None
    worse = replace(record, trials=record.trials.with_columns(floor=pl.lit(0.6)))
    assert shortcut.look(worse) is None


def test_what_the_border_tells_is_held_against_the_best_model_and_not_a_weak_network() -> None:
    """A weak network has 30 points over the constant answer, a simple model 80, the border alone 40."""
    assert shortcut.look(hidden(0.4, border_alone=0.1, centre_alone=-0.2)) is None
    found = shortcut.look(hidden(0.4, border_alone=0.5, centre_alone=-0.2))
    assert level(found) == "warning"
    assert found.remedies == ("--set training.border=0.1",)


def test_a_network_that_reads_border_and_centre_takes_a_shortcut_where_the_border_alone_tells_all() -> None:
    """As digits with a mark: both matter to the network, and either alone tells nearly all."""
    marked = {"centre": -0.4, "border": -0.41, "centre_alone": -0.09, "border_alone": -0.08}
    assert level(shortcut.look(hidden(0.9, **marked))) == "warning"
    assert shortcut.look(hidden(0.9, **{**marked, "border_alone": -0.2})) is None  # the centre tells more
    assert shortcut.look(hidden(0.9, **{**marked, "centre": -0.6})) is None  # and matters more
    assert shortcut.look(hidden(0.9, **{**marked, "border": -0.1, "centre": -0.1})) is None  # nothing is lost


# ---- slow_kernels


def arithmetic(*ways: tuple[str, float, bool, bool]) -> Record:
    """Ways to do it: (format, seconds, whether it is the own one, whether its results are right)."""
    rows = [
        {
            "experiment": "arithmetic",
            "setting": f"{name}, channels last, 2 threads",
            "seconds": seconds,
            "is_own": is_own,
            "is_right": is_right,
            "option": f"--set machine.number_format={name} --set machine.layout=channels_last --set machine.threads=2",
        }
        for name, seconds, is_own, is_right in ways
    ]
    return example_trials({"is_own": None, "is_right": None, "option": ""}, *rows)


def test_an_own_way_whose_results_are_wrong_is_told_however_fast() -> None:
    found = slow_kernels.look(arithmetic(("bfloat16", 0.001, True, False), ("float32", 0.004, False, True)))
    assert level(found) == "warning"
    assert "does not give the results of float32 on this machine" in getattr(found, "message", "")
    assert getattr(found, "evidence", {})["machine"] == {
        "number_format": "float32",
        "layout": "channels_last",
        "threads": 2,
    }


@pytest.mark.parametrize(("seconds", "expected"), [(0.04, "warning"), (0.02, "info"), (0.012, "")])
def test_arithmetic_that_takes_a_little_longer_is_good_to_know(seconds: float, expected: str) -> None:
    assert (
        level(slow_kernels.look(arithmetic(("float32", seconds, True, True), ("bfloat16", 0.01, False, True))))
        == expected
    )


def test_a_shortcut_is_told_by_the_longest_trainings_alone() -> None:
    """A network of a fifth of the updates needed its centre; the whole one reads the border."""
    short = [
        {"share": 0.2, "value": 0.5},
        {"experiment": "hidden", "setting": "centre", "gain": -0.4, "share": 0.2},
        {"experiment": "hidden", "setting": "border", "gain": -0.05, "share": 0.2},
    ]
    whole = [
        {"experiment": "hidden", "setting": "centre", "gain": -0.05},
        {"experiment": "hidden", "setting": "border", "gain": -0.6},
    ]
    assert level(shortcut.look(example_trials(*whole, *short))) == "warning"


def test_slow_arithmetic_is_seen_where_older_runs_do_not_say_what_is_right() -> None:
    sick = slow_kernels.sick()
    assert sick.trials is not None
    older = replace(sick, trials=sick.trials.with_columns(is_right=pl.lit(None, dtype=pl.Boolean)))
    assert level(slow_kernels.look(older)) == level(slow_kernels.look(sick)) == "warning"
