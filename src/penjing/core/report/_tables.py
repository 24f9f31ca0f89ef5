"""The tables of a report, each a polars frame: the page shows them and `save_figures` writes them as CSV."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from penjing.core.report._read import RunFiles
from penjing.core.report.text import floor_scores, show_moment, show_percent
from penjing.core.shares import exact_share
from penjing.core.table import PARTS

BINS = 15
LEAST_ITEMS_A_BIN = 10
LEAST_PROBABILITY = 1e-30
MISTAKES = 24
LOOKED = 12


def floor(files: RunFiles) -> pl.DataFrame:
    """Model, value, low, high, n, part and metric of the main metric; the network first, then the best others."""
    columns = ("model", "value", "low", "high", "n", "part", "metric")
    return _frame([{name: score.get(name) for name in columns} for score in floor_scores(files.results)])


def curves(files: RunFiles) -> pl.DataFrame:
    """One row per evaluation, a column per measured value; values that were not finite are null."""
    if not files.steps:
        return pl.DataFrame()
    return pl.DataFrame(files.steps, infer_schema_length=None, strict=False).drop("non_finite", strict=False)


def confusion(files: RunFiles) -> pl.DataFrame:
    """Given class, predicted class, how many items, and their share of the given class; the most frequent first."""
    network = files.of_task("classify")
    if network.is_empty():
        return pl.DataFrame()
    counted = network.group_by("target", "predicted").len("items")
    share = pl.col("items") / pl.col("items").sum().over("target")
    ordered = counted.with_columns(share.alias("share")).sort(
        ["items", "share", "target", "predicted"], descending=[True, True, False, False]
    )
    return ordered.rename({"target": "given"})


def per_class(files: RunFiles) -> pl.DataFrame:
    """Class, items, found (share of its items that were recognised), trusted (share of the answers that were right)
    and the class it is most often mistaken for; the class that is found least first."""
    pairs = confusion(files)
    if pairs.is_empty():
        return pl.DataFrame()
    wrong = pairs.filter(pl.col("given") != pl.col("predicted"))
    taken_for = wrong.group_by("given", maintain_order=True).agg(pl.col("predicted").first().alias("mistaken_for"))
    answers = pairs.group_by("predicted").agg(pl.col("items").sum().alias("answers"))
    right = pairs.filter(pl.col("given") == pl.col("predicted")).select("given", pl.col("items").alias("right"))
    return (
        pairs.group_by("given")
        .agg(pl.col("items").sum())
        .join(right, on="given", how="left")
        .join(answers, left_on="given", right_on="predicted", how="left")
        .join(taken_for, on="given", how="left")
        .with_columns(pl.col("right").fill_null(0))
        .with_columns(
            (pl.col("right") / pl.col("items")).alias("found"), (pl.col("right") / pl.col("answers")).alias("trusted")
        )
        .select(pl.col("given").alias("class"), "items", "found", "trusted", "mistaken_for")
        .sort(["found", "class"])
    )


def probabilities(predictions: pl.DataFrame, count: int) -> np.ndarray:
    """The probabilities as float64 [items, classes]; no rows when they are not there or not of one length."""
    if predictions.is_empty() or "probability" not in predictions.columns or count == 0:
        return np.zeros((0, count))
    lengths = predictions["probability"].list.len()
    if not (lengths == count).all():
        return np.zeros((0, count))
    return predictions["probability"].list.to_array(count).to_numpy().astype(np.float64)


def stated(files: RunFiles) -> np.ndarray:
    """Float64[items]: the probability of the class that each of the network's answers names, which is not the greatest
    one where a threshold parts two classes."""
    rows, place = files.network, {name: index for index, name in enumerate(files.classes)}
    greatest = rows["probability"].list.max().to_numpy().astype(np.float64)
    table = probabilities(rows, len(place))
    if not len(table):
        return greatest
    index = np.array([place.get(str(name), -1) for name in rows["predicted"]])
    return np.where(index >= 0, table[np.arange(len(table)), index], greatest)


def reliability(files: RunFiles, temperature: float = 1.0) -> pl.DataFrame:
    """Bins of equally many items, least sure first: stated (mean probability), right (share right), items.

    The bins are those of the task's calibration error (`tasks/classify/metrics.py`, which core may not import); a
    test holds the two together.

    Args:
        temperature: the probabilities are sharpened by this factor first. With the run's own temperature that
            undoes it, because softmax(z) is softmax(z / T) to the power T, made to sum to one again.
    """
    network = files.of_task("classify")
    table = probabilities(network, len(files.classes))
    if not len(table):
        return pl.DataFrame()
    if temperature != 1.0:
        logits = temperature * np.log(np.maximum(table, LEAST_PROBABILITY))
        table = np.exp(logits - logits.max(axis=1, keepdims=True))
        table = table / table.sum(axis=1, keepdims=True)
    answers = np.array([files.classes[index] for index in table.argmax(axis=1)], dtype=object)
    is_right = answers == np.array(network["target"].to_list(), dtype=object)
    # Items that are equally sure share a bin; else the bins would depend on the order of the items.
    levels, level_of_item = np.unique(table.max(axis=1), return_inverse=True)
    bins = max(1, min(BINS, len(table) // LEAST_ITEMS_A_BIN))
    mass = np.bincount(level_of_item, minlength=len(levels))
    middle = np.cumsum(mass) - mass / 2
    place = np.minimum((bins * middle / mass.sum()).astype(np.int64), bins - 1)[level_of_item]
    items = np.bincount(place, minlength=bins)
    filled = np.flatnonzero(items)
    return pl.DataFrame(
        {
            "stated": np.bincount(place, table.max(axis=1), bins)[filled] / items[filled],
            "right": np.bincount(place, is_right.astype(np.float64), bins)[filled] / items[filled],
            "items": items[filled],
        }
    )


def calibration_error(bins: pl.DataFrame) -> float:
    """The mean gap between stated probability and share right, weighted by items (Guo et al., 2017, equation 3)."""
    gap = np.abs(bins["stated"].to_numpy() - bins["right"].to_numpy())
    return float(np.average(gap, weights=bins["items"].to_numpy()))


def mistakes(files: RunFiles) -> pl.DataFrame:
    """The wrong answers given with the highest probability: hash, name, target, predicted, probability."""
    rows = with_probability(files)
    if rows.is_empty():
        return rows
    wrong = rows.filter(pl.col("target") != pl.col("predicted"))
    return wrong.sort(["stated", "hash"], descending=[True, False]).head(MISTAKES)


def suspects(files: RunFiles) -> pl.DataFrame:
    """Items whose given label is probably wrong, the least believable label first.

    An item is suspect when the network prefers another class and is as sure of it as it is, on average, of the
    items that carry that class's label. A network that is not surely better than the commonest class suspects nobody.

    Source: Northcutt, Jiang and Chuang, "Confident Learning", 2021, section 3.1.
    """
    rows = with_probability(files)
    if rows.is_empty():
        return rows
    right, commonest = (rows["target"] == rows["predicted"]).sum(), rows["target"].value_counts()["count"].max()
    if exact_share(int(right), len(rows))[0] <= float(commonest) / len(rows):  # type: ignore[arg-type]
        return rows.clear()
    usual = rows.group_by("target").agg(pl.col("given").mean().alias("usual"))
    joined = rows.join(usual, left_on="predicted", right_on="target", how="inner")
    wrong = joined.filter((pl.col("target") != pl.col("predicted")) & (pl.col("stated") >= pl.col("usual")))
    return wrong.sort(["given", "hash"]).drop("usual")


def corrections(files: RunFiles) -> pl.DataFrame:
    """All suspects as the table that `fit --corrections` takes: path, label (as it is), why and suggestion."""
    rows = [
        {
            "path": row["name"],
            "label": row["target"],
            "why": f"the network says {row['predicted']} ({show_percent(row['stated'])}), "
            f"and {row['target']} with {show_percent(row['given'])}",
            "suggestion": row["predicted"],
        }
        for row in suspects(files).iter_rows(named=True)
    ]
    return _frame(rows)


def looked(files: RunFiles) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The items with a picture of where the network looked: those it got right and those it got wrong."""
    rows = with_probability(files)
    if rows.is_empty() or not files.heat:
        return pl.DataFrame(), pl.DataFrame()
    seen = rows.filter(pl.col("hash").is_in(list(files.heat))).sort(["stated", "hash"], descending=[True, False])
    is_right = pl.col("target") == pl.col("predicted")
    return seen.filter(is_right).head(LOOKED), seen.filter(~is_right).head(LOOKED)


def errors(files: RunFiles) -> pl.DataFrame:
    """Of predicted numbers hash, name, target, predicted and error (answer − truth); the largest error first."""
    rows = files.of_task("regress")
    if rows.is_empty() or not rows["target"].dtype.is_numeric():
        return pl.DataFrame()
    found = rows.select("hash", "name", pl.col("target", "predicted").cast(pl.Float64))
    found = found.with_columns(error=pl.col("predicted") - pl.col("target")).filter(pl.col("error").is_finite())
    return found.sort([pl.col("error").abs(), "hash"], descending=[True, False])


def per_label(files: RunFiles) -> pl.DataFrame:
    """Label, items that have it, their share, found (recall), trusted (precision) and F1; the worst F1 first."""
    rows = files.of_task("tag")
    if rows.is_empty() or not isinstance(rows["target"].dtype, pl.List):
        return pl.DataFrame()
    found = []
    for label in files.classes:
        has = rows["target"].list.contains(label)
        is_given = rows["predicted"].list.contains(label)
        items, answers, right = int(has.sum()), int(is_given.sum()), int((has & is_given).sum())
        found.append(
            {
                "label": label,
                "items": items,
                "share": items / len(rows),
                "found": right / items if items else None,
                "trusted": right / answers if answers else None,
                "f1": 2 * right / (items + answers) if items + answers else None,
            }
        )
    return _frame(found).sort(["f1", "label"]) if found else pl.DataFrame()


def contributions(files: RunFiles) -> pl.DataFrame:
    """Input or column, its type, the metric when its values are those of other items, and how much worse that is."""
    rows = [
        {
            "input": str(one.get("column") or one.get("input")),
            "type": files.columns.get(str(one.get("column") or ""), files.inputs.get(str(one.get("input")), "")),
            "metric": str(one.get("metric", "accuracy")),
            "value": one["value"],
            "drop": one["drop"],
        }
        for one in files.results.get("contributions") or []
    ]
    return _frame(rows)


def parts(files: RunFiles) -> pl.DataFrame:
    """Part and number of items, in the order train, valid, confirm, test, excluded."""
    if files.split.is_empty():
        return pl.DataFrame()
    counts = dict(files.split.group_by("part").len().iter_rows())
    known = [part for part in PARTS if part in counts] + sorted(set(counts) - set(PARTS))
    return pl.DataFrame({"part": known, "items": [counts[part] for part in known]})


def class_counts(files: RunFiles) -> pl.DataFrame:
    """Class and number of items, as the data have them, the largest first."""
    counted = (files.run.get("data") or {}).get("classes") or {}
    frame = _frame([{"class": str(name), "items": count} for name, count in counted.items()])
    return frame if frame.is_empty() else frame.sort(["items", "class"], descending=[True, False])


def decisions(files: RunFiles) -> pl.DataFrame:
    """When, what, choice and why of every line of the ledger, oldest first."""
    lines = [
        {
            "when": show_moment(line.get("time", "")),
            "what": str(line.get("what", "")),
            "choice": str(line.get("choice", "")),
            "why": str(line.get("why", "")),
        }
        for line in files.ledger
    ]
    return _frame(lines)


def treatments(files: RunFiles) -> pl.DataFrame:
    """Remedy, what it was to treat, what became of it, its effect with interval, its cost and what it changed, of the
    last treatment; those with a verdict first, as they were judged."""
    lines = [line for line in files.ledger if line.get("what") == "treatment"]
    last = [line for line in lines if line.get("began") == lines[-1].get("began")]
    latest: dict[str, dict[str, Any]] = {}
    for line in last:  # a later line about a remedy, alone or with others, takes the place of an earlier one
        names = {str(line.get("remedy")), *(line.get("doses") or {})}
        latest = {name: one for name, one in latest.items() if name not in names}
        latest[str(line.get("remedy"))] = line
    rows = [
        {
            "remedy": _dosed(name, line.get("doses") or {}),
            "finding": str(line.get("finding", "")),
            "outcome": str(line.get("outcome", "")),
            **{key: (line.get("difference") or {}).get(key) for key in ("effect", "low", "high", "seeds", "units")},
            "times": line.get("times"),
            "changed": "; ".join(
                f"{key}: {_plainly(before)} → {_plainly(after)}"
                for key, (before, after) in (line.get("changed") or {}).items()
            ),
            "why": str(line.get("why", "")),
        }
        for name, line in latest.items()
    ]
    return _frame(sorted(rows, key=lambda row: row["effect"] is None))


def _dosed(name: str, doses: dict[str, int]) -> str:
    often = {one: f"{one} ({count} times)" for one, count in doses.items() if count > 1}
    return " and ".join(often.get(one, one) for one in doses) or name


def _plainly(value: Any) -> str:
    """A choice for people: no "None", no long fractions."""
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def seconds(files: RunFiles) -> pl.DataFrame:
    """Stage and how many seconds it took, in the order they were done."""
    return _frame([{"stage": name, "seconds": value} for name, value in stages(files).items()])


def stages(files: RunFiles) -> dict[str, float]:
    """Stage → seconds. Older runs have the wait for data beside the stages, though it lies inside the training."""
    found = files.run.get("seconds") or {}
    before = {"first training and treatment": healing_seconds(files)} if healing_seconds(files) and found else {}
    return before | {str(name): float(value or 0) for name, value in found.items() if name != "stalled"}


def healing_seconds(files: RunFiles) -> float:
    """Of the time that a person allowed, what went by before the training that is kept: 0 without `--heal`."""
    return sum(float(line.get("seconds") or 0) for line in files.ledger if line.get("what") == "heal")


def with_probability(files: RunFiles) -> pl.DataFrame:
    """The network's rows with `stated` (probability of its answer) and `given` (probability of the given label)."""
    return _with_probability(files, files.of_task("classify"))


def judged_unseen(files: RunFiles) -> pl.DataFrame:
    """The same of all items that a network answered which had not seen them: those that validate, and training items
    where experiments held them out."""
    both = [_with_probability(files, rows) for rows in (files.of_task("classify"), files.held_out)]
    return pl.concat(both, how="diagonal")


def _with_probability(files: RunFiles, network: pl.DataFrame) -> pl.DataFrame:
    table = probabilities(network, len(files.classes))
    if not len(table):
        return pl.DataFrame()
    place = {name: number for number, name in enumerate(files.classes)}
    given = np.array([place.get(str(name), -1) for name in network["target"].to_list()])
    answer = np.array([place.get(str(name), -1) for name in network["predicted"].to_list()])
    rows = np.arange(len(table))
    return network.select("hash", "name", "target", "predicted").with_columns(
        pl.Series("stated", np.where(answer < 0, 0.0, table[rows, answer])),
        pl.Series("given", np.where(given < 0, 0.0, table[rows, given])),
    )


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()
