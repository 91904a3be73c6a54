"""Sales: invoices on shipment, credit notes, what buyers pay and when, and what is lost with a buyer that fails."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from simulator.finance.accounts import Account, Book, by_firm, by_firm_and_day, tax_on
from simulator.firms.obligors import Firms
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams
from simulator.trade.deliveries import Shipments
from simulator.trade.network import Network, late_days
from simulator.world_calendar import Month

OPENING_MONTHS = 3
"""Months before the world whose invoices may still be open when it begins."""
OPENING_MONTH_DAYS = 30
LOTS = 64
"""Chances that a firm's shipments of a month meet, by order: so one shipment's do not depend on how many others go."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoices:
    """Invoices of a block. Arrays of length k; days are world indices, money in minor units."""

    firm: Ints
    number: Ints
    """Counts the firm's invoices, red-letter ones among them, from 0."""
    buyer: Ints
    order: Ints
    """The firm's order; -1 for an invoice from before the world."""
    shipment: Ints
    day: Ints
    due_day: Ints
    pay_day: Ints
    """When the buyer pays, if it lives."""
    gross_minor: Ints
    tax_minor: Ints
    credit_day: Ints
    """Day of the credit note; -1 without one."""
    credit_gross_minor: Ints
    credit_tax_minor: Ints

    def __len__(self) -> int:
        return len(self.firm)

    def where(self, chosen: Bools | Ints) -> Invoices:
        """Some of them."""
        return Invoices(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNotes:
    """Red-letter invoices of a month. Arrays of length k."""

    firm: Ints
    number: Ints
    corrected: Ints
    """Number of the invoice that it takes off in part."""
    buyer: Ints
    day: Ints
    gross_minor: Ints
    tax_minor: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """Payments of a month by buyers. Arrays of length k."""

    firm: Ints
    number: Ints
    """Counts the firm's receipts from 0."""
    invoice: Ints
    buyer: Ints
    day: Ints
    amount_minor: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesState:
    """What is to come in: open invoices with what is left of them in `gross_minor`, and counters by firm."""

    open: Invoices
    invoices: Ints
    receipts: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesMonth:
    """A month's papers, and the money that came in by firm and day."""

    issued: Invoices
    credit_notes: CreditNotes
    receipts: Receipts
    lost: Invoices
    """Written off because the buyer failed."""
    received: Ints


def joined_invoices(parts: list[Invoices]) -> Invoices:
    """All of them, in the order given."""
    names = [field.name for field in fields(Invoices)]
    return Invoices(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def opening_invoices(
    block: int, firms: Firms, turnover_minor: Ints, *, network: Network, parameters: WorldParameters, streams: Streams
) -> Invoices:
    """Invoices of the months before the world, to each regular buyer one a month, that are open when it begins."""
    count, buyers = firms.buyers.shape
    shape = (count, OPENING_MONTHS, buyers)
    firm = np.repeat(np.arange(count), OPENING_MONTHS * buyers)
    uniform = streams.of("opening.invoice.day", block).random(shape).ravel()
    normal = streams.of("opening.invoice.late", block).standard_normal(shape).ravel()
    back = np.tile(np.repeat(np.arange(OPENING_MONTHS), buyers), count)
    day = -1 - back * OPENING_MONTH_DAYS - np.floor(uniform * OPENING_MONTH_DAYS).astype(np.int64)
    buyer = np.broadcast_to(firms.buyers[:, None, :], shape).ravel()
    order = np.lexsort((day, firm))
    firm, buyer, day, normal = firm[order], buyer[order], day[order], normal[order]
    net = turnover_minor[firm] // buyers
    due = day + network.term_days[buyer]
    tax = tax_on(net, parameters.finance.vat_percent)
    none = np.zeros_like(firm)
    every = Invoices(
        firm=firm,
        number=none,
        buyer=buyer,
        order=none - 1,
        shipment=none,
        day=day,
        due_day=due,
        pay_day=due + late_days(network.state[buyer, 0], normal, parameters.network),
        gross_minor=net + tax,
        tax_minor=tax,
        credit_day=none - 1,
        credit_gross_minor=none,
        credit_tax_minor=none,
    )
    left = every.where((every.pay_day >= 0) & (net > 0))
    return replace(left, number=counted(left.firm))


def sell(
    book: Book,
    state: SalesState,
    shipped: Shipments,
    *,
    block: int,
    month: Month,
    network: Network,
    parameters: WorldParameters,
    streams: Streams,
) -> tuple[SalesState, SalesMonth]:
    """Bill what was shipped, take credit notes off, write off what failed buyers owe, and see what buyers pay.

    Their money is entered by the till, day by day.
    """
    count = len(state.invoices)
    lost = state.open.where(network.fails(month.position)[state.open.buyer])
    book.post(Account.BAD_DEBTS, Account.RECEIVABLES, by_firm(lost.firm, lost.gross_minor, count))
    kept = state.open.where(~network.fails(month.position)[state.open.buyer])
    issued = _bill(state, shipped, block=block, month=month, network=network, parameters=parameters, streams=streams)
    net = by_firm(issued.firm, issued.gross_minor - issued.tax_minor, count)
    book.post(Account.RECEIVABLES, Account.SALES, net)
    book.post(Account.RECEIVABLES, Account.VAT, by_firm(issued.firm, issued.tax_minor, count))
    invoices = state.invoices + np.bincount(issued.firm, minlength=count)
    standing = joined_invoices([kept, issued])
    standing, notes = _take_credits(book, standing.where(_by_firm_order(standing)), invoices, month)
    paid = standing.pay_day < month.first_day + month.length
    receipts = _receive(standing.where(paid), state.receipts)
    received = by_firm_and_day(
        receipts.firm, receipts.day - month.first_day, receipts.amount_minor, (count, month.length)
    )
    after = SalesState(
        open=standing.where(~paid),
        invoices=invoices + np.bincount(notes.firm, minlength=count),
        receipts=state.receipts + np.bincount(receipts.firm, minlength=count),
    )
    return after, SalesMonth(issued=issued, credit_notes=notes, receipts=receipts, lost=lost, received=received)


def _bill(
    state: SalesState,
    shipped: Shipments,
    *,
    block: int,
    month: Month,
    network: Network,
    parameters: WorldParameters,
    streams: Streams,
) -> Invoices:
    rules, percent = parameters.network, parameters.finance.vat_percent
    place = (block, month.position)
    lot = (shipped.firm, (2 * shipped.order + shipped.number) % LOTS)
    uniform = streams.of("invoice.credit", *place).random((len(state.invoices), LOTS, 3))[lot]
    normal = streams.of("invoice.late", *place).standard_normal((len(state.invoices), LOTS))[lot]
    net = shipped.parts * shipped.price_minor
    tax = tax_on(net, percent)
    due = shipped.day + network.term_days[shipped.buyer]
    share = rules.credit_note_low + (rules.credit_note_high - rules.credit_note_low) * uniform[:, 1]
    credit = np.floor(net * share).astype(np.int64) * (uniform[:, 0] < rules.credit_note_share)
    low, high = rules.credit_note_after_days
    after = low + np.floor(uniform[:, 2] * (high - low + 1)).astype(np.int64)
    credit_tax = np.minimum(tax_on(credit, percent), tax)
    return Invoices(
        firm=shipped.firm,
        number=state.invoices[shipped.firm] + counted(shipped.firm),
        buyer=shipped.buyer,
        order=shipped.order,
        shipment=shipped.number,
        day=shipped.day,
        due_day=due,
        pay_day=due + late_days(network.state[shipped.buyer, month.position + 1], normal, rules),
        gross_minor=net + tax,
        tax_minor=tax,
        credit_day=np.where(credit > 0, shipped.day + after, -1),
        credit_gross_minor=credit + credit_tax,
        credit_tax_minor=credit_tax,
    )


def _take_credits(book: Book, standing: Invoices, invoices: Ints, month: Month) -> tuple[Invoices, CreditNotes]:
    """Enter the credit notes of the month; they come before the payment, which is of what they leave."""
    count = len(invoices)
    is_due = (standing.credit_day >= month.first_day) & (standing.credit_day < month.first_day + month.length)
    noted = standing.where(is_due)
    gross, tax = noted.credit_gross_minor, noted.credit_tax_minor
    book.post(Account.SALES, Account.RECEIVABLES, by_firm(noted.firm, gross - tax, count))
    book.post(Account.VAT, Account.RECEIVABLES, by_firm(noted.firm, tax, count))
    left = replace(standing, gross_minor=standing.gross_minor - np.where(is_due, standing.credit_gross_minor, 0))
    return left, CreditNotes(
        firm=noted.firm,
        number=invoices[noted.firm] + counted(noted.firm),
        corrected=noted.number,
        buyer=noted.buyer,
        day=noted.credit_day,
        gross_minor=gross,
        tax_minor=tax,
    )


def _receive(paid: Invoices, receipts: Ints) -> Receipts:
    ordered = paid.where(np.lexsort((paid.number, paid.pay_day, paid.firm)))
    return Receipts(
        firm=ordered.firm,
        number=receipts[ordered.firm] + counted(ordered.firm),
        invoice=ordered.number,
        buyer=ordered.buyer,
        day=ordered.pay_day,
        amount_minor=ordered.gross_minor,
    )


def _by_firm_order(invoices: Invoices) -> Ints:
    return np.lexsort((invoices.number, invoices.firm))


def counted(firm: Ints) -> Ints:
    """Positions within runs of equal firms."""
    starts = np.flatnonzero(np.r_[True, firm[1:] != firm[:-1]]) if len(firm) else np.array([], dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(firm)])
    return np.arange(len(firm)) - np.repeat(starts, lengths)
