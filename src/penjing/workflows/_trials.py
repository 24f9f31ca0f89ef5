"""Trials of one training with something changed, in pairs: the same seeds, the same items, the same order of batches.

What is tried first is measured where the run chose (on validation), once, which claims nothing. The verdict is told on
other items, with several seeds: on the `confirm` part where there is one, or else on folds of the training items, each
judged by networks that did not learn from it. Where training items are few, half of those that validate judge in their
place, and the others choose alone: no item that chose what is tried judges anything. Where training and validation
items are taken together (`_together`), one fold of both chooses and the others judge. Items whose number to predict
lies so far out that it would settle any metric by itself are learned from as ever, but neither choose nor judge.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl

from penjing.core import split, statistics
from penjing.core.errors import PenjingError, UsageError, is_of_memory
from penjing.core.recipe import Recipe, uncompiled
from penjing.models.own import NAME as OWN
from penjing.models.own import Own
from penjing.tasks._floor.constant import Majority
from penjing.training import engine
from penjing.training._whole import check_weights
from penjing.training.engine import Problem
from penjing.workflows import _doubted
from penjing.workflows._at_half import at_half
from penjing.workflows._doubted import Doubts
from penjing.workflows._hidden import choosing_without_border
from penjing.workflows._limits import NO_LIMITS, BehindError, Curve, Guard, Limits, SeeingTooSlowError, TooSlowError
from penjing.workflows._prepare import Prepared
from penjing.workflows._pretrained import EmbeddingSlot, seeing_seconds, seen_through
from penjing.workflows._problem import pose
from penjing.workflows._slots import narrowed

FOLDS = 3  # that judge where there is no part for it
FEWEST_JUDGING = 5  # groups that judge, where they are a part of their own
FEWEST_LATER = 30  # groups of half of the items that validate, which judge in the place of folds where there is a time
DOUBTED_DEAL = 1  # of the folds that judge where labels are doubted anew for each of them

JudgedOn = Literal["confirm", "valid", "folds"]

# What ends one trial and no more: a network that does not take what it is given, a full memory, what torch refuses.
TRIAL_ERRORS = (UsageError, MemoryError, RuntimeError)


@dataclass(frozen=True)
class Screened:
    """One training, and what it says of items that it did not learn from.

    Attributes:
        answer: on those rows, one row of answers each.
        history: one line for each evaluation, as in a record; empty where the training diverged.
        seconds: it took, without those in which encoders saw the items.
        threshold: from which on an item is taken to have a label, chosen on the rows that choose; None takes one half.
        moved: the answers, moved so that these thresholds lie at one half; None where the metric asks for none.
        again: the same training with other seeds.
    """

    answer: np.ndarray
    history: Sequence[Mapping[str, Any]]
    seconds: float
    threshold: Any = None
    moved: np.ndarray | None = None
    again: tuple[Screened, ...] = ()

    @property
    def scored(self) -> np.ndarray:
        """What a metric without thresholds is told: trainings have thresholds of their own, and are judged together."""
        return self.answer if self.moved is None else self.moved

    @property
    def steps(self) -> pl.DataFrame | None:
        """The lines as a record has them; None without any."""
        return pl.DataFrame(list(self.history), infer_schema_length=None) if self.history else None

    @property
    def curve(self) -> Curve:
        """How the watched metric grew."""
        known = [(int(line["step"]), float(line["value"])) for line in self.history if line.get("value") is not None]
        best = np.maximum.accumulate([value for _, value in known])
        return [(step / self.history[-1]["step"], float(value)) for (step, _), value in zip(known, best, strict=True)]


@dataclass(frozen=True)
class Deal:
    """Rows that are learned from, that choose the weights, and that judge.

    Attributes:
        name: tells deals apart.
        is_whole: whether pictures that choose and judge are shown with their border, wherever others are not.
        is_read: whether checks read the history of the training, which a short one spends a tenth of its time on.
    """

    name: tuple[int, ...]
    train: np.ndarray
    valid: np.ndarray
    judged: np.ndarray
    is_whole: bool = False
    is_read: bool = False


@dataclass
class Bench:
    """The data of a run, on which its training is repeated with changes.

    Attributes:
        prepared: as they were read; recipes see them through the encoders that they name.
        task: the plug-in.
        doubted: labels that networks doubt which may have learned from what judges. In a verdict others take their
            place, doubted by networks that did not; see `doubts_of`.
        border: share of a picture's side, at either end, without which pictures that choose and judge are shown, for it
            tells the answer; 0 shows them whole.
        mixes_parts: whether the data are read in folds of all items outside the test part for a run that has none: a
            recipe without folds learns from training items and chooses on validation items all the same.
        own: a person's own network, of which each training takes a copy; None where a recipe makes its network.
    """

    prepared: Prepared
    task: Any
    doubted: Doubts | None = None
    border: float = 0.0
    mixes_parts: bool = False
    own: Own | None = None
    _posed: dict[Any, Problem] = field(default_factory=dict, repr=False)
    _seen: dict[str, Prepared] = field(default_factory=dict, repr=False)
    _seeing: dict[str, float] = field(default_factory=dict, repr=False)  # seconds that it took
    _pairs: dict[frozenset[int], np.ndarray] = field(default_factory=dict, repr=False)
    _doubts: dict[tuple[int, ...], dict[str, str]] = field(default_factory=dict, repr=False)

    @property
    def judged_on(self) -> JudgedOn:
        """What judges: the part that was kept for it, half of the validation items, or folds of what is learned from; a
        part of very few groups would take them for all there are."""
        confirm = self.prepared.rows("confirm")
        groups = len(np.unique(self.prepared.groups[confirm]))
        if len(confirm) and groups >= min(FEWEST_JUDGING, len(confirm)):
            return "confirm"
        return "valid" if len(self.lent) else "folds"

    @property
    def has_time(self) -> bool:
        """Whether items come one after another, as a column says."""
        return bool(self.prepared.table.role("time"))

    @cached_property
    def lent(self) -> np.ndarray:
        """Half of the rows that validate, in order, where there are more of them than rows to learn from and no part is
        kept for verdicts; of data with a time where half of them are `FEWEST_LATER` groups, for folds of what is
        learned from would learn from what comes later."""
        valid, train = self.prepared.rows("valid"), self.prepared.rows("train")
        groups, known = self.prepared.groups[valid], self.prepared.groups[train]
        if len(self.prepared.rows("confirm")) or self.prepared.split.folds or len(valid) == 0:
            return valid[:0]
        fewest = 2 * (FEWEST_LATER if self.has_time else len(np.unique(known)))
        if len(np.unique(groups)) < fewest:
            return valid[:0]
        return valid[split.inner_folds(groups, self.task.stratify(self.prepared.truth[valid]), 2) == 1]

    @cached_property
    def aside(self) -> np.ndarray:
        """Rows that neither choose nor judge, in order."""
        rows, truth = self.prepared.rows("train", "valid", "confirm"), self.prepared.truth
        if self.prepared.task != "regress" or not len(rows):
            return rows[:0]
        return rows[statistics.far_out(truth[rows])]

    @property
    def judged(self) -> np.ndarray:
        """Rows that judge, in order."""
        rows = {"confirm": self.prepared.rows("confirm"), "valid": self.lent, "folds": self.learned}
        return self.fair(rows[self.judged_on])

    @property
    def screened(self) -> np.ndarray:
        """Rows that a first trial is measured on, in order: those that validate, or the first fold of a run with
        folds."""
        return self.fair(self._validating)

    @property
    def _validating(self) -> np.ndarray:
        if not self.prepared.split.folds:
            return np.setdiff1d(self.prepared.rows("valid"), self.lent)
        outside = self.prepared.rows("train", "valid")
        return outside[self.prepared.split.frame["fold"].to_numpy()[outside] == 0]

    @property
    def groups(self) -> int:
        """How many groups there are that folds can be made of; an item without one is its own."""
        return len(np.unique(self.prepared.groups[self.learned]))

    @property
    def judging_groups(self) -> int:
        """How many groups judge; an item without one is its own."""
        return len(np.unique(self.prepared.groups[self.judged]))

    @property
    def learned(self) -> np.ndarray:
        """Rows that are learned from where none of them judges, in order."""
        return np.setdiff1d(self.prepared.rows("train", "valid"), np.concatenate([self._validating, self.lent]))

    def fair(self, rows: np.ndarray) -> np.ndarray:
        """The rows that may choose and judge."""
        return rows[~np.isin(rows, self.aside)]

    def check_own(self, recipe: Recipe) -> None:
        """Refuse a person's own network that begins with other weights than the recipe of its run says.

        Raises:
            UsageError: it does, or does not take what the data give.
        """
        if recipe.model.name == OWN:
            deal = Deal((), self.learned, self.screened, self.screened)
            otherwise = "give the object itself with model="
            check_weights(recipe, self._problem(recipe, deal, math.inf), otherwise)

    def screen(self, recipe: Recipe, limits: Limits = NO_LIMITS, is_read: bool = True) -> Screened:
        """One training, measured on the rows that also chose its weights.

        Args:
            is_read: whether checks read its history.

        Raises:
            TooSlowError: it would take longer than the limits allow.
            BehindError: it was given up half-way.
        """
        valid = self.screened
        return self.train(recipe, Deal((), self.learned, valid, valid, is_read=is_read), limits)

    def turn(self, number: int, folds: int) -> list[Deal]:
        """Deals by which every item that judges does so once.

        Args:
            number: of the turn; each deals folds of its own, unless labels are doubted anew for each fold.
            folds: that judge where no items apart do; there must be as many groups.
        """
        if self.judged_on == "folds":
            return list(self._folds(folds, number + 1 if self.doubted is None else DOUBTED_DEAL))
        return [Deal((-1,), self.learned, self.screened, self.judged)]

    def _folds(self, folds: int, seed: int) -> Iterator[Deal]:
        rows = self.learned
        fold = self._folded(rows, folds, seed)
        for number in np.unique(fold).tolist():
            yield Deal((seed, number), rows[fold != number], self.screened, self.fair(rows[fold == number]))

    def _folded(self, rows: np.ndarray, folds: int, seed: int) -> np.ndarray:
        """Int[rows]: the fold of each row; groups and, as far as they allow, classes are dealt evenly."""
        return split.inner_folds(self.prepared.groups[rows], self.task.stratify(self.prepared.truth[rows]), folds, seed)

    def train(self, recipe: Recipe, deal: Deal, limits: Limits = NO_LIMITS) -> Screened:
        """A network that is trained as the recipe says, and what it answers on the rows that judge.

        A training that diverges answers what a constant would: nobody would use anything else of it. So does, for a
        verdict, one that is worse than that on the rows that choose, by a metric that has no worst value: a few such
        would settle any mean.

        Raises:
            TooSlowError, BehindError: it left its limits.
            MemoryError: the memory was not enough.
            UsageError: a person's own network does not take what the recipe gives it.
        """
        begun, seeing = time.monotonic(), sum(self._seeing.values())
        dealt = self._as_dealt(recipe, deal)
        problem = self._problem(recipe, dealt, limits.seconds, limits.seeing)
        if len(dealt.valid):  # else those that choose thresholds alone
            deal = replace(deal, valid=dealt.valid)
        begun += sum(self._seeing.values()) - seeing
        truth = self.prepared.truth
        left = replace(limits, seconds=limits.seconds - (time.monotonic() - begun))
        plain = uncompiled(recipe)
        try:
            with _network_at_fault(recipe):
                trained = engine.carry_out(plain, problem, watch=Guard(plain, left), is_recorded=deal.is_read)
                parts = (deal.valid, deal.judged)
                chosen, judged = (engine.outputs(trained.network, problem.items, rows) for rows in parts)
        except engine.NOTHING_LEARNED:
            return self._told_nothing(recipe, problem, deal, (), begun)
        if not (np.isfinite(chosen).all() and np.isfinite(judged).all()):
            return self._told_nothing(recipe, problem, deal, (), begun)
        calibrated = self.task.calibrate(chosen, truth[deal.valid])
        choosing = np.asarray(self.task.answer(chosen, calibrated))
        if deal.name and self._is_useless(recipe, problem, choosing, deal.valid):
            return self._told_nothing(recipe, problem, deal, trained.history, begun)
        answer = np.asarray(self.task.answer(judged, calibrated))
        return self._told(recipe, deal, choosing, answer, trained.history, begun)

    def _as_dealt(self, recipe: Recipe, deal: Deal) -> Deal:
        """A deal as a recipe learns under it; see `mixes_parts`. One with folds keeps the last weights where they
        judge, as the network does that learns from all."""
        if not self.mixes_parts:
            return deal
        if recipe.split.folds:
            return replace(deal, valid=deal.valid[:0]) if deal.name else deal
        held = np.setdiff1d(self.learned, deal.train) if deal.name else self._validating
        train, valid = (np.setdiff1d(self.prepared.rows(part), held) for part in ("train", "valid"))
        if not len(train) or not len(self.fair(valid)):
            raise UsageError("the groups are so large that nothing is left to learn from or to choose by")
        return replace(deal, train=train, valid=self.fair(valid))

    def _told_nothing(
        self, recipe: Recipe, problem: Problem, deal: Deal, history: Sequence[Mapping[str, Any]], begun: float
    ) -> Screened:
        """A training of which nobody would use anything but what a constant says."""
        choosing, answer = (self._constant(recipe, problem, len(rows)) for rows in (deal.valid, deal.judged))
        return self._told(recipe, deal, choosing, answer, history, begun)

    def _told(
        self,
        recipe: Recipe,
        deal: Deal,
        choosing: np.ndarray,
        answer: np.ndarray,
        history: Sequence[Mapping[str, Any]],
        begun: float,
    ) -> Screened:
        """What a training says, with the thresholds that serve its answers best on the rows that choose."""
        settings, truth = self.task.Settings(**recipe.task.settings), self.prepared.truth[deal.valid]
        moved, threshold = at_half(answer, choosing, truth, self.task, settings, self.prepared.classes)
        return Screened(answer, history, time.monotonic() - begun, threshold, moved)

    def _is_useless(self, recipe: Recipe, problem: Problem, answer: np.ndarray, rows: np.ndarray) -> bool:
        """Whether a constant answers these rows better, by a metric without a worst value."""
        metric = self.task.metric(self.task.Settings(**recipe.task.settings).metric)
        if math.isfinite(metric.bounds[0 if metric.is_higher_better else 1]) or not len(rows):
            return False
        truth = self.prepared.truth[rows]
        found, constant = metric(truth, np.asarray(answer)), metric(truth, self._constant(recipe, problem, len(rows)))
        return bool(found < constant) if metric.is_higher_better else bool(found > constant)

    def _constant(self, recipe: Recipe, problem: Problem, count: int) -> np.ndarray:
        """Float32[count, outputs]: what a model says that knows only how frequent the answers are."""
        truth = problem.truth[self.fair(problem.train)]
        return Majority.learn(recipe.task.name, truth, len(problem.classes)).answer(count)

    def held_out(self, recipe: Recipe, limits: Limits = NO_LIMITS) -> np.ndarray:
        """Answers on the training rows, each from a network that learned from the others."""
        deals = [replace(deal, is_whole=True) for deal in self._folds(FOLDS, 0)]
        answers = np.concatenate([self.train(recipe, deal, limits).answer for deal in deals])
        found: np.ndarray = answers[np.argsort(np.concatenate([deal.judged for deal in deals]))]
        return found

    def doubt_anew(self, limits: Limits = NO_LIMITS) -> None:
        """Train all that `doubts_of` needs.

        Raises:
            TooSlowError: it would take longer than the limits allow.
            MemoryError: the memory was not enough.
        """
        assert self.doubted is not None, "labels are doubted"
        begun = time.monotonic()
        for deal in self.turn(0, self.doubted.folds):
            self.doubts_of(deal, limits.seconds - (time.monotonic() - begun))

    def doubts_of(self, deal: Deal, seconds: float = math.inf) -> dict[str, str]:
        """What is doubted of the items that are learned from under a deal of a verdict, hash → the class it is taken
        for. No network that doubts them learned from, or was chosen by, an item that judges there."""
        assert self.doubted is not None, "labels are doubted"
        if deal.name not in self._doubts:
            found = self._judged_labels(deal, seconds)
            self._doubts[deal.name] = _doubted.told(self.prepared, *found, self.doubted.is_steady)
        return self._doubts[deal.name]

    def _judged_labels(self, deal: Deal, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows that are learned from under a deal, and the answers on them of networks that neither saw them nor what
        judges. In folds, one network for each two folds answers on both: whichever judges, the other is learned from.
        """
        assert self.doubted is not None, "labels are doubted"
        begun, rows = time.monotonic(), self.learned
        if self.judged_on != "folds":
            return rows, self.held_out(self.doubted.recipe, Limits(seconds))
        fold = self._folded(rows, self.doubted.folds, DOUBTED_DEAL)
        judging, parts = deal.name[-1], []
        for other in np.setdiff1d(fold, [judging]).tolist():
            both = np.isin(fold, [judging, other])
            if both.all():  # nothing is left to learn from
                continue
            pair = frozenset({judging, other})
            if pair not in self._pairs:
                apart = Deal((DOUBTED_DEAL, *sorted(pair)), rows[~both], self.screened, rows[both], is_whole=True)
                limits = Limits(seconds - (time.monotonic() - begun))
                self._pairs[pair] = self.train(self.doubted.recipe, apart, limits).answer
            is_other = fold[both] == other
            parts.append((rows[both][is_other], self._pairs[pair][is_other]))
        if not parts:
            return rows[:0], np.zeros((0, len(self.prepared.classes)), np.float32)
        return np.concatenate([rows for rows, _ in parts]), np.concatenate([answer for _, answer in parts])

    def seeing_of(self, recipe: Recipe) -> float:
        """Seconds in which the recipe's encoders saw all items; 0 where they did not yet, or there are none."""
        return self._seeing.get(_encoders_of(recipe), 0.0)

    def _see(self, recipe: Recipe, seconds: float) -> Prepared:
        """The data through the encoders of a recipe, which see all items now and never again.

        Raises:
            SeeingTooSlowError: they would take longer.
        """
        encoders = _encoders_of(recipe)
        if encoders not in self._seen:
            needed = sum(seeing_seconds(self.prepared, recipe.pretrained).values())
            if needed > seconds:
                raise SeeingTooSlowError(needed)
            begun, seen = time.monotonic(), seen_through(self.prepared, recipe.pretrained)
            rows = self.prepared.rows("train", "valid", "confirm")
            for slot in seen.slots:
                if isinstance(slot, EmbeddingSlot):
                    slot.values({}).take(rows if slot.present is None else rows[slot.present[rows]])
            self._seen[encoders], self._seeing[encoders] = seen, time.monotonic() - begun
        return self._seen[encoders]

    def _problem(self, recipe: Recipe, deal: Deal, seconds: float, seeing: float | None = None) -> Problem:
        """What is learned under a deal; the last one is kept, for the next recipe usually asks for the same.

        Items that the recipe leaves out, or takes for another class, are so in learning only: what chooses and what
        judges stays as the data have it. In a verdict, items that are so because their labels are doubted are those
        that are doubted without what judges. Columns of a table that it does not name are not learned from.

        Raises:
            TooSlowError: the recipe's encoders would take longer than the seconds for all items, or networks that doubt
                labels would.
            UsageError: its encoders see the border that is to be hidden.
        """
        before = self.prepared.corrections
        dropped = set(recipe.data.drop) - set(before.drop)
        taken = {item: name for item, name in recipe.data.relabel.items() if before.relabel.get(item) != name}
        if self.doubted is not None and deal.name and self.doubted.concern(recipe.data):
            begun, own = time.monotonic(), self.doubts_of(deal, seconds)
            seconds -= time.monotonic() - begun
            known = self.doubted.hashes
            dropped = (dropped - known).union(own) if dropped & known else dropped
            if known.intersection(taken):
                taken = {**{item: name for item, name in taken.items() if item not in known}, **own}
        columns = recipe.data.inputs
        key = (
            _encoders_of(recipe),
            columns,
            deal.name,
            deal.train.tobytes(),
            deal.valid.tobytes(),
            deal.is_whole,
            self.border,
            tuple(sorted(dropped)),
            tuple(sorted(taken.items())),
        )
        if key not in self._posed:
            hashes = self.prepared.hashes
            train = np.array([row for row in deal.train.tolist() if hashes[row] not in dropped], dtype=np.int64)
            truth = self.prepared.truth.copy() if taken else self.prepared.truth
            for row in train.tolist() if taken else ():
                if hashes[row] in taken:
                    truth[row] = self.prepared.classes.index(taken[hashes[row]])
            self._posed.clear()
            if self.border and sees_whole_pictures(self.prepared, recipe):
                raise UsageError("a pretrained encoder sees pictures whole, and their border tells the answer")
            seen = self._see(recipe, seconds if seeing is None else seeing)
            told = replace(seen, slots=narrowed(seen.slots, columns), truth=truth)
            posed = pose(told, train, deal.valid, own=self.own)
            if self.border and not deal.is_whole:
                posed = choosing_without_border(posed, self.border)
            self._posed[key] = posed
        return self._posed[key]


@contextmanager
def _network_at_fault(recipe: Recipe) -> Iterator[None]:
    """What a person's own network raises where it does not take what a recipe gives it, such as inputs of another size,
    ends one trial and no more; so does a full memory.

    Raises:
        MemoryError: the memory was not enough.
        UsageError: a person's own network raised something.
    """
    try:
        yield
    except (PenjingError, TooSlowError, BehindError):
        raise
    except Exception as problem:
        if is_of_memory(problem):
            raise MemoryError("there was not enough memory") from problem
        if recipe.model.name != OWN:
            raise
        (first, *_) = str(problem).splitlines() or [type(problem).__name__]
        raise UsageError(f"your network cannot be trained so: {first}") from problem


def sees_whole_pictures(prepared: Prepared, recipe: Recipe) -> bool:
    """Whether an encoder of the recipe reads pictures, of which no border can be hidden from it."""
    return any(slot.modality == "image" and slot.name in recipe.pretrained for slot in prepared.slots)


def _encoders_of(recipe: Recipe) -> str:
    return repr(sorted(recipe.pretrained.items()))
