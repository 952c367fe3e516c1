"""Clients of the API: systems, each with a key, scopes, a district and a rate."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, get_args

from limits import parse
from sqlalchemy import Engine, RowMapping, insert, select, update

from xinheng.database import as_moment, as_text
from xinheng.errors import BadRequest, NotFound, NotKnown, UnknownName
from xinheng.records.privacy.texts import need_impersonal
from xinheng.serving.access.tables import CLIENT

Scope = Literal["read", "check", "records", "lists", "models", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)
"""read: archives, scores, changes, alerts, quality; check: approval checks alone; records: send
records and answer tickets; lists: inspection lists and the steps of alerts; models: versions and
their cards; admin: the query log."""
KEY_BEGINS = "xh_"
SHOWN = 10
"""Letters of a key that are kept to tell keys apart."""
RATE = "6000/minute"


@dataclass(frozen=True, slots=True)
class Client:
    """One system that asks."""

    client_id: int
    name: str
    key_begins: str
    scopes: tuple[str, ...]
    region: str
    """GB/T 2260 prefix of what it may see; empty: everything."""
    rate: str
    """Such as `600/minute`."""
    purpose: str
    """Of queries that name none."""
    legal_basis: str
    made_at: datetime | None
    made_by: str
    ended_at: datetime | None
    ended_by: str

    def sees(self, region_code: str) -> bool:
        """Whether an enterprise registered there is its business."""
        return region_code.startswith(self.region)


class ClientStore:
    """Clients in the operational database; of a key only its hash is kept."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(  # noqa: PLR0913  (what a client is)
        self,
        name: str,
        scopes: Sequence[str],
        *,
        by: str,
        at: datetime,
        region: str = "",
        rate: str = RATE,
        purpose: str = "",
        legal_basis: str = "",
    ) -> tuple[Client, str]:
        """Make a client and its key, which nobody can read again.

        Raises
        ------
        BadRequest
            If it has no name or scope, nobody answers for it, or its rate or district is none.
        UnknownName
            If a scope is unknown.
        PersonalData
            If name, purpose or basis hold some.
        """
        _check(name, scopes, by, region, rate)
        need_impersonal(f"{name} | {purpose} | {legal_basis}", "the client")
        key = KEY_BEGINS + secrets.token_urlsafe(32)
        row = {
            "name": name, "key_hash": hashed(key), "key_begins": key[:SHOWN],
            "scopes": ",".join(dict.fromkeys(scopes)), "region": region, "rate": rate,
            "purpose": purpose, "legal_basis": legal_basis, "made_at": as_text(at), "made_by": by,
            "ended_at": "", "ended_by": "",
        }  # fmt: skip
        with self.engine.begin() as connection:
            made = connection.execute(insert(CLIENT).values(row)).inserted_primary_key
            assert made is not None
        return self.client(int(made[0])), key

    def client(self, client_id: int) -> Client:
        """One client.

        Raises
        ------
        NotFound
            If there is none of that number.
        """
        with self.engine.connect() as connection:
            query = select(CLIENT).where(CLIENT.c.client_id == client_id)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"there is no client {client_id}", hint="see `xinheng clients list`")
        return _client(row)

    def clients(self) -> list[Client]:
        """All clients, those that have ended too."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(CLIENT).order_by(CLIENT.c.client_id)).mappings()
            return [_client(row) for row in rows]

    def end(self, client_id: int, *, by: str, at: datetime) -> Client:
        """From now on its key opens nothing; what it asked stays in the log.

        Raises
        ------
        NotFound, BadRequest
            If there is no such client, or it has ended.
        """
        if self.client(client_id).ended_at is not None:
            raise BadRequest(f"client {client_id} has ended already")
        with self.engine.begin() as connection:
            change = update(CLIENT).where(CLIENT.c.client_id == client_id, CLIENT.c.ended_at == "")
            connection.execute(change.values(ended_at=as_text(at), ended_by=by))
        return self.client(client_id)

    def holder(self, key: str) -> Client:
        """Whose key it is.

        Raises
        ------
        NotKnown
            If it is nobody's, or was ended.
        """
        with self.engine.connect() as connection:
            query = select(CLIENT).where(CLIENT.c.key_hash == hashed(key))
            row = connection.execute(query).mappings().first()
        if row is None or row["ended_at"]:
            raise NotKnown(
                "this key opens nothing", hint="`xinheng clients add` makes one; was it ended?"
            )
        return _client(row)


def hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _check(name: str, scopes: Sequence[str], by: str, region: str, rate: str) -> None:
    if not name.strip() or not by.strip():
        raise BadRequest("a client wants a name, and the name of who answers for it")
    if not scopes:
        raise BadRequest("a client wants a scope", hint=f"one of {', '.join(SCOPES)}")
    for scope in scopes:
        if scope not in SCOPES:
            raise UnknownName("scope", scope, SCOPES)
    if region and not (region.isdigit() and len(region) in {2, 4, 6}):
        raise BadRequest(f"{region!r} is no district", hint="2, 4 or 6 digits of GB/T 2260")
    try:
        parse(rate)
    except ValueError:
        raise BadRequest(f"{rate!r} is no rate", hint="such as 600/minute or 50/second") from None


def _client(row: RowMapping) -> Client:
    told = {key: value for key, value in row.items() if key != "key_hash"}
    moments = {name: as_moment(told[name]) for name in ("made_at", "ended_at")}
    return Client(**told | moments | {"scopes": tuple(told["scopes"].split(","))})
