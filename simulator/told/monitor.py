"""What others than the gateways say of a site: the platform's monitor, the grid company, inspectors.

The monitor hears the gateways over a line of its own. In an outage it hears that they live without data, or nothing, or
a last word that power went; while an uplink is down, and after a firm has wound down, it hears nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.factory.machines import DAYS_PER_YEAR, FOREVER
from simulator.factory.rationing import cut_of, draw_episodes
from simulator.gateway.outages import draw_outages
from simulator.told.arrival import Connection, uplink_outages
from simulator.told.ledgers import instants, ledger, numbered, obligors, office_time
from simulator.world_calendar import MICROSECONDS, QUARTER_SECONDS, QUARTERS_PER_DAY, Calendar, Instants

HEARTBEATS = ("present", "lost", "power_lost")
PRESENT, LOST, POWER_LOST = range(len(HEARTBEATS))
MEASURES = ("shorter_hours", "whole_days")
INSPECTORS = ("insurer", "lender")
MOST_INSPECTIONS = 512
"""Of a firm in the longest world."""
INSPECTED_AFTER_MINUTES = 60

Ints = NDArray[np.int64]
Hidden = tuple[int, int, int]
"""Firm, and the days [from, to) on which it cut its gateways off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silences:
    """What the monitor of a block noticed: arrays of length k, in quarter-hours of the world."""

    firm: Ints
    begin: Ints
    end: Ints
    """`FOREVER` where it goes on."""
    heartbeat: Ints


def silence_table(block: Block, laws: Laws, *, connection: Connection, hidden: Sequence[Hidden] = ()) -> pa.Table:
    """Silences, known at the end of the day on which they began; a later end is told in a second version."""
    calendar = laws.calendar
    found = silences(block, laws, connection=connection, hidden=hidden)
    begin = _instant(found.begin, calendar)
    ends = found.end < calendar.day_count * QUARTERS_PER_DAY
    end = _instant(np.where(ends, found.end, 0), calendar)
    first = calendar.next_midnight(begin)
    later = np.flatnonzero(ends & (end > first))
    entry = np.concatenate([np.arange(len(begin)), later])
    is_later = np.arange(len(entry)) >= len(begin)
    known = np.where(is_later, calendar.next_midnight(end[entry]), first[entry])
    tells_end = ends[entry] & (is_later | (end[entry] <= known))
    order = np.lexsort((is_later, begin[entry], found.firm[entry]))
    columns = {
        "obligor_id": obligors(block.firms, found.firm[entry][order]),
        "event_time": instants(begin[entry][order]),
        "until_time": pa.array(end[entry][order], type=pa.timestamp("us", tz="UTC"), mask=~tells_end[order]),
        "heartbeat": pa.array(HEARTBEATS).take(pa.array(found.heartbeat[entry][order])),
        "recorded_time": instants(known[order]),
    }
    return ledger(RecordKind.GATEWAY_SILENCE, columns, calendar)


def silences(block: Block, laws: Laws, *, connection: Connection, hidden: Sequence[Hidden] = ()) -> Silences:
    """Outages of gateways and uplinks, what fraudsters hid, and the end of firms that wound down, by firm and time.

    Of two that begin at one instant the longer one is told. Before a firm is connected nobody listens.
    """
    parts = [_outages(block, laws), _uplinks(block, laws), _hidden(block, laws, hidden), _ends(block, laws)]
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Silences.__dataclass_fields__}
    listens_from = connection.first_day[whole["firm"]] * QUARTERS_PER_DAY
    lives_until = block.lives.last_day[whole["firm"]] * QUARTERS_PER_DAY
    goes_on = whole["end"] == FOREVER
    whole["begin"] = np.maximum(whole["begin"], listens_from)
    whole["end"] = np.where(goes_on, FOREVER, np.minimum(whole["end"], lives_until))
    kept = (whole["begin"] < whole["end"]) & (goes_on | (whole["begin"] < lives_until))
    kept &= (
        connection.first_day[whole["firm"]] < np.minimum(block.lives.last_day, laws.calendar.day_count)[whole["firm"]]
    )
    order = np.lexsort((-whole["end"], whole["begin"], whole["firm"]))
    order = order[kept[order]]
    firm, begin = whole["firm"][order], whole["begin"][order]
    is_first = np.diff(firm, prepend=-1) != 0
    is_first |= np.diff(begin, prepend=-1) != 0
    return Silences(**{name: column[order][is_first] for name, column in whole.items()})


def notice_table(block: Block, laws: Laws) -> pa.Table:
    """Notices to the firms that an episode of rationing reaches, a day before it begins."""
    calendar, rationing = laws.calendar, laws.parameters.rationing
    episodes = draw_episodes(calendar, rationing=rationing, streams=laws.streams)
    cuts = [
        cut_of(episode, block.number, block.firms, episodes, rationing=rationing, streams=laws.streams)
        for episode in range(len(episodes))
    ]
    lost = np.array([cut.lost_ratio for cut in cuts]).reshape(len(cuts), len(block.firms))
    firm, episode = np.nonzero((lost.T > 0) & (block.lives.last_day[:, None] > episodes.first_day))
    by_days = np.array([cut.by_days for cut in cuts]).reshape(lost.shape)[episode, firm]
    first = episodes.first_day[episode]
    columns = {
        "obligor_id": obligors(block.firms, firm),
        "notice_id": numbered("PN", block.firms, firm, episode),
        "event_time": instants(calendar.midnight(first)),
        "until_time": instants(calendar.midnight(episodes.until_day[episode])),
        "measure": pa.array(MEASURES).take(pa.array(by_days.astype(np.int64))),
        "lost_ratio": pa.array(lost[episode, firm]),
        "recorded_time": instants(calendar.midnight(np.maximum(first - 1, 0))),
    }
    return ledger(RecordKind.POWER_NOTICE, columns, calendar)


def inspection_table(block: Block, laws: Laws) -> pa.Table:
    """Visits of inspectors to firms at work, known on their evening."""
    calendar, observation = laws.calendar, laws.parameters.observation
    firm, day = inspections(block, laws)
    uniform = laws.streams.of("inspection.sender", block.number).random((len(block.firms), calendar.day_count))
    by_lender = uniform[firm, day] < observation.inspected_by_lender_share
    event = office_time(day, np.full(len(day), INSPECTED_AFTER_MINUTES), calendar)
    columns = {
        "obligor_id": obligors(block.firms, firm),
        "event_time": instants(event),
        "inspector": pa.array(INSPECTORS).take(pa.array(by_lender.astype(np.int64))),
        "recorded_time": instants(calendar.next_midnight(event)),
    }
    return ledger(RecordKind.SITE_INSPECTION, columns, calendar)


def inspections(block: Block, laws: Laws) -> tuple[Ints, Ints]:
    """(firm, day) of each visit within the world, by firm and day: one at a random time in each interval between."""
    interval = DAYS_PER_YEAR / laws.parameters.observation.inspections_per_year
    uniform = laws.streams.of("inspection.day", block.number).random((len(block.firms), MOST_INSPECTIONS))
    days = np.floor((np.arange(MOST_INSPECTIONS) + uniform) * interval).astype(np.int64)
    until = np.minimum(block.lives.default_day, laws.calendar.day_count)
    firm, number = np.nonzero(days < until[:, None])
    return firm, days[firm, number]


def _outages(block: Block, laws: Laws) -> Silences:
    """Runs of quarter-hours in which all gateways of a firm sent no data, over midnights."""
    count, calendar, gateway = len(block.firms), laws.calendar, laws.parameters.gateway
    silent_until = np.zeros(count, dtype=np.int64)
    pieces = []
    for month in calendar.months:
        outages = draw_outages(block.number, month, silent_until=silent_until, gateway=gateway, streams=laws.streams)
        silent_until = outages.silent_until
        midnight = month.days * QUARTERS_PER_DAY
        for from_quarter, to_quarter in (
            (np.zeros_like(outages.start), outages.front_until),
            (outages.start, outages.stop),
        ):
            firm, column = np.nonzero(to_quarter > from_quarter)
            begin, end = (midnight[column] + edge[firm, column] for edge in (from_quarter, to_quarter))
            pieces.append(np.stack([firm, begin, end]))
    firm, begin, end = np.concatenate(pieces, axis=1)
    order = np.lexsort((begin, firm))
    firm, begin, end = firm[order], begin[order], end[order]
    goes_on = (firm[1:] == firm[:-1]) & (begin[1:] == end[:-1])
    starts, stops = np.append(True, ~goes_on)[: len(firm)], np.append(~goes_on, True)[: len(firm)]
    firm, begin = firm[starts], begin[starts]
    uniform = laws.streams.of("gateway.heartbeat", block.number).random((count, calendar.day_count))
    drawn = uniform[firm, begin // QUARTERS_PER_DAY]
    bounds = np.cumsum([gateway.heartbeat_present_share, gateway.heartbeat_lost_share])
    return Silences(
        firm=firm, begin=begin, end=end[stops], heartbeat=np.searchsorted(bounds, drawn, side="right").astype(np.int64)
    )


def _uplinks(block: Block, laws: Laws) -> Silences:
    """Days on which a firm's uplink was down: nothing is heard until it is up again, and then the data come late."""
    found = []
    for month in laws.calendar.months:
        ends = uplink_outages(block.number, len(block.firms), month, laws)
        firm, column = np.nonzero(ends >= 0)
        found.append(np.stack([firm, month.days[column], ends[firm, column]]))
    firm, begin, end = np.concatenate(found, axis=1)
    return Silences(
        firm=firm, begin=begin * QUARTERS_PER_DAY, end=end * QUARTERS_PER_DAY, heartbeat=np.full(len(firm), LOST)
    )


def _hidden(block: Block, laws: Laws, hidden: Sequence[Hidden]) -> Silences:
    """Gateways that a firm cut off: from their supply, with a last word, or from the network."""
    firm, begin, end = np.array(hidden, dtype=np.int64).reshape(-1, 3).T
    share = laws.parameters.frauds.strengths["F10"]["power_lost_share"]
    uniform = laws.streams.of("fraud.cut_off", block.number).random((len(block.firms), laws.calendar.day_count))
    return Silences(
        firm=firm,
        begin=begin * QUARTERS_PER_DAY,
        end=end * QUARTERS_PER_DAY,
        heartbeat=np.where(uniform[firm, begin] < share, POWER_LOST, LOST),
    )


def _ends(block: Block, laws: Laws) -> Silences:
    """Firms that have wound down within the world: nothing is heard any more."""
    firm = np.flatnonzero(block.lives.last_day < laws.calendar.day_count)
    return Silences(
        firm=firm,
        begin=block.lives.last_day[firm] * QUARTERS_PER_DAY,
        end=np.full(len(firm), FOREVER),
        heartbeat=np.full(len(firm), LOST),
    )


def _instant(quarter: Ints, calendar: Calendar) -> Instants:
    day, rest = np.divmod(quarter, QUARTERS_PER_DAY)
    return np.asarray(calendar.midnight(day) + rest * (QUARTER_SECONDS * MICROSECONDS))
