"""What kind of body a code is of, and what the delivery says that it is."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from xinheng.records.codes.subjects import reason_not_scored, subject_of
from xinheng.records.gate.catalogue import Failure, Scene

MESSAGE_EN = (
    "USCC {uscc} is that of a body of the kind {kind_en}, but entity_type says {entity_type}; "
    "{why_en}. Correct whichever is wrong."
)
MESSAGE_ZH = "代码{uscc}属于{kind_zh},但entity_type为{entity_type};{why_zh}。请更正有误的一项。"
_STILL = "it stays out of the scores until they agree", "两者一致前不参与评分"


def contradicted_types(scene: Scene) -> Iterator[Failure]:
    """Entries whose type is none of the code's kind: they are told why they are not scored."""
    pairs = scene.rows.select("uscc", "entity_type").unique().drop_nulls()
    contradicted = [
        (uscc, kind, subject.name_en, subject.name_zh, *(reason_not_scored(uscc, kind) or _STILL))
        for uscc, kind in pairs.iter_rows()
        if kind not in (subject := subject_of(uscc)).entity_types
    ]
    if not contradicted:
        return
    names = ("kind_en", "kind_zh", "why_en", "why_zh")
    schema = dict.fromkeys(("uscc", "entity_type", *names), pl.String())
    facts = pl.DataFrame(contradicted, schema=schema, orient="row")
    rows = scene.rows.select("uscc", "entity_type")
    beside = rows.join(facts, on=["uscc", "entity_type"], how="left", maintain_order="left")
    says = {name: beside[name] for name in names}
    wrong = beside["kind_en"].is_not_null()
    yield Failure(wrong, "entity_type", says, messages=(MESSAGE_EN, MESSAGE_ZH))
