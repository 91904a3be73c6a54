"""Warnings that no machine-day tells: a machine that left its place, data that contradict each other, buyers that do
not pay, and what comes from outside.

Each is said with its evidence and no more than it shows: an overdue invoice is a buyer's lateness to this firm, and
nothing here looks at what other firms, or other lenders' files, say of the buyer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.trust import DataTrust
from features.trust import Severity as TrustSeverity
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode, by_code
from scoring.supply_chain.circular import Ring, undelivered
from scoring.supply_chain.collateral.leasing import Fence, Fix, moved

TRUST_SEVERITIES: Mapping[TrustSeverity, Severity] = {
    TrustSeverity.MODERATE: Severity.WATCH,
    TrustSeverity.SEVERE: Severity.SERIOUS,
}
"""What one in ten honest obligors shows (a note) warns of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Circumstances:
    """What is known as of the day, under the contracts' column names.

    `locations` has a column `day`; `invoices` are of the last year, one currency a firm; `ratings` whole.
    """

    locations: pd.DataFrame
    invoices: pd.DataFrame
    receipts: pd.DataFrame
    ratings: pd.DataFrame
    power_notices: pd.DataFrame


def circumstance_warnings(told: Circumstances, *, today: date, values: Mapping[str, Any]) -> list[EarlyWarning]:
    """Every warning of today that ledgers tell, by unit and code.

    `values` are the parameters of monitoring and of supply chains.
    """
    found = [
        *moved_warnings(told.locations, today=today, values=values),
        *buyer_warnings(told.invoices, told.receipts, told.ratings, today=today, values=values),
        *external_warnings(told.power_notices, today=today, values=values),
    ]
    return sorted(found, key=by_code)


def moved_warnings(locations: pd.DataFrame, *, today: date, values: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    """Of machines whose last fixes lie outside the circle around where they stood before."""
    terms = values["monitoring"]["circumstances"]
    begins = pd.Timestamp(today) - pd.Timedelta(days=int(terms["place_days"]))
    known = locations[(locations["day"] > begins) & (locations["day"] <= pd.Timestamp(today))]
    for machine, fixes in known.sort_values("day").groupby("machine_uid"):
        by_day = fixes.groupby("day")[["latitude_deg", "longitude_deg"]].median()
        before = by_day.iloc[: max(len(by_day) // 2, 1)].median()
        place = Fence(latitude_deg=before.iloc[0], longitude_deg=before.iloc[1], radius_m=terms["place_radius_m"])
        seen = [Fix(day=day.date(), latitude_deg=row[0], longitude_deg=row[1]) for day, *row in by_day.itertuples()]
        away = moved(place, seen, values)
        if away is not None:
            yield EarlyWarning(
                unit=str(machine),
                day=today,
                code=WarningCode.MOVED,
                severity=Severity.SERIOUS,
                strength=away.farthest_m / terms["place_radius_m"],
                evidence={"since": away.since.isoformat(), "days": away.days, "farthest_m": round(away.farthest_m)},
            )


def trust_warnings(trust: Mapping[str, DataTrust], *, today: date) -> Iterator[EarlyWarning]:
    """Of findings that need an explanation: of each unit the worst, with how many there are."""
    for obligor, told in trust.items():
        worst: dict[str, list[Any]] = {}
        for finding in told.at_least(TrustSeverity.MODERATE):
            worst.setdefault(finding.machine_uid or obligor, []).append(finding)
        for unit, findings in worst.items():
            first = max(findings, key=lambda item: (item.severity.rank, item.strength or 0.0))
            yield EarlyWarning(
                unit=unit,
                day=today,
                code=WarningCode.TRUST_FINDING,
                severity=TRUST_SEVERITIES[first.severity],
                strength=first.strength or 0.0,
                evidence={
                    "finding": first.code,
                    "findings": len(findings),
                    "since": "" if first.since is None else first.since.isoformat(),
                    "grade": told.grade.value,
                },
            )


def buyer_warnings(
    invoices: pd.DataFrame,
    receipts: pd.DataFrame,
    ratings: pd.DataFrame,
    *,
    today: date,
    values: Mapping[str, Any],
) -> Iterator[EarlyWarning]:
    """Of firms of whose sales a large part goes to a buyer that is rated badly or leaves its invoices unpaid: of each
    firm the worst such buyer."""
    terms = values["monitoring"]["circumstances"]
    standing = _buyers(invoices, receipts, today=today, late_days=int(terms["late_days"]))
    if not len(standing):
        return
    standing["pd_12m"] = [rated.get(buyer, np.nan) for rated in [_rated(ratings)] for buyer in standing["buyer_id"]]
    is_large = standing["sales_share"] >= terms["large_share"]
    is_late = standing["late_share"] >= terms["late_share"]
    is_bad = standing["pd_12m"] >= terms["bad_pd"]
    for obligor, rows in standing[is_large & (is_late | is_bad)].groupby("obligor_id"):
        worst = rows.sort_values(["sales_share", "buyer_id"]).iloc[-1]
        is_main = worst["sales_share"] >= terms["main_share"]
        yield EarlyWarning(
            unit=str(obligor),
            day=today,
            code=WarningCode.BUYER_TROUBLE,
            severity=Severity.SERIOUS if is_main else Severity.WATCH,
            strength=float(worst["sales_share"] / terms["large_share"]),
            evidence={
                "buyer_id": str(worst["buyer_id"]),
                "sales_share": round(float(worst["sales_share"]), 4),
                "late_share": round(float(worst["late_share"]), 4),
                **({} if np.isnan(worst["pd_12m"]) else {"pd_12m": float(worst["pd_12m"])}),
                "buyers": len(rows),
            },
        )


def ring_warnings(rings: Sequence[Ring], *, today: date) -> Iterator[EarlyWarning]:
    """Of each firm the largest ring that it is in, by its own invoices and its neighbours: what others bill each other
    is not for whoever may see this firm."""
    told: set[str] = set()
    for ring in rings:
        for place, firm in enumerate(ring.firms):
            if firm in told:
                continue
            told.add(firm)
            own = [bill for bill in ring.bills if bill.seller_id == firm]
            yield EarlyWarning(
                unit=firm,
                day=today,
                code=WarningCode.CIRCULAR_TRADE,
                severity=Severity.SERIOUS,
                strength=float(ring.rounds),
                evidence={
                    "firms": len(ring.firms),
                    "rounds": ring.rounds,
                    "buyer_id": own[0].buyer_id,
                    "billed_by": ring.firms[place - 1],
                    "invoices": ", ".join(bill.invoice_id for bill in own),
                    "amount_minor": sum(bill.amount_minor for bill in own),
                    "undelivered_minor": undelivered(own),
                    "currency": own[0].currency,
                    "since": ring.first_day.isoformat(),
                    "until": ring.last_day.isoformat(),
                },
            )


def external_warnings(notices: pd.DataFrame, *, today: date, values: Mapping[str, Any]) -> Iterator[EarlyWarning]:
    """Of firms whose power is rationed now or soon: it says nothing of the firm, and explains what its machines do."""
    terms = values["monitoring"]["circumstances"]
    day = pd.Timestamp(today)
    ahead = day + pd.Timedelta(days=int(terms["notice_days"]))
    concerned = (notices["from_day"] <= ahead) & (notices["until_day"] > day)
    bites = notices["lost_ratio"] >= terms["least_lost_ratio"]
    for obligor, rows in notices[concerned & bites].groupby("obligor_id"):
        worst = rows.sort_values(["lost_ratio", "from_day"]).iloc[-1]
        yield EarlyWarning(
            unit=str(obligor),
            day=today,
            code=WarningCode.EXTERNAL_EVENT,
            severity=Severity.WATCH,
            strength=float(worst["lost_ratio"]),
            evidence={
                "event": "power_notice",
                "measure": str(worst["measure"]),
                "lost_ratio": float(worst["lost_ratio"]),
                "from_day": worst["from_day"].date().isoformat(),
                "until_day": worst["until_day"].date().isoformat(),
            },
        )


def _buyers(invoices: pd.DataFrame, receipts: pd.DataFrame, *, today: date, late_days: int) -> pd.DataFrame:
    """(obligor_id, buyer_id): its share in a year's sales, and of what it owes how much is overdue so many days."""
    key = ["obligor_id", "invoice_id"]
    issued = invoices[invoices["status"] == "issued"]
    corrected = invoices[(invoices["status"] != "issued") & invoices["corrected_invoice_id"].notna()]
    off = corrected.groupby(["obligor_id", "corrected_invoice_id"])["amount_minor"].sum()
    paid = receipts.groupby(key)["amount_minor"].sum()
    index = pd.MultiIndex.from_frame(issued[key])
    settled = paid.reindex(index, fill_value=0).to_numpy() + off.reindex(index, fill_value=0).to_numpy()
    left = np.maximum(issued["amount_minor"].to_numpy() - settled, 0)
    overdue = (pd.Timestamp(today) - pd.to_datetime(issued["due_date"])).dt.days.to_numpy() > late_days
    rows = issued[["obligor_id", "buyer_id", "amount_minor"]].assign(owed=left, late=np.where(overdue, left, 0))
    summed = rows.groupby(["obligor_id", "buyer_id"], as_index=False)[["amount_minor", "owed", "late"]].sum()
    sales = summed.groupby("obligor_id")["amount_minor"].transform("sum")
    owed = summed["owed"].to_numpy(np.float64)
    late = np.divide(summed["late"].to_numpy(np.float64), owed, out=np.zeros(len(owed)), where=owed > 0)
    return summed.assign(sales_share=summed["amount_minor"] / sales.clip(lower=1), late_share=late)


def _rated(ratings: pd.DataFrame) -> dict[str, float]:
    """The latest probability of default that anybody told of each counterparty."""
    last = ratings.sort_values(["event_time", "recorded_time"], kind="stable").drop_duplicates(
        "counterparty_id", keep="last"
    )
    return dict(zip(last["counterparty_id"], last["pd_12m"], strict=True))
