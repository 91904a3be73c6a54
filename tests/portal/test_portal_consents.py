"""Giving and withdrawing consents on the page: only one's own, only to those who can use them, at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from portal_world import NOW, Clock, PortalWorld, Visitor, standing

from api.access_log import repository as access_log
from api.consents import repository as consent_rows
from api.consents.access import visible_obligors
from api.consents.repository import NOT_FOR_LIVE, OBLIGOR_TEST, OPERATOR_DECLARED, Purpose
from api.database.engine import unit_of_work
from api.database.tables import consent
from api.keys.principal import Principal, Role
from api.partners.repository import LOCAL
from api.portal.service import GRANTED_HERE, data_page, grant, statement_page
from api.snapshots.service import take_snapshot
from benchmarks.page_parts import Page
from data_contracts.errors import ConsentMissing
from data_contracts.identifiers import ObligorId, PartnerId
from risk_reports.wording.catalogue import Language, wording

SAY = wording(Language.EN).say
LIVE_BANK = Principal(key_id="live", role=Role.BANK, livemode=True, partner_id=PartnerId("bank-a"), obligor_id=None)


def enter(visitor: Visitor, world: PortalWorld, number: int) -> str:
    """Sign in for a firm that no other test touches; the form's token."""
    name = f"consents-{number}"
    world.add_user(world.others[number], name)
    visitor.sign_in(name)
    return visitor.csrf_token()


def change(visitor: Visitor, what: str, token: str, **fields: str) -> int:
    return visitor.post(f"/portal/en/consents/{what}", {"csrf_token": token, **fields}).status_code


def test_a_consent_is_given_for_the_time_chosen_and_withdrawn_at_once(visitor: Visitor, world: PortalWorld) -> None:
    token, firm = enter(visitor, world, 1), world.others[1]
    assert change(visitor, "grant", token, choice="credit:bank-a", months="6") == 303
    with unit_of_work(world.home.engine) as connection:
        row = connection.execute(
            sa.select(consent).where(consent.c.obligor_id == firm, consent.c.recipient == "bank-a")
        ).one()
    assert (row.mark, row.purpose, row.granted_time) == (GRANTED_HERE, "credit", NOW)
    assert row.expires_time == datetime(2027, 5, 21, 9, tzinfo=UTC)
    page = visitor.get("/portal/en/data?done=granted").text
    assert SAY("page.grant.done") in page
    assert "苏州农商银行" in page
    assert "21 May 2027" in page
    assert change(visitor, "withdraw", token, choice="credit:bank-a") == 303
    assert ("bank-a", "credit") not in standing(world, firm)
    assert SAY("page.past.title") in visitor.get("/portal/en/data").text


def test_a_consent_is_given_once(visitor: Visitor, world: PortalWorld) -> None:
    token, firm = enter(visitor, world, 2), world.others[2]
    for _ in range(3):
        assert change(visitor, "grant", token, choice="insurance:insurer-a", months="3") == 303
    with unit_of_work(world.home.engine) as connection:
        rows = connection.execute(sa.select(consent).where(consent.c.obligor_id == firm)).all()
    assert sum(row.recipient == "insurer-a" for row in rows) == 1


def declare(world: PortalWorld, firm: ObligorId, recipient: str, *, mark: str = OPERATOR_DECLARED) -> None:
    """What the operator, or a test key, said for a firm."""
    purpose = Purpose.PLATFORM if recipient == consent_rows.PLATFORM else Purpose.CREDIT
    with unit_of_work(world.home.engine) as connection:
        consent_rows.declare(connection, [firm], recipient=recipient, purpose=purpose, now=NOW, mark=mark)


def offered(visitor: Visitor) -> dict[str, str]:
    """What the form offers to give: its words by its value."""
    page = Page(visitor.get("/portal/en/data").text)
    return {
        str(item.attributes["value"]): item.text for item in page.all("option") if ":" in str(item.attributes["value"])
    }


def notice(visitor: Visitor, token: str, **fields: str) -> str:
    """What the page says after a consent was given on it."""
    answer = visitor.post("/portal/en/consents/grant", {"csrf_token": token, **fields})
    page = Page(visitor.get(answer.headers["location"]).text)
    return next(item.text for item in page.all("p") if item.attributes.get("role") == "status")


@pytest.mark.parametrize(("mark", "number"), [(OPERATOR_DECLARED, 12), (OBLIGOR_TEST, 13)])
def test_what_was_said_for_a_firm_becomes_its_own_word_when_it_confirms(
    visitor: Visitor, world: PortalWorld, mark: str, number: int
) -> None:
    token, firm = enter(visitor, world, number), world.others[number]
    declare(world, firm, "bank-a", mark=mark)
    choice = SAY("page.grant.choice", recipient="苏州农商银行", purpose=SAY("page.purpose.credit"))
    assert offered(visitor)["credit:bank-a"] == SAY(f"page.grant.confirm.{mark}", choice=choice)
    assert unconfirmed(visitor) >= {"苏州农商银行", SAY("page.consents.platform")}
    assert firm not in seen_live(world)
    for recipient in ("platform:platform", "credit:bank-a"):
        assert notice(visitor, token, choice=recipient, months="6") == SAY("page.grant.done")
        assert recipient not in offered(visitor)
    assert firm in seen_live(world)
    assert unconfirmed(visitor) == {SAY("page.looks.operator")}
    assert "21 May 2027" in visitor.get("/portal/en/data").text


def unconfirmed(visitor: Visitor) -> set[str]:
    """Whose cards say that the firm has not confirmed them."""
    page = visitor.get("/portal/en/data").text
    cards = re.findall(r"<article.*?</article>", page, re.DOTALL)
    return {re.findall(r"<h3[^>]*>(.*?)</h3>", card)[0] for card in cards if SAY("page.consents.unconfirmed") in card}


def seen_live(world: PortalWorld) -> set[str]:
    """Whom a live key of bank-a may see."""
    with unit_of_work(world.home.engine) as connection:
        return set(connection.scalars(visible_obligors(LIVE_BANK, now=NOW)))


def test_a_firms_own_word_takes_the_place_of_the_operators(visitor: Visitor, world: PortalWorld) -> None:
    """Else a bank would see it, with a test key, beyond the time that it chose."""
    token, firm = enter(visitor, world, 14), world.others[14]
    declare(world, firm, "bank-a")
    declare(world, firm, "bank-x")
    assert change(visitor, "grant", token, choice="credit:bank-a", months="3") == 303
    with unit_of_work(world.home.engine) as connection:
        rows = connection.execute(sa.select(consent).where(consent.c.obligor_id == firm)).all()
    standing = {(row.recipient, row.mark) for row in rows if row.withdrawn_time is None and row.recipient != LOCAL}
    assert standing == {("platform", OPERATOR_DECLARED), ("bank-a", GRANTED_HERE), ("bank-x", OPERATOR_DECLARED)}
    told = Page(visitor.get("/portal/en/data").text).all("td")
    assert SAY("page.consents.on", how=SAY("page.mark.operator_declared"), day="21 November 2026") in [
        item.text for item in told
    ]


def test_giving_again_what_was_given_says_that_nothing_was_changed(visitor: Visitor, world: PortalWorld) -> None:
    token = enter(visitor, world, 15)
    assert notice(visitor, token, choice="credit:bank-a", months="6") == SAY("page.grant.done")
    assert notice(visitor, token, choice="credit:bank-a", months="12") == SAY("page.grant.standing")


@pytest.mark.parametrize("language", list(Language))
def test_whatever_no_live_key_rests_on_can_be_confirmed_in_words(language: Language) -> None:
    codes = wording(language).sentences
    assert [mark for mark in NOT_FOR_LIVE if f"page.grant.confirm.{mark}" not in codes] == []


def test_withdrawing_ends_every_consent_of_that_kind(visitor: Visitor, world: PortalWorld, clock: Clock) -> None:
    token, firm = enter(visitor, world, 3), world.others[3]
    with unit_of_work(world.home.engine) as connection:
        twice = [
            {"consent_id": f"twice-{n}", "obligor_id": firm, "recipient": "bank-a", "purpose": "credit",
             "streams": ["*"], "granted_time": NOW, "mark": "operator_declared"} for n in range(2)
        ]  # fmt: skip
        connection.execute(consent.insert(), twice)
    page = visitor.get("/portal/en/data").text
    assert page.count('name="choice" value="credit:bank-a"') == 1
    assert change(visitor, "withdraw", token, choice="credit:bank-a") == 303
    assert ("bank-a", "credit") not in standing(world, firm)


@pytest.mark.parametrize(
    "fields",
    [
        {"choice": "credit:nobody", "months": "6"},
        {"choice": "insurance:bank-a", "months": "6"},
        {"choice": "credit:insurer-a", "months": "6"},
        {"choice": "platform:bank-a", "months": "6"},
        {"choice": "credit:platform", "months": "6"},
        {"choice": "snooping:bank-a", "months": "6"},
        {"choice": "credit:bank-a", "months": "7"},
        {"choice": "credit:bank-a", "months": "-6"},
        {"choice": "credit:bank-a"},
        {"choice": "credit:bank\x00a", "months": "6"},
        {"choice": "credit", "months": "6"},
        {"months": "6"},
    ],
)
def test_what_nobody_could_choose_is_not_granted(
    visitor: Visitor, user: str, world: PortalWorld, fields: dict[str, str]
) -> None:
    visitor.sign_in(user)
    before = standing(world, world.graded)
    assert change(visitor, "grant", visitor.csrf_token(), **fields) == 422
    assert standing(world, world.graded) == before


def test_nobody_withdraws_for_another_firm(visitor: Visitor, world: PortalWorld) -> None:
    token = enter(visitor, world, 4)
    other = world.others[5]
    grant(world.home, other, recipient="bank-x", purpose=Purpose.CREDIT, months=3, now=NOW)
    assert change(visitor, "withdraw", token, choice="credit:bank-x") == 422
    assert change(visitor, "withdraw", token, choice="credit:bank-x", obligor_id=other) == 422
    assert ("bank-x", "credit") in standing(world, other)


def test_without_the_platforms_consent_nothing_is_computed_until_it_is_given_again(
    visitor: Visitor, world: PortalWorld
) -> None:
    token, firm = enter(visitor, world, 6), world.others[6]
    assert change(visitor, "withdraw", token, choice="platform:platform") == 303
    page = visitor.get("/portal/en/").text
    assert SAY("page.paused.title") in page
    assert "<data" not in page
    assert "<svg" not in page
    with unit_of_work(world.home.engine) as connection, pytest.raises(ConsentMissing):
        take_snapshot(connection, world.home, firm, as_of=NOW, now=NOW)
    assert change(visitor, "grant", token, choice="platform:platform", months="3") == 303
    assert SAY("page.grade.title") in visitor.get("/portal/en/").text
    assert statement_page(world.home, firm, language=Language.EN, now=NOW).is_paused is False


def test_a_platform_consent_has_no_end(world: PortalWorld, visitor: Visitor) -> None:
    token, firm = enter(visitor, world, 7), world.others[7]
    change(visitor, "withdraw", token, choice="platform:platform")
    change(visitor, "grant", token, choice="platform:platform", months="3")
    with unit_of_work(world.home.engine) as connection:
        rows = connection.execute(
            sa.select(consent).where(consent.c.obligor_id == firm, consent.c.purpose == "platform")
        ).all()
    assert [row.expires_time for row in rows if row.withdrawn_time is None] == [None]


def test_a_month_without_that_day_ends_on_its_last(world: PortalWorld) -> None:
    firm, now = world.others[8], datetime(2026, 11, 30, 9, tzinfo=UTC)
    grant(world.home, firm, recipient="bank-a", purpose=Purpose.CREDIT, months=3, now=now)
    with unit_of_work(world.home.engine) as connection:
        ends = connection.scalar(
            sa.select(consent.c.expires_time).where(consent.c.obligor_id == firm, consent.c.recipient == "bank-a")
        )
    assert ends == datetime(2027, 2, 28, 9, tzinfo=UTC)


def test_an_expired_consent_stands_among_the_ended(world: PortalWorld) -> None:
    firm = world.others[9]
    grant(world.home, firm, recipient="bank-a", purpose=Purpose.CREDIT, months=3, now=NOW)
    later = datetime(2027, 2, 21, 9, tzinfo=UTC)
    page = data_page(world.home, firm, language=Language.EN, now=later)
    assert [item.recipient for item in page.ended] == ["苏州农商银行"]
    assert "bank-a" in [choice.recipient_id for choice in page.choices]


def test_who_looked_is_listed_newest_first_for_the_firm_alone(visitor: Visitor, world: PortalWorld) -> None:
    firm, other = world.others[10], world.others[11]
    with unit_of_work(world.home.engine) as connection:
        for viewer, what in (("bank-a", "score"), ("insurer-a", "premium_quote"), ("operator", "something_new")):
            access_log.append(connection, firm, viewer=viewer, role="bank", what=what, now=NOW)
        access_log.append(connection, other, viewer="bank-x", role="bank", what="score", now=NOW)
    world.add_user(firm, "looks")
    visitor.sign_in("looks")
    page = visitor.get("/portal/en/data").text
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td></tr>', page[page.index("looks-table") :])
    assert rows == [
        (SAY("page.looks.you"), SAY("page.look.portal_sign_in")),
        (SAY("page.looks.operator"), SAY("page.look.other", what="something_new")),
        ("Harbour Insurance", SAY("page.look.premium_quote")),
        ("苏州农商银行", SAY("page.look.score")),
    ]
