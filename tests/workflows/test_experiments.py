"""Experiments with a run's training tell more, within their time, and leave the run as it is."""

import math
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from kinds import fit_kind

import penjing as pj
from penjing.checks import _trials
from penjing.core import cache, plugins
from penjing.core.errors import DataError, RunError
from penjing.core.files import append_line, read_lines, write_lines
from penjing.core.recipe import Choice, change
from penjing.core.run import open_run
from penjing.tasks.tag import thresholds
from penjing.workflows import _experiments, _hidden, _laboratory, _pretrained, _repeatable
from penjing.workflows._hidden import alone, mask, telling_border

WITHOUT_TRAINING = ("itself", "hidden", "arithmetic")  # of the run's own weights, where there are no folds


@pytest.fixture
def run(learned, tmp_path):
    """A copy of a run of small pictures with texts."""
    place = learned("image and text").path
    folder = tmp_path / "run"
    shutil.copytree(place, folder)
    return folder


def rows(folder):
    return {(row["experiment"], row["setting"]): row for row in read_lines(folder / "trials.jsonl")}


def test_all_experiments_of_a_short_training_are_made_once(run, monkeypatch):
    weights = (run / "model.safetensors").read_bytes()
    scores = open_run(run).scores
    found = pj.diagnose(run, time="150s", watch=None)
    known = rows(run)
    kinds = {kind for kind, _ in known}
    assert {"itself", "hidden", "arithmetic", "seed", "share", "larger", "smaller", "longer"} <= kinds
    assert {("share", "0.5"), ("share", "0.25"), ("hidden", "centre"), ("hidden", "border")} <= set(known)
    assert {("hidden", "centre alone"), ("hidden", "border alone")} <= set(known)
    itself = known["itself", ""]
    assert itself["value"] == pytest.approx(scores[0].value, abs=1e-6)
    assert itself["share"] == 1
    assert all(row["gain"] == pytest.approx(row["value"] - itself["value"], abs=1e-9) for row in known.values())
    first = known["seed", "1"]
    assert first["noise"] == pytest.approx(((first["gain_high"] - first["gain_low"]) / 2 / 1.96) ** 2 / 2)
    assert known["seed", "2"]["noise"] > 0
    learned = {kind: known[kind, "width"]["train_loss"] for kind in ("larger", "smaller")}
    assert all(loss > 0 for loss in (itself["train_loss"], *learned.values()))
    assert itself["unit"] == 1
    again = {row["seed"] for row in read_lines(run / "trials.jsonl") if row["experiment"] == "larger"}
    assert len(again) == _experiments.TURNS
    assert all(row["gain_low"] <= row["gain"] <= row["gain_high"] for row in known.values())
    assert known["larger", "width"]["parameters"] > itself["parameters"] > known["smaller", "width"]["parameters"]
    assert not any(one.needs_experiments for one in found.not_examined)
    assert [one.what for one in found.helps if one.gain is None] in ([], ["cleaner labels"])
    assert (run / "model.safetensors").read_bytes() == weights
    assert open_run(run).scores == scores
    monkeypatch.setattr(_experiments.engine, "carry_out", lambda *_, **__: pytest.fail("it was trained again"))
    assert pj.diagnose(run, time="60s", watch=None).findings == found.findings


def test_what_another_process_appends_while_experiments_begin_is_kept(run, monkeypatch):
    row = {"experiment": "seed", "setting": "1", "seed": 1, "steps": 12, "version": _laboratory.VERSION}
    write_lines(run / "trials.jsonl", [row])
    read = _experiments.read_lines

    def read_and_append(path):
        found = read(path)
        append_line(path, {**row, "seed": 2})
        return found

    with monkeypatch.context() as patched:
        patched.setattr(_experiments, "read_lines", read_and_append)
        assert len(_experiments._known(open_run(run))) == 1
    assert [line["seed"] for line in read_lines(run / "trials.jsonl")] == [1, 2]
    append_line(run / "trials.jsonl", {**row, "version": 0})
    assert len(_experiments._known(open_run(run))) == 2
    assert len(read_lines(run / "trials.jsonl")) == 2


def test_where_the_time_is_short_all_trainings_are(run, monkeypatch):
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.5)
    monkeypatch.setattr(_experiments, "SEEDS_SHARE", 0.0)
    found = pj.diagnose(run, time="30s", watch=None)
    known = [row for row in read_lines(run / "trials.jsonl") if row["experiment"] not in WITHOUT_TRAINING]
    itself = [row["steps"] for row in read_lines(run / "trials.jsonl") if row["experiment"] == "itself"]
    assert itself == [12, 6]
    assert {row["steps"] for row in known} == {6}
    assert {row["share"] for row in known} == {0.5}
    assert "unstable" in [one.name for one in found.not_examined]


def test_where_the_time_is_short_other_seeds_are_whole_and_come_first(run, monkeypatch):
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.5)
    found = pj.diagnose(run, time="30s", watch=None)
    made = [row for row in read_lines(run / "trials.jsonl") if row["experiment"] not in ("hidden", "arithmetic")]
    assert [(row["experiment"], row["steps"]) for row in made[:3]] == [
        ("itself", 12),
        ("seed", 12),
        ("seed", 12),
    ]
    assert {row["steps"] for row in made[3:]} == {6}
    assert {"itself", "seed", "share", "larger"} <= {row["experiment"] for row in made[3:]}
    assert "unstable" not in [one.name for one in found.not_examined]
    count = len(read_lines(run / "trials.jsonl"))
    pj.diagnose(run, time="30s", watch=None)
    assert len(read_lines(run / "trials.jsonl")) == count


def test_parts_are_hidden_from_the_network_as_it_is_where_the_time_is_short(run, monkeypatch):
    monkeypatch.setattr(_experiments, "_plans", lambda _: ())
    monkeypatch.setattr(_experiments, "PROBE_SECONDS", 20.0)
    pj.diagnose(run, time="30s", watch=None)
    whole = {where: row["value"] for (kind, where), row in rows(run).items() if kind == "hidden"}
    (run / "trials.jsonl").unlink()
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.5)
    pj.diagnose(run, time="30s", watch=None)
    hidden = [row for row in read_lines(run / "trials.jsonl") if row["experiment"] == "hidden"]
    assert {row["steps"] for row in hidden} == {12}
    assert {row["setting"]: row["value"] for row in hidden} == pytest.approx(whole)
    assert len(hidden) == len(whole) > 0


def test_trainings_of_experiments_are_not_compiled(run, monkeypatch):
    asked = change(open_run(run).recipe, {"machine.compile": True})
    monkeypatch.setattr(_experiments._own, "given_again", lambda *_: (asked, None))
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    assert lab.recipe.machine == replace(asked.machine, compile=False)


def test_experiments_with_labels_are_measured_with_thresholds_as_the_run_is(tmp_path, monkeypatch):
    monkeypatch.setattr(thresholds, "FEWEST", 2)  # items with a label
    done = fit_kind("labels", tmp_path)
    folder = done.path
    lab = _experiments._laboratory(done, _experiments.Clock(60.0), None, None)
    _experiments._itself(lab, set())
    (itself,) = read_lines(folder / "trials.jsonl")
    assert itself["value"] == pytest.approx(done.scores[0].value, abs=1e-9)
    (floor,) = (one.value for name, one in done.floor.items() if name == "majority")
    assert itself["floor"] == pytest.approx(floor, abs=1e-9)
    assert itself["loss"] == pytest.approx(float(lab.task.item_losses(lab.truth, lab.answer).mean()))
    doubting = (0.5 * lab.answer).astype(np.float32)  # the same order, so with thresholds the same answers
    row = lab.row(_laboratory.Plan("longer", "2", lab.recipe, lab.problem.train, 1.0), doubting, None)
    assert row["gain"] == 0
    assert row["loss_gain"] < 0
    assert lab.metric(lab.truth, doubting) < itself["value"] - 0.1  # at one half


def test_arithmetic_is_not_timed_where_that_leaves_no_time_for_a_training(run):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    _experiments._itself(lab, set())
    made = {row["experiment"] for row in _experiments._quick(replace(lab, seconds=200.0), set())}
    assert made == {"hidden"}


def test_what_is_known_is_kept_where_the_time_is_not_enough_for_a_shorter_training(run, monkeypatch):
    def too_long(recipe, problem, watch, **_):
        raise _laboratory.TooLongError

    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.5)
    pj.diagnose(run, time="30s", watch=None)
    before = read_lines(run / "trials.jsonl")
    monkeypatch.setattr(_experiments.engine, "carry_out", too_long)
    said = []
    found = pj.diagnose(run, time="20s", watch=said.append)
    assert "the time is not enough for one training" in "".join(map(str, said))
    assert read_lines(run / "trials.jsonl") == before
    assert not any(one.needs_experiments for one in found.not_examined if one.name == "unstable")


def test_an_experiment_for_which_the_memory_is_not_enough_is_left_out(run, monkeypatch):
    def lacking(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000000000 bytes")

    monkeypatch.setattr(_experiments, "_share", lambda *_: 1.0)
    monkeypatch.setattr(_experiments, "PROBE_SECONDS", 40.0)
    monkeypatch.setattr(_experiments.engine, "carry_out", lacking)
    said = []
    found = pj.diagnose(run, time="40s", watch=said.append)
    told = [str(one) for one in said]
    assert any("a larger network: given up, for there was not enough memory" in one for one in told)
    assert {kind for kind, _ in rows(run)} == {"itself", "hidden"}
    assert found.examined


def test_of_a_run_with_folds_the_training_itself_is_made_whole_and_short(tmp_path, monkeypatch):
    run = fit_kind("image and text", tmp_path, folds=3).path
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.5)
    pj.diagnose(run, time="30s", watch=None)
    made = read_lines(run / "trials.jsonl")
    whole = [row["experiment"] for row in made if row["share"] == 1]
    assert whole == ["itself", "seed", "seed"]
    assert {"itself", "hidden", "smaller", "share"} <= {row["experiment"] for row in made if row["share"] == 0.5}
    assert len({(row["experiment"], row["setting"], row["seed"], row["steps"]) for row in made}) == len(made)


def test_a_whole_training_that_takes_too_long_leaves_its_seeds_out(run, monkeypatch):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    monkeypatch.setattr(_experiments, "_has_folds", lambda _: True)
    monkeypatch.setattr(_experiments.engine, "carry_out", lambda *_, watch, **__: watch(None))
    monkeypatch.setattr(_experiments, "SEEDS_SHARE", 0.0)
    _experiments._other_seeds(lab, set())
    assert not (run / "trials.jsonl").exists()


def test_other_seeds_end_with_their_share_of_the_time(run, monkeypatch):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    _experiments._itself(lab, set())
    limits = []
    monkeypatch.setattr(_experiments, "_carry_out", lambda short, *_: limits.append(short.clock.left))
    _experiments._other_seeds(lab, set())
    assert len(limits) == _experiments.SEEDS
    assert max(limits) <= 60.0 * _experiments.SEEDS_SHARE


@pytest.mark.parametrize(("trainings", "are_made"), [(3.0, False), (4.5, False), (5.5, True)])
def test_other_seeds_come_first_where_checks_can_tell_something_of_the_rest(run, trainings, are_made):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    lab = replace(lab, seconds=100.0, clock=_experiments.Clock(100.0 * trainings))
    assert _experiments._has_time_for_seeds(lab) is are_made


def test_no_training_is_so_short_that_checks_say_nothing_of_it(run):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    share = _experiments._share(1000.0, 1000, _experiments.Clock(60.0))
    assert _trials.is_settled({"share": share})
    short = _experiments._shortened(lab, share, [{"experiment": "smaller", "steps": 3}])  # 3 of 12
    assert _trials.is_settled({"share": short.steps / lab.steps})


def test_what_longer_trainings_told_is_kept_where_there_is_less_time_later(run, monkeypatch):
    monkeypatch.setattr(_experiments, "SEEDS_SHARE", 0.0)
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.75)
    pj.diagnose(run, time="60s", watch=None)
    before = read_lines(run / "trials.jsonl")
    assert {row["steps"] for row in before if row["experiment"] == "share"} == {9}
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.34)
    pj.diagnose(run, time="60s", watch=None)
    assert read_lines(run / "trials.jsonl") == before


def test_a_kind_that_longer_trainings_told_of_is_not_made_with_shorter_ones(run, monkeypatch):
    monkeypatch.setattr(_experiments, "SEEDS_SHARE", 0.0)
    monkeypatch.setattr(_experiments, "_missing", lambda *_: math.inf)
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.75)
    with monkeypatch.context() as patched:
        patched.setattr(_experiments, "_plans", lambda lab: _experiments._shares(lab, 0))
        pj.diagnose(run, time="60s", watch=None)
    before = read_lines(run / "trials.jsonl")
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.34)
    pj.diagnose(run, time="60s", watch=None)
    after = read_lines(run / "trials.jsonl")
    assert after[: len(before)] == before
    made = {row["experiment"]: row["steps"] for row in after[len(before) :]}
    assert made == dict.fromkeys(("itself", "seed", "smaller", "larger", "longer"), 4)
    assert _trials.last_of(open_run(run).record, "share")["steps"] == 9


@pytest.mark.parametrize(
    ("trainings", "unknown", "steps"),
    [(0.8, 0, 9), (0.7, 0, 4), (2.3, 1, 9), (2.2, 1, 4)],  # of the whole length; twice the updates are not known
)
def test_trainings_are_as_long_as_others_were_where_there_is_time_for_what_is_missing(run, trainings, unknown, steps):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    lab = replace(lab, seconds=1000.0, clock=_experiments.Clock(1000.0 * trainings))
    plans = list(_experiments._plans_once(_experiments._of_updates(lab, 9)))
    assert plans[-1].experiment == "longer"
    known = [
        {"experiment": plan.experiment, "setting": plan.setting, "seed": plan.recipe.seed, "steps": 9}
        for plan in plans[: len(plans) - unknown]
    ]
    assert _experiments._shortened(lab, 0.34, known).steps == steps


def test_a_time_in_which_no_encoder_could_see_all_items_is_refused_with_one_that_would_do(run, monkeypatch):
    opened = open_run(run)
    opened.write_recipe(replace(opened.recipe, pretrained={"image": Choice("efficientnet_lite0")}))
    monkeypatch.setattr(_pretrained, "seeing_seconds", lambda *_: {"image": 600.0})
    monkeypatch.setattr(_experiments, "seen_through", lambda *_: pytest.fail("items were seen"))
    with pytest.raises(
        RunError, match=r"the pretrained encoder takes 10 min 00 s to see all items, .* give --time 16m or more"
    ):
        pj.diagnose(run, time="60s", watch=None)


def test_what_an_older_version_gave_is_forgotten(run, monkeypatch):
    monkeypatch.setattr(_experiments, "_plans", lambda lab: [_experiments._seed(lab, 1)])
    monkeypatch.setattr(_experiments, "PROBE_SECONDS", 40.0)
    pj.diagnose(run, time="60s", watch=None)
    made = read_lines(run / "trials.jsonl")
    assert {row["version"] for row in made} == {_laboratory.VERSION}
    older = [{name: value for name, value in row.items() if name != "version"} for row in made]
    write_lines(run / "trials.jsonl", [{**row, "parameters": -1} for row in older])
    pj.diagnose(run, time="60s", watch=None)
    again = read_lines(run / "trials.jsonl")
    assert all(row["parameters"] != -1 for row in again)
    assert {row["experiment"] for row in again} == {row["experiment"] for row in made}


def test_validation_items_of_one_group_are_refused(run, monkeypatch):
    def of_one_group(*arguments):
        prepared = prepare(*arguments)
        prepared.groups[:] = 0
        return prepared

    prepare = _experiments.prepare
    monkeypatch.setattr(_experiments, "prepare", of_one_group)
    with pytest.raises(RunError, match="are of one group, so nothing tells a gain from chance"):
        pj.diagnose(run, time="30s", watch=None)


def test_the_cost_of_a_network_is_measured_when_its_turn_comes_and_once(run, monkeypatch):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    asked = []
    monkeypatch.setattr(_laboratory.Laboratory, "cost_of", lambda *_: asked.append(1) or 2.0)
    monkeypatch.setattr(_laboratory.Laboratory, "carry_out", lambda lab, plan: {"cost": plan.cost})
    larger = [plan for plan in _experiments._plans(lab) if plan.experiment == "larger"]
    assert len(larger) == _experiments.TURNS
    assert not asked
    done = {(*plan.key, plan.recipe.seed, lab.steps) for plan in larger}
    _experiments._carry_out(lab, larger[0], done)
    _experiments._carry_out(replace(lab, clock=_experiments.Clock(0.0)), larger[0], set())
    assert not asked
    for plan in larger:
        _experiments._carry_out(lab, plan, set())
    assert len(asked) == 1
    assert [row["cost"] for row in read_lines(run / "trials.jsonl")] == [2.0] * len(larger)


def test_a_training_of_a_moment_is_not_given_up_because_the_machine_is_busy(run):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    _experiments._itself(lab, set())
    lab.seconds = 0.001
    row = lab.carry_out(_experiments.Plan("seed", "1", lab.recipe, lab.problem.train, 1.0))
    assert row["items"] == len(lab.problem.valid)


def test_a_fold_that_diverges_ends_no_other_experiment(run, monkeypatch):
    def diverge(*_):
        raise RunError("the training diverged")

    monkeypatch.setattr(_experiments, "_cleaned", diverge)
    monkeypatch.setattr(_repeatable, "FEWEST_TO_CLEAN", 1)
    said = []
    pj.diagnose(run, time="150s", watch=said.append)
    assert "given up, for the training diverged" in "".join(str(event) for event in said)
    assert ("seed", "2") in rows(run)


def test_a_time_that_is_not_enough_for_one_training_is_said(run, monkeypatch):
    prepare, unbound = _experiments.prepare, _experiments.Clock(is_binding=False)  # all is decoded
    monkeypatch.setattr(_experiments, "prepare", lambda place, wish, _, *given: prepare(place, wish, unbound, *given))
    monkeypatch.setattr(_experiments, "_share", lambda *_: 0.5)
    with pytest.raises(RunError, match="the time is not enough for one training"):
        pj.diagnose(run, time="0.01s", watch=None)


@pytest.mark.parametrize(
    ("taken", "steps", "seconds", "share"), [(5, 1000, 60, 1), (10, 1000, 60, 0.6), (100, 50, 9, 0.4)]
)
def test_trainings_are_as_long_as_the_time_allows_for_ten_of_them(taken, steps, seconds, share):
    found = _experiments._share(taken, steps, _experiments.Clock(seconds))
    assert found == pytest.approx(share, abs=0.07)


def test_data_that_are_gone_are_said(run, tmp_path):
    with pytest.raises(DataError, match=r"there is no .*none; expected"):
        pj.diagnose(run, time="5s", data=tmp_path / "none", watch=None)


def test_items_that_there_was_no_time_to_decode_are_no_change_of_the_data(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PENJING_CACHE", str(tmp_path / "cache"))  # nothing is decoded yet
    fill = cache.fill

    def in_part(form, wanted, *given, **named):
        fill(form, dict(list(wanted.items())[::2]), *given, **{**named, "stop_at": None})
        return fill(form, wanted, *given, **{**named, "stop_at": time.monotonic()})

    monkeypatch.setattr(cache, "fill", in_part)
    with pytest.raises(RunError, match=r"items of .* could not be decoded in a share of this time; give more --time"):
        pj.diagnose(run, time="30s", watch=None)


def test_a_run_that_is_not_finished_cannot_be_experimented_with(run):
    open_run(run).update(status="interrupted")
    with pytest.raises(RunError, match="is not finished"):
        pj.diagnose(run, time="5s", watch=None)


def test_a_run_that_goes_on_from_another_one_is_refused(run):
    open_run(run).update(parent="runs/photos")
    with pytest.raises(RunError, match="goes on from runs/photos"):
        pj.diagnose(run, time="5s", watch=None)


def test_items_of_one_group_have_no_labels_judged_by_networks_that_never_saw_them(run, monkeypatch):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    monkeypatch.setattr(_repeatable, "FEWEST_TO_CLEAN", 1)
    assert "cleaned" in {plan.experiment for plan in _experiments._plans(lab)}
    lab.prepared.groups[:] = 0
    assert "cleaned" not in {plan.experiment for plan in _experiments._plans(lab)}


def test_doubted_labels_are_looked_for_once(run, monkeypatch):
    def plans(lab):
        yield _experiments.Plan("cleaned", "", lab.recipe, lab.problem.train, 0.0)

    asked = []

    def cleaned(lab, plan):
        asked.append(plan)
        return {**lab.row(plan, lab.answer, None), "setting": "3"}

    monkeypatch.setattr(_experiments, "_plans", plans)
    monkeypatch.setattr(_experiments, "_cleaned", cleaned)
    for _ in range(2):
        pj.diagnose(run, time="60s", watch=None)
    assert len(asked) == 1


def test_a_linear_model_of_one_part_alone_reads_what_stands_there_and_nothing_else(run):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    (picture,) = (name for name, modality in lab.problem.modality.items() if modality == "image")
    pictures = lab.problem.items.inputs[picture].take(np.arange(len(lab.problem.truth))).copy()
    pictures[:] = np.random.default_rng(0).integers(0, 99, pictures.shape)
    border = mask(*pictures.shape[1:3], "border")
    for row, label in enumerate(lab.problem.truth.tolist()):
        pictures[row, border] = 60 * (label + 1)
    lab.problem.items.inputs[picture] = SimpleNamespace(take=lambda rows: pictures[rows])
    truth = lab.problem.truth[lab.problem.valid]
    right = {where: (answer.argmax(1) == truth).mean() for where, answer in alone(lab.problem)}
    assert right["border"] == 1.0
    assert right["centre"] < 0.9


@pytest.mark.parametrize(("rows", "share"), [(1, 0.1), (2, 0.1), (3, 0.2)])
def test_a_border_is_as_wide_as_what_tells_the_class_there(rows, share):
    draw = np.random.default_rng(0)
    truth = np.arange(300) % 3
    pictures = draw.integers(0, 99, (300, 16, 16, 1)).astype(np.uint8)
    for row, label in enumerate(truth.tolist()):
        pictures[row, :rows, 5 * label : 5 * label + 5] = 255
    items = SimpleNamespace(inputs={"image": SimpleNamespace(take=lambda rows: pictures[rows])}, prepared={})
    problem = SimpleNamespace(
        items=items,
        modality={"image": "image"},
        train=np.arange(200),
        valid=np.arange(200, 300),
        truth=truth,
        classes=("a", "b", "c"),
    )
    assert telling_border(problem, np.arange(300)) == share
    pictures = pictures[:, 6:12, 6:12]  # so small that no border is wider than a pixel
    assert telling_border(problem, np.arange(300)) == 0.1


@pytest.mark.parametrize(("side", "share"), [(10, 0.2), (16, 0.2), (16, 0.3), (28, 0.3)])
def test_a_picture_is_a_border_a_strip_and_what_lies_within(side, share):
    parts = [_hidden._strip(side, side, share, 0.1), _hidden._within(side, side, share)]
    assert (np.sum([_hidden.mask(side, side, "border"), *parts], axis=0) == 1).all()
    assert all(part.any() for part in parts)


@pytest.mark.parametrize("side", [7, 8, 28])
def test_centre_and_border_are_hidden_apart(side):
    centre, border = mask(side, side, "centre"), mask(side, side, "border")
    assert not (centre & border).any()
    assert centre[side // 2, side // 2]
    assert border[0].all()
    assert border[:, -1].all()
    assert centre.sum() == pytest.approx(border.sum(), abs=side / 2)  # pixels: no hidden part is larger


def test_fewer_items_are_of_every_class_and_lie_within_more(run):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    half, quarter = (_experiments._fewer(lab, share) for share in (0.5, 0.25))
    assert set(quarter) < set(half) < set(lab.problem.train)
    assert len(half) == pytest.approx(len(lab.problem.train) / 2, abs=2)
    assert set(np.unique(lab.prepared.truth[quarter])) == set(np.unique(lab.prepared.truth[lab.problem.train]))
    assert Path(run).exists()


def test_half_of_grouped_items_is_half_of_the_groups(run):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    train, groups = lab.problem.train, lab.prepared.groups
    for stratum in np.unique(lab.prepared.strata(train)):  # four items of a class to a group
        rows = train[lab.prepared.strata(train) == stratum]
        groups[rows] = 1000 * (stratum + 1) + np.arange(len(rows)) // 4
    half, other = _experiments._fewer(lab, 0.5), _experiments._fewer(lab, 0.5, turn=1)
    assert set(groups[half]).isdisjoint(groups[np.setdiff1d(train, half)])
    assert len(half) == pytest.approx(len(train) / 2, abs=4 * len(np.unique(lab.prepared.strata(train))))
    assert set(half) != set(other)


def test_a_difference_is_measured_by_the_constant_answer_where_the_metric_has_no_bound():
    mae = plugins.load("tasks", "regress").metric("mae")
    accuracy = plugins.load("tasks", "classify").metric("accuracy")
    assert accuracy.unit(0.9, 0.1) == 1.0
    assert mae.unit(2e3, 5e4) == 5e4
    free = replace(mae, bounds=(-math.inf, math.inf))
    assert free.unit(30.0, -20.0) == 50.0


def test_the_cost_of_a_larger_network_is_measured(run):
    lab = _experiments._laboratory(open_run(run), _experiments.Clock(60.0), None, None)
    huge = change(lab.recipe, {"encoders.image.width": 256})
    assert lab.cost_of(lab.recipe) < 3
    assert lab.cost_of(huge) > 4
