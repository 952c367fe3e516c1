"""What a model says of firms with a record added in thought, beside what it said without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from xinheng.features.added import added
from xinheng.models.artifact import RiskModel
from xinheng.records.lake import Lake

ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Added:
    """One kind of record, added to many firms one by one."""

    record: str
    is_bad: bool
    firms: int
    wrong: int
    """Firms whose risk a bad record lowered, or a clean inspection raised."""
    worst: float
    """The largest step the wrong way, in log-odds; 0 where there is none."""
    mean: float
    """The mean step, in log-odds; up is riskier."""


def judge_added(
    model: RiskModel,
    lake: Lake,
    as_of: datetime,
    *,
    most: int,
    sector: str = "",
    on_step: Callable[[str], None] = lambda _: None,
) -> Iterator[Added]:
    """Every kind of record added to at most so many firms, as the model sees them."""
    for pair in added(lake, model.indicators, as_of, most=most, sector=sector, on_step=on_step):
        steps = model.log_odds(pair.with_it) - model.log_odds(pair.without)
        back = -steps if pair.record.is_bad else steps
        wrong = back > ROUNDING
        yield Added(
            record=pair.record.id,
            is_bad=pair.record.is_bad,
            firms=int(steps.size),
            wrong=int(wrong.sum()),
            worst=float(back[wrong].max()) if wrong.any() else 0.0,
            mean=float(steps.mean()),
        )
