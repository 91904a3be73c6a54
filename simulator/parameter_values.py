"""The numbers of a world as typed, frozen values, read from the dated YAML in `parameters/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from data_contracts.identifiers import ParametersVersion
from data_contracts.reference.dated import load_book
from simulator.money_values import FinanceParameters, NetworkParameters, Pair, RecoveryParameters, TradeParameters


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
    job_shares: tuple[float, ...]
    """Shares of working days with one, two, ... jobs."""
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
    scrap_share: float
    scrap_wear_log: float
    scrap_debt_log: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component of a machine type in `components.yaml`."""

    share: float
    shape: float
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentParameters:
    """`components.yaml`; types and the components of each in the order of their names."""

    repair_ratio: Mapping[str, float]
    maintenance_takes_off_age_share: float
    types: Mapping[str, Mapping[str, Component]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RationingParameters:
    """`rationing.yaml`."""

    begins_by_month: tuple[float, ...]
    days_low: int
    days_high: int
    depth_low: float
    depth_high: float
    reached_share: float
    loses_days_share: float
    intensity: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerParameters:
    """`power.yaml`."""

    idle_share_low: float
    idle_share_high: float
    base_of_idle_share: float
    setup_drive_share: float
    maintenance_work_share: float
    load_sd_ratio: float
    peak_ratio_low: float
    peak_ratio_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParameters:
    """`gateway.yaml`."""

    outages_per_day: float
    outage_median_quarters: float
    outage_sd_log: float
    heartbeat_present_share: float
    heartbeat_lost_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityLaw:
    """`severity` of a row of `insurance.yaml`, `kinds`: shares of the sum insured."""

    gamma_shape: float
    gamma_mean_share: float
    tail_chance: float
    tail_from_share: float
    tail_index: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimKind:
    """A row of `insurance.yaml`, `kinds`."""

    per_failure: float
    per_1000_hours: float
    debt_log: float
    severity: SeverityLaw


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceParameters:
    """`insurance.yaml`."""

    product: str
    reporting_lag_median_days: float
    reporting_lag_sd_log: float
    independent_failures_per_year: float
    independent_hours_per_day: float
    deductible_share: float
    kinds: Mapping[str, ClaimKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A row of `machines.yaml`, `types`."""

    model: str
    run_kw: float
    cycle_seconds: float
    tool_life_hours: float
    value_cny: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineParameters:
    """`machines.yaml`."""

    mean_count: float
    count_shape: float
    largest_count: int
    bought_in_window_share: float
    sold_per_year_share: float
    sold_after_default_share: float
    sale_lag_months: Pair
    buyer_reach_firms: int
    two_sites_share: float
    moved_per_year_share: float
    past_use_share: float
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
class RecessionParameters:
    """`recession.yaml`."""

    shock_month: str
    shock_depth_sd: float
    shock_persistence: float
    shock_lasts_months: int
    core_buyer: int
    core_failure_month: str
    core_default_log_odds: float
    core_lasts_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleCoverParameters:
    """`idle_cover.yaml`."""

    trigger_share: float
    cap_share: float
    season_months: int
    portfolio_firms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakParameters:
    """`leaks.yaml`."""

    late_share: float
    late_days: int
    late_before_default_months: int
    removed_before_days: int
    leased_twice_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftParameters:
    """`drift.yaml`."""

    industry_sd_per_year: float
    default_log_odds_per_year: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationParameters:
    """`observation.yaml`."""

    adoption_share_from_start: float
    adoption_per_month: float
    adoption_health_log: float
    adoption_size_log: float
    uplink_outages_per_day: float
    uplink_outage_mean_days: float
    no_plan_share: float
    clock_drift_ppm: float
    clock_resync_days: int
    counter_resets_per_day: float
    mislabels_per_day: float
    inspections_per_year: float
    inspected_by_lender_share: float


EXACT_OBSERVATION = ObservationParameters(
    adoption_share_from_start=1.0,
    adoption_per_month=0.0,
    adoption_health_log=0.0,
    adoption_size_log=0.0,
    uplink_outages_per_day=0.0,
    uplink_outage_mean_days=1.0,
    no_plan_share=0.0,
    clock_drift_ppm=0.0,
    clock_resync_days=7,
    counter_resets_per_day=0.0,
    mislabels_per_day=0.0,
    inspections_per_year=2.0,
    inspected_by_lender_share=0.7,
)
"""Nothing stands between a machine and what is known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudParameters:
    """`frauds.yaml`; `strengths` by code, each a few named numbers."""

    prevalence: float
    quiet_share_of_world: float
    latest_share_of_world: float
    strengths: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldParameters:
    """Every number of a world, and the version (SHA-256) of the files they came from."""

    place: PlaceParameters
    calendar: CalendarParameters
    health: HealthParameters
    defaults: DefaultParameters
    demand: DemandParameters
    trade: TradeParameters
    network: NetworkParameters
    finance: FinanceParameters
    recovery: RecoveryParameters
    schedule: ScheduleParameters
    faults: FaultParameters
    components: ComponentParameters
    power: PowerParameters
    rationing: RationingParameters
    gateway: GatewayParameters
    insurance: InsuranceParameters
    machines: MachineParameters
    industries: Mapping[str, Industry]
    names: NameParameters
    observation: ObservationParameters
    frauds: FraudParameters
    recession: RecessionParameters
    drift: DriftParameters
    leaks: LeakParameters
    idle_cover: IdleCoverParameters
    version: ParametersVersion


def load_parameters(as_of: date) -> WorldParameters:
    """The simulator's own parameters in force on `as_of`.

    Raises InvalidParameters when a file breaks the form of dated YAML, TypeError when a file names a number that the
    world does not know or lacks one that it needs.
    """
    book = load_book(files("simulator") / "parameters")
    values = book.at(as_of)
    machines = {**_frozen(values["machines"]), "types": _rows(MachineType, values["machines"]["types"])}
    parts = {kind: _rows(Component, rows) for kind, rows in sorted(values["components"]["types"].items())}
    return WorldParameters(
        place=PlaceParameters(**_frozen(values["world"])),
        calendar=CalendarParameters(**_frozen(values["calendar"])),
        health=HealthParameters(**_frozen(values["health"])),
        defaults=DefaultParameters(**_frozen(values["defaults"])),
        demand=DemandParameters(**_frozen(values["demand"])),
        trade=TradeParameters(**_frozen(values["trade"])),
        network=NetworkParameters(**_frozen(values["network"])),
        finance=FinanceParameters(**_frozen(values["finance"])),
        recovery=RecoveryParameters(**_frozen(values["recovery"])),
        schedule=ScheduleParameters(**_frozen(values["schedule"])),
        faults=FaultParameters(**_frozen(values["faults"])),
        components=ComponentParameters(**{**values["components"], "types": parts}),
        power=PowerParameters(**_frozen(values["power"])),
        rationing=RationingParameters(**_frozen(values["rationing"])),
        gateway=GatewayParameters(**_frozen(values["gateway"])),
        insurance=InsuranceParameters(**{**values["insurance"], "kinds": _claim_kinds(values["insurance"]["kinds"])}),
        machines=MachineParameters(**machines),
        industries=_rows(Industry, values["industries"]),
        names=NameParameters(**_frozen(values["names"])),
        observation=ObservationParameters(**_frozen(values["observation"])),
        frauds=_frauds(values["frauds"]),
        recession=RecessionParameters(**_frozen(values["recession"])),
        drift=DriftParameters(**_frozen(values["drift"])),
        leaks=LeakParameters(**_frozen(values["leaks"])),
        idle_cover=IdleCoverParameters(**_frozen(values["idle_cover"])),
        version=book.version,
    )


def _frozen(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}


def _frauds(body: Mapping[str, Any]) -> FraudParameters:
    strengths = {name: value for name, value in body.items() if isinstance(value, Mapping)}
    return FraudParameters(
        **{name: value for name, value in body.items() if name not in strengths}, strengths=strengths
    )


def _claim_kinds(table: Mapping[str, Mapping[str, Any]]) -> dict[str, ClaimKind]:
    return {
        name: ClaimKind(**{**row, "severity": SeverityLaw(**row["severity"])}) for name, row in sorted(table.items())
    }


def _rows(kind: type[Any], table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: kind(**_frozen(row)) for name, row in sorted(table.items())}
