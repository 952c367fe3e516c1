"""xinheng serve: the API and the console over HTTP."""

from __future__ import annotations

import gc
import socket

import click

from xinheng.commands.edge import home_option, now
from xinheng.config import Home
from xinheng.errors import Busy

LOCAL = "127.0.0.1"


@click.command()
@click.option("--host", default=LOCAL, show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@home_option
def serve(host: str, port: int, home: Home) -> None:
    """Answer the API and the console over HTTP until stopped.

    The API wants a key of a client (`xinheng clients add`). Nobody is asked to sign in to the
    console yet: listen on other addresses only behind a gateway that does.
    """
    run_server(home, host=host, port=port)


def run_server(home: Home, *, host: str, port: int) -> None:
    """Serve the home's scores and lists; port 0 takes a free one.

    Raises
    ------
    NotReady
        If nothing has been scored.
    Busy
        If the port is taken.
    """
    import structlog
    import uvicorn

    from xinheng.decisions.alerts.store import AlertStore
    from xinheng.decisions.store import DecisionStore
    from xinheng.records.tickets.store import TicketStore
    from xinheng.serving.access.access import Access
    from xinheng.serving.app import create_app
    from xinheng.serving.desk import Desk
    from xinheng.serving.doctor import missing
    from xinheng.serving.inbox import Inbox

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ]
    )
    store = DecisionStore.at(home.database_url)
    store.current_run()
    listening = _listening(host, port)
    address = f"http://{host}:{listening.getsockname()[1]}"
    click.echo(f"console  {address}/?lang=zh  (English: {address}/?lang=en)")
    click.echo(f"API      {address}/v1/lists/current  (description: {address}/openapi.json)")
    click.echo(f"quality  {address}/quality  (report of the records' sources)")
    click.echo("Ctrl-C stops the server.")
    desk = Desk(home.lake, TicketStore(store.engine), now)
    inbox = Inbox(AlertStore(store.engine), now)
    app = create_app(
        store, Access.of(store.engine, now),
        is_local=store.engine.dialect.name == "sqlite", desk=desk, inbox=inbox,
        missing=lambda: missing(home, at=now()),
        language=home.settings.language,
    )  # fmt: skip
    gc.collect()
    gc.freeze()  # what lives as long as the server need not be looked through at every collection
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, proxy_headers=False, server_header=False
        )
    )
    server.run(sockets=[listening])


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
