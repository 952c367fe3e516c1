"""E-mail addresses whose signs are spelled, and words that only stand beside an `at`."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.privacy.corpus import EVASIONS
from xinheng.records.privacy.kinds import find_kinds
from xinheng.records.privacy.mail.spelled import is_spelled, with_signs
from xinheng.records.privacy.roles import Role
from xinheng.records.privacy.texts import CONCEALED, conceal

names = st.sampled_from(["zhang", "liwei", "wang.fang", "chenjing88", "zhao_min", "ouyangxue"])
AT = ["@", "＠", " @ ", "(at)", " [at] ", "艾特", "圈a", " at ", " AT ", "_at_"]
DOT = [".", " dot ", "点", "。", "(dot)", " . "]
domains = st.sampled_from(["example", "qq", "163", "company-7"])


@given(names, st.sampled_from(AT), domains, st.sampled_from(DOT), st.sampled_from(["com", "cn"]))
def test_an_address_is_found_however_its_signs_are_written(
    name: str, at: str, domain: str, dot: str, top: str
) -> None:
    written = f"{name}{at}{domain}{dot}{top}"
    for text in (written, f"联系人{written}", f"请发至{written},谢谢"):
        assert "email" in find_kinds(text, Role.TEXT, year=2024), text


@given(names, st.sampled_from(AT[3:]), st.sampled_from(["example", "qq", "gmail"]))
def test_the_end_of_the_domain_may_be_left_out(name: str, at: str, domain: str) -> None:
    assert "email" in find_kinds(f"{name}{at}{domain}", Role.TEXT, year=2024)


@pytest.mark.parametrize(
    "text",
    [
        "meet at noon", "Look at Me", "he at home", "made at home", "Shop at Plaza 5",
        "see details at www.example.com", "available at example.com today",
        "the manager was at the premises", "looked at it", "attend at 9.30", "at", "at at at",
    ],
)  # fmt: skip
def test_words_beside_an_at_are_no_address(text: str) -> None:
    assert not is_spelled(text, is_told=False)
    assert find_kinds(text, Role.TEXT, year=2024) == ()


def test_words_around_decide_of_what_could_be_either() -> None:
    assert is_spelled("desk-2 at office", is_told=True)
    assert not is_spelled("desk-2 at office", is_told=False)


def test_signs_are_written_out() -> None:
    assert with_signs("wang (at) example (dot) com") == "wang@example.com"
    assert with_signs("面积5点5亩") == "面积5点5亩"


@pytest.mark.parametrize("text", [case.text for case in EVASIONS if case.kind == "email"])
def test_a_message_does_not_repeat_an_address(text: str) -> None:
    told = conceal(f"no enterprise is known under {text!r}")
    assert CONCEALED in told
    assert text not in told


@pytest.mark.parametrize("text", ["a" * 20_000, "a." * 10_000, "a at " * 4_000, " " * 5_000 + "@"])
def test_a_long_text_is_looked_at_soon(text: str) -> None:
    begun = perf_counter()
    find_kinds(text, Role.TEXT, year=2024)
    assert perf_counter() - begun < 5
