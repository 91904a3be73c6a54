"""Types of machines by command, from the list of machines to a training set: what was told later counts for earlier
dates there, since it is no feature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from features.machine_types import MachineTypes, parse_machine_types

Run = Callable[..., Any]
FIRM = "91999999MA0000001N"
LOOM, PRESS = "A02280000", "A02050000"
FIRST, DAYS = date(2025, 1, 1), 120


def reports(path: Path) -> Path:
    """Half of each day at work, by two machines, known a day later."""
    head = "machine_uid,day,unknown_seconds,off_seconds,fault_seconds,maintenance_seconds,setup_seconds,executing_seconds,idle_seconds,recorded_time\n"
    days = [FIRST + timedelta(days=back) for back in range(DAYS)]
    rows = [
        f"{FIRM}/{machine},{day},0,43200,0,0,0,43200,0,{day + timedelta(days=1)}T00:00:00Z\n"
        for machine in ("M1", "M2")
        for day in days
    ]
    path.write_text(head + "".join(rows), encoding="utf-8")
    return path


def test_what_is_told_of_machines_stands_in_a_training_set(run: Run, tmp_path: Path) -> None:
    told = run("ingest", reports(tmp_path / "days.csv"), "--mapping", "canonical_machine_day_report", "--obligor", FIRM)
    assert told.exit_code == 0, told.err
    known = {"M1": ("2025-01-02", LOOM), "M2": ("2025-06-01", PRESS)}
    for machine, (recorded, code) in known.items():
        since = ("--from", FIRST, "--recorded", recorded)
        named = ("--machine", machine, "--obligor", FIRM, *since, "--machine-type", code)
        assert run("machine", "add", *named).exit_code == 0
    listed = run("machine", "list", "--json").answer["machines"]
    assert {row["machine_uid"]: row["machine_type"] for row in listed} == {f"{FIRM}/M1": LOOM, f"{FIRM}/M2": PRESS}
    out = tmp_path / "set.parquet"
    cells = {}
    for as_of in ("2025-05-15", "2025-06-02"):
        asked = ("--from", "2025-04-30", "--to", "2025-04-30", "--purpose", "credit", "--out", out, "--as-of", as_of)
        assert run("training-set", *asked, "--json").exit_code == 0
        (cells[as_of],) = pq.read_table(out)["machine_types"].to_pylist()
    assert parse_machine_types(cells["2025-05-15"]) == MachineTypes(machines={LOOM: 1}, untold=1)
    assert parse_machine_types(cells["2025-06-02"]) == MachineTypes(machines={LOOM: 1, PRESS: 1}, untold=0)
