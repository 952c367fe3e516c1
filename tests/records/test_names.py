"""Names in one normal form, however they are written."""

from __future__ import annotations

from unicodedata import normalize

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.records.codes.names import BRACKETS, DOTS, normal_name

NAME = "示例(北京)阿·卜餐饮有限公司"


def normal(*names: str | None) -> list[str | None]:
    return (
        pl.DataFrame({"n": [*names]}, schema={"n": pl.String})
        .select(normal_name("n"))
        .to_series()
        .to_list()
    )


@pytest.mark.parametrize(
    "written",
    [
        "示例（北京）阿•卜餐饮有限公司",
        "示例﹙北京﹚阿・卜餐饮有限公司",
        "示例〔北京〕阿．卜餐饮有限公司",
        "示例【北京】阿‧卜餐饮有限公司",
        " 示例(北京) 阿∙卜\u3000餐饮有限公司\u200b",
        "\ufeff示例［北京］阿･卜餐饮有限公司",
    ],
)
def test_brackets_dots_and_blanks_make_no_other_name(written: str) -> None:
    assert normal(written) == normal(NAME)


def test_another_word_is_another_name_and_nothing_stays_nothing() -> None:
    assert normal("示例(北京)阿·卜餐饮有限责任公司") != normal(NAME)
    assert normal("ＡＢＣ(上海)有限公司", "abc（上海）有限公司") == ["ABC上海有限公司"] * 2
    assert normal(None) == [None]


@given(
    st.text(st.sampled_from("示例甲乙AbＣ１2"), min_size=1), st.text(BRACKETS + DOTS + " \u3000")
)
def test_what_is_put_between_or_written_wide_changes_nothing(letters: str, noise: str) -> None:
    noisy = "".join(a + b for a, b in zip(letters, noise.ljust(len(letters)), strict=False))
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isascii() else c for c in letters)
    assert normal(noisy, wide) == normal(letters, letters)
    assert normal(*normal(letters)) == normal(letters)
    assert normal(letters) == [normalize("NFKC", letters).upper()]
