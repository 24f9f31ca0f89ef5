"""Writes docs/speed.md, with its pictures, from the records of speed in bench/results/. Nobody types its numbers.

A record that is not there yet is a line that says so.

    python scripts/make_speed.py
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from speed_growth import draw
from speed_growth import said as growth
from speed_limits import about, limits, reasons, share_of_peak, why

from penjing.core.units import show_bytes

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE, PICTURE = ROOT / "docs" / "speed.md", ROOT / "docs" / "scaling.svg"

LEAST_RATIO, USUAL_RATIO = 0.97, 1.5  # asked of the probe: on every network, and on most
LEAST_DECODING, MOST_STALLED, LEAST_LARGER = 0.90, 0.03, 0.95
REFERENCE = "keras, tensorflow"  # the library beside which the others stand
HEAD = """# Speed

This page is made from the records in `bench/results/` by `python scripts/make_speed.py`; each record is made by the
script of its name in `bench/`. What was tried and did not help is in [tried.md](tried.md). A `+` after a commit: the
measured code held changes that were not committed yet. A load above the number of cores: other work ran on the machine.
"""

Record = Mapping[str, Any]


def judged(text: str, is_reached: bool) -> str:
    """A figure; where what was asked is not reached, it says so."""
    return text if is_reached else f"{text} **not reached**"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown has it."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))


def overhead(result: Record) -> str:
    """What the loop adds to a step."""
    goal = result["goal_microseconds"]
    found = judged(f"{result['microseconds']:.0f} µs", result["microseconds"] <= goal)
    wall = f" ({result['wall_microseconds']:.0f} µs on the wall)" if "wall_microseconds" in result else ""
    return (
        f"A step of {result['bare_step_microseconds']:.0f} µs in a bare loop costs {found} more of processor time in "
        f"penjing's{wall}; at most {goal:.0f} µs are asked. {result['turns']} turns of {result['steps']:,} steps each."
    )


def probe(result: Record) -> str:
    """Steps as the probe chooses against torch's defaults."""
    networks = result["networks"]
    ratios = [one["ratio"] for one in networks.values()]
    rows = [
        [
            name,
            judged(f"{one['ratio']:.2f}", one["ratio"] >= LEAST_RATIO),
            f"{one['ms']['default']:.1f}",
            f"{one['ms']['tuned']:.1f}",
            one["chosen"],
            f"{one['probe_seconds']:.1f}",
        ]
        for name, one in networks.items()
    ]
    fast = sum(ratio >= USUAL_RATIO for ratio in ratios)
    header = ("network", "times as fast", "default, ms", "chosen, ms", "arithmetic", "probing, s")
    return (
        f"At least {LEAST_RATIO} times as fast on every network is asked, and {USUAL_RATIO} times on most: "
        f"{sum(ratio >= LEAST_RATIO for ratio in ratios)} of {len(ratios)} are at least {LEAST_RATIO}, "
        + judged(f"{fast} at least {USUAL_RATIO}", fast > len(ratios) / 2)
        + f"; median {median(ratios):.2f}.\n\n{table(header, rows)}"
    )


def stalls(result: Record) -> str:
    """How long networks wait for batches."""
    names = [name for name in next(iter(result["networks"].values())) if name.startswith("threads_")]
    rows = [
        [name, *(judged(f"{100 * one[key]:.1f} %", one[key] <= MOST_STALLED) for key in names)]
        for name, one in result["networks"].items()
    ]
    header = ("network", *(f"{name.removeprefix('threads_')} thread(s)" for name in names))
    is_missed = any(one[key] > MOST_STALLED for one in result["networks"].values() for key in names)
    missed = f"\n\n{why('stalls')}" if is_missed else ""
    return f"At most {100 * MOST_STALLED:.0f} % of the time is asked.\n\n{table(header, rows)}{missed}"


def larger(result: Record) -> str:
    """Data larger than memory."""
    few, many = result["few"], result["many"]
    share = many["pictures_per_processor_second"] / few["pictures_per_processor_second"]
    on_the_wall = many["pictures_per_second"] / few["pictures_per_second"]
    speed = judged(f"{share:.2f} of the speed of {show_bytes(few['bytes'])}", share >= LEAST_LARGER)
    waiting = judged(f"{100 * many['stall_share']:.1f} %", many["stall_share"] <= MOST_STALLED)
    how = ""
    if "updates" in many:  # older records do not tell
        read = show_bytes(many["read_bytes"])
        how = (
            f" {many['updates']:,} updates, {many['passes']:.2f} passes, read {read} from the disk, which the system "
            f"was told to forget meanwhile; the few had {few['updates']:,} ({result['arithmetic']})."
        )
    return (
        f"{show_bytes(many['bytes'])} of decoded pictures in a process that may hold "
        f"{show_bytes(result['limit_bytes'])}: {speed} by processor time, {on_the_wall:.2f} on the wall; "
        f"{show_bytes(many['anonymous_bytes'])} of its own memory against {show_bytes(few['anonymous_bytes'])}; "
        f"waiting {waiting} of the time.{how}" + (f"\n\n{why('larger')}" if share < LEAST_LARGER else "")
    )


def decode(result: Record) -> str:
    """Decoding into the cache against the bare codec."""
    rows = [
        [
            kind,
            f"{one['fill_per_second']:,.0f}",
            f"{one['codec_per_second']:,.0f}",
            judged(f"{one['share']:.3f}", one["share"] >= LEAST_DECODING),
            f"{one['share_of_processor_time']:.3f}",
        ]
        for kind, one in result["kinds"].items()
    ]
    header = ("pictures", "into the cache, a second", "codec alone", "share", "share of processor time")
    missed = reasons(kind for kind, one in result["kinds"].items() if one["share"] < LEAST_DECODING)
    said = f"At least {LEAST_DECODING} of what Pillow alone reaches on all cores is asked."
    return f"{said}\n\n{table(header, rows)}{missed}"


def peers(result: Record) -> str:
    """The published image network in other libraries."""
    rows = [
        [name, f"{seconds:.1f}", f"{result['accuracy'][name]:.4f}", f"{result['times'][name]}"]
        for name, seconds in sorted(result["seconds"].items(), key=lambda pair: pair[1])
    ]
    reached = result["accuracy"][REFERENCE]
    rows += [
        [
            f"penjing in {share} of Keras's time",
            f"{one['seconds_ratio'] * result['seconds'][REFERENCE]:.1f}",
            judged(f"{one['accuracy']:.4f}", one["accuracy"] >= reached),
            f"{len(result['rounds'])}",
        ]
        for share, one in result["penjing"].items()
    ]
    said = "Each trains the published network for ten epochs, in turns; penjing is given a share of the seconds that "
    said += "Keras on TensorFlow took in the same round, and should reach its accuracy."
    ours = [run for one in result["rounds"] for run in one["penjing"].values() if "preparing_seconds" in run]
    if ours:
        more = median(run["preparing_seconds"] for run in ours)
        said += f" Clocks begin with pictures in memory; before that penjing caches and deals them, for {more:.1f} s."
    return f"{said}\n\n" + table(("library", "seconds", "test accuracy", "rounds"), rows)


def peers_mlp(result: Record) -> str:
    """A fully connected network beside scikit-learn's."""
    rows = [
        [name, f"{seconds:.1f}", f"{result['accuracy'][name]:.4f}", f"{len(result['rounds'])}"]
        for name, seconds in sorted(result["seconds"].items(), key=lambda pair: -pair[1])
    ]
    how = ", ".join(dict.fromkeys(one["peers"]["penjing"]["arithmetic"] for one in result["rounds"]))
    hidden = " and ".join(map(str, result["hidden"]))
    return (
        "scikit-learn has no convolutional network, so its fully connected one stands beside `mlp`: hidden layers of "
        f"{hidden}, Adam, batches of {result['batch_size']}, {result['epochs']} passes "
        f"over all training pictures, in turns. penjing ({how}) measures the machine on its clock and was "
        f"{result['ratio']:.2f} times as fast; its network normalises batches, which the other does not.\n\n"
        + table(("library", "seconds", "test accuracy", "rounds"), rows)
    )


def tokens(result: Record) -> str:
    """Tokens a second against Keras."""
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in result["tokens_per_second"].items())
    ratio = judged(f"{result['ratio']:.1f} times", result["ratio"] >= result["goal"])
    return f"{ratio} the tokens a second of Keras on TensorFlow ({rates}); at least {result['goal']:g} times are asked."


def records(result: Record, roofline: Record | None = None) -> str:
    """Accuracies in so many seconds by the engine's clock; `roofline` is the result of bench/roofline.py."""
    rows, missed = [], []
    for name, one in result.items():
        parts = [part for part in ("test", "valid") if all(part in run["accuracy"] for run in one["runs"])]
        values = [run["accuracy"][parts[0]] for run in one["runs"]]
        spread = f" ({min(values):.4f} to {max(values):.4f})" if len(values) > 1 else ""
        found = judged(f"{median(values):.4f}{spread}", median(values) >= one["wanted"])
        rows.append([name, f"{one['wanted']}", found, parts[0], f"{len(values)}", *costs(name, one["runs"], roofline)])
        if median(values) < one["wanted"]:
            missed.append(limits(name, one["runs"], roofline))
    said = (
        "By the engine's own clock, from the first read of the decoded items to the final weights. Before it the items "
        "are read, decoded and dealt, once for all goals of one data set, from an empty cache; end to end is the sum. "
        "Where the test part comes with the data, validation chooses the recipe, which is carried out on all other "
        "items then, as `fit --final` does. A machine without units for bfloat16 takes float32, and sees several times "
        "fewer items in the same time. The share of the peak is that of the whole clock, choosing included."
    )
    header = ("goal", "asked", "median accuracy", "measured on", "runs", *COSTS)
    told = ["What limits those that are not reached:", "\n".join(missed)] if missed else []
    return "\n\n".join([said, table(header, rows), about(roofline), *told])


COSTS = ("clock, s", "preparing, s", "end to end, s", "arithmetic", "share of peak", "commit", "measured")


def costs(goal: str, runs: Sequence[Record], roofline: Record | None) -> list[str]:
    """Seconds at most, arithmetic, share of the peak, commits and days of a goal's runs."""
    clock, preparing = (max(run[what] for run in runs) for what in ("clock_seconds", "preparing_seconds"))
    whole = max(run["clock_seconds"] + run["preparing_seconds"] for run in runs)
    how = " or ".join(sorted({run["arithmetic"].split(",")[0] for run in runs}))
    commits = ", ".join(dict.fromkeys(f"`{run['commit']}`" for run in runs))
    seconds = [f"{value:.1f}" for value in (clock, preparing, whole)]
    return [*seconds, how, share_of_peak(goal, runs, roofline), commits, days(runs)]


def days(measured: Sequence[Record]) -> str:
    """The day on which something was measured; where these are several, the first and the last."""
    found = sorted({one["date"].split()[0] for one in measured})
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"


def scaling(result: Record) -> str:
    """How cost grows."""
    return growth(result, PICTURE.name, table)


# record → (heading, what its result says)
SECTIONS: Mapping[str, tuple[str, Callable[[Record], str]]] = {
    "peers": ("The same network in other libraries, Fashion-MNIST", peers),
    "peers_mlp": ("A fully connected network beside scikit-learn, Fashion-MNIST", peers_mlp),
    "records": ("Accuracy in little time", records),
    "tokens": ("Texts", tokens),
    "probe": ("What measuring the machine gains", probe),
    "overhead": ("What the loop costs", overhead),
    "stalls": ("Waiting for batches", stalls),
    "larger": ("Data larger than memory", larger),
    "decode": ("Decoding", decode),
    "scaling": ("How cost grows", scaling),
}


def section(name: str, results: Path = RESULTS) -> str:
    """The part of the page that one record gives."""
    heading, say = SECTIONS[name]
    record = read(name, results)
    if record is None:
        return f"## {heading}\nNot measured yet: `python bench/{name}.py`.\n"
    if name == "records":
        roofline = read("roofline", results)
        said = records(record["result"], roofline and roofline["result"])
    else:
        said = say(record["result"])
    return f"## {heading}\n{said}\n\n{where(name, record)}\n"


def read(name: str, results: Path) -> Record | None:
    """A record; None where there is none yet."""
    file = results / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def where(name: str, record: Record) -> str:
    """On what and of which commits something was measured: part by part, where the parts of a record say so."""
    measured = [part for part in parts_of(name, record["result"]) if "commit" in part] or [record]
    machines = dict.fromkeys(f"{one['machine']['cores']} × {one['machine']['cpu']}" for one in measured)
    loads = [one["machine"]["load_average"] for one in measured if one["machine"]["load_average"] is not None]
    torch = dict.fromkeys(one["versions"]["torch"] for one in measured)
    commits = dict.fromkeys(one["commit"] for one in measured)
    load = f", load {max(loads)}" if loads else ""
    return (
        f"{' + '.join(machines)}{load}, torch {' and '.join(torch)}, commit {', '.join(commits)}, "
        f"{days(measured)}; [record](../bench/results/{name}.json)"
    )


def parts_of(name: str, result: Record) -> list[Record]:
    """The rounds or runs of a record that are measured on days of their own."""
    if name == "records":
        return [run for one in result.values() for run in one["runs"]]
    return list(result["rounds"]) if name in ("peers", "peers_mlp") else []


def page(results: Path = RESULTS) -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(name, results) for name in SECTIONS)])


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    if (file := RESULTS / "scaling.json").exists():
        draw(json.loads(file.read_text(encoding="utf-8"))["result"]["axes"], PICTURE)
    print(f"{PAGE.relative_to(ROOT)}: written")


if __name__ == "__main__":
    main()
