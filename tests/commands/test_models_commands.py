"""The model owner's way, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cities import CityHome
from xinheng.commands import cli, main


def said(*arguments: str, status: int = 0) -> str:
    """Standard output of a command that ends with a status."""
    found = CliRunner().invoke(cli, ["models", *arguments], catch_exceptions=False)
    assert found.exit_code == status, found.output
    return found.stdout


def test_the_way_from_training_to_the_ledger(city: CityHome, tmp_path: Path) -> None:
    home = ("--home", str(city.home.root))
    text = said("train", "annual_report", "--days", "400", *home)
    assert "rolling origins" in text
    version = text.split("version ")[1].split()[0]
    file = tmp_path / "told.json"
    text = said("evaluate", version, "--truth", str(city.city), "--json", str(file), *home)
    assert "oracle" in text
    assert json.loads(file.read_text("utf-8"))["version"] == version
    text = said("compare", city.reports, version, "--to", str(tmp_path / "c.html"), *home)
    assert "would change class or alert" in text
    assert "<svg" in (tmp_path / "c.html").read_text("utf-8")
    dry = CliRunner().invoke(cli, ["models", "promote", version, "--by", "甲", "--dry-run", *home])
    assert dry.exit_code == int("FAILS" in dry.stdout)
    assert dry.stdout.count("passes") + dry.stdout.count("FAILS") == 11
    assert "not promoted: a dry run" in dry.stdout
    said("challenge", version, "--by", "甲", *home)
    rows = {line.split("\t")[0]: line for line in said("list", *home).splitlines()}
    assert "\tchallenger\tyes\t" in rows[version]
    assert "\tchampion\tyes\t" in rows[city.reports]
    assert f"\tchallenge\t{version}\t" in said("history", "annual_report", *home)
    paths = said("card", version, *home).split()
    assert [Path(path).suffix for path in paths] == [".html", ".md"]
    assert all(Path(path).exists() for path in paths)


def test_which_version_was_live_on_a_day_is_one_question(city: CityHome) -> None:
    home = ("--home", str(city.home.root))
    assert f"risk_class\t{city.classes}" in said("history", "--on", "2026-02-01", *home)
    assert "risk_class\tnone" in said("history", "--on", "2020-01-01", *home)


def test_an_alarm_is_an_exit_status(city: CityHome, tmp_path: Path) -> None:
    home = ("--home", str(city.home.root))
    files = [str(tmp_path / name) for name in ("w.html", "w.prom", "w.json")]
    text = said(
        "watch", "risk_class", "--as-of", "2026-06-30", "--to", files[0], "--metrics", files[1],
        "--json", files[2], *home, status=1,
    )  # fmt: skip
    assert "ALARM silent source" in text
    assert all(Path(file).exists() for file in files)
    assert json.loads(Path(files[2]).read_text("utf-8"))["alarms"]
    text = said("drill", "--drop", "inspection", "--as-of", "2026-01-02", *home)
    assert "would be in another class" in text


def test_a_refusal_is_one_line_with_the_gate_and_the_way_out(
    city: CityHome, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "models",
                "promote",
                "annual_report-00000000",
                "--by",
                "甲",
                "--home",
                str(city.home.root),
            ]
        )
    assert ended.value.code == 2
    assert "no model version is named" in capsys.readouterr().err


def test_help_names_every_command() -> None:
    text = said("--help")
    for name in (
        "train", "tune", "evaluate", "compare", "promote", "rollback", "retire", "challenge",
        "history", "list", "card", "watch", "drill",
    ):  # fmt: skip
        assert f"\n  {name} " in text
        assert CliRunner().invoke(cli, ["models", name, "--help"]).exit_code == 0
