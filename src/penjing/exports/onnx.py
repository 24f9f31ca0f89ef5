"""One ONNX file from decoded uint8 items to calibrated probabilities; runs wherever ONNX Runtime does."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from penjing.core.errors import MissingExtra, RunError, UsageError
from penjing.core.files import write_atomically
from penjing.exports._subject import Subject, Whole

SUFFIX = ".onnx"
FORMAT = 1
INPUT, OUTPUT, FACTS = "items", "probabilities", "penjing"
# Two items: from one, the exporter would conclude that there is always one.
_EXAMPLE_ITEMS = 2


def export(subject: Subject, path: Path) -> Path:
    """Write the whole way from decoded items to answers as one ONNX graph.

    There is one input for each of the network's, [batch, *item], in the type that items are decoded to: for pictures
    uint8 [batch, height, width, channels]. A network with one input calls it `items`. The output `probabilities` is
    float32 [batch, outputs], for any batch. The metadata entry `penjing` holds the subject's facts as JSON.

    Raises:
        MissingExtra: onnx or onnxscript is not installed.
        UsageError: the path does not end in `SUFFIX`, or is a folder.
        RunError: the network cannot be expressed in ONNX, or the file cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"{path} must end in {SUFFIX}; call it {path.with_suffix(SUFFIX)}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give the name of a file")
    for package in ("onnx", "onnxscript"):
        _require(package, "write an ONNX file")
    model = _graph(subject)
    _describe(model, subject)
    write_atomically(path, lambda temporary: temporary.write_bytes(model.SerializeToString()))
    return path


def open_model(path: Path, threads: int = 1) -> OnnxModel:
    """The model in an ONNX file that `export` wrote.

    Args:
        threads: used by one call.

    Raises:
        MissingExtra: onnxruntime is not installed.
        RunError: the file is missing, damaged, or not one of ours.
    """
    _require("onnxruntime", "run an ONNX file")
    import onnxruntime

    if not path.is_file():
        raise RunError(f"there is no file {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # ONNX Runtime has an exception class for each of its status codes
        raise RunError(f"{path} is not an ONNX model, or is damaged: {_first_line(problem)}") from problem
    found = session.get_modelmeta().custom_metadata_map.get(FACTS)
    if found is None:
        raise RunError(f"{path} was not exported by penjing: it does not say what its classes are")
    facts = json.loads(found)
    if facts["format"] > FORMAT:
        raise RunError(f"{path} was written by a newer penjing (format {facts['format']}); upgrade penjing")
    return OnnxModel(session, facts)


class OnnxModel:
    """An exported network, run by ONNX Runtime.

    Attributes:
        facts: what the file says of itself.
    """

    def __init__(self, session: Any, facts: Mapping[str, Any]) -> None:
        self._session, self.facts = session, facts

    def probabilities(self, *items: np.ndarray) -> np.ndarray:
        """Float32[items, outputs] of decoded items, one array for each input of the network, in their order."""
        names = [one.name for one in self._session.get_inputs()]
        (found,) = self._session.run([OUTPUT], dict(zip(names, items, strict=True)))
        return np.asarray(found)


def input_names(inputs: Sequence[str]) -> list[str]:
    """What the graph calls a network's inputs: `INPUT` where there is one."""
    return [INPUT] if len(inputs) == 1 else list(inputs)


def _graph(subject: Subject) -> Any:
    """The ONNX model of a subject, without metadata; the subject's network stays as it is."""
    whole = Whole(subject)
    whole.network = copy.deepcopy(subject.network).to("cpu").eval()
    examples = tuple(
        torch.zeros((_EXAMPLE_ITEMS, *shape), dtype=getattr(torch, kind)) for shape, kind in subject.inputs.values()
    )
    batch = torch.export.Dim("batch")
    try:
        with _quiet():
            program = torch.onnx.export(
                whole,
                examples,
                dynamo=True,
                dynamic_shapes=(tuple({0: batch} for _ in examples),),
                input_names=input_names(list(subject.inputs)),
                output_names=[OUTPUT],
                verbose=False,
            )
    except Exception as problem:  # whatever in a person's network the exporter cannot trace
        raise RunError(f"the network cannot be exported to ONNX: {_first_line(problem)}") from problem
    assert program is not None, "dynamo=True gives a program"
    return program.model_proto


def _describe(model: Any, subject: Subject) -> None:
    """Put the facts in, and take out what the exporter noted: its stack traces name folders of this machine."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:], model.metadata_props[:]
    facts = {
        "format": FORMAT,
        "classes": list(subject.classes),
        **subject.facts,
    }
    entry = model.metadata_props.add()
    entry.key, entry.value = FACTS, json.dumps(facts, ensure_ascii=False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Inside the block the exporter neither prints nor warns nor logs: it speaks about its own code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _require(package: str, purpose: str) -> None:
    """Raises:
    MissingExtra: the package cannot be imported.
    """
    import importlib

    try:
        importlib.import_module(package)
    except ImportError as problem:
        raise MissingExtra(package, "onnx", purpose) from problem


def _first_line(problem: Exception) -> str:
    """The first line of what another library says."""
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]
