"""xinheng serve: the API and the console over HTTP, and the live updates beside it."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from xinheng.commands.edge import home_option, now
from xinheng.config import Home
from xinheng.errors import BadRequest, Busy

if TYPE_CHECKING:
    from fastapi import FastAPI

LOCAL = "127.0.0.1"
SERVED, PROCESSES = "XINHENG_SERVED_HOME", "XINHENG_SERVED_PROCESSES"
"""Environment of server processes: the home, and how many there are."""
GRACE = 20
"""Seconds in which running requests may end once the server is told to stop."""


@click.command()
@click.option("--host", default=LOCAL, show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64),
              help="Server processes; more than one wants PostgreSQL.")  # fmt: skip
@click.option("--live/--no-live", default=True, show_default=True,
              help="Take in the records that are sent, in a process beside.")  # fmt: skip
@home_option
def serve(host: str, port: int, workers: int, live: bool, home: Home) -> None:  # noqa: FBT001
    """Answer the API and the console over HTTP until stopped.

    The API wants a key of a client (`xinheng clients add`). Nobody is asked to sign in to the
    console yet: listen on other addresses only behind a gateway that does.
    """
    run_server(home, host=host, port=port, workers=workers, live=live)


def run_server(home: Home, *, host: str, port: int, workers: int = 1, live: bool = True) -> None:
    """Serve the home's scores and lists; port 0 takes a free one.

    Raises
    ------
    NotReady
        If nothing has been scored.
    Busy
        If the port is taken.
    BadRequest
        If several processes are to share a SQLite file.
    """
    from xinheng.commands.serving.logs import structured_logs
    from xinheng.decisions.kept.store import DecisionStore

    structured_logs()
    store = DecisionStore.at(home.database_url)
    store.current_run()
    if workers > 1 and store.engine.dialect.name == "sqlite":
        raise BadRequest(
            "several server processes cannot share a SQLite file",
            hint="set database_url in xinheng.toml to a PostgreSQL database",
        )
    store.close()
    listening = _listening(host, port)
    address = f"http://{host}:{listening.getsockname()[1]}"
    click.echo(f"console  {address}/?lang=zh  (English: {address}/?lang=en)")
    click.echo(f"API      {address}/v1/lists/current  (description: {address}/openapi.json)")
    click.echo(f"quality  {address}/quality  (report of the records' sources)")
    click.echo("Ctrl-C stops the server.")
    # the server ends its requests first and passes the signal on; then the process beside ends
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _beside(home) if live else nullcontext():
        if workers == 1:
            _serve_alone(home, listening)
        else:
            _serve_together(home, listening, workers)


def _serve_alone(home: Home, listening: socket.socket) -> None:
    import uvicorn

    app = app_of(home)
    gc.collect()
    gc.freeze()  # what lives as long as the server need not be looked through at every collection
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def _serve_together(home: Home, listening: socket.socket, workers: int) -> None:
    """Several processes at one address; one that dies is replaced."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    with tempfile.TemporaryDirectory(prefix="xinheng-metrics-") as figures:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures
        os.environ[SERVED], os.environ[PROCESSES] = str(home.root.resolve()), str(workers)
        config = uvicorn.Config(
            "xinheng.commands.serving.serve:served_app", factory=True, workers=workers,
            log_level="warning", access_log=False, proxy_headers=False, server_header=False,
            timeout_graceful_shutdown=GRACE,
        )  # fmt: skip
        Multiprocess(config, sockets=[listening]).run()


def served_app() -> FastAPI:
    """The application of one of several server processes."""
    from pathlib import Path

    from xinheng.commands.serving.logs import structured_logs

    structured_logs()
    return app_of(Home.at(Path(os.environ[SERVED])), processes=int(os.environ[PROCESSES]))


def app_of(home: Home, *, processes: int = 1) -> FastAPI:
    """The application over a home."""
    from xinheng.decisions.alerts.store import AlertStore
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.records.inbox.store import InboxStore
    from xinheng.records.privacy.seal import Seal
    from xinheng.records.tickets.store import TicketStore
    from xinheng.serving.access.access import Access
    from xinheng.serving.app import create_app
    from xinheng.serving.desk import Desk
    from xinheng.serving.doctor import missing
    from xinheng.serving.inbox import Inbox
    from xinheng.serving.jobs.store import JobStore
    from xinheng.serving.scoring import Scoring

    store, scoring = DecisionStore.at(home.database_url), Scoring(home, now)
    seal = Seal.in_folder(home.lake) if home.lake.is_dir() else None
    for one in store.riskiest(1):
        threading.Thread(target=scoring.warm, args=(one.uscc,), daemon=True).start()
    return create_app(
        store,
        Access.of(store.engine, now, processes=processes),
        is_local=store.engine.dialect.name == "sqlite",
        desk=Desk(home.lake, TicketStore(store.engine), now),
        inbox=Inbox(AlertStore(store.engine), now),
        sent=InboxStore(store.engine, seal),
        scoring=scoring,
        jobs=JobStore(store.engine, home.jobs),
        missing=lambda: missing(home, at=now()),
        language=home.settings.language,
        stale_days=home.settings.scores.stale_days,
    )


@contextmanager
def _beside(home: Home) -> Iterator[None]:
    """The live updates in a process of their own, which is started again if it dies."""
    stop = threading.Event()
    keeper = threading.Thread(target=_kept_alive, args=(home, stop), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join(timeout=GRACE)


def _kept_alive(home: Home, stop: threading.Event) -> None:
    import structlog

    command = [
        sys.executable, "-m", "xinheng.commands", "live", "run", "--home", str(home.root),
        "--beside", str(os.getpid()),
    ]  # fmt: skip
    while not stop.is_set():
        child = subprocess.Popen(command)  # noqa: S603  (our own command)
        while child.poll() is None and not stop.wait(0.5):
            pass
        if child.poll() is None:
            child.terminate()
            child.wait()
        elif not stop.is_set():
            structlog.get_logger().warning("live updates ended, starting them again",
                                           status=child.returncode)  # fmt: skip
            stop.wait(2)


def _listening(host: str, port: int) -> socket.socket:
    try:
        listening = socket.create_server((host, port))
    except OSError as fault:
        raise Busy(
            f"cannot listen on {host}:{port}: {fault.strerror}", hint="try --port 0"
        ) from None
    # accepted connections inherit it; without, an answer waits 40 ms until its head is received
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
