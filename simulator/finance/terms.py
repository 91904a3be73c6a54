"""What is a firm's own in money matters and does not change: costs, terms, buffers and its owner's means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.firms.obligors import Firms
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams
from simulator.trade.network import draw_suppliers
from simulator.trade.orders import Capacity

INSTALMENT_DAYS = 30
"""Instalments fall due every thirty days, so that ninety days are three of them; interest counts 360 days a year."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By firm, arrays of length n; money in minor units."""

    turnover_minor: Ints
    """Net sales of a normal month with the machines of the beginning."""
    material_share: Floats
    """Of the part price: what the material of one part costs."""
    wage_minor: Ints
    """Of a head and month, with contributions."""
    supplier: Ints
    """Number of the main supplier of material."""
    site_energy_share: Floats
    """What the site draws beside its machines, as a share of what they draw."""
    supplier_days: Ints
    phase: Ints
    """Instalments fall due on the days d with d = phase (mod 30)."""
    loan_minor: Ints
    loan_rate_bp: Ints
    loan_instalments: Ints
    has_lease: NDArray[np.bool_]
    """A finance lease runs when the world begins."""
    lease_rate_bp: Ints
    loan_paid: Ints
    """Instalments of the first loan that fell due before the world."""
    lease_paid: Ints
    cash_minor: Ints
    owner_minor: Ints
    """What the owner could add in need when the world begins (structural engine)."""


def draw_terms(
    block: int,
    firms: Firms,
    *,
    possible: Capacity,
    default_day: Ints,
    day_count: int,
    parameters: WorldParameters,
    streams: Streams,
) -> Terms:
    """The terms of a block's firms. `possible` is their capacity when the world begins.

    Where the day of default is given beforehand it fixes the phase of the instalments, and because that day is uniform
    the phase of a firm that defaults is as uniform as everybody's.
    """
    rules, count = parameters.finance, len(firms)
    uniform = streams.of("finance.uniform", block).random((count, 8))
    normal = streams.of("finance.normal", block).standard_normal((count, 5))
    hours = possible.machine_hours_per_day * parameters.demand.work_days_per_month * rules.normal_load
    turnover = np.round(hours * firms.machine_hour_price_minor)
    phase = np.floor(uniform[:, 0] * INSTALMENT_DAYS).astype(np.int64)
    instalments = np.array(rules.loan_instalments)[_part(uniform[:, 1], len(rules.loan_instalments))]
    low, high = rules.site_energy_share
    return Terms(
        turnover_minor=turnover.astype(np.int64),
        material_share=np.clip(rules.material_share_mean + rules.material_share_sd * normal[:, 0], 0.2, 0.7),
        wage_minor=_minor(100.0 * rules.wage_cny_per_month * np.exp(rules.wage_sd_log * normal[:, 1])),
        supplier=draw_suppliers(streams.of("firm.supplier", block).random(count), parameters.network),
        site_energy_share=low + (high - low) * streams.of("finance.site_energy", block).random(count),
        supplier_days=_between(rules.supplier_terms_days, uniform[:, 2]),
        phase=np.where(default_day < day_count, default_day % INSTALMENT_DAYS, phase),
        loan_minor=_minor(turnover * rules.loan_months_median * np.exp(rules.loan_sd_log * normal[:, 2])),
        loan_rate_bp=_between(rules.loan_rate_bp, uniform[:, 3]),
        loan_instalments=instalments,
        has_lease=uniform[:, 4] < rules.lease_share,
        lease_rate_bp=_between(rules.lease_rate_bp, uniform[:, 5]),
        loan_paid=np.floor(uniform[:, 6] * instalments).astype(np.int64),
        lease_paid=np.floor(uniform[:, 7] * rules.lease_instalments).astype(np.int64),
        cash_minor=_minor(turnover * rules.cash_months * np.exp(rules.cash_sd_log * normal[:, 3])),
        owner_minor=_minor(turnover * rules.owner_months_median * np.exp(rules.owner_sd_log * normal[:, 4])),
    )


def _part(uniform: Floats, parts: int) -> Ints:
    return np.floor(uniform * parts).astype(np.int64)


def _between(bounds: tuple[int, int], uniform: Floats) -> Ints:
    return bounds[0] + np.floor(uniform * (bounds[1] - bounds[0] + 1)).astype(np.int64)


def _minor(amount: Floats) -> Ints:
    return np.round(amount).astype(np.int64)
