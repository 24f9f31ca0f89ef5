"""Networks of transformers as encoders of texts, pictures and sounds: the mean over the parts of an item."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.pretrained import _package
from penjing.pretrained._own import Own, fingerprint_of

INSTALL = "pip install transformers"
TOKENS = 256
_BATCH = 16


def load(name: str, is_local: bool) -> Own:
    """An encoder from a folder, or by its name on the hub.

    Raises:
        MissingExtra: transformers is not installed.
        DataError: a folder that cannot be loaded.
        UsageError: a name that cannot be loaded.
    """
    if importlib.util.find_spec("transformers") is None:
        raise MissingExtra("transformers", "embed", "load its networks", INSTALL)
    from transformers import AutoModel

    try:
        network = AutoModel.from_pretrained(name, local_files_only=is_local, trust_remote_code=False)
        described = _described(name, is_local)
        embed = _embedder(name, is_local, network.eval().requires_grad_(False), described)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as problem:
        kind = DataError if is_local else UsageError
        raise kind(f"transformers cannot load {name}: {str(problem).splitlines()[0]}") from problem
    modality = {"pixel_values": "image", "input_values": "audio"}.get(network.main_input_name, "text")
    side = _side(network) if modality == "image" else 0
    return Own(modality, int(network.config.hidden_size), embed, fingerprint_of(network.state_dict()), side)


def _described(name: str, is_local: bool) -> dict[str, Any]:
    """What stands in preprocessor_config.json: how pictures and sounds are prepared; {} for texts."""
    from transformers.utils import cached_file

    file = cached_file(
        name, "preprocessor_config.json", local_files_only=is_local, _raise_exceptions_for_missing_entries=False
    )
    return json.loads(Path(file).read_text(encoding="utf-8")) if file else {}


def _embedder(name: str, is_local: bool, network: Any, described: dict[str, Any]) -> Callable[..., np.ndarray]:
    if network.main_input_name == "pixel_values":
        return _of_pictures(network, described)
    if network.main_input_name == "input_values":
        return _of_sounds(network, described)
    return _of_texts(name, is_local, network)


def _of_texts(name: str, is_local: bool, network: Any) -> Callable[[Sequence[str | None]], np.ndarray]:
    import torch
    from transformers import AutoTokenizer

    tokeniser = AutoTokenizer.from_pretrained(name, local_files_only=is_local, trust_remote_code=False)

    def embed(values: Sequence[str | None]) -> np.ndarray:
        texts = [text or "" for text in values]

        def of(batch: slice) -> np.ndarray:
            given = tokeniser(texts[batch], padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
            with torch.inference_mode():
                vectors = network(**given).last_hidden_state
            is_token = given["attention_mask"][..., None]
            return ((vectors * is_token).sum(1) / is_token.sum(1).clamp(min=1)).numpy()

        found = _package.gathered(of, len(texts), _BATCH, network.config.hidden_size)
        found[[not text.strip() for text in texts]] = 0
        return found

    return embed


def _of_pictures(network: Any, described: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    from penjing.pretrained._efficientnet import resized

    half = [0.5] * 3
    centre, scale = (
        torch.tensor(described.get(name, half)).view(1, 3, 1, 1) * 255 for name in ("image_mean", "image_std")
    )
    side = _side(network)

    def embed(values: np.ndarray) -> np.ndarray:
        def of(batch: slice) -> np.ndarray:
            with torch.inference_mode():
                pixels = resized(torch.from_numpy(np.ascontiguousarray(values[batch])), side)
                return network((pixels - centre) / scale).last_hidden_state.flatten(2).mean(1).numpy()

        return _package.gathered(of, len(values), _BATCH, network.config.hidden_size)

    return embed


def _side(network: Any) -> int:
    """Height and width that pictures are brought to."""
    return int(getattr(network.config, "image_size", None) or 224)


def _of_sounds(network: Any, described: dict[str, Any]) -> Callable[[np.ndarray, int], np.ndarray]:
    import torch

    wanted_hz = int(described.get("sampling_rate", 16_000))

    def embed(values: np.ndarray, rate_hz: int) -> np.ndarray:
        def of(batch: slice) -> np.ndarray:
            clips = values[batch].astype(np.float32) / 32_768
            if rate_hz != wanted_hz:
                import soxr

                clips = soxr.resample(np.ascontiguousarray(clips.T), rate_hz, wanted_hz).T
            if described.get("do_normalize", True):
                clips = (clips - clips.mean(1, keepdims=True)) / (clips.std(1, keepdims=True) + 1e-7)
            with torch.inference_mode():
                return network(torch.from_numpy(np.ascontiguousarray(clips))).last_hidden_state.mean(1).numpy()

        return _package.gathered(of, len(values), _BATCH, network.config.hidden_size)

    return embed
