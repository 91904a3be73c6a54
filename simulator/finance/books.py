"""A month of the books: from what was made and shipped to what is in the account, and who is ninety days past due."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.credit.structural import Engine
from simulator.factory.energy import by_firm as machines_by_firm
from simulator.factory.energy import drawn_by_firm, made_by_firm
from simulator.factory.machine_month import EXECUTING, MachineMonth
from simulator.factory.machines import Machines
from simulator.finance.accounts import Account, Book, Creditor, by_firm, tax_on
from simulator.finance.assets import (
    Disposals,
    buy_machines,
    disposals,
    is_owned,
    ordinary_price,
    sell_machines,
    write_down,
)
from simulator.finance.costs import (
    TaxYear,
    Work,
    enter_energy,
    enter_line_interest,
    enter_maintenance,
    enter_mishaps,
    enter_rent_and_overheads,
    enter_taxes,
    enter_wages,
    maintenance_work,
    metered,
)
from simulator.finance.debt import Debt, Facilities, Instalments
from simulator.finance.desk import Desk, Flow, Till, all_instalments
from simulator.finance.opening import BooksState, kit_price
from simulator.finance.payments import Obligations
from simulator.finance.recovery import Appraisal, appraise
from simulator.finance.sales import SalesMonth, sell
from simulator.finance.stock import Materials, buy_material, enter_material, enter_output
from simulator.finance.terms import Terms
from simulator.firms.obligors import Firms
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams
from simulator.trade.deliveries import Shipments
from simulator.trade.network import Network
from simulator.trade.orders import Capacity
from simulator.world_calendar import Calendar, Month

USUAL_MONTHS = 12

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A block's firms as the books see them, and the rules that they keep."""

    block: int
    firms: Firms
    machines: Machines
    terms: Terms
    engine: Engine
    network: Network
    calendar: Calendar
    parameters: WorldParameters
    streams: Streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Doings:
    """What happened in the month outside the account; arrays by firm, or (firms, days)."""

    machines: MachineMonth
    shipped: Shipments
    possible: Capacity
    activity: Floats
    """(firms, days): 1 in ordinary life, falling to 0 after default."""
    maintenance_debt: Floats
    credit_health: Floats
    """Health of the month as lenders meet it: in reduced form it says how late instalments are paid."""
    default_day: Ints
    """`NEVER` without a default; in the structural engine as far as is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSales:
    """Machines that left: those sold for the lenders with what they were judged to be worth."""

    sold: Disposals
    price_minor: Ints
    """With tax."""
    appraisal: Appraisal


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksMonth:
    """A month's papers and its account."""

    opening_cash: Ints
    flows: Ints
    """(flows, firms, days): why cash moved."""
    closing_cash: Ints
    """(firms, days)."""
    sales: SalesMonth
    materials: Materials
    work: Work
    energy_steps: Ints
    """(firms,), in steps of a hundredth of a kWh."""
    energy_minor: Ints
    facilities: list[Facilities]
    instalments: Instalments
    machine_sales: MachineSales


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A month while its books are being written: what it starts from, and the arrays that change."""

    business: Business
    month: Month
    state: BooksState
    doings: Doings
    book: Book
    debt: Debt
    owed: Obligations


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    work: Work
    energy_steps: Ints
    energy_minor: Ints
    year: TaxYear


def keep_books(
    business: Business, month: Month, state: BooksState, doings: Doings
) -> tuple[BooksState, BooksMonth, Ints]:
    """One month of the books: (the books after it, its papers, the days of default as they are now known)."""
    draft = _Draft(
        business=business,
        month=month,
        state=state,
        doings=doings,
        book=Book(state.balances.copy()),
        debt=state.debt.copy(),
        owed=Obligations(state.scheduled.copy()),
    )
    sales, sold = sell(
        draft.book,
        state.sales,
        doings.shipped,
        block=business.block,
        month=month,
        network=business.network,
        parameters=business.parameters,
        streams=business.streams,
    )
    materials = _output(draft)
    desk = _desk(draft)
    machine_sales, proceeds = _machines_move(draft, desk)
    desk.live(
        Till(
            days=month.days,
            received=sold.received,
            machines_sold=proceeds,
            due=draft.owed.within(month.length).copy(),
            late=_late_days(draft),
            credit_base=state.usual_sales,
        )
    )
    net_sales = by_firm(sold.issued.firm, sold.issued.gross_minor - sold.issued.tax_minor, len(business.firms))
    end = _close(draft, net_sales)
    told = BooksMonth(
        opening_cash=state.balances[Account.CASH],
        flows=desk.flows,
        closing_cash=desk.closing,
        sales=sold,
        materials=materials,
        work=end.work,
        energy_steps=end.energy_steps,
        energy_minor=end.energy_minor,
        facilities=desk.facilities,
        instalments=all_instalments(desk.instalments),
        machine_sales=machine_sales,
    )
    after = replace(_after(draft, desk, end, materials=materials, net_sales=net_sales), sales=sales)
    return after, told, desk.default_day


def _output(draft: _Draft) -> Materials:
    """Material that came and was used, and the goods that were made of it and left."""
    business, month, state, doings = draft.business, draft.month, draft.state, draft.doings
    firms, terms, rules = business.firms, business.terms, business.parameters.finance
    attempted = doings.machines.parts_made + doings.machines.scrap_made
    used = machines_by_firm(attempted, business.machines, len(firms))
    usual = doings.possible.monthly_parts(business.parameters.demand.work_days_per_month)
    target = np.round(usual * rules.material_stock_months).astype(np.int64) * (doings.default_day > month.first_day)
    network, trade = business.network, business.parameters.network
    is_dear = network.is_dear(terms.supplier, month.position, trade)
    kit = np.round(kit_price(firms, terms, doings.possible) * np.where(is_dear, trade.supplier_price_ratio, 1.0))
    kit = kit.astype(np.int64)
    materials = buy_material(state.kits, used, target=target, kit_minor=kit)
    gross = enter_material(draft.book, materials, vat_percent=rules.vat_percent)
    for column in np.flatnonzero(gross.any(axis=0)):
        draft.owed.fall_due(Creditor.SUPPLIERS, column + terms.supplier_days, gross[:, column])
    made, shipped = _moved(draft)
    enter_output(draft.book, materials, goods_before=state.goods, made=made, shipped=shipped)
    return materials


def _moved(draft: _Draft) -> tuple[Ints, Ints]:
    """Parts made and shipped in the month, by firm."""
    count, doings = len(draft.business.firms), draft.doings
    made = made_by_firm(doings.machines, draft.business.machines, count).sum(axis=1)
    return made, by_firm(doings.shipped.firm, doings.shipped.parts, count)


def _machines_move(draft: _Draft, desk: Desk) -> tuple[MachineSales, Ints]:
    """Machines bought and sold: (the sales, the money from them by firm and day)."""
    business, machines, rules = draft.business, draft.business.machines, draft.business.parameters.finance
    desk.facilities += buy_machines(
        draft.book, draft.debt, machines, terms=business.terms, month=draft.month, rules=rules
    )
    sales = _price_machines(draft)
    proceeds = sell_machines(
        draft.book,
        draft.debt,
        machines,
        sales.sold,
        price_minor=sales.price_minor,
        month=draft.month,
        calendar=business.calendar,
        rules=rules,
    )
    return sales, proceeds


def _price_machines(draft: _Draft) -> MachineSales:
    business, month, doings = draft.business, draft.month, draft.doings
    machines, parameters = business.machines, business.parameters
    sold = disposals(machines, month=month, default_day=doings.default_day)
    rows = sold.machine
    normal = business.streams.of("recovery.price", business.block, month.position).standard_normal(len(rows))
    appraisal = appraise(
        machines.value_minor[rows],
        meter_before=machines.meter_quarters[rows],
        meter_quarters=doings.machines.hour_meter[rows, sold.day - month.first_day],
        maintenance_debt=doings.maintenance_debt[machines.firm[rows]],
        failures=draft.state.failures[rows],
        worked_quarters=draft.state.worked_quarters[rows],
        normal=normal,
        rules=parameters.recovery,
    )
    usual = ordinary_price(machines, rows, sold.day, parameters.machines)
    gross = usual + tax_on(usual, parameters.finance.vat_percent)
    return MachineSales(
        sold=sold, price_minor=np.where(sold.is_recovery, appraisal.price_minor, gross), appraisal=appraisal
    )


def _late_days(draft: _Draft) -> Ints:
    """(firms, days): by how many days an instalment of that day is paid late in reduced form, mostly none."""
    business, health = draft.business, draft.doings.credit_health
    rules, place = business.parameters.finance, (business.block, draft.month.position)
    uniform = business.streams.of("instalment.late", *place).random((len(health), draft.month.length, 2))
    chance = expit(rules.late_intercept - rules.late_health * health)
    days = np.ceil(-rules.late_mean_days * np.log1p(-uniform[..., 1]))
    late = np.where(uniform[..., 0] < chance[:, None], np.clip(days, 1, rules.late_most_days), 0)
    return late.astype(np.int64)


def _desk(draft: _Draft) -> Desk:
    business, state = draft.business, draft.state
    shape = (len(business.firms), draft.month.length)
    return Desk(
        engine=business.engine,
        terms=business.terms,
        rules=business.parameters.finance,
        book=draft.book,
        debt=draft.debt,
        overdue=state.overdue.copy(),
        owner_minor=state.owner_minor,
        default_day=draft.doings.default_day.copy(),
        flows=np.zeros((len(Flow), *shape), dtype=np.int64),
        closing=np.zeros(shape, dtype=np.int64),
    )


def _close(draft: _Draft, net_sales: Ints) -> _End:
    """What is entered at the month's end and falls due in the next."""
    business, month, doings, book, owed = draft.business, draft.month, draft.doings, draft.book, draft.owed
    firms, machines, rules = business.firms, business.machines, business.parameters.finance
    work = maintenance_work(doings.machines, machines, rules)
    enter_maintenance(book, owed, work, machines, month=month, rules=rules)
    activity = doings.activity.mean(axis=1)
    enter_wages(
        book,
        owed,
        doings.machines,
        firms=firms,
        machines=machines,
        terms=business.terms,
        activity=activity,
        rules=rules,
    )
    normal = business.streams.of("energy.site", business.block, month.position).standard_normal(len(firms))
    drawn = drawn_by_firm(doings.machines, machines, len(firms)).sum(axis=1)
    steps = metered(drawn, business.terms.site_energy_share, normal, rules)
    energy = enter_energy(book, owed, steps, firms=firms, month=month, rules=rules)
    there = np.flatnonzero(is_owned(machines, month.first_day + month.length - 1))
    enter_rent_and_overheads(
        book,
        owed,
        net_sales,
        terms=business.terms,
        machine_count=np.bincount(machines.firm[there], minlength=len(firms)),
        machine_value_minor=by_firm(machines.firm[there], machines.value_minor[there], len(firms)),
        activity=activity,
        month=month,
        rules=rules,
    )
    chance = business.streams.of("mishap", business.block, month.position).random((len(firms), 2))
    enter_mishaps(book, owed, chance, terms=business.terms, activity=activity, month=month, rules=rules)
    write_down(book, machines, month=month, rules=rules)
    enter_line_interest(book, owed, month=month, rules=rules)
    year = enter_taxes(book, owed, draft.state.year, month=month, rules=rules)
    return _End(work=work, energy_steps=steps, energy_minor=energy, year=year)


def _after(draft: _Draft, desk: Desk, end: _End, *, materials: Materials, net_sales: Ints) -> BooksState:
    state, machines = draft.state, draft.doings.machines
    made, shipped = _moved(draft)
    return replace(
        state,
        balances=draft.book.balances,
        kits=materials.closing[:, -1],
        goods=state.goods + made - shipped,
        scheduled=draft.owed.next_month(draft.month.length),
        overdue=desk.overdue,
        debt=draft.debt,
        owner_minor=desk.owner_minor,
        usual_sales=((USUAL_MONTHS - 1) * state.usual_sales + net_sales) // USUAL_MONTHS,
        year=end.year,
        failures=state.failures + machines.fault_starts.sum(axis=1),
        worked_quarters=state.worked_quarters + machines.done[EXECUTING].sum(axis=1),
    )
