"""A person's own network is treated when it is handed in again; every trial begins with the weights that `fit` began
with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import penjing as pj
from penjing.cli import run_command
from penjing.core.errors import RunError, UsageError
from penjing.core.recipe import change
from penjing.core.run import Run
from penjing.models import own
from penjing.training import engine
from penjing.workflows import _allowance
from penjing.workflows.treat import Trial

LIMIT = 120.0
CLASSES = ("across", "along", "noise")
SICK: dict[str, Any] = {
    "model.gives": "logits",
    "training.steps": 60,
    "training.batch_size": 32,
    "machine.threads": 1,
    "machine.number_format": "float32",
}
NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.last = nn.Linear(64, 64), nn.Linear(64, 3)

    def forward(self, pictures):
        return self.last(self.hidden(pictures.flatten(1)).relu()).softmax(1)
"""


class Sure(nn.Module):
    """Flat pictures; a softmax stands behind the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(64, 64), nn.Linear(64, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.last(self.hidden(pictures.flatten(1)).relu()).softmax(1)


def made(seed: int = 0) -> Sure:
    torch.manual_seed(seed)
    return Sure()


def deep() -> nn.Module:
    """Five layers with a sigmoid behind each."""
    torch.manual_seed(0)
    hidden = [part for inputs in (64, 32, 32, 32, 32) for part in (nn.Linear(inputs, 32), nn.Sigmoid())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(32, 3))


def empty() -> nn.Module:
    """Two layers whose weights are all nothing, so that no gradient comes through."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))
    for weight in network.parameters():
        nn.init.zeros_(weight)
    return network


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, list[str]]:
    """Bars of three kinds on noise, in the middle of 8×8 pixels."""
    draws, kinds = np.random.default_rng(0), np.arange(240) % 3
    shown = draws.integers(0, 120, (len(kinds), 8, 8))
    for row, kind in enumerate(kinds):
        where = [(slice(3, 5), slice(2, 6)), (slice(2, 6), slice(3, 5))]
        if kind < len(where):
            shown[row][where[kind]] += int(draws.integers(30, 120))
    return shown.astype(np.uint8), [CLASSES[kind] for kind in kinds]


def fitted(pictures: Any, out: Path, model: Any, choices: dict[str, Any], **wishes: Any) -> Run:
    run: Run = pj.fit(
        pictures, model=model, out=out, set={**SICK, **choices}, time=LIMIT, pictures=False, watch=None, **wishes
    )
    return run


@pytest.fixture(scope="module")
def place(pictures: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sick runs: of pixels as they are, of a softmax that is taken for logits, of a deep network of sigmoids, and of
    one whose first weights are all nothing."""
    folder = tmp_path_factory.mktemp("own")
    fitted(pictures, folder / "unscaled", made(), {"optimiser.rate": 0.003}, preprocess="raw")
    fitted(pictures, folder / "unpaired", made(), {"training.steps": 90, "optimiser": "sgd", "optimiser.rate": 0.02})
    right = {"model.gives": "logits", "optimiser.rate": 0.01}
    fitted(pictures, folder / "vanishing", deep(), right)
    fitted(pictures, folder / "empty", empty(), right)
    return folder


@pytest.fixture
def unscaled(place: Path, tmp_path: Path) -> Run:
    """A copy of the one of pixels, whose ledger may be written to."""
    return Run(Path(shutil.copytree(place / "unscaled", tmp_path / "unscaled")))


@pytest.fixture(autouse=True)
def few_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts that take no more turns than they need here, however much time there is."""
    monkeypatch.setattr(_allowance, "MOST_TURNS", 3)


@pytest.mark.parametrize(
    ("sick", "remedy", "finding", "setting", "healthy"),
    [
        ("unscaled", "standardise_inputs", "unscaled_input", "preprocess", "standardised"),
        ("unpaired", "pair_output", "wrong_output", "gives", "probabilities"),
    ],
)
def test_what_makes_an_own_network_sick_is_found_and_what_mends_it_is_kept(
    sick: str, remedy: str, finding: str, setting: str, healthy: str, place: Path, pictures: Any, tmp_path: Path
) -> None:
    run, module = Run(Path(shutil.copytree(place / sick, tmp_path / sick))), made()
    before = own.hash_of(module.state_dict())
    found = pj.treat(run, data=pictures, model=module, time=LIMIT, remedies=[remedy], out=tmp_path / "new", watch=None)
    assert finding in [one.name for one in found.diagnosis.findings]
    assert [(one.remedy, one.finding, one.outcome) for one in found.treated] == [(remedy, finding, "helped")]
    assert found.run.recipe.model.settings[setting] == healthy
    assert found.gain.low > 0
    assert found.run.recipe.model.settings["weights"] == before == own.hash_of(module.state_dict())
    assert found.run.scores[0].value > run.scores[0].value
    assert pj.test(found.run, data=pictures, model=module, watch=None).scores[0].value > 0.7


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """(seed, hash of the weights) of each network that a training begins with."""
    assemble, found = engine.assemble, []

    def seen(recipe: Any, problem: Any) -> Any:
        network = assemble(recipe, problem)
        found.append((recipe.seed, own.hash_of(network.fusion.module.state_dict())))  # type: ignore[union-attr, arg-type]
        return network

    monkeypatch.setattr(engine, "assemble", seen)
    return found


def test_every_trial_of_an_object_begins_with_its_weights_and_none_goes_on_from_another(
    unscaled: Run, pictures: Any, begun: list[tuple[int, str]], tmp_path: Path
) -> None:
    pj.treat(
        unscaled,
        data=pictures,
        model=made(),
        time=LIMIT,
        remedies=["standardise_inputs"],
        out=tmp_path / "new",
        watch=None,
    )
    assert len(begun) > 10
    assert len({seed for seed, _ in begun}) > 3
    assert {weights for _, weights in begun} == {unscaled.recipe.model.settings["weights"]}


def test_a_network_with_a_name_is_made_anew_for_each_seed_as_fit_makes_it(
    pictures: Any, begun: list[tuple[int, str]], tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    path.write_text(NET, encoding="utf-8")
    run = fitted(pictures, tmp_path / "run", f"{path}:Net", {"optimiser.rate": 0.003}, preprocess="raw")
    begun.clear()
    remedies = ["standardise_inputs"]
    found = pj.treat(run, data=pictures, time=LIMIT, remedies=remedies, out=tmp_path / "new", watch=None)
    assert found.kept == ("standardise_inputs",)
    assert len({seed for seed, _ in begun}) > 3
    assert all(weights == own.hash_of(own.make(f"{path}:Net", seed).state_dict()) for seed, weights in set(begun))
    moved = path.rename(tmp_path / "other.py")
    with pytest.raises(UsageError, match=r"there is no file .*net\.py"):
        pj.treat(run, data=pictures, watch=None)
    trial = {"data": pictures, "remedies": ["usual_loss"], "time": LIMIT, "watch": None}
    assert pj.treat(run, model=f"{moved}:Net", **trial).treated[0].outcome == "not applicable"


def test_which_network_is_meant_is_asked_in_a_sentence(
    unscaled: Run, pictures: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asks = r"of a network of your own \(Sure\), which only you have: give it again as fit took it, with pj\.treat"
    assert not unscaled.recipe.model.settings["source"]
    with pytest.raises(RunError, match=asks):
        pj.treat(unscaled, data=pictures, watch=None)
    with pytest.raises(RunError, match=r"give it again .* with pj\.diagnose\(run, model=…\)"):
        pj.diagnose(unscaled, time=30, data=pictures, watch=None)
    with pytest.raises(UsageError, match=r"begins with other weights .*, or give the object itself with model="):
        pj.treat(unscaled, data=pictures, model=made(1), watch=None)
    with pytest.raises(UsageError, match="begins with other weights"):
        pj.diagnose(unscaled, time=30, data=pictures, model=made(1), watch=None)
    with pytest.raises(UsageError, match="model is a list"):
        pj.treat(unscaled, data=pictures, model=[], watch=None)
    assert run_command(["diagnose", str(unscaled.path), "--time", "30s"]) == 1
    assert "which only you have" in " ".join(capsys.readouterr().err.split())
    adopted = pj.adopt(made(), pictures, out=tmp_path / "adopted", watch=None, pictures=False)
    with pytest.raises(RunError, match="was not trained here, so there is no training to repeat"):
        pj.treat(adopted, data=pictures, model=made(), watch=None)


def test_a_network_is_refused_where_the_run_has_one_of_penjings(pictures: Any, tmp_path: Path) -> None:
    choices = {"training.steps": 20, "machine.threads": 1}
    run = pj.fit(pictures, model="mlp", out=tmp_path / "run", set=choices, time=LIMIT, pictures=False, watch=None)
    with pytest.raises(UsageError, match="is not of a network of your own, so model= would change nothing"):
        pj.treat(run, data=pictures, model=made(), watch=None)


def test_inputs_of_another_size_are_an_outcome(tmp_path: Path) -> None:
    """Cells of a table as they are, of which standardising makes more numbers than the network takes."""
    draws = np.random.default_rng(0)
    cells = draws.normal(size=(200, 64))
    rows = cells * 300, np.array(["less", "more"])[(cells[:, 0] > 0).astype(int)]
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 2))
    run = fitted(rows, tmp_path / "run", module, {}, preprocess="raw")
    found: Any = pj.treat(run, data=rows, model=module, time=LIMIT, remedies=["standardise_inputs"], watch=None)
    assert [(one.remedy, one.outcome) for one in found.treated] == [("standardise_inputs", "failed")]
    assert found.treated[0].why.startswith("your network cannot be trained so: mat1 and mat2 shapes")


class Looked(nn.Module):
    """Looks up the first cell of a row in a table of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(8, 4), nn.Linear(5, 2)

    def forward(self, cells: Tensor) -> Tensor:
        return self.last(torch.cat([self.table(cells[:, 0].long()), cells[:, 1:2]], 1))


def test_what_an_own_network_raises_under_a_remedy_is_an_outcome(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    kind, other = draws.integers(0, 8, 200), draws.normal(size=200)
    rows = np.stack([kind, other], 1).astype(np.float32), np.array(["odd", "even"])[kind % 2]
    torch.manual_seed(0)
    module = Looked()
    run = fitted(rows, tmp_path / "run", module, {}, preprocess="raw")
    found: Any = pj.treat(run, data=rows, model=module, time=LIMIT, remedies=["standardise_inputs"], watch=None)
    assert [(one.remedy, one.outcome) for one in found.treated] == [("standardise_inputs", "failed")]
    assert found.treated[0].why == "your network cannot be trained so: index out of range in self"


def test_experiments_repeat_the_training_of_an_own_network(unscaled: Run, pictures: Any) -> None:
    found = pj.diagnose(unscaled, time=40, data=pictures, model=made(), watch=None)
    told = {row["experiment"]: row["steps"] for row in unscaled.record.trials.to_dicts()}  # type: ignore[union-attr]
    assert {"itself", "seed", "share", "longer", "hidden"} <= set(told)
    assert not {"larger", "smaller"} & set(told)
    assert "few_examples" in found.examined


def test_fit_heals_an_own_network(pictures: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The treatment is over at once: standardised inputs helped."""

    def carry_out(trial: Trial, data: object | None) -> Any:
        assert trial.own is not None
        assert data is pictures
        found = trial._ended((), change(trial.base, {"model.preprocess": "standardised"}), None)
        return replace(found, kept=("standardise_inputs",))

    monkeypatch.setattr(Trial, "carry_out", carry_out)
    module = made()
    run = fitted(pictures, tmp_path / "run", module, {"optimiser.rate": 0.003}, preprocess="raw", heal=True)
    assert run.recipe.model.settings["preprocess"] == "standardised"
    assert run.recipe.model.settings["weights"] == own.hash_of(module.state_dict())
    assert run.scores[0].value > 0.7


@pytest.mark.parametrize(
    ("sick", "make", "remedy", "setting", "healthy"),
    [
        ("vanishing", deep, "change_activation", "activation", "leaky_relu"),
        ("empty", empty, "change_initialisation", "begins", "drawn"),
    ],
)
def test_activations_and_first_weights_of_an_own_network_are_changed_where_that_helps(
    sick: str,
    make: Callable[[], nn.Module],
    remedy: str,
    setting: str,
    healthy: str,
    place: Path,
    pictures: Any,
    tmp_path: Path,
) -> None:
    run = Run(Path(shutil.copytree(place / sick, tmp_path / sick)))
    wishes: dict[str, Any] = {"remedies": [remedy], "time": LIMIT, "watch": None}
    found = pj.treat(run, data=pictures, model=make(), out=tmp_path / "new", **wishes)
    assert found.kept == (remedy,)
    assert found.run.recipe.model.settings[setting] == healthy
    assert found.run.scores[0].value > 0.7 > run.scores[0].value
    assert pj.test(found.run, data=pictures, model=make(), watch=None).scores[0].value > 0.7
