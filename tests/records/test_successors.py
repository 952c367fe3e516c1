"""A licence is renewed by an application or by its successor, as far as either is known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.plain_law import settled
from tests.records.test_ledger import Row, ledger, moment, record, source

DAY = timedelta(days=1)


def licence(number: str, granted: date, until: date | None, **more: Any) -> tuple[str, Row]:
    told = {"licence_kind": "food_business", "status": "valid", "granted_on": granted}
    return record(
        "licence", more.pop("known", granted.isoformat()), source_record_no=number,
        **told | {"valid_to": until} | more,
    )  # fmt: skip


def states(as_of: date, *records: tuple[str, Row]) -> dict[str, str]:
    rows = ledger(source(*records), moment(f"{as_of}T12:00"))
    return dict(rows.select(rows["source_record_id"].str.split("/").list.get(2), "state").rows())


OLD = licence("old", date(2019, 6, 3), date(2024, 6, 2))
AFTER = date(2024, 7, 1)
STORIES = [
    pytest.param([], "overdue", id="nothing is known"),
    pytest.param(
        [licence("new", date(2024, 4, 10), date(2029, 4, 9))], "performed", id="granted in time"
    ),
    pytest.param(
        [licence("new", date(2024, 5, 28), date(2029, 6, 2))], "performed",
        id="granted after the last day, before the end",
    ),
    pytest.param(
        [licence("new", date(2024, 6, 20), date(2029, 6, 19))], "performed_late", id="after a gap"
    ),
    pytest.param([licence("new", date(2024, 5, 28), None)], "performed", id="for good"),
    pytest.param(
        [licence("new", date(2024, 4, 10), date(2029, 4, 9), licence_kind="drug_retail")],
        "overdue", id="another kind",
    ),
    pytest.param(
        [licence("new", date(2024, 4, 10), date(2029, 4, 9), status="revoked")], "overdue",
        id="revoked",
    ),
    pytest.param(
        [licence("new", date(2024, 4, 10), date(2024, 6, 1))], "overdue", id="ends before"
    ),
    pytest.param(
        [licence("new", date(2024, 4, 10), date(2029, 4, 9), known="2024-08-01")], "overdue",
        id="not known yet",
    ),
    pytest.param(
        [licence("new", date(2024, 4, 10), date(2029, 4, 9), uscc="91440400192548256N")],
        "overdue", id="another holder",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("later", "state"), STORIES)
def test_a_later_licence_of_the_same_kind_and_holder_renews(
    later: list[tuple[str, Row]], state: str
) -> None:
    assert states(AFTER, OLD, *later)["old"] == state


def test_the_renewal_counts_while_its_successor_is_known() -> None:
    new = licence("new", date(2024, 4, 10), date(2029, 4, 9), known="2024-07-10")
    gone = licence("new", date(2024, 4, 10), date(2029, 4, 9), known="2024-09-01", version=2)
    gone[1]["operation"] = "withdraw"
    asked = {
        date(2024, 7, 9): "overdue",
        date(2024, 7, 10): "performed",
        date(2024, 9, 1): "overdue",
    }
    for day, state in asked.items():
        assert states(day, OLD, new, gone)["old"] == state
    rows = ledger(source(OLD, new), moment("2024-08-01")).filter(state="performed")
    assert rows["performance_known_at"].to_list() == [moment("2024-07-10")]
    assert rows["performed_at"].to_list() == [moment("2024-04-10")]


papers = st.tuples(st.integers(0, 900), st.integers(100, 900), st.integers(0, 200), st.booleans())


@settings(max_examples=100, deadline=None)
@given(st.lists(papers, min_size=1, max_size=5), st.integers(0, 2000))
def test_every_licence_stands_as_a_slow_look_at_all_the_others_says(
    drawn: list[tuple[int, int, int, bool]], day: int
) -> None:
    start = date(2021, 1, 1)
    made, as_of = [], start + day * DAY
    for number, (begin, length, lag, is_void) in enumerate(drawn):
        granted = start + begin * DAY
        made.append((f"n{number}", granted, granted + length * DAY, lag, is_void))
    records = [
        licence(
            number, granted, until, known=(granted + lag * DAY).isoformat(),
            status="cancelled" if is_void else "valid",
        )
        for number, granted, until, lag, is_void in made
    ]  # fmt: skip
    known = [one for one in made if one[1] + one[3] * DAY <= as_of]
    wanted = {}
    for number, granted, until, _, is_void in known:
        due = settled(until - 30 * DAY)
        later = [o[1] for o in known if o[1] > granted and o[2] > until and not o[4]]
        state = "waived" if is_void else "overdue" if as_of > due else "open"
        if later:
            in_time = min(later) <= max(until, due)
            state = "performed" if in_time else "performed_late"
        wanted[number] = state
    assert states(as_of, *records) == wanted
