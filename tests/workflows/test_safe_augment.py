"""Which augmentations are taken, as a network says that never met them."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from penjing.core.events import Decided
from penjing.core.recipe import Choice, Recipe, Training
from penjing.core.record import MOST_MEASURED
from penjing.training import engine
from penjing.training._loader import Items, spread
from penjing.workflows import _safe_augment
from penjing.workflows._safe_augment import FEWEST_SHIFTED, unmet, with_safe

RECIPE = Recipe(model=Choice("cnn"), augment=(Choice("crop"),), training=Training(batch_size=16)).filled()
ITEMS = 100


class Pictures:
    """Uint8 pictures in memory."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def take(self, index: np.ndarray) -> np.ndarray:
        return self.pixels[index]


def problem(truth: np.ndarray, channels: int = 1, train: int = ITEMS) -> Any:
    pixels = np.random.default_rng(0).integers(0, 256, (len(truth), 8, 8, channels), dtype=np.uint8)
    return engine.Problem(
        Items({"image": Pictures(pixels)}, {"label": truth}),
        {"image": "image"},
        {"image": {"mean": [0.5] * channels, "std": [0.25] * channels}},
        {"image": (channels, 8, 8)},
        "label",
        tuple("abcd"[: truth.max() + 1]),
        np.arange(train) % ITEMS,
        np.arange(len(truth)),
    )


def decided(
    monkeypatch: pytest.MonkeyPatch, answers: list[np.ndarray], asked: Any, passes: float = 100.0
) -> tuple[Recipe, dict[str, Decided]]:
    """What is decided where a network answers so: plain pictures, then changed ones, each time that it is asked."""
    plain, given = answers[0], iter(answers[1:])

    def outputs(_: Any, items: Items, rows: np.ndarray, __: str) -> np.ndarray:
        return np.eye(5)[plain[rows] if items is asked.items else next(given)]

    monkeypatch.setattr(engine, "outputs", outputs)
    said: list[Decided] = []
    winner: Any = SimpleNamespace(network=None, recipe=RECIPE)
    return with_safe(asked, RECIPE, winner, passes, said.append), {one.what: one for one in said}


TRUTH = np.arange(ITEMS) % 4
NEARLY, LOST = np.where(np.arange(ITEMS) < 95, TRUTH, 0), np.zeros(ITEMS, dtype=int)
ALMOST = np.where(np.arange(ITEMS) < 98, TRUTH, 0)
TWICE = np.tile(TRUTH, 2)  # of the training and of the validation items


def test_a_network_that_knows_mirrored_pictures_lets_them_be_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    found, said = decided(monkeypatch, [TRUTH, np.tile(NEARLY, 2)], problem(TRUTH))
    assert (said["mirroring"].choice, found.training.views) == ("yes", 2)
    assert [one.name for one in found.augment] == ["flip", "crop"]
    found, said = decided(monkeypatch, [TRUTH, np.tile(LOST, 2)], problem(TRUTH))
    assert (said["mirroring"].choice, found) == ("no", RECIPE)


@pytest.mark.parametrize(("lost", "choice"), [([3], "yes"), ([2, 3], "no")])
def test_pictures_are_mirrored_where_most_classes_have_no_left_and_right(
    monkeypatch: pytest.MonkeyPatch, lost: list[int], choice: str
) -> None:
    """As of clothes, of which shoes alone point to one side; of digits hardly any look the same."""
    answers = np.where(np.isin(TWICE, lost), 0, TWICE)
    _, said = decided(monkeypatch, [TRUTH, answers], problem(TRUTH))
    assert said["mirroring"].choice == choice
    assert f"{4 - len(lost)} of 4 classes" in said["mirroring"].why


def test_classes_that_are_each_other_s_mirror_image_are_not_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As left and right arrows among many other signs."""
    truth = np.minimum(np.arange(ITEMS) % 10, 3)  # seven tenths of the items are of one class
    answers = np.tile(np.array([1, 0, 2, 3])[truth], 2)
    found, said = decided(monkeypatch, [truth, answers], problem(truth))
    assert "for each other" in said["mirroring"].why
    assert found == RECIPE


def test_mirror_images_that_are_all_taken_for_the_commonest_class_are_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truth = (np.arange(ITEMS) % 10 >= 7).astype(int)
    _, said = decided(monkeypatch, [truth, np.zeros(2 * ITEMS, dtype=int)], problem(truth))
    assert said["mirroring"].choice == "no"
    assert "1 of 2 classes" in said["mirroring"].why


@pytest.mark.parametrize(("plain", "items"), [([1, 0, 2, 3], 10), ([0, 1, 2, 3], 2)])
def test_classes_that_are_taken_for_each_other_anyway_or_by_chance_are_no_mirror_images(
    monkeypatch: pytest.MonkeyPatch, plain: list[int], items: int
) -> None:
    truth = np.where(np.arange(ITEMS) < 2 * items, np.arange(ITEMS) % 2, 2 + np.arange(ITEMS) % 2)
    mirrored = np.tile(np.array([1, 0, 2, 3])[truth], 2)
    _, said = decided(monkeypatch, [np.array(plain)[truth], mirrored], problem(truth))
    assert said["mirroring"].choice == "yes"


def test_a_mirror_image_taken_for_a_class_without_items_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = replace(problem(TRUTH), classes=("a", "b", "c", "d", "nobody"))
    _, said = decided(monkeypatch, [TRUTH, np.where(TWICE >= 2, 4, TWICE)], asked)
    assert (said["mirroring"].choice, "2 of 4 classes" in said["mirroring"].why) == ("no", True)


def test_of_a_class_that_nothing_is_known_of_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = replace(problem(TRUTH), classes=("a", "b", "c", "d", "nobody"))
    _, said = decided(monkeypatch, [TRUTH, TWICE], asked)
    assert "4 of 4 classes" in said["mirroring"].why


@pytest.mark.parametrize(("relit", "names"), [(NEARLY, ["flip", "colour", "crop"]), (LOST, ["flip", "crop"])])
def test_pictures_in_colour_are_relit_where_the_shade_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, relit: np.ndarray, names: list[str]
) -> None:
    found, said = decided(monkeypatch, [TRUTH, relit, TWICE], problem(TRUTH, channels=3))
    assert [one.name for one in found.augment] == names
    assert said["another light"].choice == ("yes" if "colour" in names else "no")


@pytest.mark.parametrize(("train", "passes"), [(20_001, 100.0), (ITEMS, 29.0)])
def test_items_that_are_many_or_seldom_seen_are_not_relit(
    monkeypatch: pytest.MonkeyPatch, train: int, passes: float
) -> None:
    _, said = decided(
        monkeypatch,
        [TRUTH, np.zeros(len(spread(np.arange(train), MOST_MEASURED)) + ITEMS, int)],
        problem(TRUTH, channels=3, train=train),
        passes,
    )
    assert set(said) == {"mirroring"}


@pytest.mark.parametrize(("shifted", "choice", "names"), [(ALMOST, "yes", ["flip", "crop"]), (LOST, "no", ["flip"])])
def test_pictures_framed_alike_are_not_shifted_in_few_passes(
    monkeypatch: pytest.MonkeyPatch, shifted: np.ndarray, choice: str, names: list[str]
) -> None:
    found, said = decided(monkeypatch, [TRUTH, shifted, TWICE], problem(TRUTH), passes=8.0)
    assert (said["shifting"].choice, [one.name for one in found.augment]) == (choice, names)
    assert ("sees each item about 8 times" in said["shifting"].why) == (choice == "no")
    lost = (shifted != TRUTH).mean() / (math.log(4) - math.log(math.e + 4) + 1)  # a logit of one for its answer
    assert f"it loses {lost:.1%} about shifted ones" in said["shifting"].why


def test_what_is_lost_by_shifts_is_told_before_answers_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer stays right, and is less sure."""
    asked = problem(TRUTH)
    sure, said = np.log(np.array([0.97, 0.6])), list[Decided]()
    rest = np.log((1 - np.exp(sure)) / 3)

    def outputs(_: Any, items: Items, rows: np.ndarray, __: str) -> np.ndarray:
        which = 0 if items is asked.items else 1
        return np.where(np.eye(4, dtype=bool)[np.tile(TRUTH, 2)[rows]], sure[which], rest[which])

    monkeypatch.setattr(engine, "outputs", outputs)
    winner: Any = SimpleNamespace(network=None, recipe=RECIPE)
    found = with_safe(asked, RECIPE, winner, 8.0, said.append)
    assert [one.name for one in found.augment] == ["flip"]
    lost = (sure[0] - sure[1]) / (math.log(4) + sure[0])
    assert f"it loses {lost:.1%} about shifted ones" in said[0].why


def test_a_network_that_knows_too_little_leaves_shifts_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found, said = decided(monkeypatch, [LOST], problem(TRUTH), passes=8.0)
    assert (said["shifting"].choice, found) == ("yes", RECIPE)
    assert "knows too little to tell" in said["shifting"].why


def test_the_witness_of_shifts_met_none_and_is_asked_in_few_passes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = problem(TRUTH)
    assert unmet(asked, RECIPE, FEWEST_SHIFTED - 1).augment == ()
    assert unmet(asked, RECIPE, FEWEST_SHIFTED) == RECIPE
    _, said = decided(monkeypatch, [TRUTH, TWICE], asked, passes=FEWEST_SHIFTED)
    assert set(said) == {"mirroring"}


@pytest.mark.parametrize("right", [0, 5])
def test_a_network_that_knows_hardly_more_than_the_commonest_class_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, right: int
) -> None:
    truth = (np.arange(ITEMS) >= 80).astype(int)
    answer = np.where(np.arange(ITEMS) < 80 + right, truth, 0)
    found, said = decided(monkeypatch, [answer, answer], problem(truth))
    assert said["mirroring"].choice == "no"
    assert "knows too little to tell" in said["mirroring"].why
    assert found == RECIPE


def test_pictures_are_changed_as_they_lie_in_the_cache() -> None:
    asked = problem(TRUTH, channels=3)
    values, rows = asked.items.inputs["image"], np.array([3, 1])
    plain = values.take(rows)
    assert np.array_equal(_safe_augment._Mirrored(values).take(rows), plain[:, :, ::-1])
    relit = _safe_augment._Relit(asked, "image")
    changed = relit.take(rows)
    assert changed.dtype == np.uint8
    assert changed.shape == plain.shape
    assert 1 < np.abs(changed.astype(float) - plain).mean() < 64
    assert np.array_equal(changed, relit.take(rows))
    shifts = _safe_augment._Shifted(values, Choice("crop", {"shift": 0.25}))
    shifted = shifts.take(rows)
    assert (shifted.dtype, shifted.shape) == (np.uint8, plain.shape)
    assert np.array_equal(shifted, shifts.take(rows))
    assert not np.array_equal(shifted, plain)
    assert all(set(new.ravel()) <= set(old.ravel()) for new, old in zip(shifted, plain, strict=True))


def test_other_inputs_and_other_tasks_stay_as_they_are() -> None:
    asked = problem(TRUTH)
    winner: Any = SimpleNamespace(network=None, recipe=RECIPE)
    regress = Recipe(task=Choice("regress"), augment=RECIPE.augment).filled()
    assert with_safe(asked, regress, winner, 8.0, None) == regress
    assert unmet(asked, regress, 8.0) == regress
