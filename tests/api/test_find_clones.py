"""A machine pledged at two obligors is found by command, by its days and never by a name; later snapshots say so."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.database.engine import unit_of_work
from api.database.tables import partner, pledge
from api.errors import PledgeNotReviewed
from api.home import open_home
from api.pledges.service import PledgeRequest, confirm, reserve
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.supply_chain.pledges.items import ItemKind, MachineItem

A, B, C = OBLIGORS = ("91999999MA0000001N", "91999999MA0000002R", "91999999MA0000003W")
FIRST, DAYS = date(2025, 10, 1), 240
CLONED_FROM = 100
ELEMENTS = ("unknown", "off", "fault", "maintenance", "setup", "executing", "idle")
SWEEP, LATER = "2026-06-01", "2026-06-02"


def days_of(random: np.random.Generator) -> list[dict[str, float]]:
    """Days of work of a machine, each its own."""
    days = []
    for _ in range(DAYS):
        executing, idle, setup = (900.0 * random.integers(low, high) for low, high in ((24, 44), (2, 12), (0, 8)))
        seconds = dict.fromkeys((f"{name}_seconds" for name in ELEMENTS), 0.0)
        seconds |= {"executing_seconds": executing, "idle_seconds": idle, "setup_seconds": setup}
        seconds["off_seconds"] = 86_400.0 - executing - idle - setup
        kwh = round(executing / 360 * random.uniform(0.9, 1.1), 2)
        days.append(seconds | {"energy_kwh": kwh, "parts": float(random.integers(100, 900))})
    return days


def written(path: Path, owner: str, machines: dict[str, list[dict[str, float]]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        names = ("machine_uid", "day", "recorded_time", *next(iter(machines.values()))[0])
        rows = csv.DictWriter(file, names)
        rows.writeheader()
        for machine, days in machines.items():
            for number, told in enumerate(days):
                day = FIRST + timedelta(days=number)
                known = f"{day + timedelta(days=1)}T00:00:00+08:00"
                rows.writerow({"machine_uid": f"{owner}/{machine}", "day": day, "recorded_time": known, **told})
    return path


@pytest.fixture
def book(run: Any, tmp_path: Path) -> Any:
    """Three obligors with three machines each; C's last tells the days of A's first from `CLONED_FROM` on."""
    random = np.random.default_rng(5)
    told = {owner: {f"M{number}": days_of(random) for number in range(3)} for owner in OBLIGORS}
    told[C]["M2"][CLONED_FROM:] = told[A]["M0"][CLONED_FROM:]
    for owner, machines in told.items():
        path = written(tmp_path / f"{owner}.csv", owner, machines)
        ran = run("ingest", path, "--mapping", "canonical_machine_day_report", "--obligor", owner)
        assert ran.exit_code == 0, ran.err
    return run


def clones(book: Any, obligor: str, as_of: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    trust = book("features", "--obligor", obligor, "--as-of", as_of, "--json").answer["data_trust"]
    return [item for item in trust["findings"] if item["code"] == "cloned_between_obligors"], trust["checks"]


def test_a_clone_is_found_by_command_and_later_snapshots_say_so(book: Any) -> None:
    found, checks = clones(book, C, LATER)
    assert found == []
    assert "cloned_between_obligors" not in checks, "nobody has looked yet"
    sweep = book("find-clones", "--as-of", SWEEP, "--json").answer
    assert sweep["obligors"] == len(OBLIGORS)
    assert {(item["obligor_id"], item["machine_uid"]) for item in sweep["findings"]} == {
        (A, f"{A}/M0"),
        (C, f"{C}/M2"),
    }
    assert all(other not in str(item) for item in sweep["findings"] for other in set(OBLIGORS) - {item["obligor_id"]})
    (finding,), checks = clones(book, C, LATER)
    assert finding["severity"] == "severe"
    assert finding["since"] == str(FIRST + timedelta(days=CLONED_FROM))
    assert finding["evidence"]["same_days"] == DAYS - CLONED_FROM
    assert checks["cloned_between_obligors"] == "disagrees"
    assert clones(book, B, LATER)[1]["cloned_between_obligors"] == "agrees"


def test_a_sweep_is_of_its_instant_and_grows_old(book: Any) -> None:
    first = book("find-clones", "--as-of", SWEEP, "--json").answer
    assert book("find-clones", "--as-of", SWEEP, "--json").answer == first, "the home's key stays"
    assert clones(book, C, "2026-05-31")[0] == [], "nobody knew of it then"
    stale = datetime.fromisoformat(SWEEP) + timedelta(days=64)
    assert clones(book, C, f"{stale:%Y-%m-%d}")[0] == []
    before = book("find-clones", "--as-of", str(FIRST + timedelta(days=CLONED_FROM)), "--json").answer
    assert before["findings"] == []


def test_the_key_is_for_its_owner_and_whole(book: Any, home: Path) -> None:
    book("find-clones", "--as-of", SWEEP)
    key = home / "clones" / "fingerprints.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_bytes(b"short")
    ran = book("find-clones", "--as-of", SWEEP)
    assert ran.exit_code != 0
    assert "fingerprints.key holds 5 bytes" in ran.err


def test_a_machine_that_is_told_elsewhere_is_pledged_after_a_look_only(book: Any, home: Path) -> None:
    """By the fingerprints of its days: plate and name are new, and nothing else of it is pledged."""
    now = datetime(2026, 6, 3, tzinfo=UTC)
    with unit_of_work(open_home(home).engine) as connection:
        connection.execute(partner.insert().values(partner_id="bank", name="Bank", kind="bank", created_time=now))

    def pledged(machine: str) -> dict[str, Any]:
        item = MachineItem(maker="New", serial_number=machine, machine_uid=f"{C}/{machine}")
        request = PledgeRequest(obligor_id=ObligorId(C), kinds=[ItemKind.MACHINE], items=[item])
        here = open_home(home)
        with unit_of_work(here.engine) as connection:
            return reserve(connection, here, request, partner=PartnerId("bank"), livemode=False, now=now)

    assert pledged("M2")["items"][0]["likenesses"] == [], "nobody has looked yet"
    with unit_of_work(open_home(home).engine) as connection:
        connection.execute(pledge.update().values(ended_time=now, end_reason="released"))
    book("find-clones", "--as-of", SWEEP)
    assert pledged("M1")["items"][0]["likenesses"] == []
    told = pledged("M2")
    assert told["items"][0]["likenesses"] == ["same_days"]
    assert A not in str(told)
    with unit_of_work(open_home(home).engine) as connection:
        with pytest.raises(PledgeNotReviewed):
            confirm(connection, told["pledge_id"], review=None, now=now)
        assert confirm(connection, told["pledge_id"], review="seen: the plate is new", now=now)["status"] == "confirmed"
