"""Tables as spreadsheets and scripts of any country write them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.modalities import number
from penjing.sources import Options, open_data
from penjing.sources._samples import png, sample_images
from penjing.sources._tables import as_text, read_table, without_empty_rows

ROWS = [("图/1.png", "猫"), ("图/2.png", "狗"), ("图/10.png", "猫")]
LABELS = ["猫", "狗", "猫"]


@pytest.fixture
def folder(plant) -> Path:
    return plant([path for path, _ in ROWS])


def text(separator: str = ",", names: tuple[str, str] = ("path", "label")) -> str:
    return "\n".join(separator.join(row) for row in [names, *ROWS]) + "\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_separator_and_encoding_gives_the_same_table(
    separator: str, encoding: str, line_end: str, folder: Path
) -> None:
    (folder / "表.csv").write_bytes(text(separator).replace("\n", line_end).encode(encoding))
    table = open_data(folder / "表.csv")
    assert table.frame["image"].to_list() == [path for path, _ in ROWS]
    assert table.frame["target"].to_list() == LABELS
    assert table.said[0] == '3 images in 2 classes (column "label"): 猫 2, 狗 1'
    assert all(table.stores["image"].read(reference) for reference in table.frame["image"])
    if encoding == "gb18030":
        assert "表.csv is read as GB18030" in table.said


@pytest.mark.parametrize("name", ["t.parquet", "t.PQ", "t.xlsx"])
def test_parquet_and_excel_give_the_same_table(name: str, folder: Path) -> None:
    frame = pl.DataFrame(ROWS, schema=["path", "label"], orient="row")
    (frame.write_excel if name.endswith("xlsx") else frame.write_parquet)(folder / name)
    table = open_data(folder / name)
    assert table.frame["image"].to_list() == [path for path, _ in ROWS]
    assert table.frame["target"].to_list() == LABELS


def test_excel_without_its_extra_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "t.xlsx").write_bytes(b"PK")
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(MissingExtra, match=r"pip install 'penjing\[excel\]'"):
        open_data(folder / "t.xlsx")


@pytest.mark.parametrize("names", [("文件名", "类别"), ("Image Path", "Class"), ("x1", "x2"), ("id", "species")])
def test_columns_are_recognised_by_name_or_content(names: tuple[str, str], folder: Path) -> None:
    (folder / "t.csv").write_text(text(names=names), encoding="utf-8")
    table = open_data(folder / "t.csv")
    assert table.frame["target"].to_list() == LABELS
    assert f'The column "{names[0]}" holds the pictures' in table.said


def test_a_table_without_a_line_of_names_is_read(folder: Path) -> None:
    (folder / "t.csv").write_text("".join(f"{path},{label}\n" for path, label in ROWS), encoding="utf-8")
    assert open_data(folder / "t.csv").frame["target"].to_list() == LABELS


@pytest.mark.parametrize("rows", [3, 300])
@pytest.mark.parametrize("names", ["weight.raw,height.raw,label", "created.ts,other.ai,label"])
def test_names_that_end_like_files_are_names(names: str, rows: int, tmp_path: Path) -> None:
    lines = [names, *(f"{row * 1.5},{row % 7 + 0.5},{'ab'[row % 2]}" for row in range(rows))]
    (tmp_path / "raw.csv").write_text("\n".join(lines), encoding="utf-8")
    table = open_data(tmp_path / "raw.csv")
    assert len(table) == rows
    assert [column.name for column in table.columns] == [*names.split(",")[:2], "target"]


def read_doubts(folder: Path, lines: list[str]) -> list[str]:
    """What is doubted of the names of a table of these lines."""
    (folder / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    return [doubt for doubt in open_data(folder / "t.csv").doubts if doubt.startswith("Names of columns")]


FLOWERS = [f"{5 + row % 7 / 10},{3.5 - row % 9 / 10:.1f},{row % 5},{'ab'[row % 2]}" for row in range(50)]
TEXTS = [f"this is review number {row} of them,{'good' if row % 3 else 'bad'}" for row in range(120)]


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (FLOWERS, '"5.0", "3.5", "0" …'),
        (TEXTS, '"bad"'),
        ([f"{row},{row % 3},{row % 2},{row % 2}" for row in range(1, 300)], '"1", "1", "1"'),
    ],
    ids=["numbers", "texts", "repeated"],
)
def test_names_that_look_like_an_item_are_questioned(lines: list[str], shown: str, tmp_path: Path) -> None:
    options = Options(target=lines[0].split(",")[-1])
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert open_data(tmp_path / "t.csv", options).doubts[0] == (
        f"Names of columns look like values of an item: {shown}; "
        "if the first line holds no names, put one that does above it"
    )


@pytest.mark.parametrize(
    "names",
    [
        [str(pixel) for pixel in range(784)],
        [str(year) for year in range(1990, 2020, 5)],
        ["2019", "2020"],
        ["2020"],
        [f"{400 + 1.5 * index + index % 2 / 4}" for index in range(100)],
        ["weight", "height"],
    ],
    ids=["pixels", "years", "two years", "a year", "wavelengths", "words"],
)
def test_numbers_that_are_counted_up_are_names(names: list[str], tmp_path: Path) -> None:
    rows = [",".join([str(row * (row + place) % 97) for place in range(len(names))]) for row in range(60)]
    lines = [",".join(["label", *names]), *(f"{'ab'[number % 2]},{row}" for number, row in enumerate(rows))]
    assert read_doubts(tmp_path, lines) == []


def test_the_row_numbers_of_pandas_and_empty_columns_are_passed_over(folder: Path) -> None:
    (folder / "t.csv").write_text(",path,kind,\n0,图/1.png,猫,\n1,图/2.png,狗,\n", encoding="utf-8")
    assert open_data(folder / "t.csv").frame["target"].to_list() == ["猫", "狗"]


def test_the_order_of_the_rows_does_not_matter(folder: Path) -> None:
    lines = text().splitlines()
    (folder / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "b.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    assert open_data(folder / "a.csv").frame.equals(open_data(folder / "b.csv").frame)


def test_labels_keep_their_zeros_and_numbers_their_look(folder: Path) -> None:
    (folder / "t.csv").write_text("path,label\n图/1.png,007\n图/2.png,7\n", encoding="utf-8")
    assert open_data(folder / "t.csv").hints["classes"] == ["007", "7"]
    pl.DataFrame({"path": ["图/1.png", "图/2.png", "图/10.png"], "y": [1.0, 2.0, None]}).write_parquet(
        folder / "t.parquet"
    )
    table = open_data(folder / "t.parquet")
    assert table.hints["classes"] == ["1", "2"]
    assert table.doubts == ("1 item without a label left out; predict them afterwards",)


def test_a_path_column_alone_has_no_target(folder: Path) -> None:
    (folder / "t.csv").write_text("path\n图/1.png\n图/2.png\n", encoding="utf-8")
    table = open_data(folder / "t.csv")
    assert table.target is None
    assert table.said[0] == "2 images without labels"


def test_split_and_group_columns_are_taken_and_said(folder: Path) -> None:
    rows = ["path,label,split,group", "图/1.png,猫,train,m1", "图/2.png,狗,train,m2", "图/10.png,猫,val,m1"]
    (folder / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    table = open_data(folder / "t.csv")
    assert table.frame.select("part", "group").rows() == [("train", "m1"), ("train", "m2"), ("test", "m1")]
    assert [column.role for column in table.columns] == ["input", "target", "group", "part"]
    assert 'The column "group" holds the groups' in table.said
    assert "2 groups, never parted by the split" in table.said
    assert open_data(folder / "t.csv", Options(split="none")).part is None


def test_a_likely_group_is_questioned_and_never_taken(folder: Path) -> None:
    rows = ["path,label,patient", "图/1.png,猫,p1", "图/2.png,狗,p2"]
    (folder / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    table = open_data(folder / "t.csv")
    assert table.group is None
    assert (
        'The column "patient" suggests 2 groups (p1…p2): use --group patient, or the score will be too good'
        in table.doubts
    )
    assert open_data(folder / "t.csv", Options(group="patient")).frame["group"].to_list() == ["p1", "p2"]


def test_a_fold_column_that_holds_no_parts_is_not_a_split(folder: Path) -> None:
    (folder / "t.csv").write_text("path,label,fold\n图/1.png,猫,1\n图/2.png,狗,2\n", encoding="utf-8")
    assert open_data(folder / "t.csv").part is None
    with pytest.raises(DataError, match=r'the column "fold" of t.csv holds "1", which names no part'):
        open_data(folder / "t.csv", Options(split="fold"))


def test_rows_without_a_path_or_named_twice_are_said(folder: Path) -> None:
    (folder / "t.csv").write_text("path,label\n图/1.png,猫\n图/1.png,狗\n,猫\n图/2.png,狗\n", encoding="utf-8")
    doubts = open_data(folder / "t.csv").doubts
    assert "1 row without a path left out" in doubts
    assert "1 row with a path that another row has too" in doubts


def test_paths_may_start_beside_the_table_and_use_backslashes(folder: Path) -> None:
    (folder / "t.csv").write_text("path,label\n.\\1.png,猫\n2.png,狗\n", encoding="utf-8")
    table = open_data(folder / "t.csv")
    assert table.frame["image"].to_list() == ["图/1.png", "图/2.png"]
    assert 'Paths are read from the folder "图"' in table.said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows asks for a right to make links")
def test_a_link_to_itself_beside_the_table_stops_nothing(folder: Path) -> None:
    (folder / "self").symlink_to("self")
    (folder / "t.csv").write_text("path,label\n1.png,猫\n2.png,狗\n", encoding="utf-8")
    assert open_data(folder / "t.csv").frame["image"].to_list() == ["图/1.png", "图/2.png"]


def test_absolute_paths_are_read(folder: Path) -> None:
    paths = [str(folder / path) for path, _ in ROWS]
    (folder / "t.csv").write_text("path,label\n" + "\n".join(f"{p},{i}" for i, p in enumerate(paths)), encoding="utf-8")
    assert open_data(folder / "t.csv").stores["image"].read(paths[0])


def test_parquet_may_hold_the_pictures_themselves(tmp_path: Path) -> None:
    pictures = [png(image) for image in sample_images(3)]
    frame = pl.DataFrame({"image": pictures, "label": ["a", "b", "a"]})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.select(pl.struct(bytes="image", path=pl.lit("x")).alias("image"), "label").write_parquet(
        tmp_path / "s.parquet"
    )
    for name in ("t.parquet", "s.parquet"):
        table = open_data(tmp_path / name)
        assert [table.stores["image"].read(reference) for reference in table.frame["image"]] == pictures
        assert table.frame["target"].to_list() == ["a", "b", "a"]


def test_lists_of_numbers_in_parquet_become_columns_as_those_of_a_frame_do(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(30, 3))
    held = {"emb": rows.tolist(), "fixed": pl.Series(rows.astype(np.float32)), "price": rows[:, 0]}
    frame = pl.DataFrame({**held, "label": ["a", "b", "a"] * 10})
    frame.write_parquet(tmp_path / "t.parquet")
    table = open_data(tmp_path / "t.parquet")
    named = [f"{name}_{place}" for name in ("emb", "fixed") for place in range(3)]
    assert [(one.name, one.modality) for one in table.inputs] == [(name, "number") for name in [*named, "price"]]
    assert table.frame.equals(open_data(frame).frame)
    np.testing.assert_array_equal(table.frame["emb_1"], rows[:, 1])
    ignored = open_data(tmp_path / "t.parquet", Options(types={"emb": "ignore", "fixed": "ignore"}))
    assert [one.name for one in ignored.inputs] == ["price"]


def test_classes_that_are_one_number_in_two_writings_are_doubted(tmp_path: Path) -> None:
    cells = ["0", "1", "0.0", "1.0", "2", "no"] * 5
    lines = "size,label\n" + "".join(f"{row}.5,{label}\n" for row, label in enumerate(cells))
    doubts = open_data(written(tmp_path, "t.csv", lines.encode())).doubts
    found = [doubt for doubt in doubts if "same number" in doubt]
    assert found == [
        f'Classes "{name}" and "{name}.0" are the same number; join them with --merge' for name in ("0", "1")
    ]
    merged = Options(merge={"0": ["0", "0.0"], "1": ["1", "1.0"]})
    assert not any("same number" in doubt for doubt in open_data(tmp_path / "t.csv", merged).doubts)
    whole = pl.DataFrame({"size": [1.5, 2.5, 3.5] * 2, "label": [0.0, 1.0] * 3})
    assert not any("same number" in doubt for doubt in open_data(whole).doubts)


def test_sounds_in_parquet_stay_one_column(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    sounds = draw.integers(-9, 9, (6, 400)).tolist()
    frame = pl.DataFrame({"sound": sounds, "label": ["a", "b"] * 3})
    frame.write_parquet(tmp_path / "t.parquet")
    table = open_data(tmp_path / "t.parquet", Options(types={"sound": "audio"}))
    assert [one.modality for one in table.inputs] == ["audio"]
    assert np.ravel(table.stores["audio"].read(table.frame["audio"][1])).tolist() == sounds[1]


@pytest.mark.parametrize("is_file", [True, False])
def test_a_column_of_records_is_named_with_what_to_do(is_file: bool, tmp_path: Path) -> None:
    where = [{"x": row, "y": 1} for row in range(6)]
    frame = pl.DataFrame({"size": [1.5, 2.5, 3.5] * 2, "where": where, "label": ["a", "b"] * 3})
    frame.write_parquet(tmp_path / "t.parquet")
    data = tmp_path / "t.parquet" if is_file else frame
    with pytest.raises(UsageError, match=r'column "where" of .* holds records of x, y; .*with --type where=ignore'):
        open_data(data)
    assert [one.name for one in open_data(data, Options(types={"where": "ignore"})).inputs] == ["size"]


def test_a_spreadsheet_called_csv_is_read_as_what_it_is(folder: Path) -> None:
    pl.DataFrame(ROWS, schema=["path", "label"], orient="row").write_excel(folder / "t.xlsx")
    (folder / "t.xlsx").rename(folder / "t.csv")
    table = open_data(folder / "t.csv")
    assert table.frame["target"].to_list() == LABELS
    assert "t.csv is a .xlsx file in truth, and read as one" in table.said


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a spreadsheet of named sheets, each a list of rows."""
    xlsxwriter = pytest.importorskip("xlsxwriter")
    pytest.importorskip("fastexcel")

    def write(**sheets: list[list[object]]) -> Path:
        with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
            span = book.add_format({"num_format": "[h]:mm:ss"})
            for name, rows in sheets.items():
                sheet = book.add_worksheet(name)
                for row, cells in enumerate(rows):
                    for column, cell in enumerate(cells):
                        if cell == "#DIV/0!":
                            sheet.write_formula(row, column, "=1/0", None, cell)
                        else:
                            sheet.write(row, column, cell, span if isinstance(cell, timedelta) else None)
        return tmp_path / "t.xlsx"

    return write


def test_no_cell_of_a_long_spreadsheet_is_lost_whatever_the_first_thousand_are(workbook: Callable[..., Path]) -> None:
    codes = [row if row < 1200 else f"A{row}" for row in range(1500)]
    sizes = [row / 4 if row != 7 else "#DIV/0!" for row in range(1500)]
    path = workbook(data=[["code", "size"], *([code, size] for code, size in zip(codes, sizes, strict=True))])
    frame, said = read_table(path.read_bytes(), "t.xlsx")
    assert frame["code"].to_list() == [str(code) for code in codes]
    assert frame["size"].to_list() == [None if row == 7 else row / 4 for row in range(1500)]
    assert said == []


def test_a_column_of_spans_of_time_and_words_is_text_and_the_others_keep_their_kind(
    workbook: Callable[..., Path],
) -> None:
    hour = timedelta(hours=1)
    path = workbook(data=[["mixed", "span", "size"], ["late", hour, 1.5], [hour, 2 * hour, 2.5], ["on time", hour, 3]])
    frame, _ = read_table(path.read_bytes(), "t.xlsx")
    assert frame["mixed"].to_list()[::2] == ["late", "on time"]
    assert frame["mixed"][1].endswith("01:00:00")
    assert frame["span"].to_list() == ["3600", "7200", "3600"]
    assert frame["size"].to_list() == [1.5, 2.5, 3.0]


def test_sheets_that_are_not_read_are_said(workbook: Callable[..., Path]) -> None:
    rows: list[list[object]] = [["size", "label"], *([row % 7, "ab"[row % 2]] for row in range(20))]
    table = open_data(workbook(flowers=rows, prices=[["price"], [1]], notes=[["x"]]))
    assert len(table) == 20
    assert 'The sheet "flowers" is read; left out: prices, notes' in table.said


def test_a_nul_byte_is_named_with_its_line(folder: Path) -> None:
    (folder / "t.csv").write_bytes(text().encode().replace("狗".encode(), b"a\0b"))
    with pytest.raises(DataError, match=r"t\.csv, line 3 holds a NUL byte, so the file is damaged"):
        open_data(folder / "t.csv")


def test_rows_without_any_value_are_left_out_and_said(folder: Path) -> None:
    (folder / "t.csv").write_text(text().replace("图/2.png,狗", ",\n图/2.png,狗") + ",\n\n", encoding="utf-8")
    table = open_data(folder / "t.csv")
    assert len(table) == len(ROWS)
    assert "2 empty rows left out" in table.doubts
    assert table.row_numbers == (1, 3, 4)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("names", ["n,word,,n", "0,1.png,2,3"])
def test_long_plain_tables_and_careful_reading_give_the_same(names: str, line_end: str) -> None:
    rows = [f"{row}, w{row % 7}.png ,,{row / 3}" if row % 50 else ",,," for row in range(400)]
    plain = line_end.join([names, *rows, "", ""])
    careful = line_end.join([names, *rows, "", ""]).replace(", w1.png ,", '," w1.png ",')
    fast, slow = (read_table(content.encode(), "t.csv")[0] for content in (plain, careful))
    assert fast.equals(slow)
    assert fast.width == (3 if names.startswith("n") else 4)
    assert len(fast) == (400 if names.startswith("n") else 401)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "t.csv is empty"),
        ("path,label\n", "t.csv has no rows"),
        ("path,label\n图/1.png,a,b\n图/2.png,c\n", "row 2 has 3 cells and not 2 as the first (separator: comma)"),
        ("path,label\nno/1.png,a\nno/2.png,b\n", "t.csv names no/1.png, and there is no such file"),
        ("path,label\n图/1.png,a\n图/2.png,a\n", 'only one class: "a" (2 items, from column "label")'),
    ],
)
def test_a_table_that_cannot_be_used_says_why(content: str, sentence: str, folder: Path) -> None:
    (folder / "t.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        open_data(folder / "t.csv")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.xlsx"])
def test_bytes_that_are_no_table_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(bytes(range(128, 256)) * 8)
    with pytest.raises(DataError, match=name):
        open_data(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options(target="lable"), 't.csv has no column "lable"; did you mean "label"?'),
        (Options(inputs=("pat",)), 'has no column "pat"; did you mean "path"?'),
        (Options(inputs=("path", "label"), target="label"), "the target cannot be an input too"),
        (Options(group="x"), "--group x: t.csv has no column"),
        (Options(split="x"), "there is no such file or column"),
    ],
)
def test_an_option_that_names_no_column_is_answered(options: Options, sentence: str, folder: Path) -> None:
    (folder / "t.csv").write_text(text(), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        open_data(folder / "t.csv", options)
    assert sentence in str(caught.value)


def test_an_unclear_label_or_picture_is_asked_for(folder: Path) -> None:
    (folder / "t.csv").write_text("path,size,weight\n图/1.png,1,2\n图/2.png,2,3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"not clear which column of t\.csv holds the label; .* path, size, weight"):
        open_data(folder / "t.csv")
    (folder / "u.csv").write_text("size,weight\n1,2\n2,3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"not clear which column of u\.csv holds the label; .* size, weight"):
        open_data(folder / "u.csv")


def test_a_label_of_nothing_but_different_values_is_questioned(plant) -> None:
    folder = plant([f"{number}.png" for number in range(30)])
    (folder / "t.csv").write_text("path,label\n" + "".join(f"{n}.png,a{n}\n" for n in range(30)), encoding="utf-8")
    assert 'column "label" has 30 different values in 30 rows; is it a class?' in open_data(folder / "t.csv").doubts[0]


def test_ignore_holds_for_paths_in_a_table(folder: Path) -> None:
    (folder / "t.csv").write_text(text() + "图/1_mask.png,猫\n", encoding="utf-8")
    assert len(open_data(folder / "t.csv", Options(ignore=("*_mask.png",)))) == 3


def written(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_a_table_that_excel_saved_in_germany_is_no_chinese(tmp_path: Path) -> None:
    lines = "Größe;Straße;label\n" + "".join(
        f"{row};Haupt{row % 3} Öd;{'höflich' if row % 2 else 'schön'}\n" for row in range(9)
    )
    table = open_data(written(tmp_path, "t.csv", lines.encode("cp1252")))
    assert "t.csv is read as Windows-1252" in table.said
    assert [column.name for column in table.inputs] == ["Größe", "Straße"]
    assert set(table.frame["target"]) == {"höflich", "schön"}


def test_utf_8_with_a_bad_byte_is_no_other_encoding(tmp_path: Path) -> None:
    lines = "text,label\n" + "".join(f"这是第{row}条很好的评论,{'好' if row % 2 else '差'}\n" for row in range(30))
    content = lines.encode().replace("第7".encode(), b"\xff7", 1)
    with pytest.raises(DataError, match=r"t\.csv, line 9 holds bytes that are not UTF-8"):
        open_data(written(tmp_path, "t.csv", content))
    umlauts = "text,label\n" + "".join(f"höflich {row},{'süß' if row % 2 else 'schön'}\n" for row in range(30))
    for damaged in (b"h\xf6flich 7", b"h\xc3flich 7", b"h\xfffflich 7"):
        content = umlauts.encode().replace("höflich 7".encode(), damaged, 1)
        with pytest.raises(DataError, match=r"t\.csv, line 9 holds bytes that are not UTF-8"):
            open_data(written(tmp_path, "t.csv", content))


@pytest.mark.parametrize("word", ["女", "猫"])
def test_a_word_of_gb18030_that_may_be_utf_8_is_no_damage(word: str, tmp_path: Path) -> None:
    assert len(word.encode("gb18030").decode("utf-8")) == 1
    lines = "编号数,性别\n" + "".join(f"{row}.5,{'F' if row % 3 else word}\n" for row in range(90))
    table = open_data(written(tmp_path, "t.csv", lines.encode("gb18030")), Options(target="性别"))
    assert "t.csv is read as GB18030" in table.said
    assert set(table.frame["target"]) == {"F", word}


@pytest.mark.parametrize("many", [30, 300])
def test_a_quotation_mark_that_nothing_closes_swallows_no_rows_of_tabs(many: int, tmp_path: Path) -> None:
    rows = [('"' if row % 5 == 1 else "") + f"this is review {row} of a film\t{row % 2}" for row in range(many)]
    rows[3] = '"quoted ""so"" as a whole"\t1'
    table = open_data(written(tmp_path, "t.tsv", "\n".join(["text\tlabel", *rows]).encode()))
    cells = table.frame["text"].to_list()
    assert len(cells) == many
    assert cells[1] == '"this is review 1 of a film'
    assert cells[3] == 'quoted "so" as a whole'


def test_a_cell_of_several_lines_in_quotes_is_one_cell_between_tabs_too(tmp_path: Path) -> None:
    lines = 'text\tlabel\n"first line\nsecond line"\tgood\nother words\tbad\n'
    assert open_data(written(tmp_path, "t.tsv", lines.encode())).frame["text"][0] == "first line\nsecond line"


@pytest.mark.parametrize("marker", ["NA", "N/A", "NaN", "NULL", "?", "<NA>"])
@pytest.mark.parametrize(
    ("values", "task"), [(["pos", "neg"], "category"), ([f"{row}.5" for row in range(40)], "number")]
)
def test_a_marker_of_missing_values_is_no_target(marker: str, values: list[str], task: str, tmp_path: Path) -> None:
    targets = [marker if row % 10 == 0 else values[row % len(values)] for row in range(40)]
    lines = [f"{row % 7},{target}" for row, target in enumerate(targets)]
    (tmp_path / "t.csv").write_text("\n".join(["rooms,label", *lines]), encoding="utf-8")
    table = open_data(tmp_path / "t.csv")
    assert table.target is not None
    assert table.target.modality == task
    assert len(table.frame) == 36
    assert table.doubts[0] == (
        f'column "label": 4 rows with "{marker}" taken as without a target; where it is a class, write it otherwise'
    )


@pytest.mark.parametrize(("one", "other"), [("null", "alternative"), ("+", "-")])
def test_a_marker_beside_one_other_value_is_a_class(one: str, other: str, tmp_path: Path) -> None:
    lines = [f"{row % 7},{(one, other)[row % 2]}" for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["rooms,label", *lines]), encoding="utf-8")
    table = open_data(tmp_path / "t.csv")
    assert sorted(table.hints["classes"]) == sorted([one, other])  # type: ignore[call-overload]
    assert [doubt for doubt in table.doubts if "taken as a class" in doubt] == (
        ['column "label": 20 rows with "null" taken as a class beside one other; if it is none, leave these rows out']
        if one == "null"
        else []
    )


def test_a_marker_in_one_of_several_columns_of_labels_says_that_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,sad,long\n1,1,0\n2,NA,1\n1,0,1\n", encoding="utf-8")
    table = open_data(tmp_path / "t.csv", Options(target="sad,long"))
    assert table.frame["target"].to_list() == [["sad"], ["long"]]


def test_columns_of_one_name_are_told_apart_whatever_the_others_are_called(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a_3,a,a,label\n1,2,3,x\n1,3,2,y\n2,4,3,x\n", encoding="utf-8")
    table = open_data(tmp_path / "t.csv")
    assert [column.name for column in table.inputs] == ["a_3", "a", "a_3_3"]


def test_fractions_of_a_typed_table_are_not_read_with_the_decimal_sign_of_another(tmp_path: Path) -> None:
    typed = pl.DataFrame({"x": [4.321, 1.5], "y": pl.Series([4.321, 1.5], dtype=pl.Float32)})
    typed = typed.with_columns(z=typed["x"].cast(pl.Decimal(10, 3)))
    typed.write_parquet(tmp_path / "t.parquet")
    cells, _ = read_table((tmp_path / "t.parquet").read_bytes(), "t.parquet")
    for name in typed.columns:
        assert number.clean(cells[name], number.Settings(decimal="comma")).to_list() == [4.321, 1.5]


def test_whole_numbers_of_a_typed_table_are_texts_as_long_as_a_float_tells_them_apart() -> None:
    frame = as_text(pl.DataFrame({"small": [1.0, 2.0, None], "large": [1e19, 2e19, 3e19]}))
    assert frame["small"].to_list() == ["1", "2", None]
    assert frame["large"].to_list() == [1e19, 2e19, 3e19]


def test_empty_rows_between_fractions_are_left_out() -> None:
    frame = as_text(pl.DataFrame({"x": [1.5, None, 2.5], "label": ["a", "", "b"]}))
    assert without_empty_rows(frame)[1] == [0, 2]


def test_rows_without_a_known_group_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,label,group\n1,x,a\n2,y,NA\n2,x,NA\n1,y,a\n", encoding="utf-8")
    groups = open_data(tmp_path / "t.csv").frame["group"].to_list()
    assert groups[0] == groups[3]
    assert len(set(groups)) == 3
