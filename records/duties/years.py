"""Yearly files of the working-day calendar: what a State Council notice says of one year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.errors import BadMapping
from xinheng.records.sources.mapping import read_toml

FIXED = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
"""Month and day of the holidays that need no notice: they stand in the regulation itself."""
FIXED_SINCE = 2025
"""Since this year they are holidays whatever a notice says (2 May was none from 2008 to 2024)."""
FORM = (
    "write `holidays = [2027-01-01, { from = 2027-02-05, to = 2027-02-11 }]` and "
    "`workdays = [2027-02-20]`; see docs/ledger.md"
)
DELIVERED = Path(str(files("xinheng.records.duties") / "calendar"))


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stretch(_Strict):
    """Holidays from one day to another, both of them free."""

    name: str = Field("", description="Of the festival")
    first: date = Field(alias="from", description="First free day")
    last: date = Field(alias="to", description="Last free day")

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"`from` {self.first} lies after `to` {self.last}")
        return self


class YearNotice(_Strict):
    """The notice on one year: free days, and Saturdays and Sundays that are worked for them."""

    source: str = Field("", description="Number of the notice")
    holidays: tuple[date | Stretch, ...] = Field(
        description="Free days, each a day or a table with `from` and `to`"
    )
    workdays: tuple[date, ...] = Field((), description="Saturdays and Sundays that are worked")

    @property
    def days(self) -> dict[date, bool]:
        """Every day that the notice names: whether it is worked."""
        free = dict.fromkeys((day for one in self.holidays for day in _days(one)), False)
        return free | dict.fromkeys(self.workdays, True)


def read_years(folder: Path) -> Mapping[int, YearNotice]:
    """The notices of a folder by year; none where there is no such folder.

    Raises
    ------
    BadMapping
        If a file is named after no year, is no notice, or contradicts itself or the regulation.
    """
    return {_year(path): _read(path) for path in sorted(folder.glob("*.toml"))}


def fixed_holidays(year: int) -> Iterator[date]:
    """The holidays of a year that are known without a notice."""
    return (date(year, month, day) for month, day in FIXED)


def _days(one: date | Stretch) -> list[date]:
    if isinstance(one, date):
        return [one]
    return [one.first + timedelta(days=n) for n in range((one.last - one.first).days + 1)]


def _year(path: Path) -> int:
    if not (path.stem.isdigit() and len(path.stem) == 4):
        raise BadMapping(f"{path.name} is named after no year", hint="name it as 2027.toml")
    return int(path.stem)


def _read(path: Path) -> YearNotice:
    try:
        notice = YearNotice.model_validate(read_toml(path))
    except ValidationError as fault:
        raise _fault(path, fault) from None
    if problem := _problem(notice, _year(path)):
        raise BadMapping(f"{path}: {problem}", hint=FORM)
    return notice


def _fault(path: Path, fault: ValidationError) -> BadMapping:
    error = fault.errors()[-1]  # of a day or a table: what is wrong with the table
    message = error["msg"].removeprefix("Value error, ")
    return BadMapping(f"{path}, {'.'.join(map(str, error['loc']))}: {message}", hint=FORM)


def _problem(notice: YearNotice, year: int) -> str:
    """What is wrong with a notice; empty where it is sound."""
    free = {day for one in notice.holidays for day in _days(one)}
    if twice := sorted(free & {*notice.workdays}):
        return f"{twice[0]} is a holiday and a working day"
    strange = [d for d in notice.days if d.year != year and (d.year, d.month) != (year - 1, 12)]
    if strange:
        return f"{strange[0]} is no day of {year}"
    if idle := [day for day in notice.workdays if day.weekday() < 5]:
        return f"{idle[0]} is no Saturday or Sunday: it is worked without a notice"
    taken = {*fixed_holidays(year)} & {*notice.workdays} if year >= FIXED_SINCE else set()
    return f"{min(taken)} is a holiday by regulation and cannot be worked" if taken else ""
