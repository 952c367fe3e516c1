"""Neighbours: keys, their states on the day of repair, keys of too many, a new sector."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.features.behind import evidence
from tests.features.test_engine import asked, source
from xinheng.features.catalogue import catalogue
from xinheng.features.engine.compute import compute
from xinheng.features.others.links import links

A, B = "91440300192317458F", "91440400192548256N"
KNOWN = datetime(2024, 1, 1, tzinfo=UTC)
REPAIR = date(2024, 6, 1)
MIDNIGHT = datetime(2024, 5, 31, 16, tzinfo=UTC)
"""The first moment of the day of repair in Asia/Shanghai."""


def record(number: str, uscc: str, **own: object) -> dict[str, object]:
    return {
        "record_id": number, "uscc": uscc, "source_system": "s", "source_record_no": number,
        "version": 1, "event_at": KNOWN, "known_at": KNOWN, "operation": "insert",
        "quality_status": "passed", "dispute_status": "none", "repaired_at": None,
        "publicity_until": None,
    } | own  # fmt: skip


def tied(uscc: str, key: str, role: str = "legal_rep") -> dict[str, object]:
    return record(
        f"link-{uscc}-{key}", uscc, party_kind="person", party_key=key, role=role,
        valid_from=date(2020, 1, 1), valid_to=None,
    )  # fmt: skip


def listed(uscc: str, **more: object) -> dict[str, object]:
    return record("listing", uscc, reason="no_contact", removed_on=None, **more)


@pytest.mark.parametrize(
    ("moment", "seen"),
    [(MIDNIGHT - timedelta(microseconds=1), 1.0), (MIDNIGHT, 0.0)],
    ids=["the day before", "the day of repair"],
)
def test_a_repaired_record_leaves_features_neighbours_and_evidence(
    moment: datetime, seen: float
) -> None:
    world = source(
        {
            "abnormal_list": [listed(B, repaired_at=REPAIR)],
            "party_link": [tied(A, "p"), tied(B, "p")],
        }
    )
    names = ["abnormal_list_current_flag", "same_legal_rep_bad_share", "relation_risk_score"]
    values = compute([catalogue()[n] for n in names], asked([(A, moment), (B, moment)]), world)
    assert values["abnormal_list_current_flag"].to_list() == [0.0, seen]
    assert values["same_legal_rep_bad_share"].to_list() == [seen, 0.0]
    assert values["relation_risk_score"].to_list() == [0.5 * seen, 0.0], "never its own facts"
    own, near = (
        evidence([catalogue()[name].columns[0]], uscc, moment, world)
        for name, uscc in ((names[0], B), (names[1], A))
    )
    expected = ["listing"] if seen else []
    assert own[names[0]]["record_id"].to_list() == expected
    assert near[names[1]]["record_id"].to_list() == expected
    assert near[names[1]]["uscc"].to_list() == [B] * len(expected)


def test_a_key_of_more_than_500_enterprises_says_nothing() -> None:
    largest = links().largest_key
    codes = [f"91{number:016}" for number in range(largest + 1)]
    one = catalogue()["same_legal_rep_entity_count"]
    for members, found in ((largest, largest - 1.0), (largest + 1, 0.0)):
        world = source({"party_link": [tied(code, "p") for code in codes[:members]]})
        values = compute([one], asked([(codes[0], KNOWN)]), world)
        assert values[one.id].to_list() == [found]


def test_two_keys_with_the_same_neighbour_count_it_once() -> None:
    world = source(
        {"party_link": [tied(u, k, "shareholder") for u in (A, B) for k in ("p", "q")],
         "abnormal_list": [listed(B)]}
    )  # fmt: skip
    one = catalogue()["same_investor_bad_share"]
    assert compute([one], asked([(A, KNOWN)]), world)[one.id].to_list() == [1.0]


def test_persons_appear_as_links_and_never_as_neighbours() -> None:
    """A sole trader (92) is nobody's neighbour and a person no key of a name."""
    world = source({"party_link": [tied(A, "p"), tied("92440300MA5DXXXX1X", "p")]})
    one = catalogue()["same_legal_rep_entity_count"]
    assert compute([one], asked([(A, KNOWN)]), world)[one.id].to_list() == [0.0]


@pytest.mark.parametrize(
    ("status", "found"), [("active", 1.0), ("revoked", 1.0), ("cancelled", 0.0), ("moved_out", 0.0)]
)
def test_a_firm_that_is_gone_is_a_neighbour_by_no_key(status: str, found: float) -> None:
    """A firm whose licence was revoked is still there: its people answer for it."""
    entry = {"address_key": "k", "address_kind": "leased", "agent_key": "a"}
    world = source(
        {
            "entity": [
                record("e1", A, status="active", **entry), record("e2", B, status=status, **entry),
            ],
            "party_link": [tied(A, "p"), tied(B, "p")],
        }
    )  # fmt: skip
    names = ["same_legal_rep_entity_count", "same_address_entity_count"]
    values = compute([catalogue()[n] for n in names], asked([(A, KNOWN)]), world)
    assert [values[name][0] for name in names] == [found, found]


def test_a_new_sector_is_two_files(tmp_path: Path) -> None:
    """The example of docs/indicators.md, built in a folder of its own and removed with it."""
    page = Path("docs/indicators.md").read_text(encoding="utf-8")
    toml, code = (page.split(f"```{kind}\n# catering_online.{ext}\n")[1].split("```")[0]
                  for kind, ext in (("toml", "toml"), ("python", "py")))  # fmt: skip
    (tmp_path / "catering_online.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "catering_online.py").write_text(code, encoding="utf-8")
    script = f"""
from xinheng.features import packs
packs.__path__.append({str(tmp_path)!r})
from xinheng.features.catalogue import catalogue, indicator
from xinheng.features.sectors import sectors
from xinheng.features.engine.compute import compute
from tests.features.test_relations import *
firm = record("e", A, industry_code="H6241", status="active")
said = record("c", A, category_code="online_catering", accepted=True)
other = record("f", B, industry_code="H6210", status="active")
world = source({{"entity": [firm, other], "complaint": [said]}})
one = indicator("catering_online_complaint_count")
print(len(catalogue()), sorted(sectors()))
print(compute([one], asked([(A, KNOWN), (B, KNOWN)]), world)[one.columns[0].name].to_list())
"""
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "128 ['catering_online', 'construction', 'drugs', 'food']" in told.stdout
    assert "[1.0, None]" in told.stdout
    assert "catering_online" not in str(list(catalogue()))


def test_coverage_follows_the_delivery_notes() -> None:
    months = [date(2023, month, 1) for month in range(1, 13)]

    def notes(state: str, count: int, region: str = "440300") -> pl.DataFrame:
        return pl.DataFrame(
            [
                {
                    "record_type": "penalty", "source_dept": "d", "region_code": region,
                    "month": month, "state": state if place >= 12 - count else "unknown",
                    "known_at": datetime(month.year, month.month, 28, tzinfo=UTC),
                }
                for place, month in enumerate(months)
            ]
        )  # fmt: skip

    firm = record("e", A, industry_code="H6210", registered_region_code="440303", status="active")
    one = catalogue()["penalty_count"]
    year_end = asked([(A, KNOWN)])
    for told, found in (
        (notes("covered", 12), [0.0, 0.0, None]),
        (notes("covered", 5), [0.0, None, None]),
        (notes("covered", 12, region="440400"), [None, None, None]),
        (notes("unknown", 12), [None, None, None]),
    ):
        from xinheng.features.memory import Memory  # noqa: PLC0415

        frame = pl.DataFrame([firm]).with_columns(pl.lit(None).alias("repaired_at"))
        world = Memory({"entity": frame}, notes=told.cast({"known_at": pl.Datetime("us", "UTC")}))
        values = compute([one], year_end, world)
        assert [values[column.name][0] for column in one.columns] == found
