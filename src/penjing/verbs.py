"""The verbs, as short functions. Each takes a thing from the left and hands a thing to the right.

data ── inspect → findings
data ── fit → run ── test → score
               ├─── predict → predictions
               ├─── diagnose → findings
               ├─── treat → verdicts, and a run with what helped
               ├─── report → one HTML file
               └─── compare → differences
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing._bar import WatchWish, watching
from penjing._wishes import data_wish, fit_wish
from penjing.core.errors import RunError, UsageError, did_you_mean
from penjing.core.files import at_home
from penjing.core.recipe import Recipe
from penjing.core.run import RUNS, Run, list_runs, open_run
from penjing.core.units import seconds

if TYPE_CHECKING:
    from penjing.workflows.compare import Comparison
    from penjing.workflows.diagnose import Diagnosis
    from penjing.workflows.inspect import Inspection
    from penjing.workflows.open_seal import Tested
    from penjing.workflows.plan import Plan
    from penjing.workflows.predict import Predictions
    from penjing.workflows.treat import Treatment

DATASETS: Mapping[str, str] = {"digits": "5,000 real handwritten digits, 28×28, 500 of each (MNIST)"}


def inspect(
    data: object,
    *,
    target: str | Sequence[str] | None = None,
    inputs: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    time_column: str | None = None,
    task: str | None = None,
    group: str | None = None,
    group_from: str | None = None,
    split: str | None = None,
    classes: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
    merge: Mapping[str, str | Sequence[str]] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: int | None = None,
    channels: int | None = None,
    canvas: str | None = None,
    page: str | None = None,
    folds: int | None = None,
    split_seed: int | None = None,
    corrections: str | Path | None = None,
    most_unreadable: float | None = None,
    watch: WatchWish = "bar",
) -> Inspection:
    """What is in the data, and what is wrong with them.

    The options of the data are those of `fit`.

    Args:
        data: a folder, a zip, a table file, arrays, a data frame or a torch Dataset.
        watch: a function that is told what happens; None is silent; "bar" draws one in a terminal or a notebook.

    Raises:
        DataError: the data cannot be read at all.
        UsageError: an option does not fit the data.
    """
    wish = data_wish(locals())  # first of all, while these are the arguments and nothing else
    from penjing.workflows.inspect import inspect as look

    with watching(watch) as told:
        return look(data, wish, told)


def fit(
    data: object,
    *,
    time: str | float | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    model: Any = "",
    preprocess: str | None = None,
    names: Sequence[str] | None = None,
    pretrained: str = "auto",
    device: str = "auto",
    recipe: Recipe | str | Path | None = None,
    set: Mapping[str, Any] | None = None,
    metric: str | Callable[..., float] = "",
    threshold: str = "none",
    positive: str = "",
    class_weights: str = "none",
    parent: Run | str | Path | None = None,
    final: bool = False,
    heal: bool = False,
    pictures: bool = True,
    target: str | Sequence[str] | None = None,
    inputs: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    time_column: str | None = None,
    task: str | None = None,
    group: str | None = None,
    group_from: str | None = None,
    split: str | None = None,
    classes: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
    merge: Mapping[str, str | Sequence[str]] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: int | None = None,
    channels: int | None = None,
    canvas: str | None = None,
    page: str | None = None,
    folds: int | None = None,
    split_seed: int | None = None,
    corrections: str | Path | None = None,
    most_unreadable: float | None = None,
    command: Sequence[str] = (),
    watch: WatchWish = "bar",
) -> Run:
    """Train a model within a deadline, and return the run.

    An option of the data that is None is as the data suggest; with `parent`, as that run had it.

    Args:
        data: a folder of pictures, sounds, videos or texts, a zip of one, a table, arrays (x, y), a data frame or a
            Dataset.
        time: the deadline, such as "5m" or seconds; None is five minutes, or with `recipe` or `final` as long as it
            takes.
        out: the run folder; None is the next free one in runs/.
        seed: of the training; the split has its own.
        model: the only network to train, by name, by path or by module, or one of your own: a torch.nn.Module, a
            Keras model on the torch backend, or "file.py:Name"; "" lets candidates compete.
        preprocess: what pictures are to your own network: "standardised" (as None), "unit", "raw" or "imagenet".
        names: which class each output of your own network is; None means in natural order.
        pretrained: "auto" lets a head on features from an installed encoder compete, "no" does not; or that encoder.
        device: "auto" (a CUDA GPU where torch sees one that computes, else the processor), "cpu", "cuda" or "mps".
        recipe: a finished recipe, or where it stands: it is carried out as it is.
        set: single choices by hand, such as {"model.width": 64}.
        metric: what validation chooses by: a name, "file.py:function" or an importable function; "" is accuracy for
            classes, R² for numbers and macro F1 for several labels.
        threshold: for two classes, "f1" or "cost:MISS:ALARM".
        positive: for a threshold, the class that is looked for; "" is the rarer one.
        class_weights: "balanced" lets every class weigh the same.
        parent: a run to go on from, under the same seal.
        final: with `parent`, train its recipe on training and validation items together.
        heal: look at a short training first, treat what is wrong with it, and train with what helped, all in `time`.
        pictures: whether thumbnails are kept in the run and shown in its report.
        target: what is to be told: a column's name, several of labels that are 0 or 1, "folder:N", or "none".
        inputs: the only input columns of a table.
        types: what a column is: column → modality, or "ignore".
        files: where the paths in a column start: column → a folder or a .zip.
        time_column: a column of times; the latest items are the test.
        task: "classify", "regress" or "tag"; None lets the target decide.
        group: a column; rows with the same value stay in one part.
        group_from: how the path tells the group: a regular expression, or "folder:N".
        split: a given split: a column, a table's path, "folder", or "none" to deal anew.
        classes: the only classes to keep.
        exclude: classes to leave out.
        merge: classes that become one: new → old.
        ignore: files to pass over, as patterns like "*.txt".
        side: height and width of the canvas in pixels; 0 chooses.
        channels: 1 for grey, 3 for colour; 0 chooses.
        canvas: how a picture is put on its canvas: "letterbox", "crop" or "squash".
        page: which page of a TIFF that has several: "first", "max" or "each".
        folds: cross-validation folds; 0 for one validation part.
        split_seed: deals other parts; the test part is then another one.
        corrections: a file of suspects that you edited.
        most_unreadable: share of items that may be unreadable before everything stops, 0 to 1.
        command: the words that repeat this run.
        watch: a function that is told what happens; None is silent; "bar" draws one in a terminal or a notebook.

    Raises:
        DataError: there is nothing to learn from.
        UsageError: an option does not fit the data, the time or another option.
        RunError: the run folder cannot be written, or the training diverged.
    """
    wish = fit_wish(locals())  # first of all, while these are the arguments and nothing else
    if heal:
        from penjing.workflows.heal import heal as grow
    else:
        from penjing.workflows.fit import fit as grow

    with watching(watch) as told:
        return grow(data, wish, command, told)


def adopt(
    model: Any,
    data: object,
    /,
    *,
    out: str | Path | None = None,
    preprocess: str | None = None,
    names: Sequence[str] | None = None,
    device: str = "auto",
    metric: str | Callable[..., float] = "",
    threshold: str = "none",
    positive: str = "",
    pictures: bool = True,
    target: str | Sequence[str] | None = None,
    inputs: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    time_column: str | None = None,
    task: str | None = None,
    group: str | None = None,
    group_from: str | None = None,
    split: str | None = None,
    classes: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
    merge: Mapping[str, str | Sequence[str]] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: int | None = None,
    channels: int | None = None,
    canvas: str | None = None,
    page: str | None = None,
    folds: int | None = None,
    split_seed: int | None = None,
    corrections: str | Path | None = None,
    most_unreadable: float | None = None,
    command: Sequence[str] = (),
    watch: WatchWish = "bar",
) -> Run:
    """Make a run of a network that was trained elsewhere: nothing is trained, everything is measured.

    It is scored on the validation part beside simple models, calibrated, and ready for `test`, `predict`, `report` and
    `compare`. The other options are those of `fit`.

    Args:
        model: a torch.nn.Module, a Keras model on the torch backend, or "file.py:Name".
        data: as for `fit`; items that the network learned from make its score too good.
        out: the run folder; None is the next free one in runs/.
        preprocess: what pictures are to it: "standardised" (as None), "unit", "raw" or "imagenet".
        names: which class each output is; None means in natural order.

    Raises:
        DataError: the data cannot be used.
        UsageError: it is no network, or does not take what the data give.
        RunError: the run folder cannot be written.
    """
    wish = fit_wish({"seed": 0, "final": False, **locals()})
    from penjing.workflows._own import adopted
    from penjing.workflows.fit import fit as grow

    with watching(watch) as told:
        return grow(data, adopted(wish), command, told)


def plan(
    data: object,
    *,
    time: str | float | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    model: Any = "",
    preprocess: str | None = None,
    names: Sequence[str] | None = None,
    pretrained: str = "auto",
    device: str = "auto",
    recipe: Recipe | str | Path | None = None,
    set: Mapping[str, Any] | None = None,
    metric: str | Callable[..., float] = "",
    threshold: str = "none",
    positive: str = "",
    class_weights: str = "none",
    parent: Run | str | Path | None = None,
    final: bool = False,
    heal: bool = False,
    pictures: bool = True,
    target: str | Sequence[str] | None = None,
    inputs: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    time_column: str | None = None,
    task: str | None = None,
    group: str | None = None,
    group_from: str | None = None,
    split: str | None = None,
    classes: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
    merge: Mapping[str, str | Sequence[str]] | None = None,
    ignore: str | Sequence[str] | None = None,
    side: int | None = None,
    channels: int | None = None,
    canvas: str | None = None,
    page: str | None = None,
    folds: int | None = None,
    split_seed: int | None = None,
    corrections: str | Path | None = None,
    most_unreadable: float | None = None,
    watch: WatchWish = "bar",
) -> Plan:
    """What `fit` would do with the same arguments, and what it would cost, without training.

    Raises:
        DataError, UsageError, RunError: as `fit`.
    """
    wish = fit_wish(locals())  # first of all, while these are the arguments and nothing else
    if heal:
        raise UsageError("what --heal does follows from a first training, which a dry run does not make; leave it out")
    from penjing.workflows.plan import plan as forecast

    with watching(watch) as told:
        return forecast(data, wish, told)


def resume(
    run: Run | str | Path, *, data: object | None = None, model: object | None = None, watch: WatchWish = "bar"
) -> Run:
    """Go on with a run that was killed or interrupted; without a deadline, to the weights it would have had.

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
    """Open the sealed test part: counted, written down, and scored with a 95% interval.

    Args:
        run: the run to score.
        data: where the data are now, if they moved.
        model: your own network, if the run was given it as an object.

    Raises:
        TargetMissed: the run has no test part; the error carries the score that stands in for it, if there is one.
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
            these, or arrays; where it is one text also texts, and a folder among several is a Path.
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
    from penjing.workflows.diagnose import told_of

    found = open_run(run)
    told = told_of(found)
    if figures is not None:
        save_figures(found.path, at_home(figures), told["findings"], pictures)
    return write_report(found.path, at_home(out) if out else None, pictures, **told)


def diagnose(
    run: object,
    *,
    time: str | float | None = None,
    data: object | None = None,
    model: object | None = None,
    watch: WatchWish = "bar",
) -> Diagnosis:
    """What is wrong with a training, read from its record alone: without a time nothing is run.

    Args:
        run: a run, its folder, the CSV log of another tool (Keras, Lightning, any with a column of losses), or what the
            `fit` of Keras returned: its `History`, or the mapping in it from a name such as "val_loss" to one value an
            epoch.
        time: for experiments with the run's training that tell more, such as "2m" or seconds; None makes none.
        data: where the run's data are now, for experiments; None takes the place they had.
        model: your own network, for experiments, if the run was given it as an object.
        watch: a function that is told what happens; None is silent; "bar" draws one in a terminal or a notebook.

    Raises:
        RunError: there is no such run, or experiments cannot be made with it.
        DataError: the log cannot be read, or holds no losses; the data are gone or have changed.
        UsageError: it is none of these, the time is none, or experiments are wanted with a log.
    """
    from penjing.workflows.diagnose import diagnose as examine

    if time is None:
        return examine(run)
    with watching(watch) as told:
        return examine(run, seconds(time), data, told, model)


def treat(
    run: Run | str | Path,
    *,
    time: str | float | None = None,
    seeds: int = 3,
    remedies: Sequence[str] = (),
    out: str | Path | None = None,
    data: object | None = None,
    model: object | None = None,
    command: Sequence[str] = (),
    watch: WatchWish = "bar",
) -> Treatment:
    """Try remedies for what a diagnosis finds, and grow a run with those that measurably helped.

    Each is tried on validation items first; what looked better is judged in pairs with the training as it is: the same
    seeds, the same items. What helped is said with its effect and a 95% interval on items that nothing was chosen by;
    what did not is rolled back. The run itself stays as it is, but for lines in its ledger.

    Args:
        run: a run, or its folder.
        time: the deadline of all of it, such as "10m" or seconds; None is five minutes.
        seeds: of each side of a pair, at least; 3 or more. More are taken where there is time to spare.
        remedies: names of those to try (`penjing list remedies`); () takes what suits the findings, then all others.
        out: the folder of the new run; None is the next free one in runs/.
        data: where the data are now, if they moved.
        model: your own network, if the run was given it as an object.
        command: the words that repeat this.
        watch: a function that is told what happens; None is silent; "bar" draws one in a terminal or a notebook.

    Raises:
        RunError: the run cannot be trained again, or the time is not enough for one verdict.
        DataError: the data are gone or have changed.
        UsageError: there is no such remedy, there are too few seeds, or the network is not the one of the run.
    """
    from penjing.core.budget import DEFAULT_SECONDS
    from penjing.core.units import seconds
    from penjing.workflows.treat import TreatWish
    from penjing.workflows.treat import treat as cure

    wish = TreatWish(
        seconds(time) if time is not None else DEFAULT_SECONDS, seeds, tuple(remedies), at_home(out) if out else None
    )
    with watching(watch) as told:
        return cure(run, wish, data, told, command, model)


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
    if Path(folder) != RUNS and not at_home(folder).is_dir():
        raise RunError(f"there is no folder {folder}")
    return list_runs(at_home(folder))


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
    place = at_home(folder)
    write_digits(place)
    return place
