"""Gates that need no trained city: what they hold against a version."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from xinheng.config import GateSettings
from xinheng.training.control.gates import Candidate, records
from xinheng.training.judging.added import Added


def candidate(*added: Added) -> Candidate:
    empty: Any = Mock()
    return Candidate(
        model=empty, evaluation={}, probability=empty, label=empty, features=empty, against=None,
        moves=None, added=added, alone="",
    )  # fmt: skip


@pytest.mark.parametrize(("wrong", "is_passed"), [(0, True), (1, False)])
def test_one_record_the_wrong_way_is_enough_to_refuse(wrong: int, is_passed: bool) -> None:
    told = records(
        candidate(
            Added("penalty", True, 100, 0, 0.0, 0.4),
            Added("clean_inspection", False, 100, wrong, 0.007, -0.1),
        ),
        GateSettings(),
    )
    assert told.is_passed is is_passed
    assert "200 records added in thought" in told.told
    assert ("clean_inspection 1 of 100" in told.told) is not is_passed
