"""Claim frequency of machines by the promoted model, as a base times what each feature makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid
from features.snapshot import FeatureSnapshot
from scoring.errors import ModelDoesNotFit
from scoring.insurance.artefact import InsuranceArtefact
from scoring.records import Contribution, MachineFrequency

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFrequency:
    """What the model expects of a fleet: claims a machine-year, the mean of its machines, and each machine's own."""

    claim_frequency_per_machine_year: float
    machines: tuple[MachineFrequency, ...]


def fleet_frequency(
    snapshot: FeatureSnapshot, machines: Sequence[MachineUid], artefact: InsuranceArtefact
) -> FleetFrequency:
    """Frequencies of `machines`, all covered for the same time, and of their fleet.

    Raises ModelDoesNotFit where the snapshot lacks one of the model's features.
    """
    keys = [feature.key for feature in artefact.card.features]
    _check_fit(snapshot, machines, keys)
    rows = np.array([snapshot.vector(keys, machine=machine) for machine in machines])
    explanation = artefact.bag.explain(rows, base_margin=math.log(artefact.card.portfolio_rate))
    base = math.exp(float(explanation.base[0])) * artefact.card.balance_factor
    covered = tuple(
        _machine(machine, _pulls(artefact, row, pulls), base=base)
        for machine, row, pulls in zip(machines, rows, explanation.contributions, strict=True)
    )
    frequency = sum(machine.claim_frequency_per_machine_year for machine in covered) / len(covered)
    return FleetFrequency(claim_frequency_per_machine_year=frequency, machines=covered)


def _machine(machine: MachineUid, pulls: tuple[Contribution, ...], *, base: float) -> MachineFrequency:
    return MachineFrequency(
        machine_uid=machine,
        claim_frequency_per_machine_year=base * math.exp(sum(pull.contribution for pull in pulls)),
        contributions=pulls,
    )


def _pulls(artefact: InsuranceArtefact, seen: Vector, pulls: Vector) -> tuple[Contribution, ...]:
    return tuple(
        Contribution(
            feature=feature.key,
            family=feature.family,
            value=None if math.isnan(value) else float(value),
            contribution=float(pull),
        )
        for feature, value, pull in zip(artefact.card.features, seen, pulls, strict=True)
    )


def _check_fit(snapshot: FeatureSnapshot, machines: Sequence[MachineUid], keys: Sequence[str]) -> None:
    places = [("the obligor", snapshot.values), *((machine, snapshot.machines[machine]) for machine in machines)]
    for place, values in places:
        unknown = [key for key in keys if key not in values]
        if unknown:
            raise ModelDoesNotFit(
                f"The model asks for {len(unknown)} features that the snapshot of {place} does not have "
                f"(first: {unknown[0]}).",
                hint="The model was trained on another feature catalogue; train it again on this one.",
            )
