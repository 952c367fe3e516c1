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
    """Not registered on the day of the event; only where the register is delivered by then."""
    if scene.table.name == "entity":
        return
    register = scene.records("entity").beside(["uscc"], state="held", _since="established_on")
    since = register.agg(since=pl.col("_since").min())["since"]
    happened = scene.rows.select(legal_day(pl.col("event_at"))).to_series()
    unknown = (since.is_null() | (happened < since)) & _chinese(scene.rows)
    if unknown.any():
        yield Failure(unknown & scene.everyone("entity").are_delivered(), "uscc")


def foreign_names(scene: Scene) -> Iterator[Failure]:
    """A name that the code never bore, spaces, brackets and full-width characters folded."""
    own = {"_own": folded_name("entity_name")}
    register = scene.records("entity").beside(
        ["uscc"], state="ever", viewers=own,
        _name=folded_name("name_zh"), _full="name_zh", _since="event_at",
    )  # fmt: skip
    changes = scene.records("entity_change").where(pl.col("change_item") == "name")
    named = [register] + [
        changes.beside(["uscc"], state="ever", viewers=own, _name=folded_name(side))
        for side in ("before_text", "after_text")
    ]
    borne = [pairs.where(pl.col("_name").is_not_null()) for pairs in named]
    is_own = (pl.col("_name") == pl.col("_own")).any()
    same = pl.DataFrame({str(i): pairs.agg(_=is_own)["_"] for i, pairs in enumerate(borne)})
    is_known = pl.any_horizontal(pl.all().is_not_null())
    never = same.select(is_known & ~pl.any_horizontal(pl.all().fill_null(value=False))).to_series()
    now = register.agg(now=pl.col("_full").sort_by("_since").last())["now"]
    yield Failure(never & _chinese(scene.rows), "entity_name", {"registered_name": now})


def folded_name(column: str) -> pl.Expr:
    """A name without spaces and brackets, half-width, upper case."""
    bare = pl.col(column).str.replace_all(r"[\s\u3000]", "").str.replace_many(_FOLDED)
    wide = [chr(code) for code in range(0xFF01, 0xFF5F)]
    return bare.str.replace_many(wide, [chr(ord(c) - 0xFEE0) for c in wide]).str.to_uppercase()


def several_codes(scene: Scene) -> Iterator[Failure]:
    """One firm under two codes, or two living registrations under one code.

    Only registrations that stand when the row arrives: not those that a later version ended.
    """
    living = ~pl.col("status").is_in(ENDED)
    goes_on = scene.rows.select(living & (pl.col("operation") != "withdraw")).to_series()
    same = {"_name": folded_name("name_zh"), "_address": folded_name("address_text")}
    on = {**same, "established_on": pl.col("established_on")}
    twins = scene.everyone("entity").where(living).beside(
        on, others=True, viewers={**same, "_own": pl.col("uscc")}, _code="uscc"
    )  # fmt: skip
    elsewhere = twins.where(pl.col("_code") != pl.col("_own"))
    codes = elsewhere.agg(codes=pl.concat([pl.col("_own"), pl.col("_code")]).unique().sort())
    several = codes["codes"].is_not_null() & goes_on
    yield Failure(several, "uscc", {"uscc_list": codes["codes"]})
    twice = scene.records("entity").where(living).beside(["uscc"], others=True).any()
    yield Failure(twice & goes_on, "uscc", {"uscc_list": pl.col("uscc")})


REGISTER: dict[str, Check] = {
    "QC02": outside_the_register,
    "QC03": foreign_names,
    "QC04": odd_organisation_codes,
    "QC05": several_codes,
}


def _chinese(rows: pl.DataFrame) -> pl.Series:
    return ~rows["uscc"].str.starts_with(SURROGATE_PREFIX)
