"""The made-up city: reproducible, plausible, taken in by the gate, with a ceiling."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from xinheng.city.draws import assumptions
from xinheng.city.make import City, make_city
from xinheng.city.oracle import ceilings
from xinheng.city.plots import delivered, draw_city
from xinheng.city.post import DEPARTMENTS
from xinheng.domain import organisation_check, uscc_fault
from xinheng.errors import NotReady
from xinheng.records.duties.ledger import ledger
from xinheng.records.intake import Report, find_deliveries, ingest_all
from xinheng.records.lake import COUNTS, FINDINGS, Lake
from xinheng.records.tables import tables

AT = datetime(2026, 1, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    return make_city(folder, enterprises=700, years=2, seed=5)


@pytest.fixture(scope="module")
def taken(city: City, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[Report]]:
    lake = Lake.at(tmp_path_factory.mktemp("lake") / "lake", buckets=4)
    found = find_deliveries(city.folder / "deliveries", None, at=AT)
    return lake, ingest_all(found, lake, at=AT)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        make_city(folder, enterprises=60, years=1, seed=3)
    names = [sorted(p.relative_to(f) for p in f.rglob("*") if p.is_file()) for f in folders]
    assert names[0] == names[1]
    assert len(names[0]) > 200
    for name in names[0]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_another_seed_gives_another_city(tmp_path: Path) -> None:
    for seed in (3, 4):
        make_city(tmp_path / str(seed), enterprises=60, years=1, seed=seed)
    told = [
        (tmp_path / str(seed) / "deliveries/scjgj/2025-01-A/entity.csv").read_bytes()
        for seed in (3, 4)
    ]
    assert told[0] != told[1]


def test_a_city_that_ends_on_a_day_is_delivered_up_to_that_day(tmp_path: Path) -> None:
    """Nothing is sent after the last day, and what came before it is as without an end."""
    for name, until in (("whole", None), ("cut", date(2025, 11, 20))):
        make_city(tmp_path / name, enterprises=60, years=1, seed=3, clean=True, until=until)
    whole, cut = (
        {
            path.parent.relative_to(tmp_path / name / "deliveries").as_posix(): tomllib.loads(
                path.read_text("utf-8")
            )
            for path in (tmp_path / name / "deliveries").glob("*/*/manifest.toml")
        }
        for name in ("whole", "cut")
    )
    last = datetime(2025, 11, 20, 23, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert max(told["sent_at"] for told in cut.values()) <= last
    assert {name for name in whole if "2025-12" in name}.isdisjoint(cut)
    told = cut["scjgj/2025-11-B"]
    assert (told["period_to"], told["sent_at"].hour) == (last.date(), 23)
    assert sum(told["rows"].values()) < sum(whole["scjgj/2025-11-B"]["rows"].values())


def test_a_profile_gives_other_values_and_invents_none() -> None:
    usual, demo = assumptions(), assumptions("demo")
    assert demo["random_share"]["yearly"] > usual["random_share"]["yearly"]
    assert demo["classes"] == usual["classes"]
    assert {name: set(one) for name, one in demo.items()} == {
        name: set(one) for name, one in usual.items()
    }
    with pytest.raises(ValueError, match="no profile 'demos'; there are demo"):
        assumptions("demos")


def test_every_table_is_delivered(city: City) -> None:
    assert set(city.rows) == set(tables())
    told = json.loads((city.folder / "city.json").read_text(encoding="utf-8"))
    assert told["rows"] == dict(city.rows)


def test_every_department_says_of_every_table_whether_it_has_rows(city: City) -> None:
    """Each half-month but those that a department missed."""
    for department, own in DEPARTMENTS.items():
        manifests = sorted((city.folder / "deliveries" / department).glob("*/manifest.toml"))
        assert 40 <= len(manifests) <= 48
        for path in manifests:
            named = tomllib.loads(path.read_text("utf-8"))["rows"]
            assert {name.partition(".")[0] for name in named} == {*own}
            files = {file.name for file in path.parent.iterdir()} - {path.name}
            assert files == {name for name in named if "." in name}


def test_every_firm_has_a_valid_code_of_its_own(city: City) -> None:
    codes = pl.read_parquet(city.folder / "truth/firms.parquet")["uscc"]
    assert codes.n_unique() == 700
    assert all(uscc_fault(code) is None for code in codes)
    assert all(organisation_check(code[8:16]) == code[16] for code in codes)


def test_the_gate_takes_the_city_and_the_books_balance(
    city: City, taken: tuple[Lake, list[Report]]
) -> None:
    lake, reports = taken
    offered = dict.fromkeys(city.rows, 0)
    for report in reports:
        for t in report.tables:
            ended = t.accepted + t.quarantined + t.rejected + t.duplicate + t.left_out
            assert t.offered == ended
            offered[t.record_type] += t.offered
    assert offered == dict(city.rows)
    assert lake.batches().height == len(reports)
    share = sum(t.accepted for r in reports for t in r.tables) / sum(city.rows.values())
    assert share > 0.99, "a city is dirty, not broken"


def test_the_gate_finds_the_slips_that_were_made(
    city: City, taken: tuple[Lake, list[Report]]
) -> None:
    lake, _ = taken
    slips = pl.read_csv(city.folder / "truth/dirt.csv")
    made = dict(slips.group_by("kind").agg(pl.col("slips").sum()).iter_rows())
    found = dict(lake.told(FINDINGS).group_by("check").agg(pl.len()).collect().iter_rows())
    assert found["QC01"] >= 0.9 * made["wrong_code"]
    assert found["QC03"] == pytest.approx(made["wrong_name"], abs=3)
    counted = lake.told(COUNTS).filter(pl.col("outcome") == "duplicate")
    assert counted.select(pl.col("n").sum()).collect().item() <= made["duplicate"]


def test_nothing_is_known_before_it_happens(taken: tuple[Lake, list[Report]]) -> None:
    lake, _ = taken
    for name in tables():
        rows = lake.rows(name).filter(pl.col("known_at") < pl.col("event_at"))
        assert rows.collect().height == 0, name


def test_corrections_and_withdrawals_are_versions(taken: tuple[Lake, list[Report]]) -> None:
    lake, _ = taken
    usage = lake.rows("utility_usage").group_by("source_record_no").agg(pl.len()).collect()
    assert usage["len"].max() == 2, "an estimate and a reading"
    repaired = lake.rows("penalty").filter(pl.col("repair_status") == "repaired").collect()
    assert (repaired["version"] > 1).all()


def test_chances_and_outcomes_agree(city: City) -> None:
    """Outcomes are drawn from the chances that the truth keeps."""
    for table, chance, outcome in (
        ("annual_report", "p_late", "late"), ("inspection", "p_problem", "problem"),
    ):  # fmt: skip
        rows = pl.read_parquet(city.folder / f"truth/{table}.parquet")
        p = rows[chance].to_numpy()
        spread = np.sqrt((p * (1 - p)).sum())
        assert abs(rows[outcome].sum() - p.sum()) < 4 * spread, table


def test_rates_lie_where_the_assumptions_say(city: City) -> None:
    late = pl.read_parquet(city.folder / "truth/annual_report.parquet")["late"].mean()
    assert isinstance(late, float)
    assert 0.05 < late < 0.14
    classes = pl.read_parquet(city.folder / "truth/classes.parquet")
    for place, letter in enumerate("ABCD"):
        share = (classes["risk_class"] == place).mean()
        assert share == pytest.approx(assumptions()["classes"][letter], abs=0.02), letter


def test_reports_pile_up_before_the_deadline(city: City) -> None:
    rows = delivered(city.folder, "annual_report", ["submitted_at"])
    months = rows["submitted_at"].str.slice(5, 2).value_counts()
    told = dict(months.iter_rows())
    assert told["06"] == max(told.values())
    days = rows.filter(pl.col("submitted_at").str.slice(5, 2) == "06")
    last = (days["submitted_at"].str.slice(8, 2).cast(pl.Int64) > 24).mean()
    assert isinstance(last, float)
    assert last > 0.25


def test_keys_have_heavy_tails(city: City) -> None:
    firms = pl.read_parquet(city.folder / "truth/firms.parquet")
    counts = firms["controller"].value_counts()["count"]
    assert counts.max() >= 8  # type: ignore[operator]
    assert (counts == 1).mean() > 0.5  # type: ignore[operator]


def test_the_oracle_is_better_than_chance_and_not_perfect(city: City) -> None:
    found = {one.task: one for one in ceilings(city.folder)}
    assert set(found) >= {"inspection", "annual_report"}
    report = found["annual_report"]
    assert 0.65 < report.auc < 0.95
    assert report.precision_at[0.05] > report.rate
    assert report.recall_at[0.05] < report.recall_at[0.20] < 1


def test_no_city_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="xinheng city make"):
        ceilings(tmp_path)
    with pytest.raises(ValueError, match="at least 50"):
        make_city(tmp_path, enterprises=3, years=1, seed=1)


def test_pictures_are_drawn(city: City, tmp_path: Path) -> None:
    drawn = draw_city(city.folder, tmp_path)
    assert [path.suffix for path in drawn] == [".png"] * 4
    assert all(path.stat().st_size > 8_000 for path in drawn)


def test_the_truth_is_not_among_the_deliveries(city: City) -> None:
    hidden = {"compliance", "distress", "diligence", "p_problem", "p_late", "p_unpaid"}
    for path in (city.folder / "deliveries").rglob("*.csv"):
        with path.open(encoding="utf-8") as file:
            assert not hidden & set(file.readline().strip().split(",")), path


def test_the_ledger_finds_the_late_reports_and_unpaid_fines_that_the_truth_knows(
    city: City, taken: tuple[Lake, list[Report]]
) -> None:
    """Nearly: a few rows were rejected for slips, and a few proofs came late."""
    lake, _ = taken
    duties = ledger(lake.rows, datetime(2025, 12, 1, tzinfo=UTC))
    reports = duties.filter(
        pl.col("kind") == "annual_report", pl.col("obligation_id").str.ends_with("/2024")
    ).select("uscc", "state")
    truth = pl.read_parquet(city.folder / "truth/annual_report.parquet")
    both = reports.join(truth.filter(pl.col("report_year") == 2024), on="uscc").filter(
        pl.col("state") != "waived"
    )
    told = both["state"].is_in(["overdue", "performed_late"])
    assert both.height > 300
    assert (told == both["late"]).mean() > 0.97  # type: ignore[operator]
    fines = duties.filter(pl.col("kind") == "penalty_payment", pl.col("state") != "waived")
    unpaid = pl.read_parquet(city.folder / "truth/unpaid_fine.parquet")
    assert fines.height > 0.7 * unpaid.filter(pl.col("served_on") < pl.date(2025, 11, 1)).height
