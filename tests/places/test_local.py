import pytest
import torch

from penjing.core.errors import UsageError
from penjing.places.local import device


def test_auto_takes_the_processor_even_where_there_is_an_accelerator(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device("auto") == torch.device("cpu")
    assert device("cuda") == torch.device("cuda")


def test_an_accelerator_that_is_not_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match='cannot use the device "cuda"'):
        device("cuda")


def test_another_name_is_refused():
    with pytest.raises(UsageError, match='no device "gpu"; known: auto, cpu, cuda, mps'):
        device("gpu")
