"""The docs name what exists: settings, keys, commands, errors, and no file that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from xinheng import __version__, errors
from xinheng.commands import NOUNS
from xinheng.config import ClassSettings, Settings
from xinheng.database import DatabaseUnavailable
from xinheng.features import declared
from xinheng.records import mapping
from xinheng.training import study

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "studies").rglob("*.md")]

MODELS: dict[str, list[type[BaseModel]]] = {
    "mapping.md": [
        mapping.Mapping, mapping.Identifier, mapping.TableMapping, mapping.Unpivot, mapping.Origin,
    ],
    "studies.md": [
        study.Study, study.Cohort, study.Listing, study.Label, study.Split, study.Period,
        study.Option, study.Settings, study.Comparison, declared.Inputs, declared.ProfileFeature,
        declared.RateFeature,
    ],
    "settings.md": [Settings, ClassSettings],
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


@pytest.mark.parametrize("noun", NOUNS)
def test_every_command_is_shown_somewhere(noun: str) -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert f"xinheng {noun}" in told or f"make {noun}" in told


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_study_has_its_two_files_and_a_page() -> None:
    for folder in (ROOT / "studies").iterdir():
        loaded = study.load_study(folder)
        assert loaded.name == folder.name
        mapping.load_mapping(folder / loaded.mapping)
        assert loaded.inputs_with(tuple(loaded.options)).indicators()
        assert (folder / "README.md").exists()
        assert {path.suffix for path in folder.iterdir()} == {".toml", ".md"}, "no code, no data"


def test_the_changelog_knows_the_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
