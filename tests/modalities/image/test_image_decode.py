"""Every kind of picture becomes the canvas that Pillow or a calculation by hand says it should be."""

from __future__ import annotations

import contextlib
import threading
import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from penjing.core.errors import DataError
from penjing.modalities import image

GREY = image.Settings(side=8, channels=1)
COLOUR = image.Settings(side=8, channels=3)
RANDOM = np.random.default_rng(0)
GREY_8 = RANDOM.integers(0, 256, (8, 8), dtype=np.uint8)
RGB_8 = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def grey_tiff(values: np.ndarray) -> bytes:
    return encoded(Image.fromarray(values), "TIFF")


# --- formats and modes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "PPM"])
def test_a_grey_picture_of_the_canvas_size_passes_through_bit_for_bit(kind: str) -> None:
    decoded = image.decode(encoded(Image.fromarray(GREY_8), kind), GREY)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, GREY_8[:, :, None])


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_a_colour_picture_of_the_canvas_size_passes_through_bit_for_bit(kind: str, options: dict) -> None:
    np.testing.assert_array_equal(image.decode(encoded(Image.fromarray(RGB_8), kind, **options), COLOUR), RGB_8)


def test_a_jpeg_of_the_canvas_size_equals_pillows_own_reading() -> None:
    content = encoded(Image.fromarray(RGB_8), "JPEG", quality=95)
    np.testing.assert_array_equal(image.decode(content, COLOUR), np.asarray(Image.open(BytesIO(content))))


def test_a_grey_picture_fills_all_three_colours() -> None:
    decoded = image.decode(encoded(Image.fromarray(GREY_8)), COLOUR)
    np.testing.assert_array_equal(decoded, np.repeat(GREY_8[:, :, None], 3, axis=2))


def test_black_and_white_becomes_0_and_255() -> None:
    bits = GREY_8 > 127
    np.testing.assert_array_equal(image.decode(encoded(Image.fromarray(bits)), GREY)[:, :, 0], np.where(bits, 255, 0))


def test_a_palette_is_looked_up() -> None:
    picture = Image.fromarray((GREY_8 % 4).astype(np.uint8), "L").convert("P")
    palette = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]], np.uint8)
    picture.putpalette(palette.ravel().tolist())
    np.testing.assert_array_equal(image.decode(encoded(picture), COLOUR), palette[np.asarray(picture)])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB-key", "L-key", "WEBP"])
def test_transparent_pixels_are_white_and_opaque_ones_keep_their_colour(mode: str) -> None:
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:4] = 255
    if mode in ("RGBA", "WEBP"):
        picture = Image.fromarray(np.dstack([np.zeros_like(RGB_8), alpha]))
        content = encoded(picture, "WEBP", lossless=True, exact=True) if mode == "WEBP" else encoded(picture)
    elif mode == "LA":
        content = encoded(Image.fromarray(np.dstack([np.zeros_like(alpha), alpha]), "LA"))
    elif mode == "P":
        picture = Image.fromarray(np.where(alpha, 0, 1).astype(np.uint8)).convert("P")
        picture.putpalette([0, 0, 0, 50, 60, 70])
        content = encoded(picture, transparency=bytes([255, 0]))
    elif mode == "L-key":
        content = encoded(Image.fromarray(np.where(alpha, 0, 77).astype(np.uint8)), transparency=77)
    else:
        values = np.where(alpha[:, :, None], 0, np.array([1, 2, 3])).astype(np.uint8)
        content = encoded(Image.fromarray(values), transparency=(1, 2, 3))
    decoded = image.decode(content, COLOUR)
    assert (decoded[:4] == 0).all()
    assert (decoded[4:] == 255).all()


def test_half_transparent_grey_is_mixed_with_white() -> None:
    picture = Image.fromarray(np.dstack([np.full((8, 8), 100), np.full((8, 8), 51)]).astype(np.uint8), "LA")
    by_hand = round(100 * 51 / 255 + 255 * (1 - 51 / 255))
    assert abs(int(image.decode(encoded(picture), GREY)[0, 0, 0]) - by_hand) <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_pictures_are_scaled_by_their_full_range_and_not_by_their_brightest_pixel(kind: str) -> None:
    values = np.full((8, 8), 6553, np.uint16)
    values[0, 0] = 30000
    decoded = image.decode(encoded(Image.fromarray(values), kind), GREY)[:, :, 0]
    np.testing.assert_array_equal(decoded, np.rint(values / 65535 * 255))


def test_big_endian_16_bit_tiff_is_read() -> None:
    values = (np.arange(64).reshape(8, 8) * 1000).astype(np.uint16)
    picture = Image.frombytes("I;16B", (8, 8), values.astype(">u2").tobytes())
    np.testing.assert_array_equal(image.decode(encoded(picture, "TIFF"), GREY)[:, :, 0], np.rint(values / 65535 * 255))


def test_a_12_bit_camera_reaches_white_with_12_bits() -> None:
    values = np.linspace(0, 4095, 64).reshape(8, 8).astype(np.uint16)
    assert image.probe(grey_tiff(values)).bits == 12
    plan = image.plan([image.probe(grey_tiff(values))], 64)
    assert plan.bits == 12
    assert image.decode(grey_tiff(values), plan).max() == 255
    assert image.decode(grey_tiff(values), GREY).max() == 16


def test_a_dark_16_bit_data_set_does_not_turn_black() -> None:
    values = np.linspace(0, 255, 64).reshape(8, 8).astype(np.uint16)
    plan = image.plan([image.probe(grey_tiff(values))], 64)
    assert image.decode(grey_tiff(values), plan).max() >= 63


def test_32_bit_integers_are_read_as_16_bit_and_floats_as_0_to_1() -> None:
    whole = (np.arange(64).reshape(8, 8) * 1000).astype(np.int32)
    np.testing.assert_array_equal(image.decode(grey_tiff(whole), GREY)[:, :, 0], np.rint(whole / 65535 * 255))
    real = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    np.testing.assert_array_equal(image.decode(grey_tiff(real), GREY)[:, :, 0], np.rint(real * 255))


def test_cmyk_and_ycbcr_become_rgb() -> None:
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    for picture, kind in [(red.convert("CMYK"), "TIFF"), (red.convert("CMYK"), "JPEG"), (red.convert("YCbCr"), "TIFF")]:
        mean = image.decode(encoded(picture, kind), COLOUR).reshape(-1, 3).mean(axis=0)
        np.testing.assert_allclose(mean, [255, 0, 0], atol=4)


@pytest.mark.parametrize("code", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "deflated TIFF"])
def test_exif_orientation_is_applied_once(kind: str, code: int) -> None:
    upright = np.zeros((8, 16, 3), np.uint8)
    upright[:4, :8] = 255
    undo = {1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1]}
    turned = {5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x), 8: lambda x: np.rot90(x, -1)}
    turned[7] = lambda x: x.swapaxes(0, 1)[::-1, ::-1]
    stored = np.ascontiguousarray({**undo, **turned}[code](upright))
    exif = Image.Exif()
    exif[0x0112] = code
    options: dict = {"lossless": True} if kind == "WEBP" else {}
    if kind == "deflated TIFF":
        options = {"compression": "tiff_deflate"}
    content = encoded(Image.fromarray(stored), kind.split()[-1], exif=exif, **options)
    header = image.probe(content)
    assert (header.height, header.width) == (8, 16)
    decoded = image.decode(content, image.Settings(side=16, channels=3, fit="squash"))
    assert decoded[1:6, 1:6].min() > 200
    assert decoded[10:].max() < 60
    assert decoded[:, 10:].max() < 60


def test_a_gif_gives_its_first_frame() -> None:
    frames = [Image.new("L", (8, 8), level) for level in (10, 200)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (image.decode(content, GREY) == 10).all()
    assert image.probe(content).pages == 1


# --- pages -------------------------------------------------------------------------------------------------------


def stack(*levels: int, sizes: tuple[int, ...] = (8, 8, 8)) -> bytes:
    pages = [Image.new("L", (size, size), level) for level, size in zip(levels, sizes, strict=False)]
    pages[0].putpixel((0, 0), 250)
    return encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])


def test_pages_are_read_first_brightest_or_by_number_from_1() -> None:
    content = stack(10, 90, 40)
    assert image.probe(content).pages == 3
    assert image.decode(content, GREY)[1, 1, 0] == 10
    brightest = image.decode(content, image.Settings(side=8, channels=1, page="max"))
    assert brightest[0, 0, 0] == 250
    assert (brightest[1:] == 90).all()
    assert [int(image.decode(content, GREY, page=number)[1, 1, 0]) for number in (1, 2, 3)] == [10, 90, 40]


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_page_that_is_not_there_is_named(number: int) -> None:
    with pytest.raises(DataError, match=f"there is no page {number}; it has 3"):
        image.decode(stack(1, 2, 3), GREY, page=number)


def test_pages_of_different_sizes_have_no_maximum() -> None:
    with pytest.raises(DataError, match=r"pages differ in size.*--page first or each"):
        image.decode(stack(1, 2, 3, sizes=(8, 9, 8)), image.Settings(side=8, channels=1, page="max"))


# --- the canvas --------------------------------------------------------------------------------------------------


def test_letterbox_keeps_the_whole_picture_and_continues_its_edge_colour() -> None:
    picture = np.full((4, 8, 3), 200, np.uint8)
    picture[1:3, 2:6] = 0
    decoded = image.decode(encoded(Image.fromarray(picture)), COLOUR)
    np.testing.assert_array_equal(decoded[2:6], picture)
    assert (decoded[[0, 1, 6, 7]] == 200).all()


def test_crop_keeps_the_central_square() -> None:
    picture = RANDOM.integers(0, 256, (8, 20), dtype=np.uint8)
    decoded = image.decode(encoded(Image.fromarray(picture)), image.Settings(side=8, channels=1, fit="crop"))
    np.testing.assert_array_equal(decoded[:, :, 0], picture[:, 6:14])


def test_squash_is_pillows_antialiased_resize() -> None:
    picture = Image.fromarray(RANDOM.integers(0, 256, (12, 20), dtype=np.uint8))
    decoded = image.decode(encoded(picture), image.Settings(side=8, channels=1, fit="squash"))
    np.testing.assert_array_equal(decoded[:, :, 0], np.asarray(picture.resize((8, 8), Image.Resampling.BICUBIC)))


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (7, 9), (9, 8)])
@pytest.mark.parametrize("fit", ["letterbox", "crop", "squash"])
def test_any_size_fits_the_canvas(size: tuple[int, int], fit: str) -> None:
    decoded = image.decode(encoded(Image.new("RGB", size, (1, 2, 3))), image.Settings(side=8, channels=3, fit=fit))
    np.testing.assert_array_equal(decoded, np.full((8, 8, 3), [1, 2, 3], np.uint8))


def test_a_large_jpeg_decoded_in_reduced_size_stays_near_the_full_one() -> None:
    smooth = np.kron(RANDOM.integers(0, 256, (8, 12)), np.ones((50, 50))).astype(np.uint8)
    content = encoded(Image.fromarray(smooth), "JPEG", quality=95)
    decoded = image.decode(content, image.Settings(side=60, channels=1))
    full = np.asarray(Image.fromarray(smooth).resize((60, 40), Image.Resampling.BICUBIC))
    assert np.abs(decoded[10:50, :, 0].astype(int) - full).mean() < 4


# --- arrays ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        RGB_8,
        np.moveaxis(RGB_8, -1, 0),
        RGB_8 / 255,
        RGB_8.astype(np.float32),
        RGB_8.astype(np.int64),
        RGB_8.astype(np.uint16) * 257,
        np.dstack([RGB_8, np.full((8, 8), 255, np.uint8)]),
        np.asfortranarray(RGB_8),
    ],
    ids=["uint8", "channels first", "0 to 1", "0 to 255", "int64", "uint16", "RGBA", "Fortran order"],
)
def test_an_array_and_the_png_of_it_decode_alike(values: np.ndarray) -> None:
    np.testing.assert_array_equal(image.decode(values, COLOUR), image.decode(encoded(Image.fromarray(RGB_8)), COLOUR))


@pytest.mark.parametrize("values", [GREY_8, GREY_8[:, :, None], GREY_8[None], GREY_8.astype(np.float16)])
def test_grey_arrays_have_no_or_one_channel(values: np.ndarray) -> None:
    np.testing.assert_array_equal(image.decode(values, GREY)[:, :, 0], GREY_8)


def test_a_bool_array_is_black_and_white() -> None:
    np.testing.assert_array_equal(image.decode(GREY_8 > 9, GREY)[:, :, 0], np.where(GREY_8 > 9, 255, 0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(5), "shape 5; expected height×width"),
        (np.zeros(()), "shape a single number"),
        (np.zeros((2, 8, 8)), "shape 2×8×8"),
        (np.zeros((0, 8)), "shape 0×8"),
        (np.zeros((2, 3, 8, 8)), "shape 2×3×8×8"),
        (np.full((8, 8), np.nan), "64 of its 64 values are NaN or infinite; fill them or leave the item out"),
        (np.array([[0.5, np.inf]]), "1 of its 2 values are NaN or infinite"),
        (np.array([[-1.5, 2.0]]), "from -1.5 to 2; expected 0 to 255 or 0 to 1: .*undo a standardisation"),
        (np.array([[0, 4095]]), "from 0 to 4095; expected 0 to 255: .*16 bits"),
        (np.array([["a"]]), "holds <U1 values; expected uint8"),
        (np.array([[1j]]), "holds complex128 values"),
        (np.array([[None]]), "holds object values"),
    ],
)
def test_an_array_that_is_no_picture_is_refused_in_a_sentence(values: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        image.decode(values, GREY)


# --- broken files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello", "not a picture in a known format; expected PNG, JPEG"),
        (encoded(Image.fromarray(RANDOM.integers(0, 256, (64, 64), dtype=np.uint8)))[:2000], "cut off"),
        (encoded(Image.fromarray(RANDOM.integers(0, 256, (64, 64), dtype=np.uint8)), "JPEG")[:1500], "cut off"),
        (encoded(Image.fromarray(RANDOM.integers(0, 256, (64, 64), dtype=np.uint8)), "BMP")[:1500], "cut off"),
        (encoded(Image.new("1", (20000, 20000))), "too large"),
        (encoded(Image.new("1", (13500, 13500))), "too large"),
    ],
)
def test_a_file_that_cannot_be_decoded_says_why(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        image.decode(content, GREY)


def test_a_picture_that_pillow_would_warn_about_is_decoded_without_a_word() -> None:
    large = encoded(Image.new("1", (10000, 10000), 1))  # Pillow warns of a possible decompression bomb
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert image.decode(large, GREY).min() > 250
        image.probe(large)
    assert heard == []


def test_warning_filters_are_as_before_after_many_threads_have_decoded() -> None:
    content = encoded(Image.fromarray(RGB_8))
    before = list(warnings.filters)
    workers = [threading.Thread(target=lambda: [image.decode(content, COLOUR) for _ in range(50)]) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert list(warnings.filters) == before


WHOLE = [
    encoded(Image.fromarray(RGB_8), kind, **options)
    for kind, options in [
        ("PNG", {}),
        ("JPEG", {}),
        ("WEBP", {}),
        ("BMP", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("PPM", {}),
    ]
] + [stack(1, 2, 3), encoded(Image.fromarray(RGB_8).convert("P")), grey_tiff(GREY_8.astype(np.uint16))]


def decoded_or_refused(content: bytes | np.ndarray, chosen: image.Settings) -> None:
    with contextlib.suppress(DataError):
        image.probe(content)
    with contextlib.suppress(DataError):
        found = image.decode(content, chosen)
        assert found.shape == (8, 8, chosen.channels)
        assert found.dtype == np.uint8


@settings(max_examples=300)
@given(
    whole=st.sampled_from(WHOLE),
    cut=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
    page=st.sampled_from(["first", "max"]),
    channels=st.sampled_from([1, 3]),
)
def test_a_damaged_picture_is_decoded_or_refused_and_nothing_else(
    whole: bytes, cut: float, changes: list[tuple[float, int]], page: str, channels: int
) -> None:
    content = bytearray(whole[: max(1, round(len(whole) * cut))])
    for place, value in changes:
        content[int(place * len(content))] = value
    decoded_or_refused(bytes(content), image.Settings(side=8, channels=channels, page=page))


@settings(max_examples=100)
@given(st.binary(max_size=200))
@example(b"\x89PNG\r\n\x1a\n")
@example(b"\xff\xd8\xff\xe0")
@example(b"II*\x00\x08\x00\x00\x00")
@example(b"P5 1 1 65535 ")
def test_random_bytes_are_refused_and_nothing_else(content: bytes) -> None:
    decoded_or_refused(content, COLOUR)


@settings(max_examples=100)
@given(
    shape=st.lists(st.integers(0, 5), max_size=4),
    dtype=st.sampled_from(["?", "u1", "u2", ">u2", "i4", "u8", "f2", "f4", "f8", "c8", "U1", "O", "M8[s]"]),
    seed=st.integers(0, 9),
)
def test_a_random_array_is_decoded_or_refused_and_nothing_else(shape: list[int], dtype: str, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, shape).astype("i8").astype(dtype)
    decoded_or_refused(values, COLOUR)


@settings(max_examples=60)
@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]),
    kind=st.sampled_from(["PNG", "TIFF", "JPEG", "WEBP", "GIF", "BMP"]),
    width=st.integers(1, 20),
    height=st.integers(1, 20),
)
def test_every_mode_that_a_format_can_hold_is_decoded_twice_alike(
    mode: str, kind: str, width: int, height: int
) -> None:
    try:
        content = encoded(Image.new(mode, (width, height)), kind)
    except (OSError, ValueError):
        return  # this format cannot hold this mode
    if mode in ("LAB", "PA"):
        decoded_or_refused(content, COLOUR)
    else:
        np.testing.assert_array_equal(image.decode(content, COLOUR), image.decode(content, COLOUR))
