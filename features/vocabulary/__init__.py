"""The words indicators are made of: a small typed language of aggregations."""

from __future__ import annotations

from xinheng.features.vocabulary.changes import (
    decayed_points,
    pct_change,
    surge,
    yoy_of_reports,
    yoy_pct,
)
from xinheng.features.vocabulary.counts import (
    count,
    distinct,
    flag,
    latest,
    latest_flag,
    latest_of_both,
    max_group_count,
    mean,
    ordinal,
    ratio,
    ratio_sum,
    ratio_to,
    shortfall,
    told_by,
    total,
)
from xinheng.features.vocabulary.moments import (
    ahead,
    begun,
    due,
    in_state,
    lasting,
    past,
    proven,
    unmet,
    within_days_of,
)
from xinheng.features.vocabulary.others import (
    graph_propagate,
    group_rate,
    nbr_count,
    nbr_flag,
    nbr_share,
    nbr_sum,
    share,
)
from xinheng.features.vocabulary.times import (
    age_days,
    count_months,
    days_since_last,
    days_to_due,
    days_until_next,
    diff_days,
    max_days_overdue,
    run_length,
)

__all__ = [
    "age_days", "ahead", "begun", "count", "count_months", "days_since_last", "days_to_due",
    "days_until_next", "decayed_points", "diff_days", "distinct", "due", "flag",
    "graph_propagate", "group_rate", "in_state", "lasting", "latest", "latest_flag",
    "latest_of_both", "max_days_overdue", "max_group_count", "mean", "nbr_count", "nbr_flag",
    "nbr_share", "nbr_sum", "ordinal", "past", "pct_change", "proven", "ratio", "ratio_sum",
    "ratio_to", "run_length", "share", "shortfall", "surge", "told_by", "total", "unmet",
    "within_days_of", "yoy_of_reports", "yoy_pct",
]  # fmt: skip
