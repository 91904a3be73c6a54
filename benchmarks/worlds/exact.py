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
from simulator.credit.true_pd import HORIZON_MONTHS
from simulator.firms.obligors import BLOCK_FIRMS
from simulator.summary import area_under_curve
from simulator.world import make_laws, true_pd

STATES = 20
CHUNK = 100_000
BLOCKS = 6
MONTHS = 48
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


def largest_z(*, paths: int, seed: int) -> tuple[float, list[dict[str, float]]]:
    """The largest |z| of exact probabilities against the share of `paths` that default, over `STATES` states.

    The states are drawn as firms of the world have them, half of them with a health below -1.
    """
    laws = make_laws(12, seed)
    drawn = np.random.default_rng([seed, 1])
    shift = drawn.normal(0.0, laws.parameters.health.quality_sd * laws.parameters.defaults.quality, STATES)
    health = np.where(np.arange(STATES) % 2 == 0, drawn.normal(size=STATES), -1.0 - drawn.exponential(0.7, STATES))
    industry = drawn.normal(size=STATES)
    exact = true_pd(laws).at(shift, health, industry)
    rows = []
    for state in range(STATES):
        place = (float(shift[state]), float(health[state]), float(industry[state]))
        share = _share(laws, place, paths=paths, seed=seed + state)
        error = float(np.sqrt(exact[state] * (1 - exact[state]) / paths))
        rows.append({"pd": float(exact[state]), "simulated": share, "z": (share - float(exact[state])) / error})
    return max(abs(row["z"]) for row in rows), rows


def _share(laws: Laws, place: tuple[float, float, float], *, paths: int, seed: int) -> float:
    """Share of paths that default within twelve months, month by month from the definition."""
    static, slopes, law = place[0], laws.parameters.defaults, laws.parameters.health
    generator = np.random.default_rng([seed, 2])
    defaulted = 0
    for _ in range(paths // CHUNK):
        health, industry = np.full(CHUNK, place[1]), np.full(CHUNK, place[2])
        alive = np.ones(CHUNK, dtype=bool)
        for _ in range(HORIZON_MONTHS):
            health = _next(health, law.persistence, generator)
            industry = _next(industry, law.industry_persistence, generator)
            alive &= generator.random(CHUNK) >= monthly_hazard(np.float64(static), health, industry, slopes)
        defaulted += int(CHUNK - alive.sum())
    return defaulted / (paths // CHUNK * CHUNK)


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
