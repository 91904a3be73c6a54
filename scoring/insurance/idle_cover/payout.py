"""What the cover pays when a season's operating rate falls short, and the statement that proves it.

payout share = min(max((d U_ref - U) / (d U_ref), 0), 1 - e / d) x (1 - co-insurance)

with the trigger d and the exit e as shares of the reference rate U_ref. The insured holds the switch, so the shortfall
that counts is the lesser of its own and that of its cluster (the other firms of its division): nobody is paid for
standing still while the others work, nor for others' troubles while working. Never more than the fixed cost that was
lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from scoring.errors import InvalidRequest
from scoring.money import to_minor

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleTerms:
    """Trigger and exit as shares of the reference rate, and the part of each payout that the insured bears."""

    trigger_share: float
    exit_share: float
    coinsurance_share: float = 0.0

    @property
    def cap_share(self) -> float:
        """The largest shortfall that counts, as a share of the trigger."""
        return 1.0 - self.exit_share / self.trigger_share

    def check(self) -> None:
        """Raise InvalidRequest where the terms contradict themselves."""
        if not (0 <= self.exit_share < self.trigger_share <= 1 and 0 <= self.coinsurance_share < 1):
            raise InvalidRequest(
                f"A trigger of {self.trigger_share}, an exit of {self.exit_share} and a co-insurance of "
                f"{self.coinsurance_share} make no cover.",
                hint="0 <= exit < trigger <= 1, and the insured bears less than all.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonDays:
    """A season day by day (n): operating rate of the insured and of its cluster (NaN where nobody knows), and which
    days were planned shutdowns (announced before) or holidays. Those are no one's loss and count for nothing."""

    own_rate: Vector
    cluster_rate: Vector
    is_planned: NDArray[np.bool_]
    is_holiday: NDArray[np.bool_]

    def counted(self) -> NDArray[np.bool_]:
        """The days that count: working days on which both rates are known."""
        known = ~np.isnan(self.own_rate) & ~np.isnan(self.cluster_rate)
        return np.asarray(known & ~self.is_planned & ~self.is_holiday)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The rates that a season is held against: the insured's own mean of the same season over two years, and its
    cluster's. The insured's is at least the cluster's, so that an idle firm cannot insure its own idleness cheaply."""

    own_rate: float
    cluster_rate: float

    @property
    def insured_rate(self) -> float:
        """max(own seasonal mean, industry): what the insured must fall short of."""
        return max(self.own_rate, self.cluster_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutStatement:
    """The evidence line by line: days counted and left out, both rates beside their triggers and exits, both
    shortfalls, and the bill: `gross_minor` for the lesser shortfall, less what the insured bears itself
    (`deductible_minor`), less what lies above the fixed cost lost (`above_lost_minor`), is `payout_minor`, to the minor
    unit."""

    days_counted: int
    days_planned: int
    days_holiday: int
    days_unknown: int
    own_rate: float
    own_trigger: float
    own_exit: float
    cluster_rate: float
    cluster_trigger: float
    cluster_exit: float
    own_shortfall: float
    cluster_shortfall: float
    payout_share: float
    gross_minor: int
    deductible_minor: int
    uncapped_minor: int
    lost_fixed_cost_minor: int
    above_lost_minor: int
    payout_minor: int


def shortfall(rate: Vector | float, reference: Vector | float, terms: IdleTerms) -> Vector:
    """By how much a rate lies below its trigger, as a share of it, at most down to the exit."""
    trigger = terms.trigger_share * np.asarray(reference)
    return np.asarray(np.clip((trigger - np.asarray(rate)) / trigger, 0.0, terms.cap_share))


def payout_share(own: Vector | float, cluster: Vector | float, reference: Reference, terms: IdleTerms) -> Vector:
    """Share of the sum insured that is paid at these rates of a season (any shape)."""
    lesser = np.minimum(
        shortfall(own, reference.insured_rate, terms), shortfall(cluster, reference.cluster_rate, terms)
    )
    return np.asarray(lesser * (1.0 - terms.coinsurance_share))


def settle(
    days: SeasonDays, reference: Reference, terms: IdleTerms, *, sum_insured_minor: int, daily_fixed_cost_minor: Decimal
) -> PayoutStatement:
    """The payout of a season with its evidence.

    The fixed cost lost is that of the days counted, for the share that was not worked beside the insured's reference.
    Raises InvalidRequest where no day counts: a season of holidays has no index.
    """
    terms.check()
    counted = days.counted()
    if not counted.any():
        raise InvalidRequest(
            f"None of {len(counted)} days counts: all are planned, holidays, or without data.",
            hint="A season without data is settled by other evidence, not by the index.",
        )
    own, cluster = float(days.own_rate[counted].mean()), float(days.cluster_rate[counted].mean())
    share = float(payout_share(own, cluster, reference, terms))
    own_short = float(shortfall(own, reference.insured_rate, terms))
    cluster_short = float(shortfall(cluster, reference.cluster_rate, terms))
    gross = to_minor(Decimal(repr(min(own_short, cluster_short))) * sum_insured_minor)
    not_worked = max(0.0, 1.0 - own / reference.insured_rate)
    lost = to_minor(daily_fixed_cost_minor * int(counted.sum()) * Decimal(repr(not_worked)))
    uncapped = to_minor(Decimal(repr(share)) * sum_insured_minor)
    return PayoutStatement(
        days_counted=int(counted.sum()),
        days_planned=int(days.is_planned.sum()),
        days_holiday=int((days.is_holiday & ~days.is_planned).sum()),
        days_unknown=int((~counted & ~days.is_planned & ~days.is_holiday).sum()),
        own_rate=own,
        own_trigger=terms.trigger_share * reference.insured_rate,
        own_exit=terms.exit_share * reference.insured_rate,
        cluster_rate=cluster,
        cluster_trigger=terms.trigger_share * reference.cluster_rate,
        cluster_exit=terms.exit_share * reference.cluster_rate,
        own_shortfall=own_short,
        cluster_shortfall=cluster_short,
        payout_share=share,
        gross_minor=gross,
        deductible_minor=gross - uncapped,
        uncapped_minor=uncapped,
        lost_fixed_cost_minor=lost,
        above_lost_minor=max(0, uncapped - lost),
        payout_minor=min(uncapped, lost),
    )


def cluster_without(rates: NDArray[np.float64], weights: Vector, insured: int, *, fewest: int) -> Vector:
    """The cluster's rate a day (days) from its firms' rates (firms x days) by machines, the insured left out.

    NaN on days on which fewer than `fewest` others are known: an index of a few firms is one of them's to move. Raises
    InvalidRequest where the cluster is too small on every day.
    """
    others: Sequence[int] = [firm for firm in range(len(rates)) if firm != insured]
    known = ~np.isnan(rates[others])
    mass = np.where(known, weights[others][:, None], 0.0)
    total = (mass * np.where(known, rates[others], 0.0)).sum(axis=0)
    enough = known.sum(axis=0) >= fewest
    if not enough.any():
        raise InvalidRequest(
            f"The cluster has {len(others)} other firms, on no day {fewest} that are known.",
            hint="Take a wider division or region: an index of few firms can be moved by one of them.",
        )
    weight = mass.sum(axis=0)
    found: Vector = np.divide(total, weight, out=np.full(rates.shape[1], np.nan), where=enough & (weight > 0))
    return found
