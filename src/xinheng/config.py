"""Settings of a deployment: read once at the edge from `xinheng.toml`, then passed down."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from xinheng.errors import XinhengError

_UNFIT = re.compile(r"[=?\\]|%[0-9A-Fa-f]{2}")
"""Delta tables read `a=b` in a path as a partition and `%20` as a blank, SQLite's URL a `?`."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Scheme = Literal["A-D", "A-E"]


class ClassSettings(_Strict):
    """Classes A to D by score; defaults of domain specification, section 7."""

    scheme: Scheme = Field("A-D", description="A-E: hard rules may make the gravest part of D an E")

    cuts: tuple[float, float, float] = Field(
        (200, 500, 750), description="Score where B, C, D begin"
    )
    shares: tuple[float, float, float] = Field(
        (0.60, 0.27, 0.09), description="Share of A, B, C on the reference date; D gets the rest"
    )
    young_days: int = Field(
        365, ge=0, description="Firms younger are low_confidence, never above B"
    )
    margin: float = Field(
        20, ge=0, description="A score so far beyond a cut worsens the class at the first run"
    )
    least_known: float = Field(
        0.5,
        ge=0,
        le=1,
        description="With a smaller share of its sources covered a firm is the same",
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not all(a < b for a, b in pairwise((0, *self.cuts, 1000))):
            raise ValueError(f"cuts must rise between 0 and 1000, got {self.cuts}")
        if not 0 < sum(self.shares) < 1 or min(self.shares) <= 0:
            raise ValueError(f"shares must be positive and leave some for D, got {self.shares}")
        return self


class TrainSettings(_Strict):
    """What a training period must hold before anything is learned from it."""

    least_rows: int = Field(200, ge=2, description="Rows of the training period, at least")
    least_problems: int = Field(
        20, ge=1, description="Rows with a problem, and rows without one, at least"
    )


class ScoreSettings(_Strict):
    """How old scores may be."""

    stale_days: float = Field(
        2, gt=0, description="Beyond so many days since the last run of everyone scores are stale"
    )


class GateSettings(_Strict):
    """What a model version must hold before it goes live."""

    least_days: int = Field(365, ge=0, description="Days of its training period, at least")
    least_problems: int = Field(50, ge=1, description="Problems among its training rows, at least")
    most_ece: float = Field(
        0.05, gt=0, lt=1, description="Calibration error, unless chance alone gives more"
    )
    most_moves: float = Field(
        0.30, gt=0, le=1, description="Share of enterprises whose class or alert may change"
    )
    most_flips: float = Field(
        0.60, gt=0, le=1, description="Share of top three reasons that may change"
    )


class WatchSettings(_Strict):
    """When the watch over a live model raises an alarm."""

    most_psi: float = Field(
        0.25, gt=0, description="Population stability index of the scores or of an input"
    )
    most_push: float = Field(
        0.10, gt=0, description="Change of an input's mean push on the log-odds, beside its index"
    )
    silent_days: int = Field(
        45, ge=1, description="Days without a record of a source that had some"
    )
    most_unknown: float = Field(
        0.20, gt=0, le=1, description="Rise of the share of enterprises of whom an input is unknown"
    )


class AlertSettings(_Strict):
    """When warnings are raised, and when they are not; defaults of domain README, section 10."""

    ahead_hours: int = Field(
        24, ge=0, description="Hours without a run after which a warning still leaves in time"
    )
    quiet_days: int = Field(14, ge=0, description="Days in which a point is not raised again")
    held_back: float = Field(
        0.05, ge=0, le=0.5, description="Share of blue and yellow reminders kept back by lot"
    )
    recent_days: int = Field(
        60, ge=1, description="A duty that fell overdue longer ago is not new at the first run"
    )
    grace_days: dict[str, NonNegativeInt] = Field(
        {}, description="Region code to days after the deadline of the annual report (LC04)"
    )


class Settings(_Strict):
    """All of `xinheng.toml`; unknown keys are errors."""

    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the home folder")
    officer: str = Field(
        "", description="Officer who answers for lists; without one they are drafts"
    )
    language: str = Field("zh", pattern="^(zh|en)$", description="Of the console's first page")
    classes: ClassSettings = ClassSettings()
    training: TrainSettings = TrainSettings()
    scores: ScoreSettings = ScoreSettings()
    gates: GateSettings = GateSettings()
    watch: WatchSettings = WatchSettings()
    alerts: AlertSettings = AlertSettings()


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with everything one deployment keeps, and its settings."""

    root: Path
    settings: Settings = field(default_factory=Settings)

    @classmethod
    def at(cls, root: Path) -> Home:
        """Read `xinheng.toml` of the folder, where there is one.

        Raises
        ------
        XinhengError
            If the folder's path has characters that the lake's format reads as something else,
            or the settings are wrong.
        """
        if unfit := _UNFIT.search(root.resolve().as_posix()):
            raise XinhengError(
                f"a home's path may not have {unfit.group()!r}: {root.resolve()}",
                hint="name another folder; blanks, Chinese, #, a bare % and brackets are fine",
            )
        path = root / "xinheng.toml"
        if not path.exists():
            return cls(root)
        try:
            return cls(root, Settings.model_validate(tomllib.loads(path.read_text("utf-8"))))
        except tomllib.TOMLDecodeError as fault:
            raise XinhengError(f"{path} is not TOML: {fault}") from None
        except ValidationError as fault:
            error = fault.errors()[0]
            place = ".".join(map(str, error["loc"]))
            raise XinhengError(
                f"{path}, {place}: {error['msg']}", hint="see docs/settings.md"
            ) from None

    @property
    def classes(self) -> ClassSettings:
        return self.settings.classes

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def features(self) -> Path:
        """What the feature store keeps between commands; it can be made again."""
        return self.root / "features"

    @property
    def models(self) -> Path:
        return self.root / "models"

    def model(self, task: str) -> Path:
        """The folder with the versions of a task's model."""
        return self.models / task

    @property
    def tasks(self) -> Path:
        """Tasks of the deployment's own; one named as a delivered one takes its place."""
        return self.root / "tasks"

    @property
    def hard_rules(self) -> Path:
        """Hard rules of the deployment's own, which take the place of the delivered ones."""
        return self.root / "hard_rules.toml"

    @property
    def warning_points(self) -> Path:
        """Warning points of the deployment's own, which take the place of the delivered ones."""
        return self.root / "warning_points.toml"

    @property
    def tuned(self) -> Path:
        """Settings that a search found, and the trials."""
        return self.root / "tuned"

    @property
    def mlruns(self) -> Path:
        return self.root / "mlruns"

    @property
    def jobs(self) -> Path:
        """Files of questions about many enterprises."""
        return self.root / "jobs"

    @property
    def database_url(self) -> str:
        return self.settings.database_url or f"sqlite:///{self.root / 'operations.db'}"
