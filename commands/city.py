"""xinheng city: a made-up town, delivered."""

from __future__ import annotations

from pathlib import Path

import click

from xinheng.commands.edge import progress


@click.group()
def city() -> None:
    """Make a made-up town's deliveries, with the truth kept apart."""


@city.command("make")
@click.option("--enterprises", default=2_000, show_default=True, type=click.IntRange(min=50))
@click.option("--years", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--seed", default=20260101, show_default=True)
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path))
def make(enterprises: int, years: int, seed: int, folder: Path) -> None:
    """Write delivery/, mapping.toml, study.toml and truth/ (which the product never reads)."""
    from xinheng.city.town import make_town, write_town

    with progress("city") as on_step:
        town = make_town(enterprises=enterprises, years=years, seed=seed, on_step=on_step)
        on_step("writing")
        write_town(town, folder)
    for name, frame in town.deliveries.items():
        click.echo(f"{frame.height:>9,}  {folder / 'delivery' / name}")
