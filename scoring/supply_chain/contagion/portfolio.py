"""A lender's loss with and without the network: defaults drawn under one common factor, and what they set off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from features.network import debt_rank
from scoring.supply_chain.contagion.network import Chain, Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortfolioLoss:
    """Losses a draw in minor units, of obligors whose default and exposure are known. `is_network_known` unless
    nobody's equity is: then nothing travels, which says nothing."""

    alone: Floats
    with_network: Floats
    is_network_known: bool

    @property
    def amplification(self) -> float | None:
        """The mean with the network over the mean without, measured on these draws; None where nothing is lost alone or
        no equity is known."""
        mean = float(self.alone.mean())
        return float(self.with_network.mean()) / mean if mean > 0 and self.is_network_known else None

    def quantile(self, share: float) -> tuple[float, float]:
        """The loss that is not exceeded in `share` of the draws, alone and with the network."""
        return float(np.quantile(self.alone, share)), float(np.quantile(self.with_network, share))


def portfolio_loss(chain: Chain, *, correlation: float, draws: int, seed: int) -> PortfolioLoss:
    """Draw defaults of all rated firms (one-factor normal), let each draw travel, and add up what the lender loses. The
    same seed draws the same, so that two chains of the same firms differ by their figures alone."""
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
    is_known = not bool(np.isnan(chain.equity).all())
    return PortfolioLoss(alone=alone, with_network=travelled, is_network_known=is_known)
