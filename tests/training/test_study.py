from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest

from tests.conftest import AT, TownRun
from xinheng.config import Home
from xinheng.errors import XinhengError
from xinheng.features.catalogue import feature_columns
from xinheng.features.engine.compute import compute
from xinheng.records.intake import ingest
from xinheng.records.lake import Lake
from xinheng.training.cohorts.cohort import DAY, LABEL, cohort, cut_off_of
from xinheng.training.cohorts.task import Cohort, Label, Listing
from xinheng.training.control.tracking import tracking_uri
from xinheng.training.fitting.fit import rolling_origins
from xinheng.training.judging.baselines import simple_rankers
from xinheng.training.judging.judge import OURS
from xinheng.training.studies.report import as_json, as_text, folds_text
from xinheng.training.studies.run import Prepared, prepare, run_study, split_fault, validate
from xinheng.training.studies.study import Period, load_study

KEYS = {
    "auc", "average_precision", "brier", "ece", "days_earlier", "first_half_share",
    "n_test", "n_positive",
}  # fmt: skip


def test_a_study_finds_the_signal_that_the_town_was_made_with(town: TownRun) -> None:
    """Hidden compliance drives problems: the model must rank better than the last result."""
    ours = town.outcome.rankers[OURS]["auc"].value
    assert ours > town.outcome.rankers["last result"]["auc"].value
    assert ours > 0.55


def test_the_json_has_the_promised_keys(town: TownRun) -> None:
    told = as_json(town.outcome)
    assert set(told) >= KEYS
    assert told["n_test"] > told["n_positive"] > 0
    assert set(told["intervals"]) == KEYS - {"n_test", "n_positive"}


def test_the_table_shows_us_beside_the_simple_rankers(town: TownRun) -> None:
    text = as_text(town.outcome)
    for name in (OURS, "last result", "time since last inspection", "random", "AUC", "Brier"):
        assert name in text


def test_the_same_study_gives_the_same_model(town: TownRun, tmp_path: Path) -> None:
    home = Home(tmp_path)
    prepared = prepare(town.folder, town.folder / "delivery", home, at=AT)
    again = run_study(prepared, home, resamples=20)
    assert again.model.version == town.outcome.model.version
    assert again.model.booster.model_to_string() == town.outcome.model.booster.model_to_string()
    assert repr(again.rankers) == repr(town.outcome.rankers), "NaN is equal to NaN here"


def test_a_second_run_takes_the_delivery_once(town: TownRun) -> None:
    prepared = prepare(town.folder, town.folder / "delivery", town.home, at=AT)
    assert prepared.report.already_taken
    assert prepared.features.equals(town.prepared.features)


def test_another_delivery_is_not_mixed_with_the_former_one(town: TownRun, tmp_path: Path) -> None:
    home, data = Home(tmp_path / "home"), tmp_path / "delivery"
    shutil.copytree(town.folder / "delivery", data)
    prepare(town.folder, data, home, at=AT)
    file = data / "投诉举报.csv"
    file.write_text("\n".join(file.read_text("utf-8").splitlines()[:50]) + "\n", "utf-8")
    told: list[str] = []
    changed = prepare(town.folder, data, home, at=AT, on_step=told.append)
    assert changed.lake.rows("complaint").collect().height == 49
    kept = [path for path in home.root.iterdir() if path.name.startswith("lake-b")]
    assert len(kept) == 1
    assert any(str(kept[0]) in step for step in told)
    assert Lake(kept[0]).rows("complaint").collect().height > 49


def test_the_result_of_a_visit_is_not_known_at_its_own_moment(town: TownRun) -> None:
    """Not even the visit itself: nothing that happened on the day is in the numbers."""
    visits = town.prepared.visits
    rows = town.prepared.lake.rows("inspection").collect()
    known = rows.join(visits.select("record_id", "as_of"), on="record_id")
    assert (known["known_at"] > known["as_of"]).sum() == known.height


def test_a_later_result_changes_no_earlier_number(town: TownRun, tmp_path: Path) -> None:
    """Flip every result after a day: the numbers of visits up to that day stay the same."""
    data = tmp_path / "delivery"
    shutil.copytree(town.folder / "delivery", data)
    file = data / "监督检查.csv"
    rows = pl.read_csv(file, infer_schema=False)
    result = pl.col("检查结果")
    other = pl.when(result == "未发现问题").then(pl.lit("不合格")).otherwise(pl.lit("未发现问题"))
    flipped = pl.when(pl.col("检查日期") >= "2025-01-01").then(other).otherwise(result)
    rows.with_columns(flipped.alias("检查结果")).write_csv(file)
    changed = prepare(town.folder, data, Home(tmp_path / "home"), at=AT)
    limit = datetime(2025, 1, 1, tzinfo=UTC)
    before = town.prepared.features.filter(pl.col("as_of") < limit)
    assert changed.features.filter(pl.col("as_of") < limit).equals(before)
    assert not changed.features.equals(town.prepared.features)


def test_the_run_is_recorded_with_what_it_was_made_from(town: TownRun) -> None:
    client = mlflow.MlflowClient(tracking_uri=tracking_uri(town.home.mlruns))
    run = client.get_run(town.outcome.run_id)
    assert run.data.metrics["auc"] == pytest.approx(town.outcome.rankers[OURS]["auc"].value)
    assert run.data.params["trees"] == "200"
    assert run.data.tags["catalogue_version"] == town.outcome.model.facts["catalogue_version"]
    assert run.data.tags["data_window"].startswith("2023-07-01")
    names = {item.path for item in client.list_artifacts(run.info.run_id, "model")}
    assert names == {"model/booster.txt", "model/model.json"}


def test_origins_roll_forward_and_never_split_a_day() -> None:
    days = pl.Series(np.repeat(np.arange(40), 5)).cast(pl.Date)
    folds = list(rolling_origins(days, 4))
    assert len(folds) == 4
    for fit, check in folds:
        assert days[fit.tolist()].max() < days[check.tolist()].min()  # type: ignore[operator]
    checked = np.concatenate([check for _, check in folds])
    assert len(set(checked.tolist())) == checked.size == 100


def test_validation_does_not_read_the_test_period(town: TownRun) -> None:
    visits = town.prepared.visits.with_columns(
        pl.when(pl.col("period") == "test").then(float("nan")).otherwise(LABEL).alias(LABEL)
    )
    blind = replace(town.prepared, visits=visits)
    folds = validate(blind)
    assert folds == validate(town.prepared)
    assert "origin 1" in folds_text(folds, (), ["auc", "brier"])


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        pytest.param((1, 9), (10, 20), "", id="before"),
        pytest.param((1, 10), (10, 20), "reaches into the test with 1 of 10 rows", id="one day"),
        pytest.param((12, 15), (10, 20), "reaches into the test with 4 of 4 rows", id="inside"),
        pytest.param((21, 25), (10, 20), "training lies after the test", id="after"),
    ],
)
def test_training_that_is_not_before_the_test_is_told(
    train: tuple[int, int], test: tuple[int, int], told: str
) -> None:
    days = [
        pl.Series([date(2025, 1, day) for day in range(first, last + 1)])
        for first, last in (train, test)
    ]
    found = split_fault(*days)
    assert told in found
    assert bool(found) is bool(told)


STUDY = """
name = "s"
title_zh = "甲"
title_en = "a"
[label]
condition = "{label}"
[split]
train = {{ to = "2025-06-30" }}
test = {{ from = "{start}" }}
[inputs]
{inputs}
"""
FAULTS = {
    "a label on an unknown column": ({"label": "resul = 'failed'"}, "did you mean result"),
    "a label that is no SQL": ({"label": "result ="}, "is not an SQL expression"),
    "an empty test": ({"start": "2030-01-01"}, "the test period has 0 rows"),
    "an unknown key": ({"inputs": "scope = ['food']"}, "inputs.scope"),
    "an unknown indicator": ({"inputs": "leave_out = ['age_day']"}, "did you mean age_days"),
}


@pytest.mark.parametrize(("change", "told"), FAULTS.values(), ids=FAULTS)
def test_a_bad_study_is_one_line(
    town: TownRun, tmp_path: Path, change: dict[str, str], told: str
) -> None:
    values = {"label": "result = 'failed'", "start": "2025-07-01", "inputs": ""} | change
    (tmp_path / "study.toml").write_text(STUDY.format(**values), encoding="utf-8")

    def read() -> None:
        study = load_study(tmp_path)
        study.inputs_with(()).indicators()
        cohort(study, town.prepared.mapping, town.prepared.lake, town.folder / "delivery")

    with pytest.raises(XinhengError) as fault:
        read()
    assert told in str(fault.value)
    assert "\n" not in str(fault.value)


GRADE_SQL = "CASE WHEN critical_defects > 1 THEN 2 WHEN result <> 'no_problem' THEN 1 ELSE 0 END"
GRADED = """
name = "graded"
title_zh = "甲"
title_en = "a"
metrics = ["kappa", "class_error", "auc", "brier"]
[label]
grade = "{grade}"
grades = ["A", "B", "C"]
[split]
train = {{ to = "2025-06-30" }}
test = {{ from = "2025-07-01" }}
[inputs]
scopes = ["general", "food"]
[settings]
trees = 40
folds = 2
"""


def graded(town: TownRun, folder: Path, grade: str = GRADE_SQL) -> Prepared:
    """The town's visits with how grave each was."""
    (folder / "study.toml").write_text(GRADED.format(grade=grade), encoding="utf-8")
    study = load_study(folder)
    visits = cohort(study, town.prepared.mapping, town.prepared.lake, town.folder / "delivery")
    indicators = study.inputs.indicators()
    return replace(
        town.prepared,
        asked=study,
        inputs=study.inputs,
        visits=visits,
        features=compute(indicators, visits.select("uscc", "as_of"), town.prepared.lake),
        columns=feature_columns(indicators),
    )


def test_a_study_of_grades_tells_them_and_the_problem(town: TownRun, tmp_path: Path) -> None:
    prepared = graded(town, tmp_path)
    outcome = run_study(prepared, Home(tmp_path / "home"), resamples=50)
    ours = outcome.rankers[OURS]
    assert ours["kappa"].value > 0, "better than chance"
    assert ours["auc"].value > 0.55
    assert ours["kappa"].low <= ours["kappa"].value <= ours["kappa"].high
    ordered = outcome.model.ordered
    assert ordered is not None
    assert ordered.names == ("A", "B", "C")
    told = ordered.grade(outcome.model.log_odds(prepared.of("test")[1]))
    found = prepared.of("test")[0]["grade"].to_numpy()
    assert np.abs(np.bincount(told, minlength=3) - np.bincount(found)).max() < 0.15 * len(found)
    assert "kappa" in as_text(outcome)
    assert "kappa" in folds_text(validate(prepared), (), ["kappa", "class_error"])


def test_a_grade_that_never_occurs_is_one_line(town: TownRun, tmp_path: Path) -> None:
    with pytest.raises(XinhengError, match=r"gives \[0, 1\] in the train period, expected 0 to 2"):
        graded(town, tmp_path, "CASE WHEN result <> 'no_problem' THEN 1 ELSE 0 END")


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ({"grade": "1"}, "three `grades` or more"),
        ({}, "wants either `condition` or `grade`"),
        ({"condition": "true", "grades": ("A", "B", "C")}, "`grades` belong to `grade`"),
    ],
)
def test_a_label_says_one_thing(label: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Label.model_validate(label)


@pytest.mark.parametrize(
    ("cut_off", "lead_hours", "as_of"),
    [
        ("start_of_day", 0, datetime(2024, 2, 29, 16, tzinfo=UTC)),
        ("event", 0, datetime(2024, 3, 1, 4, tzinfo=UTC)),
        ("event", 72, datetime(2024, 2, 27, 4, tzinfo=UTC)),
        ("known", 0, datetime(2024, 3, 5, 1, tzinfo=UTC)),
        ("due", 72, datetime(2024, 3, 28, 16, tzinfo=UTC)),
    ],
)
def test_a_record_is_asked_about_at_its_cut_off(
    town: TownRun, cut_off: str, lead_hours: int, as_of: datetime
) -> None:
    """An event at noon in Shanghai on 1 March, known on the 5th, due by the end of the 31st."""
    changed = {"cut_off": cut_off, "lead_hours": lead_hours}
    kept = town.prepared.study
    asked = kept.model_copy(update={"cohort": kept.cohort.model_copy(update=changed)})
    record = {
        "event_at": [datetime(2024, 3, 1, 4, tzinfo=UTC)],
        "known_at": [datetime(2024, 3, 5, 1, tzinfo=UTC)],
        "due_on": [date(2024, 3, 31)],
    }
    found = pl.DataFrame(record).select(cut_off_of(asked, town.prepared.zone)).to_series()
    assert found.to_list() == [as_of]


def test_a_duty_that_was_performed_by_then_is_not_asked_about(town: TownRun) -> None:
    kept = town.prepared.study
    where = (town.prepared.mapping, town.prepared.lake, town.folder / "delivery")

    def asked(lead_hours: int) -> pl.DataFrame:
        changed = {"cut_off": "event", "lead_hours": lead_hours, "still_open": True}
        study = kept.model_copy(update={"cohort": kept.cohort.model_copy(update=changed)})
        return cohort(study, *where)

    assert asked(24).height == cohort(kept, *where).height
    with pytest.raises(XinhengError, match="the train period has 0 rows"):
        asked(0)


def test_a_label_of_the_listing_is_no_baseline_and_no_record(town: TownRun, tmp_path: Path) -> None:
    """Who was late stands in a list without dates: it is told of nobody before."""
    visits, kept = town.prepared.visits, town.prepared.study
    data = tmp_path / "delivery"
    shutil.copytree(town.folder / "delivery", data)
    numbers = visits.select(number="source_record_no", unpaid=pl.col(LABEL).cast(pl.Int64))
    listed = numbers.gather_every(5)
    listed.write_csv(data / "unpaid.csv")
    listing = Listing(file="unpaid.csv", column="number")
    changed = {"cut_off": "known", "listed_in": listing}
    asked = kept.model_copy(
        update={
            "cohort": kept.cohort.model_copy(update=changed),
            "label": Label(condition="CAST(unpaid AS INT) = 1"),
        }
    )
    found = cohort(asked, town.prepared.mapping, town.prepared.lake, data)
    told = found.join(numbers, left_on="source_record_no", right_on="number")
    assert told.height == found.height == listed.height
    assert (told[LABEL] == told["unpaid_right"]).all()
    assert (found["as_of"] == found["known_at"]).all()
    assert "last result" not in simple_rankers(asked, found, town.prepared.lake)


def test_what_is_known_of_the_record_needs_a_label_from_elsewhere() -> None:
    with pytest.raises(ValueError, match="wants a label that is not the record's own"):
        Cohort(cut_off="known")


def test_a_record_is_in_the_cohort_by_its_newest_version_alone(
    town: TownRun, tmp_path: Path
) -> None:
    """A daily visit that is corrected to a random one leaves a cohort of daily ones."""
    data = tmp_path / "delivery"
    shutil.copytree(town.folder / "delivery", data)
    lake = Lake.at(tmp_path / "lake")
    ingest(data, town.prepared.mapping, lake, at=AT)
    file = data / "监督检查.csv"
    rows = pl.read_csv(file, infer_schema=False).filter(pl.col("检查类型") == "日常检查")
    changed = rows.head(40).with_columns(
        pl.lit("双随机").alias("检查类型"), pl.lit("2026-01-01 12:00:00").alias("到达时间")
    )
    changed.write_csv(file)
    ingest(data, town.prepared.mapping, lake, at=AT)
    study = town.prepared.study
    daily = study.model_copy(
        update={
            "cohort": study.cohort.model_copy(update={"where": "kind = 'daily'"}),
            "split": study.split.model_copy(
                update={"test": Period.model_validate({"from": "2025-07-01"})}
            ),
        }
    )
    found = set(cohort(daily, town.prepared.mapping, lake, data)["source_record_no"])
    assert found
    assert not found & set(changed["检查编号"])


def test_a_training_period_too_short_to_calibrate_is_one_line(town: TownRun) -> None:
    first = town.prepared.visits["period"].eq("train").arg_max()
    assert first is not None
    day = town.prepared.visits[DAY][first]
    marked = town.prepared.visits.with_columns(
        pl.when((pl.col("period") != "train") | (pl.col(DAY) == day)).then("period").alias("period")
    )
    with pytest.raises(XinhengError, match="too short to calibrate"):
        run_study(replace(town.prepared, visits=marked), town.home)


def test_the_cohort_s_days_are_legal_days(town: TownRun) -> None:
    first = town.prepared.visits.row(0, named=True)
    assert first["as_of"].hour == 16, "midnight in Shanghai is 16:00 UTC"
    assert first[DAY] == first["checked_on"]
