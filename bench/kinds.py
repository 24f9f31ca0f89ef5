"""What `fit` reaches on every kind of data, beside the floor, in the time a person would give it.

    python bench/kinds.py                        every row, one seed, scores on validation: nothing is opened
    python bench/kinds.py trec telco --seeds 3   some rows, several seeds
    python bench/kinds.py --open                 the final figures: opens the sealed test part of every run, once

Rows of `results/kinds.json` that are not measured again stay as they are, each with its own circumstances.
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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _command import Place, shared_data
from _record import RESULTS, circumstances

NAME = "kinds"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
LABELS_EACH = 20  # of the few-labels row


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        data: the folder to write into → what `fit` is given.
        time: the budget.
        wanted: what the score should be at least.
        options: of the command line.
        metric: the one in the table; None is what the run chose by.
    """

    data: Callable[[Path], Path]
    time: str
    wanted: float
    options: Sequence[str] = ()
    metric: str | None = None
    of: Mapping[str, str] = field(default_factory=dict)


def at(*parts: str) -> Callable[[Path], Path]:
    """A file of the shared data as it is."""
    return lambda _: shared_data().joinpath(*parts)


def unseen_speakers(first: int) -> Callable[[Path], Path]:
    """Spoken digits with two of the six speakers as the test part."""

    def make(folder: Path) -> Path:
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


def few_labels(folder: Path) -> Path:
    """SST-2 with `LABELS_EACH` training sentences a class, validation cut from those, and the whole test part."""
    with gzip.open(shared_data() / "text" / "sst2_en.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    draw = random.Random(0)
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


SPOKEN = ("audio", "spoken_digits.zip")
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
            at("image_sound", "digits_image_speech.zip"),
            "2m",
            0.97,
            (*SCRATCH, "--files", f"audio_in_spoken_digits_zip={spoken_zip}"),
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
    """One `fit`, as a person would run it, with an empty cache."""
    place = Place(folder)
    data = row.data(folder)
    run = folder / "run"
    fitted = place.run(
        "fit", data, "--time", row.time, "--seed", str(seed), "--out", run, "--json", "--quiet", *row.options
    )
    if fitted.code:
        return {"seed": seed, "error": fitted.error.strip().splitlines()[-1:]}
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    if is_opened:
        place.run("test", run, "--json")
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    part = "test" if is_opened else None
    scores = [one for one in results["scores"] if (one["part"] == "test") == is_opened]
    metric = row.metric or results["chosen_by"]
    shown = {
        one["model"]: {name: one[name] for name in ("value", "low", "high", "n", "part")}
        for one in scores
        if one["metric"] == metric
    }
    recipe = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return {
        "seed": seed,
        "metric": metric,
        "part": part or next(iter(shown.values()))["part"],
        "scores": shown,
        "seconds": fitted.seconds,
        "stages": recipe["seconds"],
        "anonymous_bytes": fitted.anonymous_bytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="parts of the names of rows; all when left out")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--open", action="store_true", help="open the sealed test part of every run")
    asked = parser.parse_args()
    table = rows()
    file = RESULTS / f"{NAME}.json"
    kept = json.loads(file.read_text(encoding="utf-8"))["result"] if file.exists() else {}
    for name, row in table.items():
        if asked.rows and not any(part in name for part in asked.rows):
            continue
        runs = []
        for seed in range(asked.seeds):
            with tempfile.TemporaryDirectory() as folder:
                runs.append(measured(row, seed, Path(folder), asked.open))
            print(
                name,
                {model: round(one["value"], 3) for model, one in runs[-1].get("scores", {}).items()},
                runs[-1].get("error", ""),
                flush=True,
            )
        kept[name] = {
            "time": row.time,
            "wanted": row.wanted,
            "options": list(map(str, row.options)),
            "runs": runs,
            **circumstances(),
        }
        kept[name]["options"] = [option.replace(str(shared_data()), "shared/data") for option in kept[name]["options"]]
        file.write_text(
            json.dumps({"result": kept, **circumstances()}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
