"""Which sectors an enterprise belongs to at a moment: by industry code, and by licences in force.

Sectors add up. A licence that stands at that moment adds its sector and removes none; only the
authority's own profile of the enterprise decides otherwise, with the attribute `in_sector` of a
sector: 1 in it, 0 not in it, while that row is valid. A sector is a file `<sector>.toml` beside its
pack (domain specification, section 6).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from xinheng.features import packs
from xinheng.features.indicator import GENERAL, FeatureColumn, Indicator
from xinheng.features.vocabulary import begun, flag, lasting, latest, latest_flag
from xinheng.features.vocabulary.fold import Aggregation, Floats, Rows, rows

IN_FORCE = ("valid", "suspended")
"""Who holds a suspended licence is still in its trade, and under its rules."""
IN_SECTOR = "in_sector"
"""Attribute of `sector_profile` by which the authority decides."""


class Sector(BaseModel):
    """Who is in a sector: by one of the industry codes or by one of the licences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name_zh: str
    name_en: str
    industry_codes: tuple[str, ...]
    """Prefixes of GB/T 4754 codes."""
    licence_kinds: tuple[str, ...]


@cache
def sectors() -> Mapping[str, Sector]:
    """Sector definitions by name."""
    found = {
        path.stem: Sector.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        for folder in packs.__path__
        for path in Path(folder).glob("*.toml")
    }
    return dict(sorted(found.items()))


@cache
def membership() -> tuple[FeatureColumn, ...]:
    """Columns that tell an enterprise's sectors: `licensed_<s>`, `coded_<s>`, `declared_<s>`."""
    licensed = [
        _plain(f"licensed_{name}", "licence", flag(_licensed(one)))
        for name, one in sectors().items()
    ]
    coded = [
        _plain(f"coded_{name}", "entity", latest_flag(_coded(one)))
        for name, one in sectors().items()
    ]
    declared = [
        _plain(f"declared_{name}", "sector_profile", latest("value_num", _declared(name)))
        for name in sectors()
    ]
    return tuple(column for one in (*licensed, *coded, *declared) for column in one.columns)


def members(told: Mapping[str, Floats]) -> Mapping[str, NDArray[np.bool_]]:
    """By sector, which questions' enterprises are in it; in several, or in none."""
    found = {}
    for name in sectors():
        inside = (told[f"licensed_{name}"] > 0) | (told[f"coded_{name}"] > 0)
        declared = told[f"declared_{name}"]
        found[name] = np.where(np.isnan(declared), inside, declared > 0)
    return found


def sector_members(values: pl.DataFrame) -> Mapping[str, NDArray[np.bool_]]:
    """As `members`, of the columns of `membership` as the engine computes them."""
    return members({c.name: values[c.name].to_numpy() for c in membership()})


def _coded(sector: Sector) -> pl.Expr:
    prefixes = "|".join(re.escape(code) for code in sector.industry_codes)
    return pl.col("industry_code").str.contains(f"^(?:{prefixes})")


def _licensed(sector: Sector) -> Rows:
    """Licences of the sector's kinds that have begun and have not ended."""
    kinds = pl.col("licence_kind").is_in(sector.licence_kinds)
    stands = rows(kinds & pl.col("status").is_in(IN_FORCE))
    return stands & begun("valid_from") & lasting("valid_to")


def _declared(name: str) -> Rows:
    return rows(f"sector = '{name}' and attribute = '{IN_SECTOR}'") & lasting("valid_to")


def _plain(name: str, table: str, value: Aggregation) -> Indicator:
    return Indicator(
        id=name,
        name_zh=name,
        name_en=name,
        scope=GENERAL,
        group_l1="",
        group_l2="",
        table=table,
        value=value,
        windows_days=(0,),
        unit="flag",
        direction="none",
        kind="static",
        rationale="decides which sector indicators apply",
    )
