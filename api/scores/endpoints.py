"""The current score of an obligor, and its explanation: for a consenting obligor's bank, and for the obligor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible
from api.http.call import Call, Work, reading
from api.http.documents import documented
from api.keys.principal import Role
from api.scores import service
from api.scores.schemas import ExplanationAnswer, ScoreAnswer, ScoreTold
from api.scores.service import CurrentScore
from api.snapshots.plain import age_seconds, plain_note
from features.snapshot import plain_feature
from risk_reports.narrative import Words, credit_reason_sentences, fact_sentences, freeze, readings
from risk_reports.wording.catalogue import Language
from scoring.canonical import plain_score

READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.get(
    "/v1/obligors/{obligor_id}/score",
    **documented(
        "getScore",
        tag="scores",
        summary="The probability of default of an obligor, from the latest stored snapshot.",
        roles=READERS,
        answer=ScoreAnswer,
        problems=(404, 409),
    ),
)
def get_score(obligor_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """The current score."""
    with call.begin() as work:
        current = _current(work, obligor_id, "score")
        plain = plain_score(current.record)
        told = {name: plain[name] for name in ScoreTold.model_fields}
        return work.answer({"score": told, "snapshot": plain_note(current.snapshot, now=work.now)})


@router.get(
    "/v1/obligors/{obligor_id}/explanation",
    **documented(
        "getExplanation",
        tag="scores",
        summary="Why the score is what it is: contributions, reasons in words, and the features behind them.",
        roles=READERS,
        answer=ExplanationAnswer,
        problems=(404, 409),
    ),
)
def get_explanation(obligor_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """The current score with its reasons."""
    with call.begin() as work:
        current = _current(work, obligor_id, "explanation")
        features = {name: plain_feature(value) for name, value in current.snapshot.values.items()}
        return work.answer(
            {
                "explanation": plain_score(current.record),
                **freeze(lambda language: _words(current, language)),
                "features": features,
                "snapshot": plain_note(current.snapshot, now=work.now),
            }
        )


def _current(work: Work, obligor_id: str, what: str) -> CurrentScore:
    owner = require_visible(work.connection, work.principal, obligor_id, now=work.now)
    current = service.current_score(work.connection, work.home, owner, now=work.now, livemode=work.principal.livemode)
    work.looked(owner, what)
    age = age_seconds(current.snapshot.as_of, now=work.now)
    work.count(lambda metrics: metrics.snapshot_age.observe(age))
    return current


def _words(current: CurrentScore, language: Language) -> Words:
    return {
        "reasons": credit_reason_sentences(current.record, language),
        **readings(current.record.reasons, language),
        "facts": fact_sentences(current.snapshot, language),
    }
