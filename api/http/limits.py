"""What a request may cost, and the middleware that holds it to that: bytes of the body, seconds until the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BodyTooLarge, RequestTimedOut
from api.http.problem import problem_of
from data_contracts.errors import MillgradeError

TELEMETRY_PATH = "/v1/telemetry"

Tell = Callable[[MillgradeError, Scope], Response]
"""How an error is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request."""

    body_bytes: int = 64 * 1024
    telemetry_bytes: int = 8 * 1024 * 1024
    seconds: float = 30.0

    def bytes_of(self, path: str) -> int:
        """How many bytes a body that is sent to `path` may have."""
        return self.telemetry_bytes if path == TELEMETRY_PATH else self.body_bytes


def tell_under(app: Starlette, root: str, tell: Tell) -> None:
    """Have what is refused here below the path `root` answered by `tell`; everything else is a problem in JSON."""
    app.state.told_under = {**_told_under(app), root: tell}


def _told_under(app: Starlette) -> dict[str, Tell]:
    told: dict[str, Tell] = getattr(app.state, "told_under", {})
    return told


def _tell(scope: Scope) -> Tell:
    """How to refuse a request, found before it is routed: a mounted app puts itself in the place of this one."""
    path = scope["path"]
    found = (tell for root, tell in _told_under(scope["app"]).items() if f"{path}/".startswith(f"{root}/"))
    return next(found, problem_of)


class LimitBody:
    """Refuses a body above the limit as soon as it is known: by its declared length, else while it comes in."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limits.bytes_of(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _tell(scope)(_too_large(limit), scope)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, counted, send)


class LimitTime:
    """Answers 503 when the limit is over. What is still at work then is not committed (see `Call.begin`)."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_over, has_begun, tell = False, False, _tell(scope)

        async def send_in_time(message: Message) -> None:
            nonlocal has_begun
            if not is_over:
                has_begun = True
                await send(message)

        async def work() -> None:
            await self.app(scope, receive, send_in_time)

        task = asyncio.create_task(work())
        try:
            done, _ = await asyncio.wait({task}, timeout=self.limits.seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done or has_begun:
            await task
            return
        is_over = True
        self._late.add(task)  # a thread cannot be stopped; its transaction looks at the clock before it commits
        task.add_done_callback(self._forget)
        await tell(timed_out(self.limits.seconds), scope)(scope, receive, send)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()


def timed_out(seconds: float) -> RequestTimedOut:
    """What is told when a request takes too long."""
    return RequestTimedOut(
        f"No answer was ready within {seconds:g} seconds.",
        hint="Ask again; with the same Idempotency-Key the effect happens once, whatever became of this request.",
    )


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body has more than {limit:,} bytes.", hint="Send it in several requests.")
