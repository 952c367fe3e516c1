"""What a night is about, written down before its work begins, so that it can be gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import polars as pl

from xinheng.decisions.changes import Standing
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.office import Office
from xinheng.domain import ZONE
from xinheng.errors import NotReady
from xinheng.records.lake import Lake
from xinheng.records.tables import MOMENT

STANDING: dict[str, pl.DataType] = {
    **dict.fromkeys(("risk_class", "model_class", "settled_class", "model_version"), pl.String()),
    "rules": pl.List(pl.String()), "score": pl.Float64(), "as_of": MOMENT,
    "lake_batch": pl.Int64(), "ruling": pl.String(),
}  # fmt: skip
"""How an enterprise stood, as columns."""
FOLDER, PLAN, BEFORE = "night", "plan.json", "before.parquet"


@dataclass(frozen=True, slots=True)
class Plan:
    """The moment, the state of the lake and what is decided by."""

    as_of: datetime
    lake_batch: int
    decides: str
    """Digest of live models, hard rules and classes; see `Office.meaning`."""
    former_run: int
    """The last run of everyone; 0: none."""
    since: datetime | None
    """What that run knew."""
    former_batch: int
    """The state of the lake that it was made from; 0: none."""
    begun_at: datetime

    def parts(self, folder: Path, buckets: int) -> list[Path]:
        """Where the parts of the work lie, one a bucket."""
        return [folder / f"part-{bucket:04}.parquet" for bucket in range(buckets)]

    def goes_on(self, office: Office, as_of: datetime | None, at: datetime) -> bool:
        """Whether it is still what is wanted: the same moment, or the night of the same day."""
        if self.decides != office.meaning:
            return False
        if as_of is not None:
            return as_of.astimezone(UTC) == self.as_of
        return self.begun_at.astimezone(ZONE).date() == at.astimezone(ZONE).date()


def begun(
    folder: Path,
    office: Office,
    lake: Lake,
    store: DecisionStore,
    *,
    as_of: datetime | None,
    at: datetime,
) -> tuple[Plan, Lake]:
    """The unfinished plan where it is still wanted, else a new one; with the lake that it sees."""
    former = read_plan(folder)
    if former is not None and former.goes_on(office, as_of, at):
        try:
            return former, lake.at_batch(former.lake_batch)
        except NotReady:  # another lake is in its place
            pass
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    last = store.last_run()
    plan = Plan(
        as_of=(as_of or at).astimezone(UTC),
        lake_batch=lake.snapshot.number,
        decides=office.meaning,
        former_run=last.run_id if last else 0,
        since=last.as_of if last else None,
        former_batch=last.lake_batch if last else 0,
        begun_at=at,
    )
    _standings(store.standings(plan.as_of)).write_parquet(folder / BEFORE)
    told = json.dumps(asdict(plan), default=_text)
    scratch = folder / f"{PLAN}.new"
    scratch.write_text(told, encoding="utf-8")
    scratch.replace(folder / PLAN)
    return plan, lake


def read_plan(folder: Path) -> Plan | None:
    """The plan in a folder, where one was begun."""
    path = folder / PLAN
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    for name in ("as_of", "since", "begun_at"):
        told[name] = told[name] and datetime.fromisoformat(told[name])
    return Plan(**told)


@lru_cache(maxsize=1)
def standings_of(folder: Path, _: Plan) -> Mapping[str, Standing]:
    """How everyone stood when the plan was made."""
    rows = pl.read_parquet(folder / BEFORE, glob=False).iter_rows(named=True)
    return {row.pop("uscc"): Standing(**row | {"rules": tuple(row["rules"])}) for row in rows}


def _standings(told: Mapping[str, Standing]) -> pl.DataFrame:
    rows = [{"uscc": uscc, **asdict(one)} for uscc, one in told.items()]
    return pl.DataFrame(rows, schema={"uscc": pl.String(), **STANDING})


def _text(moment: object) -> str:
    assert isinstance(moment, datetime)
    return moment.isoformat()
