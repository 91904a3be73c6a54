"""What a world turned out to be, in figures computed from itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.credit.structural import Engine
from simulator.credit.true_pd import HORIZON_MONTHS, TruePd
from simulator.factory.machine_month import EXECUTING, MachineMonth
from simulator.factory.machines import DAYS_PER_YEAR
from simulator.insurance.claims import Policies
from simulator.world_calendar import QUARTERS_PER_DAY, Calendar

STATEMENT = "synthetic; effect sizes are inputs, not findings"
ONE_SHIFT = 0

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldId:
    """What a world is the same by: with the same sizes it has the same bytes."""

    world: str
    version: str
    seed: int
    parameters_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSummary:
    """Rows by kind and rates of a written world. A rate that the world is too short or too small to show is None.

    `default_rate_12m` and `oracle_auc` (of the exact probability of default) are over annual snapshots whose twelve
    months do not overlap; `failures_per_machine_year` counts failures seen in observed time, `claims_per_machine_year`
    all claims over time insured within the world; `coverage` is observed time over all reported time;
    `one_shift_operating_rate` is executing over observed time of firms that work one shift.
    """

    world: str
    version: str
    seed: int
    parameters_hash: str
    obligors: int
    machines: int
    months: int
    machine_days: int
    samples: int
    orders: int
    deliveries: int
    defaults: int
    policies: int
    claims: int
    default_rate_12m: float | None
    oracle_auc: float | None
    failures_per_machine_year: float
    claims_per_machine_year: float
    coverage: float
    one_shift_operating_rate: float | None
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Sums over machine-days (times in quarter-hours), with a count of claims; tallies add up."""

    machine_days: int = 0
    observed: int = 0
    fault_starts: int = 0
    one_shift_observed: int = 0
    one_shift_executing: int = 0
    claims: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def coverage(self) -> float:
        """Observed time over reported time."""
        return self.observed / (self.machine_days * QUARTERS_PER_DAY)

    @property
    def failures_per_machine_year(self) -> float:
        """Failures seen per year of observed machine time."""
        return self.fault_starts / (self.observed / (QUARTERS_PER_DAY * DAYS_PER_YEAR))

    @property
    def one_shift_operating_rate(self) -> float | None:
        """Executing over observed time of one-shift firms; None when there are none."""
        return self.one_shift_executing / self.one_shift_observed if self.one_shift_observed else None


def summarise(
    identity: WorldId,
    blocks: Sequence[Block],
    laws: Laws,
    *,
    pd_at: TruePd,
    sums: Tally,
    rows: Mapping[RecordKind, int],
    insured: float,
) -> WorldSummary:
    """The summary of a world whose files have `rows` by kind; `insured` is in machine-years."""
    chances, outcomes = annual_outcomes(blocks, laws, pd_at=pd_at)
    return WorldSummary(
        world=identity.world,
        version=identity.version,
        seed=identity.seed,
        parameters_hash=identity.parameters_hash,
        obligors=rows[RecordKind.OBLIGOR_PROFILE],
        machines=sum(block.machines.distinct for block in blocks),
        months=len(laws.calendar.months),
        machine_days=rows[RecordKind.MACHINE_DAY_REPORT],
        samples=rows.get(RecordKind.SAMPLE, 0),
        orders=rows[RecordKind.PURCHASE_ORDER],
        deliveries=rows[RecordKind.DELIVERY],
        defaults=rows[RecordKind.DEFAULT_EVENT],
        policies=rows[RecordKind.INSURANCE_POLICY],
        claims=rows[RecordKind.INSURANCE_CLAIM],
        default_rate_12m=float(outcomes.mean()) if len(outcomes) else None,
        oracle_auc=None if laws.engine is Engine.STRUCTURAL else area_under_curve(chances, outcomes),
        failures_per_machine_year=sums.failures_per_machine_year,
        claims_per_machine_year=sums.claims / insured,
        coverage=sums.coverage,
        one_shift_operating_rate=sums.one_shift_operating_rate,
        statement=STATEMENT,
    )


def tally(block: Block, month: MachineMonth) -> Tally:
    """The sums of one month of a block."""
    reported = month.is_reported
    observed = np.where(reported, QUARTERS_PER_DAY - month.unknown, 0)
    executing = np.where(reported, month.seen[EXECUTING], 0)
    one_shift = (block.firms.shifts == ONE_SHIFT)[block.machines.firm]
    return Tally(
        machine_days=int(reported.sum()),
        observed=int(observed.sum()),
        fault_starts=int(month.fault_starts_seen[reported].sum()),
        one_shift_observed=int(observed[one_shift].sum()),
        one_shift_executing=int(executing[one_shift].sum()),
    )


def insured_years(block: Block, policies: Policies, calendar: Calendar) -> float:
    """Machine-years insured within the world while the machine's firm still reports."""
    stops = np.minimum(policies.expiry_day, block.machines.last_day[policies.machine])
    begins = np.maximum(policies.inception_day, 0)
    return float(np.clip(np.minimum(stops, calendar.day_count) - begins, 0, None).sum() / DAYS_PER_YEAR)


def annual_outcomes(blocks: Sequence[Block], laws: Laws, *, pd_at: TruePd) -> tuple[Floats, Bools]:
    """(true probability, defaulted) at snapshots twelve months apart, of firms not in default at each."""
    chances, outcomes = [], []
    for position in range(-1, len(laws.calendar.months) - HORIZON_MONTHS, HORIZON_MONTHS):
        for block in blocks:
            alive = block.lives.default_month > position
            chances.append(pd_at.of(block.lives, alive, position=position))
            outcomes.append(block.lives.default_month[alive] <= position + HORIZON_MONTHS)
    if not chances:
        return np.array([]), np.array([], dtype=bool)
    return np.concatenate(chances), np.concatenate(outcomes)


def area_under_curve(score: Floats, outcome: Bools) -> float | None:
    """Chance that a firm that defaulted had the higher score than one that did not; None without one of each."""
    bad, good = int(outcome.sum()), int((~outcome).sum())
    if bad == 0 or good == 0:
        return None
    ranks = rankdata(score)[outcome].sum()
    return float((ranks - bad * (bad + 1) / 2) / (bad * good))
