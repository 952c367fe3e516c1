"""A question in parts that fit into memory: the bucket of the lake is the unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from xinheng.domain import bucket_of
from xinheng.features.source import Source

FEW = 500
"""Up to so many enterprises, only their own rows are read."""


@dataclass(frozen=True, slots=True)
class QuestionPart:
    """Some questions, and where the records of their enterprises lie."""

    question: pl.DataFrame
    usccs: Sequence[str] | None
    buckets: tuple[int, ...] | None


def parts_of(question: pl.DataFrame, source: Source) -> list[QuestionPart]:
    """Split a question by the source's buckets; one about few enterprises stays whole."""
    usccs = list(dict.fromkeys(question["uscc"]))
    if len(usccs) <= FEW:
        return [QuestionPart(question, usccs, None)]
    if source.buckets == 1:
        return [QuestionPart(question, None, None)]
    numbers = [bucket_of(uscc, source.buckets) for uscc in usccs]
    placed = pl.DataFrame(
        {"uscc": usccs, "_bucket": numbers}, schema_overrides={"_bucket": pl.Int32}
    )
    split = question.join(placed, on="uscc", how="left", maintain_order="left").partition_by(
        "_bucket", as_dict=True, include_key=False
    )
    return [
        QuestionPart(own, None, (int(str(key[0])),))
        for key, own in sorted(split.items(), key=lambda item: int(str(item[0][0])))
    ]
