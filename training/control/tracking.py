"""Every run is kept by MLflow: parameters, figures, the model's folder and its origin."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xinheng.models.artifact import RiskModel


def record_run(
    folder: Path,
    *,
    experiment: str,
    model: RiskModel,
    model_folder: Path,
    parameters: Mapping[str, Any],
    figures: Mapping[str, float],
) -> str:
    """Log one run to the SQLite store in `folder`; return its run id."""
    from mlflow.tracking import MlflowClient  # noqa: PLC0415  (2 s to import)

    for noisy in ("mlflow", "mlflow.store.db.utils", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=tracking_uri(folder))
    found = client.get_experiment_by_name(experiment)
    location = (folder / "artifacts" / experiment).resolve().as_uri()
    number = found.experiment_id if found else client.create_experiment(experiment, location)
    run = client.create_run(number, run_name=model.version)
    name = run.info.run_id
    for key, value in parameters.items():
        client.log_param(name, key, value)
    for key, value in figures.items():
        if value == value:  # noqa: PLR0124  (NaN is "not computed")
            client.log_metric(name, key, value)
    for key in ("catalogue_version", "data_window", "lake_batch"):
        client.set_tag(name, key, str(model.facts.get(key, "")))
    client.set_tag(name, "model_version", model.version)
    client.log_artifacts(name, str(model_folder), "model")
    client.set_terminated(name)
    return str(name)


def tracking_uri(folder: Path) -> str:
    return f"sqlite:///{(folder / 'mlflow.db').resolve()}"
