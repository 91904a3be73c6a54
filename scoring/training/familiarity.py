"""Fitting where training rows lie, and how far out a row may be before a person is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from features.machine_types import MachineTypes
from scoring.credit.card import FamiliarityCard, MachineTypesCard
from scoring.credit.familiarity import Column, TrainingCloud, lower_triangle, standardised

Matrix = NDArray[np.float64]

USUAL_PERCENTILES = (1, 99)
SIGNIFICANT_DIGITS = 9
"""Of what linear algebra gives, so that its last bits do not enter a model's version."""


class Observed(Protocol):
    """Rows as observed: `values` (n, k), NaN where missing, whose each is (n), of which industry (n, or None), and with
    machines of which types (n, or None)."""

    @property
    def values(self) -> Matrix: ...

    @property
    def obligor_ids(self) -> Sequence[str]: ...

    @property
    def divisions(self) -> Sequence[str | None] | None: ...

    @property
    def machine_types(self) -> Sequence[MachineTypes | None] | None: ...


def fit_familiarity(
    features: Sequence[Column],
    train: Observed,
    calibrate: Observed,
    test: Observed,
    *,
    settings: Mapping[str, Any],
) -> FamiliarityCard:
    """Where the rows of `train` lie, which industries they are of, and which types of machines they run.

    The limit is the percentile `familiar_percentile` of the distances of `calibrate`, later rows of which nothing here
    was fitted; `referred` tells which share of `test`, later still, it would refer. Features are standardised by the
    medians and by the usual distance on either side, since most have one long tail; a missing value counts as the
    median in the covariance, which is shrunk as Ledoit and Wolf (2004) say.
    """
    cloud = cloud_of(features, train.values, usual_missing_share=settings["familiar_missing_share"])
    limit = limit_of(cloud.distances(calibrate.values), settings)
    known = known_divisions(train, least_firms=settings["familiar_division_firms"])
    types = known_machine_types(train, settings)
    told = card_of(cloud, limit).model_copy(update={"divisions": known, "machine_types": types})
    judged = told.cloud(features)
    untold = [None] * len(test.values)
    referred = [
        not judged.judge(row, division=division, machine_types=machines).is_familiar
        for row, division, machines in zip(
            test.values, test.divisions or untold, test.machine_types or untold, strict=True
        )
    ]
    return told.model_copy(update={"referred": float(np.mean(referred))})


def limit_of(distances: Matrix, settings: Mapping[str, Any]) -> float:
    """How far out a row may be, by the distances of rows of which nothing was fitted."""
    return _rounded(np.percentile(distances, settings["familiar_percentile"]))


def card_of(cloud: TrainingCloud, limit: float) -> FamiliarityCard:
    """The numbers of a cloud with that limit; nobody has been judged by it yet."""
    return FamiliarityCard(
        centres=tuple(cloud.centres.tolist()),
        below=tuple(cloud.below.tolist()),
        above=tuple(cloud.above.tolist()),
        means=tuple(cloud.means.tolist()),
        covariance=lower_triangle(cloud.covariance),
        usual=tuple((lower, upper) for lower, upper in cloud.usual.tolist()),
        always_told=tuple(sorted(cloud.always_told)),
        limit=limit,
        referred=0.0,
    )


def known_divisions(rows: Observed, *, least_firms: int) -> dict[str, int] | None:
    """How many firms of each industry are among the rows, of those with enough; None where no row tells its own."""
    if rows.divisions is None:
        return None
    told = {(name, firm) for name, firm in zip(rows.divisions, rows.obligor_ids, strict=True) if name is not None}
    firms = Counter(name for name, _ in sorted(told))
    return {division: count for division, count in firms.items() if count >= least_firms} if firms else None


def known_machine_types(rows: Observed, settings: Mapping[str, Any]) -> MachineTypesCard | None:
    """How many firms among the rows ran each type of machines as at least `familiar_machine_share` of theirs, of types
    with enough of them. No type is known where less than `familiar_machine_types_told` of the rows told theirs: what
    so many lack is not missed of anybody. None where no row told any."""
    shares = [None if types is None else types.shares() for types in rows.machine_types or ()]
    if not any(shares):
        return None
    share, least = settings["familiar_machine_share"], settings["familiar_machine_type_firms"]
    is_told = [of_row is not None and of_row.get(None, 0.0) < share for of_row in shares]
    ran = {
        (name, firm)
        for of_row, firm in zip(shares, rows.obligor_ids, strict=True)
        for name, part in (of_row or {}).items()
        if name is not None and part >= share
    }
    firms = Counter(name for name, _ in sorted(ran))
    told = float(np.mean(is_told))
    is_enough = told >= settings["familiar_machine_types_told"]
    known = {name: count for name, count in firms.items() if count >= least} if is_enough else None
    return MachineTypesCard(firms=known, share=share, told=told)


def cloud_of(features: Sequence[Column], train: Matrix, *, usual_missing_share: float) -> TrainingCloud:
    """Where the rows of `train` (n, k) lie, NaN where missing; every feature is told somewhere. Distances are in units
    of their own."""
    centres = np.nanmedian(train, axis=0)
    below, above = _scales(train - centres)
    below, above = (np.array([_rounded(value) for value in scales]) for scales in (below, above))
    fitted = LedoitWolf().fit(np.nan_to_num(standardised(train, centres, below, above)))
    families = np.array([feature.family for feature in features])
    return TrainingCloud(
        keys=tuple(feature.key for feature in features),
        families=tuple(families.tolist()),
        centres=centres,
        below=below,
        above=above,
        means=np.array([_rounded(value) for value in fitted.location_]),
        covariance=np.array([[_rounded(value) for value in row] for row in fitted.covariance_]),
        usual=np.nanpercentile(train, USUAL_PERCENTILES, axis=0).T,
        always_told=frozenset(
            family
            for family in set(families.tolist())
            if np.isnan(train[:, families == family]).all(axis=1).mean() < usual_missing_share
        ),
        limit=1.0,
    )


def _scales(away: Matrix) -> tuple[Matrix, Matrix]:
    """Root mean square distances from the centre below and above it; a side on which no row lies has the other's, and a
    feature that was always the same counts in whole units."""
    below, above = (_root_mean_square(np.where(side, away, np.nan)) for side in (away < 0, away > 0))
    below, above = np.where(np.isnan(below), above, below), np.where(np.isnan(above), below, above)
    return np.nan_to_num(below, nan=1.0), np.nan_to_num(above, nan=1.0)


def _root_mean_square(values: Matrix) -> Matrix:
    """Of each column over what is there; NaN where nothing is."""
    count = (~np.isnan(values)).sum(axis=0)
    squares = np.nansum(values**2, axis=0)
    return np.asarray(np.sqrt(np.divide(squares, count, out=np.full(len(count), np.nan), where=count > 0)))


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
