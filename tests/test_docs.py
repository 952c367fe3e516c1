"""The docs name what exists: settings, keys, commands, errors, and no file that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from xinheng import __version__, errors
from xinheng.commands import NOUNS
from xinheng.config import ClassSettings, GateSettings, Settings, WatchSettings
from xinheng.database import DatabaseUnavailable
from xinheng.features import declared
from xinheng.features.explain.reference import reference_page
from xinheng.records.duties import rules as duties
from xinheng.records.duties import years
from xinheng.records.intake import deliveries
from xinheng.records.reference import as_markdown
from xinheng.records.sources import mapping
from xinheng.training.cohorts import task
from xinheng.training.studies import study

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "studies").rglob("*.md")]

MODELS: dict[str, list[type[BaseModel]]] = {
    "mapping.md": [
        mapping.Mapping, mapping.Identifier, mapping.TableMapping, mapping.Unpivot, mapping.Origin,
    ],
    "studies.md": [
        study.Study, study.Split, study.Period, study.Option, study.Comparison, task.Cohort,
        task.Listing, task.Label, task.Weights, task.Settings, study.Aim,
        declared.Inputs, declared.WordFeature,
        declared.ProfileFeature,
        declared.RateFeature, declared.HabitFeature,
    ],
    "settings.md": [Settings, ClassSettings, GateSettings, WatchSettings],
    "intake.md": [deliveries.Manifest],
    "ledger.md": [
        duties.ReportClock, duties.PaymentClock, duties.Duty, years.YearNotice, years.Stretch,
    ],
}  # fmt: skip
KEYS = [
    pytest.param(page, field.alias or name, id=f"{page}: {model.__name__}.{name}")
    for page, models in MODELS.items()
    for model in models
    for name, field in model.model_fields.items()
]


@pytest.mark.parametrize(("page", "key"), KEYS)
def test_every_key_is_named_in_the_docs(page: str, key: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert re.search(rf"`(\w+\.)?{re.escape(key)}`", text), key


def test_every_error_is_named_with_its_status() -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    known = [
        one
        for one in (*vars(errors).values(), DatabaseUnavailable)
        if isinstance(one, type) and issubclass(one, errors.XinhengError)
    ]
    for one in known:
        if one is not errors.XinhengError:
            assert re.search(rf"`{one.__name__}`.*\| {one.status} \|", text), one.__name__


def test_the_page_of_tables_and_checks_is_made_from_them() -> None:
    """Make it again with `xinheng records reference > docs/records.md`."""
    assert (ROOT / "docs/records.md").read_text(encoding="utf-8") == as_markdown()


def test_the_page_of_indicators_is_made_from_the_packs() -> None:
    """Make it again with `xinheng features reference > docs/indicators.md`."""
    assert (ROOT / "docs/indicators.md").read_text(encoding="utf-8") == reference_page()


@pytest.mark.parametrize("noun", NOUNS)
def test_every_command_is_shown_somewhere(noun: str) -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert f"xinheng {noun}" in told or f"make {noun}" in told


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


FOLDERS = sorted((ROOT / "studies").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_every_data_set_has_a_valid_mapping_and_a_page_but_no_code_and_no_data(
    folder: Path,
) -> None:
    assert {path.name for path in folder.iterdir()} <= {"study.toml", "mapping.toml", "README.md"}
    path = folder / "study.toml"
    named = study.load_study(folder).mapping if path.exists() else "mapping.toml"
    assert mapping.load_mapping(folder / named).tables
    assert f"studies/{folder.name}" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [f for f in FOLDERS if (f / "study.toml").exists()])
def test_every_study_can_be_read_with_all_its_options(folder: Path) -> None:
    loaded = study.load_study(folder)
    assert loaded.name == folder.name
    assert loaded.inputs_with(tuple(loaded.options)).indicators()


LEAKS = {
    "beijing_safety": ("check_items", "n_items", "recheck"),
    "massachusetts_fines": ("paid_in_full", "appeal_filed", "lien_issued", "settlement", "unpaid"),
    "south_carolina_fines": ("unpaid", "any_paid"),
    "nebraska_fines": ("appeal", "affirmed", "paid"),
    "uk_late_reports": ("late_by_date", "days_late"),
    "uk_food_hygiene": ("structural", "confidence_in_management"),
    "fda_recalls": ("termination_date", 'column = "status"'),
    "boston_building": ("status", '"open"'),
    "chicago_food": ("outcome_", "criticalFound", "license_status_snapshot", "city_glm", "past"),
    "toronto_dinesafe": ("max_sev", "convicted", "not_pass"),
}


@pytest.mark.parametrize(("name", "columns"), LEAKS.items(), ids=LEAKS)
def test_mappings_take_no_column_that_is_known_only_later(
    name: str, columns: tuple[str, ...]
) -> None:
    text = (ROOT / "studies" / name / "mapping.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [column for column in columns if column in "\n".join(lines)]


def test_the_changelog_knows_the_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
