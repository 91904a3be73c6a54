"""How the promises of a decision are kept: each measure over the stored snapshots since, and where it stands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.database.tables import credit_decision
from api.home import Home
from api.monitoring import monitoring_parameters
from api.partners import repository as partners
from api.snapshots import repository as snapshots
from data_contracts.identifiers import DecisionId, ObligorId, PartnerId
from features.snapshot import FeatureSnapshot
from scoring.monitoring.covenants import (
    WARNS,
    Bound,
    Covenant,
    CovenantState,
    Reading,
    Standing,
    covenant_warning,
    standing,
)
from scoring.monitoring.vocabulary import EarlyWarning
from scoring.records import Outcome

TO_LOOK_AT = ("breached", "in_grace", "near_breach")
"""States that somebody should look at, the worst first."""

EVIDENCE = (
    *("name", "feature", "comparison", "threshold", "unit", "at_decision", "state", "value"),
    *("since", "turns_on", "crosses_in_days"),
)
"""What a warning tells of a covenant, where it is known."""


def standings(connection: sa.Connection, home: Home, row: sa.Row[Any], *, as_of: datetime) -> dict[str, Any]:
    """Where each covenant of a stored decision stands as of an instant, by its obligor's snapshots from the decision's
    own on, one a week. What no snapshot tells is unknown, which is neither kept nor breached."""
    body, book = json.loads(row.body), monitoring_parameters()
    terms = book.at(as_of)["monitoring"]["covenants"]
    known = snapshots.weekly(connection, home, ObligorId(row.obligor_id), since=row.as_of, until=as_of)
    day = known[-1].as_of.date() if known else as_of.date()
    words = [
        dict(zip(body["narrative"], said, strict=True))
        for said in zip(*(told["covenants"] for told in body["narrative"].values()), strict=True)
    ]
    lines = [_line(promised, known, day, terms, said) for promised, said in zip(body["covenants"], words, strict=True)]
    found = {line["state"] for line in lines}
    return {
        "decision_id": row.decision_id,
        "obligor_id": row.obligor_id,
        "outcome": body["outcome"],
        "as_of": as_of.isoformat(),
        "snapshots": len(known),
        "latest_snapshot": known[-1].as_of.isoformat() if known else None,
        "worst": next((state for state in TO_LOOK_AT if state in found), None),
        "covenants": lines,
        "parameters_version": book.version,
    }


def book_warnings(
    connection: sa.Connection, home: Home, partner: PartnerId, *, as_of: datetime, now: datetime
) -> dict[str, Any]:
    """Early warnings of a partner's book: the covenants that are near a breach, in grace or breached as of an instant,
    of its latest decision about each consenting obligor and product by then that was not declined; the worst first.

    The nightly watch takes them into the obligor's case, where no other lender sees them. Raises NotFound for a partner
    that is not known.
    """
    partners.require(connection, partner)
    kept = _promised(connection, partner, as_of=as_of, now=now)
    found = [
        {"decision_id": row.decision_id, "obligor_id": row.obligor_id, "product": row.request["product"], **line}
        for row in _rows(connection, kept)
        for line in standings(connection, home, row, as_of=as_of)["covenants"]
        if CovenantState(line["state"]) in WARNS
    ]
    warned = [{**line, "severity": WARNS[CovenantState(line["state"])].name.lower()} for line in found]
    worst_first = sorted(warned, key=lambda line: (-WARNS[CovenantState(line["state"])], line["obligor_id"]))
    return {"as_of": as_of.isoformat(), "partner_id": partner, "decisions": len(kept), "warnings": worst_first}


def covenants_by_night(
    connection: sa.Connection,
    home: Home,
    firms: Sequence[ObligorId],
    *,
    as_of: datetime,
    day: date,
    now: datetime,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, list[EarlyWarning]]:
    """What the nightly watch warns of in the covenants of these obligors, of every lender that they consent to."""
    watched, found = set(firms), defaultdict[str, list[EarlyWarning]](list)
    lenders = connection.scalars(sa.select(credit_decision.c.partner_id).distinct())
    kept = [name for partner in sorted(lenders) for name in _promised(connection, partner, as_of=as_of, now=now)]
    for done, row in enumerate(_rows(connection, kept), start=1):
        if row.obligor_id in watched:
            found[row.obligor_id] += _warnings(connection, home, row, as_of=as_of, day=day)
        progress("covenants", done, len(kept))
    return found


def _promised(connection: sa.Connection, partner: PartnerId, *, as_of: datetime, now: datetime) -> list[DecisionId]:
    """A partner's latest decision about each consenting obligor and product by an instant, if it was not declined."""
    shown = set(consents.shown_for_credit(connection, partner, now=now))
    table = credit_decision.c
    product = table.request["product"].as_string().label("product")
    asked = sa.select(table.decision_id, table.obligor_id, table.outcome, product).where(
        table.partner_id == partner, table.decided_time <= now, table.as_of <= as_of
    )
    latest = {
        (row.obligor_id, row.product): row
        for row in connection.execute(asked.order_by(table.as_of, table.decided_time, table.decision_id))
        if row.obligor_id in shown
    }
    return [DecisionId(row.decision_id) for row in latest.values() if row.outcome != Outcome.DECLINE.value]


def _rows(connection: sa.Connection, decisions: Sequence[DecisionId]) -> Iterator[sa.Row[Any]]:
    """These decisions one after another: a book of bodies is long."""
    for decision_id in decisions:
        yield connection.execute(sa.select(credit_decision).where(credit_decision.c.decision_id == decision_id)).one()


def _warnings(
    connection: sa.Connection, home: Home, row: sa.Row[Any], *, as_of: datetime, day: date
) -> Iterator[EarlyWarning]:
    for line in standings(connection, home, row, as_of=as_of)["covenants"]:
        state = CovenantState(line["state"])
        if state not in WARNS:
            continue
        told = {name: line[name] for name in EVIDENCE if line[name] is not None}
        yield covenant_warning(
            state,
            unit=f"{row.decision_id}/{line['name']}",
            today=day,
            told_to=row.partner_id,
            evidence={"decision_id": row.decision_id, "product": row.request["product"], **told},
        )


def _line(
    promised: Mapping[str, Any],
    known: Sequence[FeatureSnapshot],
    day: date,
    terms: Mapping[str, Any],
    narrative: Mapping[str, str],
) -> dict[str, Any]:
    covenant = Covenant(
        covenant_id=promised["name"],
        measure=promised["feature"],
        side=Bound(promised["comparison"]),
        bound=promised["threshold"],
        **terms,
    )
    found = standing(covenant, [_reading(covenant, snapshot) for snapshot in known], day=day)
    return {
        **{name: promised[name] for name in ("name", "feature", "comparison", "threshold", "unit")},
        "at_decision": promised["observed"],
        **_plain(found),
        "narrative": narrative,
    }


def _reading(covenant: Covenant, snapshot: FeatureSnapshot) -> Reading:
    value = snapshot.values.get(covenant.measure)
    return Reading(day=snapshot.as_of.date(), value=None if value is None else value.value)


def _plain(found: Standing) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "value": found.value,
        "since": None if found.since is None else found.since.isoformat(),
        "turns_on": None if found.turns_on is None else found.turns_on.isoformat(),
        "crosses_in_days": found.crosses_in_days,
    }
