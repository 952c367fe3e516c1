"""The application: routes, pages, one error shape, strict headers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from xinheng import __version__
from xinheng.decisions.kept.store import DecisionStore
from xinheng.errors import Unready
from xinheng.models.promotions import Promotions
from xinheng.records.inbox.store import InboxStore
from xinheng.serving import metrics
from xinheng.serving.access.access import Access
from xinheng.serving.access.guard import known
from xinheng.serving.console import pages
from xinheng.serving.decided import Decided
from xinheng.serving.desk import Desk
from xinheng.serving.doctor import Check
from xinheng.serving.freshness import Freshness
from xinheng.serving.front.lane import Lane
from xinheng.serving.front.reception import Reception
from xinheng.serving.inbox import Inbox
from xinheng.serving.jobs import routes as job_routes
from xinheng.serving.jobs.store import JobStore
from xinheng.serving.problems import ANSWERS, answer_fault, tell_problems
from xinheng.serving.routes import (
    alerts,
    changes,
    checks,
    enterprises,
    indicators,
    lists,
    oversight,
    records,
    risk,
    scenarios,
    streams,
    tickets,
)
from xinheng.serving.scoring import Scoring

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PARTS = (
    enterprises, risk, scenarios, job_routes, checks, records, lists, alerts, changes, tickets,
    indicators, oversight, streams,
)  # fmt: skip
WAYS = {
    "/v1/enterprises/{uscc}/risk": risk.risk_now,
    "/v1/checks/{uscc}": checks.check_now,
}
"""Routes whose answers were written before."""
_BARE: dict[str, Any] = {
    "docs_url": None,  # its page needs scripts from another host
    "redoc_url": None,
    "telemetry": {"tracing": False, "metrics": False, "logs": False},  # `metrics` tells, for less
}
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(  # noqa: PLR0913  (what a deployment has)
    decided: Decided,
    access: Access,
    *,
    is_local: bool = True,
    desk: Desk | None = None,
    inbox: Inbox | None = None,
    sent: InboxStore | None = None,
    scoring: Scoring | None = None,
    jobs: JobStore | None = None,
    missing: Callable[[], Sequence[Check]] | None = None,
    language: str = "zh",
    stale_days: float = 2,
) -> FastAPI:
    """Build the application over a store; importing this module reads nothing.

    Parameters
    ----------
    is_local
        Whether the database is a file here, which answers faster than a thread is found.
    stale_days
        Beyond so many days since the last run of everyone scores are stale.
    """
    app = FastAPI(
        title="Xinheng 信衡",
        version=__version__,
        responses=ANSWERS,
        **_BARE,
    )
    held = {
        "decided": decided, "guard": access.guard, "log": access.log, "clock": access.clock,
        "promotions": Promotions(access.guard.store.engine), "desk": desk, "inbox": inbox,
        "sent": sent, "scoring": scoring, "jobs": jobs, "missing": missing, "language": language,
        "freshness": Freshness(decided, access.clock, stale_days),
    }  # fmt: skip
    for name, value in held.items():
        setattr(app.state, name, value)
    for part in PARTS:
        app.include_router(part.router, dependencies=[Depends(known)])
    app.include_router(pages.router)
    app.add_api_route("/healthz", _alive, include_in_schema=False)
    app.add_api_route("/readyz", _ready, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    static = Path(str(files("xinheng.serving.console") / "static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    tell_problems(app, HEADERS)
    around: dict[str, Any] = {
        "log": access.log, "clock": access.clock, "headers": HEADERS, "told": answer_fault,
        "ages": app.state.freshness.headers,
    }  # fmt: skip
    app.add_middleware(Reception, **around)
    app.middleware_stack = Lane(
        app.build_middleware_stack(), ways=WAYS, within=partial(Reception, **around),
        is_local=is_local,
    )  # fmt: skip
    return app


def _alive() -> dict[str, str]:
    return {"status": "ok"}


def _ready(request: Request) -> dict[str, Any]:
    """Whether questions can be answered now, and what is uncertain in the answers.

    Stale scores make it degraded, still with 200: what is told is right for its moment and says so,
    while a server taken out of service would tell nothing.

    Raises
    ------
    Unready
        With what is missing.
    """
    look: Callable[[], Sequence[Check]] | None = request.app.state.missing
    found = look() if look else ()
    gone = [one for one in found if one.is_missing]
    if gone:
        told = "; ".join(f"{one.name}: {one.told}" for one in gone)
        raise Unready(told, hint=gone[0].remedy)
    notes = {one.name: one.told for one in found}
    status = "degraded" if any(one.is_stale for one in found) else "ready"
    return {"status": status} | ({"notes": notes} if notes else {})


def _metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    decided = request.app.state.decided
    store = decided if isinstance(decided, DecisionStore) else None
    return Response(metrics.page(store), media_type="text/plain; version=0.0.4")
