"""A run keeps what reading its data found, and its report shows that."""

from __future__ import annotations

import html
import json
from pathlib import Path

import numpy as np

import penjing as pj
from penjing.checks import names_for


def test_a_run_keeps_what_inspect_finds_without_a_look_at_pixels_and_columns(tmp_path: Path) -> None:
    labels = ["common"] * 380 + ["rare"] * 20
    rows = {"size": np.arange(400) + 0.5, "label": labels}
    wish = {"target": "label", "out": tmp_path / "run", "watch": None, "pictures": False}
    run = pj.fit(rows, model="tabular", set={"training.steps": 5}, **wish)
    kept = {one["name"]: one for one in run.info["findings"]}
    told = {one.name: one for one in pj.inspect(rows, target="label", watch=None).findings}
    assert "imbalance" in kept
    assert kept.keys() == told.keys() & set(names_for("survey"))
    assert kept["imbalance"]["message"] == told["imbalance"].message
    assert kept["imbalance"]["evidence"] == json.loads(json.dumps(told["imbalance"].evidence))
    page = html.unescape((run.path / "report.html").read_text(encoding="utf-8"))
    assert told["imbalance"].message in page
