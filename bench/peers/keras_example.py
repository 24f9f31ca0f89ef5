"""The image example network in Keras 3, as published; KERAS_BACKEND says on which engine."""

from __future__ import annotations

import keras
from _laps import BATCH, CLASSES, RATE, Laps, epochs, pictures

data, laps = pictures(), Laps()
x_train, x_test = data.x_train[..., None], data.x_test[..., None]
keras.utils.set_random_seed(0)


class Lap(keras.callbacks.Callback):
    def on_epoch_end(self, *_: object) -> None:
        laps.stop()
        laps.note(self.model.predict(x_test, batch_size=512, verbose=0), data.y_test)
        laps.go()


laps.go()
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, (3, 3), activation="relu"),
        keras.layers.MaxPooling2D((2, 2)),
        keras.layers.Conv2D(64, (3, 3), activation="relu"),
        keras.layers.MaxPooling2D((2, 2)),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(CLASSES, activation="softmax"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(RATE), loss="sparse_categorical_crossentropy")
model.fit(x_train, data.y_train, batch_size=BATCH, epochs=epochs(), verbose=0, callbacks=[Lap()])
laps.say(keras=keras.__version__, backend=keras.backend.backend())
