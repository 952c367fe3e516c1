"""What the register says of codes: which were succeeded, and which it confirmed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import polars as pl

from xinheng.records.codes.columns import normal_usccs, valid_usccs
from xinheng.records.codes.succession import (
    NO_SUCCESSIONS,
    REGISTER,
    REGISTER_COLUMNS,
    Successions,
    may_state_succession,
)
from xinheng.records.manifest import Snapshot
from xinheng.records.versions import KEY

State = tuple[str, int]
"""A table and its version."""


class RegisterReader:
    """The part of a lake that reads the register; once in each of its states."""

    snapshot: Snapshot

    def __init__(self) -> None:
        self._successions: dict[State, Successions] = {}
        self._confirmed: dict[State, dict[str, datetime]] = {}

    @property
    def part(self) -> None:
        """A lake is all of it."""

    def successions(self) -> Successions:
        """The codes of firms that changed theirs."""
        state = self._register_state
        if state not in self._successions:
            self._successions[state] = _successions(self.rows(REGISTER))
        return self._successions[state]

    def confirmed_codes(self) -> Mapping[str, datetime]:
        """Codes outside the check rule that the register confirmed, and since when."""
        state = self._register_state
        if state not in self._confirmed:
            rows = self.rows(REGISTER).filter(pl.col("quality_status") == "confirmed_twice")
            twice = rows.group_by("uscc").agg(pl.col("known_at").min()).collect()
            outside = twice.filter(~valid_usccs(twice["uscc"]))
            self._confirmed[state] = dict(outside.iter_rows())
        return self._confirmed[state]

    @property
    def _register_state(self) -> State:
        return REGISTER, self.snapshot.delta_versions.get(REGISTER, -1)

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame:
        """All versions of a table's records."""
        raise NotImplementedError


def _successions(register: pl.LazyFrame) -> Successions:
    """Read only the entries without which no code is succeeded, and those that they name."""
    stated = register.filter(may_state_succession()).select("uscc", "former_uscc", *KEY).collect()
    if stated.height == 0:
        return NO_SUCCESSIONS
    formers = normal_usccs(stated["former_uscc"])
    codes = pl.concat([stated["uscc"], formers]).drop_nulls().unique()
    numbers = pl.concat([stated["source_record_no"], stated["former_uscc"]]).drop_nulls()
    wanted = pl.col("uscc").is_in(codes.implode()) | pl.col("source_record_no").is_in(
        numbers.str.strip_chars().unique().implode()
    )
    return Successions.of(register.filter(wanted).select(REGISTER_COLUMNS).collect())
