"""A task: who is asked about and when, what is to be foretold, from which inputs.

A task of a deployment is a file of `training/tasks/` and is asked of the deployment's own lake; a
study is a task with a delivery of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.errors import UnknownName
from xinheng.features.declared import Inputs
from xinheng.records.sources.mapping import first_fault, read_toml
from xinheng.records.tables import table

LEAST_GRADES = 3


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Listing(Strict):
    """A file of the delivery that lists the cohort by a key of the records."""

    file: str
    column: str = Field("", description="Column of the file that holds the key")
    format: str = Field("", description="In its stead: a key of several columns, as {a}-{b}")
    key: str = Field("source_record_no", description="Column of the cohort's table")

    @model_validator(mode="after")
    def _one_key(self) -> Listing:
        if bool(self.column) == bool(self.format):
            raise ValueError("wants either `column` or `format`")
        return self


class Cohort(Strict):
    """One row for each record of a table, asked about at its cut-off, before its event."""

    table: str = Field("inspection", description="`obligation`: duties of the ledger, while open")
    where: str = Field("", description="SQL condition on the table's columns")
    listed_in: Listing | None = None
    cut_off: Literal["start_of_day", "event", "known", "due"] = Field(
        "start_of_day",
        description="Moment asked about: the start of the event's day, the event, the moment the "
        "record was known, or 24:00 of its `due_on`",
    )
    lead_hours: int = Field(0, ge=0, description="Hours before that; 74 for a deadline warning")
    earlier_hours: tuple[int, ...] = Field(
        (), description="Further looks at each duty, for training only; figures are of `lead_hours`"
    )
    still_open: bool = Field(
        False, description="Only records whose event lies after the moment asked about"
    )
    maturation_days: int = Field(
        0, ge=0, description="Days after the event until its outcome is taken for known"
    )

    @model_validator(mode="after")
    def _known_with_label_elsewhere(self) -> Cohort:
        if self.cut_off == "known" and self.listed_in is None:
            raise ValueError("`known` wants a label that is not the record's own: `listed_in`")
        if self.table == "obligation" and self.cut_off != "due":
            raise ValueError("duties are asked about before they are `due`")
        return self

    @property
    def of_duties(self) -> bool:
        """Whether the rows are duties of the ledger, not delivered records."""
        return self.table == "obligation"


class Label(Strict):
    """What counts as a problem, or how grave it was; never an input."""

    condition: str = Field("", description="SQL condition on the cohort's record or its listing")
    grade: str = Field("", description="SQL: 0 (no problem) up to the gravest, in its stead")
    graded: dict[str, str] = Field(
        {}, description="Instead of `grade`: by grade, the gravest first, the SQL condition of it"
    )
    grades: tuple[str, ...] = Field((), description="Names of the grades, the best first")

    @model_validator(mode="after")
    def _one_of_them(self) -> Label:
        if [bool(self.condition), bool(self.grade), bool(self.graded)].count(True) != 1:
            raise ValueError("wants either `condition` or `grade` or `graded`")
        if not self.condition and len(self.grades) < LEAST_GRADES:
            raise ValueError("`grade` wants the names of three `grades` or more")
        if self.condition and self.grades:
            raise ValueError("`grades` belong to `grade`")
        if self.graded and [*reversed(self.graded)] != [*self.grades[1:]]:
            raise ValueError("`graded` names each of the `grades` but the best, the gravest first")
        return self

    @property
    def number(self) -> str:
        """The SQL expression of the grade; empty where there are none."""
        if not self.graded:
            return self.grade
        cases = (
            f"when {condition} then {self.grades.index(name)}"
            for name, condition in self.graded.items()
        )
        return f"case {' '.join(cases)} else 0 end"

    @property
    def problem(self) -> str:
        """The SQL condition of a problem."""
        return self.condition or f"({self.number}) > 0"


class Weights(Strict):
    """Inverse-propensity weights of the training rows (domain README, section 8)."""

    column: str = Field(description="Probability of selection, a column of the cohort's table")
    most: float = Field(10.0, ge=1, description="Larger weights are clipped; unknown ones are 1")


class Settings(Strict):
    """Of the booster; chosen on the training period alone."""

    trees: int = Field(300, gt=0)
    learning_rate: float = Field(0.03, gt=0)
    leaves: int = Field(15, gt=1)
    max_depth: int = Field(6, gt=0, le=6)
    min_rows_in_leaf: int = Field(40, gt=0)
    feature_share: float = Field(0.5, gt=0, le=1)
    row_share: float = Field(0.7, gt=0, le=1)
    l2: float = Field(10.0, ge=0)
    half_life_days: int = Field(
        0, ge=0, description="After so many days a training row counts half; 0: all alike"
    )
    folds: int = Field(4, gt=1, description="Rolling-origin folds inside the training period")
    seed: int = 20141031


class Asked(Strict):
    """What a study and a deployment's task have in common."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title_zh: str
    title_en: str
    cohort: Cohort = Cohort()
    label: Label
    inputs: Inputs = Inputs()
    settings: Settings = Settings()
    weights: Weights | None = None
    groups: str = Field(
        "", description="Column whose values stay together in folds, where time does not part them"
    )
    looked_at: tuple[str, ...] = Field(
        (), description="Columns that rank well for a known reason; the leak probe leaves them out"
    )


class Task(Asked):
    """A whole file of `training/tasks/`."""

    sector: str = Field("", description="Only its members have this class; empty: everyone")
    test_days: int = Field(365, gt=0, description="Days of matured outcomes kept for the test")
    honest: str = Field(
        "", description="SQL: the rows of which figures are told; the unweighted random part"
    )
    capacity: float = Field(
        0.05, gt=0, lt=1, description="Share of the cases that an office can act on"
    )
    classified: bool = Field(False, description="Whether its score becomes a class")


def load_task(name: str, own: Path | None = None) -> Task:
    """A task by name: a deployment's own file `NAME.toml`, else the one delivered with Xinheng.

    Raises
    ------
    UnknownName
        If there is no such task.
    BadMapping
        If the file is not a task.
    """
    found = task_files(own)
    if name not in found:
        raise UnknownName("task", name, found)
    try:
        task = Task.model_validate(read_toml(found[name]))
    except ValidationError as fault:
        raise first_fault(found[name], fault) from None
    if not task.cohort.of_duties:
        table(task.cohort.table, where=f"{found[name].name}, cohort")
    return task


def task_files(own: Path | None = None) -> Mapping[str, Path]:
    """Files of the tasks by name; those of a deployment come before the delivered ones."""
    delivered = Path(str(files("xinheng.training"))) / "tasks"
    folders = [delivered, *([own] if own and own.is_dir() else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}
