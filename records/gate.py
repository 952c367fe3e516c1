"""The quality gate: named checks over typed rows; each row gets one outcome and its reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from xinheng.domain import organisation_check, uscc_fault
from xinheng.records.shaping import FAULTS
from xinheng.records.tables import Table

Severity = Literal["reject", "quarantine", "warn"]

LARGE_FINE_FEN = 100_000_000
"""Above 1,000,000 yuan an amount is disputed data until two persons confirm it (QC12)."""
EARLIEST_DATE = "1949-10-01"
PLACEHOLDERS = ("无", "空", "NULL", "null", "0000", "99999999", "测试")


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the quality-check table: `failing` yields a message for a bad row, else null."""

    id: str
    severity: Severity
    applies_to: str
    """A table, or `*` for all."""
    failing: Callable[[Table, pl.DataFrame], Sequence[pl.Expr]]


def judge(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Add `quality_status` and `reasons` (one text, checks named) to each row."""
    nothing = pl.lit(None, dtype=pl.String)
    found: dict[Severity, list[pl.Expr]] = {
        severity: [nothing] for severity in ("reject", "quarantine", "warn")
    }
    for check in CHECKS:
        if check.applies_to in {"*", table.name}:
            messages = check.failing(table, rows)
            found[check.severity] += [pl.format(f"{check.id} {{}}", m) for m in messages]
    judged = rows.with_columns(
        pl.col(FAULTS).list.eval(pl.format("QC09/QC10 {}", pl.element())),
        **{name: pl.concat_list(messages).list.drop_nulls() for name, messages in found.items()},
    ).with_columns(reject=pl.concat_list(FAULTS, "reject"))
    return judged.with_columns(
        quality_status=pl.when(pl.col("reject").list.len() > 0)
        .then(pl.lit("rejected"))
        .when(pl.col("quarantine").list.len() > 0)
        .then(pl.lit("quarantined"))
        .when(pl.col("warn").list.len() > 0)
        .then(pl.lit("warned"))
        .otherwise(pl.lit("passed")),
        reasons=pl.concat_list("reject", "quarantine", "warn").list.join("; "),
    ).drop(FAULTS, "reject", "quarantine", "warn")


def _code_fault(_: Table, rows: pl.DataFrame) -> list[pl.Expr]:
    faults = {code: uscc_fault(code) for code in rows["uscc"].drop_nulls().unique()}
    bad = {code: f"USCC {code} is not valid: {fault}" for code, fault in faults.items() if fault}
    return [pl.col("uscc").replace_strict(bad, default=None, return_dtype=pl.String)]


def _organisation_fault(_: Table, rows: pl.DataFrame) -> list[pl.Expr]:
    good = [code for code in rows["uscc"].drop_nulls().unique() if uscc_fault(code) is None]
    bad = {
        code: f"organisation-code part of {code} fails its own check character"
        for code in good
        if organisation_check(code[8:16]) != code[16]
    }
    return [pl.col("uscc").replace_strict(bad, default=None, return_dtype=pl.String)]


def _absent(table: Table, rows: pl.DataFrame) -> list[pl.Expr]:
    """Required values that did not arrive; a value that could not be read is told once only."""
    required = [c for c in table.columns if not c.nullable and c.stored in rows.columns]
    found: list[pl.Expr] = []
    for column in required:
        value = pl.col(column.stored)
        empty = value.is_null()
        if column.is_key_field and column.dtype == pl.String:
            empty |= value.is_in(PLACEHOLDERS)
        told = pl.col(FAULTS).list.eval(pl.element().str.starts_with(f"{column.name}:")).list.any()
        message = f"{column.name} is empty or a placeholder"
        found.append(pl.when(empty & ~told.fill_null(value=False)).then(pl.lit(message)))
    return found


def _impossible_time(_: Table, __: pl.DataFrame) -> list[pl.Expr]:
    event, known = pl.col("event_at"), pl.col("known_at")
    earliest = pl.lit(EARLIEST_DATE).str.to_datetime(time_zone="UTC")
    return [
        pl.when(known < event).then(
            pl.format(
                "known_at {} is before event_at {}", known.dt.to_string(), event.dt.to_string()
            )
        ),
        pl.when(event < earliest).then(pl.format("event_at {} is before 1949-10-01", event)),
    ]


def _large_amount(_: Table, __: pl.DataFrame) -> list[pl.Expr]:
    return [
        pl.when(pl.col(name) > LARGE_FINE_FEN).then(
            pl.format("{} yuan exceeds 1,000,000 and needs two confirmations", pl.col(name) // 100)
        )
        for name in ("fine_amount_fen", "confiscated_fen")
    ]


CHECKS: tuple[Check, ...] = (
    Check("QC08", "reject", "*", _absent),
    Check("QC01", "reject", "*", _code_fault),
    Check("QC04", "warn", "*", _organisation_fault),
    Check("QC10", "reject", "*", _impossible_time),
    Check("QC12", "quarantine", "penalty", _large_amount),
)
"""The checks that the first six tables need, in the order of section 14."""
