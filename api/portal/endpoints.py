"""The manufacturer's page over HTTP: sign in, read, give and withdraw consents, sign out. No script is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import anyio
import anyio.to_thread
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from api.consents.repository import Purpose
from api.errors import BodyTooLarge, InvalidConsent, OfferLapsed, RequestTimedOut, place_of
from api.home import Home
from api.http.limits import tell_under
from api.http.observe import CLIENT_LEFT
from api.http.problem import RETRY_SECONDS
from api.portal import pages, recourse, service, sessions
from api.portal.forms import InvalidForm, is_same_origin, read_form
from api.portal.headers import cookie_name, drop_session_cookie, guard, set_session_cookie
from api.portal.passwords import Passwords, production_passwords
from api.portal.sessions import Session
from api.portal.sign_in import LOCKED_FOR, sign_in
from data_contracts.errors import ConsentMissing, InputError, MillgradeError, NotFound
from risk_reports.wording.catalogue import Language

CHECKS_AT_ONCE = 2
CHECKS_WAITING = 20
"""Beyond so many sign-ins waiting, further ones are told to come back: checking a password is slow on purpose."""

ANSWERED_AFTER_SECONDS = 0.4
"""A sign-in is answered no sooner, so that the time tells nothing about the name."""

NOTICES = {
    service.Change.GRANTED.value: "page.grant.done",
    service.Change.NONE.value: "page.grant.standing",
    service.Change.WITHDRAWN.value: "page.withdraw.done",
}
ENDINGS = {"left": "page.sign_in.ended", "expired": "page.sign_in.expired"}
REFUSED: Mapping[type[MillgradeError], str] = {
    BodyTooLarge: "page.error.too_large",
    RequestTimedOut: "page.error.slow",
}
"""What the page says of a request that is refused before it is heard, or given up."""

FOREVER = "public, max-age=31536000, immutable"


def mount(
    app: FastAPI,
    home: Home,
    *,
    passwords: Passwords | None = None,
    clock: Callable[[], datetime] | None = None,
    answered_after_seconds: float = ANSWERED_AFTER_SECONDS,
) -> None:
    """Put the manufacturer's page of `home` under `/portal`. Tests give cheaper passwords, a fixed clock, no wait."""
    portal = Portal(
        home=home,
        passwords=passwords or production_passwords(),
        clock=clock or (lambda: datetime.now(UTC)),
        answered_after_seconds=answered_after_seconds,
    )
    app.add_route(pages.ROOT, portal.choose_language, include_in_schema=False, name="portal_root")
    app.mount(pages.ROOT, portal.application(), name="portal")
    tell_under(app, pages.ROOT, _refused)


@dataclass(frozen=True, kw_only=True)
class Portal:
    """The page's doors on one home."""

    home: Home
    passwords: Passwords
    clock: Callable[[], datetime]
    answered_after_seconds: float
    checks: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(CHECKS_AT_ONCE))

    def application(self) -> Starlette:
        """The page as an application of its own, with its own words for what goes wrong."""
        return Starlette(
            routes=[
                Route("/", self.choose_language),
                Route("/static/{name}", self.asset),
                Route("/{language}", self.start),
                Route("/{language}/", self.statement),
                Route("/{language}/data", self.data),
                Route("/{language}/sign-in", self.sign_in_form, methods=["GET"]),
                Route("/{language}/sign-in", self.sign_in, methods=["POST"]),
                Route("/{language}/sign-out", self.sign_out, methods=["POST"]),
                Route("/{language}/recourse", self.seek, methods=["POST"]),
                Route("/{language}/recourse/done", self.report_done, methods=["POST"]),
                Route("/{language}/consents/grant", self.grant, methods=["POST"]),
                Route("/{language}/consents/withdraw", self.withdraw, methods=["POST"]),
            ],
            exception_handlers={HTTPException: self.refuse, ClientDisconnect: _left, Exception: self.fail},
        )

    def choose_language(self, request: Request) -> Response:
        """To the page in the language that the browser asks for first."""
        return _redirect(request, f"{pages.ROOT}/{pages.path_of(_preferred(request))}/")

    def start(self, request: Request) -> Response:
        """To the page itself."""
        return _redirect(request, f"{pages.ROOT}/{pages.path_of(_language(request))}/")

    def asset(self, request: Request) -> Response:
        """Style sheet and mark."""
        name = request.path_params["name"]
        if name not in pages.ASSETS:
            raise HTTPException(404)
        headers = {"Cache-Control": FOREVER}
        return guard(request, Response(pages.asset(name), media_type=pages.ASSETS[name], headers=headers))

    def statement(self, request: Request) -> Response:
        """Grade, reasons, twelve months, coverage."""
        language, session = _language(request), self._session(request)
        if session is None:
            return self._to_sign_in(request, language)
        page = service.statement_page(self.home, session.obligor_id, language=language, now=self.clock())
        return _page(request, "statement.html", language, session=session, path="/", page=page)

    def data(self, request: Request) -> Response:
        """Who may see the data and who has looked."""
        language, session = _language(request), self._session(request)
        if session is None:
            return self._to_sign_in(request, language)
        return _page(
            request,
            "data.html",
            language,
            session=session,
            path="/data",
            page=service.data_page(self.home, session.obligor_id, language=language, now=self.clock()),
            notice=NOTICES.get(request.query_params.get("done", "")),
            months=service.GRANT_MONTHS,
        )

    def sign_in_form(self, request: Request) -> Response:
        """The form; whoever is signed in goes on to the page."""
        language = _language(request)
        if self._session(request) is not None:
            return _redirect(request, f"{pages.ROOT}/{pages.path_of(language)}/")
        return _sign_in_page(request, language, notice=ENDINGS.get(request.query_params.get("why", "")))

    async def sign_in(self, request: Request) -> Response:
        """A session for the right name and password; one answer for everything else."""
        language, began = _language(request), anyio.current_time()
        fields = await _form(request)
        if not is_same_origin(request):
            return _problem(request, language, 403, "page.error.stale_form")
        if self.checks.statistics().tasks_waiting >= CHECKS_WAITING:
            return _sign_in_page(request, language, status=503, trouble="page.sign_in.busy", retry_after="60")
        attempt = partial(
            sign_in,
            self.home,
            sign_in_name=fields.get("name", ""),
            password=fields.get("password", ""),
            passwords=self.passwords,
            now=self.clock(),
        )
        token = await anyio.to_thread.run_sync(attempt, limiter=self.checks)
        await anyio.sleep(max(0.0, began + self.answered_after_seconds - anyio.current_time()))
        if token is None:
            return _sign_in_page(request, language, status=403, trouble="page.sign_in.failed")
        response = _redirect(request, f"{pages.ROOT}/{pages.path_of(language)}/")
        set_session_cookie(request, response, token)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session, on both sides."""
        language = _language(request)
        checked = await self._checked(request, language)
        if isinstance(checked, Response):
            return checked
        session, _ = checked
        await run_in_threadpool(sessions.end, self.home, session)
        response = _redirect(request, f"{pages.ROOT}/{pages.path_of(language)}/sign-in?why=left")
        drop_session_cookie(request, response)
        return response

    async def seek(self, request: Request) -> Response:
        """Have it searched for what would change a lender's answer."""
        language = _language(request)
        checked = await self._checked(request, language)
        if isinstance(checked, Response):
            return checked
        session, fields = checked
        asked = partial(recourse.seek, self.home, session.obligor_id, fields.get("decision_id", ""), now=self.clock())
        return await self._recourse(request, language, asked)

    async def report_done(self, request: Request) -> Response:
        """Tell of a plan that it is done."""
        language = _language(request)
        checked = await self._checked(request, language)
        if isinstance(checked, Response):
            return checked
        session, fields = checked
        offer_id, plan = fields.get("offer_id", ""), fields.get("plan", "")
        told = partial(recourse.report_done, self.home, session.obligor_id, offer_id, plan, now=self.clock())
        return await self._recourse(request, language, told)

    async def _recourse(self, request: Request, language: Language, call: Callable[[], None]) -> Response:
        """Back to the plans once that is done; what the page did not offer is no form of it."""
        try:
            await run_in_threadpool(call)
        except (NotFound, InputError, OfferLapsed, ConsentMissing) as error:
            raise HTTPException(422) from error
        return _redirect(request, f"{pages.ROOT}/{pages.path_of(language)}/#recourse")

    async def grant(self, request: Request) -> Response:
        """Give a consent."""
        language = _language(request)
        checked = await self._checked(request, language)
        if isinstance(checked, Response):
            return checked
        session, fields = checked
        purpose, recipient = _choice(fields)
        months = {str(count): count for count in service.GRANT_MONTHS}.get(fields.get("months", ""))
        if months is None:
            raise HTTPException(422)
        call = partial(service.grant, recipient=recipient, purpose=purpose, months=months, now=self.clock())
        return await self._changed(request, language, partial(call, self.home, session.obligor_id))

    async def withdraw(self, request: Request) -> Response:
        """End a consent."""
        language = _language(request)
        checked = await self._checked(request, language)
        if isinstance(checked, Response):
            return checked
        session, fields = checked
        purpose, recipient = _choice(fields)
        call = partial(service.withdraw, recipient=recipient, purpose=purpose, now=self.clock())
        return await self._changed(request, language, partial(call, self.home, session.obligor_id))

    def refuse(self, request: Request, error: Exception) -> Response:
        """A page for what cannot be had or understood."""
        assert isinstance(error, HTTPException), "registered for these"
        known = {404: "page.error.not_found", 405: "page.error.not_found", 422: "page.error.invalid_form"}
        code = known.get(error.status_code, "page.error.failed")
        return _problem(request, _preferred(request), error.status_code, code, headers=error.headers)

    def fail(self, request: Request, _error: Exception) -> Response:
        """A page for what went wrong here; the error itself goes on to the log."""
        return _problem(request, _preferred(request), 500, "page.error.failed")

    def _session(self, request: Request) -> Session | None:
        return sessions.find(self.home, request.cookies.get(cookie_name(request)), now=self.clock())

    async def _checked(self, request: Request, language: Language) -> tuple[Session, Mapping[str, str]] | Response:
        """The session and the form's fields, or what is answered to a form that nobody here made."""
        fields = await _form(request)
        session = await run_in_threadpool(self._session, request)
        if session is None:
            return self._to_sign_in(request, language)
        if not is_same_origin(request) or not session.owns_form(fields.get("csrf_token", "")):
            return _problem(request, language, 403, "page.error.stale_form")
        return session, fields

    async def _changed(self, request: Request, language: Language, call: Callable[[], service.Change]) -> Response:
        """Back to the consents, with what became of the change."""
        try:
            done = await run_in_threadpool(call)
        except (NotFound, InvalidConsent) as error:
            raise HTTPException(422) from error
        return _redirect(request, f"{pages.ROOT}/{pages.path_of(language)}/data?done={done.value}")

    def _to_sign_in(self, request: Request, language: Language) -> Response:
        had_session = cookie_name(request) in request.cookies
        response = _redirect(
            request, f"{pages.ROOT}/{pages.path_of(language)}/sign-in{'?why=expired' if had_session else ''}"
        )
        if had_session:
            drop_session_cookie(request, response)
        return response


async def _form(request: Request) -> Mapping[str, str]:
    try:
        return await read_form(request)
    except (InvalidForm, BodyTooLarge) as error:
        raise HTTPException(422) from error


def _left(_request: Request, _error: Exception) -> Response:
    """Who hung up gets nothing more; the status is for the log."""
    return Response(status_code=CLIENT_LEFT)


def _choice(fields: Mapping[str, str]) -> tuple[Purpose, str]:
    """Purpose and recipient of a form's choice, `purpose:recipient`."""
    purpose, _, recipient = fields.get("choice", "").partition(":")
    if purpose not in set(Purpose) or not recipient.isprintable():
        raise HTTPException(422)
    return Purpose(purpose), recipient


def _language(request: Request) -> Language:
    try:
        return pages.PATHS[request.path_params["language"]]
    except KeyError as error:
        raise HTTPException(404) from error


def _preferred(request: Request) -> Language:
    """The language of the address, else the one that the browser asks for first, else English."""
    part = request.url.path.removeprefix(pages.ROOT).strip("/").split("/")[0]
    if part in pages.PATHS:
        return pages.PATHS[part]
    asked = request.headers.get("accept-language", "").lower()
    places = {path: asked.find(path) for path in pages.PATHS}
    named = [path for path, place in places.items() if place >= 0]
    return pages.PATHS[min(named, key=lambda path: places[path])] if named else Language.EN


def _redirect(request: Request, address: str) -> Response:
    return guard(request, RedirectResponse(address, status_code=303))


def _page(
    request: Request,
    template: str,
    language: Language,
    *,
    status: int = 200,
    session: Session | None = None,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response:
    body = pages.render(template, language, session=session, **values)
    return guard(request, HTMLResponse(body, status_code=status, headers=dict(headers or {})))


def _sign_in_page(
    request: Request,
    language: Language,
    *,
    status: int = 200,
    trouble: str | None = None,
    notice: str | None = None,
    retry_after: str | None = None,
) -> Response:
    return _page(
        request,
        "sign_in.html",
        language,
        status=status,
        headers={"Retry-After": retry_after} if retry_after else None,
        path="/sign-in",
        trouble=trouble,
        notice=notice,
        minutes=int(LOCKED_FOR.total_seconds() // 60),
    )


def _refused(error: MillgradeError, scope: Scope) -> Response:
    """A page for a request that took too long or is too large; whoever refuses it stands outside the page's doors."""
    request, status = Request(scope), place_of(type(error)).status
    code = REFUSED.get(type(error), "page.error.failed")
    headers = {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, RequestTimedOut) else None
    return _problem(request, _preferred(request), status, code, headers=headers)


def _problem(
    request: Request, language: Language, status: int, code: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    return _page(request, "problem.html", language, status=status, headers=headers, path="/", problem=code)
