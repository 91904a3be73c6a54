"""The numbers of a world as typed, frozen values, read from the dated YAML in `parameters/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from data_contracts.identifiers import ParametersVersion
from data_contracts.reference.dated import load_book

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceParameters:
    """`world.yaml`."""

    site_zone: str
    currency: str
    last_month: str
    first_firm_serial: int
    first_buyer_serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarParameters:
    """`calendar.yaml`."""

    chinese_new_year: tuple[str, ...]
    fixed_holidays: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthParameters:
    """`health.yaml`."""

    persistence: float
    quality_sd: float
    industry_persistence: float
    industry_common_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultParameters:
    """`defaults.yaml`."""

    intercept: float
    health: float
    quality: float
    industry: float
    wind_down_days: int
    reporting_lag_days: int
    rule_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandParameters:
    """`demand.yaml`."""

    mean_load_ratio: float
    health_log: float
    quality_log: float
    industry_log: float
    firm_sd_log: float
    season_log: tuple[float, ...]
    orders_per_month_low: float
    orders_per_month_high: float
    order_size_sd_log: float
    work_days_per_month: float
    open_orders_released_ratio: float
    new_orders_released_ratio: float
    full_book_months: float
    lead_days_low: int
    lead_days_high: int
    opening_stock_months: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeParameters:
    """`trade.yaml`."""

    revenue_per_machine_hour_cny: float
    revenue_sd_log: float
    order_price_sd_log: float
    buyers: int
    buyer_tail: float
    buyers_per_firm: int
    two_shipments_from_lead_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleParameters:
    """`schedule.yaml`; tuples of three are by shift pattern."""

    shift_shares: tuple[float, ...]
    nominal_quarters: tuple[int, ...]
    stretch_ratio: tuple[float, ...]
    start_quarter: int
    start_spread_quarters: int
    saturday_share: tuple[float, ...]
    sunday_share: tuple[float, ...]
    closure_before_days: Pair
    closure_after_days: Pair
    hours_sd_ratio: float
    executing_share_mean: float
    executing_share_sd: float
    waiting_share_at_no_load: float
    setup_share_low: float
    setup_share_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultParameters:
    """`faults.yaml`."""

    failures_per_1000_hours: float
    proneness_shape: float
    debt_log: float
    debt_reference: float
    debt_persistence: float
    effort_intercept: float
    effort_health: float
    maintenance_per_month: float
    maintenance_quarters_low: int
    maintenance_quarters_high: int
    repair_median_quarters: float
    repair_sd_log: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerParameters:
    """`power.yaml`."""

    idle_share_low: float
    idle_share_high: float
    setup_share: float
    maintenance_share: float
    fault_share: float
    load_sd_ratio: float
    peak_ratio_low: float
    peak_ratio_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParameters:
    """`gateway.yaml`."""

    outages_per_day: float
    outage_median_quarters: float
    outage_sd_log: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceParameters:
    """`insurance.yaml`."""

    product: str
    deductible_share: float
    damage_median_share: float
    damage_sd_log: float
    damage_debt_log: float
    reporting_lag_median_days: float
    reporting_lag_sd_log: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A row of `machines.yaml`, `types`."""

    model: str
    run_kw: float
    cycle_seconds: float
    value_cny: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineParameters:
    """`machines.yaml`."""

    mean_count: float
    count_shape: float
    largest_count: int
    bought_in_window_share: float
    age_low_years: float
    age_high_years: float
    depreciation_per_year: float
    least_value_share: float
    run_sd_log: float
    cycle_sd_log: float
    value_sd_log: float
    speed_sd_ratio: float
    types: Mapping[str, MachineType]


@dataclass(frozen=True, slots=True, kw_only=True)
class Industry:
    """A row of `industries.yaml`."""

    weight: float
    default_shift: float
    machine_types: tuple[str, ...]
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameParameters:
    """`names.yaml`."""

    first: str
    second: str
    legal_person: str
    sole_trader: str
    mark: str
    sole_trader_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldParameters:
    """Every number of a world, and the version (SHA-256) of the files they came from."""

    place: PlaceParameters
    calendar: CalendarParameters
    health: HealthParameters
    defaults: DefaultParameters
    demand: DemandParameters
    trade: TradeParameters
    schedule: ScheduleParameters
    faults: FaultParameters
    power: PowerParameters
    gateway: GatewayParameters
    insurance: InsuranceParameters
    machines: MachineParameters
    industries: Mapping[str, Industry]
    names: NameParameters
    version: ParametersVersion


def load_parameters(as_of: date) -> WorldParameters:
    """The simulator's own parameters in force on `as_of`.

    Raises InvalidParameters when a file breaks the form of dated YAML, TypeError when a file names a number that the
    world does not know or lacks one that it needs.
    """
    book = load_book(files("simulator") / "parameters")
    values = book.at(as_of)
    machines = {**values["machines"], "types": _rows(MachineType, values["machines"]["types"])}
    return WorldParameters(
        place=PlaceParameters(**_frozen(values["world"])),
        calendar=CalendarParameters(**_frozen(values["calendar"])),
        health=HealthParameters(**_frozen(values["health"])),
        defaults=DefaultParameters(**_frozen(values["defaults"])),
        demand=DemandParameters(**_frozen(values["demand"])),
        trade=TradeParameters(**_frozen(values["trade"])),
        schedule=ScheduleParameters(**_frozen(values["schedule"])),
        faults=FaultParameters(**_frozen(values["faults"])),
        power=PowerParameters(**_frozen(values["power"])),
        gateway=GatewayParameters(**_frozen(values["gateway"])),
        insurance=InsuranceParameters(**_frozen(values["insurance"])),
        machines=MachineParameters(**machines),
        industries=_rows(Industry, values["industries"]),
        names=NameParameters(**_frozen(values["names"])),
        version=book.version,
    )


def _frozen(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}


def _rows(kind: type[Any], table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: kind(**_frozen(row)) for name, row in sorted(table.items())}
