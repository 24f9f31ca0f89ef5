"""Cases carried out one after the other, a line each; what is done already is passed over."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from _record import RESULTS, commit

from clinic import carry, data, healthy, networks, score
from clinic.cases import Case
from clinic.data import Sample
from clinic.faults import PLAIN, Fault
from clinic.questions import EVERY
from penjing.core.errors import UsageError
from penjing.core.randomness import stream
from penjing.core.recipe import Recipe, change
from penjing.training._loader import Items

LINES = RESULTS / "clinic"
DEVELOPMENT = LINES / "development.jsonl"
EXPERIMENT_SECONDS = 60.0  # by the clock, where a check waits for experiments
EVERY_HEALTHY = 10  # of so many healthy runs one is given experiments
# Units of a plain network in each part, times those that its fault says: networks are others too.
WIDTHS: Mapping[str, float] = {"development": 1.0, "final": 1.5, "fresh": 0.75}


def opened(part: str, opening: int) -> Path:
    """The lines of one opening of the final part or of the fresh one, counted from 1."""
    return LINES / f"{part}-{opening}.jsonl"


@functools.lru_cache(maxsize=12)
def clean_ward(name: str, number: int) -> carry.Ward:
    """A draw without a fault, read once."""
    return carry.ready(data.draw(name, number))


def sample_of(case: Case) -> Sample:
    """The items of a case, spoiled where its fault is in them."""
    sample, fault = data.draw(case.data, case.draw), EVERY.get(case.fault)
    if fault is None or fault.sample is None:
        return sample
    return fault.sample(sample, case.strength, stream(case.seed, f"clinic {case.fault}"))


def recipe_of(case: Case, is_plain: bool | None = None) -> Recipe:
    """The recipe of a case: the best that is known, with what the fault changes.

    Args:
        is_plain: whether it is for a plain network; None follows the fault.
    """
    if not case.fault:
        draw = stream(case.seed, f"clinic healthy {case.data}")
        return healthy.variation(case.data, case.draw, draw, case.seed)
    fault = EVERY[case.fault]
    recipe = replace(healthy.best_recipe(case.data, case.draw), seed=case.seed)
    if fault.plan is not None if is_plain is None else is_plain:
        recipe = change(recipe, PLAIN)
    return recipe if fault.recipe is None else change(recipe, fault.recipe(recipe, case.strength))


def has_experiments(case: Case) -> bool:
    """Whether `diagnose` is given time for experiments: where the fault's check waits for them, and of some healthy
    runs."""
    if not case.fault:
        return case.seed % EVERY_HEALTHY == 0
    return score.waits(EVERY[case.fault].required)


def carry_out(case: Case, out: Path) -> tuple[carry.Ward, carry.Outcome]:
    """The run of a case, and its data."""
    fault = EVERY.get(case.fault, Fault("none", ""))
    ward = clean_ward(case.data, case.draw) if fault.sample is None else carry.ready(sample_of(case))
    module = None
    if fault.plan is not None:
        plan = fault.plan(case.strength)
        plan = replace(plan, width=round(plan.width * WIDTHS[data.DATA[case.data].part]))
        module = networks.build(ward.problem, plan, case.seed, fault.preprocess)
    recipe = suited(recipe_of(case), ward)
    with _slow(fault.stall_seconds * case.strength, recipe.training.batch_size):
        outcome = carry.carry_out(
            ward,
            recipe,
            out,
            module=module,
            preprocess=fault.preprocess,
            gives=fault.gives,
            is_shuffled=fault.is_shuffled,
            experiment_seconds=EXPERIMENT_SECONDS if has_experiments(case) else None,
        )
    return ward, outcome


def suited(recipe: Recipe, ward: carry.Ward) -> Recipe:
    """Batches no larger than the training part."""
    most = len(ward.problem.train)
    return change(recipe, {"training.batch_size": min(recipe.training.batch_size, most)})


@contextlib.contextmanager
def _slow(seconds: float, batch_size: int) -> Iterator[None]:
    """Inside the block every batch that is cut from the items takes so much longer, as from a slow disk; several that
    are cut together take so much longer each."""
    if not seconds:
        yield
        return
    cut = Items.batch

    def batch(items: Items, rows: Any) -> Any:
        time.sleep(seconds * max(1, len(rows) // max(1, batch_size)))
        return cut(items, rows)

    with patch.object(Items, "batch", batch):
        yield


def line_of(case: Case, outcome: carry.Outcome) -> dict[str, Any]:
    """What is kept of a run."""
    fault = EVERY.get(case.fault)
    return {
        "id": case.id,
        "fault": case.fault,
        "kind": fault.kind if fault else "healthy",
        "modality": data.DATA[case.data].modality,
        "data": case.data,
        "strength": case.strength,
        "seed": case.seed,
        "value": outcome.value,
        "best": healthy.recall()[healthy.key(case.data, case.draw)]["best"],
        "is_healthy": healthy.is_healthy(case.data, case.draw, outcome.value) if fault is None else None,
        "required": fault.required if fault else None,
        "also": list(fault.also) if fault else [],
        "findings": [[one.name, one.level, one.message[:300]] for one in outcome.findings],
        "experiments": has_experiments(case),
        "failure": outcome.failure,
        "seconds": round(outcome.seconds, 2),
        "commit": commit(),
    }


def done(file: Path) -> set[str]:
    """The ids of the cases that have a line; a line that was cut off does not count."""
    return {line["id"] for line in lines(file)}


def lines(file: Path) -> list[dict[str, Any]]:
    """The lines of a file, the last one of each id."""
    found: dict[str, dict[str, Any]] = {}
    if file.exists():
        for text in file.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                line = json.loads(text)
                found[line["id"]] = line
    return list(found.values())


def append(file: Path, line: Mapping[str, Any]) -> None:
    """One line more, on a line of its own even behind one that was cut off."""
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.read_bytes() if file.exists() else b""
    is_cut = bool(before) and not before.endswith(b"\n")
    with file.open("a", encoding="utf-8") as opened:
        opened.write("\n" * is_cut + json.dumps(line, ensure_ascii=False) + "\n")


def run(cases: Sequence[Case], file: Path, folder: Path, until: float) -> int:
    """Carry out what is not done yet, until the clock (`time.monotonic`) says so. Returns how many were."""
    known, count = done(file), 0
    for case in cases:
        if case.id in known or time.monotonic() > until:
            continue
        out = folder / "run"
        try:
            _, outcome = carry_out(case, out)
        except UsageError as misfit:  # a network that does not fit the data is no run
            append(file, {"id": case.id, "fault": case.fault, "misfit": str(misfit)})
            continue
        finally:
            shutil.rmtree(out, ignore_errors=True)
        append(file, line_of(case, outcome))
        count += 1
        names = [f"{one.name}" for one in outcome.findings if one.level != "info"]
        print(f"{case.id}: {outcome.value} {names} {outcome.seconds:.1f} s", flush=True)
    return count
