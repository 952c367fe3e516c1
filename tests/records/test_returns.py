"""A department's own rejected rows, as it sent them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.records.handmade import rows
from tests.records.privacy.corpus import Case, row_of
from tests.records.test_gate import write_delivery
from xinheng.records.intake import ingest
from xinheng.records.lake import REJECTED, Lake
from xinheng.records.tickets.returns import rows_to_mend

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)


def test_all_rejected_rows_of_a_department_come_back_with_their_reasons(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    report = ingest(write_delivery(tmp_path / "d", rows()), None, lake, at=AT)
    own = rows_to_mend(lake, "scj")
    assert own.height > 20
    others = {d for _, row, _, _ in rows() if (d := row.get("source_dept")) not in {"scj", None}}
    total = own.height + sum(rows_to_mend(lake, d).height for d in others)
    assert total == lake.told(REJECTED).collect().height
    assert own.columns[-2:] == ["file", "row"]
    first = own.filter(own["file"] == "penalty.csv").row(0, named=True)
    sent = [row for name, row, _, _ in rows() if name == "penalty"][int(first["row"]) - 1]
    assert first["source_record_no"] == sent["source_record_no"]
    assert first["reason (xinheng)"].startswith("QC")
    assert rows_to_mend(lake, "nobody").height == 0
    assert rows_to_mend(lake, "scj", batch=report.batch_id).equals(own)
    assert rows_to_mend(lake, "scj", batch="other").height == 0


def test_a_column_named_as_one_of_ours_keeps_its_name(tmp_path: Path) -> None:
    bad = dict(row_of(Case("", "abnormal_list", "listed_on", "2024-02-31"), 1))
    lake = Lake.at(tmp_path / "lake")
    ingest(write_delivery(tmp_path / "d", [("abnormal_list", bad, "", "")]), None, lake, at=AT)
    (row,) = rows_to_mend(lake, "scj").to_dicts()
    assert row["reason"] == "no_contact"
    assert "2024-02-31" in row["reason (xinheng)"]


def test_a_refused_delivery_has_no_rows_to_mend(tmp_path: Path) -> None:
    bad = dict(row_of(Case("", "licence", "scope", "13912345678"), 1))
    lake = Lake.at(tmp_path / "lake")
    ingest(write_delivery(tmp_path / "d", [("licence", bad, "", "")]), None, lake, at=AT)
    assert rows_to_mend(lake, "scj").height == 0
