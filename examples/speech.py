# %% [markdown]
# # Spoken digits of speakers that were never heard
#
# The Free Spoken Digit Dataset where the shared data lie beside the repository; elsewhere tones in noise, written as
# .wav by this script, which show how a sound goes in and not how good a network is. The script says which was used.
# All clips of a speaker stay in one part: a test with voices it has heard would flatter. `--quick` is for the tests.

# %%
import argparse
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

import penjing as pj

# %%
arguments = argparse.ArgumentParser()
arguments.add_argument("--quick", action="store_true", help="a shorter training, for the tests")
arguments.add_argument("--folder", type=Path, default=Path(".speech"))
asked = arguments.parse_args()
SPEECH = Path(__file__).parents[2] / "shared" / "data" / "audio" / "spoken_digits.zip"
RATE = 8000  # samples a second


# %% A "voice" is a factor on every pitch and a length; tones of neighbouring voices overlap
def write_tones(folder: Path, voices: int = 8, each: int = 12) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    (folder / "clips").mkdir(parents=True)
    rows = []
    for voice in range(voices):
        for label, pitch in {"low": 220.0, "middle": 300.0, "high": 410.0}.items():
            for number in range(each):
                seconds = np.arange(int(RATE * draw.uniform(0.3, 0.6))) / RATE
                tone = np.sin(2 * np.pi * pitch * draw.uniform(0.9, 1.1) * (1 + voice / 100) * seconds)
                name = f"clips/{label}_{voice}_{number}.wav"
                soundfile.write(folder / name, 0.3 * tone + 0.1 * draw.standard_normal(len(tone)), RATE)
                rows.append((name, label, f"voice {voice}"))
    return pd.DataFrame(rows, columns=["audio", "label", "speaker"])


# %% A folder with table.csv: `audio` names files beside it, `split` says which speaker is for what
shutil.rmtree(asked.folder, ignore_errors=True)
pj.tune_process()
data = asked.folder / "data"
if SPEECH.is_file():
    with zipfile.ZipFile(SPEECH) as packed:
        clips = pd.read_csv(packed.open("table.csv")).query("split == 'train'").drop(columns="split")
        clips = clips.groupby(["label", "speaker"]).head(10) if asked.quick else clips
        packed.extractall(data, clips["audio"])
else:
    clips = write_tones(data)
voices = sorted(set(clips["speaker"]))
part = dict(zip(voices, ["test", "valid"] + ["train"] * (len(voices) - 2), strict=True))
clips["split"] = clips["speaker"].map(part)
clips.to_csv(data / "table.csv", index=False)
print(f"{len(clips)} clips:", "spoken digits" if SPEECH.is_file() else "tones in noise, made by this script")

# %% Train within the deadline; an installed encoder of speech may compete, too
run = pj.fit(data, inputs="audio", time="15s" if asked.quick else "60s", out=asked.folder / "run")
print(run)

# %% Open the sealed test part: this is counted and written down
print(pj.test(run))

# %% What was said here?
for item in pj.predict(run, [data / name for name in clips["audio"][:3]]):
    print(item)

# %% One offline HTML file
print("report:", pj.report(run))
