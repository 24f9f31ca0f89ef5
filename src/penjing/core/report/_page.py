"""The page: what the template needs, gathered from a run, and the one HTML file made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from penjing.core.finding import Finding
from penjing.core.report import _answers, _doctor, _evidence, _items, _sections, _tables, _treatments, _words, text
from penjing.core.report._pictures import Album
from penjing.core.report._read import RunFiles

HERE = Path(__file__).parent
MOST_DECISIONS = 400
SUSPECTS = 24
PICTURES_BYTES = 2_500_000


def render(
    files: RunFiles,
    command: list[str] | None,
    findings: Sequence[Finding] = (),
    helps: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The whole page as HTML."""
    environment = _environment()
    context = {
        **page(files, command),
        "findings": _doctor.shown(files, findings),
        "helps": _evidence.helps(helps),
        "style": _raw("report.css"),
        "script": _raw("report.js"),
    }
    return environment.get_template("report.jinja").render(context)


def render_notebook(files: RunFiles) -> str:
    """The headline, the floor and the curves as an HTML fragment for a notebook."""
    return (
        _environment()
        .get_template("notebook.jinja")
        .render(
            place=f"{files.folder} ({files.run.get('status')})",
            headline=_words.headline(files),
            floor=_sections.floor(files),
            figures=_sections.curves(files),
            test=_sections.test(files),
            style=_raw("notebook.css"),
        )
    )


def page(files: RunFiles, command: list[str] | None) -> dict[str, Any]:
    """Everything the template shows, under the template's own names."""
    album = Album(files.pictures, PICTURES_BYTES)
    right, wrong = _tables.looked(files)
    return {
        "title": str(files.run.get("title") or files.folder.name),
        "created": files.run.get("created"),
        "status": files.run.get("status"),
        "noun": _words.noun(files),
        "headline": _words.headline(files),
        "score": _sections.score(files),
        "test": _sections.test(files),
        "floor": _sections.floor(files),
        "pretrained": _sections.pretrained(files),
        "numbers": _answers.numbers(files, album),
        "labels": _answers.labels(files),
        "contributions": _answers.contributions(files),
        "mistakes": _items.show_items(_tables.mistakes(files), files, album),
        "suspects": _items.show_items(_tables.suspects(files).head(SUSPECTS), files, album),
        "looked_right": _items.show_items(right, files, album, files.heat),
        "looked_wrong": _items.show_items(wrong, files, album, files.heat),
        # After the galleries, so that they have the album's budget first.
        "confusion": _items.confusion(files, album),
        "per_class": _sections.per_class(files),
        "curves": _sections.curves(files),
        "reliability": _sections.reliability(files),
        "treatments": _treatments.treatments(files),
        "data": _sections.data(files),
        "decisions": _timeline(_tables.decisions(files).tail(MOST_DECISIONS).rows(named=True)),
        "cost": _sections.cost(files),
        "again": _sections.again(files, command),
        "unreadable_files": files.unreadable,
        "has_pictures": bool(files.pictures),
        "has_cells": bool(files.cells),
        "drawn": _words.DRAWN.get(_words.noun(files), "") if files.pictures else "",
    }


def _timeline(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Runs of lines of the ledger in their order, `is_folded` where a treatment told of remedies."""
    runs = groupby(lines, key=lambda line: line["what"] == "treatment")
    return [{"is_folded": is_treatment, "lines": list(run)} for is_treatment, run in runs]


def _environment() -> Environment:
    # Undefined names are errors, or a slip in the template would silently leave a section out.
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=text.show_percent, count=text.show_count, moment=text.show_moment, many=text.many
    )
    return environment


def _raw(name: str) -> Markup:
    return Markup((HERE / name).read_text(encoding="utf-8"))
