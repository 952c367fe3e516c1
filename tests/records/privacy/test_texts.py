"""Texts that officers write, and messages that might repeat what was sent."""

from __future__ import annotations

import pytest

from tests.records.privacy.corpus import EVASIONS
from xinheng.errors import PersonalData
from xinheng.records.privacy.texts import CONCEALED, conceal, need_impersonal


@pytest.mark.parametrize("text", ["已与王某 139-1234-5678 核实", "见zhang@example.com"])
def test_a_note_with_personal_data_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(PersonalData, match="note holds what looks like") as caught:
        need_impersonal(text, "note")
    assert text not in str(caught.value)


@pytest.mark.parametrize("text", ["", "单位应为元,请更正后重报", "12315-2026-0001 核实无误"])
def test_plain_notes_pass(text: str) -> None:
    need_impersonal(text, "note")


NUMBERED = [
    case.text for case in EVASIONS if case.kind in {"identity", "mobile"} and case.text.isascii()
]


@pytest.mark.parametrize("text", NUMBERED)
def test_a_message_does_not_repeat_a_number(text: str) -> None:
    told = conceal(f"no enterprise is known under {text!r}")
    assert CONCEALED in told
    assert text not in told


@pytest.mark.parametrize(
    "text",
    ["USCC 91440300192317458G is not valid", "row 17: 2024-06-15 10:00", "batch b0123456789ab"],
)
def test_other_messages_stay_as_they_are(text: str) -> None:
    assert conceal(text) == text
