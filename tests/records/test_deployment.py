"""A deployment's own code tables extend the delivered ones, without a release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xinheng.errors import BadMapping
from xinheng.records.codes.deployment import codes_of, delivered_codes
from xinheng.records.lake import Lake


def test_without_own_files_the_delivered_tables_are_in_use(tmp_path: Path) -> None:
    assert codes_of(tmp_path) is delivered_codes()
    assert Lake.at(tmp_path / "lake").codes is delivered_codes()
    assert delivered_codes().lags["penalty"]["days"] == "20"
    assert delivered_codes().own_rows == {}


def test_own_rows_are_added_and_take_the_place_of_delivered_ones(tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text(
        "code,name,first_year,abolished_year,successor\n"
        "640399,新设区,2026,,\n640302,利通区,,2025,640399\n",
        "utf-8",
    )
    (tmp_path / "industries.csv").write_text("code,name_zh\nH63,新设大类\n", "utf-8-sig")
    (tmp_path / "lags.csv").write_text("record_type,days,kind\npenalty,7,calendar\n", "utf-8")
    codes = codes_of(tmp_path)
    assert codes.own_rows == {"regions.csv": 2, "industries.csv": 1, "lags.csv": 1}
    assert codes.regions.edition == 2026
    assert codes.regions.is_abolished("640302", 2026)
    assert not delivered_codes().regions.is_abolished("640302", 2026)
    assert codes.regions.lineage("640302") == {"640302", "640399"}
    assert codes.is_industry("H6310")
    assert not delivered_codes().is_industry("H6310")
    assert codes.lags["penalty"] == {"record_type": "penalty", "days": "7", "kind": "calendar"}
    assert codes.lags["licence"] == delivered_codes().lags["licence"]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "lags.csv"
    for days, second in (("7", 1), ("8", 2)):
        path.write_text(f"record_type,days,kind\npenalty,{days},working\n", "utf-8")
        os.utime(path, (second, second))
        assert codes_of(tmp_path).lags["penalty"]["days"] == days
    assert codes_of(tmp_path) is codes_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("regions.csv", "code,name\n640399,甲\n", r"regions\.csv lacks column first_year"),
        ("lags.csv", "record_type,days,kind\npenalty,soon,working\n", "limit of penalty is 'soon'"),
        ("lags.csv", "record_type,days,kind\npenalty,7,dog\n", "limit of penalty is '7' 'dog'"),
        ("industries.csv", "", r"industries\.csv lacks column code"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(BadMapping, match=fault):
        codes_of(tmp_path)


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_bytes("code,name\n640399,新设区\n".encode("gb18030"))
    with pytest.raises(BadMapping, match="is not UTF-8"):
        codes_of(tmp_path)
