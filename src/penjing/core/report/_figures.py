"""The plots of a report: each function gives a matplotlib Figure, drawn without touching any global state.

The page shows a figure as inline SVG whose colours are the page's own variables, so it follows light and dark;
`save_figures` writes the same figure with the colours of `PALETTE`. Text stays text, with a list of fonts, so
Chinese names show wherever the file is opened.
"""

from __future__ import annotations

import html
import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from penjing.core.report.text import SHARES, metric_name, model_name, show_number, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The page's variables of the same names; blue-green and vermilion stay apart for every kind of colour vision.
PALETTE: Mapping[str, str] = {
    "ink": "#22282b",
    "soft": "#5d676c",
    "line": "#d8dcd9",
    "good": "#14706c",
    "bad": "#bf4e19",
    "quiet": "#9aa5a3",
}
PAPER = "#ffffff"
FONTS = ("Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "WenQuanYi Micro Hei", "SimHei", "Noto Sans SC")
FONT_STACK = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, " + ", ".join(f"'{name}'" for name in FONTS)
FONT_STACK += ", sans-serif"
WIDTH, HEIGHT = 4.9, 2.9
DOTS_PER_INCH = 150
MOST_CLASSES = 40
INCHES_PER_COLUMN = 0.078
MOST_POINTS = 600
RESIDUAL_BINS = 31
OUTLYING = 0.005  # share of errors at either end that the outermost bars gather


@contextmanager
def drawing(salt: str = "") -> Iterator[None]:
    """matplotlib with our fonts and, from one salt, always the same ids; put back as it was afterwards."""
    import matplotlib
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    family = ["DejaVu Sans", *(name for name in FONTS if name in installed)]
    chosen: dict[str, Any] = {"svg.fonttype": "none", "svg.hashsalt": salt, "font.family": family}
    # A name from the data is never a formula: "$5" and "a_$b$" are plain text.
    chosen["text.parse_math"] = False
    with matplotlib.rc_context(chosen), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@drawing()
def curve(steps: pl.DataFrame, metric: str) -> Figure | None:
    """Train and valid values of one metric over the steps; None when there is nothing to draw."""
    found = {part: steps[f"{part}/{metric}"] for part in ("train", "valid") if f"{part}/{metric}" in steps.columns}
    found = {part: values.cast(pl.Float64) for part, values in found.items() if values.drop_nulls().len()}
    if not found:
        return None
    figure, axes = blank()
    style = {"train": ("quiet", (0, (4, 2)), "training"), "valid": ("good", "-", "validation")}
    for part, values in found.items():
        colour, dashes, label = style[part]
        axes.plot(
            steps["step"].to_numpy(),
            values.to_numpy(),
            color=PALETTE[colour],
            linestyle=dashes,
            linewidth=1.8,
            marker="o",
            markersize=3.2 if len(steps) < 40 else 0,
            label=label,
        )
    axes.set_xlabel("step")
    axes.set_ylabel(metric_name(metric))
    if metric in SHARES:
        axes.yaxis.set_major_formatter(percent)
    if len(found) > 1:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=PALETTE["ink"], handlelength=2.6)
    return figure


@drawing()
def rate(steps: pl.DataFrame) -> Figure | None:
    """The learning rate over the steps; None when it was not recorded."""
    if "rate" not in steps.columns or not steps["rate"].drop_nulls().len():
        return None
    figure, axes = blank(height=1.9)
    axes.plot(steps["step"].to_numpy(), steps["rate"].cast(pl.Float64).to_numpy(), color=PALETTE["good"], linewidth=1.8)
    axes.set_xlabel("step")
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)
    return figure


@drawing()
def reliability(after: pl.DataFrame, before: pl.DataFrame) -> Figure | None:
    """Stated probability against the share that was right, with the diagonal of perfect honesty.

    Args:
        after: the bins as the model answers now.
        before: the bins before the temperature; empty when there is none.
    """
    if after.is_empty():
        return None
    figure, axes = blank(height=3.7)
    axes.plot([0, 1], [0, 1], color=PALETTE["soft"], linewidth=1, linestyle=(0, (2, 2)))
    if not before.is_empty():
        axes.plot(
            before["stated"].to_numpy(),
            before["right"].to_numpy(),
            color=PALETTE["quiet"],
            linewidth=1.3,
            linestyle=(0, (4, 2)),
            marker="s",
            markersize=4,
            label="before adjusting",
        )
    axes.plot(
        after["stated"].to_numpy(),
        after["right"].to_numpy(),
        color=PALETTE["good"],
        linewidth=1.8,
        marker="o",
        markersize=5.5,
        label="as it answers now",
    )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="probability it states", ylabel="share that was right")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(percent)
    if not before.is_empty():
        axes.legend(frameon=False, fontsize=8.5, labelcolor=PALETTE["ink"], loc="upper left", markerscale=0.7)
    return figure


@drawing()
def floor(scores: pl.DataFrame) -> Figure | None:
    """The network and the simple methods as bars with their 95% intervals."""
    if scores.is_empty():
        return None
    rows = scores.reverse()
    figure, axes = blank(height=0.9 + 0.42 * len(rows))
    values = rows["value"].to_numpy()
    colours = [PALETTE["good" if model == "network" else "quiet"] for model in rows["model"]]
    axes.barh(range(len(rows)), values, color=colours, height=0.62)
    intervals = rows.with_row_index().drop_nulls(["low", "high"])
    if len(intervals):
        axes.errorbar(
            intervals["value"].to_numpy(),
            intervals["index"].to_numpy(),
            xerr=[
                np.maximum((intervals["value"] - intervals["low"]).to_numpy(), 0),
                np.maximum((intervals["high"] - intervals["value"]).to_numpy(), 0),
            ],
            fmt="none",
            ecolor=PALETTE["ink"],
            elinewidth=1.1,
            capsize=3,
        )
    metric = rows["metric"][0] or "accuracy"
    names = [
        f"{model_name(model)}  {show_value(value, metric)}" for model, value in zip(rows["model"], values, strict=True)
    ]
    axes.set_yticks(range(len(rows)), names)
    axes.set_xlabel(metric_name(metric))
    if metric in SHARES:
        axes.xaxis.set_major_formatter(percent)
    axes.grid(axis="y", visible=False)
    return figure


@drawing()
def confusion(pairs: pl.DataFrame, classes: list[str]) -> Figure | None:
    """Given against predicted classes as a heat map; with very many classes only the most confused of them."""
    if pairs.is_empty():
        return None
    shown = _most_confused(pairs, classes)
    if not shown:  # of very many classes, none was taken for another
        return None
    place = {name: number for number, name in enumerate(shown)}
    counts = np.zeros((len(shown), len(shown)))
    for given, predicted, items, _ in pairs.iter_rows():
        if given in place and predicted in place:
            counts[place[given], place[predicted]] = items
    names = [short(name) for name in shown]
    side = 1.2 + 0.34 * len(shown) + label_inches(names)
    figure, axes = blank(width=side, height=side)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap=_ramp(), vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = PAPER if share[row, column] > 0.5 else PALETTE["ink"]
        axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(shown)), names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(range(len(shown)), names)
    axes.set(xlabel="predicted", ylabel="given")
    axes.grid(visible=False)
    return figure


@drawing()
def per_class(table: pl.DataFrame) -> Figure | None:
    """The share of each class that was recognised; with very many classes only the worst of them."""
    if table.is_empty():
        return None
    rows = table.head(MOST_CLASSES).reverse()
    names = [f"{short(name)} ({items})" for name, items in rows.select("class", "items").iter_rows()]
    figure, axes = blank(width=3.5 + label_inches(names), height=0.9 + 0.26 * len(rows))
    axes.barh(range(len(rows)), rows["found"].to_numpy(), color=PALETTE["good"], height=0.62)
    axes.set_yticks(range(len(rows)), names)
    axes.set(xlim=(0, 1), xlabel="share found")
    axes.xaxis.set_major_formatter(percent)
    axes.grid(axis="y", visible=False)
    return figure


@drawing()
def predicted_against_true(errors: pl.DataFrame, bounds: tuple[float, float] | None = None) -> Figure | None:
    """A point an item, its truth against the answer, with the line of perfect answers; thinned to `MOST_POINTS`.

    Args:
        errors: `target`, `predicted` and `hash` of the items, the largest error first.
        bounds: what to add to an answer for the ends of its interval, drawn as two thin lines.
    """
    if errors.is_empty():
        return None
    figure, axes = blank(height=3.7)
    # The largest errors are kept, of the others those that chance (their hash) picks.
    worst = errors.head(MOST_POINTS // 10)
    shown = pl.concat([worst, errors[len(worst) :].sort("hash").head(MOST_POINTS - len(worst))])
    truth, answer = shown["target"].to_numpy(), shown["predicted"].to_numpy()
    ends = np.array([min(truth.min(), answer.min()), max(truth.max(), answer.max())])
    axes.plot(ends, ends, color=PALETTE["soft"], linewidth=1, linestyle=(0, (2, 2)))
    for bound in bounds or ():
        axes.plot(ends + bound, ends, color=PALETTE["quiet"], linewidth=1)
    axes.plot(truth, answer, linestyle="", marker="o", markersize=3, color=PALETTE["good"], alpha=0.45)
    margin = 0.03 * float(ends[1] - ends[0]) or 1.0
    limits = (ends[0] - margin, ends[1] + margin)
    axes.set(xlim=limits, ylim=limits, xlabel="truth", ylabel="answer")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_number)
        axis.set_major_locator(_few_ticks())
    return figure


@drawing()
def residuals(errors: pl.DataFrame) -> Figure | None:
    """How many answers are too low and too high, by how much; the outermost bars hold what lies beyond them."""
    if errors.is_empty():
        return None
    values = errors["error"].to_numpy()
    low, high = np.quantile(values, [OUTLYING, 1 - OUTLYING])
    if low == high:
        low, high = low - 1, high + 1
    counts, edges = np.histogram(np.clip(values, low, high), bins=RESIDUAL_BINS, range=(low, high))
    figure, axes = blank(height=3.7)
    axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=PALETTE["quiet"], linewidth=0)
    axes.axvline(0, color=PALETTE["ink"], linewidth=1)
    axes.set(xlabel="answer − truth: too low on the left, too high on the right", ylabel="items")
    axes.xaxis.set_major_formatter(_number)
    axes.xaxis.set_major_locator(_few_ticks())
    axes.grid(axis="x", visible=False)
    return figure


@drawing()
def contributions(rows: pl.DataFrame) -> Figure | None:
    """By how much the metric is worse when the values of an input are those of other items, as bars."""
    if rows.is_empty():
        return None
    shown = rows.head(MOST_CLASSES).reverse()
    names = [short(name) for name in shown["input"]]
    figure, axes = blank(width=3.5 + label_inches(names), height=0.9 + 0.26 * len(shown))
    axes.barh(range(len(shown)), shown["drop"].to_numpy(), color=PALETTE["good"], height=0.62)
    axes.set_yticks(range(len(shown)), names)
    axes.set_xlabel(f"{metric_name(shown['metric'][0])} lost")
    axes.grid(axis="y", visible=False)
    return figure


@drawing()
def treatments(rows: pl.DataFrame) -> Figure | None:
    """What each judged remedy was worth, with its interval, beside none."""
    judged = rows.filter(pl.col("effect").is_not_null()).reverse() if len(rows) else rows
    if judged.is_empty():
        return None
    names = [short(name) for name in judged["remedy"]]
    figure, axes = blank(width=3.5 + label_inches(names), height=0.9 + 0.32 * len(judged))
    for row, one in enumerate(judged.iter_rows(named=True)):
        colour = PALETTE[{"helped": "good", "hurt": "bad"}.get(one["outcome"], "quiet")]
        axes.plot([one["low"], one["high"]], [row, row], color=colour, linewidth=2.2)
        axes.plot([one["effect"]], [row], color=colour, marker="o", markersize=6)
    axes.axvline(0, color=PALETTE["soft"], linewidth=1)
    axes.set_yticks(range(len(judged)), names)
    axes.set_ylim(-0.6, len(judged) - 0.4)
    axes.set_xlabel("better by, with 95% interval")
    axes.grid(axis="y", visible=False)
    return figure


@drawing()
def gallery(pictures: list[np.ndarray], captions: list[tuple[str, ...]]) -> Figure | None:
    """Pictures in rows of six with the lines of a caption under each; None when there are none.

    Args:
        pictures: uint8 [height, width, channels] each.
    """
    if not pictures:
        return None
    from matplotlib.figure import Figure

    columns = min(6, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(1.5 * columns, 1.9 * rows), facecolor=PAPER)
    # One drawing area for all: one for each picture would take seconds.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = 1.5 * (number % columns) + 0.06, 1.9 * (number // columns) + 0.06
        values = picture[..., 0] if picture.shape[-1] == 1 else picture
        height, width = (1.38 * length / max(picture.shape[:2]) for length in picture.shape[:2])
        place = (left, left + width, top + height, top)
        axes.imshow(values, cmap="gray", vmin=0, vmax=255, extent=place, aspect="auto")
        words = "\n".join(short(line) for line in caption)
        axes.text(left, top + 1.44, words, fontsize=7.5, color=PALETTE["ink"], va="top")
    axes.set(xlim=(0, 1.5 * columns), ylim=(1.9 * rows, 0))
    return figure


def to_svg(figure: Figure, name: str) -> str:
    """A figure as SVG text whose letters stay letters.

    Args:
        name: makes the ids inside differ from those of other figures on one page.
    """
    stream = io.StringIO()
    with drawing(name):
        figure.savefig(stream, format="svg", facecolor=PAPER, metadata={"Date": None, "Creator": "penjing"})
    # matplotlib names the fonts of this machine; the file is read on others.
    return re.sub(r"font-family: [^;\"]+", f"font-family: {FONT_STACK}", stream.getvalue())


def to_inline_svg(figure: Figure, name: str, description: str) -> str:
    """A figure as an `<svg>` element that takes its colours and font from the page.

    Args:
        description: the text for people who do not see it.
    """
    svg = to_svg(figure, name)
    drawing = svg[svg.index("<svg") :]
    box = drawing[: drawing.index(">")].partition('viewBox="')[2].partition('"')[0]
    body = drawing[drawing.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    # Ids of groups are used by nobody and would stand on the page once for every figure.
    body = re.sub(r'<g id="[^"]*"', "<g", body).replace("xlink:href", "href").replace(FONT_STACK, "var(--font)")
    body = body.replace(f"fill: {PAPER}", "fill: none", 1)
    for variable, colour in PALETTE.items():
        body = body.replace(colour, f"var(--{variable})")
    return f'<svg viewBox="{box}" role="img" aria-label="{html.escape(description)}">{body}'


def to_png(figure: Figure) -> bytes:
    """A figure as PNG bytes; letters that no font of this machine has are drawn as boxes, without a warning."""
    stream = io.BytesIO()
    with drawing():
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, facecolor=PAPER)
    return stream.getvalue()


def blank(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALETTE["line"])
    axes.tick_params(colors=PALETTE["soft"], labelsize=8.5, length=0)
    axes.grid(color=PALETTE["line"], linewidth=0.7)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=PALETTE["soft"], fontsize=8.5)
    return figure, axes


def percent(value: float, _: float) -> str:
    """A tick of an axis; neighbours that lie closer than one percent differ in what they say, too."""
    return f"{100 * value:.6g}%"


def _number(value: float, _: float) -> str:
    return show_number(value).replace("-", "−")


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5)


def _most_confused(pairs: pl.DataFrame, classes: list[str]) -> list[str]:
    """All classes in their order, or those of the most frequent confusions when there are too many to draw."""
    named = classes or sorted(set(pairs["given"]) | set(pairs["predicted"]))
    if len(named) <= MOST_CLASSES:
        return named
    wrong = pairs.filter(pl.col("given") != pl.col("predicted"))
    kept: dict[str, None] = {}
    for given, predicted, *_ in wrong.iter_rows():
        if len(kept | {given: None, predicted: None}) > MOST_CLASSES:
            break
        kept |= {given: None, predicted: None}
    return [name for name in named if name in kept]


def _ramp() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("penjing", [PAPER, PALETTE["good"]])


def short(name: str, columns: int = 24) -> str:
    """A name cut to some columns, a Chinese character taking two."""
    if _columns(name) <= columns:
        return name
    kept = ""
    for letter in name:
        if _columns(kept + letter) > columns - 1:
            break
        kept += letter
    return kept + "…"


def _columns(name: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in name)


def label_inches(names: list[str]) -> float:
    """The room that tick labels need, so that long names do not squeeze the plot away."""
    return INCHES_PER_COLUMN * max(map(_columns, names), default=0)
