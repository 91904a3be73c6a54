"""What ledgers and registers say of each unit at the end of its last complete day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from features.bookings import ITEM_DAYS, Book, Groups, keys_of, last_of_each, looked_up
from features.history import Array, Standing
from features.ledger_measures import Booked, Placed, Sold
from features.ledger_rows import Rows, numbered, words_of
from features.network import direct_vulnerability
from features.value_curve import annuity_balance

Ints = NDArray[np.int64]

YEAR = ITEM_DAYS


def machine_standing(book: Book, machines: pa.Table, unknown: Standing) -> Standing:
    """Value at the start of ownership, and the days since, of machines by the ownership row that holds at the end."""
    known = pc.and_(pc.is_valid(machines["owned_from"]), pc.is_valid(machines["asset_value_minor"]))
    told = machines.select(["machine_uid", "owned_from", "asset_value_minor"]).filter(known)
    rows = numbered(told.rename_columns(["machine_uid", "event_time", "asset_value_minor"]), words_of([told]))
    placed = book.placed(rows, book.units_of(rows.words["machine"])[rows["machine_uid"]])
    value, owned = np.full(len(book.units), np.nan), np.full(len(book.units), np.nan)
    # Rows are sorted by machine and start: the last that has begun stands.
    value[placed["unit"]] = placed["asset_value_minor"].astype(np.float64)
    owned[placed["unit"]] = book.days - placed["column"].astype(np.float64)
    return replace(unknown, value_minor=value, owned_days=owned)


def obligor_standing(book: Book, booked: Booked, owners: Mapping[str, str], unknown: Standing) -> Standing:
    """Equity, buyers, suppliers, secured debt and the price of a part, of obligors. Amounts of an obligor that deals in
    several currencies are NaN. `owners` tells whose a machine is."""
    placed, units = booked.placed, len(book.units)
    ratings = latest_ratings(placed[RecordKind.COUNTERPARTY_RATING])
    equity = _latest(book, placed[RecordKind.BALANCE_SHEET], "equity_minor")
    owing, owed = _owed(book, booked.sold)
    owing_pd = rated(owing.keys, ratings)
    bought, spent = _bought(book, placed[RecordKind.SUPPLIER_INVOICE])
    orders = _orders_of_a_year(book, placed[RecordKind.PURCHASE_ORDER])
    found = replace(
        unknown,
        equity_minor=equity,
        buyer_hhi=_concentration(owing.unit, owed, units),
        buyer_pd=_mean(owing.unit, owing_pd, owed, units),
        buyer_vulnerability=direct_vulnerability(owed, owing_pd, equity, owing.unit, units),
        supplier_pd=_mean(bought.unit, rated(bought.keys, ratings), spent, units),
        buyer_tenure_days=_tenure(book, placed[RecordKind.PURCHASE_ORDER], orders),
        secured_debt_minor=secured_debt(book, placed, owners),
        part_price_minor=_price(book, orders),
    )
    money = ("equity_minor", "buyer_hhi", "buyer_pd", "buyer_vulnerability", "supplier_pd", "secured_debt_minor")
    return replace(found, **{name: np.where(booked.mixed, np.nan, getattr(found, name)) for name in money})


def _owed(book: Book, sold: Sold) -> tuple[Groups, Array]:
    """Each unit's buyers that owe it something, and how much."""
    open_minor = sold.items.open_at(book.days - 1)
    buyers = Groups.of(sold.issued, "buyer_id")
    sums = buyers.sums(open_minor)
    return buyers.where(sums > 0), sums[sums > 0]


def _bought(book: Book, placed: Rows) -> tuple[Groups, Array]:
    """Each unit's suppliers of a year, and what it bought of each."""
    lately = placed.of(placed["column"] >= book.days - YEAR)
    suppliers = Groups.of(lately, "supplier_id")
    return suppliers, suppliers.sums(lately["amount_minor"])


def latest_ratings(rows: Rows) -> Rows:
    """The latest rating of each counterparty of each unit, in their order; of several at one instant the worst."""
    placed = rows.of(np.lexsort((rows["pd_12m"], rows["event_time"])))
    last = last_of_each(placed, "counterparty_id")
    return last.of(np.argsort(keys_of(last, "counterparty_id")))


def rated(keys: Ints, ratings: Rows) -> Array:
    """The rating of the party that each key of `keys_of` names, NaN where it has none."""
    return looked_up(keys, keys_of(ratings, "counterparty_id"), ratings["pd_12m"].astype(np.float64))


def _latest(book: Book, rows: Rows, name: str) -> Array:
    placed = rows.of(np.argsort(rows["event_time"], kind="stable"))
    values = np.full(len(book.units), np.nan)
    values[placed["unit"]] = placed[name].astype(np.float64)  # of several the last stands
    return values


def _concentration(unit: Ints, amount: Array, units: int) -> Array:
    """Sum of squared shares; NaN without an amount."""
    total = np.bincount(unit, weights=amount, minlength=units).astype(np.float64)
    squares = np.bincount(unit, weights=amount**2, minlength=units).astype(np.float64)
    return np.asarray(np.divide(squares, total**2, out=np.full(units, np.nan), where=total > 0))


def _mean(unit: Ints, values: Array, weight: Array, units: int) -> Array:
    """Weighted mean over what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    total = np.bincount(unit[known], weights=weight[known], minlength=units).astype(np.float64)
    sums = np.bincount(unit[known], weights=(weight * values)[known], minlength=units).astype(np.float64)
    return np.asarray(np.divide(sums, total, out=np.full(units, np.nan), where=total > 0))


def _orders_of_a_year(book: Book, orders: Rows) -> Rows:
    placed = last_of_each(orders, "order_id")
    return placed.of(placed["column"] >= book.days - YEAR)


def _tenure(book: Book, orders: Rows, of_a_year: Rows) -> Array:
    """Days since the first known order of the buyer that ordered most within a year."""
    buyers = Groups.of(of_a_year, "buyer_id")
    order = np.lexsort((buyers.number, buyers.sums(of_a_year["amount_minor"]), buyers.unit))
    largest = order[np.append(np.diff(buyers.unit[order]) > 0, True)] if len(order) else order
    ever = Groups.of(orders, "buyer_id")
    first = looked_up(buyers.keys[largest], ever.keys, -ever.most(-orders["column"]))
    tenure = np.full(len(book.units), np.nan)
    tenure[buyers.unit[largest]] = book.days - first
    return tenure


def _price(book: Book, orders: Rows) -> Array:
    """Amount a part of the orders of a year; NaN without parts, or in several currencies."""
    units = len(book.units)
    amount, parts = (
        np.bincount(orders["unit"], weights=orders[name], minlength=units) for name in ("amount_minor", "parts")
    )
    alone = np.bincount(Groups.of(orders, "currency").unit, minlength=units) == 1
    price = np.divide(amount, parts, out=np.full(units, np.nan), where=alone & (parts > 0))
    return np.asarray(price)


def secured_debt(book: Book, placed: Placed, owners: Mapping[str, str]) -> Array:
    """Outstanding on the facilities that machines of the unit secure; NaN for a unit without any facility known."""
    facilities = placed[RecordKind.FACILITY]
    position = {unit: number for number, unit in enumerate(book.units)}
    machines = facilities.words["machine"].to_pylist()
    holder = np.array([*(position.get(owners.get(uid, ""), -1) for uid in machines), -1], dtype=np.int64)
    secured = facilities.of(holder[facilities["collateral_id"]] == facilities["unit"])
    amount, rate, instalments = (
        secured[name].astype(np.float64) for name in ("amount_minor", "rate_per_year", "instalments")
    )
    paid = instalments_paid(secured, placed[RecordKind.REPAYMENT])
    outstanding = annuity_balance(amount, rate, instalments, paid)
    debt = np.full(len(book.units), np.nan)
    known = np.unique(facilities["unit"])
    debt[known] = np.bincount(secured["unit"], weights=outstanding, minlength=len(book.units))[known]
    return debt


def instalments_paid(facilities: Rows, repaid: Rows) -> Array:
    """The last instalment of each facility that a whole payment was told of; 0 where none was."""
    whole = repaid.of(repaid["amount_paid_minor"] >= repaid["amount_due_minor"])
    last = Groups.of(whole, "facility_id")
    found = looked_up(keys_of(facilities, "facility_id"), last.keys, last.most(whole["instalment"]))
    return np.nan_to_num(found)
