from __future__ import annotations

import hashlib
import json

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.core import split
from penjing.core._split_deal import Units, deal_folds, deal_parts
from penjing.core.split import Split, deal


def content(count: int, salt: str = "") -> list[str]:
    return [hashlib.blake2b(f"{salt}{number}".encode(), digest_size=16).hexdigest() for number in range(count)]


def simple(count: int, classes: int = 3, **settings_: object) -> Split:
    return deal(content(count), np.arange(count), np.arange(count) % classes, None, 0, **settings_)


data_sets = st.tuples(st.integers(1, 300), st.integers(1, 60), st.integers(1, 6), st.integers(0, 2**32))


def drawn(case: tuple[int, int, int, int]) -> tuple[list[str], np.ndarray, np.ndarray]:
    count, groups, classes, seed = case
    generator = np.random.default_rng(seed)
    return content(count), generator.integers(groups, size=count), generator.integers(-1, classes, size=count)


@settings(max_examples=60)
@given(data_sets, st.sampled_from([0, 3, 5]))
def test_no_group_straddles_parts_or_folds(case, folds):
    hashes, groups, classes = drawn(case)
    frame = deal(hashes, groups, classes, None, 0, folds=folds).frame.with_columns(pl.Series("given", groups))
    seen = frame.group_by("given").agg(pl.col("part").n_unique(), pl.col("fold").n_unique())
    assert seen["part"].max() == 1
    assert seen["fold"].max() == 1


@settings(max_examples=60)
@given(data_sets)
def test_the_order_of_the_items_does_not_matter(case):
    hashes, groups, classes = drawn(case)
    order = np.random.default_rng(1).permutation(len(hashes))
    one = deal(hashes, groups, classes, None, 7, folds=4).frame.sort("hash")
    other = deal([hashes[row] for row in order], groups[order], classes[order], None, 7, folds=4).frame.sort("hash")
    assert one.equals(other)


@settings(max_examples=40)
@given(data_sets, st.integers(1, 200))
def test_grown_data_keep_their_parts_unless_groups_merge(case, more):
    hashes, groups, classes = drawn(case)
    before = deal(hashes, groups, classes, None, 0)
    generator = np.random.default_rng(case[3])
    grown = hashes + content(more, "new")
    grown_groups = np.concatenate([groups, generator.integers(case[1] + 20, size=more)])
    grown_classes = np.concatenate([classes, generator.integers(case[2], size=more)])
    after = deal(grown, grown_groups, grown_classes, None, 0, previous=before)
    assert after.frame["part"].to_list()[: len(hashes)] == before.frame["part"].to_list()
    straddling = after.frame.group_by("group").agg(pl.col("part").n_unique())["part"]
    assert straddling.max() == 1


def test_newcomers_are_dealt_so_that_the_shares_hold():
    before = simple(500)
    hashes = content(500) + content(1000, "new")
    after = deal(hashes, np.arange(1500), np.arange(1500) % 3, None, 0, previous=before)
    assert abs(after.counts["test"] - 225) <= 3
    assert "500 items keep the parts they had; 1,000 are new" in after.said


@settings(max_examples=40)
@given(st.integers(200, 1999), st.integers(1, 40), st.integers(0, 1000))
def test_shares_are_kept_for_many_classes(count, classes, seed):
    dealt = deal(content(count), np.arange(count), np.arange(count) % classes, None, seed)
    assert abs(dealt.counts["test"] / count - 0.15) < 0.02
    assert abs(dealt.counts["valid"] / count - 0.15) < 0.02
    assert dealt.counts["confirm"] == 0


def test_every_class_is_learned_from_and_proportions_hold():
    classes = np.repeat([0, 1, 2, 3], [500, 300, 40, 2])
    dealt = deal(content(842), np.arange(842), classes, None, 0)
    train, test = classes[dealt.index("train")], classes[dealt.index("test")]
    assert set(train.tolist()) == {0, 1, 2, 3}
    assert np.abs(np.bincount(test, minlength=4) - 0.15 * np.bincount(classes)).max() <= 1.5


def test_the_test_part_is_an_unbiased_draw_over_split_seeds():
    hits = np.zeros(60)
    for seed in range(400):
        hits[deal(content(60), np.arange(60), np.arange(60) % 2, None, seed).index("test")] += 1
    # Each item is in the test part with probability p; 400 draws leave it within five standard errors.
    share = hits.mean() / 400
    assert abs(share - 0.15) < 0.01
    assert np.abs(hits / 400 - share).max() < 5 * np.sqrt(share * (1 - share) / 400)


def test_confirmation_is_cut_from_the_validation_share_of_larger_data():
    assert simple(1999).counts["confirm"] == 0
    counts = simple(3000).counts
    assert counts == {"train": 2100, "valid": 300, "confirm": 150, "test": 450, "excluded": 0}


def test_too_few_items_give_folds_and_say_so():
    dealt = simple(30)
    assert dealt.counts["test"] == 0
    assert dealt.seal_id is None
    assert dealt.folds == 5
    why = "No test part, because 30 items are too few to set some aside (40 are needed): the score comes from 5 folds"
    assert why in dealt.said


def test_too_few_groups_are_named_and_not_the_items_in_them():
    dealt = deal(content(90), np.arange(90) // 15, np.arange(90) % 3, None, 0)
    assert dealt.counts["test"] == 0
    assert (
        "No test part, because the 90 items are 6 groups, too few to set some aside (10 groups are needed): "
        "the score comes from 5 folds"
    ) in dealt.said


def test_one_item_and_no_item_are_dealt():
    assert simple(1).counts["train"] == 1
    assert len(deal([], np.empty(0, int), None, None, 0).frame) == 0


def test_more_folds_than_groups_are_cut_to_the_groups_and_it_is_said():
    dealt = deal(content(90), np.arange(90) // 3, np.arange(90) // 30, None, 0, folds=1000)
    outside = len(np.unique(dealt.frame["group"].to_numpy()[dealt.frame["part"].to_numpy() != "test"]))
    assert dealt.folds == outside < 30
    sentence = f"1,000 folds are more than the {outside} groups outside the test part, so there are {outside} folds"
    assert [line for line in dealt.said if "folds" in line] == [sentence]


def test_as_many_folds_as_asked_for_are_not_remarked_on():
    dealt = simple(90, folds=5)
    assert dealt.folds == 5
    assert not any("folds" in line for line in dealt.said)


def test_no_fold_is_empty_however_unequal_the_groups_are():
    dealt = deal(content(100), np.repeat(np.arange(12), [89] + [1] * 11), np.arange(100) % 2, None, 0, folds=9)
    fold = dealt.frame["fold"].to_numpy()
    assert np.unique(fold[fold >= 0]).tolist() == list(range(dealt.folds))


def test_few_groups_give_folds_however_many_items_there_are():
    dealt = deal(content(400), np.arange(400) % 4, None, None, 0)
    assert dealt.counts["test"] == 0
    assert dealt.folds == 4


def test_equal_content_is_in_one_part_even_across_classes():
    hashes = content(100) + content(100)
    classes = np.repeat([0, 1], 100)
    dealt = deal(hashes, np.arange(200), classes, None, 0)
    parts = dealt.frame["part"].to_list()
    assert parts[:100] == parts[100:]


def test_folds_hold_nothing_of_the_test_part_and_spread_classes():
    classes = np.arange(300) % 3
    dealt = simple(300, folds=5)
    fold = dealt.frame["fold"].to_numpy()
    assert (fold[dealt.index("test")] == -1).all()
    inside = fold >= 0
    table = np.stack([np.bincount(fold[inside & (classes == name)], minlength=5) for name in range(3)])
    assert table.max() - table.min() <= 1


@given(data_sets, st.integers(2, 6))
def test_folds_of_a_split_that_has_none_are_those_it_would_have_been_dealt(case, folds):
    hashes, groups, classes = drawn(case)
    plain, asked = (deal(hashes, groups, classes, None, 0, folds=count) for count in (0, folds))
    found = split.in_folds(plain, classes, folds)
    assert found.frame.drop("fold").equals(plain.frame.drop("fold"))
    if plain.folds == 0:  # else there were too few items for a test part
        assert found.frame.equals(asked.frame)


def test_a_given_split_is_kept_and_validation_is_cut_from_train():
    parts = ["train"] * 800 + ["test"] * 200
    dealt = deal(content(1000), np.arange(1000), np.arange(1000) % 2, parts, 0)
    assert dealt.index("test").tolist() == list(range(800, 1000))
    assert dealt.counts["valid"] == 120
    assert dealt.is_given
    other = deal(content(1000), np.arange(1000), np.arange(1000) % 2, parts, 1)
    assert other.seal_id == dealt.seal_id


def test_what_is_cut_from_a_large_given_train_part_is_bounded():
    parts = ["train"] * 90_000 + ["test"] * 10_000
    counts = deal(content(100_000), np.arange(100_000), None, parts, 0).counts
    assert counts["valid"] + counts["confirm"] == split.MOST_CUT


def test_a_given_split_reports_what_leaks_across_it():
    groups = np.arange(100)
    groups[95] = groups[3]
    parts = ["train"] * 80 + ["test"] * 20
    names = [f"{number}.png" for number in range(100)]
    dealt = deal(content(100), groups, None, parts, 0, names=names)
    assert dealt.frame["part"].to_list()[95] == "test"
    assert dealt.leaked().tolist() == [95]
    assert dealt.leaks() == [("95.png", "3.png")]
    assert "1 test items have a copy or a group member in the part that is learned from" in dealt.said


def test_what_belongs_to_a_sealed_item_and_to_no_part_is_left_out():
    groups = np.arange(100)
    groups[5] = groups[95]
    parts = [None] * 60 + ["train"] * 20 + ["test"] * 20
    dealt = deal(content(100), groups, None, parts, 0)
    assert dealt.index("excluded").tolist() == [5]
    assert not len(dealt.leaked())


def test_items_that_cross_the_seal_are_counted_and_copies_on_both_sides_of_it_are_not():
    hashes = [*content(100), content(1)[0]]  # the last one is a copy of the first
    parts = ["train"] * 80 + ["test"] * 20 + ["test"]

    def dealt(parts: list[str]) -> Split:
        return deal(hashes, np.arange(101), None, parts, 0)

    assert dealt(parts).crossed(dealt(parts)) == 0
    sealed, opened, left_out = parts.copy(), parts.copy(), parts.copy()
    sealed[5], opened[90:92], left_out[95] = "test", ["train", "train"], "excluded"
    assert dealt(sealed).crossed(dealt(parts)) == 1
    assert dealt(opened).crossed(dealt(parts)) == 2
    assert dealt(left_out).crossed(dealt(parts)) == 0
    assert deal(hashes[50:], np.arange(51), None, parts[50:], 0).crossed(dealt(parts)) == 0


def test_excluded_items_stay_out():
    parts = ["excluded"] * 10 + [None] * 90
    dealt = deal(content(100), np.arange(100), None, parts, 0, folds=3)
    assert dealt.index("excluded").tolist() == list(range(10))
    assert (dealt.frame["fold"].to_numpy()[:10] == -1).all()
    assert not dealt.is_given


def test_a_group_merged_across_the_seal_becomes_sealed():
    before = simple(100)
    test, train = before.index("test")[0], before.index("train")[0]
    groups = np.arange(100)
    groups[train] = groups[test]
    after = deal(content(100), groups, None, None, 0, previous=before)
    assert after.frame["part"][int(train)] == "test"
    assert not len(after.leaked())


def test_a_written_split_reads_back(tmp_path):
    dealt = simple(100, folds=3)
    dealt.write(tmp_path / "split.parquet")
    read = Split.read(tmp_path / "split.parquet")
    assert read.frame.equals(dealt.frame)
    assert read.seal_id == dealt.seal_id
    assert read.folds == 3


def test_grown_data_are_recognised_and_other_data_are_not(tmp_path):
    dealt = simple(300)
    split.remember(dealt, tmp_path)
    found = split.recall(content(300)[50:] + content(200, "new"), 0, tmp_path)
    assert found is not None
    assert found.frame.equals(dealt.frame)
    assert split.recall(content(300, "other"), 0, tmp_path) is None
    assert split.recall(content(300), 1, tmp_path) is None
    assert split.recall(content(300), 0, tmp_path / "nowhere") is None


def test_a_row_or_two_that_another_table_holds_too_are_no_earlier_data(tmp_path):
    split.remember(simple(2), tmp_path)
    assert split.recall(content(1) + content(60, "other"), 0, tmp_path) is None
    assert split.recall(content(2) + content(60, "new"), 0, tmp_path) is not None


def test_a_given_split_is_not_remembered(tmp_path):
    split.remember(deal(content(9), np.arange(9), None, ["train"] * 6 + ["test"] * 3, 0), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_memories_are_passed_over(tmp_path):
    split.remember(simple(100), tmp_path)
    good = next(tmp_path.glob("*.json"))
    (tmp_path / "zz.json").write_text(
        json.dumps({"seed": 0, "items": 999, "sketch": json.loads(good.read_text())["sketch"]})
    )
    (tmp_path / "zz.parquet").write_bytes(b"PAR1 torn")
    (tmp_path / "yy.json").write_text("{")
    (tmp_path / "xx.json").write_text("[1]")
    assert split.recall(content(100), 0, tmp_path) is not None
    good.with_suffix(".parquet").unlink()
    assert split.recall(content(100), 0, tmp_path) is None


@settings(max_examples=40)
@given(st.integers(12, 40), st.integers(5, 60), st.integers(1, 10), st.integers(0, 1000))
def test_shares_are_kept_for_groups_of_one_size_however_many_classes(count, size, classes, seed):
    groups = np.repeat(np.arange(count), size)
    dealt = deal(content(count * size), groups, groups % classes, None, seed)
    for part in ("test", "valid"):
        held = dealt.counts["valid"] + dealt.counts["confirm"] if part == "valid" else dealt.counts[part]
        assert 1 <= held / size <= 0.15 * count + 2


def test_a_group_that_is_too_large_is_passed_over_for_those_behind_it():
    groups = np.repeat(np.arange(13), [40] + [5] * 12)
    for seed in range(30):
        dealt = deal(content(100), groups, None, None, seed)
        assert 10 <= dealt.counts["test"] <= 20
        assert 10 <= dealt.counts["valid"] <= 20


def test_a_cluster_of_near_duplicates_leaves_no_class_without_validation_or_test_items():
    classes = np.repeat([0, 1], 100)
    for size in (20, 40):
        groups = np.where(np.arange(200) < size, 0, np.arange(200))
        for seed in range(40):
            part = deal(content(200, f"{seed} "), groups, classes, None, seed).frame["part"].to_numpy()[:100]
            assert min((part == "valid").sum(), (part == "test").sum()) >= 8


def test_small_clusters_are_dealt_as_they_ever_were():
    dealt = []
    for seed in range(40):
        draw, groups = np.random.default_rng(seed), np.arange(400)
        for _ in range(30):
            first = int(draw.integers(392))
            groups[first : first + int(draw.integers(2, 6))] = first
        dealt += deal(content(400), groups, np.arange(400) // 100, None, seed).frame["part"].to_list()
    letters = "".join(part[0] for part in dealt)
    assert hashlib.sha256(letters.encode()).hexdigest()[:16] == "7e1fa68c4c1206f2"  # before clusters were passed over


class Looked(np.ndarray):
    """An array that counts how often it is looked through for a value."""

    times = 0

    def __eq__(self, other: object) -> np.ndarray:
        Looked.times += 1
        return np.asarray(self) == other


def test_the_units_are_not_looked_through_once_for_each_class():
    count, classes = 600, 60
    draw = np.random.default_rng(0)
    stratum = np.repeat(np.arange(classes), count // classes)
    dealt = Units(np.arange(count), draw.random(count), np.ones(count, np.int64), stratum.view(Looked))
    part = deal_parts(np.full(count, "", dtype="<U5"), dealt, np.ones(count, bool), {"test": 0.2, "valid": 0.2})
    fold = deal_folds(dealt, part == "train", 3)
    assert Looked.times == 0
    for held in np.split(part, classes):
        assert sorted(held) == ["test"] * 2 + ["train"] * 6 + ["valid"] * 2
    assert all(sorted(held[held >= 0]) == [0, 0, 1, 1, 2, 2] for held in np.split(fold, classes))
    none = Units(*(np.zeros(0, kind) for kind in (int, float, int, int)))
    assert len(deal_parts(np.zeros(0, "<U5"), none, np.zeros(0, bool), {"test": 0.2})) == 0


def test_a_deal_by_other_groups_is_told_from_one_that_has_grown():
    mice = np.arange(240) % 12
    before = simple(240)
    assert split.is_torn(before, content(240), mice)
    by_mouse = deal(content(240), mice, None, None, 0)
    assert not split.is_torn(by_mouse, content(240), mice)
    assert not split.is_torn(by_mouse, content(240) + content(40, "new"), np.arange(280) % 12)
    merged = np.arange(240)
    merged[1] = 0
    assert not split.is_torn(before, content(240), merged)


def test_what_was_sealed_is_never_learned_from_where_nothing_is_left_to_choose_by():
    before = simple(100)
    outside = [name for name, part in zip(content(100), before.frame["part"], strict=True) if part == "test"]
    after = deal(outside, np.arange(len(outside)), None, None, 0, previous=before)
    assert after.counts["test"] == len(outside)
