"""The post: records wait for the half-month in which they arrive, and go out by department.

A department delivers a folder for each half-month, with a manifest; what happened in the first
half is sent on the 17th, the rest on the 2nd of the next month. The manifest names every table of
the department: one without rows has no file, and 0.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.city.dirt import Dirt
from xinheng.city.draws import Days, Flags, Ints, kept, where
from xinheng.city.firms import Firms
from xinheng.city.names import authority_code

DEPARTMENTS = {
    "scjgj": ("entity", "entity_change", "party_link", "suspension_filing", "annual_report",
              "disclosure_item", "abnormal_list", "serious_list", "licence", "penalty",
              "inspection", "sampling_test", "product_event", "sector_profile", "commitment",
              "complaint", "credit_repair", "encumbrance"),
    "yjj": ("licence", "inspection", "sampling_test", "product_event", "sector_profile"),
    "zjj": ("licence", "inspection", "penalty", "construction_project", "safety_accident",
            "sector_profile", "contract_performance"),
    "rsj": ("social_insurance", "wage_record"),
    "swj": ("tax_record",),
    "fy": ("court_record", "encumbrance"),
    "czj": ("penalty_performance",),
    "gsgy": ("utility_usage",),
    "rx12345": ("complaint",),
    "fgw": ("positive_record", "contract_performance", "commitment"),
}  # fmt: skip
"""Departments and the tables they deliver: market regulation, drugs, construction, social
security, tax, court, treasury, utilities, the 12345 line, development and reform."""
PARQUET = frozenset({"rsj", "gsgy", "swj"})
"""Departments that send Parquet; the others send CSV."""
ALL_PARQUET = 50_000
"""Cities of so many firms are delivered as Parquet throughout."""


@dataclass(slots=True)
class Post:
    """Records under way."""

    firms: Firms
    folder: Path
    seed: int
    dirt: Dirt
    ends: date | None = None
    """The last day of the city, after which nothing arrives; without one, months are whole."""
    sent: dict[str, int] = field(default_factory=dict)
    """Rows delivered, by table."""
    _waiting: dict[int, dict[tuple[str, str], list[pl.DataFrame]]] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _next: int = 0
    """The first half-month that was not delivered."""

    def send(  # noqa: PLR0913  (an envelope)
        self,
        department: str,
        table: str,
        who: Ints,
        arrives: Days,
        columns: Mapping[str, object],
        *,
        number: pl.Series | None = None,
        operation: str = "insert",
    ) -> pl.Series:
        """Give records to the post; returns their numbers, by which they can be corrected."""
        if who.size == 0:
            return pl.Series([], dtype=pl.String)
        named = self.numbers(department, table, who.size) if number is None else number
        frame = pl.DataFrame(
            {
                "_who": pl.Series(who.astype(np.int32)),
                "_arrives": pl.Series(np.asarray(arrives).astype(np.int32)),
                "_half": pl.Series(_half(arrives).astype(np.int32)),
                "source_record_no": named,
                "operation": pl.Series([operation]).new_from_index(0, who.size),
                **{k: _column(v, who.size) for k, v in columns.items()},
            }
        )
        for (half,), part in frame.partition_by("_half", as_dict=True, include_key=False).items():
            waiting = self._waiting.setdefault(int(half), {})
            waiting.setdefault((department, table), []).append(part)
        return named

    def correct(  # noqa: PLR0913  (an envelope)
        self,
        department: str,
        table: str,
        who: Ints,
        arrives: Days,
        columns: Mapping[str, object],
        *,
        number: pl.Series,
        keep: Flags,
        operation: str = "correct",
        **changes: object,
    ) -> None:
        """Send later versions of some of the records that were sent before, with changes."""
        rows = where(keep)
        told = kept({**columns, **changes}, rows)
        self.send(
            department, table, who[rows], arrives[rows], told, number=number.gather(rows),
            operation=operation,
        )  # fmt: skip

    def numbers(self, department: str, table: str, count: int) -> pl.Series:
        """New record numbers of a department and table."""
        first = self._numbers.get(table, 1)
        self._numbers[table] = first + count
        own = pl.Series(np.arange(first, first + count)).cast(pl.String).str.zfill(9)
        return f"{department.upper()}-{_short(table)}" + own

    def deliver(self, until: int) -> None:
        """Write every half-month that ends before a day."""
        self._deliver_before(int(_half(np.array([until]))[0]))

    def close(self) -> None:
        """Write what has arrived by the last day, the half-month in which it lies included."""
        assert self.ends is not None
        day = (self.ends - date(1970, 1, 1)).days
        last = int(_half(np.array([day]))[0])
        there = pl.col("_arrives") <= day
        for key, frames in [*self._waiting.get(last, {}).items()]:
            self._waiting[last][key] = [one for f in frames if (one := f.filter(there)).height]
        self._deliver_before(last + 1)

    def _deliver_before(self, last: int) -> None:
        first = min([*self._waiting, self._next or last])
        for half in range(first, last):
            waiting = self._waiting.pop(half, {})
            for department in DEPARTMENTS:
                own = {t: f for (d, t), f in waiting.items() if d == department and f}
                self._folder(department, half, own)
        self._next = last

    def _folder(self, department: str, half: int, tables: Mapping[str, list[pl.DataFrame]]) -> None:
        if self.dirt.misses(department, half):
            later = self._waiting.setdefault(half + 1, {})
            for table, frames in tables.items():
                later.setdefault((department, table), [])[:0] = frames
            return
        first, last, sent = _period(half, [*DEPARTMENTS].index(department), self.ends)
        place = self.folder / department / f"{first:%Y-%m}-{'A' if first.day == 1 else 'B'}"
        place.mkdir(parents=True)
        counts = {}
        for table in sorted(tables):
            rows, again = self.dirt.soil(
                self._addressed(department, pl.concat(tables[table], how="diagonal_relaxed")),
                table, department, half,
            )  # fmt: skip
            self._again(department, table, half, again)
            name = f"{table}.{self._suffix(department)}"
            _write(rows, place / name)
            counts[name] = self.dirt.told(rows.height, department, half)
            self.sent[table] = self.sent.get(table, 0) + rows.height
        absent = dict.fromkeys(sorted({*DEPARTMENTS[department]} - {*tables}), 0)
        _manifest(place, department, first, last, sent, counts | absent)

    def _addressed(self, department: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Whose record it is and whose delivery, in front of the table's own columns."""
        who = frame["_who"]
        envelope = [
            self.firms.uscc.gather(who).alias("uscc"),
            self.firms.name.gather(who).alias("entity_name"),
            self.firms.region.gather(who).alias("region_code"),
        ]
        authority = pl.lit(authority_code(department)).alias("authority_uscc")
        told = frame.with_columns(
            *envelope, authority, source_dept=pl.lit(department), source_system=pl.lit(department)
        )
        order = [
            "uscc", "entity_name", "source_dept", "authority_uscc", "source_system",
            "source_record_no", "region_code", "operation",
        ]  # fmt: skip
        return told.select("_who", "_arrives", *order, pl.exclude("_who", "_arrives", *order))

    def _again(self, department: str, table: str, half: int, again: pl.DataFrame) -> None:
        """What the department sends once more with its next delivery."""
        if again.height:
            bare = again.drop(
                "uscc", "entity_name", "source_dept", "authority_uscc", "source_system",
                "region_code",
            )  # fmt: skip
            later = self._waiting.setdefault(half + 1, {})
            later.setdefault((department, table), []).append(bare)

    def _suffix(self, department: str) -> str:
        large = len(self.firms) >= ALL_PARQUET
        return "parquet" if large or department in PARQUET else "csv"


def clear(folder: Path) -> None:
    """Remove what an earlier run left."""
    shutil.rmtree(folder, ignore_errors=True)


def _half(days: Days) -> Ints:
    """Number of the half-month of each day, counted from January 1970."""
    moments = days.astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    of_month = (moments - months.astype("datetime64[D]")).astype(np.int64)
    return np.asarray(2 * months.astype(np.int64) + (of_month >= 15))


def _period(half: int, turn: int, ends: date | None) -> tuple[date, date, str]:
    """First and last day of a half-month, and the moment at which it is sent.

    The departments send one after the other, the register first: what arrives at the same moment
    does not see one another.
    """
    years, month = divmod(half // 2, 12)
    first = date(1970 + years, month + 1, 1)
    if half % 2 == 0:
        last = first.replace(day=15)
    else:
        last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        first = first.replace(day=16)
    sent, hour = last + timedelta(days=2), 9
    if ends is not None and sent > ends:
        sent, hour, last = ends, 22 if last < ends else 23, min(last, ends)
    return first, last, f"{sent:%Y-%m-%d}T{hour:02d}:{turn * 5:02d}:00+08:00"


def _manifest(
    place: Path, department: str, first: date, last: date, sent: str, counts: Mapping[str, int]
) -> None:
    lines = [
        f'department = "{department}"',
        f"period_from = {first}",
        f"period_to = {last}",
        f"sent_at = {sent}",
        "",
        "[rows]",
        *(f'"{name}" = {count}' for name, count in counts.items()),
    ]
    (place / "manifest.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write(rows: pl.DataFrame, path: Path) -> None:
    clean = rows.drop("_who", "_arrives")
    if path.suffix == ".parquet":
        clean.write_parquet(path, compression="zstd", compression_level=3, statistics=False)
    else:
        clean.with_columns(pl.col(pl.List(pl.String)).list.join("|")).write_csv(path)


def _column(value: object, n: int) -> pl.Series:
    if isinstance(value, pl.Series):
        return value
    if isinstance(value, np.ndarray):
        return pl.Series(value)
    return pl.Series([value]).new_from_index(0, n)


def _short(table: str) -> str:
    return "".join(word[0] for word in table.split("_")).upper()
