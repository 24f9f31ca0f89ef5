"""The short tables of speed in the README files: other libraries, accuracy in little time; docs/speed.md has all."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from two_languages import NOT_YET, Both, Language, Record, Text, joined, judged, said, table

REFERENCE = "keras, tensorflow"  # the library beside which the others stand
RECORDS = "bench/results"

PEERS: tuple[Text, ...] = (
    Both("library", "库"),
    Both("seconds", "秒"),
    Both("test accuracy", "测试准确率"),
    Both("rounds", "轮数"),
    Both("commit and record", "提交与记录"),
)
LITTLE_TIME: tuple[Text, ...] = (
    Both("goal", "目标"),
    Both("asked", "要求"),
    Both("median accuracy", "准确率中位数"),
    Both("runs", "次数"),
    Both("seconds by the clock", "计时秒数"),
    Both("end to end", "全程秒数"),
    Both("arithmetic", "运算格式"),
    Both("commit and record", "提交与记录"),
)


def peers(language: Language, results: Path) -> str:
    """The published image network in other libraries, and in penjing with a share of their time."""
    result = _result("peers", results)
    if result is None:
        return f"{said(NOT_YET, language)}\n"
    seconds, accuracy, rounds = result["seconds"], result["accuracy"], result["rounds"]
    rows: list[list[Text]] = [
        [name, f"{taken:.0f}", f"{accuracy[name]:.4f}", f"{result['times'][name]}", _record("peers", rounds, name)]
        for name, taken in sorted(seconds.items(), key=lambda pair: pair[1])
    ]
    for share, one in result["penjing"].items():
        name = Both(f"penjing, {share} of the time of {REFERENCE}", f"penjing，{REFERENCE} 用时的 {share}")
        found = judged(f"{one['accuracy']:.4f}", one["accuracy"] >= accuracy[REFERENCE])
        taken = f"{one['seconds_ratio'] * seconds[REFERENCE]:.0f}"
        rows.append([name, taken, found, f"{len(rounds)}", _record("peers", rounds)])
    return table(PEERS, rows, language)


def little_time(language: Language, results: Path) -> str:
    """Accuracies in so many seconds by the engine's clock."""
    result = _result("records", results)
    if result is None:
        return f"{said(NOT_YET, language)}\n"
    return table(LITTLE_TIME, [_goal(name, one["wanted"], one["runs"]) for name, one in result.items()], language)


def _goal(name: str, wanted: float, runs: Sequence[Record]) -> list[Text]:
    part = "test" if all("test" in run["accuracy"] for run in runs) else "valid"
    values = [run["accuracy"][part] for run in runs]
    found: Text = f"{median(values):.4f}"
    found = (
        judged(found, median(values) >= wanted)
        if part == "test"
        else joined(found, Both(" on validation", "（验证集）"))
    )
    whole = max(run["clock_seconds"] + run["preparing_seconds"] for run in runs)
    return [
        _named(name),
        f"≥ {wanted:g}",
        found,
        f"{len(runs)}",
        f"{max(run['clock_seconds'] for run in runs):.0f}",
        f"{whole:.0f}",
        ", ".join(dict.fromkeys(run["arithmetic"].split(",")[0] for run in runs)),
        _record("records", runs),
    ]


def _named(goal: str) -> Both:
    """A goal's name in both languages."""
    chinese = re.sub(r" in ([\d.]+) s$", r"，限时 \1 秒", goal)
    chinese = re.sub(r" in ([\d.]+) min$", r"，限时 \1 分钟", chinese)
    return Both(goal, re.sub(r", ([\d,]+) labels a class$", r"，每类 \1 个标签", chinese))


def _record(name: str, measured: Sequence[Record], peer: str | None = None) -> str:
    """The commits of the rounds or runs (of those that a peer took part in), as a link to the record."""
    own = [one for one in measured if peer is None or peer in one["peers"]]
    commits = dict.fromkeys(f"`{one['commit']}`" for one in own)
    return f"[{', '.join(commits)}]({RECORDS}/{name}.json)"


def _result(name: str, results: Path) -> Record | None:
    file = results / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8"))["result"] if file.exists() else None
