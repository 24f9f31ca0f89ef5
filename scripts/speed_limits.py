"""What limits the figures of docs/speed.md that are not reached: the roofline of their networks, and what was tried.

The sentences hold no figures; these come from records, or stand in docs/tried.md, to which each sentence leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

TRIED = "tried.md"
UNEXPLAINED = "What limits it is not known yet."
NO_ROOFLINE = "How much of the machine's peak they use is not measured yet: `python bench/roofline.py`."

Record = Mapping[str, Any]

IDEAS = ("ideas of the fast networks", "ideas-of-the-fast-networks-at-equal-updates-2026-11-28")
CIFAR = (
    ("the published recipe", "the-published-recipe-on-this-copy-of-cifar-10-written-anew-2026-11-29"),
    ("more ideas", "cifar-10-once-more-on-a-machine-with-bfloat16-units-2026-11-29"),
)
OF_THIS_COPY = (
    "The published recipe, written anew and carried out to the letter, ends in the same place: this copy of the data "
    "is JPEG with halved colours, from which more has to be learned, not only faster."
)
# what → (why, [what the link is called, heading in docs/tried.md])
WHY: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "digits in 3 s": (
        "A third of the time is for measuring and choosing; smaller and other networks in it were no better.",
        (("a few seconds", "a-few-seconds-2026-11-29"),),
    ),
    "fashion_mnist in 90 s": (
        "Ideas of fast networks gained nothing at equal updates, and mirroring little; more updates gain.",
        (IDEAS, ("mirrored clothes", "mirrored-clothes-2026-11-29")),
    ),
    "fashion_mnist, 100 labels a class": (
        "Not the time: the updates end before it does. Wider networks, more of them, and other augmentations were no "
        "more than the luck of a seed.",
        (
            ("on the test part", "few-labels-on-the-test-parts-mirrored-2026-11-29"),
            ("wider and otherwise", "few-labels-wider-and-otherwise-2026-11-30"),
        ),
    ),
    "cifar10 in 2.5 min": ("The time allows small networks only. " + OF_THIS_COPY, CIFAR),
    "cifar10 in 6 min": (OF_THIS_COPY, CIFAR),
    "cifar10 in 12 min": (
        f"{OF_THIS_COPY} Wider networks came to the same in the same time.",
        (*CIFAR, ("twelve minutes", "cifar-10-in-twelve-minutes-2026-11-30")),
    ),
    "stalls": (
        "With all cores busy, batches are made in between updates, so that what making one costs is waited for: a "
        "thread beside takes a core away in the midst of operations and costs more. On tables a batch takes several "
        "times as long between updates as by itself, for they leave nothing of it in the caches. Why runs of words "
        "wait with one thread, and sounds with all, is not known yet.",
        (
            ("batches made ahead", "batches-made-ahead-on-all-cores-2026-11-24"),
            ("small networks", "updates-of-small-networks-2026-11-30"),
        ),
    ),
    "larger": (
        "What the system has to read from the disk costs processor time that pictures in memory do not.",
        (("what a batch costs", "data-larger-than-memory-read-from-the-disk-2026-11-28"),),
    ),
    "375×500 JPEG to 128": (
        "Beside decoding, a file is hashed once more, which proves that it is the one that was looked at; its "
        "thumbnail and its bars are made, and it is written to the disk.",
        (("what each costs", "decoding-beside-the-bare-codec-2026-11-28"),),
    ),
}


def why(what: str) -> str:
    """Why a figure is not reached, with links to what was tried."""
    if what not in WHY:
        return UNEXPLAINED
    text, links = WHY[what]
    return f"{text} Tried: {', '.join(f'[{name}]({TRIED}#{place})' for name, place in links)}."


def reasons(names: Iterable[str]) -> str:
    """A list of why, for names of figures that are not reached; nothing where all are."""
    found = [f"- **{name}**: {why(name)}" for name in names]
    return "\n\n" + "\n".join(found) if found else ""


def used(run: Record, network: Record, peak: float) -> tuple[float, float]:
    """(share of the machine's peak over the whole clock, the same within an update) of a run; about 0 to 1."""
    flop = run["steps"] * network["flop_per_update"]
    return flop / run["clock_seconds"] / peak, network["flop_per_update"] / network["seconds_per_update"] / peak


def uses(goal: str, runs: Sequence[Record], roofline: Record | None) -> list[dict[str, float]]:
    """What each run of a goal used, as far as the roofline knows the network it was trained with.

    Returns:
        `clock` and `update`: shares of the peak; `flop`: of all its updates; `by_arithmetic`, `by_bytes` and `seconds`:
        what an update takes at the peak of products, at the peak of copying memory, and indeed.
    """
    if roofline is None:
        return []
    known = {
        (one["goal"], one["seed"], one["date"]): one["network"]
        for one in roofline["runs"]
        if one["network"] is not None
    }
    found = []
    for run in runs:
        network = roofline["networks"].get(known.get((goal, run["seed"], run["date"])))
        if network is None:
            continue
        peak = roofline["peaks"]["flop_per_second"][run["arithmetic"].split(",")[0]]
        clock, update = used(run, network, peak)
        found.append({
            "clock": clock,
            "update": update,
            "flop": run["steps"] * network["flop_per_update"],
            "by_arithmetic": network["flop_per_update"] / peak,
            "by_bytes": network["bytes_per_update"] / roofline["peaks"]["bytes_per_second"],
            "seconds": network["seconds_per_update"],
        })  # fmt: skip
    return found


def share_of_peak(goal: str, runs: Sequence[Record], roofline: Record | None) -> str:
    """The share of the machine's peak that a goal's runs used over the whole clock."""
    found = [one["clock"] for one in uses(goal, runs, roofline)]
    return f"{100 * median(found):.0f} %" if found else "–"


def limits(goal: str, runs: Sequence[Record], roofline: Record | None) -> str:
    """What limits a goal that is not reached: the figures of its median run, and why."""
    found = sorted(uses(goal, runs, roofline), key=lambda one: one["clock"])
    if not found:
        return f"- **{goal}**: {why(goal)}"
    one = found[len(found) // 2]
    least = max(("arithmetic", "by_arithmetic"), ("memory", "by_bytes"), key=lambda pair: one[pair[1]])[0]
    shares = f"{100 * one['clock']:.0f} % of the peak over the whole clock and {100 * one['update']:.0f} % in an update"
    arithmetic, moved = (f"{1000 * one[name]:.1f} ms" for name in ("by_arithmetic", "by_bytes"))
    return (
        f"- **{goal}**: {one['flop'] / 1e12:,.1f} TFLOP, {shares}, which takes {1000 * one['seconds']:.1f} ms; at the "
        f"machine's peak its arithmetic would take {arithmetic} and its bytes {moved}, so {least} is the higher bound. "
        f"{why(goal)}"
    )


def about(roofline: Record | None) -> str:
    """What the shares are shares of."""
    if roofline is None:
        return NO_ROOFLINE
    products, copied = roofline["peaks"]["flop_per_second"], roofline["peaks"]["bytes_per_second"]
    return (
        f"The peak is what products of large matrices reach on {roofline['peaks']['threads']} threads: "
        + ", ".join(f"{name} {value / 1e9:,.0f} GFLOP/s" for name, value in products.items())
        + f"; copying memory moves {copied / 1e9:.1f} GB/s. Operations are those of products and convolutions, "
        "forward, backward and in the optimiser; bytes are counted as if nothing stayed in the caches."
    )
