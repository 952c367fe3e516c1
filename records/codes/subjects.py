"""Who is scored and who owes an annual report: `subjects.csv`, by the prefix of the code.

The first two characters of a USCC say what kind of body it is (GB 32100): characters of the
registering department and of its category. They decide, whatever type a delivery claims.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from xinheng.records.frames import FEW, Bools, is_in

LENGTH = 2
"""Characters of a prefix."""
ALL_OTHERS = "*"


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of body."""

    prefix: str
    name_en: str
    name_zh: str
    entity_types: tuple[str, ...]
    """Values of `entity.entity_type` that agree with the prefix."""
    is_scored: bool
    owes_report: bool
    reason_en: str
    """Why it is not scored."""
    reason_zh: str


@cache
def subjects() -> Mapping[str, Subject]:
    """All kinds by prefix; `*` stands for every other prefix."""
    text = files("xinheng.records.codes").joinpath("subjects.csv").read_text(encoding="utf-8")
    return {row["prefix"]: _subject(row) for row in csv.DictReader(text.splitlines())}


def _subject(row: Mapping[str, str]) -> Subject:
    return Subject(
        prefix=row["prefix"],
        name_en=row["name_en"],
        name_zh=row["name_zh"],
        entity_types=tuple(row["entity_types"].split("|")),
        is_scored=row["is_scored"] == "yes",
        owes_report=row["owes_report"] == "yes",
        reason_en=row["reason_en"],
        reason_zh=row["reason_zh"],
    )


def subject_of(uscc: str) -> Subject:
    """The kind of body that a code is of.

    >>> subject_of("52640302MAP000002H").name_zh, subject_of("91440300192317458F").is_scored
    ('民办非企业单位', True)
    """
    return subjects().get(uscc[:LENGTH], subjects()[ALL_OTHERS])


def owe_reports(usccs: pl.Series) -> Bools:
    """Which codes are of a kind that owes an annual report (LC02)."""
    prefixes = {one.prefix for one in subjects().values() if one.owes_report}
    if len(usccs) <= FEW:
        return np.array([code[:LENGTH] in prefixes for code in usccs.to_list()], dtype=bool)
    return is_in(usccs.str.slice(0, LENGTH), prefixes)


def has_scored_code() -> pl.Expr:
    """Rows whose code is of a kind that may be scored."""
    prefixes = [one.prefix for one in subjects().values() if one.is_scored]
    return pl.col("uscc").str.slice(0, LENGTH).is_in(prefixes)


def is_scored() -> pl.Expr:
    """Entries of the register whose code and type are of a kind that is scored (section 1)."""
    wanted = [
        (pl.col("uscc").str.slice(0, LENGTH) == one.prefix)
        & pl.col("entity_type").is_in(one.entity_types)
        for one in subjects().values()
        if one.is_scored
    ]
    return pl.any_horizontal(wanted)


def reason_not_scored(uscc: str, entity_type: str = "") -> tuple[str, str] | None:
    """Why a code's body is never scored, in English and Chinese; None where it may be.

    >>> reason_not_scored("92640302MAM000007G")
    ('individual businesses are not scored', '个体工商户不参与评分')
    """
    subject = subject_of(uscc)
    if not subject.is_scored:
        return subject.reason_en, subject.reason_zh
    if entity_type and entity_type not in subject.entity_types:
        return (
            f"its type is {entity_type}, only {' and '.join(subject.entity_types)} are scored",
            f"主体类型为{entity_type},只有企业及其分支机构参与评分",
        )
    return None
