"""Corrections: read by name, kept by content, and meaning the same rows whichever way."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penjing.workflows._corrections import Corrections, by_content

LABELS = st.sampled_from(["cat", "dog", None])


def test_a_correction_of_an_item_holds_for_its_copies_that_come_later():
    found = by_content({0: "dog", 1: None}, ["a", "b", "c"])
    assert found == Corrections(("b",), {"a": "dog"})
    assert found.rows(["c", "a", "b", "a"]) == {1: "dog", 2: None, 3: "dog"}


def test_of_two_copies_one_can_be_dropped_and_the_other_kept():
    found = by_content({2: None}, ["a", "b", "a"])
    assert found == Corrections(("a#2",), {})
    assert found.rows(["a", "b", "a"]) == {2: None}


def test_a_copy_in_a_given_test_part_is_corrected_only_where_the_file_names_it():
    hashes, is_sealed = ["a", "a"], np.array([False, True])
    of_training = by_content({0: "dog"}, hashes, is_sealed)
    assert of_training == Corrections((), {"a": "dog"})
    assert of_training.rows(hashes, is_sealed) == {0: "dog"}
    of_both = by_content({0: "dog", 1: "dog"}, hashes, is_sealed)
    assert of_both.rows(hashes, is_sealed) == {0: "dog", 1: "dog"}


def test_what_was_corrected_is_said_in_numbers():
    assert str(Corrections(("a",), {"b": "dog", "c": "cat"})) == "corrections: 2 labels changed, 1 item left out"


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.booleans(), st.booleans(), LABELS), max_size=8))
def test_on_the_same_data_corrections_mean_the_same_rows(items):
    hashes = [text for text, _, _, _ in items]
    is_sealed = np.array([sealed for _, sealed, _, _ in items], dtype=bool)
    rows = {row: label for row, (text, _, touched, label) in enumerate(items) if touched and text is not None}
    assert by_content(rows, hashes, is_sealed).rows(hashes, is_sealed) == rows
