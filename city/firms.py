"""The firms of the city: what they are, whom they are tied to, and how they are inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from xinheng.city.draws import Assumptions, Flags, Floats, Ints, generator, month_start
from xinheng.city.names import DISTRICTS, made_up_codes, made_up_names

INDUSTRIES: dict[str, tuple[Sequence[str], Sequence[float]]] = {
    "food": (
        ["H6210", "H6220", "F5222", "F5121", "C1411", "H6291"], [0.38, 0.14, 0.2, 0.08, 0.06, 0.14]
    ),
    "drugs": (["F5251", "F5151", "C2720", "F5154"], [0.72, 0.14, 0.04, 0.1]),
    "construction": (["E4710", "E4813", "E4910", "E5011"], [0.24, 0.2, 0.2, 0.36]),
    "other": (
        ["F5299", "F5179", "L7211", "I6510", "C3399", "G5430", "K7010", "M7512", "O8111", "R8810"],
        [0.24, 0.16, 0.14, 0.1, 0.1, 0.08, 0.05, 0.06, 0.04, 0.03],
    ),
}  # fmt: skip
SECTORS = ("food", "drugs", "construction", "other")
ALIVE_FOREVER = 1 << 30


@dataclass(frozen=True, slots=True)
class Firms:
    """Columns of all firms that ever live in the city, in the order of their registration."""

    uscc: pl.Series
    name: pl.Series
    region: pl.Series
    industry: pl.Series
    sector: Ints
    """Place in `SECTORS`."""
    founded: Ints
    """Day of establishment."""
    size: Floats
    """Standard normal; log of employees and money."""
    staff: Floats
    controller: Ints
    address: Ints
    agent: Ints
    """-1 without an agent."""
    in_park: Flags
    compliance_mean: Floats
    distress_mean: Floats
    diligence_mean: Floats
    meters: Flags
    """`(firms, 3)`: electricity, water, gas."""
    shared_meter: Flags
    insured: Flags
    cold_store: Flags

    def __len__(self) -> int:
        return self.uscc.len()

    def of(self, sector: str) -> Flags:
        return np.asarray(self.sector == SECTORS.index(sector))


def make_firms(
    enterprises: int, assumed: Assumptions, *, first_year: int, months: int, seed: int
) -> Firms:
    """Draw the firms; those that are there at the start and those that come later."""
    rng = generator(seed, "firms")
    n = enterprises
    sector = _sectors(rng, n, assumed["shares"])
    industry = _industries(rng, sector)
    region = pl.Series(list(DISTRICTS)).gather(rng.choice(5, n, p=[0.34, 0.16, 0.17, 0.18, 0.15]))
    size = rng.standard_normal(n)
    controller = _copied(rng, n, assumed["graph"]["copy_controller"])
    traits = _traits(rng, controller)
    in_park = rng.random(n) < assumed["graph"]["park_share"]
    meters = rng.random((n, 3)) < [assumed["feeds"][k] for k in ("electricity", "water", "gas")]
    return Firms(
        uscc=pl.Series(made_up_codes(rng, region.to_list())),
        name=pl.Series(_unique(made_up_names(rng, industry.to_list()))),
        region=region,
        industry=industry,
        sector=sector,
        founded=_founded(rng, n, first_year, months, assumed["lifetime"]["yearly_birth"]),
        size=size,
        staff=np.asarray(np.exp(1.7 + 1.05 * size + 0.3 * rng.standard_normal(n))).round() + 1.0,
        controller=controller,
        address=np.where(
            in_park, n + rng.integers(0, 6, n), _copied(rng, n, assumed["graph"]["copy_address"])
        ),
        agent=_agents(rng, n, assumed["graph"]["agent_share"]),
        in_park=in_park,
        compliance_mean=traits[0],
        distress_mean=traits[1] - 0.15 * size,
        diligence_mean=traits[2] + 0.25 * size,
        meters=meters,
        shared_meter=in_park | (rng.random(n) < 0.06),
        insured=rng.random(n) < assumed["feeds"]["insured"],
        cold_store=(sector == 0) & (rng.random(n) < 0.15),
    )


def drift(seed: int, subject: str, month: int, level: Floats, mean: Floats, keep: float) -> Floats:
    """One month of an AR(1) around each firm's mean, with variance 0.36 around it."""
    noise = generator(seed, subject, month).standard_normal(level.size)
    return np.asarray(mean + keep * (level - mean) + 0.6 * np.sqrt(1 - keep**2) * noise)


def _sectors(rng: np.random.Generator, n: int, assumed: Mapping[str, float]) -> Ints:
    shares = [assumed[name] for name in SECTORS[:3]]
    return np.asarray(rng.choice(4, n, p=[*shares, 1 - sum(shares)]))


def _industries(rng: np.random.Generator, sector: Ints) -> pl.Series:
    code = np.empty(sector.size, dtype=object)
    for place, name in enumerate(SECTORS):
        own = np.flatnonzero(sector == place)
        codes, shares = INDUSTRIES[name]
        code[own] = rng.choice(list(codes), own.size, p=np.array(shares) / sum(shares))
    return pl.Series(code.tolist(), dtype=pl.String)


def _copied(rng: np.random.Generator, n: int, copy: float) -> Ints:
    """Copying model: a newcomer takes the key of a random earlier firm, or a new one.

    Keys become popular in proportion to their popularity, which gives a power-law tail.
    """
    copies = rng.random(n) < copy
    earlier = (rng.random(n) * np.arange(n)).astype(np.int64)
    key = np.arange(n)
    for i in np.flatnonzero(copies[1:]) + 1:
        key[i] = key[earlier[i]]
    return key


def _traits(rng: np.random.Generator, controller: Ints) -> Floats:
    """Compliance, distress and diligence `(3, firms)`: half the controller's, half their own."""
    n = controller.size
    shared = rng.standard_normal((3, n))[:, controller]
    own = rng.standard_normal((3, n))
    mixed = 0.8 * (np.sqrt(0.4) * shared + np.sqrt(0.6) * own)
    mixed[2] -= 0.25 * mixed[1]
    return np.asarray(mixed)


def _agents(rng: np.random.Generator, n: int, share: float) -> Ints:
    """A registration agent for some; the few largest have most customers (Zipf)."""
    weights = 1 / np.arange(1, 61)
    chosen = rng.choice(60, n, p=weights / weights.sum())
    return np.where(rng.random(n) < share, chosen, -1)


def _founded(
    rng: np.random.Generator, n: int, first_year: int, months: int, yearly_birth: float
) -> Ints:
    """Days of establishment: the old stock, then as many each year as the birth rate says."""
    start, end = month_start(first_year, 0), month_start(first_year, months)
    newcomers = 1 - 1 / (1 + yearly_birth * (months / 12) * 0.75)
    old = start - 30 - np.minimum(rng.exponential(2_400, n), 9_000).astype(np.int64)
    new = rng.integers(start, end - 5, n)
    return np.sort(np.where(rng.random(n) < newcomers, new, old))


def _unique(names: list[str]) -> list[str]:
    """Names told apart where two firms drew the same one."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = count = seen.get(name, 0) + 1
        told.append(name if count == 1 else name.replace("示例市", f"示例市第{count}", 1))
    return told
