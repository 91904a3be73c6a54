"""What became of those who were scored and decided on, from ledgers and from what partners reported."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa

from api.database.tables import credit_decision, score_record
from api.decision_events import repository as events
from api.decision_events.repository import DecisionEvent, EventKind
from api.decision_events.service import plain_event
from api.home import Home
from api.overrides import repository as overrides
from api.overrides.repository import KeptOverride
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import PartnerId
from scoring.monitoring.outcomes import Kept, Promise, by_month, come_due, is_due, line, month
from scoring.records import Outcome, ScoreSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision with the outcome of the override confirmed last (its own without one), whether or not that has ended,
    and everything that was reported of it."""

    row: sa.Row[Any]
    pd_12m: float
    events: Sequence[DecisionEvent]
    stands: Outcome

    @property
    def promise(self) -> Promise:
        """The PD that the decision rests on."""
        return Promise(subject=self.row.obligor_id, as_of=self.row.as_of, pd_12m=self.pd_12m)


def first_defaults(
    connection: sa.Connection, home: Home, *, as_of: datetime, of_whom: Sequence[Decided] | None = None
) -> dict[str, datetime]:
    """The first default of each obligor as known at `as_of`: by its ledger, or as was reported of any decision, or of
    these."""
    rows = reader(connection, home).rows(RecordKind.DEFAULT_EVENT, as_of=as_of, columns=("obligor_id", "event_time"))
    told = list(zip(rows.column("obligor_id").to_pylist(), rows.column("event_time").to_pylist(), strict=True))
    decisions = decided(connection, as_of=as_of) if of_whom is None else of_whom
    told += [
        (item.row.obligor_id, datetime.combine(event.happened_on, time(), UTC))
        for item in decisions
        for event in item.events
        if event.kind is EventKind.DEFAULTED
    ]
    first: dict[str, datetime] = {}
    for obligor, moment in told:
        first[obligor] = min(moment, first.get(obligor, moment))
    return first


def promises_of_scores(connection: sa.Connection, *, as_of: datetime) -> list[Promise]:
    """The PDs that a model gave by then, the last of each obligor and month that they speak of."""
    table = score_record.c
    by_model = (table.source == ScoreSource.MODEL.value) & (table.scored_time <= as_of) & (table.as_of <= as_of)
    columns = (table.obligor_id, table.as_of, table.pd_12m)
    order = (table.as_of, table.scored_time, table.score_id)
    last: dict[tuple[str, str], Promise] = {}
    for row in connection.execute(sa.select(*columns).where(by_model).order_by(*order)):
        last[row.obligor_id, month(row.as_of)] = Promise(subject=row.obligor_id, as_of=row.as_of, pd_12m=row.pd_12m)
    return list(last.values())


def decided(
    connection: sa.Connection, *, as_of: datetime, partner: PartnerId | None = None, livemode: bool | None = None
) -> list[Decided]:
    """Every decision by then, of one partner or of all, of one mode or of both, in order of time."""
    table = credit_decision.c
    known = (table.decided_time <= as_of) & (sa.true() if partner is None else table.partner_id == partner)
    reported: dict[str, list[DecisionEvent]] = defaultdict(list)
    for event in events.known(connection, at=as_of):
        reported[event.decision_id].append(event)
    set_aside: dict[str, list[KeptOverride]] = defaultdict(list)
    for kept in overrides.every(connection):
        set_aside[kept.decision_id].append(kept)
    rows = connection.execute(sa.select(credit_decision).where(known).order_by(table.decided_time, table.decision_id))
    found = [(row, json.loads(row.body)) for row in rows]
    return [
        _decided(row, body["pd_12m"], reported[row.decision_id], set_aside[row.decision_id], as_of=as_of)
        for row, body in found
        if livemode is None or body["livemode"] is livemode
    ]


def register(decisions: Sequence[Decided], defaults: Mapping[str, datetime], *, as_of: datetime) -> dict[str, Any]:
    """The outcome register: calibration and counts by vintage (the month decided in), and a line a decision.

    A decision's twelve months begin at what it speaks of. Only decisions that rest on a model are promises.
    """
    vintages: dict[str, list[Decided]] = defaultdict(list)
    for item in decisions:
        vintages[month(item.row.decided_time)].append(item)
    return {
        "as_of": as_of.isoformat(),
        "vintages": [
            {"vintage": name, **_counts(members), **line(_due(members, defaults, as_of=as_of))}
            for name, members in sorted(vintages.items())
        ],
        "decisions": [_entry(item, defaults, as_of=as_of) for item in decisions],
    }


def overridden(decisions: Sequence[Decided], defaults: Mapping[str, datetime], *, as_of: datetime) -> dict[str, Any]:
    """How often a recommendation was set aside, which way, and how those did of whom the time is over."""
    groups: dict[str, list[Decided]] = {"kept": [], "eased": [], "tightened": []}
    for item in decisions:
        groups[_way(item)].append(item)
    return {
        way: {"decisions": len(members), **line(_due(members, defaults, as_of=as_of))}
        for way, members in groups.items()
    }


def cohorts(promises: Sequence[Promise], defaults: Mapping[str, datetime], *, as_of: datetime) -> list[dict[str, Any]]:
    """Calibration of scores by the month that they speak of."""
    return by_month(promises, come_due(promises, defaults, known_until=as_of))


def _decided(
    row: sa.Row[Any],
    pd_12m: float,
    reported: Sequence[DecisionEvent],
    set_aside: Sequence[KeptOverride],
    *,
    as_of: datetime,
) -> Decided:
    confirmed = [
        (item.confirmation.confirmed_time, item.override.outcome)
        for item in set_aside
        if item.confirmation is not None and item.confirmation.confirmed_time <= as_of
    ]
    return Decided(
        row=row,
        pd_12m=pd_12m,
        events=reported,
        stands=max(confirmed, key=lambda item: item[0])[1] if confirmed else Outcome(row.outcome),
    )


def _due(decisions: Iterable[Decided], defaults: Mapping[str, datetime], *, as_of: datetime) -> list[Kept]:
    promises = [item.promise for item in decisions if item.row.model_version is not None]
    return come_due(promises, defaults, known_until=as_of)


def _way(item: Decided) -> str:
    before = Outcome(item.row.outcome).severity
    if item.stands.severity == before:
        return "kept"
    return "eased" if item.stands.severity < before else "tightened"


def _counts(decisions: Sequence[Decided]) -> dict[str, int]:
    said = Counter(item.row.outcome for item in decisions)
    became = Counter(kind for item in decisions for kind in {event.kind for event in item.events})
    return {
        "decisions": len(decisions),
        **{outcome.value: said[outcome.value] for outcome in Outcome},
        "overridden": sum(_way(item) != "kept" for item in decisions),
        **{f"reported_{kind.value}": became[kind] for kind in EventKind},
    }


def _entry(item: Decided, defaults: Mapping[str, datetime], *, as_of: datetime) -> dict[str, Any]:
    row, first = item.row, defaults.get(item.row.obligor_id)
    (kept,) = _due([item], defaults, as_of=as_of) or (None,)
    return {
        "decision_id": row.decision_id,
        "partner": row.partner_id,
        "obligor_id": row.obligor_id,
        "product": row.request["product"],
        "amount_minor": row.request["amount_minor"],
        "currency": row.request["currency"],
        "decided_time": row.decided_time.isoformat(),
        "as_of": row.as_of.isoformat(),
        "outcome": row.outcome,
        "stands": item.stands.value,
        "rating_grade": row.rating_grade,
        "pd_12m": item.pd_12m,
        "model_version": row.model_version,
        "is_due": is_due(row.as_of, known_until=as_of),
        "defaulted_within_12m": None if kept is None else kept.defaulted,
        "first_default": None if first is None else first.isoformat(),
        "events": [plain_event(event) for event in item.events],
    }
