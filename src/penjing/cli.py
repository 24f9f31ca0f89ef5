"""The command line: one subcommand per verb. The only file that prints or exits.

Results go to the standard output, everything else to the error stream. Exit codes: 0 done, 1 error, 2 wrong use,
3 a stated budget or target was not met, or `--fail-on` found something, 130 interrupted with the best kept.
"""

from __future__ import annotations

import contextlib
import io
import json as json_module
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

from penjing import __version__, _answers
from penjing._folding import folded
from penjing._options import NO_DATA_OPTIONS, NO_OUTPUT_OPTIONS, DataOptions, OutputOptions, assignments
from penjing.core.errors import PenjingError, UsageError

INTERRUPTED = 130
DOCUMENT_FORMAT = 1  # of what --json prints
ABOUT = "Grows a small, proven model from little data on an ordinary computer."
FIRST_STEPS = "First steps:\n\n    penjing dataset digits digits/\n    penjing fit digits/ --time 1m"

# The words of the command that runs, as they were typed.
_WORDS: ContextVar[Sequence[str]] = ContextVar("words", default=())

app = App(
    name="penjing",
    help=f"{ABOUT}\n\n{FIRST_STEPS}",
    version=__version__,
    help_format="plaintext",
    default_parameter=Parameter(negative=(), show_default=False),
)
cache_app = App(name="cache", help="Show or clear the decoded items that are kept between runs.")
app.command(cache_app)


@app.command
def inspect(
    data: str,
    /,
    *,
    sheet: Path | None = None,
    suspects: Path | None = None,
    fail_on: Literal["warning", "error"] | None = None,
    of_data: DataOptions = NO_DATA_OPTIONS,
    output: OutputOptions = NO_OUTPUT_OPTIONS,
) -> int:
    """Show what is in the data and what is wrong with them.

    Args:
        data: A folder of pictures, sounds, videos or texts (one folder a class), a .zip of one, or a table.
        sheet: Of pictures: write a contact sheet of some per class (never of test items).
        suspects: Write likely label errors as a CSV, to edit and give to fit --corrections.
        fail_on: Exit with 3 when something of this level or above is found.
    """
    from penjing import verbs
    from penjing.workflows.inspect import check_sheet, contact_sheet, write_suspects

    if sheet:
        check_sheet(sheet)
    failed: list[PenjingError] = []
    with _screen(output) as watch:
        found = verbs.inspect(data, watch=watch, **of_data.wishes())
        wanted = (
            (suspects, lambda path: write_suspects(found, path)),
            (sheet, lambda path: contact_sheet(found.prepared, path)),
        )
        for path, write in wanted:
            try:
                if path:
                    write(path)
            except PenjingError as problem:  # the findings took minutes, and are shown all the same
                failed.append(problem)
    _show(output, found.to_dict(), found.lines())
    if failed:
        return _fail("; ".join(map(str, failed)), failed[0].exit_code, is_shown=True)
    return 3 if _reaches(found.worst, fail_on) else 0


@app.command
def fit(
    data: str | None = None,
    /,
    *,
    time: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    out: Path | None = None,
    seed: int = 0,
    model: str = "",
    pretrained: str = "auto",
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    recipe: Path | None = None,
    set: list[str] | None = None,
    metric: str = "",
    threshold: str = "none",
    positive: str = "",
    class_weights: Literal["none", "balanced"] = "none",
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    final: Path | None = None,
    resume: Path | None = None,
    heal: bool = False,
    dry_run: bool = False,
    no_pictures: bool = False,
    of_data: DataOptions = NO_DATA_OPTIONS,
    output: OutputOptions = NO_OUTPUT_OPTIONS,
) -> int:
    """Train a model within a deadline and write a run folder.

    Args:
        data: A folder of pictures, sounds, videos or texts (one folder a class), a .zip of one, or a table.
        time: The deadline, such as 90s, 5m or 1h; 5m when left out.
        out: The run folder; the next free one in runs/ when left out.
        seed: Of the training; the split has its own.
        model: The only network to train; candidates compete when left out.
        pretrained: Encoder whose features a head may learn from; auto tries installed ones, no none.
        device: Where to train; auto takes a CUDA GPU that computes, else the processor.
        recipe: A recipe.toml or a run whose recipe is carried out as it is.
        set: One choice by hand, such as model.width=64; may be repeated.
        metric: What validation chooses by, such as macro_f1 or file.py:function; the task's own when left out.
        threshold: For two classes: f1, or cost:MISS:ALARM such as cost:5:1.
        positive: For a threshold: the class that is looked for; the rarer one when left out.
        class_weights: balanced lets every class weigh the same.
        from_: Go on from this run, also with items added, under the same seal.
        final: Train this run's recipe on its training and validation items together.
        resume: Go on with this run, which was killed or interrupted.
        heal: Look at a short training first, treat what is wrong, and train with what helped, all within --time.
        dry_run: Say what would be done and what it would cost, and stop.
        no_pictures: Keep pictures, texts and rows out of the run and its report.
    """
    from penjing import verbs

    with _screen(output) as watch:
        if resume is not None:
            run = verbs.resume(resume, data=data, watch=watch)
            _show(output, *_answers.of_run(run))
            return 0
        if data is None:
            raise UsageError("fit needs data: a folder, a .zip or a table, as in: penjing fit photos/ --time 5m")
        if from_ is not None and final is not None:
            raise UsageError("--from goes on with a run and --final refits it; give one of them")
        wishes: dict[str, Any] = {
            "time": time,
            "out": out,
            "seed": seed,
            "model": model,
            "pretrained": pretrained,
            "device": device,
            "recipe": recipe,
            "set": assignments(set or []),
            "parent": final or from_,
            "final": final is not None,
            "heal": heal,
            "pictures": not no_pictures,
            "metric": metric,
            "threshold": threshold,
            "positive": positive,
            "class_weights": class_weights,
            **of_data.wishes(),
        }
        if dry_run:
            planned = verbs.plan(data, watch=watch, **wishes)
            _show(output, planned.to_dict(), planned.lines())
            return 0
        run = verbs.fit(data, watch=watch, command=_command(), **wishes)
    _show(output, *_answers.of_run(run))
    return 0


@app.command
def test(run: Path, /, *, data: str | None = None, output: OutputOptions = NO_OUTPUT_OPTIONS) -> int:
    """Open the sealed test part of a run: counted, written down, scored with an interval.

    Args:
        run: The run folder.
        data: Where the data are now, if they moved.
    """
    from penjing import verbs

    with _screen(output) as watch:
        tested = verbs.test(run, data=data, watch=watch)
    _show(output, *_answers.of_test(tested))
    return 0


@app.command
def predict(
    run: Path,
    inputs: list[str],
    /,
    *,
    out: Path | None = None,
    explain: Path | None = None,
    output: OutputOptions = NO_OUTPUT_OPTIONS,
) -> int:
    """Answer for new items: classes, numbers or labels, with probabilities and doubts.

    Args:
        run: The run folder.
        inputs: Files, folders, patterns, tables, or texts.
        out: Write a table: .csv (opens in Excel), .json or .parquet.
        explain: Write pictures of where the network looked into this folder.
    """
    from penjing import verbs
    from penjing.workflows.predict import as_typed, check_output

    if out:
        check_output(out)
    with _screen(output) as watch:
        given = as_typed(inputs) if len(inputs) > 1 else inputs[0]
        found = verbs.predict(run, given, explain=explain, watch=watch)
        if out:
            found.write(out)
    _show(output, *_answers.of_predictions(found, out is not None, output.json))
    return 0


@app.command
def report(
    run: Path,
    /,
    *,
    out: Path | None = None,
    figures: Path | None = None,
    no_pictures: bool = False,
    output: OutputOptions = NO_OUTPUT_OPTIONS,
) -> int:
    """Write a run's report as one HTML file that works offline.

    Args:
        run: The run folder.
        out: The file; report.html in the run folder when left out.
        figures: Also write every plot (SVG, PNG) and table (CSV) into this folder.
        no_pictures: Leave thumbnails out.
    """
    from penjing import verbs

    path = verbs.report(run, out=out, figures=figures, pictures=not no_pictures)
    _show(output, {"report": str(path), "figures": str(figures) if figures else None}, [str(path)])
    return 0


@app.command
def diagnose(
    run: Path,
    /,
    *,
    time: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    data: Path | None = None,
    fail_on: Literal["warning", "error"] | None = None,
    output: OutputOptions = NO_OUTPUT_OPTIONS,
) -> int:
    """Say what is wrong with a training, from its record alone.

    Args:
        run: A run folder, or the CSV log of another tool with a column of losses.
        time: For experiments that tell more (other seeds, fewer items, other sizes), such as 2m; none when left out.
        data: Where the run's data are now, for experiments; where they were when left out.
        fail_on: Exit with 3 when something of this level or above is found.
    """
    from penjing import verbs

    with _screen(output) as watch:
        found = verbs.diagnose(run, time=time, data=data, watch=watch)
    _show(output, found.to_dict(), found.lines())
    return 3 if _reaches(found.worst, fail_on) else 0


@app.command
def treat(
    run: Path,
    /,
    *,
    time: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    seeds: int = 3,
    remedy: list[str] | None = None,
    out: Path | None = None,
    data: str | None = None,
    output: OutputOptions = NO_OUTPUT_OPTIONS,
) -> int:
    """Try remedies for what diagnose finds, and keep only what measurably helps.

    Args:
        run: The run folder; it stays as it is, but for lines in its ledger.
        time: The deadline of all of it, such as 90s, 10m or 1h; 5m when left out.
        seeds: Trainings with a remedy and without that a verdict takes at least; 3 or more.
        remedy: One remedy to try, of penjing list remedies; may be repeated.
        out: The folder of the new run; the next free one in runs/ when left out.
        data: Where the data are now, if they moved.
    """
    from penjing import verbs

    with _screen(output) as watch:
        found = verbs.treat(
            run, time=time, seeds=seeds, remedies=remedy or (), out=out, data=data, command=_command(), watch=watch
        )
    _show(output, found.to_dict(), found.lines())
    return 0


@app.command
def compare(runs: list[Path], /, *, output: OutputOptions = NO_OUTPUT_OPTIONS) -> int:
    """Show how runs differ in recipe and in result.

    Args:
        runs: Two run folders or more; the first is what the others are held against.
    """
    from penjing import verbs

    found = verbs.compare(*runs)
    _show(output, found.to_dict(), found.lines())
    return 0


@app.command
def runs(
    action: Literal["list", "remove"] = "list",
    names: list[Path] | None = None,
    /,
    *,
    folder: Path = Path("runs"),
    yes: bool = False,
    output: OutputOptions = NO_OUTPUT_OPTIONS,
) -> int:
    """List the runs there are, or remove some.

    Args:
        action: list or remove.
        names: The run folders to remove.
        folder: Where the runs are.
        yes: Remove without asking.
    """
    from penjing import verbs
    from penjing.core.files import at_home
    from penjing.core.run import check_free_to_remove, open_run, remove
    from penjing.core.units import show_bytes

    if action == "remove":
        named: dict[str, Path] = {}
        for name in names or []:  # each once, however it is said
            named.setdefault(os.path.normpath(Path.cwd() / at_home(name)), name)
        chosen = [open_run(name) for name in named.values()]
        if not chosen:
            raise UsageError("say which runs to remove: penjing runs remove RUN …")
        size = show_bytes(sum(run.size_bytes for run in chosen if not run.path.is_symlink()))
        if not _agreed(f"Remove {len(chosen)} runs ({size})?", yes):
            chosen = []
        for run in chosen:  # all or none
            check_free_to_remove(run)
        for run in chosen:
            remove(run)
        _show(output, {"removed": [str(run.path) for run in chosen]}, [f"removed {run.path}" for run in chosen])
        return 0
    if names:
        raise UsageError(f"penjing runs list takes no run; to look into one: penjing report {names[0]}")
    with _screen(output) as watch:
        document, lines = _answers.of_runs(folder, verbs.runs(folder), watch)
    _show(output, document, lines)
    return 0


@app.command(name="list")
def list_plugins(kind: str = "", /, *, output: OutputOptions = NO_OUTPUT_OPTIONS) -> int:
    """List the plug-ins of a kind: models, augmentations, optimisers, checks …

    Args:
        kind: The kind; left out, all kinds are listed.
    """
    _show(output, *_answers.of_plugins(kind))
    return 0


@app.command
def dataset(name: str = "", folder: Path | None = None, /, *, output: OutputOptions = NO_OUTPUT_OPTIONS) -> int:
    """Write a small real data set into a folder.

    Args:
        name: Which one; left out, they are listed.
        folder: Where; it must be new or empty.
    """
    from penjing import verbs

    if not name:
        _show(output, {"datasets": dict(verbs.DATASETS)}, [f"{one}  {about}" for one, about in verbs.DATASETS.items()])
        return 0
    if folder is None:
        raise UsageError(f"say where to write it: penjing dataset {name} {name}/")
    path = verbs.dataset(name, folder)
    _show(output, {"folder": str(path)}, [f"next:  penjing fit {shlex.quote(str(folder))} --time 1m"])
    return 0


@cache_app.command(name="list")
def cache_list(*, output: OutputOptions = NO_OUTPUT_OPTIONS) -> int:
    """Show what is kept and how large it is."""
    _show(output, *_answers.of_cache())
    return 0


@cache_app.command(name="clear")
def cache_clear(name: str = "", /, *, yes: bool = False, output: OutputOptions = NO_OUTPUT_OPTIONS) -> int:
    """Remove decoded items; they are decoded again when they are needed.

    Args:
        name: One entry of penjing cache list; left out, all of them.
        yes: Remove without asking.
    """
    from penjing.core import cache
    from penjing.core.units import show_bytes

    size = sum(one.size_bytes for one in cache.sizes() if not name or one.id == name)
    if not _agreed(f"Remove {name or 'the whole cache'} ({show_bytes(size)})?", yes):
        _show(output, {"freed_bytes": 0}, [])
        return 0
    freed = cache.clear(name or None)
    _show(output, {"freed_bytes": freed}, [f"{show_bytes(freed)} set free"])
    return 0


def main(words: Sequence[str] | None = None) -> None:
    """The entry point: run one command and exit with its code."""
    sys.exit(run_command(sys.argv[1:] if words is None else words))


def run_command(words: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever goes wrong becomes one sentence, never a traceback."""
    from penjing.core.process import tune_process

    tune_process()
    _let_names_through()
    _WORDS.set(tuple(words))
    try:
        _check_names(words)
        command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        _check_resume(bound.arguments)
        code = command(*bound.args, **bound.kwargs)
        print(end="", flush=True)
        return int(code or 0)
    except CycloptsError as problem:
        return _fail(_wrong_use(problem, words), 2)
    except PenjingError as problem:
        return _fail(_noted(str(problem), problem), problem.exit_code, getattr(problem, "best", None))
    except KeyboardInterrupt as problem:
        return _fail(_interrupted(problem), INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:
        from penjing._mishap import sentence

        return _fail(_noted(sentence(problem, words), problem), 1)


def _let_names_through() -> None:
    """Write what the terminal's encoding lacks as an escape: no file name and no class name stops a command."""
    if sys.stdout is None:  # closed by who started this
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _check_names(words: Sequence[str]) -> None:
    """Refuse names that the locale cannot read, before hours of work end where such a name is to be written."""
    if sys.getfilesystemencoding() == "utf-8":  # then it is one odd name, which reading can cope with
        return
    from penjing._mishap import name_that_is_no_text

    told = name_that_is_no_text(words)
    if told is not None:
        raise UsageError(told)


def _check_resume(given: Mapping[str, Any]) -> None:
    others = [name.rstrip("_").replace("_", "-") for name in given if name not in ("resume", "data", "output")]
    if "resume" in given and others:
        settled = ", ".join("the options of the data" if name == "of-data" else f"--{name}" for name in others)
        raise UsageError(f"--resume goes on with a run exactly as it began; leave out {settled}")


def _wrong_use(problem: CycloptsError, words: Sequence[str]) -> str:
    text = " ".join(str(problem).split())
    text = text.split(" Available commands:")[0].rstrip(".")
    place = [*words[:1], ""] if words and words[0] in app else [""]
    return f"{text}; see: penjing {' '.join(place)}--help"


def _noted(told: str, problem: Exception) -> str:
    """What a person is told of an error, with what was noted of it on its way: what is left of the work."""
    return "; ".join([told, *getattr(problem, "__notes__", ())])


def _interrupted(problem: KeyboardInterrupt) -> str:
    if not problem.args:
        return "interrupted; nothing was left half done"
    if len(problem.args) == 1:
        return f"interrupted; {problem.args[0]}"
    folder = shlex.quote(str(problem.args[0]))
    if len(problem.args) > 2 and problem.args[2]:
        return f"interrupted while its report was written; the run is finished in {folder}: penjing report {folder}"
    kept = "the best so far is" if problem.args[1] else "before the network was measured once; what is done is"
    return f"interrupted; {kept} kept in {folder}. Go on with: penjing fit --resume {folder}"


def _fail(message: str, code: int, best: Any = None, is_shown: bool = False) -> int:
    """Say why on the error stream; for --json the document on the standard output says it too, unless one is shown."""
    from penjing._screen import error_stream

    if "--json" in _WORDS.get() and not is_shown:
        found = {"error": message, "exit_code": code, "best": best.to_dict() if best is not None else None}
        with contextlib.suppress(OSError):
            _show(OutputOptions(json=True), found, [])
    with contextlib.suppress(OSError):
        error_stream().print(f"penjing: {message}", highlight=False, markup=False, emoji=False, soft_wrap=True)
    return code


def _screen(output: OutputOptions) -> Any:
    from penjing._screen import Screen, error_stream

    return Screen(error_stream(), output.quiet or output.json)


def _reaches(level: str | None, fail_on: str | None) -> bool:
    order = ("info", "warning", "error")
    return bool(fail_on and level) and order.index(str(level)) >= order.index(str(fail_on))


def _show(output: OutputOptions, document: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Print the result: lines for people, or the document, whose `format` says how to read it."""
    if not output.json:
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
            lines = [part for line in lines for part in folded(line, width)]
        print(*lines, sep="\n", end="\n" if lines else "")
        return
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    whole = {"format": DOCUMENT_FORMAT, **document}
    print(json_module.dumps(whole, ensure_ascii=not is_unicode, indent=2, allow_nan=False))


def _agreed(question: str, is_agreed: bool) -> bool:
    if is_agreed:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here; add --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # the standard output may be a file
    try:
        return input("").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _command() -> list[str]:
    return ["penjing", *_WORDS.get()]
