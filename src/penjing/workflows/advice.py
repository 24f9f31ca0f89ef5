"""What would most likely help next, in a line or two, from what the run itself shows."""

from __future__ import annotations

from typing import Any

from penjing.core.report.text import METHODS, many, winning_floor
from penjing.core.run import Run
from penjing.core.score import is_higher_better

# Under this many items a class, features learned elsewhere or more items usually beat any other choice.
FEW_A_CLASS = 200
# An interval of a test score on fewer items is wider than most differences that matter.
FEW_SEALED = 200
# A network that knows its training items this much better than new ones has learned them by heart: a difference of a
# metric that is best at 1, or a share of an error.
LARGE_GAP, LARGE_SHARE = 0.10, 1 / 3


def what_would_help(run: Run) -> list[str]:
    """Plain sentences; none where nothing stands out."""
    counts = run.info["data"]["classes"]
    smallest = min(counts, key=lambda name: counts[name], default=None)  # numbers and labels are not counted
    found = []
    better = winning_floor(run.results)
    if better is not None:
        method = METHODS.get(better["model"], better["model"]).lower()
        found.append(
            f"what would help: {method} are as good or better here and cost seconds; a network needs more items, "
            "unless penjing diagnose finds it ill"
        )
    if smallest is not None and counts[smallest] < FEW_A_CLASS and not _is_without_fault(run):
        install = run.info.get("lacking") or []
        elsewhere = f", or features learned elsewhere: {' && '.join(install)}" if install else ""
        found.append(
            f"what would help: more items (the smallest class, {smallest}, has {counts[smallest]}; "
            f"under {FEW_A_CLASS} a class every further item counts){elsewhere}"
        )
    elif _knows_by_heart(run):
        found.append("what would help: more data; the network knows its training items far better than new ones")
    sealed = run.info["seal"]["items"]
    if 0 < sealed < FEW_SEALED and run.recipe.split.folds == 0:
        found.append(
            f"the test part holds {many(sealed, 'item')}, so its score will be rough; "
            "--folds 5 scores every other item too"
        )
    return found


def _is_without_fault(run: Run) -> bool:
    """Whether every validation item was answered rightly: no score can tell that more items would help."""
    score = _chosen(run)
    return is_higher_better(score) and score.get("value") == 1


def _chosen(run: Run) -> dict[str, Any]:
    """The network's score by which it was chosen, as far as it is there."""
    metric = run.results["chosen_by"]
    return next((one for one in run.results["scores"] if one["metric"] == metric), {"metric": metric})


def _knows_by_heart(run: Run) -> bool:
    """Whether training items were answered far better than validation items at the last evaluation."""
    steps, metric = run.steps, run.results["chosen_by"]
    train, valid = (steps[-1].get(f"{part}/{metric}") if steps else None for part in ("train", "valid"))
    if train is None or valid is None:
        return False
    if is_higher_better(_chosen(run)):
        return bool(train - valid > LARGE_GAP)
    return bool(valid - train > LARGE_SHARE * valid)
