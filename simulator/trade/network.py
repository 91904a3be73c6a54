"""The network of trade: buyers of very unequal size, how well they do, how late they pay, and when they fail.

A buyer's number is its rank by size, and a firm's regular buyers are drawn by size (`Firms.buyers`), so the number of
suppliers falls with the rank by a power law: with weights rank^-a the tail of the out-degree has the exponent
1 + 1/a. The first `core_enterprises` numbers are the core enterprises. A block's own firms buy from each other too: in
a block's view of the network they come after the world's buyers (`Network.and_firms`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.money_values import NetworkParameters
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The buyers of a world: arrays of length b, by number."""

    industry: Ints
    """Position of its division in the sorted table of industries."""
    state: Floats
    """(b, months + 1), of unit variance, columns as in `Health`: a buyer that does badly pays late and may fail."""
    failed_month: Ints
    """Position of the month with whose first day it fails; the number of months for one that survives."""
    term_days: Ints
    """Days from invoice to due date."""
    supplier_failed_month: Ints
    """(s,): the month with whose first day a supplier of material fails; the number of months for one that survives."""

    def __len__(self) -> int:
        return len(self.industry)

    def and_firms(self, *, industry: Ints, state: Floats, failed_month: Ints, term_days: Ints) -> Network:
        """The network with further buyers at its end, arrays as its own."""
        return replace(
            self,
            industry=np.concatenate([self.industry, industry]),
            state=np.concatenate([self.state, state]),
            failed_month=np.concatenate([self.failed_month, failed_month]),
            term_days=np.concatenate([self.term_days, term_days]),
        )

    def has_failed(self, position: int) -> Bools:
        """(b,): it is gone by the first day of month `position`."""
        return np.asarray(self.failed_month <= position)

    def is_dear(self, supplier: Ints, position: int, rules: NetworkParameters) -> Bools:
        """By firm: it still buys dear in month `position` because its main `supplier` failed."""
        since = position - self.supplier_failed_month[supplier]
        return np.asarray((since >= 0) & (since < rules.supplier_dear_months))

    def fails(self, position: int) -> Bools:
        """(b,): it fails on the first day of month `position`."""
        return np.asarray(self.failed_month == position)


def draw_network(
    months: int,
    *,
    states: Floats,
    parameters: WorldParameters,
    streams: Streams,
    core_failure: tuple[int, int] | None = None,
) -> Network:
    """The buyers of a world. `states` are the industries' (industries, months + 1).

    `core_failure` is (buyer, month position) of a core enterprise that fails for certain.
    """
    rules, count = parameters.network, parameters.trade.buyers
    weights = np.array([row.weight for row in parameters.industries.values()])
    uniform = streams.of("buyer.uniform").random((count, 2))
    industry = _within(weights, uniform[:, 0])
    draws = streams.of("buyer.state").standard_normal((months + 1, count)).T
    own = np.empty_like(draws)
    own[:, 0] = draws[:, 0]
    for month in range(1, months + 1):
        own[:, month] = rules.persistence * own[:, month - 1] + np.sqrt(1 - rules.persistence**2) * draws[:, month]
    state = buyer_state(own, states[industry], rules)
    failed = first_failure(state[:, 1:], np.arange(count), streams.of("buyer.failure").random((months, count)).T, rules)
    if core_failure is not None and core_failure[1] >= 0:
        failed[core_failure[0]] = core_failure[1]
    terms = draw_term_days(uniform[:, 1], rules)
    ends = rules.supplier_failures_per_month > streams.of("supplier.failure").random((months, rules.suppliers)).T
    return Network(
        industry=industry, state=state, failed_month=failed, term_days=terms, supplier_failed_month=first_strike(ends)
    )


def draw_term_days(uniform: Floats, rules: NetworkParameters) -> Ints:
    """Days from invoice to due date that each buyer takes."""
    return np.asarray(np.array(rules.term_days)[_within(np.array(rules.term_shares), uniform)])


def first_strike(strikes: Bools) -> Ints:
    """By row: position of the first month that is struck, the number of months where none is."""
    first = np.where(strikes.any(axis=1), strikes.argmax(axis=1), strikes.shape[1])
    return np.asarray(first, dtype=np.int64)


def draw_suppliers(uniform: Floats, rules: NetworkParameters) -> Ints:
    """The main supplier of each firm, drawn by size: sizes fall with rank by a power law."""
    return _within(np.arange(1, rules.suppliers + 1, dtype=np.float64) ** -rules.supplier_tail, uniform)


def buyer_state(own: Floats, industry: Floats, rules: NetworkParameters) -> Floats:
    """A buyer's own state and its industry's, mixed by their shares of variance."""
    mixed: Floats = np.sqrt(rules.industry_share) * industry + np.sqrt(1.0 - rules.industry_share) * own
    return mixed


def first_failure(state: Floats, number: Ints, uniform: Floats, rules: NetworkParameters) -> Ints:
    """Position of the month in which each buyer fails; `state` and `uniform` are (b, months)."""
    return first_strike(uniform < failure_chance(state, number, rules))


def failure_chance(state: Floats, number: Ints, rules: NetworkParameters) -> Floats:
    """(b, months): the chance of the buyers of these numbers to fail in each month."""
    shift = np.where(number < rules.core_enterprises, rules.core_failure_shift, 0.0)
    return np.asarray(expit(rules.failure_intercept + shift[:, None] - rules.failure_state * state))


def late_days(state: Floats, normal: Floats, rules: NetworkParameters) -> Ints:
    """Days from the due date to the payment, by the buyer's state and a standard normal draw."""
    late = rules.late_median_days * np.exp(rules.late_sd_log * normal - rules.late_state_log * state)
    return np.minimum(np.floor(late), rules.late_most_days).astype(np.int64)


def _within(weights: Floats, uniform: Floats) -> Ints:
    bounds = np.cumsum(weights) / weights.sum()
    return np.minimum(np.searchsorted(bounds, uniform, side="right"), len(weights) - 1).astype(np.int64)
