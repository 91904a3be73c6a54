"""Pledges on SQLite and on PostgreSQL: races have one winner, and an answer tells the collision and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.database.tables import partner, pledge, pledge_claim
from api.errors import PledgeNotReviewed, PledgeNotStanding
from api.home import Home, open_home
from api.obligors import service as registration
from api.operations import evidence
from api.operations.audit.examine import audit
from api.pledges import service
from api.pledges.service import PledgeRequest
from data_contracts.evidence import verify
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.supply_chain.pledges.items import InvoiceItem, Item, ItemKind, MachineItem, OrderItem, Paper

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SELLER = ObligorId("91999999MA0001000T")
RIVALS = 64
MACHINE = MachineItem(maker="Sany", serial_number="SN-1", machine_uid=f"{SELLER}/VMC-01")
INVOICE = InvoiceItem(
    seller_id=SELLER, buyer_id="B", number="IN-0042", amount_minor=1_000_000, currency="CNY",
    issued_on=date(2026, 11, 18), order=Paper(number="PO-7", amount_minor=3_000_000),
)  # fmt: skip
ORDER = OrderItem(seller_id=SELLER, buyer_id="B", number="PO-7", amount_minor=3_000_000, currency="CNY")
KINDS = {MachineItem: ItemKind.MACHINE, InvoiceItem: ItemKind.INVOICE, OrderItem: ItemKind.ORDER}


@dataclass
class Registry:
    """A home whose partners pledge one firm's things."""

    home: Home

    def reserve(self, *items: Item, bank: str = "bank-a", now: datetime = NOW, live: bool = False) -> dict[str, Any]:
        request = PledgeRequest(obligor_id=SELLER, kinds=[KINDS[type(item)] for item in items], items=items)
        with unit_of_work(self.home.engine) as connection:
            return service.reserve(connection, self.home, request, partner=PartnerId(bank), livemode=live, now=now)

    def confirm(self, told: dict[str, Any], *, review: str | None = None, now: datetime = NOW) -> dict[str, Any]:
        with unit_of_work(self.home.engine) as connection:
            return service.confirm(connection, told["pledge_id"], review=review, now=now)

    def release(self, told: dict[str, Any], *, now: datetime = NOW) -> dict[str, Any]:
        with unit_of_work(self.home.engine) as connection:
            return service.release(connection, told["pledge_id"], now=now)


@pytest.fixture
def registry(tmp_path: Path, database_url: str) -> Iterator[Registry]:
    home = open_home(tmp_path / "home", database_url=database_url)
    with home.engine.begin() as connection:
        registration.register(connection, [SELLER], now=NOW)
        for name in ("bank-a", "bank-b"):
            connection.execute(partner.insert().values(partner_id=name, name=name, kind="bank", created_time=NOW))
    yield Registry(home)
    home.engine.dispose()


def race(works: list[Callable[[], Any]]) -> list[Any]:
    """Every work in a thread of its own, all let go at once."""
    gate = Barrier(len(works))

    def go(work: Callable[[], Any]) -> Any:
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(go, works))


def test_of_64_rivals_one_is_confirmed(registry: Registry) -> None:
    def rival(number: int) -> str:
        told = registry.reserve(replace(MACHINE, serial_number="sn 01"), INVOICE, bank=f"bank-{'ab'[number % 2]}")
        return "refused" if told["status"] == "refused" else str(registry.confirm(told)["status"])

    ended = race([lambda number=number: rival(number) for number in range(RIVALS)])  # type: ignore[misc]
    assert Counter(ended) == {"confirmed": 1, "refused": RIVALS - 1}
    with registry.home.engine.begin() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(pledge)) == RIVALS
        assert connection.scalar(sa.select(sa.func.count(sa.distinct(pledge_claim.c.pledge_id)))) == 1


def test_rivals_for_parts_of_an_order_take_its_value_and_no_more(registry: Registry) -> None:
    def part(number: int) -> str:
        invoice = replace(
            INVOICE, number=f"Z-{number * 1000}", amount_minor=400_000, issued_on=date(2026, 1 + number % 12, 9)
        )
        return str(registry.reserve(invoice)["status"])

    ended = Counter(race([lambda number=number: part(number) for number in range(24)]))  # type: ignore[misc]
    assert ended == {"reserved": 7, "refused": 17}  # 7 x 4,000.00 of 30,000.00


def test_a_reservation_lapses_and_whoever_confirms_too_late_is_told(registry: Registry) -> None:
    first = registry.reserve(MACHINE)
    later = datetime.fromisoformat(first["expires_time"])
    assert registry.reserve(MACHINE, now=later - timedelta(seconds=1))["status"] == "refused"
    second = registry.reserve(MACHINE, bank="bank-b", now=later)
    assert second["status"] == "reserved"
    with pytest.raises(PledgeNotStanding):
        registry.confirm(first, now=later - timedelta(seconds=1))  # its clock was read before it waited
    assert registry.confirm(second, now=later)["status"] == "confirmed"


def test_a_confirmation_and_a_lapse_at_one_moment_leave_one_holder(registry: Registry) -> None:
    first = registry.reserve(MACHINE)
    later = datetime.fromisoformat(first["expires_time"])

    def confirm() -> str:
        try:
            return str(registry.confirm(first, now=later - timedelta(microseconds=1))["status"])
        except PledgeNotStanding:
            return "late"

    ended = race([confirm, lambda: registry.reserve(MACHINE, bank="bank-b", now=later)["status"]])
    assert ended in (["confirmed", "refused"], ["late", "reserved"])


def test_what_is_released_can_be_pledged_again(registry: Registry) -> None:
    first = registry.confirm(registry.reserve(MACHINE, INVOICE))
    assert registry.reserve(MACHINE)["status"] == "refused"
    assert registry.release(first)["status"] == "released"
    assert registry.release(first, now=NOW + timedelta(days=1))["ended_time"] == NOW.isoformat()
    assert registry.confirm(registry.reserve(MACHINE, INVOICE, bank="bank-b"))["status"] == "confirmed"


def test_all_or_nothing(registry: Registry) -> None:
    registry.reserve(MACHINE)
    refused = registry.reserve(INVOICE, MACHINE, bank="bank-b")
    assert [item["collisions"] for item in refused["items"]] == [[], ["same_machine"]]
    assert registry.reserve(INVOICE)["status"] == "reserved"


def test_likeness_needs_a_person_also_between_two_of_one_moment(registry: Registry) -> None:
    other = replace(INVOICE, number="ZZ-77", order=None)
    first, second = race([lambda: registry.reserve(replace(INVOICE, order=None)), lambda: registry.reserve(other)])
    assert {first["status"], second["status"]} == {"reserved"}
    with pytest.raises(PledgeNotReviewed):
        registry.confirm(second)
    told = registry.confirm(second, review="Two deliveries of one day; both notes seen.")
    assert (told["status"], told["review"]) == ("confirmed", "Two deliveries of one day; both notes seen.")
    with pytest.raises(PledgeNotReviewed):
        registry.confirm(first)
    assert registry.confirm(second)["status"] == "confirmed"  # again, the same


def test_an_answer_tells_the_collision_and_nothing_else(registry: Registry) -> None:
    """Whoever holds it, reserved or confirmed, alone or with more: the same bytes, after the same statements. (Those of
    the log are left out: they follow its size, which everybody may know.)"""
    answers, statements = [], []
    for holder, is_confirmed, also in (
        ("bank-a", False, ()), ("bank-b", False, ()), ("bank-a", True, ()), ("bank-b", True, (ORDER,)),
    ):  # fmt: skip
        held = registry.reserve(INVOICE, *also, bank=holder)
        if is_confirmed:
            held = registry.confirm(held)
        said: list[str] = []

        def note(*arguments: Any, said: list[str] = said) -> None:
            if "log_" not in arguments[2]:
                said.append(arguments[2])

        sa.event.listen(registry.home.engine, "before_cursor_execute", note)
        told = registry.reserve(replace(INVOICE, order=None), bank="bank-a")
        sa.event.remove(registry.home.engine, "before_cursor_execute", note)
        assert told.pop("pledge_id") != held["pledge_id"]
        answers.append(json.dumps(told))
        statements.append(tuple(said))
        registry.release(held)
    assert len(set(answers)) == 1
    assert len(set(statements)) == 1
    assert "bank-b" not in answers[0]


def test_live_and_test_do_not_meet(registry: Registry) -> None:
    registry.confirm(registry.reserve(MACHINE))
    assert registry.reserve(MACHINE, live=True)["status"] == "reserved"


def test_everything_about_pledges_is_logged_and_a_change_is_found(registry: Registry) -> None:
    first = registry.confirm(registry.reserve(MACHINE, INVOICE))
    registry.reserve(MACHINE)
    registry.release(first)
    registry.reserve(MACHINE)
    registry.reserve(MACHINE, now=NOW + timedelta(days=1))  # the one before lapses
    signed = evidence.sign(registry.home, since=None, now=NOW + timedelta(days=1))
    keys, checkpoint = verify.parse_keys("\n".join(signed["keys"])), verify.parse_checkpoint(signed["text"])
    with unit_of_work(registry.home.engine) as connection:
        assert list(audit(connection, registry.home, checkpoint=checkpoint, keys=keys).discrepancies) == []
        connection.execute(pledge_claim.update().values(amount=pledge_claim.c.amount - 1))
        found = audit(connection, registry.home, checkpoint=checkpoint, keys=keys).discrepancies
        assert {item.kind for item in found} == {"pledge"}
