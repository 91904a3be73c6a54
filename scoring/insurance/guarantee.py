"""Guarantee of a facility (保证保险), priced from the same curve, loss and exposure as the loan itself.

premium = (lifetime expected loss of the covered layer x (1 + risk margin) + cost of the capital held for it)
/ (1 - expenses), at least a minimum fee. The capital is what the lender's own price holds for the layer (12.5 x K x
capital ratio), at what the lender's capital must earn, for as long as something is owed. Two
checks keep it honest against the lender's own price: the insurer may not ask less than the lender's expected loss on
the layer, and what the guarantee takes off the loan's price should be about what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from scoring.credit.price import NO_EXTRAS, Extras, PriceInputs, capital_share, waterfall
from scoring.errors import InvalidRequest
from scoring.insurance.build_up import Bill, Loadings, RiskTerms, bill_of_risk
from scoring.money import exact, rounded, to_minor

BASIS_POINT = Decimal("0.0001")
MONTHS_A_YEAR = 12


class Curve(Protocol):
    """What a guarantee needs of a term structure: the probability of default by the end of each month."""

    @property
    def cumulative_pd(self) -> Sequence[float]:
        """From the first month on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredFacility:
    """What is guaranteed: what is owed at the end of each month (minor units), and the loss on it.

    `covered_share` is the part of each loss that the guarantor bears, `recovered_share` what it recovers of that from
    collateral and by the counter-indemnity beyond what `lgd` already counts. Of its part it cedes `ceded_share`.
    """

    exposures_minor: Sequence[int]
    lgd: float
    covered_share: float
    recovered_share: float
    ceded_share: float
    annual_discount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GuaranteeTerms:
    """`risk_margin` is a share of the expected loss; loadings as of any premium, their minimum the least fee;
    `capital_rate` what capital costs a year on a unit owed (`capital_rate`)."""

    risk_margin: Decimal
    loadings: Loadings
    capital_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuaranteePrice:
    """The bill in full, what of the premium and the expected loss is ceded, the expected loss by month and what the
    capital costs (both exact)."""

    bill: Bill
    lifetime_pd: float
    expected_loss_minor: int
    capital_minor: Decimal
    ceded_premium_minor: int
    kept_premium_minor: int
    monthly_loss_minor: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoArbitrage:
    """The loan's price with and without the guarantee, and what the guarantee costs, as annual ratios of the loan.

    `gap` is what the guarantee costs beyond what it takes off the price; `capital_saved` the part of the latter that is
    the lender's cost of capital, in whose place the guarantor's is; `covers_expected_loss` whether the premium is at
    least the lender's expected loss on the covered layer.
    """

    rate_alone: Decimal
    rate_guaranteed: Decimal
    premium_rate: Decimal
    capital_saved: Decimal
    covers_expected_loss: bool

    @property
    def saved(self) -> Decimal:
        """What the guarantee takes off the loan's rate."""
        return self.rate_alone - self.rate_guaranteed

    @property
    def gap(self) -> Decimal:
        """What it costs beyond that; negative where somebody could earn by guaranteeing everything."""
        return self.premium_rate - self.saved


def guarantee_price(curve: Curve, facility: CoveredFacility, terms: GuaranteeTerms) -> GuaranteePrice:
    """Lifetime expected loss of the covered layer, month by month on the loan's own curve, and the premium on it.

    Raises InvalidRequest for a life beyond the curve, for exposures below 0 and for shares outside 0 to 1.
    """
    _check(curve, facility)
    months = len(facility.exposures_minor)
    net = facility.covered_share * (1 - facility.recovered_share)
    losses, before, owed_years = [], 0.0, 0.0
    for month, (by_now, owed) in enumerate(zip(curve.cumulative_pd[:months], facility.exposures_minor, strict=True), 1):
        discount = (1 + facility.annual_discount) ** (-month / MONTHS_A_YEAR)
        losses.append((by_now - before) * facility.lgd * net * owed * discount)
        before = by_now
        owed_years += owed * discount / MONTHS_A_YEAR
    expected, capital = exact(sum(losses)), terms.capital_rate * exact(owed_years)
    risk = RiskTerms(catastrophe=terms.risk_margin, capital_minor=capital)
    bill = bill_of_risk(expected, loadings=terms.loadings, terms=risk)
    ceded = to_minor(bill.gross_premium_minor * exact(facility.ceded_share))
    return GuaranteePrice(
        bill=bill,
        lifetime_pd=float(curve.cumulative_pd[months - 1]),
        expected_loss_minor=to_minor(expected),
        capital_minor=capital,
        ceded_premium_minor=ceded,
        kept_premium_minor=bill.gross_premium_minor - ceded,
        monthly_loss_minor=tuple(losses),
    )


def capital_rate(pd_12m: float, facility: CoveredFacility, inputs: PriceInputs) -> Decimal:
    """What the capital for the covered layer costs a year, a unit owed: the capital of the loan's own price on the loss
    that the guarantor bears, at what that price lets a unit of capital earn."""
    borne = facility.lgd * facility.covered_share * (1 - facility.recovered_share)
    return capital_share(pd_12m, borne, inputs) * inputs.cost_of_capital if borne else Decimal(0)


def no_arbitrage(
    found: GuaranteePrice,
    curve: Curve,
    facility: CoveredFacility,
    *,
    pd_12m: float,
    inputs: PriceInputs,
    extras: Extras = NO_EXTRAS,
) -> NoArbitrage:
    """The lender's own waterfall with its loss, and with the loss that the guarantee leaves it.

    The premium as a rate is spread over what is owed, month by month; both rates are those of `scoring.credit.price`.
    """
    left = facility.lgd * (1 - facility.covered_share)
    alone, lines_alone = waterfall(pd_12m, exact(facility.lgd), inputs, extras)
    guaranteed, lines_guaranteed = waterfall(pd_12m, exact(left), inputs, extras)
    owed_years = Decimal(sum(facility.exposures_minor)) / MONTHS_A_YEAR
    rate = rounded(found.bill.gross_premium_minor / owed_years, step=BASIS_POINT / 100)
    lenders = _lenders_loss(curve, facility)
    return NoArbitrage(
        rate_alone=alone,
        rate_guaranteed=guaranteed,
        premium_rate=rate,
        capital_saved=lines_alone["capital"] - lines_guaranteed["capital"],
        covers_expected_loss=found.bill.gross_premium_minor >= to_minor(exact(lenders)),
    )


def _lenders_loss(curve: Curve, facility: CoveredFacility) -> float:
    """What the lender expects to lose on the covered layer, before what the guarantor recovers, undiscounted."""
    total, before = 0.0, 0.0
    for by_now, owed in zip(curve.cumulative_pd, facility.exposures_minor, strict=False):
        total += (by_now - before) * facility.lgd * facility.covered_share * owed
        before = by_now
    return total


def _check(curve: Curve, facility: CoveredFacility) -> None:
    months = len(facility.exposures_minor)
    if not 0 < months <= len(curve.cumulative_pd):
        raise InvalidRequest(
            f"A guarantee of {months} months does not fit a curve of {len(curve.cumulative_pd)}.",
            hint="Guarantee from one month up to the end of the curve.",
        )
    if min(facility.exposures_minor) < 0 or max(facility.exposures_minor) == 0:
        raise InvalidRequest("What is owed is never below 0, and something is owed in some month.")
    shares = {name: getattr(facility, name) for name in ("lgd", "covered_share", "recovered_share", "ceded_share")}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise InvalidRequest(f"{name} is {share}, not between 0 and 1.")
