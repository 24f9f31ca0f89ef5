"""Every remedy is a pure function of a recipe, and says why where it has nothing to move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Choice, DataChoices, Recipe, Training, change
from penjing.core.usual import USUAL
from penjing.pretrained import minilm
from penjing.remedies import NotApplicable, modalities_of, modality_names, suited

NAMES = plugins.names("remedies")
TREATS: Mapping[str, Mapping[str, float]] = {name: plugins.load("remedies", name).TREATS for name in NAMES}
RECIPES = {
    "pictures": Recipe(model=Choice("cnn"), augment=(Choice("flip"),), optimiser=Choice("muon")),
    "sounds": Recipe(model=Choice("keyword"), optimiser=Choice("sgd"), schedule=Choice("constant")),
    "texts": Recipe(model=Choice("ngrams"), task=Choice("classify", {"label_smoothing": 0.1})),
    "rows": Recipe(model=Choice("tabular"), task=Choice("regress"), training=Training(steps=30, batch_size=8)),
    "columns": Recipe(model=Choice("tabular"), data=DataChoices(inputs=("age", "customer"), decode={"table": {}})),
    "texts of a column": Recipe(model=Choice("ngrams"), data=DataChoices(inputs=("text",))),
    "labels": Recipe(model=Choice("transformer"), task=Choice("tag")),
    "a mix": Recipe(encoders={"image": Choice("cnn"), "text": Choice("bag")}),
    "vectors": Recipe(model=Choice("probe"), optimiser=Choice("lbfgs"), training=Training(batch_size=0)),
    "texts seen through an encoder": Recipe(
        model=Choice("probe"), data=DataChoices(inputs=("text",)), pretrained={"text": Choice("minilm")}
    ),
    "a network of one's own": Recipe(model=Choice("own", {"preprocess": "raw", "gives": "probabilities"})),
    "bad choices": Recipe(
        model=Choice("mlp", {"dropout": 0.5}),
        task=Choice("classify", {"loss": "mean_squared_error"}),
        optimiser=Choice("adamw", {"rate": 1e-5}),
        training=Training(clip_norm=8.0, ema=0.99),
    ),
}


def finding(name: str) -> Finding:
    """A finding as the check of that name gives it on its own sick record."""
    found = plugins.load("checks", name).look(plugins.load("checks", name).sick())
    assert isinstance(found, Finding)
    return found


def test_pretrained_features_take_the_place_of_the_network_where_an_encoder_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remedy, recipe = plugins.load("remedies", "pretrained_features"), RECIPES["texts of a column"].filled()
    monkeypatch.setattr(minilm, "is_available", lambda: True)
    other = remedy.apply(recipe, finding("overfit"))
    assert other.pretrained == {"text": Choice("minilm", {"layers": 4, "tokens": 256})}
    assert other.model.name == "probe"
    assert remedy.apply(other, finding("overfit")).reason == "its input is seen through a pretrained encoder already"
    back = plugins.load("remedies", "from_scratch").apply(other, finding("underfit"))
    assert not back.pretrained
    assert back == plugins.load("remedies", "start_over").apply(recipe, finding("underfit"))
    monkeypatch.setattr(minilm, "is_available", lambda: False)
    assert "is installed" in remedy.apply(recipe, finding("overfit")).reason


def test_a_table_begins_as_fit_begins_one_and_not_as_vectors_of_an_encoder() -> None:
    assert modality_names(RECIPES["rows"]) == ["table"]
    narrow = change(RECIPES["rows"].filled(), {"model.width": 4, "model.dropout": 0.9})
    begun = plugins.load("remedies", "start_over").apply(narrow, finding("underfit"))
    assert begun.model == Choice("tabular").filled("models")
    assert begun.optimiser.settings["weight_decay"] == USUAL["table"].optimiser.settings["weight_decay"]
    usual = plugins.load("remedies", "usual_network").apply(narrow, finding("underfit"))
    assert usual.model == Choice("tabular").filled("models")
    joined = {"photo": Choice("cnn"), "table": Choice("tabular")}
    assert modality_names(Recipe(encoders=joined)) == ["image", "table"]
    text = Recipe(
        encoders={"text": Choice("tabular"), "table": Choice("tabular")}, pretrained={"text": Choice("minilm")}
    )
    assert modality_names(text) == ["embedding", "table"]


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_several_pictures_an_item_are_mixed_as_one_is(name: str) -> None:
    remedy, of = plugins.load("remedies", name), finding("overfit")
    pictures = {"front": Choice("cnn"), "back": Choice("cnn")}
    mixed = remedy.apply(Recipe(encoders=pictures).filled(), of)
    assert isinstance(mixed, Recipe)
    assert getattr(mixed.training, name) > 0
    for other in (Choice("bag"), Choice("a network that nobody knows")):
        refused = remedy.apply(Recipe(encoders={**pictures, "other": other}), of)
        assert refused == NotApplicable("its inputs cannot be mixed")


def test_the_way_back_from_pretrained_features_is_never_before_them() -> None:
    assert all(promise < TREATS["pretrained_features"][name] for name, promise in TREATS["from_scratch"].items())


@pytest.mark.parametrize(
    ("inputs", "said", "left"),
    [
        (("age", "photo", "row"), {"columns": ["row"]}, ("age", "photo")),
        (("age", "photo", "row"), {"inputs": ["photo", "row"]}, ("age", "photo")),  # a picture is no column of a table
        (("age", "photo"), {"inputs": ["photo"]}, "the finding names no column of a table"),
        (("age", "photo"), {"columns": ["row"]}, "the finding names no column of a table"),
        (("age", "photo"), {"columns": ["age"]}, "no column of the table would be left"),
        (("age", "photo"), {}, "the finding names no column of a table"),
    ],
)
def test_only_columns_of_a_table_are_left_out_and_never_all(inputs: Any, said: Any, left: Any) -> None:
    recipe = Recipe(data=DataChoices(inputs=inputs, decode={"table": {}, "photo": {"side": 8}}))
    found = plugins.load("remedies", "leave_out_columns").apply(recipe, Finding("id_columns", "warning", "…", said))
    assert (found.reason if isinstance(found, NotApplicable) else found.data.inputs) == left


def test_the_border_is_hidden_where_only_texts_beside_the_pictures_are_seen_through_an_encoder() -> None:
    remedy = plugins.load("remedies", "hide_border")
    encoders = {"image": Choice("cnn"), "text": Choice("probe")}
    recipe = Recipe(encoders=encoders, pretrained={"text": Choice("minilm")}).filled()
    assert remedy.apply(recipe, finding("shortcut")).training.border > 0
    both = {"image": Choice("probe"), "text": Choice("bag")}
    whole = Recipe(encoders=both, pretrained={"image": Choice("minilm")}).filled()
    assert remedy.apply(whole, finding("shortcut")).reason == "an encoder sees its pictures whole"


def test_all_remedies_are_found() -> None:
    assert len(NAMES) >= 30
    assert {"lower_rate", "augment", "clip_gradient"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_treats_is_found_by_checks(name: str) -> None:
    assert TREATS[name]
    assert set(TREATS[name]) <= set(plugins.names("checks"))
    assert all(0 < promise <= 1 for promise in TREATS[name].values())


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_pure_and_changes_something_or_says_why_not(name: str, kind: str) -> None:
    remedy, recipe = plugins.load("remedies", name), RECIPES[kind].filled()
    before = recipe.to_toml()
    for treated in TREATS[name]:
        found = finding(treated)
        outcome = remedy.apply(recipe, found)
        assert recipe.to_toml() == before
        assert remedy.apply(recipe, found) == outcome
        if isinstance(outcome, NotApplicable):
            assert outcome.reason
            assert not outcome.reason.endswith(".")
        else:
            assert outcome.id != recipe.id
            assert outcome.filled() == outcome
            assert Recipe.from_toml(outcome.to_toml()).filled() == outcome


@pytest.mark.parametrize("name", NAMES)
def test_it_applies_to_some_recipe(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "is_available", lambda: True)  # what is installed differs
    remedy = plugins.load("remedies", name)
    found = finding(next(iter(TREATS[name])))
    if name in ("drop_suspicious", "relabel_suspicious"):
        found = Finding(found.name, found.level, found.message, {"hashes": ["0" * 32], "taken_for": ["cat"]})
    assert any(isinstance(remedy.apply(recipe.filled(), found), Recipe) for recipe in RECIPES.values())


def test_items_that_were_left_out_are_relabelled_in_the_place_of_that() -> None:
    recipe = Recipe(data=DataChoices(drop=("by hand", "one", "two"))).filled()
    relabel = plugins.load("remedies", "relabel_suspicious")
    named = Finding("label_errors", "warning", "", {"hashes": ["one", "two"], "taken_for": ["cat", "dog"]})
    other = relabel.apply(recipe, named)
    assert (other.data.drop, other.data.relabel) == (("by hand",), {"one": "cat", "two": "dog"})
    assert relabel.apply(other, named).reason == "the finding names no items"
    exchanged = replace(named, evidence={**named.evidence, "taken_for": {"cat": "dog", "dog": "cat"}})
    assert relabel.apply(recipe, exchanged).reason == "the finding names no items"


@pytest.mark.parametrize("name", ["drop_suspicious", "relabel_suspicious"])
def test_why_a_finding_names_no_items_is_said(name: str) -> None:
    named = Finding("label_errors", "warning", "", {"unnamed": "there was no time to look"})
    assert plugins.load("remedies", name).apply(Recipe().filled(), named).reason == "there was no time to look"


@pytest.mark.parametrize("name", ["average_weights", "more_steps", "other_optimiser", "start_over", "warm_up"])
def test_what_a_line_search_finds_is_left_as_it_is(name: str) -> None:
    outcome = plugins.load("remedies", name).apply(RECIPES["vectors"].filled(), finding("oscillating"))
    assert "lbfgs" in outcome.reason


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_listed(name: str) -> None:
    summary = plugins.find("remedies", name).summary
    assert summary.endswith((".", ":"))
    assert len(summary) < 120


def test_what_the_data_allow_to_do_with_pictures_is_no_choice_that_a_new_start_forgets() -> None:
    allowed = (Choice("flip", {}), Choice("colour", {}))
    told = Recipe(model=Choice("cnn"), augment=(Choice("erase", {}), *allowed)).filled()
    begun = plugins.load("remedies", "start_over").apply(told, Finding("underfit", "warning", "It knows little."))
    assert isinstance(begun, Recipe)
    assert [one.name for one in begun.augment[:2]] == ["flip", "colour"]


def test_the_most_promising_comes_first_and_each_remedy_once() -> None:
    ranked = suited([finding("overfit"), finding("diverged")])
    assert [one.promise for one in ranked] == sorted((one.promise for one in ranked), reverse=True)
    assert len({one.name for one in ranked}) == len(ranked)
    assert ranked[0].name == "lower_rate"
    assert ranked[0].finding.name == "diverged"
    assert suited([]) == []


@pytest.mark.parametrize("kind", RECIPES)
def test_what_stands_out_is_said_of_any_recipe(kind: str) -> None:
    asked = [plugins.load("remedies", name) for name in NAMES]
    said = [one.stands_out(RECIPES[kind].filled()) for one in asked if hasattr(one, "stands_out")]
    assert len(said) >= 6
    assert all(isinstance(one, bool) for one in said)


@pytest.mark.parametrize(
    ("changed", "treated", "first"),
    [
        ({"model.dropout": 0.95}, "underfit", "less_dropout"),
        ({"optimiser.weight_decay": 50.0}, "underfit", "less_weight_decay"),
        ({"optimiser.rate": 1e-6}, "crawling", "usual_rate"),
        ({"task.loss": "mean_squared_error"}, "wrong_loss", "usual_loss"),
        ({"training.batch_size": 1}, "small_batch", "larger_batch"),
        ({"training.batch_size": 0}, "large_batch", "smaller_batch"),
        ({"model": "ngrams", "model.word_dropout": 0.95}, "underfit", "less_dropout"),
        ({"model": "text_example", "model.recurrent_dropout": 0.95}, "underfit", "less_dropout"),
    ],
)
def test_what_stands_out_in_a_recipe_is_moved_first(changed: dict[str, Any], treated: str, first: str) -> None:
    recipe = Recipe(model=Choice("mlp"), optimiser=Choice("adamw")).filled()
    ordinary = suited([finding(treated)], recipe)
    assert ordinary == suited([finding(treated)])  # nothing stands out in an ordinary one
    ranked = suited([finding(treated)], change(recipe, changed))
    assert ranked[0].name == first
    assert ranked[0].promise > 1


def test_a_batch_of_all_items_becomes_small_ones_and_as_many_passes() -> None:
    recipe = Recipe(model=Choice("mlp"), training=Training(steps=20, batch_size=0)).filled()
    remedy = plugins.load("remedies", "smaller_batch")
    outcome = remedy.apply(recipe, Finding("large_batch", "warning", "…", {"items": 640}))
    assert (outcome.training.batch_size, outcome.training.steps) == (64, 200)


def test_without_dropout_no_words_are_left_out_and_no_state_is_silenced() -> None:
    remedy = plugins.load("remedies", "less_dropout")
    for name in ("ngrams", "bag", "text_cnn", "text_example"):
        settings = Recipe(model=Choice(name)).filled().model.settings
        kinds = [key for key in settings if key.endswith("dropout")]
        assert len(kinds) == 2
        silenced = Recipe(model=Choice(name, dict.fromkeys(kinds, 0.98))).filled()
        treated = remedy.apply(silenced, finding("underfit")).model.settings
        assert treated == {**settings, **dict.fromkeys(kinds, 0.0)}


def test_without_dropout_what_joins_inputs_silences_nothing_and_still_meets_missing_ones() -> None:
    recipe = RECIPES["a mix"].filled()
    treated = plugins.load("remedies", "less_dropout").apply(recipe, finding("underfit"))
    assert treated.fusion.dropout == 0
    assert treated.fusion.modality_dropout == recipe.fusion.modality_dropout > 0
    assert treated.encoders["text"].settings["word_dropout"] == 0


@pytest.mark.parametrize(
    ("batch_size", "name", "items", "expected"),
    [
        (4096, "large_batch", 500, (250, 40)),  # half of the items that there are
        (400, "large_batch", 500, (200, 40)),
        (256, "large_batch", None, (128, 40)),
        (256, "underfit", 100, (128, 40)),  # these 100 validate
        (0, "large_batch", 60, (8, 140)),
        (0, "large_batch", 10, "its batches are small"),
        (4096, "large_batch", 10, "its batches are small"),
        (0, "large_batch", None, "it is not known how many items a batch of all has"),
        (0, "beaten_by_simple", 100, "it is not known how many items a batch of all has"),
    ],
)
def test_half_a_batch_is_half_of_what_it_takes_of_the_items_learned_from(
    batch_size: int, name: str, items: int | None, expected: Any
) -> None:
    recipe = Recipe(model=Choice("mlp"), training=Training(steps=20, batch_size=batch_size)).filled()
    found = Finding(name, "warning", "…", {} if items is None else {"items": items})
    other = plugins.load("remedies", "smaller_batch").apply(recipe, found)
    told = other.reason if isinstance(other, NotApplicable) else (other.training.batch_size, other.training.steps)
    assert told == expected


@pytest.mark.parametrize("name", [name for name in plugins.names("models") if name != "own"])
def test_of_every_network_it_is_known_whose_inputs_it_is_for(name: str) -> None:
    assert modalities_of(Recipe(model=Choice(name)))
    assert modalities_of(Recipe(model=Choice("own"))) == []
