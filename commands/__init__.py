"""The command line: one file a noun; the only floor that joins all others."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from xinheng import __version__
from xinheng.errors import XinhengError

NOUNS = {
    "demo": "Make a town, train, rank and serve: the whole way in one command",
    "records": "Take in deliveries; look at tables, batches, quality and tickets",
    "features": "The indicators, the records behind a number, the feature store",
    "study": "Train and test on a data set, from two TOML files",
    "models": "Train, tune, evaluate, compare and promote models; watch them",
    "scores": "Score everyone, or show one enterprise with its reasons",
    "lists": "Draw and print the ranked inspection list",
    "alerts": "Warn of duties before their deadline, of new facts and of states",
    "serve": "Answer the API and the console over HTTP",
    "live": "Take in records that were sent to the API, and assess whom they are about",
    "clients": "Keys of the systems that ask, what they may see, and the log of what they asked",
    "webhooks": "Who is told of alerts and class changes as they come, and what is on its way",
    "doctor": "Look at everything a deployment needs, and say what to do",
    "city": "Make a made-up city's deliveries, and tell what could be known of it",
}


BESIDE = {noun: f"serving.{noun}" for noun in ("serve", "live", "clients", "webhooks", "doctor")}
"""Nouns whose module lies in a folder of its own."""


class _Nouns(click.Group):
    """Imports a command's module only when it is called, so that help stays fast."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        module = importlib.import_module(f"xinheng.commands.{BESIDE.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(NOUNS.items()))


@click.command(cls=_Nouns)
@click.version_option(__version__, prog_name="xinheng")
def cli() -> None:
    """Xinheng 信衡: records in, explained risk scores and inspection lists out.

    A score is a function of what was known at its moment (as_of). Start with `xinheng demo`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; what the user can put right is one line and exit status 2."""
    try:
        cli.main(args=arguments, prog_name="xinheng", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as fault:
        fault.show()
        sys.exit(2)
    except XinhengError as fault:
        from xinheng.records.privacy.texts import conceal

        click.echo(f"Error: {conceal(str(fault))}", err=True)
        sys.exit(2)
