"""The nightly look at every obligor: read what is new, warn, and keep one case each; and what people do with cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.covenants.service import covenants_by_night
from api.database.engine import reading, unit_of_work
from api.home import Home
from api.monitoring import monitoring_parameters
from api.pledges.service import supply_chain_parameters
from api.snapshots.service import keep_parameters
from api.watch import repository as cases
from api.watch.nightly import Told, found_by_night, last_day
from data_contracts.identifiers import ObligorId, PartnerId
from risk_reports.wording.catalogue import Language, wording
from scoring.monitoring.cases import Act, Case, CaseOutcome, Opening, act, as_seen_by, opening, take_in
from scoring.monitoring.vocabulary import EarlyWarning, by_code

BY_SYSTEM = "millgrade"
BLOCK = 500
"""Obligors of one transaction: of a run that is killed so many are done again."""


def watch(home: Home, *, as_of: datetime, now: datetime, progress: Told = lambda *_: None) -> dict[str, Any]:
    """Warn of every consenting obligor as known at `as_of`, for the last day that is over by then: of what it and its
    machines do, and of what it promised to lenders.

    Each obligor's day is done once, in one transaction with what was found of it: a run that was killed goes on where
    it was, and of two runs at once each does a part. Peers are all consenting obligors, whoever is done already.
    """
    book = keep_parameters(home, monitoring_parameters())
    values = {**supply_chain_parameters().at(as_of), **book.at(as_of)}
    day = last_day(as_of)
    with reading(home.engine) as connection:
        firms = _watched_obligors(connection, now=now)
        found = found_by_night(connection, home, firms, as_of=as_of, values=values, progress=progress)
        promised = covenants_by_night(connection, home, firms, as_of=as_of, day=day, now=now, progress=progress)
    found = {firm: sorted([*found.get(firm, ()), *promised.get(firm, ())], key=by_code) for firm in firms}
    news, done = keep(
        home,
        found,
        firms,
        day=day,
        opens=opening(values),
        parameters_version=book.version,
        now=now,
        progress=progress,
    )
    with unit_of_work(home.engine) as connection:
        listed = [plain_case(row) for row in cases.listed(connection, with_closed=False)]
    with_case = {case["obligor_id"] for case in listed}
    return {
        "as_of": as_of.isoformat(),
        "day": day.isoformat(),
        "obligors": len(firms),
        "obligors_watched_now": done,
        "warnings": sum(len(found.get(firm, ())) for firm in firms),
        "news": news,
        "cases": listed,
        "watch_list": [
            {"obligor_id": firm, "warnings": [_plain_warning(item) for item in found[firm]]}
            for firm in firms
            if found.get(firm) and firm not in with_case
        ],
        "parameters_version": book.version,
    }


def keep(
    home: Home,
    found: Mapping[str, Sequence[EarlyWarning]],
    firms: Sequence[str],
    *,
    day: date,
    opens: Opening,
    parameters_version: str,
    now: datetime,
    progress: Told = lambda *_: None,
) -> tuple[list[dict[str, Any]], int]:
    """Take a day's warnings into the cases of these obligors, in blocks of one transaction each; what is news, and how
    many obligors' day was done by this run rather than before or by another."""
    news, done = list[dict[str, Any]](), 0
    for start in range(0, len(firms), BLOCK):
        with unit_of_work(home.engine) as connection:
            block = firms[start : start + BLOCK]
            mine = cases.claim(connection, block, day=day, parameters_version=parameters_version, now=now)
            standing = cases.open_cases(connection, mine)
            told = [
                item
                for firm in mine
                for item in _take_in(
                    connection, firm, found.get(firm, ()), standing.get(firm), day=day, opens=opens, now=now
                )
            ]
            cases.log(connection, [item["case_id"] for item in told])
            cases.finish(connection, {firm: len(found.get(firm, ())) for firm in mine}, day=day)
        news, done = news + told, done + len(mine)
        progress("watching", min(start + BLOCK, len(firms)), len(firms))
    return news, done


def handle(
    connection: sa.Connection,
    case_id: str,
    what: Act,
    *,
    by: str,
    reason: str,
    until: date | None,
    outcome: CaseOutcome | None,
    now: datetime,
) -> dict[str, Any]:
    """Do something with a case; keep and log who did it and why. Raises NotFound and InvalidRequest."""
    before = cases.case_of(cases.load(connection, case_id))
    after = act(before, what, reason=reason, until=until, outcome=outcome)
    cases.save(connection, case_id, after, is_new=False, now=now)
    cases.append(connection, case_id, what=what.value, by=by, reason=reason, evidence=(), now=now)
    cases.log(connection, [case_id])
    return described(connection, case_id)


def described(connection: sa.Connection, case_id: str) -> dict[str, Any]:
    """A case with all that happened in it. Raises NotFound."""
    happened = [
        {
            "time": row.time.isoformat(),
            "what": row.what,
            "by": row.by,
            "reason": row.reason,
            "evidence": row.evidence,
        }
        for row in cases.events(connection, case_id)
    ]
    return {**plain_case(cases.load(connection, case_id)), "events": happened}


def plain_case(row: sa.Row[Any]) -> dict[str, Any]:
    """A case as it is answered to whoever may see all of it."""
    return plain(row.case_id, cases.case_of(row))


def shown_case(row: sa.Row[Any], partner: PartnerId, *, now: datetime) -> Case | None:
    """The case as a lender may see it; None where it was opened by what another lender alone is told of."""
    return as_seen_by(cases.case_of(row), partner, opens=opening(monitoring_parameters().at(now)))


def plain(case_id: str, case: Case) -> dict[str, Any]:
    """A case, or as much of it as one may see."""
    return {
        "case_id": case_id,
        "obligor_id": case.obligor_id,
        "state": case.state.value,
        "severity": case.severity.name.lower(),
        "opened_on": case.opened_on.isoformat(),
        "snoozed_until": None if case.snoozed_until is None else case.snoozed_until.isoformat(),
        "outcome": None if case.outcome is None else case.outcome.value,
        "warnings": [
            {
                "unit": unit,
                "code": code.value,
                "severity": severity.name.lower(),
                "first_day": first.isoformat(),
                "last_day": last.isoformat(),
                "zh": wording(Language.ZH).say(f"warning.{code.value}"),
                "en": wording(Language.EN).say(f"warning.{code.value}"),
            }
            for (unit, code), (severity, first, last) in sorted(case.seen.items())
        ],
    }


def _watched_obligors(connection: sa.Connection, *, now: datetime) -> list[ObligorId]:
    query = consents.consenting(recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now)
    return sorted({ObligorId(code) for code in connection.scalars(query)})


def _take_in(
    connection: sa.Connection,
    firm: str,
    found: Sequence[EarlyWarning],
    standing: tuple[str, Any] | None,
    *,
    day: date,
    opens: Opening,
    now: datetime,
) -> list[dict[str, Any]]:
    handled = take_in(None if standing is None else standing[1], firm, found, day=day, opens=opens)
    if handled is None:
        return []
    # Made of nothing that may be guessed: an id must not tell one lender when another's covenant opened the case.
    case_id = "case_" + uuid4().hex[:24] if standing is None else standing[0]
    cases.save(connection, case_id, handled.case, is_new=standing is None, now=now)
    if not handled.is_news:
        return []
    evidence = [_plain_warning(item) for item in found]
    reason = f"{len(found)} warning(s), the worst {handled.case.severity.name.lower()}"
    cases.append(connection, case_id, what="news", by=BY_SYSTEM, reason=reason, evidence=evidence, now=now)
    return [{"case_id": case_id, "obligor_id": firm, "warnings": evidence}]


def _plain_warning(item: EarlyWarning) -> dict[str, Any]:
    told = {name: value for name, value in asdict(item).items() if name != "told_to" or value is not None}
    return {**told, "day": item.day.isoformat(), "code": item.code.value, "severity": item.severity.name.lower()}
