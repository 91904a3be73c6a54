"""How an amount is repaid: level instalments, and instalments by use; to the minor unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from scoring.money import exact, to_minor
from scoring.records import Instalments, UsagePlan

MONTHS_A_YEAR = 12


def balance_share(*, annual_rate: float, months: int, paid: int) -> float:
    """What is still owed of one unit after `paid` of `months` level instalments: ((1+r)^n - (1+r)^k) / ((1+r)^n -
    1)."""
    if annual_rate == 0:
        return 1 - paid / months
    growth = 1 + annual_rate / MONTHS_A_YEAR
    return (growth**months - growth**paid) / (growth**months - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One month: what is paid, which part of it is interest, and what is owed after it. Minor units."""

    paid_minor: int
    interest_minor: int
    owed_minor: int


def run_down(amount_minor: int, *, annual_rate: Decimal, due: Iterable[int]) -> tuple[Payment, ...]:
    """Payments month by month, as far as something is owed: interest on what is owed, rounded to the minor unit, first.

    A payment is what is `due` in its month, and never more than what is owed; where it does not cover the interest, the
    rest is owed on. So the payments are the amount and the interest, less what is owed in the end, exactly.
    """
    owed, found = amount_minor, []
    for instalment in due:
        if owed == 0:
            break
        interest = to_minor(owed * annual_rate / MONTHS_A_YEAR)
        paid = min(instalment, owed + interest)
        owed += interest - paid
        found.append(Payment(paid_minor=paid, interest_minor=interest, owed_minor=owed))
    return tuple(found)


def level_instalment_minor(amount_minor: int, *, annual_rate: Decimal, months: int) -> int:
    """The least whole instalment by which the amount is repaid within `months`."""
    monthly = annual_rate / MONTHS_A_YEAR
    level = Decimal(amount_minor) / months if monthly == 0 else amount_minor * monthly / (1 - (1 + monthly) ** -months)
    return int(level.to_integral_value(rounding=ROUND_CEILING))


def instalments(amount_minor: int, *, annual_rate: Decimal, months: int) -> Instalments:
    """Level instalments; the last is what is then left, so that all of them are the amount and the interest exactly."""
    level = level_instalment_minor(amount_minor, annual_rate=annual_rate, months=months)
    before = run_down(amount_minor, annual_rate=annual_rate, due=[level] * (months - 1))
    owed = before[-1].owed_minor if before else amount_minor
    interest = to_minor(owed * annual_rate / MONTHS_A_YEAR)
    return Instalments(
        months=months,
        instalment_minor=level,
        last_instalment_minor=owed + interest,
        interest_minor=sum(payment.interest_minor for payment in before) + interest,
    )


def usage_plan(
    amount_minor: int, *, annual_rate: Decimal, months: int, planned_hours_a_month: float, values: Mapping[str, Any]
) -> UsagePlan:
    """A floor a month and a price an hour (parameter `usage_terms`), which at the planned hours are the level
    instalment or a fraction of an hour's price above it. More hours repay sooner, fewer later, at the floor last."""
    terms = values["usage_terms"]
    level = level_instalment_minor(amount_minor, annual_rate=annual_rate, months=months)
    floor = to_minor(level * exact(terms["floor_share"]))
    hours = exact(planned_hours_a_month)
    per_hour = int(((level - floor) / hours).to_integral_value(rounding=ROUND_CEILING))
    longest = int(months * exact(terms["longest_ratio"]))
    planned = run_down(amount_minor, annual_rate=annual_rate, due=[floor + to_minor(per_hour * hours)] * months)
    slowest = run_down(amount_minor, annual_rate=annual_rate, due=[floor] * longest)
    return UsagePlan(
        floor_minor=floor,
        per_hour_minor=per_hour,
        planned_hours_a_month=planned_hours_a_month,
        months_if_planned=len(planned),
        months_at_floor=len(slowest),
        owed_at_floor_minor=slowest[-1].owed_minor,
        longest_months=longest,
    )


def usage_payments(
    amount_minor: int, plan: UsagePlan, *, annual_rate: Decimal, hours: Iterable[float]
) -> tuple[Payment, ...]:
    """What is paid under a plan if the machine works so many hours in each month."""
    due = (plan.floor_minor + to_minor(plan.per_hour_minor * exact(worked)) for worked in hours)
    return run_down(amount_minor, annual_rate=annual_rate, due=due)
