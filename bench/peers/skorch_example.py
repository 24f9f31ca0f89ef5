"""The image example network in skorch."""

from __future__ import annotations

import skorch
import torch
from _laps import BATCH, RATE, Laps, epochs, pictures
from _network import example_network

data, laps = pictures(), Laps()
x_train, x_test = data.x_train[:, None], torch.from_numpy(data.x_test)[:, None]
torch.manual_seed(0)


class Lap(skorch.callbacks.Callback):
    def on_epoch_end(self, net: skorch.NeuralNetClassifier, **_: object) -> None:
        laps.stop()
        with torch.no_grad():
            network = net.module_.eval()
            laps.note(torch.cat([network(part) for part in x_test.split(512)]).numpy(), data.y_test)
        laps.go()


laps.go()
net = skorch.NeuralNetClassifier(
    example_network,
    criterion=torch.nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    lr=RATE,
    batch_size=BATCH,
    max_epochs=epochs(),
    iterator_train__shuffle=True,
    train_split=None,
    callbacks=[Lap()],
    verbose=0,
)
net.fit(x_train, data.y_train)
laps.say(skorch=skorch.__version__, torch=torch.__version__)
