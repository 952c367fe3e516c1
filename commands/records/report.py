"""What became of deliveries, as the commands print it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xinheng.records.intake import Report


def next_steps(reports: Sequence[Report], tickets: int) -> str:
    """What is to be done after an ingest."""
    if all(report.already_taken for report in reports):
        return "next: nothing; the scores know these records as of their arrival"
    answer = "answer the tickets (xinheng records tickets list); " if tickets else ""
    return (
        f"next: {answer}see what is covered (xinheng records coverage);\n"
        "      then score everyone with what is known now (xinheng scores run)"
    )


def reports_text(reports: Sequence[Report]) -> str:
    """One report in full; of many, the sums by table and what is said of single batches."""
    if len(reports) == 1:
        return report_text(reports[0])
    taken = [r for r in reports if not r.already_taken]
    lines = [
        f"{len(taken):,} batches taken, {len(reports) - len(taken):,} were taken before",
        _HEAD,
    ]
    names = dict.fromkeys(t.record_type for r in taken for t in r.tables)
    for name in names:
        own = [t for r in taken for t in r.tables if t.record_type == name]
        sums = [sum(getattr(t, key) for t in own) for key in _COLUMNS]
        lines.append(_line(name, sums, f"{len(own):,} files"))
    lines += [f"batch {r.batch_id} {note}" for r in taken for note in r.notes]
    return "\n".join(lines)


_COLUMNS = ("offered", "accepted", "quarantined", "rejected", "duplicate", "left_out")
_HEAD = (
    f"{'table':<20}{'offered':>12}{'accepted':>12}{'quarantined':>13}"
    f"{'rejected':>10}{'duplicate':>11}{'left out':>10}  file"
)


def _line(name: str, counts: list[int], file: str) -> str:
    widths = (12, 12, 13, 10, 11, 10)
    told = "".join(f"{n:>{w},}" for n, w in zip(counts, widths, strict=True))
    return f"{name:<20}{told}  {file}"


def report_text(report: Report) -> str:
    """An intake report as a table, with the commonest reasons of rejection."""
    if report.already_taken:
        return f"batch {report.batch_id} was taken before; nothing added"
    lines = [f"batch {report.batch_id}", _HEAD]
    for t in report.tables:
        lines.append(_line(t.record_type, [getattr(t, key) for key in _COLUMNS], t.file))
        lines += [f"  rejected, {reason}" for reason in t.reasons]
    return "\n".join([*lines, *report.notes])
