"""The feature store on the command line, with the errors a user meets."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tests.conftest import TownRun
from xinheng.commands import cli
from xinheng.errors import XinhengError


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    if isinstance(result.exception, XinhengError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def test_the_catalogue_is_listed_by_scope_and_described() -> None:
    lines = run("features", "list", "--lang", "en").stdout.splitlines()
    assert len(lines) == 166
    drugs = run("features", "list", "--scope", "drugs").stdout.splitlines()[1:]
    assert {line.split("\t")[1] for line in drugs} == {"drugs"}
    told = run("features", "describe", "penalty_paid_on_time_ratio").stdout
    assert "penalty, penalty_performance" in told
    assert "the group's rate" in told
    with pytest.raises(XinhengError, match="did you mean drugs"):
        run("features", "list", "--scope", "drug")


def test_a_value_is_explained_by_its_records(town: TownRun) -> None:
    home = ["--home", str(town.home.root)]
    visits = town.prepared.lake.rows("inspection").collect()
    uscc = visits["uscc"][0]
    asked = ["features", "explain", uscc, "--as-of", "2025-12-31"]
    text = run(*asked, "--lang", "en", *home).stdout
    assert "days_since_last_inspection\t" in text
    told = json.loads(
        run(*asked, "--indicator", "days_since_last_inspection", "--json", *home).stdout
    )
    (one,) = told
    own = visits.filter(pl.col("uscc") == uscc)
    assert {r["record_id"] for r in one["records"]} <= set(own["record_id"])
    gap = run(*asked, "--indicator", "tax_arrears_yuan", *home).stdout
    assert "not known" in gap
    assert "not delivered: tax_record" in gap


def test_what_is_unknown_is_counted_with_the_table_that_is_missing(
    town: TownRun, tmp_path: Path
) -> None:
    to = tmp_path / "unknown.csv"
    asked = ["features", "unknown", "--as-of", "2025-12-31", "--home", str(town.home.root)]
    run(*asked, "--to", str(to))
    assert run(*asked).stdout == to.read_text("utf-8")
    rows = {row["column"]: row for row in pl.read_csv(to).iter_rows(named=True)}
    arrears = rows["tax_arrears_yuan"]
    assert arrears["unknown"] == arrears["enterprises"] == arrears["not_covered"] > 0
    assert (arrears["share"], arrears["gaps"]) == (1.0, "tax_record (nobody of 6 months)")
    assert rows["age_days"]["unknown"] == 0


def test_a_table_is_built_refreshed_and_checked(town: TownRun, tmp_path: Path) -> None:
    home = ["--home", str(town.home.root)]
    to = str(tmp_path / "table")
    build = ["features", "build", "--cut-offs", "2025-01-01:2025-03-01:monthly", "--to", to]
    some = ["--indicator", "penalty_count", "--indicator", "age_days"]
    assert "3 cut-offs" in run(*build, *some, *home).stdout
    with pytest.raises(XinhengError, match="--fresh"):
        run(*build, "--indicator", "age_days", *home)
    assert "vectors" in run("features", "refresh", "--as-of", "2025-12-31", *home).stdout
    code = town.prepared.lake.rows("entity").select("uscc").collect()["uscc"][0]
    assert "age_days\t" in run("features", "show", code, *home).stdout
    few = ["--moments", "2", "--enterprises", "20"]
    assert "0 values differ" in run("features", "leakcheck", *few, *home).stdout


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ("2025-01-01:2025-03-01:weekly", "none of monthly"),
        ("2025-01-31:2025-03-01:monthly", "up to the 28th"),
        ("2025-03-01:2025-01-01:monthly", "lies before"),
        ("2025-01-01,2025-01-01", "stands there twice"),
        ("soon", "is not a date or time"),
    ],
)
def test_bad_cut_offs_are_named(dates: str, said: str, tmp_path: Path) -> None:
    result = run("features", "build", "--cut-offs", dates, "--to", str(tmp_path / "t"), status=2)
    assert said in result.output
