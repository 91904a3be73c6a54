"""What a guarantee of each grade and length costs by the model, as relativities that can be filed, and what a filing
leaves between its price and the loan's: `python -m benchmarks.guarantee_filing --json [--as-of 2027-01-01]`.

Grades stand at the middles of the master scale, with a constant hazard, and the facility is repaid in equal parts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from api.models.service import scoring_parameters
from scoring.credit.capital import effective_maturity_years
from scoring.credit.price import price_inputs
from scoring.insurance.build_up import bill_of_risk
from scoring.insurance.filed import filed_cover
from scoring.insurance.guarantee import CoveredFacility, GuaranteePrice, NoArbitrage, guarantee_price, no_arbitrage
from scoring.insurance.offers.guarantee import guarantee_terms, rating_inputs, repaid_evenly
from scoring.insurance.offers.risk import filed_loadings
from scoring.money import exact
from scoring.records import InsuranceProduct, TermStructure

CURVE_MONTHS, MONTHS_A_YEAR = 60, 12
LENGTHS = (12, 24, 36, 48, 60)
GRADES = tuple(range(1, 14))
BASE_GRADE = 9
OWED_MINOR = 1_000_000_000
AS_OF = date(2027, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A grade and a length: what is guaranteed on which curve, and the model's price of it."""

    pd_12m: float
    curve: TermStructure
    facility: CoveredFacility
    price: GuaranteePrice

    @property
    def owed_years_minor(self) -> float:
        """What is owed on average, times years."""
        return sum(self.facility.exposures_minor) / MONTHS_A_YEAR


def case(grade: int, months: int, values: Mapping[str, Any]) -> Case:
    """A guarantee of so many months for an obligor in the middle of a grade."""
    pd_12m = float(values["master_scale"][f"R{grade}"])
    hazard = 1 - (1 - pd_12m) ** (1 / MONTHS_A_YEAR)
    curve = TermStructure(
        cumulative_pd=tuple(1 - (1 - hazard) ** month for month in range(1, CURVE_MONTHS + 1)), observed_months=0
    )
    terms = values["insurance_covers"]["guarantee"]
    facility = repaid_evenly(OWED_MINOR, months=months, lgd=values["lgd"][terms["lgd_product"]], terms=terms)
    asked = guarantee_terms(facility, pd_12m=pd_12m, currency="CNY", values=values)
    return Case(pd_12m=pd_12m, curve=curve, facility=facility, price=guarantee_price(curve, facility, asked))


def model_rate(found: Case, *, cost_share: float) -> float:
    """The rate at which the filed formula gives what the model expects."""
    return found.price.bill.pure_premium_minor / (found.owed_years_minor * cost_share)


def filed_against_loan(found: Case, *, grade: int, months: int, values: Mapping[str, Any]) -> tuple[float, NoArbitrage]:
    """The filed price over the model's, less 1, and the filed price against the loan's."""
    tariff = filed_cover(InsuranceProduct.GUARANTEE, values)
    inputs = rating_inputs(grade, months)
    rate = float(tariff.rates(np.array([[inputs[each.factor.banding.key] for each in tariff.factors]]))[0])
    pure = exact(rate) * exact(tariff.cost_share) * exact(found.owed_years_minor)
    bill = bill_of_risk(pure, loadings=filed_loadings(tariff, "CNY", values))
    charged = GuaranteePrice(
        bill=bill,
        lifetime_pd=found.price.lifetime_pd,
        expected_loss_minor=found.price.expected_loss_minor,
        capital_minor=found.price.capital_minor,
        ceded_premium_minor=0,
        kept_premium_minor=bill.gross_premium_minor,
        monthly_loss_minor=found.price.monthly_loss_minor,
    )
    priced = price_inputs(values["price_inputs"], maturity_years=effective_maturity_years(months))
    held = no_arbitrage(charged, found.curve, found.facility, pd_12m=found.pd_12m, inputs=priced)
    return bill.gross_premium_minor / found.price.bill.gross_premium_minor - 1, held


def main() -> None:
    """Print the relativities and what the filing in force leaves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--as-of", type=date.fromisoformat, default=AS_OF, help="parameters of this day (2027-01-01)")
    arguments = parser.parse_args()
    told = measure(arguments.as_of)
    print(json.dumps(told, indent=2) if arguments.json else "\n".join(f"{key}: {value}" for key, value in told.items()))


def measure(as_of: date) -> dict[str, Any]:
    """The figures of one day's parameters."""
    values = scoring_parameters().at(as_of)
    share = float(values["insurance_filings"]["guarantee"]["cost_share"])
    cases = {(grade, months): case(grade, months, values) for grade in GRADES for months in LENGTHS}
    rates = {at: model_rate(found, cost_share=share) for at, found in cases.items()}
    base = rates[BASE_GRADE, LENGTHS[0]]
    held = {at: filed_against_loan(found, grade=at[0], months=at[1], values=values) for at, found in cases.items()}
    gaps = {at: float(each.gap) for at, (_, each) in held.items()}
    return {
        "as_of": as_of.isoformat(),
        "base_rate": round(base, 5),
        "relativities": [[round(rates[grade, months] / base, 4) for months in LENGTHS] for grade in GRADES],
        "filed_over_model": [round(of([moved for moved, _ in held.values()]), 4) for of in (min, max)],
        "gap_to_loan": [round(of(gaps.values()), 6) for of in (min, max)],
        "least_gap_at": min(gaps, key=lambda at: gaps[at]),
        "covers_expected_loss": all(each.covers_expected_loss for _, each in held.values()),
    }


if __name__ == "__main__":
    main()
