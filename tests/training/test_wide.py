"""The wide part beside a network of texts: the linear model it should be, silent where it knows nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from penjing.core.errors import UsageError
from penjing.core.recipe import Choice, Machine, Recipe, Training, change
from penjing.core.recipe import Wide as Settings
from penjing.modalities import text
from penjing.training import engine
from penjing.training._loader import Items
from penjing.training._wide import MOST_OUTPUTS, NOT_THERE, Wide, learned

GOOD = ["a warm film", "warm and funny", "a funny warm story", "funny film indeed"]
BAD = ["a dull film", "dull and cold", "a cold dull story", "cold film indeed"]
WORDS = {word: place for place, word in enumerate(sorted({word for one in GOOD + BAD for word in one.split()}), 2)}
SETTINGS = Settings(longest=2)


def numbered(cells: list[str], length: int = 5) -> torch.Tensor:
    found = torch.zeros(len(cells), length, dtype=torch.int64)
    for row, cell in enumerate(cells):
        for place, word in enumerate(cell.split()):
            found[row, place] = WORDS.get(word, 1)
    return found


def fitted(cells: list[str], truth: list[int], outputs: int = 2, buckets: int = 2**16) -> Wide:
    module = Wide(buckets, outputs, SETTINGS.longest)
    module.load_state_dict(learned(module, numbered(cells), np.array(truth), SETTINGS))
    return module


def by_hand(cells: list[str], truth: np.ndarray, asked: list[str]) -> np.ndarray:
    """NB-weighted logistic regression on TF-IDF of words and pairs, written out over Python's dictionaries."""
    runs = [[*one.split(), *(" ".join(pair) for pair in pairwise(one.split()))] for one in cells]
    texts = {run: sum(run in one for one in runs) for one in runs for run in one}
    names = sorted(run for run, count in texts.items() if count >= 2)
    rarity = np.array([1 + np.log((1 + len(cells)) / (1 + texts[run])) for run in names])

    def seen(one: str) -> np.ndarray:
        mine = [*one.split(), *(" ".join(pair) for pair in pairwise(one.split()))]
        weights = np.array([mine.count(run) for run in names]) * rarity
        length = np.sqrt(sum(rarity[names.index(run)] ** 2 for run in mine if run in names))
        return weights / length

    x = np.stack([seen(one) for one in cells])
    inside, outside = (x[truth == label].sum(0) + SETTINGS.smoothing for label in (1, 0))
    ratio = np.log((inside / inside.sum()) / (outside / outside.sum()))
    model = LogisticRegression(C=SETTINGS.strength, tol=1e-8, max_iter=1000).fit(x * ratio, truth == 1)
    return model.decision_function(np.stack([seen(one) for one in asked]) * ratio)


def test_it_is_the_weighted_logistic_regression_of_words_and_pairs() -> None:
    truth = np.array([1] * len(GOOD) + [0] * len(BAD))
    asked = ["a warm dull film", "funny and cold", "warm warm film indeed"]
    with torch.no_grad():
        found = fitted(GOOD + BAD, truth.tolist())(numbered(asked))
    expected = by_hand(GOOD + BAD, truth, asked)
    np.testing.assert_allclose((found[:, 1] - found[:, 0]).numpy(), expected, atol=2e-3)
    assert np.ptp(expected) > 0.2


def test_it_says_nothing_where_it_knows_nothing() -> None:
    module = fitted(GOOD + BAD, [1] * 4 + [0] * 4)
    nothing = module(torch.tensor([[0, 0, 0, 0, 0], [1, 999, 0, 0, 0]]))
    assert torch.equal(nothing, torch.zeros(2, 2))


def test_a_run_of_the_same_place_is_not_taken_for_the_one_that_is_held() -> None:
    module = fitted(GOOD + BAD, [1] * 4 + [0] * 4, buckets=64)
    held = int(torch.nonzero(module.held == 0)[0])  # a single word stands in the place of its own number
    assert module(torch.tensor([[held, 0]])).abs().sum() > 0
    assert torch.equal(module(torch.tensor([[held + 64, 0]])), torch.zeros(1, 2))


def test_a_class_without_texts_is_never_preferred() -> None:
    module = fitted(GOOD + BAD, [2] * 4 + [0] * 4, outputs=3)
    assert module.offset[1] == NOT_THERE
    assert 1 not in module(numbered(GOOD + BAD)).argmax(1).tolist()


def test_one_class_or_no_repeated_run_leaves_it_empty() -> None:
    for cells, truth in ((GOOD, [1] * 4), (["warm", "dull"], [0, 1])):
        assert not fitted(cells, truth).weight.any()


def problem(labels: int = 2) -> engine.Problem:
    cells = pl.Series((GOOD + BAD) * 6)
    truth = np.array(([1] * 4 + [0] * 4) * 6)
    known = text.learn(cells, text.Settings())
    values = text.encode(cells, known)

    class Kept:
        def take(self, index: np.ndarray) -> np.ndarray:
            return values[index]

    return engine.Problem(
        Items({"review": Kept()}, {"label": truth}),
        {"review": "text"},
        {"review": known},
        {"review": (known["length"], known["vocabulary"])},
        "label",
        tuple(f"class {number}" for number in range(labels)),
        np.arange(32),
        np.arange(32, 48),
    )


def recipe(**wide: object) -> Recipe:
    plan = Training(steps=4, batch_size=8, evaluations=1)
    wanted = Settings(**{"longest": 2, **wide})  # type: ignore[arg-type]
    return Recipe(model=Choice("bag"), training=plan, machine=Machine(threads=1), wide=wanted).filled()


def test_it_is_added_where_the_network_answers_and_not_where_it_learns() -> None:
    posed = problem()
    network = engine.carry_out(recipe(), posed).network
    batch = posed.items.batch(posed.valid)
    with torch.no_grad():
        alone = network.head(network.features(batch))
        module = network.wide["review"]
        said = module(network.front_end["review"].words(batch.inputs["review"]))
        assert said.abs().max() > 0.1
        torch.testing.assert_close(network(batch), alone + said)
        network.train()
        network.encoder["review"].eval()
        torch.testing.assert_close(network(batch), alone)


def test_the_network_learns_as_it_would_alone() -> None:
    beside, alone = (engine.carry_out(recipe(longest=longest), problem()).network for longest in (2, 0))
    assert not alone.wide
    for name, value in alone.state_dict().items():
        assert torch.equal(value, beside.state_dict()[name]), name


def test_the_same_rows_are_learned_from_once_and_other_rows_anew() -> None:
    posed = problem()
    engine.carry_out(recipe(), posed)
    (first,) = posed.wide.values()
    again = engine.carry_out(recipe(), posed).network
    assert len(posed.wide) == 1
    assert torch.equal(again.wide["review"].weight, first["weight"])
    engine.carry_out(recipe(), replace(posed, train=posed.train[:20]))
    assert len(posed.wide) == 2


def test_it_stands_where_outputs_are_odds_of_a_few_classes_only() -> None:
    assert engine.assemble(recipe(), problem()).wide
    assert not engine.assemble(recipe(), problem(MOST_OUTPUTS + 1)).wide
    squares = replace(recipe(), task=Choice("classify", {"loss": "mean_squared_error"}))
    assert not engine.assemble(squares.filled(), problem()).wide


@pytest.mark.parametrize(("name", "value"), [("longest", 5), ("longest", -1), ("strength", 0.0), ("smoothing", -1.0)])
def test_choices_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=rf"wide\.{name} = "):
        change(recipe(), {f"wide.{name}": value})
