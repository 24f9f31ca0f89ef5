"""Tables of several typed columns: what each is for, what it is, and what a person may say of it."""

from __future__ import annotations

import gzip
import time
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penjing.core.errors import DataError, UsageError
from penjing.core.table import Table
from penjing.sources import Options, open_data
from penjing.sources._samples import png, sample_images

PNG = png(sample_images(1)[0])
WORDS = ("a fine film with wit", "dull from start to end", "what a lovely surprise", "the plot is a mess")


def column(row: int) -> dict[str, object]:
    """One row of a shop's customers."""
    return {
        "customerID": f"c-{row:04d}",
        "age": 20 + row % 50,
        "income": round(1000 + row * 17.25 % 900, 2),
        "city": ("Bonn", "Köln", "Ulm")[row % 3],
        "joined": f"20{10 + row % 12}-0{1 + row % 9}-1{row % 8}",
        "member": ("yes", "no")[row % 2],
        "remark": f"{WORDS[row % 4]} number {row}",
        "churn": ("left", "stayed")[row % 5 > 2],
    }


CUSTOMERS = pl.DataFrame([column(row) for row in range(60)])


def write(folder: Path, frame: pl.DataFrame, name: str = "t.csv") -> Path:
    frame.write_csv(folder / name)
    return folder / name


def kinds(table: Table) -> dict[str, str]:
    return {one.name: one.modality for one in table.inputs}


def test_every_column_is_typed_and_keeps_its_name_and_cells(tmp_path: Path) -> None:
    table = open_data(write(tmp_path, CUSTOMERS), Options(target="churn"))
    assert kinds(table) == {
        "age": "number",
        "income": "number",
        "city": "category",
        "joined": "date",
        "member": "boolean",
        "remark": "text",
    }
    assert table.stores == {}
    assert table.frame["city"].to_list() == CUSTOMERS["city"].to_list()
    assert table.target is not None
    assert (table.target.name, table.target.modality) == ("target", "category")
    assert table.said[0] == '60 items in 2 classes (column "churn"): left 36, stayed 24'
    assert table.said[1].startswith("6 columns: 2 numbers, 1 category")
    assert "; 1 left out (customerID: every row has its own code, such as c-0000)" in table.said[1]


def test_what_a_person_says_goes_before_what_is_recognised(tmp_path: Path) -> None:
    path = write(tmp_path, CUSTOMERS)
    table = open_data(path, Options(target="churn", inputs=("age, city",), types={"age": "category"}))
    assert kinds(table) == {"age": "category", "city": "category"}
    table = open_data(path, Options(target="churn", types={"remark": "ignore", "customerID": "category"}))
    assert kinds(table)["customerID"] == "category"
    assert "remark" not in kinds(table)


def test_a_role_gets_an_underscore_where_an_input_has_its_name(tmp_path: Path) -> None:
    frame = CUSTOMERS.rename({"city": "target"})
    table = open_data(write(tmp_path, frame), Options(target="churn", inputs=("target", "age")))
    assert table.target is not None
    assert table.target.name == "target_"
    assert set(table.frame["target_"]) == {"left", "stayed"}
    assert table.frame["target"].to_list() == frame["target"].to_list()


@pytest.mark.parametrize(
    ("values", "modality"),
    [
        ([number * 1.5 for number in range(60)], "number"),
        ([number % 3 for number in range(60)], "category"),
        ([100 + number for number in range(60)], "number"),
        ([number % 30 for number in range(60)], "category"),  # counts from 0, each as often as the others
        ([f"0{number}" for number in range(60)], "category"),
        (["1,5", "2,5", "3,5"] * 20, "number"),
        ([True, False] * 30, "category"),
    ],
)
def test_a_target_of_numbers_is_a_number_unless_it_counts_classes(
    values: list[object], modality: str, tmp_path: Path
) -> None:
    frame = CUSTOMERS.with_columns(pl.Series("result", values))
    table = open_data(write(tmp_path, frame), Options(target="result"))
    assert table.target is not None
    assert table.target.modality == modality
    assert table.frame["target"].dtype == (pl.Float64 if modality == "number" else pl.String)
    other = {"number": "category", "category": "number"}[modality]
    if values[0] is not True:
        turned = open_data(tmp_path / "t.csv", Options(target="result", types={"result": other}))
        assert turned.target is not None
        assert turned.target.modality == other


def test_how_a_target_was_taken_is_said_with_the_other_way(tmp_path: Path) -> None:
    frame = CUSTOMERS.with_columns(pl.Series("stars", [1 + number % 5 for number in range(60)]))
    table = open_data(write(tmp_path, frame), Options(target="stars"))
    assert 'Column "stars" holds 5 whole numbers, taken as classes; for a number: --type stars=number' in table.said
    table = open_data(tmp_path / "t.csv", Options(target="income"))
    assert table.said[0].startswith('60 items with a number to predict (column "income"): 1,')
    with pytest.raises(UsageError, match="--exclude needs classes"):
        open_data(tmp_path / "t.csv", Options(target="income", exclude=("left",)))


def test_rows_without_a_target_are_left_out_and_other_gaps_stay(tmp_path: Path) -> None:
    frame = CUSTOMERS.with_columns(
        pl.when(pl.col("age") == 21).then(None).otherwise(pl.col("income")).alias("income"),
        pl.when(pl.col("age") == 20).then(None).otherwise(pl.col("city")).alias("city"),
    )
    table = open_data(write(tmp_path, frame), Options(target="income"))
    assert len(table) == 60 - frame["income"].null_count()
    assert "2 items without a label left out; predict them afterwards" in table.doubts
    assert table.frame["city"].null_count() == 2


# ---- several labels


@pytest.mark.parametrize("options", [Options(), Options(target="label", exclude=("c",)), Options(ignore=("b.png",))])
def test_rows_keep_the_numbers_that_they_have_in_a_persons_table(options: Options, tmp_path: Path) -> None:
    for name in "abd":
        (tmp_path / f"{name}.png").touch()
    frame = pl.DataFrame(
        {
            "photo": ["a.png", "b.png", None, "d.png"],
            "size": [1, 2, 3, 4],
            "label": [None, "x", "c", "x"] if not options.ignore else list("xxyy"),
        }
    )
    frame = pl.concat([frame, frame.with_columns(size=pl.col("size") + 9, label=pl.lit("y"))])
    table = open_data(write(tmp_path, frame), options)
    sizes = frame["size"].to_list()
    assert [sizes[number - 1] for number in table.row_numbers] == [int(cell) for cell in table.frame["size"]]
    assert 0 < len(table) < len(frame)
    assert open_data(write(tmp_path, frame.filter(pl.col("label").is_not_null()))).row_numbers == ()


def test_several_columns_of_0_and_1_are_one_target_of_labels(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"text": [f"{one} {n}" for n, one in enumerate(WORDS)], "sad": [0, 1, 0, 1], "long": [1, 1, 0, 0]}
    )
    table = open_data(write(tmp_path, frame), Options(target="sad,long"))
    assert table.target is not None
    assert table.target.modality == "labels"
    assert table.frame["target"].to_list() == [["long"], ["sad", "long"], [], ["sad"]]
    assert table.hints["classes"] == ["long", "sad"]
    assert kinds(table) == {"text": "text"}
    with pytest.raises(UsageError, match=r'"text" holds "a fine film with wit 0"; name one column'):
        open_data(tmp_path / "t.csv", Options(target="sad,text"))


@pytest.mark.parametrize("separator", ["|", ";", " | "])
def test_lists_in_a_cell_are_labels_when_said_so(separator: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": list(WORDS), "tags": [separator.join(tags) for tags in ("ab", "b", "", "ac")]})
    table = open_data(write(tmp_path, frame, "t.tsv"), Options(target="tags", types={"tags": "labels"}))
    assert table.frame["target"].to_list() == [["a", "b"], ["b"], ["a", "c"]]
    assert table.said[0] == '3 texts with 3 labels (column "tags"), on average 1.7 each'


# ---- groups, parts and times


@pytest.mark.parametrize("name", ["speaker", "who", "Patient ID", "user_id", "author", "site", "说话人"])
def test_a_column_that_may_hold_groups_is_no_input_and_is_questioned(name: str, tmp_path: Path) -> None:
    frame = CUSTOMERS.with_columns(pl.Series(name, [f"p{row % 7}" for row in range(60)]))
    path = write(tmp_path, frame)
    table = open_data(path, Options(target="churn"))
    assert name not in kinds(table)
    doubt = f'The column "{name}" suggests 7 groups (p0…p6): use --group {name}, or the score will be too good'
    assert doubt in table.doubts
    assert f"{name}: may hold groups" in " ".join(table.said)
    grouped = open_data(path, Options(target="churn", group=name))
    assert grouped.group is not None
    assert grouped.frame["group"].n_unique() == 7
    assert not any("suggests" in one for one in grouped.doubts)
    assert kinds(open_data(path, Options(target="churn", types={name: "category"})))[name] == "category"


def test_numbered_names_that_come_again_are_an_input_and_questioned(tmp_path: Path) -> None:
    names = pl.Series("which", [f"mouse{row % 12:02}" for row in range(60)])
    path = write(tmp_path, CUSTOMERS.with_columns(names))
    table = open_data(path, Options(target="churn"))
    assert kinds(table)["which"] == "category"
    doubt = 'The column "which" suggests 12 groups (mouse00…mouse11): use --group which, or the score will be too good'
    assert doubt in table.doubts
    assert doubt not in open_data(path, Options(target="churn", types={"which": "category"})).doubts
    assert doubt not in open_data(path, Options(target="churn", group="city")).doubts


def test_times_are_numbers_and_no_input(tmp_path: Path) -> None:
    path = write(tmp_path, CUSTOMERS)
    table = open_data(path, Options(target="churn", time_column="joined"))
    (times,) = table.role("time")
    assert table.frame[times.name].dtype == pl.Float64
    days = np.array([np.datetime64(day, "D").astype(int) for day in CUSTOMERS["joined"]])
    assert np.array_equal(table.frame[times.name].to_numpy(), days)
    assert "joined" not in kinds(table)
    assert open_data(path, Options(target="churn", time_column="age")).frame["time"][3] == 23
    with pytest.raises(UsageError, match=r'--time-column city: expected dates or numbers, it holds "Bonn"'):
        open_data(path, Options(target="churn", time_column="city"))


def test_a_time_that_is_asked_for_goes_before_a_split_that_is_only_recognised(tmp_path: Path) -> None:
    parts = pl.Series("split", ["train", "test"] * (len(CUSTOMERS) // 2))
    path = write(tmp_path, CUSTOMERS.with_columns(parts))
    assert open_data(path, Options(target="churn")).part is not None
    table = open_data(path, Options(target="churn", time_column="joined"))
    assert table.part is None
    assert "split" not in kinds(table)
    assert any("split: a split, but the parts are dealt by time" in sentence for sentence in table.said)
    for split in ("split", "folder", "parts.csv"):
        with pytest.raises(UsageError, match=f"--time-column joined and --split {split} both say"):
            open_data(path, Options(target="churn", time_column="joined", split=split))


def test_a_second_label_is_no_input_unless_it_is_asked_for(tmp_path: Path) -> None:
    rows = [(f"{WORDS[n % 4]} {n}", "ab"[n % 2], f"{'ab'[n % 2]}{n % 4}") for n in range(40)]
    path = write(tmp_path, pl.DataFrame(rows, schema=["text", "label", "fine_label"], orient="row"))
    table = open_data(path)
    assert kinds(table) == {"text": "text"}
    assert '1 column left out (fine_label: named like a label beside "label")' in table.said
    table = open_data(path, Options(types={"fine_label": "category"}))
    assert kinds(table) == {"text": "text", "fine_label": "category"}
    assert any('Each value of "fine_label" goes with one class only' in doubt for doubt in table.doubts)


def test_rows_of_one_class_are_told_of_the_other_columns(tmp_path: Path) -> None:
    rows = pl.DataFrame({"age": [20, 30, 40], "churn": ["left"] * 3})
    with pytest.raises(DataError, match=r'only one class: "left" \(3 items.*Another column is told with --target'):
        open_data(write(tmp_path, rows), Options(target="churn"))


# ---- files


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A zip whose table names its pictures, and clips of another zip."""
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"wav/{number}.wav", f"sound {number}")
    lines = ["photo,clip,text,label"]
    lines += [f"{n}.png,{n}.wav,{WORDS[n]},{'ab'[n % 2]}" for n in range(3)] + [f",3.wav,{WORDS[3]},b"]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("table.csv", "\n".join(lines))
        for number in range(3):
            archive.writestr(f"pictures/{number}.png", PNG)
    return tmp_path / "x.zip"


def test_columns_of_files_have_a_store_each_and_may_lie_in_another_zip(mixed: Path) -> None:
    table = open_data(mixed, Options(files={"clip": str(mixed.parent / "clips.zip")}))
    assert kinds(table) == {"photo": "image", "clip": "audio", "text": "text"}
    assert set(table.stores) == {"photo", "clip"}
    assert table.frame["photo"].to_list() == ["pictures/0.png", "pictures/1.png", "pictures/2.png", None]
    assert table.stores["photo"].read("pictures/2.png") == PNG
    assert table.stores["clip"].read(table.frame["clip"][3]) == b"sound 3"
    assert 'Paths of "clip" are read from the folder "wav"' in table.said


def test_files_that_are_nowhere_are_answered_with_the_option(mixed: Path) -> None:
    with pytest.raises(DataError, match=r"names 0\.wav, .* say where with --files clip=PATH .* --type clip=ignore"):
        open_data(mixed)
    with pytest.raises(UsageError, match=r"--files clip=nowhere: there is no such folder or \.zip"):
        open_data(mixed, Options(files={"clip": "nowhere"}))
    with pytest.raises(UsageError, match=r"--files text=.: the column holds no paths \(text\)"):
        open_data(mixed, Options(files={"text": ".", "clip": str(mixed.parent / "clips.zip")}))
    assert kinds(open_data(mixed, Options(types={"clip": "ignore"}))) == {"photo": "image", "text": "text"}


def test_one_column_of_files_alone_is_called_after_its_modality(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"a")
    (tmp_path / "b.wav").write_bytes(b"b")
    (tmp_path / "t.csv").write_text("clip,label\nb.wav,x\na.wav,y\n")
    table = open_data(tmp_path / "t.csv")
    assert table.frame.rows() == [("a.wav", "y"), ("b.wav", "x")]
    assert kinds(table) == {"audio": "audio"}
    assert table.hints["names"] == {"audio": "clip", "target": "label"}
    assert table.said[0] == '2 sounds in 2 classes (column "label"): 1 each'


def test_a_folder_with_a_table_csv_is_opened_by_it(plant) -> None:
    folder = plant("p/1.png", "p/2.png")
    (folder / "table.csv").write_text("path,label\n1.png,cat\n2.png,dog\n")
    table = open_data(folder)
    assert table.frame["target"].to_list() == ["cat", "dog"]
    assert "table.csv describes the files" in table.said
    assert open_data(folder, Options(target="none")).target is None


def test_a_table_csv_in_a_single_wrapping_folder_is_found_as_in_an_archive(plant, tmp_path: Path) -> None:
    folder = plant("data/p/1.png", "data/p/2.png", "data/q/3.png")
    (folder / "data" / "table.csv").write_text("path,label\np/1.png,cat\np/2.png,dog\nq/3.png,cat\n")
    table = open_data(folder)
    assert table.frame["target"].to_list() == ["cat", "dog", "cat"]
    assert "data/table.csv describes the files" in table.said
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder).as_posix())
    assert open_data(tmp_path / "x.zip").frame["target"].to_list() == ["cat", "dog", "cat"]
    (folder / "other").mkdir()
    (folder / "other" / "4.png").write_bytes(PNG)
    assert open_data(folder).hints["classes"] == ["data", "other"]


# ---- what cannot be used


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            Options(),
            "it is not clear which column of t.csv holds the label; say --target NAME or --target none, one of",
        ),
        (Options(target="chur"), 'no column "chur"; did you mean "churn"?'),
        (Options(target="churn,x"), 'no column "x"'),
        (Options(target="churn", inputs=("agee",)), 'no column "agee"; did you mean "age"?'),
        (Options(target="churn", types={"agee": "number"}), '--type agee: t.csv has no column "agee"'),
        (Options(target="churn", types={"age": "numbr"}), 'there is no modality "numbr"; did you mean "number"?'),
        (Options(target="churn", types={"age": "table"}), 'there is no modality "table"'),
        (Options(target="churn", types={"age": "labels"}), "only a target can be labels; say --target age"),
        (Options(target="churn", types={"churn": "text"}), "--type churn=text: a target is one of category"),
        (Options(target="churn", types={"churn": "number"}), 'no cell of column "churn" is a number'),
        (Options(target="churn", types={"churn": "ignore"}), "say the contrary"),
        (Options(target="churn", files={"x": "."}), '--files x: t.csv has no column "x"'),
        (Options(target="churn", time_column="x"), "--time-column x: t.csv has no column"),
        (Options(target="churn", group="x"), "--group x: t.csv has no column"),
        (Options(target="churn", inputs=("customerID",)), "say what it is, as in --type customerID=number"),
        (Options(target="churn", inputs=("churn",)), "the target cannot be an input too"),
    ],
)
def test_an_option_that_fits_nothing_is_answered(options: Options, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_data(write(tmp_path, CUSTOMERS), options)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("size\n1\n2\n", 't.csv has one column, "size", and nothing beside it to learn from'),
        (
            "a,label\n7,x\n7,y\n",
            't.csv has no column to learn from (a: all its cells are "7"); to use one all the same',
        ),
    ],
)
def test_a_table_with_nothing_to_learn_from_says_why(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UsageError) as caught:
        open_data(tmp_path / "t.csv")
    assert sentence in str(caught.value)


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,a,label\n" + "".join(f"{n},{n % 3},{n % 2}\n" for n in range(30)))
    assert kinds(open_data(tmp_path / "t.csv", Options(types={"a": "number"}))) == {"a": "number", "a_2": "number"}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_packed_tables_of_any_encoding_are_read(encoding: str, tmp_path: Path) -> None:
    text = "评论,标签\n" + "".join(
        f"这家酒店的早餐{'很好' if n % 2 else '很差'}第{n}次,{'好差'[n % 2]}\n" for n in range(30)
    )
    (tmp_path / "评论.csv.gz").write_bytes(gzip.compress(text.encode(encoding)))
    table = open_data(tmp_path / "评论.csv.gz")
    assert kinds(table) == {"评论": "text"}
    assert table.said[0] == '30 texts in 2 classes (column "标签"): 15 each'
    (tmp_path / "x.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"x\.csv\.gz cannot be unpacked"):
        open_data(tmp_path / "x.csv.gz")


def test_a_hundred_thousand_rows_open_in_seconds(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    frame = pl.DataFrame({f"n{k}": generator.normal(size=100_000).round(4) for k in range(4)}).with_columns(
        pl.Series("city", generator.choice(["Bonn", "Ulm", "Trier"], 100_000)),
        pl.Series("label", generator.choice(["a", "b"], 100_000)),
    )
    path = write(tmp_path, frame)
    start = time.perf_counter()
    assert len(open_data(path)) == 100_000
    assert time.perf_counter() - start < 30, "a Python loop over cells of every column takes minutes"


def test_a_frame_is_read_as_a_table_is() -> None:
    table = open_data(CUSTOMERS, Options(target="income"))
    assert kinds(table)["joined"] == "date"
    assert np.allclose(table.frame["target"].to_numpy(), CUSTOMERS["income"].to_numpy())
    assert open_data(CUSTOMERS.to_pandas(), Options(target="income")).frame.equals(table.frame)


def test_file_names_are_not_asked_for_groups_where_a_column_may_hold_them(tmp_path: Path) -> None:
    rows = [(f"p{n % 3}_{n}.wav", "ab"[n % 2], f"s{n % 3}") for n in range(12)]
    for name, _, _ in rows:
        (tmp_path / name).write_bytes(b"s")
    path = write(tmp_path, pl.DataFrame(rows, schema=["clip", "label", "speaker"], orient="row"))
    assert open_data(path).doubts == (
        'The column "speaker" suggests 3 groups (s0…s2): use --group speaker, or the score will be too good',
    )
    alone = open_data(write(tmp_path, pl.read_csv(path).drop("speaker")))
    assert alone.doubts[-1].startswith("Names suggest 3 groups")


def test_a_label_with_a_bar_in_its_name_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": list(WORDS), "C|O": [0, 1, 0, 1], "long": [1, 0, 0, 1]})
    with pytest.raises(UsageError, match=r'the label "C\|O" holds "\|"'):
        open_data(write(tmp_path, frame), Options(target="C|O,long"))


def test_words_among_numbers_are_doubted_and_of_many_columns_a_few(tmp_path: Path) -> None:
    cells = [("low" if row % 5 == 0 else f"{row}.5", "ab"[row % 2]) for row in range(40)]
    (tmp_path / "t.csv").write_text("size,label\n" + "\n".join(",".join(row) for row in cells), encoding="utf-8")
    one = 'The column "size" is read as number: 8 of its 40 cells are none, such as "low", and count as missing'
    assert f"{one}; see --type size=MODALITY" in open_data(tmp_path / "t.csv").doubts
    names = [f"size{number}" for number in range(30)]
    rows = [",".join([*[size] * 30, label]) for size, label in cells]
    (tmp_path / "t.csv").write_text("\n".join([",".join([*names, "label"]), *rows]), encoding="utf-8")
    doubts = [doubt for doubt in open_data(tmp_path / "t.csv").doubts if "read" in doubt]
    assert len(doubts) == 11
    assert doubts[-1] == "So there is a doubt about how to read 20 other columns"
