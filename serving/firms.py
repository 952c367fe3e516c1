"""Whose code a request names: valid, confirmed by the register, or one that a firm bore before."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from xinheng.domain import Uscc, normal_uscc, shape_fault, uscc_fault
from xinheng.errors import BadRequest, NotFound, NotReady
from xinheng.features.population import why_not_scored
from xinheng.records.codes.succession import NO_SUCCESSIONS, FormerCode, Successions
from xinheng.records.lake import Lake


def checked_uscc(request: Request, uscc: str) -> Uscc:
    """A USCC of a request, normalised.

    Raises
    ------
    BadRequest
        If it is not a valid code, and none that the register confirmed.
    """
    code = normal_uscc(uscc)
    fault = uscc_fault(code)
    if fault and (shape_fault(code) or not is_confirmed(request, code)):
        raise BadRequest(f"USCC {code} is not valid: {fault}", hint="18 characters, GB 32100-2015")
    return Uscc(code)


def is_confirmed(request: Request, code: str) -> bool:
    """Whether the register confirmed a code outside the check rule."""
    lake = _lake(request)
    return lake is not None and code in lake.confirmed_codes()


def successions(request: Request) -> Successions:
    """The codes of firms that changed theirs, as this server's lake knows them."""
    lake = _lake(request)
    return NO_SUCCESSIONS if lake is None else lake.successions()


def present_code(request: Request, uscc: str, at: datetime | None = None) -> Uscc:
    """The code with which a code's firm is known now, or was at a moment.

    Raises
    ------
    BadRequest
        If it is not a valid code.
    """
    code = checked_uscc(request, uscc)
    moment = at or request.app.state.clock()
    return Uscc(successions(request).present(code, moment))


def present_code_now(request: Request, uscc: str) -> Uscc:
    """As `present_code`, for a path."""
    return present_code(request, uscc)


def unscored(request: Request, code: str, fault: NotFound) -> NotFound:
    """The fault that says why a code has no score, as far as this server's lake knows."""
    lake = _lake(request)
    why = lake and why_not_scored(lake, request.app.state.clock(), code)
    return NotFound(f"{code} has no score: {why[0]} ({why[1]})") if why else fault


def former_codes(request: Request, uscc: str) -> list[FormerCode]:
    """The codes that a firm bore before, the latest change first."""
    return successions(request).former(uscc, request.app.state.clock())


def _lake(request: Request) -> Lake | None:
    scoring, desk = request.app.state.scoring, request.app.state.desk
    try:
        if scoring is not None:
            return scoring.newest_lake()  # type: ignore[no-any-return]
        return None if desk is None else Lake(desk.lake)
    except NotReady:
        return None


Code = Annotated[Uscc, Depends(checked_uscc)]
"""A valid code as it was asked for."""
Firm = Annotated[Uscc, Depends(present_code_now)]
"""The present code of the firm that was asked for."""
