"""The premium build-up as a table of cases, and bills that reconcile to the minor unit whatever goes in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import InvalidRequest
from scoring.insurance.build_up import Loadings, RiskTerms, bill_of_risk, build_up

D = Decimal
QUARTER = {"acquisition": D("0.10"), "administration": D("0.11"), "margin": D("0.04")}

CASES = [
    # modelled  credibility  trend    large    cat     fixed  minimum    pure     gross
    (483_945,   "1",         "1",     "0",     "0",    6_000,       0,  483_945,  651_260),
    (100_000,   "1.2",       "1",     "0",     "0",        0,       0,  120_000,  160_000),
    (100_000,   "0.9",       "1.1",   "0",     "0",        0,       0,   99_000,  132_000),
    (100_000,   "1",         "1.05",  "0.20",  "0",    6_000,       0,  126_000,  174_000),
    (100_000,   "1",         "1",     "0.10",  "0.05",     0,       0,  115_000,  153_333),
    (  1_000,   "1",         "1",     "0",     "0",    6_000,  20_000,    1_000,   20_000),
    (      0,   "1",         "1.10",  "0.30",  "0",    6_000,       0,        0,    6_000),
]  # fmt: skip


@pytest.mark.parametrize(
    ("modelled", "credibility", "trend", "large", "cat", "fixed", "minimum", "pure", "gross"), CASES
)
def test_the_build_up(
    modelled: int, credibility: str, trend: str, large: str, cat: str, fixed: int, minimum: int, pure: int, gross: int
) -> None:
    terms = RiskTerms(credibility=D(credibility), trend=D(trend), large_loss=D(large), catastrophe=D(cat))
    loadings = Loadings(variable=QUARTER, fixed_minor=fixed, minimum_minor=minimum)
    bill = bill_of_risk(D(modelled), loadings=loadings, terms=terms)
    assert (bill.pure_premium_minor, bill.gross_premium_minor) == (pure, gross)
    assert sum(line.amount_minor for line in bill.risk) == pure
    assert pure + sum(line.amount_minor for line in bill.loadings) == gross


def test_the_lines_are_named_and_only_where_they_say_something() -> None:
    terms = RiskTerms(credibility=D("0.8"), trend=D("1.1"), large_loss=D("0.2"))
    bill = bill_of_risk(D(100_000), loadings=Loadings(variable=QUARTER, fixed_minor=0), terms=terms)
    assert {line.name: line.amount_minor for line in bill.risk} == {
        "attritional": 100_000, "credibility": -20_000, "trend": 8_000, "large_loss": 17_600,
    }  # fmt: skip


money = st.decimals(min_value=0, max_value=10**9, places=4)
ratio = st.decimals(min_value="0.2", max_value=3, places=5)
share = st.decimals(min_value=0, max_value="0.5", places=5)


@given(
    money,
    ratio,
    ratio,
    share,
    share,
    st.lists(st.decimals(min_value=0, max_value="0.19", places=4), max_size=5),
    st.integers(0, 10**6),
    st.integers(0, 10**7),
)
def test_every_bill_reconciles(
    modelled: Decimal, credibility: Decimal, trend: Decimal, large: Decimal, cat: Decimal,
    shares: list[Decimal], fixed: int, minimum: int,
) -> None:  # fmt: skip
    loadings = Loadings(
        variable={str(at): part for at, part in enumerate(shares)}, fixed_minor=fixed, minimum_minor=minimum
    )
    terms = RiskTerms(credibility=credibility, trend=trend, large_loss=large, catastrophe=cat)
    bill = bill_of_risk(modelled, loadings=loadings, terms=terms)
    assert sum(line.amount_minor for line in bill.risk) == bill.pure_premium_minor
    assert bill.pure_premium_minor + sum(line.amount_minor for line in bill.loadings) == bill.gross_premium_minor
    assert bill.gross_premium_minor >= minimum


def test_pure_premium_is_frequency_times_severity_and_splits_over_policies() -> None:
    none = Loadings(variable={}, fixed_minor=0)
    whole = build_up(exposure_machine_years=D("1"), frequency=D("0.8"), severity_minor=1_200_000, loadings=none)
    halves = [
        build_up(exposure_machine_years=D("0.5"), frequency=D("0.8"), severity_minor=1_200_000, loadings=none)
        for _ in range(2)
    ]
    assert whole.pure_premium_minor == 960_000 == sum(half.gross_premium_minor for half in halves)


def test_no_exposure_and_loadings_that_eat_all_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="exposure of 0 machine-years"):
        build_up(
            exposure_machine_years=D(0), frequency=D(1), severity_minor=1, loadings=Loadings(variable={}, fixed_minor=0)
        )
    with pytest.raises(InvalidRequest, match=r"loadings of 1\.0"):
        bill_of_risk(D(1), loadings=Loadings(variable={"a": D("1.0")}, fixed_minor=0))
