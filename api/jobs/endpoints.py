"""Work that takes longer than a request may: nights that an operator queues, searches for what an obligor can do about
a decision, and how jobs stand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.credit_decisions import access
from api.database.text import is_storable
from api.http.call import Call, reading, writing
from api.http.documents import documented, json_body
from api.instants import require_past
from api.jobs import repository as jobs
from api.jobs import service as queue
from api.jobs.schemas import JobAnswer, SearchAnswer, SearchAsked, WatchAsked
from api.keys.principal import Role
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId

KEEPERS = (Role.OPERATOR,)
SEEKERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/watch-runs",
    **documented(
        "createWatchRun",
        tag="after the loan",
        summary="Queue the watch of every consenting obligor for the last day that is over.",
        roles=KEEPERS,
        answer=JobAnswer,
        status=201,
        body=json_body(WatchAsked, "createWatchRun"),
    ),
)
def create_watch_run(call: Annotated[Call, writing(*KEEPERS)]) -> Response:
    """Queue a night; a worker does it."""
    with call.begin() as work:
        asked = call.parse(WatchAsked)
        as_of = require_past(asked.as_of, now=work.now) or work.now
        return work.once(
            lambda: work.plain({"job": queue.queue_watch(work.connection, as_of=as_of, now=work.now)}, status=201)
        )


@router.post(
    "/v1/credit-decisions/{decision_id}/recourse-searches",
    **documented(
        "createRecourseSearch",
        tag="credit decisions",
        summary="Have plans searched for that would change a recommendation; asked again, how the search stands.",
        roles=SEEKERS,
        answer=SearchAnswer,
        status=201,
        problems=(404,),
        body=json_body(SearchAsked, "createRecourseSearch"),
    ),
)
def create_recourse_search(decision_id: str, call: Annotated[Call, writing(*SEEKERS)]) -> Response:
    """Queue a search; a worker does it, and the offer is then read beside the decision."""
    with call.begin() as work:
        call.parse(SearchAsked)
        row = access.require_readable(work, decision_id)
        work.looked(row.obligor_id, "recourse")
        decided = DecisionId(row.decision_id)
        return work.once(
            lambda: work.plain({"search": queue.queue_recourse(work.connection, decided, now=work.now)}, status=201)
        )


@router.get(
    "/v1/jobs/{job_id}",
    **documented(
        "getJob",
        tag="after the loan",
        summary="How work stands that was queued.",
        roles=KEEPERS,
        answer=JobAnswer,
        problems=(404,),
    ),
)
def get_job(job_id: str, call: Annotated[Call, reading(*KEEPERS)]) -> Response:
    """A job."""
    with call.begin() as work:
        if not is_storable(job_id):
            raise NotFound("There is no such job.")
        return work.answer({"job": queue.plain_job(jobs.load(work.connection, job_id))})
