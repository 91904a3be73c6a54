"""Seasons of a whole book at once: one factor for all, one for each industry, a path of each firm's own, and outages.

Monthly operating rates move in log-odds around what is usual for the season. Industries share a common factor, because
that is what a book of this cover dies of: independent firms would make its tail look thin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from scoring.errors import NotEnoughEvents

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Months = int | NDArray[np.int64]

FEWEST_MONTHS = 12
LARGEST_PERSISTENCE = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class RateModel:
    """Log-odds of a monthly rate = usual + loading x industry state + own state; both states AR(1).

    `common_share` is the part of an industry's variance that all industries share; `outage_chance` a firm's chance a
    month to lose `outage_share` of it.
    """

    industry_sd: float
    industry_persistence: float
    common_share: float
    own_sd: float
    own_persistence: float
    outage_chance: float = 0.0
    outage_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seasons:
    """Simulated mean rates of a season: of each insured firm (paths x firms) and of each firm's cluster (likewise)."""

    own: Matrix
    cluster: Matrix


def simulate_seasons(
    model: RateModel,
    *,
    usual_rates: Vector,
    industry: NDArray[np.int64],
    months: Months,
    paths: int,
    seed: int,
    industry_state: Vector | None = None,
    own_state: Vector | None = None,
    lead_months: Months = 0,
) -> Seasons:
    """`paths` seasons of `months` that begin `lead_months` from now, for firms of `usual_rates` (n) and `industry` (n).
    Firms of one book may have seasons of their own: `months` and `lead_months` are one number, or one a firm (n).

    States (in standard deviations of their own; 0 where not given) are those of today: a cover sold in a slump starts
    from the slump. A cluster is its industry's usual rate moved by the industry alone, the own paths of its many
    firms averaged out by their variance.
    """
    generator = np.random.default_rng(seed)
    count = int(industry.max()) + 1
    usual = logit(usual_rates)
    of_industry = np.array([usual[industry == at].mean() if (industry == at).any() else 0.0 for at in range(count)])
    state = np.broadcast_to(np.zeros(count) if industry_state is None else industry_state, (paths, count)).copy()
    own = np.broadcast_to(np.zeros(len(usual)) if own_state is None else own_state, (paths, len(usual))).copy()
    rates, clusters = np.zeros((paths, len(usual))), np.zeros((paths, len(usual)))
    shrink = _averaged(model.own_sd)
    lead, length = (np.broadcast_to(np.asarray(given), len(usual)) for given in (lead_months, months))
    for month in range(int((lead + length).max())):
        shared = generator.standard_normal((paths, 1))
        apart = generator.standard_normal((paths, count))
        drawn = np.sqrt(model.common_share) * shared + np.sqrt(1 - model.common_share) * apart
        state = _step(state, drawn, model.industry_persistence)
        own = _step(own, generator.standard_normal(own.shape), model.own_persistence)
        counts = (month >= lead) & (month < lead + length)
        if counts.any():
            level = usual + model.industry_sd * state[:, industry] + model.own_sd * own
            lost = model.outage_share * (generator.random(own.shape) < model.outage_chance)
            rates += expit(level) * (1 - lost) * counts
            of_cluster = shrink(of_industry + model.industry_sd * state)
            clusters += of_cluster[:, industry] * (1 - model.outage_share * model.outage_chance) * counts
    return Seasons(own=rates / length, cluster=clusters / length)


def fit_rate_model(rates: Matrix, industry: NDArray[np.int64]) -> RateModel:
    """The model of monthly rates (firms x months, each between 0 and 1, deseasonalised), by moments.

    An industry's state is the mean of its firms' log-odds beside their own means; what is left is each firm's own. What
    the mean of few firms has of their own paths is taken out of the state's variance and of its persistence.
    Raises NotEnoughEvents for less than a year.
    """
    firms, months = rates.shape
    if months < FEWEST_MONTHS:
        raise NotEnoughEvents(f"{months} months of {firms} firms are no year: a season cannot be told from chance.")
    moved = logit(rates.clip(1e-3, 1 - 1e-3))
    moved = moved - moved.mean(axis=1, keepdims=True)
    members = [np.flatnonzero(industry == at) for at in np.unique(industry)]
    states = np.stack([moved[rows].mean(axis=0) for rows in members])
    own = moved - states[np.searchsorted(np.unique(industry), industry)]
    noise = np.array([own[rows].var() / max(len(rows) - 1, 1) for rows in members])
    spread = max(float((states.var(axis=1) - noise).mean()), 1e-12)
    own_persistence = _persistence(own)
    carried = _persistence(states) * float(states.var(axis=1).mean()) - own_persistence * float(noise.mean())
    return RateModel(
        industry_sd=spread**0.5,
        industry_persistence=min(max(carried / spread, 0.0), LARGEST_PERSISTENCE),
        common_share=_common(states),
        own_sd=float(own.std()) * (firms / max(firms - len(members), 1)) ** 0.5,
        own_persistence=own_persistence,
    )


def _step(state: Matrix, drawn: Matrix, persistence: float) -> Matrix:
    return np.asarray(persistence * state + np.sqrt(1 - persistence**2) * drawn)


def _averaged(own_sd: float) -> Callable[[Matrix], Matrix]:
    """The mean rate over many firms whose log-odds are spread by `own_sd` (by quadrature)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    share = weights / weights.sum()
    return lambda level: np.asarray((expit(level[..., None] + own_sd * nodes) * share).sum(axis=-1))


def _persistence(paths: Matrix) -> float:
    """Correlation of a month with the next; 0 of paths that never move, as those of a lone firm beside its industry."""
    centred = paths - paths.mean(axis=1, keepdims=True)
    moved = float((centred**2).sum())
    found = float((centred[:, 1:] * centred[:, :-1]).sum()) / moved if moved else 0.0
    return min(max(found, 0.0), LARGEST_PERSISTENCE)


def _common(states: Matrix) -> float:
    """Mean correlation between industries, 0 where there is one."""
    if len(states) < 2:
        return 0.0
    correlations: Matrix = np.asarray(np.corrcoef(states))
    above = correlations[np.triu_indices(len(states), 1)]
    return float(min(max(above.mean(), 0.0), 1.0))
