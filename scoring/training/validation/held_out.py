"""Rows that a model's trees were not grown on, with what it says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.dated import ParameterBook
from features.as_of import CreditTrainingSet
from scoring.boosters import mean_of_members
from scoring.cards import Slice, within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import PdScale
from scoring.training.split import rows_at

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """A slice: inputs (n, k), `pd` and outcomes (n), whose row it is (n) and of when (n)."""

    values: Matrix
    pd: Matrix
    defaulted: Mask
    obligor_ids: NDArray[np.str_]
    as_of: NDArray[np.datetime64]

    @property
    def log_odds(self) -> Matrix:
        """Log-odds of the PDs."""
        return np.asarray(np.log(self.pd) - np.log1p(-self.pd))

    def at(self, chosen: Mask | NDArray[np.int64]) -> HeldOut:
        """The chosen rows."""
        return HeldOut(
            values=self.values[chosen],
            pd=self.pd[chosen],
            defaulted=self.defaulted[chosen],
            obligor_ids=self.obligor_ids[chosen],
            as_of=self.as_of[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """A model under examination: it, the figures in force, and its three slices."""

    artefact: CreditArtefact
    parameters: Mapping[str, Any]
    scale: PdScale
    train: HeldOut
    calibrate: HeldOut
    test: HeldOut

    def pd(self, values: Matrix) -> Matrix:
        """PDs of rows of inputs (n, k)."""
        margins = mean_of_members(list(self.artefact.bag.margins(within_reach(values, self.artefact.card.features))))
        return np.array([self.scale.pd_12m(float(margin)) for margin in margins])


def examined(artefact: CreditArtefact, data: CreditTrainingSet, parameters: ParameterBook) -> Examined:
    """The model with the rows of its card's slices, as training saw them."""
    card, values = artefact.card, parameters.at(artefact.card.test.as_ofs[-1])
    scale = PdScale(
        calibrator=card.calibrator.calibrator(),
        reference_rate=card.reference_rate,
        central_tendency=values["central_tendency"],
        floor=values["pd_floor"],
    )
    slices = {name: _slice(artefact, data, scale, getattr(card, name)) for name in ("train", "calibrate", "test")}
    return Examined(artefact=artefact, parameters=values, scale=scale, **slices)


def _slice(artefact: CreditArtefact, data: CreditTrainingSet, scale: PdScale, named: Slice) -> HeldOut:
    rows = rows_at(data.as_of, data.obligor_ids, named.as_ofs)
    columns = np.array([list(data.names).index(feature.key) for feature in artefact.card.features])
    values = within_reach(np.ascontiguousarray(data.values[np.ix_(rows, columns)]), artefact.card.features)
    margins = mean_of_members(list(artefact.bag.margins(values)))
    return HeldOut(
        values=values,
        pd=np.array([scale.pd_12m(float(margin)) for margin in margins]),
        defaulted=data.defaulted[rows],
        obligor_ids=np.array([data.obligor_ids[row] for row in rows]),
        as_of=data.as_of[rows],
    )
