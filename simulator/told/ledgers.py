"""Ledgers: a block's business as rows of the contracts. What would be recorded after the world's end is left out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.factory.machines import MAKER, Machines
from simulator.firms.obligors import Firms, synthetic_uscc
from simulator.insurance.claims import Claims, Policies
from simulator.told.reports import INSTANT, source_schema
from simulator.trade.deliveries import Deliveries
from simulator.trade.orders import Orders
from simulator.world_calendar import Calendar, Instants

OFFICE_OPENS_SECONDS = 9 * 3600
OFFICE_MINUTES = 8 * 60
MICROSECONDS_PER_MINUTE = 60_000_000

Ints = NDArray[np.int64]


def profile_table(block: Block, laws: Laws) -> pa.Table:
    """A row a firm, true from the world's first instant."""
    firms, calendar = block.firms, laws.calendar
    start = np.full(len(firms), calendar.midnight(0))
    columns = {
        "obligor_id": pa.array(firms.obligor_ids),
        "event_time": _instants(start),
        "name": pa.array(firms.names),
        "subject_kind": pa.array([kind.value for kind in firms.subject_kinds]),
        "industry_division": pa.array(firms.divisions),
        "site_zone": pa.array([calendar.zone] * len(firms)),
        "recorded_time": _instants(calendar.next_midnight(start)),
    }
    return _ledger(RecordKind.OBLIGOR_PROFILE, columns, calendar)


def ownership_table(block: Block, laws: Laws) -> pa.Table:
    """A row a machine, owned from the world's first instant or from the day it was bought."""
    machines, calendar = block.machines, laws.calendar
    kept = np.flatnonzero(machines.last_day > 0)
    owned_from = calendar.midnight(machines.first_day[kept])
    columns = {
        "machine_uid": pa.array(machines.uids).take(pa.array(kept)),
        "obligor_id": _obligors(block.firms, machines.firm[kept]),
        "event_time": _instants(owned_from),
        "asset_value_minor": pa.array(machines.value_minor[kept]),
        "currency": _constant(laws.parameters.place.currency, len(kept)),
        "install_date": pa.array(machines.install_date[kept], type=pa.date32()),
        "maker": _constant(MAKER, len(kept)),
        "model": pa.array(machines.models).take(pa.array(kept)),
        "serial": pa.array([machines.serial(int(position)) for position in kept], type=pa.string()),
        "recorded_time": _instants(calendar.next_midnight(owned_from)),
    }
    return _ledger(RecordKind.MACHINE_OWNERSHIP, columns, calendar)


def order_table(block: Block, orders: Orders, laws: Laws) -> pa.Table:
    """Purchase orders, in office hours of their day."""
    calendar, place = laws.calendar, laws.parameters.place
    minutes = laws.streams.of("order.minute", block.number).integers(0, OFFICE_MINUTES, len(orders))
    event = _office_time(orders.day, minutes, calendar)
    buyers = pa.array([synthetic_uscc(place.first_buyer_serial + n) for n in range(laws.parameters.trade.buyers)])
    columns = {
        "obligor_id": _obligors(block.firms, orders.firm),
        "order_id": _order_ids(block.firms, orders),
        "buyer_id": buyers.take(pa.array(orders.buyer)),
        "event_time": _instants(event),
        "parts": pa.array(orders.parts),
        "amount_minor": pa.array(orders.parts * orders.price_minor),
        "currency": _constant(place.currency, len(orders)),
        "due_date": pa.array(calendar.date_of(orders.day + orders.lead_days), type=pa.date32()),
        "recorded_time": _instants(calendar.next_midnight(event)),
    }
    return _ledger(RecordKind.PURCHASE_ORDER, columns, calendar)


def delivery_table(block: Block, orders: Orders, deliveries: Deliveries, laws: Laws) -> pa.Table:
    """Deliveries, in office hours of their day, at the price of their order."""
    calendar = laws.calendar
    minutes = laws.streams.of("delivery.minute", block.number).integers(0, OFFICE_MINUTES, len(deliveries.order))
    event = _office_time(deliveries.day, minutes, calendar)
    order_ids = _order_ids(block.firms, orders).take(pa.array(deliveries.order))
    columns = {
        "obligor_id": _obligors(block.firms, orders.firm[deliveries.order]),
        "delivery_id": pc.binary_join_element_wise(order_ids, pc.cast(pa.array(deliveries.number), pa.string()), "/"),
        "order_id": order_ids,
        "event_time": _instants(event),
        "parts": pa.array(deliveries.parts),
        "amount_minor": pa.array(deliveries.parts * orders.price_minor[deliveries.order]),
        "currency": _constant(laws.parameters.place.currency, len(deliveries.order)),
        "recorded_time": _instants(calendar.next_midnight(event)),
    }
    return _ledger(RecordKind.DELIVERY, columns, calendar)


def default_table(block: Block, laws: Laws) -> pa.Table:
    """Default events, in the lender's file some weeks after they are true."""
    calendar, rules = laws.calendar, laws.parameters.defaults
    firm = np.flatnonzero(block.lives.default_day < calendar.day_count)
    day = block.lives.default_day[firm]
    columns = {
        "obligor_id": _obligors(block.firms, firm),
        "event_time": _instants(calendar.midnight(day)),
        "trigger": _constant("days_past_due_90", len(firm)),
        "rule_version": _constant(rules.rule_version, len(firm)),
        "recorded_time": _instants(calendar.midnight(day + rules.reporting_lag_days)),
    }
    return _ledger(RecordKind.DEFAULT_EVENT, columns, calendar)


def policy_table(block: Block, policies: Policies, laws: Laws) -> pa.Table:
    """Policies, recorded on the day of their inception."""
    calendar, machines = laws.calendar, block.machines
    inception = calendar.midnight(policies.inception_day)
    uids = _uids(machines, policies.machine)
    columns = {
        "obligor_id": _obligors(block.firms, machines.firm[policies.machine]),
        "policy_id": _policy_ids(uids, policies.year),
        "machine_uid": uids,
        "product": _constant(laws.parameters.insurance.product, len(uids)),
        "event_time": _instants(inception),
        "expires_time": _instants(calendar.midnight(policies.expiry_day)),
        "sum_insured_minor": pa.array(policies.sum_insured_minor),
        "deductible_minor": pa.array(policies.deductible_minor),
        "currency": _constant(laws.parameters.place.currency, len(uids)),
        "recorded_time": _instants(calendar.next_midnight(inception)),
    }
    return _ledger(RecordKind.INSURANCE_POLICY, columns, calendar)


def claim_table(block: Block, claims: Claims, laws: Laws) -> pa.Table:
    """Claims of a month, recorded when they are reported."""
    machines = block.machines
    uids = _uids(machines, claims.machine)
    dates = pc.strftime(pa.array(laws.calendar.date_of(claims.day), type=pa.date32()), format="%Y%m%d")
    columns = {
        "obligor_id": _obligors(block.firms, machines.firm[claims.machine]),
        "claim_id": pc.binary_join_element_wise("C", uids, dates, "-"),
        "policy_id": _policy_ids(uids, claims.policy_year),
        "machine_uid": uids,
        "event_time": _instants(claims.event),
        "amount_minor": pa.array(claims.amount_minor),
        "currency": _constant(laws.parameters.place.currency, len(uids)),
        "recorded_time": _instants(claims.recorded),
    }
    return _ledger(RecordKind.INSURANCE_CLAIM, columns, laws.calendar)


def _ledger(kind: RecordKind, columns: dict[str, pa.Array], calendar: Calendar) -> pa.Table:
    table = pa.table(columns, schema=source_schema(kind, list(columns)))
    return table.filter(pc.less_equal(table["recorded_time"], pa.scalar(calendar.end, type=INSTANT)))


def _instants(microseconds: Instants) -> pa.Array:
    return pa.array(microseconds, type=INSTANT)


def _office_time(day: Ints, minutes: Ints, calendar: Calendar) -> Instants:
    return calendar.midnight(day) + (OFFICE_OPENS_SECONDS // 60 + minutes) * MICROSECONDS_PER_MINUTE


def _constant(word: str, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(word), length)


def _obligors(firms: Firms, firm: Ints) -> pa.Array:
    return pa.array(firms.obligor_ids).take(pa.array(firm))


def _uids(machines: Machines, machine: Ints) -> pa.Array:
    return pa.array(machines.uids).take(pa.array(machine))


def _order_ids(firms: Firms, orders: Orders) -> pa.Array:
    """`PO-<serial of the firm>-<running number>`."""
    starts = np.searchsorted(orders.firm, orders.firm, side="left")
    running = pc.utf8_lpad(pc.cast(pa.array(np.arange(len(orders)) - starts + 1), pa.string()), 5, "0")
    return pc.binary_join_element_wise(
        "PO", pc.utf8_slice_codeunits(_obligors(firms, orders.firm), 10, 17), running, "-"
    )


def _policy_ids(uids: pa.Array, year: Ints) -> pa.Array:
    return pc.binary_join_element_wise("P", uids, pc.cast(pa.array(year), pa.string()), "-")
