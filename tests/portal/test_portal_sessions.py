"""Sessions end by themselves and by signing out; forms count only from the session that they were made for."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from portal_world import Clock, PortalWorld, Visitor, standing, visit

from api.database.engine import unit_of_work
from api.database.tables import portal_session
from api.portal.endpoints import Portal

FORMS = {
    "/{language}/sign-out": {"sure": "yes"},
    "/{language}/consents/grant": {"choice": "credit:bank-a", "months": "6"},
    "/{language}/consents/withdraw": {"choice": "platform:platform"},
    "/{language}/recourse": {"decision_id": "0" * 32},
    "/{language}/recourse/done": {"offer_id": "r_0", "plan": "1"},
}


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.get("/portal/en/data").status_code == 200


def test_every_form_but_the_sign_in_is_tested_here(world: PortalWorld, clock: Clock) -> None:
    routes = Portal(home=world.home, passwords=None, clock=clock, answered_after_seconds=0).application().routes  # type: ignore[arg-type]
    posts = {route.path for route in routes if "POST" in route.methods}  # type: ignore[attr-defined]
    assert posts - {"/{language}/sign-in"} == FORMS.keys()


@pytest.mark.parametrize("path", ["/", "/data"])
def test_without_a_session_there_is_only_the_sign_in(visitor: Visitor, path: str) -> None:
    answer = visitor.get(f"/portal/zh{path}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/zh/sign-in")


@pytest.mark.parametrize("path", FORMS)
def test_without_a_session_no_form_counts(visitor: Visitor, world: PortalWorld, path: str) -> None:
    before = standing(world, world.graded)
    answer = visitor.post(f"/portal{path.format(language='en')}", {**FORMS[path], "csrf_token": "x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/en/sign-in")
    assert standing(world, world.graded) == before


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("kind", ["missing", "empty", "wrong", "another session's", "from elsewhere", "not ascii"])
def test_a_form_that_the_session_did_not_make_changes_nothing(
    visitor: Visitor, user: str, world: PortalWorld, clock: Clock, path: str, kind: str
) -> None:
    visitor.sign_in(user)
    other = visit(world.home, clock=clock)
    other.sign_in(user)
    tokens = {
        "missing": {},
        "empty": {"csrf_token": ""},
        "wrong": {"csrf_token": "A" * 43},
        "another session's": {"csrf_token": other.csrf_token()},
        "from elsewhere": {"csrf_token": visitor.csrf_token()},
        "not ascii": {"csrf_token": "ü" * 43},
    }
    headers = {"origin": "https://evil.invalid"} if kind == "from elsewhere" else {}
    before = standing(world, world.graded)
    answer = visitor.post(f"/portal{path.format(language='en')}", {**FORMS[path], **tokens[kind]}, headers=headers)
    assert answer.status_code == 403
    assert standing(world, world.graded) == before
    assert is_signed_in(visitor)


def test_signing_out_makes_the_token_worthless(visitor: Visitor, user: str, world: PortalWorld, clock: Clock) -> None:
    visitor.sign_in(user)
    thief = visit(world.home, clock=clock)
    thief.cookies = visitor.cookies.__class__(visitor.cookies)
    assert is_signed_in(thief)
    answer = visitor.post("/portal/en/sign-out", {"csrf_token": visitor.csrf_token()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/en/sign-in?why=left")
    assert 'millgrade=""' in answer.headers["set-cookie"]
    assert not is_signed_in(thief)
    assert not is_signed_in(visitor)


def test_a_session_ends_after_half_an_hour_unused(visitor: Visitor, user: str, clock: Clock) -> None:
    visitor.sign_in(user)
    for _ in range(3):
        clock.forward(minutes=29, seconds=59)
        assert is_signed_in(visitor)
    clock.forward(minutes=30)
    answer = visitor.get("/portal/en/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/en/sign-in?why=expired")
    clock.forward(minutes=-30)
    assert not is_signed_in(visitor)


def test_a_session_ends_after_twelve_hours_however_used(visitor: Visitor, user: str, clock: Clock) -> None:
    visitor.sign_in(user)
    for _ in range(25):
        clock.forward(minutes=28)
        assert is_signed_in(visitor)
    clock.forward(minutes=28)
    assert not is_signed_in(visitor)


def test_ended_sessions_are_forgotten(visitor: Visitor, user: str, clock: Clock, world: PortalWorld) -> None:
    visitor.sign_in(user)
    clock.forward(hours=13)
    visitor.sign_in(user)
    with unit_of_work(world.home.engine) as connection:
        assert not connection.scalars(sa.select(portal_session).where(portal_session.c.expires_time <= clock())).all()


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ü", "' OR 1=1 --"])
def test_an_invented_token_is_nobodys(visitor: Visitor, token: str) -> None:
    answer = visitor.get("/portal/en/", headers={"cookie": f"millgrade={token}".encode()})
    assert answer.status_code == 303


def test_each_session_has_tokens_of_its_own(visitor: Visitor, user: str, world: PortalWorld, clock: Clock) -> None:
    other = visit(world.home, clock=clock)
    visitor.sign_in(user)
    other.sign_in(user)
    assert visitor.csrf_token() != other.csrf_token()
    assert visitor.cookies["millgrade"] != other.cookies["millgrade"]


def test_whoever_is_signed_in_goes_past_the_form(visitor: Visitor, user: str) -> None:
    assert visitor.get("/portal/en/sign-in").status_code == 200
    visitor.sign_in(user)
    assert visitor.get("/portal/en/sign-in").headers["location"] == "/portal/en/"
