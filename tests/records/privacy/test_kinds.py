"""One text: what is personal in it, however it is written, and what only looks so."""

from __future__ import annotations

import datetime as dt
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.records.privacy.corpus import CORPUS, EVASIONS, HARMLESS, Case
from xinheng.records.privacy.digits import (
    has_identity_check,
    has_luhn_check,
    has_register_check,
    is_sure_uscc,
)
from xinheng.records.privacy.hashes import looks_hashed
from xinheng.records.privacy.kinds import find_kinds
from xinheng.records.privacy.patterns import declared, kinds
from xinheng.records.privacy.roles import Role, role_of, role_of_header
from xinheng.records.privacy.writing import numbers, plain
from xinheng.records.tables import table

YEAR = 2024
BREAKS = st.sampled_from(["", " ", "-", "\u200b", "　", "–", " - "])


def role(case: Case) -> Role:
    return Role.CODE if case.column == "uscc" else role_of(table(case.table).column(case.column))


def test_the_corpus_is_large_enough_and_names_every_kind() -> None:
    assert len(EVASIONS) >= 60
    assert len(HARMLESS) >= 60
    assert {case.kind for case in EVASIONS} == set(kinds())


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_every_text_of_the_corpus_is_what_it_is(case: Case) -> None:
    found = find_kinds(case.text, role(case), year=YEAR)
    wanted = {case.kind} - {"", "unhashed"}
    assert wanted <= {*found}
    assert bool(wanted) == bool(found)


def identity(born: str, region: str, serial: int) -> str:
    first_17 = f"{region}{born}{serial:03d}"
    return next(first_17 + c for c in "0123456789X" if has_identity_check(first_17 + c))


births = st.dates(
    min_value=dt.date(1930, 1, 1),
    max_value=dt.date(2005, 12, 31),
).map(lambda day: f"{day:%Y%m%d}")
regions = st.sampled_from(["640302", "110105", "370600", "330600", "620102", "810000", "830000"])


@given(births, regions, st.integers(0, 999), BREAKS, st.sampled_from([*Role]))
@example("19990230", "640302", 12, "", Role.CODE)
def test_an_identity_number_is_found_however_it_is_broken(
    born: str, region: str, serial: int, between: str, where: Role
) -> None:
    number = identity(born, region, serial)
    assume(not is_sure_uscc(number))  # of some thousand numbers one is a code to the last check
    written = between.join([number[:6], number[6:14], number[14:]])
    assert "identity" in find_kinds(written, where, year=YEAR)
    assert "identity" in find_kinds(f"法定代表人{written},住址不详", where, year=YEAR)


SCRIPTS = [
    "0123456789", "０１２３４５６７８９", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖",
    "٠١٢٣٤٥٦٧٨٩",
]  # fmt: skip
prefixes = st.sampled_from(["138", "150", "199", "166", "176", "187"])


@given(
    prefixes, st.integers(0, 10**8 - 1), BREAKS, st.sampled_from(["", "+86 ", "0086-", "(86)"]),
    st.lists(st.sampled_from(SCRIPTS), min_size=11, max_size=11),
)  # fmt: skip
def test_a_mobile_number_is_found_in_any_script(
    prefix: str, rest: int, between: str, trunk: str, scripts: list[str]
) -> None:
    number = f"{prefix}{rest:08d}"
    written = [script[int(digit)] for digit, script in zip(number, scripts, strict=True)]
    parts = ["".join(written[:3]), "".join(written[3:7]), "".join(written[7:])]
    text = f"联系 {trunk}{between.join(parts)}"
    assert "mobile" in find_kinds(text, Role.TEXT, year=YEAR)
    assert "mobile" in find_kinds(f"12315,2024-06-15;{text}", Role.TEXT, year=YEAR)


@given(st.integers(1, 9_999), st.integers(2000, 2024), st.integers(1, 12), st.integers(1, 28))
def test_numbers_of_files_are_nobodys(number: int, year: int, month: int, day: int) -> None:
    for text in (
        f"吴市监罚〔{year}〕{number}号", f"{year}-640302-47-01-{number:06d}",
        f"JY1640302{number:07d}", f"640302{year}{month:02d}{day:02d}{number:04d}"[:17],
        f"{year}-{month:02d}-{day:02d} 13:45:12", f"({year})宁0302民初{number}号",
        f"{number}.{year}{month:02d}{day:02d}", f"{number},{month:03d},{day:03d}.00",
    ):  # fmt: skip
        assert find_kinds(text, Role.NUMBER, year=YEAR) == ()


@given(st.binary(min_size=8, max_size=32))
def test_a_hash_is_a_hash(data: bytes) -> None:
    key = sha256(data).hexdigest()
    assert looks_hashed(key)
    assert looks_hashed(key[:32].upper())
    encoded = b64encode(bytes.fromhex(key)).decode()
    assert looks_hashed(encoded)
    assert find_kinds(key, Role.HASHED, year=YEAR) == ()


def test_a_hash_may_have_none_but_digits() -> None:
    """One in 1,850 keys of eight bytes is so: a register's delivery is not refused for it."""
    assert looks_hashed("8277292776324862")
    assert not looks_hashed("6222021234567894"), "a bank card"
    assert not looks_hashed("640302199003071234"), "as long as an identity number"


@pytest.mark.parametrize("key", ["515a1a3010a55a3a", "f99f11ff51f58f18", "006660800e228ee0"])
def test_a_hash_may_have_few_different_characters(key: str) -> None:
    """One in 32,000 keys of eight bytes has five: a register of a city holds a dozen."""
    assert looks_hashed(key)


@pytest.mark.parametrize("key", ["王某", "", "13912345678", "wang-mou-1", "0" * 32, "WangMouRen"])
def test_what_was_to_be_hashed_is_no_hash(key: str) -> None:
    assert not looks_hashed(key)


def test_headers_say_what_a_column_is_for() -> None:
    assert role_of_header("注册资本(万元)") is Role.AMOUNT
    assert role_of_header("统一社会信用代码") is Role.CODE
    assert role_of_header("决定书文号") is Role.NUMBER
    assert role_of_header("身份证号码") is Role.TEXT
    assert find_kinds("640302198803071231", Role.TEXT, year=YEAR, about="身份证号码")
    assert find_kinds("62345678", Role.TEXT, year=YEAR, about="x") == ()


def test_checks_and_forms_are_those_of_the_standards() -> None:
    assert has_luhn_check("6222021234567890128")
    assert has_register_check("110108000000016")
    assert not has_register_check("110108000000017")
    assert plain("１3八–1234\u200b 伍六78") == "138-1234 5678"
    assert [one.digits for one in numbers("a 12-34 5", frozenset({4}))] == ["1234"]
    assert "prefixes" in declared()["mobile"]
