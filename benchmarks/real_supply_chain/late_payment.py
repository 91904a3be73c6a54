"""`ibm_receivables`: will an invoice be paid late? Learnt from earlier invoices, tested on later ones.

What may be learnt from is known when the invoice is issued: its own terms, and how its buyer paid before
(`features.payment_behaviour`). A dispute, the day of payment and what follows from it come later and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from api.models.service import scoring_parameters
from benchmarks.real_credit import AS_OF, SEED, in_a_file
from benchmarks.real_data import real_data
from features.payment_behaviour import InvoiceBook, payment_behaviour
from scoring.training.metrics import credit_metrics
from scoring.training.table.folds import folds_of
from scoring.training.table.ladder import rungs_of, samples_of
from scoring.training.table.reading import Table
from scoring.training.table.train import suspected_leaks

FILE = "ibm_receivables/WA_Fn-UseC_-Accounts-Receivable.csv"
DATES = ("PaperlessDate", "InvoiceDate", "DueDate", "SettledDate")
FOLDS = 3
EMBARGO_MONTHS = 3
"""An invoice is learnt from when it was issued so long before the test: all were due after 30 days and paid within 75."""

CREDIBILITY_INVOICES = 5.0
RUNGS = ("intercept", "scorecard", "model")
SIGNS = {"buyer_late_share": 1, "buyer_late_share_180d": 1, "buyer_overdue_invoices": 1}
LEFT_OUT = ("disputed", "days_to_settle", "days_late")
DRAWS = 500
BANDS = 5

Told = dict[str, list[NDArray[np.float64]]]


def late_payment() -> dict[str, Any]:
    """Each rung's discrimination and calibration on later invoices, with and without the buyer's behaviour."""
    invoices = read_invoices()
    own, behaviour = own_terms(invoices), behaviour_of(invoices)
    with_all = pd.concat([own, behaviour, invoices[["disputed", "days_to_settle", "days_late"]]], axis=1)
    return {
        "rows": len(invoices),
        "buyers": int(invoices["buyer"].nunique()),
        "late": int(invoices["is_late"].sum()),
        "late_share_by_quarter": by_quarter(invoices),
        "left_out": list(LEFT_OUT),
        "suspected_leaks_with_them": [leak.model_dump() for leak in suspected_leaks(_table(with_all, invoices))],
        "suspected_leaks": [
            leak.model_dump() for leak in suspected_leaks(_table(pd.concat([own, behaviour], axis=1), invoices))
        ],
        "embargo_months": EMBARGO_MONTHS,
        "terms_alone": tested(own, invoices, {}),
        "terms_and_behaviour": tested(pd.concat([own, behaviour], axis=1), invoices, SIGNS),
    }


def read_invoices() -> pd.DataFrame:
    """The file with days as days, the outcome, and a code for each buyer."""
    invoices = pd.read_csv(real_data(FILE))
    for column in DATES:
        invoices[column] = pd.to_datetime(invoices[column], format="%m/%d/%Y")
    invoices["buyer"] = invoices["customerID"].factorize(sort=True)[0]
    invoices["disputed"] = invoices["Disputed"] == "Yes"
    invoices["is_late"] = invoices["SettledDate"] > invoices["DueDate"]
    names = {"DaysToSettle": "days_to_settle", "DaysLate": "days_late"}
    return invoices.rename(columns=names).sort_values(["InvoiceDate", "invoiceNumber"], ignore_index=True)


def own_terms(invoices: pd.DataFrame) -> pd.DataFrame:
    """What an invoice says itself. Whether its buyer takes electronic bills counts from the day on which that began."""
    return pd.DataFrame(
        {
            "amount": invoices["InvoiceAmount"],
            "country": "C" + invoices["countryCode"].astype("string"),
            "is_paperless": (invoices["PaperlessDate"] <= invoices["InvoiceDate"]).astype(float),
            "month": invoices["InvoiceDate"].dt.month.astype(float),
        }
    )


def behaviour_of(invoices: pd.DataFrame) -> pd.DataFrame:
    """The buyer-behaviour features, as known on the day of issue; the tenor is the same of all and left out."""
    days = {name: invoices[name].to_numpy("datetime64[D]") for name in DATES}
    book = InvoiceBook(
        buyer=invoices["buyer"].to_numpy(np.int64),
        issued=days["InvoiceDate"],
        due=days["DueDate"],
        settled=days["SettledDate"],
        amount_minor=(100 * invoices["InvoiceAmount"]).round().to_numpy(np.int64),
        was_disputed=invoices["disputed"].to_numpy(bool),
    )
    told = pd.DataFrame(payment_behaviour(book, credibility_invoices=CREDIBILITY_INVOICES))
    return told.drop(columns="tenor_days")


def tested(columns: pd.DataFrame, invoices: pd.DataFrame, signs: dict[str, int]) -> dict[str, Any]:
    """Every rung fitted before an embargo and tested on the block of issue days after it, block after block."""
    table = _table(columns, invoices)
    rungs, _ = rungs_of(table)
    settings = scoring_parameters().at(AS_OF)["table_model"]
    folds = folds_of(table, FOLDS, embargo_months=EMBARGO_MONTHS, seed=SEED)
    said: Told = {name: [] for name in RUNGS}
    for fold in folds:
        train, test = samples_of(table.rows(fold.train), table.rows(fold.test), signs)
        for name in RUNGS:
            said[name].append(rungs[name](train, test, settings, SEED))
    buyers = [invoices["buyer"].to_numpy()[fold.test] for fold in folds]
    outcomes = [table.outcome[fold.test] for fold in folds]
    spans = [{"tested": fold.tested, "train": len(fold.train), "rows": len(fold.test)} for fold in folds]
    blocks = [
        {**span, "late": int(late.sum()), "auc": area(pd_, late)}
        for span, late, pd_ in zip(spans, outcomes, said["model"], strict=True)
    ]
    return {
        "columns": list(columns),
        "blocks": blocks,
        **{name: _figures(said[name], outcomes, buyers) for name in RUNGS},
    }


def area(scores: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; ties count half."""
    ranks, events = rankdata(scores), int(outcomes.sum())
    others = len(outcomes) - events
    return float((ranks[outcomes].sum() - events * (events + 1) / 2) / (events * others))


def area_by_buyers(
    said: Sequence[NDArray[np.float64]], outcomes: Sequence[NDArray[np.bool_]], buyers: Sequence[NDArray[np.int64]]
) -> tuple[float, float, float]:
    """The area within blocks, by pairs, and its 95 % interval by drawing buyers with all of their invoices."""
    random = np.random.default_rng(SEED)
    names = np.unique(np.concatenate(buyers))
    rows_of = [{name: np.flatnonzero(block == name) for name in names} for block in buyers]
    drawn = []
    for _ in range(DRAWS):
        chosen = random.choice(names, size=len(names))
        picks = [np.concatenate([rows[name] for name in chosen]) for rows in rows_of]
        drawn.append(
            _within([part[pick] for part, pick in zip(said, picks, strict=True)],
                    [part[pick] for part, pick in zip(outcomes, picks, strict=True)])
        )  # fmt: skip
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    return _within(said, outcomes), float(lower), float(upper)


def by_quarter(invoices: pd.DataFrame) -> dict[str, list[float]]:
    """Of each quarter of issue the invoices and the share that was paid late."""
    quarters = invoices.groupby(invoices["InvoiceDate"].dt.to_period("Q"))["is_late"].agg(["size", "mean"])
    return {str(quarter): [int(size), round(float(share), 4)] for quarter, size, share in quarters.itertuples()}


def _within(said: Sequence[NDArray[np.float64]], outcomes: Sequence[NDArray[np.bool_]]) -> float:
    pairs = [int(part.sum()) * int((~part).sum()) for part in outcomes]
    areas = [area(score, part) for score, part in zip(said, outcomes, strict=True)]
    return float(np.average(areas, weights=pairs))


def _figures(
    said: Sequence[NDArray[np.float64]], outcomes: Sequence[NDArray[np.bool_]], buyers: Sequence[NDArray[np.int64]]
) -> dict[str, Any]:
    value, lower, upper = area_by_buyers(said, outcomes, buyers)
    pd_, late = np.concatenate(said), np.concatenate(outcomes)
    metrics = credit_metrics(pd_, late)
    assert metrics.calibration_in_the_large is not None
    slope = metrics.calibration_slope if any(np.ptp(part) > 0 for part in said) else None  # flat blocks have none
    order = np.argsort(pd_, kind="stable")
    return {
        "auc": value,
        "auc_interval": [lower, upper],
        "brier": metrics.brier,
        "log_loss": metrics.log_loss,
        "mean_probability": metrics.mean_pd,
        "late_share": metrics.default_rate,
        "calibration_in_the_large": metrics.calibration_in_the_large.model_dump(),
        "calibration_slope": None if slope is None else slope.model_dump(),
        "bands": [
            {"rows": len(band), "said": float(pd_[band].mean()), "late": float(late[band].mean())}
            for band in np.array_split(order, BANDS)
        ],
    }


def _table(columns: pd.DataFrame, invoices: pd.DataFrame) -> Table:
    frame = columns.assign(is_late=invoices["is_late"].astype(int), issued=invoices["InvoiceDate"].dt.date.astype(str))
    return in_a_file(frame, outcome="is_late", time="issued", exclude=())
