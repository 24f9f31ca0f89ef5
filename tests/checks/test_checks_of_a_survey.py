"""What the checks say about cases that their example records do not hold."""

from __future__ import annotations

import pytest

from penjing.checks import (
    constant_columns,
    constant_items,
    cross_class_duplicates,
    duplicates,
    few_items,
    guessed_groups,
    huge_numbers,
    id_columns,
    imbalance,
    layout_doubts,
    leak,
    missing_values,
    odd_sizes,
    open_pairs,
    survey_of,
    tiny_classes,
    undivided_class,
    unreadable,
)
from penjing.checks._examples import Example, example_columns
from penjing.core.finding import Finding
from penjing.core.record import Record


def found(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


def test_a_few_copies_are_good_to_know_and_many_are_a_warning() -> None:
    few = found(duplicates.look(Example(pairs=[(0, 1, "exact"), (2, 3, "near")]).record))
    assert few.level == "info"
    assert few.message == (
        "Copies of other pictures outside the test part: 2 of 640 (1 exact, 1 near). "
        "They are kept in one part, so they do not flatter the score."
    )
    assert few.items == ("cat/1.png", "cat/3.png")
    many = found(duplicates.look(duplicates.sick()))
    assert many.level == "warning"
    assert many.remedies == ("--group-from",)


def test_copies_in_the_test_part_are_not_counted_as_duplicates() -> None:
    assert duplicates.look(Example(pairs=[(4, 9, "exact"), (4, 5, "exact")]).record) is None


def test_a_copy_in_the_test_part_does_not_hide_the_others() -> None:
    """Rows 4 (test), 0 (cat) and 400 (dog) are one picture, listed as copies of row 4; row 4 is also near row 7."""
    pairs = [(4, 0, "exact"), (4, 400, "exact"), (4, 7, "near")]
    survey = survey_of(Example(pairs=pairs).record)
    assert open_pairs(survey).select("kind", "name_a", "name_b").rows() == [
        ("exact", "cat/0.png", "dog/0.png"),
        ("near", "cat/0.png", "cat/7.png"),
    ]


def test_one_picture_under_two_classes_is_told_with_both_labels() -> None:
    finding = found(cross_class_duplicates.look(Example(pairs=[(0, 400, "near"), (5, 405, "exact")]).record))
    assert finding.message.startswith(
        "Pairs that show one picture under two classes: 2 (1 exactly the same), such as cat/5.png (cat) and "
    )
    assert finding.items == ("cat/5.png", "cat/0.png", "dog/5.png", "dog/0.png")
    assert finding.evidence["classes"] == {"cat / dog": 2}


def test_a_leak_counts_items_to_learn_from_by_the_part_of_their_copy() -> None:
    pairs = [(0, 4, "exact"), (0, 1, "exact"), (3, 2, "near"), (400, 5, "near")]
    finding = found(leak.look(Example(pairs=pairs, given_split=True).record))
    assert finding.message.startswith(
        "Items to learn from with a copy in the validation part 1, in the test part 2 (cat/0.png, cat/1.png, "
    )
    assert finding.evidence == {"items": 3, "valid": 1, "confirm": 0, "test": 2, "groups": 0}


def test_a_validation_item_with_a_copy_in_the_test_part_is_a_leak() -> None:
    finding = found(leak.look(Example(pairs=[(4, 3, "exact")], given_split=True).record))
    assert finding.items == ("cat/3.png",)


def test_a_leak_is_found_through_an_exact_copy_of_a_near_copy() -> None:
    """Row 1 is an exact copy of row 0, and only row 0 is listed as near the test item 4."""
    finding = found(leak.look(Example(pairs=[(0, 1, "exact"), (0, 4, "near")], given_split=True).record))
    assert finding.items == ("cat/0.png", "cat/1.png")


def test_a_group_on_both_sides_of_a_given_split_is_a_leak() -> None:
    groups = ["mouse1"] * 5 + ["mouse2"] * 5 + ["mouse3"] * 3 + [None] * 787
    finding = found(leak.look(Example(columns={"group": groups}, given_split=True).record))
    assert finding.message.startswith("Groups in more than one part: 2 (mouse1, mouse2).")


def test_copies_across_a_split_that_penjing_dealt_are_no_leak() -> None:
    assert leak.look(Example(pairs=[(0, 4, "exact")]).record) is None


def test_guessed_groups_give_the_option_to_type() -> None:
    finding = found(guessed_groups.look(guessed_groups.sick()))
    assert finding.remedies == (r"--group-from 'mouse\d+'",)
    assert "File names suggest 12 groups" in finding.message


@pytest.mark.parametrize(("dogs", "level"), [(200, None), (130, "info"), (40, "warning")])
def test_imbalance_grows_with_the_ratio(dogs: int, level: str | None) -> None:
    finding = imbalance.look(Example({"cat": 400, "dog": dogs}).record)
    assert (finding.level if finding else None) == level


def test_imbalance_says_how_often_the_largest_class_is_right() -> None:
    message = found(imbalance.look(imbalance.sick())).message
    assert "cat has 800 items and dog 40: always naming cat is right in 95% of the cases" in message


def test_tiny_classes_are_counted_in_training_items() -> None:
    finding = found(tiny_classes.look(Example({"cat": 100, "owl": 15, "elk": 1}).record))
    assert "Classes with fewer than 10 training items: 2 of 3 (elk 1, owl 9)." in finding.message


def test_tiny_classes_are_good_to_know_where_all_classes_are_small() -> None:
    lone = found(tiny_classes.look(Example({"cat": 200, "owl": 12}).record))
    among_its_like = found(tiny_classes.look(Example({"cat": 24, "owl": 12}).record))
    assert (lone.level, among_its_like.level) == ("warning", "info")


def test_a_class_without_a_training_item_is_the_tiniest() -> None:
    parts = ["train"] * 50 + ["valid"] * 10
    finding = found(tiny_classes.look(Example({"cat": 50, "owl": 10}, columns={"part": parts}).record))
    assert finding.evidence["classes"] == {"owl": 0}


def test_few_items_says_what_would_help() -> None:
    finding = found(few_items.look(few_items.sick()))
    assert finding.level == "warning"
    assert "There is no test part" in finding.message
    assert "so may features learned elsewhere (see fit --pretrained)" in finding.message
    of_rows = found(few_items.look(Example({"cat": 15, "dog": 15}, hints={"noun": "row"}).record))
    assert of_rows.message.endswith("More rows would help more than any setting.")
    with_test = found(few_items.look(Example({"cat": 50, "dog": 50}).record))
    assert with_test.level == "info"
    assert with_test.message.startswith("Items per class to learn and validate with: 40. More pictures")


def test_unreadable_items_stop_a_fit_beyond_a_share() -> None:
    one = ["it is empty"] + [None] * 799
    finding = found(unreadable.look(Example(columns={"error": one}).record))
    assert finding.level == "warning"
    assert finding.message.startswith("Unreadable and left out: 1 of 800 items (cat/0.png).")
    assert finding.evidence["reasons"] == {"it is empty": 1}
    assert found(unreadable.look(unreadable.sick())).level == "error"


@pytest.mark.parametrize(
    ("heights", "widths", "said"),
    [
        ([10] * 4 + [64] * 796, 10, "4 are smaller than 16 pixels"),
        ([100] * 800, 220, "Of 640 pictures outside the test part 640 have one side more than 2 times the other"),
        ([40] * 80 + [1000] * 720, [40] * 80 + [1000] * 720, "differ 25 times"),
    ],
)
def test_odd_sizes_are_told_apart(heights: list[int], widths: int | list[int], said: str) -> None:
    assert said in found(odd_sizes.look(Example(columns={"height": heights, "width": widths}).record)).message


def test_enlargement_is_measured_against_the_canvas() -> None:
    columns = {"height": 20, "width": 20}
    assert odd_sizes.look(Example(columns=columns, hints={"side": 32}).record) is None
    finding = found(odd_sizes.look(Example(columns=columns, hints={"side": 64}).record))
    assert "640 are enlarged more than 2 times to fill the canvas" in finding.message


def test_constant_items_are_named() -> None:
    finding = found(constant_items.look(constant_items.sick()))
    assert finding.message.startswith("Of one colour all over: 80 of 640 pictures outside the test part (cat/0.png, ")


def test_a_doubt_about_groups_is_left_to_its_own_check() -> None:
    hints = {"group_pattern": r"P\d+"}
    record = Example(hints=hints, doubts=(r"use --group-from 'P\d+'", "2 .txt files left out")).record
    assert found(layout_doubts.look(record)).evidence == {"doubts": ["2 .txt files left out"]}


def test_data_without_labels_are_examined_without_a_word_about_classes() -> None:
    record: Record = Example(columns={"target": None}).record
    for check in (imbalance, tiny_classes, few_items, cross_class_duplicates):
        assert check.look(record) is None


def test_rows_that_are_alike_in_different_classes_are_no_label_errors() -> None:
    pairs = [(0, 400, "exact"), (5, 405, "exact")]
    finding = found(cross_class_duplicates.look(Example(pairs=pairs, hints={"noun": "row"}).record))
    assert finding.level == "info"
    assert finding.message.startswith("Pairs of rows that are the same in every column but not in their class: 2, such")
    assert "label error" not in finding.message
    assert found(duplicates.look(Example(pairs=pairs, hints={"noun": "row"}).record)).message.startswith(
        "Copies of other rows outside the test part: 2 of 640"
    )


def test_mostly_empty_columns_are_named_with_their_share() -> None:
    record = example_columns({"name": "pool", "missing": 0.96}, {"name": "fence", "missing": 0.5})
    assert "1 of 3 (pool 96%)" in found(missing_values.look(record)).message


@pytest.mark.parametrize(
    ("least", "most", "is_told"), [("0", "inf", True), ("-2e+18", "1,234", True), ("0", "1e+18", False)]
)
def test_numbers_that_are_cut_are_told(least: str, most: str, is_told: bool) -> None:
    finding = huge_numbers.look(example_columns({"name": "share", "least": least, "most": most}))
    assert (finding is not None) is is_told
    if finding is not None:
        assert finding.evidence["columns"] == {"share": [least, most]}


def test_dates_are_no_huge_numbers() -> None:
    record = example_columns({"name": "day", "type": "date", "least": "1970-01-01", "most": "2026-11-30"})
    assert huge_numbers.look(record) is None


def test_a_column_that_counts_the_rows_is_one_that_names_them() -> None:
    assert id_columns.look(example_columns({"name": "weight", "distinct": 495})) is None
    finding = found(id_columns.look(example_columns({"name": "number", "distinct": 495, "counts_up": True})))
    assert finding.evidence["columns"] == ["number"]


def test_an_empty_column_is_a_constant_one_and_not_a_gap() -> None:
    record = example_columns({"name": "nothing", "distinct": 0, "missing": 1.0})
    assert found(constant_columns.look(record)).evidence["columns"] == ["nothing"]
    assert missing_values.look(record) is None


@pytest.mark.parametrize(("owls", "pairs", "is_told"), [(20, 19, True), (20, 18, False), (9, 8, False)])
def test_a_class_of_look_alikes_cannot_be_divided(owls: int, pairs: int, is_told: bool) -> None:
    """One owl and its copies; one more picture is another bird; fewer than ten are told as few."""
    alike = [(40, 41 + copy, "near") for copy in range(pairs)]
    finding = undivided_class.look(Example({"cat": 40, "owl": owls}, parts=["train"], pairs=alike).record)
    assert (finding is not None) == is_told
    if finding:
        assert f"1 of 2 (owl {owls})" in finding.message
        assert finding.evidence["classes"] == {"owl": owls}


def test_look_alikes_and_groups_hold_a_class_together_between_them() -> None:
    groups = [None] * 40 + ["left"] * 10 + ["right"] * 10
    parts = {"parts": ["train"], "columns": {"group": groups}}
    assert undivided_class.look(Example({"cat": 40, "owl": 20}, **parts).record) is None
    joined = Example({"cat": 40, "owl": 20}, pairs=[(45, 55, "exact")], **parts).record
    assert found(undivided_class.look(joined)).evidence["number"] == 1


def test_a_class_in_the_test_part_is_not_spoken_of() -> None:
    parts = [*["train"] * 40, *["test"] * 20]
    groups = [None] * 40 + ["the owl"] * 20
    assert (
        undivided_class.look(Example({"cat": 40, "owl": 20}, columns={"group": groups, "part": parts}).record) is None
    )
