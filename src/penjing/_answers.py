"""What the commands answer: the document for --json and the lines for people. Nothing is printed here."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing.core.errors import PenjingError
from penjing.core.events import Warned, Watch, tell

if TYPE_CHECKING:
    from penjing.core.run import Run
    from penjing.workflows.open_seal import Tested
    from penjing.workflows.predict import Predictions

Answer = tuple[dict[str, Any], list[str]]


def of_run(run: Run) -> Answer:
    """What `fit` ends with: the score beside the floor, what would help, and the next step."""
    from penjing.core.report.text import floor_lines, made_from, winning_floor
    from penjing.workflows.advice import what_would_help

    advice = what_would_help(run)
    document = {
        "run": str(run.path),
        "status": run.status,
        "results": run.results,
        "recipe_id": run.recipe.id,
        "advice": advice,
    }
    place = shlex.quote(str(run.path))
    has_test = run.info["seal"]["id"] is not None
    further = f" · penjing test {place} (opens the seal)" * has_test
    look = f"penjing diagnose {place} · " * (winning_floor(run.results) is not None)
    treated = [f"treatment: {line['why']}" for line in run.ledger if line["what"] == "treated"]
    scored = floor_lines(run.results, made_from(run.ledger))
    return document, [*scored, *treated, *advice, f"next:  {look}penjing report {place}{further}"]


def of_test(tested: Tested) -> Answer:
    """What opening the seal says: scores, the floor beside them, and what makes them less honest."""
    floor = "".join(f"   {name.replace('_', ' ')} {score.value:.3f}" for name, score in tested.floor.items())
    lines = [f"test  {tested.scores[0].metric} {tested.scores[0]}{floor}"]
    lines += [f"      {score.metric} {score}" for score in tested.scores[1:]]
    lines.append(f"{tested.scores[0].n} sealed items; opening {tested.opening} of this test part")
    if tested.leaked:
        rest = "" if tested.without_leaked is None else f"; without them: {tested.without_leaked}"
        lines.append(f"{tested.leaked} test items have a copy or a group member in the training part{rest}")
    return tested.to_dict(), lines


def of_predictions(found: Predictions, is_written: bool, is_document: bool) -> Answer:
    """Each answer, unless they are written to a file, and what they come to; what could not be read was warned of.

    Args:
        found: the answers.
        is_written: whether they are in a file already.
        is_document: whether the document is asked for, else the lines: many items times many classes are no trifle.
    """
    if is_document:
        return found.to_dict(), []
    return {}, [*([] if is_written else found.lines()), *found.summary()]


def of_runs(folder: Path, runs: Sequence[Run], watch: Watch) -> Answer:
    """One line a run; `watch` is told of those that are damaged."""
    from penjing.core.units import show_bytes

    rows, lines = [], []
    for run in runs:
        try:
            score = run.scores[0].to_dict() if run.scores else None
            rows.append({"run": str(run.path), "status": run.status, "score": score, "size_bytes": run.size_bytes})
            lines.append(f"{run}   {show_bytes(run.size_bytes)}")
        except PenjingError as problem:  # one damaged run does not hide the others
            tell(watch, Warned(str(problem)))
    return {"folder": str(folder), "runs": rows}, lines or [f"no runs in {folder}/"]


def of_plugins(kind: str) -> Answer:
    """The plug-ins of a kind, or of all kinds where it is ""."""
    from penjing.core import plugins

    kinds = [kind] if kind else list(plugins.KINDS)
    found = {one: {name: plugins.find(one, name).summary for name in plugins.names(one)} for one in kinds}
    lines = []
    for one, named in found.items():
        lines += [one] if not kind else []
        width = max(map(len, named), default=0)
        lines += [f"{'' if kind else '  '}{name:<{width}}  {summary}" for name, summary in named.items()]
    return {"plugins": found}, lines


def of_cache() -> Answer:
    """What is kept of decoded items, and where."""
    from penjing.core import cache
    from penjing.core.files import cache_folder
    from penjing.core.units import show_bytes

    found = cache.sizes()
    rows = [{"id": one.id, "what": one.what, "items": one.items, "size_bytes": one.size_bytes} for one in found]
    lines = [f"{one.id}  {one.items} items  {show_bytes(one.size_bytes)}  {one.what}" for one in found]
    return {"folder": str(cache_folder()), "entries": rows}, [*lines, f"in {cache_folder()}"]
