"""xinheng study: a data set, two TOML files, and honest figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from xinheng.commands.edge import Output, home_option, now, progress
from xinheng.config import Home

FOLDER = click.argument("folder", type=click.Path(path_type=Path))
DATA = click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="File or folder of the delivery."
)
WITH = click.option(
    "--with", "taken", multiple=True, help="Take an option of the study; repeatable."
)
WITHOUT = click.option("--without", "left", multiple=True, help="Leave an option out; repeatable.")


@click.group()
def study() -> None:
    """Train and test on a data set, from two TOML files (mapping.toml and study.toml)."""


@study.command("run")
@FOLDER
@DATA
@click.option("--json", "json_file", type=Output(), help="Write the figures here.")
@click.option("--all", "every", is_flag=True, help="FOLDER holds studies, --data their data sets.")
@click.option("--table", type=Output(), help="With --all: put the table of figures into this page.")
@WITH
@WITHOUT
@home_option
def run(  # noqa: PLR0913, PLR0917  (one parameter an option)
    folder: Path,
    data: Path,
    json_file: Path | None,
    every: bool,  # noqa: FBT001
    table: Path | None,
    taken: tuple[str, ...],
    left: tuple[str, ...],
    home: Home,
) -> None:
    """Ingest, compute, train on the training period, read the test period once, print figures.

    Records, model and MLflow runs are kept under HOME/studies/NAME. Exits with 1 if training
    reaches into the test period or lies after it, unless the study parts its rows by `groups`.
    With --all every study below FOLDER is run, and their figures are told in one table.
    """
    if every:
        _run_all(folder, data, table, json_file, home)
        return
    from xinheng.models.artifact import RISK_CLASS
    from xinheng.training.studies.report import as_json, as_text
    from xinheng.training.studies.run import SPLIT, prepare, run_study
    from xinheng.training.studies.study import load_study

    wanted = load_study(folder)
    place = study_home(home, wanted.name)
    with progress("study") as on_step:
        options = wanted.chosen(taken, left)
        prepared = prepare(folder, data, place, at=now(), options=options, on_step=on_step)
        outcome = run_study(prepared, place, on_step=on_step)
    click.echo(as_text(outcome))
    click.echo(f"\nmodel  {place.model(RISK_CLASS) / outcome.model.version}\nruns   {place.mlruns}")
    if json_file is not None:
        write_json(json_file, as_json(outcome))
    if any(alarm.kind == SPLIT for alarm in outcome.alarms):
        raise SystemExit(1)


def _run_all(
    folder: Path, data: Path, table: Path | None, json_file: Path | None, home: Home
) -> None:
    """One study after another; one whose data are not there is told and left out."""
    from xinheng.errors import XinhengError
    from xinheng.training.studies.report import as_json
    from xinheng.training.studies.run import prepare, run_study
    from xinheng.training.studies.study import load_study
    from xinheng.training.studies.table import data_of, put_into, studies_in
    from xinheng.training.studies.table import table as as_table

    told: dict[str, dict[str, Any]] = {}
    for path in studies_in(folder):
        wanted = load_study(path)
        place = study_home(home, wanted.name)
        try:
            with progress(wanted.name) as on_step:
                delivery, options = data_of(wanted, data), wanted.chosen((), ())
                prepared = prepare(
                    path, delivery, place, at=now(), options=options, on_step=on_step
                )
                told[path.name] = as_json(run_study(prepared, place, on_step=on_step))
        except XinhengError as fault:
            click.echo(f"{wanted.name} is left out: {fault}", err=True)
    text = as_table(told, folder)
    click.echo(text)
    if table is not None:
        put_into(table, text)
    if json_file is not None:
        write_json(json_file, told)


@study.command("validate")
@FOLDER
@DATA
@WITH
@WITHOUT
@home_option
def check(
    folder: Path, data: Path, taken: tuple[str, ...], left: tuple[str, ...], home: Home
) -> None:
    """Figures of rolling origins inside the training period; the test period is not read.

    This is where inputs and settings are chosen.
    """
    from xinheng.training.studies.report import folds_text
    from xinheng.training.studies.run import prepare, validate
    from xinheng.training.studies.study import load_study

    wanted = load_study(folder)
    place = study_home(home, wanted.name)
    with progress("study") as on_step:
        options = wanted.chosen(taken, left)
        prepared = prepare(folder, data, place, at=now(), options=options, on_step=on_step)
        folds = validate(prepared, on_step=on_step)
    click.echo(folds_text(folds, options, wanted.metrics))


def study_home(home: Home, name: str) -> Home:
    """Every study keeps its own records: registers are not mixed."""
    return Home(home.root / "studies" / name, home.settings)


def write_json(path: Path, told: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    scratch.replace(path)
    click.echo(f"wrote {path}", err=True)
