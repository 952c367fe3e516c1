"""A file with personal data is refused whole; nothing of it is kept in clear, anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.records.handmade import ENVELOPE, GOOD, NAMES, A, rows
from tests.records.privacy.corpus import EVASIONS, HARMLESS, Case, row_of
from tests.records.test_gate import balanced, write_delivery
from xinheng.errors import BadDelivery
from xinheng.records.intake import Report, find_deliveries, ingest, ingest_all
from xinheng.records.intake.refusals import REFUSED
from xinheng.records.lake import FINDINGS, REJECTED, Lake
from xinheng.records.sources.mapping import load_mapping
from xinheng.records.tickets.desk import keep_step
from xinheng.records.tickets.store import TicketStore

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)
PERSON, CALL = "640302198803071231", "13912345678"
MAPPED = """
    [identifier]
    kind = "uscc"
    column = "code"
    [envelope]
    entity_name = "name"
    source_dept = { constant = "scj" }
    source_system = { constant = "s1" }
    region_code = { constant = "640302" }
    known_at = { constant = "2024-06-18T10:00:00" }
    [[table]]
    name = "utility_usage"
    where = "keep = 'yes'"
    unpivot = { columns = ["2024-04-01", "2024-05-01"] }
    [table.columns]
    source_record_no = { format = "{no}-{attribute}" }
    month = "attribute"
    usage = "value"
    utility = { constant = "water" }
    meter_shared = { constant = false }
"""


def stored_text(root: Path) -> bytes:
    """All that lies below a folder, Parquet files as the texts in them."""
    parts = []
    for path in sorted(root.rglob("*")):
        if path.suffix == ".parquet":
            parts.append(str(pl.read_parquet(path).to_dicts()).encode())
        elif path.is_file():
            parts.append(path.read_bytes())
    return b"\n".join(parts)


def test_none_of_the_evasions_passes(tmp_path: Path) -> None:
    for number, case in enumerate(EVASIONS):
        made = [(case.table, dict(row_of(case, number)), "", "")]
        write_delivery(tmp_path / "d" / f"{number:03d}", made)
    lake = Lake.at(tmp_path / "lake")
    reports = ingest_all(find_deliveries(tmp_path / "d", None, at=AT), lake, at=AT)
    refused = [REFUSED in report.notes for report in reports]
    assert refused == [True] * len(EVASIONS)
    assert balanced(reports)
    findings = lake.told(FINDINGS).collect()
    assert set(findings["check"]) == {"QC33"}
    assert {*findings["field"]} == {case.column for case in EVASIONS}
    assert not any(name for name in lake.snapshot.delta_versions if not name.startswith("_"))
    everything = stored_text(tmp_path / "lake").decode(errors="replace")
    assert not [case.text for case in EVASIONS if len(case.text) > 7 and case.text in everything]


def test_none_of_the_look_alikes_is_refused(tmp_path: Path) -> None:
    made = [(c.table, dict(row_of(c, n)), "", "") for n, c in enumerate(HARMLESS)]
    lake = Lake.at(tmp_path / "lake")
    report = ingest(write_delivery(tmp_path / "d", made), None, lake, at=AT)
    assert report.notes == ()
    assert "QC33" not in set(lake.told(FINDINGS).collect()["check"])
    assert balanced([report])


@pytest.fixture
def mapped(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPED, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("phone", "keep"),
    [
        pytest.param(int(CALL), "yes", id="a number in a column that the mapping leaves out"),
        pytest.param(int(CALL), "no", id="in a row that the mapping leaves out"),
        pytest.param(float(CALL), "yes", id="a floating point number"),
    ],
)
def test_columns_and_rows_that_are_left_out_are_looked_at(
    tmp_path: Path, mapped: Path, phone: float, keep: str
) -> None:
    source = pl.DataFrame({
        "code": [A, A], "name": [NAMES[A]] * 2, "no": ["1", "2"], "keep": ["yes", keep],
        "2024-04-01": ["5", "6"], "2024-05-01": ["bad", "7"], "phone": [None, phone],
    })  # fmt: skip
    source.write_parquet(tmp_path / "usage.parquet")
    lake = Lake.at(tmp_path / "lake")
    report = ingest(tmp_path / "usage.parquet", load_mapping(mapped), lake, at=AT)
    assert report.notes == (REFUSED,)
    assert balanced([report])
    (finding,) = lake.told(FINDINGS).collect().to_dicts()
    assert (finding["row"], finding["field"], finding["source_dept"]) == (2, "phone", "scj")
    assert (finding["uscc"], finding["source_record_no"]) == (None, None)
    assert CALL.encode() not in stored_text(tmp_path / "lake")


def test_no_other_check_speaks_of_a_refused_delivery(tmp_path: Path) -> None:
    """Beside the number stand a wrong code, a word that is in no dictionary, and another file."""
    bad = dict(row_of(Case("", "licence", "uscc", PERSON), 1)) | {"status": "odd"}
    made = [*rows()[:2], ("licence", bad, "", "")]
    lake = Lake.at(tmp_path / "lake")
    report = ingest(write_delivery(tmp_path / "d", made), None, lake, at=AT)
    assert [t.rejected for t in report.tables] == [2, 1]
    assert lake.told(REJECTED).collect().height == 0
    store = TicketStore.at(f"sqlite:///{tmp_path / 'tickets.db'}")
    keep_step(store, lake, at=AT)
    said = [ticket.message_zh for ticket in store.tickets()]
    store.close()
    assert len(said) == 2
    assert PERSON not in f"{said} {report} {lake.told(FINDINGS).collect().to_dicts()}"
    assert PERSON.encode() not in stored_text(tmp_path / "lake")


def test_a_delivery_beside_a_refused_one_is_judged_as_if_alone(tmp_path: Path) -> None:
    good = rows()[:3]
    write_delivery(tmp_path / "d" / "a", good)
    spoiled = dict(good[0][1]) | {"source_record_no": "Z", "name_zh": "别名", "address_text": CALL}
    write_delivery(tmp_path / "d" / "b", [("entity", spoiled, "", "")])
    both, alone = Lake.at(tmp_path / "both"), Lake.at(tmp_path / "alone")
    reports = ingest_all(find_deliveries(tmp_path / "d", None, at=AT), both, at=AT)
    single = ingest(tmp_path / "d" / "a", None, alone, at=AT)
    assert [REFUSED in report.notes for report in reports] == [False, True]
    assert reports[0].tables == single.tables
    assert both.rows("entity").collect().equals(alone.rows("entity").collect())


def test_a_broken_intake_leaves_no_personal_data_in_its_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xinheng.records.intake import take  # noqa: PLC0415

    made = [("licence", dict(row_of(Case("", "licence", "scope", CALL), 1)), "", "")]
    folder = write_delivery(tmp_path / "d", made)

    def dies(*_: object) -> Report:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(take, "complete", dies)
        with pytest.raises(KeyboardInterrupt):
            ingest(folder, None, Lake.at(tmp_path / "lake"), at=AT)
    assert list((tmp_path / "lake" / "_staging").iterdir())
    assert CALL.encode() not in stored_text(tmp_path / "lake")
    report = ingest(folder, None, Lake.at(tmp_path / "lake"), at=AT)
    assert report.notes == (REFUSED,)
    assert not list((tmp_path / "lake" / "_staging").iterdir())


def test_a_header_with_personal_data_is_refused_unread(tmp_path: Path, mapped: Path) -> None:
    lines = [f"code,name,no,keep,2024-04-01,2024-05-01,{CALL}", f"{A},甲,1,yes,5,6,x"]
    (tmp_path / "usage.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(BadDelivery, match="header of column 7 holds a mobile number") as caught:
        ingest(tmp_path / "usage.csv", load_mapping(mapped), Lake.at(tmp_path / "lake"), at=AT)
    assert CALL not in str(caught.value)


def test_keys_of_organisations_are_codes(tmp_path: Path) -> None:
    row = ENVELOPE | {"entity_name": NAMES[A], "source_record_no": "1"} | GOOD["party_link"]
    made = [
        *rows()[:1],
        ("party_link", row | {"party_kind": "organisation", "party_key": A}, "", ""),
    ]
    lake = Lake.at(tmp_path / "lake")
    assert ingest(write_delivery(tmp_path / "d", made), None, lake, at=AT).notes == ()


def test_rows_that_cannot_be_split_are_looked_at_too(tmp_path: Path) -> None:
    made = [("licence", dict(row_of(Case("", "licence", "scope", "x"), n)), "", "") for n in (1, 2)]
    folder = write_delivery(tmp_path / "d", made)
    lines = (folder / "licence.csv").read_text(encoding="utf-8").splitlines()
    lines[2] += f",one cell too many,{CALL}"
    (folder / "licence.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lake = Lake.at(tmp_path / "lake")
    report = ingest(folder, None, lake, at=AT)
    assert report.notes[0] == REFUSED
    assert balanced([report])
    assert CALL.encode() not in stored_text(tmp_path / "lake")
