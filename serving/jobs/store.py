"""Jobs in the operational database, their files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, RowMapping, insert, select, update

from xinheng.database import as_text
from xinheng.errors import NotFound
from xinheng.serving.jobs.tables import JOB

State = Literal["waiting", "running", "done", "failed", "ended"]
KEPT = timedelta(days=7)
"""How long a finished job's files stay."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job."""

    job_id: int
    client_id: int
    region: str
    state: State
    asked: int
    answered: int
    """Lines with an assessment; the others say why not."""
    fault: str
    made_at: str
    done_at: str

    @classmethod
    def of(cls, row: RowMapping) -> Job:
        return cls(**row)


class JobStore:
    """Who asked for which job, and how far it is."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder

    def asked_file(self, job_id: int) -> Path:
        return self.folder / f"{job_id}.codes"

    def answer_file(self, job_id: int) -> Path:
        return self.folder / f"{job_id}.ndjson.gz"

    def add(self, codes: Sequence[str], *, client_id: int, region: str, at: datetime) -> Job:
        """Keep what is asked; the codes are written before anybody may take the job."""
        self.folder.mkdir(parents=True, exist_ok=True)
        row = {
            "client_id": client_id, "region": region, "state": "waiting", "asked": len(codes),
            "answered": 0, "fault": "", "made_at": as_text(at), "done_at": "",
        }  # fmt: skip
        with self.engine.begin() as connection:
            made = connection.execute(insert(JOB).values(row)).inserted_primary_key
            assert made is not None
            number = int(made[0])
            self.asked_file(number).write_text("\n".join(codes), encoding="utf-8")
        return Job(job_id=number, **row)  # type: ignore[arg-type]

    def codes(self, job_id: int) -> list[str]:
        return self.asked_file(job_id).read_text(encoding="utf-8").split("\n")

    def job(self, job_id: int, client_id: int) -> Job:
        """One job of a client.

        Raises
        ------
        NotFound
            If it has none of that number.
        """
        query = select(JOB).where(JOB.c.job_id == job_id, JOB.c.client_id == client_id)
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"this client has no job {job_id}", hint="GET /v1/jobs names them")
        return Job.of(row)

    def jobs(self, client_id: int, limit: int) -> list[Job]:
        """Jobs of a client, the newest first."""
        query = select(JOB).where(JOB.c.client_id == client_id).order_by(JOB.c.job_id.desc())
        with self.engine.connect() as connection:
            return [Job.of(row) for row in connection.execute(query.limit(limit)).mappings()]

    def take(self) -> Job | None:
        """The oldest that waits, or that runs: of a process that died, for there is but one."""
        query = select(JOB).where(JOB.c.state.in_(("waiting", "running")))
        with self.engine.begin() as connection:
            row = connection.execute(query.order_by(JOB.c.job_id).limit(1)).mappings().first()
            if row is None:
                return None
            same = update(JOB).where(JOB.c.job_id == row["job_id"])
            connection.execute(same.values(state="running"))
        return Job.of(row)

    def is_wanted(self, job_id: int) -> bool:
        """Whether nobody has ended it meanwhile."""
        with self.engine.connect() as connection:
            state = connection.execute(select(JOB.c.state).where(JOB.c.job_id == job_id)).scalar()
        return state == "running"

    def finish(self, job_id: int, answered: int, *, at: datetime, fault: str = "") -> None:
        """Done, or failed where there is a fault; one that was ended stays so."""
        told = {"state": "failed" if fault else "done", "answered": answered, "fault": fault}
        same = update(JOB).where(JOB.c.job_id == job_id, JOB.c.state == "running")
        with self.engine.begin() as connection:
            connection.execute(same.values(**told, done_at=as_text(at)))

    def end(self, job_id: int, *, at: datetime) -> None:
        """Nobody wants it any more; its files go."""
        same = update(JOB).where(JOB.c.job_id == job_id)
        with self.engine.begin() as connection:
            connection.execute(same.values(state="ended", done_at=as_text(at)))
        self._remove(job_id)

    def sweep(self, at: datetime) -> int:
        """Remove the files of jobs that were finished long ago; of how many."""
        old = select(JOB.c.job_id).where(
            JOB.c.state.in_(("done", "failed")), JOB.c.done_at < as_text(at - KEPT)
        )
        with self.engine.connect() as connection:
            numbers = [*connection.execute(old).scalars()]
        for number in numbers:
            self.end(number, at=at)
        return len(numbers)

    def _remove(self, job_id: int) -> None:
        for path in (self.asked_file(job_id), self.answer_file(job_id)):
            path.unlink(missing_ok=True)
