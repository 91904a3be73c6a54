"""Arrears: days past due, their stage and its cure, and the stage that IFRS 9 would hint at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum
from typing import Any


class Bucket(StrEnum):
    """Stages of arrears by days past due."""

    CURRENT = "current"
    EARLY = "early"
    SUBSTANDARD = "substandard"
    DOUBTFUL = "doubtful"
    DEFAULTED = "defaulted"


class Stage(IntEnum):
    """Stages of impairment."""

    PERFORMING = 1
    SIGNIFICANT_INCREASE = 2
    IMPAIRED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One instalment: what fell due when, and the payments on it, each on its day."""

    due_on: date
    amount_minor: int
    payments: Sequence[tuple[date, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrears:
    """What is overdue on a day, since when, and the bucket; after a default, since when everything has been paid up."""

    day: date
    overdue_minor: int
    days_past_due: int
    bucket: Bucket
    defaulted_on: date | None
    cured_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageHint:
    """A hint at the stage, and every reason that leads to it or above."""

    stage: Stage
    reasons: Sequence[str]
    expected_loss_minor: int | None


def arrears(dues: Sequence[Due], *, day: date, values: Mapping[str, Any]) -> Arrears:
    """Arrears on a day. Small amounts (below `materiality_minor`) are not counted; payments go to the oldest first.

    A default lasts until nothing material has been overdue for `cure_days` without a day between.
    """
    terms = values["monitoring"]["arrears"]
    material, cure = int(terms["materiality_minor"]), int(terms["cure_days"])
    overdue, past = _overdue(dues, day, material)
    defaulted_on, cured_on = _default_and_cure(dues, day=day, material=material, cure=cure, limit=terms["defaulted"])
    is_defaulted = defaulted_on is not None and cured_on is None
    return Arrears(
        day=day,
        overdue_minor=overdue,
        days_past_due=past,
        bucket=Bucket.DEFAULTED if is_defaulted else bucket_of(past, terms),
        defaulted_on=defaulted_on,
        cured_on=cured_on,
    )


def bucket_of(days_past_due: int, terms: Mapping[str, Any]) -> Bucket:
    """The bucket of days past due; each begins at its days."""
    reached = [bucket for bucket in Bucket if days_past_due >= int(terms.get(bucket.value, 0))]
    return reached[-1]


def stage_hint(
    state: Arrears,
    *,
    pd_12m: float | None,
    pd_lifetime: float | None,
    pd_12m_at_grant: float | None,
    lgd: float,
    exposure_minor: int,
    is_on_watch: bool,
    values: Mapping[str, Any],
) -> StageHint:
    """Stage 3 in default; 2 where the risk rose enough since the grant, payments are 30 days late, or the obligor is
    watched; else 1. The loss of stage 1 is that of 12 months, of 2 and 3 that of the whole life; None where it is not
    known. A hint: whoever accounts decides."""
    terms = values["monitoring"]["staging"]
    reasons = []
    if state.bucket is Bucket.DEFAULTED:
        reasons.append("defaulted")
    if state.days_past_due >= terms["backstop_days"]:
        reasons.append("days_past_due")
    if pd_12m is not None and pd_12m_at_grant is not None:
        has_risen = pd_12m >= terms["pd_multiple"] * pd_12m_at_grant
        if has_risen and pd_12m - pd_12m_at_grant >= terms["pd_rise"]:
            reasons.append("risk_has_risen")
    if is_on_watch:
        reasons.append("watched")
    stage = Stage.IMPAIRED if "defaulted" in reasons else Stage.SIGNIFICANT_INCREASE if reasons else Stage.PERFORMING
    probability = {Stage.PERFORMING: pd_12m, Stage.SIGNIFICANT_INCREASE: pd_lifetime, Stage.IMPAIRED: 1.0}[stage]
    loss = None if probability is None else round(probability * lgd * exposure_minor)
    return StageHint(stage=stage, reasons=tuple(reasons), expected_loss_minor=loss)


def _overdue(dues: Sequence[Due], day: date, material: int) -> tuple[int, int]:
    """(amount overdue, days past due of the oldest part of it) on a day; nothing below what is material."""
    paid = sum(amount for due in dues for paid_on, amount in due.payments if paid_on <= day)
    total, oldest = 0, None
    for due in sorted(dues, key=lambda due: due.due_on):
        if due.due_on >= day:
            break
        covered = min(paid, due.amount_minor)
        paid -= covered
        if covered < due.amount_minor:
            total += due.amount_minor - covered
            oldest = oldest or due.due_on
    if oldest is None or total < material:
        return 0, 0
    return total, (day - oldest).days


def _default_and_cure(
    dues: Sequence[Due], *, day: date, material: int, cure: int, limit: int
) -> tuple[date | None, date | None]:
    """When the last default began, and when it was cured; only days on which something changes are looked at."""
    changes = {due.due_on + timedelta(days=1) for due in dues} | {due.due_on + timedelta(days=limit) for due in dues}
    changes |= {paid_on for due in dues for paid_on, _ in due.payments}
    defaulted_on: date | None = None
    clean_since: date | None = None
    cured_on: date | None = None
    for at in sorted({*(change for change in changes if change <= day), day}):
        if clean_since is not None and defaulted_on is not None and (at - clean_since).days >= cure:
            cured_on = clean_since + timedelta(days=cure)
        overdue, past = _overdue(dues, at, material)
        if past >= limit and (defaulted_on is None or cured_on is not None):
            defaulted_on, cured_on = at, None
        clean_since = None if overdue else clean_since or at
    return defaulted_on, cured_on
