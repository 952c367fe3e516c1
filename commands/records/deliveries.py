"""xinheng records: deliveries in, and what became of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from xinheng.commands.edge import Moment, Output, home_option, now, progress
from xinheng.commands.records.report import next_steps, reports_text
from xinheng.commands.records.tickets import tickets
from xinheng.commands.work import last_scored, take_in
from xinheng.config import Home


@click.group()
def records() -> None:
    """Take in deliveries; look at tables, batches, quality and what waits for an answer."""


records.add_command(tickets)


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
    from xinheng.records.tables import WARNED_OF, table

    columns = table(name).columns
    click.echo("column\ttype\tunit\trequired\tmeaning")
    for column in columns:
        kind = f"{column.kind}({'|'.join(column.options)})" if column.options else column.kind
        required = "" if column.nullable or column.name in WARNED_OF else "yes"
        click.echo(f"{column.name}\t{kind}\t{column.unit}\t{required}\t{column.meaning}")


@records.command("ingest")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--mapping", type=click.Path(path_type=Path), help="mapping.toml; none: canonical tables."
)
@click.option("--known-at", type=Moment(), help="Moment of arrival.  [default: now]")
@click.option("--buckets", default=1, show_default=True, help="Of a new lake: 1 town, 64 city.")
@home_option
def ingest_delivery(
    path: Path, mapping: Path | None, known_at: datetime | None, buckets: int, home: Home
) -> None:
    """Take a delivery into the lake as one batch, whole or not at all.

    PATH is a CSV file, a workbook, a JSON or Parquet file, a folder of them, or a folder of
    delivery folders that each have a manifest.toml; those are taken one after the other, by
    arrival. Files named after tables, with the tables' own columns, need no mapping. The same
    delivery a second time adds nothing; after a crash the same command goes on. To see first
    what would become of the rows, use `xinheng records check`.
    """
    with progress("ingest") as on_step:
        reports, opened, released = take_in(
            home, path, mapping=mapping, known_at=known_at or now(), at=now(), buckets=buckets,
            on_step=on_step,
        )  # fmt: skip
    click.echo(reports_text(reports))
    if opened:
        click.echo(f"{opened:,} tickets opened; see `xinheng records tickets list`")
    if released:
        click.echo(f"{released:,} records that had waited for this delivery are released")
    click.echo(next_steps(reports, opened), err=True)


@records.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--mapping", type=click.Path(path_type=Path), help="mapping.toml; none: canonical tables."
)
@click.option("--suggest", is_flag=True, help="Print a mapping.toml suggested for the files.")
@click.option("--known-at", type=Moment(), help="Moment of arrival.  [default: now]")
@home_option
def check_delivery(
    path: Path, mapping: Path | None, known_at: datetime | None, home: Home, *, suggest: bool
) -> None:
    """Show what would become of a delivery, and keep nothing.

    The rows pass the real gate beside the records of the home; no row is stored and no ticket is
    opened. Each kind of fault is shown with its first rows. With --suggest, a mapping.toml is
    printed instead, made from the headings and the first rows.
    """
    from xinheng.records.intake import find_deliveries
    from xinheng.records.intake.check import check_deliveries, describe_faults
    from xinheng.records.sources.mapping import load_mapping
    from xinheng.records.suggest.suggestion import suggest_mapping

    if suggest:
        click.echo(suggest_mapping(path), nl=False)
        return
    moment = known_at or now()
    wanted = load_mapping(mapping) if mapping else None
    with progress("check") as on_step:
        found = find_deliveries(path, wanted, at=moment, scored_until=last_scored(home))
        checked = check_deliveries(found, home.lake, at=moment, on_step=on_step)
    click.echo(reports_text(checked.reports))
    for line in describe_faults(checked.findings):
        click.echo(line)
    click.echo("nothing was stored; to take it in: xinheng records ingest, with the same options")


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
@click.option("--department", help="Only its own rows, in the columns as sent, to mend them.")
@click.option("--to", type=Output(), help="With --department: write to this CSV file instead.")
@home_option
def list_rejected(batch: str | None, department: str | None, to: Path | None, home: Home) -> None:
    """Print the rejected rows as CSV: batch, table, file, row, reasons and the row as sent.

    With --department its own rows in the columns as sent, with reason, file and row, so that they
    can be mended and delivered again. What was refused for personal data is not among them.
    """
    import polars as pl

    from xinheng.records.lake import Lake
    from xinheng.records.tickets.returns import rows_to_mend

    if department is None and to is not None:
        raise click.UsageError("--to is the file of one department: give --department too")
    if department is None:
        rows = Lake(home.lake).rejected()
        chosen = rows if batch is None else rows.filter(pl.col("batch_id") == batch)
        click.echo(chosen.write_csv(), nl=False)
        return
    own = rows_to_mend(Lake(home.lake), department, batch=batch)
    if to is None:
        click.echo(own.write_csv(), nl=False)
        return
    to.write_text("\ufeff" + own.write_csv(), encoding="utf-8")  # spreadsheets see that it is UTF-8
    click.echo(f"{own.height:,} rejected rows of {department} in {to}")


@records.command("findings")
@click.option("--batch", help="Only this batch.")
@click.option("--check", help="Only this check, such as QC11.")
@home_option
def list_findings(batch: str | None, check: str | None, home: Home) -> None:
    """Print every failed check of every row as CSV, with its message in Chinese and English."""
    import polars as pl

    from xinheng.records.lake import FINDINGS, Lake

    rows = Lake(home.lake).told(FINDINGS)
    for column, wanted in (("batch_id", batch), ("check", check)):
        if wanted is not None:
            rows = rows.filter(pl.col(column) == wanted)
    click.echo(rows.collect().write_csv(), nl=False)


@records.command("reference")
def reference() -> None:
    """Print all tables and checks as a Markdown page."""
    from xinheng.records.reference import as_markdown

    click.echo(as_markdown(), nl=False)


@records.command("checks")
def list_checks() -> None:
    """Print the checks of the quality gate: id, severity, table and rule, tab-separated."""
    from xinheng.records.gate.catalogue import rules

    click.echo("check\tseverity\ttable\trule")
    for rule in rules().values():
        click.echo(f"{rule.id}\t{rule.severity}\t{rule.record_type}\t{rule.rule}")


@records.command("coverage")
@click.option("--table", help="Only this record table.")
@home_option
def list_coverage(table: str | None, home: Home) -> None:
    """Print which department covers which table, region and month, as CSV."""
    import polars as pl

    from xinheng.records.intake.completeness import coverage
    from xinheng.records.lake import Lake

    rows = coverage(Lake(home.lake))
    chosen = rows if table is None else rows.filter(pl.col("record_type") == table)
    click.echo(chosen.collect().write_csv(), nl=False)


@records.command("archive")
@click.argument("uscc")
@click.option("--as-of", type=Moment(), help="Only what was known then.")
@click.option("--to", type=click.Path(path_type=Path), help="Folder for one CSV file a table.")
@home_option
def show_archive(uscc: str, as_of: datetime | None, to: Path | None, home: Home) -> None:
    """Show every version of every record of one firm under all its codes, by table."""
    from xinheng.domain import normal_uscc
    from xinheng.records.archive import archive, codes_of
    from xinheng.records.lake import Lake
    from xinheng.records.sources.casting import for_csv

    lake, code = Lake(home.lake), normal_uscc(uscc)
    codes = codes_of(lake, code, as_of)
    if len(codes) > 1:
        click.echo(f"{codes[0]}, formerly {', '.join(codes[1:])}", err=True)
    found = archive(lake, code, as_of)
    click.echo("table\trecords\tversions\tfirst event\tlast known")
    for name, rows in found.items():
        facts = rows.select("source_system", "source_record_no").n_unique()
        first, last = rows["event_at"].dt.date().min(), rows["known_at"].dt.date().max()
        click.echo("\t".join(map(str, (name, facts, rows.height, first, last))))
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            for_csv(rows).write_csv(to / f"{name}.csv")


@records.command("calendar")
@click.argument("year", type=click.IntRange(1990, 2099), required=False)
@home_option
def show_calendar(year: int | None, home: Home) -> None:
    """Print the days of a year that are free or worked out of the weekly order.

    Without a year, until when the working days are known.
    """
    from xinheng.records.duties.workdays import workdays_of

    calendar = workdays_of(home.root / "calendar")
    if year is None:
        click.echo(f"working days are known until {calendar.certain_until}")
        return
    if year not in calendar.years:
        note = f"no notice on {year}: only the holidays of the regulation are known"
        click.echo(f"{note}; see docs/ledger.md, Calendar", err=True)
    click.echo("day\tkind")
    for day, is_worked in calendar.exceptions(year):
        click.echo(f"{day}\t{'workday' if is_worked else 'holiday'}")


@records.command("ledger")
@click.argument("uscc", required=False)
@click.option("--as-of", type=Moment(), help="Moment of the ledger.  [default: now]")
@click.option("--kind", help="Only duties of this kind, such as annual_report.")
@click.option("--state", help="Only duties in this state, such as overdue.")
@click.option("--to", type=Output(), help="Write to this .csv or .parquet file instead.")
@home_option
def show_ledger(
    uscc: str | None,
    as_of: datetime | None,
    kind: str | None,
    state: str | None,
    to: Path | None,
    home: Home,
) -> None:
    """Print the duties with deadlines of one enterprise, or of all, as of a moment, as CSV."""
    import polars as pl

    from xinheng.domain import normal_uscc
    from xinheng.records.duties.ledger import ledger
    from xinheng.records.lake import Lake

    lake, at = Lake(home.lake), as_of or now()
    code = normal_uscc(uscc) if uscc else None
    present = code and lake.successions().present(code, at)
    codes = lake.successions().family([code]) if code else None
    duties = ledger(
        lambda name: lake.rows(name, codes), at, calendar=lake.calendar, proofs=lake.proofs()
    )
    if present and present != code:
        click.echo(f"{code} is a former code of {present}: its duties stand there", err=True)
    for column, wanted in (("uscc", present), ("kind", kind), ("state", state)):
        if wanted:
            duties = duties.filter(pl.col(column) == wanted)
    if to is None:
        click.echo(duties.write_csv(), nl=False)
    elif to.suffix == ".parquet":
        duties.write_parquet(to)
    else:
        duties.write_csv(to)


@records.command("quality")
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="Of arrival.  [default: the last]")
@click.option("--csv", "to_csv", type=Output(), help="Write the report to this file.")
@home_option
def quality(month: datetime | None, to_csv: Path | None, home: Home) -> None:
    """Print the monthly quality report: rates, lateness and open tickets by department."""
    from xinheng.errors import NotReady
    from xinheng.records.lake import Lake
    from xinheng.records.quality import monthly_quality, months_of
    from xinheng.records.tickets.desk import keep_step
    from xinheng.records.tickets.store import TicketStore

    lake = Lake(home.lake)
    months = months_of(lake)
    if not months:
        raise NotReady("nothing was delivered", hint="run `xinheng records ingest` first")
    store = TicketStore.at(home.database_url)
    keep_step(store, lake, at=now())
    wanted = month.date() if month else months[0]
    report = monthly_quality(lake, store, wanted)
    store.close()
    if to_csv:
        report.write_csv(to_csv)
    click.echo(f"{wanted:%Y-%m}")
    click.echo(report.write_csv(separator="\t", float_precision=4), nl=False)


@records.command("compact")
@home_option
def compact(home: Home) -> None:
    """Rewrite the lake's many small files as few sorted ones, so that reading stays fast."""
    from xinheng.records.lake import Lake

    with progress("compact") as on_step:
        files = Lake(home.lake).compact(at=now(), on_step=on_step)
    click.echo(f"{files[0]:,} files became {files[1]:,}")
