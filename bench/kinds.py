"""What `fit` reaches on every kind of data, beside the floor, in the time a person would give it.

    python bench/kinds.py                        every row, one seed, scores on validation: nothing is opened
    python bench/kinds.py trec telco --seeds 3   some rows, several seeds, one after the other over all rows
    python bench/kinds.py --open                 the final figures: opens the sealed test part of every run, once

Runs in `results/kinds.json` that are not measured again stay as they are, each with its own circumstances.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _command import Place, shared_data
from _record import RESULTS, circumstances, write

NAME = "kinds"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
LABELS_EACH = 20  # of the few-labels row


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        data: the folder to write into and the seed → what `fit` is given.
        time: the budget.
        wanted: what the score should be at least.
        options: of the command line.
        metric: the one in the table; None is what the run chose by.
        without: an input that is left out in a second test, with what the score should then be at least.
    """

    data: Callable[[Path, int], Path]
    time: str
    wanted: float
    options: Sequence[str] = ()
    metric: str | None = None
    without: tuple[str, float] | None = None


def at(*parts: str) -> Callable[[Path, int], Path]:
    """A file of the shared data as it is."""
    return lambda _folder, _seed: shared_data().joinpath(*parts)


def unseen_speakers(first: int) -> Callable[[Path, int], Path]:
    """Spoken digits with two of the six speakers as the test part."""

    def make(folder: Path, _seed: int) -> Path:
        archive = zipfile.ZipFile(shared_data() / "audio" / "spoken_digits.zip")
        name = next(name for name in archive.namelist() if name.endswith("table.csv"))
        rows = list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8"))))
        held_out = SPEAKERS[first : first + 2]
        path = folder / f"unseen_{first}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["audio", "label", "speaker", "split"])
            for row in rows:
                part = "test" if row["speaker"] in held_out else "train"
                writer.writerow([row["audio"], row["label"], row["speaker"], part])
        return path

    return make


def few_labels(folder: Path, seed: int) -> Path:
    """SST-2 with `LABELS_EACH` training sentences a class, others for each seed, and the whole test part."""
    with gzip.open(shared_data() / "text" / "sst2_en.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    draw = random.Random(seed)
    kept = [row for row in rows if row["split"] == "test"]
    for label in sorted({row["label"] for row in rows}):
        of_class = [row for row in rows if row["split"] == "train" and row["label"] == label]
        kept += draw.sample(of_class, LABELS_EACH)
    path = folder / "few_labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "label", "split"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(kept)
    return path


def unpacked(*parts: str) -> Callable[[Path, int], Path]:
    """The table of an archive, its files beside it."""

    def make(folder: Path, _seed: int) -> Path:
        with zipfile.ZipFile(shared_data().joinpath(*parts)) as archive:
            archive.extractall(folder / "unpacked")
        return folder / "unpacked" / "table.csv"

    return make


SPOKEN = ("audio", "spoken_digits.zip")
SOUND = "audio_in_spoken_digits_zip"
SCRATCH, EMBED = ("--pretrained", "no"), ()
BALANCED = ("--metric", "balanced_accuracy", "--class-weights", "balanced")


def rows() -> dict[str, Row]:
    """The table: name → row."""
    spoken_zip = shared_data().joinpath(*SPOKEN)
    unseen = ("--files", f"audio={spoken_zip}", "--group", "speaker")
    found = {
        "spoken_digits": Row(at(*SPOKEN), "2m", 0.975, (*SCRATCH, "--input", "audio")),
        "animal_sounds": Row(at("audio", "animal_sounds.zip"), "2m", 0.62, (*SCRATCH, "--input", "audio", *BALANCED)),
        "animal_sounds, pretrained": Row(
            at("audio", "animal_sounds.zip"), "2m", 0.70, (*EMBED, "--input", "audio", *BALANCED)
        ),
        "ants_bees, pretrained": Row(at("image", "ants_bees.zip"), "2m", 0.92, EMBED),
        "movie_reviews_en": Row(at("text", "movie_reviews_en.csv.gz"), "1m", 0.79, SCRATCH),
        "movie_reviews_en, pretrained": Row(at("text", "movie_reviews_en.csv.gz"), "1m", 0.80, EMBED),
        "sst2_en, 20 labels a class, pretrained": Row(few_labels, "1m", 0.70, EMBED),
        "trec_questions_en": Row(at("text", "trec_questions_en.csv.gz"), "1m", 0.89, EMBED),
        "hotel_reviews_zh": Row(at("text", "hotel_reviews_zh.csv.gz"), "1m", 0.915, SCRATCH),
        "news_titles_zh": Row(at("text", "news_titles_zh.csv.gz"), "1m", 0.875, SCRATCH),
        "telco_churn": Row(at("tabular", "telco_churn.csv.gz"), "1m", 0.0, ("--target", "churn", *BALANCED)),
        "ames_housing": Row(at("tabular", "ames_housing.csv.gz"), "1m", 0.90, ("--target", "Sale_Price")),
        "tweet_sentiment": Row(
            at("image_text", "tweet_sentiment.zip"),
            "3m",
            0.55,
            ("--metric", "macro_f1", "--class-weights", "balanced"),
        ),
        "digits_image_speech": Row(
            unpacked("image_sound", "digits_image_speech.zip"),
            "2m",
            0.97,
            (*SCRATCH, "--files", f"{SOUND}={spoken_zip}"),
            without=(SOUND, 0.85),
        ),
        "pointed_digit": Row(
            at("image_video", "pointed_digit.npz"),
            "3m",
            0.95,
            (*SCRATCH, "--type", "video=video", "--type", "image=image"),
        ),
        "moving_digits": Row(at("video", "moving_digits.zip"), "3m", 0.95, (*SCRATCH, "--input", "video")),
    }
    for first in (0, 2, 4):
        pair = "+".join(SPEAKERS[first : first + 2])
        found[f"unseen speakers {pair}"] = Row(unseen_speakers(first), "3m", 0.85, (*SCRATCH, *unseen))
        found[f"unseen speakers {pair}, pretrained"] = Row(unseen_speakers(first), "3m", 0.93, (*EMBED, *unseen))
    return found


def measured(row: Row, seed: int, folder: Path, is_opened: bool) -> dict[str, Any]:
    """One `fit`, as a person would run it, with an empty cache; then, if asked, the one opening of its test part."""
    place = Place(folder)
    data = row.data(folder, seed)
    run = folder / "run"
    fitted = place.run(
        "fit", data, "--time", row.time, "--seed", str(seed), "--out", run, "--json", "--quiet", *row.options
    )
    about = {"seed": seed, "seconds": fitted.seconds, "anonymous_bytes": fitted.anonymous_bytes, **circumstances()}
    if fitted.code:
        return {**about, "error": fitted.error.strip().splitlines()[-1:]}
    if is_opened:
        opened = place.run("test", run, "--json")
        if opened.code:
            about["error"] = opened.error.strip().splitlines()[-1:]
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    metric = row.metric or results["chosen_by"]
    scores: dict[str, dict[str, Any]] = {}
    for one in results["scores"]:
        if one["metric"] == metric:
            part = "test" if one["part"] == "test" else "valid"
            scores.setdefault(part, {})[one["model"]] = {name: one[name] for name in ("value", "low", "high", "n")}
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    ledger = [json.loads(line) for line in (run / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    decided = {line["what"]: line["choice"] for line in ledger if line["what"] in ("network", "pretrained features")}
    found = {**about, "metric": metric, "scores": scores, "stages": info["seconds"], "decided": decided}
    if is_opened and row.without is not None:
        found["without"] = {row.without[0]: tested_without(place, run, data, row.without[0])}
    return found


def tested_without(place: Place, run: Path, table: Path, column: str) -> dict[str, Any]:
    """The share of test rows that are right when an input is missing from all of them."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = [one for one in csv.DictReader(file) if one["split"] == "test"]
    asked = table.with_name("asked.csv")
    with asked.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name not in ("label", "split")])
        writer.writeheader()
        writer.writerows({name: "" if name == column else one[name] for name in writer.fieldnames} for one in rows)
    answers = table.with_name("answers.csv")
    predicted = place.run("predict", run, asked, "--out", answers)
    if predicted.code:
        return {"error": predicted.error.strip().splitlines()[-1:]}
    with answers.open(newline="", encoding="utf-8") as file:
        said = [one["prediction"] for one in csv.DictReader(file)]
    right = sum(one["label"] == answer for one, answer in zip(rows, said, strict=True))
    return {"value": right / len(rows), "n": len(rows)}


def kept_with(kept: dict[str, Any], name: str, row: Row, run: dict[str, Any]) -> dict[str, Any]:
    """The record with a run put in the place of the one of the same seed."""
    earlier = [one for one in kept.get(name, {}).get("runs", []) if one["seed"] != run["seed"]]
    about = {
        "time": row.time,
        "wanted": row.wanted,
        "options": [str(option).replace(str(shared_data()), "shared/data") for option in row.options],
    }
    if row.without is not None:
        about["wanted_without"] = dict([row.without])
    return {**kept, name: {**about, "runs": sorted([*earlier, run], key=lambda one: one["seed"])}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="parts of the names of rows; all when left out")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--open", action="store_true", help="open the sealed test part of every run")
    asked = parser.parse_args()
    table = rows()
    file = RESULTS / f"{NAME}.json"
    kept = json.loads(file.read_text(encoding="utf-8"))["result"] if file.exists() else {}
    wanted = [name for name in table if not asked.rows or any(part in name for part in asked.rows)]
    for seed in range(asked.first, asked.first + asked.seeds):
        for name in wanted:
            with tempfile.TemporaryDirectory() as folder:
                run = measured(table[name], seed, Path(folder), asked.open)
            kept = kept_with(kept, name, table[name], run)
            write(NAME, kept)
            shown = {
                part: {model: round(one["value"], 3) for model, one in scores.items()}
                for part, scores in run.get("scores", {}).items()
            }
            print(
                name, seed, shown, run.get("without", ""), run.get("error", ""), f"{run['seconds']:.0f} s", flush=True
            )


if __name__ == "__main__":
    main()
