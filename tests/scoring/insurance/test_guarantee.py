"""A guarantee from the loan's own curve, and losses that no two covers pay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.credit.price import PriceInputs
from scoring.errors import InvalidRequest
from scoring.insurance.build_up import Loadings
from scoring.insurance.coherence import CoverInForce, Loss, Peril, Share, shared_out
from scoring.insurance.guarantee import CoveredFacility, GuaranteeTerms, capital_rate, guarantee_price, no_arbitrage
from scoring.records import InsuranceProduct, TermStructure

D = Decimal


@dataclass(frozen=True)
class Flat:
    """A constant hazard a month."""

    hazard: float

    @property
    def cumulative_pd(self) -> list[float]:
        return [1 - (1 - self.hazard) ** month for month in range(1, 61)]


INPUTS = PriceInputs(
    funds_transfer_price=D("0.024"), operating_cost=D("0.008"), tax_rate=D("0.25"), hurdle_rate=D("0.12"),
    capital_ratio=D("0.105"), turnover_eur_million=5.0, maturity_years=1.0,
)  # fmt: skip
FACILITY = CoveredFacility(
    exposures_minor=[200_000_000] * 12,
    lgd=0.4,
    covered_share=1.0,
    recovered_share=0.0,
    ceded_share=0.3,
    annual_discount=0.0,
)
TERMS = GuaranteeTerms(
    risk_margin=D("0.25"), loadings=Loadings(variable={"expenses": D("0.2")}, fixed_minor=0, minimum_minor=100_000)
)
YEARLY_3_PERCENT = Flat(1 - 0.97 ** (1 / 12))


def test_a_certain_default_costs_the_loss_of_what_is_owed_then() -> None:
    """Half default in the first month and all others in the second; nothing is left to default after it."""
    certain = TermStructure(cumulative_pd=(0.5, *[1.0] * 59), observed_months=60)
    owed = [200_000_000 * (12 - paid) // 12 for paid in range(12)]
    found = guarantee_price(certain, replace(FACILITY, exposures_minor=owed), TERMS)
    assert found.lifetime_pd == 1.0
    assert found.monthly_loss_minor == pytest.approx([0.5 * 0.4 * owed[0], 0.5 * 0.4 * owed[1], *[0.0] * 10])
    assert found.expected_loss_minor == 76_666_667
    gap = no_arbitrage(found, certain, replace(FACILITY, exposures_minor=owed), pd_12m=0.2, inputs=INPUTS)
    assert gap.covers_expected_loss


def test_golden_16_as_a_guarantee() -> None:
    """PD 3 %, LGD 40 %, EAD CNY 2,000,000.00: expected loss CNY 24,000.00; x 1.25 / 0.8 = CNY 37,500.00."""
    found = guarantee_price(YEARLY_3_PERCENT, FACILITY, TERMS)
    assert found.expected_loss_minor == 2_400_000
    assert found.lifetime_pd == pytest.approx(0.03)
    assert found.bill.gross_premium_minor == 3_750_000
    assert (found.ceded_premium_minor, found.kept_premium_minor) == (1_125_000, 2_625_000)
    assert sum(found.monthly_loss_minor) == pytest.approx(2_400_000)


def test_the_guarantors_capital_costs_what_the_lenders_does() -> None:
    """Golden 16: capital 7.789 % of what is owed at 12 % / 0.75 - 2.4 %. Without expenses and margin the guarantee then
    costs what it saves, but for the interest that defaulters do not pay: PD x the rate."""
    capital = capital_rate(0.03, FACILITY, INPUTS)
    assert capital == pytest.approx(D("0.07789") * D("0.136"), rel=D("0.0001"))
    bare = replace(TERMS, risk_margin=D(0), loadings=Loadings(variable={}, fixed_minor=0), capital_rate=capital)
    found = guarantee_price(YEARLY_3_PERCENT, FACILITY, bare)
    assert found.bill.gross_premium_minor == pytest.approx(2_400_000 + 200_000_000 * float(capital), abs=1)
    assert [line.name for line in found.bill.risk] == ["attritional", "capital"]
    told = no_arbitrage(found, YEARLY_3_PERCENT, FACILITY, pd_12m=0.03, inputs=INPUTS)
    interest = D("0.03") * (told.rate_alone - told.rate_guaranteed)
    assert told.gap == pytest.approx(-interest, abs=D("0.000002"))
    half = replace(FACILITY, covered_share=0.5)
    assert capital_rate(0.03, half, INPUTS) == pytest.approx(capital / 2)
    assert capital_rate(0.03, replace(FACILITY, recovered_share=1.0), INPUTS) == 0


def test_no_arbitrage_against_the_loans_price() -> None:
    """Golden 16's rate is 5.6282 %; fully guaranteed only funds, operations and interest lost remain."""
    found = guarantee_price(YEARLY_3_PERCENT, FACILITY, TERMS)
    told = no_arbitrage(found, YEARLY_3_PERCENT, FACILITY, pd_12m=0.03, inputs=INPUTS)
    assert told.rate_alone == D("0.056282")
    assert told.rate_guaranteed == pytest.approx(D("0.032") / D("0.97"), abs=D("0.000001"))
    assert told.premium_rate == D("0.018750")
    assert told.covers_expected_loss
    assert told.gap == told.premium_rate - told.saved
    assert abs(told.gap) < D("0.006")
    cheap = replace(TERMS, risk_margin=D("-0.5"), loadings=Loadings(variable={}, fixed_minor=0))
    under = no_arbitrage(
        guarantee_price(YEARLY_3_PERCENT, FACILITY, cheap), YEARLY_3_PERCENT, FACILITY, pd_12m=0.03, inputs=INPUTS
    )
    assert not under.covers_expected_loss


def test_each_term_takes_its_part() -> None:
    whole = guarantee_price(YEARLY_3_PERCENT, FACILITY, TERMS).expected_loss_minor

    def loss(**changes: object) -> int:
        return guarantee_price(YEARLY_3_PERCENT, replace(FACILITY, **changes), TERMS).expected_loss_minor  # type: ignore[arg-type]

    assert loss(covered_share=0.8) == whole * 8 // 10
    assert loss(recovered_share=0.25) == whole * 3 // 4
    assert loss(annual_discount=0.1) < whole
    amortising = loss(exposures_minor=[round(200_000_000 * (12 - month) / 12) for month in range(12)])
    assert whole / 2 < amortising < 0.56 * whole
    assert guarantee_price(Flat(1e-6), FACILITY, TERMS).bill.gross_premium_minor == 100_000


@given(st.floats(0.0001, 0.2), st.floats(1.01, 3))
def test_a_worse_curve_costs_more(hazard: float, worse: float) -> None:
    low, high = (guarantee_price(Flat(min(rate, 0.5)), FACILITY, TERMS) for rate in (hazard, hazard * worse))
    assert low.expected_loss_minor <= high.expected_loss_minor
    assert low.bill.gross_premium_minor <= high.bill.gross_premium_minor


def test_guarantees_that_cannot_be() -> None:
    with pytest.raises(InvalidRequest, match="61 months"):
        guarantee_price(YEARLY_3_PERCENT, replace(FACILITY, exposures_minor=[1] * 61), TERMS)
    with pytest.raises(InvalidRequest, match="never below 0"):
        guarantee_price(YEARLY_3_PERCENT, replace(FACILITY, exposures_minor=[0, 0]), TERMS)
    with pytest.raises(InvalidRequest, match=r"lgd is 1\.2"):
        guarantee_price(YEARLY_3_PERCENT, replace(FACILITY, lgd=1.2), TERMS)


UBI, WARRANTY = InsuranceProduct.EQUIPMENT_UBI, InsuranceProduct.EXTENDED_WARRANTY
IDLE, GUARANTEE = InsuranceProduct.IDLE_COVER, InsuranceProduct.GUARANTEE


def cover(product: InsuranceProduct, deductible: int = 0, limit: int = 1_000) -> CoverInForce:
    machine = None if product in {IDLE, GUARANTEE} else "m1"
    return CoverInForce(
        product=product,
        machine_uid=machine,
        starts=date(2026, 1, 1),
        ends=date(2026, 12, 31),
        deductible_minor=deductible,
        limit_minor=limit,
    )


ALL = [cover(UBI, 50), cover(WARRANTY, 0, 300), cover(IDLE), cover(GUARANTEE)]
LOSSES = [
    # peril            amount  who pays what
    (Peril.BREAKDOWN,    200, [(WARRANTY, 200)]),
    (Peril.BREAKDOWN,    500, [(WARRANTY, 300), (UBI, 150)]),
    (Peril.BREAKDOWN,    320, [(WARRANTY, 300)]),
    (Peril.WEAR,         200, []),
    (Peril.LIABILITY,    200, [(UBI, 150)]),
    (Peril.SLUMP,        200, [(IDLE, 200)]),
    (Peril.DEFAULT,      200, [(GUARANTEE, 200)]),
]  # fmt: skip


@pytest.mark.parametrize(("peril", "amount", "shares"), LOSSES)
def test_who_pays_what(peril: Peril, amount: int, shares: list[tuple[InsuranceProduct, int]]) -> None:
    loss = Loss(peril=peril, machine_uid="m1", day=date(2026, 5, 4), amount_minor=amount)
    assert shared_out(loss, ALL) == tuple(Share(product=product, paid_minor=paid) for product, paid in shares)


@given(
    st.sampled_from(Peril),
    st.integers(0, 5_000),
    st.lists(st.tuples(st.sampled_from(InsuranceProduct), st.integers(0, 500), st.integers(1, 2_000)), max_size=6),
)
def test_no_loss_is_paid_twice(peril: Peril, amount: int, book: list[tuple[InsuranceProduct, int, int]]) -> None:
    loss = Loss(peril=peril, machine_uid="m1", day=date(2026, 5, 4), amount_minor=amount)
    paid = shared_out(loss, [cover(*each) for each in book])
    assert sum(share.paid_minor for share in paid) <= amount


def test_covers_answer_for_their_machine_and_days() -> None:
    other = Loss(peril=Peril.BREAKDOWN, machine_uid="m2", day=date(2026, 5, 4), amount_minor=500)
    late = Loss(peril=Peril.BREAKDOWN, machine_uid="m1", day=date(2027, 1, 1), amount_minor=500)
    assert shared_out(other, ALL) == shared_out(late, ALL) == ()
