import pytest
import torch

from penjing.core.errors import UsageError
from penjing.places import local
from penjing.places.local import device


@pytest.fixture
def gpu(monkeypatch):
    """A GPU that torch sees, named Ampel; what it answers is up to the test."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Ampel 100")
    return monkeypatch


def test_auto_takes_a_gpu_that_computes_and_says_so(gpu):
    gpu.setattr(local, "trouble", lambda name: "")
    assert device("auto") == device("cuda") == torch.device("cuda")
    assert device("cpu") == torch.device("cpu")
    assert local.told("cuda") == "trains on Ampel 100; --device cpu takes the processor"
    assert local.told("cpu") == ""


def test_auto_takes_the_processor_where_there_is_no_gpu_and_says_nothing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device("auto") == torch.device("cpu")
    assert local.told("cpu") == ""


def test_a_gpu_that_is_seen_and_does_not_compute_is_left_alone_and_that_is_said(gpu):
    def ones(*size, device):
        raise RuntimeError("no kernel image is available for execution on the device\nCompile with more")

    gpu.setattr(torch, "ones", ones)
    assert device("auto") == torch.device("cpu")
    why = "no kernel image is available for execution on the device"
    assert local.told("cpu") == f"trains on the processor, for torch sees a GPU that does not compute ({why})"


def test_a_device_that_computes_has_no_trouble():
    assert local.trouble("cpu") == ""


def test_an_accelerator_that_is_not_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match='cannot use the device "cuda"'):
        device("cuda")


def test_another_name_is_refused():
    with pytest.raises(UsageError, match='no device "gpu"; known: auto, cpu, cuda, mps'):
        device("gpu")
