"""The same files again: nothing new, unless something came in between."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.records.deliveries import FIRM
from xinheng.records.intake import Report, ingest_all
from xinheng.records.intake.deliveries import Delivery, one_delivery
from xinheng.records.lake import Lake


def delivery(folder: Path, day: int, operation: str) -> Delivery:
    """A complaint, known from the moment of its delivery, in the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    row = {
        "uscc": FIRM, "entity_name": "甲公司", "source_dept": "12345", "source_system": "hotline",
        "source_record_no": "C1", "region_code": "640302", "operation": operation,
        "channel": "12345", "received_on": "2024-03-01", "category_code": "c", "sector": "food",
        "accepted": "是", "outcome": "pending", "negative": "否", "serial_claimant": "否",
    }  # fmt: skip
    pl.DataFrame([row]).write_csv(folder / "complaint.csv")
    return one_delivery(folder, None, at=datetime(2024, 4, day, tzinfo=UTC))


@pytest.mark.parametrize("together", [False, True])
def test_the_bytes_of_a_withdrawn_record_reinstate_it(tmp_path: Path, together: bool) -> None:
    story = [
        delivery(tmp_path / str(day), day, operation)
        for day, operation in enumerate(["insert", "withdraw", "insert", "insert"], start=1)
    ]
    groups = [story] if together else [[one] for one in story]
    reports: list[Report] = []
    for group in groups:
        reports += ingest_all(group, Lake.at(tmp_path / "lake"), at=group[-1].at)
    assert [report.already_taken for report in reports] == [False, False, False, True]
    lake = Lake(tmp_path / "lake")
    rows = lake.rows("complaint").sort("version").collect()
    assert rows["operation"].to_list() == ["insert", "withdraw", "insert"]
    assert rows["known_at"].dt.day().to_list() == [1, 2, 3]
    assert lake.batches()["batch_id"].n_unique() == 3
