"""xinheng live: records that were sent to the API become part of the lake, scores and alerts."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import click

from xinheng.commands.edge import home_option, now
from xinheng.config import Home
from xinheng.errors import Busy

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from xinheng.serving.jobs.work import Jobs
    from xinheng.serving.live.worker import Worker


@click.group()
def live() -> None:
    """Take in records that were sent to the API, assess whom they are about; do jobs."""


@live.command("run")
@click.option("--once", is_flag=True, help="Stop when nothing waits any more.")
@click.option("--beside", type=int, hidden=True, help="Stop when this process is gone.")
@home_option
def run(once: bool, beside: int | None, home: Home) -> None:  # noqa: FBT001
    """Work until stopped; `xinheng serve` runs this beside the server.

    Only one at a time works on a home. It may be stopped or killed at any moment: the next goes
    on, nothing is lost or taken twice.
    """
    from filelock import FileLock, Timeout

    from xinheng.commands.serving.logs import structured_logs
    from xinheng.database import open_database
    from xinheng.serving.delivery.send import TIMEOUT, Deliverer
    from xinheng.serving.live.worker import Worker

    structured_logs()
    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.root / "live.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(f"another process works on the inbox of {home.root}") from None
    with lock:
        worker = Worker(home, open_database(home.database_url), now)
        if once:
            _until_empty(worker)
        else:
            stop = _until_signal(beside)
            others = (Deliverer(worker.engine, now), _jobs(home, worker.engine))
            threads = [threading.Thread(target=b.run, args=(stop,), daemon=True) for b in others]
            for thread in threads:
                thread.start()
            worker.run(stop)
            for thread in threads:
                thread.join(timeout=TIMEOUT)


def _jobs(home: Home, engine: Engine) -> Jobs:
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.serving.jobs.store import JobStore
    from xinheng.serving.jobs.work import Jobs

    return Jobs(
        JobStore(engine, home.jobs), DecisionStore(engine), now, home.settings.scores.stale_days
    )


def _until_empty(worker: Worker) -> None:
    rows = assessed = 0
    while not (done := worker.step()).is_idle:
        rows, assessed = rows + done.rows, assessed + done.assessed + done.neighbours
    click.echo(f"took {rows:,} records, assessed {assessed:,} enterprises")


def _until_signal(beside: int | None) -> threading.Event:
    """Set by a signal, or once the process that started this one is gone."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    if beside is not None:
        threading.Thread(target=_watch, args=(beside, stop), daemon=True).start()
    return stop


def _watch(parent: int, stop: threading.Event) -> None:
    while os.getppid() == parent and not stop.wait(1):
        pass
    stop.set()


@live.command("status")
@home_option
def status(home: Home) -> None:
    """Print what waits in the inbox, and which receipts were set aside for what fault."""
    from xinheng.database import open_database
    from xinheng.records.inbox.store import InboxStore

    inbox = InboxStore(open_database(home.database_url))
    counts = inbox.counts()
    click.echo(f"{counts.get('received', 0):,} receipts wait for the lake")
    click.echo(f"{counts.get('settled', 0):,} wait for the scores of whom they are about")
    click.echo(f"{counts['neighbours']:,} enterprises wait because their relations changed")
    click.echo(f"{counts.get('scored', 0):,} receipts are done")
    click.echo(f"{counts.get('aside', 0):,} were set aside")
    for one in inbox.aside():
        click.echo(f"  receipt {one.receipt_id} of {one.received_at:%Y-%m-%d %H:%M}: {one.fault}")


@live.command("retry")
@home_option
def retry(home: Home) -> None:
    """Let receipts that were set aside after a fault go on where they were."""
    from xinheng.database import open_database
    from xinheng.records.inbox.store import InboxStore

    click.echo(f"{InboxStore(open_database(home.database_url)).retry():,} receipts wait again")
