"""A small town of food businesses: three years of records as departments would deliver them.

Each firm has a hidden compliance that drifts from month to month. Inspections find problems only
where somebody looks; complaints, penalties and defects follow the hidden compliance, not each
other. The hidden values go to `truth/`, which the product never reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.city.names import DISTRICTS, KINDS, made_up_codes, made_up_names

Floats = NDArray[np.float64]

FIRST_MONTH = date(2023, 1, 1)
DAYS_PER_MONTH = 28
"""Events fall on days 1 to 28, so that every month has them all."""
RANDOM_DRAW_PER_MONTH = 0.04
DAILY_CHECK_PER_MONTH = 0.05
PROBLEM_INTERCEPT = -1.9
"""Log-odds of a problem at an average firm: about one visit in five finds one (an assumption)."""


@dataclass(frozen=True, slots=True)
class Town:
    """Deliveries by file name, and the truth behind them."""

    deliveries: Mapping[str, pl.DataFrame]
    truth: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Firms:
    uscc: list[str]
    name: list[str]
    district: list[str]
    industry: list[str]
    founded: list[date]
    level: NDArray[np.int64]
    area: Floats
    capital_wan: Floats
    paid_share: Floats
    raw_food: NDArray[np.bool_]
    vulnerable: NDArray[np.bool_]
    compliance: Floats
    """`(months, firms)`; standard normal, higher is better."""

    def open_in(self, month: int) -> NDArray[np.bool_]:
        return np.array(self.founded, dtype="datetime64[D]") < np.datetime64(_month(month))


def make_town(
    *,
    enterprises: int,
    years: int,
    seed: int,
    on_step: Callable[[str], None] = lambda _: None,
) -> Town:
    """Draw a town; the same arguments give the same records.

    Parameters
    ----------
    enterprises
        Firms on the register, at least 50.
    years
        Years of records from January 2023.
    seed
        Of every random draw.
    """
    if enterprises < 50:
        raise ValueError(f"enterprises must be at least 50, got {enterprises}")
    rng = np.random.default_rng(seed)
    months = 12 * years
    on_step("firms")
    firms = _firms(rng, enterprises, months)
    on_step("inspections")
    inspections = _inspections(rng, firms, months)
    on_step("complaints and penalties")
    deliveries = {
        "登记主体.csv": _register(firms),
        "食品许可.csv": _licences(rng, firms),
        "行业属性.csv": _profiles(firms),
        "监督检查.csv": inspections,
        "投诉举报.csv": _complaints(rng, firms, months),
        "行政处罚.csv": _penalties(rng, inspections),
    }
    delivered_until = _month(months).isoformat()
    deliveries = {
        name: frame.filter(pl.col("到达时间") < delivered_until)
        if "到达时间" in frame.columns
        else frame
        for name, frame in deliveries.items()
    }
    months_at = [_month(m).isoformat() for m in range(months)]
    truth = pl.DataFrame(
        {
            "uscc": np.repeat(firms.uscc, months),
            "month": months_at * enterprises,
            "compliance": firms.compliance.T.ravel(),
        }
    )
    return Town(deliveries, truth)


def write_town(town: Town, folder: Path) -> Path:
    """Write `delivery/` (files and their mapping), `study.toml` and `truth/`; return the folder."""
    delivery, truth = folder / "delivery", folder / "truth"
    for part in (delivery, truth):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    for name, frame in town.deliveries.items():
        frame.write_csv(delivery / name)
    town.truth.write_csv(truth / "compliance.csv")
    for name in ("mapping.toml", "study.toml"):
        text = files("xinheng.city").joinpath("demo", name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _firms(rng: np.random.Generator, n: int, months: int) -> _Firms:
    district = rng.choice(DISTRICTS, n, p=[0.34, 0.16, 0.17, 0.18, 0.15]).tolist()
    industry = rng.choice(list(KINDS)[:6], n, p=[0.38, 0.14, 0.2, 0.08, 0.06, 0.14]).tolist()
    age_days = np.minimum(rng.exponential(2200, n), 9000).astype(int)
    newest = _month(months) - timedelta(days=30)
    founded = [newest - timedelta(days=int(age)) for age in age_days]
    level = rng.choice([1, 2, 3, 4], n, p=[0.3, 0.4, 0.22, 0.08])
    return _Firms(
        uscc=made_up_codes(rng, district),
        name=made_up_names(rng, industry),
        district=district,
        industry=industry,
        founded=founded,
        level=level,
        area=np.round(rng.lognormal(4.6, 0.8, n) + 15),
        capital_wan=np.round(rng.lognormal(3.6, 1.1, n) + 1),
        paid_share=np.round(rng.beta(1.2, 1.0, n), 2),
        raw_food=rng.random(n) < 0.12,
        vulnerable=rng.random(n) < 0.06,
        compliance=_drifting(rng, months, n),
    )


def _drifting(rng: np.random.Generator, months: int, n: int) -> Floats:
    """AR(1) with a half-life of about two years, standard normal at any month."""
    keep = 0.97
    level = rng.standard_normal(n)
    path = np.empty((months, n))
    for month in range(months):
        path[month] = level
        level = keep * level + np.sqrt(1 - keep**2) * rng.standard_normal(n)
    return path


def _inspections(rng: np.random.Generator, firms: _Firms, months: int) -> pl.DataFrame:
    parts = []
    for month in range(months):
        open_now = firms.open_in(month)
        drawn = open_now & (rng.random(len(firms.uscc)) < RANDOM_DRAW_PER_MONTH)
        suspicion = 1 / (
            1 + np.exp(0.7 * firms.compliance[month] + rng.standard_normal(drawn.size))
        )
        daily = open_now & (rng.random(drawn.size) < DAILY_CHECK_PER_MONTH * 2 * suspicion)
        for chosen, kind in ((drawn, "双随机"), (daily & ~drawn, "日常检查")):
            parts.append(_visits(rng, firms, np.flatnonzero(chosen), month, kind))
    visits = pl.concat(parts)
    numbered = visits.with_row_index("序").with_columns(
        pl.format("JC{}", pl.col("序").cast(pl.String).str.zfill(7)).alias("检查编号")
    )
    return numbered.drop("序")


def _visits(
    rng: np.random.Generator, firms: _Firms, who: NDArray[np.int64], month: int, kind: str
) -> pl.DataFrame:
    n = who.size
    odds = (
        PROBLEM_INTERCEPT
        - 1.1 * firms.compliance[month, who]
        + 0.25 * (firms.level[who] - 2)
        + 0.5 * firms.raw_food[who]
        + 0.3 * (month % 12 in {5, 6, 7})
    )
    problem = rng.random(n) < 1 / (1 + np.exp(-odds))
    found = np.where(rng.random(n) < 0.3, "不合格", "发现问题已责令改正")
    found = np.where(rng.random(n) < 0.08, "通过登记的住所无法联系", found)
    critical = np.where(
        problem, rng.poisson(0.5 + 0.4 * np.exp(-firms.compliance[month, who] / 2)), 0
    )
    seen = np.where(problem, found, "未发现问题")
    critical = np.where(seen == "不合格", np.maximum(critical, 1), critical)
    minor = rng.poisson(1.6 * np.exp(-0.45 * firms.compliance[month, who]))
    minor = np.where((seen == "发现问题已责令改正") & (critical + minor == 0), 1, minor)
    days = [_day(month, day) for day in rng.integers(0, DAYS_PER_MONTH, n)]
    lag = np.minimum(rng.geometric(0.25, n), 30)
    return pl.DataFrame(
        {
            "统一社会信用代码": [firms.uscc[i] for i in who],
            "企业名称": [firms.name[i] for i in who],
            "区划": [firms.district[i] for i in who],
            "检查类型": [kind] * n,
            "检查日期": days,
            "检查结果": seen,
            "重点项不符合": np.where(seen == "通过登记的住所无法联系", 0, critical),
            "一般项不符合": minor,
            "检查项数": np.full(n, 40),
            "立案": np.where((critical > 0) & (rng.random(n) < 0.6), "是", "否"),
            "抽取概率": [str(RANDOM_DRAW_PER_MONTH) if kind == "双随机" else None] * n,
            "到达时间": _arrived(days, lag),
        }
    )


def _complaints(rng: np.random.Generator, firms: _Firms, months: int) -> pl.DataFrame:
    size = np.log1p(firms.area) / 4.6
    parts = []
    for month in range(months):
        rate = 0.05 * size * np.exp(-0.55 * firms.compliance[month]) * firms.open_in(month)
        who = np.repeat(np.arange(rate.size), rng.poisson(rate))
        n = who.size
        days = [_day(month, day) for day in rng.integers(0, DAYS_PER_MONTH, n)]
        parts.append(
            pl.DataFrame(
                {
                    "统一社会信用代码": [firms.uscc[i] for i in who],
                    "企业名称": [firms.name[i] for i in who],
                    "区划": [firms.district[i] for i in who],
                    "渠道": rng.choice(["12315投诉", "12315举报", "12345"], n, p=[0.6, 0.15, 0.25]),
                    "登记日期": days,
                    "受理": np.where(rng.random(n) < 0.9, "是", "否"),
                    "结果": rng.choice(
                        ["调解成功", "不属实", "立案", "办理中"], n, p=[0.5, 0.25, 0.1, 0.15]
                    ),
                    "疑似职业索赔": np.where(rng.random(n) < 0.08, "是", "否"),
                    "到达时间": _arrived(days, rng.integers(0, 4, n)),
                }
            )
        )
    return (
        pl.concat(parts)
        .with_row_index("序")
        .with_columns(pl.format("TS{}", pl.col("序").cast(pl.String).str.zfill(7)).alias("工单号"))
        .drop("序")
    )


def _penalties(rng: np.random.Generator, inspections: pl.DataFrame) -> pl.DataFrame:
    """Cases filed at an inspection become penalties a month or two later; some are withdrawn."""
    filed = inspections.filter(pl.col("立案") == "是")
    n = filed.height
    wait = rng.integers(20, 75, n)
    decided = [day + timedelta(days=int(w)) for day, w in zip(filed["检查日期"], wait, strict=True)]
    fine_wan = np.round(rng.lognormal(-0.4, 0.9, n), 2) + 0.1
    severe = rng.choice(["轻微", "一般", "严重"], n, p=[0.25, 0.65, 0.1])
    number = [f"示市监罚〔{day.year}〕{i + 1}号" for i, day in enumerate(decided)]
    decisions = pl.DataFrame(
        {
            "统一社会信用代码": filed["统一社会信用代码"],
            "企业名称": filed["企业名称"],
            "区划": filed["区划"],
            "决定书文号": number,
            "违法行为": rng.choice(["经营过期食品", "未查验许可证", "环境不洁", "标签不符"], n),
            "处罚种类": np.where(severe == "严重", "罚款|责令停产停业", "罚款"),
            "罚款万元": np.round(fine_wan * np.where(severe == "严重", 6, 1), 2),
            "决定日期": decided,
            "失信程度": severe,
            "操作": ["新增"] * n,
            "到达时间": _arrived(decided, rng.integers(3, 20, n)),
        }
    )
    revoked = decisions.filter(pl.Series(rng.random(n) < 0.04)).with_columns(
        pl.lit("撤回").alias("操作"),
        pl.col("到达时间").str.to_datetime().dt.offset_by("60d").dt.to_string("%Y-%m-%d %H:%M:%S"),
    )
    return pl.concat([decisions, revoked])


def _register(firms: _Firms) -> pl.DataFrame:
    n = len(firms.uscc)
    return pl.DataFrame(
        {
            "统一社会信用代码": firms.uscc,
            "企业名称": firms.name,
            "类型": ["企业"] * n,
            "登记状态": ["存续"] * n,
            "成立日期": firms.founded,
            "注册资本万元": firms.capital_wan,
            "实缴资本万元": np.round(firms.capital_wan * firms.paid_share, 2),
            "行业代码": firms.industry,
            "区划": firms.district,
            "住所": [f"示例市第{i % 97 + 1}街{i % 311 + 1}号" for i in range(n)],
            "到达时间": [f"{day} 12:00:00" for day in firms.founded],
        }
    )


def _licences(rng: np.random.Generator, firms: _Firms) -> pl.DataFrame:
    """Five-year food licences; most are renewed, the careless ones let them lapse."""
    rows = []
    end = _month(firms.compliance.shape[0])
    for i, founded in enumerate(firms.founded):
        start, number = founded, 0
        while start < end:
            until = start.replace(day=min(start.day, 28), year=start.year + 5)
            rows.append((firms.uscc[i], firms.name[i], firms.district[i], number, start, until))
            lapse = rng.random() < 1 / (1 + np.exp(2.5 + firms.compliance[0, i]))
            start, number = (
                until + timedelta(days=int(rng.integers(30, 200)) if lapse else 0),
                number + 1,
            )
    frame = pl.DataFrame(
        rows,
        schema=["统一社会信用代码", "企业名称", "区划", "次", "有效期起", "有效期止"],
        orient="row",
    )
    return frame.with_columns(
        pl.concat_str(
            pl.lit("JY"), pl.col("统一社会信用代码").str.slice(8, 9), pl.col("次"), separator="-"
        ).alias("许可证编号"),
        pl.format("{} 09:00:00", pl.col("有效期起")).alias("到达时间"),
    ).drop("次")


def _profiles(firms: _Firms) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "统一社会信用代码": firms.uscc,
            "企业名称": firms.name,
            "区划": firms.district,
            "风险档": firms.level,
            "面积": firms.area,
            "静态风险分": 6 * firms.level + np.minimum(firms.area / 60, 12).round(),
            "高风险加工": firms.raw_food.astype(int),
            "重点人群": firms.vulnerable.astype(int),
            "生效日期": [max(day, FIRST_MONTH - timedelta(days=200)) for day in firms.founded],
        }
    )


def _month(number: int) -> date:
    return date(FIRST_MONTH.year + number // 12, number % 12 + 1, 1)


def _day(month: int, day: int) -> date:
    return _month(month) + timedelta(days=int(day))


def _arrived(days: list[date], lag_days: NDArray[np.int64]) -> list[str]:
    """Arrival at noon, some days after the event."""
    return [
        f"{day + timedelta(days=int(lag))} 12:00:00"
        for day, lag in zip(days, lag_days, strict=True)
    ]
