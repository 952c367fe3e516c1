"""Moments as people write them, for the command line and the API alike."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from xinheng.domain import ZONE

FORM = "2025-06-30, or 2025-06-30T16:00:00+08:00 (in a URL %2B for the plus)"
"""How a moment is written, for hints."""
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[ +-]\d\d:?\d\d)?", re.ASCII
)


def read_moment(text: str, *, needs_zone: bool = False) -> datetime:
    """A moment as it is written; a day is its last moment in Shanghai.

    A blank before the zone is the plus that a browser left as it is.

    Parameters
    ----------
    needs_zone
        Whether a time must name its zone; else it is Shanghai's.

    Raises
    ------
    ValueError
        If it is none; the message shows the forms.

    Examples
    --------
    >>> read_moment("2025-06-30").isoformat(), read_moment("20250630") == read_moment("2025-06-30")
    ('2025-06-30T23:59:59.999999+08:00', True)
    >>> read_moment("2025-06-30T00:00:00 08:00").isoformat()
    '2025-06-30T00:00:00+08:00'
    """
    written = text.strip()
    try:
        moment = _read(written, needs_zone=needs_zone)
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError(f"{text!r} is not a date or time: write {FORM}")
    return moment


def _read(written: str, *, needs_zone: bool) -> datetime | None:
    if day := _DAY.fullmatch(written):
        return datetime.combine(date(*map(int, day.groups())), time.max, ZONE)
    found = _MOMENT.fullmatch(written)
    if found is None or (needs_zone and not found[3]):
        return None
    zone = (found[3] or "").replace(" ", "+")
    moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
