"""Validations, checks and appointments of models as rows: each appended and logged, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from api.database.tables import model_appointment, model_check, model_validation
from api.evidence.claims import Kind
from api.evidence.service import record
from api.identity import answer_id
from data_contracts.identifiers import ModelVersion
from scoring import registry
from scoring.governance import Check, Conclusion, Validation


class ModelRole(StrEnum):
    """What a model is appointed to: to answer, or to be compared with the one that does."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A model of the home."""

    kind: registry.Kind
    version: ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """Who appointed which model to what, when; a challenger without a version was dismissed."""

    appointment_id: str
    kind: registry.Kind
    version: ModelVersion | None
    role: ModelRole
    validation_id: str | None
    appointed_by: str
    appointed_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptValidation:
    """A validation with its name."""

    validation_id: str
    validation: Validation


def keep_validation(connection: sa.Connection, model: Named, validation: Validation) -> str:
    """Keep and log what a validator found; returns its name."""
    row = {"model_kind": model.kind, "model_version": model.version, **asdict(validation)}
    name = answer_id("v", row | {key: row[key].isoformat() for key in ("validated_time", "expires_time")})
    connection.execute(model_validation.insert().values(validation_id=name, **row))
    record(connection, Kind.MODEL_VALIDATION, [name])
    return name


def keep_check(connection: sa.Connection, model: Named, check: Check) -> str:
    """Keep and log the result of a check; returns its name."""
    row = {"model_kind": model.kind, "model_version": model.version, **asdict(check)}
    name = answer_id("k", row | {"checked_time": check.checked_time.isoformat()})
    connection.execute(model_check.insert().values(check_id=name, **row))
    record(connection, Kind.MODEL_CHECK, [name])
    return name


def appoint(
    connection: sa.Connection,
    kind: registry.Kind,
    version: ModelVersion | None,
    role: ModelRole,
    *,
    validation_id: str | None,
    by: str,
    now: datetime,
) -> str:
    """Keep and log an appointment; returns its name."""
    row = {
        "model_kind": kind,
        "model_version": version,
        "role": role.value,
        "validation_id": validation_id,
        "appointed_by": by,
    }
    name = answer_id("a", row | {"appointed_time": now.isoformat()})
    connection.execute(model_appointment.insert().values(appointment_id=name, appointed_time=now, **row))
    record(connection, Kind.MODEL_APPOINTMENT, [name])
    return name


def validations(connection: sa.Connection, model: Named) -> Sequence[KeptValidation]:
    """Every validation of a model, in order of time."""
    table = model_validation.c
    mine = (table.model_kind == model.kind) & (table.model_version == model.version)
    query = sa.select(model_validation).where(mine).order_by(table.validated_time, table.validation_id)
    return [
        KeptValidation(
            validation_id=row.validation_id,
            validation=Validation(
                owner=row.owner,
                validated_by=row.validated_by,
                conclusion=Conclusion(row.conclusion),
                findings=row.findings,
                pack_sha256=row.pack_sha256,
                validated_time=row.validated_time,
                expires_time=row.expires_time,
            ),
        )
        for row in connection.execute(query)
    ]


def checks(connection: sa.Connection, model: Named) -> Sequence[Check]:
    """Every check of a model, in order of time."""
    table = model_check.c
    mine = (table.model_kind == model.kind) & (table.model_version == model.version)
    query = sa.select(model_check).where(mine).order_by(table.checked_time, table.check_id)
    return [
        Check(
            name=row.name,
            is_passed=row.is_passed,
            figures=row.figures,
            checked_by=row.checked_by,
            checked_time=row.checked_time,
        )
        for row in connection.execute(query)
    ]


def appointments(connection: sa.Connection) -> Sequence[Appointment]:
    """Every appointment, in order of time."""
    table = model_appointment.c
    query = sa.select(model_appointment).order_by(table.appointed_time, table.appointment_id)
    return [
        Appointment(
            appointment_id=row.appointment_id,
            kind=row.model_kind,
            version=row.model_version,
            role=ModelRole(row.role),
            validation_id=row.validation_id,
            appointed_by=row.appointed_by,
            appointed_time=row.appointed_time,
        )
        for row in connection.execute(query)
    ]
