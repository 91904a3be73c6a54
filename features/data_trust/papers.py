"""What machines say against what papers say: the electricity bill, delivery notes, invoices."""

from __future__ import annotations

import numpy as np

from features.data_trust.measured import NO_DAY, Bools, Floats, Ints, Measured, ever, largest
from features.data_trust.told import Told

BILLED_MONTHS = 3
"""Consecutive billed months that are compared together: a bill's reading may be some days off the month's end."""
SHIPPED_DAYS = (182, 365)
INVOICED_DAYS = 91
GRACE_DAYS = 14
"""An invoice may be known so long before its delivery note is."""
LEAST_INVOICES_DAYS = 5


def energy_above_meter(told: Told) -> Measured:
    """What the machines of an obligor are said to have drawn, over what its site was billed: nothing on a site can draw
    more than all of it. Silent machines are counted as nothing, and a month before the first machine-day not at all.

    The statistic is the largest excess over `BILLED_MONTHS` consecutive bills, as a share of the bills.
    """
    billed = told.ledgers.billed_kwh
    months, month_of_day = np.unique(_months(told), return_inverse=True)
    machines = told.by_obligor(told.measures["energy_kwh"])
    said = told.by_obligor((~np.isnan(told.measures["energy_kwh"])).astype(np.float64)) > 0
    by_month = {
        name: _summed(values, month_of_day, len(months))
        for name, values in {"told": machines, "billed": np.nan_to_num(billed), "days": said.astype(np.float64)}.items()
    }
    comparable = (by_month["billed"] > 0) & (by_month["days"] > 0)
    drawn, paid, number = (
        _windows(np.where(comparable, values, 0.0), BILLED_MONTHS)
        for values in (by_month["told"], by_month["billed"], comparable.astype(np.float64))
    )
    excess = np.where(number == min(BILLED_MONTHS, len(months)), drawn / np.where(paid > 0, paid, np.nan) - 1.0, np.nan)
    value, place = largest(excess)
    first_columns = np.searchsorted(month_of_day, np.arange(len(months)))
    row = np.arange(len(value))
    return Measured(
        statistic=value,
        since=np.where(np.isnan(value), NO_DAY, first_columns[place]),
        has_source=ever(billed) & said.any(axis=1),
        evidence={"told_kwh": drawn[row, place], "billed_kwh": paid[row, place], "months": number[row, place]},
    )


def counted_above_shipped(told: Told) -> Measured:
    """Parts counted less parts shipped, as a share of those counted, over half a year and a year: what a firm counts
    and does not ship must lie somewhere. Silent machines count nothing, so that gaps speak for the firm."""
    shipped = told.ledgers.delivered_parts
    counted = told.by_obligor(told.measures["parts"])
    said = told.by_obligor((~np.isnan(told.measures["parts"])).astype(np.float64)) > 0
    best = Measured(
        statistic=np.full(len(counted), np.nan),
        since=np.full(len(counted), NO_DAY),
        has_source=ever(shipped) & said.any(axis=1),
        evidence={name: np.full(len(counted), np.nan) for name in ("counted_parts", "shipped_parts", "days")},
    )
    for days in (days for days in SHIPPED_DAYS if days <= told.days):
        made, sent, heard = (
            _windows(values, days) for values in (counted, np.nan_to_num(shipped), said.astype(np.float64))
        )
        usable = (made > 0) & (heard >= days / 2) & best.has_source[:, None]
        value, place = largest(np.where(usable, (made - sent) / np.where(made > 0, made, 1.0), np.nan))
        row = np.arange(len(value))
        shown = {
            "counted_parts": made[row, place],
            "shipped_parts": sent[row, place],
            "days": np.full(len(row), float(days)),
        }
        best = _stronger(best, value * np.sqrt(days / max(SHIPPED_DAYS)), place, shown)
    return best


def invoiced_above_shipped(told: Told) -> Measured:
    """The share of what was invoiced within `INVOICED_DAYS` that names deliveries of which there is no note."""
    invoiced, unmatched = told.ledgers.invoiced_minor.copy(), told.ledgers.invoiced_unmatched_minor.copy()
    invoiced[:, told.days - GRACE_DAYS :] = 0.0
    unmatched[:, told.days - GRACE_DAYS :] = 0.0
    every = _windows(np.nan_to_num(invoiced), INVOICED_DAYS)
    days = _windows((np.nan_to_num(invoiced) > 0).astype(np.float64), INVOICED_DAYS)
    false = _windows(np.nan_to_num(unmatched), INVOICED_DAYS)
    value, place = largest(np.where(days >= LEAST_INVOICES_DAYS, false / np.where(every > 0, every, np.nan), np.nan))
    row = np.arange(len(value))
    return Measured(
        statistic=value,
        since=np.where(np.isnan(value), NO_DAY, place),
        has_source=ever(told.ledgers.invoiced_minor) & ever(told.ledgers.delivered_minor),
        evidence={"invoiced_minor": every[row, place], "without_delivery_minor": false[row, place]},
    )


def _months(told: Told) -> np.ndarray:
    return (told.first_day + np.arange(told.days)).astype("datetime64[D]").astype("datetime64[M]")


def _summed(values: Floats, group: Ints, groups: int) -> Floats:
    """(unit, day) by group of days; the days of a group lie together."""
    starts = np.searchsorted(group, np.arange(groups))
    return np.asarray(np.add.reduceat(values, starts, axis=1))


def _windows(values: Floats, length: int) -> Floats:
    """Sums over every run of `length` columns (all of them, if there are fewer), by its first column."""
    length = min(length, values.shape[1])
    running = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    return np.asarray(running[:, length:] - running[:, :-length])


def _stronger(best: Measured, value: Floats, place: Ints, evidence: dict[str, Floats]) -> Measured:
    better: Bools = ~np.isnan(value) & ~(best.statistic >= value)
    return Measured(
        statistic=np.where(better, value, best.statistic),
        since=np.where(better, place, best.since),
        has_source=best.has_source,
        evidence={name: np.where(better, shown, best.evidence[name]) for name, shown in evidence.items()},
    )
