"""Does one job after another, beside the live updates; a job that was broken off is done again."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event

import structlog
from sqlalchemy.exc import OperationalError

from xinheng.decisions.kept.store import DecisionStore
from xinheng.serving.freshness import Freshness
from xinheng.serving.jobs.lines import lines
from xinheng.serving.jobs.store import Job, JobStore

IDLE = 1.0
"""Seconds between looks at an empty list of jobs."""
AT_ONCE = 1_000
"""Enterprises that are read together."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Jobs:
    """The only one who does the jobs of a home."""

    store: JobStore
    decisions: DecisionStore
    clock: Callable[[], datetime]
    stale_days: float

    def run(self, stop: Event) -> None:
        """Work until told to stop; a database that does not answer is tried again."""
        while not stop.is_set():
            try:
                is_idle = not self.step()
            except OperationalError as fault:
                log.warning("jobs wait for the database", error=str(fault).splitlines()[0])
                is_idle = True
            if is_idle:
                stop.wait(IDLE)

    def step(self) -> bool:
        """Do the oldest job; whether there was one."""
        self.store.sweep(self.clock())
        job = self.store.take()
        if job is None:
            return False
        try:
            answered = self._answer(job)
        except OSError as fault:
            log.warning("job failed", job_id=job.job_id, error=str(fault))
            self.store.finish(job.job_id, 0, at=self.clock(), fault=str(fault))
            return True
        self.store.finish(job.job_id, answered, at=self.clock())
        log.info("job done", job_id=job.job_id, asked=job.asked, answered=answered)
        return True

    def _answer(self, job: Job) -> int:
        """Write the answers, whole or not at all; how many are no problem."""
        codes, answered = self.store.codes(job.job_id), 0
        target = self.store.answer_file(job.job_id)
        scratch = target.with_suffix(".new")
        fresh = Freshness(self.decisions, self.clock, self.stale_days)
        with gzip.open(scratch, "wb", compresslevel=3) as file:
            for start in range(0, len(codes), AT_ONCE):
                if not self.store.is_wanted(job.job_id):
                    break
                part = codes[start : start + AT_ONCE]
                told = self.decisions.many([*{*part}])
                seen = {c for c, one in told.items() if one.region_code.startswith(job.region)}
                answered += sum(code in seen for code in part)
                for line in lines(part, told, lambda r: r.startswith(job.region), fresh):
                    file.write(line + b"\n")
        if self.store.is_wanted(job.job_id):
            scratch.replace(target)
        scratch.unlink(missing_ok=True)
        return answered
