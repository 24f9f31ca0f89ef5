"""Groups: guessed only as a hint, taken only on request."""

from __future__ import annotations

import re

import pytest

from penjing.sources import Options, open_data
from penjing.sources._groups import groups_of, guess


def mice(count: int = 12, pictures: int = 3) -> list[str]:
    kinds = ("early", "late")
    return [
        f"{kinds[mouse % 2]}/mouse{mouse:02d}_{number:02d}.png"
        for mouse in range(1, count + 1)
        for number in range(pictures)
    ]


def test_names_that_suggest_groups_are_a_doubt_and_a_hint_but_no_group(plant) -> None:
    table = open_data(plant(mice()))
    assert table.group is None
    sentence = r"Names suggest 12 groups (mouse01…mouse12): use --group-from 'mouse\d+', or the score will be too good"
    assert table.doubts == (sentence,)
    assert table.hints["group_pattern"] == r"mouse\d+"
    assert table.hints["groups"] == 12


def test_the_hint_gives_the_groups_it_promises(plant) -> None:
    folder = plant(mice())
    pattern = str(open_data(folder).hints["group_pattern"])
    table = open_data(folder, Options(group_from=pattern))
    assert table.group is not None
    assert table.frame["group"].n_unique() == 12
    assert "12 groups (mouse01…mouse12), never parted by the split" in table.said
    assert table.doubts == ()


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ([f"patient_{number // 4}_slide{number}.jpg" for number in range(40)], 10),
        ([f"P{number // 4:03d}-left-{number}.png" for number in range(40)], 10),
        ([f"病人{number // 4}_{number}.png" for number in range(40)], 10),
        ([f"{number // 4:04d}_c{number}.jpg" for number in range(40)], 10),
        ([f"scan {number // 4} ({number}).png" for number in range(40)], 10),
    ],
)
def test_names_that_hold_a_group_are_noticed(names: list[str], groups: int) -> None:
    guessed = guess(names)
    assert guessed is not None
    assert guessed.groups == groups
    assert len(set(groups_of(names, guessed.pattern)[0])) == groups


@pytest.mark.parametrize(
    "names",
    [
        [f"{number}.png" for number in range(40)],
        [f"cat_{number}.png" for number in range(40)],
        [f"IMG_{number}.JPG" for number in range(40)],
        [f"{number * 7919}_{number:x}.jpg" for number in range(40)],
        [f"a{number // 20}_{number}.png" for number in range(40)],
        [f"{'abcdefgh'[number % 8]}{number // 4}_{number}.png" for number in range(40)],
        [],
    ],
)
def test_names_that_hold_none_are_left_alone(names: list[str]) -> None:
    assert guess(names) is None


def test_a_bracket_or_a_folder_names_the_group() -> None:
    paths = ["cat/m1/a_01.png", "cat/m2/b_02.png", "dog/m1/c.png"]
    assert groups_of(paths, r"_(\d+)")[0] == ["01", "02", None]
    assert groups_of(paths, "folder:2")[0] == ["m1", "m2", "m1"]
    assert groups_of(paths, "folder:-1")[0] == ["m1", "m2", "m1"]
    assert (
        groups_of(paths, r"_(\d+)")[1] == "2 groups (01…02), never parted by the split; 1 item without one, each alone"
    )
    assert groups_of(paths, "x|m1")[1] == "1 group (m1), never parted by the split; 1 item without one, each alone"


def test_a_pattern_with_brackets_that_take_no_part_uses_the_one_that_does() -> None:
    assert groups_of(["a1.png", "b2.png"], r"(a\d)|(b\d)")[0] == ["a1", "b2"]
    assert re.compile(r"(a\d)|(b\d)").groups == 2


def test_items_without_a_group_stand_alone(plant) -> None:
    table = open_data(plant("cat/m1_a.png", "cat/m1_b.png", "dog/c.png", "dog/d.png"), Options(group_from=r"m\d"))
    assert table.frame["group"].to_list() == ["m1", "m1", "alone: dog/c.png", "alone: dog/d.png"]


def test_groups_that_are_the_classes_are_questioned(plant) -> None:
    table = open_data(plant("cat/1.png", "cat/2.png", "dog/1.png"), Options(group_from="folder:1"))
    assert "Each class is one single group" in table.doubts[0]
