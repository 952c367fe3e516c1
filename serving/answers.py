"""The shapes of the API's answers."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from xinheng.domain import RiskClass


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
    measures: list[MeasureAnswer] = Field(description="Recommended for the class")
    outcomes: list[str] = Field(
        [], description="Grades of a visit's outcome that cannot be ruled out, nine times in ten"
    )


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
    is_draft: bool = Field(description="No officer is named, so nobody may act on it")
    rows: list[ListRowAnswer]
