"""Extended warranty: repairs in operating hours, from the claim frequency of the promoted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_contracts.identifiers import MachineUid
from data_contracts.reference.dated import ParameterBook
from features.feature_value import FeatureValue
from features.snapshot import FeatureSnapshot
from scoring.errors import HourMeterMissing
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.frequency import fleet_frequency
from scoring.insurance.offers.risk import DAYS_A_YEAR, Measured, ModelledRisk, checked, lead_months, months_of, offer
from scoring.insurance.premium import covered_machines, synthetic_if_any
from scoring.insurance.warranty.cover import Component, WarrantyTerms, warranty_cost
from scoring.insurance.warranty.power_law import PowerLaw
from scoring.insurance.warranty.usage_mix import known_usage
from scoring.money import exact
from scoring.records import PremiumQuote, QuoteRequest

HOURS = "executing_hours_per_day_90d"
HOURS_WINDOW_DAYS = 90
FAILURES = "failure_rate_90d"
LEAST_HOURS_A_YEAR = 100.0
"""A machine that stands still ages all the same: it is priced as if it worked two hours a week."""


def warranty_quote(
    snapshot: FeatureSnapshot, request: QuoteRequest, artefact: InsuranceArtefact, parameters: ParameterBook
) -> PremiumQuote:
    """Repairs in the cover, growing with the hours that each machine works.

    Raises as `premium.quote`, and HourMeterMissing for a machine whose hours nobody told.
    """
    return offer(snapshot, request, warranty_risk(snapshot, request, artefact, parameters), parameters)


def warranty_risk(
    snapshot: FeatureSnapshot, request: QuoteRequest, artefact: InsuranceArtefact, parameters: ParameterBook
) -> ModelledRisk:
    """What each machine's repairs are expected to cost, within the cover's terms. Raises as `warranty_quote`."""
    values = checked(snapshot, request, parameters)
    terms = values["insurance_covers"]["extended_warranty"]
    machines = covered_machines(snapshot, request)
    fleet = fleet_frequency(snapshot, machines, artefact)
    worth, months = request.sum_insured_minor / len(machines), float(months_of(request))
    inputs, expected = [], []
    for machine, told in zip(machines, fleet.machines, strict=True):
        hours = _hours_a_year(snapshot, machine)
        inputs.append([hours, _failure_rate(snapshot.machines[machine][FAILURES]), months])
        rate = terms["repairs_a_claim"] * told.claim_frequency_per_machine_year
        expected.append(_expected_minor(rate, hours, worth, request, terms))
    return ModelledRisk(
        inputs=np.array(inputs),
        measured=(*(_measured(snapshot, machines, key) for key in (HOURS, FAILURES)), None),
        expected_minor=np.array(expected),
        insured_minor=exact(request.sum_insured_minor) / len(machines),
        reasons=None,
        machines=fleet.machines,
        model_version=artefact.version,
        data_origin=synthetic_if_any(snapshot.data_origin, artefact.card.data_origin),
    )


def _measured(snapshot: FeatureSnapshot, machines: Sequence[MachineUid], key: str) -> Measured:
    told = [snapshot.machines[machine][key].value for machine in machines]
    known = [value for value in told if value is not None]
    return Measured(key=key, value=float(np.mean(known)) if known else None)


def _hours_a_year(snapshot: FeatureSnapshot, machine: MachineUid) -> float:
    """The most that it can have worked: hours that nobody watched count, so that withholding them gains nothing."""
    told = snapshot.machines[machine][HOURS]
    if told.value is None:
        raise HourMeterMissing(
            f"Of {machine} nobody told the hours worked in the last {HOURS_WINDOW_DAYS} days.",
            hint="A warranty is priced by the hour: connect the machine, or leave it out.",
        )
    most = told.value if told.favourable_value is None else max(told.value, told.favourable_value)
    return max(most * DAYS_A_YEAR, LEAST_HOURS_A_YEAR)


def _failure_rate(told: FeatureValue) -> float:
    """Failures a thousand hours, shrunk as the feature is; the worst that they can be where there is no value, NaN (the
    dearest band) where that is not known either."""
    seen = told.value if told.value is not None else told.adverse_value
    return float("nan") if seen is None else float(seen)


def _expected_minor(rate: float, hours: float, worth: float, request: QuoteRequest, terms: Mapping[str, Any]) -> float:
    """Expected cost of one machine's cover, its law with `rate` failures in the year from the reference age on."""
    age, shape = terms["reference_age_hours"], terms["shape"]
    scale = (((age + hours) ** shape - age**shape) / rate) ** (1 / shape)
    part = Component(
        name="machine",
        failures=PowerLaw(shape=shape, scale_hours=scale),
        repair_cost_minor=max(1, int(worth * terms["repair_share"])),
    )
    cover = WarrantyTerms(
        starts_after_months=lead_months(request, request.as_of),
        months=months_of(request),
        waiting_months=terms["waiting_months"],
        limit_an_event_minor=max(1, int(worth * terms["limit_an_event_share"])),
        aggregate_limit_minor=max(1, int(worth)),
        annual_sale_rate=terms["annual_sale_rate"],
        annual_inflation=terms["annual_inflation"],
        annual_discount=terms["annual_discount"],
    )
    return warranty_cost([part], age_hours=age, usage=known_usage(hours), terms=cover).limited_minor
