"""The clocks and duties of `clocks.toml`, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DutyKind = Literal[
    "annual_report", "penalty_payment", "licence_renewal", "disclosure", "rectification",
    "commitment", "recall", "wage_order", "suspension_end", "contract_milestone",
    "removal_decision",
]  # fmt: skip
OwedBy = Literal["firm", "authority"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Clock(_Strict):
    """A rule of the law with its version; `valid_from` and `basis` say which law it is."""

    id: str
    version: int = Field(1, description="Of the rule")
    valid_from: date = Field(description="First day of the rule")
    kind: str
    basis: str = Field("", description="Law")
    shift_to_workday: bool = Field(description="Whether a free last day moves the deadline")
    proof_table: str = Field(description="Table whose records prove the performance")

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"


class ReportClock(_Clock):
    """LC01 and LC04: the annual report."""

    id: Literal["LC01"] = "LC01"
    valid_from: date = date(2014, 10, 1)
    kind: Literal["annual_report"] = "annual_report"
    shift_to_workday: bool = False
    proof_table: str = "annual_report"
    opens: str = Field("01-01", description="Month and day, the year after the report year")
    due: str = Field("06-30", description="Month and day of the deadline, which ends at 24:00")
    grace_days: int = Field(0, ge=0, description="Days after the deadline without a listing")
    first_year: int = Field(2013, description="First report year that was owed")


class PaymentClock(_Clock):
    """LC07 and LC08: the fine."""

    id: Literal["LC07"] = "LC07"
    valid_from: date = date(1996, 10, 1)
    kind: Literal["penalty_payment"] = "penalty_payment"
    shift_to_workday: bool = True
    proof_table: str = "penalty_performance"
    days: int = Field(15, gt=0, description="Calendar days after service")
    surcharge_per_day: float = Field(0.03, ge=0, description="Of the fine, from the next day on")


class Duty(_Strict):
    """A duty whose dates stand in one record; conditions and dates are SQL over its table."""

    kind: DutyKind
    table: str
    owed_by: OwedBy = Field("firm", description="An authority's duty is never held against a firm")
    rule: str = Field(description="Name of the clock")
    where: str = "TRUE"
    opened: str
    due: str = Field("", description="Last day as told; empty: it is always counted")
    base: str = Field("", alias="from", description="Day that an empty due date counts from")
    offset: str = Field("", description="To add to it, such as -3mo")
    workdays: int = Field(0, description="Working days to add to it")
    latest: str = Field("", description="At most so long after `opened`")
    shift_to_workday: bool = Field(description="Whether a free last day moves the deadline")
    done: str
    renewed_by: str = Field(
        "", description="Column: a later record of the holder with the same value performs it, too"
    )
    proof: str = Field(
        "", description="Condition: this record shows that proofs are delivered; empty: it is done"
    )
    waived: str = "FALSE"
    amount: str = ""

    @property
    def proven(self) -> str:
        """Condition of the records that show that the proofs of such duties are delivered."""
        return self.proof or f"({self.done}) IS NOT NULL"


class Clocks(_Strict):
    """All rules of the ledger."""

    annual_report: ReportClock = ReportClock()
    penalty_payment: PaymentClock = PaymentClock()
    duties: tuple[Duty, ...] = ()

    @property
    def proof_tables(self) -> Mapping[str, str]:
        """By kind the table that has the proofs, where that is not the table of the duty."""
        return {one.kind: one.proof_table for one in (self.annual_report, self.penalty_payment)}


@cache
def clocks() -> Clocks:
    """The rules as delivered with the product."""
    text = files("xinheng.records.duties").joinpath("clocks.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    by_kind = {clock["kind"]: clock for clock in told["clock"]}
    return Clocks.model_validate(by_kind | {"duties": tuple(told["duty"])})
