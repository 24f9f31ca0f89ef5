import pytest
import torch

from penjing.core.errors import UsageError
from penjing.places.local import device


def test_auto_takes_the_processor_where_there_is_no_accelerator(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device("auto") == torch.device("cpu")
    with pytest.raises(UsageError, match='cannot use the device "cuda"'):
        device("cuda")


def test_auto_takes_an_accelerator_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device("auto") == torch.device("cuda")


def test_another_name_is_refused():
    with pytest.raises(UsageError, match='no device "gpu"; known: auto, cpu, cuda, mps'):
        device("gpu")
