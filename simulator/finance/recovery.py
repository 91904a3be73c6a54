"""Recovery: what a machine is worth when it is sold for the lenders of a firm in default."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.money_values import RecoveryParameters

QUARTERS_PER_HOUR = 4.0
LEAST_HOURS = 500.0
"""Failures of fewer executing hours than these are counted as if there had been so many."""
CONDITIONS = ("poor", "fair", "good")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """Machines on offer. Arrays of length k; money in minor units, with tax."""

    meter_quarters: Ints
    """Executing quarter-hours since it was new."""
    condition: Ints
    """Position in `CONDITIONS`."""
    expected_minor: Ints
    """The mean of the price."""
    price_minor: Ints


def appraise(
    value_minor: Ints,
    *,
    meter_before: Ints,
    meter_quarters: Ints,
    maintenance_debt: Floats,
    failures: Ints,
    worked_quarters: Ints,
    normal: Floats,
    rules: RecoveryParameters,
) -> Appraisal:
    """Value on the books x what the hours since then have left of it x discount x condition x noise of mean 1.

    `meter_before` is the meter when the value was set, `failures` and `worked_quarters` are those of the firm's time.
    Of hours h an exponential share is left: least + (1 - least) exp(-h / scale).
    """
    per_1000 = 1000.0 * failures / np.maximum(worked_quarters / QUARTERS_PER_HOUR, LEAST_HOURS)
    condition = -rules.debt_log * maintenance_debt - rules.failures_log * per_1000
    kept = _left(meter_quarters, rules) / _left(meter_before, rules)
    expected = value_minor * rules.discount_share * kept * np.exp(condition)
    noise = np.exp(rules.noise_sd_log * normal - 0.5 * rules.noise_sd_log**2)
    return Appraisal(
        meter_quarters=meter_quarters,
        condition=np.searchsorted([rules.poor_below, rules.good_above], condition),
        expected_minor=np.round(expected).astype(np.int64),
        price_minor=np.round(expected * noise).astype(np.int64),
    )


def _left(meter_quarters: Ints, rules: RecoveryParameters) -> Floats:
    hours = meter_quarters / QUARTERS_PER_HOUR
    left: Floats = rules.least_share + (1.0 - rules.least_share) * np.exp(-hours / rules.hours_scale)
    return left
