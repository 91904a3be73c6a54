"""The page `docs/one-row.md`: one real row from the CSV to the reason that it moved.

`python -m benchmarks.one_row --home .millgrade/demo` prints the page (it needs the demonstration's premium model and MILLGRADE_DATA); `--write` stores it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from api.database.engine import unit_of_work
from api.demo import REAL_MAPPING, REAL_OBLIGOR, SUM_INSURED_MINOR
from api.home import Home, open_home
from api.instants import parse_instant
from api.machines.service import machine_days
from api.models.service import promoted_insurance, scoring_parameters
from api.snapshots.service import reader, take_snapshot
from api.telemetry.service import ingest_file
from benchmarks.real_data import real_data
from benchmarks.real_sme import AS_OF, SOURCE
from data_contracts.identifiers import MachineUid
from data_contracts.mapping import load_mapping
from features.snapshot import FeatureSnapshot
from scoring.insurance.offers.equipment import equipment_quote
from scoring.records import InsuranceProduct, PremiumQuote, QuoteRequest

PAGE = Path(__file__).parent.parent / "docs" / "one-row.md"
MACHINE = f"{REAL_OBLIGOR}/1"
ALARM = "3.0"
HOLD_SECONDS = 600.0
LEAST_MOVE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that a file leads to."""

    rows: list[dict[str, Any]]
    days: list[dict[str, Any]]
    snapshot: FeatureSnapshot
    premium: PremiumQuote

    def contributions(self, uid: str) -> dict[str, float]:
        """Pull of each feature on the log of a machine's claim frequency."""
        (machine,) = (item for item in self.premium.machines if item.machine_uid == uid)
        return {item.feature: item.contribution for item in machine.contributions}

    def days_of(self, uid: str) -> dict[str, dict[str, Any]]:
        """A machine's days."""
        return {str(row["day"]): row for row in self.days if row["machine_uid"] == uid}


def main() -> None:
    """Follow the first alarm of the machine: with it, without it, and without all of its kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, default=Path(".millgrade/demo"))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    artefact = promoted_insurance(open_home(arguments.home))
    lines = real_data(SOURCE).read_text(encoding="utf-8").splitlines()
    alarms = [number for number, line in enumerate(lines) if is_alarm(line)]
    whole = follow(lines, artefact)
    alone = follow(without(lines, alarms[:1]), artefact)
    kin = follow(without(lines, alarms), artefact)
    text = page(lines, alarms, whole, alone, kin)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)


def is_alarm(line: str) -> bool:
    """Whether a line of the file is an alarm of the machine that is followed."""
    values = line.split(",")
    return values[1] == MACHINE.split("/")[1] and values[3] == ALARM


def without(lines: list[str], numbers: list[int]) -> list[str]:
    """The file without these lines."""
    left_out = set(numbers)
    return [line for number, line in enumerate(lines) if number not in left_out]


def largest_move(whole: Told, other: Told) -> float:
    """The largest change of a contribution of the machine."""
    pulls = other.contributions(MACHINE)
    return max(abs(value - pulls[name]) for name, value in whole.contributions(MACHINE).items())


def admitted(lines: list[str], folder: Path) -> tuple[Home, datetime]:
    """A home that has taken these lines in, and the local midnight after the last of them."""
    source, mapping = folder / "telemetry.csv", load_mapping(REAL_MAPPING)
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    home = open_home(folder / "home")
    ingest_file(home, source, mapping=mapping, obligor=REAL_OBLIGOR, received_time=datetime.now(UTC))
    return home, parse_instant(AS_OF, zone=mapping.site_zone)


def follow(lines: list[str], artefact: Any) -> Told:
    """Take a file all the way: intake, machine-days, snapshot, premium."""
    with tempfile.TemporaryDirectory() as folder:
        (home, as_of), now = admitted(lines, Path(folder)), datetime.now(UTC)
        with unit_of_work(home.engine) as connection:
            stored = reader(connection, home).rows("sample", as_of=as_of, obligor_ids=[REAL_OBLIGOR])
            days, _ = machine_days(connection, home, REAL_OBLIGOR, as_of=as_of, now=now)
            snapshot = take_snapshot(connection, home, REAL_OBLIGOR, as_of=as_of, now=now)
        home.engine.dispose()
    request = QuoteRequest(
        obligor_id=REAL_OBLIGOR,
        product=InsuranceProduct.EQUIPMENT_UBI,
        sum_insured_minor=SUM_INSURED_MINOR,
        currency="CNY",
        starts=date(2022, 9, 22),
        ends=date(2023, 9, 21),
        machines=(MachineUid(MACHINE),),
        as_of=as_of,
    )
    return Told(
        rows=stored.to_pylist(),
        days=days.table.to_pylist(),
        snapshot=snapshot,
        premium=equipment_quote(snapshot, request, artefact, scoring_parameters()),
    )


def page(lines: list[str], alarms: list[int], whole: Told, alone: Told, kin: Told) -> str:
    """The row's way, each step with and without it."""
    number = alarms[0]
    stamp = datetime.fromisoformat(lines[number].split(",")[0])
    rows = [row for row in whole.rows if row["machine_uid"] == MACHINE]
    stored = next(row for row in rows if row["event_time"] == stamp)
    following = min(row["event_time"] for row in rows if row["event_time"] > stamp)
    out = [
        *_said(lines, number, stored, following),
        "## 3. The roll-up puts it into a machine-day",
        "",
        "| day | measure | with the row | without it |",
        "|---|---|---:|---:|",
        *_changed_days(whole, alone),
        "",
        "## 4. The machine's features see it",
        "",
        "| feature | with the row | without it |",
        "|---|---:|---:|",
        *_changed_features(whole, alone),
        "",
        f"Snapshot with it `{whole.snapshot.snapshot_id[:16]}…`, without it `{alone.snapshot.snapshot_id[:16]}…`: a snapshot is named by its content.",
        "",
        "## 5. The premium model's contributions (log of claim frequency)",
        "",
        f"Trees are steps: without this one row the machine's contributions move by at most {largest_move(whole, alone):.6f}. It is one of {len(alarms)} alarms of its machine; without all of them:",
        "",
        "| feature | value | contribution | value without alarms | contribution |",
        "|---|---:|---:|---:|---:|",
        *_changed_contributions(whole, kin),
        "",
        "## 6. The reasons and the premium",
        "",
        "| reason: its figure (its pull) | as it is | without the row | without the machine's alarms |",
        "|---|---:|---:|---:|",
        *_reasons(whole, alone, kin),
        f"| gross premium, fen | {whole.premium.gross_premium_minor:,} | {alone.premium.gross_premium_minor:,} | {kin.premium.gross_premium_minor:,} |",
        f"| claims a year by the model, not charged | {_modelled(whole)} | {_modelled(alone)} | {_modelled(kin)} |",
        "",
        "Cover of this one machine, by the filed table of the model. A table is coarse: a reason's pull and the premium move where a figure passes from one of its bands to another, the model's rate beside it with every split of a tree. A figure that 21 days do not tell is in the dearest band. A loan on these 21 days is referred whatever the row says: the history is too short for the credit model.",
        "",
    ]
    return "\n".join(out)


def _modelled(told: Told) -> str:
    """What the model says beside the filed rate."""
    return f"{told.premium.filed.model_rate:.6f}"


def _said(lines: list[str], number: int, stored: dict[str, Any], following: datetime) -> list[str]:
    stamp = stored["event_time"]
    return [
        "# One row",
        "",
        "One real row (Atzeni et al., Sensors 23(13):6078, 2023) from the file to the reason that it moved. Printed by `python -m benchmarks.one_row`. The premium model is the demonstration's:",
        "**synthetic; effect sizes are inputs, not findings**. The row and the machine-days are real.",
        "",
        f"## 1. The file says (line {number + 1})",
        "",
        "```",
        lines[0],
        lines[number],
        "```",
        "",
        "## 2. Admission makes it an observation",
        "",
        "The mapping `unipi_sme` reads status 3 as OutOfService, `power_avg` as kW, `items` as parts of the interval, the stamp as UTC; what could be known when is `event_time` itself.",
        "",
        "```json",
        json.dumps(
            {
                key: str(value) if isinstance(value, datetime) else value
                for key, value in stored.items()
                if key != "profile_id"
            },
            indent=1,
        ),
        "```",
        "",
        f"It holds until the machine's next row ({following:%Y-%m-%d %H:%M:%S} UTC), at most {HOLD_SECONDS:.0f} s: "
        f"{min(HOLD_SECONDS, (following - stamp).total_seconds()):.0f} s.",
        "",
    ]


def _changed_days(whole: Told, alone: Told) -> list[str]:
    days, others = whole.days_of(MACHINE), alone.days_of(MACHINE)
    return [
        f"| {day} | `{measure}` | {value:,.6g} | {others[day][measure]:,.6g} |"
        for day, measures in days.items()
        for measure, value in measures.items()
        if isinstance(value, int | float) and value != others[day][measure]
    ]


def _changed_features(whole: Told, alone: Told) -> list[str]:
    seen, other = whole.snapshot.machines[MACHINE], alone.snapshot.machines[MACHINE]
    return [
        f"| `{name}` | {feature.value:.8g} | {other[name].value:.8g} |"
        for name, feature in seen.items()
        if feature.value is not None and feature.value != other[name].value
    ]


def _changed_contributions(whole: Told, kin: Told) -> list[str]:
    pulls, seen, other = kin.contributions(MACHINE), whole.snapshot.machines[MACHINE], kin.snapshot.machines[MACHINE]
    return [
        f"| `{name}` | {_figure(seen[name].value)} | {pull:+.6f} | {_figure(other[name].value)} | {pulls[name]:+.6f} |"
        for name, pull in whole.contributions(MACHINE).items()
        if abs(pull - pulls[name]) > LEAST_MOVE
    ]


def _reasons(*told: Told) -> list[str]:
    codes = dict.fromkeys(reason.code for one in told for reason in one.premium.reasons)
    named = [
        {reason.code: f"{_figure(reason.value)} ({reason.contribution:+.6f})" for reason in one.premium.reasons}
        for one in told
    ]
    return [f"| `{code}` | " + " | ".join(reasons.get(code, "not named") for reasons in named) + " |" for code in codes]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


if __name__ == "__main__":
    main()
