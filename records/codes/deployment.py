"""Code tables that change by the year: as delivered, and as a deployment's own files extend them.

A file of the home folder that is named as a delivered one, with the same columns, adds its rows;
where both have a row, the deployment's holds. So a new district or another agreed limit of arrival
needs no release.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from xinheng.errors import BadMapping
from xinheng.records.codes.dictionary import industries, is_industry
from xinheng.records.codes.regions import Regions

REGIONS, INDUSTRIES, LAGS = "regions.csv", "industries.csv", "lags.csv"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    REGIONS: ("code", "name", "first_year", "abolished_year"),
    INDUSTRIES: ("code", "name_zh"),
    LAGS: ("record_type", "days", "kind"),
}
"""The files, and the columns that each must have."""
KINDS = ("working", "calendar")
Row = Mapping[str, str]


@dataclass(frozen=True)
class CodeTables:
    """The code tables of one deployment."""

    regions: Regions
    industries: Mapping[str, str]
    lags: Mapping[str, Row]
    """By table the agreed days from event to arrival, working or calendar."""
    own_rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of the deployment's own, by file."""

    def is_industry(self, code: str) -> bool:
        """As `dictionary.is_industry`, with the deployment's own divisions."""
        return is_industry(code, self.industries)


@cache
def delivered_codes() -> CodeTables:
    """The tables as they come with the product."""
    folder = Path(str(files("xinheng.records.codes")))
    rows = {name: _read(folder / name) for name in (REGIONS, LAGS)}
    regions = Regions.of(rows[REGIONS], where=REGIONS)
    return CodeTables(regions, industries(), _by_table(rows[LAGS], where=LAGS))


def codes_of(home: Path) -> CodeTables:
    """The tables of a deployment, read again only when a file of its own has changed.

    Raises
    ------
    BadMapping
        If a file of the deployment's own lacks a column, or a row cannot be read.
    """
    there = [home / name for name in COLUMNS if (home / name).is_file()]
    stamps = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in there)
    return _extended(stamps) if stamps else delivered_codes()


@cache
def _extended(stamps: tuple[tuple[Path, int, int], ...]) -> CodeTables:
    own = {path.name: (path, _read(path)) for path, _, _ in stamps}
    base = delivered_codes()
    regions, sections, lags = base.regions, dict(base.industries), dict(base.lags)
    for name, (path, rows) in own.items():
        if name == REGIONS:
            regions = regions.extended(Regions.of(rows, where=str(path)))
        elif name == INDUSTRIES:
            sections |= {row["code"]: row["name_zh"] for row in rows}
        else:
            lags |= _by_table(rows, where=str(path))
    return CodeTables(regions, sections, lags, {name: len(rows) for name, (_, rows) in own.items()})


def _by_table(rows: list[dict[str, str]], *, where: str) -> dict[str, Row]:
    for row in rows:
        if not row["days"].isdigit() or row["kind"] not in KINDS:
            told = f"{row['days']!r} {row['kind']!r}"
            raise BadMapping(
                f"{where}: the limit of {row['record_type']} is {told}",
                hint=f"give whole days, and {' or '.join(KINDS)}",
            )
    return {row["record_type"]: row for row in rows}


def _read(path: Path) -> list[dict[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadMapping(f"{path} is not UTF-8", hint="save it as CSV in UTF-8") from None
    found = csv.DictReader(lines)
    lacking = [name for name in COLUMNS[path.name] if name not in (found.fieldnames or ())]
    if lacking:
        raise BadMapping(
            f"{path} lacks column {lacking[0]}",
            hint=f"its columns: {', '.join(COLUMNS[path.name])}",
        )
    return [{key: value or "" for key, value in row.items() if key} for row in found]
