"""The price of the cover in its book: expected payout, a load on what it adds to the tail, and a limit.

The book's 1-in-200 loss is common to its members, so what a policy costs beyond its expectation is what it adds to the
mean of the worst half percent of paths (Euler allocation of the tail value at risk): the parts sum to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.errors import AccumulationExceeded
from scoring.money import exact

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

TAIL = 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPrice:
    """A book of policies (n) in minor units: expected payouts with their standard errors, what each pays on average on
    the worst paths, the tail load of each, and the book's 99.5 % loss and mean loss beyond it."""

    expected_minor: Vector
    standard_errors: Vector
    in_tail_minor: Vector
    tail_load_minor: Vector
    value_at_risk_minor: float
    tail_value_at_risk_minor: float

    @property
    def risk_premium_minor(self) -> Vector:
        """Expected payout plus tail load of each policy."""
        return np.asarray(self.expected_minor + self.tail_load_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisRisk:
    """How often the index and the loss disagree, as chances over paths and policies; `loss` is the insured's own
    shortfall below its trigger. Expected amounts are shares of the sum insured."""

    loss_without_payout: float
    payout_without_loss: float
    loss: float
    payout: float
    unpaid_share: float
    """Of the expected own loss within the terms, what the index leaves unpaid."""


def price_book(payouts: Matrix, sums_insured_minor: Vector, *, cost_of_capital: float, tail: float = TAIL) -> BookPrice:
    """Price policies from simulated payout shares (paths x n) and their sums insured (n).

    Tail load = cost of capital x (what the policy pays on average in the worst paths - what it pays on average). The
    worst are (1 - tail) x paths with the largest book loss, 20 of 4,000 at 99.5 %; where that is no whole number the
    next path counts by the fraction. The value at risk is the least loss that no more paths than these exceed.
    """
    losses = payouts * sums_insured_minor
    book = losses.sum(axis=1)
    order = np.argsort(-book, kind="stable")
    in_worst = float((1 - exact(tail)) * len(book))
    weights = np.clip(in_worst - np.arange(len(book)), 0.0, 1.0) / in_worst
    worst, weights = order[weights > 0], weights[weights > 0]
    expected = losses.mean(axis=0)
    in_tail = weights @ losses[worst]
    return BookPrice(
        expected_minor=expected,
        standard_errors=losses.std(axis=0, ddof=1) / np.sqrt(len(book)),
        in_tail_minor=in_tail,
        tail_load_minor=cost_of_capital * np.maximum(in_tail - expected, 0.0),
        value_at_risk_minor=float(book[order[int(in_worst)]]),
        tail_value_at_risk_minor=float(weights @ book[worst]),
    )


def require_room(
    sums_insured_minor: Vector, industry: NDArray[np.int64], *, names: Mapping[int, str], most_minor: int
) -> None:
    """Raise AccumulationExceeded, naming it, where an industry's sums insured pass what the book may hold of one."""
    totals = np.bincount(industry, weights=sums_insured_minor)
    over = np.flatnonzero(totals > most_minor)
    if len(over):
        at = int(over[np.argmax(totals[over])])
        raise AccumulationExceeded(
            f"Cover of {names[at]} would sum to {int(totals[at])} minor units, above the limit of {most_minor}.",
            hint="One slump pays all of an industry's policies at once: cede some, or decline.",
        )


def basis_risk(payouts: Matrix, own_shortfalls: Matrix) -> BasisRisk:
    """From payout shares and the insureds' own shortfalls below their triggers (both paths x n)."""
    lost, paid = own_shortfalls > 0, payouts > 0
    owed = float(own_shortfalls.mean())
    return BasisRisk(
        loss_without_payout=float((lost & ~paid).mean()),
        payout_without_loss=float((paid & ~lost).mean()),
        loss=float(lost.mean()),
        payout=float(paid.mean()),
        unpaid_share=float(np.maximum(own_shortfalls - payouts, 0.0).mean() / owed) if owed > 0 else 0.0,
    )
