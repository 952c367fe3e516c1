"""Whose record it is: codes, the register, names, and one code per enterprise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from operator import or_

import polars as pl

from xinheng.domain import shape_fault, uscc_fault
from xinheng.records.codes.columns import valid_organisations, valid_usccs
from xinheng.records.codes.names import normal_name
from xinheng.records.codes.succession import LEFT
from xinheng.records.duties.days import legal_day
from xinheng.records.gate.catalogue import Check, Failure, Said, Scene, Severity
from xinheng.records.gate.subjects import contradicted_types
from xinheng.records.tables import MOMENT

SURROGATE_PREFIX = "9100"
"""Codes made from foreign registers: the Chinese register knows none of them."""
_HELD_EN = (
    "USCC {uscc} is outside the check rule: {reason}. It is held: correct it, or let two persons, "
    "one of them of {source_dept}, confirm that the code is in force."
)
_HELD_ZH = (
    "统一社会信用代码{uscc}不符合校验规则({reason}),已暂存:请更正,"
    "或由两人(其中一人为{source_dept})核准该代码有效。"
)
_REFUSED_EN = (
    "USCC {uscc} is not valid: {reason}. Correct it and resend record {source_record_no}; if the "
    "firm does bear it, the register has to send and confirm its entry first."
)
_REFUSED_ZH = (
    "统一社会信用代码{uscc}校验不通过({reason}),请更正后重报记录{source_record_no};"
    "如该主体确系使用此代码,须先由登记机关报送并核准其登记信息。"
)
_STANDS_EN = (
    "The former code {former_uscc} of {uscc} still has a living entry: send its end (moved_out or "
    "cancelled); until then both count as firms of their own."
)
_STANDS_ZH = "{uscc}的原代码{former_uscc}登记状态仍为存续,请报送其迁出或注销;此前按两个主体处理。"
_SILENT_EN = (
    "Name, address and founding day of {uscc} are those of {codes}, which has ended. If it is the "
    "same firm, send {uscc} again with former_uscc; until then nothing of {codes} is joined to it."
)
_SILENT_ZH = (
    "{uscc}与已迁出或注销的{codes}名称、住所、成立日期相同;如系同一主体,"
    "请补报former_uscc后重报,此前不合并其记录。"
)
ENDED = ("revoked", "ordered_closed", "cancelled", "moved_out")
_TWICE_EN = (
    "Code {uscc} stands for two living registrations, {source_record_no} and {number}. "
    "Correct the wrong one in your system, or end it."
)
_TWICE_ZH = (
    "代码{uscc}同时对应两条存续登记:{source_record_no}与{number}。请更正有误的一条或办理终止。"
)
_REASONS = {
    r"^a number that a spreadsheet .*$": "为科学计数法,原代码已失真,请将该列设为文本格式",
    r"^(\d+) characters, expected 18$": "长度${1}位,应为18位",
    r"^character ('.*') is not in the alphabet$": "含非法字符${1}",
    r"^check character is (.), expected (.)$": "校验码为${1},应为${2}",
}


def invalid_codes(scene: Scene) -> Iterator[Failure]:
    """Texts that are no code: their length or a character is wrong."""
    codes = scene.rows["uscc"]
    faults = _faults(codes.filter(~valid_usccs(codes)), shape_fault)
    if faults:
        yield Failure(codes.is_in([*faults]), "uscc", _reasons(codes, faults))


def unconfirmed_codes(scene: Scene) -> Iterator[Failure]:
    """Codes outside the check rule that the register has not confirmed by then.

    The register's own entry with such a code waits for its confirmation; the records of others
    go back until the code is confirmed.
    """
    codes = scene.rows["uscc"]
    wrong = ~valid_usccs(codes)
    if not wrong.any():
        return
    since = codes.replace_strict(scene.confirmed, default=None, return_dtype=MOMENT)
    wrong &= ~(since <= scene.rows["known_at"]).fill_null(value=False)
    is_register = scene.table.name == "entity"
    severity: Severity = "quarantine" if is_register else "reject"
    messages = (_HELD_EN, _HELD_ZH) if is_register else (_REFUSED_EN, _REFUSED_ZH)
    faults = _faults(codes.filter(wrong), uscc_fault)
    yield Failure(wrong, "uscc", _reasons(codes, faults), severity, messages)


def _faults(codes: pl.Series, fault_of: Callable[[str], str | None]) -> dict[str, str]:
    """What is wrong with each code, of those of which something is."""
    faults = {code: fault_of(code) for code in codes.drop_nulls().unique()}
    return {code: fault for code, fault in faults.items() if fault is not None}


def _reasons(codes: pl.Series, faults: Mapping[str, str]) -> Said:
    """What is wrong with each code, in both languages."""
    reason = codes.replace_strict(faults, default="", return_dtype=pl.String)
    chinese = reason
    for pattern, words in _REASONS.items():
        chinese = chinese.str.replace(pattern, words)
    return {"reason": reason, "reason_zh": chinese}


def odd_organisation_codes(scene: Scene) -> Iterator[Failure]:
    codes = scene.rows["uscc"]
    yield Failure(valid_usccs(codes) & ~valid_organisations(codes), "uscc")


CODES: dict[str, Check] = {"QC01": invalid_codes}
CONFIRMED_CODES: dict[str, Check] = {"QC01": unconfirmed_codes}


def outside_the_register(scene: Scene) -> Iterator[Failure]:
    """Not registered on the day of the event; only where the register is delivered by then."""
    if scene.table.name == "entity":
        return
    entries = scene.records("entity").that_arrived()
    register = entries.beside(["uscc"], state="held", _since="established_on")
    since = register.agg(since=pl.col("_since").min())["since"]
    happened = scene.rows.select(legal_day(pl.col("event_at"))).to_series()
    unknown = (since.is_null() | (happened < since)) & _chinese(scene.rows)
    if unknown.any():
        unknown &= ~_succeeded(scene, unknown)
        yield Failure(unknown & scene.everyone("entity").are_delivered(), "uscc")


def _succeeded(scene: Scene, unknown: pl.Series) -> pl.Series:
    """Which of some rows came under a code that another had succeeded by then."""
    entries = scene.everyone("entity").that_arrived().where(pl.col("former_uscc").is_not_null())
    named = entries.beside({"uscc": pl.col("former_uscc")}).any()
    codes, rows = scene.successions, scene.rows
    if not codes.pieces:
        return named
    asked = zip(rows["uscc"], rows["known_at"], unknown, strict=True)
    return named | pl.Series([bool(n and codes.present(c, at) != c) for c, at, n in asked])


def foreign_names(scene: Scene) -> Iterator[Failure]:
    """A name that the code never bore, spaces, brackets and full-width characters folded."""
    own = {"_own": normal_name("entity_name")}
    register = scene.records("entity").beside(
        ["uscc"], state="ever", viewers=own,
        _name=normal_name("name_zh"), _full="name_zh", _since="event_at",
    )  # fmt: skip
    changed = scene.records("entity_change").where(pl.col("change_item") == "name")
    changes = changed.beside(
        ["uscc"], state="ever", viewers=own,
        _name=normal_name("before_text"), _after=normal_name("after_text"),
    )  # fmt: skip
    names = [(register, ["_name"]), (changes, ["_name", "_after"])]
    borne, known = (
        reduce(or_, (pairs.where(pl.any_horizontal(tests)).any() for pairs, tests in told))
        for told in (
            [(pairs, [pl.col(n) == pl.col("_own") for n in sides]) for pairs, sides in names],
            [(pairs, [pl.col(n).is_not_null() for n in sides]) for pairs, sides in names],
        )
    )
    never = known & ~borne & _chinese(scene.rows)
    if never.any():
        now = register.agg(in_order=True, now=pl.col("_full").sort_by("_since").last())["now"]
        yield Failure(never, "entity_name", {"registered_name": now})


def several_codes(scene: Scene) -> Iterator[Failure]:
    """One firm under two codes, or two living registrations under one code.

    Only registrations that stand when the row arrives: not those that a later version ended.
    """
    living = ~pl.col("status").is_in(ENDED)
    goes_on = scene.rows.select(living & (pl.col("operation") != "withdraw")).to_series()
    same = {"_name": normal_name("name_zh"), "_address": normal_name("address_text")}
    on = {**same, "established_on": pl.col("established_on")}
    twins = scene.everyone("entity").where(living).beside(
        on, others=True, _code="uscc",
        viewers={**same, "_own": pl.col("uscc"), "_former": _stated_former(scene)},
    )  # fmt: skip
    elsewhere = twins.where(
        pl.col("_code") != pl.col("_own"), pl.col("_code").ne_missing(pl.col("_former"))
    )
    codes = elsewhere.agg(codes=pl.concat([pl.col("_own"), pl.col("_code")]).unique().sort())
    several = codes["codes"].is_not_null() & goes_on
    yield Failure(several, "uscc", {"uscc_list": codes["codes"]})
    others = scene.records("entity").where(living).beside(
        ["uscc"], others=True, _no="source_record_no"
    )  # fmt: skip
    number = others.agg(number=pl.col("_no").min())["number"]
    twice = number.is_not_null() & goes_on
    yield Failure(twice, "uscc", {"number": number}, messages=(_TWICE_EN, _TWICE_ZH))
    yield from _unclear_successions(scene, goes_on)


def _stated_former(scene: Scene) -> pl.Expr:
    return pl.col("former_uscc") if scene.has("former_uscc") else pl.lit(None, pl.String())


def _unclear_successions(scene: Scene, goes_on: pl.Series) -> Iterator[Failure]:
    """Questions to the register: a former code that still stands, or one that is not named.

    Both rows count: the first as two firms until the former code ends, the second as a firm of
    its own until the register names the code that it seems to have borne.
    """
    former = {"_former": _stated_former(scene)}
    living = scene.everyone("entity").where(~pl.col("status").is_in(ENDED))
    stands = living.beside({"_former": pl.col("uscc")}, others=True, viewers=former).any()
    yield Failure(
        stands & goes_on, "former_uscc", severity="warn", messages=(_STANDS_EN, _STANDS_ZH)
    )
    same = {"_name": normal_name("name_zh"), "_address": normal_name("address_text")}
    on = {**same, "established_on": pl.col("established_on")}
    left = scene.everyone("entity").where(pl.col("status").is_in(LEFT))
    before = left.beside(
        on, others=True, viewers={**same, **former, "_own": pl.col("uscc")}, _code="uscc"
    ).where(pl.col("_code") != pl.col("_own"), pl.col("_former").is_null())
    codes = before.agg(codes=pl.col("_code").unique().sort())["codes"]
    silent = codes.is_not_null() & goes_on
    yield Failure(silent, "former_uscc", {"codes": codes}, "warn", (_SILENT_EN, _SILENT_ZH))


REGISTER: dict[str, Check] = {
    "QC02": outside_the_register,
    "QC03": foreign_names,
    "QC04": odd_organisation_codes,
    "QC05": several_codes,
    "QC20": contradicted_types,
}


def _chinese(rows: pl.DataFrame) -> pl.Series:
    return ~rows["uscc"].str.starts_with(SURROGATE_PREFIX)
