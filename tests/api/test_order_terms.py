"""An order's terms out of ledgers that came in by the front door: whose work production runs tell, by order and by part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_door import told

from api.chain.product_terms import Detail, Viewer, product_terms
from api.home import Home, open_home
from api.partners.repository import LOCAL
from data_contracts.identifiers import ObligorId
from scoring.records import CreditProduct

FIRM = ObligorId("91999999MA00070019")
MACHINE = f"{FIRM}/M1"
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
PLACED = date(2026, 6, 25)
PARTS_A_DAY = 100
RUN = "machine_uid,event_time,program,part_number,order_id,parts,executing_seconds"
ORDER = "obligor_id,order_id,buyer_id,event_time,part_number,parts,amount_minor,currency,due_date"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A firm whose machine made a hundred parts a day for half a year, and its two orders of June 25th."""
    opened = open_home(tmp_path / "home")
    first = date(2026, 1, 1)
    days = [first + timedelta(days=back) for back in range(180)]
    head = (
        "machine_uid,day,unknown_seconds,off_seconds,fault_seconds,maintenance_seconds,setup_seconds,"
        "executing_seconds,idle_seconds,energy_kwh,energy_executing_kwh,energy_idle_kwh,energy_other_kwh,parts"
    )
    told(
        opened,
        "machine_day_report",
        head,
        [(MACHINE, day, 0, 50_400, 0, 0, 0, 36_000, 0, 200, 200, 0, 0, PARTS_A_DAY) for day in days],
        obligor=FIRM,
    )
    yield opened
    opened.engine.dispose()


def orders(home: Home, *parts: str | None) -> None:
    """Orders P1, P2 ... for 1,000 parts each, due one after the other, placed at one in the morning of June 25th."""
    told(
        home,
        "purchase_order",
        ORDER,
        [
            (
                FIRM,
                f"P{number}",
                "B",
                f"{PLACED}T01:00:00+08:00",
                part,
                1000,
                1_000_000,
                "CNY",
                f"2026-07-{10 + number}",
            )
            for number, part in enumerate(parts, start=1)
        ],
    )


def runs(home: Home, *made: tuple[str, str | None, str | None, int]) -> None:
    """Runs (program, part number, order, parts) of one day each, from the day on which the orders came."""
    told(
        home,
        "production_run",
        RUN,
        [
            (MACHINE, f"{PLACED + timedelta(days=after)}T02:00:00Z", *run, 36_000 * run[-1] // PARTS_A_DAY)
            for after, run in enumerate(made)
        ],
    )


def terms(home: Home, order: str, **more: Any) -> dict[str, Any]:
    """What a decision on this order tells beside it."""
    with home.engine.connect() as connection:
        found = product_terms(
            connection,
            home,
            FIRM,
            CreditProduct.PURCHASE_ORDER,
            currency="CNY",
            pd_12m=0.02,
            detail=Detail(order_id=order, is_accepted=True, **more),
            viewer=Viewer(partner=LOCAL, livemode=False, now=AS_OF),
            as_of=AS_OF,
        )
    assert found is not None
    return found


def test_an_order_earns_what_runs_make_of_its_part(home: Home) -> None:
    orders(home, "AX-01", "BX-02")
    runs(
        home,
        ("O7", "BX-02", None, 100),
        ("O7", None, None, 100),  # of the same program, so of the same part
        ("O8", "AX-01", None, 100),
        ("O9", "CX-03", None, 100),  # of a part that no order asks for
        ("O8", "AX-01", "P2", 100),  # named for an order of another part
    )
    first, second = terms(home, "P1"), terms(home, "P2")
    assert second["order"]["part_number"] == "BX-02"
    assert second["work_by_job"] == second["work"] == {"units": 200.0, "kwh": 400.0, "hours": 20.0}
    assert first["work_by_job"] == {"units": 100.0, "kwh": 200.0, "hours": 10.0}
    assert second["progress"]["verified"] == pytest.approx(0.2)
    other = {"order_id": "P2", "machine_uid": MACHINE, "program": "O8", "part_number": "AX-01"}
    assert second["runs_of_another_part"] == [{**other, "first_day": "2026-06-29", "runs": 1, "units": 100.0}]
    assert "runs_of_another_part" not in first
    idle = [{"part_number": "CX-03", "units": 100.0, "kwh": 200.0, "hours": 10.0}]
    assert first["runs_not_placed"] == second["runs_not_placed"] == idle


def test_no_more_is_advanced_than_the_order_costs_to_make(home: Home) -> None:
    orders(home, None)
    unknown, capped = terms(home, "P1"), terms(home, "P1", cost_minor=250_000)
    assert (unknown["cost_minor"], unknown["exposure_minor"]) == (None, 350_000)
    assert (capped["exposure_minor"], "cost_cap" in capped["holds"]) == (250_000, True)
    assert set(unknown["cautions"]) - set(capped["cautions"]) == {"cost_unknown"}
    lost = capped["exposure"]  # nothing is owed yet: 250,000 are, once they are paid; 60 % of it is lost at this stage
    assert (lost["stage"], lost["total_minor"], lost["exposure_at_default_minor"]) == ("started", 0, 250_000)
    assert lost["expected_loss_minor"] == round(0.02 * 0.60 * 250_000)


def test_days_of_which_no_run_is_told_fill_orders_of_any_part(home: Home) -> None:
    orders(home, "AX-01", "BX-02")
    runs(home, ("O7", "BX-02", None, 100), ("O7", "BX-02", None, 100))
    first, second = terms(home, "P1"), terms(home, "P2")
    assert (first["work_by_job"]["units"], first["work"]["units"]) == (None, 300)  # the three days that are left
    assert (second["work_by_job"]["units"], second["work"]["units"]) == (200, 200)
    assert (first["order"]["placed_on"], first["order"]["told_on"]) == ("2026-06-25", "2026-06-30")


def test_where_no_part_is_told_no_term_speaks_of_parts(home: Home) -> None:
    orders(home, None, None)
    runs(home, ("O7", None, None, 100), ("O8", None, "P2", 100))
    second = terms(home, "P2")
    assert (second["order"]["part_number"], second["work_by_job"]["units"]) == ("*", 100)
    assert not {"runs_of_another_part", "runs_not_placed"} & second.keys()


def test_an_order_is_told_of_its_part_later_and_files_of_before_are_read(home: Home) -> None:
    head = ORDER.replace("part_number,", "")
    row = (FIRM, "P1", "B", f"{PLACED}T01:00:00Z", 1000, 1_000_000, "CNY", "2026-07-11")
    told(home, "purchase_order", head, [row])
    runs(home, ("O7", "AX-01", None, 100))
    before = terms(home, "P1")
    assert (before["order"]["part_number"], before["work_by_job"]["units"]) == ("*", None)
    assert before["runs_not_placed"][0]["units"] == 100
    orders(home, "AX-01")
    after = terms(home, "P1")
    assert (after["order"]["part_number"], after["work_by_job"]["units"]) == ("AX-01", 100)
    assert "runs_not_placed" not in after


def test_the_terms_say_what_they_rest_on_and_what_they_lack(home: Home) -> None:
    """Four orders, two of them for other parts or none; a delivery of an order that nobody told; a purchase since from each of two
    suppliers, of whom one was agreed on."""
    orders(home, "AX-01", "BX-02", "ax 1", None)
    told(
        home,
        "delivery",
        "obligor_id,delivery_id,order_id,event_time,parts,amount_minor,currency",
        [(FIRM, "D1", "UNTOLD", "2026-06-26T01:00:00Z", 10, 1_000, "CNY")],
    )
    told(
        home,
        "supplier_invoice",
        "obligor_id,supplier_invoice_id,supplier_id,event_time,amount_minor,amount_paid_minor,currency",
        [
            (FIRM, name, firm, "2026-06-27T01:00:00Z", 1_000, 0, "CNY")
            for name, firm in (("S1", "STEEL"), ("S2", "TEA"))
        ],
    )
    found = terms(home, "P1", material_suppliers=("STEEL",))
    assert found["rests_on"] == {
        "orders": 4,
        "orders_of_the_part": 2,
        "earlier_orders_of_the_part": 0,
        "orders_not_told": ["UNTOLD"],
        "purchases_since": 2,
        "purchases_from_agreed_suppliers": 1,
        "due_days": "order_alone",
    }
    lacking = ["inspection_unknown", "cost_unknown", "no_earlier_order_of_the_part", "orders_not_told"]
    lacking.append("schedule_unknown")
    assert found["cautions"] == lacking
    (started,) = (item for item in found["tranches"] if item["tranche"] == "started")
    assert "S1" in started["evidence"]
    assert not {"S1", "S2"} & {name for item in terms(home, "P1")["tranches"] for name in item["evidence"]}
    assert "material_suppliers_unknown" in terms(home, "P1")["cautions"]
    assert "part_unknown" in terms(home, "P4")["cautions"]
    row = (FIRM, "P0", "B", "2026-05-01T01:00:00Z", "AX-001", 10, 1_000, "CNY", "2026-06-01")
    told(home, "purchase_order", ORDER, [row])
    assert terms(home, "P1")["rests_on"]["earlier_orders_of_the_part"] == 1
    assert "no_earlier_order_of_the_part" not in terms(home, "P1")["cautions"]


def test_inspection_is_what_the_buyers_own_ledger_tells(home: Home) -> None:
    buyer = "91999999MA0000001N"
    row = (FIRM, "P1", buyer, f"{PLACED}T01:00:00Z", None, 1000, 1_000_000, "CNY", "2026-07-11")
    told(home, "purchase_order", ORDER, [row])
    assert terms(home, "P1")["inspected_units"] is None
    told(
        home,
        "inspection_record",
        "obligor_id,supplier_id,inspection_id,order_id,event_time,parts_inspected,parts_passed",
        [(buyer, FIRM, "Q1", "P1", "2026-06-29T01:00:00Z", 120, 110)],
    )
    found = terms(home, "P1")
    assert (found["inspected_units"], "inspection_unknown" in found["cautions"]) == (110, False)
    assert "Q1" in next(item for item in found["tranches"] if item["tranche"] == "shipped")["evidence"]


def test_an_orders_norms_are_those_of_its_part_where_runs_told_it_before(home: Home) -> None:
    """100 parts of 2 kWh a day in all. On ten days half of the time made 20 parts of AX-01: 100 kWh, 5 each; half of
    that and half of the firm's 2."""
    orders(home, "AX-01", "BX-02")
    days = [PLACED - timedelta(days=back) for back in range(1, 11)]
    told(
        home,
        "production_run",
        RUN,
        [
            (MACHINE, f"{day}T02:00:00Z", program, part, None, parts, 18_000)
            for day in days
            for program, part, parts in (("O8", "ax 1", 20), ("O9", "CX-03", 80))
        ],
    )
    first, second = terms(home, "P1")["order"], terms(home, "P2")["order"]
    assert (first["norm_days"], first["norm_own_weight"]) == (10, 0.5)
    assert first["kwh_per_unit"] == pytest.approx(3.5)
    assert (second["norm_days"], second["norm_own_weight"], second["kwh_per_unit"]) == (0, 0.0, pytest.approx(2.0))


def test_a_schedule_holds_the_order_against_its_next_call_off(home: Home) -> None:
    buyer, head = (
        "91999999MA0000001N",
        "obligor_id,supplier_id,order_id,call_off_id,event_time,part_number,due_date,parts",
    )
    row = (FIRM, "P1", buyer, f"{PLACED}T01:00:00Z", None, 1000, 1_000_000, "CNY", "2026-07-11")
    told(home, "purchase_order", ORDER, [row])
    alone = terms(home, "P1")
    assert ("schedule" in alone, alone["rests_on"]["due_days"]) == (False, "order_alone")
    assert "schedule_unknown" in alone["cautions"]
    assert "stop_loss" not in alone["holds"]
    own = (FIRM, FIRM, "P1", "S1", f"{PLACED}T02:00:00Z", None, "2026-07-02", 300)
    told(home, "delivery_schedule", head, [own])
    by_supplier = terms(home, "P1")
    assert by_supplier["rests_on"]["due_days"] == "suppliers_schedule"
    assert {name: by_supplier[name] for name in ("forecast", "holds", "tranches")} == {
        name: alone[name] for name in ("forecast", "holds", "tranches")
    }
    call_off = (buyer, FIRM, "P1", "C1", f"{PLACED}T02:00:00Z", None, "2026-07-02", 800)
    told(home, "delivery_schedule", head, [call_off])
    found = terms(home, "P1")
    assert (found["schedule"]["told_by"], found["schedule"]["next_missed"]) == ("buyer", "C1")
    assert found["rests_on"]["due_days"] == "buyers_schedule"
    assert "schedule_unknown" not in found["cautions"]
    assert (found["holds"], found["release_minor"]) == (["stop_loss"], 0)
    assert found["forecast"] == alone["forecast"]
