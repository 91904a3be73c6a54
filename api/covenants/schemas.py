"""How covenants stand, as it is answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from api.http.shapes import Told
from scoring.monitoring.covenants import CovenantState
from scoring.records import Outcome


class CovenantWordsTold(Told):
    """The promise as the decision worded it, in both languages."""

    zh: str
    en: str


class CovenantStandingTold(Told):
    """One promise: its bound, its value when the decision was made and now, and its state. `since` is when it went
    beyond the bound (or back within it), `turns_on` the day on which its grace ends or it would be cured,
    `crosses_in_days` how soon its trend crosses the bound."""

    name: str
    feature: str
    comparison: Literal["at_least", "at_most"]
    threshold: float
    unit: str
    at_decision: float | None
    state: CovenantState
    value: float | None
    since: date | None
    turns_on: date | None
    crosses_in_days: int | None
    narrative: CovenantWordsTold


class StandingsTold(Told):
    """Every covenant of a decision. `worst` is null where none is beyond its bound or near it."""

    decision_id: str
    obligor_id: str
    outcome: Outcome
    as_of: datetime
    snapshots: int
    latest_snapshot: datetime | None
    worst: CovenantState | None
    covenants: list[CovenantStandingTold]
    parameters_version: str


class StandingsAnswer(Told):
    """How the covenants of a decision stand."""

    standings: StandingsTold
    livemode: bool
