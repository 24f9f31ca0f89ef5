"""What `diagnose` found, each with its picture, drawn from the record: the evidence beside the sentence.

A check says which kind of picture shows its trouble (`PICTURE`); here each kind is drawn, from the run's files and the
finding's evidence. What the files do not hold is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from penjing.core import plugins
from penjing.core.errors import PenjingError
from penjing.core.finding import Finding
from penjing.core.report import _evidence, _figures, _sections, _tables
from penjing.core.report._figures import PALETTE, blank, drawing, short
from penjing.core.report._read import RunFiles
from penjing.core.report.text import metric_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 24
BINS = 12  # of a reliability diagram, equally filled
SMALLEST = 1e-12  # on a scale of powers
SAME_SHARE = 1e-9  # of the updates: nearer ones are the same
USUAL_SIZE = 1.0  # of what enters a layer
ALONE = " alone"  # ends the setting of a linear model that is shown nothing but that part of the pictures
WORDS: Mapping[str, str] = {"error": "Grave", "warning": "Trouble", "info": "Good to know"}

# (its check names a picture, it is of the data) → what stands where there is none.
WITHOUT: Mapping[tuple[bool, bool], str] = {
    (True, False): "The files of this run hold nothing to draw of it.",
    (True, True): "The files of this run hold nothing to draw of it.",
    (False, False): "It has no picture.",
    (False, True): "Told by the data as they were read, before any training; it has no picture.",
}


def shown(files: RunFiles, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """What the page shows of each finding, and of those that the run keeps of its data, the gravest first: its level,
    its sentence, its numbers, and its picture with a caption, or why there is none."""
    kept = [one for one in of_data(files) if one.name not in {found.name for found in findings}]
    grave = sorted([*findings, *kept], key=lambda one: list(WORDS).index(one.level))
    return [
        {
            "name": one.name.replace("_", " "),
            "level": one.level,
            "word": WORDS[one.level],
            "message": one.message,
            "evidence": _evidence.evidence(one),
            "drawing": _drawn(files, one, number),
            "caption": CAPTIONS.get(picture_of(one), ""),
            "without": WITHOUT[bool(picture_of(one)), one in kept],
        }
        for number, one in enumerate(grave)
    ]


def of_data(files: RunFiles) -> list[Finding]:
    """What reading the data found, which the run keeps; [] in older runs."""
    told = [one for one in files.run.get("findings") or () if {"name", "level", "message"} <= set(one)]
    return [
        Finding(
            name=str(one["name"]),
            level=one["level"],
            message=str(one["message"]),
            evidence=dict(one.get("evidence") or {}),
            items=tuple(one.get("items") or ()),
            remedies=tuple(one.get("remedies") or ()),
        )
        for one in told
        if one["level"] in WORDS
    ]


def figures(files: RunFiles, findings: Sequence[Finding]) -> dict[str, Callable[[], Figure | None]]:
    """The pictures by file name."""
    return {f"finding_{one.name}": lambda one=one: draw(files, one) for one in findings}  # type: ignore[misc]


def draw(files: RunFiles, finding: Finding) -> Figure | None:
    """The picture of a finding; None where its check names none, or the files hold nothing to draw."""
    make = PICTURES.get(picture_of(finding))
    return make(files, finding) if make is not None else None


def picture_of(finding: Finding) -> str:
    """The kind of picture that its check names, or ""."""
    try:
        return str(getattr(plugins.load("checks", finding.name), "PICTURE", ""))
    except PenjingError:
        return ""


def _drawn(files: RunFiles, finding: Finding, number: int) -> Any:
    figure = draw(files, finding)
    if figure is None:
        return None
    return _sections.inline(figure, f"finding-{number}", f"{CAPTIONS[picture_of(finding)]}: {finding.name}")


# ---- one function a kind


def _losses(files: RunFiles, finding: Finding) -> Figure | None:
    """Both losses over the updates, with a mark where the finding says that something turned."""
    steps = _steps(files)
    lines = {"train/loss": ("quiet", (0, (4, 2)), "training"), "valid/loss": ("good", "-", "validation")}
    found = {name: steps[name] for name in lines if name in steps.columns and steps[name].drop_nulls().len()}
    if not found:
        return None
    with drawing():
        figure, axes = blank()
        for name, values in found.items():
            colour, dashes, label = lines[name]
            at, height = steps["step"].to_numpy(), values.cast(pl.Float64).to_numpy()
            axes.plot(at, height, color=PALETTE[colour], linestyle=dashes, linewidth=1.8, label=label)
        mark = finding.evidence.get("step")
        if mark is not None:
            axes.axvline(float(mark), color=PALETTE["bad"], linewidth=1.4)
            axes.annotate(
                f" {float(mark):,.0f}",
                (float(mark), 1),
                xycoords=("data", "axes fraction"),
                fontsize=8.5,
                color=PALETTE["bad"],
                va="top",
            )
        axes.set(xlabel="update", ylabel="loss")
        axes.legend(frameon=False, fontsize=8.5, labelcolor=PALETTE["ink"], handlelength=2.6)
    return figure


def _line(files: RunFiles, name: str, label: str, *, is_log: bool = False) -> Figure | None:
    """One column of the record over the updates."""
    steps = _steps(files)
    if name not in steps.columns or not steps[name].drop_nulls().len():
        return None
    with drawing():
        figure, axes = blank()
        values = steps[name].cast(pl.Float64).to_numpy()
        axes.plot(steps["step"].to_numpy(), np.maximum(values, SMALLEST) if is_log else values, color=PALETTE["good"])
        if is_log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(_power)
        axes.set(xlabel="update", ylabel=label)
    return figure


def _gradient(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - every kind is asked in the same words
    return _line(files, "gradient/norm", "size of the gradient", is_log=True)


def _noise(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - as above
    """How much two gradients in a row have in common."""
    steps = _steps(files)
    if not {"gradient/square", "gradient/shared"} <= set(steps.columns):
        return None
    known = steps.drop_nulls(["gradient/square", "gradient/shared"])
    if known.is_empty():
        return None
    share = (known["gradient/shared"] / known["gradient/square"]).to_numpy()
    with drawing():
        figure, axes = blank()
        axes.plot(known["step"].to_numpy(), share, color=PALETTE["good"], linewidth=1.8, marker="o", markersize=3.2)
        axes.axhline(0, color=PALETTE["soft"], linewidth=1)
        axes.set(xlabel="update", ylabel="shared by two gradients in a row", ylim=(min(-0.02, float(share.min())), 1))
        axes.yaxis.set_major_formatter(_figures.percent)
    return figure


def _waiting(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - as above
    """Seconds, and of them those without a batch."""
    steps = _steps(files)
    if not {"seconds", "stalled_seconds"} <= set(steps.columns):
        return None
    with drawing():
        figure, axes = blank()
        at = steps["step"].to_numpy()
        for name, colour, label in (("seconds", "good", "all"), ("stalled_seconds", "bad", "waiting for data")):
            values = steps[name].cast(pl.Float64).to_numpy()
            axes.fill_between(at, 0, values, color=PALETTE[colour], alpha=0.75, linewidth=0, label=label)
        axes.set(xlabel="update", ylabel="seconds")
        axes.legend(frameon=False, fontsize=8.5, labelcolor=PALETTE["ink"], loc="upper left")
    return figure


def _layers(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - as above
    """The gradient beside the weights, layer by layer in the order in which they were built."""
    steps = _steps(files)
    norms, weights = _by_layer(steps, "layer", "grad_norm"), _by_layer(steps, "layer", "weight_norm")
    usual = {
        layer: float(np.median(values)) / max(float(np.median(weights[layer])), SMALLEST)
        for layer, values in norms.items()
        if layer in weights
    }
    return _bars(usual, "gradient beside the weights", is_log=True)


def _updates(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - as above
    """The largest update of each layer beside its weights."""
    largest = {name: float(values.max()) for name, values in _by_layer(_steps(files), "layer", "update_ratio").items()}
    return _bars(largest, "largest update beside the weights", is_log=True)


def _units(measure: str, label: str) -> Callable[[RunFiles, Finding], Figure | None]:
    def make(files: RunFiles, finding: Finding) -> Figure | None:
        last = {name: float(values[-1]) for name, values in _by_layer(_steps(files), "activation", measure).items()}
        return _bars(last, label, marked=finding.evidence.get("layers", {}), is_share=True)

    return make


def _entering(files: RunFiles, finding: Finding) -> Figure | None:
    """The size of what enters the first layer of each part, beside the size that weights are drawn for."""
    steps = _steps(files)
    spreads, means = _by_layer(steps, "entering", "std"), _by_layer(steps, "entering", "mean")
    sizes = {part: float(np.hypot(values[-1], means[part][-1])) for part, values in spreads.items() if part in means}
    marked = {str(finding.evidence.get("part")): 1}
    return _bars({**sizes, "usual": USUAL_SIZE}, "size of what enters", marked=marked, is_log=True)


def _drift(files: RunFiles, finding: Finding) -> Figure | None:
    """How far validation is from training, column by column."""
    apart = {str(row["column"]): float(row["drift"]) for row in files.met if row.get("drift") is not None}
    largest = dict(sorted(apart.items(), key=lambda one: -one[1]))
    return _bars(
        largest, "distance from training to validation", marked=finding.evidence.get("drift", {}), is_share=True
    )


def _recall(files: RunFiles, finding: Finding) -> Figure | None:
    """The share found of each class, the missed ones marked."""
    rows = _tables.per_class(files)
    if rows.is_empty():
        return None
    found = {f"{name} ({items})": float(share) for name, items, share in rows.select("class", "items", "found").rows()}
    missed = set(finding.evidence.get("recall", {}))
    marked = {label: 1 for label in found if label.rpartition(" (")[0] in missed}
    return _bars(found, "share found", marked=marked, is_share=True)


def _reliability(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - as above
    """Stated probability against the share that was right, in equally filled bins."""
    rows = files.network
    if rows.is_empty() or "probability" not in rows.columns:
        return None
    stated = _tables.stated(files)
    right = (rows["target"] == rows["predicted"]).to_numpy().astype(np.float64)
    parts = np.array_split(np.argsort(stated, kind="stable"), BINS)
    bins = pl.DataFrame(
        {
            "stated": [float(stated[part].mean()) for part in parts if len(part)],
            "right": [float(right[part].mean()) for part in parts if len(part)],
        }
    )
    return _figures.reliability(bins, pl.DataFrame())


def _doubt(files: RunFiles, finding: Finding) -> Figure | None:
    """How far networks that never saw an item believe its label, of training items too where experiments held them out:
    the doubted ones are those at the left end."""
    rows = _tables.judged_unseen(files)
    if rows.is_empty():
        return None
    believed = rows["given"].to_numpy()
    by_hash = list(finding.evidence.get("hashes") or ())  # of training items, of which not all are named
    is_doubted = (rows["name"].is_in(list(finding.items)) | rows["hash"].is_in(by_hash)).to_numpy()
    edges = np.linspace(0, 1, 21).tolist()
    with drawing():
        figure, axes = blank()
        groups = [believed[~is_doubted], believed[is_doubted]]
        colours = [PALETTE["quiet"], PALETTE["bad"]]
        axes.hist(groups, bins=edges, stacked=True, color=colours, label=["others", "doubted"], linewidth=0)
        axes.set_yscale("symlog", linthresh=10)
        axes.yaxis.set_major_formatter(_power)
        axes.set(xlabel="probability given to the label as it is", ylabel="items")
        axes.xaxis.set_major_formatter(_figures.percent)
        axes.legend(frameon=False, fontsize=8.5, labelcolor=PALETTE["ink"], loc="upper left")
    return figure


def _floor(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - as above
    return _figures.floor(_tables.floor(files))


def _contributions(files: RunFiles, finding: Finding) -> Figure | None:  # noqa: ARG001 - as above
    return _figures.contributions(_tables.contributions(files))


def _learning_curve(files: RunFiles, finding: Finding) -> Figure | None:
    """The metric with a quarter, half and all of the items, each as the mean over its seeds, and what twice as many are
    expected to give."""
    rows = _longest(files.trials, "share")
    beside = [row for row in files.trials if rows and _is_as_long(row, rows[-1])]
    itself = next((row for row in reversed(beside) if row["experiment"] == "itself"), None)
    if itself is None:
        return None
    of: dict[float, list[float]] = {}
    for row in rows:
        of.setdefault(float(row["setting"]), []).append(float(row["value"]))
    of[1.0] = [float(row["value"]) for row in (itself, *(row for row in beside if row["experiment"] == "seed"))]
    known = [(share, float(np.mean(values))) for share, values in sorted(of.items())]
    sign = 1.0 if itself["is_higher_better"] else -1.0
    gain, low, high = (sign * float(finding.evidence[name]) for name in ("gain", "low", "high"))
    with drawing():
        figure, axes = blank()
        at, values = (np.array(one) for one in zip(*known, strict=True))
        axes.plot(at, values, color=PALETTE["good"], linewidth=1.8, marker="o", markersize=5)
        end = known[-1][1]
        axes.plot([1, 2], [end, end + gain], color=PALETTE["good"], linewidth=1.6, linestyle=(0, (2, 2)))
        axes.vlines(2, end + min(low, high), end + max(low, high), color=PALETTE["ink"], linewidth=1.4)
        axes.set_xscale("log", base=2)
        ticks = [*at.tolist(), 2.0]
        axes.set_xticks(ticks, ["twice" if one == 2 else "all" if one == 1 else f"{one:.0%}" for one in ticks])
        axes.set(xlabel="training items", ylabel=metric_name(str(itself["metric"])))
    return figure


def _trials(files: RunFiles, finding: Finding) -> Figure | None:
    """What each experiment of the kind gained, with its 95% interval; of the arithmetic, the seconds of an update."""
    wanted = {
        need.partition(".")[2] for need in plugins.load("checks", finding.name).NEEDS if need.startswith("trials.")
    }
    rows = [row for kind in sorted(wanted) for row in _longest(files.trials, kind)]
    if not rows:
        return None
    names = _trial_names(rows)
    if "arithmetic" in wanted:
        return _bars(dict(zip(names, (1000 * float(row["seconds"]) for row in rows), strict=True)), "ms an update")
    with drawing():
        figure, axes = blank(height=0.9 + 0.34 * len(rows))
        places = np.arange(len(rows))[::-1]
        gains = np.array([float(row["gain"]) for row in rows])
        ends = [np.abs(gains - np.array([float(row[end]) for row in rows])) for end in ("gain_low", "gain_high")]
        axes.axvline(0, color=PALETTE["soft"], linewidth=1, linestyle=(0, (2, 2)))
        axes.errorbar(gains, places, xerr=ends, fmt="o", color=PALETTE["good"], ecolor=PALETTE["ink"], capsize=3)
        axes.set_yticks(places, names)
        axes.set(xlabel=f"{metric_name(str(rows[0]['metric']))} gained over this run", ylim=(-0.6, len(rows) - 0.4))
        axes.grid(axis="y", visible=False)
    return figure


def _longest(trials: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """The experiments of a kind whose trainings were the longest, as the checks take them."""
    rows = [row for row in trials if row["experiment"] == kind]
    longest = max(rows, key=_share_of, default=None)
    return [row for row in rows if _is_as_long(row, longest or row)]


def _is_as_long(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return abs(_share_of(row) - _share_of(other)) < SAME_SHARE


def _share_of(row: Mapping[str, Any]) -> float:
    """Of the run's updates."""
    return float(row.get("share") or 1.0)


def _trial_names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each is called, with its seed where there is another one of that name."""
    names = [_trial_name(row) for row in rows]
    return [
        f"{name}, seed {row['seed']}" if names.count(name) > 1 and row.get("seed") is not None else name
        for name, row in zip(names, rows, strict=True)
    ]


def _trial_name(row: Mapping[str, Any]) -> str:
    kind, setting = str(row["experiment"]), str(row["setting"])
    if kind == "hidden" and setting.endswith(ALONE):
        return f"linear model of the {setting.removesuffix(ALONE)} alone"
    words = {
        "seed": f"seed {setting}",
        "hidden": f"{setting} hidden",
        "larger": "larger network",
        "smaller": "half the width",
        "arithmetic": setting,
    }
    return words.get(kind, f"{kind} {setting}".strip())


# ---- what they share


def _steps(files: RunFiles) -> pl.DataFrame:
    return pl.DataFrame(files.steps, infer_schema_length=None) if files.steps else pl.DataFrame({"step": []})


def _by_layer(steps: pl.DataFrame, kind: str, measure: str) -> dict[str, np.ndarray]:
    """Layer → one measure of it over the evaluations."""
    names = [name for name in steps.columns if name.startswith(f"{kind}/") and name.endswith(f"/{measure}")]
    found = {name[len(kind) + 1 : -len(measure) - 1]: steps[name].drop_nulls().to_numpy() for name in names}
    return {layer: values.astype(np.float64) for layer, values in found.items() if len(values)}


def _bars(
    values: Mapping[str, float],
    label: str,
    *,
    marked: Mapping[str, Any] | None = None,
    is_log: bool = False,
    is_share: bool = False,
) -> Figure | None:
    """One bar a name, from above in their order; the marked ones in the colour of trouble."""
    if not values:
        return None
    shown = dict(list(values.items())[:MOST_BARS])
    names = [short(name) for name in shown]
    with drawing():
        figure, axes = blank(width=3.4 + _figures.label_inches(names), height=0.9 + 0.24 * len(shown))
        places = np.arange(len(shown))[::-1]
        colours = [PALETTE["bad" if name in (marked or {}) else "good"] for name in shown]
        lengths = [max(value, SMALLEST) if is_log else value for value in shown.values()]
        axes.barh(places, lengths, color=colours, height=0.62, log=is_log)
        axes.set_yticks(places, names)
        axes.set_xlabel(label)
        axes.grid(axis="y", visible=False)
        _scaled(axes, is_share, is_log)
    return figure


def _scaled(axes: Axes, is_share: bool, is_log: bool) -> None:
    if is_log:
        from matplotlib.ticker import LogLocator, NullFormatter

        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_major_formatter(_power)
        axes.xaxis.set_minor_formatter(NullFormatter())
    if is_share:
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(_figures.percent)


def _power(value: float, _: float) -> str:
    """A number on a scale of powers, in plain text: formulas are never parsed in these drawings."""
    return f"{value:g}"


PICTURES: Mapping[str, Callable[[RunFiles, Finding], Figure | None]] = {
    "losses": _losses,
    "gradient": _gradient,
    "noise": _noise,
    "waiting": _waiting,
    "layers": _layers,
    "updates": _updates,
    "dead": _units("dead", "units that are silent for every item"),
    "saturated": _units("saturated", "units that are at a bound for nearly every item"),
    "entering": _entering,
    "drift": _drift,
    "recall": _recall,
    "reliability": _reliability,
    "doubt": _doubt,
    "floor": _floor,
    "contributions": _contributions,
    "learning_curve": _learning_curve,
    "trials": _trials,
}
CAPTIONS: Mapping[str, str] = {
    "losses": "Loss on training and validation items, augmentation off",
    "gradient": "The size of the gradient at the evaluations",
    "noise": "What two gradients in a row have in common",
    "waiting": "Seconds so far, and those without a batch",
    "layers": "Layers in the order in which they were built",
    "updates": "Layers in the order in which they were built",
    "dead": "At the last evaluation",
    "saturated": "At the last evaluation",
    "entering": "At the last evaluation, beside the size that weights are drawn for",
    "drift": "Each input column, and the target",
    "recall": "Each class, with how many items it has",
    "reliability": "Stated probability against the share that was right",
    "doubt": "How far a network that never saw an item believes its label",
    "floor": "The network beside simple methods",
    "contributions": "What is lost when the values of an input are exchanged between items",
    "learning_curve": "With fewer items, and what twice as many would give",
    "trials": "Experiments with the same training",
}
