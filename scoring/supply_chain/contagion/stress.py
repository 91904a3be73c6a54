"""What becomes of suppliers when a core enterprise orders less, defaults, pays later or is downgraded.

Three channels: lost orders lower output (`demand`), what is not paid takes equity and travels on (DebtRank in
`features.network`), what is paid later takes liquidity. Each adds to a supplier's log-odds of default. How much the
network adds to the direct effects is reported, not assumed. What nobody knows adds nothing and is named; beside it
stands what there would be at most, were unknown equity and cash none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.special import expit, logit

from features.network import debt_rank
from scoring.errors import InvalidRequest
from scoring.money import exact, to_minor
from scoring.supply_chain.contagion.bridge import DAYS_A_YEAR, Shortfall, shortfall
from scoring.supply_chain.contagion.demand import MOST_ROUNDS, levels_of_demand
from scoring.supply_chain.contagion.network import Chain, Floats

MONTHS_A_YEAR = 12


class NotTold(StrEnum):
    """What nobody told of a supplier."""

    CASH = "cash"
    EQUITY = "equity"
    SCORE = "score"
    LOAN = "loan"


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
    is not known.

    `delayed_minor`, `unpaid_minor` and `lost_contribution_minor` are the cash that it lacks over the horizon
    (`shortfall`); `bridge_minor` what of that its cash does not cover, None where that is not known;
    `bridge_at_most_minor` the same with unknown cash for none; `days_of_cash` how long it lasts without what the core
    enterprise pays. `pd_after` counts what is known, `pd_after_at_most` takes unknown equity and cash for none;
    `not_told` names them.
    """

    firm: str
    sales_share: float
    output_level: float
    equity_lost_ratio: float | None
    delayed_minor: int
    unpaid_minor: int
    lost_contribution_minor: int
    bridge_minor: int | None
    bridge_at_most_minor: int
    days_of_cash: float | None
    pd_before: float | None
    pd_after: float | None
    pd_after_at_most: float | None
    expected_loss_before_minor: int | None
    expected_loss_after_minor: int | None
    not_told: Sequence[NotTold]


@dataclass(frozen=True, slots=True, kw_only=True)
class StressResult:
    """Every supplier that is struck, those that need a bridge line first; and what is lost in all, None where of no
    obligor both a score and a loan are known; `in_losses` counts those of whom they are.

    `amplification` is the rise of expected loss with the network over its rise by the direct effects alone; None where
    these are nothing.
    """

    shock: Shock
    currency: str
    bridge_days: int
    struck: Sequence[Struck]
    expected_loss_before_minor: int | None
    expected_loss_direct_minor: int | None
    expected_loss_after_minor: int | None
    expected_loss_after_at_most_minor: int | None
    amplification: float | None
    rests_on: Mapping[str, int]
    in_losses: int
    unrated: int


def stress(chain: Chain, shock: Shock, values: Mapping[str, Any]) -> StressResult:
    """The shock through the chain. `values` are the parameters of supply-chain finance in force. Raises NotFound."""
    core = chain.place_of(shock.core_enterprise)
    terms = values["stress"]
    direct = _effects(chain, shock, core, terms, is_network=False)
    after = _effects(chain, shock, core, terms, is_network=True)
    most = _effects(_poorest(chain), shock, core, terms, is_network=True)
    before = _losses(chain, chain.pd_12m)
    sums = [_sum(loss) for loss in (before, direct.losses, after.losses, most.losses)]
    touched = (after.level < 1.0) | (after.lost > 0) | (after.gap.total > 0)
    touched[core] = False
    touched[chain.obligors :] = False
    struck = [_struck(chain, place, core, after, most) for place in np.flatnonzero(touched).tolist()]
    return StressResult(
        shock=shock,
        currency=chain.currency,
        bridge_days=terms["bridge_days"],
        struck=sorted(struck, key=_urgency),
        expected_loss_before_minor=sums[0],
        expected_loss_direct_minor=sums[1],
        expected_loss_after_minor=sums[2],
        expected_loss_after_at_most_minor=sums[3],
        amplification=_amplification(*sums[:3]),
        rests_on=chain.rests_on,
        in_losses=int((~np.isnan(before)).sum()),
        unrated=int(np.isnan(chain.pd_12m[: chain.obligors]).sum()),
    )


def struck_directly(chain: Chain, shock: Shock, values: Mapping[str, Any]) -> Chain:
    """The chain with the probabilities of default that the direct effects leave, the core enterprise's own among them:
    where drawn defaults begin, and what they set off is the network's. Raises NotFound."""
    core = chain.place_of(shock.core_enterprise)
    pd = _effects(chain, shock, core, values["stress"], is_network=False).pd
    pd[core] = 1.0 if shock.is_default else min(1.0, float(np.nan_to_num(chain.pd_12m[core])) + shock.pd_rise)
    return replace(chain, pd_12m=pd)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Effects:
    """(firm,): output level, share of equity lost, the cash that is lacking, and PD; (obligor,): expected losses."""

    level: Floats
    lost: Floats
    gap: Shortfall
    pd: Floats
    losses: Floats


def _poorest(chain: Chain) -> Chain:
    """The chain in which those have no equity and no cash of whom nobody told any."""
    return replace(chain, equity=np.nan_to_num(chain.equity), liquidity=np.nan_to_num(chain.liquidity))


def _effects(chain: Chain, shock: Shock, core: int, terms: Mapping[str, Any], *, is_network: bool) -> _Effects:
    firms = len(chain.firms)
    ordered, hit = np.ones(firms), np.zeros(firms)
    ordered[core] = 0.0 if shock.is_default else 1.0 + shock.orders
    hit[core] = 1.0 if shock.is_default else shock.pd_rise
    level = levels_of_demand(chain.shares(), ordered, rounds=MOST_ROUNDS if is_network else 1)
    lost = debt_rank(chain.fragility(), hit, most_steps=None if is_network else 1)
    gap = shortfall(
        chain, core, is_default=shock.is_default, pays_later_days=shock.pays_later_days, level=level, terms=terms
    )
    pd = _pd(chain, terms, level=level, lost=lost, delayed=gap.delayed)
    pd[core] = chain.pd_12m[core]
    return _Effects(level=level, lost=lost, gap=gap, pd=pd, losses=_losses(chain, pd))


def _pd(chain: Chain, terms: Mapping[str, float], *, level: Floats, lost: Floats, delayed: Floats) -> Floats:
    """Probabilities of default after the three channels. What is late beyond cash counts in months of sales, where the
    cash is known; what is lost for good is counted by its output and equity, and not again as cash."""
    monthly = np.asarray(chain.sales.sum(axis=1)).ravel() / MONTHS_A_YEAR
    late = np.nan_to_num(np.maximum(0.0, delayed - chain.liquidity))
    months = np.divide(late, monthly, out=np.zeros_like(late), where=monthly > 0)
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


def _sum(losses: Floats) -> int | None:
    return None if np.isnan(losses).all() else to_minor(exact(float(np.nansum(losses))))


def _amplification(before: int | None, direct: int | None, after: int | None) -> float | None:
    if before is None or direct is None or after is None or direct <= before:
        return None
    return (after - before) / (direct - before)


def _struck(chain: Chain, place: int, core: int, after: _Effects, most: _Effects) -> Struck:
    sold = float(chain.sales[[place], :].sum())
    to_core = float(chain.sales[place, core])
    cash, gap = float(chain.liquidity[place]), float(after.gap.total[place])
    before = float(chain.pd_12m[place] * chain.lgd * chain.exposure[place])
    is_known = not np.isnan(cash)
    return Struck(
        firm=chain.firms[place],
        sales_share=to_core / sold if sold else 0.0,
        output_level=float(after.level[place]),
        equity_lost_ratio=None if np.isnan(chain.equity[place]) else float(after.lost[place]),
        delayed_minor=round(float(after.gap.delayed[place])),
        unpaid_minor=round(float(after.gap.unpaid[place])),
        lost_contribution_minor=round(float(after.gap.contribution[place])),
        bridge_minor=max(0, round(gap - cash)) if is_known else None,
        bridge_at_most_minor=max(0, round(gap - (cash if is_known else 0.0))),
        days_of_cash=cash / (to_core / DAYS_A_YEAR) if is_known and to_core > 0 else None,
        pd_before=_known(chain.pd_12m[place]),
        pd_after=_known(after.pd[place]),
        pd_after_at_most=_known(most.pd[place]),
        expected_loss_before_minor=_minor(before),
        expected_loss_after_minor=_minor(after.losses[place]),
        not_told=_not_told(chain, place),
    )


def _not_told(chain: Chain, place: int) -> tuple[NotTold, ...]:
    known = {
        NotTold.CASH: chain.liquidity,
        NotTold.EQUITY: chain.equity,
        NotTold.SCORE: chain.pd_12m,
        NotTold.LOAN: chain.exposure,
    }
    return tuple(name for name, values in known.items() if np.isnan(values[place]))


def _urgency(item: Struck) -> tuple[float, float, str]:
    """Who may need a bridge most, then whose risk rose most."""
    rise = (item.pd_after or 0.0) - (item.pd_before or 0.0)
    return -float(item.bridge_at_most_minor), -rise, item.firm


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _minor(value: float) -> int | None:
    return None if np.isnan(value) else to_minor(exact(float(value)))
