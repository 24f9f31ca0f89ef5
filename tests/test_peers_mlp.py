"""The network that stands beside scikit-learn's is the same: layers, optimiser, batches and passes."""

from __future__ import annotations

from pathlib import Path

import pytest

BENCH = str(Path(__file__).parents[1] / "bench")


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)


def test_both_sides_have_the_same_layers_and_take_the_same_updates() -> None:
    import numpy as np
    import peers_mlp
    import roofline
    from sklearn.neural_network import MLPClassifier

    from penjing.core.recipe import Choice, DataChoices, SplitChoices
    from penjing.training import engine
    from penjing.workflows._choose import base_recipe

    problem = roofline.problem_of(roofline.Trained(Choice("mlp"), "mlp", (1, 28, 28), 128, "float32", 1))
    choices = DataChoices(inputs=("image",), target="label", classes=problem.classes)
    wish = peers_mlp.wish(0, peers_mlp.steps_of(60_000, 10))
    recipe = base_recipe(problem, "classify", wish, choices, SplitChoices())
    assert (recipe.optimiser.name, recipe.optimiser.settings["weight_decay"]) == ("adam", 0.0)
    assert (recipe.schedule.name, recipe.task.settings["label_smoothing"]) == ("constant", 0.0)
    assert recipe.training.steps == 4688  # scikit-learn's 469 a pass, whose last batch is half as large
    network = engine.assemble(recipe, problem)
    ours = sorted(tuple(one.shape) for one in network.parameters() if one.dim() == 2)
    hidden = (peers_mlp.HIDDEN,) * peers_mlp.DEPTH
    other = MLPClassifier(hidden, batch_size=10).partial_fit(np.zeros((10, 784)), np.arange(10), classes=np.arange(10))
    assert ours == sorted(one.T.shape for one in other.coefs_)
    assert recipe.optimiser.settings["rate"] == peers_mlp.RATE
    assert [recipe.optimiser.settings[name] for name in ("beta1", "beta2", "epsilon")] == [
        other.beta_1, other.beta_2, other.epsilon,
    ]  # fmt: skip
