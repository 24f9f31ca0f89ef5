"""The verbs, as short functions. Each takes a thing from the left and hands a thing to the right.

data ── inspect → findings
data ── fit → run ── test → score
               ├─── predict → predictions
               ├─── report → one HTML file
               └─── compare → differences
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from penjing._bar import WatchWish, watching
from penjing._wishes import DataWishes, FitWishes, data_wish, fit_wish
from penjing.core.errors import RunError, UsageError, did_you_mean
from penjing.core.run import RUNS, Run, list_runs, open_run

if TYPE_CHECKING:
    from penjing.workflows.compare import Comparison
    from penjing.workflows.inspect import Inspection
    from penjing.workflows.open_seal import Tested
    from penjing.workflows.plan import Plan
    from penjing.workflows.predict import Predictions

DATASETS: Mapping[str, str] = {"digits": "5,000 real handwritten digits, 28×28, 500 of each (MNIST)"}


def inspect(data: object, *, watch: WatchWish = "bar", **wishes: Unpack[DataWishes]) -> Inspection:
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
        return look(data, data_wish(wishes), told)


def fit(
    data: object,
    *,
    command: Sequence[str] = (),
    watch: WatchWish = "bar",
    **wishes: Unpack[FitWishes],
) -> Run:
    """Train a model within a deadline, and return the run.

    Args:
        data: a folder of pictures, a zip of one, a table with a path column, arrays (x, y), a data frame or a Dataset.
        command: the words that repeat this run.
        watch: a function that is told what happens; None is silent; "bar" draws one in a terminal or a notebook.
        time: the deadline, such as "5m" or seconds; left out, five minutes, or with `recipe` as long as it takes.
        out: the run folder; left out, the next free one in runs/.
        seed: of the training, usually 0; the split has its own.
        model: the only network to train, by name, by path or by module, or one of your own: a torch.nn.Module, a
            Keras model on the torch backend, or "file.py:Name"; left out, candidates compete.
        preprocess: what pictures are to your own network: "standardised" (as left out), "unit", "raw" or "imagenet".
        names: which class each output of your own network is; left out, they stand in natural order.
        device: "auto" (as left out), "cpu", "cuda" or "mps".
        recipe: a finished recipe, or where it stands: it is carried out as it is.
        set: single choices by hand, such as {"model.width": 64}.
        metric: what validation chooses by; left out, "accuracy".
        threshold: for two classes, "f1" or "cost:MISS:ALARM".
        positive: for a threshold, the class that is looked for; left out, the rarer one.
        class_weights: "balanced" lets every class weigh the same.
        parent: a run to go on from, under the same seal.
        final: with `parent`, train its recipe on training and validation items together.
        pictures: whether thumbnails are kept in the run and shown in its report; left out, they are.
        wishes: of the data: target, inputs, group, group_from, split, classes, exclude, merge, ignore, side, channels,
            canvas, page, folds, split_seed, corrections, most_unreadable. With `parent`, those that are left out are
            as that run had them.

    Raises:
        DataError: there is nothing to learn from.
        UsageError: an option does not exist or does not fit the data.
        RunError: the run folder cannot be written, or the training diverged.
    """
    from penjing.workflows.fit import fit as grow

    wish = fit_wish(wishes)
    with watching(watch) as told:
        return grow(data, wish, command, told)


def adopt(
    model: object,
    data: object,
    /,
    *,
    command: Sequence[str] = (),
    watch: WatchWish = "bar",
    **wishes: Unpack[FitWishes],
) -> Run:
    """Make a run of a network that was trained elsewhere: nothing is trained, everything is measured.

    It is scored on the validation part beside simple models, calibrated, and ready for `test`, `predict`, `report` and
    `compare`.

    Args:
        model: a torch.nn.Module, a Keras model on the torch backend, or "file.py:Name".
        data: as for `fit`; items that the network learned from make its score too good.
        command: the words that repeat this run.
        watch: as for `fit`.
        wishes: as for `fit`; above all `preprocess` (what pictures are to it), `names` (which class each output is)
            and `out`.

    Raises:
        DataError: the data cannot be used.
        UsageError: it is no network, or does not take what the data give.
        RunError: the run folder cannot be written.
    """
    from penjing.workflows._own import adopted
    from penjing.workflows.fit import fit as grow

    wish = adopted(fit_wish({**wishes, "model": model}))
    with watching(watch) as told:
        return grow(data, wish, command, told)


def plan(data: object, *, watch: WatchWish = "bar", **wishes: Unpack[FitWishes]) -> Plan:
    """What `fit` would do with the same arguments, and what it would cost, without training.

    Raises:
        DataError, UsageError: as `fit`.
    """
    from penjing.workflows.plan import plan as forecast

    with watching(watch) as told:
        return forecast(data, fit_wish(wishes), told)


def resume(
    run: Run | str | Path, *, data: object | None = None, model: object | None = None, watch: WatchWish = "bar"
) -> Run:
    """Go on with a run that was killed or interrupted, to the weights it would have had.

    Args:
        run: its folder.
        data: where the data are now, if they moved.
        model: your own network, if the run was given it as an object.

    Raises:
        RunError: the run is finished, or too little of it is there.
        DataError: the data are gone or have changed.
    """
    from penjing.workflows.fit import resume as go_on

    with watching(watch) as told:
        return go_on(run.path if isinstance(run, Run) else run, data, told, model)


def test(
    run: Run | str | Path, *, data: object | None = None, model: object | None = None, watch: WatchWish = "bar"
) -> Tested:
    """Open the sealed test part: counted, written down, and scored with a 95 % interval.

    Args:
        run: the run to score.
        data: where the data are now, if they moved.
        model: your own network, if the run was given it as an object.

    Raises:
        TargetMissed: the data have no test part; the error carries the score over folds.
        RunError: the run has no weights.
        DataError: test items are gone or have changed.
    """
    from penjing.workflows.open_seal import open_seal

    with watching(watch) as told:
        return open_seal(open_run(run), data, told, model)


def predict(
    run: Run | str | Path,
    inputs: object,
    *,
    explain: str | Path | None = None,
    model: object | None = None,
    watch: WatchWish = "bar",
) -> Predictions:
    """The classes, numbers or labels of new items, with probabilities and doubts.

    Args:
        run: the run that answers.
        inputs: rows with the columns that the run looks at: a table file, a data frame, a dict of columns or of single
            values, a list of dicts. Where an item is one file also a file, a folder, a glob pattern, a .zip, several of
            these, or arrays; where it is one text also texts.
        explain: a folder for pictures of where the network looked; for runs that tell classes of one picture apart.
        model: your own network, if the run was given it as an object.

    Raises:
        DataError: none of the inputs can be read.
        RunError: the run has no weights.
        UsageError: no column of a table is one that the run looks at, or `explain` does not fit the run.
    """
    from penjing.workflows.predict import predict as answer

    with watching(watch) as told:
        return answer(open_run(run), inputs, explain=Path(explain) if explain else None, watch=told, model=model)


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
