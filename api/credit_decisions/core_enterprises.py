"""What a lender has on an applicant's buyers, out of the ledgers of the obligors that consent to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from api.consents import repository as consents
from api.home import Home
from api.models.service import scoring_parameters
from api.partners import repository as partners
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.core_enterprises import OnCoreEnterprises
from scoring.portfolio.core_enterprises import on_core_enterprises
from scoring.portfolio.ledgers import DEBTS, FACILITIES, SALES, loans_from, sold_to_buyers
from scoring.records import CreditRequest

YEAR = timedelta(days=365)
ZONE = ZoneInfo("Asia/Shanghai")


def known_on_core_enterprises(
    connection: sa.Connection, home: Home, request: CreditRequest, *, partner: PartnerId, now: datetime, livemode: bool
) -> OnCoreEnterprises | None:
    """As known at the request's time, in its currency; None where nobody told under which name the partner stands in
    the ledgers, since nothing says then which debts are owed to it.

    Ledgers are read of those who owe the partner anything and of the applicant, of nobody else.
    """
    lenders = partners.lender_names(connection, partner)
    if not lenders:
        return None
    source = reader(connection, home)

    def rows(
        kind: RecordKind, columns: Sequence[str], of: Sequence[ObligorId], since: datetime | None = None
    ) -> pd.DataFrame:
        told = source.rows(
            kind, as_of=request.as_of, obligor_ids=of, event_from=since, columns=("obligor_id", *columns)
        )
        return told.to_pandas()

    everybody = consents.shown_for_credit(connection, partner, now=now, livemode=livemode)
    facilities = rows(RecordKind.FACILITY, FACILITIES, everybody)
    facilities = facilities[facilities["lender_id"].isin(lenders) & (facilities["currency"] == request.currency)]
    debtors = sorted({ObligorId(str(obligor)) for obligor in facilities["obligor_id"]})
    invoices = rows(RecordKind.INVOICE, SALES, sorted({*debtors, request.obligor_id}), request.as_of - YEAR)
    repayments = source.versions(
        RecordKind.REPAYMENT, until=request.as_of, obligor_ids=debtors, columns=("obligor_id", *DEBTS)
    )
    loans = loans_from(
        facilities,
        repayments.to_pandas(),
        lgd={name: float(value) for name, value in scoring_parameters().at(request.as_of)["lgd"].items()},
        zone=ZONE,
    )
    return on_core_enterprises(
        loans,
        sold_to_buyers(invoices[invoices["currency"] == request.currency]),
        applicant=request.obligor_id,
        lenders=lenders,
        day=request.as_of.astimezone(ZONE).date(),
    )
