# %% [markdown]
# # A Keras model, with only its import lines changed
#
# The image network of many a tutorial, as Keras 3 on its torch backend (`pip install 'penjing[keras]'`). Where it said
# `from keras.models import Sequential`, it says `from penjing.keras.models import Sequential`. `--quick` is for the
# tests.

# %%
import argparse
import shutil
from pathlib import Path

import penjing as pj
from penjing.keras import utils
from penjing.keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from penjing.keras.models import Sequential

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".own_keras"))
asked = arguments.parse_args()

# %% As published; its input_shape says which canvas pictures are put on
utils.set_random_seed(0)
model = Sequential()
model.add(Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)))
model.add(MaxPooling2D((2, 2)))
model.add(Conv2D(64, (3, 3), activation="relu"))
model.add(MaxPooling2D((2, 2)))
model.add(Flatten())
model.add(Dense(64, activation="relu"))
model.add(Dense(10, activation="softmax"))
model.summary()

# %% Train a copy of it within the deadline; that its outputs are probabilities already is noticed
shutil.rmtree(asked.folder, ignore_errors=True)
digits = pj.dataset("digits", asked.folder / "digits")
run = pj.fit(digits, model=model, time="20s" if asked.quick else "60s", out=asked.folder / "run", watch=print)
print(run)

# %% Open the sealed test part, and ask it
print(pj.test(run, model=model))
print("pictures of sevens, taken for:", pj.predict(run, digits / "7", model=model).counts)

# %% One offline HTML file
print("report:", pj.report(run))
