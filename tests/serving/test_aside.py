"""What goes wrong in the middle of live updates stops nobody else's records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import polars as pl
import pytest
from click.testing import CliRunner

from tests.serving.live import BEGINS, LiveHome, assert_as_of_a_full_run, like, listing, tied
from xinheng.commands import cli
from xinheng.config import Home
from xinheng.database import open_database
from xinheng.records.inbox import take
from xinheng.records.inbox.columns import SentColumns
from xinheng.records.inbox.rows import as_sent
from xinheng.records.inbox.store import InboxStore, Sent
from xinheng.records.intake.deliveries import one_delivery
from xinheng.records.intake.take import ingest_all
from xinheng.records.lake import Lake
from xinheng.records.tables import table
from xinheng.serving.doctor import examine
from xinheng.serving.live import worker as work


def choking(on: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but a record of this number brings about a fault that nobody thought of."""

    def chokes(*given: Any, **named: Any) -> Any:
        if on in repr(given) or any(on in _text(path) for path in _folders(given)):
            raise ValueError("a thing nobody thought of\nand more of it")
        return plain(*given, **named)

    return chokes


def _folders(given: Sequence[Any]) -> Iterator[Path]:
    """Files of the deliveries that are taken."""
    for deliveries in given[:1]:
        if isinstance(deliveries, list):
            yield from (file for one in deliveries for file in one.files)


def _text(file: Path) -> str:
    return str(pl.read_parquet(file)["source_record_no"].to_list())


def test_a_receipt_that_brings_about_a_fault_is_set_aside_and_can_be_retried(
    live: LiveHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = like(Lake(live.home.lake), "inspection", tied(live), checked_on="2026-01-02").values
    numbers = [
        live.send(key, Sent("inspection", {**plain, "source_record_no": f"n-{key}"}))
        for key in ("a", "odd", "b")
    ]
    with monkeypatch.context() as patch:
        patch.setattr(take, "ingest_all", choking("n-odd", take.ingest_all))
        live.until_idle(live.worker())
    assert [live.outcomes(n) for n in numbers] == [["accepted"], [""], ["accepted"]]
    (aside,) = live.inbox.aside()
    assert aside.receipt_id == numbers[1]
    assert aside.fault == "ValueError: a thing nobody thought of"
    told = {one.name: one for one in examine(live.home, at=live.clock())}["receipts"]
    assert (told.is_well, told.told) == (False, "1 receipts were set aside")
    assert live.inbox.retry() == 1
    live.until_idle(live.worker())
    assert live.outcomes(numbers[1]) == ["accepted"]
    assert live.inbox.counts() == {"scored": 3, "neighbours": 0}


def test_a_fault_of_an_assessment_keeps_the_record_and_sets_the_receipt_aside(
    live: LiveHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    other = next(one.uscc for one in live.decisions.riskiest(10) if one.uscc != firm)
    numbers = [
        live.send(uscc, like(lake, "inspection", uscc, source_record_no=f"n-{uscc}",
                             checked_on="2026-01-02"))
        for uscc in (firm, other)
    ]  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(work, "rescore", choking(firm, work.rescore))
        live.until_idle(live.worker())
    assert [live.outcomes(n) for n in numbers] == [["accepted"], ["accepted"]]
    assert [live.inbox.receipt(n).state for n in numbers] == ["aside", "scored"]
    live.inbox.retry()
    live.until_idle(live.worker())
    assert live.inbox.counts()["scored"] == 2
    assert_as_of_a_full_run(live, [firm, other])


def test_a_fault_that_may_pass_sets_nothing_aside(
    live: LiveHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> NoReturn:
        raise OSError(28, "No space left on device")

    plain = like(Lake(live.home.lake), "inspection", tied(live), checked_on="2026-01-02").values
    number = live.send("a", Sent("inspection", {**plain, "source_record_no": "n-1"}))
    with monkeypatch.context() as patch:
        patch.setattr(take, "ingest_all", full)
        with pytest.raises(OSError, match="No space left"):
            live.worker().step()
    assert live.inbox.counts() == {"received": 1, "neighbours": 0}
    live.until_idle(live.worker())
    assert live.outcomes(number) == ["accepted"]


def test_the_command_tells_what_was_set_aside_and_retries_it(tmp_path: Path) -> None:
    engine = open_database(Home.at(tmp_path).database_url)
    inbox = InboxStore(engine)
    receipt, _ = inbox.receive(1, "a", "a", [Sent("complaint", {"uscc": ""})], at=BEGINS)
    inbox.set_aside(receipt, "ValueError: odd")

    def said(name: str) -> str:
        found = CliRunner().invoke(cli, ["live", name, "--home", str(tmp_path)])
        assert found.exit_code == 0
        return found.output

    assert "1 were set aside" in said("status")
    assert "receipt 1 of 2026-01-05 02:00: ValueError: odd" in said("status")
    assert said("retry") == "1 receipts wait again\n"
    assert inbox.counts()["received"] == 1
    engine.dispose()


def test_what_somebody_else_writes_during_a_step_is_known_at_the_next(
    live: LiveHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A department's delivery in the middle of a step puts a firm on the list of serious ones."""
    lake, firm, neighbour = Lake(live.home.lake), tied(live), tied(live, 1)
    listed = listing(lake, firm, "serious-1")
    worker = live.worker()
    live.send("a", like(lake, "inspection", source_record_no="n-1", checked_on="2026-01-02"))
    live.until_idle(worker)

    takes = work.take_waiting

    def meanwhile(*given: Any, **named: Any) -> Any:
        found = takes(*given, **named)
        if found is not None:
            delivered(live, tmp_path / "delivery", listed)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(work, "take_waiting", meanwhile)
        live.send("b", like(lake, "inspection", source_record_no="n-2", checked_on="2026-01-03"))
        worker.step()
    live.send("c", like(lake, "inspection", neighbour, source_record_no="n-3",
                        checked_on="2026-01-04"))  # fmt: skip
    live.until_idle(worker)
    assert_as_of_a_full_run(live, [neighbour])


def delivered(live: LiveHome, folder: Path, sent: Sent) -> None:
    """A record by the way of the departments."""
    folder.mkdir()
    one = SentColumns.of(sent.record_type, [sent.values])
    frame = as_sent(table(sent.record_type), one, [live.clock()]).rows
    frame.write_parquet(folder / f"{sent.record_type}.parquet")
    ingest_all([one_delivery(folder, None, at=live.clock())], Lake(live.home.lake), at=live.clock())
