"""A study.toml: which visits, which label, which periods, which inputs, which figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError, model_validator

from xinheng.errors import UnknownName
from xinheng.features.declared import Inputs, merged
from xinheng.records.sources.mapping import first_fault, read_toml
from xinheng.records.tables import table
from xinheng.training.cohorts.task import Asked, Strict
from xinheng.training.judging.evaluate import ORDERED

Metric = Literal[
    "auc", "average_precision", "brier", "ece", "days_earlier", "first_half_share",
    "kappa", "class_error",
]  # fmt: skip


class Period(Strict):
    """Days from and to, both included; `where` may use the listing's columns."""

    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")
    where: str = ""


class Split(Strict):
    train: Period
    test: Period


class Option(Inputs):
    """Further inputs that a run can take or leave."""

    on: bool = Field(False, description="Taken unless the run says otherwise")
    note: str = Field("", description="What a reader must know about these inputs")


class Comparison(Strict):
    """Somebody else's score of the same rows, a column of the listing."""

    name: str
    column: str
    fair_with: str = Field("", description="Option whose inputs it used too")


class Published(Strict):
    """A figure written down elsewhere, shown beside ours with its source."""

    name: str
    source: str
    fair_with: str = Field("", description="Option whose inputs it used too")
    auc: float | None = None
    average_precision: float | None = None
    days_earlier: float | None = None
    first_half_share: float | None = None
    kappa: float | None = None
    class_error: float | None = None


class Aim(Strict):
    """What the study is meant to reach on its test period."""

    auc: float | None = None
    average_precision: float | None = None
    days_earlier: float | None = None
    first_half_share: float | None = None
    kappa: float | None = None
    ece: float | None = None


class Study(Asked):
    """A whole study.toml."""

    mapping: str = "mapping.toml"
    data: str = Field("", description="Folder of the delivery below that of all data sets")
    split: Split
    options: dict[str, Option] = Field({}, description="Further inputs by name")
    metrics: list[Metric] = Field(
        [name for name in get_args(Metric) if name not in ORDERED],
        min_length=1,
        description="Figures told",
    )
    compare: tuple[Comparison, ...] = ()
    published: tuple[Published, ...] = ()
    aim: Aim = Aim()

    @model_validator(mode="after")
    def _grades_for_kappa(self) -> Study:
        ordered = [name for name in self.metrics if name in ORDERED]
        if ordered and not self.label.grades:
            raise ValueError(f"metric {ordered[0]} wants a label with `grades`")
        return self

    def chosen(self, taken: Sequence[str], left: Sequence[str]) -> tuple[str, ...]:
        """Options in force: those on by default and those taken, less those left."""
        for name in (*taken, *left):
            self._option(name)
        wanted = {name for name, option in self.options.items() if option.on} | {*taken}
        return tuple(sorted(wanted - {*left}))

    def inputs_with(self, options: Sequence[str]) -> Inputs:
        """The study's inputs and those of the options in force."""
        parts = [self.inputs, *(self._option(name) for name in options)]
        return Inputs.model_validate(merged(parts).model_dump(exclude={"on", "note"}))

    def _option(self, name: str) -> Option:
        if name not in self.options:
            raise UnknownName(f"option of study {self.name}", name, self.options)
        return self.options[name]


def load_study(folder: Path) -> Study:
    """Read and check `study.toml` of a study folder."""
    path = folder / "study.toml"
    try:
        study = Study.model_validate(read_toml(path))
    except ValidationError as fault:
        raise first_fault(path, fault) from None
    if not study.cohort.of_duties:
        table(study.cohort.table, where=f"{path.name}, cohort")
    return study
