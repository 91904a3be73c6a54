"""What a challenger would have answered, beside what was: recomputed from the stored snapshot of each decision.

It runs on its own, never within a request: an answer costs no more, comes no later and fails no oftener for it, and
what is compared is exact, since a decision follows from what it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.credit_decisions.service import concluded, stored_grounds
from api.database.engine import reading, unit_of_work
from api.database.statements import insert_once
from api.database.tables import credit_decision, model_appointment, shadow_decision
from api.governance.repository import ModelRole
from api.home import Home
from api.models.service import credit_model
from data_contracts.errors import MillgradeError
from data_contracts.identifiers import ModelVersion
from scoring import registry
from scoring.credit.artefact import CreditArtefact
from scoring.governance import ModelMandate

BLOCK = 100
"""Decisions that are kept in one transaction: of a run that is killed so many are done again."""


def run(home: Home, *, now: datetime, most: int | None = None) -> dict[str, Any]:
    """Let the challenger answer every decision since its appointment that it has not answered yet, at most so many.

    A decision that it cannot answer is kept with the reason. Without a challenger nothing is done.
    """
    version = registry.challenger_of(home.models, "credit")
    if version is None:
        return {"challenger": None, "answered": 0, "failed": 0, "left": 0}
    challenger = credit_model(home, version)
    with reading(home.engine) as connection:
        due = list(_due(connection, version))
    chosen = due if most is None else due[:most]
    failed = 0
    for start in range(0, len(chosen), BLOCK):
        rows = [_answered(home, row, challenger, now=now) for row in chosen[start : start + BLOCK]]
        failed += sum(row["error"] is not None for row in rows)
        with unit_of_work(home.engine) as connection:
            insert_once(connection, shadow_decision, rows)
    return {
        "challenger": version,
        "answered": len(chosen) - failed,
        "failed": failed,
        "left": len(due) - len(chosen),
    }


def answers(connection: sa.Connection, version: ModelVersion, *, at: datetime) -> list[sa.Row[Any]]:
    """The decisions up to a time that a challenger has looked at, each beside what it would have answered."""
    shadow = shadow_decision.c
    told = (shadow.error, shadow.pd_12m, shadow.rating_grade, shadow.outcome)
    columns: list[sa.ColumnElement[Any]] = [*credit_decision.c]
    columns += [column.label(f"shadow_{column.name}") for column in told]
    query = sa.select(*columns).join(shadow_decision, shadow.decision_id == credit_decision.c.decision_id)
    known = (shadow.model_version == version) & (credit_decision.c.decided_time <= at)
    order = (credit_decision.c.decided_time, credit_decision.c.decision_id)
    return list(connection.execute(query.where(known).order_by(*order)))


def _due(connection: sa.Connection, version: ModelVersion) -> Iterator[sa.Row[Any]]:
    table = model_appointment.c
    appointed = sa.select(sa.func.max(table.appointed_time)).where(
        table.role == ModelRole.CHALLENGER.value, table.model_version == version
    )
    done = sa.select(shadow_decision.c.decision_id).where(shadow_decision.c.model_version == version)
    since = connection.scalar(appointed)
    if since is None:
        return
    asked = (credit_decision.c.decided_time >= since) & credit_decision.c.decision_id.not_in(done)
    order = (credit_decision.c.decided_time, credit_decision.c.decision_id)
    yield from connection.execute(sa.select(credit_decision).where(asked).order_by(*order))


def _answered(home: Home, row: sa.Row[Any], challenger: CreditArtefact, *, now: datetime) -> dict[str, Any]:
    kept = {"decision_id": row.decision_id, "model_version": challenger.version, "scored_time": now}
    nothing = {"error": None, "pd_12m": None, "rating_grade": None, "outcome": None}
    try:
        decision = concluded(row, stored_grounds(home, row).under(challenger, ModelMandate.VALIDATED))
    except MillgradeError as error:
        return {**kept, **nothing, "error": error.code}
    return {
        **kept,
        "error": None,
        "pd_12m": decision.score.pd_12m,
        "rating_grade": decision.score.rating_grade,
        "outcome": decision.outcome.value,
    }
