"""A fit that looks after itself: one deadline, one run, and a ledger that tells what was found and what helped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import penjing as pj
from penjing.cli import run_command
from penjing.core import run as runs
from penjing.core.budget import Clock
from penjing.core.errors import DataError, RunError, UsageError
from penjing.core.recipe import Choice, DataChoices, Recipe, SplitChoices, Training, change
from penjing.core.run import Run, create
from penjing.workflows import _prepare as preparing
from penjing.workflows import fit as fitting
from penjing.workflows import heal as healing
from penjing.workflows._choose import RecipeWish, check_wish
from penjing.workflows._wish import FitWish, plain_wish, settled, wish_of
from penjing.workflows.diagnose import Diagnosis
from penjing.workflows.treat import Trial
from tiny_data import RECIPE, write_tiny


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("heal"), each=45) / "photos"


@pytest.fixture
def recipe() -> Recipe:
    """A recipe at whose rate nothing is learned."""
    found = replace(Recipe.from_toml(RECIPE).filled(), augment=())
    return change(found, {"optimiser.rate": 1e-6})


@pytest.fixture
def cured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treatments that are over at once: the usual rate helped."""

    def carry_out(trial: Trial, data: object | None) -> Any:
        found = trial._ended((), change(trial.base, {"optimiser.rate": 0.003}), None)
        return replace(found, kept=("usual_rate",))

    monkeypatch.setattr(Trial, "carry_out", carry_out)


def lines(run: Run, what: str) -> list[Mapping[str, Any]]:
    return [line for line in run.ledger if line["what"] == what]


@pytest.mark.slow
@pytest.mark.usefixtures("cured")
def test_what_helped_is_taken_over_and_the_ledger_tells(photos: Path, recipe: Recipe, tmp_path: Path) -> None:
    run = pj.fit(photos, recipe=recipe, heal=True, time=30, out=tmp_path / "run", watch=None)
    assert run.recipe.optimiser.settings["rate"] == 0.003
    assert run.scores[0].value > 0.6
    assert run.status == "finished"
    assert run.info.get("parent") is None
    (looked,) = lines(run, "heal")
    assert looked["choice"] == "not_learning, beaten_by_simple"
    (treated,) = lines(run, "treated")
    assert treated["choice"] == "usual_rate"
    assert str(tmp_path) not in str([line for line in run.ledger if line["what"] in ("treated", "treatment")])


@pytest.mark.slow
def test_too_little_time_to_treat_still_gives_a_run(
    photos: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_short(*_: Any) -> Any:
        raise RunError("one training takes 9.0 s")

    monkeypatch.setattr(Trial, "carry_out", too_short)
    run = pj.fit(photos, recipe=recipe, heal=True, time=30, out=tmp_path / "run", watch=None)
    assert run.recipe.optimiser.settings["rate"] == recipe.optimiser.settings["rate"]
    assert lines(run, "treated")[0]["why"] == "not treated: one training takes 9.0 s"


@pytest.mark.slow
@pytest.mark.usefixtures("cured")
def test_a_slow_first_look_at_the_data_takes_nothing_from_the_first_training(
    photos: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, survey = [], preparing.survey

    def slow(*given: Any) -> Any:
        if not reads:  # what is read once is remembered
            time.sleep(healing.LEAST_FIRST_SECONDS + 0.5)
        reads.append(1)
        return survey(*given)

    monkeypatch.setattr(healing, "LEAST_FIRST_SECONDS", 4.0)
    monkeypatch.setattr(preparing, "survey", slow)
    monkeypatch.setenv("PENJING_CACHE", str(tmp_path / "cache"))
    run = pj.fit(photos, recipe=recipe, heal=True, time=30, out=tmp_path / "run", watch=None)
    assert "not_learning" in lines(run, "heal")[0]["choice"]
    assert lines(run, "treated")[0]["choice"] == "usual_rate"


def test_data_that_no_short_look_can_use_are_trained_on_all_the_same(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(_: object, __: FitWish, ___: object, watch: Any, origin: fitting.Origin) -> Run:
        if origin.whole is not None:
            raise DataError("none of the items could be decoded within the time")
        run = create(tmp_path / "run", "photos", {})
        for line in origin.ledger:
            run.note(**line)
        return run

    monkeypatch.setattr(healing, "fit", fit)
    told: list[Any] = []
    run = healing.heal(photos, FitWish(), watch=told.append)
    why = "not treated: none of the items could be decoded within the time"
    assert lines(run, "treated")[0]["why"] == told[-1].message == why
    assert lines(run, "heal")[0]["seconds"] >= 0


def test_a_treatment_that_the_data_end_still_gives_a_run(
    first: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> Any:
        raise DataError("the data are gone")

    trial = SimpleNamespace(wish=None, carry_out=gone)
    monkeypatch.setattr(healing, "Trial", lambda *_, **__: trial)
    monkeypatch.setattr(healing, "check", lambda *_: None)
    monkeypatch.setattr(healing, "diagnose", lambda _: Diagnosis("healthy", (), (), ()))
    first.write_recipe(Recipe().filled())
    healed = healing._healed(first, tmp_path, FitWish(), Clock(30.0), None)
    assert healed.ledger[-1]["why"] == "not treated: the data are gone"
    assert healed.recipe is None


def test_a_person_who_stops_the_treatment_has_the_first_training(
    photos: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(trial: Trial, *_: Any) -> Any:
        assert trial.time.growing == 0  # what is kept has the other half of the time
        raise KeyboardInterrupt

    monkeypatch.setattr(Trial, "carry_out", stopped)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    words = ["fit", str(photos), "--recipe", str(tmp_path / "recipe.toml"), "--heal", "--time", "30s"]
    (tmp_path / "run").mkdir()  # an empty folder is free to be one's run
    assert run_command([*words, "--out", str(tmp_path / "run"), "--quiet"]) == 130
    assert "the first, short training is kept in" in " ".join(capsys.readouterr().err.split())
    assert Run(tmp_path / "run").status == "finished"
    assert Run(tmp_path / "run").has_weights


def test_what_cannot_be_healed_is_refused_in_a_sentence(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"give --time 30s or more"):
        pj.fit(photos, heal=True, time=20, watch=None)
    with pytest.raises(UsageError, match="penjing treat RUN"):
        pj.fit(photos, heal=True, parent=tmp_path / "run", watch=None)
    with pytest.raises(UsageError, match="a dry run does not make"):
        pj.plan(photos, heal=True, watch=None)


def test_the_difference_of_two_recipes_of_several_inputs_makes_the_one_the_other() -> None:
    encoders = {"photo": Choice("cnn"), "note": Choice("bag")}
    before = replace(Recipe(training=Training(steps=10)), encoders=encoders).filled()
    wider = replace(before.encoders["photo"], settings={**before.encoders["photo"].settings, "width": 12})
    after = replace(before, encoders={"photo": wider, "note": Choice("ngrams")}).filled()
    found = healing.assigned(before, after)
    assert found["encoders.photo.width"] == 12
    assert found["encoders.note"] == "ngrams"
    assert "encoders.photo" not in found
    assert change(before, found) == after


def test_the_difference_of_two_recipes_as_choices_by_hand_makes_the_one_the_other() -> None:
    before = Recipe(model=Choice("cnn"), augment=(Choice("crop"),), training=Training(steps=10)).filled()
    after = replace(
        before,
        augment=(Choice("flip"), Choice("crop")),
        optimiser=Choice("sgd", {"rate": 0.3}),
        task=Choice("classify", {"label_smoothing": 0.2}),
        training=replace(before.training, steps=30, clip_norm=1.0),
    ).filled()
    found = healing.assigned(before, after)
    assert "training.steps" not in found
    assert change(before, found) == replace(after, training=replace(after.training, steps=10))


def wished(before: Recipe, after: Recipe, wish: FitWish | None = None) -> FitWish:
    return healing._with(wish or FitWish(), healing.Healed([], before, after))


def test_columns_that_were_left_out_are_left_out_of_the_training_that_is_kept() -> None:
    before = Recipe(data=DataChoices(inputs=("age", "row"), decode={"table": {}})).filled()
    after = replace(before, data=replace(before.data, inputs=("age",)))
    assert wished(before, after).data.columns == ("age",)
    assert wished(before, change(before, {"optimiser.rate": 0.5})).data.columns == ()


def test_a_given_recipe_keeps_its_updates_whatever_the_short_training_had() -> None:
    given = Recipe(training=Training(steps=3000)).filled()
    before = replace(given, training=replace(given.training, steps=250))
    after = replace(before, training=replace(before.training, steps=500, batch_size=64))  # half the batch
    found = wished(before, after, FitWish(recipe=RecipeWish(recipe=given))).recipe.recipe
    assert found is not None
    assert (found.training.steps, found.training.batch_size) == (6000, 64)


def test_a_head_on_features_from_elsewhere_may_take_all_the_time_that_there_is() -> None:
    before = Recipe(model=Choice("probe"), pretrained={"image": Choice("efficientnet_lite0")}).filled()
    before = replace(before, training=replace(before.training, steps=100))
    found = wished(before, change(before, {"model.dropout": 0.5})).recipe.recipe
    assert found is not None
    assert found.training.steps == 2500
    solved = change(before, {"optimiser": "lbfgs"})
    assert wished(solved, change(solved, {"model.dropout": 0.5})).recipe.recipe == change(
        solved, {"model.dropout": 0.5}
    )


def test_where_the_network_from_scratch_helped_no_features_from_elsewhere_are_tried_again() -> None:
    before = Recipe(model=Choice("probe"), pretrained={"image": Choice("efficientnet_lite0")}).filled()
    after = replace(before, model=Choice("cnn"), pretrained={}).filled()
    found = wished(before, after, FitWish(recipe=RecipeWish(model="mlp"))).recipe
    assert (found.recipe, found.pretrained, found.model) == (None, "no", "")
    assert found.assignments["model"] == "cnn"


def test_more_folds_than_the_time_after_a_treatment_allows_are_refused_before_it(photos: Path) -> None:
    said = r"--folds 30 is too many for what --heal leaves of 1 min 00 s; give (\d+) folds"
    with pytest.raises(UsageError, match=said):
        pj.fit(photos, heal=True, folds=30, time=60, watch=None)


@pytest.mark.slow
@pytest.mark.usefixtures("cured")
def test_a_person_who_stops_the_report_keeps_the_healed_run(
    photos: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = fitting.write_report

    def stopped(run: Path, **told: Any) -> None:
        if run == tmp_path / "run":
            raise KeyboardInterrupt
        write(run, **told)

    monkeypatch.setattr(fitting, "write_report", stopped)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    words = ["fit", str(photos), "--recipe", str(tmp_path / "recipe.toml"), "--heal", "--time", "30s"]
    assert run_command([*words, "--out", str(tmp_path / "run"), "--quiet"]) == 130
    assert "the run is finished in" in " ".join(capsys.readouterr().err.split())
    assert Run(tmp_path / "run").status == "finished"
    assert Run(tmp_path / "run").recipe.optimiser.settings["rate"] == 0.003


def test_settings_of_a_network_that_helped_are_those_of_that_network() -> None:
    before = Recipe(model=Choice("text_cnn", {"width": 32})).filled()  # at the size for a short training
    found = wished(before, change(before, {"model.word_dropout": 0.0})).recipe
    assert (found.model, found.assignments) == ("text_cnn", {"model.word_dropout": 0.0})
    check_wish(found)


def test_a_size_that_grew_is_the_least_and_one_that_shrank_stays() -> None:
    before = Recipe(model=Choice("mlp", {"width": 128})).filled()
    larger = wished(before, change(before, {"model.width": 256, "model.dropout": 0.3})).recipe
    assert (larger.model, larger.assignments["model.width"]) == ("mlp", 256)
    assert "model.width" in larger.least
    smaller = wished(before, change(before, {"model.width": 64, "model.dropout": 0.3})).recipe
    assert smaller.assignments["model.width"] == 64
    assert "model.width" not in smaller.least
    assert wish_of({"wish": plain_wish(FitWish(recipe=larger)), "parent": None}).recipe.least == list(larger.least)


def test_the_default_of_many_pictures_keeps_the_course_that_is_its_own() -> None:
    before = Recipe(model=Choice("airbench")).filled()
    found = wished(before, change(before, {"model.dropout": 0.3})).recipe
    assert (found.model, found.assignments) == ("", {"model.dropout": 0.3})
    check_wish(found)


def test_what_was_set_by_hand_of_another_choice_does_not_undo_what_helped() -> None:
    by_hand = {"optimiser.rate": 0.5, "model.depth": 3, "training.ema": 0.5}
    before = change(Recipe(model=Choice("mlp")).filled(), by_hand)
    after = change(before, {"optimiser": "sgd", "optimiser.rate": 0.2, "model": "cnn"})
    found = wished(before, after, FitWish(recipe=RecipeWish(model="mlp", assignments=by_hand))).recipe
    check_wish(found)
    again = change(Recipe(model=Choice(found.model or "cnn")).filled(), found.assignments)
    assert (again.optimiser, again.model, again.training.ema) == (after.optimiser, after.model, 0.5)


def test_a_canvas_for_a_short_training_is_not_that_of_the_long_one() -> None:
    data = DataChoices(inputs=("image",), decode={"image": {"side": 32, "channels": 3, "fit": "letterbox"}})
    before = Recipe(data=data, model=Choice("probe"), pretrained={"image": Choice("efficientnet_lite0")}).filled()
    found, _ = settled(wished(before, change(before, {"model.dropout": 0.5})))
    assert found.data.side == 0  # chosen when the data are read
    assert found.data.columns == ("image",)
    given = wished(before, change(before, {"model.dropout": 0.5}), FitWish(recipe=RecipeWish(recipe=before)))
    assert settled(given)[0].data.side == 32


def test_the_first_training_has_no_folds_whatever_the_recipe_and_the_time_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[FitWish] = []
    monkeypatch.setattr(healing, "fit", lambda _, wish, *__: asked.append(wish))
    given = Recipe(split=SplitChoices(folds=10)).filled()
    wishes = [FitWish(recipe=RecipeWish(recipe=given)), FitWish(given=frozenset({"folds"})), FitWish()]
    for wish in wishes:
        healing._first(None, wish, Run(tmp_path / "first"), Clock(25000.0), None)
    for short in asked:
        data = settled(short)[0].data
        assert (data.folds, data.fewest_to_choose) == (0, 0)
    before = replace(given, split=SplitChoices())
    helped = wished(before, change(before, {"training.ema": 0.5}), wishes[0])
    assert settled(replace(helped, seconds=1000.0))[0].data.folds == 10


def test_folds_of_a_recipe_are_refused_by_the_time_of_the_person(photos: Path, recipe: Recipe) -> None:
    folded = replace(recipe, split=SplitChoices(folds=30))
    with pytest.raises(UsageError, match="--folds 30 is too many for what --heal leaves of 1 min 00 s"):
        pj.fit(photos, recipe=folded, heal=True, time=60, watch=None)


@pytest.fixture
def first(tmp_path: Path) -> Run:
    """A first training that is finished, in a folder that will be gone."""
    run = create(tmp_path / "gone" / "first", "photos", {"status": "finished"})
    (run.path / "model.safetensors").touch()
    return run


def test_what_can_be_gone_on_with_is_kept_in_the_place_of_the_first_training(first: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    (out / "folds" / "0" / "checkpoint").mkdir(parents=True)
    (out / "folds" / "0" / "checkpoint" / "state.safetensors").touch()
    with pytest.raises(KeyboardInterrupt) as stopped, healing._kept(first, out, "lacks something"):
        raise KeyboardInterrupt(out, False)
    assert stopped.value.args == (out, False)  # which tells of `--resume`
    assert (out / "folds").exists()


def test_the_first_training_takes_the_place_of_one_that_had_hardly_begun(first: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    create(out, "photos", {})
    said = f"kept in {out}; lacks something"
    with pytest.raises(KeyboardInterrupt, match=said), healing._kept(first, out, "lacks something"):
        raise KeyboardInterrupt(out, False)
    assert Run(out).has_weights


def test_the_first_training_is_kept_beside_one_that_failed(first: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    create(out, "photos", {"status": "failed"})
    with pytest.raises(RunError, match="it diverged") as failed, healing._kept(first, out, "lacks something"):
        raise RunError("it diverged")
    assert failed.value.__notes__ == [f"the first, short training is kept in {tmp_path / 'run-first'}"]
    assert Run(tmp_path / "run-first").has_weights
    assert Run(out).status == "failed"


def test_a_treatment_that_fails_leaves_the_first_training_and_says_where(
    photos: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failed(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Trial, "carry_out", failed)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    words = ["fit", str(photos), "--recipe", str(tmp_path / "recipe.toml"), "--heal", "--time", "30s"]
    assert run_command([*words, "--out", str(tmp_path / "run"), "--quiet"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "the memory of this computer is full" in told
    assert told.endswith(f"; the first, short training is kept in {tmp_path / 'run'}")
    assert Run(tmp_path / "run").has_weights


def test_the_ledger_tells_how_long_the_first_training_and_the_treatment_took() -> None:
    looked, treated = {"what": "heal", "choice": "nothing wrong"}, {"what": "treated", "choice": "nothing"}
    assert healing._timed(looked, 46.0)["seconds"] == 46.0
    assert healing._timed(treated, 46.0) == treated


def test_two_first_trainings_that_are_kept_at_once_get_a_folder_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    firsts = [create(tmp_path / name, "photos", {}) for name in "ab"]
    free, stale = runs.next_free, iter([Path("runs/photos-001")] * 2)  # as when both look before either moves
    monkeypatch.setattr(runs, "next_free", lambda title: next(stale, None) or free(title))
    places = [healing._moved_out(first, None) for first in firsts]
    assert [place.name for place in places] == ["photos-001", "photos-002"]
    assert all((place / "run.json").exists() for place in places)
    assert not any(first.path.exists() for first in firsts)
