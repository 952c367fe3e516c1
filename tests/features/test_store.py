"""History and the latest vectors: whole or not there, resumable, the same numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from tests.features.test_parity import same_bits
from xinheng.config import Home
from xinheng.errors import BadRequest, NotFound, NotReady
from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.engine.compute import compute
from xinheng.features.population import population
from xinheng.features.store import offline, work
from xinheng.features.store.kept import kept_others
from xinheng.features.store.offline import Wish, build, manifest_of, matrix, table
from xinheng.features.store.online import OnlineStore
from xinheng.records.lake import Lake

CUT_OFFS = [datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)]
SOME = ("penalty_count", "drug_mode", "inspection_problem_rate", "same_address_entity_count")
AT = datetime(2026, 1, 20, tzinfo=UTC)


def wish(**more: object) -> Wish:
    return Wish(cut_offs=CUT_OFFS, indicators=SOME, **more)  # type: ignore[arg-type]


def test_the_table_holds_everyone_on_the_register_at_each_cut_off(
    city_lake: Lake, tmp_path: Path
) -> None:
    build(city_lake, wish(), tmp_path / "t")
    told = table(tmp_path / "t").collect()
    for cut_off in CUT_OFFS:
        asked = population(city_lake, cut_off).select("uscc", "as_of").sort("uscc")
        own = told.filter(pl.col("as_of") == cut_off)
        assert own["uscc"].to_list() == asked["uscc"].to_list()
        same_bits(own, compute([catalogue()[n] for n in SOME], asked, city_lake))
    manifest = manifest_of(tmp_path / "t")
    assert manifest.lake_batch == city_lake.snapshot.number
    assert manifest.delta_versions == dict(city_lake.snapshot.delta_versions)
    assert len(manifest.catalogue) == 12


def test_a_crash_in_the_middle_loses_nothing(
    city_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    build(city_lake, wish(), whole)
    first = offline.answer_bucket
    done: list[int] = []

    def failing(task: work.BucketTask) -> int:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task.bucket)
        return first(task)

    monkeypatch.setattr(offline, "answer_bucket", failing)
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        build(city_lake, wish(), broken)
    monkeypatch.setattr(offline, "answer_bucket", first)
    steps: list[str] = []
    build(city_lake, wish(), broken, on_step=steps.append)
    assert "2 of 4 parts are there already" in steps
    same_bits(table(broken).collect(), table(whole).collect())
    assert not list(broken.rglob("*.new"))


def test_a_folder_with_another_table_is_not_touched(city_lake: Lake, tmp_path: Path) -> None:
    build(city_lake, wish(), tmp_path / "t")
    with pytest.raises(BadRequest, match="--fresh"):
        build(city_lake, wish(sample=0.5), tmp_path / "t")
    build(city_lake, wish(sample=0.5, fresh=True), tmp_path / "t")
    half = table(tmp_path / "t").collect()["uscc"].n_unique()
    assert 0.35 < half / population(city_lake, CUT_OFFS[1]).height < 0.65
    with pytest.raises(NotReady, match="xinheng features build"):
        manifest_of(tmp_path / "nothing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(BadRequest, match="is not empty"):
        build(city_lake, wish(), tmp_path / "full")


def test_the_matrix_has_names_types_and_directions(city_lake: Lake, tmp_path: Path) -> None:
    build(city_lake, wish(), tmp_path / "t")
    found = matrix(tmp_path / "t")
    assert found.frame.index.names == ["uscc", "as_of"]
    assert isinstance(found.frame["drug_mode"].dtype, pd.CategoricalDtype)
    assert found.frame["penalty_count_90d"].dtype == "float64"
    assert found.directions["penalty_count_90d"] == 1
    assert found.directions["drug_mode"] == 0
    assert found.names["penalty_count_90d"] == ("行政处罚次数", "Administrative penalties in force")


def test_the_latest_vectors_are_those_of_the_engine(url: str, city_lake: Lake) -> None:
    store = OnlineStore.at(url, [catalogue()[name] for name in SOME])
    as_of = CUT_OFFS[1]
    everyone = population(city_lake, as_of).select("uscc", "as_of")
    assert store.refresh(city_lake, as_of, at=AT) == everyone.height == store.count()
    values = compute([catalogue()[name] for name in SOME], everyone, city_lake)
    for row in values.head(20).iter_rows(named=True):
        told = store.vector(row["uscc"])
        assert told.as_of == as_of
        assert dict(told.values) == {n: row[n] for n in store.names}
    later = datetime(2025, 12, 1, tzinfo=UTC)
    few = everyone["uscc"].head(3).to_list()
    assert store.refresh(city_lake, later, at=AT, usccs=few) <= 3
    assert store.vector(few[0]).as_of == later
    assert store.vector(everyone["uscc"][10]).as_of == as_of
    store.close()


def test_an_unknown_or_outdated_vector_says_what_to_do(url: str, city_lake: Lake) -> None:
    store = OnlineStore.at(url, [catalogue()[name] for name in SOME])
    store.refresh(city_lake, CUT_OFFS[0], at=AT)
    code = population(city_lake, CUT_OFFS[0])["uscc"][0]
    with pytest.raises(NotFound, match="features refresh"):
        store.vector("91440300192317458F")
    other = OnlineStore(store.engine, [catalogue()["penalty_count"]])
    with pytest.raises(NotReady, match="is of catalogue"):
        other.vector(code)
    store.close()


def test_a_missing_scheduler_is_named(city_home: Home, tmp_path: Path) -> None:
    nobody = wish(engine="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(NotReady, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        build(Lake(city_home.lake), nobody, tmp_path / "t")


def test_what_is_known_of_others_is_read_once_a_state_of_the_lake(
    city_lake: Lake, tmp_path: Path
) -> None:
    columns = feature_columns(catalogue().values())
    asked = population(city_lake, CUT_OFFS[1]).select("uscc", "as_of").head(40)
    (tmp_path / "others-former-batch1-2024").mkdir()
    steps: list[str] = []
    for _ in range(2):
        kept = kept_others(tmp_path, city_lake, columns, CUT_OFFS[1], on_step=steps.append)
    assert steps == [f"other enterprises: part {n} of 4" for n in (1, 2, 3, 4)]
    assert len(list(tmp_path.iterdir())) == 1
    mine = compute(catalogue().values(), asked, city_lake, others=kept)
    same_bits(mine, compute(catalogue().values(), asked, city_lake))
