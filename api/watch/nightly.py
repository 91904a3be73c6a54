"""What a night reads of obligors, block by block, and what it warns of: peers are everybody, whoever was read when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from api.home import Home
from api.processes import processes_of
from api.snapshots import repository as snapshots
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from features.blocks import blocks_of, over_blocks
from features.loading import load_machine_days
from features.trust import DataTrust
from scoring.monitoring.circumstances import Circumstances, circumstance_warnings, ring_warnings, trust_warnings
from scoring.monitoring.summary import Summary, joined, summarise
from scoring.monitoring.vocabulary import EarlyWarning, by_code
from scoring.monitoring.warnings import warnings_of
from scoring.monitoring.watched import watched
from scoring.supply_chain.circular import Bill, between, bills_of, rings

DAY_ZONE = ZoneInfo("Asia/Shanghai")
READ_BLOCK = 200
"""Obligors whose days are in memory at once, in each process."""
YEAR = timedelta(days=365)
DELIVERED_BEFORE = timedelta(days=90)
"""So long before its invoice a delivery may have been noted."""
UNITS = ("obligor_id", "machine_uid")
DUES = ("obligor_id", "due_date", "amount_due_minor", "amount_paid_minor", "paid_date")

Told = Callable[[str, int, int], None]


def last_day(as_of: datetime) -> date:
    """The last day that is over as of an instant."""
    return as_of.astimezone(DAY_ZONE).date() - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockNight:
    """What is left of a block once its days are read: summaries of obligors and machines, what is warned of without
    peers, and what its firms billed other firms that are watched."""

    summaries: Mapping[str, Summary]
    warnings: Sequence[EarlyWarning]
    bills: Sequence[Bill]


def found_by_night(
    connection: sa.Connection,
    home: Home,
    firms: Sequence[ObligorId],
    *,
    as_of: datetime,
    values: Mapping[str, Any],
    progress: Told = lambda *_: None,
) -> dict[str, list[EarlyWarning]]:
    """The warnings of each obligor, of itself and of its machines, for the last day that is over.

    `values` are the parameters of monitoring and of supply chains. Blocks are read by a process for each processor.
    """
    processes = processes_of(home)
    blocks = blocks_of(firms, READ_BLOCK, processes)
    nights, done = list[BlockNight](), 0
    begin = partial(_begin, firms=frozenset(firms), as_of=as_of, values=values)
    for night in over_blocks(begin, blocks, reader=reader(connection, home), processes=processes):
        done += len(blocks[len(nights)])
        nights.append(night)
        progress("reading", done, len(firms))
    found: dict[str, list[EarlyWarning]] = defaultdict(list)
    owners = dict[str, str]()
    for by in UNITS if nights else ():
        whole = joined([night.summaries[by] for night in nights])
        owners |= zip(whole.units, whole.owners, strict=True)
        for item in warnings_of(whole, values):
            found[owners[item.unit]].append(item)
    trust = _trust(connection, home, firms, as_of=as_of, values=values)
    circles = rings([bill for night in nights for bill in night.bills], values)
    for item in [
        *(item for night in nights for item in night.warnings),
        *trust_warnings(trust, today=last_day(as_of)),
        *ring_warnings(circles, today=last_day(as_of)),
    ]:
        found[owners.get(item.unit, item.unit.partition("/")[0])].append(item)
    return {firm: sorted(items, key=by_code) for firm, items in found.items()}


def _begin(
    source: ObservationReader, *, firms: frozenset[str], as_of: datetime, values: Mapping[str, Any]
) -> Callable[[Sequence[ObligorId]], BlockNight]:
    """What reads block after block from one reader."""
    machines, industry = source.machines(as_of=as_of), _industries(source, as_of=as_of)

    def read(block: Sequence[ObligorId]) -> BlockNight:
        told = _circumstances(source, block, as_of=as_of, values=values)
        dues = _dues(source, block, as_of=as_of, values=values)
        return BlockNight(
            summaries=_summaries(
                source, block, machines=machines, industry=industry, dues=dues, as_of=as_of, values=values
            ),
            warnings=circumstance_warnings(told, today=last_day(as_of), values=values),
            bills=_bills(source, between(told.invoices, firms), as_of=as_of),
        )

    return read


def _summaries(
    source: ObservationReader,
    block: Sequence[ObligorId],
    *,
    machines: pa.Table,
    industry: Mapping[str, int],
    dues: pd.DataFrame,
    as_of: datetime,
    values: Mapping[str, Any],
) -> dict[str, Summary]:
    terms, day = values["monitoring"]["warnings"], last_day(as_of)
    days = int(terms["reference_days"]) + int(terms["recent_days"])
    told, _ = load_machine_days(
        source, as_of=as_of, obligor_ids=block, first_day=day - timedelta(days=days), machines=machines
    )
    return {
        by: summarise(
            watched(told.table, obligors=block, industry=industry, today=day, days=days, by=by),
            values,
            dues=dues if by == "obligor_id" else None,
        )
        for by in UNITS
    }


def _dues(
    source: ObservationReader, block: Sequence[ObligorId], *, as_of: datetime, values: Mapping[str, Any]
) -> pd.DataFrame:
    """Instalments that fell due within the weeks that weakness looks at."""
    days = int(values["monitoring"]["weakness"]["long_days"])
    told = source.rows(
        RecordKind.REPAYMENT,
        as_of=as_of,
        obligor_ids=block,
        event_from=as_of - timedelta(days=days + 2),
        columns=DUES,
    )
    return told.to_pandas()


def _trust(
    connection: sa.Connection, home: Home, firms: Sequence[ObligorId], *, as_of: datetime, values: Mapping[str, Any]
) -> dict[str, DataTrust]:
    """The trust in each firm's data as its latest snapshot says, where that is not too old."""
    since = as_of - timedelta(days=int(values["monitoring"]["circumstances"]["trust_days"]))
    latest = snapshots.latest_of(connection, home, firms, since=since, until=as_of)
    return {str(firm): snapshot.data_trust for firm, snapshot in latest.items()}


def _industries(source: ObservationReader, *, as_of: datetime) -> dict[str, int]:
    """A number for each obligor's industry; the same number is the same industry, and nothing else is meant by it."""
    profiles = source.obligor_profiles(as_of=as_of)
    codes = profiles["industry_division"].to_pylist()
    number = {code: place for place, code in enumerate(sorted({code for code in codes if code is not None}))}
    return {firm: number[code] for firm, code in zip(profiles["obligor_id"].to_pylist(), codes, strict=True) if code}


def _circumstances(
    source: ObservationReader, block: Sequence[ObligorId], *, as_of: datetime, values: Mapping[str, Any]
) -> Circumstances:
    day = last_day(as_of)
    terms = values["monitoring"]["circumstances"]

    def rows(kind: RecordKind, since: datetime | None, *columns: str) -> pd.DataFrame:
        told = source.rows(kind, as_of=as_of, obligor_ids=block, event_from=since, columns=columns)
        return told.to_pandas()

    places = rows(
        RecordKind.LOCATION,
        datetime.combine(day - timedelta(days=int(terms["place_days"])), time(), tzinfo=UTC),
        *("machine_uid", "event_time", "latitude_deg", "longitude_deg"),
    )
    notices = rows(
        RecordKind.POWER_NOTICE, as_of - YEAR, "obligor_id", "event_time", "until_time", "measure", "lost_ratio"
    )
    return Circumstances(
        locations=places.assign(day=_days(places["event_time"])),
        invoices=rows(
            RecordKind.INVOICE,
            as_of - YEAR,
            *("obligor_id", "invoice_id", "buyer_id", "delivery_id", "event_time", "status", "corrected_invoice_id"),
            *("amount_minor", "currency", "due_date"),
        ),
        receipts=rows(RecordKind.RECEIPT, as_of - YEAR, "obligor_id", "invoice_id", "amount_minor"),
        ratings=rows(
            RecordKind.COUNTERPARTY_RATING,
            None,
            *("obligor_id", "counterparty_id", "event_time", "recorded_time", "pd_12m"),
        ),
        power_notices=notices.assign(from_day=_days(notices["event_time"]), until_day=_days(notices["until_time"])),
    )


def _bills(source: ObservationReader, invoices: pd.DataFrame, *, as_of: datetime) -> list[Bill]:
    """Of those who billed somebody who is watched, what they billed and whether its delivery was noted."""
    sellers = [ObligorId(code) for code in sorted(set(invoices["obligor_id"]))]
    if not sellers:
        return []
    noted = source.rows(
        RecordKind.DELIVERY,
        as_of=as_of,
        obligor_ids=sellers,
        event_from=as_of - YEAR - DELIVERED_BEFORE,
        columns=("obligor_id", "delivery_id"),
    )
    return bills_of(invoices, noted.to_pandas())


def _days(moments: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    return moments.dt.tz_convert(DAY_ZONE).dt.tz_localize(None).dt.normalize()
