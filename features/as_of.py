"""Training sets: who was at risk at each instant, with what was known then, and what became of them.

Machine-days and feature matrices as of one instant are those of `loading` and `matrix`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.observations.remembered import RememberedObservations
from data_contracts.reference.calendars import add_months
from data_contracts.reference.dated import ParameterBook
from features.blocks import Processes
from features.catalogue import CATALOGUE
from features.cover import cover_columns
from features.grid.matrices import feature_grid
from features.history import Array, Level
from features.labels import NEVER, REPORTING_LAG_MONTHS, WARNING_MONTHS, WINDOW_MONTHS, CreditLabels, Lives, Outcomes
from features.loading import load_machine_days
from features.machine_day.days import to_micros
from features.machine_types import MachineTypes, machine_types_at
from features.matrix import FeatureMatrix, feature_matrix
from features.peer_loading import divisions_at

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

Stamps = NDArray[np.datetime64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

__all__ = [
    "CreditObservations",
    "CreditTrainingSet",
    "InsuranceTrainingSet",
    "credit_observations",
    "credit_training_set",
    "feature_matrix",
    "insurance_training_set",
    "load_machine_days",
]

_NAT = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTrainingSet:
    """Obligors as they were known at each `as_of`, and whether they defaulted within the twelve months after it.

    One row for each obligor and instant: `as_of` and `observed_until` (the end of its performance window) are
    datetime64[us] in UTC, `values` is (row, name) float64 with NaN where missing, `defaulted` says whether the first
    default event lies in (as_of, observed_until]. `lives` tell when, also beyond the window; None where only the
    outcome of the window is known. `industry_divisions` are those of GB/T 4754 as known then, each None where no
    profile was; None as a whole where nobody says. `machine_types` are those of the machines that each owned then, each
    None where nobody told any; None as a whole where nobody says.
    """

    obligor_ids: Sequence[str]
    as_of: Stamps
    observed_until: Stamps
    names: Sequence[str]
    values: Array
    defaulted: Mask
    lives: Lives | None = None
    industry_divisions: Sequence[str | None] | None = None
    machine_types: Sequence[MachineTypes | None] | None = None

    def at(self, rows: Ints) -> CreditTrainingSet:
        """The chosen rows, one or several times each."""
        return CreditTrainingSet(
            obligor_ids=tuple(self.obligor_ids[row] for row in rows.tolist()),
            as_of=self.as_of[rows],
            observed_until=self.observed_until[rows],
            names=self.names,
            values=self.values[rows],
            defaulted=self.defaulted[rows],
            lives=None if self.lives is None else self.lives.at(rows),
            industry_divisions=None
            if self.industry_divisions is None
            else tuple(self.industry_divisions[row] for row in rows.tolist()),
            machine_types=None
            if self.machine_types is None
            else tuple(self.machine_types[row] for row in rows.tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditObservations:
    """The same with the rows whose twelve months are not known to their end, and with what else can be told of a row.

    Of a `censored` row `observed_until` is the instant up to which everything is known, and `defaulted` speaks of the
    time up to it: no outcome of twelve months. `observed_months` counts the months in which the obligor was watched,
    up to and with that of its default (0 where not even one is known to its end). `default_times` are those of the
    first default event whenever it is, NaT where none is known; `rule_versions` of the event that `defaulted` tells.
    `history_days` are the days of history that features rest on, `industry_divisions` those of the obligor as known
    then (None where no profile was), `machine_types` those of the machines that it owned then, as known at the end of
    everything (None where nobody told any): they are no feature, and what a machine is does not change. `warnings` say
    whether an instalment became thirty days past due within so many months: 1, 0, or -1 where those months are not
    known to their end; they are for monitoring. `lives` reach as far as anything is known.
    """

    obligor_ids: Sequence[str]
    as_of: Stamps
    observed_until: Stamps
    names: Sequence[str]
    values: Array
    defaulted: Mask
    censored: Mask
    observed_months: Ints
    default_times: Stamps
    rule_versions: Sequence[str | None]
    history_days: Ints
    industry_divisions: Sequence[str | None]
    machine_types: Sequence[MachineTypes | None]
    warnings: Mapping[int, NDArray[np.int8]]
    lives: Lives

    def fixed_horizon(self) -> CreditTrainingSet:
        """The rows whose twelve months are known to their end."""
        kept = np.flatnonzero(~self.censored)
        return CreditTrainingSet(
            obligor_ids=tuple(self.obligor_ids[row] for row in kept.tolist()),
            as_of=self.as_of[kept],
            observed_until=self.observed_until[kept],
            names=self.names,
            values=self.values[kept],
            defaulted=self.defaulted[kept],
            lives=self.lives.at(kept),
            industry_divisions=tuple(self.industry_divisions[row] for row in kept.tolist()),
            machine_types=tuple(self.machine_types[row] for row in kept.tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceTrainingSet:
    """Machines under cover as they were known at each `as_of`, and their claims in the twelve months after it.

    One row for each machine and instant with exposure: `exposure_years` is the time under an insurance policy in
    (as_of, observed_until], in machine-years of 365 days; `claim_counts` and `claim_amounts_minor` are the claims
    that occurred in it; `sums_insured_minor` and `currencies` are those of the policy that covers most of it.
    """

    machine_uids: Sequence[str]
    obligor_ids: Sequence[str]
    as_of: NDArray[np.datetime64]
    observed_until: NDArray[np.datetime64]
    names: Sequence[str]
    values: Array
    exposure_years: Array
    claim_counts: NDArray[np.int64]
    claim_amounts_minor: NDArray[np.int64]
    sums_insured_minor: NDArray[np.int64]
    currencies: Sequence[str]


def credit_observations(
    reader: ObservationReader,
    *,
    as_ofs: Sequence[datetime],
    parameters: ParameterBook,
    known_until: datetime,
    reporting_lag_months: int = REPORTING_LAG_MONTHS,
    processes: Processes | None = None,
) -> CreditObservations:
    """Obligors at each of `as_ofs` (those before `known_until`), labelled by their first default event after it.

    Features see what was recorded by their `as_of`; labels, what was recorded by `known_until`, in which everything
    that happened `reporting_lag_months` before is taken to be recorded. Left out are obligors that had defaulted by
    the instant or were then known to be ninety days past due, and obligors of whom no feature is known.
    """
    begun = [as_of for as_of in as_ofs if as_of < known_until]
    memory = RememberedObservations(reader, until=known_until)
    labels = CreditLabels(memory, known_until=known_until, reporting_lag_months=reporting_lag_months)
    blocks, register = [], memory.machines(as_of=known_until)
    grid = feature_grid(reader, as_ofs=begun, level=Level.OBLIGOR, parameters=parameters, processes=processes)
    for as_of, matrix in grid.items():
        known_then = memory.rows(RecordKind.REPAYMENT, as_of=as_of)
        outcomes = labels.of(matrix.units, as_of=as_of, known_then=known_then)
        rows = np.flatnonzero(~outcomes.in_default & ~np.isnan(matrix.values).all(axis=1))
        columns = _label_columns(outcomes, rows) | {"history_days": matrix.history_days[rows]}
        divisions = divisions_at(memory, as_of)
        types = machine_types_at(register, as_of)
        obligors = [matrix.units[row] for row in rows.tolist()]
        columns["industry_divisions"] = np.array([divisions.get(obligor) for obligor in obligors], dtype=np.object_)
        columns["machine_types"] = np.array([types.get(obligor) for obligor in obligors], dtype=np.object_)
        blocks.append(_Block(matrix, rows, as_of, columns))
    columns = {name: _column(blocks, name, kind) for name, kind in _LABEL_KINDS.items()}
    return CreditObservations(
        obligor_ids=_units(blocks),
        as_of=_instants(blocks),
        names=tuple(CATALOGUE),
        values=_values(blocks),
        history_days=np.concatenate(
            [np.empty(0, np.int64), *(block.matrix.history_days[block.rows] for block in blocks)]
        ),
        industry_divisions=tuple(_column(blocks, "industry_divisions", np.object_)),
        machine_types=tuple(_column(blocks, "machine_types", np.object_)),
        observed_until=columns["observed_until"].astype("datetime64[us]"),
        default_times=columns["default_times"].astype("datetime64[us]"),
        defaulted=columns["defaulted"],
        censored=columns["censored"],
        observed_months=columns["observed_months"],
        rule_versions=tuple(columns["rule_versions"]),
        warnings={months: columns[f"warning_{months}"] for months in WARNING_MONTHS},
        lives=Lives(columns["life_months"], columns["life_defaulted"]),
    )


def credit_training_set(
    reader: ObservationReader,
    *,
    as_ofs: Sequence[datetime],
    parameters: ParameterBook,
    known_until: datetime,
    reporting_lag_months: int = REPORTING_LAG_MONTHS,
    processes: Processes | None = None,
) -> CreditTrainingSet:
    """`credit_observations` of a fixed horizon: instants whose twelve months, and the time in which outcomes are
    reported, are not over by `known_until` are left out (censored)."""
    complete = [
        as_of for as_of in as_ofs if add_months(add_months(as_of, WINDOW_MONTHS), reporting_lag_months) <= known_until
    ]
    return credit_observations(
        reader,
        as_ofs=complete,
        parameters=parameters,
        known_until=known_until,
        reporting_lag_months=reporting_lag_months,
        processes=processes,
    ).fixed_horizon()


def insurance_training_set(
    reader: ObservationReader,
    *,
    as_ofs: Sequence[datetime],
    parameters: ParameterBook,
    known_until: datetime,
    processes: Processes | None = None,
) -> InsuranceTrainingSet:
    """Machines at each of `as_ofs` with the insurance claims of the twelve months after it, or up to `known_until`.

    Features see what was recorded by their `as_of`; policies and claims, what was recorded by `known_until`. A
    machine under several policies at once is exposed once.
    """
    covers = reader.rows(RecordKind.INSURANCE_POLICY, as_of=known_until)
    claims = reader.rows(RecordKind.INSURANCE_CLAIM, as_of=known_until)
    blocks = []
    begun = [as_of for as_of in as_ofs if as_of < known_until]
    grid = feature_grid(reader, as_ofs=begun, level=Level.MACHINE, parameters=parameters, processes=processes)
    for as_of, matrix in grid.items():
        until = min(add_months(as_of, WINDOW_MONTHS), known_until)
        columns = cover_columns(covers, claims, units=matrix.units, after=to_micros(as_of), until=to_micros(until))
        rows = np.flatnonzero(columns["exposure_years"] > 0)
        columns["observed_until"] = np.full(len(matrix.units), to_micros(until))
        blocks.append(_Block(matrix, rows, as_of, {name: values[rows] for name, values in columns.items()}))
    return InsuranceTrainingSet(
        machine_uids=_units(blocks),
        obligor_ids=tuple(block.matrix.obligor_ids[row] for block in blocks for row in block.rows),
        as_of=_instants(blocks),
        observed_until=_column(blocks, "observed_until", np.int64).astype("datetime64[us]"),
        names=tuple(CATALOGUE),
        values=_values(blocks),
        exposure_years=_column(blocks, "exposure_years", np.float64),
        claim_counts=_column(blocks, "claim_counts", np.int64),
        claim_amounts_minor=_column(blocks, "claim_amounts_minor", np.int64),
        sums_insured_minor=_column(blocks, "sums_insured_minor", np.int64),
        currencies=tuple(_column(blocks, "currencies", np.object_)),
    )


_LABEL_KINDS: Mapping[str, type] = {
    "observed_until": np.int64,
    "censored": np.bool_,
    "defaulted": np.bool_,
    "default_times": np.int64,
    "observed_months": np.int64,
    "rule_versions": np.object_,
    "life_months": np.int64,
    "life_defaulted": np.bool_,
    **{f"warning_{months}": np.int8 for months in WARNING_MONTHS},
}


def _label_columns(outcomes: Outcomes, rows: Ints) -> dict[str, NDArray[Any]]:
    return {
        "observed_until": np.full(len(rows), outcomes.observed_until),
        "censored": np.full(len(rows), outcomes.censored),
        "defaulted": outcomes.defaulted[rows],
        "default_times": np.where(outcomes.default_times == NEVER, _NAT, outcomes.default_times)[rows],
        "observed_months": outcomes.observed_months[rows],
        "rule_versions": np.array(outcomes.rule_versions, dtype=np.object_)[rows],
        "life_months": outcomes.lives.months[rows],
        "life_defaulted": outcomes.lives.defaulted[rows],
        **{f"warning_{months}": found[rows] for months, found in outcomes.warnings.items()},
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The rows of a matrix that a training set takes at one instant, with what became of them."""

    matrix: FeatureMatrix
    rows: NDArray[np.int64]
    as_of: datetime
    columns: dict[str, NDArray[Any]]


def _units(blocks: Sequence[_Block]) -> tuple[str, ...]:
    return tuple(block.matrix.units[row] for block in blocks for row in block.rows)


def _values(blocks: Sequence[_Block]) -> Array:
    return np.concatenate([np.empty((0, len(CATALOGUE))), *(block.matrix.values[block.rows] for block in blocks)])


def _instants(blocks: Sequence[_Block]) -> Stamps:
    instants = [np.full(len(block.rows), to_micros(block.as_of)) for block in blocks]
    return np.concatenate([np.empty(0, dtype=np.int64), *instants]).astype("datetime64[us]")


def _column(blocks: Sequence[_Block], name: str, kind: type) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=kind), *(block.columns[name] for block in blocks)]).astype(kind)
