"""Writes the tables of the README files from the records in bench/results/, in English and in Chinese.

A table stands between `<!-- table: figures -->` (or another name) and `<!-- end -->`. Nobody types its numbers: each
row is made from one record, names the commit that was measured and links to the record. What has no record is "not
measured yet".

    python scripts/make_tables.py            write the documents that are out of date, and name them
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import speed_short
from two_languages import NONE, NOT_YET, Both, Language, Record, Text, joined, judged, said

from penjing.core.statistics import wilson
from penjing.core.units import show_bytes

ROOT = Path(__file__).parents[1]
RESULTS = Path("bench") / "results"

DOCUMENTS: Mapping[str, Language] = {"README.md": "english", "README.zh-CN.md": "chinese"}

AS_GOOD = 0.005  # so far under the floor still counts as not below it
# What the records of duplicates, which hold no goal, were asked for.
MOST_NEAR_SHARE, LEAST_RECALL, MOST_SECONDS_FOR_MANY = 0.01, 0.95, 60


@dataclass(frozen=True)
class Row:
    """One line of the table. Where it was measured is said by its record, unless its own runs say so themselves."""

    data: Text
    result: Text
    time: Text = NONE
    asked: Text = NONE
    floor: Text = NONE
    seconds: Text = NONE
    memory: Text = NONE
    runs: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Figure:
    """What one record gives.

    Attributes:
        record: the name of the file in bench/results/, without .json.
        data: what the row is called as long as there is no record.
        rows: the record's `result` → its lines.
    """

    record: str
    data: Text
    rows: Callable[[Record], list[Row]]


HEADER: tuple[Text, ...] = (
    Both("data", "数据"),
    Both("time given", "限时"),
    Both("asked", "要求"),
    Both("measured [95 %]", "实测 [95 %]"),
    Both("best of the floor", "最好的基线"),
    Both("seconds", "秒"),
    Both("memory", "内存"),
    Both("machine", "机器"),
    Both("commit and record", "提交与记录"),
)
CAPTION = Both(
    "The floor is the best of majority class, linear model and boosted trees on the same items. Over several splits: "
    "the mean, and the outermost ends of the intervals. Memory is anonymous memory at its peak. A load above the "
    "number of cores: other work ran on the machine. A `+` after the commit: the measured code held changes that were "
    "not committed yet.",
    "“基线”是多数类、线性模型与提升树三者在同一批样本上的最好成绩。多次划分时给出均值与各区间最外侧的两端。"
    "内存指匿名内存的峰值。负载高于核数，说明测量时机器上还有别的任务。"
    "提交号后的 `+` 表示被测代码含有尚未提交的改动。",
)
MODELS = {
    "majority": Both("majority", "多数类"),
    "linear": Both("linear", "线性模型"),
    "boosted_trees": Both("boosted trees", "提升树"),
}


def shown(score: Mapping[str, float]) -> str:
    """A value with its interval."""
    return f"{score['value']:.3f} [{score['low']:.3f}–{score['high']:.3f}]"


def shown_percent(score: Mapping[str, float]) -> str:
    """A small share with its interval, in percent."""
    value, low, high = (100 * score[end] for end in ("value", "low", "high"))
    return f"{value:.2f} % [{low:.2f}–{high:.2f}]"


def pooled(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of several scores, with the outermost ends of their intervals."""
    return {
        "value": sum(score["value"] for score in scores) / len(scores),
        "low": min(score["low"] for score in scores),
        "high": max(score["high"] for score in scores),
    }


def share(value: float, items: int) -> dict[str, float]:
    """A share of items with Wilson's interval."""
    low, high = wilson(value * items, items)
    return {"value": value, "low": low, "high": high}


def pooled_floor(floors: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Each simple model that all runs have, with its score over them."""
    names = [name for name in MODELS if all(name in floor for floor in floors)]
    return {name: pooled([floor[name] for floor in floors]) for name in names}


def best_floor(floors: Sequence[Mapping[str, Mapping[str, float]]]) -> Text:
    """The simple model that is best over all runs, with its score."""
    scores = pooled_floor(floors)
    best = max(scores, key=lambda name: scores[name]["value"], default=None)
    return NONE if best is None else joined(MODELS[best], f" {shown(scores[best])}")


def accuracy(data: Text) -> Callable[[Record], list[Row]]:
    """For a record of `fit` and `test`, once or over several splits."""

    def rows(result: Record) -> list[Row]:
        runs = result.get("runs", [result])
        score, goal = pooled([run["test"][0] for run in runs]), result.get("goal")
        text: Text = shown(score)
        if len(runs) > 1:
            text = joined(text, Both(f", {len(runs)} splits", f"，{len(runs)} 次划分"))
        return [
            Row(
                data,
                judged(text, goal is None or score["value"] >= goal),
                time=f"{runs[0]['deadline_seconds']:.0f} s",
                asked=NONE if goal is None else f"≥ {goal:.3f}",
                floor=best_floor([run["floor"] for run in runs]),
                seconds=f"{max(run['fit_seconds'] for run in runs):.0f}",
                memory=show_bytes(max(run["anonymous_bytes"] for run in runs)),
            )
        ]

    return rows


def demo(result: Record) -> list[Row]:
    """For {seconds, goal_seconds, test: [Score, …]} of a fresh clone."""
    score, seconds = shown(result["test"][0]), result["seconds"]
    asked = f"≤ {result['goal_seconds']:.0f} s"
    return [Row(DEMO, judged(score, seconds <= result["goal_seconds"]), asked=asked, seconds=f"{seconds:.0f}")]


def resume(result: Record) -> list[Row]:
    """For two fits of one recipe, and fits that were killed and resumed."""
    kills, same, is_repeated = result["kills"], result["identical"], result["two_fits_identical"]
    text = Both(f"{same} of {kills}", f"{kills} 次中 {same} 次")
    seconds = f"{result['whole_seconds']:.0f}"
    asked = Both("bit-identical weights", "权重逐位相同")
    twice = Both("yes", "是") if is_repeated else Both("no", "否")
    return [
        Row(TWICE, judged(twice, is_repeated), asked=asked, seconds=seconds),
        Row(KILLED, judged(text, same == kills), asked=asked, seconds=seconds),
    ]


def extremes(result: Record) -> list[Row]:
    """For data at the edges."""
    return [
        Row(
            _case(row["case"]),
            judged(_end(row), not row["has_traceback"]),
            asked=Both("no crash", "不崩溃"),
            seconds=f"{row['seconds']:.0f}",
            memory=show_bytes(row["anonymous_bytes"]),
        )
        for row in result["rows"]
    ]


def _case(name: str) -> Both:
    count, kind = name.split(" ", 1)
    chinese = {"a class": f"每类 {count} 张图片", "classes": f"{count} 个类别", "pictures": f"{count} 张图片"}
    return Both(f"{count} picture{'' if count == '1' else 's'} a class" if kind == "a class" else name, chinese[kind])


def _end(row: Record) -> Text:
    if row["has_traceback"]:
        return Both("crashed", "崩溃")
    if row["exit"] == 0:
        return Both("ends with a run", "正常得到结果")
    return Both(f"ends with a sentence, exit {row['exit']}", f"以一句说明结束，退出码 {row['exit']}")


def duplicates(result: Record) -> list[Row]:
    """For planted copies, data where everything looks alike, and many items."""
    rows = []
    for name, data in (("mnist", "MNIST"), ("fashion_mnist", "Fashion-MNIST")):
        found = result[name]
        near = found["share_in_near_pairs"]
        rows.append(
            Row(
                joined(data, Both(": share taken for near-duplicates", "：被当作近似重复的比例")),
                judged(shown_percent(share(near, found["items"])), near < MOST_NEAR_SHARE),
                asked=f"< {100 * MOST_NEAR_SHARE:g} %",
                seconds=f"{found['seconds']:.0f}",
            )
        )
    for name, data in (("cifar10", "CIFAR-10"), ("ants_bees", "ants_bees")):
        worst = min(result[name], key=lambda kind: kind["recall"])
        rows.append(
            Row(
                joined(data, Both(": planted copies found, worst kind", "：植入副本的召回率，最差的一种")),
                judged(shown(share(worst["recall"], worst["copies"])), worst["recall"] >= LEAST_RECALL),
                asked=f"≥ {LEAST_RECALL}",
            )
        )
    many = result["many"]
    processor = f"{many['processor_seconds']:.0f}"
    rows.append(
        Row(
            Both(f"duplicates among {many['items']:,} pictures", f"在 {many['items']:,} 张图片中查重"),
            judged(
                Both(f"{processor} s of processor time", f"处理器时间 {processor} s"),
                many["seconds"] <= MOST_SECONDS_FOR_MANY,
            ),
            asked=f"≤ {MOST_SECONDS_FOR_MANY} s",
            seconds=f"{many['seconds']:.0f}",
            memory=show_bytes(many["extra_memory_bytes"]),
        )
    )
    return rows


def decode(result: Record) -> list[Row]:
    """For decoding into the cache beside the bare codec."""
    return [
        Row(
            joined(Both("decoding ", "解码 "), kind),
            Both(
                f"{found['fill_per_second']:,.0f} a second, {found['share']:.2f} of the bare codec",
                f"每秒 {found['fill_per_second']:,.0f} 张，为纯解码器速度的 {found['share']:.2f}",
            ),
        )
        for kind, found in result["kinds"].items()
    ]


def floor(result: Record) -> list[Row]:
    """For the floor alone, in the longest time that was given."""
    rows = []
    for name, data in (
        ("digits", DIGITS),
        ("fashion_mnist_10000", Both("part of Fashion-MNIST", "部分 Fashion-MNIST")),
    ):
        longest = max(row["given_seconds"] for row in result[name])
        found = {
            row["model"]: dict(zip(("value", "low", "high"), row["accuracy"], strict=True))
            for row in result[name]
            if row["given_seconds"] == longest
        }
        taken = max(row["floor_seconds"] for row in result[name] if row["given_seconds"] == longest)
        rows.append(
            Row(
                joined(data, Both(": the floor alone, on validation", "：仅基线，验证集")),
                NONE,
                time=f"{longest:.0f} s",
                floor=best_floor([found]),
                seconds=f"{taken:.0f}",
            )
        )
    return rows


def kinds(result: Record) -> list[Row]:
    """For every kind of data: {row: {time, wanted, runs: [a seed each]}}; rows that differ in the speakers are one."""
    together: dict[str, list[Record]] = {}
    for name, row in result.items():
        together.setdefault(re.sub(r" [^\s,]+\+[^\s,]+", "", name), []).append(row)
    found = [_of_kind(name, rows) for name, rows in together.items()]
    return [row for row in found if row is not None]


def _of_kind(name: str, rows: Sequence[Record]) -> Row | None:
    """One kind of data: the mean over seeds, where the seeds lie, and the outermost ends of the items' intervals."""
    runs = {(place, run["seed"]): run for place, row in enumerate(rows) for run in row["runs"] if _is_tested(run)}
    seeds = [seed for seed in sorted({seed for _, seed in runs}) if all((at, seed) in runs for at in range(len(rows)))]
    if not seeds:
        return None
    chosen = [[runs[at, seed] for at in range(len(rows))] for seed in seeds]
    flat = [run for of_seed in chosen for run in of_seed]
    score = pooled([run["scores"]["test"]["network"] for run in flat])
    floors = [{name: run["scores"]["test"][name] for name in MODELS if name in run["scores"]["test"]} for run in flat]
    wanted = rows[0]["wanted"] or _least_beside(floors)
    texts: list[Text] = [shown(score), _spread(chosen)]
    goals = [f"≥ {wanted:.3f}"]
    is_reached = score["value"] >= wanted
    for column, least in rows[0].get("wanted_without", {}).items():
        value = sum(run["without"][column]["value"] for run in flat) / len(flat)
        texts.append(Both(f"; without its sound {value:.3f}", f"；缺少声音时 {value:.3f}"))
        goals.append(f"≥ {least:.2f}")
        is_reached = is_reached and value >= least
    metric = flat[0]["metric"]
    return Row(
        f"{name}, {metric.replace('_', ' ')}",
        judged(joined(*texts), is_reached),
        time=rows[0]["time"],
        asked=", ".join(goals),
        floor=best_floor(floors),
        seconds=f"{max(run['seconds'] for run in flat):.0f}",
        memory=show_bytes(max(run["anonymous_bytes"] for run in flat)),
        runs=tuple(run for run in flat if "machine" in run),
    )


def _is_tested(run: Record) -> bool:
    return "network" in run.get("scores", {}).get("test", {})


def _spread(chosen: Sequence[Sequence[Record]]) -> Both:
    """How many seeds there are, and how far apart their scores lie."""
    values = [sum(run["scores"]["test"]["network"]["value"] for run in one) / len(one) for one in chosen]
    if len(values) == 1:
        return Both(", 1 seed", "，1 个种子")
    low, high = min(values), max(values)
    return Both(f", {len(values)} seeds {low:.3f} to {high:.3f}", f"，{len(values)} 个种子，{low:.3f} 至 {high:.3f}")


def _least_beside(floors: Sequence[Mapping[str, Mapping[str, float]]]) -> float:
    """Where the floor itself is what to reach: the best of it, less what is as good as equal."""
    return max(score["value"] for score in pooled_floor(floors).values()) - AS_GOOD


DEMO = Both("fresh clone, `make demo`", "全新克隆后 `make demo`")
DIGITS = Both("digits (5,000 of MNIST)", "手写数字（MNIST 的 5,000 张）")
TWICE = Both("two fits of one recipe", "同一配方训练两次")
KILLED = Both("fits killed at random moments and resumed", "训练在随机时刻被强行终止后续跑")
PHOTOS = Both("ants_bees (243 photos)", "ants_bees（243 张照片）")
FASHION = Both("Fashion-MNIST, its own test part", "Fashion-MNIST，自带测试集")
CIFAR = Both("CIFAR-10, its own test part", "CIFAR-10，自带测试集")
FIGURES = (
    Figure("demo", DEMO, demo),
    Figure("digits", DIGITS, accuracy(DIGITS)),
    Figure("fashion", FASHION, accuracy(FASHION)),
    Figure("cifar10", CIFAR, accuracy(CIFAR)),
    Figure("ants_bees", PHOTOS, accuracy(PHOTOS)),
    Figure("kinds", Both("sound, text, tables, video, mixes", "声音、文本、表格、视频与混合"), kinds),
    Figure("extremes", Both("very few, very many, 1,000 classes", "极少、极多、1,000 个类别"), extremes),
    Figure("resume", Both("repeated, and killed and resumed", "重复训练；终止后续跑"), resume),
    Figure("duplicates", Both("near-duplicates", "近似重复"), duplicates),
    Figure("decode", Both("decoding into the cache", "解码进缓存"), decode),
    Figure("floor", Both("the floor alone", "仅基线"), floor),
)


def machine(records: Sequence[Record]) -> Both:
    """The machines that records were measured on, and how busy these were at most."""
    found = [record["machine"] for record in records]
    bare = [re.sub(r"\((R|TM)\)|@.*|\b(CPU|Processor)\b", " ", one["cpu"]).split() for one in found]
    names = dict.fromkeys(f"{one['cores']} × {' '.join(name)}" for one, name in zip(found, bare, strict=True))
    load = max((one["load_average"] for one in found if one.get("load_average") is not None), default=None)
    busy = Both("", "") if load is None else Both(f", load {load}", f"，负载 {load}")
    return joined(" + ".join(names), busy)


def link(records: Sequence[Record], file: Path) -> str:
    """The commits that were measured, as a link to the record."""
    commits = dict.fromkeys(f"`{one['commit'] or one['date']}`" for one in records)
    return f"[{', '.join(commits)}]({file.as_posix()})"


def lines(figure: Figure, results: Path, language: Language) -> list[list[str]]:
    """The cells of a record's rows; of one row that says so where there is no record."""
    file = results / f"{figure.record}.json"
    if not file.exists():
        empty = Row(figure.data, NOT_YET)
        return [_cells(empty, NONE, NONE, language)]
    record = json.loads(file.read_text(encoding="utf-8"))
    place, rows = RESULTS / file.name, figure.rows(record["result"])
    return [_cells(row, machine(row.runs or [record]), link(row.runs or [record], place), language) for row in rows]


def _cells(row: Row, where: Text, record: str, language: Language) -> list[str]:
    texts = (row.data, row.time, row.asked, row.result, row.floor, row.seconds, row.memory, where, record)
    return [said(text, language) for text in texts]


def table(language: Language, results: Path = ROOT / RESULTS) -> str:
    """The table of all figures, with its caption."""
    rows = [[said(text, language) for text in HEADER], ["---"] * len(HEADER)]
    for figure in FIGURES:
        rows += lines(figure, results, language)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + f"\n\n{said(CAPTION, language)}\n"


def filled(text: str, language: Language) -> str:
    """A document with its tables made anew.

    Raises:
        ValueError: the document has not exactly one place for each.
    """
    text = placed(text, "figures", table(language))
    text = placed(text, "peers", speed_short.peers(language, ROOT / RESULTS))
    return placed(text, "little time", speed_short.little_time(language, ROOT / RESULTS))


def placed(text: str, name: str, made: str) -> str:
    place = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    found, count = place.subn(lambda match: f"{match[1]}{made}{match[2]}", text)
    if count != 1:
        raise ValueError(f"a document needs one place from <!-- table: {name} --> to <!-- end -->; it has {count}")
    return found


# ---- the clinic


def main() -> None:
    for name, language in DOCUMENTS.items():
        write(name, lambda text, language=language: filled(text, language))  # type: ignore[misc]


def write(name: str, fill: Callable[[str], str]) -> None:
    """Fill a document's tables, and say so where that changes it."""
    path = ROOT / name
    before = path.read_text(encoding="utf-8")
    after = fill(before)
    if after != before:
        path.write_text(after, encoding="utf-8")
        print(f"{name}: table written anew")


if __name__ == "__main__":
    main()
