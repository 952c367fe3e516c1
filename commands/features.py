"""xinheng features: what is counted, and the records behind a number."""

from __future__ import annotations

from datetime import datetime

import click

from xinheng.commands.edge import Moment, home_option
from xinheng.config import Home


@click.group()
def features() -> None:
    """List and explain indicators."""


@features.command("list")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def list_features(lang: str) -> None:
    """Print every feature column, its unit, direction and meaning, tab-separated."""
    from xinheng.features.catalogue import catalogue, feature_columns

    click.echo("column\tscope\ttable\tunit\tdirection\tname")
    for column in feature_columns(catalogue().values()):
        one = column.indicator
        name = one.name_zh if lang == "zh" else one.name_en
        click.echo(f"{column.name}\t{one.scope}\t{one.table}\t{one.unit}\t{one.direction}\t{name}")


@features.command("describe")
@click.argument("name")
def describe(name: str) -> None:
    """Print all that is declared of one indicator."""
    from xinheng.features.catalogue import indicator

    one = indicator(name)
    told = {
        "id": one.id,
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "scope": one.scope,
        "group": f"{one.group_l1} / {one.group_l2}",
        "table": one.table,
        "value": one.value.text,
        "windows_days": ", ".join(map(str, one.windows_days)),
        "unit": one.unit,
        "direction": one.direction,
        "kind": one.kind,
        "rationale": one.rationale,
    }
    for key, value in told.items():
        click.echo(f"{key:<13} {value}")


@features.command("explain")
@click.argument("uscc")
@click.option("--as-of", type=Moment(), required=True, help="Only what was known by then.")
@click.option("--indicator", "wanted", help="Only this one.  [default: all with records]")
@home_option
def explain(uscc: str, as_of: datetime, wanted: str | None, home: Home) -> None:
    """Print an enterprise's indicator values and the records that made them."""
    import polars as pl

    from xinheng.domain import normal_uscc
    from xinheng.features.catalogue import catalogue, feature_columns, indicator
    from xinheng.features.engine.compute import compute
    from xinheng.features.evidence import evidence
    from xinheng.records.lake import Lake

    code, lake = normal_uscc(uscc), Lake(home.lake)
    chosen = [indicator(wanted)] if wanted else list(catalogue().values())
    question = pl.DataFrame({"uscc": [code], "as_of": [as_of]})
    values = compute(chosen, question, lake).row(0, named=True)
    columns = feature_columns(chosen)
    behind = evidence(columns, code, as_of, lake)
    for column in columns:
        records = behind[column.name]
        if wanted or records.height:
            click.echo(f"{column.name}\t{values[column.name]}\t{column.indicator.unit}")
            for row in records.iter_rows(named=True):
                click.echo(f"  {row['record_id']}\t{row['event_at']:%Y-%m-%d}")
