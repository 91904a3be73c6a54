"""Setting a recommendation aside: one person proposes, another confirms, and it ends by itself."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from api.credit_decisions import repository as decisions
from api.database.engine import unit_of_work
from api.home import Home
from api.identity import answer_id
from api.models import service as models
from api.overrides import repository as overrides
from api.overrides.repository import KeptOverride
from data_contracts.identifiers import DecisionId
from scoring.decision.override import Confirmation, Override, check_confirmation, check_proposal, is_in_force
from scoring.errors import InvalidRequest
from scoring.records import Outcome


def propose(
    home: Home,
    decision_id: DecisionId,
    *,
    outcome: Outcome,
    reason_code: str,
    reason_text: str,
    by: str,
    days: int,
    now: datetime,
) -> dict[str, Any]:
    """Propose another outcome for a decision. It stands once another person has confirmed it.

    Raises NotFound, and InvalidRequest as `check_proposal`.
    """
    with unit_of_work(home.engine) as connection:
        return propose_for(
            connection,
            decisions.load(connection, decision_id),
            outcome=outcome,
            reason_code=reason_code,
            reason_text=reason_text,
            by=by,
            days=days,
            now=now,
        )


def propose_for(
    connection: sa.Connection,
    row: sa.Row[Any],
    *,
    outcome: Outcome,
    reason_code: str,
    reason_text: str,
    by: str,
    days: int,
    now: datetime,
) -> dict[str, Any]:
    """The same for the decision of a stored row, in the caller's transaction. Raises InvalidRequest."""
    override = Override(
        outcome=outcome,
        reason_code=reason_code,
        reason_text=reason_text,
        proposed_by=by,
        proposed_time=now,
        expires_time=now + timedelta(days=days),
    )
    findings = json.loads(row.body)["findings"]
    check_proposal(override, decided=Outcome(row.outcome), findings=findings, rules=_rules(now))
    named = {"decision_id": row.decision_id, "outcome": outcome.value, "by": by, "time": now.isoformat()}
    override_id = answer_id("o", named)
    overrides.propose(connection, override_id, DecisionId(row.decision_id), override)
    return told(overrides.load(connection, override_id), now=now)


def confirm(home: Home, override_id: str, *, by: str, now: datetime) -> dict[str, Any]:
    """Confirm what another person proposed. Raises NotFound, and InvalidRequest as `check_confirmation`."""
    with unit_of_work(home.engine) as connection:
        return confirm_kept(connection, overrides.load(connection, override_id), by=by, now=now)


def confirm_kept(connection: sa.Connection, kept: KeptOverride, *, by: str, now: datetime) -> dict[str, Any]:
    """The same for a stored proposal, in the caller's transaction. Raises InvalidRequest."""
    confirmation = Confirmation(confirmed_by=by, confirmed_time=now)
    if kept.confirmation is not None:
        raise InvalidRequest(f"Override {kept.override_id} was confirmed by {kept.confirmation.confirmed_by} already.")
    check_confirmation(kept.override, confirmation)
    overrides.confirm(connection, kept.override_id, confirmation)
    return told(overrides.load(connection, kept.override_id), now=now)


def listed(home: Home, *, now: datetime) -> dict[str, Any]:
    """Every override, and the share of the decisions that one stands for or stood for, beside the most that is
    allowed."""
    with unit_of_work(home.engine) as connection:
        kept = overrides.every(connection)
        count = decisions.count(connection)
    confirmed = {item.decision_id for item in kept if item.confirmation is not None}
    share = len(confirmed) / count if count else None
    most = _rules(now)["most_share"]
    return {
        "overrides": [told(item, now=now) for item in kept],
        "decisions": count,
        "override_share": share,
        "most_share": most,
        "is_alarm": share is not None and share > most,
    }


def outcome_now(connection: sa.Connection, decision_id: DecisionId, decided: Outcome, *, now: datetime) -> Outcome:
    """What stands for a decision: its own outcome, or that of the override confirmed last that is in force."""
    standing = [
        (item.confirmation.confirmed_time, item.override.outcome)
        for item in overrides.of_decision(connection, decision_id)
        if item.confirmation is not None and is_in_force(item.override, item.confirmation, now=now)
    ]
    return max(standing, key=lambda item: item[0])[1] if standing else decided


def _rules(now: datetime) -> dict[str, Any]:
    rules: dict[str, Any] = models.scoring_parameters().at(now)["override_rules"]
    return rules


def told(kept: KeptOverride, *, now: datetime) -> dict[str, Any]:
    """As it is answered."""
    override, confirmation = kept.override, kept.confirmation
    return {
        "override_id": kept.override_id,
        "decision_id": kept.decision_id,
        "outcome": override.outcome.value,
        "reason_code": override.reason_code,
        "reason_text": override.reason_text,
        "proposed_by": override.proposed_by,
        "proposed_time": override.proposed_time.isoformat(),
        "expires_time": override.expires_time.isoformat(),
        "confirmed_by": None if confirmation is None else confirmation.confirmed_by,
        "confirmed_time": None if confirmation is None else confirmation.confirmed_time.isoformat(),
        "in_force": is_in_force(override, confirmation, now=now),
    }
