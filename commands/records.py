"""xinheng records: deliveries in, and what became of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xinheng.commands.edge import Moment, home_option, now, progress
from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.records.intake import Report


@click.group()
def records() -> None:
    """Take in deliveries; look at tables, batches and rejected rows."""


@records.command("tables")
def list_tables() -> None:
    """Print the record tables and the number of their own columns, tab-separated."""
    from xinheng.records.tables import tables

    click.echo("table\tcolumns\tevent")
    for table in tables().values():
        click.echo(f"{table.name}\t{len(table.own)}\t{table.event.name}")


@records.command("describe")
@click.argument("name")
def describe(name: str) -> None:
    """Print the columns of one table, envelope included, tab-separated."""
    from xinheng.records.tables import table

    columns = table(name).columns
    click.echo("column\ttype\tunit\trequired\tmeaning")
    for column in columns:
        kind = f"{column.kind}({'|'.join(column.options)})" if column.options else column.kind
        required = "" if column.nullable else "yes"
        click.echo(f"{column.name}\t{kind}\t{column.unit}\t{required}\t{column.meaning}")


@records.command("ingest")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--mapping", required=True, type=click.Path(path_type=Path), help="mapping.toml.")
@click.option("--known-at", type=Moment(), help="Moment of arrival.  [default: now]")
@click.option("--buckets", default=1, show_default=True, help="Of a new lake: 1 town, 64 city.")
@home_option
def ingest_delivery(
    path: Path, mapping: Path, known_at: datetime | None, buckets: int, home: Home
) -> None:
    """Take a CSV or Parquet file, or a folder of them, into the lake as one batch.

    Either the whole batch is taken or none of it. The same delivery a second time adds nothing.
    """
    from xinheng.records.intake import ingest
    from xinheng.records.lake import Lake
    from xinheng.records.sources.mapping import load_mapping
    from xinheng.records.sources.reading import delivered_files

    wanted = load_mapping(mapping)
    delivered_files(path)
    with progress("ingest") as on_step:
        lake = Lake.at(home.lake, buckets=buckets)
        report = ingest(path, wanted, lake, at=known_at or now(), on_step=on_step)
    click.echo(report_text(report))


@records.command("batches")
@home_option
def list_batches(home: Home) -> None:
    """Print the committed batches, oldest first, tab-separated."""
    from xinheng.records.lake import Lake

    batches = Lake(home.lake).batches()
    click.echo("number\tbatch\tcommitted_at")
    for row in batches.iter_rows(named=True):
        click.echo(f"{row['number']}\t{row['batch_id']}\t{row['committed_at']:%Y-%m-%d %H:%M:%S}")


@records.command("rejected")
@click.option("--batch", help="Only this batch.")
@home_option
def list_rejected(batch: str | None, home: Home) -> None:
    """Print the rejected rows as CSV: batch, table, file, row, reasons and the row as sent."""
    import polars as pl

    from xinheng.records.lake import Lake

    rows = Lake(home.lake).rejected()
    chosen = rows if batch is None else rows.filter(pl.col("batch_id") == batch)
    click.echo(chosen.write_csv(), nl=False)


def report_text(report: Report) -> str:
    """An intake report as a table, with the commonest reasons of rejection."""
    if report.already_taken:
        return f"batch {report.batch_id} was taken before; nothing added"
    lines = [
        f"batch {report.batch_id}",
        (
            f"{'table':<18}{'offered':>9}{'accepted':>10}{'quarantined':>13}"
            f"{'rejected':>10}{'duplicate':>11}{'left out':>10}  file"
        ),
    ]
    for t in report.tables:
        lines.append(
            f"{t.record_type:<18}{t.offered:>9,}{t.accepted:>10,}{t.quarantined:>13,}"
            f"{t.rejected:>10,}{t.duplicate:>11,}{t.left_out:>10,}  {t.file}"
        )
        lines += [f"  rejected, {reason}" for reason in t.reasons]
    return "\n".join(lines)
