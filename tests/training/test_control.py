"""Which version goes live, and which is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.cities import NOW, CityHome
from xinheng.config import GateSettings, Home, Settings
from xinheng.errors import BadRequest, NotReady, Refused, UnknownName
from xinheng.features.indicator import FeatureColumn
from xinheng.models.artifact import live_version, load_model, make_live, save_model
from xinheng.models.calibration import Platt
from xinheng.models.promotions import Promotions
from xinheng.records.lake import Lake
from xinheng.training.cohorts.material import material_of
from xinheng.training.cohorts.task import load_task
from xinheng.training.control.card import write_card
from xinheng.training.control.comparing import compare_versions
from xinheng.training.control.evaluating import evaluated
from xinheng.training.control.gates import (
    Candidate,
    calibration,
    capacity,
    contract,
    fairness,
    leaks,
    monotone,
    reasons,
    stability,
    window,
)
from xinheng.training.control.pages import comparison_page, comparison_text
from xinheng.training.control.paired import Difference, Moves, differences
from xinheng.training.control.promote import (
    challenge,
    champion_of,
    looked_at,
    promote,
    promote_or_try,
    retire,
    roll_back,
)
from xinheng.training.control.runs import Wish, search, train_task
from xinheng.training.control.versions import evaluation_of, model_of, version, versions
from xinheng.training.fitting.train import named
from xinheng.training.fitting.tune import tuned_settings
from xinheng.training.judging.evaluate import Figure
from xinheng.training.judging.judge import visits_of

LOOSE = GateSettings(least_days=1, least_problems=1, most_ece=0.5, most_moves=1, most_flips=1)


@pytest.fixture
def own(city: CityHome, tmp_path: Path) -> CityHome:
    """The city's home with models and a ledger of its own; the lake is shared."""
    home = Home(tmp_path / "home")
    shutil.copytree(city.home.models, home.models)
    shutil.copytree(city.home.features, home.features)
    shutil.copytree(city.home.tasks, home.tasks)
    shutil.copy(city.home.root / "operations.db", home.root / "operations.db")
    home.lake.symlink_to(city.home.lake, target_is_directory=True)
    return replace(city, home=home)


def loose(home: Home) -> Home:
    """The same home with gates that only the catalogue can fail."""
    return Home(home.root, Settings(gates=LOOSE))


def candidate_of(city: CityHome, name: str) -> Candidate:
    """A version as the gates see it, without a live one beside it."""
    task = load_task(version(city.home, name).task, city.home.tasks)
    material = material_of(city.home, task, None, lambda _: None)
    model = model_of(city.home, name)
    visits = visits_of(material, model)
    assert visits.probability is not None
    return Candidate(
        model=model,
        evaluation=evaluation_of(version(city.home, name)),
        probability=visits.probability,
        label=visits.label,
        features=material.of("test", honest=True)[1],
        against=None,
        moves=None,
        added=(),
        alone="nothing is live",
    )


def test_same_seed_and_data_give_the_same_model_file(own: CityHome) -> None:
    before = (version(own.home, own.reports).folder / "booster.txt").read_bytes()
    shutil.rmtree(own.home.models / "annual_report" / own.reports)
    again = train_task(own.home, "annual_report", Wish(), at=NOW)
    assert again.trained.model.version == own.reports
    assert (again.folder / "booster.txt").read_bytes() == before


def test_a_version_trained_on_too_short_a_time_is_refused_by_the_window(own: CityHome) -> None:
    short = train_task(own.home, "risk_class", Wish(days=400), at=NOW).trained.model.version
    evaluated(own.home, short, at=NOW, resamples=20)
    strict = Home(own.home.root, Settings(gates=LOOSE.model_copy(update={"least_days": 500})))
    with pytest.raises(Refused, match=r"window: trained on \d+ days"):
        promote(strict, short, at=NOW, by="甲")
    assert champion_of(own.home, "risk_class") == own.classes
    assert live_version(own.home.model("risk_class")) == own.classes


def test_an_uncalibrated_version_is_refused_by_calibration(own: CityHome) -> None:
    model = model_of(own.home, own.reports)
    loud = named(replace(model, calibration=Platt(4.0, 2.0)))
    save_model(loud, own.home.model("annual_report"))
    evaluated(own.home, loud.version, at=NOW, resamples=20)
    strict = Home(own.home.root, Settings(gates=LOOSE.model_copy(update={"most_ece": 0.05})))
    with pytest.raises(Refused, match=r"calibration: calibration error 0\.\d+, at most"):
        promote(strict, loud.version, at=NOW, by="甲")


def test_a_version_that_a_gate_refuses_may_be_used_on_trial(own: CityHome) -> None:
    model = model_of(own.home, own.reports)
    loud = named(replace(model, calibration=Platt(4.0, 2.0)))
    save_model(loud, own.home.model("annual_report"))
    evaluated(own.home, loud.version, at=NOW, resamples=20)
    strict = Home(own.home.root, Settings(gates=LOOSE.model_copy(update={"most_ece": 0.05})))
    done = promote_or_try(strict, loud.version, at=NOW + timedelta(days=1), by="甲", reason="x")
    assert (done.entry.action, "calibration" in done.entry.failed_gates) == ("trial", True)
    assert live_version(own.home.model("annual_report")) == loud.version
    held = promote_or_try(
        loose(own.home), loud.version, at=NOW + timedelta(days=2), by="甲", reason="x"
    )
    assert "calibration" not in held.entry.failed_gates
    assert held.entry.action == ("trial" if held.entry.failed_gates else "promote")


def test_a_version_for_another_catalogue_is_refused_whoever_answers(own: CityHome) -> None:
    folder = version(own.home, own.reports).folder
    told = json.loads((folder / "model.json").read_text("utf-8"))
    told["catalogue"] = "000000000000"
    (folder / "model.json").write_text(json.dumps(told), "utf-8")
    with pytest.raises(Refused, match=r"catalogue: .* needs catalogue 000000000000"):
        promote(
            loose(own.home), own.reports, at=NOW, by="甲", second="乙", reason="x", override=True
        )
    with pytest.raises(Refused, match="nothing helps against another catalogue"):
        promote_or_try(loose(own.home), own.reports, at=NOW, by="甲", reason="x")


def test_a_live_version_of_another_catalogue_does_not_stand_in_the_way(own: CityHome) -> None:
    home = loose(own.home)
    other = train_task(home, "annual_report", Wish(days=400), at=NOW).trained.model.version
    evaluated(home, other, at=NOW, resamples=20)
    folder = version(home, own.reports).folder
    told = json.loads((folder / "model.json").read_text("utf-8"))
    told["catalogue"] = "000000000000"
    (folder / "model.json").write_text(json.dumps(told), "utf-8")
    done = promote(home, other, at=NOW + timedelta(days=1), by="甲")
    gate = next(gate for gate in done.gates if gate.name == "capacity")
    assert "the live version cannot be compared with" in gate.told
    assert champion_of(home, "annual_report") == other
    with pytest.raises(NotReady, match="needs catalogue 000000000000"):
        roll_back(home, "annual_report", at=NOW, by="甲", reason="")


def test_rollback_restores_the_former_champion_byte_for_byte(own: CityHome) -> None:
    home = loose(own.home)
    folder = version(home, own.reports).folder
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    other = train_task(home, "annual_report", Wish(days=400), at=NOW).trained.model.version
    evaluated(home, other, at=NOW, resamples=20)
    promote(
        home, other, at=NOW + timedelta(days=1), by="甲", second="乙", override=True,
        reason="tried with fewer days, worse than the one before",
    )  # fmt: skip
    assert live_version(home.model("annual_report")) == other
    entry = roll_back(home, "annual_report", at=NOW + timedelta(days=2), by="乙", reason="worse")
    assert (entry.version, entry.former) == (own.reports, other)
    assert live_version(home.model("annual_report")) == own.reports
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before
    ledger = Promotions.at(home.database_url)
    live = [ledger.champion("annual_report", NOW + timedelta(days=d, hours=1)) for d in range(3)]
    assert live == [own.reports, other, own.reports]
    assert ledger.champion("annual_report", NOW - timedelta(days=1)) is None


def test_an_override_wants_a_reason_and_two_names(own: CityHome) -> None:
    for told in ({"second": "甲"}, {"second": "乙", "reason": ""}, {"second": "", "reason": "x"}):
        asked = {"second": "乙", "reason": "x"} | told
        with pytest.raises(BadRequest, match="a reason and two different names"):
            promote(own.home, own.reports, at=NOW, by="甲", override=True, **asked)
    with pytest.raises(BadRequest, match="needs a name"):
        promote(own.home, own.reports, at=NOW, by=" ")


def test_an_override_is_written_down_with_the_gates_that_failed(own: CityHome) -> None:
    entry = Promotions.at(own.home.database_url).history("annual_report")[0]
    assert (entry.by, entry.second) == ("甲", "乙")
    assert set(entry.gates) == {
        "catalogue", "window", "leaks", "capacity", "calibration", "contract", "monotone",
        "records", "fairness", "stability", "reasons",
    }  # fmt: skip


def test_a_retired_task_has_no_live_version(own: CityHome) -> None:
    retire(own.home, "annual_report", at=NOW + timedelta(days=1), by="甲", reason="a new law")
    assert champion_of(own.home, "annual_report") is None
    with pytest.raises(NotReady, match="no model is live"):
        live_version(own.home.model("annual_report"))
    with pytest.raises(NotReady, match="no version of annual_report is live"):
        retire(own.home, "annual_report", at=NOW, by="甲", reason="again")


def test_there_is_nothing_to_go_back_to_at_first(own: CityHome) -> None:
    with pytest.raises(NotReady, match="no earlier version of annual_report was live"):
        roll_back(own.home, "annual_report", at=NOW, by="甲", reason="")


def test_the_test_period_is_read_once_and_readings_are_counted(own: CityHome) -> None:
    first = evaluation_of(version(own.home, own.reports))
    told: list[str] = []
    assert evaluated(own.home, own.reports, at=NOW, resamples=20, on_step=told.append) == first
    assert told == ["the test period was read before"]
    again = evaluated(own.home, own.reports, at=NOW, resamples=20, again=True)
    assert (first["readings"], again["readings"]) == (1, 2)
    assert again["rankers"]["Xinheng"] == first["rankers"]["Xinheng"]


def test_labels_and_moments_of_reports_are_those_of_the_truth(city: CityHome) -> None:
    """The ledger's outcomes are what the city drew, and no row is asked about after its day."""
    material = material_of(city.home, load_task("annual_report"), None, lambda _: None)
    truth = pl.read_parquet(city.city / "truth/annual_report.parquet").select(
        "uscc", pl.col("report_year").cast(pl.Int64), "late"
    )
    joined = material.visits.join(truth, on=["uscc", "report_year"])
    assert joined.height == material.visits.height
    assert (joined["label"] == joined["late"].cast(pl.Float64)).all()
    ahead = (joined["due_at"] - joined["as_of"]).dt.total_hours()
    assert set(ahead.unique()) == {74, 168, 720}
    assert (material.visits.filter("is_honest")["look"] == 74).all()


def test_a_comparison_names_who_moves_and_why(own: CityHome) -> None:
    other = train_task(own.home, "risk_class", Wish(days=500), at=NOW).trained.model.version
    found = compare_versions(own.home, own.classes, other)
    assert found.moves.moved == sum(n for (a, b), n in found.moves.table.items() if a != b)
    assert found.moves.movers
    assert all(one.reasons_zh and one.first != one.second for one in found.moves.movers)
    text, page = comparison_text(found), comparison_page(found)
    for one in found.moves.movers[:3]:
        assert one.uscc in text
        assert one.uscc in page
    assert "<svg" in page
    same = compare_versions(own.home, own.classes, own.classes)
    assert same.moves.moved == 0
    assert same.moves.flips == 0
    assert all(
        one.gap.value == one.gap.low == one.gap.high == 0
        for n, one in same.figures.items()
        if "capacity" not in n
    )  # ties at the edge of capacity are broken at random
    with pytest.raises(BadRequest, match="different tasks"):
        compare_versions(own.home, own.classes, own.reports)


def test_a_card_is_made_in_both_forms_with_its_pictures(own: CityHome) -> None:
    folder = write_card(own.home, own.classes, at=NOW)
    page, text = ((folder / f"card.{kind}").read_text("utf-8") for kind in ("html", "md"))
    for told in (own.classes, "expert scorecard", "不公开", "times average", "catalogue"):
        assert told in page
        assert told in text
    assert page.count("<svg") == 2
    for plot in ("calibration", "classes"):
        assert f"![{plot}]({plot}.svg)" in text
        assert (folder / f"{plot}.svg").read_text("utf-8").startswith("<?xml")
    rows = [line for line in text.splitlines() if line.startswith("| Xinheng")]
    assert len(rows) == 1
    assert rows[0].count("|") == text.splitlines()[text.splitlines().index(rows[0]) - 1].count("|")


def test_a_challenger_is_kept_apart_from_the_champion(own: CityHome) -> None:
    other = train_task(own.home, "risk_class", Wish(days=500), at=NOW).trained.model.version
    challenge(own.home, other, at=NOW, by="甲")
    ledger = Promotions.at(own.home.database_url)
    assert ledger.challenger("risk_class") == other
    assert ledger.champion("risk_class") == own.classes
    with pytest.raises(BadRequest, match="its own challenger"):
        challenge(own.home, own.classes, at=NOW, by="甲")
    with pytest.raises(UnknownName, match="model version"):
        challenge(own.home, "risk_class-00000000", at=NOW, by="甲")


def test_a_search_goes_on_where_it_stopped_and_is_never_worse_than_the_own_settings(
    own: CityHome,
) -> None:
    first = search(own.home, "annual_report", 2, None)
    steps: list[str] = []
    more = search(own.home, "annual_report", 4, None, on_step=steps.append)
    assert (first.trials, more.trials) == (2, 4)
    assert [step for step in steps if step.startswith("trial")] == ["trial 3 of 4", "trial 4 of 4"]
    assert more.value >= first.value
    assert tuned_settings(own.home.tuned, load_task("annual_report")) == more.settings


def test_a_model_of_another_task_file_cannot_hide(own: CityHome) -> None:
    with pytest.raises(UnknownName, match="nothing"):
        train_task(own.home, "nothing", Wish(), at=NOW)
    delivered = Path("training/tasks/annual_report.toml").read_text("utf-8")
    (own.home.tasks / "annual_report.toml").write_text(delivered.replace("0.10", "0.25"), "utf-8")
    assert load_task("annual_report", own.home.tasks).capacity == 0.25


# Each gate by itself.


def test_the_gate_of_capacity_fails_only_beyond_doubt(city: CityHome) -> None:
    one = candidate_of(city, city.reports)
    doubt = Difference(0.5, 0.4, Figure(-0.1, -0.3, 0.1))
    worse = Difference(0.5, 0.3, Figure(-0.2, -0.3, -0.1))
    told = {"precision_at_capacity": doubt, "auc": doubt}
    assert capacity(replace(one, against=told), LOOSE).is_passed
    assert not capacity(replace(one, against=told | {"auc": worse}), LOOSE).is_passed


def test_the_gate_of_calibration_allows_for_chance(city: CityHome) -> None:
    one, rng = candidate_of(city, city.reports), np.random.default_rng(1)
    strict = LOOSE.model_copy(update={"most_ece": 0.001})
    told = np.full(300, 0.3)
    drawn = (rng.random(300) < 0.3).astype(float)
    assert calibration(replace(one, probability=told, label=drawn), strict).is_passed
    wrong = (rng.random(300) < 0.6).astype(float)
    assert not calibration(replace(one, probability=told, label=wrong), strict).is_passed


def test_the_gates_of_leaks_contract_and_fairness_read_the_evaluation(city: CityHome) -> None:
    one = candidate_of(city, city.classes)
    told = dict(one.evaluation)
    leaky = told | {"suspects": [{"column": "x", "auc": 0.99, "why": "y"}]}
    assert not leaks(replace(one, evaluation=leaky), LOOSE).is_passed
    assert "x (AUC 0.990)" in leaks(replace(one, evaluation=leaky), LOOSE).told
    late = told | {"rows_after_event": 3}
    assert not leaks(replace(one, evaluation=late), LOOSE).is_passed
    broken = told | {"contract_broken_at": ["B > C"]}
    assert "B > C" in contract(replace(one, evaluation=broken), LOOSE).told
    assert not contract(replace(one, evaluation=broken), LOOSE).is_passed
    unfair = [{**told["groups"][0], "is_over": True, "times_average": 2.0}]
    assert not fairness(replace(one, evaluation=told | {"groups": unfair}), LOOSE).is_passed


def test_the_gate_of_directions_finds_a_model_that_was_turned_round(city: CityHome) -> None:
    one = candidate_of(city, city.classes)
    assert monotone(one, LOOSE).is_passed
    turned = [
        replace_direction(column) if column.indicator.direction == "up" else column
        for column in one.model.columns
    ]
    assert not monotone(
        replace(one, model=replace(one.model, columns=tuple(turned))), LOOSE
    ).is_passed


def replace_direction(column: FeatureColumn) -> FeatureColumn:
    return FeatureColumn(replace(column.indicator, direction="down"), column.window_days)


def test_the_gates_of_stability_and_reasons_have_their_limits(city: CityHome) -> None:
    moves = Moves(asked=100, moved=40, table={}, flips=0.7, movers=())
    one = replace(candidate_of(city, city.reports), moves=moves)
    limits = GateSettings()
    assert not stability(one, limits).is_passed
    assert not reasons(one, limits).is_passed
    calm = replace(one, moves=replace(moves, moved=10, flips=0.2))
    assert stability(calm, limits).is_passed
    assert reasons(calm, limits).is_passed


def test_the_gate_of_the_window_counts_days_and_problems(city: CityHome) -> None:
    one = candidate_of(city, city.reports)
    assert window(one, LOOSE).is_passed
    assert not window(one, LOOSE.model_copy(update={"least_problems": 10**6})).is_passed


def test_versions_are_listed_with_what_is_known_of_them(city: CityHome) -> None:
    found = versions(city.home, "risk_class")
    assert [one.name for one in found] == [city.classes]
    assert found[0].is_evaluated
    assert load_model(found[0].folder).facts["rows"] == found[0].facts["rows"]


def test_every_gate_is_looked_at_without_going_live(city: CityHome) -> None:
    names = [gate.name for gate in looked_at(city.home, city.reports)]
    assert len(names) == len(set(names)) == 11
    assert Lake(city.home.lake).known_until() < datetime(2026, 1, 3, tzinfo=UTC)
    with pytest.raises(UnknownName):
        looked_at(city.home, "annual_report-00000000")


def test_differences_of_a_version_with_itself_are_none(city: CityHome) -> None:
    material = material_of(city.home, load_task("annual_report"), None, lambda _: None)
    visits = visits_of(material, model_of(city.home, city.reports))
    found = differences(visits, visits, seed=1, resamples=20)
    assert found["auc"].gap == Figure(0.0, 0.0, 0.0)
    make_live(city.home.model("annual_report"), city.reports)
