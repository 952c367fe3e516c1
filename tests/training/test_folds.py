"""Folds, listings and tables of studies."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import AT, TownRun
from xinheng.commands import main
from xinheng.config import Home
from xinheng.errors import BadMapping, NotReady, UnknownName
from xinheng.features.catalogue import feature_columns
from xinheng.training.cohorts.cohort import LABEL, cohort, task_cohort
from xinheng.training.cohorts.task import Cohort, Listing, load_task
from xinheng.training.fitting.fit import Target, group_folds
from xinheng.training.studies.run import run_study, validate
from xinheng.training.studies.study import load_study
from xinheng.training.studies.table import BEGIN, END, data_of, put_into, studies_in, table


@given(st.lists(st.integers(0, 12), min_size=8, max_size=200), st.integers(2, 4))
def test_a_group_is_never_parted_and_every_row_is_checked_once(
    names: list[int], folds: int
) -> None:
    groups = pl.Series("g", [str(name) for name in names])
    found = list(group_folds(groups, folds))
    checked = np.concatenate([check for _, check in found])
    assert sorted(checked.tolist()) == list(range(len(names)))
    for fit, check in found:
        assert not {*groups.gather(fit.tolist())} & {*groups.gather(check.tolist())}


def test_folds_of_groups_are_of_about_equal_size() -> None:
    groups = pl.Series("g", np.repeat([f"g{n}" for n in range(30)], 10))
    assert [check.size for _, check in group_folds(groups, 3)] == [100, 100, 100]


def test_a_row_a_half_life_older_counts_half_and_the_mean_stays() -> None:
    target = Target(
        np.array([0.0, 1.0, 0.0]),
        weight=np.array([1.0, 1.0, 4.0]),
        day=np.array([100, 130, 160]),
    )
    faded = target.faded(30).weights
    assert faded.mean() == pytest.approx(2.0)
    assert faded[1] / faded[0] == pytest.approx(2.0)
    assert faded[2] / faded[1] == pytest.approx(8.0)
    assert target.faded(0) is target


def test_fading_changes_what_a_study_foretells(town: TownRun) -> None:
    settings = town.prepared.study.settings.model_copy(update={"half_life_days": 60})
    study = town.prepared.study.model_copy(update={"settings": settings})
    faded = validate(replace(town.prepared, asked=study))
    assert [one["auc"].value for one in faded] != [
        one["auc"].value for one in validate(town.prepared)
    ]


def test_a_study_by_groups_is_validated_on_other_groups(town: TownRun) -> None:
    grouped = town.prepared.study.model_copy(update={"groups": "uscc"})
    prepared = replace(town.prepared, asked=grouped)
    assert prepared.of("train")[0]["uscc"].n_unique() >= 2
    assert len(validate(prepared)) >= 1


def test_a_listing_may_be_keyed_by_several_columns(town: TownRun) -> None:
    data = town.folder / "delivery"
    rows = pl.read_csv(data / "监督检查.csv", infer_schema=False)
    listing = Listing(file="监督检查.csv", format="{检查编号}")
    study = town.prepared.study
    kept = Cohort(listed_in=listing)
    asked = study.model_copy(update={"cohort": kept})
    listed = cohort(asked, town.prepared.mapping, town.prepared.lake, data)
    assert 0 < listed.height <= rows.height
    unknown = listing.model_copy(update={"format": "{nothing}-x"})
    wrong = study.model_copy(update={"cohort": Cohort(listed_in=unknown)})
    with pytest.raises(UnknownName, match="nothing"):
        cohort(wrong, town.prepared.mapping, town.prepared.lake, data)
    with pytest.raises(ValueError, match="either `column` or `format`"):
        Listing(file="x.csv")


def test_a_study_with_a_planted_leak_says_so(town: TownRun, tmp_path: Path) -> None:
    """The outcome as an attribute that is known before the visit."""
    visits, features = town.prepared.visits, town.prepared.features
    column = feature_columns(town.prepared.inputs.indicators())[0]
    leaky = features.with_columns(visits[LABEL].alias(column.name))
    outcome = run_study(replace(town.prepared, features=leaky), Home(tmp_path), resamples=20)
    told = [alarm.told for alarm in outcome.alarms if alarm.kind == "leak"]
    assert any(column.name in one for one in told)
    calm = [alarm for alarm in town.outcome.alarms if alarm.kind == "leak"]
    assert calm == []
    known = town.prepared.study.model_copy(update={"looked_at": (column.name,)})
    quiet = run_study(
        replace(town.prepared, features=leaky, asked=known), Home(tmp_path / "b"), resamples=20
    )
    assert not [a for a in quiet.alarms if a.kind == "leak" and column.name in a.told]


def test_all_studies_of_a_folder_are_told_in_one_table(
    town: TownRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies, data = tmp_path / "studies", tmp_path / "data"
    (studies / "town").mkdir(parents=True)
    data.mkdir()
    text = (town.folder / "study.toml").read_text("utf-8")
    published = '\n[[published]]\nname = "plain"\nsource = "here"\nauc = 0.51\n\n[aim]\nauc = 0.6\n'
    (studies / "town/study.toml").write_text(text + published, "utf-8")
    (studies / "town/mapping.toml").write_text(
        (town.folder / "mapping.toml").read_text("utf-8"), "utf-8"
    )
    (studies / "absent").mkdir()
    (studies / "absent/study.toml").write_text(text.replace('"town"', '"absent"'), "utf-8")
    (data / "town").symlink_to(town.folder / "delivery", target_is_directory=True)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    main([
        "study", "run", str(studies), "--all", "--data", str(data), "--table", str(page),
        "--json", str(tmp_path / "all.json"), "--home", str(tmp_path / "home"),
    ])  # fmt: skip
    out = capsys.readouterr()
    assert "absent is left out" in out.err
    told = json.loads((tmp_path / "all.json").read_text("utf-8"))
    assert set(told) == {"town"}
    row = f"| [town](../studies/town/README.md) | AUC | 0.510 | 0.600 | {told['town']['auc']:.3f} |"
    assert row in page.read_text("utf-8")
    assert page.read_text("utf-8").startswith("before\n")
    assert page.read_text("utf-8").endswith("after\n")
    assert "old" not in page.read_text("utf-8")
    assert table(told, studies) in out.out


def test_a_folder_without_studies_or_data_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="holds no study"):
        studies_in(tmp_path)
    study = load_study(Path("studies/chicago_food"))
    with pytest.raises(NotReady, match="chicago_food_inspections"):
        data_of(study, tmp_path)
    put_into(tmp_path / "new.md", "| a |")
    assert (tmp_path / "new.md").read_text("utf-8") == f"{BEGIN}\n| a |\n{END}\n"


def test_one_task_is_not_asked_without_matured_outcomes(town: TownRun) -> None:
    with pytest.raises(BadMapping, match="has no matured outcome"):
        task_cohort(load_task("unpaid_fine"), town.prepared.lake, "Asia/Shanghai", AT)
