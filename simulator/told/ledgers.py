"""Ledgers: a block's business as rows of the contracts. What would be recorded after the world's end is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from simulator.block import Block, Laws
from simulator.factory.machines import MAKER, NO_SITE, Machines
from simulator.firms.obligors import Firms, synthetic_uscc
from simulator.insurance.claims import Claims, Policies
from simulator.told.reports import INSTANT, source_schema
from simulator.trade.deliveries import Shipments
from simulator.trade.orders import Orders
from simulator.world_calendar import Calendar, Instants

OFFICE_OPENS_SECONDS = 9 * 3600
OFFICE_MINUTES = 8 * 60
MICROSECONDS_PER_MINUTE = 60_000_000
CLAIM_LETTERS = ("C", "CI", "CL")
"""Breakdown, idle loss, liability: the order of `insurance.yaml`'s sorted kinds."""

SITES = ("A", "B")
OWNER_LETTERS = ("", "B")
"""By first and second owner."""

Ints = NDArray[np.int64]


def profile_table(block: Block, laws: Laws) -> pa.Table:
    """A row a firm, true from the world's first instant."""
    firms, calendar = block.firms, laws.calendar
    start = np.full(len(firms), calendar.midnight(0))
    columns = {
        "obligor_id": pa.array(firms.obligor_ids),
        "event_time": instants(start),
        "name": pa.array(firms.names),
        "subject_kind": pa.array([kind.value for kind in firms.subject_kinds]),
        "industry_division": pa.array(firms.divisions),
        "site_zone": pa.array([calendar.zone] * len(firms)),
        "recorded_time": instants(calendar.next_midnight(start)),
    }
    return ledger(RecordKind.OBLIGOR_PROFILE, columns, calendar)


def ownership_table(block: Block, laws: Laws) -> pa.Table:
    """A row a machine and owner, and one more for each move to the owner's other site; owned from the world's first
    instant, or from the day it was bought or moved.

    That a row has ended is told when it ends: in another version of the row, which bears `owned_until`.
    """
    machines, calendar = block.machines, laws.calendar
    row = np.flatnonzero(machines.last_day > 0)
    moved = row[machines.moved_day[row] < calendar.day_count]
    begins = np.concatenate([machines.first_day[row], machines.moved_day[moved]])
    ends = np.concatenate([np.minimum(machines.moved_day, machines.owned_until)[row], machines.owned_until[moved]])
    site = np.concatenate([machines.site[row], 1 - machines.site[moved]])
    row = np.concatenate([row, moved])
    ended = np.flatnonzero(ends < calendar.day_count)
    known = np.concatenate([begins, ends[ended]])
    entry = np.concatenate([np.arange(len(row)), ended])
    is_ended = np.arange(len(entry)) >= len(row)
    order = np.lexsort((known, begins[entry], row[entry]))
    entry, known, is_ended = entry[order], known[order], is_ended[order]
    until = np.where(is_ended, ends[entry], 0)
    kept = row[entry]
    owned_from = calendar.midnight(begins[entry])
    columns = {
        "machine_uid": pa.array(machines.uids).take(pa.array(kept)),
        "obligor_id": obligors(block.firms, machines.firm[kept]),
        "event_time": instants(owned_from),
        "owned_until": pa.array(calendar.midnight(until), type=INSTANT, mask=~is_ended),
        "asset_value_minor": pa.array(machines.value_minor[kept]),
        "currency": constant(laws.parameters.place.currency, len(kept)),
        "install_date": pa.array(machines.install_date[kept], type=pa.date32()),
        "maker": constant(MAKER, len(kept)),
        "model": pa.array(machines.models).take(pa.array(kept)),
        "serial": pa.array([machines.serial(int(position)) for position in kept], type=pa.string()),
        "site": pa.array(SITES).take(pa.array(site[entry], mask=site[entry] == NO_SITE)),
        "recorded_time": instants(calendar.next_midnight(calendar.midnight(known))),
    }
    return ledger(RecordKind.MACHINE_OWNERSHIP, columns, calendar)


def order_table(block: Block, orders: Orders, laws: Laws) -> pa.Table:
    """Purchase orders, in office hours of their day."""
    calendar, place = laws.calendar, laws.parameters.place
    minutes = laws.streams.of("order.minute", block.number).integers(0, OFFICE_MINUTES, len(orders))
    event = office_time(orders.day, minutes, calendar)
    columns = {
        "obligor_id": obligors(block.firms, orders.firm),
        "order_id": numbered("PO", block.firms, orders.firm, _counted(orders.firm)),
        "buyer_id": buyers_of(laws, orders.buyer, firms=block.firms.obligor_ids),
        "event_time": instants(event),
        "parts": pa.array(orders.parts),
        "amount_minor": pa.array(orders.parts * orders.price_minor),
        "currency": constant(place.currency, len(orders)),
        "due_date": pa.array(calendar.date_of(orders.day + orders.lead_days), type=pa.date32()),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.PURCHASE_ORDER, columns, calendar)


def delivery_table(block: Block, shipped: Shipments, laws: Laws) -> pa.Table:
    """Deliveries, in office hours of their day, at the price of their order."""
    calendar = laws.calendar
    minutes = laws.streams.of("delivery.minute", block.number).integers(0, OFFICE_MINUTES, len(shipped))
    event = office_time(shipped.day, minutes, calendar)
    columns = {
        "obligor_id": obligors(block.firms, shipped.firm),
        "delivery_id": delivery_ids(block.firms, shipped.firm, shipped.order, shipped.number),
        "order_id": numbered("PO", block.firms, shipped.firm, shipped.order),
        "event_time": instants(event),
        "parts": pa.array(shipped.parts),
        "amount_minor": pa.array(shipped.parts * shipped.price_minor),
        "currency": constant(laws.parameters.place.currency, len(shipped)),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.DELIVERY, columns, calendar)


def default_table(block: Block, laws: Laws) -> pa.Table:
    """Default events, in the lender's file some weeks after they are true."""
    calendar, rules = laws.calendar, laws.parameters.defaults
    firm = np.flatnonzero(block.lives.default_day < calendar.day_count)
    day = block.lives.default_day[firm]
    columns = {
        "obligor_id": obligors(block.firms, firm),
        "event_time": instants(calendar.midnight(day)),
        "trigger": constant("days_past_due_90", len(firm)),
        "rule_version": constant(rules.rule_version, len(firm)),
        "recorded_time": instants(calendar.midnight(day + rules.reporting_lag_days)),
    }
    return ledger(RecordKind.DEFAULT_EVENT, columns, calendar)


def policy_table(block: Block, policies: Policies, laws: Laws) -> pa.Table:
    """Policies, recorded on the day of their inception.

    That a cover ended with the sale of its machine is told when it ends: in a second version of the row, which expires
    on that day.
    """
    calendar, machines = laws.calendar, block.machines
    ended = np.flatnonzero(policies.ended_day < calendar.day_count)
    entry = np.concatenate([np.arange(len(policies.machine)), ended])
    is_ended = np.arange(len(entry)) >= len(policies.machine)
    order = np.lexsort((is_ended, entry))
    entry, is_ended = entry[order], is_ended[order]
    known = np.where(is_ended, policies.ended_day[entry], policies.inception_day[entry])
    expiry = np.where(is_ended, policies.ended_day[entry], policies.expiry_day[entry])
    machine = policies.machine[entry]
    uids = uids_of(machines, machine)
    columns = {
        "obligor_id": obligors(block.firms, machines.firm[machine]),
        "policy_id": _policy_ids(machines, machine, policies.year[entry]),
        "machine_uid": uids,
        "product": constant(laws.parameters.insurance.product, len(uids)),
        "event_time": instants(calendar.midnight(policies.inception_day[entry])),
        "expires_time": instants(calendar.midnight(expiry)),
        "sum_insured_minor": pa.array(policies.sum_insured_minor[entry]),
        "deductible_minor": pa.array(policies.deductible_minor[entry]),
        "currency": constant(laws.parameters.place.currency, len(uids)),
        "recorded_time": instants(calendar.next_midnight(calendar.midnight(known))),
    }
    return ledger(RecordKind.INSURANCE_POLICY, columns, calendar)


def claim_table(block: Block, claims: Claims, laws: Laws) -> pa.Table:
    """Claims of a month, recorded when they are reported."""
    machines = block.machines
    uids = uids_of(machines, claims.machine)
    dates = pc.strftime(pa.array(laws.calendar.date_of(claims.day), type=pa.date32()), format="%Y%m%d")
    columns = {
        "obligor_id": obligors(block.firms, machines.firm[claims.machine]),
        "claim_id": pc.binary_join_element_wise(_claim_letters(claims), uids, dates, "-"),
        "policy_id": _policy_ids(machines, claims.machine, claims.policy_year),
        "machine_uid": uids,
        "event_time": instants(claims.event),
        "amount_minor": pa.array(claims.amount_minor),
        "currency": constant(laws.parameters.place.currency, len(uids)),
        "recorded_time": instants(claims.recorded),
    }
    return ledger(RecordKind.INSURANCE_CLAIM, columns, laws.calendar)


def _claim_letters(claims: Claims) -> pa.Array:
    """How the numbers of claims begin: by kind, and by which of one machine and day it is."""
    letters = pa.array(CLAIM_LETTERS).take(pa.array(claims.kind))
    counted = pc.if_else(claims.number == 0, "", pc.cast(pa.array(claims.number + 1), pa.string()))
    return pc.binary_join_element_wise(letters, counted, "")


def ledger(kind: RecordKind, columns: dict[str, pa.Array], calendar: Calendar) -> pa.Table:
    """Rows of a contract, without those that would be recorded after the world's end."""
    table = pa.table(columns, schema=source_schema(kind, list(columns)))
    return table.filter(pc.less_equal(table["recorded_time"], pa.scalar(calendar.end, type=INSTANT)))


def instants(microseconds: Instants) -> pa.Array:
    """UTC microseconds as instants."""
    return pa.array(microseconds, type=INSTANT)


def office_time(day: Ints, minutes: Ints, calendar: Calendar) -> Instants:
    """So many minutes after the office opens on these days."""
    return calendar.midnight(day) + (OFFICE_OPENS_SECONDS // 60 + minutes) * MICROSECONDS_PER_MINUTE


def constant(word: str, length: int) -> pa.Array:
    """A word, repeated."""
    return pa.repeat(pa.scalar(word), length)


def obligors(firms: Firms, firm: Ints) -> pa.Array:
    """Codes of firms by their position in the block."""
    return pa.array(firms.obligor_ids).take(pa.array(firm))


def uids_of(machines: Machines, machine: Ints) -> pa.Array:
    """Uids of machines by their row in the block."""
    return pa.array(machines.uids).take(pa.array(machine))


def numbered(letters: str, firms: Firms, firm: Ints, number: Ints) -> pa.Array:
    """`<letters>-<serial of the firm>-<running number>`; `number` counts the firm's own from 0."""
    running = pc.utf8_lpad(pc.cast(pa.array(number + 1), pa.string()), 5, "0")
    return pc.binary_join_element_wise(letters, pc.utf8_slice_codeunits(obligors(firms, firm), 10, 17), running, "-")


def delivery_ids(firms: Firms, firm: Ints, order: Ints, number: Ints) -> pa.Array:
    """The number of the order, a slash, and which of its shipments it is."""
    return pc.binary_join_element_wise(numbered("PO", firms, firm, order), pc.cast(pa.array(number), pa.string()), "/")


def buyers_of(laws: Laws, buyer: Ints, *, firms: Sequence[ObligorId] = ()) -> pa.Array:
    """Codes of buyers by their number: the world's, and after them `firms`, those of a block."""
    first = laws.parameters.place.first_buyer_serial
    codes = [synthetic_uscc(first + number) for number in range(laws.parameters.trade.buyers)]
    return pa.array([*codes, *firms]).take(pa.array(buyer))


def _policy_ids(machines: Machines, machine: Ints, year: Ints) -> pa.Array:
    """`P-<machine>-<year>`, and a B after it under the machine's second owner in the world."""
    owner = pa.array(OWNER_LETTERS).take(pa.array((machines.predecessor[machine] >= 0).astype(np.int64)))
    years = pc.binary_join_element_wise(pc.cast(pa.array(year), pa.string()), owner, "")
    return pc.binary_join_element_wise("P", uids_of(machines, machine), years, "-")


def _counted(firm: Ints) -> Ints:
    """Positions within runs of equal firms."""
    return np.arange(len(firm)) - np.searchsorted(firm, firm, side="left")
