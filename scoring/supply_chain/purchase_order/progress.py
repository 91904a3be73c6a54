"""Earned output: how much of an order is made, as the least of three witnesses, all of which would have to lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.supply_chain.purchase_order.order import Order, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Share of an order that is verified as made, 0 to 1, and what each witness says; None where it does not say.

    `verified` is None where any witness is silent: two of three could be told by whoever tells the third.
    `is_contradicted` where more parts are counted than energy or hours could have made, beyond their tolerance: then
    the counter, or the meters, tell what is not so.
    """

    verified: float | None
    by_units: float | None
    by_energy: float | None
    by_hours: float | None
    binding: str | None
    is_contradicted: bool


def progress(order: Order, work: Work, *, tolerance: float) -> Progress:
    """min(units / ordered, kWh / (kWh per unit x ordered), hours / (hours per unit x ordered)), at most 1.

    Norms of energy and hours are means, so that an order may take `tolerance` less of either; parts are counted.
    """
    shares = {
        "units": _share(work.units, 1.0, order.units, 0.0),
        "energy": _share(work.kwh, order.kwh_per_unit, order.units, tolerance),
        "hours": _share(work.hours, order.hours_per_unit, order.units, tolerance),
    }
    whole = {name: share for name, share in shares.items() if share is not None}
    known = {name: min(1.0, share) for name, share in whole.items()}
    binding = min(known, key=lambda name: known[name]) if len(known) == len(shares) else None
    return Progress(
        verified=None if binding is None else known[binding],
        by_units=known.get("units"),
        by_energy=known.get("energy"),
        by_hours=known.get("hours"),
        binding=binding,
        is_contradicted="units" in whole and whole["units"] > min(whole.values()),
    )


def total(works: Mapping[str, Work]) -> Work:
    """All work together."""
    every = Work(units=None, kwh=None, hours=None)
    for work in works.values():
        every = _sum(every, work)
    return every


def _share(amount: float | None, each: float | None, units: int, tolerance: float) -> float | None:
    if amount is None or each is None:
        return None
    return amount / (each * units * (1.0 - tolerance))


def _sum(one: Work, other: Work) -> Work:
    def add(left: float | None, right: float | None) -> float | None:
        return right if left is None else left if right is None else left + right

    return Work(units=add(one.units, other.units), kwh=add(one.kwh, other.kwh), hours=add(one.hours, other.hours))
