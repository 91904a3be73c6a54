"""Decisions that stand in a home while a night is measured: each with its covenants and a year's half of snapshots.

Decisions are made up: the product's covenants, in a body as long as one that is stored, about as many obligors of the
home. Snapshots are those that the home's own telemetry gives for a few obligors, read under many names: what is
measured is finding and reading them, from memory and not from a disk that is asked for the first time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.database.tables import credit_decision, snapshot
from api.home import Home
from api.models.service import scoring_parameters
from api.partners.repository import LOCAL
from api.snapshots.service import feature_parameters, reader
from data_contracts.identifiers import ObligorId
from features import compute
from features.snapshot import FeatureSnapshot

EXAMPLE = resources("api") / "http" / "examples" / "createCreditDecision.json"
WEEKS = 26
TEMPLATES = 20
"""Obligors whose snapshots stand for everybody's: a decision's weeks go through them in turn, so that covenants fail."""
BODY_BYTES = 27_600
"""As long as the decision of the demonstration."""
ROWS_AT_ONCE = 500
"""Decisions noted in one statement, and the snapshots of so many."""


@contextmanager
def standing(home: Home, firms: Sequence[ObligorId], *, as_of: datetime) -> Iterator[int]:
    """A decision about each of these obligors, made WEEKS before `as_of`, and a snapshot a week since; how many
    snapshots in all. All of it is taken away again. Raises AssertionError where the home has decisions of its own."""
    with home.engine.begin() as connection:
        assert not connection.scalar(sa.select(sa.func.count()).select_from(credit_decision)), "decisions stand here"
        told = reader(connection, home)
        known = compute.snapshots(told, obligor_ids=firms[:TEMPLATES], as_of=as_of, parameters=feature_parameters())
    bodies = [_body(one, as_of) for one in known]
    templates = [home.snapshots / f"made_{number}.json" for number in range(len(known))]
    made = list[Path]()
    try:
        for file, one in zip(templates, known, strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(one.canonical())
        for start in range(0, len(firms), ROWS_AT_ONCE):
            block = list(enumerate(firms))[start : start + ROWS_AT_ONCE]
            made += _noted(home, block, templates, bodies, as_of=as_of)
        yield len(made)
    finally:
        _take_away(home, made, templates)


def _noted(
    home: Home,
    firms: Sequence[tuple[int, ObligorId]],
    templates: Sequence[Path],
    bodies: Sequence[bytes],
    *,
    as_of: datetime,
) -> list[Path]:
    """Rows of the decisions and snapshots of some obligors, and a file of each snapshot."""
    files, rows = list[Path](), list[dict[str, Any]]()
    for number, firm in firms:
        for week in range(WEEKS):
            name = hashlib.sha256(f"{firm}/{week}".encode()).hexdigest()
            moment = as_of - timedelta(weeks=WEEKS - 1 - week)
            rows.append({"snapshot_id": name, "obligor_id": firm, "as_of": moment, "taken_time": moment})
            files.append(_file(home, name))
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            os.link(templates[(number + week) % len(templates)], files[-1])
    decisions = [
        {
            "decision_id": f"made_{number}",
            "obligor_id": firm,
            "partner_id": LOCAL,
            "decided_time": as_of - timedelta(weeks=WEEKS - 1),
            "as_of": as_of - timedelta(weeks=WEEKS - 1),
            "outcome": "approve",
            "rating_grade": "R5",
            "request": {"product": "working_capital"},
            "snapshot_id": files[0].stem,
            "parameters_version": "made",
            "body": bodies[number % len(bodies)],
        }
        for number, firm in firms
    ]
    with home.engine.begin() as connection:
        connection.execute(sa.insert(snapshot), rows)
        connection.execute(sa.insert(credit_decision), decisions)
    return files


def _body(known: FeatureSnapshot, as_of: datetime) -> bytes:
    """A decision as it is stored, with the covenants of the product by what was observed of this obligor."""
    decision = json.loads(EXAMPLE.read_text(encoding="utf-8"))["decision"]
    promised = [
        _promise(name, terms, known.values[terms["feature"]].value)
        for name, terms in scoring_parameters().at(as_of)["covenants"].items()
        if not terms["of_machines"] and known.values[terms["feature"]].value is not None
    ]
    words = [line["name"] for line in promised]
    decision |= {"covenants": promised, "narrative": {"en": {"covenants": words}, "zh": {"covenants": words}}}
    lacking = BODY_BYTES - len(json.dumps(decision))
    decision["findings"] += [{"code": "made", "values": {"text": "x" * 80}}] * (lacking // 120)
    return json.dumps(decision).encode()


def _promise(name: str, terms: Mapping[str, Any], observed: float | None) -> dict[str, Any]:
    share = terms.get("share_of_observed")
    return {
        "name": name,
        "feature": terms["feature"],
        "comparison": "at_least" if terms["at_least"] else "at_most",
        "threshold": terms["threshold"] if share is None else share * (observed or 0.0),
        "observed": observed,
        "unit": "1",
    }


def _take_away(home: Home, made: Sequence[Path], templates: Sequence[Path]) -> None:
    with home.engine.begin() as connection:
        connection.execute(sa.delete(credit_decision))
        for start in range(0, len(made), ROWS_AT_ONCE):
            names = [file.stem for file in made[start : start + ROWS_AT_ONCE]]
            connection.execute(sa.delete(snapshot).where(snapshot.c.snapshot_id.in_(names)))
    for file in [*made, *templates]:
        file.unlink()


def _file(home: Home, snapshot_id: str) -> Path:
    return home.snapshots / snapshot_id[:2] / f"{snapshot_id}.json"
