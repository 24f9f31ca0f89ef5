from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.core.errors import UsageError
from penjing.core.recipe import Choice, Recipe, Training, change, from_dict, parse_value, to_dict

OLDEST = """
format = 1
seed = 7
augment = [{ name = "flip", share = 0.5 }]
[model]
name = "cnn"
width = 48
[training]
steps = 1200
replans = [[300, 1100]]
batch_size = 64
"""


def test_a_recipe_survives_toml():
    recipe = Recipe(seed=3, augment=(Choice("flip"),), training=Training(replans=((10, 90), (40, 70)))).filled()
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_the_first_format_is_still_read():
    recipe = Recipe.from_toml(OLDEST)
    assert recipe.seed == 7
    assert recipe.model == Choice("cnn", {"width": 48})
    assert recipe.training.replans == ((300, 1100),)
    assert recipe.augment[0].settings == {"share": 0.5}


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.floats(0, 1), st.sampled_from(["none", "balanced"]))
def test_the_id_depends_on_every_choice(seed, steps, ema, weights):
    first = Recipe(
        seed=seed, training=Training(steps=steps, ema=ema), task=Choice("classify", {"class_weights": weights})
    )
    assert first.id == Recipe.from_toml(first.to_toml()).id
    assert first.id != replace(first, seed=seed + 1).id
    assert first.id != replace(first, training=replace(first.training, steps=steps + 1)).id


def test_filling_writes_out_the_defaults():
    assert Recipe().filled().model.settings["width"] > 0


def test_a_choice_is_set_by_hand():
    recipe = change(Recipe().filled(), {"model.width": 64, "training.steps": 5, "seed": 2})
    assert recipe.model.settings["width"] == 64
    assert (recipe.training.steps, recipe.seed) == (5, 2)


def test_another_model_brings_its_own_settings():
    recipe = change(Recipe().filled(), {"model": "mlp", "model.depth": 3})
    assert recipe.model.name == "mlp"
    assert recipe.model.settings["depth"] == 3


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ({"modle.width": 3}, 'did you mean "model"'),
        ({"model.widht": 3}, 'cnn has no setting "widht"; did you mean "width"'),
        ({"training.stpes": 3}, 'did you mean "steps"'),
        ({"training.steps": "many"}, "training.steps = 'many' should look like 1000"),
        ({"model": "cn"}, 'did you mean "cnn"'),
        ({"seed.x": 1}, 'there is no choice "seed.x"'),
        ({"split.final": 1}, "should look like False"),
    ],
)
def test_a_wrong_choice_is_named(assignment, message):
    with pytest.raises(UsageError, match=message):
        change(Recipe().filled(), assignment)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "is not valid TOML"),
        ("format = 99", "upgrade penjing"),
        ("sead = 1", 'unknown key "sead"; did you mean "seed"'),
        ("model = 3", '"model" must have a name'),
        ("training = 3", '"training" must be a table'),
        ("augment = 3", "must be a list"),
        ("[training]\nstep = 3", 'unknown key "training.step"; did you mean "steps"'),
    ],
)
def test_a_broken_recipe_says_what_is_wrong(text, message):
    with pytest.raises(UsageError, match=message):
        Recipe.from_toml(text)


def test_a_missing_recipe_file_is_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="there is no recipe file"):
        Recipe.read(tmp_path / "none.toml")


def test_values_are_read_as_typed():
    assert [parse_value(text) for text in ("64", "0.1", "true", "cosine", "[1, 2]")] == [
        64,
        0.1,
        True,
        "cosine",
        [1, 2],
    ]


def test_plain_values_go_both_ways():
    assert from_dict(to_dict(Recipe())) == Recipe()
