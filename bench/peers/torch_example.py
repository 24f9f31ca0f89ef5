"""The image example network in a plain PyTorch loop with a DataLoader."""

from __future__ import annotations

import torch
from _laps import BATCH, RATE, Laps, epochs, pictures
from _network import example_network
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data, laps = pictures(), Laps()
x_train, x_test = torch.from_numpy(data.x_train)[:, None], torch.from_numpy(data.x_test)[:, None]
torch.manual_seed(0)

laps.go()
model = example_network()
optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
loss_of = nn.CrossEntropyLoss()
loader = DataLoader(TensorDataset(x_train, torch.from_numpy(data.y_train)), batch_size=BATCH, shuffle=True)
for _ in range(epochs()):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()
    laps.stop()
    with torch.no_grad():
        laps.note(torch.cat([model.eval()(part) for part in x_test.split(512)]).numpy(), data.y_test)
    laps.go()
laps.say(torch=torch.__version__)
