"""Sectors add up: a licence in force adds one, the industry code's stays, the authority decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decisions.handmade import FIRM, OTHER, rows
from xinheng.features.catalogue import catalogue
from xinheng.features.engine.compute import compute
from xinheng.features.memory import Memory
from xinheng.features.population import population, sector_population
from xinheng.features.sectors import membership, sector_members, sectors

AT = datetime(2025, 6, 30, 4, tzinfo=UTC)
SINCE = datetime(2023, 3, 1, tzinfo=UTC)
WHEN = {"event_at": SINCE, "known_at": SINCE}
FIRST, LAST = date(2023, 3, 1), date(2028, 2, 29)
Given = Mapping[str, Any]


def entity(industry: str) -> pl.DataFrame:
    return rows(
        "entity",
        WHEN | {
            "industry_code": industry, "entity_type": "enterprise", "status": "active",
            "name_zh": "甲", "registered_region_code": "640302",
        },
    )  # fmt: skip


def licence(kind: str, status: str = "valid", **own: Any) -> pl.DataFrame:
    term = {"valid_from": FIRST, "valid_to": LAST}
    return rows("licence", WHEN | {"licence_kind": kind, "status": status} | term | own)


def profile(sector: str, value: float, attribute: str = "in_sector", **own: Any) -> pl.DataFrame:
    told = {"sector": sector, "attribute": attribute, "value_num": value, "valid_from": FIRST}
    return rows("sector_profile", WHEN | told | own)


def sectors_of(frames: Mapping[str, pl.DataFrame], at: datetime = AT) -> set[str]:
    question = pl.DataFrame({"uscc": [FIRM], "as_of": [at]})
    told = compute([column.indicator for column in membership()], question, Memory(frames))
    return {name for name, inside in sector_members(told).items() if inside[0]}


@pytest.mark.parametrize(
    ("industry", "held", "found"),
    [
        pytest.param("E4710", None, {"construction"}, id="a builder"),
        pytest.param(
            "E4710", licence("food_business"), {"construction", "food"}, id="with a canteen"
        ),
        *(
            pytest.param(
                "E4710", licence("food_business", status), {"construction"},
                id=f"whose canteen's licence is {status}",
            )
            for status in ("revoked", "expired", "cancelled")
        ),
        pytest.param(
            "E4710", licence("food_business", valid_to=date(2025, 6, 29)), {"construction"},
            id="whose canteen's licence ran out yesterday",
        ),
        pytest.param(
            "E4710", licence("food_business", valid_to=date(2025, 6, 30)),
            {"construction", "food"}, id="whose canteen's licence runs out today",
        ),
        pytest.param(
            "E4710", licence("food_business", valid_from=date(2025, 7, 1)), {"construction"},
            id="whose canteen opens tomorrow",
        ),
        pytest.param(
            "E4710", licence("food_business", valid_to=None), {"construction", "food"},
            id="whose canteen's licence has no end",
        ),
        pytest.param(
            "H6210", licence("food_business", "suspended"), {"food"}, id="a caterer, suspended"
        ),
        pytest.param(
            "G5610", licence("food_filing", "suspended"), {"food"}, id="by a suspended licence only"
        ),
        pytest.param("F5211", None, set(), id="a shop that sells no food"),
        pytest.param("F5211", licence("food_business"), {"food"}, id="a shop that sells food"),
        pytest.param("F5211", licence("food_business", "revoked"), set(), id="a shop no longer"),
        pytest.param("M7482", None, {"construction"}, id="supervision of building"),
        pytest.param("M7511", None, set(), id="other technical services"),
        pytest.param("C2720", licence("food_production"), {"drugs", "food"}, id="drugs and food"),
        pytest.param("C2720", licence("safety_production"), {"construction", "drugs"}, id="permit"),
        pytest.param("C2720", licence("other"), {"drugs"}, id="a licence of no sector"),
    ],
)  # fmt: skip
def test_a_licence_in_force_adds_its_sector_and_removes_none(
    industry: str, held: pl.DataFrame | None, found: set[str]
) -> None:
    frames = {"entity": entity(industry)} | ({} if held is None else {"licence": held})
    assert sectors_of(frames) == found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        pytest.param(profile("construction", 0), {"food"}, id="not in its code's sector"),
        pytest.param(profile("food", 0), {"construction"}, id="not in its licence's sector"),
        pytest.param(
            profile("drugs", 1), {"construction", "drugs", "food"}, id="in one without a sign"
        ),
        pytest.param(
            profile("construction", 0, valid_to=date(2025, 6, 29)), {"construction", "food"},
            id="no longer",
        ),
        pytest.param(
            profile("construction", 0, "staff_required"), {"construction", "food"},
            id="another attribute",
        ),
    ],
)  # fmt: skip
def test_the_authoritys_profile_decides(row: pl.DataFrame, found: set[str]) -> None:
    frames = {"entity": entity("E4710"), "licence": licence("food_business")}
    assert sectors_of(frames | {"sector_profile": row}) == found


@given(
    kinds=st.lists(
        st.sampled_from(sorted(kind for one in sectors().values() for kind in one.licence_kinds))
    ),
    statuses=st.lists(st.sampled_from(["valid", "suspended", "revoked", "expired"]), min_size=9),
    industry=st.sampled_from(["E4710", "H6210", "F5151", "F5211", "A0111"]),
)
def test_more_licences_never_take_a_firm_out_of_a_sector(
    kinds: list[str], statuses: list[str], industry: str
) -> None:
    held = [licence(kind, status) for kind, status in zip(kinds, statuses, strict=False)]
    frames = [one.with_columns(source_record_no=pl.lit(str(n))) for n, one in enumerate(held)]
    before = sectors_of({"entity": entity(industry)})
    for count in range(1, len(frames) + 1):
        now = sectors_of({"entity": entity(industry), "licence": pl.concat(frames[:count])})
        assert before <= now
        before = now


@pytest.mark.parametrize("status", ["valid", "revoked"])
def test_a_builder_with_a_canteen_keeps_its_construction_indicators(status: str) -> None:
    told = {"kind": "work_safety", "level": "larger", "occurred_on": FIRST, "liability": "main"}
    accident = rows("safety_accident", WHEN | told)
    frames = {
        "entity": entity("E4710"),
        "licence": licence("food_business", status),
        "safety_accident": accident,
    }
    columns = ["con_accident_points", "food_complaint_count"]
    question = pl.DataFrame({"uscc": [FIRM], "as_of": [AT]})
    covered = dict.fromkeys([*frames, "complaint"], SINCE)
    values = compute([catalogue()[c] for c in columns], question, Memory(frames, covered=covered))
    assert values["con_accident_points_1825d"][0] > 0
    assert (values["food_complaint_count_90d"][0] is None) == (status == "revoked")


def test_the_population_of_each_of_its_sectors_has_a_firm_of_several() -> None:
    other = entity("H6210").with_columns(uscc=pl.lit(OTHER), source_record_no=pl.lit("other"))
    source = Memory(
        {"entity": pl.concat([entity("E4710"), other]), "licence": licence("food_business")}
    )
    assert population(source, AT)["uscc"].to_list() == sorted([FIRM, OTHER])
    assert sector_population(source, AT, "construction")["uscc"].to_list() == [FIRM]
    assert sector_population(source, AT, "food")["uscc"].to_list() == sorted([FIRM, OTHER])
    assert sector_population(source, AT, "drugs").height == 0


def test_a_column_of_a_sector_alone_is_unknown_where_nobody_is_in_it() -> None:
    question = pl.DataFrame({"uscc": [FIRM], "as_of": [AT]})
    one = catalogue()["con_safety_permit_suspended_flag"]
    values = compute([one], question, Memory({"entity": entity("A0111")}))
    assert values[one.id].to_list() == [None]
