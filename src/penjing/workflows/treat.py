"""What helps a training that is not well: remedies are tried in pairs, and only what measurably helped is kept.

run → findings → remedies → screening (on validation, claims nothing) → verdict (other items, several seeds) → run
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from penjing.core import split
from penjing.core.budget import Clock
from penjing.core.differences import Difference, judge, least_effect
from penjing.core.errors import RunError
from penjing.core.events import Decided, Finished, Said, Started, Watch, tell
from penjing.core.finding import Finding
from penjing.core.recipe import Recipe, to_dict
from penjing.core.record import Record
from penjing.core.report.text import many, metric_name
from penjing.core.run import Run, flat, now, open_run
from penjing.core.units import show_seconds
from penjing.remedies import Suited, suited
from penjing.workflows import _close, _own, _search, _together
from penjing.workflows._allowance import Allowance
from penjing.workflows._corrections import Corrections, of_rows
from penjing.workflows._growing import grown
from penjing.workflows._judging import Judging
from penjing.workflows._limits import SeeingTooSlowError, TooSlowError
from penjing.workflows._naming import ASKED, Naming
from penjing.workflows._place import place_of
from penjing.workflows._prepare import prepare
from penjing.workflows._repeatable import FEWEST_GROUPS
from penjing.workflows._reread import check_same
from penjing.workflows._search import NO_FINDING, Search
from penjing.workflows._seeds import ANOTHER_SEED, Seeds, is_settled
from penjing.workflows._stages import Stages
from penjing.workflows._steps import Outcome, Step, Treated
from penjing.workflows._survey import is_sealed
from penjing.workflows._told_by_data import SHORTCUT, border_of, of_columns, of_pictures
from penjing.workflows._treatable import TreatWish, base_of, check
from penjing.workflows._treatment import Shown, Treatment, ledger_line, way_line
from penjing.workflows._trials import Bench, JudgedOn, Screened
from penjing.workflows._wish import data_wish_of
from penjing.workflows.diagnose import Diagnosis, diagnose

__all__ = ["TreatWish", "Treatment", "treat"]


def treat(
    run: Run | str | Path,
    wish: TreatWish,
    data: object | None = None,
    watch: Watch = None,
    command: Sequence[str] = (),
    model: object | None = None,
) -> Treatment:
    """Try remedies for what a diagnosis found, and grow a run with those that helped.

    Args:
        run: what is to be treated; it stays as it is, but for lines in its ledger.
        wish: what the person asked.
        data: where the data are now; None takes the place they had.
        watch: is told what happens.
        command: the words that repeat this.
        model: the person's own network, where the run was given it as an object.

    Raises:
        RunError: the run cannot be trained again, or the time is not enough for one verdict.
        DataError: the data are gone or have changed.
        UsageError: there is no such remedy, there are too few seeds, or the network is not the one of the run.
        KeyboardInterrupt: a person stopped it; what was decided by then is in the run's ledger.
    """
    clock = Clock(wish.seconds)
    opened = open_run(run)
    check(opened, wish, data)
    trial = Trial(opened, wish, clock, watch, diagnose(opened), model=model)
    try:
        found = trial.carry_out(data)
        if found.recipe is None:
            opened.note(**found.summary)
            return found
        return replace(found, run=grown(found, wish.out, clock, data, watch, command, trial.own))
    except KeyboardInterrupt as stopped:
        left = f"the run is finished in {stopped.args[0]}" if stopped.args else "no run was left half done"
        raise KeyboardInterrupt(f"{left}, and what was decided is in {opened.path}") from None


@dataclass
class Trial:
    """One treatment on its way.

    Attributes:
        run: what is treated.
        wish: what the person asked.
        clock: the time.
        watch: is told what happens.
        diagnosis: what is wrong.
        has_growing: whether the new run is grown in this time, too.
        shown: how pictures are shown that choose and judge.
        treated: what became of each remedy.
        ways: what was decided of how it chooses and judges, as lines of a ledger.
        model: the person's own network, where the run was given it as an object.
    """

    run: Run
    wish: TreatWish
    clock: Clock
    watch: Watch
    diagnosis: Diagnosis
    has_growing: bool = True
    shown: Shown = "whole"
    model: object | None = None
    bench: Bench = field(init=False)
    judging: Judging = field(init=False)
    naming: Naming = field(init=False)
    treated: list[Treated] = field(default_factory=list)
    ways: list[dict[str, Any]] = field(default_factory=list)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _search: Search = field(init=False)
    _plan: _together.Plan = field(init=False)

    def __post_init__(self) -> None:
        recipe, self.own = _own.given_again(self.run, self.model, "treat")
        self.base = replace(base_of(self.run).filled(), model=recipe.model)
        task, settings = _close.task_of(self.base)
        self.task, self.metric = task, task.metric(settings.metric)
        dealt = split.Split.read(self.run.path / "split.parquet")
        self.judged_on: JudgedOn = "confirm" if dealt.counts["confirm"] else "folds"
        growing = 1 + dealt.folds if self.has_growing else 0
        self.time = Allowance(self.clock, self.wish.seeds, growing, self.judged_on == "folds")
        self._began = now()

    def carry_out(self, data: object | None) -> Treatment:
        """Everything but the new run."""
        findings = [one for one in self.diagnosis.findings if one.is_trouble]
        is_spared = not self.wish.remedies and not self.wish.healthy
        if is_spared and not findings and not self.base.data.table:
            return self._ended((), None, None)
        self.time.check(self._known_seconds)  # refused at once where the record says that the time will not do by far
        self._open(data)
        self._look_at_data()
        findings = [one for one in self.diagnosis.findings if one.is_trouble]
        if is_spared and not findings:
            return self._ended((), None, None)
        asked, infos = self._asked(), [one for one in self.diagnosis.findings if not one.is_trouble]
        self._search = search = Search(
            self.bench,
            self.metric,
            self.base,
            findings,
            self.time.longest,
            self._decide,
            self.watch,
            without=self.wish.without | (set() if self.bench.mixes_parts else {_together.REMEDY}),
            infos=infos,
            relax=self.time.relax,
            tighten=self.time.tighten,
            record_of=self._record_of,
            longest_seeing=self.time.longest_seeing,
            screenings=self.time.screenings,
            naming=None if self.wish.remedies else self.naming,
            first=self._plan.first,
        )
        self._begin(search)
        search.findings, search.infos = self.naming.named(findings), self.naming.named(infos)
        known = [*search.findings, *search.infos]
        asked = [one for one in asked if self._plan.untimed is None or one.name != _together.REMEDY]
        asked = [replace(one, finding=self.naming.named_in(known, one)) for one in asked]
        found = self._tried(asked)
        self.time.owed_seconds = 0.0  # what is judged is judged
        if found.recipe is None and not self.wish.remedies:
            found = self._once_more(found)
        if self.time.is_followed:
            found = self._with_validation(found)
        found = self._seeded(found)
        return found if found.recipe is None else replace(found, recipe=self._of_training(found.recipe))

    def _tried(self, asked: Sequence[Suited]) -> Treatment:
        """What comes of a search, and of the verdict on what looked good in it."""
        search = self._search
        tell(self.watch, Started(_search.STAGE, None, "remedies"))
        if asked or not self.wish.remedies:
            search.run(asked)
        if self.time.longest() < 0:  # what was late took time from the verdict
            self.time.relax()
        tell(self.watch, Finished(_search.STAGE))
        found = self._judged(search.steps) if search.steps else self._ended((), None, None)
        self.time.seeing_seconds = self.bench.seeing_of(found.recipe or self.base)  # not those of what was dropped
        return found

    def _once_more(self, found: Treatment) -> Treatment:
        """Where nothing was kept and time is left, what gained too little to be built upon is tried from the beginning:
        what looked better by luck may have hidden it. A second round of verdicts has a share of their level."""
        self.time.has_steps = False
        self.time.grow(self.base.split.folds)
        self.time.tighten()
        promising = self._search.promising()
        if not promising or self.time.longest() < self.time.base_seconds:
            return found
        self.judging.go_on()
        self._search.begin_anew()
        return self._tried(promising)

    def _with_validation(self, found: Treatment) -> Treatment:
        """The same, learning from validation items too, if folds of both parts show that this helps on top of what is
        kept; also where it looked no better by the few items of one fold."""
        recipe = found.recipe or self.base
        seconds = self._search.steps[-1].seconds if found.recipe else self.time.base_seconds
        told = _together.followed(self.judging, recipe, seconds, self._say_way)
        if told is not None:
            changed = {"split.folds": (recipe.split.folds, _together.with_folds(recipe).split.folds)}
            name, worth = self._plan.finding, told.difference
            self._decide(Treated(_together.REMEDY, name, told.verdict, told.why, worth, changed=changed))
        elif not self.bench.mixes_parts:
            self._decide(Treated(_together.REMEDY, _together.FEW, "not tried", _together.UNJUDGED))
        ended = replace(self._ended((), found.recipe, found.gain), kept=found.kept)
        if told is None or told.verdict != "helped":
            return ended
        kept, learned = (*found.kept, _together.REMEDY), _together.with_folds(recipe)
        if found.recipe is None:
            return replace(ended, kept=kept, gain=told.difference, recipe=learned)
        return replace(ended, kept=kept, further=told.difference, recipe=learned)

    def _seeded(self, found: Treatment) -> Treatment:
        """The same with the best of several seeds, where time is left: of the recipe that is kept, or else of the run's
        own, if its network is shown to be worse than that."""
        if not self.has_growing:
            return found
        recipe, bench = found.recipe or self.base, self.bench
        if bench.mixes_parts and not recipe.split.folds:  # what it is chosen and judged by is what it always was
            bench = replace(self._plan.apart, border=bench.border)
            self.time = self.time.for_folds(recipe.split.folds, bench.judged_on)
        elif recipe.split.folds:
            return found
        seeds = Seeds(bench, self.metric, self.time, self.watch)
        if found.recipe is None:
            is_asked = bool(self.wish.remedies) or ANOTHER_SEED in self.wish.without
            return found if is_asked else self._with_another_seed(found, seeds)
        drawn = seeds.best(found.recipe, max(one.seconds for one in self._search.steps))
        if not drawn:
            return found
        name, best = metric_name(self.metric.name), drawn[0]
        others = ", ".join(f"{one.value:.3f}" for one in drawn[1:])
        self._say_way(f"{best.recipe.seed}", f"{name} {best.value:.3f} on validation, with others {others}", "seed")
        return replace(found, recipe=best.recipe, ways=tuple(self.ways))

    def _with_another_seed(self, found: Treatment, seeds: Seeds) -> Treatment:
        """A treatment that kept nothing, with the best of several seeds if that is shown to be better."""
        told = seeds.another(self.base, self.time.base_seconds)
        if told is None:
            return found
        drawn, difference = told
        best, own = drawn[0], next(one for one in drawn if one.recipe.seed == self.base.seed)
        # Where no folds judge, these items judged remedies before, and each round has a share of the level.
        rounds = 1 if self.time.has_folds else self.judging.rounds + bool(self.judging.turns)
        (verdict,) = judge([difference], least_effect(self.metric, own.value), rounds=rounds)
        why = f"the best of {len(drawn)} seeds, on {many(difference.units, 'item')} that chose nothing"
        changed = {"seed": (self.base.seed, best.recipe.seed)}
        self._decide(Treated(ANOTHER_SEED, NO_FINDING.name, verdict, why, difference, changed=changed))
        found = self._ended((), None, None)
        if verdict != "helped":
            return found
        return replace(found, kept=(ANOTHER_SEED,), gain=difference, recipe=best.recipe)

    def _record_of(self, recipe: Recipe, found: Screened) -> Record:
        """What checks may read of a training that was tried, beside the simple models and the inputs of the run."""
        rows, own, answer = self.bench.screened, self.run.record, found.answer
        if self.bench.mixes_parts:  # simple models answered those that validate
            is_known = np.isin(rows, self.bench.prepared.rows("valid"))
            rows, answer = rows[is_known], answer[is_known]
        items = _close.told_items(
            self.bench.prepared, rows, [_close.Answers("network", answer, found.threshold)], "valid", self.task
        )
        if own.items is not None:
            is_simple = (pl.col("model") != "network") & (pl.col("part") != "train")
            simple = own.items.filter(is_simple & pl.col("hash").is_in(items["hash"].implode()))
            whole = simple.filter(pl.len().over("model") == len(rows))
            items = pl.concat([items, whole], how="diagonal_relaxed")  # older runs tell no groups
        return Record(steps=found.steps, items=items, choices=flat(to_dict(recipe)), inputs=own.inputs)

    def _asked(self) -> list[Suited]:
        """The remedies that a person named, each for what it was found for, if it was."""
        known = {one.name: one for one in (*suited(list(self.diagnosis.findings)), *self._plan.first)}
        finding = Finding(ASKED, "info", "Asked for by name.")
        return [known.get(name, Suited(name, finding, 1.0)) for name in dict.fromkeys(self.wish.remedies)]

    @property
    def _known_seconds(self) -> float:
        """What the training took, by the record; 0 where that does not tell."""
        return next((float(line["seconds"]) for line in reversed(self.run.steps) if line.get("seconds")), 0.0)

    # ---- the search

    def _open(self, data: object | None) -> None:
        """Read the data as the run did."""
        begun = self.clock.elapsed
        previous = split.Split.read(self.run.path / "split.parquet")
        only = frozenset(previous.frame["hash"])
        prepared = prepare(place_of(self.run, data), data_wish_of(self.run), self.clock, None, previous, only=only)
        check_same(self.run, prepared, previous)
        self.bench = Bench(prepared, self.task, own=self.own)
        self.time.reading_seconds = self.clock.elapsed - begun
        self._take_together()
        self.judged_on = self.bench.judged_on
        has_seeds = self.has_growing and not is_settled(self.base, self.bench.prepared)
        self.time = replace(self.time, has_folds=self.judged_on == "folds", draws_seeds=has_seeds)
        self._check_groups()
        self.bench.check_own(self.base)
        self.judging = Judging(self.bench, self.metric, self.time, self.base.seed, self.wish.seeds, self.watch)
        doubting = _together.with_folds(self.base) if self.bench.mixes_parts else self.base
        self.naming = Naming(self.bench, doubting, self.time, self.wish.seeds, self._say_way)
        if self.bench.has_time and self.judged_on == "folds":
            self._say_way(
                "folds of items that learn from later ones, too", "too few items validate to judge in their place"
            )
        if len(self.bench.aside):
            count = many(len(self.bench.aside), "item")
            self._say_way(f"{count} with a target far from all others", "learned from, but no judge of anything")

    def _take_together(self) -> None:
        """Take training and validation items together where something speaks for it from the beginning, or plan to try
        that at last; or say in the findings why not."""
        named, remedy = self.wish.remedies, _together.REMEDY
        if remedy not in named if named else remedy in self.wish.without:
            self._plan = _together.Plan(self.bench, self.bench, self.time)
            return
        findings = self.diagnosis.findings
        self._plan = plan = _together.planned(self.bench, findings, bool(named), self.time, self._known_seconds)
        self.bench, self.time = plan.bench, plan.time
        if plan.bench.mixes_parts:
            self._say_way(_together.TOGETHER, _together.why(plan.first[0].finding))
        elif plan.why_apart:
            told = tuple(_together.told_apart(one, plan.why_apart) for one in findings)
            self.diagnosis = replace(self.diagnosis, findings=told)

    def _check_groups(self) -> None:
        """Refuse where fewer groups judge than a verdict needs."""
        bench, asked = self.bench, self.wish.seeds
        if self.time.has_folds and bench.groups < asked:
            found, needed = many(bench.groups, "group"), f"{asked} groups"
            raise RunError(f"a verdict needs {needed} of training items or more, and {self.run.path} has {found}")
        if bench.judging_groups < FEWEST_GROUPS:
            found, needed = many(bench.judging_groups, "group"), f"{FEWEST_GROUPS} groups"
            raise RunError(f"a verdict needs {needed} of items that judge or more, and {self.run.path} has {found}")

    def _look_at_data(self) -> None:
        """Add to the diagnosis what is wrong with the data, which only who reads them sees. Where the border of
        pictures tells the answer, no score that rests on it is believed."""
        apart = self._plan.apart  # diagnosis is of the parts as they are
        found = of_columns(apart.prepared)
        known = {one.name for one in self.diagnosis.findings}
        if SHORTCUT not in known:
            found += of_pictures(self.run, apart.prepared, apart.screened, self.clock, self.watch, self.own)
        self.diagnosis = replace(self.diagnosis, findings=(*self.diagnosis.findings, *found))
        if SHORTCUT in known.union(one.name for one in found) and not self.base.training.border:
            self.shown, self.bench.border = "without border", border_of(apart, self.clock)
            self.diagnosis = replace(self.diagnosis, findings=tuple(map(self._with_border, self.diagnosis.findings)))
            why = "it tells the answer, so that no score which rests on it is worth anything"
            self._say_way("pictures that choose and judge are shown without their border", why)

    def _with_border(self, finding: Finding) -> Finding:
        if finding.name != SHORTCUT:
            return finding
        return replace(finding, evidence={**finding.evidence, "border": self.bench.border})

    def _say_way(self, choice: str, why: str, what: str = "judging") -> None:
        """Tell and write down what is decided of how this treatment chooses and judges."""
        line = way_line(choice, why, self._began, what)
        self.ways.append(line)
        self.run.note(**line)
        tell(self.watch, Said(f"{choice}: {why}") if what == "judging" else Decided(what, choice, why))

    def _begin(self, search: Search) -> None:
        """The first training without any remedy."""
        try:
            shorter = self.time.for_folds(self.base.split.folds, self.judged_on)  # folds of it may be left out
            seconds = search.begin(shorter.first())
            self.time.seeing_seconds = self.bench.seeing_of(self.base)
            self._drop_folds_without_time(search, seconds)
            self.time.begin(seconds)
        except SeeingTooSlowError as slow:
            raise self.time.seeing_too_short(slow.seconds) from None
        except TooSlowError as slow:
            raise self.time.too_short(slow.seconds) from None
        if self._plan.untimed is not None:
            self._decide(Treated(_together.REMEDY, self._plan.untimed.name, "not tried", _together.NO_TIME))
        pointed = [one for one in suited(list(search.findings), self.base) if one.name not in search.without]
        number = len(self.wish.remedies) or len(pointed)
        found = f"{many(number, 'remedy', 'remedies')} may help" if number else "nothing wrong was found; all is tried"
        tell(self.watch, Said(f"one training takes {show_seconds(self.time.base_seconds)}; {found}"))

    def _drop_folds_without_time(self, search: Search, seconds: float) -> None:
        """Try no folds where one training takes so long that there is time for one verdict without them only."""
        if self.bench.mixes_parts and self.has_growing and replace(self.time, base_seconds=seconds).longest() < seconds:
            self.time.grow(self.base.split.folds)
            self._plan = self._plan.without_time()
            search.first, search.without = (), search.without | {_together.REMEDY}

    def _decide(self, treated: Treated) -> None:
        """Write down what became of a remedy."""
        if treated.outcome == "looked good":
            self.time.has_steps, self.time.seeing_seconds = True, self.bench.seeing_of(self._search.best)
        if self.bench.mixes_parts and self.has_growing and treated.remedy == _together.REMEDY:
            # The new run has folds if that is kept; what is tried again asks for them again.
            self.time.grow(self._search.best.split.folds)
            self.time.is_followed = treated.outcome == "screened out"  # by the few items of one fold
        self.treated = [one for one in self.treated if one.remedy != treated.remedy] + [treated]
        judged = {"judged_on": self.judged_on, "seeds": self.wish.seeds, "shown": self.shown}
        self.run.note(**ledger_line(treated, self._began, judged))
        # What is not applicable is no news, and that there is no time is told once; the ledger has all of it.
        reason = (treated.outcome, treated.why)
        if treated.outcome != "not applicable" and reason not in self._told:
            tell(self.watch, Decided(treated.remedy, treated.outcome, treated.why))
        self._told |= {reason} if treated.outcome == "not tried" else set()

    # ---- the verdict

    def _judged(self, steps: Sequence[Step]) -> Treatment:
        kept = Stages(self.bench, self.base, self.time, self.judging, self._settle, self._say_way).told(steps)
        return self._ended(kept.stages, kept.recipe, kept.gain)

    def _settle(self, stage: Step, outcome: Outcome, why: str, difference: Difference | None = None) -> None:
        """Write down what became of remedies that looked good, in the place of that."""
        names = {one.name for one in stage.remedies}
        self.treated = [one for one in self.treated if one.remedy not in names]
        self._decide(stage.told(outcome, why, difference))

    def _ended(self, kept: Sequence[Step], recipe: Recipe | None, gain: Difference | None) -> Treatment:
        order = ("helped", "hurt", "no clear effect", "failed", "screened out", "not tried", "not applicable")
        treated = sorted(self.treated, key=lambda one: order.index(one.outcome) if one.outcome in order else 0)
        return Treatment(
            origin=self.run,
            diagnosis=self.diagnosis,
            metric=self.metric.name,
            judged_on=self.judged_on,
            seeds=self.wish.seeds,
            shown=self.shown,
            treated=tuple(treated),
            kept=tuple(dict.fromkeys(one.name for step in kept for one in step.remedies)),
            gain=gain,
            recipe=recipe,
            began=self._began,
            ways=tuple(self.ways),
        )

    def _of_training(self, recipe: Recipe) -> Recipe:
        """The recipe whose corrections mean training items alone, as they did where they were judged: of an item that
        the data hold twice, the other one may validate."""
        data = recipe.data
        if not (data.drop or data.relabel):
            return recipe
        prepared = self.bench.prepared
        parts = ("train", "valid", "confirm") if recipe.split.folds else ("train",)
        rows = prepared.rows(*parts).tolist()
        found = Corrections(data.drop, data.relabel)
        kept = of_rows(found, prepared.corrections, rows, prepared.hashes, is_sealed(prepared.table))
        return replace(recipe, data=replace(data, drop=kept.drop, relabel=kept.relabel))
