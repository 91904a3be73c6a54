"""Every feature of every unit as of one instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from data_contracts.observations.remembered import Observations
from data_contracts.reference.dated import ParameterBook
from features.catalogue import CATALOGUE, evaluate
from features.declaration import HISTORY_DAYS, MACHINE_DAYS
from features.feature_history import feature_history, machine_history, of_industries
from features.history import Array, Level
from features.ledgers import MACHINE_KINDS, load_ledgers
from features.loading import history_begins, load_machine_days
from features.peer_loading import divisions_at
from features.peer_reference import PeerReference
from features.settings import settings_at


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMatrix:
    """Features of many units as of one instant: `values` is (unit, name) float64, NaN where missing; `history_days`
    the days of each unit's history from its first observed one on."""

    units: Sequence[str]
    obligor_ids: Sequence[str]
    names: Sequence[str]
    values: Array
    history_days: NDArray[np.int64]


def feature_matrix(
    reader: Observations,
    *,
    as_of: datetime,
    level: Level,
    parameters: ParameterBook,
    peers: PeerReference | None = None,
) -> FeatureMatrix:
    """Every feature of the catalogue for every unit with machine-days in the days of its history (`HISTORY_DAYS`).

    Without `peers` what compares with them is missing.
    """
    days = HISTORY_DAYS if level is Level.OBLIGOR else MACHINE_DAYS
    machine_days, _ = load_machine_days(reader, as_of=as_of, first_day=history_begins(as_of, days))
    uids = machine_days.machine_uids
    if level is Level.OBLIGOR:
        ledgers = load_ledgers(reader, as_of=as_of, machine_uids=uids)
        history = of_industries(feature_history(machine_days, ledgers, as_of=as_of), divisions_at(reader, as_of))
    else:
        ledgers = load_ledgers(reader, as_of=as_of, machine_uids=uids, kinds=MACHINE_KINDS)
        history = machine_history(machine_days, ledgers, as_of=as_of)
    found = evaluate(history, settings_at(parameters, as_of), peers)
    return FeatureMatrix(
        units=history.units,
        obligor_ids=history.obligor_ids,
        names=tuple(CATALOGUE),
        values=found.values,
        history_days=history.length - history.first_observed,
    )
