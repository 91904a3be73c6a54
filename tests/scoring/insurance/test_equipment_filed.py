"""Equipment cover as filed: one table a day, the model beside it, and the book's balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scoring_book import AS_OF, OBLIGOR, insurance_signs, make_snapshot, measured

from data_contracts.identifiers import ModelVersion, PartnerId
from data_contracts.reference.dated import ParameterBook
from features.as_of import InsuranceTrainingSet
from features.snapshot import FeatureSnapshot, FeatureValue, Missing
from scoring.errors import ModelDoesNotFit, NoTariffFiled, TariffClash
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.filed import FiledEquipment, equipment_filing, equipment_tariff, in_force
from scoring.insurance.offers.equipment import equipment_quote
from scoring.insurance.tariff import relativities_of
from scoring.records import InsuranceProduct, PremiumQuote, QuoteRequest

REQUEST = QuoteRequest(
    obligor_id=OBLIGOR, product=InsuranceProduct.EQUIPMENT_UBI, sum_insured_minor=120_000_000, currency="CNY",
    starts=date(2026, 7, 1), ends=date(2027, 6, 30), machines=(), as_of=AS_OF,
)  # fmt: skip


@pytest.fixture
def snapshot(rows: np.ndarray) -> FeatureSnapshot:
    return make_snapshot(rows[0], machines=measured(np.array([1.5, 0.0, -1.5]), signs=insurance_signs(), seed=9))


@pytest.fixture
def filing(insurance_model: InsuranceArtefact) -> FiledEquipment:
    return equipment_filing(insurance_model, filing_number="F-1", effective=date(2026, 1, 1))


def refiled(filing: FiledEquipment, number: str, effective: date, partner: str | None = None) -> FiledEquipment:
    return filing.model_copy(update={"filing_number": number, "effective": effective, "partner": partner})


def test_the_table_earns_on_the_book_what_was_claimed(
    insurance_model: InsuranceArtefact, insurance_data: InsuranceTrainingSet
) -> None:
    """After rounding and bounds, on every training row, and what claims cost with it."""
    table = insurance_model.card.table
    assert table is not None
    last = np.datetime64(max(insurance_model.card.train.as_ofs).replace(tzinfo=None))
    seen = insurance_data.as_of <= last
    keys = [list(insurance_data.names).index(factor.factor.banding.key) for factor in table.factors]
    products = relativities_of(table.factors, insurance_data.values[np.ix_(seen, keys)]).prod(axis=1)
    rates = table.base_rate * products.clip(table.lowest, table.highest)
    claims = insurance_data.claim_counts[seen]
    assert insurance_data.exposure_years[seen] @ rates == pytest.approx(claims.sum(), rel=1e-6)
    costs = claims * insurance_data.sums_insured_minor[seen] * table.cost_share
    assert costs.sum() == pytest.approx(insurance_data.claim_amounts_minor[seen].sum(), rel=1e-6)
    assert table.actual_to_expected == pytest.approx(1, abs=1e-6)


def test_the_table_is_a_page_of_signed_factors_and_near_the_model(
    insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    table, settings = insurance_model.card.table, parameters.at(AS_OF)["insurance_model"]
    assert table is not None
    signs = {feature.key: feature.sign for feature in insurance_model.card.features}
    names = [feature.name for feature in insurance_model.card.features]
    keys = [factor.factor.banding.key for factor in table.factors]
    assert 1 <= len(keys) <= settings["filed_factors"] < len(set(names))
    for factor in table.factors:
        known, missing = factor.relativities[:-1], factor.relativities[-1]
        steps = np.diff(known) * signs[factor.factor.banding.key]
        assert (steps >= 0).all()
        assert missing == max(known)  # withholding never helps
        assert all(value == round(value, 4) for value in factor.relativities)
    assert 0 < table.difference < 0.2


def test_whoever_withholds_a_factor_pays_no_less(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook, filing: FiledEquipment
) -> None:
    told = equipment_quote(snapshot, REQUEST, insurance_model, parameters, filed=filing)
    for factor in filing.factors:
        key = factor.factor.banding.key
        untold = FeatureValue(value=None, unit="1", window_days=90, missing=Missing.NO_COUNTER, adverse_value=None)
        machines = {uid: {**values, key: untold} for uid, values in snapshot.machines.items()}
        silent = replace(snapshot, machines=machines)
        found = equipment_quote(silent, REQUEST, insurance_model, parameters, filed=filing)
        assert found.gross_premium_minor >= told.gross_premium_minor


def test_the_latest_effective_filing_counts(filing: FiledEquipment) -> None:
    first, second = (refiled(filing, f"F-{year}", date(year, 3, 1)) for year in (2024, 2026))
    own = refiled(filing, "F-own", date(2025, 1, 1), partner="insurer-a")

    def number(day: date, partner: str = "insurer-b") -> str | None:
        found = in_force([second, own, first], partner=PartnerId(partner), day=day)
        return None if found is None else found.filing_number

    assert number(date(2024, 2, 29)) is None
    assert number(date(2024, 3, 1)) == number(date(2026, 2, 28)) == "F-2024"
    assert number(date(2026, 3, 1)) == number(date(2030, 1, 1)) == "F-2026"
    assert number(date(2024, 12, 31), "insurer-a") == "F-2024"
    assert number(date(2025, 1, 1), "insurer-a") == number(date(2030, 1, 1), "insurer-a") == "F-own"


def test_two_filings_of_one_day_are_refused_by_name(filing: FiledEquipment) -> None:
    day = date(2026, 3, 1)
    first, second = refiled(filing, "F-1", day), refiled(filing, "F-2", day)
    with pytest.raises(TariffClash, match=r"F-1 .*F-2|F-2 .*F-1") as refused:
        in_force([first, second], partner=None, day=date(2025, 1, 1))  # before either of them counts
    assert "later day" in str(refused.value.hint)
    apart = refiled(filing, "F-3", day, partner="insurer-a")
    assert in_force([first, apart], partner=PartnerId("insurer-a"), day=day) == apart
    assert in_force([first, first], partner=None, day=day) == first  # one table, told twice


def test_a_day_is_that_of_where_the_rules_are_made(
    filing: FiledEquipment, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    """16:00 UTC is midnight in China."""
    later = refiled(filing, "F-later", date(2026, 7, 1))
    asked: dict[str, Any] = {"partner": None, "values": parameters.at(AS_OF)}
    midnight = datetime(2026, 6, 30, 16, tzinfo=UTC)
    found = [
        equipment_tariff([filing, later], insurance_model, as_of=as_of, **asked).filing_number
        for as_of in (midnight - timedelta(seconds=1), midnight)
    ]
    assert found == ["F-1", "F-later"]


def test_a_promoted_model_moves_what_is_shown_and_not_what_is_charged(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook, filing: FiledEquipment
) -> None:
    def quoted(model: InsuranceArtefact) -> PremiumQuote:
        return equipment_quote(snapshot, REQUEST, model, parameters, filed=filing)

    dearer = replace(
        insurance_model,
        version=ModelVersion("f" * 64),
        card=insurance_model.card.model_copy(update={"damage_ratio": 2 * insurance_model.card.damage_ratio}),
    )
    before, after = quoted(insurance_model), quoted(dearer)
    assert (before.filed.is_of_model, after.filed.is_of_model) == (True, False)
    assert after.filed.distilled_from == insurance_model.version != after.model_version
    assert after.gross_premium_minor == before.gross_premium_minor
    assert after.filed.model_rate == pytest.approx(2 * before.filed.model_rate)
    own = equipment_quote(snapshot, REQUEST, insurance_model, parameters)
    assert (own.filed.filing_number, own.filed.is_of_model) == ("TRIAL-UBI-1", True)
    assert own.gross_premium_minor == before.gross_premium_minor
    assert own.filed.tariff_version != before.filed.tariff_version  # the number is part of what is locked


def test_without_a_table_nothing_is_charged(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook, filing: FiledEquipment
) -> None:
    old = replace(insurance_model, card=insurance_model.card.model_copy(update={"table": None}))
    with pytest.raises(NoTariffFiled, match="no table of factors"):
        equipment_quote(snapshot, REQUEST, old, parameters)
    assert equipment_quote(snapshot, REQUEST, old, parameters, filed=filing).filed.filing_number == "F-1"
    first = filing.factors[0]
    banding = first.factor.banding.model_copy(update={"key": "no_such_feature"})
    renamed = first.model_copy(update={"factor": first.factor.model_copy(update={"banding": banding})})
    strange = filing.model_copy(update={"factors": (renamed, *filing.factors[1:])})
    with pytest.raises(ModelDoesNotFit, match="no_such_feature"):
        equipment_quote(snapshot, REQUEST, insurance_model, parameters, filed=strange)
