"""GB/T 2260 regions with their history: what a code was called, from when to when, what followed.

A county that becomes a district, or moves to another prefecture, gets another code; the code of a
firm, which bears the region of its registration, does not change with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from xinheng.errors import BadMapping

NATION = "100000"
"""Firms registered by the State Administration itself bear it."""
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Region:
    """One name of one code; a code that was given twice, or renamed after a gap, has two."""

    code: str
    name: str
    first_year: int | None
    """Year of the first edition that has it; none: since before 1980."""
    abolished_year: int | None
    successors: tuple[str, ...] = ()
    """Codes of what it became, or was merged into or divided among."""


@dataclass(frozen=True)
class Regions:
    """Every code that was ever valid, with its history."""

    history: Mapping[str, tuple[Region, ...]]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str]], *, where: str) -> Regions:
        """Rows of `regions.csv`, in the order of their years.

        Raises
        ------
        BadMapping
            If a row is none.
        """
        found: dict[str, tuple[Region, ...]] = {}
        for number, row in enumerate(rows, start=2):
            region = _region(row, where=f"{where}, line {number}")
            found[region.code] = (*found.get(region.code, ()), region)
        return cls(found)

    def extended(self, own: Regions) -> Regions:
        """With a deployment's own codes; of a code that both have, its own history holds."""
        return Regions({**self.history, **own.history})

    @cached_property
    def edition(self) -> int:
        """The newest year that a row speaks of."""
        years = (y for ones in self.history.values() for one in ones for y in _years(one))
        return max(years, default=0)

    def __contains__(self, code: str) -> bool:
        return code in self.history

    def is_abolished(self, code: str, year: int) -> bool:
        """Whether a code that was once valid is so no longer in a year."""
        ones = self.history.get(code, ())
        ended = ones[-1].abolished_year if ones else None
        return ended is not None and ended < year

    def described(self, code: str) -> str:
        """The code; of an abolished one also its last year and what followed it."""
        ones = self.history.get(code, ())
        if not ones or ones[-1].abolished_year is None:
            return code
        followed = ", ".join(ones[-1].successors) or "-"
        return f"{code} (-{ones[-1].abolished_year} → {followed})"

    def lineage(self, code: str) -> set[str]:
        """The code and everything it became."""
        found, waiting = {code}, [code]
        while waiting:
            ones = self.history.get(waiting.pop(), ())
            new = {*(ones[-1].successors if ones else ())} - found
            found |= new
            waiting += new
        return found

    def agrees(self, born: str, registered: str) -> bool:
        """Whether nobody moved: the region in a firm's code and that of its register are the same.

        The same prefecture, before or after a change of codes, or a province or the nation whose
        office registered the firm.
        """
        if born == NATION or (born.endswith("0000") and born[:2] == registered[:2]):
            return True
        here, there = self.lineage(registered), self.lineage(born)
        return not {code[:4] for code in here}.isdisjoint({code[:4] for code in there})


def _region(row: Mapping[str, str], *, where: str) -> Region:
    code, name = (row.get("code") or "").strip(), (row.get("name") or "").strip()
    successors = tuple(filter(None, (row.get("successor") or "").split("|")))
    for one in (code, *successors):
        if not (len(one) == _DIGITS and one.isascii() and one.isdigit()):
            raise BadMapping(f"{where}: {one!r} is no region code of six digits")
    if not name:
        raise BadMapping(f"{where}: {code} has no name")
    years = [_year(row.get(key), where=where) for key in ("first_year", "abolished_year")]
    return Region(code, name, years[0], years[1], successors)


def _year(text: str | None, *, where: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadMapping(f"{where}: {text!r} is no year")
    return int(text)


def _years(region: Region) -> list[int]:
    return [year for year in (region.first_year, region.abolished_year) if year is not None]
