"""Class changes with their cause: the same enterprise with and without what is new.

From the former position to the present one in steps: other models or rules on the same records at
the same moment; the same records at the new moment; what became known of those around it; its own
new records; what ends or repairs its records. Each step asks the one engine, so that none is a
second way to a score.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from xinheng.decisions.assess import Assessment
from xinheng.decisions.causes.news import News, numbers_after
from xinheng.decisions.causes.past import Cut, Past
from xinheng.decisions.causes.shares import (
    CAUSES,
    At,
    Cause,
    ClassChange,
    Step,
    cause_of,
    shares_of,
)
from xinheng.decisions.changes import Standing
from xinheng.decisions.office import Office
from xinheng.decisions.scenes.position import Position, positions
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.features.others.renew import neighbours_of, renewed
from xinheng.records.lake import Lake

AT_ONCE = 500
"""Enterprises whose records are held in memory together."""
MOST_RECORDS = 50
"""Ids that a share names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known now of everybody."""

    office: Office
    lake: Lake
    as_of: datetime
    others: Others
    until: datetime
    """The moment that `others` was read for."""
    news: News
    """Who had news of what relations rest on, since the last run of everyone at the latest."""
    covered: Mapping[str, datetime] | None = None
    """From when each table is delivered, where that is known."""

    def read(self, usccs: Sequence[str], names: Collection[str] | None = None) -> Memory:
        """All records of some enterprises, or those of some tables."""
        return Memory.of(self.lake, usccs, covered=self.covered, names=names)


def class_changes(
    world: World,
    found: Sequence[Assessment],
    before: Mapping[str, Standing],
    source: Memory | None = None,
) -> list[ClassChange]:
    """The changes since the assessment before; an enterprise that had none has no change.

    Parameters
    ----------
    source
        All records of the enterprises, where they have been read.
    """
    pairs = [(one, before[one.uscc]) for one in found if one.uscc in before]
    changing = [(one, former) for one, former in pairs if one.risk_class != former.risk_class]
    told: list[ClassChange] = []
    for start in range(0, len(changing), AT_ONCE):
        part = changing[start : start + AT_ONCE]
        records = source or world.read([one.uscc for one, _ in part])
        told += _Comparison(world, part, records).changes()
    return told


@dataclass(frozen=True)
class _Comparison:
    """Some enterprises whose class changed, with all their records."""

    world: World
    changing: Sequence[tuple[Assessment, Standing]]
    source: Memory

    def changes(self) -> list[ClassChange]:
        """In their order."""
        causes = {one.uscc: self._causes(one.uscc, former) for one, former in self.changing}
        ends = {
            cause: self._ends(cause, [uscc for uscc, own in causes.items() if cause in own[:-1]])
            for cause in CAUSES
        }
        return [self._change(one, former, causes[one.uscc], ends) for one, former in self.changing]

    def _causes(self, uscc: str, former: Standing) -> list[Cause]:
        """The steps of an enterprise, in their order."""
        codes, office = self.codes[uscc], self.world.office
        is_related = uscc in self.near or self.past.is_changed(self.tied_by, codes)
        wanted: dict[Cause, bool] = {
            "model": former.model_version != office.general.version,
            "rules": _has_other_rules(former, office),
            "time": True,
            "related": is_related,
            "facts": bool(self.past.facts(codes)),
            "repair": bool(self.past.repairs(codes)),
        }
        return [cause for cause in CAUSES if wanted[cause]]

    def _ends(self, cause: Cause, usccs: Sequence[str]) -> dict[str, Position]:
        """How enterprises stand at the end of a step; who is not on the register is not there."""
        if not usccs:
            return {}
        if cause in ("model", "rules"):
            return self._then(usccs)
        records = self.unrepaired if cause == "facts" else self.former_records
        others = self.former_others if cause == "time" else self.world.others
        return self._stood(records, self.world.as_of, usccs, others, self.before)

    def _then(self, usccs: Sequence[str]) -> dict[str, Position]:
        """By today's models and rules on what was known then; damped as it was then."""
        found: dict[str, Position] = {}
        moments: dict[datetime, list[str]] = {}
        for uscc in usccs:
            moments.setdefault(self.cuts[uscc].as_of, []).append(uscc)
        calm = {u: replace(one, model_class=one.settled_class) for u, one in self.before.items()}
        for moment, own in moments.items():
            found |= self._stood(self.former_records, moment, own, self.world.others, calm)
        return found

    def _stood(
        self,
        records: Memory,
        as_of: datetime,
        usccs: Sequence[str],
        others: Others,
        before: Mapping[str, Standing],
    ) -> dict[str, Position]:
        codes = [code for uscc in usccs for code in self.codes[uscc]]
        then = {c: before[uscc] for uscc in usccs for c in self.codes[uscc]}
        found = positions(self.world.office, records, as_of, codes, others=others, before=then)
        return {
            uscc: found[code]
            for uscc in usccs
            for code in reversed(self.codes[uscc])  # its own code, the first, wins
            if code in found
        }

    def _change(
        self,
        one: Assessment,
        former: Standing,
        causes: Sequence[Cause],
        ends: Mapping[Cause, Mapping[str, Position]],
    ) -> ClassChange:
        present = At(one.risk_class, one.score, tuple(str(rule["id"]) for rule in one.hard_rules))
        begun = At(former.risk_class, former.score, former.rules)
        steps: list[Step] = []
        for cause in causes[:-1]:
            found = ends[cause].get(one.uscc)
            if found is None:  # not on the register by what was known: that it is now, is a fact
                break
            score = former.score if cause == "rules" else found.score
            steps.append(self._step(cause, one.uscc, At(found.risk_class, score, found.hard_rules)))
        last = causes[-1] if len(steps) == len(causes) - 1 else "facts"
        steps.append(self._step(last, one.uscc, present))
        shares = shares_of(begun, steps, self.world.office.classes.cuts)
        return ClassChange(
            uscc=one.uscc, former=former.risk_class, present=one.risk_class,
            cause=cause_of(former.risk_class, one.risk_class, shares), rules=present.rules,
            former_as_of=former.as_of, former_score=former.score, score=one.score, shares=shares,
        )  # fmt: skip

    def _step(self, cause: Cause, uscc: str, then: At) -> Step:
        codes = self.codes[uscc]
        ids = {
            "facts": lambda: self.past.facts(codes),
            "repair": lambda: self.past.repairs(codes),
            "related": lambda: self.near_past.all_new(self.near.get(uscc, ())),
        }.get(cause, tuple)()
        return Step(cause, then, ids[:MOST_RECORDS])

    @cached_property
    def codes(self) -> dict[str, list[str]]:
        """Of each all the codes that its firm bore, the present one first."""
        known = self.world.lake.successions()
        return {one.uscc: known.family([one.uscc]) for one, _ in self.changing}

    @cached_property
    def before(self) -> dict[str, Standing]:
        return {one.uscc: former for one, former in self.changing}

    @cached_property
    def cuts(self) -> dict[str, Cut]:
        """What the former assessment of each knew."""
        return {u: Cut(one.as_of, one.lake_batch) for u, one in self.before.items()}

    @cached_property
    def batches(self) -> dict[str, int]:
        first = min(cut.lake_batch for cut in self.cuts.values())
        return numbers_after(self.world.lake, first)

    @cached_property
    def past(self) -> Past:
        cuts = {code: self.cuts[uscc] for uscc, own in self.codes.items() for code in own}
        return Past(self.source, cuts, self.batches, self.world.as_of)

    @cached_property
    def former_records(self) -> Memory:
        return self.past.before()

    @cached_property
    def unrepaired(self) -> Memory:
        return self.past.without_repairs()

    @cached_property
    def tied_by(self) -> frozenset[str]:
        """Tables that relations rest on."""
        return self.world.others.needs.sought.tied_by

    @cached_property
    def near(self) -> dict[str, list[str]]:
        """Of each those around it, then or now, who had news since; who has none is not there."""
        found = {}
        for uscc, cut in self.cuts.items():
            moments = (cut.as_of, self.world.as_of)
            around = {one for at in moments for one in neighbours_of(self.world.others, {uscc}, at)}
            told = [one for one in around if _has_news(self.world.news, one, cut)]
            own = sorted({*told} - {*self.codes[uscc]})
            if own:
                found[uscc] = own
        return found

    @cached_property
    def near_past(self) -> Past:
        """The records of those around, with the first of the cuts where two see the same firm."""
        cuts: dict[str, Cut] = {}
        known = self.world.lake.successions()
        for uscc, own in self.near.items():
            for code in known.family(own):
                cuts[code] = min(cuts.get(code, self.cuts[uscc]), self.cuts[uscc])
        records = self.world.read([*cuts], names=self.tied_by)
        return Past(records, cuts, self.batches, self.world.as_of)

    @cached_property
    def former_others(self) -> Others:
        """All others as if what relations rest on had not become known of these and those around.

        Rates of groups stay: they move by a little for everyone, and count as time.
        """
        own = [code for codes in self.codes.values() for code in codes]
        others = self._without_news(self.world.others, self.former_records, own)
        if self.near:
            near = self.near_past
            others = self._without_news(others, near.before(), [*near.cuts])
        return others

    def _without_news(self, others: Others, records: Memory, codes: Sequence[str]) -> Others:
        world = self.world
        former, _ = renewed(
            others, records, codes, world.until, world.as_of,
            tables=self.tied_by, rates=False,
        )  # fmt: skip
        return former


def _has_other_rules(former: Standing, office: Office) -> bool:
    is_known = bool(former.ruling) and former.model_version == office.general.version
    return is_known and former.ruling != office.ruling


def _has_news(news: News, uscc: str, cut: Cut) -> bool:
    return uscc in news and news[uscc].is_after(cut)
