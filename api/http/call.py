"""One request of the API: from the key it bears to one transaction and one answer.

with call.begin() as work:               # authenticates, checks the role, opens the transaction
    obligor = work.require_visible(...)  # access
    return work.once(lambda: ...)        # effect and answer, once per Idempotency-Key
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from api.access_log import repository as access_log
from api.database.engine import reading as reading_only
from api.database.engine import unit_of_work
from api.errors import InvalidBody, RoleNotAllowed, UnsupportedMediaType
from api.group_commit import GroupCommit
from api.home import Home
from api.http.idempotency import Answer, Kept, fingerprint, once
from api.http.limits import timed_out
from api.http.metrics import Metrics
from api.http.observe import Trace, operation_of
from api.http.paging import Page
from api.http.problem import pointer_to
from api.http.strict_json import Shape, parse_body
from api.http.wiring import Doors, doors_of
from api.keys.principal import Principal, Role
from api.keys.service import authenticate, unauthenticated
from data_contracts.identifiers import ObligorId
from data_contracts.observations.gathering import Gathering
from scoring.canonical import canonical_bytes

JSON = "application/json"
REPLAYED_HEADER = "Idempotency-Replayed"
SHOWN_FAULTS = 10
EffectResult = TypeVar("EffectResult")

bearer = HTTPBearer(auto_error=False, scheme_name="api_key", description="`mg_test_...` or `mg_live_...`")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="The same key with the same request has one effect and gets the same answer.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A request at work: who asks, the one transaction it has, and when."""

    connection: sa.Connection
    home: Home
    principal: Principal
    now: datetime
    kept: Kept | None
    counts: list[Callable[[Metrics], None]] = field(default_factory=list)

    def looked(self, obligor_id: ObligorId, what: str) -> None:
        """Note for the obligor that this key looked at something of theirs."""
        principal = self.principal
        access_log.append(
            self.connection,
            obligor_id,
            viewer=principal.owner,
            role=principal.role.value,
            what=what,
            now=self.now,
        )

    def count(self, metric: Callable[[Metrics], None]) -> None:
        """Count something once the transaction is committed."""
        self.counts.append(metric)

    def once(self, effect: Callable[[], Answer]) -> Response:
        """Answer with what `effect` gives; with an Idempotency-Key it happens once, and is answered again."""
        if self.kept is None:
            return respond(effect())
        answer, is_replay = once(self.connection, self.kept, effect, now=self.now)
        response = respond(answer)
        if is_replay:
            response.headers[REPLAYED_HEADER] = "true"
        return response

    def plain(self, members: dict[str, Any], *, status: int = 200) -> Answer:
        """An answer of these members and the key's mode."""
        return Answer(status=status, body=canonical_bytes({**members, "livemode": self.principal.livemode}))

    def answer(self, members: dict[str, Any]) -> Response:
        """Answer a reading operation with these members and the key's mode."""
        return respond(self.plain(members))

    def page(self, page: Page) -> Response:
        """Answer with a page of a list."""
        return self.answer({"data": page.data, "next_cursor": page.next_cursor})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request before anything was looked up."""

    doors: Doors
    operation: str
    roles: frozenset[Role]
    key: str
    media_type: str
    encoding: str
    body: bytes
    idempotency_key: str | None
    fingerprint: str
    deadline: float
    trace: Trace

    @contextmanager
    def begin(self) -> Iterator[Work]:
        """Authenticate, check the role, and work in one transaction; it is not committed after the time limit.

        Raises Unauthenticated, RoleNotAllowed, RequestTimedOut.
        """
        with unit_of_work(self.doors.home.engine) as connection:
            work = self._work(connection)
            yield work
            self._check_deadline()
        self._counted(work)

    @contextmanager
    def look(self) -> Iterator[Work]:
        """Authenticate, check the role, and look at what is kept, for work that is done before its turn comes.

        Raises Unauthenticated, RoleNotAllowed.
        """
        with reading_only(self.doors.home.engine) as connection:
            yield self._work(connection)

    @contextmanager
    def look_again(self, looked: Work) -> Iterator[Work]:
        """Look at what is kept by now, for whoever was let in to look before in this very request."""
        with reading_only(self.doors.home.engine) as connection:
            yield replace(looked, connection=connection, now=self.doors.clock(), counts=[])

    def together(
        self, queue: GroupCommit, looked: Work, effect: Callable[[Work, Gathering], EffectResult]
    ) -> EffectResult:
        """Have the effect in one transaction with whoever else comes in; what it gives once that is committed.

        Raises what the effect raises, IntakeBusy, RequestTimedOut.
        """

        def member(connection: sa.Connection, gathered: Gathering) -> tuple[Work, EffectResult]:
            work = replace(looked, connection=connection, now=self.doors.clock(), counts=[])
            result = effect(work, gathered)
            self._check_deadline()
            return work, result

        work, result = queue.commit(member)
        self._counted(work)
        return result

    def _work(self, connection: sa.Connection) -> Work:
        principal = authenticate(connection, self.key)
        self.trace.principal = principal
        if principal.role not in self.roles:
            raise _not_for(principal.role, self.roles)
        return Work(
            connection=connection,
            home=self.doors.home,
            principal=principal,
            now=self.doors.clock(),
            kept=self._kept(principal),
        )

    def _check_deadline(self) -> None:
        if time.monotonic() > self.deadline:
            raise timed_out(self.doors.limits.seconds)

    def _counted(self, work: Work) -> None:
        for metric in work.counts:
            metric(self.doors.metrics)

    def parse(self, shape: type[Shape]) -> Shape:
        """The JSON body as `shape`. Raises UnsupportedMediaType, MalformedBody, InvalidBody."""
        self.require_media_type(JSON)
        return parse_body(self.body, shape)

    def require_media_type(self, *allowed: str) -> str:
        """The body's media type. Raises UnsupportedMediaType when it is not one of those allowed."""
        if self.encoding not in {"", "identity"}:
            raise UnsupportedMediaType("The body is encoded.", hint="Send it plain; no Content-Encoding is taken.")
        if self.media_type not in allowed:
            raise UnsupportedMediaType(
                f"A body of the type {self.media_type!r} is not taken here.", hint=f"Send {' or '.join(allowed)}."
            )
        return self.media_type

    def _kept(self, principal: Principal) -> Kept | None:
        if self.idempotency_key is None:
            return None
        mode = "live" if principal.livemode else "test"
        return Kept(
            owner=principal.owner,
            route=f"{self.operation}:{mode}",
            key=self.idempotency_key,
            fingerprint=self.fingerprint,
        )


def reading(*roles: Role) -> Any:
    """The dependency that gives a reading operation its call."""

    async def open_call(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
    ) -> Call:
        return await _call(request, credentials, frozenset(roles), None)

    return Depends(open_call)


def writing(*roles: Role) -> Any:
    """The dependency that gives a POST its call: with a body and perhaps an Idempotency-Key."""

    async def open_call(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
        idempotency_key: IdempotencyKey = None,
    ) -> Call:
        return await _call(request, credentials, frozenset(roles), idempotency_key)

    return Depends(open_call)


def respond(answer: Answer) -> Response:
    """The answer as it goes out."""
    return Response(answer.body, status_code=answer.status, media_type=JSON)


def wrapped(name: str, body: bytes, **members: Any) -> bytes:
    """An object that holds `body`, byte by byte as it is kept, under `name`, and other members beside it."""
    rest = canonical_bytes(members)
    return b'{"' + name.encode() + b'":' + body + (b"," + rest[1:] if members else b"}")


async def _call(
    request: Request, credentials: HTTPAuthorizationCredentials | None, roles: frozenset[Role], key: str | None
) -> Call:
    deadline = time.monotonic()
    if credentials is None:
        raise unauthenticated()
    _check_parameters(request)
    doors = doors_of(request.app)
    media_type, encoding = request.headers.get("content-type", ""), request.headers.get("content-encoding", "")
    body = await request.body()
    url = f"{request.method} {request.url.path}?{request.url.query}"
    return Call(
        doors=doors,
        operation=operation_of(request.scope),
        roles=roles,
        key=credentials.credentials,
        media_type=media_type.partition(";")[0].strip().lower(),
        encoding=encoding.lower(),
        body=body,
        idempotency_key=key,
        fingerprint=fingerprint(url.encode(), media_type.encode(), body),
        deadline=deadline + doors.limits.seconds,
        trace=request.state.trace,
    )


def _check_parameters(request: Request) -> None:
    """A misspelt parameter would be a question other than the one that was meant. Raises InvalidBody."""
    route = request.scope["route"]
    known = {parameter.alias for parameter in route.dependant.query_params}
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise InvalidBody(
            "The request bears a query parameter that is not known here.",
            faults=tuple((pointer_to(("query", name)), "Unknown parameter") for name in unknown[:SHOWN_FAULTS]),
            hint=f"Known: {', '.join(sorted(known)) or 'none'}.",
        )


def _not_for(role: Role, allowed: frozenset[Role]) -> RoleNotAllowed:
    names = ", ".join(sorted(item.value for item in allowed))
    return RoleNotAllowed(f"A key of the role {role.value} may not ask for this.", hint=f"It is for: {names}.")
