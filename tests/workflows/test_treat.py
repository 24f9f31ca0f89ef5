"""A sick run is treated: remedies are tried in pairs, what helped is kept, and nothing else."""

from __future__ import annotations

import errno
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from PIL import Image

import penjing as pj
from json_schema import faults
from penjing.cli import run_command
from penjing.core import cache
from penjing.core.budget import Clock
from penjing.core.differences import LEAST_SEEDS, Difference
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.events import Said
from penjing.core.files import disk_error
from penjing.core.finding import Finding
from penjing.core.recipe import Choice, Recipe, Training
from penjing.core.run import Run, create
from penjing.core.split import Split
from penjing.core.usual import BORDER
from penjing.training import engine
from penjing.workflows import _allowance, _naming, _told_by_data
from penjing.workflows import fit as fitting
from penjing.workflows import treat as treating
from penjing.workflows._allowance import MOST_TURNS, SCREENINGS
from penjing.workflows._corrections import Corrections
from penjing.workflows._limits import Limits
from penjing.workflows._search import NO_FINDING, NOTHING_TO_GAIN
from penjing.workflows._seeds import ANOTHER_SEED, MOST_SEEDS, Drawn
from penjing.workflows._steps import Treated
from penjing.workflows._together import TOGETHER
from penjing.workflows._treatable import base_of
from penjing.workflows._trials import Bench, Deal, Screened
from penjing.workflows.diagnose import Diagnosis, diagnose
from tiny_data import RECIPE, write_tiny

NOISE = 0.5  # share of the pixels of what pictures show
SLOW_RATE = 1e-6  # at which nothing is learned in so few steps
LIMIT = 120.0
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "treat.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos of three classes, a sick run of them and a healthy one."""
    folder = write_tiny(tmp_path_factory.mktemp("treat"), each=45)
    recipe = replace(Recipe.from_toml(RECIPE).filled(), augment=())
    for name, rate in (("sick", SLOW_RATE), ("healthy", 0.01)):
        settings = {**recipe.optimiser.settings, "rate": rate}
        other = replace(recipe, optimiser=replace(recipe.optimiser, settings=settings))
        pj.fit(folder / "photos", recipe=other, out=folder / name, watch=None)
    return folder


@pytest.fixture
def sick(place: Path, tmp_path: Path) -> Run:
    """A copy of the sick run, whose ledger may be written to."""
    return Run(Path(shutil.copytree(place / "sick", tmp_path / "sick")))


@pytest.fixture
def healthy(place: Path, tmp_path: Path) -> Run:
    """A copy of the healthy run."""
    return Run(Path(shutil.copytree(place / "healthy", tmp_path / "healthy")))


@pytest.fixture(scope="module")
def healed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[treating.Treatment, float]:
    """The sick run, treated in earnest, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("healed")
    shutil.copytree(place / "sick", folder / "sick")
    begun = time.monotonic()
    remedies = ["usual_loss", "usual_rate"]
    found = pj.treat(folder / "sick", time=LIMIT, remedies=remedies, out=folder / "new", watch=None)
    return found, time.monotonic() - begun


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of pictures whose class a mark in the corner tells as well as what they show."""
    folder, draw = tmp_path_factory.mktemp("marked"), np.random.default_rng(0)
    for row in range(360):
        label = row % 3
        shown = draw.integers(0, 60, (20, 20))
        shown[8:12, 5 + 3 * label : 8 + 3 * label] += 100
        shown[6:14, 4:16] = np.where(draw.random((8, 12)) < NOISE, draw.integers(0, 160, (8, 12)), shown[6:14, 4:16])
        shown[:2, :2] = 120 * label
        place = folder / "photos" / "abc"[label] / f"{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(shown.astype(np.uint8)).save(place)
    recipe = replace(Recipe.from_toml(RECIPE).filled(), augment=())
    pj.fit(folder / "photos", recipe=recipe, out=folder / "run", watch=None)
    return folder / "run"


@dataclass(frozen=True)
class Asked:
    """A training that was asked for."""

    deal: Deal
    seed: int


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """Trials without a training: at the slow rate answers are guesses, else nearly all are right. What was asked."""
    asked: list[Asked] = []

    def guess(bench: Bench, recipe: Recipe, deal: Deal, limits: Limits | None = None) -> Screened:
        asked.append(Asked(deal, recipe.seed))
        knows = 0.9 if recipe.optimiser.settings["rate"] > 1e-4 else 0.0
        draws = np.random.default_rng([recipe.seed, len(deal.judged)])
        truth = bench.prepared.truth[deal.judged]
        said = np.where(draws.random(len(truth)) < knows, truth, draws.integers(3, size=len(truth)))
        history = [{"step": 30, "value": 0.5, "train/loss": 1.0, "valid/loss": 1.0}]
        return Screened(0.9 * np.eye(3, dtype=np.float32)[said] + 0.1 / 3, history, 0.01)

    monkeypatch.setattr(Bench, "train", guess)
    return asked


def treatments(run: Run) -> list[dict[str, Any]]:
    return [line for line in run.ledger if line["what"] == "treatment"]


def ended(run: Run) -> list[str]:
    """What each treatment of a run kept."""
    return [line["choice"] for line in run.ledger if line["what"] == "treated"]


def ways(run: Run) -> list[str]:
    """What was decided of how treatments of a run choose and judge."""
    return [line["choice"] for line in run.ledger if line["what"] == "judging"]


def forbidden(why: str) -> Callable[..., Any]:
    return lambda *_, **__: pytest.fail(why)


def test_a_rate_far_too_low_is_healed_and_the_new_run_is_better(healed: Any) -> None:
    found, seconds = healed
    assert seconds <= LIMIT * 1.05 + 3
    told = [(one.remedy, one.outcome) for one in found.treated]
    assert told == [("usual_rate", "helped"), ("usual_loss", "not applicable")]
    assert found.kept == ("usual_rate",)
    assert found.gain.low > 0.1
    assert found.gain.seeds in range(LEAST_SEEDS, LEAST_SEEDS * MOST_TURNS + 1, LEAST_SEEDS)  # whole turns
    assert found.run.scores[0].value > found.origin.scores[0].value + 0.2
    before, after = found.treated[0].changed["optimiser.rate"]
    assert before == SLOW_RATE
    assert after == found.run.recipe.optimiser.settings["rate"]


def test_a_border_that_tells_the_answer_is_seen_hidden_and_never_believed(marked: Path, tmp_path: Path) -> None:
    run = Run(Path(shutil.copytree(marked, tmp_path / "run")))
    said: list[str] = []
    new = tmp_path / "new"
    found = pj.treat(run, time=LIMIT, remedies=["hide_border"], out=new, watch=lambda event: said.append(str(event)))
    assert "shortcut" in [one.name for one in found.diagnosis.findings]
    assert found.kept == ("hide_border",)
    assert found.treated[0].why.endswith("shown without their border")
    assert any("shown without their border" in one for one in said)
    assert found.run.recipe.training.border == BORDER
    for ledger in (run.ledger, found.run.ledger):
        (line,) = [line for line in ledger if line["what"] == "judging"]
        assert line["choice"] == "pictures that choose and judge are shown without their border"
        assert line["why"].startswith("it tells the answer")
        assert {one["shown"] for one in ledger if one["what"] in ("treatment", "treated")} == {"without border"}
    assert found.gain.low > 0
    # What stands at the border changes nothing any more, and a new look finds nothing there.
    plain = np.random.default_rng(1).integers(0, 255, (8, 20, 20)).astype(np.uint8)
    framed = plain.copy()
    framed[:, :2] = framed[:, -2:] = framed[:, :, :2] = framed[:, :, -2:] = 255
    one, other = (pj.predict(found.run, {"image": list(shown)}, watch=None).frame for shown in (plain, framed))
    assert one.select(pl.exclude("item")).equals(other.select(pl.exclude("item")))
    again = treating.Trial(found.run, treating.TreatWish(), Clock(LIMIT), None, diagnose(found.run))
    again._open(None)
    known = again.diagnosis
    again._look_at_data()
    assert again.diagnosis == known


def test_no_encoder_sees_all_items_to_tell_that_its_network_is_shown_no_pictures(
    sick: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = replace(sick.recipe, pretrained={"image": Choice("efficientnet_lite0")})
    slots, split = [SimpleNamespace(modality="image")], SimpleNamespace(folds=0)
    prepared: Any = SimpleNamespace(split=split, slots=slots, groups=np.arange(100), rows=lambda _: np.arange(50))
    monkeypatch.setattr(_told_by_data, "pose", forbidden("items were seen"))
    with pytest.raises(pytest.fail.Exception):
        _told_by_data.of_pictures(sick, prepared, np.arange(50), Clock(), None)
    monkeypatch.setattr(Run, "recipe", property(lambda _: encoded))
    assert _told_by_data.of_pictures(sick, prepared, np.arange(50), Clock(), None) == []


def test_the_new_run_has_the_parts_and_the_seal_of_the_old_one(healed: Any) -> None:
    new, old = healed[0].run, healed[0].origin
    assert new.info["seal"] == old.info["seal"]
    assert new.info["seal"]["id"] is not None
    assert new.info["parent"] == str(old.path)
    assert new.status == "finished"
    assert Split.read(new.path / "split.parquet").frame.equals(Split.read(old.path / "split.parquet").frame)
    assert not any(line["what"] == "opening" for line in [*new.ledger, *old.ledger])


def test_the_new_run_has_the_seed_that_validation_likes_best(healed: Any) -> None:
    found, _ = healed
    for ledger in (found.origin.ledger, found.run.ledger):
        (line,) = [line for line in ledger if line["what"] == "seed"]
        assert line["choice"] == str(found.run.recipe.seed)
        values = [float(value) for value in re.findall(r"\d\.\d{3}", line["why"])]
        assert values[0] == max(values)
        assert found.run.scores[0].value == pytest.approx(values[0], abs=5e-4)  # the training that was tried, once more


def test_both_ledgers_hold_every_decision(healed: Any) -> None:
    found = healed[0]
    for run in (found.run, found.origin):
        last = {line["remedy"]: line["outcome"] for line in treatments(run)}
        assert last == {"usual_rate": "helped", "usual_loss": "not applicable"}
        assert ended(run) == ["usual_rate"]
        of_both = [line for line in run.ledger if line["what"] in ("treatment", "treated")]
        judged = {(line["judged_on"], line["seeds"], line["shown"]) for line in of_both}
        assert judged == {(found.judged_on, found.seeds, "whole")}
    line = next(line for line in treatments(found.run) if line["outcome"] == "helped")
    assert line["difference"]["effect"] == found.gain.effect
    assert line["changed"]["optimiser.rate"][0] == SLOW_RATE


def test_what_is_told_fits_a_terminal_and_its_document_follows_the_schema(healed: Any) -> None:
    found = healed[0]
    lines = found.lines()
    assert max(len(line) for line in lines if not line.startswith("next:")) <= 80
    assert lines[0] == "found: not_learning, beaten_by_simple"
    assert lines[1].startswith("helped            usual_rate for not_learning")
    assert lines[-1].startswith("next:  penjing report ")
    assert faults(json.loads(json.dumps({"format": 1, **found.to_dict()})), SCHEMA) == []


def test_a_treated_run_that_was_cut_short_goes_on_from_its_own_weights(healed: Any, tmp_path: Path) -> None:
    found = healed[0].run
    run = Run(Path(shutil.copytree(found.path, tmp_path / "cut")))
    run.update(status="interrupted")
    assert pj.resume(run, watch=None).scores == found.scores


@pytest.mark.usefixtures("quick")
def test_all_is_tried_on_a_healthy_run_and_it_stays_as_it_is_where_nothing_helps(healthy: Run) -> None:
    told: list[Any] = []
    found = pj.treat(healthy, time=LIMIT, watch=told.append)
    assert found.run is None
    outcomes = {one.outcome for one in found.treated}
    assert "screened out" in outcomes
    assert not outcomes & {"helped", "hurt", "looked good"}
    assert {one.finding for one in found.treated} == {NO_FINDING.name, "few_examples"}
    lines = found.lines()
    assert lines[0] == "found: nothing wrong"
    assert "nothing was shown to help, so the run stays as it is" in " ".join(lines)
    assert lines[-1] == f"next:  penjing test {healthy.path} (opens the seal)"
    assert any("nothing wrong was found; all is tried" in str(one) for one in told)
    assert ended(healthy) == ["nothing"]


def test_what_heals_itself_leaves_a_healthy_run_alone(healthy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "carry_out", forbidden("something was trained"))
    wish = treating.TreatWish(seconds=LIMIT, healthy=False)
    found = treating.treat(healthy, wish)
    assert found.treated == ()
    assert found.lines()[:2] == ["found: nothing wrong", "nothing wrong was found, so nothing was tried."]


def test_a_remedy_that_changes_no_answer_is_not_kept(
    sick: Run, quick: list[Asked], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["treat", str(sick.path), "--remedy", "clip_gradient", "--time", "2m", "--out", str(tmp_path / "new")]
    assert run_command([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert faults(found, SCHEMA) == []
    assert [one["outcome"] for one in found["treated"]] == ["screened out"]
    assert found["run"] is None
    assert not (tmp_path / "new").exists()
    assert ended(sick) == ["nothing"]
    assert len(quick) == 2 * SCREENINGS


def test_too_little_time_is_refused_with_the_time_that_would_do(sick: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_allowance, "FORECAST_SLACK", 1e9)  # the record says nothing
    with pytest.raises(
        RunError, match=r"one training takes .* s, and a verdict needs 3 with a remedy and without: give --time \d"
    ):
        pj.treat(sick, time=0.5, watch=None)
    assert treatments(sick) == []


def test_a_recorded_time_that_is_far_too_long_is_refused_before_data_are_read(
    sick: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.loads(line) for line in (sick.path / "record.jsonl").read_text(encoding="utf-8").splitlines()]
    text = "".join(json.dumps({**line, "seconds": 1000.0}) + "\n" for line in lines)
    (sick.path / "record.jsonl").write_text(text, encoding="utf-8")
    monkeypatch.setattr(treating, "prepare", forbidden("data were read"))
    with pytest.raises(RunError, match=r"one training takes 16 min 40 s, .* give --time 3h or more"):
        pj.treat(sick, time=300, watch=None)


def test_what_cannot_be_treated_is_refused_in_a_sentence(sick: Run) -> None:
    with pytest.raises(UsageError, match="--seeds 2 is too few"):
        pj.treat(sick, seeds=2, watch=None)
    with pytest.raises(UsageError, match='"more_stps"; did you mean "more_steps"'):
        pj.treat(sick, remedies=["more_stps"], watch=None)
    own = replace(sick.recipe, model=Choice("own", {"kind": "notebook.Net"}))
    final = replace(sick.recipe, split=replace(sick.recipe.split, final=True))
    sick.update(parent="runs/photos")
    with pytest.raises(RunError, match="goes on from runs/photos, and treat repeats"):
        pj.treat(sick, watch=None)
    sick.update(parent=None)
    sick.write_recipe(own)
    with pytest.raises(RunError, match=r"is of a network of your own \(Net\), which only you have"):
        pj.treat(sick, watch=None)
    sick.write_recipe(final)
    with pytest.raises(RunError, match="trained on its validation items too"):
        pj.treat(sick, watch=None)
    sick.update(status="running")
    with pytest.raises(RunError, match="did not come as far as a training"):
        pj.treat(sick, watch=None)


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (MemoryError(), "there was not enough memory"),
        (RuntimeError("no such kernel\nraised at x.cpp:1"), "no such kernel"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_training_that_fails_is_an_outcome(
    sick: Run, monkeypatch: pytest.MonkeyPatch, problem: Exception, why: str
) -> None:
    train = Bench.train

    def failing(bench: Bench, recipe: Recipe, *rest: Any) -> Any:
        if recipe.optimiser.settings["rate"] != SLOW_RATE:
            raise problem
        return train(bench, recipe, *rest)

    monkeypatch.setattr(Bench, "train", failing)
    found = pj.treat(sick, time=LIMIT, remedies=["usual_rate"], watch=None)
    assert [(one.outcome, one.why) for one in found.treated] == [("failed", why)]
    assert found.run is None


@pytest.mark.usefixtures("quick")
def test_an_interrupt_while_trying_keeps_what_was_decided(
    sick: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, calls = Bench.train, []

    def interrupted(bench: Bench, *rest: Any) -> Any:
        calls.append(rest)
        if len(calls) == 2 * SCREENINGS + 2:  # in the verdict
            raise KeyboardInterrupt
        return train(bench, *rest)

    monkeypatch.setattr(Bench, "train", interrupted)
    words = ["treat", str(sick.path), "--time", "2m", "--remedy", "usual_loss", "--remedy", "usual_rate"]
    assert run_command([*words, "--quiet"]) == 130
    assert f"what was decided is in {sick.path}" in " ".join(capsys.readouterr().err.split())
    assert [line["outcome"] for line in treatments(sick)] == ["not applicable", "looked good"]
    assert ended(sick) == []


@pytest.mark.usefixtures("quick")
def test_an_interrupt_while_the_new_run_grows_leaves_none(
    sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "carry_out", interrupted)
    with pytest.raises(KeyboardInterrupt, match="no run was left half done"):
        pj.treat(sick, time=LIMIT, remedies=["usual_rate"], out=tmp_path / "new", watch=None)
    assert not (tmp_path / "new").exists()
    assert treatments(sick)[-1]["outcome"] == "helped"
    assert ended(sick) == []


@pytest.mark.usefixtures("quick")
def test_a_new_run_that_fails_leaves_none_in_the_next_free_folder(
    sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> Any:
        raise OSError("no room")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fitting, "prepare", failing)
    with pytest.raises(OSError, match="no room"):
        pj.treat(sick, time=LIMIT, remedies=["usual_rate"], watch=None)
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.usefixtures("quick")
def test_a_run_that_another_process_grows_in_the_same_folder_is_left_alone(
    sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, other = fitting.prepare, tmp_path / "new"

    def beaten(*given: Any) -> Any:
        if not other.exists():
            create(other, "photos", {"parent": str(sick.path), "is_treated": True})
        return prepare(*given)

    monkeypatch.setattr(fitting, "prepare", beaten)
    with pytest.raises(RunError, match="not empty"):
        pj.treat(sick, time=LIMIT, remedies=["usual_rate"], out=other, watch=None)
    assert Run(other).status == "running"


@pytest.mark.usefixtures("quick")
def test_a_new_run_that_fails_with_a_checkpoint_goes_on(
    sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_fail(folder: Path, step: Any, recipe: Recipe, state: Any) -> None:
        keep(folder, step, recipe, state)
        if state.step == 20:
            raise disk_error(OSError(errno.ENOSPC, "No space left on device"), folder / "record.jsonl")

    out, told = tmp_path / "new", list[Any]()
    monkeypatch.setattr(engine, "_keep", keep_and_fail)
    with pytest.raises(RunError, match=r"go on with: penjing fit --resume .*new"):
        pj.treat(sick, time=LIMIT, remedies=["usual_rate"], out=out, watch=told.append)
    monkeypatch.setattr(engine, "_keep", keep)
    assert f"what was done of the new run is kept in {out}" in [one.message for one in told if isinstance(one, Said)]
    assert Run(out).status == "failed"
    resumed = pj.resume(out, watch=None)
    assert resumed.status == "finished"
    assert resumed.recipe.optimiser.settings["rate"] > SLOW_RATE


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("problem", [KeyboardInterrupt, OSError])
def test_a_new_run_that_was_finished_is_kept_whatever_becomes_of_its_report(
    sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: type[BaseException]
) -> None:
    def stopped(*_: Any, **__: Any) -> Any:
        raise problem("no room")

    monkeypatch.setattr(fitting, "write_report", stopped)
    with pytest.raises(problem, match="the run is finished in .*new" if problem is KeyboardInterrupt else "no room"):
        pj.treat(sick, time=LIMIT, remedies=["usual_rate"], out=tmp_path / "new", watch=None)
    assert Run(tmp_path / "new").status == "finished"
    assert Run(tmp_path / "new").has_weights
    assert ended(sick) == ["usual_rate"]


def test_every_training_item_judges_once_a_seed_and_no_test_item_is_touched(
    sick: Run, quick: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(treating, "grown", lambda *_: sick)
    pj.treat(sick, time=LIMIT, remedies=["usual_rate"], watch=None)
    parts = Split.read(sick.path / "split.parquet").frame["part"].to_numpy()
    assert (parts == "test").sum() > 10
    deals = [one.deal for one in quick]
    touched = np.unique(np.concatenate([row for deal in deals for row in (deal.train, deal.valid, deal.judged)]))
    assert set(parts[touched]) == {"train", "valid"}
    judging = [deal for deal in deals if deal.name]
    assert len(judging) == 2 * 3 * MOST_TURNS  # sides, folds, turns: there is time in plenty
    for deal in judging:
        assert not set(deal.judged) & {*deal.train.tolist(), *deal.valid.tolist()}
    counts = np.bincount(np.concatenate([deal.judged for deal in judging]), minlength=len(parts))
    assert counts.tolist() == np.where(parts == "train", 2 * MOST_TURNS, 0).tolist()  # the rest chose
    seeds = [one.seed for one in quick if one.deal.name]
    assert sorted(seeds) == sorted([*range(1, 3 * MOST_TURNS + 1)] * 2)  # the same of both sides, none the search's
    assert sick.recipe.seed == 0


def test_targets_that_are_slips_are_left_out_of_training_and_judge_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four sizes of two hundred are ten thousand times too large: what drops them is worth it on all others."""

    def answer(bench: Bench, recipe: Recipe, deal: Deal, limits: Limits | None = None) -> Screened:
        truth = bench.prepared.truth
        assert not np.isin(deal.judged, bench.aside).any()
        assert not np.isin(deal.valid, bench.aside).any()
        knows = len(recipe.data.drop) > 0
        said = truth[deal.judged] if knows else np.full(len(deal.judged), truth[deal.train].mean())
        history = [{"step": 30, "value": 0.5, "train/loss": 1.0, "valid/loss": 1.0}]
        return Screened(np.asarray(said[:, None], np.float32), history, 0.01)

    sizes = np.random.default_rng(0).uniform(1, 2, 200)
    lengths = 3 * sizes + 1
    lengths[:4] *= 1e4
    parts = ["train"] * 140 + ["valid"] * 30 + ["test"] * 30
    rows = {"size": sizes, "length": lengths, "part": parts}
    wishes: dict[str, Any] = {"target": "length", "split": "part", "set": {"training.steps": 20}}
    sick = pj.fit(rows, **wishes, model="tabular", out=tmp_path / "sick", watch=None, pictures=False)
    monkeypatch.setattr(Bench, "train", answer)
    monkeypatch.setattr(treating, "grown", lambda *_: sick)
    found = pj.treat(sick, data=rows, time=LIMIT, remedies=["drop_suspicious"], watch=None)
    assert [(one.remedy, one.outcome) for one in found.treated] == [("drop_suspicious", "helped")]
    assert found.recipe is not None
    assert len(found.recipe.data.drop) == 4
    assert ways(sick) == ["4 items with a target far from all others"]
    assert [line["choice"] for line in found.ledger if line["what"] == "judging"] == ways(sick)


def test_a_copy_that_validates_stays_where_the_item_is_not_learned_from(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    sizes, classes = draw.uniform(1, 2, 90), ["a", "b", "c"] * 30
    sizes[60] = sizes[0]
    rows = {"size": sizes, "kind": classes, "part": ["train"] * 60 + ["valid"] * 20 + ["test"] * 10}
    wishes: dict[str, Any] = {"target": "kind", "split": "part", "watch": None, "pictures": False}
    sick = pj.fit(rows, **wishes, set={"training.steps": 5}, model="tabular", out=tmp_path / "sick")
    opened = treating.Trial(sick, treating.TreatWish(), Clock(LIMIT), None, diagnose(sick))
    opened._open(rows)
    prepared = opened.bench.prepared
    assert prepared.hashes[0] == prepared.hashes[60]
    data = replace(opened.base.data, drop=(prepared.hashes[0], prepared.hashes[1]))
    recipe = opened._of_training(replace(opened.base, data=data))
    new = pj.fit(rows, **wishes, recipe=recipe, out=tmp_path / "new")
    found = Split.read(new.path / "split.parquet").frame["part"].to_list()
    assert (found[:3], found[60]) == (["excluded", "excluded", "train"], "valid")


def test_where_nothing_is_kept_what_luck_hid_is_tried_once_more_and_judged_more_strictly(
    sick: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clipping looks best by luck; mixup gains a little on top of it, and much without it."""

    def train(bench: Bench, recipe: Recipe, deal: Deal, limits: Limits | None = None) -> Screened:
        clipped, mixed = recipe.training.clip_norm > 0, recipe.training.mixup > 0
        right = 0.4 + 0.4 * clipped + (0.04 if clipped else 0.3) * mixed
        truth = bench.prepared.truth[deal.judged]
        said = np.where(np.arange(len(truth)) < right * len(truth), truth, (truth + 1) % 3)
        history = [{"step": 30, "value": 0.5, "train/loss": 1.0, "valid/loss": 1.0}]
        return Screened(0.9 * np.eye(3, dtype=np.float32)[said] + 0.1 / 3, history, 0.01)

    judged: list[tuple[list[str], int]] = []

    def none_helped(trial: treating.Trial, steps: Any) -> treating.Treatment:
        judged.append(([step.name for step in steps], trial.judging.rounds))
        trial.judging.turns = [[]]
        return trial._ended((), None, None)

    monkeypatch.setattr(Bench, "train", train)
    monkeypatch.setattr(treating.Trial, "_judged", none_helped)
    monkeypatch.setattr(treating, "diagnose", lambda _: Diagnosis("sick", (), (), ()))
    pj.treat(sick, time=LIMIT, watch=None)
    assert judged == [(["clip_gradient"], 1), (["mixup"], 2)]
    judged.clear()
    pj.treat(sick, time=LIMIT, remedies=["clip_gradient", "mixup"], watch=None)
    assert len(judged) == 1  # what was asked for was tried


def test_time_is_set_aside_for_encoders_of_what_is_kept_and_not_of_what_was_dropped(
    sick: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = treating.Trial(sick, treating.TreatWish(), Clock(LIMIT), None, diagnose(sick))
    opened._open(None)
    opened._search = cast(Any, SimpleNamespace(steps=[None], run=lambda _: None))
    monkeypatch.setattr(Bench, "seeing_of", lambda _, recipe: 7.0 if recipe == opened.base else 30.0)
    opened.time.seeing_seconds = 30.0
    for kept, seconds in ((None, 7.0), (replace(opened.base, seed=1), 30.0)):
        monkeypatch.setattr(treating.Trial, "_judged", lambda trial, _, kept=kept: trial._ended((), kept, None))
        opened._tried([])
        assert opened.time.seeing_seconds == seconds


def test_another_seed_shares_the_level_with_what_the_same_items_judged_before(
    sick: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = treating.Trial(sick, treating.TreatWish(), Clock(LIMIT), None, diagnose(sick))
    opened._open(None)
    drawn = [Drawn(replace(opened.base, seed=seed), np.zeros(0), np.zeros(0), 0.5) for seed in (1, opened.base.seed)]
    told = drawn, Difference(0.05, 0.01, 0.09, 0.03, 1, 200)
    seeds: Any = SimpleNamespace(another=lambda *_: told)
    nothing = opened._ended((), None, None)
    for has_folds, turns, kept in ((True, [[]], True), (False, [], True), (False, [[]], False)):
        opened.time.has_folds, opened.judging.turns = has_folds, turns
        found = opened._with_another_seed(nothing, seeds)
        assert (found.kept == (ANOTHER_SEED,)) == kept


def test_data_that_moved_are_asked_for(sick: Run, place: Path, tmp_path: Path) -> None:
    info = json.loads((sick.path / "run.json").read_text(encoding="utf-8"))
    info["data"]["path"] = str(tmp_path / "gone")
    (sick.path / "run.json").write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(DataError, match="nothing is there now; say where they are with --data"):
        pj.treat(Run(sick.path), time=LIMIT, watch=None)


def test_what_helped_only_on_top_of_what_hurt_is_not_said_to_be_nothing(sick: Run) -> None:
    treated = (Treated("mixup", "overfit", "helped", ""), Treated("cutmix", "overfit", "hurt", ""))
    found = treating.Treatment(sick, Diagnosis("sick", (), (), ()), "accuracy", "folds", 3, treated)
    assert found.verdict.startswith("mixup helped beside what did not")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ((), "nothing was left to gain on validation, so the run stays as it is"),
        (
            (Treated("usual_rate", "underfit", "no clear effect", ""),),
            "nothing was shown to help, and nothing was left to gain on validation, so the run stays as it is",
        ),
        ((Treated("ema", "noisy", "not tried", "one training would take 9 s"),), "more --time tries the rest"),
    ],
)
def test_where_validation_is_perfect_no_more_time_is_advised(sick: Run, others: tuple[Treated, ...], said: str) -> None:
    treated = (*others, Treated("mixup", "overfit", "not tried", NOTHING_TO_GAIN))
    found = treating.Treatment(sick, Diagnosis("sick", (), (), ()), "accuracy", "folds", 3, treated)
    assert found.verdict.endswith(said)


def test_two_groups_are_too_few_for_a_verdict_in_folds(
    sick: Run, quick: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_pairs(*given: Any, **wishes: Any) -> Any:
        found = prepare(*given, **wishes)
        return replace(found, groups=np.arange(len(found.groups)) % 2)

    prepare = treating.prepare
    monkeypatch.setattr(treating, "prepare", in_pairs)
    with pytest.raises(RunError, match=r"a verdict needs 3 groups of training items or more, and .* has 2 groups"):
        pj.treat(sick, time=LIMIT, watch=None)
    assert not quick


def test_items_of_one_group_alone_judge_nothing(sick: Run, quick: list[Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    """One group is learned from, and of the two that validate one is lent to the verdict."""

    def in_three(*given: Any, **wishes: Any) -> Any:
        found = prepare(*given, **wishes)
        groups = np.zeros(len(found.groups), dtype=np.int64)
        valid = found.rows("valid")
        groups[valid] = 1 + np.arange(len(valid)) % 2
        return replace(found, groups=groups)

    prepare = treating.prepare
    monkeypatch.setattr(treating, "prepare", in_three)
    with pytest.raises(RunError, match=r"a verdict needs 2 groups of items that judge or more, and .* has 1 group$"):
        pj.treat(sick, time=LIMIT, remedies=["usual_rate"], watch=None)
    assert not quick


DOUBTED = 5  # training items that networks doubt


@pytest.fixture
def doubting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Networks that never saw the training items take five of them for another class; their hashes."""

    def held_out(bench: Bench, *_: Any) -> np.ndarray:
        rows = bench.learned
        said = bench.prepared.truth[rows].copy()
        said[:DOUBTED] = (said[:DOUBTED] + 1) % 3
        doubted[:] = [bench.prepared.hashes[row] for row in rows[:DOUBTED]]
        return np.asarray(0.99 * np.eye(3)[said] + 0.01 / 3, np.float32)

    doubted: list[str] = []
    monkeypatch.setattr(Bench, "held_out", held_out)
    return doubted


def found_to_be(monkeypatch: pytest.MonkeyPatch, **evidence: Any) -> None:
    """A diagnosis that says so of labels, and nothing else."""
    finding = Finding("label_errors", "warning", "5 labels look wrong.", evidence)
    monkeypatch.setattr(treating, "diagnose", lambda _: Diagnosis("sick", (finding,), (), ("label_errors",)))


def test_items_that_there_was_no_time_to_decode_are_no_change_of_the_data(
    place: Path, sick: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PENJING_CACHE", str(tmp_path / "cache"))  # nothing is decoded yet
    fill = cache.fill

    def in_part(form: Any, wanted: dict[str, str], *given: Any, **named: Any) -> Any:
        fill(form, dict(list(wanted.items())[::2]), *given, **{**named, "stop_at": None})
        return fill(form, wanted, *given, **{**named, "stop_at": time.monotonic()})

    monkeypatch.setattr(cache, "fill", in_part)
    with pytest.raises(RunError, match=r"items of .* could not be decoded in a share of this time; give more --time"):
        pj.treat(sick, time=LIMIT, watch=None)
    monkeypatch.undo()
    fewer = Path(shutil.copytree(place / "photos", tmp_path / "photos"))
    next(fewer.rglob("*.png")).unlink()
    with pytest.raises(DataError, match="have changed since it was made"):
        pj.treat(sick, data=fewer, time=LIMIT, watch=None)


def test_doubted_training_items_are_found_by_networks_that_never_saw_them(
    sick: Run, quick: list[Asked], doubting: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found_to_be(monkeypatch)
    found = pj.treat(sick, time=LIMIT, watch=None)
    told = {one.remedy: one.outcome for one in found.treated}
    assert told["drop_suspicious"] == told["relabel_suspicious"] == "screened out"
    assert len(doubting) == DOUBTED
    trained = [one for one, outcome in told.items() if outcome not in ("not applicable", "not tried")]
    assert len([one for one in quick if not one.deal.name]) > len(trained)  # and once as it was


@pytest.mark.usefixtures("quick")
def test_items_are_looked_for_where_a_remedy_for_them_is_asked_for_and_nothing_was_found(
    sick: Run, doubting: list[str]
) -> None:
    said: list[Any] = []
    found = pj.treat(sick, time=LIMIT, remedies=["drop_suspicious", "relabel_suspicious"], watch=said.append)
    assert [(one.outcome, one.finding) for one in found.treated] == [("screened out", "asked")] * 2
    assert len(doubting) == DOUBTED
    assert ["judged by networks that never saw them" in str(one) for one in said].count(True) == 1
    doubting.clear()
    pj.treat(sick, time=LIMIT, remedies=["smooth_labels"], watch=None)
    assert not doubting  # a remedy for such labels that asks for no items


@pytest.mark.usefixtures("quick")
def test_items_are_looked_for_where_nothing_was_found_and_nothing_else_helps(
    healthy: Run, doubting: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = pj.treat(healthy, time=LIMIT, watch=None)
    told = {one.remedy: (one.outcome, one.finding) for one in found.treated}
    assert told["drop_suspicious"] == told["relabel_suspicious"] == ("screened out", NO_FINDING.name)
    assert len(doubting) == DOUBTED
    first, last = ways(healthy)
    assert first == "labels of training items are judged by networks that never saw them"
    assert last == TOGETHER
    doubting.clear()
    monkeypatch.setattr(_naming, "LATE_SHARE", 1e-6)
    found = pj.treat(healthy, time=LIMIT, watch=None)
    assert {one.remedy: one.why for one in found.treated}["drop_suspicious"].endswith("takes much of the time")
    assert not doubting


@pytest.mark.usefixtures("quick", "doubting")
@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(0.01, "no time"), (None, "networks that never saw the training items doubt hardly any of their labels")],
)
def test_why_no_items_are_named_is_said(
    sick: Run, monkeypatch: pytest.MonkeyPatch, seconds: float | None, reason: str
) -> None:
    found_to_be(monkeypatch)
    if seconds is None:
        right = np.eye(3, dtype=np.float32)
        monkeypatch.setattr(Bench, "held_out", lambda bench, *_: right[bench.prepared.truth[bench.learned]])
    else:
        monkeypatch.setattr(_allowance.Allowance, "longest", lambda _: seconds)
    found = pj.treat(sick, time=LIMIT, remedies=["drop_suspicious"], watch=None)
    ((outcome, why),) = [(one.outcome, one.why) for one in found.treated]
    assert outcome == "not applicable"
    assert reason in why


@pytest.mark.parametrize("evidence", [{"likelier": 9.0}, {}])
def test_where_no_network_is_sure_of_another_class_mistakes_in_the_surest_half_are_named(
    sick: Run, quick: list[Asked], monkeypatch: pytest.MonkeyPatch, evidence: dict[str, float]
) -> None:
    """No network is sure enough to be surprised, so confident learning alone names none."""

    def held_out(bench: Bench, *_: Any) -> np.ndarray:
        truth = bench.prepared.truth[bench.learned]
        said, sure = truth.copy(), np.linspace(0.75, 0.5, len(truth))
        wrong = np.r_[:DOUBTED, len(truth) - DOUBTED : len(truth)]  # the surest five, and the least sure
        said[wrong] = (said[wrong] + 1) % 3
        answer = sure[:, None] * np.eye(3)[said]
        return np.asarray(answer + (1 - answer.sum(1, keepdims=True)) / 3, np.float32)

    monkeypatch.setattr(Bench, "held_out", held_out)
    found_to_be(monkeypatch, **evidence)
    opened = treating.Trial(sick, treating.TreatWish(seconds=LIMIT), Clock(LIMIT), None, treating.diagnose(sick))
    opened._open(None)
    opened.time.base_seconds = 0.01
    (named,) = opened.naming.named(opened.diagnosis.findings)
    rows = opened.bench.learned[:DOUBTED]
    assert named.evidence["hashes"] == [opened.bench.prepared.hashes[row] for row in rows]
    classes = opened.bench.prepared.classes
    assert named.evidence["taken_for"] == [classes[(opened.bench.prepared.truth[row] + 1) % 3] for row in rows]
    assert opened.bench.doubted is not None
    assert opened.bench.doubted.is_steady
    assert opened.time.owed_seconds == pytest.approx(3 * 0.01)  # one for two folds of three
    assert not quick


def test_what_rests_on_doubted_labels_is_judged_with_others_that_judges_did_not_doubt(
    sick: Run, quick: list[Asked], doubting: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers are better without the items that are doubted."""
    guess = Bench.train
    dropped: list[tuple[bool, set[str]]] = []

    def train(bench: Bench, recipe: Recipe, deal: Deal, limits: Limits | None = None) -> Screened:
        usual = replace(recipe, optimiser=replace(recipe.optimiser, settings={"rate": 0.01}))
        own = bench.doubts_of(deal) if recipe.data.drop and deal.name else recipe.data.drop
        if recipe.data.drop:
            dropped.append((bool(deal.name), set(own)))
        return guess(bench, usual if recipe.data.drop else recipe, deal, limits)

    monkeypatch.setattr(Bench, "train", train)
    monkeypatch.setattr(treating, "grown", lambda *_: sick)

    def named_anew(corrections: Corrections, *_: Any) -> Corrections:
        return Corrections(tuple(f"{item}, named anew" for item in corrections.drop))

    monkeypatch.setattr(treating, "of_rows", named_anew)
    found_to_be(monkeypatch)
    found = pj.treat(sick, time=LIMIT, remedies=["drop_suspicious"], watch=None)
    assert [(one.remedy, one.outcome) for one in found.treated] == [("drop_suspicious", "helped")]
    assert found.recipe is not None
    assert len(found.recipe.data.drop) == DOUBTED
    assert [len(items) for is_judged, items in dropped if not is_judged] == [DOUBTED] * (SCREENINGS + MOST_SEEDS)
    assert all(items == set(doubting) for is_judged, items in dropped if not is_judged)  # seeds are tried so, too
    assert found.recipe.data.drop == tuple(f"{item}, named anew" for item in doubting)
    pairs = {one.deal.name for one in quick if len(one.deal.name) == 3}
    assert pairs == {(1, 0, 1), (1, 0, 2), (1, 1, 2)}
    assert [len(one.deal.name) for one in quick].count(3) == 3
    assert ways(sick) == [
        "labels of training items are judged by networks that never saw them",
        "labels are doubted anew, by networks that saw nothing of what judges",
    ]
    assert {one.deal.name for one in quick if len(one.deal.name) == 2} == {(1, 0), (1, 1), (1, 2)}
    quick.clear()
    monkeypatch.setattr(Bench, "doubt_anew", lambda *_: (_ for _ in ()).throw(MemoryError))
    found = pj.treat(sick, time=LIMIT, remedies=["drop_suspicious"], watch=None)
    ((outcome, why),) = [(one.outcome, one.why) for one in found.treated]
    assert (outcome, "no time or memory left to doubt labels" in why) == ("not tried", True)


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        ([{"step": 100}, {"step": 200}], 200),  # a deadline planned fewer updates than were written down
        ([{"step": 100, "non_finite": ["train/loss"]}], 1000),  # it ended at the first of ten evaluations
        ([{"step": 300}, {"step": 600, "non_finite": ["train/loss"]}], 1200),
    ],
)
def test_a_training_that_diverged_is_treated_with_the_updates_that_were_planned(
    lines: list[dict[str, Any]], total: int
) -> None:
    recipe = Recipe(training=Training(steps=1200, evaluations=10)).filled()
    run: Any = SimpleNamespace(recipe=recipe, steps=lines, has_weights=False)
    assert base_of(run).training.steps == total


def test_a_training_that_was_tried_stands_beside_the_simple_models_of_the_run(sick: Run) -> None:
    opened = treating.Trial(sick, treating.TreatWish(), Clock(LIMIT), None, diagnose(sick))
    opened._open(None)
    answer = np.eye(3)[np.zeros(len(opened.bench.screened), dtype=int)]
    record = opened._record_of(opened.base, Screened(answer, [{"step": 1}], 1.0))
    assert record.items is not None
    assert {"network", "majority"} <= set(record.items["model"])
    assert record.items["model"].value_counts()["count"].n_unique() == 1
    assert record.choices is not None
    assert record.choices["model.name"] == opened.base.model.name
    assert record.inputs is not None
