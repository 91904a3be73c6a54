"""Family `supply_chain`: orders, buyers, suppliers and debts, as ledgers tell them beside the machines' output."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from features.columns import Column, column, ratio
from features.declaration import feature
from features.feature_value import Missing
from features.history import Array, DailyHistory, Level, Measure, Window, nan_sum
from features.level import DAYS_OF_A_MONTH, fleet_value_live

of_ledgers = partial(
    feature,
    family="supply_chain",
    levels=(Level.OBLIGOR,),
    insurance_risk=0,
    insurance_reason="of a firm's business; a machine has none",
    rests_on_ledgers=True,
)
"""What all features of this family share."""


@of_ledgers(
    unit="months",
    windows_days=(90,),
    credit_risk=-1,
    credit_reason="orders in hand are work that is already sold",
    actionable=True,
    label_zh="订单保障月数",
    label_en="Months of output on order",
    formula="parts of open orders of the last year / (parts made in the window x 30 / days of the window)",
)
def order_cover(history: DailyHistory, window: Window) -> Column:
    """How many months of output the open orders of the last year are."""
    monthly = history.parts.sum_over(window) * DAYS_OF_A_MONTH / window.days
    return ratio(_last(history.open_order_parts), monthly, zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)


@of_ledgers(
    unit="1",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="a firm with one buyer fails with it",
    actionable=True,
    label_zh="应收集中度",
    label_en="Concentration of receivables",
    formula="sum over buyers of their squared shares of what is receivable (invoices of the last year)",
)
def buyer_hhi(history: DailyHistory, window: Window) -> Column:
    """Herfindahl index of the buyers in what is receivable."""
    return column(history.standing.buyer_hhi, missing=Missing.NO_SOURCE)


@of_ledgers(
    unit="1",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="receivables are worth what buyers can pay",
    actionable=False,
    label_zh="买方违约概率（按应收加权）",
    label_en="Buyers' probability of default, by receivables",
    formula="mean of the rated buyers' probabilities of default, weighted by what they owe",
)
def top_buyer_pd(history: DailyHistory, window: Window) -> Column:
    """What rating sources say of the buyers, weighted by what each owes."""
    return column(history.standing.buyer_pd, missing=Missing.NO_SOURCE)


@of_ledgers(
    unit="d",
    windows_days=(90,),
    credit_risk=+1,
    credit_reason="buyers that pay later and later leave their supplier without cash",
    actionable=True,
    label_zh="回款天数变化",
    label_en="Change of days sales outstanding",
    formula="receivables / invoiced over the window x days, now - the same a window ago",
)
def dso_trend(history: DailyHistory, window: Window) -> Column:
    """By how many days buyers take longer to pay than a window ago."""
    return _turn_change(history.receivable_minor, history.invoiced_minor, window)


@of_ledgers(
    unit="d",
    windows_days=(90,),
    credit_risk=+1,
    credit_reason="a firm short of cash pays its suppliers later",
    actionable=True,
    label_zh="付款天数变化",
    label_en="Change of days payable outstanding",
    formula="payables / purchased over the window x days, now - the same a window ago",
)
def payable_stretch(history: DailyHistory, window: Window) -> Column:
    """By how many days the firm takes longer to pay its suppliers than a window ago."""
    return _turn_change(history.payable_minor, history.purchased_minor, window)


@of_ledgers(
    unit="1",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="invoices that are taken back were not owed",
    actionable=True,
    label_zh="应收稀释率",
    label_en="Dilution of invoices",
    formula="amount of red-letter invoices / amount of invoices in the window",
)
def dilution(history: DailyHistory, window: Window) -> Column:
    """Share of the invoiced amount that credit notes took back."""
    return ratio(history.credited_minor.sum_over(window), history.invoiced_minor.sum_over(window),
                 zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)  # fmt: skip


@of_ledgers(
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    credit_reason="what buyers owe beyond its day comes late or never",
    actionable=True,
    label_zh="逾期应收占比",
    label_en="Share of receivables overdue",
    formula="mean over the window's days of what is overdue / mean of what is receivable",
)
def overdue_share(history: DailyHistory, window: Window) -> Column:
    """Share of what is receivable that is past its due day."""
    return ratio(history.overdue_minor.sum_over(window), history.receivable_minor.sum_over(window),
                 zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)  # fmt: skip


@of_ledgers(
    unit="1",
    windows_days=(180,),
    credit_risk=-1,
    credit_reason="who delivers late loses orders, and is late because something is short",
    actionable=True,
    label_zh="按期交付率",
    label_en="Deliveries on time",
    formula="parts delivered by the day they were due / parts of the orders due in the window",
)
def on_time_delivery(history: DailyHistory, window: Window) -> Column:
    """Share of the parts due in the window that were delivered by their day."""
    return ratio(history.on_time_parts.sum_over(window), history.due_parts.sum_over(window),
                 zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)  # fmt: skip


@of_ledgers(
    unit="1",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="a firm stops when its suppliers do",
    actionable=False,
    label_zh="供应商违约概率（按采购加权）",
    label_en="Suppliers' probability of default, by purchases",
    formula="mean of the rated suppliers' probabilities of default, weighted by what was bought of them in a year",
)
def supplier_risk(history: DailyHistory, window: Window) -> Column:
    """What rating sources say of the suppliers, weighted by what was bought of each."""
    return column(history.standing.supplier_pd, missing=Missing.NO_SOURCE)


@of_ledgers(
    unit="1",
    windows_days=(365,),
    credit_risk=+1,
    credit_reason="a firm whose equity does not stand its buyers' failures fails with them",
    actionable=True,
    label_zh="对买方的脆弱度",
    label_en="Vulnerability to buyers",
    formula="min(1, sum over rated buyers of what each owes x its probability of default / equity)",
)
def buyer_vulnerability(history: DailyHistory, window: Window) -> Column:
    """Share of the equity that the buyers' expected defaults would take: the first step of DebtRank."""
    return column(history.standing.buyer_vulnerability, missing=Missing.NO_SOURCE)


@of_ledgers(
    unit="1",
    windows_days=(90,),
    credit_risk=-1,
    credit_reason="debt is served from what is made and sold",
    actionable=True,
    label_zh="产值对偿债支出的倍数",
    label_en="Value of production against debt service",
    formula="parts made in the window x price per part of the orders of a year / debt service due in the window",
)
def production_debt_cover(history: DailyHistory, window: Window) -> Column:
    """How many times the value of what the machines made covers the debt service that fell due."""
    value = history.parts.sum_over(window) * history.standing.part_price_minor
    return ratio(value, history.debt_service_minor.sum_over(window), zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)


@of_ledgers(
    unit="months",
    windows_days=(365,),
    credit_risk=-1,
    credit_reason="buyers of long standing stay",
    actionable=False,
    label_zh="与最大买方合作月数",
    label_en="Months with the largest buyer",
    formula="days since the first order of the buyer that ordered most in a year, within two years / 30",
)
def buyer_tenure_months(history: DailyHistory, window: Window) -> Column:
    """How long the largest buyer of the last year has been ordering, as far as the last two years tell."""
    return column(history.standing.buyer_tenure_days / DAYS_OF_A_MONTH, missing=Missing.NO_SOURCE)


@of_ledgers(
    unit="1",
    windows_days=(90,),
    credit_risk=+1,
    credit_reason="debt beyond what the machines are worth will not be recovered from them",
    actionable=True,
    label_zh="设备贷款现值比",
    label_en="Debt secured by machines against their value",
    formula="outstanding on facilities secured by the obligor's machines / present value of the machines",
)
def live_ltv(history: DailyHistory, window: Window) -> Column:
    """What is owed on the machines against what they are worth now."""
    compute: Any = fleet_value_live.definitions[0].compute
    value = compute(history, window).values
    return ratio(history.standing.secured_debt_minor, value, zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE)


def _last(measure: Measure) -> Array:
    """The measure at the end of the last day."""
    return measure.values[:, -1]


def _turn_change(balance: Measure, flow: Measure, window: Window) -> Column:
    """Days of turnover that the balance stands for, now less a window ago."""
    flows = flow.last(2 * window.days)
    now = ratio(
        balance.values[:, -1], nan_sum(flows[:, window.days :]), zero=Missing.NO_BASIS, unsaid=Missing.NO_SOURCE
    )
    before = ratio(balance.values[:, -1 - window.days], nan_sum(flows[:, : window.days]), zero=Missing.NO_BASIS)
    reasons = np.where(np.isnan(now.values), now.reasons, before.reasons)
    return Column(window.days * (now.values - before.values), reasons)


SUPPLY_CHAIN = (
    order_cover,
    buyer_hhi,
    top_buyer_pd,
    dso_trend,
    payable_stretch,
    dilution,
    overdue_share,
    on_time_delivery,
    supplier_risk,
    buyer_vulnerability,
    production_debt_cover,
    buyer_tenure_months,
    live_ltv,
)
