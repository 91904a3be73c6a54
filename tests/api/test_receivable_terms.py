"""Terms of receivables out of ledgers that came in by the front door: what buyers' own ledgers and the lender say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from ledger_door import told

from api.chain.product_terms import Detail, Viewer, product_terms
from api.chain.schemas import ReceivablesAsked
from api.chain.stock_terms import StockCount
from api.consents import repository as consents
from api.database.engine import unit_of_work
from api.database.tables import consent
from api.home import Home, open_home
from api.partners.repository import LOCAL
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.records import CreditProduct

SELLER = ObligorId("91999999MA00070019")
CORE = ObligorId("91999999MA0000001N")
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
INVOICE = (
    "obligor_id,invoice_id,buyer_id,delivery_id,event_time,status,corrected_invoice_id,amount_minor,tax_minor,currency,"
    "due_date"
)
SAID = "obligor_id,supplier_id,invoice_id,event_time,status,amount_minor,currency"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A seller with two invoices to a core enterprise and one to another, each with its delivery of 100 parts."""
    opened = open_home(tmp_path / "home")
    sold = [("I1", CORE, "D1"), ("I2", CORE, "D2"), ("I3", "B", "D3")]
    told(
        opened,
        "invoice",
        INVOICE,
        [
            (SELLER, name, buyer, out, "2026-06-10T01:00:00Z", "issued", None, 1_130_000, 130_000, "CNY", "2026-08-10")
            for name, buyer, out in sold
        ],
    )
    told(
        opened,
        "delivery",
        "obligor_id,delivery_id,order_id,event_time,parts,amount_minor,currency",
        [(SELLER, out, "P", "2026-06-09T01:00:00Z", 100, 1_000_000, "CNY") for _, _, out in sold],
    )
    told(
        opened,
        "counterparty_rating",
        "obligor_id,counterparty_id,source,event_time,pd_12m",
        [(SELLER, CORE, "agency", "2026-01-01T00:00:00Z", 0.01)],
    )
    yield opened
    opened.engine.dispose()


def terms(home: Home, *, partner: PartnerId = LOCAL, stock: StockCount | None = None, **said: Any) -> dict[str, Any]:
    """The terms, and its lines by invoice."""
    says = ReceivablesAsked.model_validate_json(json.dumps(said)).says()
    with home.engine.connect() as connection:
        found = product_terms(
            connection,
            home,
            SELLER,
            CreditProduct.RECEIVABLES,
            currency="CNY",
            pd_12m=0.05,
            detail=Detail(receivables=says, stock=stock),
            viewer=Viewer(partner=partner, livemode=False, now=AS_OF),
            as_of=AS_OF,
        )
    assert found is not None
    for line in found["receivables"]:
        assert line["eligible_minor"] + sum(line["deductions"].values()) == line["outstanding_minor"]
    return {**found, **{line["invoice_id"]: line for line in found["receivables"]}}


def confirmed(home: Home, status: str = "irrevocable", supplier: str = SELLER) -> None:
    """The core enterprise's own row on I1."""
    told(
        home,
        "payable_confirmation",
        SAID,
        [(CORE, supplier, "I1", "2026-06-15T01:00:00Z", status, 1_130_000, "CNY")],
    )


def test_reverse_factoring_rests_on_the_core_enterprises_own_word(home: Home) -> None:
    """0.01 x 0.40 of the advance at the buyer's PD; 0.05 x dilution more where it did not promise."""
    before = terms(home)["I1"]
    assert (before["confirmation"], before["is_disputed"], before["pd_basis"]) == (
        "unknown",
        None,
        "buyer_and_supplier",
    )
    assert {"W04_confirmation_unknown", "W05_dispute_unknown", "W06_affiliation_unknown"} <= set(before["cautions"])
    confirmed(home)
    found = terms(home)
    after, other = found["I1"], found["I2"]
    assert (after["confirmation"], after["is_disputed"], after["pd_basis"]) == ("irrevocable", False, "buyer")
    assert after["said"] == [{"by": "buyer", "what": "irrevocable", "on": "2026-06-15", "amount_minor": 1_130_000}]
    assert after["pd_12m"] == 0.01 < other["pd_12m"]
    assert after["expected_credit_loss_minor"] == round(0.01 * 0.40 * after["advance_minor"])
    assert (other["confirmation"], found["I3"]["pd_basis"], found["lines_without_pd"]) == (
        "unknown",
        "buyer_not_rated",
        1,
    )
    assert found["expected_credit_loss_minor"] == sum(
        line["expected_credit_loss_minor"] or 0 for line in found["receivables"]
    )


def test_a_buyer_is_heard_only_where_it_lets_this_lender_hear_it(home: Home) -> None:
    confirmed(home)
    assert terms(home, partner=PartnerId("stranger"))["I1"]["confirmation"] == "unknown"
    with unit_of_work(home.engine) as connection:
        consents.withdraw_all(connection, consent.c.obligor_id == CORE, now=datetime(2026, 6, 30, 15, 30, tzinfo=UTC))
    assert terms(home)["I1"]["confirmation"] == "unknown"


def test_what_is_promised_to_another_supplier_is_no_promise_to_this_one(home: Home) -> None:
    confirmed(home, supplier="91999999MA0900001X")
    assert terms(home)["I1"]["confirmation"] == "unknown"


def test_disputes_and_affiliates_take_off(home: Home) -> None:
    confirmed(home, "disputed")
    told_by = {"source": "lender", "dated": "2026-06-20"}
    found = terms(
        home,
        invoices=[{"invoice_id": "I2", "is_disputed": False, "is_acknowledged": True, **told_by}],
        affiliates={"firms": ["B"], **told_by},
    )
    assert [found[name]["deductions"] for name in ("I1", "I3")] == [
        {"E03_disputed": 1_130_000},
        {"E04_affiliate": 1_130_000},
    ]
    assert (terms(home, affiliates={"firms": [CORE], **told_by})["expected_credit_loss_minor"]) is None  # B has no PD
    assert not {"W04", "W05", "W06"} & {caution[:3] for caution in found["I2"]["cautions"]}
    assert (found["I2"]["confirmation"], found["I2"]["pd_basis"]) == ("acknowledged", "buyer_and_supplier")


def test_what_is_invoiced_beyond_what_was_made_and_counted_is_not_eligible(home: Home) -> None:
    """40 lay there and 160 were made: a third of 300 parts billed, all of I3's, the last by its number."""
    head = (
        "machine_uid,day,unknown_seconds,off_seconds,fault_seconds,maintenance_seconds,setup_seconds,"
        "executing_seconds,idle_seconds,energy_kwh,energy_executing_kwh,energy_idle_kwh,energy_other_kwh,parts"
    )
    rows = [(f"{SELLER}/M", f"2026-06-0{day}", 0, 50_400, 0, 0, 0, 36_000, 0, 9, 9, 0, 0, 80) for day in (5, 6)]
    told(home, "machine_day_report", head, rows, obligor=SELLER)
    count = StockCount(opening_units=40, opened_on=date(2026, 6, 1), unit_value_minor=1)
    found = terms(home, stock=count)
    assert found["I3"]["deductions"] == {"E09_not_produced": 1_130_000}
    assert "W03_production_unknown" not in found["I1"]["cautions"]
    assert "W03_production_unknown" in terms(home)["I1"]["cautions"]


def test_an_orders_loan_goes_over_into_its_invoices_and_is_not_lent_twice(home: Home) -> None:
    """Of the order P all three invoices; 300,000 are owed on it, and 50,000 were advanced on I1 since: 350,000 come off
    what the eligible lines are advanced, and 300,000 of these move."""
    before = terms(home)
    assert (before["payable_minor"], before["carried_over_minor"], before["owed"]) == (before["advance_minor"], 0, [])
    told(
        home,
        "facility",
        "obligor_id,facility_id,event_time,lender_id,facility_kind,purpose,collateral_id,amount_minor,currency,"
        "rate_per_year,instalments",
        [
            (
                SELLER,
                "F1",
                "2026-05-01T01:00:00Z",
                "bank",
                "term_loan",
                "working_capital",
                "P",
                300_000,
                "CNY",
                0.06,
                1,
            ),
            (
                SELLER,
                "F2",
                "2026-06-11T01:00:00Z",
                "bank",
                "invoice_advance",
                "receivables",
                "I1",
                50_000,
                "CNY",
                0.06,
                1,
            ),
        ],
    )
    after = terms(home)
    assert after["advance_minor"] == before["advance_minor"]
    assert after["payable_minor"] == before["advance_minor"] - 350_000
    assert after["carried_over_minor"] == 300_000
    (owed,) = after["owed"]
    assert (owed["order_id"], owed["exposure"]["on_order_minor"], owed["exposure"]["on_receivables_minor"]) == (
        "P",
        300_000,
        50_000,
    )
