"""Equipment cover as filed: one table a day, the model beside it, and the book's balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scoring_book import AS_OF, OBLIGOR, insurance_signs, make_snapshot, measured

from data_contracts.identifiers import MachineUid, ModelVersion, PartnerId
from data_contracts.reference.dated import ParameterBook
from features.as_of import InsuranceTrainingSet
from features.snapshot import FeatureSnapshot, FeatureValue, Missing
from scoring.cover_basis import HeldWarranty
from scoring.errors import ModelDoesNotFit, NoTariffFiled, TariffClash
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.filed import FiledEquipment, equipment_filing, equipment_tariff, in_force
from scoring.insurance.offers.equipment import equipment_quote
from scoring.insurance.tariff import relativities_of
from scoring.records import InsuranceProduct, PremiumQuote, QuoteRequest
from scoring.training.equipment_table import Modelled, cost_split

REQUEST = QuoteRequest(
    obligor_id=OBLIGOR, product=InsuranceProduct.EQUIPMENT_UBI, sum_insured_minor=120_000_000, currency="CNY",
    starts=date(2026, 7, 1), ends=date(2027, 6, 30), machines=(), as_of=AS_OF,
)  # fmt: skip


@pytest.fixture
def snapshot(rows: np.ndarray) -> FeatureSnapshot:
    return make_snapshot(rows[0], machines=measured(np.array([1.5, 0.0, -1.5]), signs=insurance_signs(), seed=9))


@pytest.fixture
def filing(insurance_model: InsuranceArtefact, parameters: ParameterBook) -> FiledEquipment:
    return equipment_filing(insurance_model, parameters.at(AS_OF), filing_number="F-1", effective=date(2026, 1, 1))


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
    capped = claims * insurance_data.sums_insured_minor[seen] * table.cost_share
    costs = capped * (1 + table.large_loss_share)
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


def test_claims_above_the_cap_are_pooled_and_nothing_is_lost() -> None:
    """Claims of 10 and 50 on machines insured for 100, and two of 10 and 60 together: 25 a claim count as attritional."""
    rows = Modelled(
        values=np.empty((3, 0)), as_of=np.array(["2025-01-01"] * 3, dtype="datetime64[us]"), exposure=np.ones(3),
        counts=np.array([1.0, 1.0, 2.0]), amounts_minor=np.array([10.0, 50.0, 70.0]),
        sums_insured_minor=np.full(3, 100.0), frequencies=np.ones(3),
    )  # fmt: skip
    found = cost_split(rows, large_from=0.25)
    assert found.share == pytest.approx((10 + 25 + 50) / 400)
    assert found.share * (1 + found.large_share) == pytest.approx(130 / 400)


def test_the_bill_is_built_up_line_by_line(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook, filing: FiledEquipment
) -> None:
    """Attritional claims, their trend from the middle of the experience to that of the cover, large losses pooled."""
    assert (filing.annual_trend, filing.large_loss_from) == (0.02, 0.25)
    loaded = filing.model_copy(update={"large_loss_share": 0.1, "experience_middle": date(2024, 12, 30)})
    found = equipment_quote(snapshot, REQUEST, insurance_model, parameters, filed=loaded)
    lines = {line.name: line.amount_minor for line in found.risk}
    assert list(lines) == ["attritional", "trend", "large_loss"]
    assert sum(lines.values()) == found.pure_premium_minor
    exact = found.earned_exposure_machine_years * found.filed.filed_rate * filing.cost_share * 40_000_000
    assert lines["attritional"] == pytest.approx(exact, abs=1)
    trend = 1.02**2  # from 30 December 2024 to 30 December 2026
    assert lines["trend"] == pytest.approx(exact * (trend - 1), abs=1)
    assert lines["large_loss"] == pytest.approx(exact * trend * 0.1, abs=1)
    earlier = loaded.model_copy(update={"experience_middle": date(2026, 12, 30)})
    assert [line.name for line in equipment_quote(snapshot, REQUEST, insurance_model, parameters, filed=earlier).risk] == [
        "attritional", "large_loss",
    ]  # fmt: skip


def test_the_model_is_compared_before_trend_and_warranty(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook, filing: FiledEquipment
) -> None:
    """The difference is that of table and trees alone."""
    alone = equipment_quote(snapshot, REQUEST, insurance_model, parameters, filed=filing)
    mean = np.mean([machine.claim_frequency_per_machine_year for machine in alone.machines])
    assert alone.filed.model_rate == pytest.approx(mean, rel=1e-6)
    dearer = filing.model_copy(update={"annual_trend": 0.1})
    beside = equipment_quote(snapshot, held(*snapshot.machines), insurance_model, parameters, filed=dearer)
    assert beside.filed.model_rate == pytest.approx(alone.filed.model_rate)


def held(*machines: MachineUid, starts: date = date(2020, 1, 1), ends: date = date(2030, 1, 1)) -> QuoteRequest:
    """The question of one who has these machines under warranty."""
    return replace(
        REQUEST,
        warranties=tuple(
            HeldWarranty(policy_id="p1", machine_uid=machine, starts=starts, ends=ends) for machine in machines
        ),
    )


def test_a_repair_that_a_warranty_pays_is_not_paid_for_twice(
    snapshot: FeatureSnapshot, insurance_model: InsuranceArtefact, parameters: ParameterBook, filing: FiledEquipment
) -> None:
    """By rule of the filed table: the repair's share of an attritional claim, for the machines and days under warranty."""
    assert filing.warranty_share == pytest.approx(0.02 / filing.cost_share, abs=1e-8)

    def credit(request: QuoteRequest) -> tuple[int, PremiumQuote]:
        found = equipment_quote(snapshot, request, insurance_model, parameters, filed=filing)
        lines = {line.name: line.amount_minor for line in found.risk}
        assert sum(lines.values()) == found.pure_premium_minor
        return -lines.get("warranty_credit", 0), found

    none, alone = credit(REQUEST)
    every, beside = credit(held(*snapshot.machines))
    lines = {line.name: line.amount_minor for line in alone.risk}
    assert none == 0
    assert every == pytest.approx(filing.warranty_share * (lines["attritional"] + lines["trend"]), abs=1)
    assert beside.gross_premium_minor < alone.gross_premium_minor
    assert beside.filed == alone.filed  # the rate is inside the filed bounds as before: the credit is a line of its own
    each = [credit(held(machine))[0] for machine in snapshot.machines]
    assert sum(each) == pytest.approx(every, abs=2)
    rates = [equipment_quote(snapshot, replace(REQUEST, machines=(machine,)), insurance_model, parameters, filed=filing)
             for machine in snapshot.machines]  # fmt: skip
    assert np.argsort(each).tolist() == np.argsort([rate.filed.filed_rate for rate in rates]).tolist()
    half = held(*snapshot.machines, ends=date(2026, 12, 30))  # 183 of 365 days
    assert credit(half)[0] == pytest.approx(every * 183 / 365, abs=1)
    twice = replace(half, warranties=(*half.warranties, *half.warranties))
    assert credit(twice)[0] == credit(half)[0]
    assert credit(held(*snapshot.machines, ends=date(2026, 6, 30)))[0] == 0
    assert credit(held(MachineUid("another/M0")))[0] == 0


def test_a_warranty_never_pays_more_than_the_claim(
    insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    """Where claims are cheaper than a repair nothing but large losses is left."""
    table = insurance_model.card.table
    assert table is not None
    cheap = insurance_model.card.model_copy(update={"table": table.model_copy(update={"cost_share": 0.01})})
    filed = equipment_filing(
        replace(insurance_model, card=cheap), parameters.at(AS_OF), filing_number="F-1", effective=date(2026, 1, 1)
    )
    assert filed.warranty_share == 1.0
    assert filed.risk_terms(REQUEST, under_warranty=1.0).warranty == 1
