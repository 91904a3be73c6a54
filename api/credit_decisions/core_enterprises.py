"""What a lender has on an applicant's buyers, out of the ledgers of the obligors that consent to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from api.consents import repository as consents
from api.credit_decisions.kept_books import BookKey, Shelf, shelf_of
from api.home import Home
from api.models.service import scoring_parameters
from api.partners import repository as partners
from api.snapshots.service import END_OF_TIME
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from scoring.core_enterprises import OnCoreEnterprises
from scoring.portfolio.core_enterprises import on_core_enterprises
from scoring.portfolio.debtors import YEAR, Held, LedgerVersions, day_of, debtors_as_of
from scoring.portfolio.ledgers import DEBTS, FACILITIES, SALES
from scoring.records import CreditRequest

ZONE = ZoneInfo("Asia/Shanghai")


def known_on_core_enterprises(
    connection: sa.Connection, home: Home, request: CreditRequest, *, partner: PartnerId, now: datetime, livemode: bool
) -> OnCoreEnterprises | None:
    """As known at the request's time, in its currency; None where nobody told under which name the partner stands in
    the ledgers, since nothing says then which debts are owed to it.

    Debts are read of those who owe the partner anything, invoices of these and of the applicant, of nobody else; and
    only of those of whom ledgers tell something new since the process read them last. Who consents is asked anew.
    """
    lenders = partners.lender_names(connection, partner)
    if not lenders:
        return None
    as_of, applicant = request.as_of, request.obligor_id
    key = BookKey(
        partner=partner,
        livemode=livemode,
        lenders=tuple(lenders),
        currency=request.currency,
        day=as_of.astimezone(ZONE).date(),
    )
    shelf = shelf_of(home.engine)
    ledgers = _Ledgers(connection=connection, home=home, shelf=shelf, key=key, as_of=as_of)
    shown = consents.shown_for_credit_joined(connection, partner, now=now, livemode=livemode)
    with shelf.book(key) as book:
        book.catch_up(connection)
        looked = book.looked_through(shown, as_of=as_of, read=ledgers.debtors)
        sold = book.sales_of(applicant, as_of=as_of, read=ledgers.sellers)
    return on_core_enterprises(looked, sold, lenders=lenders)


@dataclass(frozen=True, kw_only=True)
class _Ledgers:
    """Reads what a book is made of, each ledger with all its versions."""

    connection: sa.Connection
    home: Home
    shelf: Shelf
    key: BookKey
    as_of: datetime

    @cached_property
    def source(self) -> ObservationReader:
        """Opened where anything is to be read."""
        store = ObservationStore(self.home.observations)
        return ObservationReader(self.connection, store, lake=self.shelf.lake())

    def debtors(self, obligors: Sequence[str]) -> dict[str, Held]:
        """What each of these owes; of those with a facility of the lender also what they sold."""
        facilities = self._versions(RecordKind.FACILITY, FACILITIES, obligors)
        theirs = facilities["lender_id"].isin(list(self.key.lenders)) & (facilities["currency"] == self.key.currency)
        owing = sorted(set(facilities["obligor_id"][theirs]))
        repayments = self._versions(RecordKind.REPAYMENT, DEBTS, owing)
        return self._as_of(facilities[theirs], repayments, self._invoices(owing), obligors)

    def sellers(self, obligors: Sequence[str]) -> dict[str, Held]:
        """What each of these sold, whatever it owes."""
        nobody: Sequence[str] = ()
        facilities = self._versions(RecordKind.FACILITY, FACILITIES, nobody)
        repayments = self._versions(RecordKind.REPAYMENT, DEBTS, nobody)
        return self._as_of(facilities, repayments, self._invoices(obligors), obligors)

    def _as_of(
        self, facilities: pd.DataFrame, repayments: pd.DataFrame, invoices: pd.DataFrame, obligors: Sequence[str]
    ) -> dict[str, Held]:
        return debtors_as_of(
            LedgerVersions(facilities=facilities, repayments=repayments, invoices=invoices),
            obligors,
            as_of=self.as_of,
            lenders=self.key.lenders,
            currency=self.key.currency,
            lgd={name: float(value) for name, value in scoring_parameters().at(self.as_of)["lgd"].items()},
            zone=ZONE,
        )

    def _invoices(self, sellers: Sequence[str]) -> pd.DataFrame:
        told = self._versions(RecordKind.INVOICE, ("event_time", *SALES), sellers)
        return told[told["event_time"] >= day_of(self.as_of, ZONE)[0] - YEAR]

    def _versions(self, kind: RecordKind, columns: Sequence[str], of: Sequence[str]) -> pd.DataFrame:
        """Also of what was recorded later than is asked about: it says until when an answer holds."""
        codes = [ObligorId(code) for code in of]
        told = self.source.versions(kind, until=END_OF_TIME, obligor_ids=codes, columns=("obligor_id", *columns))
        return told.to_pandas()
