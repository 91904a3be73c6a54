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
from api.snapshots.repository import Observed
from data_contracts.identifiers import ObligorId, PartnerId
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

BLOCK = 200
"""Decisions whose bodies, and snapshots since, are in memory at once."""

EVIDENCE = (
    *("name", "feature", "comparison", "threshold", "unit", "at_decision", "state", "value"),
    *("since", "turns_on", "crosses_in_days"),
)
"""What a warning tells of a covenant, where it is known."""


def standings(connection: sa.Connection, home: Home, row: sa.Row[Any], *, as_of: datetime) -> dict[str, Any]:
    """Where each covenant of a stored decision stands as of an instant, by its obligor's snapshots from the decision's
    own on, one a week. What no snapshot tells is unknown, which is neither kept nor breached."""
    (answer,) = _standings(connection, home, [row], as_of=as_of)
    return answer


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
        for row, answer in _standing_of(connection, home, kept, as_of=as_of)
        for line in answer["covenants"]
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
    promised = [row for partner in sorted(lenders) for row in _promised(connection, partner, as_of=as_of, now=now)]
    kept = sorted((row for row in promised if row.obligor_id in watched), key=lambda row: row.obligor_id)
    for done, (row, answer) in enumerate(_standing_of(connection, home, kept, as_of=as_of), start=1):
        found[row.obligor_id] += _warnings(row, answer, day=day)
        if done % BLOCK == 0 or done == len(kept):  # a job writes down each word of it
            progress("covenants", done, len(kept))
    return found


def _promised(connection: sa.Connection, partner: PartnerId, *, as_of: datetime, now: datetime) -> list[sa.Row[Any]]:
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
    return [row for row in latest.values() if row.outcome != Outcome.DECLINE.value]


def _standing_of(
    connection: sa.Connection, home: Home, decisions: Sequence[sa.Row[Any]], *, as_of: datetime
) -> Iterator[tuple[sa.Row[Any], dict[str, Any]]]:
    """Each of these decisions, in their order, with where its covenants stand; block by block, for a book of bodies is
    long."""
    for start in range(0, len(decisions), BLOCK):
        names = [row.decision_id for row in decisions[start : start + BLOCK]]
        told = connection.execute(sa.select(credit_decision).where(credit_decision.c.decision_id.in_(names)))
        found = {row.decision_id: row for row in told}
        rows = [found[name] for name in names]
        yield from zip(rows, _standings(connection, home, rows, as_of=as_of), strict=True)


def _standings(
    connection: sa.Connection, home: Home, rows: Sequence[sa.Row[Any]], *, as_of: datetime
) -> Iterator[dict[str, Any]]:
    """Where the covenants of each of these decisions stand. Of a snapshot only what covenants ask is read, and once
    however many lenders were promised something."""
    book, since = monitoring_parameters(), dict[ObligorId, datetime]()
    terms = book.at(as_of)["monitoring"]["covenants"]
    bodies = [json.loads(row.body) for row in rows]
    for row in rows:
        since[row.obligor_id] = min(row.as_of, since.get(row.obligor_id, row.as_of))
    asked = {promised["feature"] for body in bodies for promised in body["covenants"]}
    weeks = snapshots.weekly(connection, home, since, until=as_of, features=sorted(asked))
    for row, body in zip(rows, bodies, strict=True):
        known = [week for week in weeks.get(row.obligor_id, ()) if week.as_of >= row.as_of]
        yield {
            "decision_id": row.decision_id,
            "obligor_id": row.obligor_id,
            "outcome": body["outcome"],
            **_as_known(body, known, terms, as_of=as_of),
            "parameters_version": book.version,
        }


def _as_known(
    body: Mapping[str, Any], known: Sequence[Observed], terms: Mapping[str, Any], *, as_of: datetime
) -> dict[str, Any]:
    """Where the covenants of a decision stand by what is known of each week since."""
    day = known[-1].as_of.date() if known else as_of.date()
    words = [
        dict(zip(body["narrative"], said, strict=True))
        for said in zip(*(told["covenants"] for told in body["narrative"].values()), strict=True)
    ]
    lines = [_line(promised, known, day, terms, said) for promised, said in zip(body["covenants"], words, strict=True)]
    found = {line["state"] for line in lines}
    return {
        "as_of": as_of.isoformat(),
        "snapshots": len(known),
        "latest_snapshot": known[-1].as_of.isoformat() if known else None,
        "worst": next((state for state in TO_LOOK_AT if state in found), None),
        "covenants": lines,
    }


def _warnings(row: sa.Row[Any], answer: Mapping[str, Any], *, day: date) -> Iterator[EarlyWarning]:
    for line in answer["covenants"]:
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
    known: Sequence[Observed],
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
    readings = [Reading(day=week.as_of.date(), value=week.values[covenant.measure]) for week in known]
    found = standing(covenant, readings, day=day)
    return {
        **{name: promised[name] for name in ("name", "feature", "comparison", "threshold", "unit")},
        "at_decision": promised["observed"],
        **_plain(found),
        "narrative": narrative,
    }


def _plain(found: Standing) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "value": found.value,
        "since": None if found.since is None else found.since.isoformat(),
        "turns_on": None if found.turns_on is None else found.turns_on.isoformat(),
        "crosses_in_days": found.crosses_in_days,
    }
