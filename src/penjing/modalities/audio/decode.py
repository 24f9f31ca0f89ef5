"""A sound file's bytes, or an array, become one int16 clip. The only way a sound enters a network, anywhere.

This file needs NumPy, soundfile and soxr and nothing else: training, prediction and every shipped model use a copy of
this very text, because two resamplers that nearly agree make a shipped model answer differently from the one tested.

What is decided here, once:

- Channels are averaged. Where they would cancel each other (one is recorded upside down), the loudest one is taken.
- A clip is resampled once, to the rate of its data set. One that has this rate already passes through untouched.
- Levels stay as they are, except that values beyond full scale bring the whole clip down to it: nothing is clipped.
- A longer clip is cut to its loudest stretch ("loudest"), its middle ("centre") or its beginning ("start"); a shorter
  one is padded with silence: at both ends alike, or after its end where it is cut to its beginning.
- An array is samples, samples × channels or channels × samples (the shorter axis is channels). It carries no rate and
  is taken to be at `ARRAY_RATE_HZ`. Integers are scaled by the range of their type, floats lie in −1 to 1.
- Silence is a sound. A file that ends before its header says is damaged.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np

VERSION = 1  # raise it whenever the same bytes may decode to other values: caches of older versions are not read
FORMATS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST")
ARRAY_RATE_HZ = 16_000  # of arrays, which do not say
FULL_SCALE = 32_768  # of int16; soundfile divides by the same, so 16-bit files pass through exactly
MOST_SAMPLES = 2**28  # over all channels, before resampling: about an hour and a half in stereo
SLOWEST_HZ, FASTEST_HZ = 1_000, 768_000  # rates outside are a damaged header
CANCELLED = 0.01  # an average with a smaller share than this of its channels' energy is not the sound
NOT_A_SOUND = "it is not a sound in a known format; expected WAV, FLAC, OGG, MP3, AIFF or AU"
_SPARE = 0.01  # share of the samples that may be missing: sloppy writers round their sizes
_SPARE_SAMPLES = 4 * 1152  # the same of compressed files, whose headers count the frames that decoders drop


class DecodeError(ValueError):
    """The content is not a sound that can be used; the message says why, to be read after the item's name."""


def decode(content: bytes | np.ndarray, *, rate_hz: int, seconds: float, cut: str = "loudest") -> np.ndarray:
    """The sound as one clip: int16 [samples], with `sample_count(rate_hz, seconds)` samples.

    Args:
        content: a file's bytes, or an array (shapes and ranges: see the module's docstring).
        rate_hz: samples per second.
        seconds: the length of the clip.
        cut: which stretch of a longer clip stays: "loudest", "centre" or "start".

    Raises:
        DecodeError: the content is not a sound, is cut off, too long, or holds values that are not finite.
    """
    values, rate = from_array(content) if isinstance(content, np.ndarray) else from_file(content)
    sound = to_mono(values)
    if rate != rate_hz:
        sound = resample(sound, rate, rate_hz)
    peak = float(np.abs(sound).max())
    if peak > 1:
        sound = sound / peak
    clip = fit(sound, sample_count(rate_hz, seconds), cut)
    return np.clip(np.rint(clip * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def sample_count(rate_hz: int, seconds: float) -> int:
    """How many samples a clip has."""
    return max(1, round(rate_hz * seconds))


def header(content: bytes | np.ndarray) -> dict[str, Any]:
    """Rate, length, channels, format and codec, without decoding.

    Raises:
        DecodeError: the content is not a sound, or its header is damaged.
    """
    if isinstance(content, np.ndarray):
        samples, channels = by_channel(content).shape
        return _described(ARRAY_RATE_HZ, samples, channels, "array", str(content.dtype))
    with open_sound(content) as sound:
        return _described(sound.samplerate, sound.frames, sound.channels, sound.format, sound.subtype)


def _described(rate_hz: int, samples: int, channels: int, name: str, codec: str) -> dict[str, Any]:
    return {"rate_hz": rate_hz, "seconds": samples / rate_hz, "channels": channels, "format": name, "codec": codec}


def open_sound(content: bytes) -> Any:
    """The file as a `soundfile.SoundFile`, its header read and its samples not.

    Raises:
        DecodeError: it is empty, of no known format, cut off, or too long.
    """
    import soundfile

    if not content:
        raise DecodeError("the file is empty (0 bytes)")
    missing = _missing_share(content)
    if missing > _SPARE:
        raise DecodeError(f"the file is cut off ({missing:.0%} of its samples are missing); copy or download it again")
    try:
        sound = soundfile.SoundFile(BytesIO(content))
    except Exception as problem:  # libsndfile's own, or of the file interface it reads through
        raise DecodeError(reason(problem)) from problem
    if sound.format not in FORMATS or not SLOWEST_HZ <= sound.samplerate <= FASTEST_HZ:
        raise DecodeError(NOT_A_SOUND)
    if sound.frames <= 0:
        raise DecodeError("it holds no samples (0 seconds); record it again or leave it out")
    _refuse_too_long(sound.frames * sound.channels)
    return sound


def reason(problem: Exception) -> str:
    """What libsndfile's complaint means to a person."""
    text = str(problem).split(": ", 1)[-1].strip()
    # the last one is what libsndfile says of bytes that begin like MP3 and are none
    if any(part in text.lower() for part in ("not recognised", "unknown format", "file does not exist")):
        return NOT_A_SOUND
    if isinstance(problem, MemoryError):
        return "it does not fit in memory; cut it into shorter clips first"
    return f"the file is damaged ({text or type(problem).__name__})"


def _missing_share(content: bytes) -> float:
    """How much of a WAV's data its header promises and the file does not hold, 0 to 1; libsndfile would not say.

    A size of nothing, or of the greatest number there is, stands in files that were written without knowing it.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return 0.0
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        if name == b"data":
            held = len(content) - place - 8
            return 0.0 if size == 0 or size >= 2**31 - 2**12 else max(0.0, 1 - held / size)
        place += 8 + size + size % 2
    return 0.0


def from_file(content: bytes) -> tuple[np.ndarray, int]:
    """Samples as float32 [samples, channels] and their rate.

    Raises:
        DecodeError: see `decode`.
    """
    with open_sound(content) as sound:
        try:
            values = sound.read(dtype="float32", always_2d=True)
        except Exception as problem:  # a broken file trips the codecs in every way there is
            raise DecodeError(reason(problem)) from problem
        if len(values) < min((1 - _SPARE) * sound.frames, sound.frames - _SPARE_SAMPLES) or not len(values):
            raise DecodeError(
                f"the file is cut off after {len(values)} of its {sound.frames} samples; copy or download it again"
            )
        _refuse_not_finite(values)
        return values, int(sound.samplerate)


def by_channel(values: np.ndarray) -> np.ndarray:
    """An array as [samples, channels], its values untouched.

    Raises:
        DecodeError: its shape or its type is not that of a sound.
    """
    if values.dtype.kind not in "iuf":
        raise DecodeError(f"the array holds {values.dtype} values; expected int16, int32 or float")
    if values.ndim not in (1, 2) or not values.size:
        shape = "×".join(map(str, values.shape)) or "a single number"
        raise DecodeError(f"the array has shape {shape}; expected samples, samples×channels or channels×samples")
    _refuse_too_long(values.size)
    if values.ndim == 1:
        return values[:, None]
    return values if values.shape[0] >= values.shape[1] else values.T


def from_array(values: np.ndarray) -> tuple[np.ndarray, int]:
    """An array's samples as float32 [samples, channels], and the rate that arrays are taken to have.

    Raises:
        DecodeError: its shape, its type or its values are not those of a sound.
    """
    samples = by_channel(values)
    if samples.dtype.kind == "f":
        _refuse_not_finite(samples)
        return samples.astype(np.float32), ARRAY_RATE_HZ
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    middle = half if samples.dtype.kind == "u" else 0.0
    return ((samples.astype(np.float64) - middle) / half).astype(np.float32), ARRAY_RATE_HZ


def _refuse_too_long(samples: int) -> None:
    if samples > MOST_SAMPLES:
        raise DecodeError(f"it is too long ({samples} samples); cut it into shorter clips first")


def _refuse_not_finite(values: np.ndarray) -> None:
    count = values.size - int(np.isfinite(values).sum())
    if count:
        raise DecodeError(f"{count} of its {values.size} samples are NaN or infinite; mend them or leave the item out")


def to_mono(values: np.ndarray) -> np.ndarray:
    """One channel for all: float32 [samples, channels] → float32 [samples]."""
    if values.shape[1] == 1:
        return values[:, 0]
    average = values.mean(axis=1)
    energy = np.square(values, dtype=np.float64).sum(axis=0)
    if np.square(average, dtype=np.float64).sum() < CANCELLED * energy.mean():
        return values[:, int(energy.argmax())]
    return average


def resample(sound: np.ndarray, rate: int, rate_hz: int) -> np.ndarray:
    """The same sound with another number of samples a second, at least one sample."""
    import soxr

    other = soxr.resample(sound, rate, rate_hz)
    return other if len(other) else sound[:1]


def fit(sound: np.ndarray, samples: int, cut: str) -> np.ndarray:
    """Cut or padded to a number of samples; see the module's docstring."""
    spare = len(sound) - samples
    if spare <= 0:
        before = 0 if cut == "start" else -spare // 2
        return np.pad(sound, (before, -spare - before))
    first = {"start": 0, "centre": spare // 2}.get(cut)
    if first is None:
        first = _loudest(sound, samples)
    return sound[first : first + samples]


def _loudest(sound: np.ndarray, samples: int) -> int:
    """Where the stretch with the most energy begins; the first one of several."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    return int((energy[samples:] - energy[:-samples]).argmax())
