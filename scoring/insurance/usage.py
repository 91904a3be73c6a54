"""Pay as you use: a deposit on the hours expected, a true-up on those worked, and meters that must agree.

Hours come from a meter that the insured controls, so the energy is asked as well: a premium does not fall with hours
that were left out while the energy went on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from scoring.errors import HourMeterMissing, InvalidRequest
from scoring.money import to_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTerms:
    """How a premium follows hours.

    `elasticity` is the power of hours that claims follow (below 1: twice the hours are less than twice the claims);
    `deposit_share` what is paid at inception, `minimum_share` what is earned whatever is worked, both of the premium at
    expected hours; the collar bounds the true-up (`most_back` and `most_on` as shares of it); `meter_tolerance` is by
    how much hours by meter and by energy may differ.
    """

    elasticity: Decimal
    deposit_share: Decimal
    minimum_share: Decimal
    most_back: Decimal
    most_on: Decimal
    meter_tolerance: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """What a policy costs at the hours expected, and what of it is paid at inception."""

    expected_hours: Decimal
    premium_minor: int
    deposit_minor: int


class MeterFinding(StrEnum):
    """Whether the hour meter and the energy meter tell the same."""

    AGREES = "agrees"
    ENERGY_EXCEEDS_HOURS = "energy_exceeds_hours"
    """More energy than the hours told can have drawn: the meter was rolled back, or hours were left out."""
    HOURS_EXCEED_ENERGY = "hours_exceed_energy"
    """Hours without the energy they take: of no gain to the insured, and told."""
    NO_ENERGY = "no_energy"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCheck:
    """Hours by the controller, hours that the energy would take, what they say together, and the hours that count."""

    finding: MeterFinding
    metered_hours: Decimal
    energy_hours: Decimal | None
    hours: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueUp:
    """The settlement at expiry: what was earned, before and after the collar, and what is still to pay (negative: to
    give back), all in minor units."""

    check: MeterCheck
    uncollared_minor: int
    earned_minor: int
    deposit_minor: int
    due_minor: int


def deposit(*, premium_minor: int, expected_hours: Decimal, terms: UsageTerms) -> Deposit:
    """The deposit of a policy with that premium at the hours expected. Raises InvalidRequest."""
    if expected_hours <= 0 or premium_minor <= 0:
        raise InvalidRequest(
            f"A premium of {premium_minor} minor units for {expected_hours} hours has no rate an hour.",
            hint="Expect at least an hour, or quote the cover by time.",
        )
    if not terms.minimum_share <= terms.deposit_share <= 1 or not 0 <= terms.elasticity <= 1:
        raise InvalidRequest("A deposit lies between the minimum and the whole premium, an elasticity between 0 and 1.")
    paid = to_minor(premium_minor * terms.deposit_share)
    return Deposit(expected_hours=expected_hours, premium_minor=premium_minor, deposit_minor=paid)


def check_meters(
    *, metered_hours: Decimal | None, energy_kwh: Decimal | None, kwh_an_hour: Decimal, tolerance: Decimal
) -> MeterCheck:
    """Hours by the controller beside energy / `kwh_an_hour`, what the machine drew in an hour before the period.

    Where the energy tells of more hours than the meter by more than the tolerance, hours by energy count, for whoever
    pays by the hour gains by telling fewer; in all other cases the meter's count. Raises HourMeterMissing.
    """
    if metered_hours is None:
        raise HourMeterMissing(
            "No hour meter was read for the period: nothing says how much was worked.",
            hint="Send the meter's readings; without them the premium at the expected hours stands.",
        )
    if metered_hours < 0 or (energy_kwh is not None and energy_kwh < 0) or kwh_an_hour <= 0:
        raise InvalidRequest(
            f"Meters count upwards: {metered_hours} hours and {energy_kwh} kWh at {kwh_an_hour} kWh an hour."
        )
    if energy_kwh is None:
        return MeterCheck(
            finding=MeterFinding.NO_ENERGY, metered_hours=metered_hours, energy_hours=None, hours=metered_hours
        )
    by_energy = energy_kwh / kwh_an_hour
    finding = MeterFinding.AGREES
    if metered_hours < by_energy * (1 - tolerance):
        finding = MeterFinding.ENERGY_EXCEEDS_HOURS
    elif by_energy < metered_hours * (1 - tolerance):
        finding = MeterFinding.HOURS_EXCEED_ENERGY
    is_told_too_few = finding is MeterFinding.ENERGY_EXCEEDS_HOURS
    return MeterCheck(
        finding=finding,
        metered_hours=metered_hours,
        energy_hours=by_energy,
        hours=by_energy if is_told_too_few else metered_hours,
    )


def true_up(paid: Deposit, check: MeterCheck, terms: UsageTerms) -> TrueUp:
    """premium x (hours / expected hours)^elasticity within the collar, at least the minimum, less the deposit."""
    ratio = Decimal(0) if check.hours == 0 else (check.hours / paid.expected_hours) ** terms.elasticity
    by_hours = paid.premium_minor * ratio
    lowest = paid.premium_minor * max(1 - terms.most_back, terms.minimum_share)
    highest = paid.premium_minor * (1 + terms.most_on)
    earned = to_minor(min(max(by_hours, lowest), highest))
    return TrueUp(
        check=check,
        uncollared_minor=to_minor(by_hours),
        earned_minor=earned,
        deposit_minor=paid.deposit_minor,
        due_minor=earned - paid.deposit_minor,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePeriod:
    """Days (both inclusive) on which a machine is to be covered at a site."""

    site: str
    starts: date
    ends: date


def on_demand_premium(
    periods: list[SitePeriod], *, daily_rate_minor: Decimal, site_relativities: dict[str, Decimal], minimum_minor: int
) -> tuple[tuple[SitePeriod, int], ...]:
    """The premium of each period: days x rate a day x the site's relativity, at least the minimum.

    A machine is at one site at a time: raises InvalidRequest for overlapping periods, for a site that is not rated, and
    for a period that ends before it starts.
    """
    ordered = sorted(periods, key=lambda period: period.starts)
    for earlier, later in pairwise(ordered):
        if later.starts <= earlier.ends:
            raise InvalidRequest(
                f"Cover at {later.site} from {later.starts} overlaps cover at {earlier.site} until {earlier.ends}.",
                hint="End the one before the other begins: a machine is at one site at a time.",
            )
    return tuple((period, max(minimum_minor, _of(period, daily_rate_minor, site_relativities))) for period in ordered)


def _of(period: SitePeriod, daily_rate_minor: Decimal, relativities: dict[str, Decimal]) -> int:
    days = (period.ends - period.starts).days + 1
    if days <= 0:
        raise InvalidRequest(f"Cover at {period.site} from {period.starts} to {period.ends} has no day.")
    if period.site not in relativities:
        raise InvalidRequest(
            f"No rate is filed for site {period.site!r}.", hint=f"Filed: {', '.join(sorted(relativities))}."
        )
    return to_minor(days * daily_rate_minor * relativities[period.site])
