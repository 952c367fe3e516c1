"""Rows that go back to their source, and deliveries that are refused whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from xinheng.records.gate.catalogue import rules
from xinheng.records.intake.staging import FOUND_SCHEMA, Source
from xinheng.records.privacy.delivery import CHECK as PERSONAL_DATA
from xinheng.records.sources.origins import FILE, ROW

REFUSED = "refused: a row contains personal data"
_OTHER_EN = "The batch is refused: another row contains personal data."
_OTHER_ZH = "同批次其他行疑似含个人身份信息，整批拒收。"
__all__ = ["PERSONAL_DATA", "REFUSED", "rejected", "rejected_findings", "with_refusals"]


def rejected_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings for which a row goes back; what was already stored does not."""
    return findings.filter((pl.col("severity") == "reject") & (pl.col("check") != "QC06"))


def rejected(findings: pl.DataFrame) -> pl.DataFrame:
    """One row for each rejected row."""
    return rejected_findings(findings).unique([FILE, ROW])


def with_refusals(
    findings: pl.DataFrame, sources: Sequence[Source], files: Sequence[int],
    senders: Mapping[int, str],
) -> pl.DataFrame:  # fmt: skip
    """Findings, of refused files only the personal data; a file without any says why it is out."""
    is_refused = pl.col(FILE).is_in(files)
    personal = findings.filter(is_refused & (pl.col("check") == PERSONAL_DATA)).with_columns(
        source_dept=pl.col(FILE).replace_strict(dict(senders), default=None)
    )
    others = [i for i in files if i not in {*personal[FILE]}]
    said = [
        {
            **dict.fromkeys(FOUND_SCHEMA), FILE: i, "record_type": sources[i].part.name,
            "source_dept": senders[i], "check": PERSONAL_DATA, "field": "",
            "severity": rules()[PERSONAL_DATA].severity, "message_en": _OTHER_EN,
            "message_zh": _OTHER_ZH,
        }
        for i in others
    ]  # fmt: skip
    own = pl.DataFrame(said, schema=findings.schema)
    return pl.concat([findings.filter(~is_refused), personal.select(findings.columns), own])
