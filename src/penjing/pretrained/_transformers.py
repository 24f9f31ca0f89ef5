"""Networks of transformers as encoders of texts, pictures and sounds: the mean over the parts of an item."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.pretrained import _package
from penjing.pretrained._own import Own, fingerprint_of, probed

INSTALL = "pip install transformers"
TOKENS = 256
_BATCH = 16
_MODALITIES = {"pixel_values": "image", "input_values": "audio", "input_ids": "text"}
# Weights that no vector depends on: checkpoints lack them, and transformers begins them at random.
_IDLE = frozenset({"pooler", "masked_spec_embed"})
_PREPROCESSOR, _PROCESSOR = "preprocessor_config.json", "processor_config.json"


@dataclass(frozen=True)
class _Prepared:
    """How items are brought to a network, and what it makes of them.

    Attributes:
        of: a batch of items, for sounds with their rate in hertz → Float32 [n, features].
        probe: what to give `of` to try it: one item.
        settings: all that the preparation depends on, for the fingerprint.
        side: height and width in pixels that pictures are brought to; 0 for others.
    """

    of: Callable[..., np.ndarray]
    probe: tuple[Any, ...]
    settings: Mapping[str, Any]
    side: int = 0


def load(name: str, is_local: bool) -> Own:
    """An encoder from a folder, or by its name on the hub; it has embedded one item when it comes back.

    Raises:
        MissingExtra: transformers is not installed.
        DataError: a folder that cannot be loaded, lacks weights, or holds a network that gives no vectors of items.
        UsageError: the same of a name.
    """
    if importlib.util.find_spec("transformers") is None:
        raise MissingExtra("transformers", "embed", "load its networks", INSTALL)
    try:
        return _load(name, is_local)
    except Exception as problem:  # damaged files and networks for other ends trip it in every way there is
        kind = DataError if is_local else UsageError
        said = next(iter(str(problem).strip().splitlines()), type(problem).__name__)
        raise kind(f"transformers cannot load {name} as an encoder: {said}") from problem


def _load(name: str, is_local: bool) -> Own:
    import torch
    from transformers import AutoModel

    network, info = AutoModel.from_pretrained(
        name, local_files_only=is_local, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
    )
    _check_complete(network, info["missing_keys"])
    modality = _MODALITIES.get(network.main_input_name)
    if modality is None:
        raise ValueError(f"it takes {network.main_input_name}, and penjing gives {', '.join(_MODALITIES)}")
    network.eval().requires_grad_(False)
    described = {} if modality == "text" else _described(name, is_local)
    if modality == "image":
        prepared = _for_pictures(network, described or {})
    elif modality == "audio":
        prepared = _for_sounds(network, described or {})
    else:
        prepared = _for_texts(name, is_local, network)
    features = probed(prepared.of, *prepared.probe)

    def embed(values: Any, *rate_hz: int) -> np.ndarray:
        return _package.gathered(lambda batch: prepared.of(values[batch], *rate_hz), len(values), _BATCH, features)

    loaded = {key: value for key, value in network.state_dict().items() if key not in info["missing_keys"]}
    doubt = "" if described is not None else _guessed(name, prepared.settings)
    return Own(modality, features, embed, fingerprint_of(loaded, prepared.settings), prepared.side, doubt=doubt)


def _guessed(name: str, settings: Mapping[str, Any]) -> str:
    """That nobody said how a network's items are to be prepared."""
    taken = ", ".join(f"{key} {value}" for key, value in settings.items())
    return f"{name} holds no {_PREPROCESSOR}, so its items are prepared as is usual: {taken}"


def _check_complete(network: Any, missing: set[str]) -> None:
    """Refuse a network that is partly or wholly random, because the files hold other weights.

    Raises:
        ValueError: weights are missing that vectors depend on.
    """
    needed = sorted(key for key in missing if _IDLE.isdisjoint(key.split(".")))
    if needed:
        raise ValueError(f"{len(needed)} of {len(network.state_dict())} weights are missing ({needed[0]})")


def _described(name: str, is_local: bool) -> dict[str, Any] | None:
    """How pictures and sounds are prepared, as the preprocessor's file says it; None where there is no such file."""
    from transformers.utils import cached_file

    for wanted in (_PREPROCESSOR, _PROCESSOR):
        file = cached_file(name, wanted, local_files_only=is_local, _raise_exceptions_for_missing_entries=False)
        if file:
            said: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
            inner: dict[str, Any] | None = said.get("image_processor") or said.get("feature_extractor")
            return said if wanted == _PREPROCESSOR else inner
    return None


def _mean(found: Any) -> Any:
    """The mean over the parts of an item, [batch, features].

    Args:
        found: of a network, [batch, parts, features] or as maps [batch, features, height, width].

    Raises:
        ValueError: its last hidden state has another form.
    """
    hidden = found.last_hidden_state
    if hidden.ndim not in (3, 4):
        raise ValueError(f"its last hidden state is {list(hidden.shape)}; expected parts or maps of an item")
    return hidden.mean(1) if hidden.ndim == 3 else hidden.mean((2, 3))


def _for_texts(name: str, is_local: bool, network: Any) -> _Prepared:
    import torch
    from transformers import AutoTokenizer

    tokeniser = AutoTokenizer.from_pretrained(name, local_files_only=is_local, trust_remote_code=False)
    # Before the first text: a tokeniser writes down how it last cut and filled up.
    backend = getattr(tokeniser, "backend_tokenizer", None)
    cutting = tokeniser.get_vocab() if backend is None else backend.to_str()

    def of(values: Sequence[str | None]) -> np.ndarray:
        texts = [text or "" for text in values]
        given = tokeniser(texts, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
        with torch.inference_mode():
            vectors = network(**given).last_hidden_state
        is_token = given["attention_mask"][..., None]
        found: np.ndarray = ((vectors * is_token).sum(1) / is_token.sum(1).clamp(min=1)).numpy()
        found[[not text.strip() for text in texts]] = 0
        return found

    return _Prepared(of, (["one text of several words"],), {"tokens": TOKENS, "tokeniser": cutting})


def _for_pictures(network: Any, described: Mapping[str, Any]) -> _Prepared:
    import torch

    from penjing.pretrained._efficientnet import resized

    mean, deviation = (described.get(key, [0.5] * 3) for key in ("image_mean", "image_std"))
    if not described.get("do_normalize", True):
        mean, deviation = [0.0] * 3, [1.0] * 3
    centre, scale = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (mean, deviation))
    side = _side(network)

    def of(values: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            pixels = resized(torch.from_numpy(np.ascontiguousarray(values)), side)
            found: np.ndarray = _mean(network((pixels - centre) / scale)).numpy()
        return found

    probe = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    return _Prepared(of, (probe,), {"mean": mean, "std": deviation, "side": side}, side)


def _side(network: Any) -> int:
    """Height and width that pictures are brought to."""
    said = getattr(network.config, "image_size", None) or 224
    return int(said[0] if isinstance(said, list | tuple) else said)


def _for_sounds(network: Any, described: Mapping[str, Any]) -> _Prepared:
    import torch

    wanted_hz = int(described.get("sampling_rate", 16_000))
    is_normalised = bool(described.get("do_normalize", True))

    def of(values: np.ndarray, rate_hz: int) -> np.ndarray:
        clips = values.astype(np.float32) / 32_768
        if rate_hz != wanted_hz:
            import soxr

            clips = soxr.resample(np.ascontiguousarray(clips.T), rate_hz, wanted_hz).T
        if is_normalised:
            clips = (clips - clips.mean(1, keepdims=True)) / (clips.std(1, keepdims=True) + 1e-7)
        with torch.inference_mode():
            found: np.ndarray = _mean(network(torch.from_numpy(np.ascontiguousarray(clips)))).numpy()
        return found

    probe = np.random.default_rng(0).integers(-3000, 3000, (1, wanted_hz), dtype=np.int16)
    return _Prepared(of, (probe, wanted_hz), {"sampling_rate": wanted_hz, "do_normalize": is_normalised})
