"""What waits in the inbox: clients' receipts first, then whom the platform itself lets wait."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.databases import url
from xinheng.database import open_database
from xinheng.records.inbox.store import InboxStore, Sent

__all__ = ["url"]
FIRM = "91440300192317458F"
AT = datetime(2025, 6, 1, tzinfo=UTC)


def test_who_is_let_wait_comes_after_clients_and_once(url: str) -> None:
    engine = open_database(url)
    store = InboxStore(engine)
    codes = [f"91{number:016}" for number in range(450)]
    store.let_wait("batches 1-2", codes, known_at=AT)
    store.let_wait("batches 1-2", codes, known_at=AT)
    receipt, _ = store.receive(1, "key", "digest", [Sent("penalty", {"uscc": FIRM})], at=AT)
    store.settle(
        {receipt.receipt_id: store.rows(receipt.receipt_id)}, {receipt.receipt_id: "b"}, at=AT
    )
    first, *later = store.unscored(1_000)
    assert first.receipt_id == receipt.receipt_id
    assert [one.rows for one in later] == [200, 200, 50]
    assert store.touched(later) == codes
    assert store.own_batches(["a", "b"]) == {"b"}
    engine.dispose()
