"""The search for what may help: remedies tried one after another, each on top of those that looked good before it.

findings → remedies → one training each → what looked good, in order

It is a forward selection on the validation items, with one seed or few, so it claims nothing. After every remedy that
looked good the findings are told anew from that training's own record, as a doctor looks again before the next
prescription; at last, what looked no better before is tried on top of what did. Luck of one seed looks good as often
as not, and what is kept for luck hides what is better. So where trainings are cheap, what does not look worse with one
seed is trained with others too; where they are less so, what looks better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from penjing import checks
from penjing.core import plugins
from penjing.core.events import Progress, Watch, tell
from penjing.core.finding import Finding
from penjing.core.randomness import stream
from penjing.core.recipe import Recipe
from penjing.core.record import Record
from penjing.core.report.text import metric_name
from penjing.core.spread import deviation, standard_error, units_that_tell
from penjing.core.statistics import Metric
from penjing.core.units import show_seconds
from penjing.remedies import STANDS_OUT, NotApplicable, Suited, suited
from penjing.training._plan import planned_anew, total_steps
from penjing.workflows._allowance import USUAL_PROMISING, USUAL_TRIED
from penjing.workflows._limits import BehindError, Limits, SeeingTooSlowError, TooSlowError
from penjing.workflows._naming import Naming
from penjing.workflows._steps import Outcome, Step, Treated
from penjing.workflows._trials import TRIAL_ERRORS, Bench, Screened

MOST_DOSES = 3  # of one remedy
SHORTENED = 0.8  # of the updates that would just fit into the time
LEAST_SHORTENED = 0.5  # of the best training's updates, with fewer than which nothing is tried
# Times the noise that a remedy must gain which no finding points at, once others looked good or if nothing was found.
UNPOINTED = 2.0
CLEAR = 4.0  # times the noise, from which on a gain on validation is more than luck would bring often
SURER_ERRORS, SURER_SHARE = 3.0, 0.02  # standard errors and share by which a loss is clearly lower
NOTHING_LEFT = 0.01  # loss of an item, where all are right
CHEAPER = 0.75  # times the seconds of a training, below which that is said of what looks as good
SEEDS_APART = 10**6  # of trainings that tell together whether something looks better
MARGIN = 2.0  # standard errors that a training may be behind half-way
STAGE = "trying remedies"
NOTHING_TO_GAIN = "nothing was left to gain on validation"  # why something was not tried, which no time changes
NO_FINDING = Finding("no finding", "info", "Nothing that was found points at it.")


class _Unmeasured(NamedTuple):
    """Why a training tells nothing of a remedy."""

    outcome: Outcome
    why: str


@dataclass
class Search:
    """A search on its way.

    Attributes:
        bench: what trains.
        metric: what is watched.
        base: the recipe to begin with.
        findings: of its training.
        infos: what was found that is no trouble; the remedies that suit it are tried with the others.
        longest: the most seconds that the next training may take, as things stand.
        decide: is told what becomes of each remedy.
        watch: is told how far the search is.
        steps: what looked good so far.
        without: remedies that are not tried.
        relax: makes `longest` longer, at a price.
        tighten: takes that back.
        record_of: a recipe and its training → what checks may read of it.
        screenings: (seconds of a training, remedies) → how many with seeds of their own tell of so many whether they
            look better.
        longest_seeing: the most seconds that encoders may take to see all items.
        naming: names the items that remedies ask for which no finding points at; None names none.
        first: what is tried before all that suits the findings.
    """

    bench: Bench
    metric: Metric
    base: Recipe
    findings: Sequence[Finding]
    longest: Callable[[], float]
    decide: Callable[[Treated], None]
    watch: Watch = None
    steps: list[Step] = field(default_factory=list)
    without: frozenset[str] = frozenset()
    infos: Sequence[Finding] = ()
    relax: Callable[[], None] = lambda: None
    tighten: Callable[[], None] = lambda: None
    record_of: Callable[[Recipe, Screened], Record] = lambda _, found: Record(steps=found.steps)
    longest_seeing: Callable[[], float] = lambda: math.inf
    screenings: Callable[[float, int], int] = lambda *_: 1
    naming: Naming | None = None
    first: Sequence[Suited] = ()

    def __post_init__(self) -> None:
        rows = self.bench.screened
        self._truth = self.bench.prepared.truth[rows]
        self._unit = units_that_tell(self.bench.prepared.groups[rows], len(rows))
        self._seen: set[str] = set()
        self._tried: dict[str, Suited] = {}
        self._lost: dict[str, int] = {}  # what looked no better → on top of how many steps
        self._repeated: set[str] = set()  # what was tried once more
        self._turned: set[tuple[str, str]] = set()  # remedies, each with a finding that it was turned to
        self._late: list[Suited] = []  # that there was no time for
        self._slow: dict[str, float] = {}  # recipe → seconds of a training that was too slow
        self._count = 1  # trainings that tell whether something looks better
        self._is_sparing = False  # whether only what looks better with one seed is trained with others
        self._is_patient = False  # whether these are tried once more, with fewer updates if it must be
        self._is_lenient = False  # whether what no finding points at need not gain more than others
        self._gained: dict[str, float] = {}  # what looked no better → what it gained all the same
        self.best = self.base

    def begin(self, seconds: float) -> float:
        """Train as the recipe says, for what others are held against; the seconds that it took.

        Raises:
            TooSlowError: it would take longer than it may.
        """
        limits = Limits(seconds, seeing=self.longest_seeing())
        found = self.bench.screen(self.base, limits)
        self._count, self._is_sparing = self._looks(found.seconds)
        self._take(self.base, self._again_with_seeds(self.base, found, lambda: seconds))
        self._begun = self._at
        return self._at.seconds

    def promising(self) -> list[Suited]:
        """What looked no better, but gained something on validation, the most first; not what is about items that a
        finding names."""
        settled = {one.name for step in self.steps for one in step.remedies}
        order = sorted(self._gained, key=lambda name: self._gained[name], reverse=True)
        found = [self._tried[name] for name in order if name not in settled and self._gained[name] > 0]
        return [one for one in found if "hashes" not in one.finding.evidence][:USUAL_PROMISING]

    def begin_anew(self) -> None:
        """Forget what looked good, and ask less of what no finding points at."""
        self.steps, self._is_lenient, self._is_patient = [], True, False
        for known in (self._tried, self._lost, self._repeated, self._turned, self._late, self._seen):
            known.clear()
        self._count, self._is_sparing = self._looks(self._begun.seconds)
        self._take(self.base, self._begun)

    def run(self, asked: Sequence[Suited] = ()) -> None:
        """Try remedies until none is left that may help, or there is no time.

        Args:
            asked: those to try and no others, in this order; () takes `first`, what suits the findings, old and new,
                then what takes longer, and then all others. Either way, what looked no better is tried once more on top
                of what looked good after it.
        """
        queue = list(asked)
        if not queue:
            names = self.without.union(one.name for one in self.first)
            queue = [*self.first, *(one for one in suited(list(self.findings), self.base) if one.name not in names)]
        further = [self._patient, *([] if asked else [self._others])]
        while queue or further or (queue := self._again()):
            if not queue:
                queue = further.pop(0)()
                continue
            if self._is_perfect:
                for left in queue:
                    if left.name not in self._tried:
                        self.decide(Treated(left.name, left.finding.name, "not tried", NOTHING_TO_GAIN))
                return
            one = queue.pop(0)
            tell(self.watch, Progress(STAGE, len(self._tried), one.name, len(self._tried) + len(queue) + 1))
            if self._try(one):
                queue = [one, *self._turned_to(one), *(queue if asked else self._ranked_anew(queue, one))]
            else:
                queue = [*self._turned_to(one), *queue]

    def _turned_to(self, one: Suited) -> list[Suited]:
        """The same remedy for further findings, where it does something else for them, such as leave out what these
        name."""
        remedy, found = plugins.load("remedies", one.name), []
        self._turned.add((one.name, one.finding.name))
        known = remedy.apply(self.best, one.finding)
        for finding in (*self.findings, *self.infos):
            if finding.name not in remedy.TREATS or (one.name, finding.name) in self._turned:
                continue
            other = remedy.apply(self.best, finding)
            if not isinstance(other, NotApplicable) and other != known:
                self._turned.add((one.name, finding.name))
                found.append(replace(one, finding=finding))
        self._repeated |= {one.name} if found else set()
        return found

    def _patient(self) -> list[Suited]:
        """The remedies that there was no time for: there may be more now, or they may do with fewer updates."""
        late, self._late = self._late, []
        if late:
            self.relax()
        self._is_patient = True
        return late

    def _others(self) -> list[Suited]:
        """The remedies that suit no finding, in the time that is left: one may be the symptom of something else, and
        where nothing was found there may be something that no check sees."""
        self.tighten()
        settled = self.without.union(self._tried)
        told = {one.name: one for one in suited(list(self.infos), self.best)}
        found = [told.get(name) or _unpointed(name, self.best) for name in plugins.names("remedies")]
        # To name items takes trainings, so what asks for some comes last.
        asks = self.naming.asks if self.naming else lambda _: False
        return sorted((one for one in found if one.name not in settled), key=lambda one: (asks(one), *_promise(one)))

    def _again(self) -> list[Suited]:
        """What looked no better before something else did, once more: it may on top of that."""
        again = [name for name, steps in self._lost.items() if steps < len(self.steps)]
        for name in again:
            del self._lost[name]
        self._repeated |= set(again)
        return [self._tried[name] for name in again]

    def _ranked_anew(self, queue: Sequence[Suited], taken: Suited) -> list[Suited]:
        """What suits the best training's own findings first, then what else suited those before."""
        record = self.record_of(self.best, self._at)
        known = ("steps", "items", "choices")
        names = checks.names_for(*(reading for reading in known if getattr(record, reading) is not None))
        found = [one for one in checks.examine(record, names) if isinstance(one, Finding) and one.is_trouble]
        before = {one.name: one.evidence for one in self.findings}  # which may name the items that are meant
        told = [replace(one, evidence={**before.get(one.name, {}), **one.evidence}) for one in found]
        kept = [one for one in self.findings if one.name not in names]
        settled = self.without.union(self._tried)
        first = [one for one in suited([*told, *kept], self.best) if one.name not in settled]
        ranked = {one.name for one in first} | {taken.name}
        return [*first, *(one for one in queue if one.name not in ranked)]

    def _try(self, one: Suited) -> bool:
        """Train once with a remedy on top of the best recipe; True where that looked good."""
        doses = self._doses(one)
        if not doses:
            one = self.naming.named_late(one, self.best, self._at.seconds) if self.naming else one
            self._tried.setdefault(one.name, one)
        if doses >= MOST_DOSES or (doses and self.steps[-1].name != one.name):  # with others on top it is settled
            return False

        def decide(outcome: Outcome, why: str, times: float | None = None) -> bool:
            is_known = outcome in ("not applicable", "not tried") and one.name in self._repeated
            if not doses and not is_known:  # a further dose that does not help takes nothing from the first
                self.decide(Treated(one.name, one.finding.name, outcome, why, times=times))
            return False

        recipe = plugins.load("remedies", one.name).apply(self.best, one.finding)
        if reason := self._why_untrained(recipe):
            return decide("not applicable", reason)
        tried = self._carried_out(one, recipe)
        if isinstance(tried, _Unmeasured):
            return decide(tried.outcome, tried.why)
        trained, found = tried
        why = self._change(found)
        is_guess = one.finding.name == NO_FINDING.name and bool(self.steps or not self.findings)
        if not self.is_better(found, UNPOINTED if is_guess and not self._is_lenient else 1.0):
            self._gained[one.name] = self._mean_merit(found) - self._mean_merit(self._at)
            self._lost |= {} if doses else {one.name: len(self.steps)}
            times = found.seconds / max(self._at.seconds, 1e-9)
            if times < CHEAPER and self._mean_merit(found) > self._mean_merit(self._at) - self._noise:
                why = f"{why}, in {times:.1f} × the time; what is as good is not judged"
            return decide("screened out", why, times)
        self._keep(one, trained, found, most_updates=0 if trained is recipe else total_steps(trained.training))
        self.decide(self.steps[-1].told("looked good", why))
        return True

    def _why_untrained(self, recipe: Recipe | NotApplicable) -> str:
        """Why what a remedy makes of the best recipe is not trained; "" where it is."""
        if isinstance(recipe, NotApplicable):
            return recipe.reason
        if recipe.id in self._seen:
            return "another remedy gave the same recipe"
        return "its batches hold all items already" if self._is_same(recipe) else ""

    def _carried_out(self, one: Suited, recipe: Recipe) -> tuple[Recipe, Screened] | _Unmeasured:
        """The recipe that a remedy gave, shortened where it must be, and its trainings; or why there is none to tell
        by. What was late comes once more when there is more time."""
        longest = self.longest()
        if longest < (expected := self._expected(recipe)) and not self._is_patient:
            self._late.append(one)
            return _Unmeasured("not tried", f"{_would_take(expected)}, too long to judge it")
        self._seen.add(recipe.id)
        try:
            trained, found = self._screened(recipe, longest)
            if self._is_worth_more_seeds(found):
                found = self._again_with_seeds(trained, found, self.longest)
        except TooSlowError as slow:
            self._seen.discard(recipe.id)
            if not isinstance(slow, SeeingTooSlowError):  # that hangs on no number of updates
                self._slow[recipe.id] = slow.seconds
            self._late.append(one)
            return _Unmeasured("not tried", f"{_would_take(slow.seconds)}, too long to judge it")
        except BehindError as behind:
            self._lost |= {} if self._doses(one) else {one.name: len(self.steps)}
            why = f"given up after {behind.share:.0%} of its training, far behind"
            return _Unmeasured("screened out", f"{why}: {self._said(behind.value)}, was {self._said(behind.needed)}")
        except TRIAL_ERRORS as problem:
            (told, *_) = str(problem).splitlines() or ["there was not enough memory"]
            return _Unmeasured("failed", told)
        return trained, found

    def _doses(self, one: Suited) -> int:
        """How often a remedy is in the best recipe."""
        return sum(other.name == one.name for step in self.steps for other in step.remedies)

    def _change(self, found: Screened) -> str:
        """What a training made of the watched metric, in words."""
        before, after = self._mean_merit(self._at), self._mean_merit(found)
        change = f"{metric_name(self.metric.name)} {self._said(before)} → {self._said(after)}"
        each = "one training each" if self._count == 1 else f"up to {self._count} trainings each"
        return f"{change} on validation, {each}"

    def _keep(self, one: Suited, recipe: Recipe, found: Screened, most_updates: int) -> None:
        """Go on from a remedy that looked good: a step of its own, or one with what it is a further dose of.

        Args:
            most_updates: that the time allowed; 0 where it allowed all.
        """
        is_clear = self._mean_merit(found) - self._mean_merit(self._at) > CLEAR * self._noise
        step = Step((one,), self.best, recipe, self._at.seconds, found.seconds, is_clear, most_updates)
        if self._doses(one):
            self.steps[-1] = self.steps[-1].with_next(step)
        else:
            self.steps.append(step)
            self._lost.pop(one.name, None)
        self._take(recipe, found)

    def _is_same(self, recipe: Recipe) -> bool:
        """Whether it would train the same network as the best recipe: no batch holds more than all items."""
        items = len(self.bench.learned)

        def filled(one: Recipe) -> Recipe:
            size = min(one.training.batch_size or items, items)
            return replace(one, training=replace(one.training, batch_size=size))

        return filled(recipe) == filled(self.best)

    def _screened(self, recipe: Recipe, longest: float) -> tuple[Recipe, Screened]:
        """A recipe and its training; at last, where that would take too long, with as many updates as the time allows,
        if these are not far fewer than the best training has; more, where more of them is all that it changes.

        Raises:
            TooSlowError, BehindError: it left its limits.
            MemoryError: the memory was not enough.
        """
        # Half-way through another course, a training that ends well may be far behind.
        is_alike = recipe.schedule == self.best.schedule and recipe.optimiser.name == self.best.optimiser.name
        is_alike &= recipe.split == self.best.split  # of other items a curve tells nothing
        curve = self._at.curve if is_alike else ()
        limits = Limits(longest, curve, MARGIN * self._noise, self.longest_seeing())
        try:
            if longest < (expected := self._expected(recipe)):
                raise TooSlowError(expected)
            return recipe, self.bench.screen(recipe, limits)
        except SeeingTooSlowError:
            raise
        except TooSlowError as slow:
            left = self.longest()
            steps = int(SHORTENED * left / slow.seconds * total_steps(recipe.training))
            usual = total_steps(self.best.training)
            adds_only = replace(recipe, training=planned_anew(recipe.training, usual)) == self.best
            if not self._is_patient or steps <= (1.0 if adds_only else LEAST_SHORTENED) * usual:
                raise
        shorter = replace(recipe, training=planned_anew(recipe.training, steps))
        return shorter, self.bench.screen(shorter, replace(limits, seconds=left))

    def _expected(self, recipe: Recipe) -> float:
        """About the seconds of a training: what it would have taken when it was tried, or those of the best one, where
        only the updates differ as many times as there are more of them."""
        if recipe.id in self._slow:
            return self._slow[recipe.id]
        plan, best = recipe.training, self.best.training
        if replace(recipe, training=planned_anew(plan, total_steps(best))) != self.best:
            return self._at.seconds
        return self._at.seconds * total_steps(plan) / total_steps(best)

    @property
    def _is_perfect(self) -> bool:
        """Whether every validation item is right, and surely so: a few hundred that are all right leave something to
        gain on others."""
        best = self.metric.bounds[1] if self.metric.is_higher_better else -self.metric.bounds[0]
        if self._mean_merit(self._at) < best - 1e-9:
            return False
        return bool(self._mean_losses(self._at).mean() < NOTHING_LEFT)

    def is_better(self, found: Screened, times: float = 1.0) -> bool:
        """Whether a training looks better on the screened rows than the best one so far.

        Args:
            times: the noise that the metric must gain at least.
        """
        gain, least = self._mean_merit(found) - self._mean_merit(self._at), max(self._noise, 1e-9)
        return gain >= times * least - 1e-9 or (gain > -least - 1e-9 and self._is_surer(found))

    def _looks(self, seconds: float) -> tuple[int, bool]:
        """How many trainings tell whether something looks better, and whether only of what does so with the first."""
        of_all = self.screenings(seconds, USUAL_TRIED)
        return (of_all, False) if of_all > 1 else (self.screenings(seconds, USUAL_PROMISING), True)

    def _is_worth_more_seeds(self, found: Screened) -> bool:
        """Whether a training is not behind as it is, or looks better where seeds are spared."""
        return (
            self.is_better(found)
            if self._is_sparing
            else self._mean_merit(found) >= self._mean_merit(self._at) - self._noise
        )

    def _is_surer(self, found: Screened) -> bool:
        """Whether the loss is clearly lower, item by item: a training on the right way, before the metric shows it."""
        before, after = self._mean_losses(self._at), self._mean_losses(found)
        gain = before - after
        return bool(
            gain.mean() > max(SURER_ERRORS * standard_error(gain, self._unit), SURER_SHARE * abs(before.mean()))
        )

    def _again_with_seeds(self, recipe: Recipe, found: Screened, longest: Callable[[], float]) -> Screened:
        """A training with those of other seeds beside it, none of which a verdict has, as far as there is time."""
        again: list[Screened] = []
        for number in range(1, self._count):
            if longest() < found.seconds:
                break
            try:
                other = replace(recipe, seed=recipe.seed + number * SEEDS_APART)
                again.append(self.bench.screen(other, Limits(longest()), is_read=False))
            except (TooSlowError, *TRIAL_ERRORS):
                break
        return replace(found, again=tuple(again))

    def _mean_merit(self, found: Screened) -> float:
        """The metric, larger being better, on average over seeds."""
        return float(np.mean([self._merit(one.scored) for one in (found, *found.again)]))

    def _mean_losses(self, found: Screened) -> np.ndarray:
        """Float[items]: the loss of each, on average over seeds."""
        losses = [np.asarray(self.bench.task.item_losses(self._truth, one.answer)) for one in (found, *found.again)]
        return np.asarray(np.mean(losses, axis=0))

    def _take(self, recipe: Recipe, found: Screened) -> None:
        self.best, self._at = recipe, found
        count, is_sparing = self._looks(found.seconds)  # what looks good may take longer
        self._count, self._is_sparing = min(self._count, count), self._is_sparing or is_sparing
        self._seen.add(recipe.id)
        self._noise = self._standard_error(found.scored)

    def _said(self, merit: float) -> str:
        return f"{merit if self.metric.is_higher_better else -merit:.4g}"

    def _merit(self, answer: np.ndarray) -> float:
        """The metric, larger being better."""
        value = float(self.metric(self._truth, answer))
        return value if self.metric.is_higher_better else -value

    def _standard_error(self, answer: np.ndarray) -> float:
        """Half of that of the metric: answers of two trainings err on nearly the same items. No less than an item is
        worth: where all are right, no draw tells that others would not be."""
        draws, prepared = stream(self.base.seed, "treat:noise"), self.metric.prepare(self._truth, answer)
        rough = deviation(lambda weight: self.metric.combine(prepared, weight), self._unit, draws) / 2
        span = self.metric.bounds[1] - self.metric.bounds[0]
        return max(rough, span / len(self._truth)) if math.isfinite(span) else rough


def _unpointed(name: str, recipe: Recipe) -> Suited:
    """A remedy that no finding points at; what it would move may be far from usual all the same."""
    stands_out = getattr(plugins.load("remedies", name), "stands_out", lambda _: False)
    return Suited(name, NO_FINDING, STANDS_OUT if stands_out(recipe) else 0.0)


def _promise(one: Suited) -> tuple[float, float]:
    """What ranks remedies, the first ones least: what they promise here, then what they promise at most."""
    return -one.promise, -max(plugins.load("remedies", one.name).TREATS.values(), default=0.0)


def _would_take(seconds: float) -> str:
    return f"one training would take {show_seconds(seconds)}"
