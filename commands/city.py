"""xinheng city: a made-up city with known truth, for demo, tests and benchmarks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from xinheng.commands.edge import progress
from xinheng.errors import BadRequest

SIZES, PROFILES = ("small", "town", "wuzhong"), ("demo",)


@click.group()
def city() -> None:
    """Make a made-up city's deliveries, with the truth kept apart."""


@city.command("make")
@click.option("--size", type=click.Choice(SIZES), help="2,000 firms, 20,000, or 142,000.")
@click.option("--enterprises", type=click.IntRange(min=50), help="Instead of --size.")
@click.option(
    "--years",
    type=click.IntRange(1, 40),
    help="Calendar years of records, the last one up to --until.",
)
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of records.  [default: 2025-12-31]"
)
@click.option("--profile", type=click.Choice(PROFILES), help="Other assumptions than the usual.")
@click.option("--seed", default=20260101, show_default=True)
@click.option("--clean", is_flag=True, help="Without the slips that departments make.")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path))
def make(  # noqa: PLR0913, PLR0917  (one parameter an option)
    size: str | None,
    enterprises: int | None,
    years: int | None,
    until: datetime | None,
    profile: str | None,
    seed: int,
    clean: bool,  # noqa: FBT001
    folder: Path,
) -> None:
    """Write deliveries/ (a folder a department and half-month) and truth/.

    The product never reads truth/. The same arguments write the same bytes. Take the deliveries
    in with `xinheng records ingest TO/deliveries`.
    """
    from xinheng.city.make import SIZES as ENTERPRISES_AND_YEARS
    from xinheng.city.make import make_city

    if size is not None and enterprises is not None:
        raise BadRequest("--size and --enterprises exclude each other", hint="give one")
    known = ENTERPRISES_AND_YEARS[size or "small"]
    with progress("city") as on_step:
        made = make_city(
            folder,
            enterprises=enterprises or known[0],
            years=years or known[1],
            seed=seed,
            clean=clean,
            until=until.date() if until else None,
            profile=profile or "",
            on_step=on_step,
        )
    for table, rows in sorted(made.rows.items()):
        click.echo(f"{rows:>13,}  {table}")
    click.echo(f"{sum(made.rows.values()):>13,}  rows in {folder / 'deliveries'}")


@city.command("town")
@click.option("--enterprises", default=2_000, show_default=True, type=click.IntRange(min=50))
@click.option("--years", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--seed", default=20260101, show_default=True)
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path))
def town(enterprises: int, years: int, seed: int, folder: Path) -> None:
    """Write one office's own export of food businesses, with its mapping.toml and study.toml.

    This is what `xinheng demo` trains on: foreign column names, one delivery, one sector.
    """
    from xinheng.city.town import make_town, write_town

    with progress("town") as on_step:
        made = make_town(enterprises=enterprises, years=years, seed=seed, on_step=on_step)
        on_step("writing")
        write_town(made, folder)
    for name, frame in made.deliveries.items():
        click.echo(f"{frame.height:>9,}  {folder / 'delivery' / name}")


@city.command("oracle")
@click.argument("folder", type=click.Path(path_type=Path))
def oracle(folder: Path) -> None:
    """Print what a perfect forecaster would reach on each task: the ceiling for every model.

    FOLDER is what `xinheng city make --to` wrote; its truth/ holds the chances that the outcomes
    were drawn from.
    """
    from xinheng.city.oracle import BUDGETS, ceilings

    found = ceilings(folder)
    for one in found:
        click.echo(f"{one.task}: {one.meaning}")
        click.echo(
            f"  {one.cases:,} cases, {one.outcomes:,} outcomes ({100 * one.rate:.1f} %)\n"
            f"  AUC {one.auc:.3f}   average precision {one.average_precision:.3f}"
            f"   Brier {one.brier:.4f}"
        )
        for share in BUDGETS:
            click.echo(
                f"  riskiest {100 * share:.0f} %: {100 * one.recall_at[share]:.1f} % of outcomes, "
                f"precision {100 * one.precision_at[share]:.1f} %"
            )
    click.echo()
    click.echo("No model can rank better in the long run: the outcomes are drawn from the chances.")


@city.command("plots")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", "target", required=True, type=click.Path(path_type=Path))
def plots(folder: Path, target: Path) -> None:
    """Draw the city: filing dates, lags, class shares, degrees, as PNG files."""
    from xinheng.city.plots import draw_city
    from xinheng.errors import NotReady

    if not (folder / "truth").is_dir():
        raise NotReady(f"there is no city at {folder}", hint="run `xinheng city make` first")
    with progress("city plots"):
        drawn = draw_city(folder, target)
    for path in drawn:
        click.echo(str(path))
