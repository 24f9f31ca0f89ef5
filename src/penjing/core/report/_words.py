"""The sentences of a report: what was learned from what, how good it is, and what that is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penjing.core.report._read import RunFiles
from penjing.core.report.text import (
    CONTENDERS,
    METHODS,
    floor_scores,
    interval,
    made_from,
    main_metric,
    many,
    metric_name,
    model_name,
    show_score,
    show_value,
    simple_scores,
    winning_floor,
)
from penjing.core.score import is_higher_better
from penjing.core.split import too_few

# What a metric says, to follow its name.
METRICS: Mapping[str, str] = {
    "accuracy": "the share that was answered rightly",
    "balanced_accuracy": "the share found of each class, averaged over classes: small classes count as much",
    "macro_f1": "how well each class is found and how far its name can be trusted, averaged over classes",
    "brier": "the squared gap between stated probabilities and the truth; less is better",
    "log_loss": "how surprised the model was by the truth; less is better",
    "calibration_error": "how far stated probabilities are from what happened; less is better",
    "r2": "the share of the spread that the answers explain: 1 is perfect, 0 no better than always saying the mean",
    "mae": "how far answers are off on average, in the target's own units; less is better",
    "rmse": "how far answers are off, large errors counting more, in the target's own units; less is better",
    "micro_f1": "how well labels are found and how far they can be trusted, all labels together",
    "subset_accuracy": "the share whose labels were all right, none missing and none too many",
    "mean_average_precision": "how well items with a label are ranked before those without, averaged over labels",
}
EXPLAINED: Mapping[str, str] = {
    "network": "the network of this run",
    "boosted_trees": "many small decision trees on {features}",
    "linear": "a weighted sum of {features}",
    "majority": "always gives the most frequent answer",
    "mean": "always says the mean",
    "from_scratch": "a network that learned from these data alone, in the same time; it was not chosen",
    "pretrained": "a small network on features that were learned elsewhere; it was not chosen",
}
ON_PRETRAINED = "a small network on features that were learned elsewhere"
# Modality of the only input → what an item is called, and what simple methods see of it.
NOUNS: Mapping[str, str] = {
    "image": "picture",
    "audio": "sound",
    "video": "video",
    "text": "text",
    "table": "row",
}
FEATURES: Mapping[str, str] = {"text": "words and groups of letters", "table": "the columns"}
# How the small picture of an item that is none was made.
DRAWN: Mapping[str, str] = {
    "sound": "A sound is drawn as how loud it is (brighter) at each moment (left to right) and pitch (low to high).",
    "video": "Of a video the middle frame is shown.",
}


@dataclass(frozen=True)
class Headline:
    """The first lines of a report.

    Attributes:
        first: the sentence a person should remember.
        further: the sentences after it.
        is_beaten: whether a simple method is as good as the network or better.
    """

    first: str
    further: tuple[str, ...] = ()
    is_beaten: bool = False


def noun(files: RunFiles) -> str:
    """What one item is called: "picture", "sound", "text", "row", …; where it has several inputs "item"."""
    kinds = list(files.inputs.values())
    if kinds:
        return NOUNS.get(kinds[0], "item") if len(kinds) == 1 else "item"
    is_image = (files.run.get("data") or {}).get("modality") == "image" or (files.folder / "pictures.npz").is_file()
    return "picture" if is_image else "item"


def explained(files: RunFiles, model: str) -> str:
    """What a model is, in a few words."""
    kinds = list(files.inputs.values())
    features = FEATURES.get(kinds[0], "simple features") if len(kinds) == 1 else "simple features"
    if model == "network" and any("pretrained" in one for one in (files.prepare.get("inputs") or {}).values()):
        return ON_PRETRAINED
    return EXPLAINED.get(model, "").format(features=features)


def headline(files: RunFiles) -> Headline:
    """What was learned, from what, and how good it is."""
    scores = floor_scores(files.results)
    if not scores:
        status = files.run.get("status") or "unknown"
        return Headline(f"This run has no score yet (status: {status}).", _learned_from(files))
    best, score = winning_floor(files.results), scores[0]
    sentence = _how_good(files, score)
    if best is None:
        against = _against_floor(score, simple_scores(files.results))
        return Headline(sentence, (*_learned_from(files), *against, *_against_contender(scores)))
    return Headline(_floor_wins(files, best, score), (sentence, *_learned_from(files)), is_beaten=True)


def openings(files: RunFiles) -> int:
    """How often this test part had been opened, by any run, when this run last opened it; 0 while it is sealed."""
    lines = _openings(files)
    return max([len(lines), *(int(line.get("opening") or 0) for line in lines)])


def test_score(files: RunFiles) -> dict[str, Any] | None:
    """The network's latest score of the main metric on the sealed test part, or None while it is sealed."""
    opened = _openings(files)
    found = opened[-1].get("scores") if opened else None
    scores = list(found.values()) if isinstance(found, dict) else list(found or [])
    metric = main_metric(files.results)
    ours = [score for score in scores if isinstance(score, dict) and score.get("model", "network") == "network"]
    return next((score for score in ours if score.get("metric", "accuracy") == metric), ours[0] if ours else None)


def test_words(files: RunFiles) -> str:
    """What is known about the test part, in one or two sentences."""
    things = noun(files)
    sealed = int((files.run.get("seal") or {}).get("items") or 0)
    count = openings(files)
    if "seal" not in files.run and files.split.is_empty():
        return "The data have not been dealt into parts yet."
    if not sealed and not count:
        return f"There is no test part: {_why_none(files)}."
    if not count:
        return f"Still sealed: {many(sealed, things)} that nobody has looked at. Open it once, at the very end."
    times = "Opened once" if count == 1 else f"Opened {many(count, 'time')}"
    aside = f", on {many(sealed, things)} set aside before anything was learned" if sealed else ""
    worn = "" if count == 1 else " Every further look, by any run, makes this score a little less trustworthy."
    return f"{times}{aside}.{worn}"


def _why_none(files: RunFiles) -> str:
    """Why nothing is sealed, as a clause."""
    if (files.run.get("seal") or {}).get("is_given"):
        return "the parts that the data bring have none"
    used = files.split.filter(files.split["part"] != "excluded")
    groups = used["group"].n_unique() if "group" in used.columns else used.height
    return too_few(used.height, groups) or "the run that this one goes on from had none either"


def _openings(files: RunFiles) -> list[dict[str, Any]]:
    return [line for line in files.ledger if line.get("what") == "opening"]


def _how_good(files: RunFiles, score: Mapping[str, Any]) -> str:
    metric, things = str(score.get("metric", "accuracy")), noun(files)
    who = "The network" if score.get("model") == "network" else METHODS.get(str(score.get("model")), "The model")
    value, parent = show_value(score["value"], metric), made_from(files.ledger)
    name = metric_name(metric)
    article = "an" if name[0] in "aR" else "a"
    unseen = f"{things}s it was not trained on"
    if parent:  # nothing scored this one, which learned from those items too
        begin = f"{who} {_does(files)}. The run that it was made from ({parent})"
        is_right, is_off, reaches = "was right", "was off", "reached"
    else:
        begin, is_right, is_off, reaches = f"{who} {_does(files)} and", "is right", "is off", "reaches"
    if metric == "accuracy":
        return f"{begin} {is_right} on {value} of the {unseen}."
    if metric == "mae":
        return f"{begin} {is_off} by {value} on average, on {unseen}."
    return f"{begin} {reaches} {article} {name} of {value} on {unseen}."


def _does(files: RunFiles) -> str:
    """What was asked of the network."""
    count = len(files.classes)
    if files.task == "regress" and count == 1:
        return f"predicts {files.classes[0]}"
    if files.task == "tag" and count:
        return f"tells which of {many(count, 'label')} {noun(files)}s have"
    return f"tells {many(count, 'class')} apart" if count > 1 else "was trained"


def _learned_from(files: RunFiles) -> tuple[str, ...]:
    title = files.run.get("title") or (files.run.get("data") or {}).get("path")
    if files.split.is_empty() or not title:
        return (f"It learned from “{title}”.",) if title else ()
    split = files.choices.get("split") or {}
    # With folds, and for a refit, the network that is kept has learned from what chose as well.
    parts = ("train", "valid", "confirm") if split.get("folds") or split.get("final") else ("train",)
    train = files.split.filter(files.split["part"].is_in(parts)).height
    return (f"It learned from {many(train, noun(files))} out of “{title}”.",)


def _floor_wins(files: RunFiles, best: Mapping[str, Any], score: Mapping[str, Any]) -> str:
    metric = str(score.get("metric", "accuracy"))
    ours, theirs = show_value(score["value"], metric), show_value(best["value"], metric)
    verb = "do as well as" if best["value"] == score["value"] else "do better than"
    who = METHODS.get(str(best["model"]), model_name(str(best["model"])))
    network = "the network that this one was made from" if made_from(files.ledger) else "the network here"
    return f"{who} {verb} {network}: {theirs} against {ours}. Deep learning does not help on these data so far."


def _against_floor(network: Mapping[str, Any], simple: list[dict[str, Any]]) -> tuple[str, ...]:
    """Whether the lead over the best simple method is larger than chance explains."""
    if not simple or network.get("low") is None:
        return ()
    best = simple[0]
    name, value = model_name(str(best["model"])), show_score(best)
    low, high = interval(best)
    is_clear = network["low"] > high if is_higher_better(network) else network["high"] < low
    if is_clear:
        return (f"The best simple method, {name}, reaches {value}: the network is clearly better.",)
    return (f"The best simple method, {name}, reaches {value}: the intervals overlap, so the lead may be chance.",)


def _against_contender(scores: list[dict[str, Any]]) -> tuple[str, ...]:
    """What the network that was not chosen reached."""
    sentences = {
        "from_scratch": "It learned on top of features from elsewhere; from scratch, on these data alone, a network "
        "reached {value}.",
        "pretrained": "It learned from these data alone; on top of features from elsewhere a network reached {value}.",
    }
    return tuple(
        sentences[str(score["model"])].format(value=show_score(score))
        for score in scores
        if score.get("model") in CONTENDERS
    )
