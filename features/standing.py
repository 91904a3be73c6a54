"""What ledgers and registers say of each unit at the end of its last complete day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from features.bookings import ITEM_DAYS, Book
from features.history import Array, Standing
from features.ledger_measures import Booked, Frames, Sold
from features.network import direct_vulnerability
from features.value_curve import annuity_balance

Ints = NDArray[np.int64]

YEAR = ITEM_DAYS


def machine_standing(book: Book, machines: pa.Table, unknown: Standing) -> Standing:
    """Value at the start of ownership, and the days since, of machines by the ownership row that holds at the end."""
    rows = machines.select(["machine_uid", "owned_from", "owned_until", "asset_value_minor"]).to_pandas()
    rows = rows.dropna(subset=["owned_from", "asset_value_minor"]).rename(columns={"owned_from": "event_time"})
    placed = book.placed(rows, "machine_uid")
    unit = placed["unit"].to_numpy(np.int64)
    value, owned = np.full(len(book.units), np.nan), np.full(len(book.units), np.nan)
    # Rows are sorted by machine and start: the last that has begun stands.
    value[unit] = placed["asset_value_minor"].to_numpy(np.float64)
    owned[unit] = book.days - placed["column"].to_numpy(np.float64)
    return replace(unknown, value_minor=value, owned_days=owned)


def obligor_standing(book: Book, booked: Booked, owners: Mapping[str, str], unknown: Standing) -> Standing:
    """Equity, buyers, suppliers, secured debt and the price of a part, of obligors. Amounts of an obligor that deals in
    several currencies are NaN. `owners` tells whose a machine is."""
    frames = booked.frames
    ratings = latest_ratings(frames[RecordKind.COUNTERPARTY_RATING])
    equity = _latest(book, frames[RecordKind.BALANCE_SHEET], "equity_minor")
    owed = _owed(book, booked.sold)
    owing = rated(owed, ratings, "buyer_id")
    units, pd_12m = len(book.units), owing["pd_12m"].to_numpy(np.float64)
    unit, amount = owing["unit"].to_numpy(np.int64), owing["open_minor"].to_numpy(np.float64)
    bought = rated(_bought(book, frames[RecordKind.SUPPLIER_INVOICE]), ratings, "supplier_id")
    orders = _orders_of_a_year(book, frames[RecordKind.PURCHASE_ORDER])
    found = replace(
        unknown,
        equity_minor=equity,
        buyer_hhi=_concentration(unit, amount, units),
        buyer_pd=_mean(unit, pd_12m, amount, units),
        buyer_vulnerability=direct_vulnerability(amount, pd_12m, equity, unit, units),
        supplier_pd=_mean(
            bought["unit"].to_numpy(np.int64),
            bought["pd_12m"].to_numpy(np.float64),
            bought["amount_minor"].to_numpy(np.float64),
            units,
        ),
        buyer_tenure_days=_tenure(book, frames[RecordKind.PURCHASE_ORDER], orders),
        secured_debt_minor=_secured(book, frames, owners),
        part_price_minor=_price(book, orders),
    )
    money = ("equity_minor", "buyer_hhi", "buyer_pd", "buyer_vulnerability", "supplier_pd", "secured_debt_minor")
    return replace(found, **{name: np.where(booked.mixed, np.nan, getattr(found, name)) for name in money})


def _owed(book: Book, sold: Sold) -> pd.DataFrame:
    """What each buyer owes each unit: unit, buyer_id, open_minor."""
    rows = sold.issued[["unit", "buyer_id"]].assign(open_minor=sold.items.open_at(book.days - 1))
    sums = rows.groupby(["unit", "buyer_id"], as_index=False)["open_minor"].sum()
    return sums[sums["open_minor"] > 0]


def _bought(book: Book, placed: pd.DataFrame) -> pd.DataFrame:
    """What each unit bought of each supplier within a year."""
    placed = placed[placed["column"] >= book.days - YEAR]
    return placed.groupby(["unit", "supplier_id"], as_index=False)["amount_minor"].sum()


def latest_ratings(rows: pd.DataFrame) -> pd.DataFrame:
    """The latest rating of each counterparty of each unit; of several at one instant the worst."""
    placed = rows.sort_values(["event_time", "pd_12m"], kind="stable")
    return placed.drop_duplicates(["unit", "counterparty_id"], keep="last")[["unit", "counterparty_id", "pd_12m"]]


def rated(rows: pd.DataFrame, ratings: pd.DataFrame, party: str) -> pd.DataFrame:
    """The rows with the rating of their party, NaN where it has none."""
    return rows.merge(ratings, how="left", left_on=["unit", party], right_on=["unit", "counterparty_id"])


def _latest(book: Book, rows: pd.DataFrame, name: str) -> Array:
    placed = rows.sort_values("event_time", kind="stable").drop_duplicates("unit", keep="last")
    values = np.full(len(book.units), np.nan)
    values[placed["unit"].to_numpy(np.int64)] = placed[name].to_numpy(np.float64)
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


def _orders_of_a_year(book: Book, orders: pd.DataFrame) -> pd.DataFrame:
    placed = orders.drop_duplicates(["unit", "order_id"], keep="last")
    return placed[placed["column"] >= book.days - YEAR]


def _tenure(book: Book, orders: pd.DataFrame, of_a_year: pd.DataFrame) -> Array:
    """Days since the first known order of the buyer that ordered most within a year."""
    by_buyer = of_a_year.groupby(["unit", "buyer_id"], as_index=False)["amount_minor"].sum()
    largest = by_buyer.sort_values(["unit", "amount_minor", "buyer_id"]).drop_duplicates("unit", keep="last")
    first = orders.groupby(["unit", "buyer_id"], as_index=False)["column"].min()
    found = largest.merge(first, on=["unit", "buyer_id"])
    tenure = np.full(len(book.units), np.nan)
    tenure[found["unit"].to_numpy(np.int64)] = book.days - found["column"].to_numpy(np.float64)
    return tenure


def _price(book: Book, orders: pd.DataFrame) -> Array:
    """Amount a part of the orders of a year; NaN without parts, or in several currencies."""
    by_unit = orders.groupby("unit")
    totals = by_unit[["amount_minor", "parts"]].sum().reindex(range(len(book.units)))
    alone = by_unit["currency"].nunique().reindex(range(len(book.units))).to_numpy(np.float64) == 1
    amount, parts = (totals[name].to_numpy(np.float64) for name in ("amount_minor", "parts"))
    price = np.divide(amount, parts, out=np.full(len(book.units), np.nan), where=alone & (parts > 0))
    return np.asarray(price)


def _secured(book: Book, frames: Frames, owners: Mapping[str, str]) -> Array:
    """Outstanding on the facilities that machines of the unit secure; NaN for a unit without any facility known."""
    facilities, repaid = frames[RecordKind.FACILITY], frames[RecordKind.REPAYMENT]
    whole = repaid[repaid["amount_paid_minor"] >= repaid["amount_due_minor"]]
    last = whole.groupby(["unit", "facility_id"], as_index=False)["instalment"].max()
    known = np.unique(facilities["unit"].to_numpy(np.int64))
    # As plain words: frames may hold categories, and those of two columns do not compare.
    pledged = facilities["collateral_id"].astype(object).map(owners)
    own = pledged == facilities["obligor_id"].astype(object)
    secured = facilities[own.to_numpy(np.bool_)].merge(last, how="left", on=["unit", "facility_id"])
    outstanding = annuity_balance(
        secured["amount_minor"].to_numpy(np.float64),
        secured["rate_per_year"].to_numpy(np.float64),
        secured["instalments"].to_numpy(np.float64),
        secured["instalment"].fillna(0).to_numpy(np.float64),
    )
    debt = np.full(len(book.units), np.nan)
    debt[known] = np.bincount(secured["unit"], weights=outstanding, minlength=len(book.units))[known]
    return debt
