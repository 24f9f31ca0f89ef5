"""The first layer of a network of tables: encoded columns in, one vector of numbers near 0 and 1 out.

Numbers are coded piecewise linearly: each bin between two quantiles gives 0 below it, 1 above it and a straight line
within. So one linear layer can draw any broken line, and scale and outliers do not matter.

Source: Gorishniy, Rubachev and Babenko, On Embeddings for Numerical Features in Tabular Deep Learning, 2022. Unlike
theirs the outer bins end at 0 and 1; beside them stands the standardised value, cut at `FAR`, for what lies outside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from penjing.modalities.table._layout import WEEK, layout, season, weekday

FAR = 4.0  # spreads from the mean beyond which a standardised value is cut


class FrontEnd(nn.Module):
    """Columns as they are encoded → standardised values, bins, indicators, parts of dates.

    Whatever is missing gives zeros and, where training cells were missing too, an indicator.

    Args:
        learned: {"columns": [{"form": "number", "category" or "date", what the column's modality has learned}, …]}.
    """

    is_by_item = True  # no item depends on another, so several batches may go through together
    is_kept = True  # what it gives is worth keeping while a network learns: dozens of numbers of each column

    line_columns: Tensor
    centres: Tensor
    spreads: Tensor
    starts: Tensor
    slopes: Tensor
    real_bins: Tensor
    lines_with_missing: Tensor
    flag_columns: Tensor
    flag_codes: Tensor
    date_columns: Tensor
    timed_dates: Tensor
    days_of_week: Tensor

    def __init__(self, learned: Mapping[str, Any]) -> None:
        super().__init__()
        plan = layout(learned)
        self.width = plan.width
        for name, values in vars(plan).items():
            self.register_buffer(name, torch.from_numpy(values))
        self.register_buffer("real_bins", self.slopes.flatten().nonzero()[:, 0])
        self.register_buffer("days_of_week", torch.arange(WEEK, dtype=torch.float32))

    def forward(self, values: Float[Tensor, "batch columns"]) -> Float[Tensor, "batch features"]:
        parts = []
        if len(self.line_columns):
            parts += self._lines(values[:, self.line_columns])
        if len(self.flag_columns):
            parts.append((values[:, self.flag_columns] == self.flag_codes).float())
        if len(self.date_columns):
            parts += self._dates(values[:, self.date_columns])
        return torch.cat(parts, dim=1) if parts else torch.zeros_like(values[:, :1])

    def _lines(self, numbers: Float[Tensor, "batch lines"]) -> list[Tensor]:
        is_missing = numbers.isnan()
        known = torch.where(is_missing, self.centres, numbers)
        standard = ((known - self.centres) / self.spreads).clamp(-FAR, FAR)
        within = ((known[:, :, None] - self.starts) * self.slopes).clamp(0, 1) * (~is_missing)[:, :, None]
        return [standard, within.flatten(1)[:, self.real_bins], is_missing[:, self.lines_with_missing].float()]

    def _dates(self, dates: Float[Tensor, "batch dates"]) -> list[Tensor]:
        is_known = ~dates.isnan()
        days = torch.where(is_known, dates, 0.0)
        weekdays = (weekday(days)[:, :, None] == self.days_of_week) & is_known[:, :, None]
        hour = (days - days.floor())[:, self.timed_dates] * (2 * math.pi)
        timed = is_known[:, self.timed_dates]
        circles = [(season(days), is_known), (hour, timed)]
        turned = [turn(angle) * known for angle, known in circles for turn in (torch.sin, torch.cos)]
        return [*turned, weekdays.flatten(1).float()]
