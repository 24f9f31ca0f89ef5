"""bench/gpu.py, on a GPU and with trainings that are made up: validation chooses, the test part is asked at the end."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """The script, on a machine with a GPU; it writes into a folder of the test."""
    monkeypatch.syspath_prepend(str(BENCH))
    found = importlib.import_module("gpu")
    monkeypatch.setattr(sys.modules["_record"], "RESULTS", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Ampel 100")
    monkeypatch.setattr(found, "shared_data", lambda: tmp_path)
    monkeypatch.setattr(found, "ready", lambda data, folder: SimpleNamespace(seconds=4.0))
    yield found
    del sys.modules["gpu"]


class Trainings:
    """Stands for `carried_out`: accuracy by seconds, the first seed better than the others; all calls are kept."""

    def __init__(self, valid: dict[float, float], test: dict[float, float]) -> None:
        self.right, self.calls = {"valid": valid, "test": test}, list[dict[str, Any]]()

    def __call__(self, data: Any, seconds: float, **how: Any) -> Any:
        self.calls.append({"seconds": seconds, **how})
        part = "test" if how.get("is_tested") else "valid"
        accuracy = {part: self.right[part][seconds] + (0.004 if how["seed"] % 1000 == 0 else -0.002)}
        record = {"clock_seconds": seconds - 0.5, "accuracy": accuracy}
        return SimpleNamespace(seconds=seconds - 0.5, accuracy=accuracy, record=lambda: record)


def measured(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch, trainings: Trainings, *words: str) -> None:
    monkeypatch.setattr(gpu, "carried_out", trainings)
    gpu.main(list(words))


def test_validation_chooses_the_seconds_and_the_test_part_is_asked_once_at_the_end(
    gpu: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    valid = {5.0: 0.938, 10.0: 0.9409, 20.0: 0.95, 40.0: 0.961}
    trainings = Trainings(valid, {10.0: 0.935, 40.0: 0.962})
    measured(gpu, monkeypatch, trainings)
    first, *chosen_on, _, _, _, _, _, _ = trainings.calls
    assert first["seconds"] == 5.0  # which warms up, and counts for nothing
    assert [(call["seconds"], call["seed"]) for call in chosen_on] == [
        (seconds, seed) for seconds in valid for seed in range(3)
    ]
    assert not any(call.get("is_tested") for call in chosen_on)
    assert all(call["device"] == "cuda" for call in trainings.calls)
    opened = trainings.calls[-6:]
    assert [(call["seconds"], call["seed"]) for call in opened] == [
        (seconds, seed) for seconds in (10.0, 40.0) for seed in (1000, 1001, 1002)
    ]
    assert all(call["is_tested"] and call["is_final"] for call in opened)
    kept = json.loads((tmp_path / "gpu.json").read_text())
    assert kept["result"]["gpu"]["name"] == "Ampel 100"
    assert [len(one["runs"]) for one in kept["result"]["tried"]] == [3] * 4
    missed, reached = kept["result"]["cifar10 to 94%"], kept["result"]["cifar10 to 96%"]
    assert (missed["seconds"], missed["is_reached"], missed["seconds_taken"]) == (10.0, False, None)
    assert (reached["seconds"], reached["is_reached"], reached["seconds_taken"]) == (40.0, True, 39.5)
    assert {"seed", "clock_seconds", "accuracy", "commit", "versions"} <= set(reached["runs"][0])
    *_, one, other = capsys.readouterr().out.splitlines()
    assert one == "cifar10 to 94%: not reached; 10 s, chosen on validation, gave 0.9350"
    assert other == "cifar10 to 96%: 39.5 s, test 0.9620, mean of 3 seeds"


def test_a_goal_that_validation_never_reaches_leaves_the_test_part_alone(
    gpu: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainings = Trainings({5.0: 0.90, 10.0: 0.93}, {})
    measured(gpu, monkeypatch, trainings, "--longest", "15", "--seeds", "2", "--set", "machine.threads=2")
    assert [call["seconds"] for call in trainings.calls] == [5.0, 5.0, 5.0, 10.0, 10.0]
    assert all(call["by_hand"] == {"machine.threads": 2} for call in trainings.calls)
    kept = json.loads((tmp_path / "gpu-threads.json").read_text())["result"]
    assert kept["cifar10 to 94%"] == {
        "wanted": 0.94,
        "seconds": None,
        "is_reached": False,
        "seconds_taken": None,
        "runs": [],
    }
    assert capsys.readouterr().out.count("the test part was not asked") == 2


def test_without_a_gpu_it_ends_with_one_sentence(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    trainings = Trainings({}, {})
    with pytest.raises(SystemExit, match=r"^there is no GPU that torch can use here, so nothing was measured$"):
        measured(gpu, monkeypatch, trainings)
    assert trainings.calls == []
