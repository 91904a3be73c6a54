"""What becomes of suppliers when a core enterprise orders less, defaults, pays later or is downgraded.

Three channels: lost orders lower output (`demand`), what is not paid takes equity and travels on (DebtRank in
`features.network`), what is paid later takes liquidity. Each adds to a supplier's log-odds of default. How much the
network adds to the direct effects is reported, not assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from features.network import debt_rank
from scoring.errors import InvalidRequest
from scoring.money import exact, to_minor
from scoring.supply_chain.contagion.demand import MOST_ROUNDS, levels_of_demand
from scoring.supply_chain.contagion.network import Chain, Floats

DAYS_A_YEAR = 365
DAYS_A_MONTH = DAYS_A_YEAR / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """What happens to one core enterprise: its orders change by a share (-0.4 is 40 % fewer), it defaults, it pays so
    many days later, or its probability of default rises by `pd_rise`."""

    core_enterprise: str
    orders: float = 0.0
    is_default: bool = False
    pays_later_days: int = 0
    pd_rise: float = 0.0

    def __post_init__(self) -> None:
        if not -1.0 <= self.orders <= 0.0 or self.pays_later_days < 0 or not 0.0 <= self.pd_rise <= 1.0:
            raise InvalidRequest(
                f"Orders {self.orders:+}, {self.pays_later_days} days later and a rise of {self.pd_rise} are no shock.",
                hint="Orders lie between -1 and 0, days at 0 or above, a rise of the PD between 0 and 1.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """One supplier after the shock. `output_level` is a share of the usual; `equity_lost_ratio` None where its equity
    is not known; `bridge_minor` what its cash does not cover, None where that is not known; `days_of_cash` how long it
    lasts without what the core enterprise pays."""

    firm: str
    sales_share: float
    output_level: float
    equity_lost_ratio: float | None
    delayed_minor: int
    bridge_minor: int | None
    days_of_cash: float | None
    pd_before: float | None
    pd_after: float | None
    expected_loss_before_minor: int | None
    expected_loss_after_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StressResult:
    """Every supplier that is struck, those that need a bridge line first; and what is lost in all.

    `amplification` is the rise of expected loss with the network over its rise by the direct effects alone; None where
    these are nothing.
    """

    shock: Shock
    currency: str
    struck: Sequence[Struck]
    expected_loss_before_minor: int
    expected_loss_direct_minor: int
    expected_loss_after_minor: int
    amplification: float | None
    rests_on: Mapping[str, int]
    unrated: int


def stress(chain: Chain, shock: Shock, values: Mapping[str, Any]) -> StressResult:
    """The shock through the chain. `values` are the parameters of supply-chain finance in force. Raises NotFound."""
    core = chain.place_of(shock.core_enterprise)
    terms = values["stress"]
    direct = _effects(chain, shock, core, terms, is_network=False)
    after = _effects(chain, shock, core, terms, is_network=True)
    before = chain.pd_12m
    losses = [_losses(chain, pd) for pd in (before, direct.pd, after.pd)]
    sums = [to_minor(exact(float(np.nansum(loss)))) for loss in losses]
    rise = sums[1] - sums[0]
    touched = (after.level < 1.0) | (after.lost > 0) | (after.delayed > 0)
    touched[core] = False
    touched[chain.obligors :] = False
    struck = [_struck(chain, place, core, after, losses) for place in np.flatnonzero(touched).tolist()]
    return StressResult(
        shock=shock,
        currency=chain.currency,
        struck=sorted(struck, key=_urgency),
        expected_loss_before_minor=sums[0],
        expected_loss_direct_minor=sums[1],
        expected_loss_after_minor=sums[2],
        amplification=(sums[2] - sums[0]) / rise if rise > 0 else None,
        rests_on=chain.rests_on,
        unrated=int(np.isnan(before[: chain.obligors]).sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Effects:
    """(firm,): output level, share of equity lost, payments delayed in minor units, and PD."""

    level: Floats
    lost: Floats
    delayed: Floats
    pd: Floats


def _effects(chain: Chain, shock: Shock, core: int, terms: Mapping[str, float], *, is_network: bool) -> _Effects:
    firms = len(chain.firms)
    ordered, hit = np.ones(firms), np.zeros(firms)
    ordered[core] = 0.0 if shock.is_default else 1.0 + shock.orders
    hit[core] = 1.0 if shock.is_default else shock.pd_rise
    level = levels_of_demand(chain.shares(), ordered, rounds=MOST_ROUNDS if is_network else 1)
    lost = debt_rank(chain.fragility(), hit, most_steps=None if is_network else 1)
    daily = chain.sales[:, [core]].toarray().ravel() / DAYS_A_YEAR
    delayed = np.minimum(daily * shock.pays_later_days, chain.receivable[:, [core]].toarray().ravel())
    if shock.is_default:
        delayed = np.zeros(firms)  # what is not paid at all is counted as lost
    pd = _pd(chain, terms, level=level, lost=lost, delayed=delayed)
    pd[core] = chain.pd_12m[core]
    return _Effects(level=level, lost=lost, delayed=delayed, pd=pd)


def _pd(chain: Chain, terms: Mapping[str, float], *, level: Floats, lost: Floats, delayed: Floats) -> Floats:
    """Probabilities of default after the three channels; what is not known adds nothing and is told as unknown."""
    monthly = np.asarray(chain.sales.sum(axis=1)).ravel() / 12.0
    gap = np.maximum(0.0, delayed - np.nan_to_num(chain.liquidity))
    months = np.divide(gap, monthly, out=np.zeros_like(gap), where=monthly > 0)
    raised = (
        logit(chain.pd_12m)
        + terms["log_odds_of_lost_output"] * (1.0 - level)
        + terms["log_odds_of_lost_equity"] * lost
        + terms["log_odds_of_a_months_liquidity"] * months
    )
    pd = expit(raised)
    pd = np.where((lost >= 1.0) & ~np.isnan(pd), np.maximum(pd, terms["pd_without_equity"]), pd)
    return np.asarray(pd)


def _losses(chain: Chain, pd: Floats) -> Floats:
    """(obligor,) expected loss in minor units, NaN where it is not known."""
    return np.asarray((pd * chain.lgd * chain.exposure)[: chain.obligors])


def _struck(chain: Chain, place: int, core: int, after: _Effects, losses: Sequence[Floats]) -> Struck:
    sold = float(chain.sales[[place], :].sum())
    to_core = float(chain.sales[place, core])
    cash, delayed = float(chain.liquidity[place]), float(after.delayed[place])
    is_known = not np.isnan(cash)
    return Struck(
        firm=chain.firms[place],
        sales_share=to_core / sold if sold else 0.0,
        output_level=float(after.level[place]),
        equity_lost_ratio=None if np.isnan(chain.equity[place]) else float(after.lost[place]),
        delayed_minor=round(delayed),
        bridge_minor=max(0, round(delayed - cash)) if is_known else None,
        days_of_cash=cash / (to_core / DAYS_A_YEAR) if is_known and to_core > 0 else None,
        pd_before=_known(chain.pd_12m[place]),
        pd_after=_known(after.pd[place]),
        expected_loss_before_minor=_minor(losses[0][place]),
        expected_loss_after_minor=_minor(losses[2][place]),
    )


def _urgency(item: Struck) -> tuple[float, float, str]:
    """Who needs a bridge most, then whose risk rose most."""
    rise = (item.pd_after or 0.0) - (item.pd_before or 0.0)
    return -float(item.bridge_minor or 0), -rise, item.firm


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _minor(value: float) -> int | None:
    return None if np.isnan(value) else to_minor(exact(float(value)))
