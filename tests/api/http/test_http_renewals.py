"""A fleet from its quote to its renewal with every amount to the fen; rounds of renewals and cover on demand by HTTP."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from http_world import NOW, World, cover, grant

from api import cli, cli_renewals
from api.consents.repository import PLATFORM, Purpose
from api.database.engine import unit_of_work
from api.insurance_policies import renewals, service
from api.insurance_policies.repository import KeptPolicy
from api.premium_quotes import repository as quotes
from data_contracts.identifiers import MachineUid, QuoteId

Command = Callable[..., tuple[int, str, str]]

BEGAN = datetime(2026, 3, 31, 16, tzinfo=UTC)
ENDED = datetime(2026, 5, 31, 16, tzinfo=UTC)
FIRST = {"as_of": BEGAN.isoformat(), "from": "2026-04-01", "to": "2026-05-31"}
NEXT = {"as_of": ENDED.isoformat(), "from": "2026-06-01", "to": "2026-07-31"}
TODAY = NOW.date()


def fen(amount: Decimal) -> int:
    return int(amount.to_integral_value(rounding=ROUND_HALF_EVEN))


def by_use(premium: int, hours: Any, expected: Any) -> int:
    """What hours make of a premium: elasticity 0.7, from 0.7 to 1.2 of it."""
    times = (Decimal(str(hours)) / Decimal(str(expected))) ** Decimal("0.7")
    return fen(min(max(premium * times, premium * Decimal("0.7")), premium * Decimal("1.2")))


def quoted(world: World, firm: str, **changes: Any) -> dict[str, Any]:
    answer = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=cover(firm, **changes))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["quote"]
    return told


def row_of(connection: sa.Connection, quote: dict[str, Any]) -> sa.Row[Any]:
    return quotes.load(connection, QuoteId(quote["quote_id"]))


def test_one_fleet_from_quote_to_renewal_to_the_fen(world: World) -> None:
    with unit_of_work(world.home.engine) as connection:
        grant(connection, world.own, PLATFORM, Purpose.PLATFORM, now=BEGAN - timedelta(days=1))
        grant(connection, world.own, "insurer-a", Purpose.INSURANCE, now=BEGAN - timedelta(days=1))
    quote, after = quoted(world, world.own, **FIRST), quoted(world, world.own, **NEXT)
    with unit_of_work(world.home.engine) as connection:
        policy = service.bind_quote(connection, world.home, row_of(connection, quote), by="test", now=BEGAN)
        premium, fleet = quote["gross_premium_minor"], len(quote["machines"])
        assert policy.state.premium_minor == premium
        a_day = Decimal(premium) / (61 * fleet)

        sold = MachineUid(str(policy.state.covers[0][0]))
        policy = endorsed(connection, policy, sold)
        change = policy.records[-1].facts["premium_change_minor"]
        assert change == -fen(a_day * 31)

        may = datetime(2026, 5, 2, tzinfo=UTC)
        policy = service.bill(connection, world.home, policy, date(2026, 4, 1), by="test", now=may)
        bill = policy.records[-1].facts
        april = fen(a_day * 30 * fleet)
        assert bill["due_minor"] == by_use(april, bill["hours"], bill["expected_hours"]) - april
        assert bill["due_minor"] != 0

        policy = claimed(connection, world, policy)
        assert policy.state.premium_minor == premium + change + bill["due_minor"]

        june = ENDED + timedelta(days=2)
        policy = service.settle(connection, world.home, policy, by="test", now=june)
        settled = policy.records[-1].facts
        whole = fen(a_day * (30 * fleet + 31 * (fleet - 1)))
        moved = settled["due_minor"] + bill["due_minor"]
        assert 0.7 * whole - 1 <= whole + moved <= 1.2 * whole + 1
        assert policy.state.premium_minor == premium + change + moved

        pairs = [renewals.Pair(policy=policy, quote=row_of(connection, after))]
        found, (following,) = renewals.renew_round(connection, world.home, pairs, by="test", now=june)
        (line,) = found.lines
        assert line.expiring_minor == premium  # the same machines, days and sums
        assert line.quoted_minor == line.technical_minor == after["gross_premium_minor"]  # one fleet: none to compare
        assert (line.fleet.credibility, line.fleet.factor) == (0.0, 1.0)
        assert line.fleet.own == pytest.approx(
            1 / (quote["filed"]["filed_rate"] * (30 * fleet + 31 * (fleet - 1)) / 365)
        )
        lowest, highest = math.ceil(premium * 0.8), math.floor(premium * 1.2)
        assert line.charged_minor == min(max(line.technical_minor, lowest), highest)
        assert found.unbalanced_minor == line.technical_minor - line.charged_minor
        bound = following.state.bound
        assert (bound.premium_minor, bound.starts) == (line.charged_minor, date(2026, 6, 1))
        assert bound.renewal is not None
        assert bound.renewal.technical_minor == line.technical_minor
    read = world.ask("GET", f"/v1/insurance-policies/{policy.policy_id}", key="insurer-a").json()["policy"]
    assert [record["step"] for record in read["records"]] == [
        "bound", "endorsed", "billed", "claimed", "trued_up", "renewed",
    ]  # fmt: skip
    assert read["next_policy_id"] == following.policy_id


def endorsed(connection: sa.Connection, policy: KeptPolicy, sold: MachineUid) -> KeptPolicy:
    when: dict[str, Any] = {"effective": date(2026, 5, 1), "now": datetime(2026, 4, 20, tzinfo=UTC)}
    return service.endorse(connection, policy, added=[], removed=[sold], reason="sold", by="test", **when)


def claimed(connection: sa.Connection, world: World, policy: KeptPolicy) -> KeptPolicy:
    loss: dict[str, Any] = {"machine": MachineUid(str(policy.state.covers[-1][0])), "day": date(2026, 5, 10)}
    told = {"amount_minor": 123_456, "currency": "CNY", "by": "test", "now": datetime(2026, 5, 12, tzinfo=UTC)}
    return service.claim(connection, world.home, policy, **loss, **told)


def ending(world: World, *, first_minor: int = 80_000_000, next_minor: int = 120_000_000) -> list[dict[str, str]]:
    """Policies of both firms, and the quotes that follow them; of other sums they are other policies."""
    with unit_of_work(world.home.engine) as connection:
        grant(connection, world.other, "insurer-a", Purpose.INSURANCE)
    pairs = []
    for firm in (world.own, world.other):
        last = TODAY + timedelta(days=89)
        days = {"from": TODAY.isoformat(), "to": last.isoformat()}
        first = quoted(world, firm, snapshot="fresh", sum_insured_minor=first_minor, **days)
        bound = world.ask("POST", "/v1/insurance-policies", key="insurer-a", json={"quote_id": first["quote_id"]})
        days = {"from": (last + timedelta(days=1)).isoformat(), "to": (last + timedelta(days=90)).isoformat()}
        more = quoted(world, firm, snapshot="fresh", sum_insured_minor=next_minor, **days)
        pairs.append({"policy_id": bound.json()["policy"]["policy_id"], "quote_id": more["quote_id"]})
    return pairs


def test_a_round_is_planned_then_bound(world: World) -> None:
    pairs = ending(world)
    asked = {"renewals": pairs}
    planned = world.ask("POST", "/v1/renewal-rounds", key="insurer-a", json=asked)
    assert planned.status_code == 201, planned.text
    told = planned.json()["round"]
    assert (told["is_bound"], [line["next_policy_id"] for line in told["lines"]]) == (False, [None, None])
    for line in told["lines"]:
        # the same rates on half as much again, 90 days of trend later: but for the fixed part, which does not grow
        grown = (line["expiring_minor"] - 9_000) * 1.02 ** (90 / 365) + 6_000
        assert line["quoted_minor"] == pytest.approx(grown, abs=3)
        assert abs(line["change_ratio"]) <= 0.2
    assert sum(line["charged_minor"] for line in told["lines"]) == sum(
        line["technical_minor"] for line in told["lines"]
    )
    bound = world.ask("POST", "/v1/renewal-rounds", key="insurer-a", json={**asked, "bind": True}).json()["round"]
    assert [line["charged_minor"] for line in bound["lines"]] == [line["charged_minor"] for line in told["lines"]]
    for line in bound["lines"]:
        read = world.ask("GET", f"/v1/insurance-policies/{line['next_policy_id']}", key="insurer-a").json()["policy"]
        assert read["premium_minor"] == line["charged_minor"]
        assert read["records"][0]["facts"]["renewal"]["quoted_minor"] == line["quoted_minor"]
    again = world.ask("POST", "/v1/renewal-rounds", key="insurer-a", json={**asked, "bind": True})
    assert (again.status_code, again.json()["code"]) == (409, "policy_forbids")


def test_a_round_is_of_one_cover_and_of_its_own_insurer(world: World) -> None:
    pairs = ending(world)
    twice = world.ask("POST", "/v1/renewal-rounds", key="insurer-a", json={"renewals": [pairs[0], pairs[0]]})
    assert twice.status_code == 422, twice.text
    crossed = {"renewals": [{**pairs[0], "quote_id": pairs[1]["quote_id"]}]}
    assert world.ask("POST", "/v1/renewal-rounds", key="insurer-a", json=crossed).status_code == 422
    assert world.ask("POST", "/v1/renewal-rounds", key="insurer-b", json={"renewals": pairs}).status_code == 404


def on_demand(world: World, quote: dict[str, Any], *periods: tuple[str, str, str]) -> Any:
    told = [{"site": site, "from": starts, "to": ends} for site, starts, ends in periods]
    asked = {"quote_id": quote["quote_id"], "periods": told}
    return world.ask("POST", "/v1/on-demand-premiums", key="insurer-a", json=asked)


def test_cover_on_demand_costs_its_days_at_its_site(world: World) -> None:
    quote = quoted(world, world.own, snapshot="fresh")
    answer = on_demand(world, quote, ("mine", "2027-01-01", "2027-03-31"), ("workshop", "2026-12-01", "2026-12-03"))
    assert answer.status_code == 201, answer.text
    told = answer.json()["on_demand"]
    rate = Decimal(quote["gross_premium_minor"]) / (365 * len(quote["machines"]))
    mine = fen(rate * 90 * Decimal("1.9"))
    assert [period["premium_minor"] for period in told["periods"]] == [max(5000, fen(rate * 3)), max(5000, mine)]
    assert told["premium_minor"] == sum(period["premium_minor"] for period in told["periods"])


@pytest.mark.parametrize(
    "periods",
    [
        [("mine", "2026-12-01", "2026-12-05"), ("workshop", "2026-12-05", "2026-12-06")],  # two sites on one day
        [("moon", "2026-12-01", "2026-12-05")],
        [("mine", "2026-12-05", "2026-12-01")],
        [("mine", "2026-11-01", "2026-12-01")],  # before the quote's days
    ],
)
def test_what_cover_on_demand_cannot_be_is_refused(world: World, periods: list[tuple[str, str, str]]) -> None:
    assert on_demand(world, quoted(world, world.own, snapshot="fresh"), *periods).status_code == 422


@pytest.fixture
def command(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`millgrade policy` on the world's home, at the world's time: exit code, standard output, standard error."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return NOW

    monkeypatch.setattr(cli_renewals, "datetime", Clock)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["millgrade", "policy", *arguments, "--home", str(world.home.root)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return call


def test_a_round_on_the_command_line_is_the_one_by_http(world: World, command: Command) -> None:
    pairs = ending(world, first_minor=85_000_000, next_minor=125_000_000)
    planned = world.ask("POST", "/v1/renewal-rounds", key="insurer-a", json={"renewals": pairs}).json()["round"]
    asked = ("renew-round", *(f"{pair['policy_id']}={pair['quote_id']}" for pair in pairs), "--by", "Li Na")
    code, out, err = command(*asked, "--json")
    assert (code, err) == (0, "")
    assert {key: value for key, value in json.loads(out).items() if key in planned} == planned
    code, out, _ = command(*asked)
    assert (code, "not bound" in out) == (0, True)
    for line in planned["lines"]:
        row = next(text for text in out.splitlines() if text.startswith(line["policy_id"]))
        assert f"{line['change_ratio']:+.1%}" in row
        assert f"{line['charged_minor'] / 100:,.2f}" in row
    code, out, _ = command(*asked, "--bind", "--json")
    bound = json.loads(out)
    assert (code, bound["is_bound"]) == (0, True)
    for line in bound["lines"]:
        path = f"/v1/insurance-policies/{line['next_policy_id']}"
        assert world.ask("GET", path, key="insurer-a").json()["policy"]["premium_minor"] == line["charged_minor"]
    code, out, err = command(*asked, "--bind")
    assert (code, out) == (2, "")
    assert "renewed" in err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("renew-round", "p1", "--by", "Li Na"), "names no quote"),
        (("renew-round", "p_nobody=q_nobody", "--by", "Li Na"), "p_nobody"),
        (("on-demand", "q_nobody", "mine:2026-12-01:2026-12-05"), "q_nobody"),
        (("on-demand", "QUOTE", "mine:2026-12-01"), "Write SITE:FROM:TO"),
        (("on-demand", "QUOTE", "mine:soon:2026-12-01"), "Write SITE:FROM:TO"),
        (("on-demand", "QUOTE", "moon:2026-12-01:2026-12-05"), "moon"),
        (("on-demand", "QUOTE", "mine:2026-11-01:2026-12-05"), "outside the quote's days"),
    ],
)
def test_a_mistake_on_the_command_line_is_named(
    world: World, command: Command, arguments: tuple[str, ...], word: str
) -> None:
    quote = quoted(world, world.own, snapshot="fresh")["quote_id"]
    code, out, err = command(*(quote if text == "QUOTE" else text for text in arguments))
    assert (code, out) == (2, "")
    assert word in err


def test_cover_on_demand_on_the_command_line_is_the_one_by_http(world: World, command: Command) -> None:
    quote = quoted(world, world.own, snapshot="fresh")
    days = (("mine", "2027-01-01", "2027-03-31"), ("workshop", "2026-12-01", "2026-12-03"))
    by_http = on_demand(world, quote, *days).json()["on_demand"]
    asked = ("on-demand", quote["quote_id"], *(":".join(period) for period in days))
    code, out, err = command(*asked, "--json")
    assert (code, err) == (0, "")
    assert {key: value for key, value in json.loads(out).items() if key in by_http} == by_http
    code, out, _ = command(*asked)
    assert code == 0
    for period in by_http["periods"]:
        row = next(text for text in out.splitlines() if text.startswith(period["site"]))
        assert f"{period['premium_minor'] / 100:,.2f}" in row
