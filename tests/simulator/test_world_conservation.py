"""What must add up in a written world: time, energy, parts and money."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from data_contracts.vocabulary import ELEMENTS
from simulator.write import KINDS_IN_ORDER


@pytest.fixture(scope="module")
def desk(small_world: WrittenWorld) -> duckdb.DuckDBPyConnection:
    """The small world's tables, open to questions."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for kind in KINDS_IN_ORDER:
        if kind not in {RecordKind.SAMPLE, RecordKind.MACHINE_DAY_REPORT}:
            connection.register(kind.value, small_world.current(kind))
    connection.register("machine_day_report", small_world.reports())
    for name in ("obligor", "machine_month", "default", "obligor_month"):
        connection.register(f"true_{name}", small_world.truth(name))
    return connection


def _count(desk: duckdb.DuckDBPyConnection, question: str) -> int:
    (answer,) = desk.execute(f"SELECT count(*) FROM ({question})").fetchone() or (None,)
    assert isinstance(answer, int)
    return answer


def _column(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def test_elements_add_up_to_the_day_in_quarter_hours(small_world: WrittenWorld) -> None:
    reports = small_world.reports()
    elements = np.stack([_column(reports, name) for name in ELEMENTS])
    assert (elements.sum(axis=0) == 86_400.0).all()
    assert (elements % 900.0 == 0.0).all()
    assert (elements.max(axis=1) > 0).all()


def test_energy_by_state_adds_up(small_world: WrittenWorld) -> None:
    reports = small_world.reports()
    parts = [_column(reports, f"energy_{state}_kwh") for state in ("executing", "idle", "other")]
    total = _column(reports, "energy_kwh")
    seen = ~np.isnan(total)
    np.testing.assert_allclose(np.sum(parts, axis=0)[seen], total[seen], rtol=1e-12, atol=1e-12)


def test_a_state_draws_power_only_while_it_lasts(desk: duckdb.DuckDBPyConnection) -> None:
    assert (
        _count(desk, "SELECT 1 FROM machine_day_report WHERE (executing_seconds > 0) <> (energy_executing_kwh > 0)")
        == 0
    )
    assert _count(desk, "SELECT 1 FROM machine_day_report WHERE (idle_seconds > 0) <> (energy_idle_kwh > 0)") == 0
    assert _count(desk, "SELECT 1 FROM machine_day_report WHERE peak_kw * 24 < energy_kwh") == 0
    assert _count(desk, "SELECT 1 FROM machine_day_report WHERE parts > 0 AND executing_seconds = 0") == 0
    assert _count(desk, "SELECT 1 FROM machine_day_report WHERE (fault_starts > 0) <> (fault_seconds > 0)") == 0


def test_only_wholly_silent_days_say_nothing(desk: duckdb.DuckDBPyConnection) -> None:
    silent = _count(desk, "SELECT 1 FROM machine_day_report WHERE unknown_seconds = 86400")
    assert silent > 0
    for measure in ("energy_kwh", "peak_kw", "parts", "fault_starts"):
        question = f"SELECT 1 FROM machine_day_report WHERE {measure} IS NULL AND unknown_seconds = 86400"
        assert _count(desk, question) == silent
        assert _count(desk, f"SELECT 1 FROM machine_day_report WHERE {measure} IS NULL") == silent


def test_reports_run_without_a_hole_within_ownership(desk: duckdb.DuckDBPyConnection) -> None:
    """From the day on which a firm's gateway is connected; of the last weeks some reports are still on their way."""
    owned = """
        SELECT machine_uid, obligor_id, CAST(min(event_time) + INTERVAL 8 HOUR AS DATE) AS first_day,
               CAST(max(coalesce(owned_until, TIMESTAMPTZ '2026-06-30 16:00:00')) + INTERVAL 8 HOUR AS DATE) AS until_day
        FROM machine_ownership GROUP BY ALL"""
    early = "SELECT machine_uid, day FROM machine_day_report WHERE day < DATE '2026-05-01'"
    spans = f"""
        SELECT o.machine_uid, o.obligor_id, count(*) AS days, date_diff('day', min(day), max(day)) + 1 AS span
        FROM ({early}) r JOIN ({owned}) o
          ON r.machine_uid = o.machine_uid AND r.day >= first_day AND r.day < until_day
        GROUP BY o.machine_uid, o.obligor_id"""
    assert _count(desk, spans) > 150
    assert _count(desk, f"SELECT 1 FROM ({spans}) WHERE days <> span") == 0
    # and nobody reports a machine that it does not own
    assert (
        _count(desk, f"SELECT 1 FROM (SELECT sum(days) AS days FROM ({spans})) WHERE days = {_count(desk, early)}") == 1
    )


def test_machines_of_a_defaulted_firm_fall_silent_within_two_months(desk: duckdb.DuckDBPyConnection) -> None:
    last = """
        SELECT d.event_time, max(r.day) AS day
        FROM true_default d JOIN machine_day_report r ON starts_with(r.machine_uid, d.obligor_id) GROUP BY ALL"""
    assert _count(desk, last) > 0
    late = f"SELECT 1 FROM ({last}) WHERE day >= CAST(event_time + INTERVAL 8 HOUR AS DATE) + 60"
    assert _count(desk, late) == 0
    early = (
        f"SELECT 1 FROM ({last}) WHERE day < least(CAST(event_time + INTERVAL 8 HOUR AS DATE) + 59, DATE '2026-06-30')"
    )
    assert _count(desk, early) == 0


def test_a_lender_learns_of_a_default_thirty_days_later(desk: duckdb.DuckDBPyConnection) -> None:
    assert _count(desk, "SELECT 1 FROM default_event") > 0
    wrong = "SELECT 1 FROM default_event WHERE date_diff('day', event_time, recorded_time) <> 30"
    assert _count(desk, wrong) == 0
    after = (
        """SELECT 1 FROM purchase_order o JOIN true_default d USING (obligor_id) WHERE o.event_time > d.event_time"""
    )
    assert _count(desk, after) == 0


def test_no_order_is_delivered_twice_or_before_it_came(desk: duckdb.DuckDBPyConnection) -> None:
    delivered = """
        SELECT o.order_id, o.parts AS ordered, sum(d.parts) AS sent, sum(d.amount_minor) AS billed,
               any_value(o.amount_minor) AS worth, min(d.event_time) AS first, any_value(o.event_time) AS came
        FROM delivery d JOIN purchase_order o USING (obligor_id, order_id) GROUP BY o.obligor_id, o.order_id, o.parts"""
    assert _count(desk, delivered) > 0
    assert _count(desk, f"SELECT 1 FROM ({delivered}) WHERE sent > ordered OR first < came") == 0
    assert _count(desk, f"SELECT 1 FROM ({delivered}) WHERE sent * worth <> billed * ordered") == 0
    orphans = "SELECT 1 FROM delivery ANTI JOIN purchase_order USING (obligor_id, order_id)"
    assert _count(desk, orphans) == 0


def test_no_more_is_delivered_than_was_made_and_in_stock(desk: duckdb.DuckDBPyConnection) -> None:
    made = """
        SELECT split_part(machine_uid, '/', 1) AS obligor_id, month, sum(parts_made) AS parts
        FROM true_machine_month GROUP BY ALL"""
    sent = """
        SELECT obligor_id, CAST(date_trunc('month', event_time + INTERVAL 8 HOUR) AS DATE) AS month, sum(parts) AS parts
        FROM delivery GROUP BY ALL"""
    balance = f"""
        SELECT sum(coalesce(m.parts, 0)) OVER life + t.opening_stock_parts - sum(coalesce(s.parts, 0)) OVER life AS stock
        FROM ({made}) m LEFT JOIN ({sent}) s USING (obligor_id, month) JOIN true_obligor t USING (obligor_id)
        WINDOW life AS (PARTITION BY obligor_id ORDER BY month)"""
    assert _count(desk, balance) > 500
    assert _count(desk, f"SELECT 1 FROM ({balance}) WHERE stock < 0") == 0


def test_reports_count_no_more_parts_than_were_made(desk: duckdb.DuckDBPyConnection) -> None:
    question = """
        SELECT 1 FROM (
          SELECT machine_uid, CAST(date_trunc('month', day) AS DATE) AS month, sum(parts) AS told
          FROM machine_day_report GROUP BY ALL
        ) JOIN true_machine_month USING (machine_uid, month) WHERE told > parts_made"""
    assert _count(desk, question) == 0
    (told, made) = desk.execute(
        "SELECT (SELECT sum(parts) FROM machine_day_report), (SELECT sum(parts_made) FROM true_machine_month)"
    ).fetchone() or (0, 0)
    assert 0.9 < told / made < 1.0


def test_a_claim_is_of_a_policy_in_force_and_below_its_sum(desk: duckdb.DuckDBPyConnection) -> None:
    joined = """
        SELECT c.*, p.event_time AS begins, p.expires_time, p.sum_insured_minor, p.deductible_minor
        FROM insurance_claim c JOIN insurance_policy p USING (obligor_id, policy_id, machine_uid)"""
    assert _count(desk, joined) == _count(desk, "SELECT 1 FROM insurance_claim")
    assert _count(desk, f"SELECT 1 FROM ({joined}) WHERE event_time < begins OR event_time >= expires_time") == 0
    most = "amount_minor > sum_insured_minor - deductible_minor OR amount_minor <= 0"
    assert _count(desk, f"SELECT 1 FROM ({joined}) WHERE {most}") == 0
    ended = "SELECT 1 FROM insurance_policy WHERE date_diff('day', event_time, expires_time) < 365"
    sold = "machine_ownership o WHERE o.machine_uid = p.machine_uid AND o.obligor_id = p.obligor_id"
    unsold = "SELECT 1 FROM insurance_policy p WHERE date_diff('day', event_time, expires_time) < 365 AND NOT EXISTS ("
    assert _count(desk, ended) > 0
    assert _count(desk, f"{unsold}SELECT 1 FROM {sold} AND o.owned_until = p.expires_time)") == 0


def test_policies_of_a_machine_follow_each_other_without_a_hole(desk: duckdb.DuckDBPyConnection) -> None:
    question = """
        SELECT expires_time, lead(event_time) OVER (PARTITION BY machine_uid, obligor_id ORDER BY event_time) AS next
        FROM insurance_policy QUALIFY next IS NOT NULL"""
    assert _count(desk, question) > 0
    assert _count(desk, f"SELECT 1 FROM ({question}) WHERE next <> expires_time") == 0
