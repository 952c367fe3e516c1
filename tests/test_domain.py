from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.domain import (
    ALPHABET,
    bucket_of,
    check_character,
    normal_uscc,
    organisation_check,
    surrogate_uscc,
    uscc_fault,
)

first_17 = st.text(ALPHABET, min_size=17, max_size=17)


@pytest.mark.parametrize(
    "code",
    [
        "91440300192317458F",
        "91440400192548256N",
        "91350900587527783P",
        "9153000021652214XX",
    ],
)
def test_real_codes_pass_both_checks(code: str) -> None:
    assert uscc_fault(code) is None
    assert organisation_check(code[8:16]) == code[16]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param("91440300192317458G", "check character is G, expected F", id="wrong check"),
        pytest.param("91440300I92317458F", "'I' is not in the alphabet", id="letter I"),
        pytest.param("9144030019231745F", "17 characters", id="too short"),
        pytest.param("", "0 characters", id="empty"),
    ],
)
def test_wrong_codes_say_what_is_wrong(code: str, told: str) -> None:
    fault = uscc_fault(code)
    assert fault is not None
    assert told in fault


@given(first_17, st.integers(0, 16), st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_noticed(start: str, place: int, symbol: str) -> None:
    code = start + check_character(start)
    wrong = code[:place] + symbol + code[place + 1 :]
    assert (uscc_fault(wrong) is None) == (wrong == code)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_surrogate_is_valid_stable_and_never_a_real_region(register: str, key: str) -> None:
    code = surrogate_uscc(register, key)
    assert uscc_fault(code) is None
    assert organisation_check(code[8:16]) == code[16]
    assert code[:4] == "9100"
    assert code == surrogate_uscc(register, key)


def test_surrogates_of_a_large_register_do_not_collide() -> None:
    assert len({surrogate_uscc("register", str(key)) for key in range(50_000)}) == 50_000


def test_full_width_and_lower_case_are_folded() -> None:
    assert normal_uscc("　９１４４０３００１９２３１７４５８ｆ ") == "91440300192317458F"


@given(first_17, st.integers(1, 64))
def test_a_bucket_is_one_of_the_lakes(code: str, buckets: int) -> None:
    assert 0 <= bucket_of(code, buckets) < buckets
