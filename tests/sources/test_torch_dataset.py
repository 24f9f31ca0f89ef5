"""Datasets as people write them for PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from penjing.core.errors import DataError, UsageError
from penjing.sources import Options, open_data
from penjing.sources._pixels import picture
from penjing.sources._samples import sample_images

PICTURES = sample_images(6)


class Pictures(Dataset):
    """A Dataset that counts how often it is read."""

    def __init__(self, as_what: str = "array") -> None:
        self.as_what, self.reads = as_what, 0

    def __len__(self) -> int:
        return len(PICTURES)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        self.reads += 1
        picture: Any = PICTURES[index]
        if self.as_what == "pillow":
            picture = Image.fromarray(picture)
        if self.as_what == "tensor":
            picture = torch.from_numpy(picture).permute(2, 0, 1)
        return picture, index % 2


class Listed(Pictures):
    """With its labels in a list and their names, as torchvision has them."""

    classes = ("cat", "dog")
    targets = (0, 1, 0, 1, 0, 1)


@pytest.mark.parametrize("as_what", ["array", "pillow", "tensor"])
def test_pictures_of_every_kind_are_read(as_what: str) -> None:
    table = open_data(Pictures(as_what))
    assert table.kind == "torch_dataset"
    assert table.title == "Pictures"
    assert table.frame["target"].to_list() == ["0", "1"] * 3
    assert table.doubts == ()
    for reference in table.frame["image"]:
        assert np.array_equal(table.stores["image"].read(reference), PICTURES[int(reference)])


def test_wrapped_datasets_are_read() -> None:
    assert open_data(Subset(Pictures(), [0, 3, 4])).frame["target"].to_list() == ["0", "1", "0"]
    pair = TensorDataset(torch.from_numpy(PICTURES), torch.tensor([0, 1, 2, 0, 1, 2]))
    assert open_data(pair).hints["classes"] == ["0", "1", "2"]


def test_listed_labels_spare_reading_every_picture_and_have_names() -> None:
    data = Listed()
    assert open_data(data).frame["target"].to_list() == ["cat", "dog"] * 3
    assert data.reads < 12


def test_listed_labels_that_do_not_agree_are_not_trusted() -> None:
    data = Listed()
    data.targets = (1, 1, 1, 1, 1, 1)
    assert open_data(data).frame["target"].to_list() == ["cat", "dog"] * 3


class Transformed(Listed):
    """With a transform of its labels, which the list and the names know nothing of."""

    target_transform = staticmethod(lambda label: 1 - label)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        picture, label = super().__getitem__(index)
        return picture, self.target_transform(label)


def test_labels_that_a_transform_makes_are_those_of_the_items() -> None:
    assert open_data(Transformed()).frame["target"].to_list() == ["1", "0"] * 3


def test_every_listed_label_is_held_against_an_item() -> None:
    data = Listed()
    data.targets = (0, 1, 0, 1, 2, 1)
    assert open_data(data).frame["target"].to_list() == ["cat", "dog"] * 3


def test_16_bit_and_transparent_pictures_of_pillow_keep_their_values() -> None:
    deep = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4000
    assert np.array_equal(picture(Image.fromarray(deep.astype(np.int32))), deep)
    assert picture(Image.fromarray(deep.astype(np.int32))).dtype == np.uint16
    assert np.array_equal(picture(Image.fromarray(deep)), deep)
    fractions = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    assert np.array_equal(picture(Image.fromarray(fractions)), fractions)
    assert picture(Image.new("LA", (4, 4), (255, 0))).shape == (4, 4, 4)
    assert picture(Image.new("P", (4, 4))).shape == (4, 4, 3)


def test_pictures_alone_have_no_target() -> None:
    class Bare(Dataset):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> np.ndarray:
            return PICTURES[index]

    assert open_data(Bare()).target is None


def test_a_random_transform_is_questioned() -> None:
    class Noisy(Pictures):
        def __getitem__(self, index: int) -> tuple[Any, int]:
            return PICTURES[index] + np.uint8(self.reads_once()), index % 2

        def reads_once(self) -> int:
            self.reads += 1
            return self.reads

    assert "gives another picture each time; take random transforms out" in open_data(Noisy()).doubts[0]


def test_a_dataset_that_fails_names_the_item() -> None:
    class Broken(Pictures):
        def __getitem__(self, index: int) -> tuple[Any, int]:
            if index == 3:
                raise OSError("disk on fire")
            return super().__getitem__(index)

    with pytest.raises(DataError, match=r"Broken\[3\] cannot be read: OSError: disk on fire"):
        open_data(Broken())


def test_what_is_not_a_map_of_pictures_is_refused() -> None:
    class Stream(IterableDataset):
        def __iter__(self) -> Any:
            return iter(())

    class Words(Pictures):
        def __getitem__(self, index: int) -> tuple[Any, int]:
            return "a text", 0

    class Boxes(Pictures):
        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return PICTURES[index], {"boxes": []}

    class Nothing(Pictures):
        def __len__(self) -> int:
            return 0

    for data, sentence in (
        (Stream(), "Stream has no length or no items by number; give a map-style Dataset"),
        (Words(), r"Words\[0\] cannot be read: expected an array, a tensor or a picture, not str"),
        (Boxes(), "a label of Boxes is a dict; expected a class number or name"),
        (Nothing(), "Nothing has no items"),
    ):
        with pytest.raises(DataError, match=sentence):
            open_data(data)
    with pytest.raises(UsageError, match="a Dataset has no columns"):
        open_data(Pictures(), Options(target="label"))


@pytest.mark.parametrize(
    "options",
    [
        Options(types={"image": "image"}),
        Options(types={"y": "number"}),
        Options(time_column="when"),
        Options(files={"image": "photos.zip"}),
        Options(inputs=("image",)),
    ],
)
def test_what_a_dataset_has_no_columns_for_is_refused(options: Options) -> None:
    with pytest.raises(UsageError, match=r"--(type|time-column|files|input) \w+: a Dataset has no columns"):
        open_data(Pictures(), options)
