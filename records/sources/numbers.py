"""Delivered numbers and amounts of money: as they are written, or not read at all.

No number becomes another one in silence: what has more decimals than money has, or was shortened by
a spreadsheet, is no value.
"""

from __future__ import annotations

import re
from unicodedata import normalize

import polars as pl

from xinheng.records.sources.mapping import UNITS, Origin
from xinheng.records.sources.times import Said
from xinheng.records.tables import Column

FEN_PER_YUAN = 100
NOISE = 1e-15
"""Share of an amount by which its binary fraction may miss it."""
INEXACT = 1e16
"""From here on a binary fraction has no ones."""
NUMBERS = ("integer", "decimal")
_LETTER = "[A-Za-z]"
_DIGITS = r"([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
_UNITS = {"元": 1.0, "圆": 1.0, "yuan": 1.0, "千": 1e3, "千元": 1e3, "万": 1e4, "万元": 1e4,
          "亿": 1e8, "亿元": 1e8}  # fmt: skip
_AMOUNT = (
    r"^([+-]?)\s*(?:¥|RMB|CNY|人民币)?\s*"
    + _DIGITS
    + rf"\s*({'|'.join(sorted(_UNITS, key=len, reverse=True))})?整?$"
)
_PLAIN = rf"^([+-]?)\s*{_DIGITS}$"
_SHORTENED = re.compile(r"^[+-]?[0-9.]+[eE][+-]?[0-9]+$")
_WORDS = re.compile("[零壹贰叁肆伍陆柒捌玖拾佰仟一二三四五六七八九十百]")


def fen(said: Said, origin: Origin) -> pl.Expr:
    """Amounts as whole fen; a unit in the cell goes before that of the mapping.

    What has more decimals than money, or is written in scientific notation, is no value.
    """
    factor = UNITS[origin.unit] * FEN_PER_YUAN
    if said.dtype != pl.String:
        return _whole(_exact(said) * factor)
    number = _written(said.told) * factor
    odd = pl.when(number.is_null()).then(said.told).str.normalize("NFKC")
    own = odd.str.extract(_AMOUNT, 3).replace_strict(
        {name: yuan * FEN_PER_YUAN for name, yuan in _UNITS.items()},
        default=None,
        return_dtype=pl.Float64,
    )
    return _whole(pl.coalesce(number, _signed(odd, _AMOUNT) * own.fill_null(factor)))


def integers(said: Said, _: Origin, __: Column) -> pl.Expr:
    """Whole numbers; `3.0` is one, `3.5` and `9.14E+3` are not."""
    if said.dtype == pl.String:
        number = _with_separators(_written(said.told), said.told)
    else:
        number = _exact(said)
    return pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)


def decimals(said: Said, _: Origin, __: Column) -> pl.Expr:
    """Finite numbers."""
    number = said.told.cast(pl.Float64, strict=False)
    if said.dtype == pl.String:
        number = _with_separators(number, said.told)
    return pl.when(number.is_finite()).then(number)


def number_fault(value: str | None, kind: str) -> tuple[str, str]:
    """Why a text is no number of a column, in English and Chinese.

    >>> number_fault("9.14E+3", "decimal")[0]
    'a number that a spreadsheet shortened: send all its digits'
    >>> number_fault("5000.005", "decimal")[0]
    'no amount of whole fen: money has two decimals'
    """
    text = normalize("NFKC", value or "").strip()
    if _SHORTENED.match(text):
        return (
            "a number that a spreadsheet shortened: send all its digits",
            "被电子表格缩写为科学计数法,请报送完整数字",
        )
    if _WORDS.search(text):
        return "written in words: send digits", "为大写或中文数字,请报送阿拉伯数字"
    if re.match(_PLAIN, text) or re.match(_AMOUNT, text):
        if kind == "integer":
            return "no whole number", "不是整数"
        return "no amount of whole fen: money has two decimals", "小数位数超过两位(分)"
    return "no number", "不是数字"


def _whole(exact: pl.Expr) -> pl.Expr:
    """Amounts in fen that are whole, but for the noise of binary fractions."""
    whole = exact.round()
    return (
        pl.when((exact - whole).abs() <= exact.abs() * NOISE)
        .then(whole)
        .cast(pl.Int64, strict=False)
    )


def _exact(said: Said) -> pl.Expr:
    """A file's own numbers; a binary fraction that is too large to be exact is none."""
    number = said.told.cast(pl.Float64, strict=False)
    if not said.dtype.is_float():
        return number
    return pl.when(number.abs() < INEXACT).then(number)


def _written(text: pl.Expr) -> pl.Expr:
    """Numbers that are written in digits and nothing else."""
    number = text.cast(pl.Float64, strict=False)
    return pl.when(~text.str.contains(_LETTER)).then(number)


def _with_separators(number: pl.Expr, text: pl.Expr) -> pl.Expr:
    """Also those with thousands separators or full-width digits."""
    odd = pl.when(number.is_null()).then(text).str.normalize("NFKC")
    return pl.coalesce(number, _signed(odd, _PLAIN))


def _signed(text: pl.Expr, pattern: str) -> pl.Expr:
    digits = text.str.extract(pattern, 2).str.replace_all(",", "", literal=True)
    number = digits.cast(pl.Float64, strict=False)
    return pl.when(text.str.extract(pattern, 1) == "-").then(-number).otherwise(number)
