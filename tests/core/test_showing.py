"""How the public types show themselves in a notebook."""

from __future__ import annotations

from penjing.core.finding import Finding
from penjing.core.score import Score


def test_a_score_names_its_part_and_metric():
    shown = Score(0.9, 0.8, 0.95, 40, "test", "macro_f1")._repr_html_()
    assert shown == "test macro_f1 <b>0.900 [0.800–0.950]</b>"


def test_a_finding_runs_no_name_of_a_file():
    finding = Finding("tiny", "warning", "2 <pictures> are tiny", items=("<script>.png", *map(str, range(20))))
    shown = finding._repr_html_()
    assert shown.startswith("<p><b>warning</b> 2 &lt;pictures&gt; are tiny</p><p>&lt;script&gt;.png, 0, 1")
    assert shown.endswith("8 …</p>")
    assert str(finding) == "warning: 2 <pictures> are tiny"


def test_a_finding_without_items_names_none():
    assert Finding("x", "info", "all well")._repr_html_() == "<p><b>info</b> all well</p>"
