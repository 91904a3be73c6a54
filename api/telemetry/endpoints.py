"""Telemetry (and, for the operator, ledgers) as a JSON or CSV batch, through the same admission as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from api.consents.access import require_visible
from api.database.engine import unit_of_work
from api.errors import GatewayKeyGone, MalformedBody, RoleNotAllowed, SealRefused
from api.gateways import service as gateways
from api.http.call import JSON, Call, Work, writing
from api.http.documents import documented, example, json_body
from api.http.idempotency import Answer
from api.http.limits import TELEMETRY_PATH
from api.http.metrics import Metrics
from api.http.shapes import OBLIGOR_ID_PATTERN
from api.keys.principal import Role
from api.receipts.service import ingest_receipt
from api.telemetry import service
from api.telemetry.schemas import TelemetryAnswer, TelemetryRows
from data_contracts.admission import AdmissionResult, Prepared
from data_contracts.evidence.gateways import Sealed
from data_contracts.evidence.seal import MAXIMUM_CHARACTERS
from data_contracts.findings import Reason
from data_contracts.identifiers import ObligorId
from data_contracts.mapping import Mapping
from data_contracts.observations.gathering import Gathering

CSV = "text/csv"
SENDERS = (Role.GATEWAY, Role.OPERATOR)

router = APIRouter()


@router.post(
    TELEMETRY_PATH,
    **documented(
        "createTelemetry",
        tag="telemetry",
        summary="Admit a batch of rows; those that break the contract are quarantined and told of.",
        roles=SENDERS,
        answer=TelemetryAnswer,
        status=201,
        problems=(404, 409),
        body={
            **json_body(TelemetryRows, "createTelemetry"),
            CSV: {"schema": {"type": "string"}, "example": example("createTelemetry.csv")},
        },
    ),
)
def create_telemetry(
    call: Annotated[Call, writing(*SENDERS)],
    mapping: Annotated[
        str, Query(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="Which shipped mapping reads the rows.")
    ],
    obligor_id: Annotated[
        str | None,
        Query(pattern=OBLIGOR_ID_PATTERN, description="Whose rows these are; a gateway's own if left out."),
    ] = None,
    seal: Annotated[
        str | None,
        Header(
            alias="Millgrade-Seal",
            max_length=MAXIMUM_CHARACTERS,
            description="The gateway's signature over the body and its place in the gateway's chain; docs/evidence.md.",
        ),
    ] = None,
) -> Response:
    """Admit a batch: read and checked on its own, then kept together with those that come in at the same time."""
    with call.look() as looked:
        applied = service.live_mapping(mapping, livemode=looked.principal.livemode)
        owner = _owner(looked, obligor_id)
        _check_kind(looked, applied)
        text = _text(call)
    prepared = service.prepare_text(text, mapping=applied, obligor=owner, now=looked.now)

    def admitted(work: Work, gathered: Gathering) -> Response:
        return work.once(lambda: _receive(work, gathered, prepared, _Sent(seal, call.body)))

    try:
        return call.together(call.doors.intake, looked, admitted)
    except (SealRefused, GatewayKeyGone) as error:
        _keep_proof(call, looked, error)
        raise


def _keep_proof(call: Call, looked: Work, error: SealRefused | GatewayKeyGone) -> None:
    refused = gateways.proof_of(error)
    if refused is not None:
        with unit_of_work(call.doors.home.engine) as connection:
            gateways.keep_refusal(connection, refused, by=looked.principal.owner, now=call.doors.clock())


def _owner(work: Work, obligor_id: str | None) -> ObligorId | None:
    named = obligor_id or work.principal.obligor_id
    return None if named is None else require_visible(work.connection, work.principal, named, now=work.now)


def _check_kind(work: Work, mapping: Mapping) -> None:
    if work.principal.role is Role.GATEWAY and mapping.kind not in service.TELEMETRY_KINDS:
        raise RoleNotAllowed(
            f"A gateway may not send rows of the kind {mapping.kind.value}.",
            hint=f"It may send {' and '.join(sorted(kind.value for kind in service.TELEMETRY_KINDS))}.",
        )


def _text(call: Call) -> bytes:
    """The body as delimited text, which is what admission reads."""
    if call.require_media_type(JSON, CSV) == CSV:
        if not call.body.strip():
            raise MalformedBody("The body is empty.", hint="Send a header line and a line for each row.")
        return call.body
    rows = call.parse(TelemetryRows).rows
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if cell is None else cell for name, cell in row.items()} for row in rows)
    return out.getvalue().encode()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A body to the byte as it came, and its seal, if any."""

    seal: str | None
    body: bytes


def _receive(work: Work, gathered: Gathering, prepared: Prepared, sent: _Sent) -> Answer:
    sealed = None if sent.seal is None else _examine(work, sent.seal, sent.body, prepared.obligor)
    sender = service.Sender(owner=work.principal.owner, sealed=sealed)
    received = service.receive(
        work.connection,
        work.home,
        gathered,
        prepared,
        only_own_machines=work.principal.role is Role.GATEWAY,
        livemode=work.principal.livemode,
        sender=sender,
        now=work.now,
    )
    _count(work, received.result)
    receipt = ingest_receipt(work.connection, work.home, received.logged, now=work.now)
    told = {
        "level": sender.attestation.level.value,
        "seal": sender.attestation.seal_digest,
        "faults": [] if sealed is None else list(_told(sealed)),
    }
    return work.plain({"batch": _plain(received.result), "attestation": told, "receipt": receipt}, status=201)


def _told(sealed: Sealed) -> Iterator[str]:
    if sealed.is_doubtful:
        yield f"divided: Two histories were signed with this key from the seal {sealed.divided} on."
    yield from (f"{fault.kind}: {fault.detail}" for fault in sealed.faults)


def _examine(work: Work, seal: str, body: bytes, owner: ObligorId | None) -> Sealed:
    live = work.principal.livemode
    return gateways.examine(work.connection, seal, body=body, obligor_id=owner, livemode=live, now=work.now)


def _count(work: Work, result: AdmissionResult) -> None:
    def tally(metrics: Metrics) -> None:
        for name in ("admitted", "duplicate", "quarantined"):
            metrics.rows.labels(name).inc(getattr(result, f"rows_{name}"))
        for finding in result.findings:
            if finding.reason is Reason.UNKNOWN_WORD:
                metrics.unknown_categories.labels(finding.column).inc(finding.rows)

    work.count(tally)


def _plain(result: AdmissionResult) -> dict[str, object]:
    return {
        "batch_id": result.batch_id,
        "kind": result.kind.value,
        "rows_read": result.rows_read,
        "rows_admitted": result.rows_admitted,
        "rows_duplicate": result.rows_duplicate,
        "rows_quarantined": result.rows_quarantined,
        "merkle_root": result.merkle_root,
        "findings": list(result.messages()),
        "quarantined": [
            {"row_number": row.row_number, "column": row.column, "value": row.value, "reason": row.reason.value}
            for row in result.quarantined_examples
        ],
    }
