"""Logging what was kept before the home had a log, or before its kind was logged, and saying that it came late.

The log cannot prove more of such a record than what it said on the day of the run. So each run is logged itself, as
`late_logging`, behind the entries that it made; receipts of those open it, and an audit against a checkpoint from
before the run still reports them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.evidence.claims import Claim, Kind
from api.evidence.service import record
from api.home import Home
from api.operations.audit.records import all_claims
from data_contracts.evidence import log
from data_contracts.evidence.tables import late_logging, log_entry
from data_contracts.observations import register
from data_contracts.observations.tables import to_microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedLate:
    """How many records of which kind were logged, and the names of those that cannot be read any more."""

    entries: int
    kinds: dict[str, int]
    unreadable: list[str]


def log_late(home: Home, *, now: datetime) -> LoggedLate:
    """Log every record that has no entry, kind by kind, in one transaction; a second run finds nothing to do."""
    with unit_of_work(home.engine) as connection:
        register.take_turn(connection)
        log.take_turn(connection)
        logged = {
            (row.kind, row.subject) for row in connection.execute(sa.select(log_entry.c.kind, log_entry.c.subject))
        }
        said = {name: claim for name, claim in all_claims(connection, home).items() if name not in logged}
        order = {kind.value: place for place, kind in enumerate(Kind)}
        missing = sorted(
            (claim for claim in said.values() if isinstance(claim, Claim)),
            key=lambda claim: (order[claim.kind], claim.subject),
        )
        if missing:
            _append(connection, missing, now)
    kinds = {kind.value: sum(claim.kind is kind for claim in missing) for kind in Kind}
    return LoggedLate(
        entries=len(missing),
        kinds={kind: count for kind, count in kinds.items() if count},
        unreadable=sorted(f"{kind} {subject}" for (kind, subject), claim in said.items() if isinstance(claim, str)),
    )


def _append(connection: sa.Connection, missing: list[Claim], now: datetime) -> None:
    first = log.tree_size(connection)
    log.append(connection, [log.new_entry(claim.kind.value, claim.subject, claim.canonical) for claim in missing])
    run = str(first)
    row = {"run": run, "first": first, "until": log.tree_size(connection), "logged_us": to_microseconds(now)}
    connection.execute(sa.insert(late_logging), row)
    record(connection, Kind.LATE_LOGGING, [run])
