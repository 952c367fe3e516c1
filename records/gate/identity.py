"""Whose record it is: codes, the register, names, and one code per enterprise."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from xinheng.domain import uscc_fault
from xinheng.records.codes.columns import valid_organisations, valid_usccs
from xinheng.records.duties.days import legal_day
from xinheng.records.gate.catalogue import Check, Failure, Scene

SURROGATE_PREFIX = "9100"
"""Codes made from foreign registers: the Chinese register knows none of them."""
ENDED = ("revoked", "ordered_closed", "cancelled", "moved_out")
_REASONS = {
    r"^(\d+) characters, expected 18$": "长度${1}位,应为18位",
    r"^character ('.*') is not in the alphabet$": "含非法字符${1}",
    r"^check character is (.), expected (.)$": "校验码为${1},应为${2}",
}
_FOLDED = {"（": "", "）": "", "(": "", ")": "", "【": "", "】": "", "[": "", "]": "", "·": ""}


def invalid_codes(scene: Scene) -> Iterator[Failure]:
    codes = scene.rows["uscc"]
    valid = valid_usccs(codes)
    if valid.all():
        return
    wrong = ~valid & codes.is_not_null()
    faults = {code: uscc_fault(code) or "" for code in codes.filter(wrong).unique()}
    reason = codes.replace_strict(faults, default="", return_dtype=pl.String)
    said = reason
    for english, chinese in _REASONS.items():
        said = said.str.replace(english, chinese)
    yield Failure(wrong, "uscc", {"reason": reason, "reason_zh": said})


def odd_organisation_codes(scene: Scene) -> Iterator[Failure]:
    codes = scene.rows["uscc"]
    yield Failure(valid_usccs(codes) & ~valid_organisations(codes), "uscc")


CODES: dict[str, Check] = {"QC01": invalid_codes}


def outside_the_register(scene: Scene) -> Iterator[Failure]:
    """Not registered on the day of the event; only where the register is delivered at all."""
    if scene.table.name == "entity":
        return
    register = (
        scene.records("entity")
        .group_by("uscc")
        .agg(_since=pl.col("established_on").min())
        .collect(engine="streaming")
    )
    if register.height == 0 and scene.everyone("entity").head(1).collect().height == 0:
        return
    found = _beside(scene.rows, register)
    early = legal_day(pl.col("event_at")) < pl.col("_since")
    unknown = found.select(pl.col("_since").is_null() | early).to_series()
    yield Failure(unknown & _chinese(scene.rows), "uscc")


def foreign_names(scene: Scene) -> Iterator[Failure]:
    """A name that the code never bore, spaces, brackets and full-width characters folded."""
    register = scene.records("entity").select("uscc", "name_zh", "event_at")
    changes = scene.records("entity_change").filter(pl.col("change_item") == "name")
    named = [
        register.select("uscc", name="name_zh"),
        *(changes.select("uscc", name=side) for side in ("before_text", "after_text")),
    ]
    names = pl.concat(named).collect(engine="streaming").drop_nulls()
    folded = names.select("uscc", name=folded_name("name")).unique()
    known = folded.select("uscc", _known=True).unique("uscc")
    rows = scene.rows.select("uscc", name=folded_name("entity_name"))
    matched = rows.join(
        folded.with_columns(_right=True), on=["uscc", "name"], how="left", maintain_order="left"
    )["_right"].fill_null(value=False)
    registered = _beside(scene.rows, known)["_known"].fill_null(value=False)
    latest = register.sort("event_at").group_by("uscc").agg(pl.col("name_zh").last())
    now = _beside(scene.rows, latest.collect())["name_zh"]
    wrong = registered & ~matched & _chinese(scene.rows)
    yield Failure(wrong, "entity_name", {"registered_name": now})


def folded_name(column: str) -> pl.Expr:
    """A name without spaces and brackets, half-width, upper case."""
    bare = pl.col(column).str.replace_all(r"[\s\u3000]", "").str.replace_many(_FOLDED)
    wide = [chr(code) for code in range(0xFF01, 0xFF5F)]
    return bare.str.replace_many(wide, [chr(ord(c) - 0xFEE0) for c in wide]).str.to_uppercase()


def several_codes(scene: Scene) -> Iterator[Failure]:
    """One firm under two codes, or two active registrations under one code."""
    living = ~pl.col("status").is_in(ENDED)
    register = scene.everyone("entity").filter(living)
    same = [folded_name("name_zh").alias("_name"), folded_name("address_text").alias("_address")]
    twins = (
        register.select("uscc", "established_on", *same)
        .group_by("_name", "_address", "established_on")
        .agg(_codes=pl.col("uscc").unique().sort())
        .filter(pl.col("_codes").list.len() > 1)
        .collect(engine="streaming")
    )
    keys = ["_name", "_address", "established_on"]
    rows = scene.rows.with_columns(same)
    codes = rows.join(twins, on=keys, how="left", maintain_order="left")["_codes"]
    active = scene.rows.select(living).to_series()
    yield Failure(codes.is_not_null() & active, "uscc", {"uscc_list": codes})
    double = (
        scene.records("entity")
        .filter(living)
        .group_by("uscc")
        .agg(_double=pl.struct("source_system", "source_record_no").n_unique() > 1)
        .collect(engine="streaming")
    )
    twice = _beside(scene.rows, double)["_double"].fill_null(value=False)
    yield Failure(twice & active, "uscc", {"uscc_list": pl.col("uscc")})


REGISTER: dict[str, Check] = {
    "QC02": outside_the_register,
    "QC03": foreign_names,
    "QC04": odd_organisation_codes,
    "QC05": several_codes,
}


def _beside(rows: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Facts of each row's enterprise, in the order of the rows."""
    return rows.select("uscc", "event_at").join(facts, on="uscc", how="left", maintain_order="left")


def _chinese(rows: pl.DataFrame) -> pl.Series:
    return ~rows["uscc"].str.starts_with(SURROGATE_PREFIX)
