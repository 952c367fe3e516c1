"""Key fields, dictionaries and dates: what one row must be to be read at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import polars as pl

from xinheng.domain import ZONE
from xinheng.records.frames import Bools, is_in
from xinheng.records.gate.catalogue import FINDING_SCHEMA, Check, Failure, Scene, no_findings, rules
from xinheng.records.sources.numbers import NUMBERS, number_fault
from xinheng.records.sources.shaping import FAULT_SCHEMA, WHOLE_ROW
from xinheng.records.tables import WARNED_OF, Column

A_DAY = np.timedelta64(1, "D")
EARLIEST = np.datetime64(datetime(1949, 10, 1, tzinfo=ZONE).astimezone(UTC).replace(tzinfo=None))
PLACEHOLDERS = frozenset((
    "无", "空", "NULL", "null", "0000", "99999999", "测试", "N/A", "n/a", "-", "/", "未知",
))  # fmt: skip
_SCIENTIFIC = r"^\s*[0-9](\.[0-9]+)?[Ee]\+?[0-9]+\s*$"
_BROKEN_NUMBER = (
    (
        "Number {number} of {field} was made by a spreadsheet, which rounded the real one. "
        "Format the column as text in your system and resend the record."
    ),
    "{field}取值“{number}”是电子表格的科学计数法,原编号已失真;请将该列设为文本格式后重报。",
)


def absent(scene: Scene) -> Iterator[Failure]:
    """Required values that did not arrive, and placeholders in key fields."""
    there = {*scene.rows.columns}
    for column in scene.table.columns:
        if column.stored in there and _has_to_say(column):
            says_nothing = _says_nothing(scene, column)
            if says_nothing.any():
                yield Failure(pl.Series(says_nothing), column.name)
    yield from _broken_numbers(scene)


def _broken_numbers(scene: Scene) -> Iterator[Failure]:
    """Numbers that a spreadsheet has made of longer ones, as 2.02503E+11: which, nobody knows."""
    for column in scene.table.columns:
        if column.is_free_text and column.name.endswith("_no") and scene.has(column.stored):
            number = scene.rows[column.stored]
            broken = number.str.contains(_SCIENTIFIC).fill_null(value=False)
            if broken.any():
                says = {"number": number}
                yield Failure(broken, column.name, says, messages=_BROKEN_NUMBER)


def _has_to_say(column: Column) -> bool:
    """Whether the platform cannot do without a value.

    The reason of a selection is no key field: without it a visit is warned of (QC27).
    """
    if column.name in WARNED_OF:
        return False
    return not column.nullable or _is_key_text(column) or column.name == "event_at"


def _is_key_text(column: Column) -> bool:
    return column.is_key_field and column.is_free_text


def _says_nothing(scene: Scene, column: Column) -> Bools:
    told = scene.rows[column.stored]
    found = np.zeros(len(told), dtype=bool)
    if _is_key_text(column):
        found = is_in(told, PLACEHOLDERS)
    if told.null_count() == 0:
        return found
    is_none = told.is_null().to_numpy()
    if column.name == "event_at":
        return np.asarray(is_none & scene.rows[scene.table.event.stored].is_not_null().to_numpy())
    return found if column.nullable else found | is_none


def impossible_times(scene: Scene) -> Iterator[Failure]:
    """Before 1949, or more than a day after it was known: a record may run ahead of its day.

    It counts from its event on, whenever it was known.
    """
    event, known = (scene.rows[name].to_numpy() for name in ("event_at", "known_at"))
    for is_impossible in (
        event < EARLIEST,
        known < event - A_DAY,
    ):  # what is not there is not earlier
        if is_impossible.any():
            field = scene.table.event.name
            yield Failure(pl.Series(is_impossible), field, {"value": pl.col("event_at")})


FORM: dict[str, Check] = {"QC08": absent, "QC10": impossible_times}


def known_too_late(rows: pl.DataFrame, scored_until: datetime | None) -> pl.DataFrame:
    """Rows that claim to have been known at a moment that was scored without them: a warning."""
    if scored_until is None or rows.height == 0:
        return no_findings()
    rule, scored = rules()["QC11"], scored_until.astimezone(ZONE)
    at = (rows["known_at"] <= scored_until.astimezone(UTC)).arg_true()
    known = pl.col("known_at").dt.convert_time_zone(str(ZONE)).dt.strftime("%Y-%m-%d %H:%M")
    en = f"known_at {{}} lies before {scored:%Y-%m-%d %H:%M}, which was scored without this row."
    zh = f"到达时间{{}}早于{scored:%Y-%m-%d %H:%M}的评分时点,该次评分未用到此记录。"
    return rows[at].select(
        at=at, check=pl.lit(rule.id), severity=pl.lit(rule.severity), field=pl.lit("known_at"),
        message_en=pl.format(en, known), message_zh=pl.format(zh, known),
    ).cast(dict(FINDING_SCHEMA))  # type: ignore[arg-type]  # fmt: skip


def unreadable(faults: pl.DataFrame) -> pl.DataFrame:
    """Findings for values that are no value of their column: dates QC10, all others QC09."""
    if faults.height == 0:
        return no_findings()
    time = pl.col("kind").is_in(["date", "datetime"])
    number = pl.col("kind").is_in(list(NUMBERS))
    row = pl.col("kind") == WHOLE_ROW
    told = [
        _unsplit(faults.filter(row)),
        _unreadable(faults.filter(time), "QC10"),
        _no_numbers(faults.filter(number)),
        _unreadable(faults.filter(~time & ~number & ~row), "QC09"),
    ]
    return pl.concat(told)


def _unsplit(faults: pl.DataFrame) -> pl.DataFrame:
    """Rows that are not one cell a column; what they say cannot be known."""
    rule = rules()["QC08"]
    en = "The row has more cells than the header, or a quote that is not closed: {}"
    zh = "该行单元格数多于表头,或引号未闭合:{}"
    start = pl.col("value").str.slice(0, 80)
    return faults.select(
        at="at", check=pl.lit(rule.id), severity=pl.lit(rule.severity), field="field",
        message_en=pl.format(en, start), message_zh=pl.format(zh, start),
    ).cast(dict(FINDING_SCHEMA))  # type: ignore[arg-type]  # fmt: skip


def _no_numbers(faults: pl.DataFrame) -> pl.DataFrame:
    """Values that are no number of their column, each different one with its reason."""
    rule = rules()["QC09"]
    keys = faults.select("value", "kind").unique()
    why = [number_fault(value, kind) for value, kind in keys.iter_rows()]
    told = keys.with_columns(
        en=pl.Series([en for en, _ in why], dtype=pl.String),
        zh=pl.Series([zh for _, zh in why], dtype=pl.String),
    )
    return faults.join(told, on=["value", "kind"], how="left", maintain_order="left").select(
        at="at", check=pl.lit(rule.id), severity=pl.lit(rule.severity), field="field",
        message_en=pl.format("Value '{}' of {} is {}.", "value", "field", "en"),
        message_zh=pl.format("字段{}取值“{}”{}。", "field", "value", "zh"),
    ).cast(dict(FINDING_SCHEMA))  # type: ignore[arg-type]  # fmt: skip


def _unreadable(faults: pl.DataFrame, check: str) -> pl.DataFrame:
    rule = rules()[check]
    names = [name for name in FAULT_SCHEMA if name != "at"]
    texts = {}
    for language, text in (("message_en", rule.message_en), ("message_zh", rule.message_zh)):
        used = sorted(
            (n for n in names if f"{{{n}}}" in text), key=lambda n: text.index(f"{{{n}}}")
        )
        plain = text
        for name in used:
            plain = plain.replace(f"{{{name}}}", "{}", 1)
        texts[language] = pl.format(plain, *used)
    return faults.select(
        at="at", check=pl.lit(check), severity=pl.lit(rule.severity), field="field", **texts
    ).cast(dict(FINDING_SCHEMA))  # type: ignore[arg-type]


def told_once(findings: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """Leave out "is empty" where the value was there and could not be read, or the whole row."""
    if faults.height == 0:
        return findings
    rows = faults.filter(pl.col("kind") == WHOLE_ROW).select("at").unique()
    findings = findings.join(rows, on="at", how="anti", maintain_order="left")
    unread = faults.select("at", "field").unique().with_columns(check=pl.lit("QC08"))
    return findings.join(unread, on=["at", "field", "check"], how="anti", maintain_order="left")
