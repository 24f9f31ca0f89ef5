"""Encoders that a person names: a timm or transformers model from a folder, a file, or the hub.

    timm:resnet18@weights.safetensors     an architecture and a file of weights (.safetensors, .pt, .pth, .bin)
    folder/                               what timm (`save_for_hf`) or transformers (`save_pretrained`) wrote
    timm:resnet18.a1_in1k                 by name, from the hub or its cache on this computer
    transformers:bert-base-uncased        the same

Only the last two may use the network, because the person asked for it by name; nothing else in penjing does. Code that
comes with weights is never run, and pickled weights are read without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError, UsageError

LIBRARIES = ("timm", "transformers")
ENDINGS = (".safetensors", ".pt", ".pth", ".bin")
_EXPECTED = "expected a folder, timm:ARCHITECTURE@FILE, timm:NAME or transformers:NAME"


@dataclass(frozen=True)
class Own:
    """An encoder that a person named.

    Attributes:
        modality: "image", "audio" or "text".
        features: the length of an item's vector.
        embed: as a plug-in's `load` gives it; for sound with the rate as second argument.
        source: where the weights came from, for the report.
        licence: what the weights' own card says of it.
    """

    modality: str
    features: int
    embed: Callable[..., np.ndarray]
    source: str
    licence: str = "not stated beside the weights"


def is_own(name: str) -> bool:
    """Whether a name is one of these, and not a plug-in's."""
    return name.split(":")[0] in LIBRARIES or Path(name).expanduser().exists()


def load_own(name: str) -> Own:
    """The encoder behind a name; see the module's docstring.

    Raises:
        UsageError: the name says too little, or names nothing.
        DataError: the weights cannot be read, or do not fit the architecture.
        MissingExtra: timm or transformers is needed and not installed.
    """
    library, _, rest = name.partition(":")
    if library in LIBRARIES and rest:
        architecture, _, file = rest.partition("@")
        if library == "transformers":
            return _transformers(architecture, is_local=False)
        return _timm(architecture, _existing(file) if file else None)
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        raise UsageError(f"{name} holds weights but not their architecture; name it, for example: timm:resnet18@{name}")
    raise UsageError(f'there are no pretrained weights "{name}"; {_EXPECTED}')


def _existing(file: str) -> Path:
    path = Path(file).expanduser()
    if not path.is_file() or path.suffix not in ENDINGS:
        raise UsageError(f"{file} is not a file of weights; expected one that ends in {', '.join(ENDINGS)}")
    return path


def _folder(path: Path) -> Own:
    """A folder that says in config.json whose it is."""
    try:
        said = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise DataError(f"{path} holds no readable config.json; expected what timm or transformers saves") from problem
    if "model_type" in said:
        return _transformers(str(path), is_local=True)
    if "architecture" not in said:
        raise DataError(f"config.json of {path} names neither an architecture (timm) nor a model_type (transformers)")
    files = [file for ending in ENDINGS for file in sorted(path.glob(f"*{ending}"))]
    if not files:
        raise DataError(f"{path} holds no weights; expected a file that ends in {', '.join(ENDINGS)}")
    return _timm(said["architecture"], files[0], said)


def _timm(architecture: str, file: Path | None, said: dict[str, Any] | None = None) -> Own:
    from penjing.pretrained import _timm

    return _timm.load(architecture, file, said or {})


def _transformers(name: str, is_local: bool) -> Own:
    from penjing.pretrained import _transformers

    return _transformers.load(name, is_local)


def read_weights(file: Path) -> dict[str, Any]:
    """Tensors by name; a pickle is read without running what it holds.

    Raises:
        DataError: they cannot be read.
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
    return dict(found.get("state_dict", found))
