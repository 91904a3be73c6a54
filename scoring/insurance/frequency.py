"""Claim frequency of machines, as a base and one relativity a family of features."""

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
from scoring.records import Contribution, MachineFrequency, Relativity

FLEET_MIX = "fleet_mix"

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFrequency:
    """Expected claims a machine-year of a fleet: base x relativities.

    A family's relativity is exp of its mean contribution over the machines (their geometric mean); `fleet_mix` is what
    the mean of the machines' frequencies exceeds the product by, 1 for one machine. `contributions` are the means.
    """

    claim_frequency_per_machine_year: float
    base_frequency: float
    factors: tuple[Relativity, ...]
    machines: tuple[MachineFrequency, ...]
    contributions: tuple[Contribution, ...]


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
    means = _pulls(artefact, _mean_of_known(rows), explanation.contributions.mean(axis=0))
    if len(machines) == 1:
        means = tuple(covered[0].contributions)
    frequency = sum(machine.claim_frequency_per_machine_year for machine in covered) / len(covered)
    factors = _relativities(means)
    mix = frequency / (base * math.prod(factor.relativity for factor in factors))
    return FleetFrequency(
        claim_frequency_per_machine_year=frequency,
        base_frequency=base,
        factors=(*factors, Relativity(name=FLEET_MIX, relativity=mix)),
        machines=covered,
        contributions=means,
    )


def _mean_of_known(rows: NDArray[np.float64]) -> Vector:
    """Each feature's mean over the machines that have it, NaN where none has: the figure beside a mean contribution."""
    known = ~np.isnan(rows)
    counts = known.sum(axis=0)
    sums = np.where(known, rows, 0.0).sum(axis=0)
    means = np.full(rows.shape[1], np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _machine(machine: MachineUid, pulls: tuple[Contribution, ...], *, base: float) -> MachineFrequency:
    relativities = _relativities(pulls)
    return MachineFrequency(
        machine_uid=machine,
        claim_frequency_per_machine_year=base * math.prod(factor.relativity for factor in relativities),
        contributions=pulls,
    )


def _relativities(pulls: Sequence[Contribution]) -> tuple[Relativity, ...]:
    sums: dict[str, float] = {}
    for pull in pulls:
        sums[pull.family] = sums.get(pull.family, 0.0) + pull.contribution
    return tuple(Relativity(name=family, relativity=math.exp(total)) for family, total in sums.items())


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
