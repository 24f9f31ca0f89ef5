"""A few sounds of different kinds, made on the spot, for the contract tests."""

from __future__ import annotations

from io import BytesIO

import numpy as np


def samples() -> list[bytes | np.ndarray]:
    """Contents that this modality decodes: different formats, rates, lengths, channels, silence, and an array."""
    files = [
        _encoded(_chirp(16_000, 0.5), 16_000, "WAV"),
        _encoded(_chirp(44_100, 0.8, channels=2), 44_100, "FLAC"),
        _encoded(_chirp(22_050, 0.3), 22_050, "OGG"),
        _encoded(_chirp(16_000, 0.5, channels=2), 16_000, "MP3"),
        _encoded(_chirp(8_000, 0.01), 8_000, "WAV", "PCM_U8"),
        _encoded(np.zeros(4_000), 8_000, "WAV", "FLOAT"),
    ]
    return [*files, (_chirp(16_000, 0.4) * 20_000).astype(np.int16)]


def _chirp(rate_hz: int, seconds: float, channels: int = 1) -> np.ndarray:
    """A rising tone between silences: float [samples] or [samples, channels]."""
    time = np.arange(round(rate_hz * seconds)) / rate_hz
    tone = 0.5 * np.sin(2 * np.pi * (300 + 800 * time) * time) * np.sin(np.pi * time / seconds) ** 2
    return tone if channels == 1 else np.stack([tone * (1 - side / 2) for side in range(channels)], axis=1)


def _encoded(values: np.ndarray, rate_hz: int, kind: str, codec: str | None = None) -> bytes:
    import soundfile

    file = BytesIO()
    soundfile.write(file, values, rate_hz, format=kind, subtype=codec)
    return file.getvalue()
