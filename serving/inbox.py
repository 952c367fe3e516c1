"""Alerts as the routes and pages ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from xinheng.decisions.alerts.store import AlertStore
from xinheng.errors import NotReady


@dataclass(frozen=True, slots=True)
class Inbox:
    """The alerts; `clock` tells the moment of what people do."""

    store: AlertStore
    clock: Callable[[], datetime]


def inbox(request: Request) -> Inbox:
    """The inbox that `create_app` was given.

    Raises
    ------
    NotReady
        If this server has none.
    """
    found: Inbox | None = request.app.state.inbox
    if found is None:
        raise NotReady("this server has no alerts", hint="start it with `xinheng serve`")
    return found


Alerts = Annotated[Inbox, Depends(inbox)]
