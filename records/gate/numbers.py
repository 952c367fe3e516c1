"""Whose number it is: what the source is told of a row that its fact does not admit."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from xinheng.records.gate.catalogue import Failure, write_findings

RELATION, OTHER = "_relation", "_other"
"""What a row is to its fact, and which record it stands against."""
_BACK_DATED = (
    (
        "Record {source_record_no} claims an arrival before that of a version already stored;"
        " history is not rewritten. Resend it with the moment at which it is sent."
    ),
    "记录{source_record_no}的到达时间早于已入库版本,历史不可改写,请按实际报送时间重报。",
)
_OVERTAKEN = (
    (
        "Insert {source_record_no} arrived after its own correction or withdrawal and undoes "
        "neither. If the record is valid again, send it as `correct`."
    ),
    "新增记录{source_record_no}晚于其更正或撤销到达,不予恢复;如需恢复请以更正(correct)报送。",
)
_CONTRADICTED = (
    (
        "Number {source_record_no} came twice at one moment with different contents: for "
        "{uscc} (row {_row}) and for {_other}. Neither is used until one is confirmed or "
        "corrected."
    ),
    "编号{source_record_no}同一时刻报送两种内容:{uscc}(第{_row}行)与{_other};确认或更正前均不采用。",
)
_FOREIGN = (
    (
        "Number {source_record_no} of {uscc} is already that of a record of {_other}, which "
        "it does not replace. Give it a number of its own, or send a correction."
    ),
    "{uscc}的编号{source_record_no}已属于{_other}的记录,不予替换;请另行编号,或以更正(correct)报送。",
)


def number_findings(rows: pl.DataFrame) -> pl.DataFrame:
    """Findings about rows that come too late (QC10) or whose number is in question (QC07)."""
    return write_findings(rows, [*_failures()])


def _failures() -> Iterator[tuple[str, Failure]]:
    too_late = {"back_dated": ("known_at", _BACK_DATED), "overtaken": ("operation", _OVERTAKEN)}
    for relation, (field, messages) in too_late.items():
        yield "QC10", Failure(pl.col(RELATION) == relation, field, messages=messages)
    for relation, messages in (("contradicted", _CONTRADICTED), ("foreign", _FOREIGN)):
        yield "QC07", Failure(pl.col(RELATION) == relation, "source_record_no", messages=messages)
