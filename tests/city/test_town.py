from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.conftest import TownRun
from xinheng.city.town import make_town, write_town
from xinheng.domain import organisation_check, uscc_fault


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        write_town(make_town(enterprises=60, years=1, seed=3), folder)
    files = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*.*"))
    assert len(files) == 9
    for name in files:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_another_seed_gives_another_town() -> None:
    first, second = (make_town(enterprises=60, years=1, seed=seed) for seed in (3, 4))
    assert not first.deliveries["监督检查.csv"].equals(second.deliveries["监督检查.csv"])


def test_every_code_is_valid_and_nobody_s_twice() -> None:
    codes = make_town(enterprises=2_000, years=1, seed=1).deliveries["登记主体.csv"][
        "统一社会信用代码"
    ]
    assert codes.n_unique() == 2_000
    assert all(uscc_fault(code) is None for code in codes)
    assert all(organisation_check(code[8:16]) == code[16] for code in codes)


def test_every_delivered_row_is_accounted_for_and_accepted(town: TownRun) -> None:
    for table in town.prepared.report.tables:
        assert table.rejected == 0, table
        assert table.accepted + table.quarantined + table.duplicate == table.offered


def test_problems_follow_the_hidden_compliance(town: TownRun) -> None:
    truth = (
        pl.read_csv(town.folder / "truth/compliance.csv")
        .group_by("uscc")
        .agg(pl.col("compliance").mean())
    )
    visits = town.prepared.lake.rows("inspection").collect()
    found = visits.group_by("uscc").agg((pl.col("result") != "no_problem").mean().alias("rate"))
    joined = truth.join(found, on="uscc")
    assert np.corrcoef(joined["compliance"], joined["rate"])[0, 1] < -0.3


def test_the_product_is_never_shown_the_truth(town: TownRun) -> None:
    assert not list((town.folder / "delivery").glob("*compliance*"))
    for frame in make_town(enterprises=60, years=1, seed=3).deliveries.values():
        assert "compliance" not in frame.columns


def test_a_town_too_small_to_train_on_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 50, got 3"):
        make_town(enterprises=3, years=1, seed=1)
