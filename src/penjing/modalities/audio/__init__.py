"""Sounds: WAV, FLAC, OGG, MP3, AIFF, AU and arrays, all as one mono clip of one rate and length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from penjing.core.cache import Form
from penjing.core.errors import DataError
from penjing.modalities.audio import decode as _codec
from penjing.modalities.audio._features import features
from penjing.modalities.audio._samples import samples

__all__ = [
    "EXTENSIONS",
    "GIVES",
    "KIND",
    "MODELS",
    "REFUSED",
    "Header",
    "Settings",
    "decode",
    "features",
    "form",
    "plan",
    "probe",
    "recognise",
    "samples",
    "shape",
    "why",
]

KIND: Literal["file", "cell"] = "file"
GIVES: Literal["maps", "tokens", "vector", "frames"] = "maps"
MODELS: tuple[str, ...] = ("keyword", "speech_recurrent")  # what races for sounds, the default first
FURTHER = ("speech_example",)  # networks of sounds that do not race
# Augmentations that leave nearly every such item what it is.
SAFE_AUGMENTATIONS = ("shift", "mask", "warp", "gain", "noise")

EXTENSIONS = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".snd", ".caf", ".w64", ".rf64"}
)

_FFMPEG = "a format that is not read here; convert it first, for example with: ffmpeg -i IN OUT.flac"
_NOTES = "notes, not sound; render it first, for example with: fluidsynth -F OUT.wav FONT.sf2 IN.mid"
# Formats that people have and libsndfile does not read → what the file is, and how to convert it.
REFUSED: Mapping[str, str] = {
    **dict.fromkeys((".m4a", ".aac", ".wma", ".amr", ".ape", ".ac3", ".mka", ".m4b", ".wv", ".dsf", ".ra"), _FFMPEG),
    **dict.fromkeys((".mid", ".midi"), _NOTES),
}

HIGHEST_RATE_HZ = 16_000  # speech and most sounds are told apart below half of this
LEAST_SECONDS = 0.1
MOST_SECONDS = 10.0
COVERED = 95  # percentile of lengths that a clip holds whole
_STEP_SECONDS = 0.05


@dataclass(frozen=True)
class Settings:
    """How a sound is brought to one length. Cached form: int16 [samples].

    Attributes:
        rate_hz: samples per second.
        seconds: the length of a clip.
        cut: which stretch of a longer sound stays: "loudest", "centre" or "start".
    """

    rate_hz: int = 16_000
    seconds: float = 1.0
    cut: str = "loudest"


@dataclass(frozen=True)
class Header:
    """What a sound says of itself before it is decoded.

    Attributes:
        rate_hz: samples per second; of an array, the rate that arrays are taken to have.
        seconds: its length.
        channels: 1 is mono, 2 is stereo.
        format: "WAV", "FLAC", … or "array".
        codec: how values are written, such as "PCM_16" or "MPEG_LAYER_III".
    """

    rate_hz: int
    seconds: float
    channels: int
    format: str
    codec: str


def recognise(references: Sequence[str]) -> float:
    """The share of references that are named like sounds, 0 to 1. Formats in `REFUSED` count: they are sounds."""
    known = EXTENSIONS | REFUSED.keys()
    return sum(Path(str(reference)).suffix.lower() in known for reference in references) / max(1, len(references))


def probe(content: bytes | np.ndarray) -> Header:
    """What a sound's header says, without decoding.

    Raises:
        DataError: it is not a sound, or its header is damaged; the message is to be read after the item's name.
    """
    try:
        return Header(**_codec.header(content))
    except _codec.DecodeError as problem:
        raise DataError(str(problem)) from problem


def decode(content: bytes | np.ndarray, settings: Settings, page: int | None = None) -> np.ndarray:  # noqa: ARG001 - sounds have no pages
    """The sound as one clip: int16 [samples].

    Args:
        content: a file's bytes, or an array of samples, samples × channels or channels × samples.

    Raises:
        DataError: it cannot be decoded; the message is to be read after the item's name.
    """
    try:
        return _codec.decode(content, **vars(settings))
    except _codec.DecodeError as problem:
        raise DataError(str(problem)) from problem


def form(settings: Settings) -> Form:
    """How sounds decoded with these settings lie in the cache."""
    length = _codec.sample_count(settings.rate_hz, settings.seconds)
    return Form("audio", {**asdict(settings), "version": _codec.VERSION}, (length,), "int16")


def shape(learned: Mapping[str, Any], item_shape: tuple[int, ...]) -> tuple[int, ...]:
    """What an encoder gets of a clip: (1, mel bands, frames)."""
    (length,) = item_shape
    return (1, int(learned["bands"]), 1 + length // int(learned["hop"]))


def plan(headers: Sequence[Header], budget: int) -> Settings:  # noqa: ARG001 - pixels; a clip is bounded by its seconds
    """The rate and the length of all clips of a data set.

    The rate is the most common one, higher ones counted as `HIGHEST_RATE_HZ`. The length holds most sounds whole
    (the `COVERED`th percentile), between `LEAST_SECONDS` and `MOST_SECONDS`.

    Args:
        headers: of training and validation items only.
        budget: not used; it bounds pictures.

    Raises:
        DataError: there are no headers.
    """
    if not headers:
        raise DataError("none of the sounds could be read, so there is no length to plan for; check the listed files")
    rates = Counter(min(header.rate_hz, HIGHEST_RATE_HZ) for header in headers)
    covered = float(np.percentile([header.seconds for header in headers], COVERED))
    steps = math.ceil(round(min(MOST_SECONDS, max(LEAST_SECONDS, covered)) / _STEP_SECONDS, 6))
    return Settings(
        rate_hz=max(rates, key=lambda rate: (rates[rate], rate)),
        seconds=round(steps * _STEP_SECONDS, 2),
    )


def why(settings: Settings, headers: Sequence[Header]) -> str:
    """One sentence on the clips, for people."""
    lengths, rates = [header.seconds for header in headers], [header.rate_hz for header in headers]
    clip = f"{settings.seconds:g} s at {settings.rate_hz:,} Hz, mono"
    if {round(length, 2) for length in lengths} == {settings.seconds} and set(rates) == {settings.rate_hz}:
        return f"sounds are used at their own length and rate, {clip}"
    seen = f"{_spread([f'{length:.3g}' for length in (min(lengths), max(lengths))])} s"
    seen += f" at {_spread([f'{rate:,}' for rate in (min(rates), max(rates))])} Hz"
    kept = {"loudest": "loudest stretch", "centre": "middle", "start": "beginning"}[settings.cut]
    longer = sum(length > settings.seconds + _STEP_SECONDS / 2 for length in lengths)
    cut = f"; of {longer} longer ones the {kept} is kept" if longer else ""
    return f"sounds of {seen} are brought to {clip}: shorter ones are padded with silence{cut}"


def _spread(ends: Sequence[str]) -> str:
    """ "3" or "3 to 5"."""
    return " to ".join(dict.fromkeys(ends))
