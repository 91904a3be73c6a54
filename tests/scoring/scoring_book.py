"""A small book with known cause and effect: a latent health moves every signed feature and the hazard of default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, ParametersVersion
from data_contracts.reference.calendars import add_months
from data_contracts.vocabulary import DataOrigin
from features.as_of import CreditTrainingSet, InsuranceTrainingSet
from features.catalogue import CATALOGUE, catalogue_version
from features.labels import Lives
from features.snapshot import FeatureSnapshot, FeatureValue, Missing
from features.trust import DataTrust, TrustGrade
from scoring.credit.limit import YEARS

NAMES = tuple(CATALOGUE)
OBLIGOR = ObligorId("91999999MA0000001N")
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
FIRST_MONTH = datetime(2022, 6, 30, 16, tzinfo=UTC)
MONTHS = 48
SEED = 7
DIVISIONS = ("C33", "C34", "C35")
RARE_DIVISION = "C43"
"""That of two obligors alone."""


def month(index: int) -> datetime:
    """Observation time of month `index` of the world."""
    return add_months(FIRST_MONTH, index)


@dataclass(frozen=True)
class World:
    """Health (obligor, month), the month of default (or MONTHS), and a generator for what is measured of it."""

    health: np.ndarray
    default_month: np.ndarray
    seed: int


def make_world(*, obligors: int, seed: int, base_log_odds: float = -6.0, slope: float = 1.3) -> World:
    """Health as AR(1) at 0.97; monthly hazard expit(base - slope x health)."""
    rng = np.random.default_rng(seed)
    health = np.empty((obligors, MONTHS))
    health[:, 0] = rng.normal(size=obligors)
    for index in range(1, MONTHS):
        health[:, index] = 0.97 * health[:, index - 1] + np.sqrt(1 - 0.97**2) * rng.normal(size=obligors)
    hazard = 1 / (1 + np.exp(-(base_log_odds - slope * health)))
    struck = rng.random(hazard.shape) < hazard
    default_month = np.where(struck.any(axis=1), struck.argmax(axis=1), MONTHS)
    return World(health=health, default_month=default_month, seed=seed)


def measured(health: np.ndarray, *, signs: np.ndarray, seed: int, missing_share: float = 0.05) -> np.ndarray:
    """Features (n, k) of health (n): 0.5 moved against each sign, with noise, some missing."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(health), len(signs)))
    values = 0.5 + 0.1 * (-signs * health[:, None] * 0.6 + noise)
    values[rng.random(values.shape) < missing_share] = np.nan
    return values


def credit_signs() -> np.ndarray:
    return np.array([definition.credit_risk for definition in CATALOGUE.values()])


def insurance_signs() -> np.ndarray:
    return np.array([definition.insurance_risk for definition in CATALOGUE.values()])


def credit_training_set(world: World, months: range) -> CreditTrainingSet:
    """A row for each obligor that has not defaulted by each month; defaulted within the next twelve."""
    obligors = np.arange(len(world.health))
    pairs = [(who, when) for when in months for who in obligors if world.default_month[who] > when]
    who, when = np.array(pairs).T
    stamps = np.array([month(index).replace(tzinfo=None) for index in when], dtype="datetime64[us]")
    ends = np.array([month(index + 12).replace(tzinfo=None) for index in when], dtype="datetime64[us]")
    return CreditTrainingSet(
        obligor_ids=[f"OBLIGOR{index:04d}" for index in who],
        as_of=stamps,
        observed_until=ends,
        names=list(NAMES),
        values=measured(world.health[who, when], signs=credit_signs(), seed=world.seed + 1),
        defaulted=world.default_month[who] <= when + 12,
        lives=Lives(np.minimum(world.default_month[who] - when, MONTHS - 1 - when), world.default_month[who] < MONTHS),
        industry_divisions=[RARE_DIVISION if index < 2 else DIVISIONS[index % len(DIVISIONS)] for index in who],
    )


def insurance_training_set(*, machines: int, months: range, seed: int) -> InsuranceTrainingSet:
    """Machines whose claim frequency is 0.3 x exp(0.5 x wear), wear moving every signed feature."""
    rng = np.random.default_rng(seed)
    wear = np.tile(rng.normal(size=machines), len(months))
    when = np.repeat(np.array(months), machines)
    exposure = rng.uniform(0.2, 1.0, size=len(wear))
    counts = rng.poisson(0.3 * np.exp(0.5 * wear) * exposure)
    sums = rng.integers(20_000_000, 80_000_000, size=len(wear))
    ratios = rng.gamma(2.0, 0.03, size=len(wear))
    return InsuranceTrainingSet(
        machine_uids=[f"OBLIGOR{index // 3:04d}/M{index % 3}" for index in np.tile(np.arange(machines), len(months))],
        obligor_ids=[f"OBLIGOR{index // 3:04d}" for index in np.tile(np.arange(machines), len(months))],
        as_of=np.array([month(index).replace(tzinfo=None) for index in when], dtype="datetime64[us]"),
        observed_until=np.array([month(index + 12).replace(tzinfo=None) for index in when], dtype="datetime64[us]"),
        names=list(NAMES),
        values=measured(-wear, signs=insurance_signs(), seed=seed + 1),
        exposure_years=exposure,
        claim_counts=counts,
        claim_amounts_minor=np.round(counts * sums * ratios).astype(np.int64),
        sums_insured_minor=sums,
        currencies=["CNY"] * len(wear),
    )


def feature_values(row: np.ndarray, *, signs: np.ndarray, worse_by: float = 0.02) -> dict[str, FeatureValue]:
    """A row of values as features; what was not observed would make each worse by `worse_by`."""
    return {
        name: FeatureValue(
            value=None if np.isnan(value) else float(value),
            unit=definition.unit,
            window_days=definition.window_days,
            missing=Missing.NOT_OBSERVED if np.isnan(value) else None,
            adverse_value=None if np.isnan(value) else float(value + worse_by * sign),
            unexcused_value=None if np.isnan(value) else float(value + worse_by * sign),
        )
        for (name, definition), value, sign in zip(CATALOGUE.items(), row, signs, strict=True)
    }


def quantity(value: float | None, unit: str, window_days: int | None) -> FeatureValue:
    missing = Missing.NO_SOURCE if value is None else None
    return FeatureValue(value=value, unit=unit, window_days=window_days, missing=missing, adverse_value=value)


def production(
    *, revenue_minor: float | None, energy_revenue_minor: float | None = None, currency: str = "CNY"
) -> dict[str, FeatureValue]:
    """Quantities of a firm that earns so much in every year, as counters, energy (as counters, where not said) and hours
    tell."""
    by_energy = revenue_minor if energy_revenue_minor is None else energy_revenue_minor
    return {
        name: quantity(by_energy if view == "cash_flow_energy" else revenue_minor, f"{currency}_minor", 365)
        for year in YEARS.values()
        for view, name in year.items()
    }


def make_snapshot(
    row: np.ndarray,
    *,
    machines: np.ndarray | None = None,
    quantities: Mapping[str, FeatureValue] | None = None,
    history_days: int = 400,
    industry_division: str | None = "C34",
    obligor_id: ObligorId = OBLIGOR,
    data_origin: DataOrigin = DataOrigin.SYNTHETIC,
    coverage: float | None = None,
) -> FeatureSnapshot:
    """A snapshot of one obligor with these feature values (k), and of its machines (m, k); `coverage` replaces its own."""
    rows = np.empty((0, len(row))) if machines is None else machines
    if coverage is not None:
        row = np.where([name.startswith("coverage_") for name in NAMES], coverage, row)
    return FeatureSnapshot(
        obligor_id=obligor_id,
        as_of=AS_OF,
        first_day=date(2025, 5, 27),
        history_days=history_days,
        industry_division=industry_division,
        subject_kind="legal_person",
        values=feature_values(row, signs=credit_signs()),
        quantities=dict(quantities or {}),
        machines={
            MachineUid(f"{obligor_id}/M{index}"): feature_values(machine, signs=insurance_signs())
            for index, machine in enumerate(rows)
        },
        data_origin=data_origin,
        coverage_basis="observed",
        data_trust=DataTrust(grade=TrustGrade.T1, attested={AttestationLevel.SEALED: 1.0}),
        batches={BatchId("b0001"): AttestationLevel.SEALED},
        catalogue_version=catalogue_version(),
        parameters_version=ParametersVersion("features"),
    )
