"""Corrections: read by name, kept by content, and meaning the same rows whichever way."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penjing as pj
from penjing.workflows._corrections import Corrections, _rows_of, by_content, of_rows
from tiny_data import draw

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


def test_what_is_found_of_training_items_leaves_their_copies_in_other_parts_alone():
    """Item a is learned from, validates and is sealed; d was left out by hand, in all of its copies."""
    hashes = ["a", "b", "a", "d", "c", "a", "d"]
    is_sealed = np.array([row == 5 for row in range(7)])
    known = Corrections(("d",), {})
    found = of_rows(Corrections(("d", "a", "b"), {"c": "dog"}), known, [0, 1, 3, 4], hashes, is_sealed)
    assert found == Corrections(("a#1", "b", "d"), {"c": "dog"})
    assert found.rows(hashes, is_sealed) == {0: None, 1: None, 3: None, 4: "dog", 6: None}
    assert of_rows(known, known, [0, 1], hashes, is_sealed) is known


def test_what_was_corrected_is_said_in_numbers():
    assert str(Corrections(("a",), {"b": "dog", "c": "cat"})) == "corrections: 2 labels changed, 1 item left out"


TAGS = ["sad|long", "long", None, "|", "sad", "sad|funny"] * 20


def tagged(tmp_path, rows):
    fixes = tmp_path / "fixes.csv"
    fixes.write_text("path,label\n" + rows, encoding="utf-8")
    frame = pl.DataFrame(
        {"text": [f"film number {row} was {row % 7} and {row % 11}" for row in range(120)], "tags": TAGS}
    )
    return pj.inspect(frame, target="tags", types={"tags": "labels"}, corrections=fixes, watch=None).prepared


def test_corrected_labels_are_labels_and_not_letters(tmp_path):
    prepared = tagged(tmp_path, "row 1,sad; funny\nrow 2,|\nrow 5,drop\n")
    assert prepared.classes == ("funny", "long", "sad")
    assert prepared.truth[0].tolist() == [1, 0, 1]
    assert prepared.truth[1].tolist() == [0, 0, 0]
    assert prepared.split.frame["part"][3] == "excluded"
    assert "excluded" not in prepared.split.frame["part"][:3].to_list()


SAVED = {
    "GB18030 with semicolons": ("path;label;why\nrow 1; bad ;有人说\n row 2;drop;看过\nrow 3;bad;\n;;\n", "gb18030"),
    "UTF-16 with tabs": ("path\tlabel\twhy\nrow 1\tbad\t有人说\nrow 2\tdrop \t\nrow 3\tbad\t\n", "utf-16"),
    "UTF-8 with commas": ('path,label,why\r\nrow 1," bad","a, b"\r\nrow 2,drop,\r\nrow 3,bad,\r\n', "utf-8-sig"),
}


@pytest.mark.parametrize("saved", SAVED)
def test_corrections_that_a_spreadsheet_saved_anew_mean_the_same(tmp_path, saved):
    fixes = tmp_path / "fixes.csv"
    text, encoding = SAVED[saved]
    fixes.write_bytes(text.encode(encoding))
    prepared = with_classes(fixes, "good", "bad")
    assert prepared.corrections.rows(prepared.hashes) == {0: "bad", 1: None, 2: "bad"}


def test_rows_left_as_they_were_change_nothing_where_a_class_is_called_drop(tmp_path):
    fixes = tmp_path / "fixes.csv"
    fixes.write_text("path,label\nrow 1,drop\nrow 2,keep\nrow 3,keep\n", encoding="utf-8")
    prepared = with_classes(fixes, "drop", "keep")
    assert prepared.corrections.rows(prepared.hashes) == {2: "keep"}


def with_classes(fixes, first, second):
    """Rows of two classes in turn, with the corrections of a file."""
    frame = pl.DataFrame(
        {"text": [f"film number {row} was {row % 7}" for row in range(60)], "label": [first, second] * 30}
    )
    return pj.inspect(frame, target="label", corrections=fixes, watch=None).prepared


def test_an_item_without_any_label_is_learned_from_and_one_whose_labels_are_unknown_is_left_out(tmp_path):
    prepared = tagged(tmp_path, "")
    assert any("20 items without labels left out" in doubt and 'write "|"' in doubt for doubt in prepared.table.doubts)
    assert len(prepared.hashes) == 100  # every sixth cell is empty: nothing is known of it
    assert prepared.truth[2].tolist() == [0, 0, 0]  # "|" says that it has none
    assert prepared.split.frame["part"][2] != "excluded"


def test_a_label_that_the_data_do_not_have_is_refused_by_its_name(tmp_path):
    with pytest.raises(pj.DataError, match='gives row 1 the label "sed", which the data do not have; did you mean'):
        tagged(tmp_path, "row 1,sed|long\n")


def test_a_number_is_corrected_to_any_number_and_to_nothing_else(tmp_path):
    fixes = tmp_path / "fixes.csv"
    draw = np.random.default_rng(0)
    data = {"size": draw.normal(size=90), "price": draw.normal(size=90)}
    fixes.write_text("path,label\nrow 2,17.25\n", encoding="utf-8")
    prepared = pj.inspect(data, target="price", corrections=fixes, watch=None).prepared
    assert prepared.truth[1] == 17.25
    fixes.write_text("path,label\nrow 2,much\n", encoding="utf-8")
    with pytest.raises(pj.DataError, match='the value "much", which is no number'):
        pj.inspect(data, target="price", corrections=fixes, watch=None)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.booleans(), st.booleans(), LABELS), max_size=8))
def test_on_the_same_data_corrections_mean_the_same_rows(items):
    hashes = [text for text, _, _, _ in items]
    is_sealed = np.array([sealed for _, sealed, _, _ in items], dtype=bool)
    rows = {row: label for row, (text, _, touched, label) in enumerate(items) if touched and text is not None}
    assert by_content(rows, hashes, is_sealed).rows(hashes, is_sealed) == rows


def test_where_a_picture_is_listed_twice_each_row_is_corrected_by_itself(tmp_path):
    for number in range(20):
        draw(number % 2, number).save(tmp_path / f"{number}.png")
    lines = [f"{number}.png,{'ab'[number % 2]}" for number in range(20)] + ["3.png,a"]
    table = tmp_path / "list.csv"
    table.write_text("path,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    suspects = tmp_path / "suspects.csv"
    looked = pj.inspect(table, watch=None)
    assert pj.workflows.inspect.write_suspects(looked, suspects) == 2
    found = pl.read_csv(suspects)
    assert found["path"].str.ends_with("row 4)").sum() == found["path"].str.ends_with("row 21)").sum() == 1
    unedited = pj.inspect(table, corrections=suspects, watch=None).prepared
    assert unedited.corrections == Corrections()
    dropped = found.with_columns(label=pl.when(pl.col("label") == "b").then(pl.lit("drop")).otherwise("label"))
    dropped.write_csv(suspects)
    parts = pj.inspect(table, corrections=suspects, watch=None).prepared.split.frame["part"].to_list()
    assert (parts[3], parts[20] == "excluded") == ("excluded", False)


def test_items_are_known_by_the_names_of_a_run_and_by_those_that_a_person_types(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(30):
            draw(label == "dog", number).save(tmp_path / "photos" / label / f"{number}.png")
    fixes = tmp_path / "fixes.csv"
    for name in ("cat/1.png", str(tmp_path / "photos" / "cat" / "1.png")):
        fixes.write_text(f"path,label\n{name},dog\n", encoding="utf-8")
        prepared = pj.inspect(tmp_path / "photos", corrections=fixes, watch=None).prepared
        assert prepared.truth.sum() == 31


def test_a_name_of_several_rows_means_none_of_them():
    assert _rows_of([["a (1)", "a (2)", "b"], ["a", "a", "c"]]) == {"a (1)": 0, "a (2)": 1, "b": 2, "c": 2}
