"""The register of leased machines, out of ledgers: what was agreed on each, where it stands, how it works, what is
owed, what it is worth, and what ending its lease today would come to.

What is not told is named and not guessed: without a row of the lease ledger there is no early end, without an agreed
place no fence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pandas as pd

from scoring.credit.collateral import DAYS_A_MONTH, HOURS_A_DAY, CollateralTerms
from scoring.money import exact, to_minor
from scoring.supply_chain.collateral.leasing import (
    EarlyEnd,
    Fence,
    Fix,
    Lease,
    Moved,
    UseAndPay,
    distance_m,
    early_end,
    moved,
    use_and_pay,
)

RECENT_DAYS, USUAL_DAYS = 28, 182


class Whereabouts(StrEnum):
    """Where a leased machine is, against where it is to be; `moved` after enough days in a row outside."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    MOVED = "moved"
    NOT_TOLD = "not_told"
    NO_PLACE_AGREED = "no_place_agreed"


class Untold(StrEnum):
    """What a line of the register lacks."""

    LEASE = "lease"
    VALUE = "value"
    HOURS = "hours"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeaseLedgers:
    """Rows of one obligor known as of a time, under the contracts' column names: `machines` its rows of ownership, with
    a column `owned_on`; `fixes` with a column `day`; `days` its machine-days, with `day` and `executing_hours` (NaN
    where unobserved)."""

    facilities: pd.DataFrame
    repayments: pd.DataFrame
    leases: pd.DataFrame
    machines: pd.DataFrame
    fixes: pd.DataFrame
    days: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the machine is: the day of the last fix, its distance from the agreed place, and if it moved, how."""

    where: Whereabouts
    last_fix_on: date | None = None
    distance_m: float | None = None
    moved: Moved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What the machine is worth now and by the end of the lease (its condition counted at its worst), what a forced
    sale would bring now, and by how much the agreed residual exceeds the value at the end. Minor units; None where not
    known."""

    value_minor: int | None = None
    sale_value_minor: int | None = None
    value_at_end_minor: int | None = None
    residual_gap_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedMachine:
    """One line of the register. `rental_minor` and `residual_minor` are as agreed, None where no lease row tells;
    `instalments_due` fell due before the day; hours are means a day of the last four weeks and the half-year before."""

    facility_id: str
    lender_id: str
    machine_uid: str | None
    maker: str | None
    model: str | None
    serial: str | None
    currency: str
    financed_minor: int
    annual_rate_ratio: float
    rental_minor: int | None
    residual_minor: int | None
    instalments: int
    instalments_due: int
    overdue_minor: int
    days_past_due: int
    recent_hours_a_day: float | None
    usual_hours_a_day: float | None
    use_and_pay: UseAndPay
    place: Place
    worth: Worth
    early_end: EarlyEnd | None
    missing: tuple[Untold, ...]


def lease_register(
    ledgers: LeaseLedgers, *, day: date, wear: CollateralTerms, values: Mapping[str, Any]
) -> list[LeasedMachine]:
    """Every lease of the obligor as of a day, in order of facilities. `values` are the parameters of supply chains."""
    leases = ledgers.facilities[ledgers.facilities["facility_kind"] == "finance_lease"].sort_values("facility_id")
    agreed = _latest(ledgers.leases, "facility_id")
    owned = _latest(ledgers.machines, "machine_uid")
    return [
        _line(row, agreed.get(str(row["facility_id"])), owned, ledgers, day=day, wear=wear, values=values)
        for row in leases.to_dict("records")
    ]


def _line(
    facility: Mapping[str, Any],
    agreed: Mapping[str, Any] | None,
    owned: Mapping[str, Mapping[str, Any]],
    ledgers: LeaseLedgers,
    *,
    day: date,
    wear: CollateralTerms,
    values: Mapping[str, Any],
) -> LeasedMachine:
    uid = _text(facility["collateral_id"]) if agreed is None else str(agreed["machine_uid"])
    machine = owned.get(uid or "")
    days = ledgers.days[ledgers.days["machine_uid"] == uid]
    due, overdue, late = _arrears(ledgers.repayments[ledgers.repayments["facility_id"] == facility["facility_id"]], day)
    recent = hours_a_day(days, pd.Timestamp(day), RECENT_DAYS)
    usual = hours_a_day(days, pd.Timestamp(day) - pd.Timedelta(days=RECENT_DAYS), USUAL_DAYS)
    left = max(int(facility["instalments"]) - due, 0)
    currencies = {str(item["currency"]) for item in (facility, agreed, machine) if item is not None}
    is_one = len(currencies) == 1
    worth, untold = _worth(machine if is_one else None, days, agreed, day=day, left=left, recent=recent, wear=wear)
    missing = [*([Untold.LEASE] if agreed is None else []), *(untold if is_one else [Untold.CURRENCY])]
    return LeasedMachine(
        facility_id=str(facility["facility_id"]),
        lender_id=str(facility["lender_id"]),
        machine_uid=uid,
        maker=_text(machine and machine.get("maker")),
        model=_text(machine and machine.get("model")),
        serial=_text(machine and machine.get("serial")),
        currency=str(facility["currency"]),
        financed_minor=int(facility["amount_minor"]),
        annual_rate_ratio=float(facility["rate_per_year"]),
        rental_minor=None if agreed is None else int(agreed["rental_minor"]),
        residual_minor=None if agreed is None else int(agreed["residual_minor"]),
        instalments=int(facility["instalments"]),
        instalments_due=due,
        overdue_minor=overdue,
        days_past_due=late,
        recent_hours_a_day=recent,
        usual_hours_a_day=usual,
        use_and_pay=use_and_pay(overdue_minor=overdue, recent_hours=recent, usual_hours=usual, values=values),
        place=_place(agreed, ledgers.fixes[ledgers.fixes["machine_uid"] == uid], day=day, values=values),
        worth=worth,
        early_end=_early_end(facility, agreed, worth, overdue=overdue, left=left),
        missing=tuple(missing),
    )


def hours_a_day(days: pd.DataFrame, end: pd.Timestamp, length: int) -> float | None:
    """Mean executing hours of the observed days before `end`; None where none was observed."""
    span = days[(days["day"] < end) & (days["day"] >= end - pd.Timedelta(days=length))]["executing_hours"].dropna()
    return float(span.mean()) if len(span) else None


def _arrears(dues: pd.DataFrame, day: date) -> tuple[int, int, int]:
    """How many instalments fell due before the day, what is unpaid of them, and since how many days the oldest is."""
    on = pd.to_datetime(dues["due_date"])
    due = dues[on < pd.Timestamp(day)]
    unpaid = (due["amount_due_minor"] - due["amount_paid_minor"].fillna(0)).clip(lower=0)
    oldest = pd.to_datetime(due.loc[unpaid > 0, "due_date"]).min()
    return len(due), int(unpaid.sum()), 0 if pd.isna(oldest) else (pd.Timestamp(day) - oldest).days


def _place(agreed: Mapping[str, Any] | None, fixes: pd.DataFrame, *, day: date, values: Mapping[str, Any]) -> Place:
    seen = fixes[fixes["day"] <= pd.Timestamp(day)].groupby("day")[["latitude_deg", "longitude_deg"]].median()
    known = [Fix(day=on.date(), latitude_deg=row[0], longitude_deg=row[1]) for on, *row in seen.itertuples()]
    last = known[-1] if known else None
    if agreed is None or any(pd.isna(agreed[name]) for name in ("latitude_deg", "longitude_deg", "radius_m")):
        return Place(where=Whereabouts.NO_PLACE_AGREED, last_fix_on=None if last is None else last.day)
    if last is None:
        return Place(where=Whereabouts.NOT_TOLD)
    fence = Fence(
        latitude_deg=float(agreed["latitude_deg"]),
        longitude_deg=float(agreed["longitude_deg"]),
        radius_m=float(agreed["radius_m"]),
    )
    away, told = distance_m(fence, last), moved(fence, known, values)
    is_outside = away - fence.radius_m > values["collateral"]["lease"]["fence_tolerance_m"]
    where = Whereabouts.OUTSIDE if is_outside else Whereabouts.INSIDE
    return Place(
        where=where if told is None else Whereabouts.MOVED,
        last_fix_on=last.day,
        distance_m=round(away, 1),
        moved=told,
    )


def _worth(
    machine: Mapping[str, Any] | None,
    days: pd.DataFrame,
    agreed: Mapping[str, Any] | None,
    *,
    day: date,
    left: int,
    recent: float | None,
    wear: CollateralTerms,
) -> tuple[Worth, list[Untold]]:
    """V0 exp(-a years - h hours / 1000) since it was acquired: days that nobody saw count as the others."""
    if machine is None or pd.isna(machine["asset_value_minor"]):
        return Worth(), [Untold.VALUE]
    observed, executed = days["observed_seconds"].sum(), days["executing_seconds"].sum()
    if not observed or recent is None:
        return Worth(), [Untold.HOURS]
    owned_days = (pd.Timestamp(day) - machine["owned_on"]).days
    hours_a_month = executed / observed * HOURS_A_DAY * DAYS_A_MONTH
    condition = wear.condition(failures_per_1000_hours=None, hours_a_day=None) * wear.brand_ratio * wear.index_ratio
    value = condition * wear.later(
        float(machine["asset_value_minor"]), months=owned_days / DAYS_A_MONTH, hours_a_month=hours_a_month
    )
    at_end = to_minor(exact(wear.later(value, months=left, hours_a_month=recent * DAYS_A_MONTH)))
    return Worth(
        value_minor=to_minor(exact(value)),
        sale_value_minor=to_minor(exact(value * (1 - wear.forced_sale_discount) * (1 - wear.sale_cost_ratio))),
        value_at_end_minor=at_end,
        residual_gap_minor=None if agreed is None else max(0, int(agreed["residual_minor"]) - at_end),
    ), []


def _early_end(
    facility: Mapping[str, Any], agreed: Mapping[str, Any] | None, worth: Worth, *, overdue: int, left: int
) -> EarlyEnd | None:
    if agreed is None or worth.sale_value_minor is None:
        return None
    return early_end(
        Lease(
            rental_minor=int(agreed["rental_minor"]),
            rentals_left=left,
            overdue_minor=overdue,
            annual_rate_ratio=Decimal(str(facility["rate_per_year"])),
            residual_minor=int(agreed["residual_minor"]),
            sale_value_minor=worth.sale_value_minor,
        )
    )


def _latest(rows: pd.DataFrame, by: str) -> dict[str, Mapping[str, Any]]:
    """The row of each that became true last."""
    return {str(row[by]): row for row in rows.sort_values("event_time", kind="stable").to_dict("records")}


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)


def totals(lines: Sequence[LeasedMachine]) -> list[dict[str, Any]]:
    """By currency: how many leases, what was financed, what is overdue, and what ending those of which it is known
    would come to; to the fen the sums of the lines."""
    return [
        {
            "currency": currency,
            "leases": len(mine),
            "financed_minor": sum(line.financed_minor for line in mine),
            "overdue_minor": sum(line.overdue_minor for line in mine),
            "early_end_known": sum(line.early_end is not None for line in mine),
            "early_end_due_minor": sum(line.early_end.due_minor for line in mine if line.early_end is not None),
        }
        for currency in sorted({line.currency for line in lines})
        for mine in [[line for line in lines if line.currency == currency]]
    ]
