from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.records.deliveries import MAPPING, write_mapping
from xinheng.errors import XinhengError
from xinheng.records.sources.mapping import load_mapping
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.sources.shaping import Shaped, shape

CASES = {
    "unknown key": ("[identifier]", "[identifer]", "mapping.toml, identifier"),
    "unknown table": ('"inspection"', '"inspections"', "did you mean inspection?"),
    "unknown target column": ("checked_on", "checkd_on", "did you mean checked_on"),
    "a column left out": ('checked_on = "day"', "", "checked_on must be mapped"),
    "two origins": ('constant = "m"', 'constant = "m", column = "x"', "give exactly one of"),
    "a code that is no value": ('bad = "failed"', 'bad = "fail"', "did you mean failed?"),
    "set by the platform": (
        'checked_on = "day"',
        'checked_on = "day"\n    version = "no"',
        "platform",
    ),
    "made by the identifier": (
        'checked_on = "day"',
        'checked_on = "day"\n    uscc = "code"',
        "set by the platform",
    ),
    "unknown zone": ("[identifier]", 'time_zone = "Asia/Shanghi"\n[identifier]', "Asia/Shanghai"),
    "surrogate without register": ('kind = "uscc"', 'kind = "surrogate"', "needs register"),
    "unknown unit": ('constant = "m"', 'constant = "m", unit = "角"', "unit '角' is none of"),
    "no TOML": ("[identifier]", "[identifier", "is not TOML"),
}


@pytest.mark.parametrize(("old", "new", "told"), CASES.values(), ids=CASES)
def test_a_bad_mapping_is_one_line_that_names_the_place(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in MAPPING
    with pytest.raises(XinhengError) as fault:
        load_mapping(write_mapping(tmp_path, MAPPING.replace(old, new, 1)))
    assert told in str(fault.value)
    assert "mapping.toml" in str(fault.value)
    assert "\n" not in str(fault.value)


def test_an_absent_mapping_says_so(tmp_path: Path) -> None:
    with pytest.raises(XinhengError, match="does not exist"):
        load_mapping(tmp_path / "nothing.toml")


def shaped(
    tmp_path: Path, frame: pl.DataFrame, table: str, head: str = "", key: str = 'column = "id"'
) -> pl.DataFrame:
    return as_shaped(tmp_path, frame, table, head, key).rows


def as_shaped(
    tmp_path: Path, frame: pl.DataFrame, table: str, head: str = "", key: str = 'column = "id"'
) -> Shaped:
    text = f"""
    {head}
    [identifier]
    kind = "surrogate"
    register = "r"
    {key}

    [envelope]
    entity_name = {{ format = "firm {{id}}" }}
    source_dept = {{ constant = "d" }}
    source_system = {{ constant = "s" }}
    region_code = {{ constant = "640302" }}
    known_at = "day"
    source_record_no = "id"
    {table}
    """
    mapping = load_mapping(write_mapping(tmp_path, text))
    numbered = frame.with_row_index(ROW, offset=1).with_columns(pl.lit(0).alias(FILE))
    return shape(numbered, mapping, mapping.tables[0], where="f, table t")


PENALTY = """
    [[table]]
    name = "penalty"
    {where}
    [table.columns]
    decision_no = "id"
    illegal_act_code = {{ constant = "x" }}
    penalty_kinds = {{ column = "kinds", separator = "+" }}
    procedure = {{ constant = "ordinary" }}
    fine_amount_yuan = {{ column = "fine", unit = "{unit}" }}
    confiscated_yuan = {{ sql = "fine * 0" }}
    decided_on = {{ column = "day", plus_days = {plus} }}
    severity = {{ constant = "minor" }}
    sector = {{ constant = "food" }}
    repeat_same_act = {{ constant = false }}
    state = {{ constant = "effective" }}
"""
FINES = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "day": ["2024-01-31", "2024-02-28", "2024-12-31"],
        "fine": [0.1, 12.345, 7.0],
        "kinds": ["fine + warn", "fine", "fine+ whip"],
    }
)


def test_wan_yuan_become_whole_fen(tmp_path: Path) -> None:
    rows = shaped(tmp_path, FINES, PENALTY.format(unit="万元", plus=0, where=""))
    assert rows["fine_amount_fen"].to_list() == [100_000, 12_345_000, 7_000_000]
    assert rows["confiscated_fen"].to_list() == [0, 0, 0]


def test_days_can_be_added_and_sets_are_split(tmp_path: Path) -> None:
    told = as_shaped(tmp_path, FINES, PENALTY.format(unit="yuan", plus=1, where=""))
    rows, faults = told.rows, told.faults
    assert [str(day) for day in rows["decided_on"]] == ["2024-02-01", "2024-02-29", "2025-01-01"]
    assert rows["penalty_kinds"].to_list() == [["fine", "warn"], ["fine"], None]
    assert faults.sort("at").select("at", "value").rows() == [(1, "12.345"), (2, "fine+ whip")]


def test_a_key_of_several_columns_tells_enterprises_apart(tmp_path: Path) -> None:
    text = PENALTY.format(unit="yuan", plus=0, where="")
    frame = pl.concat([FINES, FINES.with_columns(day=pl.lit("2024-05-01"))])
    one = shaped(tmp_path, frame, text)
    two = shaped(tmp_path, frame, text, key='format = "{id}-{day}"')
    assert (one["uscc"].n_unique(), two["uscc"].n_unique()) == (3, 6)


def test_a_row_filter_leaves_rows_out(tmp_path: Path) -> None:
    rows = shaped(tmp_path, FINES, PENALTY.format(unit="yuan", plus=0, where='where = "fine > 1"'))
    assert rows["decision_no"].to_list() == ["2", "3"]


def test_times_are_read_in_the_delivery_s_zone(tmp_path: Path) -> None:
    rows = shaped(
        tmp_path,
        FINES,
        PENALTY.format(unit="yuan", plus=0, where=""),
        head='time_zone = "America/Chicago"',
    )
    assert str(rows["event_at"][0]) == "2024-01-31 06:00:00+00:00"
    assert rows["uscc"].n_unique() == 3


def test_an_sql_condition_on_an_unknown_column_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(XinhengError, match=r"'fin'.*did you mean fine\?"):
        shaped(tmp_path, FINES, PENALTY.format(unit="yuan", plus=0, where='where = "fin > 1"'))


def test_an_sql_condition_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(XinhengError, match="is not an SQL expression") as fault:
        shaped(tmp_path, FINES, PENALTY.format(unit="yuan", plus=0, where='where = "fine >"'))
    assert "\n" not in str(fault.value)


def test_wide_columns_become_attributes_and_empty_cells_are_left_out(tmp_path: Path) -> None:
    table = """
    [[table]]
    name = "sector_profile"
    [table.unpivot]
    columns = ["a", "b"]
    rename = { a = "area_m2" }
    [table.columns]
    source_record_no = { format = "{id}-{attribute}" }
    sector = { constant = "food" }
    attribute = "attribute"
    value_num = "value"
    valid_from = "day"
    """
    frame = pl.DataFrame({"id": ["1", "2"], "day": ["2024-01-01"] * 2, "a": [5, None], "b": [1, 2]})
    rows = shaped(tmp_path, frame, table)
    assert rows.select("source_record_no", "attribute", "value_num").rows() == [
        ("1-area_m2", "area_m2", 5.0),
        ("1-b", "b", 1.0),
        ("2-b", "b", 2.0),
    ]
