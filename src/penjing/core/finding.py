"""A named trouble with its evidence, and the remedies worth trying."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["info", "warning", "error"]
SHOWN = 10  # items named in a notebook
FOLLOWS_FROM = "follows_from"  # in the evidence: the findings that bring this one about


@dataclass(frozen=True)
class Finding:
    """What a check saw.

    Attributes:
        name: the check's name, such as "duplicates".
        level: "info" (good to know), "warning" (the result will be worse or flattered), "error" (cannot go on).
        message: one or two plain sentences: what was seen, why it matters, what to do.
        evidence: the numbers behind it, JSON values only.
        items: names of the items concerned, the worst first; never of test items.
        remedies: names of remedies worth trying, or options as people type them.
    """

    name: str
    level: Level
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()

    @property
    def is_trouble(self) -> bool:
        """Whether something may be done about it: it is grave, or follows from what is."""
        return self.level != "info" or FOLLOWS_FROM in self.evidence

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"

    def _repr_html_(self) -> str:
        items = f"<p>{html.escape(', '.join(self.items[:SHOWN]))}{' …' * (len(self.items) > SHOWN)}</p>"
        return f"<p><b>{self.level}</b> {html.escape(self.message)}</p>{items * bool(self.items)}"


def worst(findings: list[Finding]) -> Level | None:
    """The gravest level among findings, or None when there are none."""
    order: list[Level] = ["info", "warning", "error"]
    return max((finding.level for finding in findings), key=order.index, default=None)
