"""Small deliveries and mappings for the tests of the intake."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

FIRM = "91440300192317458F"
OTHER = "91350900587527783P"
HEADER = "code,name,no,day,known,result,fine"
GOOD = f"{FIRM},甲公司,N1,2024-03-01,2024-03-05,ok,0"

MAPPING = """
    [identifier]
    kind = "uscc"
    column = "code"

    [envelope]
    entity_name = "name"
    source_dept = { constant = "market" }
    source_system = { constant = "test" }
    region_code = { constant = "640302" }
    known_at = "known"

    [[table]]
    name = "inspection"

    [table.columns]
    source_record_no = "no"
    kind = { constant = "daily" }
    joint = { constant = false }
    matter_code = { constant = "m" }
    sector = { constant = "food" }
    checked_on = "day"
    result = { column = "result", codes = { ok = "no_problem", bad = "failed" } }
    critical_defects = "fine"
    case_filed = { constant = false }
    selection_reason = { constant = "other" }
"""


def write_mapping(folder: Path, text: str = MAPPING) -> Path:
    path = folder / "mapping.toml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def write_csv(folder: Path, *rows: str, header: str = HEADER, name: str = "d.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path
