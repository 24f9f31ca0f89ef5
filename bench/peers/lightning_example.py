"""The image example network in Lightning."""

from __future__ import annotations

import logging
import warnings

import lightning
import torch
from _laps import BATCH, RATE, Laps, epochs, pictures
from _network import example_network
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
data, laps = pictures(), Laps()
x_train, x_test = torch.from_numpy(data.x_train)[:, None], torch.from_numpy(data.x_test)[:, None]
lightning.seed_everything(0, verbose=False)


class Example(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = example_network()

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self.network(x), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=RATE)

    def on_train_epoch_end(self) -> None:
        laps.stop()
        with torch.no_grad():
            laps.note(torch.cat([self.network(part) for part in x_test.split(512)]).numpy(), data.y_test)
        laps.go()


laps.go()
loader = DataLoader(TensorDataset(x_train, torch.from_numpy(data.y_train)), batch_size=BATCH, shuffle=True)
trainer = lightning.Trainer(
    max_epochs=epochs(),
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(Example(), loader)
laps.say(lightning=lightning.__version__, torch=torch.__version__)
