"""Opens the sealed test part: counted, written down, and scored with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from penjing.core import plugins, seal, split, statistics
from penjing.core.budget import Clock
from penjing.core.errors import DataError, RunError, TargetMissed
from penjing.core.events import Warned, Watch, tell
from penjing.core.files import check_writable, write_json
from penjing.core.report import write_report
from penjing.core.run import Run, now
from penjing.core.score import Score
from penjing.training import engine
from penjing.workflows import _close, _simple
from penjing.workflows._load import Loaded, load
from penjing.workflows._place import place_of
from penjing.workflows._prepare import Prepared, prepare
from penjing.workflows._pretrained import seen_through
from penjing.workflows._problem import pose
from penjing.workflows._wish import stored_wish, wish_of
from penjing.workflows.diagnose import told_of


@dataclass(frozen=True)
class Tested:
    """What the sealed test part says of a run.

    Attributes:
        scores: of the network, the watched metric first.
        floor: simple model → its score in the watched metric.
        opening: how many times this test part has been opened now, by any run.
        leaked: test items with a copy or a group member in the training part, in a given split.
        without_leaked: the watched score without those; None where there are none.
        run: the run.
    """

    scores: tuple[Score, ...]
    floor: dict[str, Score]
    opening: int
    leaked: int
    without_leaked: Score | None
    run: Run

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "run": str(self.run.path),
            "scores": [score.to_dict() for score in self.scores],
            "floor": {name: score.to_dict() for name, score in self.floor.items()},
            "opening": self.opening,
            "leaked": self.leaked,
            "without_leaked": self.without_leaked.to_dict() if self.without_leaked else None,
        }

    def __str__(self) -> str:
        return f"test {self.scores[0].metric} {self.scores[0]} (opening {self.opening} of this test part)"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{score.metric}</td><td>{score}</td></tr>" for score in self.scores)
        return f"<b>test</b> (opening {self.opening})<table>{rows}</table>"


def open_seal(run: Run, data: object | None = None, watch: Watch = None, model: object | None = None) -> Tested:
    """Score a run on the sealed test part, and write the opening down before anything is shown.

    Args:
        run: a run with weights.
        data: where the data are now; None takes the place they had.
        watch: is told what happens.
        model: a person's own network, where the run cannot make it again.

    Raises:
        TargetMissed: the run has no test part, and the message says why; it carries the best score there is.
        DataError: the data are not there any more, or test items are missing, or were dealt anew.
        RunError: the run has no weights, or neither the opening nor its score can be written down.
        KeyboardInterrupt: a person stopped it; where that was after the opening, it says so.
    """
    loaded = load(run, model=model)
    dealt = split.Split.read(run.path / "split.parquet")
    if not len(dealt.index("test")):
        raise _nothing_sealed(run, dealt)
    prepared = _prepared(run, data, dealt)
    prepared = seen_through(_with_outputs_of(loaded, prepared, run), loaded.recipe.pretrained)
    rows = prepared.rows("test")
    network = loaded.network
    problem = pose(prepared, prepared.rows("train"), rows, loaded.learned, {})
    logits = engine.outputs(network, problem.items, rows)
    task, settings = _close.task_of(loaded.recipe)
    shown = _simple.bordered(prepared, loaded.recipe.training.border)
    floor = _simple.recall_floor(run.path, shown, shown.rows("train"), shown.rows("valid"), rows)
    answers = _with_kept_thresholds(run, task, _close.answers_of(task.answer(logits, loaded.calibrated), floor))
    task.metric(settings.metric)  # one of a person's own may be gone, and that must cost no opening
    check_writable(run.path)
    # Written down before anyone can see the scores: an opening cannot be taken back.
    opening = _open(run, dealt)
    try:
        scores = _close.score_all(task, settings, answers, prepared.truth[rows], prepared.groups[rows], "test")
        tested = _tested(run, prepared, loaded, answers, scores, rows, opening)
        _keep(run, scores, tested, watch)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the test part had been opened by then, and opening {opening} counts") from None
    if opening > 1:
        tell(watch, Warned(f"this test part has been opened {opening} times; each look makes its score less honest"))
    return tested


def _nothing_sealed(run: Run, dealt: split.Split) -> TargetMissed:
    """Why a run has no test part, with the score that stands in for it."""
    used = dealt.frame.filter(pl.col("part") != "excluded")
    options = wish_of(run.info).data.options
    by = f' by "{options.group}"' if options.group else f" by --group-from {options.group_from}"
    few = split.too_few(len(used), used["group"].n_unique(), by if options.group or options.group_from else "")
    if run.info["seal"].get("is_given"):
        few = "the parts that its data bring have none (--split none deals them anew)"
    best = run.scores[0] if run.scores else None
    over = "folds" if best is not None and best.part == "folds" else "validation items"
    instead = "" if best is None else f". The score over {over} stands in for it: {best}"
    # What has become of the items since: a run that goes on from another keeps that one's seal, even where it has none.
    return TargetMissed(f"{run.path} has no test part: {few or 'neither had the run it goes on from'}{instead}", best)


def _prepared(run: Run, data: object | None, dealt: split.Split) -> Prepared:
    info = run.info
    if data is None and info["data"].get("path") is None:
        raise DataError(f"{run.path} was made from data in memory; give them again: pj.test(run, data=…)")
    place = place_of(run, data)
    wish = stored_wish(run)
    prepared = prepare(place, wish, Clock(is_binding=False), None, dealt, frozenset(dealt.frame["hash"]))
    sealed = set(dealt.frame["hash"].gather(dealt.index("test").tolist()))
    missing = sealed - set(prepared.hashes)
    if missing:
        raise DataError(
            f"{len(missing)} of {len(dealt.index('test'))} test items are not in {place} any more, or have changed; "
            "a score on the rest would not be that of this seal. Give the data as they were with --data"
        )
    if {prepared.hashes[row] for row in prepared.rows("test").tolist()} != sealed:
        raise DataError(
            f"the split that comes with {place} holds other test items than when {run.path} was made, which may have "
            "learned from them; give the data as they were with --data, or train anew"
        )
    return prepared


def _with_outputs_of(loaded: Loaded, prepared: Prepared, run: Run) -> Prepared:
    """The data with targets encoded as the network's outputs are, whatever classes they have gained since.

    Raises:
        DataError: a test item now has a class or a label that the run does not know.
    """
    if loaded.recipe.task.name == "tag":
        return _with_labels_of(loaded, prepared, run)
    if loaded.recipe.task.name != "classify":
        return prepared
    place = {name: number for number, name in enumerate(loaded.classes)}
    now_known = [place.get(name, -1) for name in prepared.classes]
    truth = np.array([now_known[number] if number >= 0 else -1 for number in prepared.truth], dtype=np.int64)
    if (truth[prepared.rows("test")] < 0).any():
        raise DataError(f"test items now have classes that {run.path} does not know; give the data as they were")
    return replace(prepared, classes=tuple(loaded.classes), truth=truth)


def _with_labels_of(loaded: Loaded, prepared: Prepared, run: Run) -> Prepared:
    """The same for labels: a column of the truth for each that the network answers; one that no item has any more is 0
    throughout."""
    column = {name: number for number, name in enumerate(prepared.classes)}
    rows, unknown = prepared.rows("test"), [column[name] for name in column if name not in loaded.classes]
    if (prepared.truth[rows][:, unknown] > 0).any():
        raise DataError(f"test items now have labels that {run.path} does not know; give the data as they were")
    nobody = np.where(prepared.truth[:, :1] < 0, prepared.truth[:, :1], 0)
    truth = [prepared.truth[:, [column[name]]] if name in column else nobody for name in loaded.classes]
    return replace(prepared, classes=tuple(loaded.classes), truth=np.concatenate(truth, axis=1))


def _with_kept_thresholds(run: Run, task: Any, answers: Sequence[_close.Answers]) -> list[_close.Answers]:
    """Every model with the threshold that validation chose for it."""
    kept = run.results.get("thresholds", {})
    found = {model: task.Threshold.from_dict(one) for model, one in kept.items() if one}
    return [replace(answer, threshold=found.get(answer.model)) for answer in answers]


def _open(run: Run, dealt: split.Split) -> int:
    seal_id = dealt.seal_id
    assert seal_id is not None, "a split with test items has a seal"
    seal.record_opening(seal_id, run.path.absolute().parent, run=run.path.name, recipe=run.recipe.id)
    return len(seal.openings(seal_id, run.path.absolute().parent))


def _tested(
    run: Run,
    prepared: Prepared,
    loaded: Loaded,
    answers: Sequence[_close.Answers],
    scores: Sequence[dict[str, Any]],
    rows: np.ndarray,
    opening: int,
) -> Tested:
    def score_of(found: dict[str, Any]) -> Score:
        return Score(**{name: value for name, value in found.items() if name != "model"})

    task = plugins.load("tasks", loaded.recipe.task.name)
    watched = scores[0]["metric"]
    leaked = np.isin(rows, prepared.split.leaked())
    rest = None
    if leaked.any() and not leaked.all():
        kept = ~leaked
        rest = statistics.score(
            task.metric(loaded.recipe.task.settings["metric"], loaded.threshold),
            prepared.truth[rows[kept]],
            answers[0].answer[kept],
            part="test",
            groups=prepared.groups[rows[kept]],
        )
    others = [found for found in scores if found["model"] != "network"]
    return Tested(
        tuple(score_of(found) for found in scores if found["model"] == "network"),
        {found["model"]: score_of(found) for found in others if found["metric"] == watched},
        opening,
        int(leaked.sum()),
        rest,
        run,
    )


def _keep(run: Run, scores: Sequence[dict[str, Any]], tested: Tested, watch: Watch) -> None:
    """Write the score down; where that fails it is said: the opening is spent, so the score is told all the same."""
    try:
        _write(run, scores, tested)
    except RunError as problem:
        tell(watch, Warned(f"the score could not be kept: {problem}"))


def _write(run: Run, scores: Sequence[dict[str, Any]], tested: Tested) -> None:
    earlier = [found for found in run.results.get("scores", []) if found["part"] != "test"]
    write_json(run.path / "results.json", {**run.results, "scores": [*earlier, *scores], "tested": now()})
    why = f"opening {tested.opening} of this test part"
    run.note("opening", str(tested.scores[0]), why, opening=tested.opening, scores=list(scores))
    write_report(run.path, pictures=bool(run.info["wish"]["pictures"]), **told_of(run))
