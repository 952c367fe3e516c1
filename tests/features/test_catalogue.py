from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from tests.features.reference import SPEC
from xinheng.errors import UnknownName
from xinheng.features.catalogue import catalogue, feature_columns, indicator, version_of
from xinheng.features.declared import Inputs, RateFeature
from xinheng.features.engine.plan import TablePlan
from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary.fold import Fold, Op, rows
from xinheng.models.reasons.sentences import units

every_indicator = pytest.mark.parametrize("one", catalogue().values(), ids=list(catalogue()))
FORBIDDEN = ("selection_prob", "legal_rep_key", "contact_key", "company_form", "region_code")


@every_indicator
def test_every_indicator_says_what_the_specification_says(one: Indicator) -> None:
    row = SPEC[one.id]
    assert one.name_zh == row["name_zh"]
    assert one.name_en == row["name_en"]
    assert one.scope == row["scope"]
    assert (one.group_l1, one.group_l2) == (row["group_l1"], row["group_l2"])
    assert one.table == row["record_type"]
    assert one.windows_days == tuple(map(int, row["windows_days"].split("|")))
    assert (one.unit, one.direction, one.kind) == (row["unit"], row["direction"], row["kind"])
    assert one.rationale == row["rationale"]


@every_indicator
def test_no_indicator_reads_a_forbidden_input(one: Indicator) -> None:
    assert not [name for name in FORBIDDEN if name in one.value.text]


@every_indicator
def test_every_unit_has_a_word_in_both_languages(one: Indicator) -> None:
    assert all(one.unit in words for words in units().values())


def test_the_packs_are_the_specification_and_nothing_else() -> None:
    assert set(catalogue()) == set(SPEC)
    assert len(SPEC) == 127
    names = [column.name for column in feature_columns(catalogue().values())]
    assert len(names) == len(set(names)) == 165


def test_an_unknown_indicator_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"did you mean penalty_count"):
        indicator("penalties_count")


def test_the_version_changes_with_a_definition() -> None:
    first = list(catalogue().values())
    assert version_of(first) == version_of(reversed(first))
    assert version_of(first) != version_of(first[1:])


def test_declared_inputs_name_what_does_not_exist() -> None:
    with pytest.raises(UnknownName, match="did you mean age_days"):
        Inputs(leave_out=["age_day"]).indicators()
    rate = RateFeature(id="r", condition="result_ = 'failed'", windows_days=[30])
    with pytest.raises(UnknownName, match="did you mean result"):
        Inputs(rate=[rate]).indicators()


def test_one_text_stands_for_one_expression() -> None:
    """Folds are shared by their texts, so a text with two meanings is refused, not mixed up."""
    plan = TablePlan("penalty")
    fold = Fold(op=Op.SUM, rows=rows(""), value=pl.col("fine_amount_fen"), value_text="fine")
    assert plan.add(fold) == plan.add(fold) == 0
    other = replace(fold, rows=rows("severity = 'minor'"), value=pl.col("confiscated_fen"))
    with pytest.raises(AssertionError, match="two meanings of 'fine'"):
        plan.add(other)


def test_a_risk_class_reads_no_clock() -> None:
    """Domain specification, section 3: the deadline models alone read how near a deadline is."""
    clocks = {"ar_open_flag", "penalty_days_to_due"}
    plain = {one.id for one in Inputs().indicators()}
    assert not clocks & plain
    assert {one.id for one in Inputs(clocks=True).indicators()} == plain | clocks
