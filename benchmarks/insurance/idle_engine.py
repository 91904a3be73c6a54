"""Idle cover's engine beside the truth with the process's own parameters handed in: what simulation alone leaves.

A price is off by what its engine cannot say (the form of the paths, the common factor, the payout's tail) and by what it
does not know (the parameters, the state of today). Here the second is taken away. Half of a season's lives tell the
process: where each division stands, how far its index moves with its industry and with its few firms, how much all
industries share. The engine simulates that process, and the other half judges it. Synthetic; effect sizes are inputs,
not findings.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import binom

from scoring.insurance.idle_cover.payout import IdleTerms, shortfall
from scoring.insurance.idle_cover.price import TAIL, price_book
from scoring.insurance.idle_cover.simulate import RateModel, simulate_seasons
from simulator.insurance.idle_cover import portfolio_firms, season_rates
from simulator.parameter_values import HealthParameters, load_parameters
from simulator.world import PARAMETERS_AS_OF, make_laws

PATHS, LEVELLING_PATHS = 20_000, 4_000
LEVELLINGS = 3
LEVEL = 0.95

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """A world's last season lived again: of divisions (n) their names, how many firms of the reference portfolio are in
    them, the reference rate (NaN where none is), and the operating rates (paths x n)."""

    divisions: tuple[str, ...]
    firms: NDArray[np.int64]
    reference: Vector
    rates: Matrix
    terms: IdleTerms
    months: int
    seed: int

    @property
    def telling(self) -> Matrix:
        """Log-odds of the rates of every other path: what the process is like is taken from these."""
        return np.asarray(logit(self.rates[::2]))

    @property
    def judging(self) -> Matrix:
        """The rates of the paths that are left: these judge."""
        return self.rates[1::2]

    def of(self, divisions: Sequence[str]) -> Lives:
        """Of these divisions alone."""
        rows = np.array([self.divisions.index(name) for name in divisions])
        return replace(
            self,
            divisions=tuple(divisions),
            firms=self.firms[rows],
            reference=self.reference[rows],
            rates=self.rates[:, rows],
        )


def measure(seeds: Sequence[int], *, months: int, paths: int, kept: Path | None = None) -> dict[str, Any]:
    """The engine on every division of the worlds' reference portfolios: no firm is simulated beside those, so that ten
    worlds cost what their seasons do."""
    lived = []
    for seed in seeds:
        life = lives(seed, months=months, paths=paths, kept=kept)
        named = zip(life.divisions, np.isnan(life.reference), strict=True)
        lived.append(life.of([name for name, has_none in named if not has_none]))
        print(f"seed {seed}: {len(lived[-1].divisions)} divisions", file=sys.stderr, flush=True)
    return together(lived, load_parameters(PARAMETERS_AS_OF).health)


def lives(seed: int, *, months: int, paths: int, kept: Path | None = None) -> Lives:
    """The last season of the world of this seed and so many months, lived again; drawn once for a folder in which it is
    `kept`."""
    laws = make_laws(months, seed)
    cover = laws.parameters.idle_cover
    file = None if kept is None else kept / f"season-{seed}-{months}-{paths}.npz"
    if file is not None and file.exists():
        with np.load(file) as found:
            reference, rates = found["reference"], found["rates"]
    else:
        reference, rates = season_rates(laws, paths=paths)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, reference=reference, rates=rates)
    return Lives(
        divisions=tuple(laws.parameters.industries),
        firms=portfolio_firms(laws),
        reference=reference,
        rates=rates,
        terms=IdleTerms(trigger_share=cover.trigger_share, exit_share=cover.trigger_share * (1 - cover.cap_share)),
        months=cover.season_months,
        seed=seed,
    )


def process(worlds: Sequence[Lives], health: HealthParameters) -> RateModel:
    """The engine's parameters as the worlds' process has them: persistences and the share that industries have in
    common as the simulator names them, and how far log-odds move by moments of the telling paths of all worlds.

    Two divisions covary by the shared part of an industry's variance alone; what a division's index varies beyond its
    industry is that of one firm over its firms.
    """
    covariances = [np.cov(world.telling, rowvar=False) for world in worlds]
    of_industry = float(np.mean([_between(found) for found in covariances])) / health.industry_common_share
    rest = sum(float((np.diag(found) - of_industry).sum()) for found in covariances)
    own = max(rest, 0.0) / sum(float((1 / world.firms).sum()) for world in worlds)
    months = worlds[0].months
    return RateModel(
        industry_sd=(of_industry / _season_variance(health.industry_persistence, months)) ** 0.5,
        industry_persistence=health.industry_persistence,
        common_share=health.industry_common_share,
        own_sd=(own / _season_variance(health.persistence, months)) ** 0.5,
        own_persistence=health.persistence,
    )


def judged(world: Lives, model: RateModel) -> dict[str, Any]:
    """Equal sums on every division as one book: ours and true, as shares of all sums insured. `within` says whether
    the true losses' interval for their 99.5 % quantile (order statistics, 95 %) holds ours."""
    sums = np.full(len(world.firms), 1.0 / len(world.firms))
    ours = shortfall(_indices(world, model), world.reference, world.terms)
    priced = price_book(ours, sums, cost_of_capital=0.0)
    lost = np.sort(shortfall(world.judging, world.reference, world.terms) @ sums)
    value, error = priced.value_at_risk_minor, float(lost.std(ddof=1)) / len(lost) ** 0.5
    lower, upper = quantile_interval(lost)
    return {
        "expected": float(priced.expected_minor.sum()),
        "true_expected": float(lost.mean()),
        "expected_standard_errors": (float(priced.expected_minor.sum()) - float(lost.mean())) / error,
        "loss_99_5": value,
        "true_loss_99_5": float(np.quantile(lost, TAIL)),
        "true_loss_99_5_interval": [lower, upper],
        "within": bool(lower <= value and (upper is None or value <= upper)),
        "beyond": int((lost > value).sum()),
        "paths": len(lost),
    }


def together(worlds: Sequence[Lives], health: HealthParameters) -> dict[str, Any]:
    """Every world judged, and how often the truth lost more than our 99.5 % beside how often it should: the interval
    is that of a binomial at half a percent, so that `beyond` within it is no more than chance. The spread is that of all
    worlds, whose laws are the same; with that of each world's own season, which depends on where it stands, beside."""
    model = process(worlds, health)
    found = [judged(world, model) for world in worlds]
    own = [judged(world, process([world], health)) for world in worlds]
    paths = sum(world["paths"] for world in found)
    low, high = binom.interval(LEVEL, paths, 1 - TAIL)
    return {
        "beyond": sum(world["beyond"] for world in found),
        "beyond_if_right": [int(low), int(high)],
        "paths": paths,
        "worlds_within": sum(world["within"] for world in found),
        "beyond_by_spread_of_each_world": [world["beyond"] for world in own],
        "model": {name: getattr(model, name) for name in RateModel.__dataclass_fields__},
        "worlds": found,
    }


def quantile_interval(ordered: Vector) -> tuple[float, float | None]:
    """Of the 99.5 % quantile of losses (n, rising), by order statistics; no upper end where all n may lie below it."""
    low, high = (int(rank) for rank in binom.interval(LEVEL, len(ordered), TAIL))
    return float(ordered[max(low - 1, 0)]), float(ordered[high]) if high < len(ordered) else None


def _between(covariance: Matrix) -> float:
    """Mean covariance of two different divisions."""
    return float(covariance[np.triu_indices(len(covariance), 1)].mean())


def _season_variance(persistence: float, months: int) -> float:
    """Of the mean of so many months of an AR(1) of unit variance that begins at a known state."""
    lag = np.subtract.outer(np.arange(1, months + 1), np.arange(1, months + 1))
    steps = np.where(lag >= 0, persistence ** np.maximum(lag, 0), 0.0) * (1 - persistence**2) ** 0.5
    return float((steps.mean(axis=0) ** 2).sum())


def _indices(world: Lives, model: RateModel) -> Matrix:
    """The engine's rates of each division (paths x n): the mean of its firms, all as usual as the division, at the
    level at which the mean log-odds of its index are those of the telling paths."""
    aim, industry = world.telling.mean(axis=0), np.repeat(np.arange(len(world.firms)), world.firms)
    level = aim.copy()

    def simulated(paths: int) -> Matrix:
        seasons = simulate_seasons(
            model,
            usual_rates=expit(level)[industry],
            industry=industry,
            months=world.months,
            paths=paths,
            seed=world.seed,
        )
        return np.stack([seasons.own[:, industry == at].mean(axis=1) for at in range(len(world.firms))], axis=1)

    for _ in range(LEVELLINGS):
        level += aim - logit(simulated(LEVELLING_PATHS)).mean(axis=0)
    return simulated(PATHS)
