"""Golden 18, bills that add up, and requests that cannot be quoted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_book import AS_OF, OBLIGOR, insurance_signs, make_snapshot, measured

from data_contracts.identifiers import MachineUid
from data_contracts.reference.dated import ParameterBook, parse_book
from features.snapshot import FeatureSnapshot, parse_snapshot
from scoring import registry
from scoring.canonical import canonical_bytes, plain_quote
from scoring.errors import CurrencyNotSupported, InvalidRequest, NothingToCover, ProductNotOffered
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.build_up import Loadings, build_up
from scoring.insurance.filed import BOUNDS, FLEET_MIX, TRUST
from scoring.insurance.offers.equipment import equipment_quote
from scoring.insurance.premium import check_request, claim_severity, cover_days, loadings
from scoring.records import InsuranceProduct, QuoteRequest

KEYS = {
    "gross_premium_minor", "pure_premium_minor", "currency", "claim_frequency_per_machine_year",
    "claim_severity_minor", "factors", "loadings", "reasons",
}  # fmt: skip

QUARTER = Loadings(
    variable={"acquisition": Decimal("0.10"), "claims_handling": Decimal("0.06"), "administration": Decimal("0.05"), "margin": Decimal("0.04")},
    fixed_minor=6_000,
)  # fmt: skip

REQUEST = QuoteRequest(
    obligor_id=OBLIGOR,
    product=InsuranceProduct.EQUIPMENT_UBI,
    sum_insured_minor=120_000_000,
    currency="CNY",
    starts=date(2026, 7, 1),
    ends=date(2026, 12, 31),
    machines=(),
    as_of=AS_OF,
)


@pytest.fixture
def snapshot(rows: np.ndarray) -> FeatureSnapshot:
    machines = measured(np.array([1.5, 0.0, -1.5]), signs=insurance_signs(), seed=9)
    return make_snapshot(rows[0], machines=machines)


def test_golden_18_premium() -> None:
    days = cover_days(date(2026, 3, 1), date(2026, 8, 31))
    assert days == 184
    years = Decimal(days) / 365
    assert round(float(years), 6) == 0.504110
    bill = build_up(exposure_machine_years=years, frequency=Decimal("0.80"), severity_minor=1_200_000, loadings=QUARTER)
    assert (bill.pure_premium_minor, bill.gross_premium_minor) == (483_945, 651_260)
    assert 483_945 + sum(line.amount_minor for line in bill.loadings) == 651_260
    assert [line.name for line in bill.loadings] == [*QUARTER.variable, "fixed"]
    assert bill.loadings[-1].amount_minor == 6_000


def test_the_shipped_loadings_are_those_of_golden_18(parameters: ParameterBook) -> None:
    assert loadings("CNY", parameters.at(date(2018, 1, 1))) == QUARTER


@given(
    st.integers(min_value=1, max_value=366),
    st.decimals(min_value="0.0001", max_value=5, places=6),
    st.integers(min_value=1, max_value=10**9),
)
def test_lines_add_up_to_the_minor_unit(days: int, frequency: Decimal, severity_minor: int) -> None:
    bill = build_up(
        exposure_machine_years=Decimal(days) / 365,
        frequency=frequency,
        severity_minor=severity_minor,
        loadings=QUARTER,
    )
    assert bill.pure_premium_minor + sum(line.amount_minor for line in bill.loadings) == bill.gross_premium_minor
    pure = bill.gross_premium_minor - 6_000
    assert bill.pure_premium_minor == pytest.approx(pure * 0.75, abs=1.5)


def test_one_machine_is_base_times_relativities(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    for machine in snapshot.machines:
        found = equipment_quote(snapshot, replace(REQUEST, machines=(machine,)), insurance_model, parameters)
        product = found.base_frequency * np.prod([factor.relativity for factor in found.factors])
        assert product == pytest.approx(found.claim_frequency_per_machine_year, rel=1e-12)
        assert found.factors[-1].name == "fleet_mix"
        assert found.factors[-1].relativity == pytest.approx(1, abs=1e-12)
        trend = (1 + 0.02) ** ((date(2026, 9, 30) - insurance_model.card.table.experience_middle).days / 365)
        assert found.claim_severity_minor == pytest.approx(
            insurance_model.card.damage_ratio * trend * 120_000_000, abs=2
        )


def test_a_fleet_is_the_mean_of_its_machines_and_still_reconciles(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    fleet = equipment_quote(snapshot, REQUEST, insurance_model, parameters)
    alone = [
        equipment_quote(snapshot, replace(REQUEST, machines=(machine,)), insurance_model, parameters)
        for machine in snapshot.machines
    ]
    mean = np.mean([found.claim_frequency_per_machine_year for found in alone])
    assert fleet.claim_frequency_per_machine_year == pytest.approx(mean, rel=1e-12)
    product = fleet.base_frequency * np.prod([factor.relativity for factor in fleet.factors])
    assert product == pytest.approx(mean, rel=1e-12)
    families = [factor.name for factor in fleet.factors if factor.name not in (BOUNDS, TRUST, FLEET_MIX)]
    for family in families:
        own = [{factor.name: factor.relativity for factor in found.factors}[family] for found in alone]
        geometric = {factor.name: factor.relativity for factor in fleet.factors}[family]
        assert geometric == pytest.approx(np.exp(np.mean(np.log(own))), rel=1e-9)
    assert fleet.factors[-1].relativity >= 1  # the mean of frequencies is at least the geometric one
    assert fleet.earned_exposure_machine_years == pytest.approx(3 * 184 / 365)


def test_pure_premium_is_frequency_times_severity_times_exposure(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    found = equipment_quote(snapshot, REQUEST, insurance_model, parameters)
    product = found.earned_exposure_machine_years * found.claim_frequency_per_machine_year * found.claim_severity_minor
    assert found.pure_premium_minor == pytest.approx(product, abs=0.51)
    loadings_minor = sum(line.amount_minor for line in found.loadings)
    assert found.pure_premium_minor + loadings_minor == found.gross_premium_minor


def test_a_worn_machine_costs_more_and_says_why(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    well, worn = (
        equipment_quote(
            snapshot, replace(REQUEST, machines=(MachineUid(f"{OBLIGOR}/M{index}"),)), insurance_model, parameters
        )
        for index in (0, 2)
    )
    assert worn.gross_premium_minor > well.gross_premium_minor
    assert worn.reasons[0].code.startswith("P.")
    assert worn.reasons[0].direction == "adverse"
    assert {reason.direction for reason in well.reasons} >= {"favourable"}


def test_the_sum_insured_is_spread_evenly() -> None:
    assert claim_severity(damage_ratio=0.06, sum_insured_minor=120_000_000, machines=1) == 7_200_000
    assert claim_severity(damage_ratio=0.06, sum_insured_minor=120_000_000, machines=3) == 2_400_000


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ends": date(2026, 6, 30)}, InvalidRequest),
        ({"ends": date(2027, 7, 2)}, InvalidRequest),
        ({"starts": date(2025, 1, 1), "ends": date(2025, 6, 30)}, InvalidRequest),
        ({"sum_insured_minor": 0}, InvalidRequest),
        ({"obligor_id": "other"}, InvalidRequest),
        ({"currency": "EUR"}, CurrencyNotSupported),
        ({"machines": (MachineUid("other/M0"),)}, NothingToCover),
    ],
)
def test_what_cannot_be_quoted_is_refused_by_name(
    snapshot: FeatureSnapshot,
    insurance_model: InsuranceArtefact,
    parameters: ParameterBook,
    changes: dict[str, object],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        equipment_quote(snapshot, replace(REQUEST, **changes), insurance_model, parameters)  # type: ignore[arg-type]


def test_a_product_without_terms_is_not_offered(snapshot: FeatureSnapshot) -> None:
    with pytest.raises(ProductNotOffered, match="equipment_ubi"):
        check_request(snapshot, REQUEST, {"insurance_products": {"guarantee": {"maximum_days": 366}}})


def test_without_machines_there_is_nothing_to_cover(
    rows: np.ndarray, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    with pytest.raises(NothingToCover, match="owns no machine"):
        equipment_quote(make_snapshot(rows[0]), REQUEST, insurance_model, parameters)


def test_the_order_in_which_machines_are_named_does_not_matter(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    uids = tuple(snapshot.machines)
    forward, backward = (
        plain_quote(equipment_quote(snapshot, replace(REQUEST, machines=chosen), insurance_model, parameters))
        for chosen in (uids, (*reversed(uids), uids[0]))
    )
    assert forward == backward


def test_a_quote_recomputes_to_the_same_bytes_with_all_its_keys(
    tmp_path: Path, snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    plain = plain_quote(equipment_quote(snapshot, REQUEST, insurance_model, parameters))
    registry.save_artefact(tmp_path, insurance_model)
    stored = registry.load_artefact(tmp_path, "insurance", insurance_model.version)
    assert isinstance(stored, InsuranceArtefact)
    again = equipment_quote(parse_snapshot(snapshot.canonical()), REQUEST, stored, parse_book(parameters.canonical()))
    assert canonical_bytes(plain_quote(again)) == canonical_bytes(plain)
    assert plain.keys() >= KEYS
    assert json.loads(canonical_bytes(plain)) == plain
