"""A lender's loss with and without the network: defaults drawn under one common factor, and what they set off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from features.network import debt_rank
from scoring.supply_chain.contagion.network import Chain, Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortfolioLoss:
    """Losses a draw in minor units, of obligors whose default and exposure are known. `amplification` is the mean with
    the network over the mean without: measured on these draws."""

    alone: Floats
    with_network: Floats

    @property
    def amplification(self) -> float | None:
        """None where nothing is lost alone."""
        mean = float(self.alone.mean())
        return float(self.with_network.mean()) / mean if mean > 0 else None

    def quantile(self, share: float) -> tuple[float, float]:
        """The loss that is not exceeded in `share` of the draws, alone and with the network."""
        return float(np.quantile(self.alone, share)), float(np.quantile(self.with_network, share))


@dataclass(frozen=True, slots=True, kw_only=True)
class LookThrough:
    """What a lender has on one core enterprise: lent to it, payables that it confirmed, and loans to its suppliers by
    its share in their sales."""

    core_enterprise: str
    direct_minor: int
    confirmed_payables_minor: int
    supplier_loans_minor: int

    @property
    def total_minor(self) -> int:
        """Held against the limit of the core enterprise."""
        return self.direct_minor + self.confirmed_payables_minor + self.supplier_loans_minor


def portfolio_loss(chain: Chain, *, correlation: float, draws: int, seed: int) -> PortfolioLoss:
    """Draw defaults of all rated firms (one-factor normal), let each draw travel, and add up what the lender loses."""
    random = np.random.default_rng(seed)
    pd = np.where(np.isnan(chain.pd_12m), 0.0, chain.pd_12m)
    threshold, fragility = norm.ppf(pd), chain.fragility()
    at_risk = chain.lgd * np.nan_to_num(chain.exposure)
    alone, travelled = np.zeros(draws), np.zeros(draws)
    for draw in range(draws):
        factor = random.standard_normal()
        own = random.standard_normal(len(pd))
        failed = (np.sqrt(correlation) * factor + np.sqrt(1.0 - correlation) * own < threshold).astype(np.float64)
        alone[draw] = at_risk @ failed
        travelled[draw] = at_risk @ debt_rank(fragility, failed) if failed.any() else 0.0
    return PortfolioLoss(alone=alone, with_network=travelled)


def look_through(chain: Chain, core_enterprise: str, *, confirmed_payables_minor: int) -> LookThrough:
    """The exposure to a core enterprise, direct and through its suppliers. Raises NotFound."""
    core = chain.place_of(core_enterprise)
    share = chain.shares()[:, [core]].toarray().ravel()
    through = np.nan_to_num(chain.exposure) * share
    through[core] = 0.0
    return LookThrough(
        core_enterprise=core_enterprise,
        direct_minor=round(float(np.nan_to_num(chain.exposure)[core])),
        confirmed_payables_minor=confirmed_payables_minor,
        supplier_loans_minor=round(float(through.sum())),
    )
