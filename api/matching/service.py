"""Screening the manufacturers that consent to a lender, all at once, and matching its funds with those who applied.

What is answered is a look ahead, and nothing of it is kept: a decision is asked for one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.home import Home
from api.matching import repository as applications
from api.models import service as models
from api.snapshots import repository as snapshots
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.catalogue import catalogue_version
from features.machine_day.machine_days import any_synthetic
from features.snapshot import FeatureSnapshot
from scoring.credit.artefact import CreditArtefact
from scoring.credit.master_scale import MasterScale, master_scale
from scoring.credit.score import score_many
from scoring.decision.decide import decide
from scoring.errors import InvalidRequest
from scoring.governance import ModelMandate
from scoring.matching.criteria import Applicant, LenderCriteria
from scoring.matching.match import Line, Match, matched
from scoring.money import exact
from scoring.portfolio.ledgers import buyer_shares
from scoring.records import CreditDecision, CreditRequest, ScoreRecord

YEAR = timedelta(days=365)
MOST_AGE = timedelta(days=31)
"""A snapshot older than that says nothing of today."""

MOST_IN_A_REQUEST = 1000
BLOCK = 256
"""Snapshots that are scored together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Which lender looks, in which mode, as of when, and when that is."""

    partner: PartnerId
    livemode: bool
    as_of: datetime
    now: datetime


def prescreen(
    connection: sa.Connection, home: Home, criteria: LenderCriteria, viewer: Viewer, *, most: int | None = None
) -> dict[str, Any]:
    """Every manufacturer that consents to the lender, as if it had applied for the largest amount.

    Raises NoModel, InvalidRequest for more than `most` manufacturers or a grade that is on no scale, and
    ProductNotOffered.
    """
    wanted = dict.fromkeys(_consenting(connection, viewer), criteria.largest_minor)
    return _screened(connection, home, wanted, criteria, viewer, most=most)


def match(
    connection: sa.Connection, home: Home, criteria: LenderCriteria, viewer: Viewer, *, most: int | None = None
) -> dict[str, Any]:
    """Those who applied, to this lender among others, for the product; with what it has for each. Raises as above."""
    filed = applications.open_for(
        connection,
        viewer.partner,
        product=criteria.product.value,
        currency=criteria.currency,
        livemode=viewer.livemode,
        now=viewer.now,
    )
    may_be_seen = set(_consenting(connection, viewer))
    wanted = {who: row.amount_minor for who, row in filed.items() if who in may_be_seen}
    told = _screened(connection, home, wanted, criteria, viewer, most=most)
    for line in told["lines"]:
        line["application_id"] = filed[line["obligor_id"]].application_id
    return told


def _screened(
    connection: sa.Connection,
    home: Home,
    wanted: Mapping[ObligorId, int],
    criteria: LenderCriteria,
    viewer: Viewer,
    *,
    most: int | None,
) -> dict[str, Any]:
    if most is not None and len(wanted) > most:
        raise InvalidRequest(
            f"{len(wanted):,} manufacturers are more than the {most:,} that a request screens.",
            hint="Have the operator run: millgrade prescreen, or millgrade match",
        )
    course = _course(home, viewer)
    scale = master_scale(course.values["master_scale"])
    _check_grade(criteria, scale)
    known = _snapshots(connection, home, sorted(wanted), viewer)
    industries, shares = _ledgers(connection, home, sorted(known), criteria.currency, viewer)
    scored = course.scored(list(known.values()))
    found = [
        _applicant(
            course.conclude(record, known[record.obligor_id], wanted[record.obligor_id], criteria),
            wanted_minor=wanted[record.obligor_id],
            industry=industries.get(record.obligor_id),
            shares=shares.get(record.obligor_id),
        )
        for record in scored
    ]
    told = plain_match(matched(found, criteria, scale))
    return {
        "as_of": viewer.as_of.isoformat(),
        "partner_id": viewer.partner,
        "product": criteria.product.value,
        "currency": criteria.currency,
        "screened": len(found),
        "eligible": sum(not line["unmet"] for line in told["lines"]),
        "without_recent_snapshot": sorted(set(wanted) - set(known)),
        **told,
        "data_origin": any_synthetic(item.data_origin for item in known.values()).value,
        "model_version": course.artefact.version,
        "parameters_version": course.parameters.version,
    }


def plain_match(found: Match) -> dict[str, Any]:
    """A match as it is answered."""
    return {
        "placed_minor": found.placed_minor,
        "expected_loss_ratio": None if found.expected_loss_ratio is None else float(found.expected_loss_ratio),
        "by_industry": _amounts(found.by_industry),
        "by_core_enterprise": _amounts(found.by_core_enterprise),
        "lines": [_plain_line(line) for line in found.lines],
    }


def _plain_line(line: Line) -> dict[str, Any]:
    who = line.applicant
    return {
        "obligor_id": who.obligor_id,
        "amount_minor": line.amount_minor,
        "wanted_minor": who.wanted_minor,
        "lendable_minor": who.lendable_minor,
        "outcome": who.outcome.value,
        "rating_grade": who.rating_grade,
        "pd_12m": who.pd_12m,
        "pd_12m_upper": who.pd_12m_upper,
        "annual_rate_ratio": float(who.annual_rate),
        "expected_loss_ratio": float(who.expected_loss_ratio),
        "industry": who.industry,
        "unmet": [{"criterion": item.criterion.value, "value": item.value, "bound": item.bound} for item in line.unmet],
        "bound_by": None if line.bound is None else {"kind": line.bound.kind, "name": line.bound.name},
    }


def _amounts(placed: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """Amounts by name, the largest first; parts of a minor unit are rounded for reading."""
    ordered = sorted(placed.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "amount_minor": round(amount)} for name, amount in ordered]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """What everybody is judged by."""

    artefact: CreditArtefact
    mandate: ModelMandate
    parameters: ParameterBook
    values: Mapping[str, Any]

    def scored(self, known: Sequence[FeatureSnapshot]) -> list[ScoreRecord]:
        return [
            record
            for start in range(0, len(known), BLOCK)
            for record in score_many(known[start : start + BLOCK], self.artefact, self.parameters)
        ]

    def conclude(
        self, record: ScoreRecord, snapshot: FeatureSnapshot, wanted_minor: int, criteria: LenderCriteria
    ) -> CreditDecision:
        """What the policy says to what is wanted, up to the lender's most; where the limit is lower, to that."""
        request = CreditRequest(
            obligor_id=record.obligor_id,
            product=criteria.product,
            amount_minor=min(wanted_minor, criteria.largest_minor),
            currency=criteria.currency,
            tenor_months=criteria.tenor_months,
            as_of=record.as_of,
        )
        found = self._decided(record, request, snapshot)
        limit = found.limit.limit_minor
        if limit is None or limit >= request.amount_minor or limit < criteria.smallest_minor:
            return found
        return self._decided(record, replace(request, amount_minor=limit), snapshot)

    def _decided(self, record: ScoreRecord, request: CreditRequest, snapshot: FeatureSnapshot) -> CreditDecision:
        return decide(record, request, snapshot, self.parameters, mandate=self.mandate)


def _course(home: Home, viewer: Viewer) -> _Course:
    artefact, mandate = models.answering_credit(home, now=viewer.now)
    if viewer.livemode:
        models.require_live(artefact, mandate, may_have_lapsed=True)
    parameters = models.scoring_parameters()
    return _Course(artefact=artefact, mandate=mandate, parameters=parameters, values=parameters.at(viewer.as_of))


def _applicant(
    found: CreditDecision, *, wanted_minor: int, industry: str | None, shares: Mapping[str, Decimal] | None
) -> Applicant:
    return Applicant(
        obligor_id=found.request.obligor_id,
        wanted_minor=wanted_minor,
        lendable_minor=found.limit.limit_minor,
        outcome=found.outcome,
        rating_grade=found.score.rating_grade,
        pd_12m=found.score.pd_12m,
        pd_12m_upper=found.score.pd_12m_upper,
        lgd=exact(str(found.price.lgd_ratio)),
        annual_rate=found.price.annual_rate_ratio,
        industry=industry,
        buyer_shares=shares,
    )


def _check_grade(criteria: LenderCriteria, scale: MasterScale) -> None:
    if criteria.worst_grade is not None and criteria.worst_grade not in scale.grades:
        raise InvalidRequest(
            f"{criteria.worst_grade!r} is no grade of the master scale.", hint=f"Name one of {', '.join(scale.grades)}."
        )


def _consenting(connection: sa.Connection, viewer: Viewer) -> list[ObligorId]:
    return consents.shown_for_credit(connection, viewer.partner, now=viewer.now, livemode=viewer.livemode)


def _snapshots(
    connection: sa.Connection, home: Home, obligors: Sequence[ObligorId], viewer: Viewer
) -> dict[ObligorId, FeatureSnapshot]:
    """Of each the latest snapshot that is not too old and of this catalogue; for live keys of real data only."""
    found = snapshots.latest_of(connection, home, obligors, since=viewer.as_of - MOST_AGE, until=viewer.as_of)
    return {
        who: item
        for who, item in sorted(found.items())
        if item.catalogue_version == catalogue_version()
        and (item.data_origin is DataOrigin.REAL or not viewer.livemode)
    }


def _ledgers(
    connection: sa.Connection, home: Home, obligors: Sequence[ObligorId], currency: str, viewer: Viewer
) -> tuple[dict[str, str], dict[str, dict[str, Decimal]]]:
    """By obligor its industry, and its buyers' shares in what it sold within a year, as known then."""
    source = reader(connection, home)
    columns = ("obligor_id", "event_time", "industry_division")
    profiles = source.rows(
        RecordKind.OBLIGOR_PROFILE, as_of=viewer.as_of, obligor_ids=obligors, columns=columns
    ).to_pandas()
    sold = ("obligor_id", "buyer_id", "status", "amount_minor", "currency")
    invoices = source.rows(
        RecordKind.INVOICE, as_of=viewer.as_of, obligor_ids=obligors, event_from=viewer.as_of - YEAR, columns=sold
    ).to_pandas()
    told = profiles.sort_values("event_time").dropna(subset="industry_division")
    industry = dict(zip(told["obligor_id"], told["industry_division"], strict=True))
    return industry, buyer_shares(invoices[invoices["currency"] == currency])
