"""Warnings, as they are typed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cities import CityHome
from xinheng.commands import cli, main
from xinheng.config import Home


def said(*arguments: str) -> str:
    found = CliRunner().invoke(cli, ["alerts", *arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture
def own(city: CityHome, tmp_path: Path) -> CityHome:
    """The city's home with a database of its own and a named officer."""
    home = Home(tmp_path / "home")
    home.root.mkdir()
    for name in ("lake", "models", "tasks"):
        (home.root / name).symlink_to(city.home.root / name, target_is_directory=True)
    shutil.copy(city.home.root / "operations.db", home.root / "operations.db")
    (home.root / "xinheng.toml").write_text('officer = "王科长"\n', encoding="utf-8")
    return replace(city, home=home)


def test_the_way_from_a_night_to_a_closed_alert(own: CityHome) -> None:
    home = ("--home", str(own.home.root))
    first = said("run", "--as-of", "2025-06-26T22:00", *home)
    assert "alerts raised" in first
    assert "W07 is off: no version of unpaid_fine is live" in first
    told = json.loads(said("run", "--as-of", "2025-06-27T22:00", "--json", *home))
    assert told["as_of"] == "2025-06-27T14:00:00+00:00"
    lines = said("list", "--point", "W01", "--limit", "2", *home).splitlines()
    assert lines[0].startswith("alert\tlevel\tpoint")
    number, level, point, *_ = lines[1].split("\t")
    assert (level, point) == ("blue", "W01")
    assert "handled" in said(
        "step", number, "handled", "--by", "王科长", "--result", "电话提醒", *home
    )
    shown = json.loads(said("show", number, *home))
    assert [step["step"] for step in shown["steps"]] == ["created", "delivered", "handled"]
    assert said("points", *home).count("\n") == 49


def test_a_run_of_an_earlier_night_is_one_line_on_stderr(
    own: CityHome, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(own.home.root))
    said("run", "--as-of", "2025-06-26T22:00", *home)
    with pytest.raises(SystemExit) as ended:
        main(["alerts", "run", "--as-of", "2025-06-25T22:00", *home])
    assert ended.value.code == 2
    assert "alerts were run as of 2025-06-26 14:00 UTC already" in capsys.readouterr().err
