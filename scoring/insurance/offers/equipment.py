"""Equipment cover: claims of machines, charged by the table that was filed of a model, the promoted model beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid
from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from scoring.errors import ModelDoesNotFit
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.filed import FiledEquipment, equipment_tariff
from scoring.insurance.frequency import fleet_frequency
from scoring.insurance.offers.risk import DAYS_A_YEAR, Measured, ModelledRisk, checked, offer
from scoring.insurance.premium import cover_days, covered_machines, synthetic_if_any
from scoring.money import exact
from scoring.records import PremiumQuote, QuoteRequest

Matrix = NDArray[np.float64]


def equipment_quote(
    snapshot: FeatureSnapshot,
    request: QuoteRequest,
    artefact: InsuranceArtefact,
    parameters: ParameterBook,
    *,
    filed: FiledEquipment | None = None,
) -> PremiumQuote:
    """Every covered machine carries an equal share of the sum insured. `filed` is the table in force
    (`equipment_tariff`); without it the promoted model's own, on trial.

    Raises as `check_request`, NothingToCover, CurrencyNotSupported, ModelDoesNotFit, NoParameterYet, NoTariffFiled.
    """
    values = checked(snapshot, request, parameters)
    if filed is None:
        filed = equipment_tariff((), artefact, partner=None, as_of=request.as_of, values=values)
    machines = covered_machines(snapshot, request)
    rows = _inputs(snapshot, machines, filed)
    fleet = fleet_frequency(snapshot, machines, artefact)
    worth = exact(request.sum_insured_minor) / len(machines)
    years = cover_days(request.starts, request.ends) / DAYS_A_YEAR
    claims = np.array([machine.claim_frequency_per_machine_year for machine in fleet.machines])
    risk = ModelledRisk(
        inputs=rows,
        measured=_measured(rows, artefact, filed),
        expected_minor=claims * years * artefact.card.damage_ratio * float(worth),
        insured_minor=worth,
        reasons=None,
        machines=fleet.machines,
        model_version=artefact.version,
        data_origin=synthetic_if_any(snapshot.data_origin, artefact.card.data_origin),
    )
    return offer(snapshot, request, risk, parameters, filed=filed)


def _inputs(snapshot: FeatureSnapshot, machines: Sequence[MachineUid], filed: FiledEquipment) -> Matrix:
    """The machines' values of the table's factors (n, k). Raises ModelDoesNotFit where the snapshot has no such."""
    keys = [factor.factor.banding.key for factor in filed.factors]
    unknown = [key for key in keys if key not in snapshot.values]
    if unknown:
        raise ModelDoesNotFit(
            f"Filing {filed.filing_number} rates by {unknown[0]}, which the snapshot does not have.",
            hint="It was filed on another feature catalogue; file the table of a model that was trained on this one.",
        )
    return np.array([snapshot.vector(keys, machine=machine) for machine in machines]).reshape(len(machines), len(keys))


def _measured(rows: Matrix, artefact: InsuranceArtefact, filed: FiledEquipment) -> list[Measured]:
    """The feature behind each factor and its mean over the machines that have it, as the promoted model knows it."""
    by_model = {feature.key: feature for feature in artefact.card.features}
    told = []
    for at, factor in enumerate(filed.factors):
        key, known = factor.factor.banding.key, rows[:, at][~np.isnan(rows[:, at])]
        value = float(known.mean()) if len(known) else None
        told.append(Measured(key=key, value=value, feature=by_model.get(key)))
    return told
