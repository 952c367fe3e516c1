"""Every run is kept by MLflow: parameters, figures, the model's folder, versions and aliases."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xinheng.models.artifact import RiskModel

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ORIGIN = ("catalogue_version", "data_window", "lake_batch")
VERSION = "model_version"
CHAMPION, CHALLENGER = "champion", "challenger"


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
    client = _client(folder)
    name = _begun(client, folder, experiment, model.version)
    _log(client, name, parameters, figures)
    for key in ORIGIN:
        client.set_tag(name, key, str(model.facts.get(key, "")))
    client.set_tag(name, VERSION, model.version)
    client.log_artifacts(name, str(model_folder), "model")
    client.set_terminated(name)
    return name


def record_trial(
    folder: Path,
    *,
    experiment: str,
    number: int,
    parameters: Mapping[str, Any],
    figures: Mapping[str, float],
) -> str:
    """Log one trial of a search as a run of its own; without a figure it was given up."""
    client = _client(folder)
    name = _begun(client, folder, experiment, f"trial {number}")
    _log(client, name, parameters, figures)
    client.set_tag(name, "trial", str(number))
    client.set_terminated(name, "FINISHED" if figures else "KILLED")
    return name


def record_figures(
    folder: Path, experiment: str, version: str, figures: Mapping[str, float]
) -> None:
    """Add figures, of the test period for one, to the runs of a version."""
    client = _client(folder)
    for run in _runs(client, experiment, version):
        _log(client, run, {}, figures)


def set_alias(folder: Path, task: str, version: str, alias: str) -> None:
    """Name a version `champion` or `challenger` of its task in MLflow's registry.

    The version is registered first where it is not; what serves reads the folder and the ledger
    of promotions, the registry shows them to people.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (2 s to import)

    client = _client(folder)
    try:
        client.get_registered_model(task)
    except MlflowException:
        client.create_registered_model(task)
    known = client.search_model_versions(f"name = '{task}'")
    own = [one for one in known if one.tags.get(VERSION) == version]
    runs = _runs(client, task, version)
    if not own and runs:
        source = f"{client.get_run(runs[0]).info.artifact_uri}/model"
        own = [client.create_model_version(task, source, runs[0], tags={VERSION: version})]
    if own:
        client.set_registered_model_alias(task, alias, own[0].version)


def drop_alias(folder: Path, task: str, alias: str) -> None:
    """Nobody is the champion or challenger of the task any more."""
    _client(folder).delete_registered_model_alias(task, alias)


def tracking_uri(folder: Path) -> str:
    return f"sqlite:///{(folder / 'mlflow.db').resolve()}"


def _client(folder: Path) -> MlflowClient:
    from mlflow.tracking import MlflowClient  # noqa: PLC0415  (2 s to import)

    for noisy in ("mlflow", "mlflow.store.db.utils", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=tracking_uri(folder))


def _begun(client: MlflowClient, folder: Path, experiment: str, run_name: str) -> str:
    found = client.get_experiment_by_name(experiment)
    location = (folder / "artifacts" / experiment).resolve().as_uri()
    number = found.experiment_id if found else client.create_experiment(experiment, location)
    return str(client.create_run(number, run_name=run_name).info.run_id)


def _log(
    client: MlflowClient, run: str, parameters: Mapping[str, Any], figures: Mapping[str, float]
) -> None:
    for key, value in parameters.items():
        client.log_param(run, key, value)
    for key, value in figures.items():
        if value == value:  # noqa: PLR0124  (NaN is "not computed")
            client.log_metric(run, key, value)


def _runs(client: MlflowClient, experiment: str, version: str) -> list[str]:
    """Runs of a version, the newest first."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return []
    runs = client.search_runs([found.experiment_id], f"tags.{VERSION} = '{version}'")
    return [str(run.info.run_id) for run in runs]
