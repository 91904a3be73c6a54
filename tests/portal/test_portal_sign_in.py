"""Signing in: right, wrong, unknown, locked; all but the first look and cost the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import pytest
import sqlalchemy as sa
from portal_world import CHEAP, HOST, PASSWORD, Clock, PortalWorld, Visitor, visit

from api.database.engine import unit_of_work
from api.database.tables import access_log, portal_session, portal_user
from api.portal.endpoints import CHECKS_WAITING, Portal
from api.portal.passwords import LANES, LONGEST, MEMORY_KIB, PASSES, Passwords, WeakPassword, production_passwords
from api.portal.sign_in import ATTEMPTS, InvalidSignInName, SignInNameTaken, change_password, create_user, sign_in
from data_contracts.errors import NotFound


@dataclass
class CountingHasher:
    """Argon2 that notes against which hashes it was asked to check."""

    kept: list[str] = field(default_factory=list)

    def hash(self, password: str) -> str:
        return CHEAP.hasher.hash(password)

    def verify(self, password: str, kept: str) -> bool:
        self.kept.append(kept)
        return CHEAP.hasher.verify(password, kept)


def kept_hash(world: PortalWorld, name: str) -> str:
    with unit_of_work(world.home.engine) as connection:
        return str(
            connection.scalar(sa.select(portal_user.c.password_hash).where(portal_user.c.sign_in_name == name.lower()))
        )


def test_the_right_password_begins_a_session(visitor: Visitor, user: str) -> None:
    answer = visitor.sign_in(user, language="zh")
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/zh/")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/portal"} <= {part.strip() for part in cookie.split(";")}
    assert visitor.get("/portal/zh/").status_code == 200


def test_names_are_compared_however_they_are_typed(visitor: Visitor, world: PortalWorld) -> None:
    world.add_user(world.graded, "Müller@Fabrik")
    assert visitor.sign_in("  MÜLLER＠fabrik ").status_code == 303


@pytest.mark.parametrize(
    ("origin", "headers", "is_secure"),
    [
        (f"http://{HOST}", {}, False),
        ("http://localhost:8080", {}, False),
        ("https://portal.bank.invalid", {}, True),
        ("http://portal.bank.invalid", {}, True),
        (f"http://{HOST}", {"x-forwarded-proto": "https"}, True),
        (f"http://{HOST}", {"forwarded": "proto=https"}, True),
    ],
)
def test_the_cookie_is_secure_but_on_plain_loopback(
    visitor: Visitor, user: str, origin: str, headers: dict[str, str], is_secure: bool
) -> None:
    visitor.origin = origin
    answer = visitor.post("/portal/en/sign-in", {"name": user, "password": PASSWORD}, headers=headers)
    cookie = answer.headers["set-cookie"]
    assert ("; Secure" in cookie, cookie.startswith("__Secure-")) == (is_secure, is_secure)
    assert ("strict-transport-security" in answer.headers) == origin.startswith("https")


def test_wrong_unknown_and_locked_are_told_alike(visitor: Visitor, user: str) -> None:
    wrong = [visitor.sign_in(user, "wrong password") for _ in range(ATTEMPTS)]
    answers = [*wrong, visitor.sign_in(user), visitor.sign_in("nobody at all"), visitor.sign_in("")]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert "set-cookie" not in answers[0].headers
    assert user not in answers[0].text


def test_every_sign_in_costs_one_check_of_the_same_kind(world: PortalWorld, clock: Clock, user: str) -> None:
    hasher: Any = CountingHasher()
    visitor = visit(world.home, clock=clock, passwords=Passwords(hasher))
    for _ in range(ATTEMPTS):
        visitor.sign_in(user, "wrong password")
    assert set(hasher.kept) == {kept_hash(world, user)}
    for name in (user, "nobody at all", "x" * 500):
        visitor.sign_in(name)
    assert len(hasher.kept) == ATTEMPTS + 3
    unheard = set(hasher.kept[ATTEMPTS:])
    assert kept_hash(world, user) not in unheard
    assert {kept.rsplit("$", 2)[0] for kept in hasher.kept} == {kept_hash(world, user).rsplit("$", 2)[0]}


def test_no_sign_in_is_answered_before_its_time(world: PortalWorld, clock: Clock, user: str) -> None:
    visitor = visit(world.home, clock=clock, wait_seconds=0.12)
    for name, password in ((user, PASSWORD), (user, "wrong password"), ("nobody at all", PASSWORD)):
        began = perf_counter()
        visitor.sign_in(name, password)
        assert perf_counter() - began >= 0.12


def test_five_wrong_attempts_lock_the_name_for_a_quarter_of_an_hour(visitor: Visitor, user: str, clock: Clock) -> None:
    for _ in range(ATTEMPTS):
        assert visitor.sign_in(user, "wrong password").status_code == 403
    assert visitor.sign_in(user).status_code == 403
    clock.forward(minutes=14, seconds=59)
    assert visitor.sign_in(user).status_code == 403
    clock.forward(seconds=1)
    assert visitor.sign_in(user).status_code == 303


def test_after_a_lock_the_count_begins_anew(visitor: Visitor, user: str, clock: Clock) -> None:
    for _ in range(ATTEMPTS):
        visitor.sign_in(user, "wrong password")
    clock.forward(minutes=15)
    for _ in range(ATTEMPTS - 1):
        visitor.sign_in(user, "wrong password")
    assert visitor.sign_in(user).status_code == 303


def test_a_right_password_forgets_the_wrong_ones(visitor: Visitor, user: str) -> None:
    for _ in range(3):
        for _ in range(ATTEMPTS - 1):
            assert visitor.sign_in(user, "wrong password").status_code == 403
        assert visitor.sign_in(user).status_code == 303


def test_many_attempts_at_once_are_no_way_around_the_count(world: PortalWorld, clock: Clock, user: str) -> None:
    hasher: Any = CountingHasher()
    passwords = Passwords(hasher)

    def attempt(_: int) -> str | None:
        return sign_in(world.home, sign_in_name=user, password="wrong password", passwords=passwords, now=clock())

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(attempt, range(36))) == {None}
    assert hasher.kept.count(kept_hash(world, user)) == ATTEMPTS


def test_a_sign_in_is_noted_for_the_firm_to_read(visitor: Visitor, user: str, world: PortalWorld) -> None:
    def noted() -> int:
        with unit_of_work(world.home.engine) as connection:
            own = (access_log.c.viewer == world.graded) & (access_log.c.what == "portal_sign_in")
            return int(connection.scalar(sa.select(sa.func.count()).select_from(access_log).where(own)) or 0)

    before = noted()
    visitor.sign_in(user, "wrong password")
    assert noted() == before
    visitor.sign_in(user)
    assert noted() == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.invalid"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_cannot_sign_anybody_in(visitor: Visitor, user: str, headers: dict[str, str]) -> None:
    answer = visitor.post("/portal/en/sign-in", {"name": user, "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_forms_of_any_other_kind_are_refused(visitor: Visitor, user: str) -> None:
    send = visitor.send
    path, right = "/portal/en/sign-in", {"name": user, "password": PASSWORD}
    urlencoded = {"content-type": "application/x-www-form-urlencoded"}
    assert send("POST", path, json=right).status_code == 422
    assert send("POST", path, files={"name": b"x"}).status_code == 422
    assert send("POST", path, data={**right, "more": "x" * 9000}).status_code == 422
    assert send("POST", path, content=b"name=a&name=b", headers=urlencoded).status_code == 422
    assert send("POST", path, content=b"&".join(b"f%d=1" % n for n in range(11)), headers=urlencoded).status_code == 422
    assert send("POST", path, content=b"name=%ff", headers=urlencoded).status_code == 422
    assert send("POST", path, content="name=ü".encode(), headers=urlencoded).status_code == 422


def test_a_crowd_at_the_door_is_told_to_come_back(world: PortalWorld, clock: Clock) -> None:
    class Crowd:
        tasks_waiting = CHECKS_WAITING

        def statistics(self) -> Crowd:
            return self

    crowd: Any = Crowd()
    portal = Portal(home=world.home, passwords=CHEAP, clock=clock, answered_after_seconds=0, checks=crowd)
    app: Any = portal.application()
    answer = Visitor(app).post("/en/sign-in", {"name": "anybody", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


def test_production_pays_the_full_price() -> None:
    kept = production_passwords().hash(PASSWORD)
    assert f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$" in kept
    assert MEMORY_KIB >= 19 * 1024
    assert PASSES >= 2
    assert PASSWORD not in kept


def test_sign_ins_are_checked_when_they_are_made(world: PortalWorld) -> None:
    world.add_user(world.graded, "taken")
    with pytest.raises(SignInNameTaken):
        world.add_user(world.graded, " TAKEN ")
    with pytest.raises(InvalidSignInName):
        world.add_user(world.graded, " ")
    with pytest.raises(NotFound):
        world.add_user(type(world.graded)("91999999MA0009999X"), "of nobody")
    for password in ("short", "x" * (LONGEST + 1)):
        with unit_of_work(world.home.engine) as connection, pytest.raises(WeakPassword):
            create_user(
                connection,
                obligor_id=world.graded,
                sign_in_name="new",
                password=password,
                now=Clock()(),
                passwords=CHEAP,
            )


def test_another_password_ends_the_lock_and_every_session(
    visitor: Visitor, user: str, world: PortalWorld, clock: Clock
) -> None:
    visitor.sign_in(user)
    stranger = visit(world.home, clock=clock)
    for _ in range(ATTEMPTS):
        stranger.sign_in(user, "wrong password")
    with unit_of_work(world.home.engine) as connection:
        change_password(connection, sign_in_name=user, password="another good password", passwords=CHEAP)
    assert visitor.get("/portal/en/").status_code == 303
    assert stranger.sign_in(user).status_code == 403
    assert stranger.sign_in(user, "another good password").status_code == 303
    with unit_of_work(world.home.engine) as connection, pytest.raises(NotFound):
        change_password(connection, sign_in_name="nobody at all", password=PASSWORD, passwords=CHEAP)


def test_neither_password_nor_token_is_kept(visitor: Visitor, user: str, world: PortalWorld) -> None:
    visitor.sign_in(user)
    token = next(iter(visitor.cookies.jar)).value
    assert token is not None
    assert len(token) >= 43
    with unit_of_work(world.home.engine) as connection:
        told = [str(row) for table in (portal_session, portal_user) for row in connection.execute(sa.select(table))]
    assert not any(token in row or PASSWORD in row for row in told)
