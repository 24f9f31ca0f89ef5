"""The short tables of speed say in both languages what the records hold, and whose commits they are of."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from script_files import script


@pytest.fixture(scope="module")
def short() -> ModuleType:
    return script("speed_short")


def write_record(folder: Path, name: str, result: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps({"result": result}), encoding="utf-8")


def run(commit: str, **accuracy: float) -> dict[str, Any]:
    costs = {"clock_seconds": 88.0, "preparing_seconds": 10.0, "arithmetic": "float32, 1 threads"}
    return {"commit": commit, "accuracy": accuracy, **costs}


def test_accuracy_in_little_time_stands_beside_what_it_took_end_to_end(short: ModuleType, tmp_path: Path) -> None:
    result = {
        "cifar10 in 2.5 min": {"wanted": 0.92, "runs": [run("aaa", test=0.9), run("bbb+", test=0.91)]},
        "x, 1,000 labels a class": {"wanted": 0.5, "runs": [run("aaa", valid=0.6)]},
    }
    write_record(tmp_path, "records", result)
    *_, first, second = short.little_time("english", tmp_path).splitlines()
    link = "(bench/results/records.json) |"
    assert first == (
        f"| cifar10 in 2.5 min | ≥ 0.92 | 0.9050 **not reached** | 2 | 88 | 98 | float32 | [`aaa`, `bbb+`]{link}"
    )
    assert second.startswith("| x, 1,000 labels a class | ≥ 0.5 | 0.6000 on validation | 1 |")
    *_, first, second = short.little_time("chinese", tmp_path).splitlines()
    assert first.startswith("| cifar10，限时 2.5 分钟 | ≥ 0.92 | 0.9050 **未达到** |")
    assert second.startswith("| x，每类 1,000 个标签 | ≥ 0.5 | 0.6000（验证集） |")


def test_each_library_names_the_rounds_that_it_took_part_in(short: ModuleType, tmp_path: Path) -> None:
    keras, other = "keras, tensorflow", "pytorch"
    rounds = [
        {"commit": "aaa", "peers": {keras: {}}},
        {"commit": "bbb", "peers": {keras: {}, other: {}}},
    ]
    result = {
        "seconds": {keras: 100.0, other: 60.0},
        "accuracy": {keras: 0.9, other: 0.91},
        "times": {keras: 2, other: 1},
        "penjing": {"1/5": {"accuracy": 0.899, "seconds_ratio": 0.2}},
        "rounds": rounds,
    }
    write_record(tmp_path, "peers", result)
    *_, first, second, third = short.peers("english", tmp_path).splitlines()
    assert first == "| pytorch | 60 | 0.9100 | 1 | [`bbb`](bench/results/peers.json) |"
    assert second == "| keras, tensorflow | 100 | 0.9000 | 2 | [`aaa`, `bbb`](bench/results/peers.json) |"
    assert third.startswith("| penjing, 1/5 of the time of keras, tensorflow | 20 | 0.8990 **not reached** | 2 |")


def test_what_has_no_record_is_not_measured_yet(short: ModuleType, tmp_path: Path) -> None:
    for language, words in (("english", "not measured yet\n"), ("chinese", "尚未测量\n")):
        assert short.peers(language, tmp_path) == short.little_time(language, tmp_path) == words
