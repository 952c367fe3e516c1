"""New records are about some enterprises: those are assessed at once, whom they change soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from xinheng.decisions.assess import Assessment
from xinheng.decisions.causes.explain import World, class_changes
from xinheng.decisions.causes.news import Last, later, news_of, news_since
from xinheng.decisions.causes.past import Cut
from xinheng.decisions.causes.shares import ClassChange
from xinheng.decisions.changes import inherited
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.office import Office
from xinheng.decisions.whole import assess_whole
from xinheng.features.catalogue import feature_columns, version_of
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.features.others.renew import renewed
from xinheng.records.frames import microsecond
from xinheng.records.freshness import freshness
from xinheng.records.lake import Lake


@dataclass(frozen=True, slots=True)
class Rescored:
    """What became of some enterprises."""

    assessed: tuple[Assessment, ...]
    changes: tuple[ClassChange, ...]
    gone: tuple[str, ...]
    """Not, or no longer, on the register."""
    near: tuple[str, ...]
    """Whose relations their new records have changed."""
    source: Memory
    """All records of the enterprises, as read."""


@dataclass(slots=True)
class Surroundings:
    """What is known of everybody, kept from one step to the next."""

    until: datetime
    others: Others
    lake_batch: int
    versions: Mapping[str, int]
    """What it knows of the lake: its state, and that of each table."""
    meaning: str
    """Of the indicators that it was read for."""
    covered: dict[str, datetime] = field(default_factory=dict)
    fresh: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By table its version, and when its newest record became known."""
    news: dict[str, Last] = field(default_factory=dict, repr=False)
    """Who had news of what relations rest on, since the last run of everyone."""

    @classmethod
    def of(
        cls, office: Office, lake: Lake, until: datetime, since: Cut | None = None
    ) -> Surroundings:
        """Read the lake once; takes as long as a night's first step.

        Parameters
        ----------
        since
            What the last run of everyone knew.
        """
        others = Others.of(lake, feature_columns(office.indicators), until)
        known, meaning = lake.snapshot, version_of(office.indicators)
        made = cls(until, others, known.number, known.delta_versions, meaning)
        if since is not None:
            made.news = news_of(news_since(lake, since, until, others.needs.sought.tied_by))
        return made

    def knows(self, lake: Lake) -> None:
        """Nothing of the lake is new."""
        self.lake_batch, self.versions = lake.snapshot.number, lake.snapshot.delta_versions

    def fits(self, office: Office, at: datetime) -> bool:
        """Whether it still serves: the same indicators, and not past its horizon."""
        return at < self.until and self.meaning == version_of(office.indicators)

    def read(self, lake: Lake, usccs: Sequence[str]) -> Memory:
        """All records of some enterprises, and from when each table is delivered."""
        for name in lake.snapshot.delta_versions:
            if name not in self.covered and not name.startswith("_"):
                since = lake.covered_from(name)
                if since is not None:
                    self.covered[name] = since
        return Memory.of(lake, usccs, covered=self.covered)

    def renew(self, lake: Lake, source: Memory, usccs: Sequence[str], at: datetime) -> list[str]:
        """Take in what is new of some; whose relations that changes.

        Whatever was read after it became known does not look new: then all around them may be
        changed.
        """
        is_behind = self.lake_batch < lake.snapshot.number
        versions = lake.snapshot.delta_versions
        grown = [name for name, version in versions.items() if self.versions.get(name) != version]
        self.others, near = renewed(
            self.others, source, usccs, self.until, at, is_known=not is_behind, tables=grown
        )
        self.knows(lake)
        later(self.news, usccs, Last(microsecond(at), lake.snapshot.number))
        return near

    def freshness(self, lake: Lake, as_of: datetime) -> dict[str, str]:
        """As the function of that name; only tables that have grown are looked at."""
        versions = lake.snapshot.delta_versions
        grown = [n for n, v in versions.items() if self.fresh.get(n, (-1, ""))[0] != v]
        told = freshness(lake, as_of, grown)
        self.fresh |= {name: (versions[name], moment) for name, moment in told.items()}
        return {name: moment for name, (_, moment) in sorted(self.fresh.items())}


def rescore(  # noqa: PLR0913  (what it depends on)
    office: Office,
    store: DecisionStore,
    lake: Lake,
    around: Surroundings,
    usccs: Sequence[str],
    *,
    as_of: datetime,
    at: datetime,
    is_new: bool = True,
) -> Rescored:
    """Assess some enterprises by what is known now, under whichever code their firms bear.

    Scores, classes and changes are kept at once or not at all; doing it again changes nothing.

    Parameters
    ----------
    is_new
        Whether records of theirs may have arrived, or only their neighbours' have.
    """
    codes = lake.successions()
    usccs = codes.family(usccs)
    source = around.read(lake, usccs)
    near = around.renew(lake, source, usccs, as_of) if is_new else []
    before = inherited(store.standings(as_of, usccs), codes, as_of)
    assessed = assess_whole(office, source, as_of, before=before, usccs=usccs, others=around.others)
    world = World(
        office=office, lake=lake, as_of=as_of, others=around.others, until=around.until,
        news=around.news, covered=around.covered,
    )  # fmt: skip
    changes = class_changes(world, assessed, before, source)
    there = {one.uscc for one in assessed}
    gone = [uscc for uscc in usccs if uscc not in there]
    store.keep_live(
        assessed, gone, lake_batch=lake.snapshot.number, at=at, changes=changes,
        sources=around.freshness(lake, as_of), ruling=office.ruling,
    )  # fmt: skip
    return Rescored(tuple(assessed), tuple(changes), tuple(gone), tuple(near), source)
