"""Records of one table by column, as a sender said them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Self

from xinheng.records.inbox.store import Sent
from xinheng.records.tables import DERIVED_COLUMNS, PLATFORM_COLUMNS, Column, table

Values = Sequence[Any]


@cache
def given_columns(name: str) -> dict[str, Column | None]:
    """Columns of a table that a sender may fill, `uscc` first; when it became known is not one."""
    platform = DERIVED_COLUMNS | PLATFORM_COLUMNS | {"known_at"}
    own = {c.name: c for c in table(name).columns if c.name not in platform}
    return {"uscc": None, **own}


@dataclass(frozen=True, slots=True)
class SentColumns:
    """Values by column, in the order of the records; None where a record does not say it."""

    record_type: str
    height: int
    values: Mapping[str, Values]

    @classmethod
    def of(cls, record_type: str, rows: Sequence[Mapping[str, Any]]) -> Self:
        """The records, each a mapping from column to value."""
        if len({*map(tuple, rows)}) == 1:  # nearly always: all say the same columns
            columns = zip(*[row.values() for row in rows], strict=True)
            return cls(record_type, len(rows), dict(zip(rows[0], columns, strict=True)))
        names = dict.fromkeys(chain.from_iterable(rows))
        return cls(record_type, len(rows), {n: [row.get(n) for row in rows] for n in names})


def by_table(sent: Sequence[Sent]) -> list[SentColumns]:
    """Records of any tables, table by table."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in sent:
        found.setdefault(one.record_type, []).append(one.values)
    return [SentColumns.of(name, rows) for name, rows in found.items()]
