"""A chain out of ledgers: what obligors invoiced, are owed, own and owe, as of a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from features.value_curve import annuity_balance
from scoring.supply_chain.contagion.network import Chain, Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LedgerFrames:
    """Rows known as of a time, under the contracts' column names: invoices and receipts of a year, the others whole."""

    invoices: pd.DataFrame
    receipts: pd.DataFrame
    balance_sheets: pd.DataFrame
    facilities: pd.DataFrame
    repayments: pd.DataFrame
    ratings: pd.DataFrame


def chain_of(
    frames: LedgerFrames, *, obligors: list[str], pd_12m: Mapping[str, float], lgd: float, currency: str
) -> Chain:
    """The chain of these obligors and of everybody they sold to, in one currency; rows in others are left out.

    A buyer's probability of default is the latest rating that anybody told of it. What is owed on a facility is what
    its instalments leave after those that were paid in full.
    """
    invoices = _in(frames.invoices, currency)
    signed = invoices.assign(
        net=invoices["amount_minor"].where(invoices["status"] == "issued", -invoices["amount_minor"])
    )
    buyers = sorted(set(invoices["buyer_id"]) - set(obligors))
    firms = [*sorted(obligors), *buyers]
    place = {firm: position for position, firm in enumerate(firms)}
    rated = _latest(frames.ratings, "counterparty_id")
    sheets = _latest(_in(frames.balance_sheets, currency), "obligor_id")
    owed = _owed(signed, _in(frames.receipts, currency))
    exposure = _outstanding(_in(frames.facilities, currency), frames.repayments)
    probability = {**dict(zip(rated["counterparty_id"], rated["pd_12m"], strict=True)), **pd_12m}
    return Chain(
        firms=firms,
        obligors=len(obligors),
        currency=currency,
        sales=_matrix(signed, place),
        receivable=_matrix(owed, place),
        equity=_column(dict(zip(sheets["obligor_id"], sheets["equity_minor"], strict=True)), firms),
        liquidity=_column(dict(zip(sheets["obligor_id"], sheets["cash_minor"], strict=True)), firms),
        pd_12m=_column(probability, firms),
        lgd=lgd,
        exposure=_column(exposure, firms),
        rests_on={
            "obligors": len(obligors),
            "invoices": _tell(invoices, obligors),
            "receipts": _tell(frames.receipts, obligors),
            "balance_sheet": _tell(sheets, obligors),
            "facility": _tell(frames.facilities, obligors),
            "score": sum(firm in pd_12m for firm in obligors),
            "rated_buyers": sum(firm in probability for firm in buyers),
            "buyers": len(buyers),
        },
    )


def _owed(signed: pd.DataFrame, receipts: pd.DataFrame) -> pd.DataFrame:
    """What is open on each invoice: less what was paid on it and what a red-letter invoice takes off it."""
    issued = signed[signed["status"] == "issued"].set_index(["obligor_id", "invoice_id"])
    paid = receipts.groupby(["obligor_id", "invoice_id"])["amount_minor"].sum()
    red = signed[(signed["status"] != "issued") & signed["corrected_invoice_id"].notna()]
    off = red.groupby(["obligor_id", "corrected_invoice_id"])["amount_minor"].sum()
    less = paid.reindex(issued.index, fill_value=0) + off.reindex(issued.index, fill_value=0)
    return issued.assign(net=(issued["amount_minor"] - less).clip(lower=0)).reset_index()


def _outstanding(facilities: pd.DataFrame, repayments: pd.DataFrame) -> dict[str, float]:
    done = repayments[repayments["amount_paid_minor"] >= repayments["amount_due_minor"]]
    paid = done.groupby(["obligor_id", "facility_id"]).size()
    key = pd.MultiIndex.from_frame(facilities[["obligor_id", "facility_id"]])
    amount, rate, instalments = facilities[["amount_minor", "rate_per_year", "instalments"]].to_numpy(np.float64).T
    left = annuity_balance(amount, rate, instalments, paid.reindex(key, fill_value=0).to_numpy(np.float64))
    open_minor = pd.Series(left, index=facilities.index).groupby(facilities["obligor_id"]).sum()
    return {str(firm): float(amount) for firm, amount in open_minor.items()}


def _matrix(rows: pd.DataFrame, place: Mapping[str, int]) -> csr_array:
    """(i, j) sums of `net`, none below zero."""
    seller, buyer = rows["obligor_id"].map(place), rows["buyer_id"].map(place)
    size = len(place)
    told = coo_array((rows["net"].to_numpy(np.float64), (seller.to_numpy(), buyer.to_numpy())), shape=(size, size))
    return csr_array(told.tocsr().maximum(0.0))


def _column(values: Mapping[str, float], firms: list[str]) -> Floats:
    return np.array([values.get(firm, np.nan) for firm in firms], dtype=np.float64)


def _latest(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    return rows.sort_values(["event_time", "recorded_time"], kind="stable").drop_duplicates(by, keep="last")


def _in(rows: pd.DataFrame, currency: str) -> pd.DataFrame:
    return rows[rows["currency"] == currency]


def _tell(rows: pd.DataFrame, obligors: list[str]) -> int:
    return len(set(rows["obligor_id"]) & set(obligors))
