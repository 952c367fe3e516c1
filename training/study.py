"""A study.toml: which visits, which label, which periods, which inputs, which figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.errors import UnknownName
from xinheng.features.declared import Inputs, merged
from xinheng.records.sources.mapping import first_fault, read_toml
from xinheng.records.tables import table
from xinheng.training.evaluate import ORDERED

Metric = Literal[
    "auc", "average_precision", "brier", "ece", "days_earlier", "first_half_share",
    "kappa", "class_error",
]  # fmt: skip
LEAST_GRADES = 3


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Listing(_Strict):
    """A file of the delivery that lists the cohort by a key of the records."""

    file: str
    column: str = Field(description="Column of the file that holds the key")
    key: str = Field("source_record_no", description="Column of the cohort's table")


class Cohort(_Strict):
    """One row for each record of a table, asked about at its cut-off, before its event."""

    table: str = "inspection"
    where: str = Field("", description="SQL condition on the table's columns")
    listed_in: Listing | None = None
    cut_off: Literal["start_of_day", "event", "known", "due"] = Field(
        "start_of_day",
        description="Moment asked about: the start of the event's day, the event, the moment the "
        "record was known, or 24:00 of its `due_on`",
    )
    lead_hours: int = Field(0, ge=0, description="Hours before that; 72 for a deadline warning")
    still_open: bool = Field(
        False, description="Only records whose event lies after the moment asked about"
    )

    @model_validator(mode="after")
    def _known_with_label_elsewhere(self) -> Cohort:
        if self.cut_off == "known" and self.listed_in is None:
            raise ValueError("`known` wants a label that is not the record's own: `listed_in`")
        return self


class Label(_Strict):
    """What counts as a problem, or how grave it was; never an input."""

    condition: str = Field("", description="SQL condition on the cohort's record or its listing")
    grade: str = Field("", description="SQL: 0 (no problem) up to the gravest, in its stead")
    grades: tuple[str, ...] = Field((), description="Names of the grades, the best first")

    @model_validator(mode="after")
    def _one_of_both(self) -> Label:
        if bool(self.condition) == bool(self.grade):
            raise ValueError("wants either `condition` or `grade`")
        if self.grade and len(self.grades) < LEAST_GRADES:
            raise ValueError("`grade` wants the names of three `grades` or more")
        if self.condition and self.grades:
            raise ValueError("`grades` belong to `grade`")
        return self

    @property
    def problem(self) -> str:
        """The SQL condition of a problem."""
        return self.condition or f"({self.grade}) > 0"


class Period(_Strict):
    """Days from and to, both included; `where` may use the listing's columns."""

    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")
    where: str = ""


class Split(_Strict):
    train: Period
    test: Period


class Option(Inputs):
    """Further inputs that a run can take or leave."""

    on: bool = Field(False, description="Taken unless the run says otherwise")
    note: str = Field("", description="What a reader must know about these inputs")


class Settings(_Strict):
    """Of the booster; chosen on the training period alone."""

    trees: int = Field(300, gt=0)
    learning_rate: float = Field(0.03, gt=0)
    leaves: int = Field(15, gt=1)
    max_depth: int = Field(6, gt=0, le=6)
    min_rows_in_leaf: int = Field(40, gt=0)
    feature_share: float = Field(0.5, gt=0, le=1)
    row_share: float = Field(0.7, gt=0, le=1)
    l2: float = Field(10.0, ge=0)
    folds: int = Field(4, gt=1, description="Rolling-origin folds inside the training period")
    seed: int = 20141031


class Comparison(_Strict):
    """Somebody else's score of the same rows, a column of the listing."""

    name: str
    column: str
    fair_with: str = Field("", description="Option whose inputs it used too")


class Published(_Strict):
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


class Study(_Strict):
    """A whole study.toml."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title_zh: str
    title_en: str
    mapping: str = "mapping.toml"
    cohort: Cohort = Cohort()
    label: Label
    split: Split
    inputs: Inputs = Inputs()
    options: dict[str, Option] = Field({}, description="Further inputs by name")
    settings: Settings = Settings()
    metrics: list[Metric] = Field(
        [name for name in get_args(Metric) if name not in ORDERED],
        min_length=1,
        description="Figures told",
    )
    compare: list[Comparison] = []
    published: list[Published] = []

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
    table(study.cohort.table, where=f"{path.name}, cohort")
    return study
