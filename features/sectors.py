"""Which sectors an enterprise belongs to at a moment: by its licences, else by industry code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import polars as pl

from xinheng.features.knowledge import Source, known, latest


@cache
def sectors() -> Mapping[str, Mapping[str, list[str]]]:
    """Sector definitions from `sectors.toml`."""
    text = files("xinheng.features").joinpath("sectors.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def with_sectors(asked: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Add `in_<sector>` to each question; an enterprise can be in several sectors, or in none."""
    question = asked.lazy().select("q", "uscc", "as_of")
    usccs = asked["uscc"].unique().to_list()
    licences = (
        known(question, source.rows("licence", usccs))
        .group_by("q")
        .agg(pl.col("licence_kind").unique().alias("_kinds"))
    )
    registered = latest(known(question, source.rows("entity", usccs)), "q")
    codes = registered.select("q", pl.col("industry_code").alias("_code"))
    facts = asked.lazy().join(licences, on="q", how="left").join(codes, on="q", how="left")
    decides = pl.any_horizontal(_licensed(name) for name in sectors()).fill_null(value=False)
    member = {
        f"in_{name}": pl.when(decides).then(_licensed(name)).otherwise(_by_code(name))
        for name in sectors()
    }
    return (
        facts.with_columns(
            expression.fill_null(value=False).alias(name) for name, expression in member.items()
        )
        .drop("_kinds", "_code")
        .sort("q")
        .collect()
    )


def _licensed(sector: str) -> pl.Expr:
    kinds = sectors()[sector]["licence_kinds"]
    return pl.col("_kinds").list.eval(pl.element().is_in(kinds)).list.any()


def _by_code(sector: str) -> pl.Expr:
    prefixes = sectors()[sector]["industry_codes"]
    return pl.any_horizontal(pl.col("_code").str.starts_with(prefix) for prefix in prefixes)
