"""The text example network in Keras 3, as published: embedding, LSTM of 128 with both dropouts, one dense layer.

    python keras_text.py TOKENS.npz STEPS

TOKENS.npz holds `tokens` [texts, length], padded with 0 after the text, and `label`. The clock begins after a few
steps.
"""

from __future__ import annotations

import json
import sys
import time

import keras
import numpy as np

BATCH, WARM_UPS = 32, 10
steps = int(sys.argv[2])
with np.load(sys.argv[1]) as file:
    tokens, label = file["tokens"], file["label"].astype(np.float32)
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((tokens.shape[1],), dtype="int32"),
        keras.layers.Embedding(int(tokens.max()) + 1, 128),
        keras.layers.LSTM(128, dropout=0.2, recurrent_dropout=0.2),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy")
rows = np.random.default_rng(0).permutation(len(tokens))[: (steps + WARM_UPS) * BATCH]
first, rest = rows[: WARM_UPS * BATCH], rows[WARM_UPS * BATCH :]
model.fit(tokens[first], label[first], batch_size=BATCH, epochs=1, verbose=0)
begun = time.perf_counter()
model.fit(tokens[rest], label[rest], batch_size=BATCH, epochs=1, verbose=0)
seconds = time.perf_counter() - begun
found = {"seconds": seconds, "tokens": int((tokens[rest] != 0).sum()), "texts": len(rest)}
print(json.dumps({**found, "versions": {"keras": keras.__version__, "backend": keras.backend.backend()}}))
