"""Papers about the model that answers, and what another model or other cut-offs would change."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import visible_obligors
from api.credit_decisions import dry_run
from api.governance import papers
from api.governance.schemas import DryRunAnswer, DryRunAsked
from api.governance.service import find_model
from api.http.call import Call, reading, writing
from api.http.documents import documented, json_body
from api.http.papers import LANGUAGES, PaperFormat, Rendered, Spoken, paper
from api.keys.principal import Role
from api.models import service as models
from data_contracts.identifiers import ObligorId
from scoring.governance import ModelMandate

READERS = (Role.BANK, Role.INSURER, Role.OPERATOR)
TRIERS = (Role.BANK,)

router = APIRouter()


@router.get(
    "/v1/model-card",
    **documented(
        "getModelCard",
        tag="models",
        summary="The card of the model of default that answers, as PDF or HTML.",
        roles=READERS,
        answer=None,
    ),
)
def get_model_card(
    call: Annotated[Call, reading(*READERS)], language: Spoken = "zh", rendered: Rendered = PaperFormat.PDF
) -> Response:
    """The card."""
    with call.begin() as work:
        document = papers.card_document(work.home, LANGUAGES[language])
    return paper(document, rendered)


@router.get(
    "/v1/validation-pack",
    **documented(
        "getValidationPack",
        tag="models",
        summary="What a validator reads of the model of default that answers, as PDF or HTML.",
        roles=READERS,
        answer=None,
    ),
)
def get_validation_pack(
    call: Annotated[Call, reading(*READERS)], language: Spoken = "zh", rendered: Rendered = PaperFormat.PDF
) -> Response:
    """The pack."""
    with call.begin() as work:
        version = models.promoted_credit(work.home).version
        document = papers.pack_of(work.connection, work.home, version, LANGUAGES[language], now=work.now)
    return paper(document, rendered)


@router.post(
    "/v1/dry-runs",
    **documented(
        "createDryRun",
        tag="models",
        summary="Who would change grade or outcome under another model or other cut-offs; nothing is kept.",
        roles=TRIERS,
        answer=DryRunAnswer,
        status=201,
        body=json_body(DryRunAsked, "createDryRun"),
    ),
)
def create_dry_run(call: Annotated[Call, writing(*TRIERS)]) -> Response:
    """Try a change on the partner's obligors and decisions."""
    with call.begin() as work:
        asked = call.parse(DryRunAsked)
        now = models.promoted_credit(work.home)
        model = now
        if asked.model_version is not None:
            model = models.credit_model(work.home, find_model(work.home, "credit", asked.model_version).version)
        if work.principal.livemode:
            for used in (now, model):
                models.require_live(used, ModelMandate.VALIDATED)
        seen = work.connection.scalars(visible_obligors(work.principal, now=work.now)).all()
        scope = dry_run.Scope(
            obligor_ids=frozenset(map(ObligorId, seen)),
            partner=work.principal.as_partner(),
            livemode=work.principal.livemode,
        )
        change = dry_run.Change(parameters=dry_run.with_cut_offs(asked.approve_to, asked.refer_to), model=model)
        return work.once(lambda: work.plain(dry_run.tried(work.connection, work.home, change, scope), status=201))
