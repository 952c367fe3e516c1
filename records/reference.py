"""The tables and checks as a page, made from what the product itself reads."""

from __future__ import annotations

from collections.abc import Iterator

from xinheng.records.gate.catalogue import rules
from xinheng.records.tables import WARNED_OF, Column, envelope, tables


def as_markdown() -> str:
    """`docs/records.md`: the envelope, each table with its columns, and the quality gate."""
    return "\n".join([*_head(), *_columns(envelope()), "", *_tables(), *_checks()])


def _head() -> Iterator[str]:
    yield "# Record tables and checks"
    yield ""
    yield "Made by `xinheng records reference > docs/records.md`; do not edit by hand."
    yield ""
    yield "Money is delivered in yuan and kept as whole fen (`fine_amount_yuan` becomes"
    yield "`fine_amount_fen`); times are kept as whole microseconds, UTC. **K** marks a key field"
    yield "(重点字段), whose presence, format and dictionary are always checked."
    yield ""
    yield "## The envelope of every record"
    yield ""


def _tables() -> Iterator[str]:
    for table in tables().values():
        yield f"## `{table.name}`"
        yield ""
        yield f"Event: `{table.event.name}`."
        yield ""
        yield from _columns(table.own)
        yield ""


def _columns(columns: tuple[Column, ...]) -> Iterator[str]:
    yield "| column | type | unit | needed | meaning |"
    yield "|---|---|---|---|---|"
    for column in columns:
        values = f": {', '.join(column.options)}" if column.options else ""
        needed = ("" if column.nullable or column.name in WARNED_OF else "yes") + (
            " **K**" if column.is_key_field else ""
        )
        meaning = column.meaning.replace("|", "\\|")
        yield (
            f"| `{column.name}` | {column.kind}{values} | {column.unit} "
            f"| {needed.strip()} | {meaning} |"
        )


def _checks() -> Iterator[str]:
    yield "## The quality gate"
    yield ""
    yield "| check | severity | table | rule | what the source is told |"
    yield "|---|---|---|---|---|"
    for rule in rules().values():
        cells = (rule.rule, rule.message_zh)
        told = " | ".join(cell.replace("|", "\\|") for cell in cells)
        yield f"| {rule.id} | {rule.severity} | {_scope(rule.record_type)} | {told} |"
    yield ""


def _scope(record_type: str) -> str:
    return "all" if record_type == "*" else f"`{record_type}`"
