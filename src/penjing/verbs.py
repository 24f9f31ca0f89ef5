"""The verbs, as short functions. Each takes a thing from the left and hands a thing to the right.

data ── inspect → findings
data ── fit → run ── test → score
               ├─── predict → predictions
               ├─── report → one HTML file
               └─── compare → differences
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing._bar import WatchWish, watching
from penjing.core.errors import RunError, UsageError, did_you_mean
from penjing.core.recipe import Recipe
from penjing.core.run import RUNS, Run, list_runs, open_run
from penjing.core.units import seconds
from penjing.sources import Options
from penjing.workflows._prepare import DataWish

if TYPE_CHECKING:
    from penjing.workflows.compare import Comparison
    from penjing.workflows.fit import FitWish
    from penjing.workflows.inspect import Inspection
    from penjing.workflows.open_seal import Tested
    from penjing.workflows.plan import Plan
    from penjing.workflows.predict import Predictions

DATASETS: Mapping[str, str] = {"digits": "5,000 real handwritten digits, 28×28, 500 of each (MNIST)"}


def inspect(data: object, *, watch: WatchWish = "bar", **wishes: Any) -> Inspection:
    """What is in the data, and what is wrong with them.

    Args:
        data: a folder, a zip, a table file, arrays, a data frame or a torch Dataset.
        watch: a function that is told what happens; None is silent; "bar" draws one in a terminal or a notebook.
        wishes: as for `fit`: target, inputs, group, group_from, split, classes, exclude, merge, ignore, side, page …

    Raises:
        DataError: the data cannot be read at all.
        UsageError: an option does not exist or does not fit the data.
    """
    from penjing.workflows.inspect import inspect as look

    with watching(watch) as told:
        return look(data, data_wish(**wishes), told)


def fit(
    data: object,
    *,
    time: str | float | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    model: str = "",
    device: str = "auto",
    recipe: Recipe | str | Path | None = None,
    set: Mapping[str, Any] | None = None,
    metric: str | Callable[..., float] = "accuracy",
    threshold: str = "none",
    positive: str = "",
    class_weights: str = "none",
    parent: Run | str | Path | None = None,
    final: bool = False,
    pictures: bool = True,
    command: Sequence[str] = (),
    watch: WatchWish = "bar",
    **wishes: Any,
) -> Run:
    """Train a model within a deadline, and return the run.

    Args:
        data: a folder of pictures, a zip of one, a table with a path column, arrays (x, y), a data frame or a Dataset.
        time: the deadline, such as "5m" or seconds; left out, five minutes, or with `recipe` as long as it takes.
        out: the run folder; left out, the next free one in runs/.
        seed: of the training; the split has its own.
        model: the only network to train, by name, by path or by module; left out, candidates compete.
        device: "auto", "cpu", "cuda" or "mps".
        recipe: a finished recipe, or where it stands: it is carried out as it is.
        set: single choices by hand, such as {"model.width": 64}.
        metric: what validation chooses by.
        threshold: for two classes, "f1" or "cost:MISS:ALARM".
        positive: for a threshold, the class that is looked for; left out, the rarer one.
        class_weights: "balanced" lets every class weigh the same.
        parent: a run to go on from, under the same seal.
        final: with `parent`, train its recipe on training and validation items together.
        pictures: whether thumbnails are kept in the run and shown in its report.
        command: the words that repeat this run.
        watch: a function that is told what happens; None is silent; "bar" draws one in a terminal or a notebook.
        wishes: of the data: target, inputs, group, group_from, split, classes, exclude, merge, ignore, side, channels,
            canvas, page, folds, split_seed, corrections, most_unreadable.

    Raises:
        DataError: there is nothing to learn from.
        UsageError: an option does not exist or does not fit the data.
        RunError: the run folder cannot be written, or the training diverged.
    """
    from penjing.workflows.fit import fit as grow

    wish = fit_wish(
        time=time,
        out=out,
        seed=seed,
        model=model,
        device=device,
        recipe=recipe,
        set=set,
        task={"metric": _named(metric), "threshold": threshold, "positive": positive, "class_weights": class_weights},
        parent=parent,
        final=final,
        pictures=pictures,
        **wishes,
    )
    with watching(watch) as told:
        return grow(data, wish, command, told)


def plan(data: object, *, watch: WatchWish = "bar", **wishes: Any) -> Plan:
    """What `fit` would do with the same arguments, and what it would cost, without training.

    Raises:
        DataError, UsageError: as `fit`.
    """
    from penjing.workflows.plan import plan as forecast

    with watching(watch) as told:
        return forecast(data, fit_wish(**wishes), told)


def resume(run: Run | str | Path, *, data: object | None = None, watch: WatchWish = "bar") -> Run:
    """Go on with a run that was killed or interrupted, to the weights it would have had.

    Args:
        run: its folder.
        data: where the data are now, if they moved.

    Raises:
        RunError: the run is finished, or too little of it is there.
        DataError: the data are gone or have changed.
    """
    from penjing.workflows.fit import resume as go_on

    with watching(watch) as told:
        return go_on(run.path if isinstance(run, Run) else run, data, told)


def test(run: Run | str | Path, *, data: object | None = None, watch: WatchWish = "bar") -> Tested:
    """Open the sealed test part: counted, written down, and scored with a 95 % interval.

    Args:
        run: the run to score.
        data: where the data are now, if they moved.

    Raises:
        TargetMissed: the data have no test part; the error carries the score over folds.
        RunError: the run has no weights.
        DataError: test items are gone or have changed.
    """
    from penjing.workflows.open_seal import open_seal

    with watching(watch) as told:
        return open_seal(open_run(run), data, told)


def predict(
    run: Run | str | Path, inputs: object, *, explain: str | Path | None = None, watch: WatchWish = "bar"
) -> Predictions:
    """The class of new items, with probabilities and doubts.

    Args:
        run: the run that answers.
        inputs: a file, a folder, a glob pattern, a table with a path column, several of these, or arrays.
        explain: a folder for pictures of where the network looked.

    Raises:
        DataError: none of the inputs can be read.
        RunError: the run has no weights.
    """
    from penjing.workflows.predict import predict as answer

    with watching(watch) as told:
        return answer(open_run(run), inputs, explain=Path(explain) if explain else None, watch=told)


def report(
    run: Run | str | Path,
    *,
    out: str | Path | None = None,
    figures: str | Path | None = None,
    pictures: bool = True,
) -> Path:
    """Write a run's report as one HTML file that works offline, and return its path.

    Args:
        run: the run.
        out: the file; left out, report.html in the run folder.
        figures: a folder for every plot as SVG and PNG and every table as CSV.
        pictures: whether thumbnails are in it.

    Raises:
        RunError: there is no such run, or a file cannot be written.
    """
    from penjing.core.report import save_figures, write_report

    found = open_run(run)
    if figures is not None:
        save_figures(found.path, Path(figures))
    return write_report(found.path, Path(out) if out else None, pictures)


def compare(*runs: Run | str | Path) -> Comparison:
    """How runs differ: in their recipes, and in their answers on the validation items they share.

    Raises:
        UsageError: fewer than two runs are given.
        RunError: one of them is no run.
    """
    from penjing.workflows.compare import compare as put_side_by_side

    if len(runs) < 2:
        raise UsageError("comparing takes at least two runs: penjing compare RUN RUN")
    return put_side_by_side([open_run(run) for run in runs])


def runs(folder: str | Path = RUNS) -> list[Run]:
    """The runs in a folder, in natural order.

    Raises:
        RunError: there is no such folder.
    """
    if Path(folder) != RUNS and not Path(folder).is_dir():
        raise RunError(f"there is no folder {folder}")
    return list_runs(Path(folder))


def dataset(name: str, folder: str | Path) -> Path:
    """Write a small real data set into a folder, and return the folder.

    Args:
        name: one of `DATASETS`.
        folder: where; it must be new or empty.

    Raises:
        UsageError: there is no such data set, or the folder is not empty.
        RunError: the folder cannot be written.
        MissingExtra: the package that brings the data is not installed.
    """
    from penjing.sources import write_digits

    if name not in DATASETS:
        raise UsageError(f'there is no data set "{name}"; {did_you_mean(name, DATASETS)}')
    write_digits(Path(folder))
    return Path(folder)


def _named(metric: str | Callable[..., float]) -> str:
    """A metric by name: a recipe must be able to say where an own function stands."""
    if isinstance(metric, str):
        return metric
    name, module = getattr(metric, "__qualname__", ""), getattr(metric, "__module__", "")
    if module in ("", "__main__") or "<" in name:
        raise UsageError(
            f"the metric {name or metric!r} cannot be found again from a recipe; "
            'put the function into a file and give "file.py:function"'
        )
    return f"{module}:{name}"


def data_wish(**wishes: Any) -> DataWish:
    """The wishes about data, sorted into what the source is told and what the preparation is told.

    Raises:
        UsageError: there is no such wish.
    """
    of_source = set(Options.__dataclass_fields__)
    renamed = {"canvas": "fit"}
    of_data = {*(set(DataWish.__dataclass_fields__) - {"options", "fit"}), *renamed}
    for name in wishes:
        if name not in of_source | of_data:
            raise UsageError(f'there is no option "{name}"; {did_you_mean(name, of_source | of_data)}')
    options = Options(**{name: value for name, value in wishes.items() if name in of_source})
    rest = {renamed.get(name, name): value for name, value in wishes.items() if name in of_data}
    wish = DataWish(options=options, **rest)
    _check_ranges(wish)
    return wish


def _check_ranges(wish: DataWish) -> None:
    """Refuse what no data could fit, before any are read."""
    if wish.side and not 8 <= wish.side <= 1024:
        raise UsageError(f"--side {wish.side} is out of range; give 8 to 1024 pixels")
    if wish.folds < 0 or wish.folds == 1:
        raise UsageError(f"--folds {wish.folds} is not a number of folds; give 2 or more, such as 5")
    if not 0 <= wish.most_unreadable <= 1:
        raise UsageError(f"--most-unreadable {wish.most_unreadable:g} is not a share; give 0 to 1, such as 0.05")


def fit_wish(
    *,
    time: str | float | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    model: str = "",
    device: str = "auto",
    recipe: Recipe | str | Path | None = None,
    set: Mapping[str, Any] | None = None,
    task: Mapping[str, Any] | None = None,
    parent: Run | str | Path | None = None,
    final: bool = False,
    pictures: bool = True,
    **wishes: Any,
) -> FitWish:
    """The wishes of `fit`, checked. See there."""
    from penjing.places.local import device as device_named
    from penjing.workflows._choose import RecipeWish
    from penjing.workflows.fit import FitWish, recipe_from

    if final and parent is None:
        raise UsageError("a final training needs the run whose recipe it takes: penjing fit DATA --final RUN")
    if recipe is not None or parent is not None:
        chosen = {"seed": seed, "model": model, "set": set or {}, **(task or {})}
        _refuse_settled(chosen, "--recipe" if recipe is not None else "--final" if final else "--from")
    if parent is not None and recipe is not None:
        raise UsageError("--from and --final take the recipe of their run; leave --recipe out, or start anew with it")
    if final and time is not None:
        raise UsageError("a final training takes the steps of its run, grown with the items; leave --time out")
    given = recipe if isinstance(recipe, Recipe) or recipe is None else recipe_from(recipe)
    # The run holds every default as it was today, so that it means the same when a default changes.
    given = None if given is None else given.filled()
    wanted = RecipeWish(
        seed=seed,
        model=model,
        recipe=given,
        assignments=dict(set or {}),
        device=device_named(device).type,
        task=dict(task or {}),
    )
    folder = Path(parent.path if isinstance(parent, Run) else parent) if parent is not None else None
    return FitWish(
        data=data_wish(**wishes),
        recipe=wanted,
        seconds=None if time is None else seconds(time),
        out=Path(out) if out is not None else None,
        pictures=pictures,
        parent=folder,
        is_final=final,
    )


def _refuse_settled(chosen: Mapping[str, Any], by: str) -> None:
    """Refuse choices that a finished recipe has made already: they would be ignored."""
    usual = {"seed": 0, "model": "", "set": {}, "metric": "accuracy", "positive": ""}
    extra = [name.replace("_", "-") for name, value in chosen.items() if value != usual.get(name, "none")]
    if extra:
        raise UsageError(
            f"{by} carries out a recipe as it stands, so --{extra[0]} would change nothing; "
            f"leave it out, or write the change into a copy of recipe.toml and give that with --recipe"
        )
