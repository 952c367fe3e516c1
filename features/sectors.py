"""Which sectors an enterprise belongs to at a moment: by its licences, else by industry code.

A sector is a file `<sector>.toml` beside its pack (domain specification, section 6).
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
from xinheng.features.vocabulary import flag, latest_flag
from xinheng.features.vocabulary.fold import Aggregation, Floats


class Sector(BaseModel):
    """Who is in a sector; a licence decides over the industry code where they differ."""

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
    """The columns that tell the sectors of an enterprise: `licensed_<s>`, then `coded_<s>`."""
    licensed = [
        _plain(f"licensed_{name}", "licence", flag(pl.col("licence_kind").is_in(one.licence_kinds)))
        for name, one in sectors().items()
    ]
    coded = [
        _plain(f"coded_{name}", "entity", latest_flag(_coded(one)))
        for name, one in sectors().items()
    ]
    return tuple(column for one in (*licensed, *coded) for column in one.columns)


def members(told: Mapping[str, Floats]) -> Mapping[str, NDArray[np.bool_]]:
    """By sector, which questions' enterprises are in it; in several, or in none."""
    decides = np.any([told[f"licensed_{name}"] > 0 for name in sectors()], axis=0)
    return {
        name: np.where(decides, told[f"licensed_{name}"] > 0, told[f"coded_{name}"] > 0)
        for name in sectors()
    }


def sector_members(values: pl.DataFrame) -> Mapping[str, NDArray[np.bool_]]:
    """As `members`, of the columns of `membership` as the engine computes them."""
    return members({c.name: values[c.name].to_numpy() for c in membership()})


def _coded(sector: Sector) -> pl.Expr:
    prefixes = "|".join(re.escape(code) for code in sector.industry_codes)
    return pl.col("industry_code").str.contains(f"^(?:{prefixes})")


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
