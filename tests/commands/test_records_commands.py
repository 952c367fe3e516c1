"""The way of a department's deliveries on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.records.handmade import A, rows
from tests.records.test_gate import write_delivery
from xinheng.commands import cli
from xinheng.errors import XinhengError


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("records")
    folder = write_delivery(root / "d", rows())
    told = run("records", "ingest", str(folder), "--home", str(root / "home"))
    assert "tickets opened" in told.stdout
    return str(root / "home")


def test_tickets_are_listed_shown_confirmed_and_returned(home: str) -> None:
    lines = run("records", "tickets", "list", "--check", "QC12", "--home", home).stdout
    number = next(line for line in lines.splitlines() if "\tQC12\t" in line).split("\t")[0]
    ticket = ["records", "tickets"]
    assert "0 of 2 confirmations" in run(*ticket, "show", number, "--home", home).stdout
    person = ["--person", "甲", "--department", "fgw", "--home", home]
    assert "confirmed_once" in run(*ticket, "confirm", number, *person).stdout
    with pytest.raises(XinhengError, match="甲 has confirmed"):
        run(*ticket, "confirm", number, *person)
    returned = run(*ticket, "return", number, *person, "--reason", "单位应为元").stdout
    assert "returned" in returned
    assert "甲 (fgw): 单位应为元" in returned
    assert "released" in run(*ticket, "retry", "--home", home).stdout


def test_quality_coverage_and_findings_are_printed(home: str, tmp_path: Path) -> None:
    target = tmp_path / "quality.csv"
    told = run("records", "quality", "--home", home, "--csv", str(target)).stdout
    assert told.startswith("2024-06\ndepartment\trows")
    assert target.read_text(encoding="utf-8").startswith("department,rows,accepted")
    coverage = run("records", "coverage", "--table", "penalty", "--home", home).stdout
    assert "penalty,scj,640302,2024-06-01,covered" in coverage
    findings = run("records", "findings", "--check", "QC03", "--home", home).stdout
    assert findings.count("QC03") == 1
    assert "不一致" in findings


def test_ledger_and_archive_of_one_enterprise(home: str, tmp_path: Path) -> None:
    ledger = run("records", "ledger", A, "--as-of", "2024-07-10", "--home", home).stdout
    assert "annual_report" in ledger
    overdue = run(
        "records", "ledger", "--as-of", "2024-07-10", "--state", "overdue", "--kind",
        "penalty_payment", "--to", str(tmp_path / "due.parquet"), "--home", home,
    )  # fmt: skip
    assert overdue.stdout == ""
    assert (tmp_path / "due.parquet").stat().st_size > 0
    archive = run("records", "archive", A, "--home", home, "--to", str(tmp_path / "a")).stdout
    assert archive.startswith("table\trecords\tversions")
    assert (tmp_path / "a/penalty.csv").exists()


def test_a_lake_is_compacted(home: str) -> None:
    assert "files became" in run("records", "compact", "--home", home).stdout


def test_checks_and_the_page_of_tables_are_printed() -> None:
    assert run("records", "checks").stdout.count("\n") == 35
    assert "## `penalty`" in run("records", "reference").stdout


def test_a_city_is_made_and_its_ceiling_told(tmp_path: Path) -> None:
    folder = str(tmp_path / "city")
    made = run("city", "make", "--enterprises", "120", "--years", "1", "--to", folder).stdout
    assert "rows in" in made
    assert "AUC" in run("city", "oracle", folder).stdout
    with pytest.raises(XinhengError, match="exclude each other"):
        run("city", "make", "--enterprises", "120", "--size", "small", "--to", folder)
