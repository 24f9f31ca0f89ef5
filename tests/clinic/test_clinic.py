"""The clinic itself: what it promises of its faults, its cases, its resuming and its arithmetic."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from clinic.carry import Outcome, ready
from clinic.data import Sample

from clinic import cases, data, faults, healthy, networks, questions, repair, rounds, score
from penjing.core import plugins
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe, change

# Findings that a fault requires and no check gives yet. A check that is built leaves this list.
NOT_BUILT_YET: set[str] = set()


def little(pictures: bool = True) -> Sample:
    """Forty items of two classes: pictures of noise, or two columns of numbers."""
    draw = np.random.default_rng(0)
    inputs = (
        {"image": draw.integers(0, 256, (40, 16, 16), dtype=np.uint8)}
        if pictures
        else {"a": draw.normal(size=40).tolist(), "b": draw.normal(size=40).tolist()}
    )
    return Sample(inputs, ["cat", "dog"] * 20, ["train"] * 20 + ["valid"] * 12 + ["test"] * 8, {})


# ---- faults


def test_every_fault_requires_a_finding_that_a_check_gives_or_that_is_named_as_not_built_yet() -> None:
    checks = set(plugins.names("checks"))
    required = {fault.required for fault in questions.EVERY.values()}
    assert len(questions.EVERY) >= 70
    assert required - checks == NOT_BUILT_YET


def test_a_fault_names_at_most_two_other_findings_and_never_the_required_one_again() -> None:
    for fault in questions.EVERY.values():
        assert len(set(fault.also)) == len(fault.also) <= 2
        assert fault.required not in fault.also


def test_at_least_twenty_faults_were_asked_about_and_say_where() -> None:
    asked = [fault.asked for fault in questions.QUESTIONS.values()]
    assert len(asked) >= 20
    assert all(place.startswith("http") or place == "docs/article.md" for place in asked)
    assert any(fault.only == () and fault.asked == "docs/article.md" for fault in questions.QUESTIONS.values())


def test_every_fault_changes_a_recipe_a_network_the_data_or_the_order() -> None:
    for name, fault in questions.EVERY.items():
        ways = [fault.recipe, fault.plan, fault.sample, fault.stall_seconds, not fault.is_shuffled]
        assert any(ways), name


def test_every_recipe_fault_makes_a_valid_recipe_of_what_healthy_ones_are() -> None:
    for name, fault in questions.EVERY.items():
        if fault.recipe is None or fault.stall_seconds or not fault.is_shuffled:
            continue
        fitting = [one for one in data.DATA if cases.fits(fault, one)]
        assert fitting, name
        for found in {(data.DATA[one].modality, data.DATA[one].task) for one in fitting}:
            recipe = healthy.any_recipe(*found, np.random.default_rng(0))
            if fault.plan is not None:
                recipe = change(recipe, faults.PLAIN)
            assert change(recipe, fault.recipe(recipe, fault.strengths[0])) != recipe, name


def test_every_recipe_fault_changes_whatever_the_fresh_part_draws_from() -> None:
    for name, fault in questions.EVERY.items():
        if fault.recipe is None or fault.plan is not None or fault.stall_seconds or not fault.is_shuffled:
            continue
        for one in data.names("fresh"):
            found, draw = data.DATA[one], np.random.default_rng(0)
            for _ in range(8 if cases.fits(fault, one) else 0):
                recipe = healthy.any_recipe(found.modality, found.task, draw, found.steps, "fresh")
                assert change(recipe, fault.recipe(recipe, fault.doses("fresh")[0])) != recipe, (name, one)


def test_data_faults_do_what_they_say() -> None:
    draw = np.random.default_rng(1)
    spoiled = {name: faults.FAULTS[name].sample for name in faults.FAULTS}
    assert len(spoiled["too few examples"](little(), 6, draw).rows("train")) == 6  # type: ignore[misc]
    leaked = spoiled["copies that leak"](little(), 0.5, draw)  # type: ignore[misc]
    assert len(leaked.rows("train")) == 26
    valid = {picture.tobytes() for picture in leaked.inputs["image"][leaked.rows("valid")]}
    assert sum(picture.tobytes() in valid for picture in leaked.inputs["image"][leaked.rows("train")]) == 6
    flipped = spoiled["wrong labels"](little(), 1.0, draw)  # type: ignore[misc]
    assert flipped.label == ["dog", "cat"] * 20
    moved = spoiled["labels counted otherwise"](little(), 1, draw)  # type: ignore[misc]
    assert moved.label[:2] == ["cat", "dog"]
    assert moved.label[20:22] == ["dog", "cat"]
    other = spoiled["another kind to validate"](little(False), 1.0, draw)  # type: ignore[misc]
    assert other.inputs["a"][:20] == little(False).inputs["a"][:20]
    assert np.mean(other.inputs["a"][20:32]) > np.mean(little(False).inputs["a"][20:32]) + 1
    told = spoiled["the answer among the inputs"](little(False), 1.0, draw)  # type: ignore[misc]
    assert told.inputs["outcome"][:2] == ["code 0", "code 1"]


def test_a_plain_network_without_a_fault_learns_and_with_zero_weights_does_not() -> None:
    from penjing.models.own import Own
    from penjing.training import engine
    from penjing.training._whole import described

    sample = little(False)
    sample = sample.with_input("a", [(-1.0) ** row * 2 for row in range(40)])
    ward = ready(sample)
    best = {}
    for name, plan in {"sound": networks.Plan(), "zero": networks.Plan(scale=0.0)}.items():
        from dataclasses import replace

        own = Own(networks.build(ward.problem, plan, 0))
        recipe = change(Recipe().filled(), {**faults.PLAIN, "training.steps": 40, "machine.threads": 1})
        recipe = replace(recipe, model=described(own, ward.problem, "classify", 0)).filled()
        best[name] = engine.carry_out(recipe, replace(ward.problem, own=own)).best
    assert best["sound"] == 1.0
    assert best["zero"] == 0.5


# ---- cases


def test_the_cases_follow_from_the_seed() -> None:
    first, again, other = (cases.cases(seed=seed) for seed in (1, 1, 2))
    assert [case.id for case in first] == [case.id for case in again]
    assert [case.id for case in first] != [case.id for case in other]
    assert len({case.id for case in first}) == len(first)


def test_there_are_as_many_runs_as_were_promised_and_some_of_every_fault_and_modality() -> None:
    found = cases.cases()
    sick = [case for case in found if case.fault]
    assert len(sick) >= 300
    assert len(found) - len(sick) == cases.HEALTHY >= 200
    assert {case.fault for case in sick} == set(questions.EVERY)
    assert {data.DATA[case.data].modality for case in sick} == {"image", "sound", "text", "table"}
    early = {data.DATA[case.data].modality for case in found[:20]}
    assert early == {"image", "sound", "text", "table"}  # any first few hold something of everything


def test_no_part_shares_a_data_set_with_another_and_each_has_other_strengths() -> None:
    found = {part: cases.cases(part) for part in data.PARTS}
    places = [{case.data for case in some} for some in found.values()]
    assert sum(map(len, places)) == len(set.union(*places)) == len(data.DATA)
    for some in found.values():
        assert {case.fault for case in some if case.fault} == set(questions.EVERY)
    dosed = [fault for fault in questions.EVERY.values() if len(fault.strengths) > 1]
    assert all(set(fault.unseen) != set(fault.strengths) for fault in dosed)
    measured = [fault for fault in dosed if not fault.is_count]
    assert all(not set(fault.doses("fresh")) & {*fault.strengths, *fault.unseen} for fault in measured)


def test_the_cases_of_the_final_part_are_those_that_were_opened() -> None:
    """A hash of the list as it was when the part was opened last."""
    found = "\n".join(case.id for case in cases.cases("final"))
    assert hashlib.sha256(found.encode()).hexdigest()[:16] == "5e8754194f20a1ec"


def test_the_best_of_every_data_set_is_known() -> None:
    known = healthy.recall()
    assert {healthy.key(name, 0) for name in data.DATA} <= set(known)


def test_strengths_of_the_fresh_part_lie_between_those_of_the_others() -> None:
    fault = faults.Fault("recipe", "overfit", (), (-8.0, -20.0), (-12.0,))
    assert [fault.doses(part) for part in data.PARTS] == [(-8.0, -20.0), (-12.0,), (-9.8, -15.5)]
    counted = faults.Fault("network", "underfit", (), (3.0, 8.0), (5.0,), is_count=True)
    assert counted.doses("fresh") == (4.0, 6.0)
    known = faults.Fault("network", "underfit", (), (3.0, 4.0), (5.0,), is_count=True)
    assert known.doses("fresh") == (4.0,)  # no whole number is left between them
    assert faults.Fault("recipe", "wrong_loss").doses("fresh") == (1.0,)


def test_shards_share_out_all_cases_once() -> None:
    found = cases.cases()
    dealt = [case.id for number in range(1, 5) for case in cases.shard(found, f"{number}/4")]
    assert sorted(dealt) == sorted(case.id for case in found)


def test_the_final_part_is_opened_three_times_at_most_and_each_time_is_written_down(tmp_path: Path) -> None:
    file = tmp_path / "openings.json"
    for number in range(cases.MOST_OPENINGS["final"]):
        assert cases.open_part("final", "a test", "now", "abc", f"code {number}", file)
        assert cases.openings("final", file) == number + 1
        assert cases.open_part(
            "final", "a test", "later", "abc", f"code {number}", file
        )  # going on is no other opening
        assert cases.openings("final", file) == number + 1
    with pytest.raises(SystemExit, match="has been opened 3 times"):
        cases.open_part("final", "once more", "now", "abc", "another code", file)
    assert len(json.loads(file.read_text(encoding="utf-8"))["openings"]) == 3


def test_the_fresh_part_is_opened_once_and_gone_on_with_by_the_very_same_code(tmp_path: Path) -> None:
    file = tmp_path / "fresh_openings.json"
    assert cases.openings("fresh", file) == 0
    opened = cases.open_part("fresh", "a test", "now", "abc", "a code", file)
    assert opened == cases.open_part("fresh", "a test", "later", "abc", "a code", file) == cases.cases("fresh")
    with pytest.raises(SystemExit, match="the fresh part has been opened once"):
        cases.open_part("fresh", "once more", "now", "abc", "another code", file)
    (kept,) = json.loads(file.read_text(encoding="utf-8"))["openings"]
    assert (kept["when"], kept["code"]) == ("now", "a code")
    assert cases.OPENINGS["fresh"] != cases.OPENINGS["final"]


def test_the_code_that_decides_has_a_hash() -> None:
    assert len(cases.code_id()) == 16
    assert cases.code_id() == cases.code_id()


# ---- resuming


def test_what_is_done_is_passed_over_and_a_cut_line_is_done_again(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    three = [case for case in cases.cases() if case.fault][:3]
    finding = Finding("overfit", "warning", "It over-fits.")
    asked: list[str] = []

    def carried(case: cases.Case, out: Path) -> tuple[Any, Outcome]:
        asked.append(case.id)
        return None, Outcome(out, 0.5, (finding,), "", 1.0)

    with patch.object(rounds, "carry_out", carried), patch.object(rounds, "commit", lambda: "abc"):
        assert rounds.run(three[:2], file, tmp_path, time.monotonic() + 60) == 2
        with file.open("a", encoding="utf-8") as opened:
            opened.write('{"id": "' + three[2].id)  # the machine stopped here
        assert rounds.run(three, file, tmp_path, time.monotonic() + 60) == 1
        assert rounds.run(three, file, tmp_path, time.monotonic() - 1) == 0
    assert asked == [case.id for case in three]
    assert [line["id"] for line in rounds.lines(file)] == [case.id for case in three]


# ---- the arithmetic


def line(fault: str, found: list[tuple[str, str]], *, is_healthy: bool | None = None) -> dict[str, Any]:
    return {
        "fault": fault,
        "kind": "recipe" if fault else "healthy",
        "modality": "image",
        "value": 0.9 if fault == "a" else None,
        "best": 0.91,
        "required": "overfit" if fault else None,
        "also": ["miscalibrated"] if fault else [],
        "is_healthy": is_healthy,
        "findings": [[name, level, ""] for name, level in found],
    }


def test_recall_precision_and_false_alarms_of_a_table_that_is_reckoned_by_hand() -> None:
    table = [
        line("a", [("overfit", "warning"), ("few_items", "info")]),  # recognised
        line("a", [("overfit", "info"), ("miscalibrated", "warning"), ("leak", "warning")]),  # and one false alarm
        line("b", [("crawling", "error")]),  # missed, one false alarm
        line("b", []),  # missed
        line("", [], is_healthy=True),
        line("", [("few_items", "info")], is_healthy=True),
        line("", [("overfit", "warning")], is_healthy=True),
        line("", [("overfit", "warning")], is_healthy=False),  # not healthy enough to count
    ]
    for seconds, one in enumerate(table, 3):
        one["seconds"] = seconds
    told = score.scored(table)
    assert told["seconds"] == {"median": 6.5, "runs": 8, "within": 6, "most": 10.0}
    assert told["recall"]["value"] == 2 / 4
    assert told["precision"]["value"] == 2 / 4  # two of the four grave findings are named by the fault
    assert told["healthy_false_alarms"]["value"] == 1 / 3
    assert told["not_healthy_enough"] == 1
    assert told["of_faults_that_did_harm"]["recall"]["value"] == 0 / 2  # "a" came within two points of the best
    assert told["by_fault"]["a"]["recall"]["value"] == 1
    assert told["false_alarms_on_sick"] == {"leak": 1, "crawling": 1}
    assert told["missed"] == {"overfit": 2}


def test_the_interval_is_clopper_and_pearson_s() -> None:
    """Their table: 10 of 10 at 95 % is 0.6915 to 1; 8 of 10 is 0.4439 to 0.9748; 0 of 20 is 0 to 0.1684."""
    for right, of, low, high in ((10, 10, 0.6915, 1.0), (8, 10, 0.4439, 0.9748), (0, 20, 0.0, 0.1684)):
        found = score.share(right, of)
        assert found["low"] == pytest.approx(low, abs=5e-5)
        assert found["high"] == pytest.approx(high, abs=5e-5)
    assert score.share(0, 0)["value"] is None


def test_repairs_are_judged_on_the_items_that_the_fault_took_away_too() -> None:
    part = ["train"] * 6 + ["valid"] * 2 + ["test"] * 4
    label = ["a", "b"] * 6
    clean = Sample({"x": np.arange(12), "note": [str(row) for row in range(12)]}, label, part, {})
    sick = clean.take(np.array([0, 1, 2, 4, 6, 7, 8, 10]))  # most of b is gone, from the test part too
    found = repair._with_true_test(sick, clean)
    assert found.rows("test").tolist() == [6, 7, 8, 9]
    assert found.inputs["x"].tolist() == [0, 1, 2, 4, 6, 7, 8, 9, 10, 11]
    assert found.inputs["note"][-4:] == ["8", "9", "10", "11"]
    assert list(found.label)[-4:] == ["a", "b", "a", "b"]


def test_a_random_search_tries_each_recipe_once_and_counts_only_what_ends_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Recipes 1 to 5 in turn, each twice, at a second each; the later, the better."""
    clock, base, asked = [0.0], Recipe().filled(), list[int]()
    drawn = iter([1, 1, 2, 1, 2, 3, 3, 4, 4, 5])

    def trained(_: Any, recipe: Recipe, trials: Any = None) -> Any:
        if trials is not None:
            asked.append(recipe.seed)
            clock[0] += 1.0
        return SimpleNamespace(value=0.1 * recipe.seed)

    monkeypatch.setattr(repair, "_trained", trained)
    monkeypatch.setattr(repair, "_composed", lambda *_: change(base, {"seed": next(drawn)}))
    monkeypatch.setattr(repair, "Bench", lambda *_: "trials")
    monkeypatch.setattr(repair, "speaking_for", lambda *_: None)
    monkeypatch.setattr(repair, "can_follow", lambda _: False)
    monkeypatch.setattr(repair, "Run", lambda _: SimpleNamespace(recipe=base))
    monkeypatch.setattr(repair, "time", SimpleNamespace(process_time=lambda: clock[0]))
    ward: Any = SimpleNamespace(prepared=SimpleNamespace(task="classify"))
    found = repair.searched(ward, base, SimpleNamespace(run="", findings=()), 3.5, 7)  # type: ignore[arg-type]
    assert asked == [1, 2, 3, 4]
    assert (found.trainings, found.recipe.seed, found.late_seconds) == (3, 3, 0.5)
    assert found.told()["trainings"] == 3


def test_a_random_composition_with_folds_learns_from_both_parts_as_a_treatment_does() -> None:
    prepared = SimpleNamespace(groups=np.arange(30), strata=lambda rows: rows % 3)
    ward: Any = SimpleNamespace(
        problem=SimpleNamespace(train=np.arange(20), valid=np.arange(20, 30)), prepared=prepared
    )
    apart: Any = SimpleNamespace(mixes_parts=False)
    folded, both = change(Recipe(), {"split.folds": 5}), list(range(30))
    deal = repair._dealt(ward, Recipe(), apart, is_last=False)
    assert (deal.train.tolist(), deal.valid.tolist()) == (both[:20], both[20:])
    deal = repair._dealt(ward, folded, apart, is_last=False)
    assert len(deal.valid) == 6
    assert sorted([*deal.train.tolist(), *deal.valid.tolist()]) == both
    last = repair._dealt(ward, folded, apart, is_last=True)
    assert (last.train.tolist(), last.valid.tolist()) == (both, [])
    taken: Any = SimpleNamespace(mixes_parts=True, learned=np.arange(24), screened=np.arange(24, 30))
    for recipe in (Recipe(), folded):  # one fold of both parts tells which is better
        deal = repair._dealt(ward, recipe, taken, is_last=False)
        assert (deal.train.tolist(), deal.valid.tolist()) == (both[:24], both[24:])


def test_repair_counts_what_came_within_two_points_of_the_healthy_run() -> None:
    def mended(nothing: float, treated: float, random: float, refused: str = "", known: float = 0.9) -> dict[str, Any]:
        sign = int(np.sign(treated - random))
        told = {
            "kind": "recipe",
            "beside_random": sign,
            "healthy": 0.9,
            "nothing": nothing,
            "treated": treated,
            "random": random,
            "anew": 0.5,
            "known": known,
        }
        return {**told, "refused": refused, "processor_seconds": 1.0}

    lines = [
        mended(0.5, 0.89, 0.6),  # brought back, and better than random search
        mended(0.5, 0.5, 0.88, "no"),  # refused; random search brought it back
        mended(0.7, 0.80, 0.8),  # equal
        mended(0.1, 0.2, 0.2, known=0.3),  # no recipe brings it back
        {"kind": "data", "healthy": 0.9, "nothing": 0.89},  # not sick enough
    ]
    told = repair.scored(lines, score.share)
    assert (told["runs"], told["sick"], told["refused"]) == (5, 4, 1)
    shares = {way: found["right"] for way, found in told["brought_back"].items()}
    assert shares == {"treated": 1, "nothing": 0, "random": 1, "anew": 0}
    assert {kind: (found["right"], found["n"]) for kind, found in told["by_kind"].items()} == {"recipe": (1, 4)}
    curable = told["curable_brought_back"]
    assert {way: (found["right"], found["n"]) for way, found in curable.items()} == {
        "treated": (1, 3),
        "nothing": (0, 3),
        "random": (1, 3),
        "anew": (0, 3),
    }
    assert told["better_than_random"]["right"] == 1
    assert told["as_good_as_random"]["right"] == 3
    assert {name: one["right"] for name, one in told["clearly_beside_random"].items()} == {"better": 1, "worse": 1}


def test_what_items_earn_is_the_metric_and_tells_a_clear_difference_from_luck() -> None:
    draw = np.random.default_rng(0)
    truth = draw.normal(size=300)
    said = truth + draw.normal(scale=0.5, size=300)
    left = np.square(said - truth).sum() / np.square(truth - truth.mean()).sum()
    assert repair.earnings(said, truth).mean() == pytest.approx(1 - left)
    right = np.arange(300) % 10 > 0  # nine of ten
    luck, less = right.copy(), right.copy()
    luck[:3] = ~luck[:3]
    less[:60] = False
    assert repair.beside(repair.earnings(right, None), repair.earnings(luck, None)) == 0
    assert repair.beside(repair.earnings(right, None), repair.earnings(less, None)) == 1
    assert repair.beside(repair.earnings(less, None), repair.earnings(right, None)) == -1
    assert repair.beside(None, repair.earnings(right, None)) == -1
