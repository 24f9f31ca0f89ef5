"""What a check may read. It never sees a network and never runs anything.

There are seven readings. A check names those it `needs`; where one is missing its answer is *not examined*,
never *healthy*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

# Of each part at most so many items are measured at an evaluation of a training.
MOST_MEASURED = 2000


@dataclass(frozen=True)
class Survey:
    """What reading the data found, before anything is learned.

    Attributes:
        items: one row per item, in table order: `name` (str), `hash` (str, null when unreadable), `target` (str or
            null), `part` (str: train, valid, confirm, test or excluded), `group` (str or null), `error` (str or null:
            why it could not be read), and for images `height`, `width`, `channels`, `format`, `pages`.
        pairs: near and exact duplicates: `a`, `b` (row numbers of `items`), `kind` ("exact" or "near").
        given_split: whether the data came with a split of their own.
        title: what the data are called.
        hints: machine-readable extras of the source, such as a guessed group pattern.
        doubts: what may have been misunderstood, in plain sentences.
    """

    items: pl.DataFrame
    pairs: pl.DataFrame
    given_split: bool
    title: str
    hints: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """The seven readings of a run; a missing one is None.

    Attributes:
        survey: from `inspect`.
        steps: one row per evaluation, namespaced columns: `step`; metrics such as "valid/accuracy"; "train/loss" and
            "valid/loss" (the lower the better), "train/running_loss" of the batches since the last row (augmented),
            "train/loss_noise" between them and "train/largest_loss"; `rate`; `seconds`, `stalled_seconds` (waiting for
            data) and `flop` since the beginning; "memory/resident" (bytes); "gradient/norm", "gradient/square",
            "gradient/shared"; "layer/NAME/grad_norm", "weight_norm" and "update_ratio" ("table/NAME/…" of a table of
            vectors); "first/loss", "gradient_norm", "gradient_ratio", "update_ratio" of the very first update;
            "batch/apart" and "chance" (how unlike all training items the last batch is in its targets);
            "activation/NAME/mean", "std", "dead" and "saturated" (shares of units); "entering/PART/mean", "std",
            "uneven" (what the first layer with weights gets, and how much larger than usual the spread of its most
            spread value is); "output/least", "most", "mean", "std", "at_bounds", "sum_error" and "log_sum" of the
            network's outputs; "scaling/factor" and "scaling/left_out" of float16 (what losses are multiplied by, and
            updates so far that overflowed and were left out); `non_finite`, the names of those that were not numbers
            and are null. `training._vitals` says how they are measured. A foreign log has those that it has.
        items: one row per item and model (training items too, by the model "held_out", where experiments answered them
            with networks that did not learn from them): `hash`, `name`, `part`, `group` (the same of items that belong
            together; null of an item that is its own, and missing in older runs), `target`, `predicted`, `probability`
            (list), `loss`.
        trials: what experiments with the same training gave, one row each: `experiment` ("seed", "share", "smaller",
            "larger", "longer", "cleaned": another seed, a share of the training items, the network of half or twice the
            width (or half the usual one), more updates, doubted labels left out; "hidden": a part of the pictures
            hidden from the trained network, "border" or "centre", or a linear model that sees nothing else, "border
            alone"; "arithmetic": another way to do it), `setting` (which), `seed` (some are repeated with others),
            `metric`, `value`, `is_higher_better`, `unit` (what a difference of one means: 1, or what the constant
            answer has), `span` (the most that a difference can be; null without bounds, and in older runs),
            `loss` (mean on validation), `train_loss` (on what was learned from), `items` (that judge),
            `floor` and `floor_loss` (of the constant answer), `simple` (the metric of the best simple model),
            `parameters`; of "arithmetic" `seconds` (an update's), `is_own`, `is_right` and `option` (as typed); `low`
            and `high` of the value, and `gain`, `gain_low`, `gain_high` over the training itself, the row of "itself"
            with the same `share` of the run's updates, and the same of `loss_gain`; `noise` and `loss_noise`, the
            variance of it that the items alone give one of two trainings which differ in the seed. `version` is that of
            what the names mean; experiments that are made anew forget rows of another one.
        columns: from `inspect`, one row per input column that holds its values itself, told from items outside the test
            part: `name`, `type`, `items`, `missing` (share), `distinct`, `least`, `most` (texts; null where there is no
            order), `counts_up` (bool: the values number the rows) and `tells_target` (bool: they are the target under
            other names).
        inputs: what the network met before its first step, one row an input column and one the target, as
            `training._met` says; and `drop`, the metric lost when a column's values are exchanged between items,
            `drop_low` and `drop_high`, the ends of its 95% interval, `drop_all`, the metric lost when those of all
            inputs are, and `unit`, what a difference of one means in it, as in trials (null in older runs).
        choices: the recipe, dotted key → value, such as {"task.loss": "cross_entropy"}.
        counted: what `step` counts: "update" in a run, "epoch" or "step" in the log of another tool.
    """

    survey: Survey | None = None
    steps: pl.DataFrame | None = None
    items: pl.DataFrame | None = None
    trials: pl.DataFrame | None = None
    columns: pl.DataFrame | None = None
    inputs: pl.DataFrame | None = None
    choices: Mapping[str, Any] | None = None
    counted: str = "update"

    @property
    def is_foreign(self) -> bool:
        """Whether it is the log of another tool: no option of penjing's applies, and which weights were kept is not
        known."""
        return self.counted != "update"

    def also(self, **readings: Any) -> Record:
        """The same record with other readings."""
        return replace(self, **readings)
