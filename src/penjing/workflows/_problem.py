"""From prepared data to what a recipe is carried out on: preprocessing is learned, on training rows only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from penjing.core import plugins
from penjing.models.own import Own
from penjing.training._loader import Items
from penjing.training._loader import Prepared as PreparedValues
from penjing.training.engine import Problem, front_end, torch_half
from penjing.workflows._prepare import Prepared
from penjing.workflows._pretrained import EmbeddingSlot

NO_TARGET = "target"
# What a costly front end gives is kept in memory up to this size; beyond it, it is made anew for every batch.
MOST_KEPT_BYTES = 400 * 10**6


def pose(
    prepared: Prepared,
    train: np.ndarray,
    valid: np.ndarray,
    learned: Mapping[str, Any] | None = None,
    learned_target: Mapping[str, Any] | None = None,
    own: Own | None = None,
) -> Problem:
    """The problem of learning from `train` and choosing on `valid`.

    Args:
        train: rows trained on.
        valid: rows that choose; may be empty.
        learned: input → preprocessing to use; None learns it from `train`.
        learned_target: what the task learned of the target; None learns it from `train`.
        own: a person's own network.
    """
    target = prepared.table.target.name if prepared.table.target else NO_TARGET
    task = plugins.load("tasks", prepared.task)
    known = {slot.name: slot.learn(train) if learned is None else learned[slot.name] for slot in prepared.slots}
    shape = {slot.name: slot.item_shape(known[slot.name]) for slot in prepared.slots}
    inputs: dict[str, Any] = {slot.name: slot.values(known[slot.name]) for slot in prepared.slots}
    kept = _kept(prepared, known, inputs)
    return Problem(
        Items(
            {**inputs, **kept},
            {target: prepared.truth},
            present={slot.name: slot.present for slot in prepared.slots if slot.present is not None},
            prepared=frozenset(kept),
        ),
        {slot.name: slot.modality for slot in prepared.slots},
        known,
        {
            slot.name: plugins.load("modalities", slot.modality).shape(known[slot.name], shape[slot.name])
            for slot in prepared.slots
        },
        target,
        prepared.classes,
        train,
        valid,
        task.learn(prepared.truth[train], prepared.classes) if learned_target is None else learned_target,
        own,
        named=_named(prepared),
        groups=prepared.groups,
    )


def _named(prepared: Prepared) -> Callable[[], np.ndarray] | None:
    """What the names of the classes mean to the encoder of the only input, where it reads them."""
    (slot, *others) = prepared.slots
    if others or not isinstance(slot, EmbeddingSlot) or not slot.reads_names:
        return None
    return partial(slot.meaning, prepared.classes)


def _kept(prepared: Prepared, learned: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, PreparedValues]:
    """The inputs whose front end is so costly that what it gives is kept, where it fits."""
    found = {}
    for slot in prepared.slots:
        modality = plugins.load("modalities", slot.modality)
        if not getattr(torch_half(modality, "front_end"), "IS_COSTLY", False):
            continue
        shape = modality.shape(learned[slot.name], slot.item_shape(learned[slot.name]))
        if len(prepared.hashes) * int(np.prod(shape)) * 4 <= MOST_KEPT_BYTES:
            made = front_end(slot.modality, learned[slot.name])
            found[slot.name] = PreparedValues(inputs[slot.name], made, len(prepared.hashes))
    return found
