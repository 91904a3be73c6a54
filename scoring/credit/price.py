"""The risk-based rate, as a waterfall of lines that sum to it exactly: funding, operations, expected loss, capital,
margin and the discount for trusted data.

r (1 - PD) = funds + operations + PD x LGD + capital x (hurdle / (1 - tax) - funds) + margin - data discount. Without
the last two it is the rate at which the return on capital after tax is the hurdle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scoring.credit.capital import RISK_WEIGHT_MULTIPLE, capital_requirement, effective_maturity_years
from scoring.credit.loss import LossTerms
from scoring.credit.master_scale import DEFAULTED
from scoring.credit.trust_terms import TrustTerms
from scoring.money import ONE_MINOR_UNIT, RATE_STEP, apportion, exact, rounded, to_minor
from scoring.records import CreditRequest, Price, PriceLine, ScoreRecord

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceInputs:
    """Parameter `price_inputs`: annual ratios, turnover in EUR million, maturity in years."""

    funds_transfer_price: Decimal
    operating_cost: Decimal
    tax_rate: Decimal
    hurdle_rate: Decimal
    capital_ratio: Decimal
    turnover_eur_million: float
    maturity_years: float

    @property
    def cost_of_capital(self) -> Decimal:
        """What a unit of capital must earn a year before tax, beyond what its own funds save."""
        return self.hurdle_rate / (1 - self.tax_rate) - self.funds_transfer_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a lender adds to the rate and takes off it, as annual ratios."""

    margin: Decimal = NOTHING
    data_discount: Decimal = NOTHING


NO_EXTRAS = Extras()


def price_inputs(values: Mapping[str, Any], *, maturity_years: float | None = None) -> PriceInputs:
    """The inputs of parameter `price_inputs`, ratios as exact decimals; with another maturity where one is given."""
    ratios = {
        name: exact(value) for name, value in values.items() if name not in {"turnover_eur_million", "maturity_years"}
    }
    return PriceInputs(
        **ratios,
        turnover_eur_million=float(values["turnover_eur_million"]),
        maturity_years=float(values["maturity_years"] if maturity_years is None else maturity_years),
    )


def price_extras(trust: TrustTerms, values: Mapping[str, Any]) -> Extras:
    """Parameter `price_extras`: the margin, and the discount of the grade of data trust that decides."""
    extras = values["price_extras"]
    return Extras(margin=exact(extras["margin"]), data_discount=exact(extras["data_discount"][trust.grade.value]))


def price(
    record: ScoreRecord, request: CreditRequest, loss: LossTerms, trust: TrustTerms, values: Mapping[str, Any]
) -> Price:
    """The rate of a request at the record's `pd_12m`. `values` are the parameters in force.

    The ceiling stands beside the rate and is never applied to it: a rule of the policy declines above it.
    """
    assert record.rating_grade != DEFAULTED, "an obligor in default has no price"
    lgd, extras = loss.lgd(request.amount_minor), price_extras(trust, values)
    inputs = price_inputs(values["price_inputs"], maturity_years=effective_maturity_years(request.tenor_months))
    rate, shares = waterfall(record.pd_12m, lgd, inputs, extras)
    ceiling = exact(values["legal_ceiling_ratio"])
    return Price(
        annual_rate_ratio=rate,
        lines=_lines(rate, shares, request.amount_minor),
        ceiling_ratio=ceiling,
        lgd_ratio=lgd,
        lgd_at_ceiling_ratio=lgd_at(ceiling, record.pd_12m, inputs, extras),
        capital_ratio=rounded(capital_share(record.pd_12m, float(lgd), inputs), step=RATE_STEP),
        raroc_ratio=rounded(raroc(rate, record.pd_12m, lgd, inputs, extras), step=RATE_STEP),
    )


def waterfall(
    pd_12m: float, lgd: Decimal, inputs: PriceInputs, extras: Extras = NO_EXTRAS
) -> tuple[Decimal, dict[str, Decimal]]:
    """The annual rate to six digits and its lines by name, which sum to it.

    The expected-loss line is PD x (LGD + r): the principal that is lost, and the interest that defaulters do not pay.
    """
    pd = exact(pd_12m)
    cost_of_capital = capital_share(pd_12m, float(lgd), inputs) * inputs.cost_of_capital
    fixed = inputs.funds_transfer_price + inputs.operating_cost + extras.margin - extras.data_discount
    rate = (fixed + pd * lgd + cost_of_capital) / (1 - pd)
    parts = {
        "funding": inputs.funds_transfer_price,
        "operations": inputs.operating_cost,
        "expected_loss": pd * (lgd + rate),
        "capital": cost_of_capital,
        "margin": extras.margin,
        "data_discount": -extras.data_discount,
    }
    total = rounded(rate, step=RATE_STEP)
    shares = apportion(tuple(parts.values()), total=total, step=RATE_STEP)
    return total, dict(zip(parts, shares, strict=True))


def raroc(rate: Decimal, pd_12m: float, lgd: Decimal, inputs: PriceInputs, extras: Extras = NO_EXTRAS) -> Decimal:
    """Return on capital after tax at a rate: the hurdle at the rate of the waterfall without a margin.

    The data discount counts as monitoring that trusted data saves.
    """
    pd, capital = exact(pd_12m), capital_share(pd_12m, float(lgd), inputs)
    costs = inputs.funds_transfer_price * (1 - capital) + inputs.operating_cost - extras.data_discount
    return (rate * (1 - pd) - costs - pd * lgd) * (1 - inputs.tax_rate) / capital


def lgd_at(rate: Decimal, pd_12m: float, inputs: PriceInputs, extras: Extras = NO_EXTRAS) -> Decimal | None:
    """The loss given default at which the waterfall asks for `rate`; None where it asks for more even without a loss.

    Expected loss and capital are both in proportion to the loss given default. Not above 1.
    """
    pd = exact(pd_12m)
    fixed = inputs.funds_transfer_price + inputs.operating_cost + extras.margin - extras.data_discount
    per_lgd = pd + capital_share(pd_12m, 1.0, inputs) * inputs.cost_of_capital
    found = (rate * (1 - pd) - fixed) / per_lgd
    return None if found < 0 else min(found, Decimal(1)).quantize(RATE_STEP)


def capital_share(pd_12m: float, lgd: float, inputs: PriceInputs) -> Decimal:
    """Capital to hold per unit drawn: 12.5 x K x capital ratio."""
    requirement = capital_requirement(
        pd_12m, lgd, maturity_years=inputs.maturity_years, turnover_eur_million=inputs.turnover_eur_million
    )
    return exact(RISK_WEIGHT_MULTIPLE) * exact(requirement) * inputs.capital_ratio


def _lines(rate: Decimal, shares: Mapping[str, Decimal], amount_minor: int) -> tuple[PriceLine, ...]:
    """The lines with a year's interest on the amount, which their amounts sum to."""
    interest = Decimal(to_minor(rate * amount_minor))
    amounts = apportion(tuple(share * amount_minor for share in shares.values()), total=interest, step=ONE_MINOR_UNIT)
    return tuple(
        PriceLine(name=name, annual_rate_ratio=share, amount_minor=int(amount))
        for (name, share), amount in zip(shares.items(), amounts, strict=True)
    )
