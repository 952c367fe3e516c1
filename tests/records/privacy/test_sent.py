"""Records sent one by one: hidden before they are kept, refused where nobody keeps them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from tests.records.privacy.corpus import EVASIONS, HARMLESS, Case, row_of
from xinheng.database import open_database
from xinheng.errors import PersonalData
from xinheng.records.inbox.columns import SentColumns
from xinheng.records.inbox.sent import checked
from xinheng.records.inbox.store import InboxStore, Sent
from xinheng.records.inbox.supposed import as_stored
from xinheng.records.inbox.tables import RECEIPT, ROW
from xinheng.records.inbox.take import take_waiting
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.privacy.seal import KEY_FILE, Seal, read_mark

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)


def sent(case: Case, number: int = 1) -> Sent:
    return checked(case.table, row_of(case, number), where="records.0")


@pytest.fixture
def store(tmp_path: Path) -> InboxStore:
    return InboxStore(open_database(f"sqlite:///{tmp_path / 'inbox.db'}"), Seal(b"k" * 32))


def test_what_is_kept_of_an_evasion_is_its_kind_and_a_keyed_hash(
    tmp_path: Path, store: InboxStore
) -> None:
    records = [sent(case, n) for n, case in enumerate(EVASIONS)]
    receipt, _ = store.receive(1, "key", "digest", records, at=AT)
    for case, kept in zip(EVASIONS, store.sent(receipt.receipt_id), strict=True):
        mark = read_mark(str(kept.values[case.column]))
        assert mark is not None, case.name
        assert case.text not in json.dumps(dict(kept.values), ensure_ascii=False)
    lake = Lake.at(tmp_path / "lake")
    assert take_waiting(store, lake, tmp_path / "work", at=AT) is not None
    settled = store.rows(receipt.receipt_id)
    assert {one.outcome for one in settled} == {"rejected"}
    assert {f["check"] for one in settled for f in one.findings} == {"QC33"}
    assert {one.uscc for one, case in zip(settled, EVASIONS, strict=True)
            if case.column == "uscc"} == {""}  # fmt: skip
    assert lake.told(FINDINGS).collect().height == len(EVASIONS)
    with store.engine.connect() as connection:
        assert {*connection.execute(select(ROW.c.content)).scalars()} == {"{}"}


def test_look_alikes_are_kept_as_they_were_sent(store: InboxStore) -> None:
    records = [sent(case, n) for n, case in enumerate(HARMLESS)]
    receipt, _ = store.receive(1, "key", "digest", records, at=AT)
    assert store.sent(receipt.receipt_id) == records


def test_the_same_body_under_the_same_key_is_the_same_and_its_plain_digest_is_not_kept(
    store: InboxStore,
) -> None:
    record = sent(EVASIONS[0])
    first, is_new = store.receive(1, "key", "digest", [record], at=AT)
    second, is_newer = store.receive(1, "key", "digest", [record], at=AT)
    assert (is_new, is_newer, first.receipt_id) == (True, False, second.receipt_id)
    with store.engine.connect() as connection:
        assert connection.execute(select(RECEIPT.c.digest)).scalar() != "digest"


@pytest.mark.parametrize("case", EVASIONS, ids=lambda case: case.name)
def test_a_question_of_what_if_with_personal_data_is_refused(case: Case) -> None:
    columns = SentColumns.of(case.table, [sent(case).values])
    with pytest.raises(PersonalData) as caught:
        as_stored([columns], lambda _: pl.DataFrame(), at=AT)
    assert case.text not in str(caught.value)
    assert f"{case.table} record 1: {case.column} holds" in caught.value.message


def test_numbers_and_lists_are_looked_at() -> None:
    case = Case("", "licence", "scope", "x")
    for value in (13912345678, 13912345678.0, ["a", "139 1234 5678"]):
        store_row = {**sent(case).values, "scope": value}
        with pytest.raises(PersonalData):
            as_stored([SentColumns.of("licence", [store_row])], lambda _: pl.DataFrame(), at=AT)


def test_the_salt_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = Seal.in_folder(tmp_path), Seal.in_folder(tmp_path)
    assert first == second
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert first.fingerprint("139 1234 5678") == second.fingerprint("１３９-1234-5678")
    assert first.fingerprint("13912345678") != Seal.random().fingerprint("13912345678")
