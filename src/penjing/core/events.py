"""What the core says while it works. It never prints: it calls `watch`, and the caller draws.

`watch` is any callable that takes one event, or None for silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Started:
    """A stage begins.

    Attributes:
        stage: its name in a person's words, such as "reading images".
        total: how many units it will take, or None when that is not known.
        unit: what is counted: "images", "steps", …
    """

    stage: str
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True)
class Progress:
    """`done` units of a stage are finished.

    Attributes:
        stage: its name, as it was started.
        done: how many units are finished.
        note: a short live remark, such as the loss.
        total: how many units it will take, where that may have changed since it was started.
    """

    stage: str
    done: int
    note: str = ""
    total: int | None = None


@dataclass(frozen=True)
class Evaluated:
    """The network was measured at a step: namespaced values such as {"valid/accuracy": 0.91}."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Decided:
    """A choice was made; `why` is its evidence in one plain sentence."""

    what: str
    choice: str
    why: str
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Warned:
    """Something a person should know, in one plain sentence."""

    message: str


@dataclass(frozen=True)
class Said:
    """A plain statement of what was understood or done, for people."""

    message: str


@dataclass(frozen=True)
class Finished:
    """A stage ended."""

    stage: str
    seconds: float = 0.0


Event = Started | Progress | Evaluated | Decided | Warned | Said | Finished
Watch = Callable[[Event], None] | None


def tell(watch: Watch, event: Event) -> None:
    """Hand an event to `watch`, if there is one."""
    if watch is not None:
        watch(event)
