"""Early warnings: what a firm or a machine does today against its own past, the season and its peers.

Of hours, output and energy the last weeks are compared with the months before them; what peers of the industry did in
the same weeks is taken off, so that holidays, seasons and a bad month of everybody alarm nobody. What was not observed
is no decline: it is a warning of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.monitoring.summary import LEVELS, Summary, summarise
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode, by_code, severity_of
from scoring.monitoring.watched import Floats, Ints, Watched
from scoring.monitoring.weakness import weakness_warnings

FLOOR = 0.02
"""A share of the usual below which a level counts as this: a stop has a finite depth."""

NORMAL_MAD = 1.4826
"""Of the median absolute deviation, to the standard deviation of a normal."""


def early_warnings(
    watched: Watched, values: Mapping[str, Any], *, dues: pd.DataFrame | None = None
) -> list[EarlyWarning]:
    """Every warning of today, by unit and code; of weakness where the obligors' instalments are told. `values` are the
    parameters of monitoring in force."""
    return warnings_of(summarise(watched, values, dues=dues), values)


def warnings_of(told: Summary, values: Mapping[str, Any]) -> list[EarlyWarning]:
    """The same of units that were summarised, block by block perhaps."""
    terms = values["monitoring"]["warnings"]
    is_seen = told.coverage >= terms["least_coverage"]
    found = list(_uncovered(told, terms))
    for code, measure in LEVELS.items():
        found += _fallen(told, code, decline(told.levels[measure], told.industry, terms), is_seen, terms)
    found += _stopped(told, is_seen, terms)
    found += _faulty(told, is_seen, terms)
    if told.weak:
        found += weakness_warnings(told.units, told.industry, told.weak, today=told.today, values=values)
    return sorted(found, key=by_code)


def decline(level: Floats, industry: Ints, terms: Mapping[str, Any]) -> Floats:
    """(unit,): how far a level has fallen, in standard deviations of its own past; NaN where its past is too short.

    Each window (unit, window) is the log of its level over the unit's mean. Less the industry's median window by
    window, the last is held against the spread of the ones before.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = _mean(level[:, :-1])
        log = np.log(np.maximum(level / usual[:, None], FLOOR))
    own = log - _peer_medians(log, industry, int(terms["least_peers"]))
    past = own[:, :-1]
    known = (~np.isnan(past)).sum(axis=1) >= int(terms["least_windows"])
    middle = _median(past)
    spread = np.maximum(NORMAL_MAD * _median(np.abs(past - middle[:, None])), terms["least_spread"])
    return np.where(known, (middle - own[:, -1]) / spread, np.nan)


def _fallen(
    told: Summary, code: WarningCode, strength: Floats, is_seen: NDArray[np.bool_], terms: Mapping[str, Any]
) -> Iterator[EarlyWarning]:
    level = told.levels[LEVELS[code]]
    for place in np.flatnonzero(is_seen & (strength >= terms["watch"])).tolist():
        evidence: dict[str, float | str] = {
            "measure": LEVELS[code],
            "recent_a_day": float(level[place, -1]),
            "usual_a_day": float(np.nanmean(level[place, :-1])),
            "recent_days": float(terms["recent_days"]),
        }
        yield _warning(told, place, code, float(strength[place]), terms=terms, evidence=evidence)


def _stopped(told: Summary, is_seen: NDArray[np.bool_], terms: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    """Nothing executed on so many observed days in a row, while most peers worked."""
    working: dict[int, tuple[int, float]] = {}
    for place in np.flatnonzero(told.stands_still & told.worked_before & is_seen).tolist():
        industry = int(told.industry[place])
        if industry not in working:
            peers = told.industry == industry
            working[industry] = int(peers.sum()), float(told.works[peers].mean())
        count, share = working[industry]
        if count < terms["least_peers"] or share >= terms["peers_working_share"]:
            yield EarlyWarning(
                unit=told.units[place],
                day=told.today,
                code=WarningCode.STOPPED,
                severity=Severity.CRITICAL,
                strength=float(terms["critical"]),
                evidence={"idle_days": float(terms["stopped_days"]), "peers_working_share": share},
            )


def _faulty(told: Summary, is_seen: NDArray[np.bool_], terms: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    """A larger share of working time in fault than usual, in standard deviations of the windows before."""
    past = told.fault_share[:, :-1]
    known = (~np.isnan(past)).sum(axis=1) >= int(terms["least_windows"])
    middle = _median(past)
    spread = np.maximum(NORMAL_MAD * _median(np.abs(past - middle[:, None])), terms["least_fault_spread"])
    strength = np.where(known, (told.fault_share[:, -1] - middle) / spread, np.nan)
    for place in np.flatnonzero(is_seen & (strength >= terms["watch"])).tolist():
        evidence: dict[str, float | str] = {
            "measure": "fault_share",
            "recent": float(told.fault_share[place, -1]),
            "usual": float(middle[place]),
            "recent_days": float(terms["recent_days"]),
        }
        yield _warning(told, place, WarningCode.MORE_FAULTS, float(strength[place]), terms=terms, evidence=evidence)


def _uncovered(told: Summary, terms: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    for place in np.flatnonzero(told.coverage < terms["least_coverage"]).tolist():
        evidence: dict[str, float | str] = {
            "coverage": float(told.coverage[place]),
            "least_coverage": float(terms["least_coverage"]),
        }
        yield EarlyWarning(
            unit=told.units[place],
            day=told.today,
            code=WarningCode.LOW_COVERAGE,
            severity=Severity.WATCH,
            strength=float(terms["watch"]),
            evidence=evidence,
        )


def _warning(
    told: Summary,
    place: int,
    code: WarningCode,
    strength: float,
    *,
    terms: Mapping[str, Any],
    evidence: Mapping[str, float | str],
) -> EarlyWarning:
    return EarlyWarning(
        unit=told.units[place],
        day=told.today,
        code=code,
        severity=severity_of(strength, terms),
        strength=strength,
        evidence=evidence,
    )


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
