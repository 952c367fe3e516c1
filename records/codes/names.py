"""One normal form of a firm's name: two ways to write one name are equal in it."""

from __future__ import annotations

import polars as pl

BRACKETS = "()[]{}<>〈〉《》「」『』【】〔〕〖〗〘〙〚〛"
"""In NFKC; full-width and small forms are these then."""
DOTS = "·•‧∙⋅・."
"""Between the parts of a foreign name; a full-width stop is `.` in NFKC."""
_BLANK = r"[\s\u200b-\u200f\u2060\ufeff]"


def normal_name(column: str) -> pl.Expr:
    """A name in NFKC and upper case, without blanks, brackets and middle dots.

    >>> names = ["示例·二 餐饮（有限合伙）", "示例•二餐饮〔有限合伙〕", "示例．二餐饮﹙有限合伙﹚"]
    >>> pl.DataFrame({"name": names}).select(normal_name("name").unique()).rows()
    [('示例二餐饮有限合伙',)]
    """
    bare = pl.col(column).str.normalize("NFKC").str.replace_all(_BLANK, "")
    return bare.str.replace_many([*BRACKETS, *DOTS], [""]).str.to_uppercase()
