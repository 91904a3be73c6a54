"""The register of leased machines as it is answered."""

from __future__ import annotations

from datetime import date, datetime

from api.http.shapes import Told
from data_contracts.vocabulary import DataOrigin
from scoring.supply_chain.collateral.lease_register import Untold, Whereabouts
from scoring.supply_chain.collateral.leasing import UseAndPay


class MovedTold(Told):
    """Since when, on how many days in a row, and how far from the agreed place at most."""

    since: date
    days: int
    farthest_m: float


class LeasePlaceTold(Told):
    """Where the machine is against where it is to be; the distance is that of the last fix from the agreed place."""

    where: Whereabouts
    last_fix_on: date | None
    distance_m: float | None
    moved: MovedTold | None


class LeaseWorthTold(Told):
    """What the machine is worth now and by the lease's end, what a forced sale would bring now, and by how much the
    agreed residual exceeds the value at the end; null where not known."""

    value_minor: int | None
    sale_value_minor: int | None
    value_at_end_minor: int | None
    residual_gap_minor: int | None


class EarlyEndTold(Told):
    """Ending the lease today: overdue + rentals + residual - sale value = due, negative where the lessee is owed."""

    overdue_minor: int
    rentals_today_minor: int
    residual_today_minor: int
    sale_value_minor: int
    due_minor: int


class LeasedMachineTold(Told):
    """One lease. `missing` names what no ledger tells: the lease row, the machine's value, its hours, or one
    currency."""

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
    place: LeasePlaceTold
    worth: LeaseWorthTold
    early_end: EarlyEndTold | None
    missing: list[Untold]


class LeaseTotalTold(Told):
    """The sums of one currency's lines; `early_end_due_minor` is of those `early_end_known`."""

    currency: str
    leases: int
    financed_minor: int
    overdue_minor: int
    early_end_known: int
    early_end_due_minor: int


class LeaseRegisterTold(Told):
    """Every machine that the obligor leases, as the ledgers tell."""

    obligor_id: str
    as_of: datetime
    leases: list[LeasedMachineTold]
    totals: list[LeaseTotalTold]
    data_origin: DataOrigin
    parameters_versions: dict[str, str]


class LeaseRegisterAnswer(Told):
    """A register of leases."""

    lease_register: LeaseRegisterTold
    livemode: bool
