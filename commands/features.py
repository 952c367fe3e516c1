"""xinheng features: the catalogue, the records behind a number, and the feature store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from xinheng.commands.edge import Moment, Output, home_option, now, progress
from xinheng.config import Home

LANG = click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
STEPS = {"monthly": 1, "quarterly": 3, "yearly": 12}


class CutOffs(click.ParamType[list[datetime]]):
    """`2023-01-01:2024-12-01:monthly`, or dates separated by commas; each to the end of its day."""

    name = "dates"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[datetime]:
        if not isinstance(value, str):
            return list(value)
        days = value.split(",")
        if value.count(":") == 2:
            days = self._span(value, param, ctx)
        found = [Moment().convert(day.strip(), param, ctx) for day in days]
        if len(set(found)) != len(found):
            self.fail("a cut-off stands there twice", param, ctx)
        return sorted(found)

    def _span(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[str]:
        first, last, step = value.split(":")
        if step not in STEPS:
            self.fail(f"{step!r} is none of {', '.join(STEPS)}", param, ctx)
        try:
            begin, end = date.fromisoformat(first), date.fromisoformat(last)
            days = [day.isoformat() for day in _months(begin, end, STEPS[step])]
        except ValueError:
            self.fail(
                f"{value!r} is not FIRST:LAST:STEP with dates up to the 28th, such as "
                "2023-01-01:2024-12-01:monthly",
                param,
                ctx,
            )
        if not days:
            self.fail(f"{last} lies before {first}", param, ctx)
        return days


def _months(begin: date, end: date, step: int) -> Iterator[date]:
    if begin.day > 28:
        raise ValueError("no month has all these days")
    day = begin
    while day <= end:
        yield day
        months = day.year * 12 + day.month - 1 + step
        day = day.replace(year=months // 12, month=months % 12 + 1)


@click.group()
def features() -> None:
    """The indicators, the records behind a number, and the feature store."""


@features.command("list")
@click.option("--scope", help="Only general ones, or those of a sector.")
@LANG
def list_features(scope: str | None, lang: str) -> None:
    """Print every feature column, its unit, direction and meaning, tab-separated."""
    from xinheng.errors import UnknownName
    from xinheng.features.catalogue import catalogue, feature_columns
    from xinheng.features.indicator import GENERAL
    from xinheng.features.sectors import sectors

    if scope and scope not in {GENERAL, *sectors()}:
        raise UnknownName("scope", scope, [GENERAL, *sectors()])
    click.echo("column\tscope\ttable\tunit\tdirection\tname")
    for column in feature_columns(catalogue().values()):
        one = column.indicator
        if scope in {None, one.scope}:
            name = one.name_zh if lang == "zh" else one.name_en
            click.echo(
                f"{column.name}\t{one.scope}\t{one.table}\t{one.unit}\t{one.direction}\t{name}"
            )


@features.command("describe")
@click.argument("name")
def describe(name: str) -> None:
    """Print all that is declared of one indicator."""
    from xinheng.features.catalogue import indicator
    from xinheng.features.explain.describe import described

    for key, value in asdict(described(indicator(name))).items():
        told = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        click.echo(f"{key:<13} {told}")


@features.command("reference")
def reference() -> None:
    """Print the whole catalogue as a Markdown page (docs/indicators.md)."""
    from xinheng.features.explain.reference import reference_page

    click.echo(reference_page(), nl=False)


@features.command("explain")
@click.argument("uscc")
@click.option("--as-of", type=Moment(), required=True, help="Only what was known by then.")
@click.option("--indicator", "wanted", help="Only this one.  [default: all with records]")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@LANG
@home_option
def explain(
    uscc: str, as_of: datetime, wanted: str | None, *, as_json: bool, lang: str, home: Home
) -> None:
    """Print an enterprise's indicator values and the records that made them."""
    from xinheng.domain import normal_uscc
    from xinheng.features.catalogue import catalogue, feature_columns, indicator
    from xinheng.features.explain.values import explained
    from xinheng.features.store.kept import kept_others
    from xinheng.records.lake import Lake

    chosen = [indicator(wanted)] if wanted else list(catalogue().values())
    lake, everything = Lake(home.lake), feature_columns(catalogue().values())
    with progress("explain") as on_step:
        others = kept_others(home.features, lake, everything, as_of, on_step=on_step)
        told = explained(chosen, normal_uscc(uscc), as_of, lake, others=others)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in told], ensure_ascii=False, default=str))
        return
    for one in told:
        if wanted or one.records:
            click.echo(one.line(lang))
            for record in one.records:
                click.echo(f"  {record.record_id}\t{record.event_at:%Y-%m-%d}\t{record.uscc}")


@features.command("unknown")
@click.option("--as-of", type=Moment(), required=True, help="Only what was known by then.")
@click.option("--to", type=Output(), help="Write to this .csv file instead.")
@home_option
def list_unknown(as_of: datetime, to: Path | None, home: Home) -> None:
    """Print for how many enterprises each indicator is not known, and whose delivery is missing.

    Enterprises on the register and in the indicator's sector; `not_covered` of them because a
    table is not delivered, with the months that departments delivered of those it takes.
    """
    import polars as pl

    from xinheng.features.catalogue import catalogue, feature_columns
    from xinheng.features.explain.unknown import unknown_shares
    from xinheng.features.store.kept import kept_others
    from xinheng.records.lake import Lake

    lake, everything = Lake(home.lake), list(catalogue().values())
    with progress("unknown") as on_step:
        columns = feature_columns(everything)
        others = kept_others(home.features, lake, columns, as_of, on_step=on_step)
        found = unknown_shares(everything, as_of, lake, others=others, on_step=on_step)
    rows = [
        {
            "column": one.column,
            "enterprises": one.enterprises,
            "unknown": one.unknown,
            "share": round(one.share, 4),
            "not_covered": one.not_covered,
            "gaps": "; ".join(map(str, one.gaps)),
        }
        for one in found
    ]
    text = pl.DataFrame(rows).write_csv()
    if to is None:
        click.echo(text, nl=False)
    else:
        to.write_text(text, encoding="utf-8")


@features.command("build")
@click.option("--cut-offs", type=CutOffs(), required=True, help="FIRST:LAST:monthly, or dates.")
@click.option(
    "--sample", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True,
    help="Share of the enterprises, the same ones at each cut-off.",
)  # fmt: skip
@click.option("--indicator", "wanted", multiple=True, help="Only these.  [default: all]")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True,
    help="Where the buckets are computed; both give the same bits.",
)  # fmt: skip
@click.option("--scheduler", default="", help="Address of a Dask scheduler.  [default: own]")
@click.option("--fresh", is_flag=True, help="Begin again in a folder with another table.")
@home_option
def build_table(
    cut_offs: list[datetime], wanted: tuple[str, ...], to: Path, home: Home, **how: Any
) -> None:
    """Compute everyone's indicators at each cut-off into one Parquet table.

    The table is keyed (uscc, as_of) and says which catalogue and which state of the lake made it.
    After a crash the same command goes on where it stopped.
    """
    from xinheng.features.store.offline import Wish, build, table
    from xinheng.records.lake import Lake

    wish = Wish(cut_offs=cut_offs, indicators=wanted, **how)
    with progress("features") as on_step:
        manifest = build(Lake(home.lake), wish, to, on_step=on_step)
    rows = table(to).select("uscc").collect().height
    click.echo(
        f"{rows:,} rows, {len(cut_offs)} cut-offs, catalogue {manifest.catalogue}, "
        f"lake batch {manifest.lake_batch}: {to}"
    )


@features.command("refresh")
@click.argument("usccs", nargs=-1)
@click.option("--as-of", type=Moment(), help="Moment of the vectors.  [default: now]")
@home_option
def refresh(usccs: tuple[str, ...], as_of: datetime | None, home: Home) -> None:
    """Bring the latest vectors up to date: of some enterprises, or of all."""
    from xinheng.domain import normal_uscc
    from xinheng.features.catalogue import catalogue, feature_columns
    from xinheng.features.store.kept import kept_others
    from xinheng.features.store.online import OnlineStore
    from xinheng.records.lake import Lake

    store = OnlineStore.at(home.database_url, list(catalogue().values()))
    moment, lake = now(), Lake(home.lake)
    as_of = as_of or moment
    codes = [normal_uscc(code) for code in usccs] or None
    with progress("features") as on_step:
        columns = feature_columns(catalogue().values())
        others = kept_others(home.features, lake, columns, as_of, on_step=on_step)
        done = store.refresh(lake, as_of, at=moment, usccs=codes, others=others, on_step=on_step)
    click.echo(f"{done:,} vectors, {store.count():,} in all")
    store.close()


@features.command("show")
@click.argument("uscc")
@home_option
def show(uscc: str, home: Home) -> None:
    """Print the latest vector of an enterprise, as it is kept for serving."""
    from xinheng.domain import normal_uscc
    from xinheng.features.catalogue import catalogue
    from xinheng.features.store.online import OnlineStore

    store = OnlineStore.at(home.database_url, list(catalogue().values()))
    told = store.vector(normal_uscc(uscc))
    store.close()
    click.echo(f"as_of {told.as_of.isoformat()}, lake batch {told.lake_batch}")
    for name, value in told.values.items():
        click.echo(f"{name}\t{'' if value is None else value}")


@features.command("leakcheck")
@click.option("--moments", type=click.IntRange(1), default=50, show_default=True)
@click.option("--enterprises", type=click.IntRange(1), default=200, show_default=True)
@click.option("--seed", type=int, default=20260101, show_default=True)
@click.option("--to", type=Output(), help="Write what differs to this .csv file.")
@home_option
def leakcheck(moments: int, enterprises: int, seed: int, to: Path | None, home: Home) -> None:
    """Look for values that a later record changes; exits with 1 if there are any.

    At random moments the features are computed from the lake as it is, from a copy without the
    records known later, and from one whose future was dealt anew: all must be the same bits.
    """
    import polars as pl

    from xinheng.features.catalogue import catalogue
    from xinheng.features.leak import draw, leaks
    from xinheng.records.lake import Lake

    lake = Lake(home.lake)
    usccs, times = draw(lake, enterprises, moments, seed=seed)
    with progress("leakcheck") as on_step:
        found = leaks(list(catalogue().values()), lake, usccs, times, seed=seed, on_step=on_step)
    if to is not None:
        pl.DataFrame([asdict(one) for one in found]).write_csv(to)
    for one in found[:20]:
        click.echo(
            f"{one.uscc} at {one.as_of.isoformat()}: {one.column} is {one.value}, "
            f"with {one.world} {one.without_future}"
        )
    click.echo(
        f"{len(found):,} values differ, of {len(usccs):,} enterprises at {len(times):,} moments "
        f"in two other worlds"
    )
    if found:
        raise SystemExit(1)
