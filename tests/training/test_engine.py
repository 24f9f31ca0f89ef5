"""The loop learns, repeats itself bit for bit, and continues from a checkpoint as if nothing had happened."""

import json
import math
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from alike import written
from penjing.batch import Batch
from penjing.core.errors import RunError, UsageError
from penjing.core.events import Evaluated
from penjing.core.recipe import Choice, Machine, Recipe, Training
from penjing.training import _checkpoint, _evaluate, _feed, _loader, engine
from penjing.training._augment import augmented
from penjing.training._loader import Items
from penjing.training._loop import Pace
from penjing.training._plan import total_steps
from penjing.training._problem import outputs
from penjing.training._step import seed_draws


class Pictures:
    """Uint8 pictures in memory, as the cache hands them out."""

    def __init__(self, values):
        self.values = values

    def take(self, index):
        return self.values[index]


class Killed(BaseException):
    """Stands for `kill -9`: nothing handles it."""


def stripes(items=160, side=8, seed=0):
    """Two classes of noisy pictures: horizontal and vertical stripes."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, items)
    pattern = np.zeros((2, side, side))
    pattern[0, ::2], pattern[1, :, ::2] = 120, 120
    values = (pattern[truth] + draw.integers(0, 130, (items, side, side)))[..., None].astype(np.uint8)
    return values, truth


def problem(items=160):
    values, truth = stripes(items)
    return engine.Problem(
        Items({"image": Pictures(values)}, {"label": truth}),
        {"image": "image"},
        {"image": {"mean": [0.4], "std": [0.25]}},
        {"image": (1, 8, 8)},
        "label",
        ("horizontal", "vertical"),
        np.arange(items * 3 // 4),
        np.arange(items * 3 // 4, items),
    )


def recipe(**training):
    plan = Training(**{"steps": 24, "batch_size": 16, "evaluations": 4, "ema": 0.9, **training})
    return Recipe(
        seed=1,
        model=Choice("cnn", {"width": 8}),
        augment=(Choice("flip"),),
        training=plan,
        machine=Machine(threads=1),
    ).filled()


def same(first, second):
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_stripes_are_learned():
    trained = engine.carry_out(recipe(), problem())
    assert trained.best is not None
    assert trained.best > 0.95


def test_a_convolutional_network_is_fitted_by_lbfgs_in_the_layout_that_is_usual():
    wanted = replace(recipe(steps=4, evaluations=2, batch_size=0, ema=0.0), optimiser=Choice("lbfgs")).filled()
    assert wanted.machine.layout == "channels_last"
    trained = engine.carry_out(wanted, problem())
    before, after = (line["train/running_loss"] for line in trained.history)
    assert after < 0.5 * before


def test_every_evaluation_measures_the_same_few_items_of_a_large_part(monkeypatch):
    asked = []

    def noted(network, items, rows, format_name):
        asked.append(rows.tolist())
        return outputs(network, items, rows, format_name)

    monkeypatch.setattr(_evaluate, "outputs", noted)
    monkeypatch.setattr(_evaluate, "MOST_MEASURED", 10)
    monkeypatch.setattr(_evaluate, "FEWEST_MEASURED", 5)
    trained = engine.carry_out(recipe(), problem())
    assert [len(rows) for rows in asked] == [10] * 8  # of training and validation, four times
    assert asked[0] == asked[2]
    assert asked[1] == asked[3]
    assert set(asked[1]) < set(problem().valid.tolist())
    assert trained.best == trained.history[-1]["valid/accuracy"]


def test_one_recipe_gives_the_same_weights_bit_for_bit():
    first, second = (engine.carry_out(recipe(), problem()).network.state_dict() for _ in range(2))
    assert same(first, second)


def test_another_seed_gives_other_weights():
    first = engine.carry_out(recipe(), problem()).network.state_dict()
    second = engine.carry_out(replace(recipe(), seed=2), problem()).network.state_dict()
    assert not same(first, second)


@pytest.mark.parametrize(("optimiser", "teacher"), [("adamw", 0.0), ("sgd", 0.0), ("muon", 0.0), ("adamw", 0.5)])
def test_a_training_cut_anywhere_continues_to_the_same_weights(tmp_path, monkeypatch, optimiser, teacher):
    wanted = replace(recipe(teacher=teacher), optimiser=Choice(optimiser)).filled()
    whole = engine.carry_out(wanted, problem(), folder=tmp_path / "whole")
    for cut in (5, 6, 13, 23):
        _cut_at(monkeypatch, cut)
        with pytest.raises(Killed):
            engine.carry_out(wanted, problem(), folder=tmp_path / str(cut))
        monkeypatch.undo()
        resumed = engine.carry_out(wanted, problem(), folder=tmp_path / str(cut))
        assert same(whole.network.state_dict(), resumed.network.state_dict())
        assert written(tmp_path / str(cut), "record.jsonl") == written(tmp_path / "whole", "record.jsonl")


def _cut_at(monkeypatch, cut, stop=Killed):
    """Checkpoint after every update, and stop at `cut` updates."""
    monkeypatch.setattr("penjing.training._loop.CHECKPOINT_SECONDS", 0.0)
    keep = engine._keep

    def keep_and_stop(folder, step, recipe, state):
        keep(folder, step, recipe, state)
        if state.step >= cut:
            raise stop

    monkeypatch.setattr(engine, "_keep", keep_and_stop)


def test_ctrl_c_keeps_the_best_weights_so_far(tmp_path, monkeypatch):
    _cut_at(monkeypatch, 13, KeyboardInterrupt)
    trained = engine.carry_out(recipe(), problem(), folder=tmp_path)
    assert trained.is_interrupted
    assert trained.best_step == 12


def test_ctrl_c_before_the_first_evaluation_is_passed_on(tmp_path, monkeypatch):
    _cut_at(monkeypatch, 2, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        engine.carry_out(recipe(), problem(), folder=tmp_path)


def test_a_deadline_is_met_by_replanning_and_the_replanned_recipe_replays(monkeypatch):
    import time

    pace = Pace(deadline=time.monotonic() + 1.0, most_steps=10_000)
    trained = engine.carry_out(recipe(steps=5000), problem(), pace=pace)
    assert time.monotonic() < pace.deadline + 2
    assert trained.recipe.training.replans
    assert total_steps(trained.recipe.training) < 5000
    replayed = engine.carry_out(trained.recipe, problem())
    assert same(trained.network.state_dict(), replayed.network.state_dict())


def test_the_network_is_measured_as_often_as_asked():
    events = []
    engine.carry_out(recipe(evaluations=6), problem(), watch=events.append)
    assert sum(isinstance(event, Evaluated) for event in events) == 6


def test_a_diverging_training_says_what_to_try():
    wild = replace(recipe(), optimiser=Choice("sgd", {"rate": 1e30})).filled()
    with pytest.raises(RunError, match=r"diverged.*--set optimiser.rate"):
        engine.carry_out(wild, problem())


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_metric_that_gives_no_finite_number_is_told_from_a_training_that_diverged(tmp_path, value):
    file = tmp_path / "own.py"
    file.write_text(f"def area(truth, probability):\n    return float('{value}')\n")
    wanted = replace(recipe(steps=4), task=Choice("classify", {"metric": f"{file}:area"})).filled()
    with pytest.raises(UsageError, match=r"the metric .*:area gave no finite number on the validation items.*--metric"):
        engine.carry_out(wanted, problem(), is_recorded=False)
    wild = replace(wanted, optimiser=Choice("sgd", {"rate": 1e30})).filled()
    with pytest.raises(RunError, match=r"diverged.*--set optimiser.rate"):
        engine.carry_out(wild, problem(), is_recorded=False)


@pytest.mark.parametrize("use", ["carry_out", "fastest"])
def test_a_network_that_is_built_but_cannot_run_with_its_settings_is_a_sentence(use):
    wanted = replace(recipe(steps=2), model=Choice("cnn", {"width": 8, "stages": 9})).filled()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with pytest.raises(UsageError, match=r"cnn cannot run with .*stages = 9.*: .*too small"):
        engine.carry_out(wanted, problem()) if use == "carry_out" else engine.fastest(wanted, problem(), 1.0)
    assert torch.equal(before, torch.get_rng_state())


def test_runs_of_words_without_a_place_to_put_them_are_a_sentence():
    draw = np.random.default_rng(0)
    tokens = Pictures(draw.integers(1, 20, (40, 6)))
    texts = engine.Problem(
        Items({"text": tokens}, {"label": np.arange(40) % 2}, prepared=frozenset({"text"})),
        {"text": "text"},
        {"text": {"vocabulary": 20, "length": 6}},
        {"text": (6, 20)},
        "label",
        ("a", "b"),
        np.arange(30),
        np.arange(30, 40),
    )
    wanted = replace(recipe(steps=2), augment=(), model=Choice("bag", {"longest": 2, "buckets": 1})).filled()
    assert engine.carry_out(replace(wanted, model=Choice("bag", {"longest": 2}).filled("models")), texts).best_step
    with pytest.raises(UsageError, match=r"bag cannot run with .*buckets = 1,"):
        engine.carry_out(wanted, texts)


def test_a_schedule_without_a_factor_somewhere_is_a_sentence_before_the_first_step():
    wanted = replace(recipe(steps=2), schedule=Choice("trapezoid", {"cool_down": 0.0})).filled()
    with pytest.raises(UsageError, match=r"trapezoid cannot run with .*cool_down = 0.0.*division by zero"):
        engine.carry_out(wanted, problem())


def test_no_hidden_layers_leave_a_linear_model():
    wanted = replace(recipe(), model=Choice("mlp", {"depth": 0})).filled()
    assert engine.assemble(wanted, problem()).encoder["image"].features == 64
    assert engine.carry_out(wanted, problem()).best > 0.8


def test_training_leaves_torchs_global_generator_and_threads_alone():
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    engine.carry_out(recipe(steps=3), problem())
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_two_views_are_the_mean_of_a_picture_and_its_mirror_image():
    trained = engine.carry_out(recipe(views=2), problem())
    rows, items = problem().valid, problem().items
    mirrored = Items({"image": Pictures(stripes()[0][:, :, ::-1].copy())}, items.targets)
    both = engine.outputs(trained.network, items, rows)
    trained.network.mirrored = ()
    one, other = (engine.outputs(trained.network, found, rows) for found in (items, mirrored))
    assert not np.allclose(one, other, atol=1e-3)
    assert np.allclose(both, (one + other) / 2, atol=1e-5)


def test_pixels_that_are_moved_before_the_front_end_are_those_moved_after_it():
    mirrored = replace(recipe(), augment=(Choice("flip"), Choice("crop"), Choice("erase"))).filled()
    loader = engine.loader_of(mirrored, problem(), engine.assemble(mirrored, problem()))
    assert set(loader.early) == {"image"}
    named = _feed.told_apart(mirrored.augment, "")
    late = replace(loader, early={}, prepare={"image": augmented(lambda values: values, named, mirrored.seed)})
    for step in range(5):
        one, other = (found.batch_at(step).only() for found in (loader, late))
        assert torch.equal(one, other)
        assert one.stride() == other.stride()


@pytest.mark.parametrize("upright", [True, False])
def test_batches_that_are_made_together_are_those_made_one_by_one(upright):
    augment = (Choice("flip", {"upright": upright}), Choice("crop", {"shift": 0.25}), Choice("erase"))
    wanted = replace(recipe(), augment=augment).filled()
    loader = engine.loader_of(wanted, problem(), engine.assemble(wanted, problem()))
    together = loader._stack(3, 7)
    assert len(together) == 7
    for step, batch in enumerate(together, 3):
        alone = loader.batch_at(step)
        assert torch.equal(alone.only(), batch.only())
        assert torch.equal(*(next(iter(one.targets.values())) for one in (alone, batch)))
        assert torch.equal(alone.item, batch.item)


def test_a_border_is_hidden_before_pixels_are_moved():
    shifted = replace(recipe(border=0.1), augment=(Choice("crop"),)).filled()
    assert not engine.loader_of(shifted, problem(), engine.assemble(shifted, problem())).early


def test_a_training_whose_record_nobody_reads_gives_the_same_weights():
    told, silent = (engine.carry_out(recipe(), problem(), is_recorded=is_read) for is_read in (True, False))
    other = silent.network.state_dict()
    assert all(torch.equal(value, other[name]) for name, value in told.network.state_dict().items())
    assert (told.best, told.best_step) == (silent.best, silent.best_step)
    assert [line["valid/loss"] for line in told.history] == [line["valid/loss"] for line in silent.history]
    assert "train/loss" in told.history[0]
    assert "train/loss" not in silent.history[0]


def test_a_hidden_border_changes_no_answer():
    trained = engine.carry_out(recipe(border=0.1), problem())
    values, rows = stripes()[0], problem().valid
    framed = values.copy()
    framed[:, 0] = framed[:, -1] = framed[:, :, 0] = framed[:, :, -1] = 255
    one, other = (
        engine.outputs(trained.network, Items({"image": Pictures(found)}), rows) for found in (values, framed)
    )
    assert np.array_equal(one, other)
    assert trained.best > 0.8


def test_a_border_is_hidden_of_pictures_only():
    of_vectors = replace(problem(), modality={"image": "embedding"})
    with pytest.raises(
        UsageError, match=r"training.border = 0.1 hides the border of pictures, and the network sees none"
    ):
        engine.assemble(recipe(border=0.1), of_vectors)


def test_patience_stops_a_training_that_no_longer_improves():
    trained = engine.carry_out(recipe(steps=400, evaluations=40, patience=3), problem())
    assert len(trained.history) < 40


def test_without_validation_the_last_weights_are_kept():
    bare = replace(problem(), valid=np.empty(0, np.int64))
    trained = engine.carry_out(recipe(), bare)
    assert trained.best is None
    assert trained.best_step == 24


def cut_short(folder, monkeypatch):
    """Leave a checkpoint of `recipe()` behind."""
    _cut_at(monkeypatch, 5)
    with pytest.raises(Killed):
        engine.carry_out(recipe(), problem(), folder=folder)
    monkeypatch.undo()


@pytest.mark.parametrize(
    "other",
    [
        replace(recipe(), seed=2),
        replace(recipe(), model=Choice("cnn", {"width": 16})).filled(),
        replace(recipe(), optimiser=Choice("adamw", {"rate": 0.5})).filled(),
        recipe(batch_size=8),
    ],
    ids=["seed", "network", "rate", "batch size"],
)
def test_a_checkpoint_of_another_recipe_is_refused(tmp_path, monkeypatch, other):
    cut_short(tmp_path, monkeypatch)
    with pytest.raises(RunError, match=r"state.safetensors was made by another recipe .* put recipe.toml back"):
        engine.carry_out(other, problem(), folder=tmp_path)
    assert engine.carry_out(recipe(), problem(), folder=tmp_path).best_step == 24


def test_a_new_plan_of_steps_is_not_another_recipe(tmp_path, monkeypatch):
    cut_short(tmp_path, monkeypatch)
    planned = recipe(steps=40)
    assert engine.carry_out(planned, problem(), folder=tmp_path).recipe.training.steps == 40


def test_a_checkpoint_of_an_earlier_version_which_says_nothing_of_its_choices_is_continued(tmp_path, monkeypatch):
    cut_short(tmp_path, monkeypatch)
    tensors, facts = _checkpoint.load(tmp_path / "checkpoint", recipe())
    del facts["choices"]
    save_file(tensors, tmp_path / "checkpoint" / _checkpoint.NAME, {"facts": json.dumps({**facts, "recipe": "abc"})})
    assert engine.carry_out(recipe(), problem(), folder=tmp_path).best_step == 24


def test_a_damaged_checkpoint_is_a_sentence(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / _checkpoint.NAME).write_bytes(b"not a checkpoint")
    with pytest.raises(RunError, match="is damaged"):
        engine.carry_out(recipe(), problem(), folder=tmp_path)


UNITS = {"architecture": "x86_64", "avx512_f": True}


@pytest.mark.parametrize(
    ("device", "told", "expected"),
    [
        ("cpu", {**UNITS, "avx512_bf16": True}, True),
        ("cpu", {**UNITS, "amx_bf16": True}, True),
        ("cpu", UNITS, False),
        ("cpu", {"architecture": "aarch64"}, True),  # what it lacks is found by measuring
        ("cpu", None, True),
        ("cuda", UNITS, True),
        ("mps", UNITS, False),
    ],
)
def test_a_processor_that_would_imitate_bfloat16_is_not_asked_to(monkeypatch, device, told, expected):
    from penjing.training import _probe

    if told is None:  # as in older versions of torch
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    else:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    formats = {one.number_format for one in _probe._candidates(Machine(device=device, threads=2))}
    assert ("bfloat16" in formats) == expected
    held = _probe._candidates(Machine(device=device, threads=2, number_format="bfloat16"))  # others stand beside it
    assert "bfloat16" in {one.number_format for one in held}


@pytest.mark.parametrize("threads", [2, 64])
def test_a_thorough_probe_measures_layouts_and_the_threads_that_a_recipe_does_not_have(monkeypatch, threads):
    from penjing.training import _probe

    monkeypatch.setattr(_probe, "usable_cores", lambda: 16)
    own = Machine(threads=threads, layout="contiguous", number_format="bfloat16")
    found = list(_probe._thorough(own, has_pictures=True))
    assert found[:2] == [replace(own, number_format="float32"), own]  # what is right, and what the recipe says
    assert len(found) == len(set(found)) == 12
    assert {one.threads for one in found} == {1, 16, threads}
    assert {one.layout for one in found} == {"channels_last", "contiguous"}
    assert found[2].threads == (threads if threads <= 16 else 1)  # too many threads are left for the end
    assert {one.layout for one in _probe._thorough(own, has_pictures=False)} == {"contiguous"}


def test_what_looked_fastest_is_measured_once_more_before_it_is_told(monkeypatch):
    from penjing.training import _probe

    taken = {("float32", "channels_last"): [0.01, 0.01], ("float32", "contiguous"): [0.001, 0.009]}  # luck at first

    def lasts(network, loss, batch, machine, limit):
        return taken[machine.number_format, machine.layout].pop(0)

    monkeypatch.setattr(_probe, "_has_bfloat16", lambda _: False)
    monkeypatch.setattr(_probe, "usable_cores", lambda: 1)
    monkeypatch.setattr(_probe, "_has_pictures", lambda _: True)
    monkeypatch.setattr(_probe, "_time", lasts)
    monkeypatch.setattr(_probe, "HOPELESS", math.inf)  # the first time is by the clock of a machine that may be busy
    _, measured = engine.fastest(recipe(), problem(), 20.0, is_thorough=True)
    assert [one.step_seconds for one in measured] == [0.01, 0.009]


@pytest.mark.parametrize(("shape", "layouts"), [((2, 3, 8, 8), 2), ((2, 3, 4, 8, 8), 1)])
def test_layouts_are_measured_for_pictures_alone_as_they_are_laid_out_for_these(shape, layouts):
    """Of videos, too, which a network may look at picture by picture, training lays nothing out."""
    from penjing.training import _probe

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.filters = torch.nn.Conv2d(3, 4, 3)

        def forward(self, batch):
            values = batch.inputs["input"]
            pictures = values if values.ndim == 4 else values.transpose(1, 2).flatten(0, 1)
            return self.filters(pictures).mean((1, 2, 3))

    batch = Batch({"input": torch.rand(shape)}, {}, torch.arange(shape[0]))
    machine = Machine(threads=1)
    _, measured = _probe.probe(Net(), lambda outputs, _: outputs.sum(), batch, machine, 5.0, is_thorough=True)
    assert len({one.machine.layout for one in measured}) == layouts


def test_the_probe_refuses_a_setting_whose_results_are_wrong(monkeypatch):
    from penjing.training import _probe

    monkeypatch.setattr(_probe, "_has_bfloat16", lambda _: True)

    def wrong(network, loss, batch, machine):
        told = once(network, loss, batch, machine)
        flipped = {name: -gradient for name, gradient in told.gradients.items()}
        return (
            replace(told, outputs=told.outputs * 3, gradients=flipped) if machine.number_format == "bfloat16" else told
        )

    once = _probe._told
    monkeypatch.setattr(_probe, "_told", wrong)
    machine, measured = engine.fastest(recipe(), problem(), 20.0)
    assert machine.number_format == "float32"
    assert any(not one.is_right for one in measured)


def test_the_probe_passes_over_a_number_format_that_a_layer_has_no_kernel_for(monkeypatch):
    from penjing.training import _probe

    monkeypatch.setattr(_probe, "_has_bfloat16", lambda _: True)

    def lacking(network, loss, batch, machine):
        if machine.number_format == "bfloat16":
            raise RuntimeError("could not create a primitive descriptor")
        return once(network, loss, batch, machine)

    once = _probe._once
    monkeypatch.setattr(_probe, "_once", lacking)
    machine, found = engine.fastest(recipe(), problem(), 20.0)
    assert machine.number_format == "float32"
    assert {one.machine.number_format for one in found} == {"float32"}


@pytest.mark.parametrize(("seconds", "taken"), [(0.0095, "float32"), (0.005, "bfloat16")])
def test_the_probe_takes_another_setting_only_where_it_is_clearly_faster(monkeypatch, seconds, taken):
    from penjing.training import _probe

    monkeypatch.setattr(_probe, "_has_bfloat16", lambda _: True)

    def lasts(network, loss, batch, machine, limit):
        return seconds if machine.number_format == "bfloat16" else 0.01

    monkeypatch.setattr(_probe, "_time", lasts)
    monkeypatch.setattr(_probe, "agreement", lambda given, exact: _probe.SAME)
    machine, _ = engine.fastest(recipe(), problem(), 20.0)
    assert machine.number_format == taken


def test_the_probe_looks_once_at_a_setting_that_is_many_times_slower(monkeypatch):
    from penjing.training import _probe

    monkeypatch.setattr(_probe, "_has_bfloat16", lambda _: True)
    asked = []

    def slow(network, loss, batch, machine):
        asked.append(machine)
        if machine.number_format == "bfloat16":
            time.sleep(0.5)
        return once(network, loss, batch, machine)

    once = _probe._once
    monkeypatch.setattr(_probe, "_once", slow)
    monkeypatch.setattr(_probe, "_time", lambda *_: 0.01)  # however busy the machine is
    machine, measured = engine.fastest(recipe(), problem(), 20.0)
    assert machine.number_format == "float32"
    assert [one.is_hopeless for one in measured if one.machine.number_format == "bfloat16"] == [True]
    assert [one.number_format for one in asked].count("bfloat16") == 1


def test_a_slow_machine_is_probed_with_a_part_of_the_batch_and_the_whole_is_told(monkeypatch):
    from penjing.training import _probe

    now, asked = 0.0, []

    def slow(network, loss, batch, machine):
        nonlocal now
        now += 0.01 * len(batch)  # seconds, of a clock of its own
        asked.append(len(batch))
        return once(network, loss, batch, machine)

    once = _probe._once
    monkeypatch.setattr(_probe, "_has_bfloat16", lambda _: True)  # two settings to measure
    monkeypatch.setattr(_probe, "_once", slow)
    monkeypatch.setattr(_probe.time, "monotonic", lambda: now)
    batch = engine.loader_of(recipe(batch_size=40), problem(), engine.assemble(recipe(), problem())).batch_at(0)
    network, loss = engine.assemble(recipe(), problem()), engine.loss_of(recipe(), problem())
    _, measured = _probe.probe(network, loss, batch, recipe().machine, 1.0)
    assert len(batch) == 40
    assert asked[:2] == [_probe.FEWEST_ITEMS] * 2
    assert max(asked) < 40
    assert [one.step_seconds for one in measured] == pytest.approx([0.4] * len(measured))
    assert len(measured) == 2
    assert now < 1.0


@pytest.mark.parametrize(("making", "left"), [(0.0, 2.0), (0.5, 1.5), (1.8, 1.0)])
def test_making_the_network_counts_as_time_of_the_probe_up_to_half_of_it(monkeypatch, making, left):
    given, now = [], [0.0]

    def assembled(*_):
        now[0] += making
        return network

    def probed(*every, **_):
        given.append(every[4])
        return recipe().machine, []

    network = engine.assemble(recipe(), problem())
    monkeypatch.setattr(engine.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(engine, "assemble", assembled)
    monkeypatch.setattr(engine, "probe", probed)
    engine.fastest(recipe(), problem(), 2.0)
    assert given == pytest.approx([left])


def test_full_batch_gradient_descent_takes_every_item_in_every_step():
    from penjing.training._loader import Loader

    loader = Loader(problem().items, np.arange(30), 0, seed=0)
    assert sorted(loader.batch_at(0).item.tolist()) == list(range(30))
    assert sorted(loader.batch_at(7).item.tolist()) == list(range(30))


def test_an_epoch_shows_every_item_once_and_in_another_order_than_the_last():
    from penjing.training._loader import Loader

    loader = Loader(problem().items, np.arange(32), 8, seed=0)
    epochs = [[row for step in range(4 * e, 4 * e + 4) for row in loader.rows_at(step)] for e in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(32))
    assert epochs[0] != epochs[1]


def test_seeding_a_step_draws_as_torch_does_and_leaves_nothing_behind():
    """`torch.manual_seed` keeps a call and its stack for CUDA at every step, where CUDA was never used."""
    torch.manual_seed(1234)
    expected, waiting = torch.rand(5), len(torch.cuda._queued_calls)
    seed_draws(1234, torch.device("cpu"))
    assert torch.equal(torch.rand(5), expected)
    engine.carry_out(recipe(steps=5), problem())
    grown = len(torch.cuda._queued_calls) - waiting
    engine.carry_out(recipe(steps=24), problem())
    assert len(torch.cuda._queued_calls) - waiting == 2 * grown  # of building the network, not of its steps


class Seen(Pictures):
    """Pictures that arithmetic in torch makes when they are asked for, as a pretrained encoder makes its vectors."""

    def take(self, index):
        inner = torch.from_numpy(self.values[index]).float().flatten(1)
        return (inner @ torch.eye(inner.shape[1])).numpy().reshape(-1, *self.values.shape[1:]).astype(np.uint8)


def test_what_makes_the_items_is_not_asked_in_the_networks_number_format():
    trained = engine.carry_out(recipe(), problem())
    values, truth = stripes()
    items, rows = Items({"image": Seen(values)}, {"label": truth}), np.arange(40)
    exact = engine.outputs(trained.network, items, rows)
    assert np.allclose(engine.outputs(trained.network, items, rows, "bfloat16"), exact, atol=0.1)


def test_how_far_an_update_moved_is_told_of_the_weights_that_learn_and_not_of_their_average():
    plain, averaged = (engine.carry_out(recipe(ema=ema), problem()).history for ema in (0.0, 0.9))
    ratios = [name for name in plain[0] if name.endswith("/update_ratio")]
    assert len(ratios) > 3
    for one, other in zip(plain, averaged, strict=True):
        assert [one[name] for name in ratios] == [other[name] for name in ratios]


def test_operations_are_counted_of_the_items_that_a_batch_holds():
    whole, large, exact = (
        engine.carry_out(recipe(batch_size=size, steps=4), problem()).history[-1]["flop"] for size in (0, 500, 120)
    )
    assert whole == large == exact > 0


@pytest.mark.parametrize("views", [1, 2])
def test_operations_of_a_training_are_those_of_the_one_view_it_sees(views):
    plain = recipe(views=views)
    small = replace(plain, model=Choice("mlp", {"width": 4, "depth": 1}), augment=()).filled()
    by_hand = 2 * (8 * 8 * 4 + 4 * 2)  # of one picture forward; backward takes twice as many
    assert engine.carry_out(small, problem()).history[-1]["flop"] == 3 * by_hand * 16 * 24


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_a_sentence(monkeypatch, name):
    monkeypatch.setattr(engine, "is_usable", lambda asked: asked != name)
    elsewhere = replace(recipe(), machine=Machine(device=name))
    with pytest.raises(UsageError, match=f'cannot use machine.device = "{name}" on this machine'):
        engine.carry_out(elsewhere, problem())


@pytest.mark.parametrize("use", [engine.carry_out, lambda *given: engine.fastest(*given, 1.0)])
def test_a_network_whose_weights_are_all_frozen_is_a_sentence(monkeypatch, use):
    network = engine.assemble(recipe(), problem()).requires_grad_(False)
    monkeypatch.setattr(engine, "assemble", lambda *_: network)
    with pytest.raises(UsageError, match="no weight of the network learns"):
        use(recipe(), problem())


def test_a_plan_that_was_made_anew_goes_on_from_a_checkpoint_whatever_the_recipe_says_by_then(tmp_path, monkeypatch):
    planned = replace(recipe(steps=40), training=replace(recipe(steps=40).training, replans=((9, 30),)))
    whole = engine.carry_out(planned, problem(), folder=tmp_path / "whole")
    _cut_at(monkeypatch, 15)
    with pytest.raises(Killed):
        engine.carry_out(planned, problem(), folder=tmp_path / "cut")
    monkeypatch.undo()
    otherwise = replace(planned, training=replace(planned.training, steps=30, replans=()))
    rest = engine.carry_out(otherwise, problem(), folder=tmp_path / "cut")
    assert rest.recipe.training == whole.recipe.training
    assert same(whole.network.state_dict(), rest.network.state_dict())


def test_inputs_of_one_modality_and_an_augmentation_listed_twice_have_draws_of_their_own():
    values, truth = stripes()
    two = replace(
        problem(),
        items=Items({"image": Pictures(values), "other": Pictures(values)}, {"label": truth}),
        modality={"image": "image", "other": "image"},
        learned={name: {"mean": [0.4], "std": [0.25]} for name in ("image", "other")},
        shape=dict.fromkeys(("image", "other"), (1, 8, 8)),
    )
    shifted = Choice("crop", {"shift": 0.25})

    def batch(augment, given):
        wanted = replace(recipe(), augment=augment).filled()
        loader = engine.loader_of(wanted, given, engine.assemble(wanted, given))
        return loader.batch_at(0).inputs

    once, twice = batch((shifted,), two), batch((shifted, shifted), two)
    assert torch.equal(once["image"], batch((shifted,), problem())["image"])
    assert not torch.equal(once["image"], once["other"])
    named = _feed.told_apart([Choice(name) for name in ("crop", "flip", "crop")], "other/")
    assert [name for name, _ in named] == ["other/crop", "other/flip", "other/crop#2"]
    assert not torch.equal(twice["image"], once["image"])


class Awaited(Pictures):
    """Values each of which takes a second to come, by a clock that nothing else moves."""

    seconds = 0.0

    def take(self, index):
        Awaited.seconds += len(index)
        return super().take(index)


def test_what_evaluations_wait_for_their_items_is_waiting_too(monkeypatch):
    monkeypatch.setattr(_loader, "time", SimpleNamespace(monotonic=lambda: Awaited.seconds))
    posed = problem()
    (values,) = posed.items.inputs.values()
    posed = replace(posed, items=replace(posed.items, inputs={"image": Awaited(values.values)}))
    line = engine.carry_out(recipe(), posed).history[-1]
    evaluated = 4 * (len(posed.train) + len(posed.valid) + 64)
    assert line["stalled_seconds"] >= evaluated


def test_of_many_classes_more_items_are_looked_into(monkeypatch):
    seen = []
    measured = _evaluate._vitals.activations
    monkeypatch.setattr(
        _evaluate._vitals,
        "activations",
        lambda network, batch: seen.append(len(batch.item)) or measured(network, batch),
    )
    posed = problem(400)
    many = replace(posed, classes=(*posed.classes, *(f"class {number}" for number in range(98))))
    for one in (posed, many):
        engine.carry_out(recipe(steps=2, evaluations=1), one)
    assert seen == [64, 200]


def test_a_recipe_for_a_device_that_is_not_there_is_a_sentence():
    elsewhere = replace(recipe(), machine=Machine(device="nowhere"))
    with pytest.raises(UsageError, match=r'cannot use machine\.device = "nowhere" on this machine'):
        engine.carry_out(elsewhere, problem())
