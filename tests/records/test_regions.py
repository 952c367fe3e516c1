"""Districts change their codes, firms keep theirs: only who moved is asked about (QC20)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.records.handmade import AUTHORITY
from tests.records.test_gate import write_delivery
from xinheng.domain import check_character, organisation_check
from xinheng.errors import BadMapping
from xinheng.records.codes.deployment import delivered_codes
from xinheng.records.codes.regions import Regions
from xinheng.records.intake import ingest
from xinheng.records.lake import FINDINGS, Lake

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)
REGIONS = delivered_codes().regions
ROW = {"code": "330113", "name": "临平区", "first_year": "2021"}


def test_regions_have_their_history() -> None:
    history = REGIONS.history
    assert [one.name for one in history["640300"]] == ["吴忠市"]
    (old,) = history["330682"]
    assert (old.name, old.abolished_year, old.successors) == ("上虞市", 2013, ("330604",))
    (new,) = history["330604"]
    assert (new.name, new.first_year, new.abolished_year) == ("上虞区", 2013, None)
    assert {"640300", "370600", "330600", "510116"} <= set(history)
    assert sum(ones[-1].abolished_year is None for ones in history.values()) > 3_000
    assert REGIONS.edition == 2023


def test_whatever_followed_a_code_is_a_code_and_no_code_follows_itself() -> None:
    for code, ones in REGIONS.history.items():
        for one in ones:
            assert not one.successors or one.abolished_year is not None, code
            assert all(next_ in REGIONS for next_ in one.successors), code
            assert all(next_[:2] == code[:2] or code < "500000" for next_ in one.successors), code
        assert code in REGIONS.lineage(code)


@pytest.mark.parametrize(
    ("born", "registered", "agrees"),
    [
        pytest.param("370284", "370211", True, id="a county-level city merged into a district"),
        pytest.param("510122", "510116", True, id="a county that became a district"),
        pytest.param("110228", "110118", True, id="a county of a municipality that became one"),
        pytest.param("522401", "520502", True, id="a prefecture that became a city"),
        pytest.param("371202", "370116", True, id="a city merged into another"),
        pytest.param("512081", "510185", True, id="a county that another city took over"),
        pytest.param("341521", "340422", True, id="so did Shou county"),
        pytest.param("370116", "371202", True, id="and the register that did not follow"),
        pytest.param("330113", "330110", True, id="a district that was divided"),
        pytest.param("110000", "110105", True, id="registered by its municipality"),
        pytest.param("100000", "640302", True, id="registered by the nation's office"),
        pytest.param("640302", "640303", True, id="within one prefecture"),
        pytest.param("640302", "640104", False, id="moved to another prefecture"),
        pytest.param("110000", "120105", False, id="moved to another province"),
        pytest.param("640300", "640102", False, id="registered by another prefecture"),
    ],
)
def test_only_a_firm_that_moved_bears_another_region(
    born: str, registered: str, agrees: bool
) -> None:
    assert REGIONS.agrees(born, registered) is agrees


@pytest.mark.parametrize(
    ("code", "year", "is_gone"),
    [("330104", 2021, False), ("330104", 2022, True), ("330102", 2024, False),
     ("130502", 2024, False), ("540422", 2023, False), ("540422", 2024, True)],
)  # fmt: skip
def test_a_code_is_abolished_after_its_last_year(code: str, year: int, is_gone: bool) -> None:
    assert REGIONS.is_abolished(code, year) is is_gone


@pytest.mark.parametrize(
    "code", ["330113", "330114", "540481", "540581", "370116", "659012", "410308", "350404"]
)
def test_divisions_younger_than_the_last_printed_edition_are_known(code: str) -> None:
    assert code in REGIONS


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"code": "3301"}, "'3301' is no region code"),
        ({"name": ""}, "330113 has no name"),
        ({"first_year": "二〇二一"}, "'二〇二一' is no year"),
        ({"successor": "330102|x"}, "'x' is no region code"),
    ],
)
def test_a_row_that_is_none_is_told_with_its_line(change: dict[str, str], fault: str) -> None:
    with pytest.raises(BadMapping, match=rf"r\.csv, line 2: {fault}"):
        Regions.of([ROW | change], where="r.csv")


def code_of(region: str, number: int) -> str:
    symbols = f"MA9R000{number}"
    first_17 = f"91{region}{symbols}{organisation_check(symbols)}"
    return first_17 + check_character(first_17)


def warned(
    folder: Path, born: str, registered: str, *, known: str = "2024-06-10", **own: str
) -> list[str]:
    """What QC20 says of a firm that was registered in one region and is in another now."""
    uscc = code_of(born, 1)
    row = {
        "uscc": uscc, "entity_name": "示例市子有限公司", "name_zh": "示例市子有限公司",
        "source_dept": "scj", "source_system": "s1", "region_code": "640302",
        "source_record_no": "R1", "entity_type": "enterprise", "status": "active",
        "established_on": "2009-05-07", "industry_code": "H6210", "authority_uscc": AUTHORITY,
        "registered_region_code": registered, "address_text": "示例路1号", "address_key": "k1",
        "address_kind": "leased", "large_enterprise": "否", "known_at": f"{known}T09:00:00",
    } | own  # fmt: skip
    lake = Lake.at(folder / "lake")
    ingest(write_delivery(folder / "d", [("entity", row, "", "")]), None, lake, at=AT)
    found = lake.told(FINDINGS).filter(pl.col("check") == "QC20").collect()
    return found["message_en"].to_list()


@pytest.mark.parametrize(
    ("born", "registered"),
    [("370284", "370211"), ("510122", "510116"), ("330113", "330113"), ("540422", "540481"),
     ("110000", "110105"), ("522401", "520502")],
)  # fmt: skip
def test_nothing_is_said_of_a_firm_that_stayed(tmp_path: Path, born: str, registered: str) -> None:
    assert warned(tmp_path, born, registered) == []


def test_an_abolished_code_is_said_after_its_year_with_what_followed(tmp_path: Path) -> None:
    assert warned(tmp_path / "then", "330104", "330104", known="2021-03-02") == []
    (message,) = warned(tmp_path / "now", "330104", "330104")
    assert message.startswith("Code 330104 (-2021 → 330102) of registered_region_code unknown")
    ended = {"status": "cancelled", "ended_on": "2020-04-01"}
    assert warned(tmp_path / "ended", "330104", "330104", **ended) == []


def test_a_firm_elsewhere_is_said(tmp_path: Path) -> None:
    (message,) = warned(tmp_path, "640302", "640104")
    assert "Code 640104 of registered_region_code" in message
    assert "640302" in message


def test_a_deployments_own_regions_need_no_release(tmp_path: Path) -> None:
    (message,) = warned(tmp_path / "a", "640399", "640399")
    assert "Code 640399 of registered_region_code unknown" in message
    (tmp_path / "b").mkdir()
    own = "code,name,first_year,abolished_year,successor\n640399,新设区,2026,,\n"
    (tmp_path / "b/regions.csv").write_text(own, "utf-8")
    assert warned(tmp_path / "b", "640399", "640399") == []
