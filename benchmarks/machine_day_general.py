"""Machine-days by DuckDB and by Polars as who knows them well would write them for any samples, not for a benchmark's.

They follow `docs/machine-days.md` in every measure; of machines only the ownership is left out (none is stated here). Of
several versions of one instant each value is the latest known at `as_of`: rows that stand alone, which nearly all do,
need no more than a look at their neighbours for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd

from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import ItemState, OperationMode, Silence
from features.machine_day.days import MICROS_PER_SECOND

QUERY = Path(__file__).with_suffix(".sql")
QUARTER = 900 * MICROS_PER_SECOND
"""Days begin, and clocks change, at whole quarter-hours."""
VALUES = ("item_state", "operation_mode", "power_kw", "energy_register_kwh", "part_count", "part_delta", "profile_id")

LATEST = """
(
    with known as (
        select *, event_time = lead(event_time) over instants or event_time = lag(event_time) over instants as is_repeated
        from {source} where epoch_us(recorded_time) <= {as_of} and epoch_us(event_time) <= {as_of}
        window instants as (partition by machine_uid order by event_time)
    )
    select machine_uid, event_time, {values} from known where not coalesce(is_repeated, false)
    union all
    select machine_uid, event_time, {latest} from known where is_repeated group by machine_uid, event_time
)
"""
"""Rows of which each value is the latest known; those that stand alone pass by."""

ONLY = "(select machine_uid, event_time, {values} from {source} where epoch_us(event_time) <= {as_of})"
"""Rows of which the store says that each instant has one version."""


def by_duckdb_in_general(
    sources: Sequence[str], *, profiles: Mapping[str, SourceProfile], as_of: int, threads: int, has_versions: bool
) -> pd.DataFrame:
    """Machine-days of samples that lie in `sources` (what DuckDB reads from), machine by machine in one of them."""
    with duckdb.connect() as connection:
        connection.execute(f"set threads to {threads}")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        for name, words in (("item_state", ItemState), ("operation_mode", OperationMode)):
            connection.execute(f"create type {name} as enum ({', '.join(repr(word.value) for word in words)})")
        _tell_profiles(connection, profiles)
        parts = []
        for source in sources:
            _tell_calendar(connection, source)
            parts.append(connection.sql(_query(source, as_of, has_versions=has_versions)).df())
    return pd.concat(parts, ignore_index=True)


def _query(source: str, as_of: int, *, has_versions: bool) -> str:
    latest = ", ".join(f"arg_max({name}, recorded_time) as {name}" for name in VALUES)
    rows = (LATEST if has_versions else ONLY).format(
        source=source, as_of=as_of, values=", ".join(VALUES), latest=latest
    )
    return QUERY.read_text(encoding="utf-8").format(rows=rows, as_of=as_of)


def _tell_profiles(connection: duckdb.DuckDBPyConnection, profiles: Mapping[str, SourceProfile]) -> None:
    connection.execute(
        "create table profiles (profile_id varchar, hold bigint, off boolean, count_modulus double,"
        " register_modulus double, site_zone varchar)"
    )
    connection.executemany(
        "insert into profiles values (?, ?, ?, ?, ?, ?)",
        [
            (
                name,
                round((profile.hold_seconds or 0) * MICROS_PER_SECOND),
                profile.silence is Silence.OFF,
                profile.part_count_modulus,
                profile.energy_register_modulus_kwh,
                profile.site_zone,
            )
            for name, profile in profiles.items()
        ],
    )


def _tell_calendar(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """The local days of every zone around the samples, and the day of every quarter-hour."""
    connection.execute(
        f"""
        create or replace table quarters as
        with reach as (
            select epoch_us(min(event_time)) // {QUARTER} - 192 as low, epoch_us(max(event_time)) // {QUARTER} + 192 as high
            from {source}
        ), every as (
            select zone, unnest(range(low, high)) as quarter
            from reach, (select distinct site_zone as zone from profiles)
        ), local as (
            select *, timezone(zone, make_timestamptz(quarter * {QUARTER}))::date as date from every
        )
        select zone, quarter, date - date '1970-01-01' as day, epoch_us(timezone(zone, date::timestamp)) as begins,
            epoch_us(timezone(zone, (date + 1)::timestamp)) as ends
        from local
        """
    )
    connection.execute("create or replace table days as select distinct zone, day, begins, ends from quarters")
