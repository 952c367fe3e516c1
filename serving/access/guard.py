"""At the door: whose key, which scope, how often, for what purpose, about whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from limits import RateLimitItem, parse
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import Engine

from xinheng.errors import BadRequest, NotAllowed, NotKnown, TooMany
from xinheng.records.privacy.texts import need_impersonal
from xinheng.serving.access.clients import Client, ClientStore, Scope
from xinheng.serving.access.counts import Counts
from xinheng.serving.front.headers import header

PURPOSE, BASIS = "x-purpose", "x-legal-basis"
"""Headers: why is asked, and by which law; percent-encoded UTF-8 where they are Chinese."""
LONGEST = 200
KEY = HTTPBearer(
    auto_error=False, description="Key of a client, as `xinheng clients add` printed it"
)
REMEMBERED = 2.0
"""Seconds for which a key is not looked up again; so long an ended one may still open."""


@dataclass(slots=True)
class Caller:
    """Who asks, why, and about whom."""

    client: Client
    purpose: str
    legal_basis: str
    uscc: str = ""
    enterprises: int = 0

    def asks_about(self, uscc: str, region_code: str) -> None:
        """Note of whom is asked.

        Raises
        ------
        NotAllowed
            If it is registered in a district that is not the client's business.
        """
        self.uscc, self.enterprises = uscc, 1
        if not self.client.sees(region_code):
            raise NotAllowed(
                f"{uscc} is not registered in {self.client.region}",
                hint="this key is for one district; ask the one in charge",
            )

    def needs(self, scope: Scope) -> None:
        """Refuse what is beyond the scopes.

        Raises
        ------
        NotAllowed
            If the scope is none of the client's.
        """
        if scope not in self.client.scopes:
            raise NotAllowed(
                f"this key lacks the scope {scope}",
                hint=f"it has {', '.join(self.client.scopes)}",
            )


@dataclass(slots=True)
class Guard:
    """Knows clients by their keys and counts what they ask.

    Counts are this process's own: where several serve, each allows its `share` of the rate.
    """

    store: ClientStore
    share: int = 1
    _known: dict[str, tuple[float, Client, RateLimitItem]] = field(default_factory=dict)
    _limiter: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(Counts())
    )

    @classmethod
    def of(cls, engine: Engine, *, share: int = 1) -> Guard:
        return cls(ClientStore(engine), share)

    def admit(self, request: Request) -> Caller:
        """Who asks, once key, rate and purpose are in order.

        Raises
        ------
        NotKnown, TooMany, BadRequest
            Without a valid key; beyond the rate; without a purpose or legal basis.
        """
        client, rate = self._holder(_key_of(request))
        caller = request.state.caller = Caller(client, *_reasons(request, client))
        if not self._limiter.hit(rate, str(client.client_id)):
            ends, _ = self._limiter.get_window_stats(rate, str(client.client_id))
            wait = max(1, round(ends - time.time()))
            raise TooMany(
                f"more than {client.rate} of {client.name}",
                hint=f"try again in {wait} s",
                retry_after=wait,
            )
        if not caller.purpose or not caller.legal_basis:
            raise BadRequest(
                "a query wants its purpose and its legal basis",
                hint=f"headers {PURPOSE} and {BASIS}, percent-encoded where Chinese",
            )
        return caller

    def _holder(self, key: str) -> tuple[Client, RateLimitItem]:
        now = time.monotonic()
        found = self._known.get(key)
        if found is not None and now - found[0] < REMEMBERED:
            return found[1], found[2]
        self._known.pop(key, None)
        client = self.store.holder(key)
        rate = parse(client.rate)
        own = type(rate)(max(1, rate.amount // self.share), rate.multiples)
        self._known[key] = (now, client, own)
        return client, own


def _key_of(request: Request) -> str:
    scheme, _, key = header(request.scope, "authorization").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise NotKnown(
            "who asks? the request has no key", hint="header `Authorization: Bearer KEY`"
        )
    return key.strip()


def _reasons(request: Request, client: Client) -> tuple[str, str]:
    """Purpose and legal basis of the request, else those the client was registered with."""
    return (
        _told(request, PURPOSE) or client.purpose,
        _told(request, BASIS) or client.legal_basis,
    )


def _told(request: Request, name: str) -> str:
    """A header in percent-encoded or plain UTF-8.

    Raises
    ------
    BadRequest
        If it is neither, or too long for the log.
    PersonalData
        If it holds some.
    """
    raw = header(request.scope, name)
    if not raw:
        return ""
    try:
        told = unquote(raw.encode("latin-1").decode("utf-8"), errors="strict").strip()
    except UnicodeError:
        raise BadRequest(f"{name} is not UTF-8", hint="percent-encode it") from None
    if len(told) > LONGEST:
        raise BadRequest(f"{name} has more than {LONGEST} letters")
    _need_impersonal(told, name)
    return told


@lru_cache(maxsize=1_000)
def _need_impersonal(text: str, name: str) -> None:
    """The same few reasons are given all day; what is refused is looked at each time."""
    need_impersonal(text, name)


def admitted(request: Request, scope: Scope) -> Caller:
    """Let a request in, or tell why not."""
    caller = _admitted_once(request)
    caller.needs(scope)
    return caller


async def known(request: Request, _: Annotated[object, Security(KEY)]) -> None:
    """A dependency of every route of the API: nothing is looked at before the key."""
    _admitted_once(request)


def _admitted_once(request: Request) -> Caller:
    found: Caller | None = getattr(request.state, "caller", None)
    if found is None:
        guard: Guard = request.app.state.guard
        found = guard.admit(request)
    return found


def caller_with(scope: Scope) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """A dependency of routes that want the scope."""

    async def let_in(request: Request) -> Caller:
        return admitted(request, scope)

    return let_in


Reader = Annotated[Caller, Depends(caller_with("read"))]
Checker = Annotated[Caller, Depends(caller_with("check"))]
Sender = Annotated[Caller, Depends(caller_with("records"))]
Lister = Annotated[Caller, Depends(caller_with("lists"))]
Modeller = Annotated[Caller, Depends(caller_with("models"))]
Admin = Annotated[Caller, Depends(caller_with("admin"))]
