"""Weak production: how a firm has worked over months, and paid its instalments, beside its peers in the same months.

A fall against a firm's own past says that something happened; a firm that has worked little, unevenly, with much scrap
and many faults for half a year says nothing new and is in danger nevertheless. Each signal is held against the median
of the industry, in spreads that were measured once; their weighted sum is the weakness, and every warning names its
parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.monitoring.vocabulary import EarlyWarning, WarningCode, severity_of
from scoring.monitoring.watched import Floats, Ints, Watched

FLOOR = 0.005
"""A share of observed time below which a firm counts as working this little: a stop has a finite depth."""

LEAST_HOURS = 20.0
"""Executing hours below which a number of faults says little of their rate."""

LIMIT = 3.0
"""Spreads beyond which a signal says no more."""

SUNDAY = 6


def weakness_warnings(
    units: Sequence[str], industry: Ints, signs: Mapping[str, Floats], *, today: date, values: Mapping[str, Any]
) -> Iterator[EarlyWarning]:
    """Of obligors whose weakness is beyond a threshold. `values` are the parameters of monitoring in force."""
    terms = values["monitoring"]["weakness"]
    parts = weighted(signs, industry, terms)
    total = sum(parts.values(), np.zeros(len(units)))
    for place in np.flatnonzero(total >= terms["watch"]).tolist():
        strength = float(total[place])
        yield EarlyWarning(
            unit=units[place],
            day=today,
            code=WarningCode.WEAK_PRODUCTION,
            severity=severity_of(strength, terms),
            strength=strength,
            evidence={name: round(float(part[place]), 4) for name, part in parts.items()},
        )


def weighted(signs: Mapping[str, Floats], industry: Ints, terms: Mapping[str, Any]) -> dict[str, Floats]:
    """(unit,) by signal: its share of the weakness, 0 where it is not known."""
    return {
        name: float(term["weight"])
        * np.nan_to_num(np.clip(against_peers(signs[name], industry, terms) / term["spread"], -LIMIT, LIMIT))
        for name, term in terms["signals"].items()
    }


def signals(watched: Watched, terms: Mapping[str, Any], dues: pd.DataFrame) -> dict[str, Floats]:
    """(unit,) by name, each the higher the worse: those of the machines, and instalments paid late. `dues` are the
    instalments of these obligors as known, under the contract's column names."""
    days = int(terms["long_days"])
    late = late_instalments(dues, watched.units, today=watched.today, days=days, terms=terms)
    return {**machine_signals(watched, terms), "late_instalments": late}


def machine_signals(watched: Watched, terms: Mapping[str, Any]) -> dict[str, Floats]:
    """(unit,) by name: little work over half a year and lately, uneven days, scrap, faults, and maintenance put off;
    NaN where too little was seen."""
    long, middle, short = (int(terms[name]) for name in ("long_days", "middle_days", "short_days"))
    return {
        "low_hours_long": -_log_share(watched, long, terms),
        "low_hours_short": -_log_share(watched, short, terms),
        "uneven_days": _unevenness(watched, middle, terms),
        "scrap": _scrap(watched, middle),
        "faults": _faults(watched, long, terms),
        "little_maintenance": -_log_maintenance(watched, long, terms),
    }


def late_instalments(
    dues: pd.DataFrame, units: Sequence[str], *, today: date, days: int, terms: Mapping[str, Any]
) -> Floats:
    """(unit,): mean over the instalments that fell due in these days of the log of one and the days that each was, or
    still is, late; NaN where none fell due. Days beyond `most_days_late` say no more: what has long been unpaid is in
    arrears, which are a matter of their own."""
    on = pd.to_datetime(dues["due_date"])
    known = dues[(on > pd.Timestamp(today) - pd.Timedelta(days=days)) & (on <= pd.Timestamp(today))]
    is_paid = known["amount_paid_minor"] >= known["amount_due_minor"]
    until = pd.to_datetime(known["paid_date"]).where(is_paid, pd.Timestamp(today))
    late = (until - pd.to_datetime(known["due_date"])).dt.days.clip(lower=0, upper=int(terms["most_days_late"]))
    means = np.log1p(late.astype(np.float64)).groupby(known["obligor_id"]).mean()
    return np.asarray(means.reindex(list(units)), dtype=np.float64)


def against_peers(signal: Floats, industry: Ints, terms: Mapping[str, Any]) -> Floats:
    """(unit,): less the median of the industry; of all where the industry has too few."""
    known = ~np.isnan(signal)
    if not known.any():
        return signal
    medians = np.full(len(signal), np.median(signal[known]))
    for name in np.unique(industry[known]):
        members = (industry == name) & known
        if members.sum() >= terms["least_peers"]:
            medians[industry == name] = np.median(signal[members])
    return signal - medians


def _log_share(watched: Watched, days: int, terms: Mapping[str, Any]) -> Floats:
    """Log of the share of observed time in which machines executed."""
    observed, executed = (_sum(watched.measures[name], days) for name in ("observed_seconds", "executing_seconds"))
    share = np.divide(executed, observed, out=np.full(len(executed), np.nan), where=_is_seen(watched, days, terms))
    return np.asarray(np.log(np.maximum(share, FLOOR)))


def _unevenness(watched: Watched, days: int, terms: Mapping[str, Any]) -> Floats:
    """Standard deviation over mean of the daily share, without Sundays."""
    observed, executed = (watched.measures[name][:, -days:] for name in ("observed_seconds", "executing_seconds"))
    length = observed.shape[1]
    is_working = [(watched.today - timedelta(days=length - 1 - day)).weekday() != SUNDAY for day in range(length)]
    counted = (observed > 0) & ~np.isnan(executed) & np.array(is_working)
    share = np.divide(executed, observed, out=np.zeros(observed.shape), where=counted)
    count = counted.sum(axis=1)
    mean = share.sum(axis=1) / np.maximum(count, 1)
    variance = np.maximum((share**2).sum(axis=1) / np.maximum(count, 1) - mean**2, 0.0)
    spread = np.sqrt(variance) / np.maximum(mean, FLOOR)
    return np.where(_is_seen(watched, days, terms) & (count > 1), spread, np.nan)


def _scrap(watched: Watched, days: int) -> Floats:
    """Share of parts that were scrap."""
    good, scrap = (_sum(watched.measures[name], days) for name in ("parts", "scrap_parts"))
    return np.asarray(np.divide(scrap, good + scrap, out=np.full(len(good), np.nan), where=good > 0))


def _faults(watched: Watched, days: int, terms: Mapping[str, Any]) -> Floats:
    """Log of one and the fault starts by executing hour times a thousand."""
    starts, executed = (_sum(watched.measures[name], days) for name in ("fault_starts", "executing_seconds"))
    rate = 1000.0 * starts / np.maximum(executed / 3600.0, LEAST_HOURS)
    return np.where(_is_seen(watched, days, terms), np.log1p(rate), np.nan)


def _log_maintenance(watched: Watched, days: int, terms: Mapping[str, Any]) -> Floats:
    """Log of minutes of maintenance in a hundred executing hours, and one: who lacks money puts maintenance off."""
    cared, executed = (_sum(watched.measures[name], days) for name in ("maintenance_seconds", "executing_seconds"))
    minutes = cared / 60.0 / np.maximum(executed / 3600.0, LEAST_HOURS) * 100.0
    return np.where(_is_seen(watched, days, terms), np.log1p(minutes), np.nan)


def _is_seen(watched: Watched, days: int, terms: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Whether enough of these days was observed to speak of them at all."""
    observed, owned = (watched.measures[name] for name in ("observed_seconds", "owned_seconds"))
    days = min(days, observed.shape[1])
    is_whole = (owned[:, -days:] > 0).mean(axis=1) >= terms["least_owned_share"]
    return np.asarray(is_whole & (_sum(observed, days) > terms["least_coverage"] * np.maximum(_sum(owned, days), 1.0)))


def _sum(values: Floats, days: int) -> Floats:
    return np.asarray(np.nansum(values[:, -days:], axis=1))
