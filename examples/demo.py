# %% [markdown]
# # The main job in one minute: real handwritten digits
#
# Writes 5,000 MNIST digits as a folder of pictures, trains within a deadline, opens the sealed test part once, and
# writes a report that works offline. `make demo` runs it; `--quick` is for the tests.

# %%
import argparse
import shutil
from pathlib import Path

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".demo"))
asked = arguments.parse_args()

# %% A folder of pictures, one folder a class
shutil.rmtree(asked.folder, ignore_errors=True)
pj.tune_process()
digits = pj.dataset("digits", asked.folder / "digits")

# %% Train within the deadline; validation chooses
run = pj.fit(digits, time="15s" if asked.quick else "38s", out=asked.folder / "run")
print(run)

# %% Open the sealed test part: this is counted and written down
print(pj.test(run))

# %% One offline HTML file
print("report:", pj.report(run))

# %% What are these?
predictions = pj.predict(run, digits / "7")
print("pictures of sevens, taken for:", predictions.counts)
