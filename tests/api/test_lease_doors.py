"""The register of leased machines of a small simulated book from the command line, with a lease ledger and fixes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import simulator

Run = Callable[..., Any]

AS_OF = "2026-07-01"
LESSEE, FACILITY = "91999999MA0001001X", "FA-0001001-00002"
MACHINE = f"{LESSEE}/M01"
LEASES = f"""obligor_id,facility_id,machine_uid,event_time,rental_minor,residual_minor,currency,latitude_deg,longitude_deg,radius_m,recorded_time
{LESSEE},{FACILITY},{MACHINE},2025-03-24T10:00:00+08:00,162000,500000,CNY,31.30,120.60,300,2025-03-25T00:00:00+08:00
"""
FIXES = "machine_uid,event_time,latitude_deg,longitude_deg,recorded_time\n" + "".join(
    f"{MACHINE},2026-06-{day}T08:00:00+08:00,{latitude},120.60,2026-06-{day}T09:00:00+08:00\n"
    for day, latitude in ((20, 31.30), (21, 31.30), (26, 31.40), (27, 31.40), (28, 31.40))
)


@pytest.fixture
def book(tmp_path: Path, run: Run) -> Run:
    """Eight firms of nine months, in the test's home."""
    world = tmp_path / "world"
    simulator.simulate(out=world, obligors=8, months=9, seed=7)
    assert run("ingest", world).exit_code == 0
    return run


def lease(run: Run) -> dict[str, Any]:
    told = run("leases", LESSEE, "--as-of", AS_OF, "--json").answer
    (line,) = told["leases"]
    (total,) = told["totals"]
    assert (total["leases"], total["overdue_minor"]) == (1, line["overdue_minor"])
    assert told["data_origin"] == "synthetic"
    found: dict[str, Any] = line
    return found


def test_a_lease_ledger_brings_place_and_early_end(book: Run, tmp_path: Path) -> None:
    before = lease(book)
    assert (before["machine_uid"], before["financed_minor"], before["missing"]) == (MACHINE, 5_280_000, ["lease"])
    assert (before["early_end"], before["place"]["where"]) == (None, "no_place_agreed")
    assert 0 < before["worth"]["sale_value_minor"] < before["worth"]["value_minor"]

    for name, text in (("lease", LEASES), ("location", FIXES)):
        file = tmp_path / f"{name}.csv"
        file.write_text(text, encoding="utf-8")
        ran = book("ingest", file, "--mapping", f"canonical_{name}", "--obligor", LESSEE)
        assert ran.exit_code == 0, ran.err
    after, end = lease(book), lease(book)["early_end"]
    assert (after["missing"], after["place"]["where"]) == ([], "moved")
    assert after["place"]["moved"] == {"since": "2026-06-26", "days": 3, "farthest_m": pytest.approx(11_119.5, abs=1)}
    assert end["due_minor"] == (
        end["overdue_minor"] + end["rentals_today_minor"] + end["residual_today_minor"] - end["sale_value_minor"]
    )
    assert end["sale_value_minor"] == after["worth"]["sale_value_minor"] == before["worth"]["sale_value_minor"]
    left = after["instalments"] - after["instalments_due"]
    assert 0 < end["rentals_today_minor"] < left * 162_000
    shown = book("leases", LESSEE, "--as-of", AS_OF)
    assert shown.exit_code == 0
    assert f"{end['due_minor']}" in shown.out.replace(",", "")


def test_who_is_not_known_and_a_day_to_come_are_refused(book: Run) -> None:
    assert book("leases", "91999999MA0000001N", "--as-of", AS_OF).exit_code == 2
    assert book("leases", LESSEE, "--as-of", "2999-01-01").exit_code == 2
    told = book("leases", "91999999MA00010021", "--as-of", AS_OF, "--json").answer
    assert (told["leases"], told["totals"]) == ([], [])
