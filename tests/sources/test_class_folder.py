"""Folder layouts as people have them."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from penjing.core.errors import DataError, UsageError
from penjing.core.split import deal
from penjing.core.table import Table
from penjing.sources import Options, open_data

SHARED = Path(__file__).parents[3] / "shared" / "data" / "image"


def counts(table: Table) -> dict[tuple[str | None, str | None], int]:
    """(class, part) → number of items; None where there is no such column."""
    found: dict[tuple[str | None, str | None], int] = {}
    for row in table.frame.to_dicts():
        key = (row.get("target"), row.get("part"))
        found[key] = found.get(key, 0) + 1
    return found


def numbered(folder: str, count: int) -> list[str]:
    return [f"{folder}/{number}.png" for number in range(count)]


# ---- classes without parts


def test_folders_are_classes_and_the_counts_are_said(plant) -> None:
    table = open_data(plant(numbered("late", 1), numbered("healthy", 3), numbered("early", 2)))
    assert table.said == ("6 images in 3 classes (folder names): healthy 3, early 2, late 1",)
    assert table.doubts == ()
    assert table.title == "photos/"
    assert table.part is None
    assert table.group is None
    assert table.hints["classes"] == ["early", "healthy", "late"]


def test_a_path_may_be_a_text(plant) -> None:
    assert len(open_data(str(plant("a/1.png", "b/1.png")))) == 2


def test_many_classes_are_summed_up(plant) -> None:
    table = open_data(plant(*(numbered(f"class {number}", number) for number in range(1, 10))))
    assert table.said[0] == "45 images in 9 classes (folder names): from 1 (class 1) to 9 (class 9)"


def test_items_and_classes_are_in_natural_order(plant) -> None:
    table = open_data(plant("10/10.png", "10/9.png", "9/1.png", "10 b/1.png"))
    assert table.frame["image"].to_list() == ["9/1.png", "10/9.png", "10/10.png", "10 b/1.png"]
    assert table.hints["classes"] == ["9", "10", "10 b"]


def test_extensions_in_any_case_are_pictures_and_others_are_counted(plant) -> None:
    table = open_data(plant("a/1.PNG", "a/2.JpEg", "b/1.TIF", "b/notes.txt", "labels.csv", "b/more.TXT"))
    assert len(table) == 3
    assert table.said[1] == "3 other files passed over: .txt 2, .csv 1"


def test_hidden_files_and_litter_are_not_seen(plant) -> None:
    litter = ["a/.DS_Store", "a/._1.png", ".git/x.png", "Thumbs.db", "b/thumbs.db", "__MACOSX/a/1.png", "a/desktop.ini"]
    table = open_data(plant("a/1.png", "b/1.png", *litter))
    assert len(table) == 2
    assert len(table.said) == 1


def test_folders_below_a_class_stay_within_it_and_that_is_said(plant) -> None:
    table = open_data(plant("cat/indoor/1.png", "cat/outdoor/far/1.png", "dog/1.png"))
    assert counts(table) == {("cat", None): 2, ("dog", None): 1}
    assert table.said[1] == "Folders below the classes (far, indoor, outdoor) are kept within their class"


def test_wrapping_folders_are_stepped_over(plant) -> None:
    table = open_data(plant("data/pets/cat/1.png", "data/pets/dog/1.png"))
    assert counts(table) == {("cat", None): 1, ("dog", None): 1}


def test_loose_pictures_beside_classes_are_left_out_with_a_word(plant) -> None:
    table = open_data(plant("a/1.png", "b/1.png", "x.png", "y.png"))
    assert len(table) == 2
    assert table.doubts == ("2 pictures left out: they lie beside the class folders and have no class",)


@pytest.mark.parametrize("stray", ["overview.png", "photos/overview.png"])
@pytest.mark.parametrize("parts", [[""], ["train/", "val/"]], ids=["classes", "parts"])
def test_a_stray_picture_does_not_hide_what_a_wrapping_folder_holds(stray: str, parts: list[str], plant) -> None:
    table = open_data(plant(stray, [f"photos/{part}{label}/1.png" for part in parts for label in ("cat", "dog")]))
    assert table.hints["classes"] == ["cat", "dog"]
    assert len(table) == 2 * len(parts)
    assert table.doubts[0].startswith("1 picture left out: they lie beside the")


def test_loose_pictures_alone_have_no_target(plant) -> None:
    table = open_data(plant("2.png", "10.png"))
    assert table.target is None
    assert table.frame["image"].to_list() == ["2.png", "10.png"]
    assert table.said == ("2 images without labels",)


def test_one_class_is_refused_with_the_way_out(plant) -> None:
    with pytest.raises(
        DataError, match=r'only one class: "cat" \(2 items, from folder names\).*penjing inspect DATA --target none'
    ):
        open_data(plant("cat/1.png", "cat/2.png"))
    assert len(open_data(plant("cat/1.png"), Options(target="none"))) == 2


def test_a_table_beside_unlabelled_pictures_is_offered(plant) -> None:
    folder = plant("images/1.png", "images/2.png")
    (folder / "train.csv").write_text("x")
    with pytest.raises(
        DataError, match=r"To take the labels from a table give it instead: .*photos/train\.csv\. Pictures"
    ):
        open_data(folder)
    loose = plant("1.png", folder="loose")
    (loose / "labels.xlsx").write_text("x")
    assert open_data(loose).doubts[0].startswith("No labels are known. To take the labels from a table")


def test_class_names_have_one_unicode_form(plant) -> None:
    composed, apart = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")
    table = open_data(plant(f"train/{composed}/1.png", f"test/{apart}/2.png", "train/tea/1.png", "test/tea/1.png"))
    assert table.hints["classes"] == [composed, "tea"]
    for reference in table.frame["image"]:
        table.stores["image"].read(reference)


def test_chinese_folders_are_ordinary(plant) -> None:
    table = open_data(
        plant("训练集/猫/1.png", "训练集/狗/1.png", "测试集/猫/1.png", "测试集/狗/图 2.png", folder="数据")
    )
    assert counts(table) == {("猫", "train"): 1, ("狗", "train"): 1, ("猫", "test"): 1, ("狗", "test"): 1}
    assert table.title == "数据/"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names that are not text")
def test_names_that_are_not_utf8_are_read_as_gb18030(plant, tmp_path: Path) -> None:
    folder = os.fsencode(plant("dog/1.png"))
    Path(os.fsdecode(folder + b"/" + "狗".encode("gb18030"))).mkdir()
    Path(os.fsdecode(folder + b"/" + "狗/图.png".encode("gb18030"))).write_bytes(
        (tmp_path / "photos/dog/1.png").read_bytes()
    )
    table = open_data(Path(os.fsdecode(folder)))
    assert table.hints["classes"] == ["dog", "狗"]
    assert table.frame["image"].to_list() == ["dog/1.png", "狗/图.png"]
    assert table.stores["image"].read("狗/图.png")
    assert table.stores["image"].stamp("狗/图.png") is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows asks for a right to make links")
def test_links_are_followed_and_loops_end(plant, tmp_path: Path) -> None:
    folder = plant("cat/1.png", "dog/1.png")
    plant("1.png", "2.png", folder="elsewhere")
    (folder / "fox").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "cat" / "up").symlink_to(folder, target_is_directory=True)
    (tmp_path / "elsewhere" / "self").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "dog" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    table = open_data(folder)
    assert counts(table) == {("cat", None): 1, ("dog", None): 2, ("fox", None): 2}
    with pytest.raises(DataError, match=r"lost.png cannot be read: No such file"):
        table.stores["image"].read("dog/lost.png")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows asks for a right to make links")
def test_a_link_to_itself_is_no_folder_and_stops_nothing(plant) -> None:
    folder = plant("cat/1.png", "dog/1.png")
    (folder / "self").symlink_to("self")
    (folder / "cat" / "2.png").symlink_to("2.png")
    table = open_data(folder)
    assert counts(table) == {("cat", None): 2, ("dog", None): 1}
    assert "1 other file passed over: without extension 1" in table.said
    with pytest.raises(DataError, match=r"2.png cannot be read: Too many levels"):
        table.stores["image"].read("cat/2.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_named_like_a_picture_is_not_waited_for(plant) -> None:
    folder = plant("cat/1.png", "dog/1.png")
    os.mkfifo(folder / "cat" / "2.png")
    assert len(open_data(folder)) == 2


def test_a_read_only_folder_is_read(plant) -> None:
    folder = plant("cat/1.png", "dog/1.png")
    for place in (folder / "cat", folder / "dog", folder):
        place.chmod(0o555)
    try:
        assert len(open_data(folder)) == 2
    finally:
        for place in (folder, folder / "cat", folder / "dog"):
            place.chmod(0o755)


# ---- parts

LAYOUTS = {
    "parts twice": "{part}/{part}/{label}/{number}.png",
    "images in parts": "{part}/images/{label}/{number}.png",
    "parts first": "{part}/{label}/{number}.png",
    "classes first": "{label}/{part}/{number}.png",
    "wrapped": "set/{part}/{label}/{number}.png",
    "deeper": "{part}/{label}/more/{number}.png",
}


def planted(layout: str, names: dict[str, str]) -> list[str]:
    return [
        LAYOUTS[layout].format(part=name, label=label, number=number)
        for name in names.values()
        for label in ("cat", "dog")
        for number in range(2)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "names",
    [
        {"train": "train", "valid": "valid", "test": "test"},
        {"train": "Training", "valid": "VAL", "test": "Testing"},
        {"train": "train_set", "valid": "dev-set", "test": "test images"},
        {"train": "训练", "valid": "验证", "test": "测试"},
    ],
    ids=lambda names: names["train"],
)
def test_given_parts_are_recognised(layout: str, names: dict[str, str], plant) -> None:
    table = open_data(plant(planted(layout, names)))
    assert counts(table) == {(label, part): 2 for label in ("cat", "dog") for part in names}
    assert "Given split: train 4, valid 4, test 4" in table.said


@pytest.mark.parametrize("layout", LAYOUTS)
def test_train_and_valid_alone_make_valid_the_sealed_test(layout: str, plant) -> None:
    table = open_data(plant(planted(layout, {"train": "train", "valid": "val"})))
    assert counts(table) == {(label, part): 2 for label in ("cat", "dog") for part in ("train", "test")}
    assert "Given valid part (4) becomes the sealed test; validation is cut from the rest" in table.said


def test_train_and_test_leave_validation_to_be_cut(plant) -> None:
    table = open_data(plant(planted("parts first", {"train": "train", "test": "test"})))
    assert "Given split: train 4, test 4; validation is cut from the rest" in table.said


def test_a_test_folder_beside_classes_is_a_part_and_the_rest_is_learned_from(plant) -> None:
    table = open_data(plant("cat/1.png", "dog/1.png", "test/cat/2.png", "test/dog/2.png"))
    assert counts(table) == {("cat", None): 1, ("dog", None): 1, ("cat", "test"): 1, ("dog", "test"): 1}
    assert "2 items in no given part, learned from; copies of test items are left out" in table.said


def test_where_only_the_training_part_is_named_it_is_said_that_there_is_no_test_part(tmp_path: Path) -> None:
    rows = [f"{row % 7},{'ab'[row % 2]},{'' if row % 3 else 'train'}" for row in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["x,label,split", *rows]), encoding="utf-8")
    table = open_data(tmp_path / "t.csv")
    assert "60 items in no given part, learned from" in table.said
    assert "Only train is named, so that there is no test part; to have all parts dealt: --split none" in table.doubts
    parts = deal([str(row) for row in range(90)], np.arange(90), None, table.frame["part"].to_list(), 0).counts
    assert parts["test"] == 0
    assert open_data(tmp_path / "t.csv", Options(split="none")).part is None


def test_only_one_part_is_no_split(plant) -> None:
    table = open_data(plant("test/cat/1.png", "test/dog/1.png"))
    assert counts(table) == {("cat", None): 1, ("dog", None): 1}


def test_a_test_folder_without_classes_is_left_out_with_a_word(plant) -> None:
    beside_parts = open_data(plant("train/cat/1.png", "train/dog/1.png", "test/1.png", "test/2.png"))
    assert counts(beside_parts) == {("cat", None): 1, ("dog", None): 1}
    assert beside_parts.doubts == (
        '2 pictures left out: those directly in "test" have no class folder; predict them afterwards',
    )
    flat = plant("cat/1.png", "dog/1.png", "test/1.png", folder="flat")
    beside_classes = open_data(flat)
    assert counts(beside_classes) == {("cat", None): 1, ("dog", None): 1}
    assert "say --target folder:1 if it is a class" in beside_classes.doubts[0]
    as_asked = open_data(flat, Options(target="folder:1"))
    assert as_asked.hints["classes"] == ["cat", "dog", "test"]


@pytest.mark.parametrize("learned", ["train/{label}/1.png", "train/{label}/images/1.png", "train/images/{label}/1.png"])
def test_a_wrapper_around_unlabelled_pictures_is_no_class(learned: str, plant) -> None:
    names = [learned.format(label=label) for label in ("cat", "dog")]
    table = open_data(plant(names, "test/images/1.png", "test/images/2.png"))
    assert counts(table) == {("cat", None): 1, ("dog", None): 1}
    assert table.doubts == (
        '2 pictures left out: those directly in "test/images" have no class folder; predict them afterwards',
    )


def test_a_class_called_like_a_wrapper_is_a_class_where_others_stand_beside_it(plant) -> None:
    table = open_data(plant("train/images/1.png", "train/sketches/1.png", "test/images/1.png"))
    assert counts(table) == {("images", "train"): 1, ("sketches", "train"): 1, ("images", "test"): 1}


def test_pictures_in_wrapped_parts_alone_have_no_target(plant) -> None:
    table = open_data(plant("train/images/1.png", "train/images/2.png", "test/images/1.png"))
    assert counts(table) == {(None, "train"): 2, (None, "test"): 1}


@pytest.mark.parametrize("twice", [True, False])
def test_parts_may_all_begin_with_the_same_word(twice: bool, plant) -> None:
    names = [f"seg_{part}/{f'seg_{part}/' * twice}{label}/1.png" for part in ("train", "test") for label in ("a", "b")]
    table = open_data(plant(names, "seg_pred/seg_pred/1.png", "seg_pred/seg_pred/2.png"))
    assert counts(table) == {(label, part): 1 for label in ("a", "b") for part in ("train", "test")}
    assert table.doubts == ('2 pictures left out: the folder "seg_pred" stands beside the parts and is none of them',)


def test_parts_with_a_word_before_them_are_parts_whichever_folder_is_the_class(plant) -> None:
    names = [f"seg_{part}/{label}/deep/1.png" for part in ("train", "test") for label in ("a", "b")]
    table = open_data(plant(names), Options(target="folder:2"))
    assert counts(table) == {(label, part): 1 for label in ("a", "b") for part in ("train", "test")}


def test_a_table_that_is_to_be_ignored_decides_nothing(plant) -> None:
    folder = plant("a/1.png", "b/1.png")
    (folder / "table.csv").write_text("path,label\na/1.png,x\nb/1.png,y\n", encoding="utf-8")
    assert open_data(folder).hints["classes"] == ["x", "y"]
    assert open_data(folder, Options(ignore=("table.csv",))).hints["classes"] == ["a", "b"]


def test_masks_beside_the_parts_are_not_taken_for_parts(plant) -> None:
    names = [f"{part}/{label}/1.png" for part in ("train", "test", "seg_train") for label in ("cat", "dog")]
    table = open_data(plant(names))
    assert counts(table) == {(label, part): 1 for label in ("cat", "dog") for part in ("train", "test")}


def test_test_and_control_are_classes_but_questioned(plant) -> None:
    table = open_data(plant("test/1.png", "control/1.png"))
    assert table.hints["classes"] == ["control", "test"]
    assert table.doubts[0].startswith('"test" is taken as a class, not as a part of a split')


def test_a_train_among_vehicles_is_a_class_but_questioned(plant) -> None:
    table = open_data(plant("train/1.png", "car/1.png", "plane/1.png"))
    assert table.hints["classes"] == ["car", "plane", "train"]
    assert table.part is None
    assert '"train" is taken as a class' in table.doubts[0]


def test_another_folder_beside_the_parts_is_left_out_with_a_word(plant) -> None:
    table = open_data(plant("train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/dog/1.png", "sketches/1.png"))
    assert len(table) == 4
    assert '1 picture left out: the folder "sketches" stands beside the parts and is none of them' in table.doubts


def test_a_class_that_is_only_tested_is_questioned(plant) -> None:
    table = open_data(plant("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/c/1.png"))
    assert 'Class "c" is only in the test part and cannot be learned; leave it out with --exclude' in table.doubts


def test_parts_of_unlabelled_pictures_are_kept(plant) -> None:
    table = open_data(plant("train/1.png", "train/2.png", "test/1.png"))
    assert counts(table) == {(None, "train"): 2, (None, "test"): 1}


def test_split_none_deals_anew(plant) -> None:
    folder = plant(planted("parts first", {"train": "train", "test": "test"}))
    table = open_data(folder, Options(split="none"))
    assert counts(table) == {("cat", None): 4, ("dog", None): 4}


# ---- doubtful names


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["2021-05-03", "2021-05-04"], "dates"),
        (["20210503", "20210504", "other"], "dates"),
        (["2019", "2020"], "dates"),
        (["2021年5月", "2021年6月"], "dates"),
        (["03.05.2021", "04.05.2021"], "dates"),
        (["224x224", "512x512"], "sizes"),
        (["32px", "64px"], "sizes"),
        (["128", "256"], "sizes"),
        (["fold1", "fold2"], "parts"),
        (["Batch_1", "Batch_2"], "parts"),
    ],
)
def test_folder_names_that_are_hardly_classes_are_questioned(names: list[str], kind: str, plant) -> None:
    table = open_data(plant(*(f"{name}/{number}.png" for name in names for number in range(2))))
    assert f"look like {kind}; if they are not the classes, use a table with a label column" in table.doubts[0]


def test_the_folder_below_a_date_is_offered_as_the_class(plant) -> None:
    folder = plant("2021-05/cat/1.png", "2021-05/dog/1.png", "2021-06/cat/1.png")
    assert "use --target folder:2" in open_data(folder).doubts[0]
    assert counts(open_data(folder, Options(target="folder:2"))) == {("cat", None): 2, ("dog", None): 1}
    assert counts(open_data(folder, Options(target="folder:-1"))) == {("cat", None): 2, ("dog", None): 1}


@pytest.mark.parametrize("names", [list("0123456789"), ["cat", "dog"], ["2", "3"], ["type1", "type2"], ["100", "101"]])
def test_ordinary_names_are_not_questioned(names: list[str], plant) -> None:
    assert open_data(plant(*(f"{name}/1.png" for name in names))).doubts == ()


# ---- options


def test_ignore_leaves_files_and_folders_out(plant) -> None:
    folder = plant("cat/1.png", "cat/1_mask.png", "dog/1.png", "raw/1.png", "dog/raw/2.png", "dog/note.txt")
    table = open_data(folder, Options(ignore=("*_mask.png", "raw", "*.txt", "*.tmp")))
    assert table.frame["image"].to_list() == ["cat/1.png", "dog/1.png"]
    assert table.doubts == ("--ignore '*.tmp' matches no file",)
    with pytest.raises(DataError, match="holds no files"):
        open_data(folder, Options(ignore=("*",)))


def test_classes_are_kept_left_out_and_merged(plant) -> None:
    folder = plant("cat/1.png", "lion/1.png", "dog/1.png", "wolf/1.png", "fish/1.png")
    merged = open_data(folder, Options(merge={"feline": ["cat", "lion"], "dog": ["wolf"]}, exclude=("fish",)))
    assert counts(merged) == {("feline", None): 2, ("dog", None): 2}
    assert open_data(folder, Options(classes=("cat", "fish"))).hints["classes"] == ["cat", "fish"]
    with pytest.raises(UsageError, match=r'--classes names a class "wulf" .* did you mean "wolf"'):
        open_data(folder, Options(classes=("wulf", "cat")))
    with pytest.raises(UsageError, match='--merge names a class "tiger" that does not exist'):
        open_data(folder, Options(merge={"big": ["tiger"]}))
    with pytest.raises(UsageError, match='--merge puts "cat" into both "a" and "b"'):
        open_data(folder, Options(merge={"a": ["cat"], "b": ["cat"]}))


def test_options_about_classes_need_classes(plant) -> None:
    with pytest.raises(UsageError, match="--exclude needs classes, and these data have none"):
        open_data(plant("1.png"), Options(exclude=("cat",)))


def test_names_that_differ_in_case_are_questioned(plant) -> None:
    folder = plant("train/Cat/1.png", "test/cat/1.png", "train/dog/1.png")
    if len({path.name for path in folder.rglob("?at")}) < 2:
        pytest.skip("this file system knows no case")
    assert 'Classes "Cat" and "cat" differ only in case; join them with --merge' in open_data(folder).doubts


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options(target="label"), 'folders have no columns; expected "folder:N" or "none"'),
        (Options(target="folder:0"), "expected folder:N, with 1 the first folder"),
        (Options(target="folder:x"), "expected folder:N"),
        (Options(target="folder:9"), "no picture has a folder there; a path looks like cat/1.png"),
        (Options(group="patient"), "folders have no columns; use --group-from"),
        (Options(group_from="["), "is not a regular expression"),
        (Options(group_from="mouse\\d+"), "finds a group in no path; a path looks like cat/1.png"),
        (Options(inputs=("sound",)), "folders have one input, image"),
        (Options(split="nowhere.csv"), "there is no such file or column"),
    ],
)
def test_an_option_that_cannot_be_names_itself_and_the_way_out(options: Options, sentence: str, plant) -> None:
    with pytest.raises(UsageError) as caught:
        open_data(plant("cat/1.png", "dog/1.png"), options)
    assert sentence in str(caught.value)


def test_a_split_file_gives_the_parts(plant, tmp_path: Path) -> None:
    folder = plant(numbered("cat", 2), numbered("dog", 2))
    file = tmp_path / "parts.csv"
    file.write_text("path,part\ncat/0.png,train\ndog/0.png,Train\ncat\\1.png,test\n")
    table = open_data(folder, Options(split=str(file)))
    assert table.frame["part"].to_list() == ["train", "test", "train", None]
    file.write_text("path,part\ncat/0.png,train\ncat/1.png,exam\n")
    with pytest.raises(DataError, match="no column of parts"):
        open_data(folder, Options(split=str(file)))
    file.write_text("path,part\ncat/0.png,train\ncat/7.png,test\n")
    with pytest.raises(DataError, match=r"names 1 item that the data do not have, such as cat/7.png"):
        open_data(folder, Options(split=str(file)))
    file.write_text("path,part\nx/0.png,train\n")
    with pytest.raises(DataError, match=r"names no item of the data: it has x/0.png, the data have cat/0.png"):
        open_data(folder, Options(split=str(file)))


# ---- nothing to open


def test_empty_folders_and_folders_of_other_files_are_refused(plant, tmp_path: Path) -> None:
    (tmp_path / "empty" / "a" / "b").mkdir(parents=True)
    with pytest.raises(
        DataError, match=r"empty holds no files .* expected .*pictures .*png.*sounds .*wav.*texts .*txt.*table"
    ):
        open_data(tmp_path / "empty")
    with pytest.raises(DataError, match=r"holds no data of a known kind, only other files \(.csv 2, .doc 1\)"):
        open_data(plant("a/1.csv", "a/2.csv", "b/1.doc", folder="texts"))


def test_pictures_that_must_be_converted_are_refused_with_the_way(plant) -> None:
    with pytest.raises(DataError, match=r"only pictures that must be converted \(.czi\).*Fiji"):
        open_data(plant("a/1.czi", "b/2.czi", folder="cells"))
    mixed = open_data(plant("a/1.czi", "a/1.png", "b/2.png", folder="mixed"))
    assert len(mixed) == 2
    assert mixed.doubts[0].startswith("1 .czi file left out: a microscope's format")


def test_a_locked_folder_is_named_and_may_be_ignored(plant, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plant("a/1.png", "b/1.png", "a/locked/1.png", "lost+found/2.png")
    scandir = os.scandir

    def locked(path: str) -> object:
        if path.endswith(("locked", "lost+found")):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(DataError, match=r"cannot read the folder .*locked/?: Permission .*--ignore 'a/locked/\*'"):
        open_data(folder)
    table = open_data(folder, Options(ignore=("locked",)))
    assert table.hints["classes"] == ["a", "b"]
    assert table.doubts == ()
    assert len(open_data(folder, Options(ignore=("a/locked/*",)))) == 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
@pytest.mark.parametrize(
    ("name", "classes", "parts"), [("ants_bees", 2, (243, 153)), ("cifar10", 10, (50_000, 10_000))]
)
def test_real_archives_open_with_their_split(name: str, classes: int, parts: tuple[int, int]) -> None:
    table = open_data(SHARED / f"{name}.zip")
    assert table.frame["target"].n_unique() == classes
    given = dict(table.frame["part"].value_counts().iter_rows())
    assert (given["train"], given["test"]) == parts
    assert table.doubts == ()
    assert table.stores["image"].read(table.frame["image"][0])
