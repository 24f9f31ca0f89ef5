"""Values and choices in MLflow, in a run of its own or in the one that is active."""

from __future__ import annotations

import importlib
import re
from typing import Any

from penjing.core.errors import MissingExtra
from penjing.watchers._writer import Writer

_FORBIDDEN = re.compile(r"[^\w\-. /]")  # in the names of metrics and parameters


class MlflowWriter(Writer):
    """Logs each value of an evaluation as a metric, and each decision as a parameter.

    The metrics of a second training in one fit are named `training_2/…`, and so on.

    Nothing is sent anywhere but where MLflow is set up to: a folder, unless you gave it a server.

    Args:
        experiment: the experiment's name; "" takes the active one.
        run_name: what MLflow calls the run; "" lets it choose.

    Raises:
        MissingExtra: mlflow is not installed.
    """

    def __init__(self, experiment: str = "", run_name: str = "") -> None:
        try:
            self._mlflow: Any = importlib.import_module("mlflow")
        except ImportError as problem:
            raise MissingExtra("mlflow", "track", "log to MLflow") from problem
        self.experiment, self.run_name = experiment, run_name
        self._client: Any = None
        self._run_id, self._noted = "", set[str]()
        self._is_given = False

    def write(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._opened().log_metric(self._run_id, _FORBIDDEN.sub("_", self.prefix + name), value, step=step)

    def note(self, what: str, choice: str) -> None:
        name = _FORBIDDEN.sub("_", what)
        if name not in self._noted:  # MLflow holds each parameter once
            self._noted.add(name)
            self._opened().log_param(self._run_id, name, choice)

    def close(self) -> None:
        if self._client is not None:
            if not self._is_given:
                self._client.set_terminated(self._run_id)
            self._client = None

    def _opened(self) -> Any:
        if self._client is None:
            self._client = self._mlflow.MlflowClient()
            if self._run_id and not self._is_given:
                self._client.update_run(self._run_id, status="RUNNING")
            elif not self._run_id:
                self._run_id = self._begun()
        return self._client

    def _begun(self) -> str:
        active = self._mlflow.active_run()
        if active is not None:  # whoever began it ends it
            self._is_given = True
            return str(active.info.run_id)
        if self.experiment:
            self._mlflow.set_experiment(self.experiment)
        with self._mlflow.start_run(run_name=self.run_name or None) as run:
            return str(run.info.run_id)
