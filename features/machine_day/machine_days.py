"""Machine-days: one row for each machine and local calendar day, in the words of `docs/machine-days.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.identifiers import MachineUid
from data_contracts.vocabulary import ELEMENTS, DataOrigin
from features.machine_day.arrow import rows_where
from features.trust import TrustFinding

COVERAGE_SAMPLED = "sampled"
COVERAGE_SILENCE_MEANS_OFF = "silence_means_off"
SOURCE_SAMPLES = "samples"
SOURCE_REPORT = "report"

ENERGIES = ("energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh")
"""kWh of a machine-day; null where the machine never said power or energy."""

ONLY_REPORTED = (
    "scrap_parts",
    "rework_parts",
    "tool_changes",
    "planned_seconds",
    "hour_meter_hours",
    "no_load_seconds",
    "low_power_factor_seconds",
    "load_entropy",
    "alarm_severity",
    "clock_jumps",
    "first_start_seconds",
)
"""What only a daily report tells, in the words of its data contract. Null where no report says it."""

_INSTANT = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        pa.field("machine_uid", pa.string(), nullable=False),
        pa.field("obligor_id", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        *(pa.field(element, pa.float64(), nullable=False) for element in ELEMENTS),
        pa.field("powered_seconds", pa.float64(), nullable=False),
        pa.field("observed_seconds", pa.float64(), nullable=False),
        pa.field("sampled_seconds", pa.float64(), nullable=False),
        pa.field("coverage", pa.float64()),
        pa.field("coverage_basis", pa.string(), nullable=False),
        *(pa.field(energy, pa.float64()) for energy in ENERGIES),
        pa.field("peak_kw", pa.float64()),
        pa.field("parts", pa.float64()),
        pa.field("fault_starts", pa.int64()),
        pa.field("state_changes", pa.int64()),
        *(pa.field(name, pa.float64()) for name in ONLY_REPORTED),
        pa.field("first_sample", _INSTANT),
        pa.field("last_sample", _INSTANT),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""Columns of `MachineDays.table`. `sampled_seconds` is the observed time that rests on what the machine said: without
the gaps that count as off only because the source's silence means off. `coverage` is null where the day within
ownership has no length."""

SPAN_SCHEMA = pa.schema(
    [
        pa.field("machine_uid", pa.string(), nullable=False),
        pa.field("obligor_id", pa.string(), nullable=False),
        pa.field("starts", _INSTANT, nullable=False),
        pa.field("ends", _INSTANT),
        pa.field("first_day", pa.date32(), nullable=False),
        pa.field("site_zone", pa.string(), nullable=False),
        pa.field("coverage_basis", pa.string(), nullable=False),
        pa.field("data_origin", pa.string(), nullable=False),
    ]
)
"""Columns of `MachineDays.spans`: `starts` and `ends` bound the ownership (null: still owned), `first_day` is the
local day of the first sample or report within it."""


@dataclass(frozen=True, slots=True)
class MachineDays:
    """Machine-days (`SCHEMA`, sorted by machine, obligor and day), the ownership spans they lie in (`SPAN_SCHEMA`),
    and what was found on the way."""

    table: pa.Table
    spans: pa.Table
    findings: Sequence[TrustFinding] = ()

    @property
    def machine_uids(self) -> list[MachineUid]:
        """The machines that anything is known of."""
        return [MachineUid(uid) for uid in self.spans["machine_uid"].unique().to_pylist()]

    def of_obligors(self, obligor_ids: Sequence[str]) -> MachineDays:
        """The part that concerns these obligors. Of the findings on a day, those on a day of theirs."""
        wanted = pa.array(list(obligor_ids), pa.string())
        concerned = pc.is_in(self.spans["obligor_id"], value_set=wanted)
        if pc.all(concerned).as_py():
            return self
        table = rows_where(self.table, pc.is_in(self.table["obligor_id"], value_set=wanted))
        spans = self.spans.filter(concerned)
        findings = self.findings
        if any(finding.since is not None for finding in findings):
            days = set(zip(table["machine_uid"].to_pylist(), table["day"].to_pylist(), strict=True))
            findings = tuple(item for item in findings if item.since is None or (item.machine_uid, item.since) in days)
        return MachineDays(table, spans, findings)


def any_silence(bases: Iterable[str]) -> str:
    """The coverage basis of several: silence means off for all as soon as it does for one."""
    return COVERAGE_SILENCE_MEANS_OFF if COVERAGE_SILENCE_MEANS_OFF in bases else COVERAGE_SAMPLED


def any_synthetic(origins: Iterable[str]) -> DataOrigin:
    """The origin of several: synthetic as soon as one is."""
    return DataOrigin.SYNTHETIC if DataOrigin.SYNTHETIC in origins else DataOrigin.REAL


def empty_machine_days() -> MachineDays:
    """No machine-day at all."""
    return MachineDays(table=SCHEMA.empty_table(), spans=SPAN_SCHEMA.empty_table())
