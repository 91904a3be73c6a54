"""Headers and cookies that keep the page to itself."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from api.portal.sessions import LONGEST_SESSION

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Browsers send Origin with forms only where some referrer may be told.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
PERSONAL = "no-store"
STRICT_TRANSPORT = "max-age=31536000"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
COOKIE_PATH = "/portal"


def is_secure(request: Request) -> bool:
    """Whether cookies must keep to https: always, but where the page is served on loopback without a proxy."""
    is_proxied = any(name in request.headers for name in FORWARDED)
    return is_proxied or request.url.scheme == "https" or request.url.hostname not in LOOPBACK


def cookie_name(request: Request) -> str:
    """The session cookie's name; its prefix makes browsers insist on https."""
    return "__Secure-millgrade" if is_secure(request) else "millgrade"


def set_session_cookie(request: Request, response: Response, token: str) -> None:
    """Hand the session's token to the browser."""
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=int(LONGEST_SESSION.total_seconds()),
        path=COOKIE_PATH,
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_session_cookie(request: Request, response: Response) -> None:
    """Take the token back."""
    response.delete_cookie(
        cookie_name(request), path=COOKIE_PATH, secure=is_secure(request), httponly=True, samesite="lax"
    )


def guard(request: Request, response: Response) -> Response:
    """The response with every security header; not to be stored unless it says otherwise."""
    response.headers.update(SECURITY_HEADERS)
    response.headers.setdefault("Cache-Control", PERSONAL)
    if request.url.scheme == "https":
        response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
    return response
