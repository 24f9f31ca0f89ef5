"""Texts: cleaned cell by cell, tokens learned the same each time, nothing lost that a person could read."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from penjing.modalities import text

ENGLISH = [
    "A stirring, funny and finally transporting film .",
    "the film is not funny and not a film at all",
    "What a waste of two hours; I want them back.",
    "A funny film for the whole family, and a stirring one!",
] * 5
CHINESE = [
    "酒店的早餐很好，服务也不错，下次还会住这家酒店。",
    "房间太小，服务很差，早餐没有什么吃的。",
    "酒店位置不错，离车站很近，房间也干净。",
    "再也不会住这家酒店，房间又脏又吵！",
] * 5


def cleaned(*cells: str | None) -> list[str | None]:
    found = text.clean(pl.Series(cells, dtype=pl.String))
    assert found.dtype == pl.String
    return found.to_list()


def learned(cells: list[str], **settings: object) -> dict[str, object]:
    return text.learn(text.clean(pl.Series(cells)), text.Settings(**settings))  # type: ignore[arg-type]


def tokens(cells: list[str | None], known: dict[str, object]) -> np.ndarray:
    """The pieces of each text: what a network reads."""
    return text.encode(text.clean(pl.Series(cells, dtype=pl.String)), known)[:, : known["length"]]  # type: ignore[misc]


def words(cells: list[str | None], known: dict[str, object]) -> np.ndarray:
    """The words of each text: what the wide part reads."""
    return text.encode(text.clean(pl.Series(cells, dtype=pl.String)), known)[:, known["length"] :]  # type: ignore[misc]


def test_blanks_are_collapsed_and_controls_go() -> None:
    assert cleaned("  two\t\twords\r\n", "a\x00b\x07c", "\ufeffstart", "soft\u00adhyphen") == [
        "two words",
        "abc",
        "start",
        "softhyphen",
    ]


def test_characters_are_composed_and_joiners_stay() -> None:
    family = "👨\u200d👩\u200d👧"
    assert cleaned("cafe\u0301", family, "می\u200cخواهم") == ["café", family, "می\u200cخواهم"]


def test_missing_empty_and_unreadable_texts_are_null() -> None:
    assert cleaned(None, "", "   ", "\n\t", "\x00\x01", "\u200b") == [None] * 6


def test_a_column_without_any_text_keeps_its_length() -> None:
    assert text.clean(pl.Series([None, None])).to_list() == [None, None]
    assert text.clean(pl.Series([], dtype=pl.Null)).dtype == pl.String


def test_numbers_are_taken_as_they_are_written() -> None:
    assert text.clean(pl.Series([1, 25, None])).to_list() == ["1", "25", None]


def test_enormous_texts_are_cut_at_the_stated_bound() -> None:
    (found,) = cleaned("长" * 3_000_000)
    assert found == "长" * text.MOST_CHARACTERS


@settings(max_examples=200)
@given(cell=st.text(max_size=50))
def test_cleaning_twice_is_cleaning_once(cell: str) -> None:
    once = cleaned(cell)
    assert cleaned(*once) == once


@pytest.mark.parametrize("cells", [ENGLISH, CHINESE])
def test_the_tokeniser_is_the_same_bytes_in_another_process(cells: list[str]) -> None:
    code = (
        "import json, sys, polars as pl; from penjing.modalities import text;"
        "known = text.learn(pl.Series(json.load(sys.stdin)), text.Settings());"
        "print(known['tokeniser'] + known['words']['tokeniser'])"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    known = learned(cells)
    expected = known["tokeniser"] + known["words"]["tokeniser"]  # type: ignore[operator, index]
    for parallel in ("true", "false"):
        environment["TOKENIZERS_PARALLELISM"] = parallel
        done = subprocess.run(
            [sys.executable, "-c", code], input=json.dumps(cells), text=True, encoding="utf-8", capture_output=True,
            env=environment, check=True,
        )  # fmt: skip
        assert done.stdout.rstrip("\n") == expected


def test_what_is_learned_is_json_and_a_tokeniser_of_its_library() -> None:
    known = learned(ENGLISH)
    assert json.loads(json.dumps(known)) == known
    library = Tokenizer.from_str(known["tokeniser"])
    assert library.get_vocab_size() == known["vocabulary"]
    assert library.token_to_id("[PAD]") == text.PADDING
    assert library.token_to_id("[UNK]") == text.UNKNOWN
    assert library.encode("a funny film").ids == tokens(["a funny film"], known)[0][:3].tolist()


def test_frequent_words_are_tokens_in_languages_with_and_without_spaces() -> None:
    assert " film" in Tokenizer.from_str(learned(ENGLISH)["tokeniser"]).get_vocab()
    assert "酒店" in Tokenizer.from_str(learned(CHINESE)["tokeniser"]).get_vocab()


def test_only_training_texts_are_learned() -> None:
    known = learned(ENGLISH)
    assert "酒" not in str(known["tokeniser"])
    found = tokens(["酒店"], known)[0]
    assert (found == text.UNKNOWN).sum() == 2


def test_capitals_are_folded_unless_they_are_to_be_kept() -> None:
    folded, kept = learned(ENGLISH), learned(ENGLISH, case="keep")
    assert np.array_equal(tokens(["WHAT a Film"], folded), tokens(["what a film"], folded))
    assert not np.array_equal(tokens(["What a film"], kept), tokens(["what a film"], kept))


def test_missing_texts_are_padding_and_long_ones_are_cut() -> None:
    known = learned(ENGLISH)
    found = tokens([None, "film " * 10_000, "", "film"], known)
    assert found.shape == (4, known["length"])
    assert found.dtype == np.uint16
    assert (found[[0, 2]] == text.PADDING).all()
    assert (found[1] != text.PADDING).all()
    assert (found[3] != text.PADDING).sum() == 1


def test_texts_of_the_training_part_are_hardly_cut_and_never_longer_than_the_bound() -> None:
    assert learned([*ENGLISH, "word " * 5000] * 2)["length"] == 512
    assert learned(["one"] * 4)["length"] == 8
    assert learned(ENGLISH, length=5)["length"] == 5


def test_nothing_to_learn_from_still_encodes() -> None:
    for cells in (pl.Series([None, None], dtype=pl.String), pl.Series([], dtype=pl.String), pl.Series(["a"])):
        known = text.learn(cells, text.Settings())
        found = text.encode(pl.Series(["anything", None]), known)
        assert found.shape == (2, known["length"] + known["words"]["length"])
        assert (found[0] != text.PADDING).any()
        assert known["vocabulary"] >= 2


def test_more_text_gives_more_tokens_and_settings_bound_them() -> None:
    words = [f"{letter}{other}{third}" for letter in "abcdefgh" for other in "ijklmno" for third in "pqrstuv"]
    many = [" ".join(words[start : start + 40]) for start in range(len(words) - 40)]
    assert learned(many)["vocabulary"] > learned(many[:20])["vocabulary"]
    assert learned(many, vocabulary=100)["vocabulary"] == 100


def test_words_are_whole_where_there_are_spaces_and_single_characters_where_there_are_none() -> None:
    for cells, cell, expected in (
        (ENGLISH, "A funny, unheard film!", ["a", "funny", ",", "[UNK]", "film", "!"]),
        (CHINESE, "酒店很旧。", ["酒", "店", "很", "[UNK]", "。"]),
    ):
        known = learned(cells)
        library = Tokenizer.from_str(known["words"]["tokeniser"])  # type: ignore[index]
        found = words([cell, None], known)
        assert [library.id_to_token(one) for one in found[0].tolist() if one] == expected
        assert not found[1].any()


def test_a_word_that_training_shows_once_is_unknown() -> None:
    known = learned(["rare common common"])
    assert set(json.loads(known["words"]["tokeniser"])["model"]["vocab"]) == {"[PAD]", "[UNK]", "common"}  # type: ignore[index]


def test_words_do_not_depend_on_the_order_of_texts() -> None:
    assert learned(ENGLISH)["words"] == learned(ENGLISH[::-1])["words"]


def test_texts_of_a_run_that_knew_no_words_have_pieces_alone() -> None:
    known = learned(ENGLISH)
    older = {name: value for name, value in known.items() if name != "words"}
    cells = pl.Series(["a funny film"])
    assert np.array_equal(text.encode(cells, older), text.encode(cells, known)[:, : known["length"]])  # type: ignore[misc]


def test_shape_is_length_and_vocabulary() -> None:
    assert text.shape({"length": 30, "vocabulary": 500}, (30,)) == (30, 500)


def test_counts_are_of_words_and_their_neighbours() -> None:
    found = text.features(pl.Series(["a film", None, "film film"]))
    assert found.shape[0] == 3
    assert found.dtype == np.float32
    assert found[0].sum() == 3  # a, film, a film
    assert found[1].sum() == 0
    assert sorted(found[2].data) == [1, 2]  # film film, film
    assert found[0].multiply(found[2]).nnz == 1


def test_characters_of_scripts_without_spaces_are_counted_alone() -> None:
    found = text.features(pl.Series(["酒店好", "I’m", "𠮷野"]))
    assert found.sum(axis=1).ravel().tolist()[0] == [6, 1, 3]


def test_counting_learns_nothing() -> None:
    together = text.features(pl.Series(ENGLISH))
    alone = text.features(pl.Series(ENGLISH[2:3]))
    assert (together[2] != alone).nnz == 0


def test_sentences_are_recognised_and_categories_numbers_and_paths_are_not() -> None:
    reviews = [f"{sentence} {number}" for number, sentence in enumerate(ENGLISH + CHINESE)]
    assert text.recognise(reviews) > 0.9
    assert text.recognise(["Bank transfer (automatic)", "Mailed check by post"] * 50) < 0.1
    assert text.recognise(["yes", "no", "maybe"]) == 0.0
    assert text.recognise([1.5, 2, None]) == 0.0
    assert text.recognise([f"photos/a b c/{number}.jpg" for number in range(20)]) == 0.0
    assert text.recognise(["https://example.org/a", "https://example.org/b"]) == 0.0
    assert text.recognise([]) == 0.0
    assert text.recognise([None, ""]) == 0.0


def test_missing_cells_do_not_count_against_a_text_column() -> None:
    assert text.recognise([*ENGLISH[:4], None, "", None, None]) == 1.0


def test_importing_it_imports_no_torch_and_no_tokeniser() -> None:
    code = "import sys, penjing.modalities.text; sys.exit(bool({'torch', 'tokenizers', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
