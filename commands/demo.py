"""xinheng demo: records in, an explained and ranked inspection list out, served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import click

from xinheng.commands.edge import home_option, now, progress
from xinheng.commands.serving.serve import LOCAL, run_server
from xinheng.config import Home
from xinheng.errors import BadRequest, Busy

OFFICER = "演示责任人员 (demo)"
DEMO = "演示 demo"


@click.command()
@click.option("--study", type=click.Path(path_type=Path), help="Real data: a study folder.")
@click.option("--data", type=click.Path(path_type=Path), help="Its delivery, with --study.")
@click.option("--enterprises", default=2_000, show_default=True, type=click.IntRange(min=50))
@click.option("--seed", default=20260101, show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--serve/--no-serve", default=True, show_default=True)
@home_option
def demo(  # noqa: PLR0913, PLR0917  (one parameter an option)
    study: Path | None,
    data: Path | None,
    enterprises: int,
    seed: int,
    port: int,
    serve: bool,  # noqa: FBT001
    home: Home,
) -> None:
    """Make a town, train, rank and serve: the whole way in one command.

    Without options the records are made up and nothing from outside is needed. With --study and
    --data the same happens on real records. Everything is kept under HOME/demo.
    """
    if (study is None) != (data is None):
        raise BadRequest("--study and --data go together", hint="name both or neither")
    with progress("demo") as on_step:
        if study is None or data is None:
            place = Home(home.root / "demo" / "town", home.settings)
            study = _town(place, enterprises=enterprises, seed=seed, on_step=on_step)
            data = study / "delivery"
        else:
            place = Home(home.root / "demo" / study.resolve().name, home.settings)
        summary = _whole_way(study, data, place, on_step=on_step)
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


def _town(place: Home, *, enterprises: int, seed: int, on_step: Callable[[str], None]) -> Path:
    from xinheng.city.town import make_town, write_town

    town = make_town(enterprises=enterprises, years=3, seed=seed, on_step=on_step)
    return write_town(town, place.root / f"made-up-{enterprises}-{seed}")


def _whole_way(study: Path, data: Path, place: Home, *, on_step: Callable[[str], None]) -> str:
    from xinheng.commands.records.report import report_text
    from xinheng.commands.work import draw_list
    from xinheng.decisions.night.run import Wish, run_night
    from xinheng.training.studies.report import as_text
    from xinheng.training.studies.run import prepare, run_study
    from xinheng.training.studies.study import load_study

    options = load_study(study).chosen((), ())
    prepared = prepare(study, data, place, at=now(), options=options, on_step=on_step)
    outcome = run_study(prepared, place, on_step=on_step)
    moment = prepared.lake.known_until(prepared.study.cohort.table)
    wish = Wish(as_of=moment)
    night = run_night(place, wish, at=now(), stopwatch=perf_counter, on_step=on_step)
    counts = night.classes
    drawn = draw_list(place, top=50, officer=OFFICER, at=now())
    classes = ", ".join(f"{letter} {count:,}" for letter, count in counts.items())
    first = drawn.rows[0]
    return "\n".join(
        [
            report_text(prepared.report),
            "",
            as_text(outcome),
            "",
            f"scored {sum(counts.values()):,} enterprises as of {moment:%Y-%m-%d}: {classes}",
            f"list {drawn.list_id}: 50 names, the first is {first.name_zh} ({first.uscc})",
            *(f"  {sentence}" for sentence in first.reasons_zh[:3]),
        ]
    )
