# %% [markdown]
# # Sentiment of English sentences
#
# Sentences from film reviews (Pang and Lee, 2005) where the shared data lie beside the repository; elsewhere a toy
# corpus that this script makes from lists of words: it shows how a text goes in, not how good a network is. The
# script says which was used. `--quick` is for the tests.

# %%
import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".text_sentiment"))
asked = arguments.parse_args()
REVIEWS = Path(__file__).parents[2] / "shared" / "data" / "text" / "movie_reviews_en.csv.gz"


# %% One sentence in ten of the toy corpus bears the wrong label, so nobody can be right about all of them
def toy_corpus(sentences: int = 1200) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    words = {"pos": "moving funny clever warm gripping fresh", "neg": "dull stale clumsy loud endless flat"}
    things = ["plot", "cast", "camera", "ending", "music", "dialogue", "director", "script"]
    rows = []
    for _ in range(sentences):
        label, other = draw.permutation(["pos", "neg"])
        first, second = draw.choice(words[label].split(), 2)
        a, b, c = draw.choice(things, 3, replace=False)
        clause = f"the {c} is {draw.choice(words[other].split())} but" if draw.random() < 0.5 else f"for all its {c} ,"
        rows.append((f"{clause} the {a} is {first} and the {b} {second} .", other if draw.random() < 0.1 else label))
    return pd.DataFrame(rows, columns=["text", "label"])


# %% Only the training part of the real sentences: its own test part stays closed for whoever compares methods
shutil.rmtree(asked.folder, ignore_errors=True)
asked.folder.mkdir(parents=True)
pj.tune_process()
if REVIEWS.is_file():
    sentences = pd.read_csv(REVIEWS).query("split == 'train'")[["text", "label"]]
    sentences = sentences.head(2000) if asked.quick else sentences
else:
    sentences = toy_corpus()
print(f"{len(sentences)} sentences:", "film reviews" if REVIEWS.is_file() else "a toy corpus made of lists of words")
sentences.to_csv(asked.folder / "sentences.csv", index=False)

# %% Train within the deadline; validation chooses
run = pj.fit(asked.folder / "sentences.csv", time="15s" if asked.quick else "40s", out=asked.folder / "run")
print(run)

# %% Open the sealed test part: this is counted and written down
print(pj.test(run))

# %% What about these?
for item in pj.predict(run, ["a warm and funny film", "the plot is dull , the ending endless", "it has a camera"]):
    print(item)

# %% One offline HTML file
print("report:", pj.report(run))
