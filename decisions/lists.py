"""The ranked inspection list, and the forms it leaves the house in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from xinheng.decisions.age import Age
from xinheng.decisions.assess import Assessment
from xinheng.decisions.classes import CLASS_ZH
from xinheng.domain import ZONE
from xinheng.errors import BadRequest

TOP_REASONS = 5
Format = Literal["csv", "xlsx", "json"]

DraftReason = Literal["no_officer", "stale_scores"]
DRAFT_ZH: dict[DraftReason, str] = {
    "no_officer": "未指定责任人员",
    "stale_scores": "评分已过时",
}
DRAFT_EN: dict[DraftReason, str] = {
    "no_officer": "no officer is named",
    "stale_scores": "its scores are stale",
}


@dataclass(frozen=True, slots=True)
class ListRow:
    """One name on the list with all that is needed to defend it."""

    rank: int
    uscc: str
    name_zh: str
    risk_class: str
    low_confidence: bool
    score: float
    probability: float
    reasons_zh: tuple[str, ...]
    reasons_en: tuple[str, ...]
    record_ids: tuple[str, ...]
    last_inspection: str | None
    data_gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InspectionList:
    """An internal working list; the class on it is never published."""

    list_id: str
    drawn_at: datetime
    as_of: datetime
    model_version: str
    officer: str
    rows: tuple[ListRow, ...]
    scores_age_days: float = 0.0
    """How old the scores were when it was drawn."""
    is_stale: bool = False
    """Whether that was more than a deployment allows."""
    stale_said_by: str = ""
    """Who said that it is to be used in spite of that; empty: nobody."""

    @property
    def draft_reasons(self) -> tuple[DraftReason, ...]:
        """Why nobody may act on it: nothing adverse happens without a named officer.

        Stale scores need somebody who says that they may be used.
        """
        found: dict[DraftReason, bool] = {
            "no_officer": not self.officer,
            "stale_scores": self.is_stale and not self.stale_said_by,
        }
        return tuple(reason for reason, holds in found.items() if holds)

    @property
    def is_draft(self) -> bool:
        return bool(self.draft_reasons)

    def draft_note(self, lang: Literal["zh", "en"]) -> str:
        """Why it is a draft, in one sentence; empty: it is none."""
        if not self.is_draft:
            return ""
        if lang == "zh":
            why = "、".join(DRAFT_ZH[one] for one in self.draft_reasons)
            return f"草稿:{why},不得据以开展检查"
        why = " and ".join(DRAFT_EN[one] for one in self.draft_reasons)
        return f"Draft: {why}, so nobody may act on it"

    def as_json(self) -> dict[str, Any]:
        told = asdict(self) | {"is_draft": self.is_draft, "draft_reasons": self.draft_reasons}
        return told | {"drawn_at": self.drawn_at.isoformat(), "as_of": self.as_of.isoformat()}


def draw(
    assessed: Sequence[Assessment], *, top: int, officer: str, age: Age, stale: bool = False
) -> InspectionList:
    """The `top` riskiest enterprises, the riskiest first.

    Parameters
    ----------
    age
        Of the scores, when it is drawn.
    stale
        Whether the officer says that stale scores may be used; that is recorded with the name.

    Raises
    ------
    BadRequest
        If somebody says so who is not named.
    """
    if stale and not officer:
        raise BadRequest("who says that stale scores may be used?", hint="name the officer")
    at = age.at
    ranked = sorted(assessed, key=lambda a: (-a.log_odds, a.uscc))[:top]
    first = ranked[0]
    return InspectionList(
        list_id=f"L{at:%Y%m%d-%H%M%S}",
        drawn_at=at,
        as_of=first.as_of,
        model_version=first.model_version,
        officer=officer,
        rows=tuple(_row(rank, one) for rank, one in enumerate(ranked, start=1)),
        scores_age_days=age.days,
        is_stale=age.is_stale,
        stale_said_by=officer if stale and age.is_stale else "",
    )


def _row(rank: int, one: Assessment) -> ListRow:
    raising = [reason for reason in one.reasons if reason["contribution"] > 0][:TOP_REASONS]
    ids = [record for reason in raising for record in reason["record_ids"]]
    return ListRow(
        rank=rank,
        uscc=one.uscc,
        name_zh=one.name_zh,
        risk_class=one.risk_class,
        low_confidence=one.low_confidence,
        score=one.score,
        probability=round(one.probability, 4),
        reasons_zh=tuple(reason["sentence_zh"] for reason in raising),
        reasons_en=tuple(reason["sentence_en"] for reason in raising),
        record_ids=tuple(dict.fromkeys(ids)),
        last_inspection=one.last_inspection,
        data_gaps=one.data_gaps,
    )


def list_from_json(told: Mapping[str, Any]) -> InspectionList:
    """The inverse of `as_json`."""
    rows = tuple(_told_row(row) for row in told["rows"])
    return InspectionList(
        list_id=told["list_id"],
        drawn_at=datetime.fromisoformat(told["drawn_at"]),
        as_of=datetime.fromisoformat(told["as_of"]),
        model_version=told["model_version"],
        officer=told["officer"],
        rows=rows,
        scores_age_days=told.get("scores_age_days", 0.0),
        is_stale=told.get("is_stale", False),
        stale_said_by=told.get("stale_said_by", ""),
    )


def _told_row(row: Mapping[str, Any]) -> ListRow:
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return ListRow(**plain)


HEADER = (
    "序号", "统一社会信用代码", "名称", "风险等级", "等级含义", "数据不足", "风险分", "问题概率",
    "主要原因", "依据记录", "上次检查", "缺数据来源", "截至", "评分距生成天数",
)  # fmt: skip


def as_table(drawn: InspectionList) -> list[tuple[Any, ...]]:
    """Rows under `HEADER`, several values of a cell on lines of their own."""
    return [
        (
            row.rank,
            row.uscc,
            row.name_zh,
            row.risk_class,
            CLASS_ZH[row.risk_class],
            "是" if row.low_confidence else "",
            row.score,
            row.probability,
            "\n".join(row.reasons_zh),
            "\n".join(row.record_ids),
            row.last_inspection or "",
            "、".join(row.data_gaps),
            local_text(drawn.as_of),
            drawn.scores_age_days,
        )
        for row in drawn.rows
    ]


def rendered(drawn: InspectionList, form: Format) -> bytes:
    """The list as a file; CSV with a byte-order mark, so that spreadsheets read the Chinese."""
    if form == "json":
        return json.dumps(drawn.as_json(), ensure_ascii=False, indent=2).encode()
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows([_safe(cell) for cell in row] for row in as_table(drawn))
        return text.getvalue().encode("utf-8-sig")
    return _workbook(drawn)


def local_text(moment: datetime) -> str:
    """Asia/Shanghai, to the minute."""
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


def _safe(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@"} else cell


def _workbook(drawn: InspectionList) -> bytes:
    import xlsxwriter  # noqa: PLC0415  (only for this form)

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties(
        {"title": f"检查名单 {drawn.list_id}", "created": drawn.drawn_at.replace(tzinfo=None)}
    )
    sheet = book.add_worksheet("检查名单")
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    body = book.add_format({"text_wrap": True, "valign": "top"})
    status = drawn.draft_note("zh") or f"责任人员:{drawn.officer}"
    moment = f"截至 {local_text(drawn.as_of)}(名单生成时 {drawn.scores_age_days} 天前)"
    sheet.write(0, 0, f"检查名单 {drawn.list_id} · {moment} · {status} · 仅供内部参考")
    sheet.write_row(2, 0, HEADER, head)
    for number, row in enumerate(as_table(drawn), start=3):
        sheet.write_row(number, 0, row, body)
    for column, width in enumerate((6, 22, 28, 8, 14, 8, 8, 10, 60, 44, 12, 24, 16, 10)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(3, 3)
    sheet.autofilter(2, 0, 2 + len(drawn.rows), len(HEADER) - 1)
    book.close()
    return buffer.getvalue()
