"""The records as they were known before: by moment and batch, and before any repair."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests.decisions.handmade import FIRM, OTHER, rows
from xinheng.decisions.causes.past import Cut, Past
from xinheng.features.memory import Memory

JANUARY, MARCH, JUNE = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 3, 6))
BATCHES = {"late": 7, "new": 8}


def complaint(number: int, known_at: datetime, **told: Any) -> dict[str, Any]:
    return {
        "record_id": f"c{number}", "source_record_no": f"c{number}", "known_at": known_at,
        "event_at": JANUARY, "batch_id": "old",
    } | told  # fmt: skip


def past(*told: dict[str, Any], cuts: dict[str, Cut] | None = None, **tables: Any) -> Past:
    frames = {"complaint": rows("complaint", *told), **tables}
    source = Memory(frames, covered=dict.fromkeys(frames, JANUARY))
    return Past(source, cuts or {FIRM: Cut(MARCH, 6)}, BATCHES, JUNE)


def ids(source: Memory) -> list[str]:
    return source.all_of("complaint")["record_id"].sort().to_list()


def test_what_became_known_later_or_came_with_a_later_batch_is_new() -> None:
    found = past(
        complaint(1, JANUARY),
        complaint(2, JUNE, batch_id="new"),
        complaint(3, JANUARY, batch_id="late"),
        complaint(4, datetime(2025, 7, 1, tzinfo=UTC), batch_id="new"),
    )
    assert found.facts([FIRM]) == ("c2", "c3"), "the newest first, nothing of the future"
    assert ids(found.before()) == ["c1", "c4"]
    assert found.repairs([FIRM]) == ()


def test_each_enterprise_has_its_own_cut() -> None:
    found = past(
        complaint(1, MARCH), complaint(2, MARCH, uscc=OTHER),
        cuts={FIRM: Cut(JANUARY, 6), OTHER: Cut(MARCH, 6)},
    )  # fmt: skip
    assert (found.facts([FIRM]), found.facts([OTHER])) == (("c1",), ())
    assert found.is_changed(["complaint"], [FIRM])
    assert not found.is_changed(["penalty"], [FIRM])
    assert not found.is_changed(["complaint"], [OTHER])


def test_what_ends_a_record_is_kept_apart() -> None:
    first = complaint(1, JANUARY)
    gone = first | {"version": 2, "operation": "withdraw", "known_at": JUNE, "record_id": "c1b"}
    found = past(first, gone, complaint(2, JUNE))
    assert (found.facts([FIRM]), found.repairs([FIRM])) == (("c2",), ("c1b",))
    assert ids(found.without_repairs()) == ["c1", "c2"]
    assert {*found.all_new([FIRM])} == {"c2", "c1b"}


def test_a_repair_that_was_known_and_takes_effect_since_is_a_repair() -> None:
    told = {
        "known_at": JANUARY, "batch_id": "old", "record_id": "r", "result": "approved",
        "effective_on": date(2025, 4, 1), "decided_on": date(2025, 1, 1),
    }  # fmt: skip
    found = past(credit_repair=rows("credit_repair", told))
    assert found.repairs([FIRM]) == ("r",)
    assert found.before().all_of("credit_repair").height == 0
    long_ago = past(credit_repair=rows("credit_repair", told | {"effective_on": None}))
    assert long_ago.repairs([FIRM]) == ()


def test_a_record_that_says_itself_that_it_is_repaired_since_was_not_before() -> None:
    own = complaint(1, JANUARY, repaired_at=date(2025, 4, 1))
    old = complaint(2, JANUARY, repaired_at=date(2025, 2, 1))
    found = past(own, old)
    assert found.repairs([FIRM]) == ("c1",)
    frame = found.before().all_of("complaint").sort("record_id")
    assert frame["repaired_at"].to_list() == [None, date(2025, 2, 1)]
