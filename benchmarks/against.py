"""The same windowed features by what a user would otherwise pick: pandas groupby and DuckDB.

Each reads the same lake tables, keeps the newest version known at `as_of`, drops what is withdrawn,
unconfirmed, disputed, repaired or over, and computes the same columns. The values are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import polars as pl

from xinheng.features.catalogue import catalogue
from xinheng.features.engine.compute import compute
from xinheng.features.others.others import Others
from xinheng.records.lake import Lake
from xinheng.records.tables import MOMENT

# indicator: (table, SQL condition, pandas condition, SQL aggregate)
FEATURES: dict[str, tuple[str, str, Callable[[pd.DataFrame], pd.Series], str]] = {
    "complaint_count": (
        "complaint",
        "channel IN ('12315_complaint', '12345') AND accepted AND NOT serial_claimant",
        lambda t: (
            t["channel"].isin(["12315_complaint", "12345"])
            & t["accepted"]
            & ~t["serial_claimant"].astype(bool)
        ),
        "count",
    ),
    "report_case_count": (
        "complaint", "channel = '12315_report' AND outcome = 'case_filed'",
        lambda t: (t["channel"] == "12315_report") & (t["outcome"] == "case_filed"), "count",
    ),
    "penalty_count": (
        "penalty", "state = 'effective' AND procedure = 'ordinary'",
        lambda t: (t["state"] == "effective") & (t["procedure"] == "ordinary"), "count",
    ),
    "inspection_no_contact_count": (
        "inspection", "result = 'no_contact'", lambda t: t["result"] == "no_contact", "count",
    ),
    "address_change_count": (
        "entity_change", "change_item = 'address'",
        lambda t: t["change_item"] == "address", "count",
    ),
    "legal_rep_change_count": (
        "entity_change", "change_item = 'legal_rep'",
        lambda t: t["change_item"] == "legal_rep", "count",
    ),
    "si_arrears_months": (
        "social_insurance", "in_arrears", lambda t: t["in_arrears"].astype(bool), "count",
    ),
    "judgment_defendant_count": (
        "court_record", "kind = 'judgment' AND role = 'defendant'",
        lambda t: (t["kind"] == "judgment") & (t["role"] == "defendant"), "count",
    ),
}  # fmt: skip
CHANGES = {"electricity_change_pct": "electricity", "water_change_pct": "water"}
NAMES = [*FEATURES, *CHANGES]
ENVELOPE = [
    "uscc", "source_system", "source_record_no", "version", "known_at", "event_at", "operation",
    "quality_status", "dispute_status", "repaired_at", "publicity_until",
]  # fmt: skip
OWN = {
    "complaint": ["channel", "accepted", "serial_claimant", "outcome"],
    "penalty": ["state", "procedure"],
    "inspection": ["result"],
    "entity_change": ["change_item"],
    "social_insurance": ["in_arrears"],
    "court_record": ["kind", "role"],
    "utility_usage": ["utility", "usage", "meter_shared"],
}


def compare(lake: Lake, as_of: datetime) -> None:
    """Time the three and check that they agree."""
    columns = [c for name in NAMES for c in catalogue()[name].columns]
    codes = lake.rows("entity").select("uscc").unique().sort("uscc").collect()
    question = codes.with_columns(as_of=pl.lit(as_of, dtype=MOMENT))
    print(f"{len(columns)} columns of {len(OWN)} tables, {codes.height:,} enterprises")
    indicators = [catalogue()[name] for name in NAMES]
    others = Others.of(lake, columns, as_of)
    compute(indicators, question.head(1), lake, others=others)
    ours, spent = timed(lambda: compute(indicators, question, lake, others=others))
    by_duck, duck = timed(lambda: duck_features(lake, as_of, codes))
    by_pandas, slow = timed(lambda: pandas_features(lake, as_of, codes))
    for name, seconds in (("Xinheng", spent), ("DuckDB", duck), ("pandas", slow)):
        print(f"  {name:<8} {seconds:7.2f} s   {seconds / spent:5.1f} times")
    for other, table in (("DuckDB", by_duck), ("pandas", by_pandas)):
        for column in columns:
            mine = ours[column.name].fill_null(np.nan).to_numpy()
            same = np.isclose(mine, table[column.name], rtol=1e-9, equal_nan=True)
            assert same.all(), (other, column.name, int((~same).sum()))
    print("  the values agree")


def timed(work: Callable[[], pl.DataFrame]) -> tuple[pl.DataFrame, float]:
    begun = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begun


def windows(name: str) -> tuple[int, ...]:
    return catalogue()[name].windows_days


def duck_features(lake: Lake, as_of: datetime, codes: pl.DataFrame) -> pl.DataFrame:
    """One query a table: newest version by window function, then conditional aggregates."""
    found = codes
    for table, own in OWN.items():
        known = duckdb.connect()
        known.register("rows", lake.rows(table).select(ENVELOPE + own).collect().to_arrow())
        query = f"""
            WITH newest AS (
              SELECT * FROM rows WHERE known_at <= $as_of
              QUALIFY row_number() OVER (
                PARTITION BY uscc, source_system, source_record_no ORDER BY version DESC) = 1),
            usable AS (
              SELECT *, $as_of - event_at AS age FROM newest
              WHERE operation <> 'withdraw'
                AND quality_status IN ('passed', 'warned', 'confirmed_twice')
                AND coalesce(dispute_status, '') NOT IN ('under_review', 'upheld')
                AND (repaired_at IS NULL OR repaired_at > $today)
                AND (publicity_until IS NULL OR publicity_until > $today)
                AND event_at <= $as_of)
            SELECT uscc, {", ".join(_sql(table))} FROM usable GROUP BY uscc"""
        asked = {"as_of": as_of, "today": (as_of + timedelta(hours=8)).date()}
        told = pl.DataFrame(known.execute(query, asked).to_arrow_table())
        found = found.join(told, on="uscc", how="left", maintain_order="left")
    counts = [f"{n}_{w}d" for n in FEATURES for w in windows(n)]
    return found.with_columns(
        pl.col(counts).fill_null(0.0), pl.all().exclude("uscc", *counts).fill_null(float("nan"))
    )


def _sql(table: str) -> list[str]:
    parts = [
        f"sum(CASE WHEN {where} AND age < INTERVAL {days} DAY THEN 1.0 ELSE 0.0 END) "
        f"AS {name}_{days}d"
        for name, (source, where, _, _) in FEATURES.items()
        if source == table
        for days in windows(name)
    ]
    if table != "utility_usage":
        return parts
    for name, utility in CHANGES.items():
        for days in windows(name):
            inside = f"utility = '{utility}' AND NOT meter_shared AND age"
            now = f"avg(CASE WHEN {inside} < INTERVAL {days} DAY THEN usage END)"
            before = (
                f"avg(CASE WHEN {inside} >= INTERVAL 365 DAY AND age < INTERVAL {365 + days} DAY "
                "THEN usage END)"
            )
            change = f"100 * ({now} - {before}) / nullif({before}, 0)"
            bounded = f"greatest(-100, least(500, {change}))"
            parts.append(
                f"CASE WHEN {change} IS NULL THEN NULL ELSE {bounded} END AS {name}_{days}d"
            )
    return parts


def pandas_features(lake: Lake, as_of: datetime, codes: pl.DataFrame) -> pl.DataFrame:
    """The usual way: sort, drop duplicates, mask, groupby."""
    found = pd.DataFrame(index=pd.Index(codes["uscc"].to_list(), name="uscc"))
    today = pd.Timestamp((as_of + timedelta(hours=8)).date())
    for table, own in OWN.items():
        rows = lake.rows(table).select(ENVELOPE + own).collect().to_pandas()
        rows = rows[rows["known_at"] <= as_of].sort_values("version")
        rows = rows.drop_duplicates(["uscc", "source_system", "source_record_no"], keep="last")
        for column in ("repaired_at", "publicity_until"):
            rows[column] = pd.to_datetime(rows[column])
        rows = rows[
            (rows["operation"] != "withdraw")
            & rows["quality_status"].isin(["passed", "warned", "confirmed_twice"])
            & ~rows["dispute_status"].isin(["under_review", "upheld"])
            & (rows["repaired_at"].isna() | (rows["repaired_at"] > today))
            & (rows["publicity_until"].isna() | (rows["publicity_until"] > today))
            & (rows["event_at"] <= as_of)
        ]
        age = as_of - rows["event_at"]
        for name, (source, _, condition, _) in FEATURES.items():
            for days in windows(name) if source == table else ():
                taken = rows[condition(rows) & (age < pd.Timedelta(days=days))]
                found[f"{name}_{days}d"] = (
                    taken.groupby("uscc").size().reindex(found.index, fill_value=0)
                )
        for name, utility in CHANGES.items() if table == "utility_usage" else ():
            used = (rows["utility"] == utility) & ~rows["meter_shared"].astype(bool)
            for days in windows(name):
                now = rows[used & (age < pd.Timedelta(days=days))].groupby("uscc")["usage"].mean()
                old = used & (age >= pd.Timedelta(days=365)) & (age < pd.Timedelta(days=365 + days))
                before = rows[old].groupby("uscc")["usage"].mean()
                change = 100 * (now - before) / before.where(before != 0)
                found[f"{name}_{days}d"] = change.clip(-100, 500).reindex(found.index)
    return pl.from_pandas(found.reset_index())
