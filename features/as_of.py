"""What could be known as of an instant: machine-days, feature matrices and training sets, without a look ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.reference.dated import ParameterBook
from features.catalogue import CATALOGUE
from features.cover import cover_columns
from features.grid.matrices import feature_grid
from features.history import Array, Level
from features.loading import load_machine_days
from features.machine_day.arrow import micros
from features.machine_day.days import to_micros
from features.matrix import FeatureMatrix, feature_matrix

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

__all__ = [
    "CreditTrainingSet",
    "FeatureMatrix",
    "InsuranceTrainingSet",
    "credit_training_set",
    "feature_matrix",
    "insurance_training_set",
    "load_machine_days",
    "twelve_months_after",
]

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTrainingSet:
    """Obligors as they were known at each `as_of`, and whether they defaulted within the twelve months after it.

    One row for each obligor and instant: `as_of` and `observed_until` (the end of its performance window) are
    datetime64[us] in UTC, `values` is (row, name) float64 with NaN where missing, `defaulted` says whether the first
    default event lies in (as_of, observed_until].
    """

    obligor_ids: Sequence[str]
    as_of: NDArray[np.datetime64]
    observed_until: NDArray[np.datetime64]
    names: Sequence[str]
    values: Array
    defaulted: NDArray[np.bool_]


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


def credit_training_set(
    reader: ObservationReader, *, as_ofs: Sequence[datetime], parameters: ParameterBook, known_until: datetime
) -> CreditTrainingSet:
    """Obligors at each of `as_ofs`, labelled by their first default event within twelve months after it.

    Features see what was recorded by their `as_of`; labels, what was recorded by `known_until`. Instants whose twelve
    months are not over by then are left out (censored), as are obligors with a default event at or before the instant
    and obligors of whom no feature is known.
    """
    first_default = _first_defaults(reader, known_until)
    blocks = []
    complete = [as_of for as_of in as_ofs if twelve_months_after(as_of) <= known_until]
    grid = feature_grid(reader, as_ofs=complete, level=Level.OBLIGOR, parameters=parameters)
    for as_of, matrix in grid.items():
        until = twelve_months_after(as_of)
        default = np.array([first_default.get(unit, _NEVER) for unit in matrix.units], dtype=np.int64)
        rows = np.flatnonzero((default > to_micros(as_of)) & ~np.isnan(matrix.values).all(axis=1))
        blocks.append(_Block(matrix, rows, as_of, until, {"defaulted": default[rows] <= to_micros(until)}))
    return CreditTrainingSet(
        obligor_ids=_units(blocks),
        as_of=_instants(blocks, "as_of"),
        observed_until=_instants(blocks, "until"),
        names=tuple(CATALOGUE),
        values=_values(blocks),
        defaulted=_column(blocks, "defaulted", np.bool_),
    )


def insurance_training_set(
    reader: ObservationReader, *, as_ofs: Sequence[datetime], parameters: ParameterBook, known_until: datetime
) -> InsuranceTrainingSet:
    """Machines at each of `as_ofs` with the insurance claims of the twelve months after it, or up to `known_until`.

    Features see what was recorded by their `as_of`; policies and claims, what was recorded by `known_until`. A
    machine under several policies at once is exposed once.
    """
    covers = reader.rows(RecordKind.INSURANCE_POLICY, as_of=known_until)
    claims = reader.rows(RecordKind.INSURANCE_CLAIM, as_of=known_until)
    blocks = []
    begun = [as_of for as_of in as_ofs if as_of < known_until]
    grid = feature_grid(reader, as_ofs=begun, level=Level.MACHINE, parameters=parameters)
    for as_of, matrix in grid.items():
        until = min(twelve_months_after(as_of), known_until)
        columns = cover_columns(covers, claims, units=matrix.units, after=to_micros(as_of), until=to_micros(until))
        rows = np.flatnonzero(columns["exposure_years"] > 0)
        blocks.append(_Block(matrix, rows, as_of, until, {name: values[rows] for name, values in columns.items()}))
    return InsuranceTrainingSet(
        machine_uids=_units(blocks),
        obligor_ids=tuple(block.matrix.obligor_ids[row] for block in blocks for row in block.rows),
        as_of=_instants(blocks, "as_of"),
        observed_until=_instants(blocks, "until"),
        names=tuple(CATALOGUE),
        values=_values(blocks),
        exposure_years=_column(blocks, "exposure_years", np.float64),
        claim_counts=_column(blocks, "claim_counts", np.int64),
        claim_amounts_minor=_column(blocks, "claim_amounts_minor", np.int64),
        sums_insured_minor=_column(blocks, "sums_insured_minor", np.int64),
        currencies=tuple(_column(blocks, "currencies", np.object_)),
    )


def twelve_months_after(instant: datetime) -> datetime:
    """The same clock time of the same date a year later, in the zone of `instant`; 28 February after a 29th."""
    try:
        return instant.replace(year=instant.year + 1)
    except ValueError:
        return instant.replace(year=instant.year + 1, day=28)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The rows of a matrix that a training set takes at one instant, with what became of them."""

    matrix: FeatureMatrix
    rows: NDArray[np.int64]
    as_of: datetime
    until: datetime
    columns: dict[str, NDArray[Any]]


def _units(blocks: Sequence[_Block]) -> tuple[str, ...]:
    return tuple(block.matrix.units[row] for block in blocks for row in block.rows)


def _values(blocks: Sequence[_Block]) -> Array:
    return np.concatenate([np.empty((0, len(CATALOGUE))), *(block.matrix.values[block.rows] for block in blocks)])


def _instants(blocks: Sequence[_Block], name: str) -> NDArray[np.datetime64]:
    instants = [np.full(len(block.rows), to_micros(getattr(block, name))) for block in blocks]
    return np.concatenate([np.empty(0, dtype=np.int64), *instants]).astype("datetime64[us]")


def _column(blocks: Sequence[_Block], name: str, kind: type) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=kind), *(block.columns[name] for block in blocks)]).astype(kind)


def _first_defaults(reader: ObservationReader, known_until: datetime) -> dict[str, int]:
    """Instant of each obligor's first default event (microseconds)."""
    events = reader.rows(RecordKind.DEFAULT_EVENT, as_of=known_until)
    first: dict[str, int] = {}
    for obligor, instant in zip(events["obligor_id"].to_pylist(), micros(events["event_time"]).tolist(), strict=True):
        first[obligor] = min(first.get(obligor, instant), instant)
    return first
