# %% [markdown]
# # A network of your own: any torch module
#
# `pj.fit(data, model=my_module)` trains a copy of your module, as it stands, with everything that penjing gives its own
# networks: the split and its seal, a deadline, calibrated probabilities, simple models beside it, a report.
# `--quick` is for the tests.

# %%
import argparse
import shutil
from pathlib import Path

import penjing as pj

pj.tune_process()  # before torch is imported

import torch  # noqa: E402 - see above
from torch import Tensor, nn  # noqa: E402

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".own_torch"))
asked = arguments.parse_args()


# %% Pictures come in as [batch, channels, height, width]; one number a class goes out
class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            nn.LazyConv2d(16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(3),
        )
        self.last = nn.Linear(288, 10)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.last(self.maps(pictures).flatten(1))


# %% Its weights are where training begins; torch's seed decides on them
shutil.rmtree(asked.folder, ignore_errors=True)
digits = pj.dataset("digits", asked.folder / "digits")
torch.manual_seed(0)
network = Net()
run = pj.fit(digits, model=network, time="15s" if asked.quick else "40s", out=asked.folder / "run")
print(run)
print(run.recipe.model)

# %% The class stands in a script, which no run can import: say again which network it is
print(pj.test(run, model=network))
print("pictures of sevens, taken for:", pj.predict(run, digits / "7", model=network).counts)

# %% The weights are safetensors, not pickle
print("report:", pj.report(run), "· weights:", run.path / "model.safetensors")
