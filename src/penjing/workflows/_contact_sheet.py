"""A few pictures of every class on one page, so that a person sees what the names only say."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np

from penjing.core.errors import DataError, UsageError
from penjing.core.files import at_home, write_text
from penjing.core.report._pictures import data_uri
from penjing.workflows._prepare import Prepared

# Parts whose pictures may be shown: not those that are to judge the model.
SHOWN_PARTS = ("train", "valid")
PER_CLASS = 12
# With more pictures than this the page gets slow, so that many classes get fewer pictures each.
MOST_PICTURES = 1200
MOST_CLASSES = 400
TILE = 80  # width and height of a picture on the page, in pixels

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, "Noto Sans CJK SC", "Microsoft YaHei",
  "PingFang SC", "WenQuanYi Micro Hei", sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { font-size: 1rem; margin: 1.4rem 0 .3rem } p, small { opacity: .7; font-weight: 400 }
div { display: flex; flex-wrap: wrap; gap: 4px }
"""


def check_sheet(out: Path) -> None:
    """Refuse a name that no contact sheet can have, before the data are looked at.

    Raises:
        UsageError: `out` is not named .html.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"a contact sheet is one HTML page, and {out} is not named like one; call it {out.stem}.html")


def contact_sheet(prepared: Prepared, out: Path, per_class: int = PER_CLASS) -> Path:
    """Write one HTML page with pictures of every class as the network sees them; it needs no network and holds no EXIF.

    The pictures are of the training and validation part only. Which ones depends on their content alone, so the same
    data give the same page.

    Args:
        prepared: the data.
        out: the file to write.
        per_class: most pictures of a class, at least 1.

    Raises:
        DataError: the data hold no pictures.
        UsageError: `out` is not named .html.
        RunError: the file cannot be written.
    """
    out = at_home(out)
    check_sheet(out)
    if prepared.pictures is None:
        raise DataError(f"{prepared.table.title} holds no pictures, so there is no contact sheet of them")
    is_sorted = prepared.task == "classify" and len(prepared.classes) > 0
    named = list(enumerate(prepared.classes)) if is_sorted else [(-1, "")]
    each = min(per_class, max(1, MOST_PICTURES // len(named)))
    sections = [_section(prepared, code, name, each) for code, name in named[:MOST_CLASSES]]
    # Enlarged pictures show their pixels; reduced ones are smoothed.
    rendering = "pixelated" if prepared.pictures.decode.side < TILE else "auto"
    style = f"{_STYLE}img {{ width: {TILE}px; height: {TILE}px; image-rendering: {rendering} }}"
    note = "Training and validation items, as the network sees them. No test item is shown."
    if len(named) > MOST_CLASSES:
        note += f" The first {MOST_CLASSES:,} of {len(named):,} classes."
    title = html.escape(prepared.survey.title)
    write_text(
        out,
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title><style>{style}</style>\n<h1>{title}</h1><p>{note}</p>\n{''.join(sections)}</html>\n",
    )
    return out


def _section(prepared: Prepared, code: int, name: str, most: int) -> str:
    rows = prepared.rows(*SHOWN_PARTS)
    if code >= 0:
        rows = rows[prepared.truth[rows] == code]
    if prepared.pictures is not None and prepared.pictures.present is not None:
        rows = rows[prepared.pictures.present[rows]]
    chosen = sorted(rows.tolist(), key=lambda row: prepared.hashes[row])[:most]
    assert prepared.pictures is not None, "asked before"
    pictures = prepared.pictures.cached.take(np.array(chosen, dtype=np.int64))
    images = "".join(_image(picture, prepared.names[row]) for picture, row in zip(pictures, chosen, strict=True))
    heading = f"<h2>{html.escape(name)} <small>{len(rows):,} to learn and validate with</small></h2>"
    return f"{heading}\n<div>{images}</div>\n"


def _image(picture: np.ndarray, name: str) -> str:
    label = html.escape(name, quote=True)
    return f'<img src="{data_uri(picture)}" alt="{label}" title="{label}">'
