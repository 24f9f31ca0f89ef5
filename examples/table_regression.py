# %% [markdown]
# # A number from a table: how far diabetes goes on in a year
#
# 442 patients of Efron et al. (2004), which come with scikit-learn: age, sex, body mass index, blood pressure and six
# blood values, in the units they were measured in. One patient in ten gets a missing value here, as in life: penjing
# learns from the gaps. `--quick` is for the tests.

# %%
import argparse
import shutil
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".table_regression"))
asked = arguments.parse_args()

# %% A data frame: every column is an input but the one that is to be told
shutil.rmtree(asked.folder, ignore_errors=True)
pj.tune_process()
patients = load_diabetes(as_frame=True, scaled=False).frame
patients["sex"] = patients["sex"].map({1: "one", 2: "other"})
gaps = np.random.default_rng(0).random(len(patients)) < 0.1
patients.loc[gaps, "bmi"] = np.nan
print(f"{len(patients)} patients, {int(gaps.sum())} without a body mass index")

# %% What are the columns, and is anything wrong with them?
seen = pj.inspect(patients, target="target")
print("\n".join([*seen.said, *(finding.message for finding in seen.findings)]))

# %% A target of numbers makes it a regression; validation chooses by R²
run = pj.fit(patients, target="target", time="12s" if asked.quick else "38s", out=asked.folder / "run")
print(run)

# %% Open the sealed test part, with the data again, which were never in a file: this is counted and written down
print(pj.test(run, data=patients))

# %% Three patients, one of them with hardly anything known: no target is needed
some = patients.drop(columns="target").head(3)
some.loc[some.index[2], ["bmi", "bp", "s5"]] = np.nan
for item in pj.predict(run, some):
    print(item)

# %% One offline HTML file
print("report:", pj.report(run))
