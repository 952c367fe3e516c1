"""The shapes of the API's answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from xinheng.decisions.lists import DraftReason
from xinheng.domain import RiskClass
from xinheng.serving.freshness import FreshnessAnswer


class WindowAnswer(BaseModel):
    """One window's part of a reason."""

    window_days: int = Field(description="Days before as_of; 0 is the state at as_of")
    value: float | None
    contribution: float = Field(description="Log-odds")


class ReasonAnswer(BaseModel):
    """One indicator's part of the score; exact TreeSHAP, windows added up."""

    indicator: str
    name_zh: str
    name_en: str
    contribution: float = Field(description="Log-odds; positive raises the risk")
    value: float | None
    unit: str
    sentence_zh: str
    sentence_en: str
    windows: list[WindowAnswer]
    record_ids: list[str] = Field(description="Newest records behind the value")


class HardRuleAnswer(BaseModel):
    """A fact that lifts the class whatever the model says, until it is removed or repaired."""

    id: str
    name_zh: str
    name_en: str
    at_least: RiskClass
    basis_zh: str = Field(description="Legal basis")
    basis_en: str
    remedy_zh: str = Field(description="How it ends")
    remedy_en: str
    record_ids: list[str]


class MeasureAnswer(BaseModel):
    """A measure that may be taken; a person decides, on its legal basis."""

    id: str
    zh: str
    en: str


class DutyAnswer(BaseModel):
    """A duty with a deadline that is open or overdue."""

    obligation_id: str
    kind: str = Field(description="Such as annual_report; see the ledger")
    state: Literal["open", "overdue"]
    due_rule: str = Field(description="The clock that gives the last day")
    is_due_certain: bool | None = Field(description="False: the calendar of its year is not known")
    amount_fen: int | None
    opened_on: date | None
    due_at: datetime | None = Field(description="The first moment after the last day")
    days_left: int | None = Field(
        None, description="Days from as_of to the last day; below 0: so many days overdue"
    )
    probability: float | None = Field(description="Of missing it, where a live model tells")
    alert_at: float | None = Field(description="The probability from which on a warning is sent")
    model_version: str


class RepairAnswer(BaseModel):
    """From which day on the repair of a record may be asked for (LC05, LC14 to LC16)."""

    record_id: str
    table: str
    rule: str
    name_zh: str
    name_en: str
    earliest_on: date | None = Field(description="The first day; null: not known in advance")
    days_left: int | None = Field(description="Days from as_of until then; 0: it may be asked now")
    ends_on: date | None = Field(description="The day from which on the record is over by itself")
    waits_for: list[str] = Field(description="Duties (`obligation_id`) to be performed before")


class RiskAnswer(BaseModel):
    """Class, score and reasons of one enterprise: an internal reference for supervision."""

    uscc: str
    name_zh: str
    as_of: datetime
    model_version: str
    risk_class: RiskClass
    model_class: RiskClass = Field(description="Before the thin-data rule and hard rules")
    low_confidence: bool
    score: float = Field(ge=0, le=1000)
    probability: float = Field(ge=0, le=1, description="Calibrated, that a visit finds a problem")
    log_odds: float = Field(description="Base value plus all contributions")
    base_value: float
    other_contributions: float = Field(description="Log-odds of the reasons not listed")
    reasons: list[ReasonAnswer]
    last_inspection: str | None
    data_gaps: list[str] = Field(description="Record tables that no department delivered")
    hard_rules: list[HardRuleAnswer] = []
    obligations: list[DutyAnswer] = Field(
        [], description="The enterprise's open and overdue duties, the next due first"
    )
    authority_duties: list[DutyAnswer] = Field(
        [], description="What authorities owe the enterprise; never held against it"
    )
    repairs: list[RepairAnswer] = []
    measures: list[MeasureAnswer] = Field(description="Recommended for the class")
    outcomes: list[str] = Field(
        [], description="Grades of a visit's outcome that cannot be ruled out, nine times in ten"
    )
    freshness: FreshnessAnswer


class ListRowAnswer(BaseModel):
    """One name on the list."""

    rank: int
    uscc: str
    name_zh: str
    risk_class: RiskClass
    low_confidence: bool
    score: float
    probability: float
    reasons_zh: list[str]
    reasons_en: list[str]
    record_ids: list[str]
    last_inspection: str | None
    data_gaps: list[str]


class ListAnswer(BaseModel):
    """The inspection list drawn last."""

    list_id: str
    drawn_at: datetime
    as_of: datetime
    model_version: str
    officer: str
    scores_age_days: float = Field(description="Age of the scores when it was drawn")
    is_stale: bool = Field(description="Whether that was more than `scores.stale_days`")
    stale_said_by: str = Field(
        description="Who said that it may be used in spite of that; empty: nobody"
    )
    is_draft: bool = Field(description="Nobody may act on it; see `draft_reasons`")
    draft_reasons: list[DraftReason]
    rows: list[ListRowAnswer]
