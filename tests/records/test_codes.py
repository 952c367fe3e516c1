"""Dictionaries and whole columns of codes."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.domain import (
    ALPHABET,
    bucket_of,
    check_character,
    normal_uscc,
    organisation_check,
    uscc_fault,
)  # fmt: skip
from xinheng.records.codes.columns import crc32, normal_usccs, valid_organisations, valid_usccs
from xinheng.records.codes.dictionary import industries, is_industry, synonyms
from xinheng.records.frames import FEW
from xinheng.records.tables import envelope, tables

symbols = st.text(ALPHABET, min_size=17, max_size=17).map(lambda t: t + check_character(t))
foreign = st.text(ALPHABET + "IOSVZ９", min_size=18, max_size=18)
codes = st.lists(st.one_of(symbols, st.text(max_size=20), foreign), min_size=1, max_size=8)


@given(codes)
def test_columns_judge_codes_as_the_scalar_rule_does(given_codes: list[str]) -> None:
    column = normal_usccs(pl.Series(given_codes, dtype=pl.String))
    assert valid_usccs(column).to_list() == [uscc_fault(c) is None for c in column]


@given(st.lists(symbols, min_size=1, max_size=5))
def test_columns_check_organisations_as_the_scalar_rule_does(given_codes: list[str]) -> None:
    told = valid_organisations(pl.Series(given_codes)).to_list()
    assert told == [organisation_check(code[8:16]) == code[16] for code in given_codes]


@given(st.lists(st.tuples(symbols, st.sampled_from(["'", "=", '"', " ", "\u200b", "\ufeff"]))))
def test_long_columns_are_normalised_as_single_codes_are(pairs: list[tuple[str, str]]) -> None:
    raw = [mark + code.lower() for code, mark in pairs]
    long = pl.Series([*raw, *[None] * FEW], dtype=pl.String)
    assert normal_usccs(long).to_list()[: len(raw)] == [normal_uscc(code) for code in raw]
    assert [normal_uscc(code) for code in raw] == [code for code, _ in pairs]


def test_codes_are_normalised_and_empty_ones_are_none() -> None:
    raw = pl.Series([" ９１440300192317458f ", None])
    assert normal_usccs(raw).to_list() == [normal_uscc(raw[0]), None]
    assert valid_usccs(pl.Series([None], dtype=pl.String)).to_list() == [False]


@given(st.lists(symbols, min_size=1, max_size=5), st.integers(1, 200))
def test_buckets_follow_from_the_column(given_codes: list[str], buckets: int) -> None:
    column = pl.Series(given_codes)
    assert (crc32(column) % buckets).to_list() == [bucket_of(c, buckets) for c in given_codes]


def test_industries_are_those_of_the_standard() -> None:
    sections = {code for code in industries() if len(code) == 1}
    divisions = {code for code in industries() if len(code) == 3}
    assert "".join(sorted(sections)) == "ABCDEFGHIJKLMNOPQRST"
    assert sorted(int(code[1:]) for code in divisions) == list(range(1, 98))
    assert {code[0] for code in divisions} == sections


@pytest.mark.parametrize(
    ("code", "right"),
    [("H6210", True), ("C14", True), ("C1411", True), ("H", True), ("C6210", False),
     ("Z9999", False), ("H62A", False), ("H62100", False), ("", False)],
)  # fmt: skip
def test_industry_codes_are_checked_to_their_division(code: str, right: bool) -> None:
    assert is_industry(code) == right


def test_synonyms_mean_values_of_the_dictionary() -> None:
    for table in tables().values():
        for column in table.columns:
            told = synonyms(table.name, column.name)
            assert not told or set(told.values()) & set(column.options), column.name
    assert synonyms("penalty", "severity")["轻微"] == "minor"
    assert all(column.meaning for column in envelope())
