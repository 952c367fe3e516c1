"""xinheng demo: records in, an explained and ranked inspection list out, served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from xinheng.commands.demo.city import CityPlan, city_way, day_before
from xinheng.commands.demo.study import study_way
from xinheng.commands.edge import home_option, now, progress
from xinheng.commands.serving.serve import LOCAL, run_server
from xinheng.config import Home
from xinheng.errors import BadRequest, Busy

OFFICER = "演示责任人员 (demo)"
DEMO = "演示 demo"


@click.command()
@click.option("--study", type=click.Path(path_type=Path), help="Real data: a study folder.")
@click.option("--data", type=click.Path(path_type=Path), help="Its delivery, with --study.")
@click.option("--enterprises", default=2_500, show_default=True, type=click.IntRange(min=300))
@click.option("--seed", default=20260101, show_default=True)
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the city.  [default: yesterday]"
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--serve/--no-serve", default=True, show_default=True)
@home_option
def demo(  # noqa: PLR0913, PLR0917  (one parameter an option)
    study: Path | None,
    data: Path | None,
    enterprises: int,
    seed: int,
    until: datetime | None,
    port: int,
    serve: bool,  # noqa: FBT001
    home: Home,
) -> None:
    """Make a city, train, promote, score and serve: the whole way in one command.

    Without options the records are made up, of ten departments and all sectors, and end
    yesterday; nothing from outside is needed. With --study and --data the same happens on real
    records. Everything is kept under HOME/demo; the same command again goes on where it stopped.
    """
    if (study is None) != (data is None):
        raise BadRequest("--study and --data go together", hint="name both or neither")
    with progress("demo") as on_step:
        if study is not None and data is not None:
            place = Home(home.root / "demo" / study.resolve().name, home.settings)
            summary = study_way(study, data, place, officer=OFFICER, on_step=on_step)
        else:
            last = until.date() if until else day_before(now())
            place = Home.at(home.root / "demo" / f"city-{enterprises}-{seed}-{last}")
            plan = CityPlan(enterprises, seed, last, place.root / "made-up")
            summary = city_way(plan, place, officer=OFFICER, on_step=on_step)
    click.echo(summary)
    click.echo(f"\neverything is in {place.root}")
    if serve:
        _serve(place, port)


def _serve(place: Home, port: int) -> None:
    """At the port asked for, else at a free one, with a key that is good until it stops."""
    with _one_time_key(place) as key:
        click.echo("\na key for this run of the server, which may do everything:")
        click.echo(f"  {key}")
        click.echo("ask with it, for example the first name on the list:")
        click.echo(f"  {_example(place, key, port)}\n")
        try:
            run_server(place, host=LOCAL, port=port)
        except Busy as fault:
            click.echo(f"{fault.message}; taking a free port", err=True)
            run_server(place, host=LOCAL, port=0)


@contextmanager
def _one_time_key(place: Home) -> Iterator[str]:
    """A client that ends with the server; one left by a crash ends now."""
    from xinheng.database import open_database
    from xinheng.serving.access.clients import SCOPES, ClientStore

    engine = open_database(place.database_url)
    store = ClientStore(engine)
    for former in store.clients():
        if former.name == DEMO and former.ended_at is None:
            store.end(former.client_id, by=DEMO, at=now())
    made, key = store.add(DEMO, SCOPES, by=DEMO, at=now(), purpose=DEMO, legal_basis=DEMO)
    try:
        yield key
    finally:
        store.end(made.client_id, by=DEMO, at=now())
        engine.dispose()


def _example(place: Home, key: str, port: int) -> str:
    from xinheng.decisions.kept.store import DecisionStore

    store = DecisionStore.at(place.database_url)
    first = store.current_list().rows[0].uscc
    store.close()
    address = f"http://{LOCAL}:{port}/v1/enterprises/{first}/risk"
    return f"curl -H 'Authorization: Bearer {key}' {address}"
