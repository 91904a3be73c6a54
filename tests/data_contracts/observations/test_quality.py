"""The quality of samples by machine and day, worked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from front_door import NOW, OBLIGOR, Door, sample_mapping

from data_contracts.identifiers import MachineUid, ObligorId
from data_contracts.observations.quality import batch_accounts, repeated_rows_of, sampled_days

OTHER = ObligorId("91999999MA0000002R")
UID = MachineUid(f"{OBLIGOR}/m1")
SPRING = datetime(2026, 5, 1, tzinfo=UTC)
COUNTED = sample_mapping(
    columns={
        "machine": {"column": "m"},
        "event_time": {"column": "t"},
        "state": {"column": "state", "values": {"2": "Executing/Processing"}},
        "part_count": {"column": "count"},
    },
    recorded_time={"column": "r"},
)


def test_a_day_worked_by_hand(door: Door) -> None:
    """Hold 600 s. 08:00, 08:05, then silence until 09:00 (3,300 s, 2,700 beyond the hold), the last holds 600."""
    head = "m,t,state,count,r\n"
    rows = [
        ("2026-05-04 08:00", 100, "2026-05-04 08:00:10"),
        ("2026-05-04 08:05", 105, "2026-05-04 08:05:02"),
        ("2026-05-04 09:00", 3, "2026-05-04 09:10:00"),
    ]
    door.text(head + "".join(f"m1,{t},2,{count},{r}\n" for t, count, r in rows), COUNTED)
    (day,) = sampled_days(door.reader(), machine_uids=[UID], as_of=NOW, event_from=SPRING)
    assert (day.machine_uid, day.day, day.samples) == (UID, date(2026, 5, 4), 3)
    assert day.heard_seconds == 300 + 600 + 600
    assert (day.gaps, day.longest_gap_seconds) == (1, 2700)
    assert (day.least_lateness_seconds, day.usual_lateness_seconds, day.greatest_lateness_seconds) == (2, 10, 600)
    assert day.skew_seconds == 0
    assert day.counter_breaks == 1


def test_only_a_stamp_ahead_of_its_record_is_the_clocks(door: Door) -> None:
    """A day recorded four weeks late says nothing of a clock; one sample known 45 s before it happened does."""
    head = "m,t,state,count,r\n"
    door.text(head + "m1,2026-05-04 08:00,2,1,2026-06-01 08:00\nm1,2026-05-05 08:00,2,2,2026-05-05 07:59:15\n", COUNTED)
    late, ahead = sampled_days(door.reader(), machine_uids=[UID], as_of=NOW, event_from=SPRING)
    assert (late.least_lateness_seconds, late.skew_seconds) == (28 * 86400, 0)
    assert (ahead.least_lateness_seconds, ahead.skew_seconds) == (-45, 45)


def test_the_day_is_that_of_the_site(door: Door) -> None:
    door.text("m,t,state,kw,parts\nm1,2026-05-04 23:50,2,1,1\nm1,2026-05-05 00:10,2,1,1\n")
    days = sampled_days(door.reader(), machine_uids=[UID], as_of=NOW, event_from=SPRING)
    assert [(day.day, day.samples, day.gaps) for day in days] == [(date(2026, 5, 4), 1, 1), (date(2026, 5, 5), 1, 0)]


def test_what_was_not_known_yet_does_not_count(door: Door) -> None:
    door.text("m,t,state,kw,parts\nm1,2026-05-04 08:00,2,1,1\n")
    before = datetime(2026, 5, 3, tzinfo=UTC)
    assert sampled_days(door.reader(), machine_uids=[UID], as_of=before, event_from=SPRING) == []


def test_admissions_are_accounted_for(door: Door) -> None:
    text = "m,t,state,kw,parts\nm1,2026-05-04 08:00,2,1,1\nm1,2026-05-04 08:10,9,1,1\n"
    door.text(text)
    door.text(text)
    door.text("m,t,state,kw,parts\nm2,2026-05-04 08:00,2,1,1\n", obligor=OTHER)
    found = batch_accounts(door.connection, OBLIGOR, [UID], as_of=NOW, received_from=SPRING)
    assert [(row.rows_read, row.rows_admitted, row.rows_duplicate, row.rows_quarantined) for row in found] == [
        (2, 1, 0, 1),
        (2, 0, 1, 1),
    ]
    late = NOW + timedelta(seconds=1)
    assert batch_accounts(door.connection, OBLIGOR, [UID], as_of=late, received_from=late) == []


def test_duplicates_are_counted_by_machine_day_and_source(door: Door) -> None:
    """Two rows are sent again, one of them twice in its batch; what another source says of one day replaces it."""
    head = "m,t,state,kw,parts\n"
    monday, tuesday = "m1,2026-05-04 08:00,2,1,1\n", "m1,2026-05-05 08:00,2,1,1\n"
    door.text(head + monday + tuesday)
    door.text(head + monday + monday + tuesday)
    door.text(head + tuesday, sample_mapping(name="another", hold_seconds=300))
    asked = {"machine_uids": [UID], "event_from": SPRING}
    days = {(day.day.day, day.profile_id): day.samples for day in sampled_days(door.reader(), as_of=NOW, **asked)}
    repeats = repeated_rows_of(door.reader(), as_of=NOW, **asked)
    assert {(day.day, profile): rows for (_, day, profile), rows in repeats.items()} == {
        (4, first := next(profile for day, profile in days if day == 4)): 2,
        (5, first): 1,
    }
    assert list(days.values()) == [1, 1]
    assert (5, first) not in days
    accounts = batch_accounts(door.connection, OBLIGOR, [UID], as_of=NOW, received_from=SPRING)
    assert sum(repeats.values()) == sum(account.rows_duplicate for account in accounts) == 3
    assert repeated_rows_of(door.reader(), as_of=SPRING, **asked) == {}
    later = repeated_rows_of(door.reader(), machine_uids=[UID], as_of=NOW, event_from=datetime(2026, 5, 5, tzinfo=UTC))
    assert [day.day for _, day, _ in later] == [5]
