"""Losses of the synthetic world: by supplier when a core enterprise fails, and averted by a lender that sees machines.

*Recession*: a month before the core enterprise fails, its default is struck through the chain of the ledgers; each
supplier's rise of expected loss is ranked against the truth, the rise of the exact PD over the same firm's in the twin
world without a recession, times what it owes. Nobody's score is known to the stress: every firm has one PD.

*Averted*: two lenders may refuse a fifth of all firms a loan of one size for a year. One ranks by ledgers alone (late
instalments, orders, sales), the other by the same and the signs of weak production; both are fitted on worlds 1-3.
What they lose on the others is compared in money.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

import simulator
from api.monitoring import monitoring_parameters
from api.pledges.service import supply_chain_parameters
from benchmarks.early_warning.lived import LivedWorld, Truth, read_world
from benchmarks.supply_chain_truth.ledgers import rows_of
from data_contracts.contract import RecordKind
from scoring.monitoring.weakness import LIMIT, against_peers, machine_signals
from scoring.supply_chain.contagion.ledgers import LedgerFrames, chain_of
from scoring.supply_chain.contagion.stress import Shock, stress

DEVELOPMENT = (1, 2, 3)
MONTHS = 48
STRUCK_AT = datetime(2024, 9, 30, 16, tzinfo=UTC)
FLAT_PD, LGD = 0.04, 0.45
LENT_ON = date(2025, 6, 30)
REFUSED_SHARE = 0.2
LOAN_MINOR = 100_000_000
YEAR = timedelta(days=365)

Floats = NDArray[np.float64]


def recession(seeds: Sequence[int], obligors: int) -> dict[str, Any]:
    """Over the suppliers that the stress strikes: rank correlation of the predicted and the true rise of loss, beside
    that of what each owes alone; and by how much the exact PD of those struck rose more than that of the others."""
    ours, plain, struck, gap = list[float](), list[float](), 0, list[float]()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            fallen, calm = Path(name) / "recession", Path(name) / "base"
            for world, folder in (("recession", fallen), ("base", calm)):
                _simulate(world, seed, obligors, folder)
            rise = (_pd_at(fallen) - _pd_at(calm)).dropna()
            predicted, owed = _predicted(fallen)
        hit = predicted[predicted > 0].index.intersection(rise.index).intersection(owed.index)
        others = rise.index.difference(predicted[predicted > 0].index)
        struck += len(hit)
        true = rise[hit] * owed[hit] * LGD
        ours.append(float(spearmanr(predicted[hit], true).statistic))
        plain.append(float(spearmanr(owed[hit], true).statistic))
        gap.append(float(rise[hit].mean() - rise[others].mean()))
    return {
        "suppliers_struck": struck,
        "rank_correlation_with_true_loss": round(float(np.mean(ours)), 4),
        "rank_correlation_of_what_is_owed_alone": round(float(np.mean(plain)), 4),
        "rise_of_true_pd_struck_less_others": round(float(np.mean(gap)), 4),
        "by_seed": [round(value, 3) for value in ours],
    }


def _predicted(folder: Path) -> tuple[pd.Series[float], pd.Series[float]]:
    """By obligor with a loan: the rise of expected loss when the core enterprise defaults, and what it owes."""
    frames = {kind: _known(folder, kind) for kind in _KINDS}
    profiles = _known(folder, RecordKind.OBLIGOR_PROFILE)
    firms = sorted(profiles["obligor_id"])
    chain = chain_of(
        LedgerFrames(
            invoices=frames[RecordKind.INVOICE],
            receipts=frames[RecordKind.RECEIPT],
            balance_sheets=_nothing("obligor_id event_time recorded_time equity_minor cash_minor currency"),
            facilities=frames[RecordKind.FACILITY],
            repayments=frames[RecordKind.REPAYMENT],
            ratings=_nothing("counterparty_id event_time recorded_time pd_12m"),
        ),
        obligors=firms,
        pd_12m=dict.fromkeys(firms, FLAT_PD),
        lgd=LGD,
        currency="CNY",
    )
    core = sorted(set(pq.read_table(folder / "truth" / "buyer.parquet")["buyer_id"].to_pylist()))[_CORE]
    told = stress(chain, Shock(core_enterprise=core, is_default=True), supply_chain_parameters().at(STRUCK_AT))
    rise = {
        item.firm: float((item.expected_loss_after_minor or 0) - (item.expected_loss_before_minor or 0))
        for item in told.struck
    }
    owed = pd.Series(chain.exposure[: len(firms)], index=firms)
    return pd.Series(rise, dtype=np.float64), owed[owed > 0]


def averted(seeds: Sequence[int], obligors: int) -> dict[str, Any]:
    """What each lender loses on the firms that it lends to."""
    known = pd.concat([_applicants(seed, obligors) for seed in DEVELOPMENT], ignore_index=True)
    asked = pd.concat([_applicants(seed, obligors) for seed in seeds], ignore_index=True)
    ledgers = [name for name in known if name.startswith("ledger_")]
    lost: dict[str, int] = {}
    for lender, names in (("ledgers", ledgers), ("ledgers_and_machines", [n for n in known if n[:7] in _SEEN])):
        centre, spread = known[names].median(), known[names].std() + 1e-9
        fit, new = (np.nan_to_num(np.clip((frame[names] - centre) / spread, -LIMIT, LIMIT)) for frame in (known, asked))
        chance = LogisticRegression().fit(fit, known["defaults"]).predict_proba(new)[:, 1]
        lent = chance <= np.quantile(chance, 1.0 - REFUSED_SHARE)
        lost[lender] = int(asked["defaults"][lent].sum())
    loss = {lender: round(count * LOAN_MINOR * LGD) for lender, count in lost.items()}
    return {
        "applicants": len(asked),
        "defaults": int(asked["defaults"].sum()),
        "refused_share": REFUSED_SHARE,
        "loan_minor": LOAN_MINOR,
        "lgd": LGD,
        "defaults_lent_to": lost,
        "loss_minor": loss,
        "averted_minor": loss["ledgers"] - loss["ledgers_and_machines"],
        "averted_share": round(1.0 - lost["ledgers_and_machines"] / lost["ledgers"], 4),
    }


def _applicants(seed: int, obligors: int) -> pd.DataFrame:
    """Every firm alive on the day: what ledgers and machines told by then, and whether it defaults within a year."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        _simulate("base", seed, obligors, folder)
        world, truth = read_world(folder, seed)
        ledgers = _ledger_signs(folder)
    firms = [firm for firm in world.industry if truth.defaulted_on.get(firm, date.max) > LENT_ON]
    machines = _machine_signs(world, firms)
    return machines.join(ledgers.reindex(firms)).assign(defaults=_defaults(truth, firms)).reset_index(drop=True)


def _machine_signs(world: LivedWorld, firms: list[str]) -> pd.DataFrame:
    terms = monitoring_parameters().at(LENT_ON)["monitoring"]["weakness"]
    watched = world.seen(LENT_ON, firms, int(terms["long_days"]), "obligor_id")
    told = {
        f"machine_{name}": against_peers(sign, watched.industry, terms)
        for name, sign in machine_signals(watched, terms).items()
    }
    return pd.DataFrame(told, index=watched.units).reindex(firms)


def _ledger_signs(folder: Path) -> pd.DataFrame:
    """By obligor: the share of half a year's instalments that were paid late or not, how orders stand to the year's,
    and the year's sales."""
    now = pd.Timestamp(LENT_ON, tz="Asia/Shanghai")
    dues, orders, invoices = (
        _known(folder, kind, now.to_pydatetime())
        for kind in (RecordKind.REPAYMENT, RecordKind.PURCHASE_ORDER, RecordKind.INVOICE)
    )
    due = pd.to_datetime(dues["due_date"])
    recent = dues[(due > pd.Timestamp(LENT_ON) - pd.Timedelta(days=182)) & (due < pd.Timestamp(LENT_ON))]
    paid = pd.to_datetime(recent["paid_date"])
    is_late = (recent["amount_paid_minor"] < recent["amount_due_minor"]) | (paid > pd.to_datetime(recent["due_date"]))
    lately = orders[orders["event_time"] > now - pd.Timedelta(days=84)].groupby("obligor_id")["amount_minor"].sum()
    year = orders[orders["event_time"] > now - YEAR].groupby("obligor_id")["amount_minor"].sum()
    sales = invoices[invoices["event_time"] > now - YEAR].groupby("obligor_id")["amount_minor"].sum()
    return pd.DataFrame(
        {
            "ledger_late": is_late.groupby(recent["obligor_id"]).mean(),
            "ledger_orders": np.log((lately.reindex(year.index).fillna(0) * 365 / 84 + 1.0) / (year + 1.0)),
            "ledger_sales": np.log(sales + 1.0),
        }
    )


def _defaults(truth: Truth, firms: list[str]) -> list[bool]:
    return [truth.defaulted_on.get(firm, date.max) <= LENT_ON + YEAR for firm in firms]


def _simulate(world: str, seed: int, obligors: int, folder: Path) -> None:
    simulator.simulate(
        world=world, obligors=obligors, months=MONTHS, seed=seed, out=folder, samples_for=0,
        machines_per_obligor=1.5, threads=1,
    )  # fmt: skip


def _pd_at(folder: Path) -> pd.Series[float]:
    """The exact PD of each firm alive a month before the failure of the recession's core enterprise is over."""
    months = pq.read_table(folder / "truth" / "obligor_month.parquet", columns=["obligor_id", "as_of", "pd_12m_true"])
    frame = months.to_pandas()
    return frame[frame["as_of"] == pd.Timestamp(STRUCK_AT)].set_index("obligor_id")["pd_12m_true"]


def _known(folder: Path, kind: RecordKind, until: datetime = STRUCK_AT) -> pd.DataFrame:
    """A ledger as known by then, the latest version of each row."""
    frame = pd.DataFrame(rows_of(folder, kind))
    frame = frame[frame["recorded_time"] <= pd.Timestamp(until)]
    keys = [name for name in ("obligor_id", f"{kind}_id", "facility_id", "instalment") if name in frame]
    return frame.sort_values("recorded_time", kind="stable").drop_duplicates(keys, keep="last")


def _nothing(columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=columns.split())


_CORE = 2
"""The buyer that fails in a recession, by its number in `recession.yaml`."""
_SEEN = ("ledger_", "machine")
_KINDS = (RecordKind.INVOICE, RecordKind.RECEIPT, RecordKind.FACILITY, RecordKind.REPAYMENT)
