"""What a month costs beside material: wages, energy, rent, maintenance, overheads, wear, interest and taxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from simulator.factory.machine_month import EXECUTING, FAULT, MAINTENANCE, MachineMonth
from simulator.factory.machines import Machines
from simulator.finance.accounts import RESULT, Account, Book, Creditor, by_firm, tax_within, total
from simulator.finance.payments import Obligations
from simulator.finance.terms import Terms
from simulator.firms.obligors import Firms
from simulator.money_values import FinanceParameters
from simulator.world_calendar import Month

QUARTERS_PER_HOUR = 4.0
MONTHS_PER_YEAR = 12
QUARTER_MONTHS = 3
BASIS_DAYS = 360 * 10_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Maintenance and repair of a month by machine and day. Arrays of length k."""

    machine: Ints
    day: Ints
    is_repair: Bools
    quarters: Ints
    cost_minor: Ints
    """With tax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxYear:
    """Income tax so far, by firm, in minor units."""

    result_before: Ints
    """Result of all time before the calendar year, tax not taken off."""
    accrued: Ints
    """Tax of the year that was entered."""


def maintenance_work(month: MachineMonth, machines: Machines, rules: FinanceParameters) -> Work:
    """Planned maintenance and repairs, at their hourly cost; a failure costs parts by the machine's value beside it."""
    planned = _work(month, month.done[MAINTENANCE] > 0, is_repair=False)
    repairs = _work(month, month.fault_starts > 0, is_repair=True)
    machine, column, is_repair = (np.concatenate([one, two]) for one, two in zip(planned, repairs, strict=True))
    quarters = np.where(is_repair, month.done[FAULT, machine, column], month.done[MAINTENANCE, machine, column]).astype(
        np.int64
    )
    failures = month.fault_starts[machine, column] * is_repair
    per_hour = np.where(is_repair, rules.repair_cny_per_hour, rules.preventive_cny_per_hour)
    cost = 100.0 * quarters / QUARTERS_PER_HOUR * per_hour
    cost += failures * rules.repair_parts_share_of_value * machines.value_minor[machine]
    order = np.lexsort((is_repair, column, machine))
    return Work(
        machine=machine[order],
        day=month.month.days[column][order],
        is_repair=is_repair[order],
        quarters=quarters[order],
        cost_minor=np.round(cost).astype(np.int64)[order],
    )


def _work(month: MachineMonth, happened: Bools, *, is_repair: bool) -> tuple[Ints, Ints, Bools]:
    machine, column = np.nonzero(happened & month.is_reported)
    return machine, column, np.full(len(machine), is_repair)


def enter_maintenance(
    book: Book, owed: Obligations, work: Work, machines: Machines, *, month: Month, rules: FinanceParameters
) -> None:
    """Enter maintenance and repairs; they fall due at the repairer's terms."""
    gross = by_firm(machines.firm[work.machine], work.cost_minor, book.balances.shape[1])
    tax = tax_within(gross, rules.vat_percent)
    book.post(Account.MAINTENANCE, Account.PAYABLES, gross - tax)
    book.post(Account.VAT, Account.PAYABLES, tax)
    owed.fall_due(Creditor.SUPPLIERS, month.length + rules.repairer_terms_days, gross)


def enter_wages(
    book: Book,
    owed: Obligations,
    month: MachineMonth,
    *,
    firms: Firms,
    machines: Machines,
    terms: Terms,
    activity: Floats,
    rules: FinanceParameters,
) -> None:
    """Wages by heads for the machines' nominal hours; a part of them follows the hours that the machines worked."""
    count = len(firms)
    nominal = machines.executing_share * (1.0 - machines.setup_share) * firms.nominal_quarters[machines.firm]
    there = month.is_reported.any(axis=1)
    daily = np.bincount(machines.firm, weights=there * firms.nominal_quarters[machines.firm], minlength=count)
    heads = np.maximum(
        np.round(daily / QUARTERS_PER_HOUR / rules.hours_per_head * (1.0 + rules.office_share_of_heads)), 1.0
    )
    open_days = firms.is_open[:, month.month.days].sum(axis=1)
    possible = np.bincount(machines.firm, weights=there * nominal, minlength=count) * open_days
    worked = np.bincount(machines.firm, weights=month.done[EXECUTING].sum(axis=1), minlength=count)
    used = np.clip(np.divide(worked, possible, out=np.zeros(count), where=possible > 0), 0.0, 1.5)
    paid = rules.wage_fixed_share + (1.0 - rules.wage_fixed_share) * used
    wages = np.round(heads * terms.wage_minor * paid * activity).astype(np.int64)
    book.post(Account.WAGES, Account.WAGES_DUE, wages)
    owed.fall_due(Creditor.WORKERS, month.month.length + rules.wages_due_day - 1, wages)


def metered(drawn: Ints, share: Floats, normal: Floats, rules: FinanceParameters) -> Ints:
    """(firms,): steps of energy through the meter of a site in a month: what its machines drew, `drawn`, and beside
    them air, light and cooling, a `share` of it that is a little higher or lower by month."""
    beside = drawn * share * np.exp(rules.site_energy_sd_log * normal - 0.5 * rules.site_energy_sd_log**2)
    return np.asarray(drawn + np.round(beside).astype(np.int64))


def enter_energy(
    book: Book, owed: Obligations, steps: Ints, *, firms: Firms, month: Month, rules: FinanceParameters
) -> Ints:
    """Enter the energy bill: `steps` (firms,) through the meter at the mean tariff of the shifts; its amounts."""
    gross = energy_cost(steps, firms.shifts, rules)
    tax = tax_within(gross, rules.vat_percent)
    book.post(Account.ENERGY, Account.ENERGY_DUE, gross - tax)
    book.post(Account.VAT, Account.ENERGY_DUE, tax)
    owed.fall_due(Creditor.ENERGY_SUPPLIER, month.length + rules.energy_due_day - 1, gross)
    return gross


def energy_cost(steps: Ints, shifts: Ints, rules: FinanceParameters) -> Ints:
    """The bill in minor units, with tax, of energy in steps of a hundredth of a kWh."""
    return np.asarray((steps * np.array(rules.tariff_minor_per_kwh)[shifts] + 50) // 100)


def enter_rent_and_overheads(
    book: Book,
    owed: Obligations,
    sales: Ints,
    *,
    terms: Terms,
    machine_count: Ints,
    machine_value_minor: Ints,
    activity: Floats,
    month: Month,
    rules: FinanceParameters,
) -> None:
    """Rent by machine, and the office, transport and insurance premiums; `sales` are the month's, before tax.

    No input tax is taken off either.
    """
    rent = np.round(100.0 * rules.rent_cny_per_machine_month * machine_count * activity).astype(np.int64)
    book.post(Account.RENT, Account.RENT_DUE, rent)
    owed.fall_due(Creditor.LANDLORD, month.length + rules.rent_due_day - 1, rent)
    fixed = rules.overhead_fixed_share * terms.turnover_minor
    office = rules.overhead_share * (fixed * activity + (1.0 - rules.overhead_fixed_share) * np.maximum(sales, 0))
    premiums = rules.insurance_share_of_value / MONTHS_PER_YEAR * machine_value_minor * activity
    overheads = np.round(office + premiums).astype(np.int64)
    book.post(Account.OVERHEADS, Account.PAYABLES, overheads)
    owed.fall_due(Creditor.SUPPLIERS, month.length + rules.repairer_terms_days, overheads)


def enter_mishaps(
    book: Book,
    owed: Obligations,
    chance: Floats,
    *,
    terms: Terms,
    activity: Floats,
    month: Month,
    rules: FinanceParameters,
) -> None:
    """What nobody planned and no policy covers: a guarantee called, a penalty, a dispute lost.

    `chance` is (firms, 2): uniform draws of whether it happens and how large it is. A firm in default has none.
    """
    happens = (chance[:, 0] < rules.mishaps_per_month) & (activity == 1.0)
    size = rules.mishap_months_median * np.exp(rules.mishap_sd_log * ndtri(chance[:, 1]))
    loss = np.where(happens, np.round(terms.turnover_minor * size), 0.0).astype(np.int64)
    book.post(Account.MISHAPS, Account.PAYABLES, loss)
    owed.fall_due(Creditor.SUPPLIERS, month.length + rules.repairer_terms_days, loss)


def enter_line_interest(book: Book, owed: Obligations, *, month: Month, rules: FinanceParameters) -> None:
    """Interest on what is drawn on the line at the month's end, due on the next day."""
    drawn = -book.balances[Account.CREDIT_LINE]
    interest = drawn * rules.line_rate_bp * month.length // BASIS_DAYS
    book.post(Account.INTEREST, Account.LINE_INTEREST_DUE, interest)
    owed.fall_due(Creditor.LINE_LENDER, month.length, interest)


def enter_taxes(book: Book, owed: Obligations, year: TaxYear, *, month: Month, rules: FinanceParameters) -> TaxYear:
    """Close the month's value-added tax and, each quarter, accrue income tax on the result of the calendar year.

    Input tax above output tax is carried forward; a loss pays no tax and is not carried into the next year.
    """
    vat = np.maximum(-book.balances[Account.VAT], 0)
    book.post(Account.VAT, Account.TAX_DUE, vat)
    due = vat
    number = month.first.month
    accrued = year.accrued
    if number % QUARTER_MONTHS == 0:
        tax = np.maximum(_result(book) - year.result_before, 0) * rules.income_tax_percent // 100
        more = np.maximum(tax - accrued, 0)
        book.post(Account.INCOME_TAX, Account.TAX_DUE, more)
        due, accrued = vat + more, accrued + more
    owed.fall_due(Creditor.TAX_OFFICE, month.length + rules.tax_due_day - 1, due)
    if number == MONTHS_PER_YEAR:
        return TaxYear(result_before=_result(book), accrued=np.zeros_like(accrued))
    return TaxYear(result_before=year.result_before, accrued=accrued)


def _result(book: Book) -> Ints:
    """Income less cost of all time, before income tax."""
    return np.asarray(book.balances[Account.INCOME_TAX] - total(book.balances, RESULT))
