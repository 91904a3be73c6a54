"""The numbers of trade and money: prices, buyers, the cash account, and what machines fetch when they are sold."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeParameters:
    """`trade.yaml`."""

    revenue_per_machine_hour_cny: float
    revenue_sd_log: float
    order_price_sd_log: float
    buyers: int
    buyer_tail: float
    buyers_per_firm: int
    obligor_buyer_share: float
    obligor_buyer_choices: int
    two_shipments_from_lead_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkParameters:
    """`network.yaml`."""

    core_enterprises: int
    persistence: float
    industry_share: float
    failure_intercept: float
    failure_state: float
    core_failure_shift: float
    term_days: tuple[int, ...]
    term_shares: tuple[float, ...]
    late_median_days: float
    late_state_log: float
    late_sd_log: float
    late_most_days: int
    credit_note_share: float
    credit_note_low: float
    credit_note_high: float
    credit_note_after_days: Pair
    suppliers: int
    supplier_tail: float
    supplier_failures_per_month: float
    supplier_price_ratio: float
    supplier_dear_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FinanceParameters:
    """`finance.yaml`."""

    vat_percent: int
    income_tax_percent: int
    material_share_mean: float
    material_share_sd: float
    material_stock_months: float
    supplier_terms_days: Pair
    hours_per_head: float
    office_share_of_heads: float
    wage_cny_per_month: float
    wage_sd_log: float
    wage_fixed_share: float
    opening_wage_share: float
    wages_due_day: int
    tariff_minor_per_kwh: tuple[int, ...]
    site_energy_share: tuple[float, float]
    site_energy_sd_log: float
    energy_due_day: int
    energy_bill_known_after_days: int
    rent_cny_per_machine_month: float
    rent_due_day: int
    repairer_terms_days: int
    overhead_share: float
    overhead_fixed_share: float
    insurance_share_of_value: float
    mishaps_per_month: float
    mishap_months_median: float
    mishap_sd_log: float
    preventive_cny_per_hour: float
    repair_cny_per_hour: float
    repair_parts_share_of_value: float
    depreciation_months: int
    tax_due_day: int
    normal_load: float
    line_months: float
    line_rate_bp: int
    loan_months_median: float
    loan_sd_log: float
    loan_least_cny: float
    loan_rate_bp: Pair
    loan_instalments: tuple[int, ...]
    lease_share: float
    lease_financed_percent: int
    lease_rate_bp: Pair
    lease_instalments: int
    cash_months: float
    opening_means_health_log: float
    opening_distress_intercept: float
    opening_distress_health: float
    opening_distress_means_share: float
    cash_sd_log: float
    line_repaid_above_months: float
    buffer_months: float
    drawings_share: float
    owner_months_median: float
    owner_sd_log: float
    owner_saves_share: float
    late_intercept: float
    late_health: float
    late_mean_days: float
    late_most_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryParameters:
    """`recovery.yaml`."""

    discount_share: float
    hours_scale: float
    least_share: float
    debt_log: float
    failures_log: float
    noise_sd_log: float
    good_above: float
    poor_below: float
    sold_share: float
    lag_months: Pair
