"""The page of speed says where each row was measured, what it took end to end, and what limits what is not reached."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from script_files import ROOT, script

GOAL = "cifar10 in 6 min"  # of which docs/tried.md tells something
KEY = "net; 512 pictures of 32×32×3; bfloat16, 2 threads"
ABOUT = {"machine": {"cpu": "Some CPU", "cores": 2, "load_average": 0.5}, "versions": {"torch": "2.13"}}


@pytest.fixture(scope="module")
def limits() -> ModuleType:
    return script("speed_limits")


def run(seed: int, accuracy: float, commit: str, date: str, **more: Any) -> dict[str, Any]:
    """One run as bench/records.py keeps it, as far as the page reads it."""
    about = {"seed": seed, "accuracy": {"test": accuracy}, "commit": commit, "date": date, **ABOUT}
    costs = {"preparing_seconds": 20.0, "clock_seconds": 100.0 + seed, "steps": 1000, "batch_size": 512}
    return {**about, **costs, "arithmetic": "bfloat16, 2 threads", **more}


def roofline(date: str) -> dict[str, Any]:
    """What bench/roofline.py records: 1,000 updates of 0.05 TFLOP in about 100 s are half of a peak of 1 TFLOP/s."""
    network = {"flop_per_update": 5 * 10**10, "bytes_per_update": 10**9, "seconds_per_update": 0.0625}
    return {
        "peaks": {"threads": 2, "flop_per_second": {"float32": 10**11, "bfloat16": 10**12}, "bytes_per_second": 10**11},
        "networks": {KEY: network},
        "runs": [{"goal": GOAL, "seed": 0, "date": date, "network": KEY}],
    }


def write_record(folder: Path, name: str, result: dict[str, Any]) -> None:
    record = {"result": result, **ABOUT, "commit": "last+", "date": "2026-03-03 09:00 UTC"}
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


def records_section(make_speed: ModuleType, folder: Path, runs: list[dict[str, Any]], wanted: float) -> str:
    write_record(folder, "records", {GOAL: {"wanted": wanted, "seconds": 360.0, "runs": runs}})
    return str(make_speed.section("records", folder))


def test_each_row_names_the_commits_and_days_of_its_own_runs(make_speed: ModuleType, tmp_path: Path) -> None:
    runs = [run(0, 0.9, "aaa", "2026-01-01 10:00 UTC"), run(1, 0.92, "bbb+", "2026-01-02 10:00 UTC")]
    section = records_section(make_speed, tmp_path, runs, 0.9)
    (row,) = [line for line in section.splitlines() if line.startswith(f"| {GOAL}")]
    assert row.endswith("| 101.0 | 20.0 | 121.0 | bfloat16 | – | `aaa`, `bbb+` | 2026-01-01 to 2026-01-02 |")
    assert "commit aaa, bbb+, 2026-01-01 to 2026-01-02" in section
    assert "last" not in section


def test_a_goal_that_is_not_reached_says_what_it_used_of_the_machine_and_what_was_tried(
    make_speed: ModuleType, tmp_path: Path
) -> None:
    date = "2026-01-01 10:00 UTC"
    write_record(tmp_path, "roofline", roofline(date))
    section = records_section(make_speed, tmp_path, [run(0, 0.89, "aaa", date)], 0.92)
    assert "| bfloat16 | 50 % |" in section
    (line,) = [line for line in section.splitlines() if line.startswith(f"- **{GOAL}**")]
    assert "50.0 TFLOP, 50 % of the peak over the whole clock and 80 % in an update, which takes 62.5 ms" in line
    assert "its arithmetic would take 50.0 ms and its bytes 10.0 ms, so arithmetic is the higher bound" in line
    assert "](tried.md#" in line
    assert "bfloat16 1,000 GFLOP/s; copying memory moves 100.0 GB/s" in section


def test_a_run_that_was_made_after_the_roofline_has_no_share_of_another_ones(
    make_speed: ModuleType, tmp_path: Path
) -> None:
    write_record(tmp_path, "roofline", roofline("2026-01-01 10:00 UTC"))
    section = records_section(make_speed, tmp_path, [run(0, 0.95, "aaa", "2026-01-05 10:00 UTC")], 0.92)
    assert "| bfloat16 | – |" in section
    assert "What limits" not in section


def test_what_nothing_explains_is_said_to_be_unknown(limits: ModuleType) -> None:
    assert limits.why("no such goal") == limits.UNEXPLAINED
    assert limits.reasons([]) == ""


def test_every_reason_is_of_a_figure_that_is_measured(limits: ModuleType) -> None:
    read = (ROOT / "bench" / "records.py").read_text(encoding="utf-8")
    read += (ROOT / "bench" / "decode.py").read_text(encoding="utf-8")
    named = [name for name in limits.WHY if not (ROOT / "bench" / f"{name}.py").exists()]
    assert len(named) >= 6
    assert [name for name in named if f'"{name}"' not in read] == []


def test_every_reason_leads_to_a_heading_of_what_was_tried(limits: ModuleType) -> None:
    from test_documents import anchor

    tried = (ROOT / "docs" / limits.TRIED).read_text(encoding="utf-8")
    headings = {anchor(line) for line in tried.splitlines() if line.startswith("## ")}
    places = [place for _, links in limits.WHY.values() for _, place in links]
    assert len(places) > 10
    assert [place for place in places if place not in headings] == []


def test_what_penjing_takes_before_its_clock_stands_beside_other_libraries(
    make_speed: ModuleType, tmp_path: Path
) -> None:
    name, share = make_speed.REFERENCE, "1/5"
    ours = [{share: {"preparing_seconds": seconds}} for seconds in (9.0, 11.0, 30.0)]
    result = {
        "seconds": {name: 100.0},
        "accuracy": {name: 0.9},
        "times": {name: 3},
        "penjing": {share: {"accuracy": 0.89, "seconds_ratio": 0.2}},
        "rounds": [{"penjing": one} for one in ours],
    }
    write_record(tmp_path, "peers", result)
    section = make_speed.section("peers", tmp_path)
    assert "before that penjing caches and deals them, for 11.0 s." in section
    assert "| penjing in 1/5 of Keras's time | 20.0 | 0.8900 **not reached** | 3 |" in section
    assert "commit last+, 2026-03-03;" in section  # of the record, where its rounds do not tell


def test_a_network_beside_scikit_learn_is_given_with_its_medians(make_speed: ModuleType, tmp_path: Path) -> None:
    def one(theirs: float, ours: float) -> dict[str, Any]:
        peers = {
            "scikit-learn": {"seconds": theirs, "accuracy": 0.88},
            "penjing": {"seconds": ours, "accuracy": 0.89, "arithmetic": "bfloat16, 2 threads"},
        }
        return {"peers": peers, "commit": "aaa", "date": "2026-01-01 10:00 UTC", **ABOUT}

    sys.path.insert(0, str(ROOT / "bench"))
    try:
        from peers_mlp import summary
    finally:
        sys.path.remove(str(ROOT / "bench"))
    write_record(tmp_path, "peers_mlp", summary([one(20.0, 10.0), one(30.0, 10.0), one(50.0, 10.0)]))
    section = make_speed.section("peers_mlp", tmp_path)
    assert "| scikit-learn | 30.0 | 0.8800 | 3 |\n| penjing | 10.0 | 0.8900 | 3 |" in section
    assert "(bfloat16, 2 threads) measures the machine on its clock and was 3.00 times as fast" in section
    assert "hidden layers of 256 and 256, Adam, batches of 128, 10 passes" in section
    assert "commit aaa, 2026-01-01;" in section
