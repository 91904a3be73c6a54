"""An insurer's policies as values of a book: whose they are, where, and what was expected of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from api.home import Home
from api.insurance_policies.known import KnownPolicy
from api.models.figures import PROVINCE
from api.models.service import scoring_parameters
from api.snapshots import repository as snapshots
from api.snapshots.service import reader
from features.snapshot import FeatureSnapshot
from scoring.errors import NothingToCover
from scoring.insurance.book.holdings import HeldPolicy, charges_of
from scoring.insurance.book.slump import IdleRisk
from scoring.insurance.offers.idle import where_it_stands
from scoring.insurance.offers.risk import DAYS_A_YEAR, MONTHS_A_YEAR, whole_months
from scoring.insurance.policy_life import life_of
from scoring.insurance.premium import cover_days
from scoring.money import exact, to_minor
from scoring.portfolio.loans import UNKNOWN
from scoring.records import InsuranceProduct

ZONE = ZoneInfo("Asia/Shanghai")
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)


def held_policy(known: KnownPolicy, industry: Mapping[str, str]) -> HeldPolicy:
    """A policy as part of its insurer's book, in the industry that its obligor's profile tells."""
    filed = known.quote["filed"]
    return HeldPolicy(
        obligor_id=known.obligor_id,
        industry=industry.get(known.obligor_id, UNKNOWN),
        region=known.obligor_id[PROVINCE],
        state=life_of(known.policy_id, known.records),
        charges=charges_of(known.records, ZONE),
        filed_rate=filed["filed_rate"],
        model_rate=filed["model_rate"],
        covered_share=_covered_share(known.quote),
    )


def industries(connection: sa.Connection, home: Home, *, as_of: datetime) -> dict[str, str]:
    """The division of every obligor that told one by the instant."""
    profiles = reader(connection, home).obligor_profiles(as_of=as_of)
    columns = (profiles.column(name).to_pylist() for name in ("obligor_id", "industry_division"))
    return {name: division for name, division in zip(*columns, strict=True) if division is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleBook:
    """Idle covers that still run, as they are simulated, and how many cannot be: no operating rate is known."""

    risks: list[IdleRisk]
    not_simulated: int


def idle_book(
    connection: sa.Connection, home: Home, policies: Iterable[HeldPolicy], *, day: date, as_of: datetime
) -> IdleBook:
    """The idle covers with days after `day`, each from the latest snapshot of its obligor as of the instant."""
    running = [
        policy
        for policy in policies
        if policy.product is InsuranceProduct.IDLE_COVER and policy.state.covers and policy.state.ends > day
    ]
    obligors = sorted({policy.obligor_id for policy in running})
    known = snapshots.latest_of(connection, home, obligors, since=BEGINNING, until=as_of)
    terms = scoring_parameters().at(as_of)["insurance_covers"]["idle_cover"]
    found = (_risk(policy, known.get(policy.obligor_id), day, terms) for policy in running)
    risks = [risk for risk in found if risk is not None]
    return IdleBook(risks=risks, not_simulated=len(running) - len(risks))


def _risk(policy: HeldPolicy, snapshot: FeatureSnapshot | None, day: date, terms: Mapping[str, Any]) -> IdleRisk | None:
    """What is left of a cover after a day; None where nothing tells how its insured works."""
    if snapshot is None:
        return None
    try:
        usual, state = where_it_stands(snapshot, terms)
    except NothingToCover:
        return None
    bound, ends = policy.state.bound, policy.state.ends
    begins = max(bound.starts, day + timedelta(days=1))
    share = Decimal(cover_days(begins, ends)) / cover_days(bound.starts, bound.ends)
    return IdleRisk(
        industry=policy.industry,
        usual_rate=usual,
        industry_state=state,
        lead_months=round(((begins - day).days - 1) * MONTHS_A_YEAR / DAYS_A_YEAR),
        months=whole_months(begins, ends),
        sum_insured_minor=to_minor(share * bound.sum_insured_minor),
    )


def _covered_share(quote: Mapping[str, Any]) -> Decimal:
    """What of a loss a guarantee bore by the parameters that it was quoted under; all of it for other covers."""
    if quote["product"] != InsuranceProduct.GUARANTEE.value:
        return Decimal(1)
    then = scoring_parameters().at(datetime.fromisoformat(quote["as_of"]))
    return exact(then["insurance_covers"]["guarantee"]["covered_share"])
