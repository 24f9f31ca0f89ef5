"""Predictions become files that other programs open, and pictures of where the network looked."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_run import CLASSES
from PIL import Image

from penjing._answers import of_predictions
from penjing.core.errors import RunError, UsageError
from penjing.core.events import Event, Said
from penjing.core.run import Run
from penjing.workflows import predict
from penjing.workflows._explain import look
from penjing.workflows._load import load
from penjing.workflows._overlay import file_name, overlay

# ---- files written


def test_excel_opens_the_csv_with_chinese_names(run: Run, photos: Path, tmp_path: Path) -> None:
    found = predict.predict(run, photos)
    path = found.write(tmp_path / "答案" / "预测.csv")
    assert path.read_bytes().startswith("\ufeffpath,prediction,unsure,unlike,p_猫,p_dog,p_bird".encode())
    back = pl.read_csv(path)
    assert back["path"].to_list() == found.frame["path"].to_list()
    np.testing.assert_allclose(back["p_猫"], found.frame["p_猫"], atol=1e-6)


def test_unreadable_items_are_in_the_table_with_their_reason(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "empty.jpg").touch()
    found = predict.predict(run, photos)
    back = pl.read_parquet(found.write(tmp_path / "all.parquet"))
    assert len(back) == 7
    bad = back["path"].str.ends_with("empty.jpg").arg_true().to_list()
    assert bad == back["prediction"].is_null().arg_true().to_list() == list(found.places)
    assert back["unreadable"][bad[0]] == "the file is empty (0 bytes)"


def test_the_json_document_holds_everything(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "empty.jpg").touch()
    found = predict.predict(run, photos)
    document = json.loads(found.write(tmp_path / "all.json").read_text(encoding="utf-8"))
    assert document == found.to_dict()
    assert document["classes"] == list(CLASSES)
    assert document["counts"] == {"猫": 2, "dog": 2, "bird": 2}
    assert list(document["predictions"][0]) == ["path", "prediction", "unsure", "unlike", "probability"]
    assert document["unreadable"] == [
        {"path": str(photos / "empty.jpg"), "reason": "the file is empty (0 bytes)", "place": found.places[0]}
    ]


def test_the_json_document_and_the_table_give_every_item_one_place(run: Run, photos: Path) -> None:
    (photos / "a.jpg").touch()
    (photos / "dog" / "b.jpg").touch()
    found = predict.predict(run, photos)
    document = found.to_dict()
    in_order = [one["path"] for one in document["predictions"]]
    for bad in document["unreadable"]:  # ascending, so that each comes to stand where it was
        in_order.insert(bad["place"], bad["path"])
    assert in_order == found.table["path"].to_list()
    assert [one["place"] for one in replace(found, places=()).to_dict()["unreadable"]] == [6, 7]


def test_the_document_is_made_only_where_it_is_asked_for(run: Run, photos: Path, monkeypatch) -> None:
    found = predict.predict(run, photos)
    assert of_predictions(found, True, True) == (found.to_dict(), [])
    monkeypatch.setattr(type(found), "to_dict", lambda _: pytest.fail("nobody asked for it"))
    assert of_predictions(found, True, False) == ({}, found.summary())
    assert of_predictions(found, False, False)[1] == [*found.lines(), *found.summary()]


@pytest.mark.parametrize("name", ["predictions.txt", "predictions", "predictions.xlsx"])
def test_other_suffixes_are_refused(name: str, run: Run, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in .csv, .json or .parquet"):
        predict.predict(run, photos).write(tmp_path / name)


def test_a_folder_is_no_place_for_predictions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder; give the name of a file, such as .*predictions\.csv"):
        predict.check_output(tmp_path)


def test_a_place_that_cannot_be_written_is_a_sentence(run: Run, photos: Path, tmp_path: Path) -> None:
    found = predict.predict(run, photos)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot write .*x\.csv"):
        found.write(tmp_path / "file" / "x.csv")
    if os.access("/proc", os.F_OK):
        with pytest.raises(RunError, match=r"cannot write /proc/x\.csv: No such file or directory; check"):
            found.write("/proc/x.csv")


def test_a_notebook_shows_counts_and_escapes_names(run: Run, photos: Path) -> None:
    shutil.move(photos / "dog" / "图 1.png", photos / "dog" / "a<b>&.png")
    page = predict.predict(run, photos)._repr_html_()
    assert "6 items: 猫 2, dog 2, bird 2" in page
    assert "a&lt;b&gt;&amp;.png" in page
    assert "<b>&" not in page


def test_a_line_tells_the_answer_and_what_speaks_against_it() -> None:
    assert str(predict.Prediction("新/1.png", "dog", 0.934, False, False)) == "新/1.png: dog 0.93"
    doubtful = predict.Prediction("a", "dog", 0.5, True, True)
    assert str(doubtful) == "a: dog 0.50, unsure, unlike the training data"


def test_every_item_has_a_line(run: Run, photos: Path) -> None:
    found = predict.predict(run, photos)
    assert found.lines() == [str(one) for one in found]
    assert len(found.lines()) == 6


# ---- where it looked


def test_explaining_writes_a_picture_for_each_item_named_by_its_answer(run: Run, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "解释"
    found = predict.predict(run, photos, explain=folder)
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 6
    assert names[0] == file_name(1, found[0].path, found[0].label, found[0].probability)
    assert "图" in names[0]
    assert found[0].label in names[0]
    with Image.open(folder / names[0]) as shown:
        assert shown.size[0] > 2 * shown.size[1]


def test_explanations_are_bounded_and_it_is_said(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "MOST_EXPLAINED", 2)
    heard: list[Event] = []
    predict.predict(run, photos, explain=tmp_path / "why", watch=heard.append)
    assert len(list((tmp_path / "why").iterdir())) == 2
    assert Said(f"the first 2 of 6 items are explained in {tmp_path / 'why'}") in heard


def test_explanations_need_a_folder(run: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file; explanations are many pictures"):
        predict.predict(run, photos, explain=tmp_path / "file")
    with pytest.raises(RunError, match="cannot write"):
        predict.predict(run, photos, explain=tmp_path / "file" / "below")


def test_an_overlay_colours_where_it_matters_and_nowhere_else() -> None:
    grey = np.full((28, 28, 1), 100, np.uint8)
    heat = np.zeros((7, 7), np.float16)
    heat[0, 0], heat[6, 6] = 2.0, -3.0
    shown = np.asarray(overlay(grey, heat)).astype(int)
    right = shown[:, -224:]
    assert right[4, 4, 0] > 180
    assert (right[-20:, -20:] == 100).all()
    assert (shown[:, :224] == 100).all()


def test_an_overlay_of_nothing_that_matters_is_the_picture() -> None:
    shown = np.asarray(overlay(np.full((28, 28, 3), 7, np.uint8), np.full((7, 7), -1, np.float16)))
    assert (shown[:, -224:] == 7).all()


def test_the_name_of_an_overlay_is_legal_and_short() -> None:
    name = file_name(3, "a/b:c?" + "长" * 300 + ".png", "is/it?", 0.931)
    assert not set(name) & set('<>:"/\\|?*')
    assert name.endswith("= is_it_ 93%.png")
    assert len(name.encode()) < 255


def test_pictures_are_looked_into_through_what_the_network_sees_them_through(run: Run) -> None:
    network = load(run).network
    seen: list[tuple[int, ...]] = []

    def see(pictures: np.ndarray) -> np.ndarray:
        seen.append(pictures.shape)
        return pictures

    picture = np.random.default_rng(0).integers(0, 255, (1, 16, 16, 3)).astype(np.uint8)
    (name,) = network.columns
    assert np.array_equal(look(network, name, picture, np.array([0]), see), look(network, name, picture, np.array([0])))
    assert seen == [(50, 16, 16, 3)]
