"""Where assessments and lists are kept: whole runs, the newest current; nothing overwritten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    insert,
    select,
)

from xinheng.database import METADATA, open_database
from xinheng.decisions.assess import Assessment
from xinheng.decisions.changes import ClassChange, Standing
from xinheng.decisions.lists import InspectionList, list_from_json
from xinheng.errors import NotFound, NotReady
from xinheng.models.score import LETTERS

BATCH = 2_000

RUN = Table(
    "assessment_run",
    METADATA,
    Column("run_id", Integer, primary_key=True, autoincrement=True),
    Column("as_of", String(40), nullable=False),
    Column("model_version", String(80), nullable=False),
    Column("lake_batch", Integer, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("assessed", Integer, nullable=False),
)
ASSESSMENT = Table(
    "assessment",
    METADATA,
    Column("run_id", ForeignKey("assessment_run.run_id"), primary_key=True),
    Column("uscc", String(18), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("risk_class", String(1), nullable=False),
    Column("score", Float, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Index("assessment_by_place", "run_id", "place"),
)
CHANGE = Table(
    "class_change",
    METADATA,
    Column("change_id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("assessment_run.run_id"), nullable=False),
    Column("uscc", String(18), nullable=False, index=True),
    Column("as_of", String(40), nullable=False),
    Column("former", String(1), nullable=False),
    Column("present", String(1), nullable=False),
    Column("cause", String(8), nullable=False),
    Column("rules", Text, nullable=False),
)
LIST = Table(
    "inspection_list",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("assessment_run.run_id"), nullable=False),
    Column("list_id", String(40), nullable=False),
    Column("officer", Text, nullable=False),
    Column("content", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One assessment of everyone."""

    run_id: int
    as_of: datetime
    model_version: str
    lake_batch: int
    assessed: int


@dataclass(frozen=True, slots=True)
class KeptChange:
    """One change of a class, as kept."""

    change_id: int
    run_id: int
    uscc: str
    as_of: str
    former: str
    present: str
    cause: str
    rules: tuple[str, ...]


class DecisionStore:
    """Assessments and lists in the operational database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def at(cls, url: str) -> DecisionStore:
        return cls(open_database(url))

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def keep_run(
        self,
        assessed: Sequence[Assessment],
        *,
        lake_batch: int,
        at: datetime,
        changes: Sequence[ClassChange] = (),
    ) -> int:
        """Keep a run, riskiest first, with its changes; it becomes current whole or not at all."""
        first = assessed[0]
        run = {
            "as_of": first.as_of.isoformat(),
            "model_version": first.model_version,
            "lake_batch": lake_batch,
            "made_at": at.isoformat(),
            "assessed": len(assessed),
        }
        with self.engine.begin() as connection:
            key = connection.execute(insert(RUN).values(run)).inserted_primary_key
            assert key is not None
            run_id = int(key[0])
            for start in range(0, len(assessed), BATCH):
                part = assessed[start : start + BATCH]
                rows = [_row(run_id, place, a) for place, a in enumerate(part, start=start + 1)]
                connection.execute(insert(ASSESSMENT), rows)
            if changes:
                told = [_change_row(run_id, first.as_of, one) for one in changes]
                connection.execute(insert(CHANGE), told)
        return run_id

    def current_run(self) -> RunFacts:
        """The newest run.

        Raises
        ------
        NotReady
            If nothing has been assessed.
        """
        query = select(RUN).order_by(RUN.c.run_id.desc()).limit(1)
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotReady("no enterprise has been scored", hint="run `xinheng scores run` first")
        return RunFacts(
            run_id=row["run_id"],
            as_of=datetime.fromisoformat(row["as_of"]),
            model_version=row["model_version"],
            lake_batch=row["lake_batch"],
            assessed=row["assessed"],
        )

    def standings(self, before: datetime) -> dict[str, Standing]:
        """How everyone stood at the newest run; nobody if that was not before the moment."""
        try:
            run = self.current_run()
        except NotReady:
            return {}
        if run.as_of >= before:
            return {}
        query = select(ASSESSMENT.c.uscc, ASSESSMENT.c.answer)
        query = query.where(ASSESSMENT.c.run_id == run.run_id)
        with self.engine.connect() as connection:
            rows = connection.execute(query)
            return {str(uscc): _standing(json.loads(answer)) for uscc, answer in rows}

    def changes(self, *, after: int = 0, uscc: str = "", limit: int = 1_000) -> list[KeptChange]:
        """Class changes by number, those after a number; of one enterprise or of all."""
        query = select(CHANGE).where(CHANGE.c.change_id > after)
        if uscc:
            query = query.where(CHANGE.c.uscc == uscc)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(CHANGE.c.change_id).limit(limit)).mappings()
            return [
                KeptChange(**dict(row) | {"rules": tuple(json.loads(row["rules"]))}) for row in rows
            ]

    def answer(self, uscc: str) -> dict[str, Any]:
        """The current assessment of one enterprise, as told.

        Raises
        ------
        NotFound
            If it was not scored.
        """
        run = self.current_run()
        query = select(ASSESSMENT.c.answer).where(
            ASSESSMENT.c.run_id == run.run_id, ASSESSMENT.c.uscc == uscc
        )
        with self.engine.connect() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            raise NotFound(
                f"{uscc} has no score as of {run.as_of:%Y-%m-%d}",
                hint="it is not registered as an enterprise or branch, or is no longer active",
            )
        told: dict[str, Any] = json.loads(found)
        return told

    def riskiest(self, top: int) -> list[Assessment]:
        """The first `top` enterprises of the current run."""
        run = self.current_run()
        query = (
            select(ASSESSMENT.c.answer)
            .where(ASSESSMENT.c.run_id == run.run_id)
            .order_by(ASSESSMENT.c.place)
            .limit(top)
        )
        with self.engine.connect() as connection:
            return [_assessment(json.loads(text)) for text in connection.scalars(query)]

    def class_counts(self) -> dict[str, int]:
        """Enterprises of each class in the current run."""
        run = self.current_run()
        query = (
            select(ASSESSMENT.c.risk_class, func.count())
            .where(ASSESSMENT.c.run_id == run.run_id)
            .group_by(ASSESSMENT.c.risk_class)
        )
        with self.engine.connect() as connection:
            counted = {str(row[0]): int(row[1]) for row in connection.execute(query)}
        return {one: counted.get(one, 0) for one in LETTERS} | counted

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
        query = select(LIST.c.content).order_by(LIST.c.number.desc()).limit(1)
        with self.engine.connect() as connection:
            content = connection.execute(query).scalar()
        if content is None:
            raise NotFound("no list has been drawn", hint="run `xinheng lists draw --top 50`")
        return list_from_json(json.loads(content))


def _row(run_id: int, place: int, one: Assessment) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "uscc": one.uscc,
        "place": place,
        "risk_class": one.risk_class,
        "score": one.score,
        "name_zh": one.name_zh,
        "answer": json.dumps(one.as_json(), ensure_ascii=False),
    }


def _assessment(told: dict[str, Any]) -> Assessment:
    return Assessment(
        **told
        | {
            "as_of": datetime.fromisoformat(told["as_of"]),
            "reasons": tuple(told["reasons"]),
            "data_gaps": tuple(told["data_gaps"]),
            "hard_rules": tuple(told.get("hard_rules", ())),
            "outcomes": tuple(told.get("outcomes", ())),
        }
    )


def _change_row(run_id: int, as_of: datetime, one: ClassChange) -> dict[str, Any]:
    told = asdict(one) | {"rules": json.dumps(one.rules)}
    return told | {"run_id": run_id, "as_of": as_of.isoformat()}


def _standing(told: dict[str, Any]) -> Standing:
    return Standing(
        risk_class=told["risk_class"],
        model_class=told["model_class"],
        settled_class=told.get("settled_class") or told["model_class"],
        model_version=told["model_version"],
        rules=tuple(str(rule["id"]) for rule in told.get("hard_rules", ())),
    )
