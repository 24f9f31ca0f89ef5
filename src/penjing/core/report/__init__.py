"""What a run folder shows to people: one offline HTML file, figures as files, and a look for notebooks.

Everything here only reads the run folder (`docs/report.md` lists what it uses); whatever is missing is left out.
Nothing here imports torch, and nothing of the sealed test part but its scores is ever shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from penjing.core.files import write_atomically, write_text
from penjing.core.finding import Finding
from penjing.core.report import _answers, _doctor, _figures, _items, _page, _sections, _tables
from penjing.core.report._read import RunFiles, read_run
from penjing.core.report._words import NOUNS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["NOUNS", "notebook_html", "save_figures", "write_report"]


def write_report(
    run_folder: Path,
    out: Path | None = None,
    pictures: bool = True,
    command: list[str] | None = None,
    findings: Sequence[Finding] = (),
    helps: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the report of a run as one HTML file that needs no network, and return its path.

    Args:
        run_folder: the run; a run that is not finished gives a report of what there is so far.
        out: the file to write; None writes `report.html` into the run folder.
        pictures: whether thumbnails may be in it; without them items are shown by name.
        command: the words that repeat this run; None takes those the run recorded.
        findings: what a diagnosis found, to be shown with their pictures.
        helps: what would help most, by experiments, the best first; see `_evidence.helps`.

    Raises:
        RunError: there is no such run, or the file cannot be written.
    """
    files = read_run(run_folder, pictures)
    path = Path(out) if out is not None else Path(run_folder) / "report.html"
    write_text(path, _page.render(files, command, findings, helps))
    return path


def notebook_html(run_folder: Path) -> str:
    """The headline, the floor and the learning curves of a run as an HTML fragment for a notebook.

    Raises:
        RunError: there is no such run.
    """
    return _page.render_notebook(read_run(run_folder, pictures=False))


def save_figures(run_folder: Path, folder: Path, findings: Sequence[Finding] = (), pictures: bool = True) -> list[Path]:
    """Write every plot as SVG and PNG and every table as CSV, and return what was written; of findings their pictures.

    The CSV files begin with a byte order mark, so that Excel reads names in any script. Without `pictures` nothing is
    drawn that shows items themselves.

    Raises:
        RunError: there is no such run, or a file cannot be written.
    """
    files = read_run(run_folder, pictures)
    written = []
    for name, table in _all_tables(files).items():
        if not table.is_empty():
            written.append(_write(folder / f"{name}.csv", table.write_csv(include_bom=True).encode("utf-8")))
    for name, draw in {**_all_figures(files), **_doctor.figures(files, findings)}.items():
        figure = draw()
        if figure is not None:
            written.append(_write(folder / f"{name}.svg", _figures.to_svg(figure, name).encode("utf-8")))
            written.append(_write(folder / f"{name}.png", _figures.to_png(figure)))
    return written


def _all_tables(files: RunFiles) -> dict[str, pl.DataFrame]:
    after, before, _ = _sections.reliability_bins(files)
    return {
        "floor": _tables.floor(files),
        "curves": _tables.curves(files),
        "confusion": _tables.confusion(files),
        "per_class": _tables.per_class(files),
        "per_label": _tables.per_label(files),
        "errors": _tables.errors(files).drop("hash", strict=False),
        "contributions": _tables.contributions(files),
        "reliability": after,
        "reliability_before": before,
        "mistakes": _tables.mistakes(files),
        "suspects": _tables.corrections(files),
        "parts": _tables.parts(files),
        "classes": _tables.class_counts(files),
        "treatments": _tables.treatments(files),
        "decisions": _tables.decisions(files),
        "seconds": _tables.seconds(files),
    }


def _all_figures(files: RunFiles) -> dict[str, Callable[[], Figure | None]]:
    steps = _tables.curves(files)
    loss = next((name for name in _sections.LOSSES if f"valid/{name}" in steps.columns), _sections.LOSSES[0])
    after, before, _ = _sections.reliability_bins(files)
    right, wrong = _tables.looked(files)
    errors = _tables.errors(files)
    return {
        "floor": lambda: _figures.floor(_tables.floor(files)),
        "loss": lambda: _figures.curve(steps, loss),
        "accuracy": lambda: _figures.curve(steps, "accuracy"),
        "learning_rate": lambda: _figures.rate(steps),
        "confusion": lambda: _figures.confusion(_tables.confusion(files), files.classes),
        "per_class": lambda: _figures.per_class(_tables.per_class(files)),
        "predicted_against_true": lambda: _figures.predicted_against_true(
            _tables.errors(files), _answers.bounds(files)
        ),
        "residuals": lambda: _figures.residuals(errors),
        "contributions": lambda: _figures.contributions(_tables.contributions(files)),
        "reliability": lambda: _figures.reliability(after, before),
        "treatments": lambda: _figures.treatments(_tables.treatments(files)),
        "mistakes": lambda: _gallery(files, _tables.mistakes(files)),
        "suspects": lambda: _gallery(files, _tables.suspects(files).head(_page.SUSPECTS)),
        "looked_right": lambda: _gallery(files, right, with_heat=True),
        "looked_wrong": lambda: _gallery(files, wrong, with_heat=True),
    }


def _gallery(files: RunFiles, rows: pl.DataFrame, with_heat: bool = False) -> Figure | None:
    return _figures.gallery(*_items.gallery(files, rows, with_heat))


def _write(path: Path, content: bytes) -> Path:
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path
