"""Encoders that a person names: a timm or transformers model from a folder, a file, or the hub.

    timm:resnet18@weights.safetensors     an architecture and a file of weights (.safetensors, .pt, .pth, .bin)
    folder/                               what timm (`save_for_hf`) or transformers (`save_pretrained`) wrote
    timm:resnet18.a1_in1k                 by name, from the hub or its cache on this computer
    transformers:bert-base-uncased        the same

Only the last two may use the network, because the person asked for it by name; nothing else in penjing does. Code that
comes with weights is never run, and pickled weights are read without it.

A recipe holds what was named (with the whole path), what the weights say of themselves, and a fingerprint of them and
of how items are prepared: the same name with others behind it is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError, UsageError

LIBRARIES = ("timm", "transformers")
ENDINGS = (".safetensors", ".pt", ".pth", ".bin")
EXPECTED = "expected a folder, timm:ARCHITECTURE@FILE, timm:NAME or transformers:NAME"


@dataclass(frozen=True)
class Own:
    """An encoder that a person named.

    Attributes:
        modality: "image", "audio" or "text".
        features: the length of an item's vector.
        embed: as a plug-in's `load` gives it; for sound with the rate as second argument.
        fingerprint: of the weights and of how items are prepared for them.
        side: height and width in pixels that pictures are brought to; 0 for others.
        licence: what the weights' own card says of it.
        doubt: a sentence on what the weights do not say of themselves; "" for none.
    """

    modality: str
    features: int
    embed: Callable[..., np.ndarray]
    fingerprint: str
    side: int = 0
    licence: str = "not stated beside the weights"
    doubt: str = ""


def named(name: str) -> tuple[str, str] | None:
    """(library, weights) of a name, paths in full; None for a name that is a plug-in's.

    Raises:
        UsageError: it names weights without their architecture, or neither weights nor a plug-in.
        DataError: a folder that tells no library.
    """
    library, _, weights = name.partition(":")
    if library in LIBRARIES:
        if weights and Path(weights).expanduser().is_dir():
            return library, str(Path(weights).expanduser().resolve())
        architecture, _, file = weights.partition("@")
        if not architecture:
            raise UsageError(f"{name} names no weights; {EXPECTED}")
        if file:
            return library, f"{architecture}@{_existing(file)}"
        return library, weights
    path = Path(name).expanduser()
    if path.is_dir():
        return ("transformers" if "model_type" in _described(path) else "timm"), str(path.resolve())
    if path.suffix in ENDINGS and path.is_file():
        raise UsageError(f"{name} holds weights but not their architecture; name it, for example: timm:resnet18@{name}")
    if path.suffix != ".py" and ("/" in name or "\\" in name):
        raise UsageError(f'there are no pretrained weights "{name}"; {EXPECTED}')
    return None


def loaded(library: str, weights: str) -> Own:
    """The encoder behind what `named` gave, kept until two others were asked for or its files change.

    Raises:
        UsageError: nothing was named, or the hub has nothing of this name.
        DataError: the weights are not there, cannot be read, or do not fit the architecture.
        MissingExtra: timm or transformers is needed and not installed.
    """
    if not weights:
        raise UsageError(f"{library} by itself is no encoder; {EXPECTED}")
    path = _place(weights)
    if path is not None and not path.exists():
        raise DataError(f"the weights {path} are not there any more; put them back")
    files = [] if path is None else sorted(path.iterdir()) if path.is_dir() else [path]
    return _load(library, weights, tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=2)
def _load(library: str, weights: str, stamps: tuple[tuple[str, int, int], ...]) -> Own:  # noqa: ARG001 - to tell them apart
    if library == "transformers":
        from penjing.pretrained import _transformers

        return _transformers.load(weights, is_local=Path(weights).is_absolute())
    from penjing.pretrained import _timm

    if Path(weights).is_absolute():
        return _timm_folder(Path(weights))
    architecture, _, file = weights.partition("@")
    return _timm.load(architecture, Path(file) if file else None, {})


def settled(library: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with all that the weights say of themselves written out.

    Raises:
        UsageError, DataError, MissingExtra: as `loaded`.
    """
    found = loaded(library, settings["weights"])
    said = {
        "modality": found.modality,
        "features": found.features,
        "side": found.side,
        "licence": found.licence,
        "fingerprint": found.fingerprint,
    }
    return {**settings, **{name: value for name, value in said.items() if name in settings}}


def decode(library: str, weights: str, fit: str, side: int) -> dict[str, int | str] | None:
    """Settings of the decoding of pictures for a network alone; None takes the data's own.

    Raises:
        UsageError, DataError, MissingExtra: as `loaded`, which is asked where the side is not settled.
    """
    return None if fit == "canvas" else {"side": side or loaded(library, weights).side, "channels": 3, "fit": fit}


def embedder(library: str, weights: str, fingerprint: str) -> Callable[..., np.ndarray]:
    """What turns items into vectors, once it is sure that the weights are those that were meant.

    Raises:
        UsageError, DataError, MissingExtra: as `loaded`; DataError too where these are other weights.
    """
    found = loaded(library, weights)
    if fingerprint and found.fingerprint != fingerprint:
        raise DataError(
            f"{weights} holds other weights than the recipe's (fingerprint {found.fingerprint}, not {fingerprint})"
        )
    return found.embed


def about(library: str, weights: str, licence: str) -> dict[str, str]:
    """Where weights are from, for the report."""
    path = _place(weights)
    if path is None:
        source = f"{library} {weights} from the hub"
    elif Path(weights).is_absolute():
        source = f"{library} {weights}"
    else:
        source = f"{library} {weights.partition('@')[0]}, weights of {path}"
    return {"package": library, "source": source, "licence": licence, "weights": "named by the person who trained"}


def probed(of: Callable[..., np.ndarray], *item: Any) -> int:
    """The length of the vectors that a network gives, found out by one item.

    Args:
        of: a batch → Float32 [n, features].
        item: what `of` takes, a batch of one.

    Raises:
        ValueError: it gives no vector, or not the same one twice.
    """
    first, again = of(*item), of(*item)
    if first.ndim != 2 or len(first) != 1:
        raise ValueError(f"it gives {list(first.shape)} for one item; expected a vector")
    if not np.isfinite(first).all():
        raise ValueError("it gives values that are no numbers")
    if not np.allclose(first, again, rtol=1e-3, atol=1e-4 * float(np.abs(first).max())):
        raise ValueError("it gives other values for the same item each time, as networks do that hide parts at random")
    return int(first.shape[1])


def fingerprint_of(tensors: Mapping[str, Any], prepared: Mapping[str, Any] | None = None) -> str:
    """Twelve hexadecimal digits that tell weights apart; neither their order nor their file matters.

    Args:
        tensors: the weights by name.
        prepared: how items are brought to the network, as JSON takes it.
    """
    import torch

    digest = hashlib.blake2b(digest_size=6)
    if prepared:
        digest.update(json.dumps(prepared, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        held = value.detach().cpu().contiguous()
        digest.update(f"{name} {held.dtype} {tuple(held.shape)}".encode())
        digest.update(held.view(-1).view(dtype=torch.uint8).numpy())
    return digest.hexdigest()


def _place(weights: str) -> Path | None:
    """The folder or file of what `named` gave; None for a name of the hub. An architecture holds no "@", a path may."""
    path = Path(weights)
    if not path.is_absolute():
        path = Path(weights.partition("@")[2])
    return path if path.is_absolute() else None


def _existing(file: str) -> Path:
    path = Path(file).expanduser()
    if not path.is_file() or path.suffix not in ENDINGS:
        raise UsageError(f"{file} is not a file of weights; expected one that ends in {', '.join(ENDINGS)}")
    return path.resolve()


def _described(path: Path) -> dict[str, Any]:
    """What config.json of a folder says.

    Raises:
        DataError: there is none, or it names neither an architecture nor a kind of model.
    """
    try:
        said = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise DataError(f"{path} holds no readable config.json; expected what timm or transformers saves") from problem
    if not isinstance(said, dict) or not {"model_type", "architecture"} & set(said):
        raise DataError(f"config.json of {path} names neither an architecture (timm) nor a model_type (transformers)")
    return said


def _timm_folder(path: Path) -> Own:
    """A folder that says in config.json which network of timm it holds."""
    from penjing.pretrained import _timm

    said = _described(path)
    if "architecture" not in said:
        raise DataError(f"config.json of {path} names no architecture of timm; it is of transformers:{path}")
    files = [file for ending in ENDINGS for file in sorted(path.glob(f"*{ending}"))]
    if not files:
        raise DataError(f"{path} holds no weights; expected a file that ends in {', '.join(ENDINGS)}")
    return _timm.load(said["architecture"], files[0], said)


def read_weights(file: Path) -> dict[str, Any]:
    """Tensors by name; a pickle is read without running what it holds.

    Raises:
        DataError: they cannot be read, or are no tensors by name.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as problem:  # damaged files trip the readers in every way there is
        raise DataError(
            f"the weights in {file} cannot be read ({type(problem).__name__}); save the network's state_dict()"
        ) from problem
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping):
        raise DataError(f"{file} holds no weights by name ({type(found).__name__}); save the network's state_dict()")
    return {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}
