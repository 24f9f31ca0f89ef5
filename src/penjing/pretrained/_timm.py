"""Networks of timm, without torchvision: timm imports it, and penjing does without its compiled parts."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from penjing.core.errors import DataError, MissingExtra, UsageError
from penjing.pretrained import _package
from penjing.pretrained._own import Own, fingerprint_of, probed, read_weights

INSTALL = "pip install --no-deps timm && pip install huggingface_hub pyyaml"
_BATCH = 16
# What timm imports of torchvision: its transforms, which are not used here, and one layer that no model has by itself.
_MODULES = (
    "torchvision",
    "torchvision.ops",
    "torchvision.ops.misc",
    "torchvision.transforms",
    "torchvision.transforms.functional",
    "torchvision.models",
    "torchvision.models.feature_extraction",
    "torchvision.datasets",
)


def load(architecture: str, file: Path | None, said: dict[str, Any]) -> Own:
    """An encoder of pictures. Without a file, timm takes the weights of that name from the hub.

    Raises:
        MissingExtra: timm is not installed.
        UsageError: timm knows no such architecture, or has no weights of that name.
        DataError: the weights do not fit, or belong to a network that gives no vectors of coloured pictures.
    """
    import torch

    timm = _imported()
    try:
        arguments = {**said.get("model_args", {}), "num_classes": 0}
        network = timm.create_model(architecture, pretrained=file is None, **arguments)
    except Exception as problem:  # unknown names, no network, refused by the hub: each with an exception of its own
        raise UsageError(f'timm gives no network "{architecture}" ({problem})') from problem
    if file is not None:
        _fill(network, read_weights(file), file)
    network.eval().requires_grad_(False)
    own = said.get("pretrained_cfg", said)  # folders of older versions of timm say it all on one level
    taken = {**network.pretrained_cfg, **own}
    channels = arguments.get("in_chans", taken["input_size"][0])
    if channels != 3:
        raise DataError(
            f"{file or architecture} is for pictures of {channels} channels; penjing shows it red, green, blue"
        )
    side, mean, deviation = taken["input_size"][1], taken["mean"], taken["std"]
    centre, scale = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (mean, deviation))

    def of(values: np.ndarray) -> np.ndarray:
        from penjing.pretrained._efficientnet import resized

        with torch.inference_mode():
            pixels = resized(torch.from_numpy(np.ascontiguousarray(values)), side)
            found: np.ndarray = network((pixels - centre) / scale).numpy()
        return found

    def embed(values: np.ndarray) -> np.ndarray:
        return _package.gathered(lambda batch: of(values[batch]), len(values), _BATCH, features)

    try:
        features = probed(of, np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8))
    except Exception as problem:  # networks for other ends trip over a picture in ways of their own
        raise DataError(f"the network {file or architecture} of timm is no encoder of pictures: {problem}") from problem
    # What timm says of an architecture is true of its own weights only.
    licence = str((taken if file is None else own).get("license") or Own.licence)
    prepared = {"mean": list(mean), "std": list(deviation), "side": side}
    return Own("image", features, embed, fingerprint_of(network.state_dict(), prepared), int(side), licence)


def _fill(network: Any, weights: dict[str, Any], file: Path) -> None:
    """Give a network its weights; those of the classes may be there or not."""
    wanted = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in wanted and value.shape == wanted[name].shape}
    missing = sorted(set(wanted) - set(fitting))
    if missing:
        raise DataError(f"the weights in {file} do not fit: {len(missing)} of {len(wanted)} are missing ({missing[0]})")
    network.load_state_dict(fitting)


def _imported() -> Any:
    if "timm" in sys.modules:
        return sys.modules["timm"]
    if importlib.util.find_spec("timm") is None:
        raise MissingExtra("timm", "embed", "load its networks", INSTALL)
    if importlib.util.find_spec("torchvision") is not None:
        import timm

        return timm
    with _without_torchvision():
        import timm
    return timm


class _Nothing(type):
    """A class that has whatever attribute is asked for."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class _Stand(types.ModuleType):
    """A module that holds whatever class is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name, (), {})


@contextmanager
def _without_torchvision() -> Iterator[None]:
    """Modules in place of torchvision's while timm is imported; afterwards nobody sees them any more."""
    stands = {name: _Stand(name) for name in _MODULES}
    for name, module in stands.items():
        module.__path__ = []
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(stands[parent], child, module)
    sys.modules.update(stands)
    try:
        yield
    finally:
        for name in stands:
            sys.modules.pop(name, None)
