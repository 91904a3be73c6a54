"""Daily totals that a gateway computed itself, as machine-days; and what becomes of days that samples tell as
well."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.identifiers import ProfileId
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import ELEMENTS, DataOrigin, Silence
from features.machine_day.arrow import day_numbers, encoded, floats, micros, names_at, null_where, table_of
from features.machine_day.days import MICROS_PER_SECOND, Micros, days_around, to_micros
from features.machine_day.findings import (
    AFTER_AS_OF,
    OUTSIDE_OWNERSHIP,
    count_by_machine,
    left_out,
    reports_that_differ,
)
from features.machine_day.machine_days import (
    COVERAGE_SAMPLED,
    COVERAGE_SILENCE_MEANS_OFF,
    ENERGIES,
    ONLY_REPORTED,
    SCHEMA,
    SOURCE_REPORT,
    SPAN_SCHEMA,
    MachineDays,
    any_silence,
    any_synthetic,
    empty_machine_days,
)
from features.machine_day.ownership import FIRST_SAMPLE, FOREVER, Ownership, ownership_of, series_of
from features.machine_day.samples import Ints

_KNOWN = tuple(element for element in ELEMENTS if element != "unknown_seconds")
_MEASURES = (*ENERGIES, "peak_kw", "parts", "fault_starts", "state_changes", *ONLY_REPORTED)
_KEY_OF_MACHINE = 1 << 24

REPORT_COLUMNS = ("machine_uid", "day", "event_time", *_KNOWN, *_MEASURES, "profile_id")
"""What machine-days take from a report."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Reports that somebody owned, sorted by series and day, with what belongs to each."""

    reports: pa.Table
    ownership: Ownership
    series: Ints
    midnight: Micros
    ends: Micros
    profile: Ints
    sources: Sequence[SourceProfile]

    @property
    def starts(self) -> Micros:
        """Where the ownership of each row's series begins: as its row says, or with its first report."""
        first = np.flatnonzero(np.diff(self.series, prepend=-1))
        opened = np.repeat(self.midnight[first], np.diff(first, append=len(self.series)))
        stated = self.ownership.starts[self.series]
        return np.where(stated == FIRST_SAMPLE, opened, stated)

    @property
    def silence_means_off(self) -> NDArray[np.bool_]:
        """Whether the profile of each row says so."""
        return np.array([source.silence is Silence.OFF for source in self.sources], dtype=np.bool_)[self.profile]

    @property
    def synthetic(self) -> NDArray[np.bool_]:
        """Whether the profile of each row says so."""
        origins = [source.data_origin is DataOrigin.SYNTHETIC for source in self.sources]
        return np.array(origins, dtype=np.bool_)[self.profile]


def report_days(
    reports: pa.Table, *, profiles: Mapping[ProfileId, SourceProfile], machines: pa.Table, as_of: datetime
) -> MachineDays:
    """Machine-days of daily reports (columns as in the data contract).

    A report belongs to who owned the machine when its day began or, where nobody did, when it ended. What the
    elements leave open of the day within ownership is unknown. Where the profile's silence means off, none of the off
    time counts as sampled: the report does not say which of it was seen.
    """
    return owned_report_days(reports, profiles=profiles, ownership=ownership_of(machines), as_of=as_of)


def owned_report_days(
    reports: pa.Table, *, profiles: Mapping[ProfileId, SourceProfile], ownership: Ownership, as_of: datetime
) -> MachineDays:
    """The same within a known ownership."""
    if not reports.num_rows:
        return empty_machine_days()
    midnight = micros(reports["event_time"])
    words, profile = encoded(reports["profile_id"])
    sources = [profiles[ProfileId(word)] for word in words]
    ends = _day_ends(day_numbers(reports["day"]), midnight, profile, sources)
    series = _series(ownership, reports["machine_uid"], midnight, ends)
    late = ends > to_micros(as_of)  # a day that is not over cannot have been reported whole
    kept = np.flatnonzero((series >= 0) & ~late)
    order = kept[_order(series[kept], midnight[kept])]
    chosen = _Chosen(
        _in_order(reports, order),
        ownership,
        series[order].astype(np.int64),
        midnight[order],
        ends[order],
        profile[order],
        sources,
    )
    findings = [
        *left_out(OUTSIDE_OWNERSHIP, "reports", [count_by_machine(reports["machine_uid"], (series < 0) & ~late)]),
        *left_out(AFTER_AS_OF, "reports", [count_by_machine(reports["machine_uid"], late)]),
    ]
    return MachineDays(_table(chosen), _spans(chosen), tuple(findings))


def _series(ownership: Ownership, machine_uids: pa.ChunkedArray, midnights: Micros, ends: Micros) -> Ints:
    """The series of who owned the machine when each day began or, where nobody did, when it ended; -1 where nobody."""
    series = series_of(ownership, machine_uids, midnights).astype(np.int64)
    unowned = np.flatnonzero(series < 0)
    if len(unowned):
        series[unowned] = series_of(ownership, machine_uids.take(pa.array(unowned)), ends[unowned] - 1)
    return series


def reported_until(reports: pa.Table, profiles: Mapping[ProfileId, SourceProfile]) -> Micros:
    """Instant at which the day of each report ends: before, it cannot have been reported whole."""
    words, profile = encoded(reports["profile_id"])
    sources = [profiles[ProfileId(word)] for word in words]
    return _day_ends(day_numbers(reports["day"]), micros(reports["event_time"]), profile, sources)


def combine(samples: MachineDays, reports: MachineDays) -> MachineDays:
    """Machine-days of both. On a day on which a machine sent samples they stand, and a report that differs from them
    beyond rounding is a finding; on the other days the report stands. The two are never summed; what only a report
    tells (`ONLY_REPORTED`) is taken from it on both kinds of days."""
    findings = [*samples.findings, *reports.findings]
    if not reports.table.num_rows or not samples.table.num_rows:
        whole = samples if samples.table.num_rows else reports
        return MachineDays(whole.table, whole.spans, tuple(findings))
    both = pa.concat_tables([samples.table, reports.table])
    words, machine = encoded(both["machine_uid"])
    day = day_numbers(both["day"])
    sampled, reported = np.split(machine * _KEY_OF_MACHINE + day, [samples.table.num_rows])
    seen = samples.table["first_sample"].is_valid().to_numpy()
    keys, first, count = np.unique(sampled, return_index=True, return_counts=True)
    alone = (count == 1) & seen[first]  # a day in two hands has no one row to compare with
    _, twin, other = np.intersect1d(keys[alone], reported, return_indices=True)
    mine = first[alone][twin]
    findings += reports_that_differ(samples.table.take(pa.array(mine)), reports.table.take(pa.array(other)))
    stands = np.concatenate([seen | ~_among(sampled, reported), ~_among(reported, sampled[seen])])
    rank = np.argsort(np.argsort(np.array(words)))
    order = np.lexsort((day, rank[machine]))
    source = np.arange(both.num_rows)
    source[mine] = samples.table.num_rows + other
    chosen = order[stands[order]]
    table = _with_reported(both.take(pa.array(chosen)), both.take(pa.array(source[chosen])))
    return MachineDays(table, _joined_spans(samples.spans, reports.spans), tuple(findings))


def _order(series: Ints, midnights: Micros) -> Ints:
    """The places of rows by series and midnight: as they stand, as a rule, which is sooner seen than sorted."""
    onwards, later = np.diff(series), np.diff(midnights)
    stands = bool(((onwards > 0) | ((onwards == 0) & (later >= 0))).all())
    return np.arange(len(series)) if stands else np.lexsort((midnights, series))


def _in_order(reports: pa.Table, order: Ints) -> pa.Table:
    """The rows at these positions; the table itself where they are all of its rows as they stand."""
    stands = len(order) == reports.num_rows and bool((order == np.arange(len(order))).all())
    return reports if stands else reports.take(pa.array(order))


def _among(keys: Ints, others: Ints) -> NDArray[np.bool_]:
    """Whether each key is one of the others (a search: sets of this size are quicker sorted than hashed)."""
    if not len(others):
        return np.zeros(len(keys), dtype=np.bool_)
    ordered = np.sort(others)
    return np.asarray(ordered[np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)] == keys)


def _with_reported(table: pa.Table, reports: pa.Table) -> pa.Table:
    """The table with the columns that only reports tell from `reports`, row by row."""
    for name in ONLY_REPORTED:
        table = table.set_column(table.schema.get_field_index(name), SCHEMA.field(name), reports[name])
    return table


def _day_ends(days: Ints, midnights: Micros, profile: NDArray[np.int64], sources: Sequence[SourceProfile]) -> Micros:
    """Instant at which the local day of each report ends, at the site that its profile names."""
    ends = np.empty_like(midnights)
    zones = np.array([source.site_zone for source in sources])
    for zone in np.unique(zones):
        own = np.isin(profile, np.flatnonzero(zones == zone))
        if own.any():
            calendar = days_around(str(zone), int(midnights[own].min()), int(midnights[own].max()))
            ends[own] = calendar.ends(days[own])
    return ends


def _table(chosen: _Chosen) -> pa.Table:
    reports, series, silent = chosen.reports, chosen.series, chosen.silence_means_off
    begins, ends = np.maximum(chosen.midnight, chosen.starts), np.minimum(chosen.ends, chosen.ownership.ends[series])
    known = {name: floats(reports[name]) for name in _KNOWN}
    observed = functools.reduce(np.add, known.values())
    length = np.maximum((ends - begins) / MICROS_PER_SECOND, observed)
    columns: dict[str, Any] = {
        "machine_uid": names_at(chosen.ownership.machine_uids, series),
        "obligor_id": names_at(chosen.ownership.obligor_ids, series),
        "day": reports["day"],
        **known,
        "unknown_seconds": length - observed,
        "powered_seconds": observed - known["off_seconds"],
        "observed_seconds": observed,
        "sampled_seconds": np.where(silent, observed - known["off_seconds"], observed),
        "coverage": null_where(length == 0, observed / np.where(length == 0, 1.0, length)),
        "coverage_basis": names_at((COVERAGE_SAMPLED, COVERAGE_SILENCE_MEANS_OFF), silent.astype(np.int8)),
        **{name: reports[name] for name in _MEASURES},
        "first_sample": pa.nulls(len(series)),
        "last_sample": pa.nulls(len(series)),
        "source": pa.repeat(SOURCE_REPORT, len(series)),
    }
    return table_of(columns, SCHEMA)


def _spans(chosen: _Chosen) -> pa.Table:
    """One span for each series, at the site of its latest report."""
    first = np.flatnonzero(np.diff(chosen.series, prepend=-1))
    last = np.append(first, len(chosen.series))[1:] - 1
    own = chosen.series[first]
    ends = chosen.ownership.ends[own]
    off, synthetic = (
        np.logical_or.reduceat(bits, first) if len(first) else bits
        for bits in (chosen.silence_means_off, chosen.synthetic)
    )
    columns: dict[str, Any] = {
        "machine_uid": names_at(chosen.ownership.machine_uids, own),
        "obligor_id": names_at(chosen.ownership.obligor_ids, own),
        "starts": chosen.starts[first],
        "ends": null_where(ends == FOREVER, ends),
        "first_day": chosen.reports["day"].take(pa.array(first)),
        "site_zone": names_at([source.site_zone for source in chosen.sources], chosen.profile[last]),
        "coverage_basis": pa.array(np.where(off, COVERAGE_SILENCE_MEANS_OFF, COVERAGE_SAMPLED)),
        "data_origin": pa.array(np.where(synthetic, DataOrigin.SYNTHETIC.value, DataOrigin.REAL.value)),
    }
    return table_of(columns, SPAN_SCHEMA)


def _joined_spans(samples: pa.Table, reports: pa.Table) -> pa.Table:
    """Spans of both; one that both tell begins with the earlier, and lies where the samples say."""
    joined = {_interval(span): span for span in reports.to_pylist()}
    for span in samples.to_pylist():
        other = joined.get(_interval(span), span)
        joined[_interval(span)] = span | {
            "starts": min(span["starts"], other["starts"]),
            "first_day": min(span["first_day"], other["first_day"]),
            "coverage_basis": any_silence((span["coverage_basis"], other["coverage_basis"])),
            "data_origin": any_synthetic((span["data_origin"], other["data_origin"])).value,
        }
    rows = sorted(joined.values(), key=lambda span: (span["machine_uid"], span["starts"]))
    return pa.Table.from_pylist(rows, schema=SPAN_SCHEMA)


def _interval(span: Mapping[str, Any]) -> tuple[str, str, datetime | None]:
    """What tells the intervals of one ownership apart: no two of one machine end at the same time."""
    return span["machine_uid"], span["obligor_id"], span["ends"]
