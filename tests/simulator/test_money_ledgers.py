"""What a world tells about money: every paper refers to another, amounts add up, and the truth's account agrees."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from simulator import simulate

MONEY = (
    RecordKind.PURCHASE_ORDER,
    RecordKind.DELIVERY,
    RecordKind.INVOICE,
    RecordKind.RECEIPT,
    RecordKind.FACILITY,
    RecordKind.MAINTENANCE,
    RecordKind.ENERGY_BILL,
    RecordKind.MACHINE_SALE,
    RecordKind.MACHINE_OWNERSHIP,
    RecordKind.DEFAULT_EVENT,
)


@pytest.fixture(scope="module")
def desk(small_world: WrittenWorld) -> duckdb.DuckDBPyConnection:
    """The small world's ledgers and the truth about its accounts, open to questions."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for kind in MONEY:
        connection.register(kind.value, small_world.ledger(kind))
    for name in ("account", "default", "failure", "machine_sale", "buyer"):
        connection.register(f"true_{name}", small_world.truth(name))
    connection.register("machine_day_report", small_world.reports())
    folder = small_world.folder
    connection.execute(f"CREATE VIEW repayment AS SELECT * FROM read_csv('{folder}/repayment*.csv')")
    connection.execute("""
        CREATE VIEW standing AS SELECT * FROM repayment
        QUALIFY row_number() OVER (PARTITION BY obligor_id, facility_id, instalment ORDER BY recorded_time DESC) = 1""")
    return connection


def _count(desk: duckdb.DuckDBPyConnection, question: str) -> int:
    (answer,) = desk.execute(f"SELECT count(*) FROM ({question})").fetchone() or (None,)
    assert isinstance(answer, int)
    return answer


def test_every_delivery_is_billed_with_its_tax(desk: duckdb.DuckDBPyConnection) -> None:
    billed = """
        SELECT i.amount_minor - i.tax_minor AS net, i.tax_minor, d.amount_minor, i.buyer_id, o.buyer_id AS ordered_by
        FROM delivery d JOIN invoice i USING (obligor_id, delivery_id) JOIN purchase_order o USING (obligor_id, order_id)"""
    assert _count(desk, billed) == _count(desk, "SELECT 1 FROM delivery") > 1000
    assert _count(desk, f"SELECT 1 FROM ({billed}) WHERE net <> amount_minor OR buyer_id <> ordered_by") == 0
    assert _count(desk, f"SELECT 1 FROM ({billed}) WHERE abs(100 * tax_minor - 13 * net) > 50") == 0


def test_a_red_letter_invoice_takes_off_a_part_of_another(desk: duckdb.DuckDBPyConnection) -> None:
    notes = """
        SELECT n.*, i.amount_minor AS original, i.event_time AS issued, i.buyer_id AS billed_to
        FROM invoice n JOIN invoice i ON i.obligor_id = n.obligor_id AND i.invoice_id = n.corrected_invoice_id
        WHERE n.status = 'red_letter'"""
    assert _count(desk, notes) == _count(desk, "SELECT 1 FROM invoice WHERE status = 'red_letter'") > 10
    assert _count(desk, f"SELECT 1 FROM ({notes}) WHERE amount_minor >= 0.2 * original OR event_time <= issued") == 0
    assert _count(desk, f"SELECT 1 FROM ({notes}) WHERE buyer_id <> billed_to OR due_date IS NOT NULL") == 0


def test_a_buyer_pays_what_is_left_of_its_invoice_once(desk: duckdb.DuckDBPyConnection) -> None:
    paid = """
        SELECT r.amount_minor, r.event_time, i.event_time AS issued,
               i.amount_minor - coalesce(n.taken_off, 0) AS owed, r.buyer_id, i.buyer_id AS billed_to
        FROM receipt r JOIN invoice i USING (obligor_id, invoice_id)
        LEFT JOIN (SELECT obligor_id, corrected_invoice_id AS invoice_id, sum(amount_minor) AS taken_off
                   FROM invoice WHERE status = 'red_letter' GROUP BY ALL) n USING (obligor_id, invoice_id)"""
    assert _count(desk, paid) == _count(desk, "SELECT 1 FROM receipt") > 1000
    assert _count(desk, f"SELECT 1 FROM ({paid}) WHERE amount_minor <> owed OR event_time < issued") == 0
    assert _count(desk, f"SELECT 1 FROM ({paid}) WHERE buyer_id <> billed_to") == 0
    assert _count(desk, "SELECT 1 FROM receipt GROUP BY obligor_id, invoice_id HAVING count(*) > 1") == 0


def test_nothing_is_received_from_a_failed_buyer(desk: duckdb.DuckDBPyConnection) -> None:
    gone = "SELECT buyer_id, min(month) AS month FROM true_buyer WHERE has_failed GROUP BY ALL"
    assert _count(desk, gone) > 0
    for kind in ("receipt", "purchase_order", "invoice"):
        after = f"""
            SELECT 1 FROM {kind} JOIN ({gone}) USING (buyer_id)
            WHERE CAST(event_time + INTERVAL 8 HOUR AS DATE) >= month AND event_time >= TIMESTAMP '2025-04-01'"""
        assert _count(desk, after) == 0


def test_receipts_are_the_money_that_the_account_took_in(desk: duckdb.DuckDBPyConnection) -> None:
    question = """
        SELECT a.obligor_id FROM (
          SELECT obligor_id, last_day(CAST(as_of + INTERVAL 8 HOUR - INTERVAL 1 DAY AS DATE)) AS month,
                 cash_from_receipts_minor AS booked FROM true_account
        ) a LEFT JOIN (
          SELECT obligor_id, last_day(CAST(event_time + INTERVAL 8 HOUR AS DATE)) AS month, sum(amount_minor) AS told
          FROM receipt GROUP BY ALL
        ) r USING (obligor_id, month)"""
    assert _count(desk, question) == 60 * 15
    assert _count(desk, f"{question} WHERE booked <> coalesce(told, 0)") == 0


def test_instalments_of_a_facility_repay_it_and_no_more(desk: duckdb.DuckDBPyConnection) -> None:
    whole = """
        SELECT f.amount_minor, f.instalments, max(s.instalment) AS last, sum(s.amount_due_minor) AS due, count(*) AS told
        FROM facility f JOIN standing s USING (obligor_id, facility_id) GROUP BY f.obligor_id, f.facility_id, f.amount_minor, f.instalments"""
    assert _count(desk, whole) > 60
    assert _count(desk, f"SELECT 1 FROM ({whole}) WHERE last > instalments") == 0
    complete = f"SELECT 1 FROM ({whole}) WHERE told = instalments AND due <= amount_minor"
    assert _count(desk, complete) == 0
    assert _count(desk, "SELECT 1 FROM standing ANTI JOIN facility USING (obligor_id, facility_id)") == 0
    partly = "SELECT 1 FROM standing WHERE amount_paid_minor NOT IN (0, amount_due_minor)"
    assert _count(desk, partly) == 0


def test_a_defaulted_firm_left_its_last_instalments_unpaid(desk: duckdb.DuckDBPyConnection) -> None:
    unpaid = """
        SELECT obligor_id, any_value(CAST(d.event_time + INTERVAL 8 HOUR AS DATE)) - min(s.due_date) AS age,
               count(*) AS open
        FROM default_event d JOIN standing s USING (obligor_id) WHERE s.amount_paid_minor = 0 GROUP BY obligor_id"""
    assert _count(desk, unpaid) == _count(desk, "SELECT 1 FROM default_event") > 0
    assert _count(desk, f"SELECT 1 FROM ({unpaid}) WHERE age <> 90 OR open < 3") == 0
    others = """
        SELECT 1 FROM standing ANTI JOIN true_default USING (obligor_id)
        WHERE amount_paid_minor = 0 AND DATE '2026-07-01' - due_date >= 90"""
    assert _count(desk, others) == 0


def test_a_late_instalment_is_first_told_as_unpaid(desk: duckdb.DuckDBPyConnection) -> None:
    versions = """
        SELECT due_date, min(recorded_time) AS first, max(recorded_time) AS last, min(amount_paid_minor) AS least,
               max(paid_date) AS paid FROM repayment GROUP BY obligor_id, facility_id, instalment, due_date
        HAVING count(*) > 1"""
    assert _count(desk, versions) > 5
    wrong = "least <> 0 OR paid <= due_date OR last <= first OR CAST(last + INTERVAL 8 HOUR AS DATE) <> paid + 1"
    assert _count(desk, f"SELECT 1 FROM ({versions}) WHERE {wrong}") == 0


def test_a_lease_is_secured_by_a_machine_of_the_firm(desk: duckdb.DuckDBPyConnection) -> None:
    assert (
        _count(desk, "SELECT 1 FROM facility WHERE (facility_kind = 'finance_lease') <> (collateral_id IS NOT NULL)")
        == 0
    )
    leases = """
        SELECT f.obligor_id FROM facility f
        JOIN machine_ownership o ON o.machine_uid = f.collateral_id AND o.obligor_id = f.obligor_id"""
    assert _count(desk, leases) >= _count(desk, "SELECT 1 FROM facility WHERE facility_kind = 'finance_lease'") > 5


def test_energy_bills_are_the_energy_at_a_tariff(desk: duckdb.DuckDBPyConnection) -> None:
    assert _count(desk, "SELECT 1 FROM energy_bill") > 500
    odd = "SELECT 1 FROM energy_bill WHERE energy_kwh > 0 AND amount_minor / energy_kwh NOT BETWEEN 69 AND 85"
    assert _count(desk, f"{odd} AND energy_kwh > 100") == 0


def test_a_bill_is_of_all_energy_and_the_gateway_missed_some(desk: duckdb.DuckDBPyConnection) -> None:
    question = """
        SELECT b.obligor_id, b.month, b.energy_kwh AS billed, coalesce(sum(r.energy_kwh), 0) AS seen
        FROM energy_bill b LEFT JOIN (
          SELECT o.obligor_id, CAST(date_trunc('month', r.day) AS DATE) AS month, r.energy_kwh
          FROM machine_day_report r JOIN machine_ownership o ON o.machine_uid = r.machine_uid
          AND r.day >= CAST(o.event_time + INTERVAL 8 HOUR AS DATE)
          QUALIFY row_number() OVER (PARTITION BY r.machine_uid, r.day ORDER BY o.event_time DESC) = 1
        ) r USING (obligor_id, month) GROUP BY ALL"""
    assert _count(desk, question) > 500
    assert _count(desk, f"SELECT 1 FROM ({question}) WHERE seen > billed + 1e-6") == 0
    (billed, seen) = desk.execute(f"SELECT sum(billed), sum(seen) FROM ({question})").fetchone() or (1, 0)
    assert 0.7 < seen / billed < 0.95


def test_a_repair_names_a_component_that_failed_on_its_day(desk: duckdb.DuckDBPyConnection) -> None:
    repairs = "SELECT * FROM maintenance WHERE maintenance_kind = 'corrective'"
    assert _count(desk, repairs) > 100
    true = f"""
        SELECT 1 FROM ({repairs}) m SEMI JOIN true_failure f ON f.machine_uid = m.machine_uid
        AND f.component = m.component AND f.day = CAST(m.event_time + INTERVAL 8 HOUR AS DATE)"""
    assert _count(desk, true) == _count(desk, repairs)
    assert _count(desk, "SELECT 1 FROM maintenance WHERE component IS NOT NULL") == _count(desk, repairs)


def test_upkeep_and_sales_are_of_machines_that_the_firm_owns(desk: duckdb.DuckDBPyConnection) -> None:
    for kind in ("maintenance", "machine_sale"):
        assert _count(desk, f"SELECT 1 FROM {kind}") > 0
        strange = f"SELECT 1 FROM {kind} ANTI JOIN machine_ownership USING (obligor_id, machine_uid)"
        assert _count(desk, strange) == 0
    early = """
        SELECT 1 FROM machine_sale s LEFT JOIN true_default d USING (obligor_id)
        WHERE d.event_time IS NULL OR s.event_time < d.event_time"""
    assert _count(desk, early) == 0
    assert (
        _count(
            desk,
            "SELECT 1 FROM true_machine_sale WHERE price_minor NOT BETWEEN 0.3 * expected_minor AND 3 * expected_minor",
        )
        == 0
    )


def test_a_site_draws_somewhat_more_than_its_machines(tmp_path: Path) -> None:
    """By firm and month the meter counts what the machines drew and a share for air, light and cooling."""
    world = WrittenWorld(tmp_path / "w", simulate(obligors=60, months=6, seed=3, out=tmp_path / "w", samples_for=0))
    months = world.truth("machine_month").to_pandas()
    ownership = world.current(RecordKind.MACHINE_OWNERSHIP).to_pandas()
    owners = ownership.groupby("machine_uid")["obligor_id"].unique()
    assert (owners.map(len) == 1).mean() > 0.9
    moved = {name for names in owners[owners.map(len) > 1] for name in names}
    months["obligor_id"] = months["machine_uid"].map(owners.map(lambda names: names[0]))
    drawn = months.groupby(["obligor_id", "month"])["energy_kwh"].sum()
    bills = world.ledger(RecordKind.ENERGY_BILL).to_pandas().set_index(["obligor_id", "month"])["energy_kwh"]
    ratio = (bills / drawn)[lambda r: ~r.index.get_level_values("obligor_id").isin(moved)].dropna()
    assert len(ratio) > 200
    assert ratio.between(1.03, 1.27).all()
    assert ratio.groupby("obligor_id").std().median() < 0.03 < ratio.groupby("obligor_id").mean().std()
