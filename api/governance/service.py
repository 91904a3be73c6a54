"""Answering for models: validate, check, promote, let a challenger run beside, and list what is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from api.database.engine import reading, unit_of_work
from api.governance import repository as governance
from api.governance.repository import ModelRole, Named
from api.home import Home
from api.models import service as models
from data_contracts.identifiers import ModelVersion
from scoring import registry
from scoring.errors import NotPromotable, UnknownModel
from scoring.governance import Check, Conclusion, Validation, check_promotion, check_validation, is_passed, mandate_at


def validate(
    home: Home,
    model: Named,
    *,
    owner: str,
    by: str,
    conclusion: Conclusion,
    findings: str,
    pack: bytes | None,
    expires: datetime,
    now: datetime,
) -> dict[str, Any]:
    """Keep what a validator found of a model. Raises UnknownModel, ArtefactDamaged, NotPromotable."""
    validation = Validation(
        owner=owner,
        validated_by=by,
        conclusion=conclusion,
        findings=findings,
        pack_sha256=None if pack is None else hashlib.sha256(pack).hexdigest(),
        validated_time=now,
        expires_time=expires,
    )
    registry.load_artefact(home.models, model.kind, model.version)
    check_validation(validation, _rules(now))
    with unit_of_work(home.engine) as connection:
        governance.keep_validation(connection, model, validation)
        return told(connection, home, model, now=now)


def check(home: Home, model: Named, *, name: str, figures: Mapping[str, Any], by: str, now: datetime) -> dict[str, Any]:
    """Keep the figures of a check of a model, and whether they pass.

    Raises UnknownModel, ArtefactDamaged, and NotPromotable as `is_passed` or where the figures are another model's.
    """
    registry.load_artefact(home.models, model.kind, model.version)
    measured = figures.get("model_version", model.version)
    if measured != model.version:
        raise NotPromotable(f"The figures are of model {measured}, not of {model.version}.")
    done = Check(
        name=name, is_passed=is_passed(name, figures, _rules(now)), figures=figures, checked_by=by, checked_time=now
    )
    with unit_of_work(home.engine) as connection:
        governance.keep_check(connection, model, done)
        return told(connection, home, model, now=now)


def promote(home: Home, model: Named, *, by: str, now: datetime) -> dict[str, Any]:
    """Let a validated model answer from now on. Raises UnknownModel, ArtefactDamaged, NotPromotable.

    The record is kept first and the pointer moved after it; `millgrade doctor` tells where they differ.
    """
    registry.load_artefact(home.models, model.kind, model.version)
    with unit_of_work(home.engine) as connection:
        found = governance.validations(connection, model)
        last = found[-1] if found else None
        check_promotion(
            None if last is None else last.validation,
            governance.checks(connection, model),
            model_kind=model.kind,
            promoted_by=by,
            now=now,
            rules=_rules(now),
        )
        assert last is not None, "only a validated model passes"
        governance.appoint(
            connection,
            model.kind,
            model.version,
            ModelRole.CHAMPION,
            validation_id=last.validation_id,
            by=by,
            now=now,
        )
    expires = last.validation.expires_time
    registry.point_to(home.models, model.kind, registry.Pointer(version=model.version, expires_time=expires))
    with reading(home.engine) as connection:
        return told(connection, home, model, now=now)


def challenge(home: Home, version: ModelVersion | None, *, by: str, now: datetime) -> dict[str, Any]:
    """Score every request with another default model too, unseen by whoever asked, or with none any more.

    Raises UnknownModel, ArtefactDamaged, and NotPromotable where it is the one that answers, or nobody says so.
    """
    pointer = registry.pointer_of(home.models, "credit")
    if not by.strip():
        raise NotPromotable("It names nobody who says so.")
    if version is not None:
        registry.load_artefact(home.models, "credit", version)
        if pointer is not None and pointer.version == version:
            raise NotPromotable("It answers already: a model is not compared with itself.")
    with unit_of_work(home.engine) as connection:
        governance.appoint(connection, "credit", version, ModelRole.CHALLENGER, validation_id=None, by=by, now=now)
    registry.challenge_with(home.models, "credit", version)
    return {"challenger": version, "appointed_by": by, "appointed_time": now.isoformat()}


def listed(home: Home, *, now: datetime) -> dict[str, Any]:
    """Every model that is kept here with who answers for it, and every appointment in order of time."""
    kinds: tuple[registry.Kind, ...] = get_args(registry.Kind)
    with reading(home.engine) as connection:
        return {
            "models": [
                told(connection, home, Named(kind=kind, version=version), now=now)
                for kind in kinds
                for version in registry.versions(home.models, kind)
            ],
            "appointments": [_appointment(item) for item in governance.appointments(connection)],
        }


def find_model(home: Home, kind: registry.Kind, text: str) -> Named:
    """The model of that version, or the only one whose version begins so. Raises UnknownModel."""
    found = [version for version in registry.versions(home.models, kind) if text and version.startswith(text)]
    if len(found) != 1:
        raise UnknownModel(
            f"{len(found)} {kind} models kept here have a version that begins with {text!r}.",
            hint="Run: millgrade model list",
        )
    return Named(kind=kind, version=found[0])


def _rules(now: datetime) -> dict[str, Any]:
    rules: dict[str, Any] = models.scoring_parameters().at(now)["model_governance"]
    return rules


def told(connection: sa.Connection, home: Home, model: Named, *, now: datetime) -> dict[str, Any]:
    pointer = registry.pointer_of(home.models, model.kind)
    answers = pointer is not None and pointer.version == model.version
    return {
        "model_kind": model.kind,
        "model_version": model.version,
        "answers": answers,
        "mandate": mandate_at(pointer.expires_time, now=now).value if pointer is not None and answers else None,
        "is_challenger": registry.challenger_of(home.models, model.kind) == model.version,
        "validations": [_validation(kept) for kept in governance.validations(connection, model)],
        "checks": [
            {
                "name": done.name,
                "is_passed": done.is_passed,
                "figures": dict(done.figures),
                "checked_by": done.checked_by,
                "checked_time": done.checked_time.isoformat(),
            }
            for done in governance.checks(connection, model)
        ],
    }


def _validation(kept: governance.KeptValidation) -> dict[str, Any]:
    validation = kept.validation
    return {
        "validation_id": kept.validation_id,
        "owner": validation.owner,
        "validated_by": validation.validated_by,
        "conclusion": validation.conclusion.value,
        "findings": validation.findings,
        "pack_sha256": validation.pack_sha256,
        "validated_time": validation.validated_time.isoformat(),
        "expires_time": validation.expires_time.isoformat(),
    }


def _appointment(item: governance.Appointment) -> dict[str, Any]:
    return {
        "appointment_id": item.appointment_id,
        "model_kind": item.kind,
        "model_version": item.version,
        "role": item.role.value,
        "validation_id": item.validation_id,
        "appointed_by": item.appointed_by,
        "appointed_time": item.appointed_time.isoformat(),
    }
