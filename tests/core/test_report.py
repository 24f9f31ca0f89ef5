"""The report: complete, offline, escaped, honest about the floor, and blind to the test part."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fake_run import Shape, score, write_run
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from penjing.core.errors import RunError
from penjing.core.files import append_line
from penjing.core.report import (
    _all_tables,
    _figures,
    _pictures,
    _read,
    _tables,
    _words,
    notebook_html,
    save_figures,
    text,
    write_report,
)
from penjing.core.units import show_seconds
from penjing.tasks.classify import metrics

SOURCE = Path(__file__).parents[2] / "src"
VOID = {"meta", "img", "br", "hr", "input", "link", "col"}
OPTIONAL = [
    "recipe.toml",
    "record.jsonl",
    "split.parquet",
    "predictions.parquet",
    "results.json",
    "ledger.jsonl",
    "pictures.npz",
]


class Page(HTMLParser):
    """The elements of a page; it fails where a tag is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}> at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def values(self, attribute: str) -> list[str]:
        return [str(attributes[attribute]) for _, attributes in self.elements if attribute in attributes]

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.elements if name == tag)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "photos-001")


@pytest.fixture(scope="module")
def figures(run: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return save_figures(run, tmp_path_factory.mktemp("figures"))


def read_page(run: Path, out: Path, **options: object) -> Page:
    return Page(write_report(run, out, **options).read_text(encoding="utf-8"))  # type: ignore[arg-type]


def test_the_page_is_balanced_and_has_every_section(run: Path, tmp_path: Path) -> None:
    page = read_page(run, tmp_path / "report.html")
    sections = [str(attributes["id"]) for tag, attributes in page.elements if tag == "section"]
    assert sections == [
        "result",
        "floor",
        "confusion",
        "classes",
        "mistakes",
        "suspects",
        "looked",
        "curves",
        "reliability",
        "data",
        "decisions",
        "cost",
        "again",
    ]


def test_the_page_asks_for_nothing_outside_itself(run: Path, tmp_path: Path) -> None:
    html = write_report(run, tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    for address in page.values("src") + page.values("href"):
        assert address.startswith(("data:image/", "#"))
    assert not re.search(r"https?://|@import|url\((?!#)", html)
    assert "default-src 'none'" in html


def test_ids_are_unique_and_every_cell_opens_one(run: Path, tmp_path: Path) -> None:
    page = read_page(run, tmp_path / "report.html")
    ids = Counter(page.values("id"))
    assert max(ids.values()) == 1
    opened = page.values("popovertarget")
    assert len(opened) > 6
    assert set(opened) <= set(ids)


def test_every_picture_has_a_text_for_those_who_do_not_see_it(run: Path, tmp_path: Path) -> None:
    page = read_page(run, tmp_path / "report.html")
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(pictures) > 50
    assert all(attributes.get("alt") for attributes in pictures)
    drawings = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert all(attributes.get("aria-label") or attributes.get("aria-hidden") for attributes in drawings)


def test_names_from_the_data_are_text_and_never_markup(tmp_path: Path) -> None:
    names = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{ 7777*7 }}", "$a_1$ & <b>")
    run = write_run(tmp_path / "run", Shape(classes=names))
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    info |= {"title": names[0], "said": [names[1]], "doubts": [names[0]], "command": ["penjing", "fit", names[1]]}
    (run / "run.json").write_text(json.dumps(info), encoding="utf-8")
    (run / "recipe.toml").write_text(f"# {names[0]}", encoding="utf-8")
    html = write_report(run).read_text(encoding="utf-8")
    page = Page(html)
    assert page.count("script") == 1
    assert "onerror" not in {name for _, attributes in page.elements for name in attributes}
    assert "54439" not in page.words
    assert all(name in page.words for name in names)
    assert Page(notebook_html(run)).count("script") == 0
    files = _read.read_run(run)
    figure = _figures.confusion(_tables.confusion(files), files.classes)
    assert figure is not None
    assert "<script" not in _figures.to_svg(figure, "confusion")
    assert "$a_1$ &amp; &lt;b&gt;" in _figures.to_inline_svg(figure, "confusion", 'a "quoted" word')


@pytest.mark.parametrize("missing", OPTIONAL)
def test_any_missing_file_leaves_a_whole_page(missing: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=80))
    (run / missing).unlink()
    assert read_page(run, tmp_path / "report.html").count("section") >= 7


@pytest.mark.parametrize("is_older", [False, True])
def test_waiting_for_data_is_no_stage_beside_the_training_that_it_lies_inside(is_older: bool, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=80))
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    whole = sum(info["seconds"].values())
    if is_older:  # it stood among the stages
        info["seconds"]["stalled"] = info.pop("stalled_seconds")
        (run / "run.json").write_text(json.dumps(info), encoding="utf-8")
    page = read_page(run, tmp_path / "report.html")
    assert f"{show_seconds(whole)} in all" in page.words
    assert "stalled" not in page.words
    assert ("waiting" in page.words) != is_older
    assert "stalled" not in _tables.seconds(_read.read_run(run))["stage"].to_list()


def test_the_ways_to_do_the_arithmetic_stand_with_their_figures_and_why_they_were_refused(tmp_path: Path) -> None:
    page = read_page(write_run(tmp_path / "run", Shape(items=80)), tmp_path / "report.html")
    assert "float32, 2 threads 20.0 0.000 1.000 taken" in page.words
    assert "bfloat16, 2 threads 8.0 0.400 – wrong" in page.words


def test_a_setting_that_was_taken_though_it_is_wrong_is_no_secret(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=80))
    lines = (run / "ledger.jsonl").read_text(encoding="utf-8")
    (run / "ledger.jsonl").write_text(
        lines.replace('"refused": "wrong", "is_chosen": false', '"refused": "wrong", "is_chosen": true'),
        encoding="utf-8",
    )
    page = read_page(run, tmp_path / "report.html")
    assert "bfloat16, 2 threads 8.0 0.400 – taken; wrong" in page.words


def test_figures_are_saved_for_what_there_is(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=80, evaluations=1))
    for name in ("predictions.parquet", "results.json", "pictures.npz", "ledger.jsonl"):
        (run / name).unlink()
    names = {path.name for path in save_figures(run, tmp_path / "figures")}
    assert {"loss.svg", "loss.png", "curves.csv", "parts.csv", "seconds.csv"} <= names
    assert not {"confusion.svg", "mistakes.png", "floor.csv"} & names


@pytest.mark.parametrize("torn", [name for name in OPTIONAL if not name.endswith((".jsonl", ".toml"))])
def test_a_torn_file_is_named_and_left_out(torn: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=80))
    (run / torn).write_bytes((run / torn).read_bytes()[:40])
    assert f"Could not be read and is left out: {torn}" in read_page(run, tmp_path / "report.html").words


def test_a_run_that_only_began_says_so(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"format": 1, "status": "running", "title": "photos"}', encoding="utf-8")
    page = read_page(tmp_path, tmp_path / "report.html")
    assert "This run has no score yet (status: running)." in page.words
    assert "This run is not finished" in page.words
    assert save_figures(tmp_path, tmp_path / "figures") == []
    assert "The data have not been dealt into parts yet." in Page(notebook_html(tmp_path)).words


def test_a_folder_that_is_not_a_run_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no run folder .*nothing; penjing runs lists"):
        write_report(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"is not a run folder: it has no run\.json; give the folder that penjing fit"):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"run\.json is not readable"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    "shape",
    [
        Shape(classes=("yes", "no"), items=40, evaluations=1),
        Shape(items=30, evaluations=0, skill=(("network", 2.0),), openings=0),
        Shape(classes=("only",), items=20, wrong_labels=0),
        Shape(items=120, folds=5),
    ],
    ids=["two classes, one evaluation", "no floor, no curve", "one class", "folds"],
)
def test_small_and_odd_runs_have_whole_pages(shape: Shape, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", shape)
    assert "network" in read_page(run, tmp_path / "report.html").words
    files = _read.read_run(run)
    drawn = _figures.confusion(_tables.confusion(files), files.classes)
    assert drawn is not None
    assert _figures.to_png(drawn).startswith(b"\x89PNG")


def test_a_thousand_classes_are_shown_as_pairs_in_a_small_file(tmp_path: Path) -> None:
    names = tuple(f"species {number:04d} with a rather long scientific name (Linnaeus, 1758)" for number in range(1000))
    run = write_run(tmp_path / "run", Shape(classes=names, items=3000))
    path = write_report(run)
    page = Page(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 3_000_000
    assert "matrix" not in page.values("id")
    assert "With 1,000 classes the whole table would not fit" in page.words


def test_large_pictures_stop_at_the_budget_and_names_remain(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=900, side=96, classes=tuple("abcdefghijkl")))
    path = write_report(run)
    assert path.stat().st_size < 3_500_000
    assert "no-picture" in " ".join(Page(path.read_text(encoding="utf-8")).values("class"))


def test_without_pictures_there_are_names_only(run: Path, tmp_path: Path) -> None:
    page = read_page(run, tmp_path / "report.html", pictures=False)
    assert page.count("img") == 0
    assert ".png" in page.words
    assert "It holds no pictures." in page.words


def test_nothing_of_the_test_part_is_shown_even_when_the_files_hold_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=120))
    split = pl.read_parquet(run / "split.parquet")
    hidden = split.filter(pl.col("part") == "test")
    name, item = hidden["name"][0], hidden["hash"][0]
    predictions = pl.read_parquet(run / "predictions.parquet")
    # The surest mistake of all, once under its own part and once under a wrong one.
    planted = predictions.head(1).with_columns(
        hash=pl.lit(item), name=pl.lit(name), model=pl.lit("network"), target=pl.lit("late"), predicted=pl.lit("early")
    )
    pl.concat([predictions, planted, planted.with_columns(part=pl.lit("test"))]).write_parquet(
        run / "predictions.parquet"
    )
    with np.load(run / "pictures.npz") as archive:
        arrays = dict(archive)
    secret = np.full_like(arrays["image"][:1], 77)
    np.savez(
        run / "pictures.npz",
        hash=np.append(arrays["hash"], item),
        image=np.concatenate([arrays["image"], secret]),
        heat_hash=np.append(arrays["heat_hash"], item),
        heat=np.concatenate([arrays["heat"], arrays["heat"][:1]]),
    )
    html = write_report(run).read_text(encoding="utf-8")
    assert name not in html
    assert _pictures.data_uri(secret[0]) not in html
    assert not any(found in html for found in split["hash"])
    files = _read.read_run(run)
    assert item not in files.pictures
    assert item not in files.heat
    for name, table in _all_tables(files).items():
        assert item not in table.write_csv(), name


def test_chinese_names_are_on_the_page_and_in_the_figures(tmp_path: Path) -> None:
    run = write_run(tmp_path / "盆景", Shape(classes=("健康", "早期", "晚期")))
    assert "健康" in read_page(run, tmp_path / "报告.html").words
    files = _read.read_run(run)
    figure = _figures.confusion(_tables.confusion(files), files.classes)
    assert figure is not None
    svg = _figures.to_svg(figure, "confusion")
    assert ">健康</text>" in svg
    assert all(font in svg for font in ("Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC"))
    assert _figures.to_png(figure).startswith(b"\x89PNG")


def test_every_plot_is_written_as_svg_and_png_and_every_table_as_csv(figures: list[Path]) -> None:
    assert Counter(path.suffix for path in figures) == {".csv": 12, ".svg": 11, ".png": 11}
    start = {".csv": b"\xef\xbb\xbf", ".svg": b"<?xml", ".png": b"\x89PNG"}
    for path in figures:
        assert path.read_bytes().startswith(start[path.suffix]), path.name
    classes = next(path for path in figures if path.name == "per_class.csv").read_text(encoding="utf-8-sig")
    assert classes.splitlines()[0] == "class,items,found,trusted,mistaken_for"


def test_one_run_gives_the_same_bytes_twice(run: Path, tmp_path: Path) -> None:
    assert write_report(run, tmp_path / "a.html").read_bytes() == write_report(run, tmp_path / "b.html").read_bytes()
    floor = _tables.floor(_read.read_run(run))
    drawn = [_figures.floor(floor), _figures.floor(floor)]
    assert drawn[0] is not None
    assert drawn[1] is not None
    assert _figures.to_svg(drawn[0], "floor") == _figures.to_svg(drawn[1], "floor")
    assert _figures.to_png(drawn[0]) == _figures.to_png(drawn[1])


def test_neither_torch_nor_pyplot_is_loaded_and_settings_stay(run: Path, tmp_path: Path) -> None:
    small = write_run(tmp_path / "small", Shape(items=30, skill=(("network", 2.0),)))
    program = f"""
import sys, matplotlib
before = matplotlib.rcParams.copy()
from pathlib import Path
from penjing.core.report import notebook_html, save_figures, write_report
write_report(Path({str(run)!r}), Path({str(tmp_path / "report.html")!r}))
notebook_html(Path({str(run)!r}))
save_figures(Path({str(small)!r}), Path({str(tmp_path / "figures")!r}))
assert "torch" not in sys.modules and "matplotlib.pyplot" not in sys.modules
assert matplotlib.rcParams.copy() == before
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, env={"PYTHONPATH": str(SOURCE)})


def test_the_first_line_says_when_a_simple_method_wins(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(skill=(("majority", 0.0), ("boosted_trees", 5.0), ("network", 1.0))))
    first = _words.headline(_read.read_run(run)).first
    assert first.startswith("Boosted trees on simple features do better than the network here: ")
    html = write_report(run).read_text(encoding="utf-8")
    assert first in html[html.index("<h1>") : html.index("</h1>")]


def test_a_lead_within_the_intervals_is_called_chance(tmp_path: Path) -> None:
    scores = [score("network", 0.80, 60, "valid"), score("linear", 0.78, 60, "valid")]
    (tmp_path / "run.json").write_text('{"status": "finished", "title": "photos"}', encoding="utf-8")
    (tmp_path / "results.json").write_text(json.dumps({"classes": ["a", "b"], "scores": scores}), encoding="utf-8")
    words = " ".join(_words.headline(_read.read_run(tmp_path)).further)
    assert "linear, reaches 78.0% [67.5–88.5%]: the intervals overlap, so the lead may be chance." in words


def test_the_test_score_stands_with_its_number_of_openings(tmp_path: Path) -> None:
    sealed = read_page(write_run(tmp_path / "sealed", Shape(openings=0)), tmp_path / "a.html").words
    assert "Still sealed: " in sealed
    assert f"penjing test {tmp_path / 'sealed'}" in sealed
    opened = read_page(write_run(tmp_path / "opened", Shape(openings=3)), tmp_path / "b.html").words
    assert "86.0%" in opened
    assert "Opened 3 times, on " in opened
    assert "Every further look, by any run, makes this score a little less trustworthy." in opened


def test_openings_by_other_runs_are_counted(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=60))
    lines = (run / "ledger.jsonl").read_text(encoding="utf-8").replace('"opening": 1', '"opening": 4')
    (run / "ledger.jsonl").write_text(lines, encoding="utf-8")
    assert _words.test_words(_read.read_run(run)).startswith("Opened 4 times, on ")


@pytest.mark.parametrize(
    ("metric", "told"),
    [("accuracy", "was right on"), ("mae", "was off by"), ("macro_f1", "reached a macro-F1 of")],
)
def test_scores_of_a_final_run_are_said_to_be_of_the_run_it_was_made_from(
    tmp_path: Path, metric: str, told: str
) -> None:
    folder = write_run(tmp_path / "run", Shape(items=60))
    results = {"scores": [score("network", 0.91, 30, "valid", metric), score("majority", 0.4, 30, "valid", metric)]}
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (folder / "recipe.toml").write_text("[split]\nfinal = true\n", encoding="utf-8")
    plain = read_page(folder, tmp_path / "plain.html").words
    append_line(folder / "ledger.jsonl", {"time": "2026-11-23", "what": "final", "choice": "runs/a-001", "why": ""})
    words = read_page(folder, tmp_path / "final.html").words
    assert f"The run that it was made from (runs/a-001) {told}" in words
    assert "the score of the run that it was made from (runs/a-001): this one learned from these" in words
    assert "made from" not in plain
    parent = text.made_from(_read.read_run(folder).ledger)
    *lines, last = text.floor_lines(results, parent)
    assert lines == text.floor_lines(results)
    assert "of the run that it was made from (runs/a-001)" in last


def test_the_command_is_quoted_so_that_it_can_be_pasted(run: Path, tmp_path: Path) -> None:
    assert "penjing fit 'my photos/' --time 1m" in read_page(run, tmp_path / "a.html").words
    given = read_page(run, tmp_path / "b.html", command=["penjing", "fit", "--recipe", "r.toml"])
    assert "penjing fit --recipe r.toml" in given.words


def test_the_floor_line_is_short_and_names_the_winner() -> None:
    scores = [
        score("majority", 0.57, 100, "valid"),
        {**score("network", 0.91, 100, "valid"), "low": 0.86, "high": 0.95},
        score("boosted_trees", 0.78, 100, "valid"),
    ]
    line = "valid  0.91 [0.86–0.95] (chosen on)   boosted trees 0.78   majority 0.57"
    assert text.floor_lines({"scores": scores}) == [line]
    scores[2]["value"] = 0.93
    lines = text.floor_lines({"scores": scores})
    assert lines[0] == "Boosted trees on simple features do better than the network on these data"
    scores[2]["value"] = 0.91
    assert "do as well as the network" in text.floor_lines({"scores": scores})[0]
    assert text.floor_lines({}) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0%"),
        (0.0001, "<0.1%"),
        (0.004, "0.4%"),
        (0.42, "42%"),
        (0.996, "99.6%"),
        (1.0, "100%"),
    ],
)
def test_a_share_never_rounds_to_none_or_all(value: float | None, shown: str) -> None:
    assert text.show_percent(value) == shown


def test_an_own_metric_is_ranked_in_the_direction_that_its_scores_say() -> None:
    ours, theirs = (
        score(model, value, 50, "valid", "own.py:misses", 0.1) for model, value in (("network", 0.1), ("linear", 0.4))
    )
    less = {"scores": [{**one, "is_higher_better": False} for one in (ours, theirs)]}
    assert text.winning_floor(less) is None
    more = {"scores": [{**one, "is_higher_better": True} for one in (ours, theirs)]}
    winner = text.winning_floor(more)
    assert winner is not None
    assert winner["model"] == "linear"


def test_less_is_better_for_a_loss() -> None:
    scores = [score("network", 0.9, 50, "valid", "log_loss", 0.1), score("linear", 0.4, 50, "valid", "log_loss", 0.1)]
    winner = text.winning_floor({"scores": scores, "chosen_by": "log_loss"})
    assert winner is not None
    assert winner["model"] == "linear"


def test_confusion_and_classes_agree_with_scikit_learn(run: Path) -> None:
    files = _read.read_run(run)
    truth, predicted = files.network["target"].to_list(), files.network["predicted"].to_list()
    expected = confusion_matrix(truth, predicted, labels=files.classes)
    pairs = {(given, answer): items for given, answer, items, _ in _tables.confusion(files).iter_rows()}
    for row, given in enumerate(files.classes):
        for column, answer in enumerate(files.classes):
            assert pairs.get((given, answer), 0) == expected[row, column]
    found = {row["class"]: row for row in _tables.per_class(files).iter_rows(named=True)}
    recall = recall_score(truth, predicted, labels=files.classes, average=None)
    precision = precision_score(truth, predicted, labels=files.classes, average=None)
    assert [found[name]["found"] for name in files.classes] == pytest.approx(recall.tolist())
    assert [found[name]["trusted"] for name in files.classes] == pytest.approx(precision.tolist())


def test_the_reliability_bins_are_those_of_the_calibration_error(run: Path) -> None:
    files = _read.read_run(run)
    probability = _tables.probabilities(files.network, len(files.classes))
    truth = np.array([files.classes.index(name) for name in files.network["target"]])
    bins = _tables.reliability(files)
    expected = [item for item in metrics.reliability(truth, probability) if item.items]
    assert bins["stated"].to_list() == pytest.approx([item.confidence for item in expected])
    assert bins["right"].to_list() == pytest.approx([item.accuracy for item in expected])
    assert bins["items"].to_list() == [item.items for item in expected]


def test_the_temperature_is_undone_exactly(tmp_path: Path) -> None:
    logits = np.random.default_rng(3).normal(0, 2, (200, 3))
    run = write_run(tmp_path / "run", Shape(items=900))
    files = _read.read_run(run)
    network = files.network.head(200)

    def with_softmax(temperature: float) -> _read.RunFiles:
        raised = np.exp(logits / temperature)
        probability = raised / raised.sum(axis=1, keepdims=True)
        column = pl.Series("probability", probability.tolist(), dtype=pl.List(pl.Float64))
        return _read.RunFiles(run, files.run, results=files.results, predictions=network.with_columns(column))

    before, after = with_softmax(1.0), with_softmax(1.7)
    undone, plain = _tables.reliability(after, temperature=1.7), _tables.reliability(before)
    assert undone["stated"].to_list() == pytest.approx(plain["stated"].to_list())
    assert undone["right"].to_list() == pytest.approx(plain["right"].to_list())


def test_labels_that_are_wrong_on_purpose_are_found_first(tmp_path: Path) -> None:
    skill = (("network", 6.0),)
    run = write_run(tmp_path / "run", Shape(items=400, wrong_labels=5, skill=skill, folds=5))
    found = [name.split("/")[1] for name in _tables.suspects(_read.read_run(run))["name"]]
    planted = {f"{row:05d}.png" for row in range(5)}
    assert len(planted.intersection(found)) >= 4
    assert planted.issuperset(found[:4])


def test_a_network_at_chance_suspects_nobody(tmp_path: Path) -> None:
    write_run(tmp_path / "chance", Shape(items=400, skill=(("network", 0.0),), folds=5))
    assert _tables.suspects(_read.read_run(tmp_path / "chance")).is_empty()
    assert "Labels worth checking" not in write_report(tmp_path / "chance").read_text(encoding="utf-8")


def test_the_table_of_suspects_is_one_that_corrections_take(run: Path) -> None:
    table = _tables.corrections(_read.read_run(run))
    assert table.columns == ["path", "label", "why", "suggestion"]
    assert len(table) >= 3
    assert (table["label"] != table["suggestion"]).all()
    assert table["path"].str.starts_with(table["label"] + "/").all()


def test_where_it_looked_colours_the_hot_part_only() -> None:
    picture = np.full((16, 16, 3), 100, dtype=np.uint8)
    heat = np.zeros((4, 4), dtype=np.float32)
    heat[:, 3] = 1
    shown = _pictures.overlay(picture, heat).astype(int)
    assert shown.shape == (96, 96, 3)
    assert np.ptp(shown[:, :20], axis=2).max() == 0
    assert np.ptp(shown[:, 90:], axis=2).min() > 40
    flat = _pictures.overlay(picture, np.zeros((4, 4), dtype=np.float32))
    assert np.ptp(flat.astype(int), axis=2).max() == 0


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_of_one_three_and_four_channels_are_shown(channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 12, channels), dtype=np.uint8)
    assert _pictures.data_uri(picture).startswith("data:image/")


def test_the_notebook_shows_headline_floor_and_curves(run: Path) -> None:
    page = Page(notebook_html(run))
    assert "The network tells 3 classes apart" in page.words
    assert "boosted trees" in page.words
    assert page.count("svg") == 3
    assert page.count("img") == 0


def test_an_evaluation_that_was_no_number_is_a_gap_in_the_saved_curves(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(items=80))
    lines = (run / "record.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1]) | {"train/log_loss": None, "non_finite": ["train/log_loss"]}
    (run / "record.jsonl").write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n", encoding="utf-8")
    save_figures(run, tmp_path / "figures")
    saved = pl.read_csv(tmp_path / "figures" / "curves.csv")
    assert saved["train/log_loss"].null_count() == 1
    assert "non_finite" not in saved.columns


def test_very_many_classes_of_which_none_is_mistaken_have_no_picture_of_mistakes() -> None:
    names = [f"class {number}" for number in range(60)]
    pairs = pl.DataFrame({"given": names, "predicted": names, "items": [3] * 60, "share": [1.0] * 60})
    assert _figures.confusion(pairs, names) is None


@pytest.mark.parametrize(("folds", "parts"), [(0, ["train"]), (5, ["train", "valid", "confirm"])])
def test_with_folds_all_items_outside_the_test_part_were_learned_from(
    folds: int, parts: list[str], tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run")
    (run / "recipe.toml").write_text(f"[split]\nfolds = {folds}\n", encoding="utf-8")
    learned = pl.read_parquet(run / "split.parquet").filter(pl.col("part").is_in(parts))
    assert f"learned from {len(learned)} " in read_page(run, tmp_path / "report.html").words


@pytest.mark.parametrize(("is_given", "told"), [(True, "the parts that the data bring have none"), (False, "6 groups")])
def test_why_there_is_no_test_part_is_told_as_it_is(is_given: bool, told: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", Shape(openings=0))
    split = pl.read_parquet(run / "split.parquet").with_columns(part=pl.lit("train"), group=pl.int_range(pl.len()) % 6)
    split.write_parquet(run / "split.parquet")
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    info["seal"] = {"id": None, "items": 0, "is_given": is_given}
    (run / "run.json").write_text(json.dumps(info), encoding="utf-8")
    assert told in _words.test_words(_read.read_run(run))


def test_saved_figures_show_no_item_where_pictures_are_not_wanted(run: Path, tmp_path: Path) -> None:
    drawn = {path.name for path in save_figures(run, tmp_path / "with")}
    kept = {path.name for path in save_figures(run, tmp_path / "without", pictures=False)}
    assert drawn - kept >= {"mistakes.svg", "looked_wrong.png"}
    assert kept >= {"loss.svg", "confusion.svg", "floor.csv"}


def test_neighbouring_ticks_of_an_axis_of_shares_differ() -> None:
    assert [_figures.percent(value, 0) for value in (0.985, 0.99, 1.0, 0.07)] == ["98.5%", "99%", "100%", "7%"]
