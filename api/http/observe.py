"""The outermost middleware: names every request, logs and counts it, and answers what nobody foresaw."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from uuid import uuid4

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.logs import Logger
from api.http.metrics import Metrics
from api.http.problem import problem_of_failure
from api.keys.principal import Principal

REQUEST_ID_HEADER = "Millgrade-Request-Id"
UNMATCHED = "unmatched"
CLIENT_LEFT = 499
"""Counted and logged where the client hung up before it had sent its request; nobody gets this answer."""
QUIET_HEADERS = {
    b"cache-control": b"no-store",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
}
"""Headers of every answer that does not set them itself."""


class AnswerCutOff(Exception):
    """An answer had begun when it failed."""


@dataclass(slots=True)
class Trace:
    """What is found out about a request while it is worked on, for the log."""

    principal: Principal | None = None


class Observe:
    """Wraps the whole app."""

    def __init__(self, app: ASGIApp, metrics: Metrics, logger: Logger) -> None:
        self.app = app
        self.metrics = metrics
        self.logger = logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, trace, begun = f"req_{uuid4().hex[:24]}", Trace(), time.perf_counter()
        scope.setdefault("state", {}).update(request_id=request_id, trace=trace)
        status, is_told, is_whole = 0, False, False

        def tell() -> None:
            nonlocal is_told
            if not is_told:
                is_told = True
                self._log_request(scope, request_id, trace, status, time.perf_counter() - begun)

        async def named(message: Message) -> None:
            nonlocal status, is_whole
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _headers(message["headers"], request_id)
            elif not message.get("more_body"):
                tell()  # before the answer ends, so that whoever has it finds it counted
                is_whole = True
            await send(message)

        try:
            await self.app(scope, receive, named)
        except ClientDisconnect:
            status = status or CLIENT_LEFT
        except Exception as error:
            self._log_failure(request_id, error)
            if not status:
                await problem_of_failure(error, scope)(scope, receive, named)
            elif not is_whole:
                raise AnswerCutOff from None  # the server must close the connection; what happened is logged
        finally:
            tell()

    def _log_request(self, scope: Scope, request_id: str, trace: Trace, status: int, seconds: float) -> None:
        operation, principal = operation_of(scope), trace.principal
        self.metrics.requests.labels(operation, str(status)).inc()
        self.metrics.seconds.labels(operation).observe(seconds)
        self.logger.info(
            "request",
            request_id=request_id,
            operation=operation,
            status=status,
            seconds=round(seconds, 6),
            key_id=principal.key_id if principal else None,
            role=principal.role.value if principal else None,
            livemode=principal.livemode if principal else None,
        )

    def _log_failure(self, request_id: str, error: Exception) -> None:
        """The error's class and where it arose; its message may quote what was sent."""
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.name}:{frame.lineno}" for frame in frames[-8:]]
        self.logger.error("failure", request_id=request_id, error=type(error).__name__, places=places)


def operation_of(scope: Scope) -> str:
    """The operation id (or the name) of the route that a request was for."""
    route = scope.get("route")
    return getattr(route, "operation_id", None) or getattr(route, "name", None) or UNMATCHED


def _headers(given: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in given}
    quiet = [(name, value) for name, value in QUIET_HEADERS.items() if name not in names]
    return [*given, *quiet, (REQUEST_ID_HEADER.lower().encode(), request_id.encode())]
