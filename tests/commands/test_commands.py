"""The command line as a user meets it: a process, its two streams and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TownRun
from tests.records.deliveries import GOOD, write_csv, write_mapping
from xinheng.commands import NOUNS

HEAVY = (
    "polars",
    "numpy",
    "lightgbm",
    "sklearn",
    "mlflow",
    "fastapi",
    "pandas",
    "sqlalchemy",
    "rich",
)


def xinheng(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from xinheng.commands import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=300,
        env=os.environ | {"PYTHONUTF8": "1"},
    )


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom xinheng.commands import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stderr.strip() == "[]"
    for noun, sentence in NOUNS.items():
        assert noun in told.stdout
        assert sentence[:40] in told.stdout


@pytest.mark.parametrize("noun", NOUNS)
def test_every_command_has_a_help_text(noun: str) -> None:
    told = xinheng(noun, "--help")
    assert told.returncode == 0
    assert len(told.stdout.splitlines()) > 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["serv"], "No such command 'serv'", id="no such command"),
        pytest.param(["records", "describe", "penalti"], "did you mean penalty", id="near table"),
        pytest.param(["features", "describe", "age_day"], "did you mean age_days?", id="near name"),
        pytest.param(["scores", "run"], "no model is live", id="no model"),
        pytest.param(["lists", "draw"], "no enterprise has been scored", id="nothing scored"),
        pytest.param(["serve"], "no enterprise has been scored", id="nothing to serve"),
        pytest.param(["records", "batches"], "there is no lake", id="no lake"),
        pytest.param(["demo", "--study", "x"], "--study and --data go together", id="half a study"),
        pytest.param(
            ["study", "run", "x", "--data", "y"], "study.toml does not exist", id="no study"
        ),
        pytest.param(
            ["study", "run", "x", "--data", "y", "--json", "no/such/out.json"],
            "the folder of 'no/such/out.json' does not exist",
            id="nowhere to write",
        ),
        pytest.param(
            ["records", "ingest", "x", "--mapping", "."], ". cannot be read", id="folder as mapping"
        ),
        pytest.param(
            ["features", "explain", "x", "--as-of", "soon"], "is not a date or time", id="no date"
        ),
    ],
)
def test_what_a_user_can_put_right_is_one_line_and_status_2(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    ended = xinheng(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    """`xinheng features list | head -1`, with the pipe closed before the first line."""
    read, write = os.pipe()
    os.close(read)
    script = "from xinheng.commands import main; main(['features', 'list'])"
    ended = subprocess.run(
        [sys.executable, "-u", "-c", script],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert ended.stderr == b""


def test_ingest_reports_every_row_and_is_repeatable(tmp_path: Path) -> None:
    write_csv(tmp_path, GOOD, GOOD.replace("2024-03-01", "2024-02-30").replace("N1", "N2"))
    write_mapping(tmp_path)
    command = ["records", "ingest", "d.csv", "--mapping", "mapping.toml", "--home", "home"]
    first = xinheng(*command, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "checked_on=2024-02-30 is impossible" in first.stdout
    assert "taken before; nothing added" in xinheng(*command, cwd=tmp_path).stdout
    listed = xinheng("records", "rejected", "--home", "home", cwd=tmp_path)
    assert listed.stdout.count("\n") == 2
    assert "2024-02-30" in listed.stdout


def test_a_bad_delivery_leaves_no_half_written_home(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"")
    write_mapping(tmp_path)
    ended = xinheng(
        "records", "ingest", "d.csv", "--mapping", "mapping.toml", "--home", "home", cwd=tmp_path
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "d.csv is empty" in ended.stderr
    assert not list((tmp_path / "home").rglob("*.parquet"))


def test_the_whole_way_by_commands(town: TownRun, tmp_path: Path) -> None:
    """Study, scores, list, one enterprise, its evidence: as the README tells it."""
    home = ["--home", str(tmp_path / "home")]
    figures = tmp_path / "out.json"
    ran = xinheng(
        "study", "run", str(town.folder), "--data", str(town.folder / "delivery"),
        "--json", str(figures), *home,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(figures.read_text(encoding="utf-8"))["n_test"] > 0
    home = ["--home", str(tmp_path / "home/studies/town")]
    assert "scored 400" in xinheng("scores", "run", "--as-of", "2025-12-31", *home).stdout
    head, night = xinheng("scores", "runs", *home).stdout.splitlines()
    assert dict(zip(head.split("\t"), night.split("\t"), strict=True))["enterprises"] == "400"
    (report,) = json.loads(xinheng("scores", "runs", "--json", *home).stdout)
    assert sum(report["classes"].values()) == report["assessed"] == 400

    drawn = xinheng("lists", "draw", "--top", "5", "--format", "json", *home)
    assert "nobody may act on it" in drawn.stderr
    told = json.loads(drawn.stdout)
    assert told["is_draft"] is True
    assert len(told["rows"]) == 5
    named = xinheng("lists", "draw", "--top", "5", "--officer", "王某", *home)
    assert "say --stale" in named.stderr
    named = xinheng("lists", "draw", "--top", "5", "--officer", "王某", "--stale", *home)
    assert "nobody may act on it" not in named.stderr
    assert "as of 2025-12-31 15:59 UTC" in named.stderr
    assert named.stdout.count("\n") > 5

    code = told["rows"][0]["uscc"]
    shown = json.loads(xinheng("scores", "show", code, *home).stdout)
    assert shown["uscc"] == code
    explained = xinheng("features", "explain", code, "--as-of", "2025-12-31", *home).stdout
    quoted = [r for reason in shown["reasons"] for r in reason["record_ids"]]
    assert quoted
    assert all(record in explained for record in quoted[:3])


def test_lists_leave_the_house_as_files(town: TownRun, tmp_path: Path) -> None:
    ended = xinheng("lists", "show", "--format", "xlsx", "--output", "list.xlsx", cwd=tmp_path)
    assert ended.returncode == 2, "nothing was drawn here"
    assert not (tmp_path / "list.xlsx").exists()


def test_the_catalogue_is_printed_in_both_languages() -> None:
    chinese, english = (xinheng("features", "list", "--lang", lang).stdout for lang in ("zh", "en"))
    assert "penalty_count_90d\tgeneral\tpenalty\tcount\tup\t行政处罚次数" in chinese
    assert "Administrative penalties in force" in english
    assert "age_days" in xinheng("features", "describe", "age_days").stdout
