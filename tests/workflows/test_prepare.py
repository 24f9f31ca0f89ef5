"""What is read, decoded and dealt before the first network."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from kinds import picture
from PIL import Image

from penjing.core import cache
from penjing.core.budget import Clock
from penjing.core.errors import DataError
from penjing.core.events import Warned
from penjing.modalities import image
from penjing.sources import Options
from penjing.workflows._decode import decode as decode_all
from penjing.workflows._prepare import DataWish, Prepared, prepare, survey
from penjing.workflows._slots import FileSlot

LABELS = ("a", "b")
ITEMS = 60


def prepared(place: Path, **wish: Any) -> Prepared:
    return prepare(place, DataWish(options=Options(target="label"), **wish), Clock(60.0))


def listed(folder: Path, paths: list[str | None], **columns: list[Any]) -> Path:
    labels = [LABELS[row % 2] for row in range(len(paths))]
    pl.DataFrame({"image": paths, **columns, "label": labels}).write_csv(folder / "table.csv")
    return folder / "table.csv"


def test_each_page_is_a_row_also_where_the_files_stand_in_a_table(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for row in range(ITEMS):
        pages = [Image.fromarray(draw.integers(0, 256, (12, 12), dtype=np.uint8)) for _ in range(1 + row % 2)]
        pages[0].save(tmp_path / f"{row:02d}.tif", save_all=True, append_images=pages[1:])
    found = prepared(listed(tmp_path, [f"{row:02d}.tif" for row in range(ITEMS)]), page="each")
    assert len(found.hashes) == ITEMS * 3 // 2
    assert np.bincount(found.truth).tolist() == [30, 60]
    assert [name for name in found.survey.items["name"] if "01.tif" in name] == [
        f"{tmp_path / '01.tif'}#page=1",
        f"{tmp_path / '01.tif'}#page=2",
    ]


def test_a_file_that_cannot_be_decoded_is_left_out_beside_cells_that_are_empty(tmp_path: Path) -> None:
    paths: list[str | None] = [f"{row:02d}.png" for row in range(ITEMS)]
    for row, path in enumerate(paths):
        (tmp_path / str(path)).write_bytes(picture("好", row))
    damaged = tmp_path / "07.png"
    damaged.write_bytes(damaged.read_bytes()[:60])  # the header is whole
    paths[3] = None
    reviews = [f"a film of {row} words and {row % 7} more" for row in range(ITEMS)]
    found = prepared(listed(tmp_path, paths, review=reviews))
    assert len(found.hashes) == ITEMS - 1
    assert found.survey.items["error"].is_not_null().sum() == 1
    assert found.survey.items["error"].is_not_null().arg_true().to_list() == [7]


def test_a_second_column_is_decoded_for_the_items_that_the_first_had_time_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {side: [f"{side}-{row:03d}.png" for row in range(150)] for side in ("before", "after")}
    for number, name in enumerate(names["before"] + names["after"]):
        (tmp_path / name).write_bytes(picture("好", number))
    decode, asked = image.decode, []

    def slow(content: Any, *given: Any) -> np.ndarray:
        time.sleep(0.02)
        return decode(content, *given)

    def filled(form: cache.Form, wanted: Mapping[str, str], *given: Any, **named: Any) -> cache.Filled:
        asked.append(set(wanted.values()))
        return fill(form, wanted, *given, **named)

    fill = cache.fill
    monkeypatch.setattr(image, "decode", slow)
    monkeypatch.setattr(cache, "fill", filled)
    place = listed(tmp_path, names["before"], after=names["after"])
    surveyed = survey(place, DataWish(options=Options(target="label")), 60.0)
    told: list[Any] = []
    found = decode_all(surveyed, 0.0, time.monotonic() + 1.0, told.append, None)
    assert 0 < len(found.rows) < 150
    assert {len(slot.cached) for slot in found.slots if isinstance(slot, FileSlot)} == {len(found.rows)}
    assert 0 < len(asked[1]) < len(asked[0]) == 150
    (late,) = [event.message for event in told if isinstance(event, Warned)]
    assert f"{150 - len(found.rows)} of 150 items were not decoded" in late


def test_nearly_equal_pictures_are_in_one_part_beside_other_inputs_too(tmp_path: Path) -> None:
    draw, paths, copies = np.random.default_rng(3), list[str | None](), 10
    for row in range(ITEMS):
        small = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        if 0 < row <= 2 * copies and row % 2:  # the picture before, saved anew
            Image.open(tmp_path / f"{row - 1:02d}.png").save(tmp_path / f"{row:02d}.jpg", quality=60)
            paths.append(f"{row:02d}.jpg")
        else:
            small.resize((48, 48), Image.Resampling.BICUBIC).save(tmp_path / f"{row:02d}.png")
            paths.append(f"{row:02d}.png")
    paths[-1] = None
    reviews = [f"a film of {row} words and {row % 7} more" for row in range(ITEMS)]
    found = prepared(listed(tmp_path, paths, review=reviews))
    assert len(found.slots) == 2
    assert len(np.unique(found.groups)) == ITEMS - copies
    assert all(found.groups[row] == found.groups[row + 1] for row in range(0, 2 * copies, 2))
    parts = found.split.frame["part"].to_list()
    assert all(parts[row] == parts[row + 1] for row in range(0, 2 * copies, 2))


def test_where_many_pictures_look_alike_those_of_one_file_are_in_one_part_all_the_same(tmp_path: Path) -> None:
    draw, paths = np.random.default_rng(4), list[str | None]()
    for row in range(ITEMS):
        if row < ITEMS // 2:  # one picture, each time with another grain that nobody sees
            shown = np.tile(np.linspace(0, 250, 48, dtype=np.uint8)[:, None, None], (1, 48, 3)).copy()
            shown[row, row] += 1
            made = Image.fromarray(shown)
        else:
            made = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((48, 48))
        made.save(tmp_path / f"{row:02d}.png")
        paths.append(f"{row:02d}.png")
    paths[-1] = paths[-2]
    said: list[str] = []
    wish = DataWish(options=Options(target="label"))
    reviews = [f"a film of {row} words and {row % 7} more" for row in range(ITEMS)]
    found = prepare(listed(tmp_path, paths, review=reviews), wish, Clock(60.0), lambda event: said.append(str(event)))
    assert found.groups[-1] == found.groups[-2]
    assert len(np.unique(found.groups)) == ITEMS - 1
    assert any('show nearly the same pictures of "image"' in one for one in said)


def test_parts_that_cannot_be_remembered_are_said_to_be_so_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("no folder")
    monkeypatch.setenv("PENJING_STATE", str(tmp_path / "state"))
    told: list[Any] = []
    data = {"x": [row % 7 / 4 for row in range(ITEMS)], "label": [LABELS[row % 2] for row in range(ITEMS)]}
    found = prepare(data, DataWish(options=Options(target="label")), Clock(60.0), told.append)
    assert len(found.hashes) == ITEMS
    (warned,) = [one.message for one in told if isinstance(one, Warned)]
    assert warned.startswith("the parts are not remembered for later items: ")
    assert warned.endswith("or name one with PENJING_STATE")


def test_a_time_column_is_called_as_the_data_call_it(tmp_path: Path) -> None:
    rows = "".join(f"{row % 7 / 4},{LABELS[row % 2]},2020\n" for row in range(ITEMS))
    (tmp_path / "table.csv").write_text(f"x,label,year\n{rows}")
    with pytest.raises(DataError, match='the column "year" holds fewer than three different times'):
        prepare(tmp_path / "table.csv", DataWish(options=Options(target="label", time_column="year")), Clock(60.0))


def test_groups_are_read_from_file_names_where_the_first_item_has_no_file(tmp_path: Path) -> None:
    paths: list[str | None] = [f"m{row % 9}_{row:02d}.png" for row in range(ITEMS)]
    for row, path in enumerate(paths):
        (tmp_path / str(path)).write_bytes(picture("好", row))
    paths[0] = None
    place = listed(tmp_path, paths, age=[row % 17 for row in range(ITEMS)])
    found = prepare(place, DataWish(options=Options(target="label", group_from=r"m\d")), Clock(60.0))
    assert len(np.unique(found.groups)) == 10  # nine, and the row without a picture
