"""Networks that torch translates into code of their own before their first update, where a person asks for it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from penjing.batch import Batch
from penjing.core.errors import RunError


def compiled(network: nn.Module) -> Callable[[Batch], Tensor]:
    """What gives the network's outputs by compiled code. The network itself, its weights and their names, stays as it
    is: whatever evaluates, saves or exports it goes on with that.

    The first call compiles, which takes a minute and a C++ compiler (on a GPU: Triton, which comes with torch).
    """
    fast = torch.compile(network)

    def answer(batch: Batch) -> Tensor:
        try:
            outputs: Tensor = fast(batch)
        except torch._dynamo.exc.TorchDynamoException as problem:
            why = next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
            raise RunError(
                f"torch cannot compile this network here ({why.strip()}); leave machine.compile out, or set it to false"
            ) from problem
        return outputs

    return answer
