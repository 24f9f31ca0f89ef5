# %% [markdown]
# # A picture and a sound of the same digit, and the sound is sometimes missing
#
# Real handwritten digits of 8 × 8 pixels, which come with scikit-learn, with the lower half torn off. The sounds are
# synthetic: two tones in noise stand for each spoken digit, made by this script. They show how a sound goes in beside
# a picture, and not how well speech is heard. One sound in five is missing. `--quick` is for the tests.

# %%
import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from PIL import Image
from sklearn.datasets import load_digits

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".image_and_speech"))
asked = arguments.parse_args()
RATE = 8000  # samples a second


# %% Two tones a digit, one after the other, as a telephone might say it; each time a little off, and in noise
def spoken(digit: int, draw: np.random.Generator) -> np.ndarray:
    seconds = np.arange(int(RATE * draw.uniform(0.1, 0.2))) / RATE
    pitches = 300 * 1.3 ** np.array([digit % 5, 5 + digit // 5]) * draw.normal(1, 0.06)
    tones = np.concatenate([np.sin(2 * np.pi * pitch * seconds) for pitch in pitches])
    return 0.2 * tones + 0.1 * draw.standard_normal(len(tones))


# %% A table with two columns of files; an empty cell is a missing sound
shutil.rmtree(asked.folder, ignore_errors=True)
pj.tune_process()
draw = np.random.default_rng(0)
(asked.folder / "data").mkdir(parents=True)
rows = []
for number, (pixels, digit) in enumerate(zip(*load_digits(return_X_y=True), strict=True)):
    picture, sound = f"{number}.png", f"{number}.wav" if draw.random() < 0.8 else None
    upper_half = (pixels.reshape(8, 8)[:4] * 15).astype(np.uint8)
    Image.fromarray(upper_half).save(asked.folder / "data" / picture)
    if sound:
        soundfile.write(asked.folder / "data" / sound, spoken(digit, draw), RATE)
    rows.append((picture, sound, str(digit)))
table = pd.DataFrame(rows, columns=["image", "audio", "label"])
table = table[:900] if asked.quick else table
table.to_csv(asked.folder / "data" / "table.csv", index=False)
print(f"{len(table)} halves of handwritten digits, {int(table['audio'].isna().sum())} without their synthetic sound")

# %% Train within the deadline: a network for each input, and one head that looks at both
run = pj.fit(asked.folder / "data", target="label", time="15s" if asked.quick else "45s", out=asked.folder / "run")
print(run)

# %% What does each input contribute? The score when it is swapped for that of another digit
for one in run.results["contributions"]:
    print(f"with the {one['input']} of others: {one['metric']} {one['value']:.3f}, {one['drop']:.3f} less")

# %% Open the sealed test part: this is counted and written down
print(pj.test(run))

# %% The same pictures with their sounds, and without any: a column that is not there is missing
some = table.dropna().head(3)
some = some.assign(image=[str(asked.folder / "data" / name) for name in some["image"]])
heard = some.assign(audio=[str(asked.folder / "data" / name) for name in some["audio"]])
for how, items in {"with its sound": heard, "without it": some.drop(columns="audio")}.items():
    for truth, item in zip(some["label"], pj.predict(run, items), strict=True):
        print(f"a {truth} {how}, {item}")

# %% One offline HTML file
print("report:", pj.report(run))
