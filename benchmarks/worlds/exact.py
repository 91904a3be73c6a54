"""The exact probabilities of default against what they claim: simulated paths, and outcomes that came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from simulator.block import Laws, build_block
from simulator.credit.reduced_form import monthly_hazard
from simulator.credit.true_pd import HORIZON_MONTHS, LIFETIME_MONTHS
from simulator.firms.obligors import BLOCK_FIRMS
from simulator.summary import area_under_curve
from simulator.world import make_laws, true_pd

STATES = 20
CHUNK = 50_000
BLOCKS = 6
MONTHS = 48
MONTHS_PER_YEAR = 12
DECILES = 10
FAMILY_LEVEL = 0.999
"""All intervals of a table together hold with at least this chance (Bonferroni)."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Annual snapshots whose twelve months do not overlap: exact probability, outcome, division, and year of a world."""

    pd: Matrix
    defaulted: NDArray[np.bool_]
    division: NDArray[np.str_]
    cluster: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Exact probabilities that are checked: of a world, over some months, seen from the ends of these months."""

    name: str
    world: str
    horizon: int
    positions: Sequence[int]


CASES = (
    Case(name="base_12m", world="base", horizon=HORIZON_MONTHS, positions=(-1,)),
    Case(name="base_60m", world="base", horizon=LIFETIME_MONTHS, positions=(-1,)),
    Case(name="recession_12m", world="recession", horizon=HORIZON_MONTHS, positions=range(14, 34)),
    Case(name="drift_12m", world="drift", horizon=HORIZON_MONTHS, positions=range(0, 40, 2)),
)
"""The recession's shock and failure come in months 24 and 27 of a world of 48; a drift goes on to the world's end."""
WORLDS = tuple(dict.fromkeys(case.world for case in CASES if case.world != "base"))


def states_of(case: Case, *, paths: int, seed: int) -> list[dict[str, float]]:
    """Of `STATES` states: the exact probability, the share of `paths` that default, and how many standard errors lie
    between.

    The states are drawn as firms of the world have them, half of them with a health below -1; every third one supplies
    the core enterprise that fails, where one does.
    """
    laws = make_laws(MONTHS, seed, case.world)
    drawn = np.random.default_rng([seed, 1])
    shift = drawn.normal(0.0, laws.parameters.health.quality_sd * laws.parameters.defaults.quality, STATES)
    health = np.where(np.arange(STATES) % 2 == 0, drawn.normal(size=STATES), -1.0 - drawn.exponential(0.7, STATES))
    industry = drawn.normal(size=STATES)
    pd_at = true_pd(laws)
    rows = []
    for state in range(STATES):
        position, exposed = case.positions[state % len(case.positions)], state % 3 == 0
        exact = float(
            pd_at.at(
                shift[[state]],
                health[[state]],
                industry[[state]],
                exposed=exposed,
                position=position,
                months=case.horizon,
            )[0]
        )
        place = Place(shift=shift[state], health=health[state], industry=industry[state], exposed=exposed)
        share = _share(laws, place, range(position + 1, position + 1 + case.horizon), paths=paths, seed=seed + state)
        error = float(np.sqrt(exact * (1 - exact) / paths))
        rows.append({"position": position, "pd": exact, "simulated": share, "z": (share - exact) / error})
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The state of a firm at an instant."""

    shift: float
    health: float
    industry: float
    exposed: bool


def _share(laws: Laws, place: Place, months: range, *, paths: int, seed: int) -> float:
    """Share of paths that default in these months, month by month from what the world's name promises."""
    slopes, law = laws.parameters.defaults, laws.parameters.health
    generator = np.random.default_rng([seed, 2])
    defaulted = 0
    for _ in range(paths // CHUNK):
        health, industry = np.full(CHUNK, place.health), np.full(CHUNK, place.industry)
        alive = np.ones(CHUNK, dtype=bool)
        for month in months:
            health = _next(health, law.persistence, generator)
            industry = _next(industry, law.industry_persistence, generator)
            static, fallen = _promised(laws, month, exposed=place.exposed)
            chance = monthly_hazard(np.float64(place.shift + static), health, industry + fallen, slopes)
            alive &= generator.random(CHUNK) >= chance
        defaulted += int(CHUNK - alive.sum())
    return defaulted / (paths // CHUNK * CHUNK)


def _promised(laws: Laws, month: int, *, exposed: bool) -> tuple[float, float]:
    """(log-odds, standard deviations of industry) that the world of this name adds in a month, from its parameters."""
    world, recession, drift = laws.world.name, laws.parameters.recession, laws.parameters.drift
    if world == "drift":
        return drift.default_log_odds_per_year * min(month, MONTHS - 1) / MONTHS_PER_YEAR, 0.0
    if world != "recession":
        return 0.0, 0.0
    since_shock, since_failure = (
        month - _month_of(recession.shock_month),
        month - _month_of(recession.core_failure_month),
    )
    lasts = 0 <= since_shock < recession.shock_lasts_months
    fallen = -recession.shock_depth_sd * recession.shock_persistence**since_shock if lasts else 0.0
    struck = exposed and 0 <= since_failure < recession.core_lasts_months
    return recession.core_default_log_odds * struck, fallen


def _month_of(month: str) -> int:
    """Its position in a world of `MONTHS` that ends with June 2026."""
    year, number = (int(part) for part in month.split("-"))
    return (year - 2022) * MONTHS_PER_YEAR + number - 7


def _next(state: Matrix, persistence: float, generator: np.random.Generator) -> Matrix:
    return persistence * state + np.sqrt(1 - persistence**2) * generator.standard_normal(len(state))


def outcomes(seeds: Sequence[int], *, world: str = "base") -> Outcomes:
    """Outcomes of `BLOCKS` blocks of firms over four years, for each seed; nothing is written."""
    parts: list[dict[str, Any]] = []
    for number, seed in enumerate(seeds):
        laws = make_laws(MONTHS, seed, world)
        exact = true_pd(laws)
        for block in (build_block(index, BLOCK_FIRMS, laws) for index in range(BLOCKS)):
            for position in range(-1, MONTHS - HORIZON_MONTHS, HORIZON_MONTHS):
                alive = block.lives.default_month > position
                parts.append(
                    {
                        "pd": exact.of(block.lives, alive, position=position),
                        "defaulted": block.lives.default_month[alive] <= position + HORIZON_MONTHS,
                        "division": np.array(block.firms.divisions)[alive],
                        "cluster": np.full(int(alive.sum()), number * MONTHS + position + 1),
                    }
                )
    return Outcomes(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def by_decile(found: Outcomes) -> list[dict[str, Any]]:
    """Mean exact probability beside the share that defaulted, by decile, and whether it lies in its interval.

    Firms of one year share their industries' fate, so the interval of the share less the mean is of sums over the years
    of worlds, which are uncorrelated; all ten together hold with 99.9 % (Bonferroni).
    """
    decile = np.searchsorted(np.quantile(found.pd, np.linspace(0, 1, DECILES + 1)[1:-1]), found.pd, side="right")
    clusters, cluster = np.unique(found.cluster, return_inverse=True)
    reach = float(student.ppf(1 - (1 - FAMILY_LEVEL) / DECILES / 2, len(clusters) - 1))
    rows = []
    for number in range(DECILES):
        here = decile == number
        gap = found.defaulted[here] - found.pd[here]
        sums = np.bincount(cluster[here], weights=gap, minlength=len(clusters))
        half = reach * float(np.sqrt(len(clusters) * sums.var(ddof=1))) / int(here.sum())
        expected, realised = float(found.pd[here].mean()), float(found.defaulted[here].mean())
        rows.append(
            {
                "decile": number + 1,
                "firms": int(here.sum()),
                "true": expected,
                "realised": realised,
                "lower": realised - half,
                "upper": realised + half,
                "inside": bool(realised - half <= expected <= realised + half),
            }
        )
    return rows


def by_division(found: Outcomes) -> dict[str, float]:
    """Share that defaulted within twelve months, by division."""
    return {
        str(division): float(found.defaulted[found.division == division].mean())
        for division in np.unique(found.division)
    }


def oracle_auc(found: Outcomes) -> float:
    """Mean over worlds of the AUC of the exact probability."""
    areas = [
        area_under_curve(found.pd[found.cluster // MONTHS == world], found.defaulted[found.cluster // MONTHS == world])
        for world in np.unique(found.cluster // MONTHS)
    ]
    return float(np.mean([area for area in areas if area is not None]))
