"""A kept book of a lender is what would be read anew, on SQLite and PostgreSQL, whichever process took the news in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from stdnum.cn import uscc

from api.consents import repository as consents
from api.consents.repository import Purpose
from api.credit_decisions import core_enterprises, kept_books
from api.credit_decisions.kept_books import Shelf
from api.database.engine import unit_of_work
from api.database.tables import consent, partner
from api.home import Home, open_home
from api.operations.keeping import erase
from api.operations.partners import name_lender
from api.telemetry.service import ingest_file
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.mapping import load_mapping
from scoring.core_enterprises import OnCoreEnterprises
from scoring.records import CreditProduct, CreditRequest

NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
BANK = PartnerId("bank-a")
LENDER = "Bank A"
CODES = [f"91999999MA{number:07}" for number in range(7)]
*FIRMS, STRANGER = (ObligorId(code + uscc.calc_check_digit(code)) for code in CODES)
APPLICANT, OWING, *_ = FIRMS
CORE = "91999999MA0009998R"

FACILITY = "obligor_id,facility_id,event_time,lender_id,facility_kind,purpose,amount_minor,currency,rate_per_year,instalments,recorded_time"
INVOICE = "obligor_id,invoice_id,event_time,status,buyer_id,amount_minor,tax_minor,currency,recorded_time"
PAID = "obligor_id,facility_id,instalment,event_time,due_date,amount_due_minor,amount_paid_minor,currency,paid_date,recorded_time"
BEFORE = "2026-05-01T00:00:00Z"


def loan(firm: str, minor: int = 400, *, recorded: str = BEFORE, lender: str = LENDER) -> str:
    return f"{firm},F1,2026-05-01T00:00:00Z,{lender},term_loan,working_capital,{minor},CNY,0,4,{recorded}"


def sale(firm: str, number: int, minor: int = 100, *, recorded: str = BEFORE) -> str:
    return f"{firm},I{number},2026-05-01T00:00:00Z,issued,{CORE},{minor},13,CNY,{recorded}"


def paid(firm: str, *, recorded: str = BEFORE) -> str:
    return f"{firm},F1,1,2026-05-01T00:00:00Z,2026-05-01,100,100,CNY,2026-05-01,{recorded}"


@pytest.fixture
def home(tmp_path: Path, database_url: str, read: list[list[str]]) -> Iterator[Home]:
    """Of six firms that consent to the bank five owe it 400 each, and all sell to one core enterprise."""
    del read
    home = open_home(tmp_path / "home", database_url=database_url)
    take_in(home, tmp_path, "facility", [FACILITY, *(loan(firm) for firm in FIRMS[1:])])
    take_in(home, tmp_path, "invoice", [INVOICE, *(sale(firm, 1) for firm in FIRMS)])
    with home.engine.begin() as connection:
        connection.execute(partner.insert().values(partner_id=BANK, name=BANK, kind="bank", created_time=NOW))
        consents.declare(connection, FIRMS, recipient=BANK, purpose=Purpose.CREDIT, now=NOW)
    name_lender(home, BANK, LENDER, now=NOW)
    yield home
    home.engine.dispose()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Of whom debts were read out of ledgers, a list for each time."""
    found, truly = list[list[str]](), core_enterprises._Ledgers.debtors

    def noted(self: Any, obligors: Sequence[str]) -> Any:
        found.append(list(obligors))
        return truly(self, obligors)

    monkeypatch.setattr(core_enterprises._Ledgers, "debtors", noted)
    return found


def take_in(home: Home, folder: Path, kind: str, lines: Sequence[str]) -> None:
    source = folder / f"{kind}.csv"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = ingest_file(home, source, mapping=load_mapping(f"canonical_{kind}"), obligor=None, received_time=NOW)
    assert (done.rows_admitted, done.rows_quarantined) == (len(lines) - 1, 0)


def question(applicant: str = APPLICANT, as_of: datetime = NOW) -> CreditRequest:
    return CreditRequest(
        obligor_id=ObligorId(applicant), product=CreditProduct.WORKING_CAPITAL, amount_minor=1, currency="CNY",
        tenor_months=12, as_of=as_of,
    )  # fmt: skip


def ask(connection: sa.Connection, home: Home, asked: CreditRequest) -> OnCoreEnterprises:
    found = core_enterprises.known_on_core_enterprises(
        connection, home, asked, partner=BANK, now=NOW, livemode=False
    )  # fmt: skip
    assert found is not None
    return found


def known(home: Home, applicant: str = APPLICANT, as_of: datetime = NOW) -> OnCoreEnterprises:
    """As a decision finds it."""
    with unit_of_work(home.engine) as connection:
        return ask(connection, home, question(applicant, as_of))


def anew(
    home: Home, monkeypatch: pytest.MonkeyPatch, applicant: str = APPLICANT, as_of: datetime = NOW
) -> OnCoreEnterprises:
    """As a process finds it that has kept nothing."""
    with monkeypatch.context() as other, unit_of_work(home.engine) as connection:
        other.setattr(core_enterprises, "shelf_of", lambda engine: Shelf())
        return ask(connection, home, question(applicant, as_of))


def through(found: OnCoreEnterprises) -> list[tuple[str, int, int]]:
    return [(item.core_enterprise, item.sold_minor, item.through_minor) for item in found.core_enterprises]


def test_a_book_is_read_once_and_of_whom_something_is_told_again(
    home: Home, tmp_path: Path, read: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert through(known(home)) == [(CORE, 100, 2_000)]
    assert through(known(home, OWING)) == [(CORE, 100, 2_000)]
    assert read == [FIRMS]
    take_in(home, tmp_path, "repayment", [PAID, paid(OWING)])
    assert through(known(home)) == [(CORE, 100, 1_900)]
    take_in(home, tmp_path, "invoice", [INVOICE, sale(APPLICANT, 2, 50)])
    assert through(known(home)) == [(CORE, 150, 1_900)]
    take_in(home, tmp_path, "facility", [FACILITY, loan(APPLICANT)])
    assert through(known(home)) == [(CORE, 150, 2_300)]
    assert read == [FIRMS, [OWING], [APPLICANT], [APPLICANT]]
    assert known(home) == anew(home, monkeypatch)


def test_what_says_nothing_of_debts_empties_nothing(home: Home, tmp_path: Path, read: list[list[str]]) -> None:
    first = known(home)
    header = "obligor_id,machine_uid,event_time,recorded_time"
    take_in(home, tmp_path, "machine_ownership", [header, f"{OWING},{OWING}/M1,2026-05-01T00:00:00Z,{BEFORE}"])
    take_in(home, tmp_path, "invoice", [INVOICE, sale(STRANGER, 1)])
    assert known(home) == first
    assert read == [FIRMS]


def test_of_each_instant_what_was_known_by_then(
    home: Home, tmp_path: Path, read: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(home, tmp_path, "repayment", [PAID, paid(OWING, recorded="2026-06-30T03:00:00Z")])
    hour = timedelta(hours=1)
    for as_of, lies in ((NOW, 1_900), (NOW - 2 * hour, 2_000), (NOW + hour, 1_900), (NOW - 30 * hour, 2_000)):
        assert through(known(home, as_of=as_of)) == [(CORE, 100, lies)]
        assert known(home, as_of=as_of) == anew(home, monkeypatch, as_of=as_of)
    whole_day_of_others = [FIRMS, FIRMS]  # once kept, once by a process that keeps nothing
    assert read == [FIRMS, FIRMS, [OWING], FIRMS, [OWING], FIRMS, *whole_day_of_others]


def test_who_consents_is_asked_each_time_and_nothing_kept_of_what_was_rolled_back(
    home: Home, tmp_path: Path, read: list[list[str]]
) -> None:
    before = known(home)
    withdrawn = sa.update(consent).where(consent.c.recipient == BANK, consent.c.obligor_id == OWING)
    with home.engine.connect() as connection:
        connection.execute(withdrawn.values(withdrawn_time=NOW))
        assert through(ask(connection, home, question())) == [(CORE, 100, 1_600)]
        connection.rollback()
    assert known(home) == before
    with home.engine.begin() as connection:
        connection.execute(withdrawn.values(withdrawn_time=NOW))
    assert through(known(home)) == [(CORE, 100, 1_600)]
    assert read == [FIRMS]
    name_lender(home, BANK, "Bank A Suzhou", now=NOW)
    take_in(home, tmp_path, "facility", [FACILITY, loan(APPLICANT, 40, lender="Bank A Suzhou")])
    assert through(known(home)) == [(CORE, 100, 1_640)]


def test_what_was_erased_is_kept_no_longer(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    known(home)
    erase(home, OWING, periods=None, now=NOW)
    assert through(known(home)) == [(CORE, 100, 1_600)]
    assert known(home) == anew(home, monkeypatch)


def test_another_process_sees_what_this_one_took_in(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[list[str]]
) -> None:
    here, there = Shelf(), Shelf()

    def of(shelf: Shelf) -> OnCoreEnterprises:
        monkeypatch.setattr(core_enterprises, "shelf_of", lambda engine: shelf)
        return known(home)

    assert of(here) == of(there)
    take_in(home, tmp_path, "repayment", [PAID, paid(OWING)])
    assert through(of(here)) == through(of(there)) == [(CORE, 100, 1_900)]
    assert read == [FIRMS, FIRMS, [OWING], [OWING]]


def test_of_fifty_who_ask_at_once_one_reads(home: Home, read: list[list[str]]) -> None:
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda number: known(home, FIRMS[number % 6]), range(50)))
    assert len({(item.obligors, item.outstanding_minor) for item in found}) == 1
    assert read == [FIRMS]


def test_few_books_are_kept(home: Home, monkeypatch: pytest.MonkeyPatch, read: list[list[str]]) -> None:
    shelf = Shelf()
    monkeypatch.setattr(core_enterprises, "shelf_of", lambda engine: shelf)
    monkeypatch.setattr(kept_books, "OBLIGORS", 15)  # two books of six and an applicant each
    days = [NOW - timedelta(days=number) for number in range(3)]
    for as_of in (*days, days[2], days[1]):
        known(home, as_of=as_of)
        assert shelf.obligors <= 15
    assert len(read) == 3
    known(home, as_of=days[0])
    assert len(read) == 4
