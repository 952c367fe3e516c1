"""Where assessments and lists are kept: whole runs and live ones; nothing is overwritten.

Of each enterprise the newest assessment is current: that of the last run of everyone, or a later
one because new records are about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Engine, Select, bindparam, func, insert, select, update

from xinheng.database import as_text, open_database
from xinheng.decisions.assess import Assessment
from xinheng.decisions.causes.shares import ClassChange
from xinheng.decisions.changes import Standing
from xinheng.decisions.kept.everyone import keep_everyone
from xinheng.decisions.kept.facts import KeptChange, Past, RunFacts, Told
from xinheng.decisions.kept.keeping import (
    RunHead,
    forget,
    insert_all,
    insert_assessed,
    insert_changes,
    insert_run,
    nights,
    parts_of,
)
from xinheng.decisions.kept.regions import Region, by_region
from xinheng.decisions.kept.rows import ASSESSED, assessment_of, current_row, kept_row
from xinheng.decisions.kept.tables import ASSESSMENT, CHANGE, CURRENT, LIST, RUN
from xinheng.decisions.lists import InspectionList, list_from_json
from xinheng.errors import NotFound, NotReady
from xinheng.models.score import LETTERS
from xinheng.prepared import Prepared, as_written, utf8

_APPROVAL = select(CURRENT.c.approval, CURRENT.c.region_code).where(
    CURRENT.c.uscc == bindparam("code")
)


def _answers(engine: Engine) -> Select[Any]:
    """The current answer of every enterprise as it was written, with what is told beside it."""
    return (
        select(
            as_written(ASSESSMENT.c.answer, engine).label("answer"),
            CURRENT.c.region_code,
            RUN.c.run_id,
            RUN.c.sources,
        )
        .select_from(CURRENT)
        .join(
            ASSESSMENT,
            (ASSESSMENT.c.run_id == CURRENT.c.run_id) & (ASSESSMENT.c.uscc == CURRENT.c.uscc),
        )
        .join(RUN, RUN.c.run_id == CURRENT.c.run_id)
    )


class DecisionStore:
    """Assessments and lists in the operational database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._answer = Prepared(_answers(engine).where(CURRENT.c.uscc == bindparam("code")), engine)
        self._approval = Prepared(_APPROVAL, engine)

    @classmethod
    def at(cls, url: str) -> DecisionStore:
        return cls(open_database(url))

    def close(self) -> None:
        """Give the connections back."""
        self._answer.close()
        self._approval.close()
        self.engine.dispose()

    def keep_run(
        self,
        assessed: Sequence[Assessment],
        *,
        lake_batch: int,
        at: datetime,
        changes: Sequence[ClassChange] = (),
        sources: Mapping[str, str] | None = None,
        ruling: str = "",
    ) -> int:
        """Keep a run of everyone with its changes, as `keep_everyone`."""
        frame = pl.DataFrame([kept_row(one) for one in assessed], schema=ASSESSED)
        head = _head(assessed, lake_batch, at, sources, ruling)
        return keep_everyone(self.engine, lambda: iter([frame]), head, changes)

    def keep_live(  # noqa: PLR0913  (one a part of what is kept)
        self,
        assessed: Sequence[Assessment],
        gone: Sequence[str],
        *,
        lake_batch: int,
        at: datetime,
        changes: Sequence[ClassChange] = (),
        sources: Mapping[str, str] | None = None,
        ruling: str = "",
    ) -> int:
        """Keep new assessments of some enterprises; those gone from the register have none now."""
        if not assessed:
            with self.engine.begin() as connection:
                forget(connection, gone)
            return 0
        head = _head(assessed, lake_batch, at, sources, ruling)
        rows = [kept_row(one) for one in assessed]
        with self.engine.begin() as connection:
            run_id = insert_run(connection, head.row("live"))
            insert_assessed(connection, run_id, enumerate(rows, start=1))
            before = nights(connection, [a.uscc for a in assessed])
            forget(connection, [*gone, *(a.uscc for a in assessed)])
            told = [
                current_row(run_id, lake_batch, row)
                | {"night_class": before.get(row["uscc"]) or row["night_class"]}
                for row in rows
            ]
            insert_all(connection, CURRENT, told)
            insert_changes(connection, run_id, assessed[0].as_of, changes)
        return run_id

    def last_run(self) -> RunFacts | None:
        """The newest run of everyone, where there is one."""
        found = self.runs(1)
        return found[0] if found else None

    def newest_sources(self) -> Mapping[str, str]:
        """By table when its newest record became known, at the last assessment of any kind."""
        query = select(RUN.c.sources).where(RUN.c.kind != "open").order_by(RUN.c.run_id.desc())
        with self.engine.connect() as connection:
            told = connection.execute(query.limit(1)).scalar()
        found: dict[str, str] = json.loads(told or "{}")
        return found

    def runs(self, limit: int) -> list[RunFacts]:
        """Runs of everyone, the newest first."""
        query = select(RUN).where(RUN.c.kind == "all").order_by(RUN.c.run_id.desc()).limit(limit)
        with self.engine.connect() as connection:
            return [RunFacts.of(row) for row in connection.execute(query).mappings()]

    def report(self, run_id: int, told: Mapping[str, Any]) -> None:
        """Keep what a night says of itself."""
        text = json.dumps(told, ensure_ascii=False)
        with self.engine.begin() as connection:
            connection.execute(update(RUN).where(RUN.c.run_id == run_id).values(report=text))

    def current_run(self) -> RunFacts:
        """The newest run of everyone.

        Raises
        ------
        NotReady
            If nothing has been assessed.
        """
        found = self.last_run()
        if found is None:
            raise NotReady("no enterprise has been scored", hint="run `xinheng scores run` first")
        return found

    def standings(
        self, before: datetime, usccs: Sequence[str] | None = None
    ) -> dict[str, Standing]:
        """How everyone, or some, stood before a moment; nobody who was assessed later."""
        query = (
            select(CURRENT, RUN.c.ruling)
            .join(RUN, RUN.c.run_id == CURRENT.c.run_id)
            .where(CURRENT.c.as_of < as_text(before))
        )
        parts: list[Select[Any]] = [query]
        if usccs is not None:
            parts = [query.where(CURRENT.c.uscc.in_(some)) for some in parts_of(usccs)]
        found: dict[str, Standing] = {}
        with self.engine.connect() as connection:
            for part in parts:
                for row in connection.execute(part).mappings():
                    found[row["uscc"]] = Standing(
                        risk_class=row["risk_class"],
                        model_class=row["night_class"],
                        settled_class=row["settled_class"],
                        model_version=row["model_version"],
                        rules=tuple(json.loads(row["rules"])),
                        score=row["score"],
                        as_of=datetime.fromisoformat(row["as_of"]),
                        lake_batch=row["lake_batch"],
                        ruling=row["ruling"],
                    )
        return found

    def changes(self, *, after: int = 0, uscc: str = "", limit: int = 1_000) -> list[KeptChange]:
        """Class changes by number, those after a number; of one enterprise or of all."""
        query = select(CHANGE).where(CHANGE.c.change_id > after)
        if uscc:
            query = query.where(CHANGE.c.uscc == uscc)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(CHANGE.c.change_id).limit(limit)).mappings()
            return [KeptChange.of(row) for row in rows]

    def last_change_of(self, uscc: str) -> KeptChange | None:
        """The newest class change of an enterprise; None: there is none."""
        query = select(CHANGE).where(CHANGE.c.uscc == uscc).order_by(CHANGE.c.change_id.desc())
        with self.engine.connect() as connection:
            row = connection.execute(query.limit(1)).mappings().first()
            return None if row is None else KeptChange.of(row)

    def last_change(self) -> int:
        """Number of the newest class change; 0: there is none."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.max(CHANGE.c.change_id))).scalar() or 0)

    def answer(self, uscc: str) -> dict[str, Any]:
        """The current assessment of one enterprise.

        Raises
        ------
        NotFound
            If it was not scored.
        """
        told: dict[str, Any] = json.loads(self.told(uscc).body)
        return told

    def told(self, uscc: str) -> Told:
        """As `answer`, as it was written."""
        row = self._answer.first(code=uscc)
        if row is None:
            raise self._not_scored(uscc)
        return Told(utf8(row[0]), *row[1:])

    def approval(self, uscc: str) -> Told:
        """What the approval check answers.

        Raises
        ------
        NotFound
            If it was not scored.
        """
        row = self._approval.first(code=uscc)
        if row is None:
            raise self._not_scored(uscc)
        return Told(utf8(row[0]), *row[1:])

    def many(self, usccs: Sequence[str]) -> dict[str, Told]:
        """What is told of many enterprises; those that were not scored are not there."""
        base = _answers(self.engine).add_columns(CURRENT.c.uscc)
        found: dict[str, Told] = {}
        with self.engine.connect() as connection:
            for part in parts_of(usccs):
                for row in connection.execute(base.where(CURRENT.c.uscc.in_(part))):
                    found[row.uscc] = Told(
                        utf8(row.answer), row.region_code, row.run_id, row.sources
                    )
        return found

    def regions(self, usccs: Sequence[str]) -> dict[str, str]:
        """Region codes of the scored among some enterprises."""
        query = select(CURRENT.c.uscc, CURRENT.c.region_code)
        found: dict[str, str] = {}
        with self.engine.connect() as connection:
            for part in parts_of(usccs):
                found |= {
                    str(uscc): str(code)
                    for uscc, code in connection.execute(query.where(CURRENT.c.uscc.in_(part)))
                }
        return found

    def history(
        self, usccs: str | Sequence[str], *, before: int = 0, limit: int = 100
    ) -> list[Past]:
        """Assessments of a firm, the newest first; those of runs before a number.

        Parameters
        ----------
        usccs
            Its code, or all the codes that it bore.
        """
        codes = [usccs] if isinstance(usccs, str) else [*usccs]
        query = (
            select(RUN.c.run_id, RUN.c.kind, RUN.c.made_at, RUN.c.lake_batch, ASSESSMENT.c.answer)
            .join(ASSESSMENT, ASSESSMENT.c.run_id == RUN.c.run_id)
            .where(ASSESSMENT.c.uscc.in_(codes), RUN.c.kind != "open")
        )
        if before:
            query = query.where(RUN.c.run_id < before)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(RUN.c.run_id.desc()).limit(limit)).all()
            changed = select(CHANGE).where(CHANGE.c.uscc.in_(codes))
            found = connection.execute(changed.order_by(CHANGE.c.change_id)).mappings()
            changes = {row["run_id"]: KeptChange.of(row) for row in found}
        return [
            Past(
                r.run_id, r.kind, r.made_at, r.lake_batch, json.loads(r.answer),
                changes.get(r.run_id),
            )
            for r in rows
        ]  # fmt: skip

    def riskiest(self, top: int) -> list[Assessment]:
        """The `top` enterprises with the greatest risk now."""
        query = (
            select(ASSESSMENT.c.answer)
            .select_from(CURRENT)
            .join(
                ASSESSMENT,
                (ASSESSMENT.c.run_id == CURRENT.c.run_id) & (ASSESSMENT.c.uscc == CURRENT.c.uscc),
            )
            .order_by(CURRENT.c.log_odds.desc(), CURRENT.c.uscc)
            .limit(top)
        )
        self.current_run()
        with self.engine.connect() as connection:
            return [assessment_of(json.loads(text)) for text in connection.scalars(query)]

    def class_counts(self) -> dict[str, int]:
        """Enterprises of each class now."""
        query = select(CURRENT.c.risk_class, func.count()).group_by(CURRENT.c.risk_class)
        with self.engine.connect() as connection:
            counted = {str(row[0]): int(row[1]) for row in connection.execute(query)}
        return {one: counted.get(one, 0) for one in LETTERS} | counted

    def by_region(self, digits: int, within: str = "") -> list[Region]:
        """Classes by district, without telling of any single enterprise."""
        return by_region(self.engine, digits, within)

    def keep_list(self, drawn: InspectionList) -> None:
        """Keep a drawn list; the newest is current."""
        row = {
            "run_id": self.current_run().run_id,
            "list_id": drawn.list_id,
            "officer": drawn.officer,
            "content": json.dumps(drawn.as_json(), ensure_ascii=False),
        }
        with self.engine.begin() as connection:
            connection.execute(insert(LIST).values(row))

    def current_list(self) -> InspectionList:
        """The list drawn last.

        Raises
        ------
        NotFound
            If none was drawn.
        """
        found = self.lists(1)
        if not found:
            raise NotFound("no list has been drawn", hint="run `xinheng lists draw --top 50`")
        return found[0]

    def kept_list(self, list_id: str) -> InspectionList:
        """One list as it was drawn; `NotFound` if there is none of that number."""
        found = self._lists(select(LIST.c.content).where(LIST.c.list_id == list_id))
        if not found:
            raise NotFound(f"no list {list_id} was drawn", hint="GET /v1/lists names them")
        return found[-1]

    def lists(self, limit: int) -> list[InspectionList]:
        """The lists that were drawn, the newest first."""
        return self._lists(select(LIST.c.content).order_by(LIST.c.number.desc()).limit(limit))

    def _lists(self, query: Select[Any]) -> list[InspectionList]:
        with self.engine.connect() as connection:
            return [list_from_json(json.loads(text)) for text in connection.scalars(query)]

    def _not_scored(self, uscc: str) -> NotFound:
        return NotFound(
            f"{uscc} has no score as of {self.current_run().as_of:%Y-%m-%d}",
            hint="it is not registered as an enterprise or branch, or is no longer active",
        )


def _head(
    assessed: Sequence[Assessment],
    lake_batch: int,
    at: datetime,
    sources: Mapping[str, str] | None,
    ruling: str,
) -> RunHead:
    first = assessed[0]
    return RunHead(
        as_of=first.as_of, model_version=first.model_version, lake_batch=lake_batch, at=at,
        assessed=len(assessed), sources=sources, ruling=ruling,
    )  # fmt: skip
