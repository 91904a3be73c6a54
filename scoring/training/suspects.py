"""The leak detectors run on a training set: what must be looked at before a model is fitted on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from data_contracts.contract import RecordKind
from data_contracts.reference.calendars import add_months
from data_contracts.reference.dated import ParameterBook
from features.as_of import CreditObservations, InsuranceTrainingSet
from features.catalogue import CATALOGUE
from features.history import Level
from features.matrix import feature_matrix
from scoring.training.leakage import (
    Finding,
    TrainingTable,
    as_known_then,
    drift,
    duplicates,
    event_study,
    ownership_overlap,
    single_feature_auc,
    undeclared_columns,
)
from scoring.training.split import instants_of

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

LEAST_ROWS = 100
"""Slices with fewer rows tell nothing of drift."""


def suspected_in_credit(
    reader: ObservationReader, data: CreditObservations, parameters: ParameterBook
) -> list[Finding]:
    """What the detectors find in the rows of a fixed horizon: columns that alone tell defaults, steps at the default,
    drift between two years' same month, repeated rows, undeclared columns, machines of two owners at once, and values
    that a second reading as of one instant does not give."""
    kept = np.flatnonzero(~data.censored)
    found = undeclared_columns(data.names, declared=CATALOGUE)
    if not len(kept):
        return found
    table = TrainingTable(
        obligor_ids=[data.obligor_ids[row] for row in kept.tolist()],
        as_of=data.as_of[kept],
        names=data.names,
        values=data.values[kept],
        defaulted=data.defaulted[kept],
        default_times=data.default_times[kept],
    )
    return [
        *found,
        *single_feature_auc(table),
        *event_study(table),
        *duplicates(table),
        *_drift(table),
        *_owners(reader, instants_of(data.as_of)[-1]),
        *_second_reading(reader, table, parameters),
    ]


def suspected_in_insurance(
    reader: ObservationReader, data: InsuranceTrainingSet, known_until: datetime
) -> list[Finding]:
    """What the detectors of structure find in machines under cover: undeclared columns, repeated rows, and machines of
    two owners at once. Claims come from working machines too: no figure of one column tells a leak."""
    never = np.full(len(data.as_of), "NaT", dtype="datetime64[us]")
    table = TrainingTable(
        obligor_ids=data.obligor_ids,
        as_of=data.as_of,
        names=data.names,
        values=data.values,
        defaulted=data.claim_counts > 0,
        default_times=never,
    )
    rows = duplicates(table) if len(data.as_of) else []
    return [*undeclared_columns(data.names, declared=CATALOGUE), *rows, *_owners(reader, known_until)]


def _drift(table: TrainingTable) -> list[Finding]:
    """Rows of the last instant against those of a year before it, of which the outcomes are known as well."""
    last = instants_of(table.as_of)[-1]
    earlier, later = (_stamp(instant) for instant in (add_months(last, -12), last))
    if min(np.count_nonzero(table.as_of == stamp) for stamp in (earlier, later)) < LEAST_ROWS:
        return []
    return drift(table, earlier=earlier, later=later, declared=CATALOGUE)


def _stamp(instant: datetime) -> np.datetime64:
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us")


def _owners(reader: ObservationReader, as_of: datetime) -> list[Finding]:
    rows = reader.rows(
        RecordKind.MACHINE_OWNERSHIP,
        as_of=as_of,
        columns=("machine_uid", "serial", "obligor_id", "event_time", "owned_until"),
    )
    names = zip(rows["serial"].to_pylist(), rows["machine_uid"].to_pylist(), strict=True)
    starts, ends = (rows[name].to_numpy().astype("datetime64[us]") for name in ("event_time", "owned_until"))
    return ownership_overlap([serial or uid for serial, uid in names], rows["obligor_id"].to_pylist(), starts, ends)


def _second_reading(reader: ObservationReader, table: TrainingTable, parameters: ParameterBook) -> list[Finding]:
    """The last instant's rows against a matrix that is read and computed for that instant alone."""
    (*_, last) = instants_of(table.as_of)
    rows = np.flatnonzero(table.as_of == _stamp(last))
    matrix = feature_matrix(reader, as_of=last, level=Level.OBLIGOR, parameters=parameters)
    position = {unit: at for at, unit in enumerate(matrix.units)}
    again = matrix.values[[position[table.obligor_ids[row]] for row in rows.tolist()]]
    return as_known_then(table.values[rows], again, table.names)
