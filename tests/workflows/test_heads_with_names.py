"""A head that begins with the names of the classes: pulled towards them, and none where they mislead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from penjing.core.budget import Clock
from penjing.core.errors import UsageError
from penjing.core.recipe import Choice, Machine, Names, Recipe, Training, change
from penjing.modalities.embedding import front_end
from penjing.tasks import classify
from penjing.training import engine
from penjing.training._loader import Items
from penjing.training._names import Named, apart
from penjing.training.engine import Problem
from penjing.workflows import _linear_head
from penjing.workflows._linear_head import NAMES, linear_head
from penjing.workflows._slots import Encoded

FEATURES, TRAIN = 120, np.arange(12)


def a_problem(names: np.ndarray | None, classes: tuple[str, ...] = ("bad", "good")) -> Problem:
    """Vectors whose class lies in their first number, behind noise, and what the names of the classes mean."""
    random = np.random.default_rng(1)
    truth = np.arange(400) % 2
    vectors = random.normal(0, 1, (400, FEATURES)).astype(np.float32)
    vectors[:, 0] += 2.0 * truth - 1
    return Problem(
        Items({"text": Encoded(vectors)}, {"label": truth}),
        {"text": "embedding"},
        {"text": front_end.learn([vectors[TRAIN]])},
        {"text": (FEATURES,)},
        "label",
        classes,
        TRAIN,
        np.arange(0),
        classify.learn(truth[TRAIN], classes),
        named=None if names is None else lambda: names,
    )


def meaning(place: int = 0, sign: float = 1.0) -> np.ndarray:
    found = np.zeros((2, FEATURES), np.float32)
    found[:, place] = [-sign, sign]
    return found


def recipe(strength: float, decay: float = 0.1) -> Recipe:
    return Recipe(
        task=Choice("classify"),
        model=Choice("probe", {"dropout": 0.0}),
        optimiser=Choice("lbfgs", {"weight_decay": decay}),
        schedule=Choice("constant"),
        training=Training(steps=4, batch_size=0, evaluations=1),
        machine=Machine(threads=1),
        names=Names(strength),
    ).filled()


def right(problem: Problem, carried: Recipe) -> float:
    rows = np.arange(len(TRAIN), 400)
    network = engine.carry_out(carried, problem).network
    return float((engine.outputs(network, problem.items, rows).argmax(1) == problem.truth[rows]).mean())


def chosen(problem: Problem) -> Recipe:
    return linear_head(problem, replace(Recipe(), task=Choice("classify")).filled(), {}, None, Clock(60, False))[0]


def test_the_head_is_the_one_that_scikit_learn_finds_with_the_names_as_fixed_log_odds():
    from scipy.optimize import minimize

    problem, strength, decay = a_problem(meaning(3)), 0.7, 0.2
    network = engine.carry_out(recipe(strength, decay), problem).network
    vectors = front_end.FrontEnd(problem.learned["text"])(torch.from_numpy(problem.items.inputs["text"].take(TRAIN)))
    x, truth = vectors.double().numpy(), problem.truth[TRAIN]
    fixed = strength * x @ apart(meaning(3)).T

    def loss(flat: np.ndarray) -> float:
        weight, offset = flat[: 2 * FEATURES].reshape(2, FEATURES), flat[2 * FEATURES :]
        logits = x @ weight.T + offset + fixed
        each = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(x)), truth]
        return float(each.mean() + decay / 2 * np.square(weight).sum())

    expected = minimize(loss, np.zeros(2 * FEATURES + 2), options={"gtol": 1e-8}).x[: 2 * FEATURES]
    found = network.head.learned.linear.weight.detach().numpy().ravel()
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_names_that_tell_the_classes_help_a_head_with_few_items():
    problem = a_problem(meaning())
    assert right(problem, recipe(2.0, decay=1.0)) > right(problem, recipe(0.0, decay=1.0)) + 0.05


def test_held_out_items_choose_names_that_help_and_none_that_mislead(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_linear_head, "STRENGTHS", (1.0, 30.0))
    assert chosen(a_problem(3 * meaning())).names.strength == NAMES
    assert chosen(a_problem(meaning(sign=-1.0))).names.strength == 0
    assert chosen(a_problem(None)).names.strength == 0


def test_names_without_a_letter_are_not_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_linear_head, "STRENGTHS", (1.0,))

    def fail() -> np.ndarray:
        raise AssertionError("names were read")

    assert chosen(replace(a_problem(None, ("0", "1")), named=fail)).names.strength == 0


def test_names_lie_in_the_weights_and_a_head_without_them_is_what_it_was():
    problem = a_problem(meaning())
    network = engine.carry_out(recipe(0.5), problem).network
    assert isinstance(network.head, Named)
    np.testing.assert_allclose(network.head.meaning.numpy(), 0.5 * apart(meaning()))
    again = engine.assemble(recipe(0.5), replace(problem, named=None))
    again.load_state_dict(network.state_dict())
    rows = np.arange(20)
    np.testing.assert_array_equal(
        engine.outputs(again.eval(), problem.items, rows), engine.outputs(network, problem.items, rows)
    )
    assert not isinstance(engine.assemble(recipe(0.0), problem).head, Named)


def test_names_that_nobody_reads_are_refused():
    with pytest.raises(UsageError, match=r"needs an encoder that reads names"):
        engine.carry_out(recipe(0.5), a_problem(None))
    other = engine.assemble(replace(recipe(0.5), model=Choice("tabular").filled("models")), a_problem(meaning()))
    assert not isinstance(other.head, Named)
    with pytest.raises(UsageError, match=r"names\.strength = -1"):
        change(recipe(0.0), {"names.strength": -1.0})


def test_names_of_one_meaning_say_nothing():
    assert np.abs(apart(np.ones((3, 4), np.float32))).max() == 0
