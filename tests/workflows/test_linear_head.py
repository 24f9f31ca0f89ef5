"""The strength of a linear head on vectors from elsewhere is chosen by held-out training items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from penjing.core.budget import Clock
from penjing.core.recipe import Choice, Machine, Recipe
from penjing.core.split import inner_folds
from penjing.modalities.embedding import front_end
from penjing.tasks import classify
from penjing.training import engine
from penjing.training._loader import Items
from penjing.training.engine import Problem
from penjing.workflows._linear_head import linear_head, suits
from penjing.workflows._slots import Encoded


def a_problem(noise: float, train: int = 60, modality: str = "embedding") -> Problem:
    random = np.random.default_rng(0)
    truth = np.arange(200) % 2
    vectors = random.normal(0, noise, (200, 20)).astype(np.float32)
    vectors[:, 0] += truth
    rows = np.arange(train)
    learned = {"vector": front_end.learn([vectors[rows]])}
    items = Items({"vector": Encoded(vectors)}, {"label": truth})
    known = classify.learn(truth[rows], ("a", "b"))
    return Problem(
        items, {"vector": modality}, learned, {"vector": (20,)}, "label", ("a", "b"), rows, np.arange(0), known
    )


def chosen(problem: Problem, groups: np.ndarray | None = None, metric: str = "accuracy"):
    base = replace(Recipe(), task=Choice("classify", {"metric": metric, "label_smoothing": 0.1})).filled()
    recipe, (strength, *_) = linear_head(problem, base, {}, groups, Clock(60, is_binding=False))
    return recipe, strength


def test_noisy_vectors_are_held_back_more_than_clear_ones():
    clear, noisy = (chosen(a_problem(noise))[1] for noise in (0.05, 1.0))
    assert float(noisy.choice) < float(clear.choice)


def test_the_head_is_solved_from_the_recipe_alone_and_twice_the_same():
    problem = a_problem(0.3)
    recipe, _ = chosen(problem)
    first, second = (engine.carry_out(recipe, problem).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    rows = np.arange(60, 200)
    network = engine.carry_out(recipe, problem).network
    assert (engine.outputs(network, problem.items, rows).argmax(1) == problem.truth[rows]).mean() > 0.9


def test_heads_that_are_only_tried_are_not_compiled(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda *_: pytest.fail("it takes a minute"))
    base = Recipe(task=Choice("classify"), machine=Machine(compile=True)).filled()
    recipe, _ = linear_head(a_problem(0.3), base, {}, None, Clock(60, is_binding=False))
    assert recipe.machine.compile


def test_groups_are_held_out_whole():
    groups = np.repeat(np.arange(12), 5)
    fold = inner_folds(groups, np.arange(60) % 2, 5)
    assert len(set(zip(groups.tolist(), fold.tolist(), strict=True))) == 12
    assert set(fold.tolist()) == set(range(5))


def test_a_metric_that_counts_classes_alike_weighs_them_alike():
    assert chosen(a_problem(0.3), metric="balanced_accuracy")[0].task.settings["class_weights"] == "balanced"
    assert chosen(a_problem(0.3))[0].task.settings["class_weights"] == "none"


def test_what_a_person_set_by_hand_is_not_taken_from_them():
    problem = a_problem(0.3)
    assert suits(problem, "", {"task.metric": "macro_f1"})
    assert not suits(problem, "", {"optimiser.rate": 0.1})
    assert not suits(problem, "tabular", {})
    assert not suits(a_problem(0.3, modality="table"), "", {})


@pytest.mark.parametrize("train", [2, 3, 5])
def test_a_handful_of_items_is_enough_to_go_on(train):
    problem = a_problem(0.3, train)
    recipe, _ = chosen(problem)
    assert engine.carry_out(recipe, problem).network is not None


def test_vectors_come_to_one_scale():
    vectors = np.random.default_rng(0).normal(3, [0.1, 10], (500, 2)).astype(np.float32)
    scaled = front_end.FrontEnd(front_end.learn([vectors]))(torch.from_numpy(vectors)).numpy()
    assert np.abs(scaled.mean(0)).max() < 1e-4
    assert scaled.var(0).mean() == pytest.approx(1, abs=1e-3)
    assert scaled[:, 1].std() / scaled[:, 0].std() == pytest.approx(vectors[:, 1].std() / vectors[:, 0].std(), rel=1e-3)
