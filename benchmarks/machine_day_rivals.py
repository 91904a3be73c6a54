"""The machine-days of `benchmarks.minute_samples` by DuckDB and by Polars, shortened to what these samples need.

Both use what they know of these samples and the kernel does not: a row says state, mode and power together, one
hold fits all, no silence is longer than a day, clocks never change at the site, and the rows of a file come in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl

from benchmarks.minute_samples import HOLD_SECONDS, source
from data_contracts.vocabulary import Silence
from features.machine_day.days import MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND

OFFSET = 8 * MICROS_PER_HOUR
"""Asia/Shanghai is eight hours ahead of UTC, always."""

HOLD = HOLD_SECONDS * MICROS_PER_SECOND
SILENCE_MEANS_OFF = source(Silence.OFF).profile_id
MEASURES = (
    "executing_seconds",
    "idle_seconds",
    "fault_seconds",
    "off_seconds",
    "sampled_seconds",
    "energy_kwh",
    "energy_executing_kwh",
    "energy_idle_kwh",
    "energy_other_kwh",
    "peak_kw",
    "parts",
    "fault_starts",
    "state_changes",
    "first_sample",
    "last_sample",
)
GENERAL_MEASURES = (
    *MEASURES,
    "unknown_seconds",
    "maintenance_seconds",
    "setup_seconds",
    "powered_seconds",
    "observed_seconds",
    "coverage",
)
"""What the general queries give as well."""
KEYS = ("machine_uid", "day")

QUERY = f"""
with said as (
    select machine_uid, epoch_us(event_time) as t, item_state as s, power_kw, energy_register_kwh as r,
        part_count as c, part_delta, profile_id = '{SILENCE_MEANS_OFF}' as silent_is_off,
        lead(t) over following as n, lead(r) over following as next_r,
        lag(s) over following as last_s, lag(c) over following as last_c
    from read_parquet({{files}})
    window following as (partition by machine_uid order by event_time)
), cut as (
    select *, (t + {OFFSET}) // {MICROS_PER_DAY} as day, (day + 1) * {MICROS_PER_DAY} - {OFFSET} as midnight,
        least(coalesce(n, midnight), t + {HOLD}) as until, coalesce(n, until) as next_t,
        case when r is null then power_kw / {MICROS_PER_HOUR}.0
             else (case when next_r >= r then next_r - r else next_r end) / (n - t) end as rate,
        r is not null as metered
    from said
), pieces as (
    select machine_uid, day, s, silent_is_off, rate, metered, least(until, midnight) - t as held,
        greatest(least(next_t, midnight) - least(until, midnight), 0) as gap, power_kw, part_delta,
        case when c >= last_c then c - last_c else c end as counted, last_c is not null as counts,
        coalesce(s <> last_s, false) as changes, t
    from cut
    union all
    select machine_uid, day + 1, s, silent_is_off, rate, metered, greatest(until - midnight, 0),
        next_t - greatest(until, midnight), null, null, null, false, false, null
    from cut where next_t > midnight
), summed as (
    select machine_uid, day,
        sum(held) filter (s = 'Executing') / 1e6 as executing_seconds,
        sum(held) filter (s = 'NotExecuting') / 1e6 as idle_seconds,
        sum(held) filter (s = 'OutOfService') / 1e6 as fault_seconds,
        sum(if(s = 'NotAvailable', held, 0) + if(silent_is_off, gap, 0)) / 1e6 as off_seconds,
        sum(held) / 1e6 as sampled_seconds,
        sum(rate * held) filter (s = 'Executing') as energy_executing_kwh,
        sum(rate * held) filter (s = 'NotExecuting') as energy_idle_kwh,
        sum(rate * (if(s in ('Executing', 'NotExecuting'), 0, held) + if(metered, gap, 0))) as energy_other_kwh,
        max(power_kw) as peak_kw,
        coalesce(sum(part_delta), 0) + coalesce(sum(counted) filter (counts), 0) as parts,
        count(*) filter (changes and s = 'OutOfService') as fault_starts,
        count(*) filter (changes) as state_changes,
        min(t) as first_sample, max(t) as last_sample
    from pieces group by all
)
select machine_uid, day, * exclude (machine_uid, day),
    coalesce(energy_executing_kwh, 0) + coalesce(energy_idle_kwh, 0) + coalesce(energy_other_kwh, 0) as energy_kwh
from summed
"""


def by_duckdb(files: Sequence[Path], threads: int) -> pd.DataFrame:
    """Machine-days by window functions."""
    with duckdb.connect() as connection:
        connection.execute(f"set threads to {threads}")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        table = connection.sql(QUERY.format(files=[str(file) for file in files])).to_arrow_table()
    return comparable(table.to_pandas())


def by_polars(files: Sequence[Path]) -> pd.DataFrame:
    """Machine-days by expressions over each machine; the files, in order of their days, need no sorting."""
    own = _cut(pl.scan_parquet(list(files)))
    time, midnight = pl.col("t"), pl.col("midnight")
    held = (pl.min_horizontal("until", "midnight") - time).alias("held")
    gap = (pl.min_horizontal("next_t", "midnight") - pl.min_horizontal("until", "midnight")).clip(0).alias("gap")
    first = own.with_columns(held, gap)
    later = own.filter(pl.col("next_t") > midnight).select(
        "machine_uid",
        pl.col("day") + 1,
        "item_state",
        "silent_is_off",
        "rate",
        "metered",
        (pl.col("until") - midnight).clip(0).alias("held"),
        (pl.col("next_t") - pl.max_horizontal("until", "midnight")).alias("gap"),
    )
    days = pl.concat([_summed(first, whole=True), _summed(later, whole=False)], how="diagonal")
    total = days.group_by(KEYS).agg(
        pl.col(
            *(name for name in MEASURES if name not in {"energy_kwh", "peak_kw", "first_sample", "last_sample"})
        ).sum(),
        pl.col("peak_kw", "last_sample").max(),
        pl.col("first_sample").min(),
    )
    energy = pl.sum_horizontal("energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh").alias("energy_kwh")
    return comparable(total.with_columns(energy).collect().to_pandas())


def _cut(samples: pl.LazyFrame) -> pl.LazyFrame:
    time = pl.col("event_time").dt.epoch("us")
    ahead = {"n": time, "next_r": pl.col("energy_register_kwh")}
    behind = {"last_s": pl.col("item_state"), "last_c": pl.col("part_count")}
    said = samples.select(
        "machine_uid",
        "item_state",
        "power_kw",
        "part_count",
        "part_delta",
        "energy_register_kwh",
        time.alias("t"),
        (pl.col("profile_id") == SILENCE_MEANS_OFF).alias("silent_is_off"),
        *(column.shift(-1).over("machine_uid").alias(name) for name, column in ahead.items()),
        *(column.shift(1).over("machine_uid").alias(name) for name, column in behind.items()),
    )
    day = (pl.col("t") + OFFSET) // MICROS_PER_DAY
    register, next_register, count = pl.col("energy_register_kwh"), pl.col("next_r"), pl.col("part_count")
    gained = pl.when(next_register >= register).then(next_register - register).otherwise(next_register)
    counted = pl.when(count >= pl.col("last_c")).then(count - pl.col("last_c")).otherwise(count)
    return (
        said.with_columns(day.alias("day"), ((day + 1) * MICROS_PER_DAY - OFFSET).alias("midnight"))
        .with_columns(pl.min_horizontal(pl.coalesce("n", "midnight"), pl.col("t") + HOLD).alias("until"))
        .with_columns(
            pl.coalesce("n", "until").alias("next_t"),
            pl.when(register.is_null())
            .then(pl.col("power_kw") / MICROS_PER_HOUR)
            .otherwise(gained / (pl.col("n") - pl.col("t")))
            .alias("rate"),
            register.is_not_null().alias("metered"),
            pl.when(pl.col("last_c").is_not_null()).then(counted).alias("counted"),
            (pl.col("item_state") != pl.col("last_s")).fill_null(False).alias("changes"),
        )
    )


def _summed(pieces: pl.LazyFrame, *, whole: bool) -> pl.LazyFrame:
    state, held, gap, rate = pl.col("item_state"), pl.col("held"), pl.col("gap"), pl.col("rate")
    works = state.is_in(["Executing", "NotExecuting"])
    other = pl.when(works).then(0).otherwise(held) + pl.when(pl.col("metered")).then(gap).otherwise(0)
    sums = [
        held.filter(state == "Executing").sum().truediv(1e6).alias("executing_seconds"),
        held.filter(state == "NotExecuting").sum().truediv(1e6).alias("idle_seconds"),
        held.filter(state == "OutOfService").sum().truediv(1e6).alias("fault_seconds"),
        (held.filter(state == "NotAvailable").sum() + gap.filter("silent_is_off").sum())
        .truediv(1e6)
        .alias("off_seconds"),
        held.sum().truediv(1e6).alias("sampled_seconds"),
        (rate * held).filter(state == "Executing").sum().alias("energy_executing_kwh"),
        (rate * held).filter(state == "NotExecuting").sum().alias("energy_idle_kwh"),
        (rate * other).sum().alias("energy_other_kwh"),
    ]
    events = [
        pl.col("power_kw").max().alias("peak_kw"),
        (pl.col("part_delta").sum() + pl.col("counted").sum()).alias("parts"),
        (pl.col("changes") & (state == "OutOfService")).sum().alias("fault_starts"),
        pl.col("changes").sum().alias("state_changes"),
        pl.col("t").min().alias("first_sample"),
        pl.col("t").max().alias("last_sample"),
    ]
    return pieces.group_by(KEYS).agg(sums + events if whole else sums)


def comparable(days: pd.DataFrame, measures: Sequence[str] = MEASURES) -> pd.DataFrame:
    """The measures as floats by machine and day number, in order; what was never measured is 0."""
    keyed = days.assign(machine_uid=days["machine_uid"].astype(str), day=days["day"].astype("int64"))
    return keyed.set_index(list(KEYS)).sort_index()[list(measures)].astype("float64").fillna(0.0)
