"""What a record of a policy moves its premium by: pro rata by machine-days, and by hours within the collar.

The premium charged is that of the hours expected. A month's bill moves it to that of the hours worked; the settlement
after the term holds the whole against the collar and takes off what the months have moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from data_contracts.identifiers import MachineUid
from scoring.errors import HourMeterMissing, PolicyForbids
from scoring.insurance.policy_life import PolicyState, UsageBasis, pro_rata
from scoring.insurance.usage import MeterCheck, UsageTerms, check_meters, deposit, true_up
from scoring.money import exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What telemetry says of covered machine-days: hours worked, energy drawn (None where nobody told of any), and how
    many machine-days nobody watched."""

    hours: Decimal
    energy_kwh: Decimal | None
    watched_machine_days: Decimal
    unwatched_machine_days: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBill:
    """Hours that count beside hours expected, and what they move the premium by, in minor units."""

    check: MeterCheck
    expected_hours: Decimal
    due_minor: int


def usage_terms(values: Mapping[str, Any]) -> UsageTerms:
    """The terms of parameter `insurance_usage`."""
    return UsageTerms(**{name: exact(value) for name, value in values["insurance_usage"].items()})


def endorsement_change(
    state: PolicyState, *, added: Sequence[MachineUid], removed: Sequence[MachineUid], effective: date
) -> int:
    """What machines in and out change the premium by: each machine-day at what it costs by the bound quote."""
    left = (state.ends - effective).days + 1
    return _days_minor(state, left) * (len(added) - len(removed)) if left > 0 else 0


def lapse_change(state: PolicyState, effective: date) -> int:
    """What is given back of a policy that ends before a day: the machine-days that are left, 0 or less."""
    return -_days_minor(state, state.machine_days(effective))


def month_bill(state: PolicyState, starts: date, ends: date, worked: Worked, terms: UsageTerms) -> UsageBill:
    """What the hours of some days move the premium of these days by. Raises PolicyForbids, HourMeterMissing."""
    return _bill(state, state.machine_days(starts, ends), worked, terms)


def settlement(state: PolicyState, worked: Worked, terms: UsageTerms) -> UsageBill:
    """What the hours of the whole term move the premium by beyond what bills have. Raises as `month_bill`."""
    whole = _bill(state, state.machine_days(), worked, terms)
    return replace(whole, due_minor=whole.due_minor - sum(bill.due_minor for bill in state.bills))


def _bill(state: PolicyState, machine_days: int, worked: Worked, terms: UsageTerms) -> UsageBill:
    basis = state.bound.usage
    if basis is None or machine_days == 0:
        raise PolicyForbids(
            f"Of policy {state.policy_id} there are no hours to bill: {machine_days} machine-days are covered there.",
            hint="Only equipment cover of machines whose hours were known follows use.",
        )
    check = _checked(worked, basis, terms)
    expected = basis.hours_a_machine_day * machine_days
    premium = _days_minor(state, machine_days)
    earned = true_up(deposit(premium_minor=premium, expected_hours=expected, terms=terms), check, terms).earned_minor
    return UsageBill(check=check, expected_hours=expected, due_minor=earned - premium)


def _checked(worked: Worked, basis: UsageBasis, terms: UsageTerms) -> MeterCheck:
    """Hours that count: those watched, held against the energy, and the hours expected of days that nobody watched, so
    that to withhold a day never lowers a bill. Raises HourMeterMissing where nobody watched any."""
    if worked.watched_machine_days == 0:
        raise HourMeterMissing(
            "No machine-day of the time to be billed was watched.",
            hint="Send the telemetry; until then the premium at the hours expected stands.",
        )
    is_held = worked.energy_kwh is not None and basis.kwh_an_hour is not None
    check = check_meters(
        metered_hours=worked.hours,
        energy_kwh=worked.energy_kwh if is_held else None,
        kwh_an_hour=basis.kwh_an_hour or Decimal(1),
        tolerance=terms.meter_tolerance,
    )
    return replace(check, hours=check.hours + worked.unwatched_machine_days * basis.hours_a_machine_day)


def _days_minor(state: PolicyState, machine_days: int) -> int:
    """The premium of some machine-days by the bound quote, to the minor unit."""
    bound = state.bound
    term = (bound.ends - bound.starts).days + 1
    whole = term * max(1, len(bound.machines))
    times, rest = divmod(machine_days, whole)
    return times * bound.premium_minor + pro_rata(bound.premium_minor, machine_days=rest, all_machine_days=whole)
