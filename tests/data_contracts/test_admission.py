"""Identity, repeats, conflicts and corrections (golden case 7), the account of rows, and what admission registers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from data_contracts.contract import RecordKind
from data_contracts.findings import Reason
from data_contracts.identifiers import ObligorId
from data_contracts.observations import tables

OTHER = ObligorId("91999999MA0000002R")
HEAD = "m,t,state,kw,parts\n"
INSTANT = pa.timestamp("us", tz="UTC")


def account(result: Any) -> tuple[int, int, int, int]:
    assert result.rows_read == result.rows_admitted + result.rows_duplicate + result.rows_quarantined
    return (result.rows_read, result.rows_admitted, result.rows_duplicate, result.rows_quarantined)


GOLDEN_7: list[tuple[str, list[str], list[tuple[int, int, int, int]], list[tuple[str, float]]]] = [
    # what                            batches (rows: minute kW, parted by spaces)  read, admitted, duplicate, quarantined   what stands
    ("twice in one batch",            ["00:10 00:10"],                             [(2, 1, 1, 0)],                          [("00", 10)]),
    ("twice in two batches",          ["00:10", "00:10"],                          [(1, 1, 0, 0), (1, 0, 1, 0)],            [("00", 10)]),
    ("a conflict in one batch",       ["00:10 00:11 05:9"],                        [(3, 1, 0, 2)],                          [("05", 9)]),
    ("three, one of them different",  ["00:10 00:11 00:10"],                       [(3, 0, 0, 3)],                          []),
    ("a correction",                  ["00:10", "00:11"],                          [(1, 1, 0, 0), (1, 1, 0, 0)],            [("00", 11)]),
    ("the old file sent again",       ["00:10", "00:11", "00:10"],                 [(1, 1, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0)], [("00", 11)]),
    ("a conflict after an admission", ["00:10", "00:10 00:11"],                    [(1, 1, 0, 0), (2, 0, 0, 2)],            [("00", 10)]),
    ("a correction of one of two",    ["00:10 05:9", "00:10 05:8"],                [(2, 2, 0, 0), (2, 1, 1, 0)],            [("00", 10), ("05", 8)]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "batches", "accounts", "stands"), GOLDEN_7, ids=[case[0] for case in GOLDEN_7])
def test_repeats_conflicts_and_corrections(
    door: Any, what: str, batches: list[str], accounts: list[tuple[int, int, int, int]], stands: list[tuple[str, float]]
) -> None:
    for batch, expected in zip(batches, accounts, strict=True):
        rows = (row.split(":") for row in batch.split())
        lines = "".join(f"m1,2026-05-04 08:{minute},2,{power},\n" for minute, power in rows)
        assert account(door.text(HEAD + lines)) == expected, what
    assert [(f"{row['event_time']:%M}", row["power_kw"]) for row in door.rows()] == stands


def test_rows_that_say_different_columns_do_not_disagree(door: Any) -> None:
    result = door.text(HEAD + "m1,2026-05-04 08:00,2,,\nm1,2026-05-04 08:00,,10,\nm1,2026-05-04 08:00,,,4\n")
    assert account(result) == (3, 3, 0, 0)
    (row,) = door.rows()
    assert (row["item_state"], row["power_kw"], row["part_delta"]) == ("Executing", 10, 4)
    # What was known at one time is stored as one row, so that reading need not choose.
    file = door.connection.execute(sa.select(tables.observation_file)).one()
    assert (file.rows, file.merges) == (1, False)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_row_that_says_no_more_than_others_is_a_repeat(door: Any, order: tuple[int, ...]) -> None:
    lines = ["m1,2026-05-04 08:00,2,10,\n", "m1,2026-05-04 08:00,2,,\n", "m1,2026-05-04 08:00,,10,4\n"]
    assert account(door.text(HEAD + "".join(lines[place] for place in order))) == (3, 2, 1, 0)
    (row,) = door.rows()
    assert (row["item_state"], row["power_kw"], row["part_delta"]) == ("Executing", 10, 4)


def test_a_conflict_in_one_column_spares_a_row_that_does_not_say_it(door: Any) -> None:
    lines = "m1,2026-05-04 08:00,2,10,\nm1,2026-05-04 08:00,2,11,\nm1,2026-05-04 08:00,,,4\n"
    result = door.text(HEAD + lines)
    assert account(result) == (3, 1, 0, 2)
    assert {(row.column, row.reason, row.value) for row in result.quarantined_examples} == {
        ("power_kw", Reason.CONFLICT, "10"),
        ("power_kw", Reason.CONFLICT, "11"),
    }
    (row,) = door.rows()
    assert (row["item_state"], row["part_delta"]) == (None, 4)


def test_a_re_sent_row_with_something_new_does_not_undo_a_correction(door: Any) -> None:
    door.text(HEAD + "m1,2026-05-04 08:00,2,10,\n")
    door.text(HEAD + "m1,2026-05-04 08:00,3,,\n")
    assert account(door.text(HEAD + "m1,2026-05-04 08:00,2,10,4\n")) == (1, 1, 0, 0)
    (row,) = door.rows()
    assert (row["item_state"], row["power_kw"], row["part_delta"]) == ("OutOfService", 10, 4)


def test_a_late_correction_is_seen_only_after_it_was_recorded(door: Any, mapping_with: Callable[..., Any]) -> None:
    live = mapping_with(recorded_time="now")
    door.received = datetime(2026, 5, 4, 1, tzinfo=UTC)
    door.text(HEAD + "m1,2026-05-04 08:05,2,10,\n", live)
    door.received = datetime(2026, 5, 5, 1, tzinfo=UTC)
    door.text(HEAD + "m1,2026-05-04 08:05,3,,\n", live)
    states = [
        [row["item_state"] for row in door.rows(as_of=as_of)]
        for as_of in (
            datetime(2026, 5, 4, 0, 59, tzinfo=UTC),
            datetime(2026, 5, 4, 1, tzinfo=UTC),
            datetime(2026, 5, 5, 0, 59, tzinfo=UTC),
            datetime(2026, 5, 5, 1, tzinfo=UTC),
        )
    ]
    assert states == [[], ["Executing"], ["Executing"], ["OutOfService"]]


def test_another_mapping_of_the_same_file_is_a_correction(door: Any, mapping_with: Callable[..., Any]) -> None:
    lines = HEAD + "m1,2026-05-04 08:00,2,10,\n"
    door.text(lines)
    assert account(door.text(lines, mapping_with(hold_seconds=300))) == (1, 1, 0, 0)
    assert account(door.text(lines)) == (1, 0, 1, 0)
    (row,) = door.rows()
    assert door.reader().profiles()[row["profile_id"]].hold_seconds == 300


def test_orders_are_corrected_under_their_number_even_at_another_time(door: Any, canonical: Callable[..., Any]) -> None:
    mapping = canonical(RecordKind.PURCHASE_ORDER)
    head = "obligor_id,order_id,buyer_id,event_time,parts,amount_minor,currency,due_date,recorded_time\n"
    first = "91999999MA0000001N,O1,B,2024-12-30T00:00:00Z,10,100000,CNY,2025-02-01,2024-12-30T00:00:00Z\n"
    later = "91999999MA0000001N,O1,B,2025-01-02T00:00:00Z,12,120000,CNY,2025-02-01,2025-01-03T00:00:00Z\n"
    assert account(door.text(head + first, mapping, obligor=None)) == (1, 1, 0, 0)
    assert account(door.text(head + later, mapping, obligor=None)) == (1, 1, 0, 0)
    assert account(door.text(head + first, mapping, obligor=None)) == (1, 0, 1, 0)
    kind = RecordKind.PURCHASE_ORDER
    assert [row["parts"] for row in door.rows(kind)] == [12]
    assert [row["parts"] for row in door.rows(kind, as_of=datetime(2025, 1, 1, tzinfo=UTC))] == [10]
    # The version that stands lies outside the span, so the order is not in it, though an older version was.
    assert door.rows(kind, event_until=datetime(2025, 1, 1, tzinfo=UTC)) == []
    conflict = door.text(head + first.replace("O1", "O2") + later.replace("O1", "O2"), mapping, obligor=None)
    assert account(conflict) == (2, 0, 0, 2)


def _report(**changes: Any) -> dict[str, Any]:
    day = datetime(2026, 5, 4).date()  # noqa: DTZ001 only its date is used
    columns: dict[str, Any] = {
        "machine_uid": ["91999999MA0000001N/m1"],
        "day": pa.array([day]),
        **{
            name: [seconds]
            for name, seconds in {
                "unknown_seconds": 0.0,
                "off_seconds": 40_000.0,
                "fault_seconds": 400.0,
                "maintenance_seconds": 0.0,
                "setup_seconds": 6_000.0,
                "executing_seconds": 30_000.0,
                "idle_seconds": 10_000.0,
            }.items()
        },
        "energy_kwh": [12.5],
        "energy_executing_kwh": [10.0],
        "energy_idle_kwh": [2.0],
        "energy_other_kwh": [0.5],
        "recorded_time": pa.array([datetime(2026, 5, 5, tzinfo=UTC)], INSTANT),
    }
    return {**columns, **changes}


REPORTS: list[tuple[str, dict[str, Any], str, tuple[str, Reason] | None]] = [
    # what                       changed columns                                            zone              fault
    ("a sound day",              {},                                                        "Asia/Shanghai", None),
    ("a second too many",        {"idle_seconds": [10_001.0]},                              "Asia/Shanghai", ("day", Reason.DAY_OVERFULL)),
    ("a shorter day is sound",   {"idle_seconds": [9_000.0]},                               "Asia/Shanghai", None),
    ("energy does not add up",   {"energy_other_kwh": [0.6]},                               "Asia/Shanghai", ("energy_kwh", Reason.SUM_DIFFERS)),
    ("energy by state unknown",  {"energy_other_kwh": pa.array([None], pa.float64())},      "Asia/Shanghai", None),
    ("an element missing",       {"fault_seconds": pa.array([None], pa.float64())},         "Asia/Shanghai", ("fault_seconds", Reason.MISSING)),
    ("a NaN",                    {"fault_seconds": [float("nan")]},                         "Asia/Shanghai", ("fault_seconds", Reason.NOT_FINITE)),
    ("half a fault",             {"fault_starts": [0.5]},                                   "Asia/Shanghai", ("fault_starts", Reason.NOT_WHOLE)),
    ("a day of 25 hours",        {"day": ["2025-10-26"], "idle_seconds": [13_600.0]},       "Europe/Rome",   None),
    ("a day of 23 hours",        {"day": ["2026-03-29"]},                                   "Europe/Rome",   ("day", Reason.DAY_OVERFULL)),
    ("no day",                   {"day": ["4 May"]},                                        "Asia/Shanghai", ("day", Reason.UNREADABLE_DATE)),
    ("a day to come",            {"day": ["2026-07-03"]},                                   "Asia/Shanghai", ("event_time", Reason.IN_FUTURE)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "changes", "zone", "fault"), REPORTS, ids=[case[0] for case in REPORTS])
def test_daily_reports(
    door: Any,
    canonical: Callable[..., Any],
    what: str,
    changes: dict[str, Any],
    zone: str,
    fault: tuple[str, Reason] | None,
) -> None:
    result = door.table(_report(**changes), canonical(RecordKind.MACHINE_DAY_REPORT, site_zone=zone))
    assert [(row.column, row.reason) for row in result.quarantined_examples] == ([] if fault is None else [fault])
    assert result.rows_admitted == (fault is None)


def test_a_report_bears_the_instant_at_which_its_day_begins(door: Any, canonical: Callable[..., Any]) -> None:
    door.table(_report(), canonical(RecordKind.MACHINE_DAY_REPORT))
    (row,) = door.rows(RecordKind.MACHINE_DAY_REPORT)
    assert row["event_time"] == datetime(2026, 5, 3, 16, tzinfo=UTC)


RECORDED: list[tuple[str, Any, str, Reason | None]] = [
    # rule                       mapping's recorded_time          stamp (UTC), received 12:00           fault
    ("live",                     "now",                           "2026-05-04T11:59:00Z",               None),
    ("a clock 4 minutes ahead",  "now",                           "2026-05-04T12:04:00Z",               None),
    ("a clock 6 minutes ahead",  "now",                           "2026-05-04T12:06:00Z",               Reason.IN_FUTURE),
    ("known two hours later",    {"lag_seconds": 7200},           "2026-05-04T09:00:00Z",               None),
    ("not known yet",            {"lag_seconds": 7200},           "2026-05-04T11:00:00Z",               Reason.RECORDED_IN_FUTURE),
    ("before it happened",       {"column": "parts"},             "2026-05-04T11:00:00Z",               Reason.RECORDED_BEFORE_EVENT),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rule", "stamp", "fault"), RECORDED, ids=[case[0] for case in RECORDED])
def test_what_could_be_known_when(
    door: Any, mapping_with: Callable[..., Any], what: str, rule: Any, stamp: str, fault: Reason | None
) -> None:
    door.received = datetime(2026, 5, 4, 12, tzinfo=UTC)
    columns = mapping_with().columns
    kept = {name: source.model_dump(exclude_none=True) for name, source in columns.items() if name != "part_delta"}
    mapping = mapping_with(recorded_time=rule, columns=kept)
    result = door.text(f"{HEAD}m1,{stamp},2,10,2026-05-04T10:00:00Z\n", mapping)
    assert [row.reason for row in result.quarantined_examples] == ([] if fault is None else [fault])


OBLIGORS: list[tuple[str, str, ObligorId | None, Reason | None]] = [
    # what                    obligor in the row        obligor of the call               fault
    ("as the row says",       "91999999MA0000001N",     None,                             None),
    ("both agree",            "91999999MA0000001N",     ObligorId("91999999MA0000001N"),  None),
    ("another's row",         "91999999MA0000002R",     ObligorId("91999999MA0000001N"),  Reason.OTHER_OBLIGOR),
    ("wrong check digit",     "91999999MA0000001P",     None,                             Reason.INVALID_OBLIGOR),
    ("too short",             "91999999MA",             None,                             Reason.INVALID_OBLIGOR),
    ("none",                  "",                       None,                             Reason.MISSING),
]  # fmt: skip


@pytest.mark.parametrize(("what", "code", "obligor", "fault"), OBLIGORS, ids=[case[0] for case in OBLIGORS])
def test_whose_rows_a_ledger_holds(
    door: Any, canonical: Callable[..., Any], what: str, code: str, obligor: ObligorId | None, fault: Reason | None
) -> None:
    line = f"{code},2026-05-04T00:00:00Z,days_past_due_90,1,2026-05-05T00:00:00Z\n"
    mapping = canonical(RecordKind.DEFAULT_EVENT)
    result = door.text("obligor_id,event_time,trigger,rule_version,recorded_time\n" + line, mapping, obligor=obligor)
    assert [row.reason for row in result.quarantined_examples] == ([] if fault is None else [fault])
    assert result.obligor_ids == ((code,) if fault is None else ())


MACHINES: list[tuple[str, str, ObligorId | None, str | Reason]] = [
    # what                        in the file                   obligor of the call               machine_uid
    ("a bare id",                 "m1",                         ObligorId("91999999MA0000001N"),  "91999999MA0000001N/m1"),
    ("a whole name",              "91999999MA0000001N/m1",      None,                             "91999999MA0000001N/m1"),
    ("bought second-hand",        "91999999MA0000002R/m1",      ObligorId("91999999MA0000001N"),  "91999999MA0000002R/m1"),
    ("a slash in the id",         "hall/m1",                    ObligorId("91999999MA0000001N"),  "91999999MA0000001N/hall/m1"),
    ("nobody's",                  "m1",                         None,                             Reason.NO_OBLIGOR),
]  # fmt: skip


@pytest.mark.parametrize(("what", "written", "obligor", "expected"), MACHINES, ids=[case[0] for case in MACHINES])
def test_machines_of_a_canonical_file(
    door: Any, canonical: Callable[..., Any], what: str, written: str, obligor: ObligorId | None, expected: str | Reason
) -> None:
    lines = f"machine_uid,event_time,power_kw,recorded_time\n{written},2026-05-04T00:00:00Z,1,2026-05-04T00:00:00Z\n"
    result = door.text(lines, canonical(RecordKind.SAMPLE), obligor=obligor)
    found = [row["machine_uid"] for row in door.rows()] + [row.reason for row in result.quarantined_examples]
    assert found == [expected]


def test_the_register_tells_the_whole_account(door: Any) -> None:
    lines = "m1,2026-05-04 08:00,2,10,\nm1,2026-05-04 08:00,2,10,\nm2,2026-05-05 08:00,9,10,\n"
    result = door.text(HEAD + lines)
    batch = door.connection.execute(sa.select(tables.batch)).one()
    assert (batch.batch_id, batch.sequence, batch.kind) == (result.batch_id, 1, "sample")
    assert (batch.rows_read, batch.rows_admitted, batch.rows_duplicate, batch.rows_quarantined) == (3, 1, 1, 1)
    assert batch.event_from == batch.event_until == batch.recorded_from == datetime(2026, 5, 4, tzinfo=UTC)
    assert (batch.backfilled, batch.data_origin, batch.received_time) == (True, "real", door.received)
    assert batch.merkle_root == result.merkle_root
    bad = door.connection.execute(sa.select(tables.quarantined_row)).one()
    assert (bad.row_number, bad.column, bad.value, bad.reason) == (3, "state", "9", "unknown_word")
    machine = door.connection.execute(sa.select(tables.observed_machine)).one()
    assert (machine.machine_uid, machine.obligor_id) == ("91999999MA0000001N/m1", "91999999MA0000001N")
    file = door.connection.execute(sa.select(tables.observation_file)).one()
    assert (file.kind, file.partition, file.rows, file.merges) == ("sample", "2026-05-04", 1, False)
    assert file.path == f"sample/2026-05-04/{file.bucket}/{file.sha256}.parquet"


def test_batch_ids_are_the_same_on_every_run(doors: Callable[[], Any]) -> None:
    lines = HEAD + "m1,2026-05-04 08:00,2,10,\n"
    first, second = doors(), doors()
    assert [first.text(lines).batch_id for _ in range(2)] == [second.text(lines).batch_id for _ in range(2)]
    assert first.text(lines).batch_id != second.text(lines + "\n").batch_id


def test_a_machine_is_known_from_its_earliest_record(door: Any) -> None:
    door.text(HEAD + "m1,2026-05-05 08:00,2,10,\n")
    door.text(HEAD + "m1,2026-05-04 08:00,2,10,\n")
    seen = door.connection.scalar(sa.select(tables.observed_machine.c.first_recorded_time))
    assert seen == datetime(2026, 5, 4, tzinfo=UTC)
    earlier = door.reader().machines(as_of=seen - timedelta(seconds=1))
    assert earlier.num_rows == 0


def test_progress_tells_the_steps(door: Any, mapping_with: Callable[..., Any]) -> None:
    from data_contracts.admission import STEPS, admit

    told: list[tuple[str, int, int]] = []
    admit(
        door.connection,
        door.store,
        door.file(HEAD + "m1,2026-05-04 08:00,2,10,\n"),
        mapping_with(),
        obligor=OTHER,
        received_time=door.received,
        progress=lambda *step: told.append(step),
    )
    assert told == [(step, number, len(STEPS)) for number, step in enumerate(STEPS)]
