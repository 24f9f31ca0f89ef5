"""What `inspect` sees in folders of pictures, and that the test part stays sealed."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from penjing.core.errors import UsageError
from penjing.core.randomness import stream
from penjing.sources import Options
from penjing.workflows._prepare import DataWish
from penjing.workflows.inspect import Inspection, contact_sheet, inspect, write_suspects

CATS, DOGS = "猫", "狗"


def picture(seed: int, side: int = 32) -> Image.Image:
    """A colourful pattern that is like no other."""
    coarse = stream(seed, "test picture").integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def write(path: Path, image: Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def given_split(folder: Path, tested: int = 1000) -> Path:
    """Two classes with Chinese names, and a train and a test folder; `tested` chooses the content of the test items."""
    for at, name in enumerate((CATS, DOGS)):
        for number in range(30):
            write(folder / "train" / name / f"{number}.png", picture(100 * at + number))
        for number in range(6):
            write(folder / "test" / name / f"{number}.png", picture(tested + 100 * at + number))
    return folder


def look(folder: Path, **options: str) -> Inspection:
    return inspect(str(folder), DataWish(options=Options(**options)))


def levels(inspection: Inspection) -> dict[str, str]:
    return {finding.name: finding.level for finding in inspection.findings}


def message(inspection: Inspection, name: str) -> str:
    return next(finding.message for finding in inspection.findings if finding.name == name)


def test_items_are_counted_by_class_and_part(tmp_path: Path) -> None:
    inspection = look(given_split(tmp_path / "data"))
    counts = {row["class"]: row for row in inspection.counts.iter_rows(named=True)}
    assert set(counts) == {CATS, DOGS}
    for row in counts.values():
        assert row["test"] == 6
        assert row["train"] + row["valid"] + row["confirm"] == 30
        assert row["total"] == 36
    assert inspection.sizes["height"] == [32, 32.0, 32]
    assert inspection.sizes["formats"] == {"PNG": 60}
    assert levels(inspection) == {"few_items": "info"}
    assert inspection.worst == "info"


def test_unreadable_files_are_reported_however_many_they_are(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    for number in range(20):
        (data / "train" / CATS / f"{number}.png").write_bytes(b"not a picture")
    inspection = look(data)
    assert levels(inspection)["unreadable"] == "error"
    assert message(inspection, "unreadable").startswith("Unreadable and left out: 20 of 72 items")
    assert inspection.worst == "error"


def test_a_picture_that_is_cut_off_is_unreadable_too(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    file = data / "train" / CATS / "5.png"
    file.write_bytes(file.read_bytes()[:-400])
    inspection = look(data)
    finding = next(finding for finding in inspection.findings if finding.name == "unreadable")
    assert finding.evidence["reasons"] == {"the file is cut off; copy or download it again": 1}
    assert inspection.to_dict()["unreadable"] == 1


def test_one_picture_under_two_classes_is_written_down_as_a_suspect(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    write(data / "train" / DOGS / "0.png", picture(0))
    inspection = look(data)
    assert levels(inspection)["cross_class_duplicates"] == "warning"
    out = tmp_path / "可疑.csv"
    assert write_suspects(inspection, out) == 2
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(out.read_text(encoding="utf-8-sig").replace(f"{data}/", "").splitlines()))
    cat, dog = f"train/{CATS}/0.png", f"train/{DOGS}/0.png"
    assert {row["path"]: (row["label"], row["why"], row["suggestion"]) for row in rows} == {
        cat: (CATS, f"the same picture as {dog}, which is labelled {DOGS}", f"{DOGS}, or drop"),
        dog: (DOGS, f"the same picture as {cat}, which is labelled {CATS}", f"{CATS}, or drop"),
    }


def test_a_corrected_suspect_is_no_suspect_any_more(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    write(data / "train" / DOGS / "0.jpg", picture(0))  # nearly the picture of the cat, not byte for byte
    (data / "train" / DOGS / "0.png").unlink()
    inspection = look(data)
    out = tmp_path / "suspects.csv"
    assert write_suspects(inspection, out) == 2
    text = out.read_text(encoding="utf-8-sig")
    assert "nearly the same picture as" in text
    out.write_text(text.replace(f"0.jpg,{DOGS}", "0.jpg,drop"), encoding="utf-8-sig")
    corrected = inspect(str(data), DataWish(corrections=str(out)))
    assert "cross_class_duplicates" not in levels(corrected)
    assert corrected.suspects.is_empty()
    assert corrected.counts["total"].sum() == inspection.counts["total"].sum() - 1


def test_no_suspects_give_a_file_with_a_header(tmp_path: Path) -> None:
    assert write_suspects(look(given_split(tmp_path / "data")), tmp_path / "none.csv") == 0
    assert (tmp_path / "none.csv").read_text(encoding="utf-8-sig") == "path,label,why,suggestion\n"


def test_a_leak_names_the_item_to_learn_from_and_not_the_test_item(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    write(data / "test" / CATS / "secret.png", picture(3))
    inspection = look(data)
    finding = next(finding for finding in inspection.findings if finding.name == "leak")
    assert [Path(name).parts[-3:] for name in finding.items] == [("train", CATS, "3.png")]
    assert finding.evidence["test"] == 1
    assert "secret" not in json.dumps(inspection.to_dict(), ensure_ascii=False)


def test_pictures_of_one_colour_are_found_even_with_bars_beside_them(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    write(data / "train" / CATS / "black.png", Image.new("RGB", (64, 32)))
    write(data / "train" / CATS / "blue.jpg", Image.new("RGB", (32, 32), (10, 20, 200)))
    assert message(look(data), "constant_items").startswith("Of one colour all over: 2 of 62 pictures")


def test_guessed_groups_are_silent_once_they_are_named(tmp_path: Path) -> None:
    data = tmp_path / "mice"
    for number in range(48):
        name = (CATS, DOGS)[number % 2]
        write(data / name / f"mouse{number % 6:02}_{number}.png", picture(number))
    found = look(data)
    option = next(finding for finding in found.findings if finding.name == "guessed_groups").remedies[0]
    pattern = option.removeprefix("--group-from '").removesuffix("'")
    assert "guessed_groups" not in levels(look(data, group_from=pattern))


def everything(inspection: Inspection, folder: Path) -> str:
    """All that `inspect` says or writes."""
    folder.mkdir()
    write_suspects(inspection, folder / "suspects.csv")
    contact_sheet(inspection.prepared, folder / "sheet.html")
    written = [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]
    shown = [json.dumps(inspection.to_dict(), ensure_ascii=False), *inspection.lines(), inspection._repr_html_()]
    return "\n".join([*written, *shown])


def test_nothing_that_is_said_or_written_depends_on_content_or_label_of_test_items(tmp_path: Path) -> None:
    """Two data sets in one place, one after the other: equal but for the content of the test items and their labels.

    The labels are swapped in equal numbers, so that not even the counts may change; and the second test part has
    one picture under two classes and one of a single colour.
    """
    data = given_split(tmp_path / "data")
    write(data / "train" / DOGS / "0.png", picture(0))
    before = everything(look(data), tmp_path / "before")
    given_split(data, tested=5000)
    write(data / "test" / CATS / "0.png", picture(5001))
    write(data / "test" / CATS / "2.png", picture(5101))
    write(data / "test" / DOGS / "2.png", Image.new("RGB", (32, 32)))
    write(data / "train" / DOGS / "0.png", picture(0))
    cats, dogs = data / "test" / CATS, data / "test" / DOGS
    cats.rename(data / "test" / "middle")
    dogs.rename(cats)
    (data / "test" / "middle").rename(dogs)
    after = everything(look(data), tmp_path / "after")
    assert after == before


def test_the_contact_sheet_shows_each_class_and_no_test_item(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    out = contact_sheet(look(data).prepared, tmp_path / "总览.html", per_class=4)
    page = out.read_text(encoding="utf-8")
    assert page.count("<img ") == 8
    assert f"<h2>{CATS} <small>30 to learn and validate with</small></h2>" in page
    shown = re.findall(r' title="([^"]+)"', page)
    assert len(shown) == 8
    assert all(Path(name).parts[-3] == "train" for name in shown)
    assert "http" not in page


def test_the_contact_sheet_escapes_names(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(20):
        write(data / ("<b>&" if number % 2 else "plain") / f"{number}.png", picture(number))
    page = contact_sheet(look(data).prepared, tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "<h2>&lt;b&gt;&amp; " in page
    assert "<b>" not in page


def test_the_contact_sheet_must_be_named_html(tmp_path: Path) -> None:
    prepared = look(given_split(tmp_path / "data")).prepared
    with pytest.raises(UsageError, match=r"sheet\.png is not named like one; call it sheet\.html"):
        contact_sheet(prepared, tmp_path / "sheet.png")


def test_everything_is_json_with_the_documented_keys(tmp_path: Path) -> None:
    found = look(given_split(tmp_path / "data")).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    page = Path(__file__).parents[2] / "docs" / "inspect.md"
    documented = re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert documented == list(found)


def test_every_check_is_documented() -> None:
    from penjing.checks import names_for

    page = (Path(__file__).parents[2] / "docs" / "inspect.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \*\*(\w+)\*\* \|", page, flags=re.MULTILINE) == names_for("survey", "columns")


def test_numbers_stand_in_front_of_class_names(tmp_path: Path) -> None:
    lines = look(given_split(tmp_path / "data")).lines()
    assert lines[0].split()[-2:] == ["total", "class"]
    assert {line.split()[-1] for line in lines[1:3]} == {CATS, DOGS}
    assert all(line.split()[-2] == "36" for line in lines[1:3])


def test_of_very_many_classes_the_first_are_listed() -> None:
    pictures = stream(0, "many classes").integers(0, 256, (80, 16, 16), dtype=np.uint8)
    inspection = inspect((pictures, [f"<{number % 40}>" for number in range(80)]), DataWish())
    assert inspection.lines()[31] == "… and 10 more classes"
    shown = inspection._repr_html_()
    assert shown.count("<tr>") == 31
    assert "<td>&lt;0&gt;</td>" in shown
    assert len(inspection.to_dict()["classes"]) == 40


def test_data_without_labels_are_inspected_and_the_rest_is_said_to_be_not_examined(tmp_path: Path) -> None:
    inspection = look(given_split(tmp_path / "data"), target="none")
    assert inspection.counts["class"].to_list() == ["(no label)"]
    assert inspection.lines()[-1] == (
        "cross_class_duplicates, few_items, imbalance, one_class, tiny_classes, undivided_class: "
        "not examined, because there are no classes"
    )
    page = contact_sheet(inspection.prepared, tmp_path / "sheet.html", per_class=3).read_text(encoding="utf-8")
    assert page.count("<img ") == 3


def test_inspecting_does_not_load_torch(tmp_path: Path) -> None:
    data = given_split(tmp_path / "data")
    program = (
        "import sys\nfrom penjing.workflows.inspect import inspect\nfrom penjing.workflows._prepare import DataWish\n"
        f"inspect({str(data)!r}, DataWish())\nassert 'torch' not in sys.modules, 'torch was loaded'"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
