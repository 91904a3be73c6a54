"""Early warnings: what a firm or a machine does today against its own past, the season and its peers.

Of hours, output and energy the last weeks are compared with the months before them; what peers of the industry did in
the same weeks is taken off, so that holidays, seasons and a bad month of everybody alarm nobody. What was not observed
is no decline: it is a warning of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLOOR = 0.02
"""A share of the usual below which a level counts as this: a stop has a finite depth."""

NORMAL_MAD = 1.4826
"""Of the median absolute deviation, to the standard deviation of a normal."""


class WarningCode(StrEnum):
    """What is warned of; stable across versions."""

    LOW_HOURS = "low_hours"
    LOW_OUTPUT = "low_output"
    LOW_ENERGY = "low_energy"
    STOPPED = "stopped"
    MORE_FAULTS = "more_faults"
    LOW_COVERAGE = "low_coverage"
    MOVED = "moved"
    TRUST_FINDING = "trust_finding"
    BUYER_TROUBLE = "buyer_trouble"
    EXTERNAL_EVENT = "external_event"


class Severity(IntEnum):
    """How much a warning weighs."""

    WATCH = 1
    SERIOUS = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyWarning:
    """One warning of a unit (an obligor, or a machine of it) on a day, with the figures that it rests on.

    `strength` is in standard deviations of the unit's own past, above its usual where it is worse.
    """

    unit: str
    day: date
    code: WarningCode
    severity: Severity
    strength: float
    evidence: Mapping[str, float | str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watched:
    """Units over days up to today: `measures` by name (`executing_seconds`, `parts`, `energy_kwh`, `fault_seconds`,
    `observed_seconds`, `owned_seconds`), each (unit, day) with NaN where nothing was told; `industry` (unit,)."""

    units: Sequence[str]
    industry: Ints
    today: date
    measures: Mapping[str, Floats]


LEVELS: Mapping[WarningCode, str] = {
    WarningCode.LOW_HOURS: "executing_seconds",
    WarningCode.LOW_OUTPUT: "parts",
    WarningCode.LOW_ENERGY: "energy_kwh",
}


def early_warnings(watched: Watched, values: Mapping[str, Any]) -> list[EarlyWarning]:
    """Every warning of today, by unit and code. `values` are the parameters of monitoring in force."""
    terms = values["monitoring"]["warnings"]
    covered = recent_coverage(watched, int(terms["recent_days"]))
    is_seen = covered >= terms["least_coverage"]
    found = list(_uncovered(watched, covered, terms))
    for code, measure in LEVELS.items():
        found += _fallen(watched, code, decline(watched, measure, terms), is_seen, terms)
    found += _stopped(watched, is_seen, terms)
    found += _faulty(watched, is_seen, terms)
    return sorted(found, key=lambda item: (item.unit, list(WarningCode).index(item.code)))


def recent_coverage(watched: Watched, days: int) -> Floats:
    """(unit,): the share of owned time that was observed lately; 1 where nothing was owned."""
    observed = np.nansum(watched.measures["observed_seconds"][:, -days:], axis=1)
    owned = np.nansum(watched.measures["owned_seconds"][:, -days:], axis=1)
    return np.asarray(np.divide(observed, owned, out=np.ones(len(owned)), where=owned > 0))


def decline(watched: Watched, measure: str, terms: Mapping[str, Any]) -> Floats:
    """(unit,): how far a level has fallen, in standard deviations of its own past; NaN where its past is too short.

    Windows of `recent_days` go back over the reference; each is the log of its level over the unit's mean. Less the
    industry's median window by window, the last is held against the spread of the ones before.
    """
    recent, reference = int(terms["recent_days"]), int(terms["reference_days"])
    level = _window_means(watched.measures[measure], recent, 1 + reference // recent)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = _mean(level[:, :-1])
        log = np.log(np.maximum(level / usual[:, None], FLOOR))
    own = log - _peer_medians(log, watched.industry, int(terms["least_peers"]))
    past = own[:, :-1]
    known = (~np.isnan(past)).sum(axis=1) >= int(terms["least_windows"])
    middle = _median(past)
    spread = np.maximum(NORMAL_MAD * _median(np.abs(past - middle[:, None])), terms["least_spread"])
    return np.where(known, (middle - own[:, -1]) / spread, np.nan)


def _fallen(
    watched: Watched, code: WarningCode, strength: Floats, is_seen: NDArray[np.bool_], terms: Mapping[str, Any]
) -> Iterator[EarlyWarning]:
    for place in np.flatnonzero(is_seen & (strength >= terms["watch"])).tolist():
        yield _warning(watched, place, code, float(strength[place]), terms, measure=LEVELS[code])


def _stopped(watched: Watched, is_seen: NDArray[np.bool_], terms: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    """Nothing executed on so many observed days in a row, while most peers worked."""
    days = int(terms["stopped_days"])
    executed = watched.measures["executing_seconds"]
    last = executed[:, -days:]
    is_idle = (np.nan_to_num(last, nan=1.0) == 0).all(axis=1)
    worked_before = np.nansum(executed[:, :-days], axis=1) > 0
    working = np.nansum(last, axis=1) > 0
    for place in np.flatnonzero(is_idle & worked_before & is_seen).tolist():
        peers = watched.industry == watched.industry[place]
        if peers.sum() < terms["least_peers"] or working[peers].mean() >= terms["peers_working_share"]:
            yield EarlyWarning(
                unit=watched.units[place],
                day=watched.today,
                code=WarningCode.STOPPED,
                severity=Severity.CRITICAL,
                strength=float(terms["critical"]),
                evidence={"idle_days": float(days), "peers_working_share": float(working[peers].mean())},
            )


def _faulty(watched: Watched, is_seen: NDArray[np.bool_], terms: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    """A larger share of powered time in fault than usual, in standard deviations of the windows before."""
    recent, reference = int(terms["recent_days"]), int(terms["reference_days"])
    count = 1 + reference // recent
    faults = _window_means(watched.measures["fault_seconds"], recent, count)
    worked = _window_means(watched.measures["executing_seconds"], recent, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(worked + faults > 0, faults / (worked + faults), np.nan)
    past = share[:, :-1]
    known = (~np.isnan(past)).sum(axis=1) >= int(terms["least_windows"])
    middle = _median(past)
    spread = np.maximum(NORMAL_MAD * _median(np.abs(past - middle[:, None])), terms["least_fault_spread"])
    strength = np.where(known, (share[:, -1] - middle) / spread, np.nan)
    for place in np.flatnonzero(is_seen & (strength >= terms["watch"])).tolist():
        yield _warning(watched, place, WarningCode.MORE_FAULTS, float(strength[place]), terms, measure="fault_seconds")


def _uncovered(watched: Watched, covered: Floats, terms: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    for place in np.flatnonzero(covered < terms["least_coverage"]).tolist():
        yield EarlyWarning(
            unit=watched.units[place],
            day=watched.today,
            code=WarningCode.LOW_COVERAGE,
            severity=Severity.WATCH,
            strength=float(terms["watch"]),
            evidence={"coverage": float(covered[place]), "least_coverage": float(terms["least_coverage"])},
        )


def _warning(
    watched: Watched, place: int, code: WarningCode, strength: float, terms: Mapping[str, Any], *, measure: str
) -> EarlyWarning:
    recent = int(terms["recent_days"])
    told = watched.measures[measure][place]
    return EarlyWarning(
        unit=watched.units[place],
        day=watched.today,
        code=code,
        severity=_severity(strength, terms),
        strength=strength,
        evidence={
            "measure": measure,
            "recent_a_day": float(np.nanmean(told[-recent:])),
            "usual_a_day": float(np.nanmean(told[-recent - int(terms["reference_days"]) : -recent])),
            "recent_days": float(recent),
        },
    )


def _severity(strength: float, terms: Mapping[str, Any]) -> Severity:
    if strength >= terms["critical"]:
        return Severity.CRITICAL
    return Severity.SERIOUS if strength >= terms["serious"] else Severity.WATCH


def _window_means(values: Floats, days: int, count: int) -> Floats:
    """(unit, window): means over windows that end today, the earliest first; NaN where nothing was told in one."""
    count = min(count, values.shape[1] // days)
    shaped = values[:, values.shape[1] - count * days :].reshape(len(values), count, days)
    told = ~np.isnan(shaped)
    total = np.where(told, shaped, 0.0).sum(axis=2)
    return np.asarray(np.divide(total, told.sum(axis=2), out=np.full(total.shape, np.nan), where=told.any(axis=2)))


def _peer_medians(log: Floats, industry: Ints, least: int) -> Floats:
    """(unit, window): the median of the unit's industry; of all where it has too few."""
    every = _median(log.T)
    medians = np.tile(np.nan_to_num(every), (len(log), 1))
    for name in np.unique(industry):
        members = industry == name
        if members.sum() >= least:
            medians[members] = np.nan_to_num(_median(log[members].T))
    return medians


def _median(values: Floats) -> Floats:
    """(row,): the median of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    result = np.full(len(values), np.nan)
    rows = known.any(axis=1)
    result[rows] = np.nanmedian(values[rows], axis=1)
    return result


def _mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))
