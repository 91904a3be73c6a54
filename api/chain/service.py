"""Stress of a chain: read what consenting obligors' ledgers say, strike, and tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.database.tables import score_record
from api.home import Home
from api.models.service import scoring_parameters
from api.pledges.service import supply_chain_parameters
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.records import CreditProduct
from scoring.supply_chain.contagion.ledgers import LedgerFrames, chain_of
from scoring.supply_chain.contagion.network import Chain
from scoring.supply_chain.contagion.portfolio import PortfolioLoss, portfolio_loss
from scoring.supply_chain.contagion.stress import Shock, StressResult, stress, struck_directly

YEAR = timedelta(days=365)
MOST_TENOR = timedelta(days=400)
"""Receivables older than that are none that a lender counts on."""
QUANTILES = (0.95, 0.99)


def run_stress(
    connection: sa.Connection,
    home: Home,
    shock: Shock,
    *,
    partner: PartnerId,
    currency: str,
    as_of: datetime,
    now: datetime,
    livemode: bool = False,
) -> dict[str, Any]:
    """A shock through the chain of the obligors that consent to the partner. Raises NotFound."""
    firms = consents.shown_for_credit(connection, partner, now=now, livemode=livemode)
    chain = load_chain(connection, home, firms, currency=currency, as_of=as_of)
    book = supply_chain_parameters()
    values = book.at(as_of)
    told = stress(chain, shock, values)
    return {
        **plain_stress(told, as_of=as_of, parameters_version=book.version),
        "loss_distribution": loss_distribution(chain, shock, values) if told.in_losses else None,
    }


def loss_distribution(chain: Chain, shock: Shock, values: Mapping[str, Any]) -> dict[str, Any]:
    """The lender's loss over draws under a common factor, before the shock and after its direct effects, each alone and
    with what the network adds."""
    terms = values["stress"]
    drawn = {name: terms[name] for name in ("correlation", "draws", "seed")}
    return {
        **drawn,
        "before": _plain_loss(portfolio_loss(chain, **drawn)),
        "after": _plain_loss(portfolio_loss(struck_directly(chain, shock, values), **drawn)),
    }


def load_chain(
    connection: sa.Connection, home: Home, obligors: Sequence[ObligorId], *, currency: str, as_of: datetime
) -> Chain:
    """The chain of these obligors as known at a time, with the latest scores that were kept by then."""
    source = reader(connection, home)

    def rows(kind: RecordKind, since: datetime | None, *columns: str) -> Any:
        told = source.rows(kind, as_of=as_of, obligor_ids=obligors, event_from=since, columns=("obligor_id", *columns))
        return told.to_pandas()

    frames = LedgerFrames(
        invoices=rows(
            RecordKind.INVOICE,
            as_of - YEAR,
            *("invoice_id", "buyer_id", "status", "corrected_invoice_id", "amount_minor", "currency"),
        ),
        receipts=rows(RecordKind.RECEIPT, as_of - MOST_TENOR, "invoice_id", "amount_minor", "currency"),
        balance_sheets=rows(
            RecordKind.BALANCE_SHEET, None, "event_time", "recorded_time", "equity_minor", "cash_minor", "currency"
        ),
        facilities=rows(
            RecordKind.FACILITY, None, "facility_id", "amount_minor", "currency", "rate_per_year", "instalments"
        ),
        repayments=rows(RecordKind.REPAYMENT, None, "facility_id", "amount_due_minor", "amount_paid_minor"),
        ratings=rows(RecordKind.COUNTERPARTY_RATING, None, "event_time", "recorded_time", "counterparty_id", "pd_12m"),
    )
    return chain_of(
        frames,
        obligors=[str(obligor) for obligor in obligors],
        pd_12m=_scores(connection, obligors, as_of=as_of),
        lgd=float(scoring_parameters().at(as_of)["lgd"][CreditProduct.WORKING_CAPITAL.value]),
        currency=currency,
    )


def plain_stress(result: StressResult, *, as_of: datetime, parameters_version: str) -> dict[str, Any]:
    """A stress as it is answered."""
    return {
        "as_of": as_of.isoformat(),
        "shock": asdict(result.shock),
        "currency": result.currency,
        "bridge_days": result.bridge_days,
        "expected_loss_before_minor": result.expected_loss_before_minor,
        "expected_loss_direct_minor": result.expected_loss_direct_minor,
        "expected_loss_after_minor": result.expected_loss_after_minor,
        "expected_loss_after_at_most_minor": result.expected_loss_after_at_most_minor,
        "loss_amplification": result.amplification,
        "suppliers": [{**asdict(item), "not_told": [name.value for name in item.not_told]} for item in result.struck],
        "rests_on": dict(result.rests_on),
        "obligors_in_losses": result.in_losses,
        "obligors_without_score": result.unrated,
        "parameters_version": parameters_version,
    }


def _plain_loss(drawn: PortfolioLoss) -> dict[str, Any]:
    """Means and quantiles in whole minor units, with the network where it is known, and what it adds to the mean."""
    pairs = {"mean": (float(drawn.alone.mean()), float(drawn.with_network.mean()))}
    pairs |= {f"quantile_{round(100 * share)}": drawn.quantile(share) for share in QUANTILES}
    told: dict[str, Any] = {"amplification": drawn.amplification}
    for name, (alone, with_network) in pairs.items():
        told[f"{name}_alone_minor"] = round(alone)
        told[f"{name}_with_network_minor"] = round(with_network) if drawn.is_network_known else None
    return told


def _scores(connection: sa.Connection, obligors: Sequence[ObligorId], *, as_of: datetime) -> dict[str, float]:
    """The latest score of each as of a time."""
    rows = sa.select(score_record.c.obligor_id, score_record.c.pd_12m).where(score_record.c.as_of <= as_of)
    ordered = connection.execute(rows.order_by(score_record.c.as_of, score_record.c.scored_time))
    wanted = set(obligors)
    return {row.obligor_id: float(row.pd_12m) for row in ordered if row.obligor_id in wanted}
