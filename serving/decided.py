"""What the routes ask for: a protocol, so that any store, or a fake of ten lines, can answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from fastapi import Depends, Path, Request

from xinheng.decisions.assess import Assessment
from xinheng.decisions.kept.facts import KeptChange, Past, RunFacts, Told
from xinheng.decisions.kept.regions import Region
from xinheng.decisions.lists import InspectionList
from xinheng.domain import Uscc, normal_uscc, uscc_fault
from xinheng.errors import BadRequest


class Decided(Protocol):
    """Assessments and lists, ready to be told."""

    def answer(self, uscc: str) -> dict[str, Any]: ...
    def told(self, uscc: str) -> Told: ...
    def approval(self, uscc: str) -> Told: ...
    def regions(self, usccs: Sequence[str]) -> dict[str, str]: ...
    def many(self, usccs: Sequence[str]) -> dict[str, Told]: ...
    def history(self, uscc: str, *, before: int, limit: int) -> list[Past]: ...
    def current_list(self) -> InspectionList: ...
    def kept_list(self, list_id: str) -> InspectionList: ...
    def lists(self, limit: int) -> list[InspectionList]: ...
    def keep_list(self, drawn: InspectionList) -> None: ...
    def riskiest(self, top: int) -> list[Assessment]: ...
    def current_run(self) -> RunFacts: ...
    def runs(self, limit: int) -> list[RunFacts]: ...
    def class_counts(self) -> dict[str, int]: ...
    def by_region(self, digits: int, within: str) -> list[Region]: ...
    def last_change(self) -> int: ...
    def changes(self, *, after: int, uscc: str, limit: int) -> list[KeptChange]: ...


def decided(request: Request) -> Decided:
    """The store that `create_app` was given."""
    store: Decided = request.app.state.decided
    return store


def checked_uscc(uscc: str) -> Uscc:
    """A USCC from the path, normalised.

    Raises
    ------
    BadRequest
        If it is not a valid code.
    """
    code = normal_uscc(uscc)
    fault = uscc_fault(code)
    if fault:
        raise BadRequest(f"USCC {code} is not valid: {fault}", hint="18 characters, GB 32100-2015")
    return Uscc(code)


LARGEST = 2**31 - 1
"""Of a number that the database keeps."""
Number = Annotated[int, Path(ge=0, le=LARGEST)]
"""Which receipt, ticket, alert or job."""
Store = Annotated[Decided, Depends(decided)]
Code = Annotated[Uscc, Depends(checked_uscc)]
